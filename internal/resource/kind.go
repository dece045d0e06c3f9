package resource

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/store"
)

// Gone is the state of what is not there any more. A state that it may follow
// is one in which a resource can be deleted.
const Gone = "DELETED"

// States says which state may follow which; anything else is a
// ConflictException. The empty state is before a resource is there.
type States map[string][]string

// A Kind is one kind of resource, with documents of type T. It is a value: a
// package variable that nothing changes.
type Kind[T any] struct {
	// Name is the kind's name in ARNs, such as action-connector.
	Name string
	// Label is the kind's name in sentences, such as Action connector.
	Label string
	// Type is the kind's ExceptionResourceType; empty where the API has none.
	Type string
	// States of a kind that has no status are nil: everything is allowed.
	States States
	// Sharing says what its permission lists may hold.
	Sharing Sharing
}

// A Key says which resource of a kind.
type Key struct{ Account, Region, ID string }

// An Item is one resource.
type Item[T any] struct {
	Key
	// ARN is the resource's name for the world; Create forms it.
	ARN string
	// Name is what people call it.
	Name string
	// Type is what sort of its kind it is, where a kind has sorts.
	Type string
	// Status is one of the kind's States.
	Status string
	// Version counts the changes, from 1.
	Version int64
	// Created and Updated are kept to the microsecond.
	Created, Updated time.Time
	// Doc is the rest. It is stored in clear and holds no secrets.
	Doc T
}

// row is an Item as the table has it.
type row struct {
	Account   string `db:"account"`
	Region    string `db:"region"`
	Kind      string `db:"kind"`
	ID        string `db:"id"`
	ARN       string `db:"arn"`
	Name      string `db:"name"`
	NameKey   string `db:"name_key"`
	Type      string `db:"type"`
	Status    string `db:"status"`
	Version   int64  `db:"version"`
	CreatedUS int64  `db:"created_us"`
	UpdatedUS int64  `db:"updated_us"`
	Doc       string `db:"doc"`
}

const columns = `account, region, kind, id, arn, name, name_key, type, status, version, created_us, updated_us, doc`

// ARN forms the name of a resource of the kind.
func (k Kind[T]) ARN(key Key) string {
	return arn.QuickSight(key.Region, key.Account, k.Name+"/"+key.ID)
}

// Create adds a resource. It fills in the item's ARN, Version, Created and
// Updated. One that is there already is a ResourceExistsException.
func (k Kind[T]) Create(tx *store.Tx, it *Item[T], now time.Time) error {
	if !k.allows("", it.Status) {
		return fmt.Errorf("a %s does not begin as %s", k.Name, it.Status)
	}
	it.ARN, it.Version, it.Created, it.Updated = k.ARN(it.Key), 1, stored(now), stored(now)
	r, err := k.row(it)
	if err != nil {
		return err
	}
	err = store.Insert(tx, "resources", r)
	if store.Duplicate(err) {
		return fault.Exists(k.Type, "%s %s already exists.", k.Label, it.ID)
	}
	return err
}

// Get reads a resource. One that is not there is a ResourceNotFoundException.
func (k Kind[T]) Get(tx *store.Tx, key Key) (*Item[T], error) {
	r, err := store.One[row](tx, `SELECT `+columns+` FROM resources WHERE account = $1 AND region = $2 AND kind = $3 AND id = $4`,
		key.Account, key.Region, k.Name, key.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, k.missing(key.ID)
	}
	if err != nil {
		return nil, err
	}
	return k.item(r)
}

// Has says whether a resource is there.
func (k Kind[T]) Has(tx *store.Tx, key Key) (bool, error) {
	n, err := store.One[int64](tx, `SELECT COUNT(*) FROM resources WHERE account = $1 AND region = $2 AND kind = $3 AND id = $4`,
		key.Account, key.Region, k.Name, key.ID)
	return n > 0, err
}

// Mentioning gives the ARNs of up to ten resources of an account, in whichever
// region, whose document has a member of this name and text anywhere.
func (k Kind[T]) Mentioning(tx *store.Tx, account, member, text string) ([]string, error) {
	pair, err := json.Marshal(map[string]string{member: text})
	if err != nil {
		return nil, err
	}
	inner := strings.NewReplacer("!", "!!", "%", "!%", "_", "!_").Replace(string(pair[1 : len(pair)-1]))
	return store.All[string](tx, `SELECT arn FROM resources WHERE account = $1 AND kind = $2 AND doc LIKE $3 ESCAPE '!' ORDER BY arn LIMIT 10`,
		account, k.Name, "%"+inner+"%")
}

// All gives the resources of an account in whichever region: for what is done to
// them once, such as after they came from elsewhere.
func (k Kind[T]) All(tx *store.Tx, account string) ([]*Item[T], error) {
	return k.items(store.All[row](tx, `SELECT `+columns+` FROM resources WHERE account = $1 AND kind = $2 ORDER BY region, id`, account, k.Name))
}

// Update reads a resource, lets change alter its Name, Type, Status and Doc,
// and writes it back. A status that may not follow the one before is a
// ConflictException, and so is a change that another one overtook. An error
// from change is returned as it is.
func (k Kind[T]) Update(tx *store.Tx, key Key, now time.Time, change func(*Item[T]) error) (*Item[T], error) {
	it, err := k.Get(tx, key)
	if err != nil {
		return nil, err
	}
	before := *it
	if err := change(it); err != nil {
		return nil, err
	}
	if it.Status != before.Status && !k.allows(before.Status, it.Status) {
		return nil, k.Busy(&before)
	}
	it.Version, it.Updated = before.Version+1, stored(now)
	r, err := k.row(it)
	if err != nil {
		return nil, err
	}
	n, err := tx.Exec(`UPDATE resources
		SET name = $5, name_key = $6, type = $7, status = $9, version = $10, updated_us = $11, doc = $12
		WHERE account = $1 AND region = $2 AND kind = $3 AND id = $4 AND version = $8`,
		key.Account, key.Region, k.Name, key.ID, r.Name, r.NameKey, r.Type, before.Version, r.Status, r.Version, r.UpdatedUS, r.Doc)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, fault.Conflict("%s %s was changed by someone else at the same time.", k.Label, key.ID)
	}
	return it, nil
}

// Move gives an item another status. One that may not follow is a
// ConflictException; a status follows itself only where States say so.
func (k Kind[T]) Move(it *Item[T], status string) error {
	if !k.allows(it.Status, status) {
		return k.Busy(it)
	}
	it.Status = status
	return nil
}

// Delete removes a resource with its permission list and its secrets, and
// returns what it was. One whose status does not allow it is a
// ConflictException.
func (k Kind[T]) Delete(tx *store.Tx, key Key) (*Item[T], error) {
	it, err := k.Get(tx, key)
	if err != nil {
		return nil, err
	}
	if !k.allows(it.Status, Gone) {
		return nil, k.Busy(it)
	}
	for _, table := range owned {
		if _, err := tx.Exec(`DELETE FROM `+table+` WHERE arn = $1`, it.ARN); err != nil {
			return nil, err
		}
	}
	return it, nil
}

// owned are the tables with rows of a resource, by its ARN.
var owned = []string{"resource_permissions", "resource_secrets", "resources"}

// Busy is the ConflictException of a resource whose status does not allow what was asked.
func (k Kind[T]) Busy(it *Item[T]) error {
	return fault.Conflict("%s %s can't be changed while its status is %s.", k.Label, it.ID, it.Status)
}

func (k Kind[T]) missing(id string) error {
	return fault.NotFound(k.Type, "%s %s can't be found.", k.Label, id)
}

func (k Kind[T]) allows(from, to string) bool {
	return k.States == nil || slices.Contains(k.States[from], to)
}

func (k Kind[T]) row(it *Item[T]) (row, error) {
	doc, err := json.Marshal(it.Doc)
	if err != nil {
		return row{}, fmt.Errorf("document of %s: %w", it.ARN, err)
	}
	return row{
		Account: it.Account, Region: it.Region, Kind: k.Name, ID: it.ID, ARN: it.ARN,
		Name: it.Name, NameKey: strings.ToLower(it.Name), Type: it.Type, Status: it.Status, Version: it.Version,
		CreatedUS: store.Micros(it.Created), UpdatedUS: store.Micros(it.Updated), Doc: string(doc),
	}, nil
}

func (k Kind[T]) item(r row) (*Item[T], error) {
	it := &Item[T]{
		Key: Key{Account: r.Account, Region: r.Region, ID: r.ID}, ARN: r.ARN,
		Name: r.Name, Type: r.Type, Status: r.Status, Version: r.Version,
		Created: store.Time(r.CreatedUS), Updated: store.Time(r.UpdatedUS),
	}
	if err := json.Unmarshal([]byte(r.Doc), &it.Doc); err != nil {
		return nil, fmt.Errorf("document of %s: %w", r.ARN, err)
	}
	return it, nil
}

func (k Kind[T]) items(rows []row, err error) ([]*Item[T], error) {
	if err != nil {
		return nil, err
	}
	all := make([]*Item[T], len(rows))
	for i, r := range rows {
		if all[i], err = k.item(r); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// stored is a time as the table gives it back.
func stored(t time.Time) time.Time { return store.Time(store.Micros(t)) }
