package resource

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"onsight/internal/store"
)

// A Holding is a resource of whichever kind, with what its permission list
// grants to one principal.
type Holding struct {
	Key
	ARN, Kind, Name string
	// Actions are the principal's; Owner says whether they make it an owner.
	Actions []string
	Owner   bool
}

type holding struct {
	Account string `db:"account"`
	Region  string `db:"region"`
	Kind    string `db:"kind"`
	ID      string `db:"id"`
	ARN     string `db:"arn"`
	Name    string `db:"name"`
	Actions string `db:"actions"`
	Owner   bool   `db:"owner"`
}

func (h holding) holding() (Holding, error) {
	out := Holding{Key: Key{Account: h.Account, Region: h.Region, ID: h.ID}, ARN: h.ARN, Kind: h.Kind, Name: h.Name, Owner: h.Owner}
	if err := json.Unmarshal([]byte(h.Actions), &out.Actions); err != nil {
		return out, fmt.Errorf("permissions of %s: %w", h.ARN, err)
	}
	return out, nil
}

// Owned reads up to limit of what a principal owns by permission lists, of
// whichever kind, whose ARN comes after the given one, in the order of ARNs.
func Owned(tx *store.Tx, principal, after string, limit int) ([]Holding, error) {
	rows, err := store.All[holding](tx, `SELECT r.account, r.region, r.kind, r.id, r.arn, r.name, p.actions, p.owner
		FROM resource_permissions p JOIN resources r ON r.arn = p.arn
		WHERE p.principal = $1 AND p.arn > $2 AND p.owner ORDER BY p.arn LIMIT $3`, principal, after, limit)
	if err != nil {
		return nil, err
	}
	all := make([]Holding, len(rows))
	for i, r := range rows {
		if all[i], err = r.holding(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Held reads what a principal holds of one resource; store.ErrNotFound when
// there is no such resource. Without an entry it holds no actions.
func Held(tx *store.Tx, resourceARN, principal string) (Holding, error) {
	row, err := store.One[holding](tx, `SELECT r.account, r.region, r.kind, r.id, r.arn, r.name,
			COALESCE(p.actions, '[]') AS actions, COALESCE(p.owner, $3) AS owner
		FROM resources r LEFT JOIN resource_permissions p ON p.arn = r.arn AND p.principal = $2 WHERE r.arn = $1`, resourceARN, principal, false)
	if err != nil {
		return Holding{}, err
	}
	return row.holding()
}

// HandOver gives another principal all that one holds of a resource, beside
// what the other holds already, and takes the one off the permission list.
func HandOver(tx *store.Tx, resourceARN, from, to string) error {
	entries := make([]entry, 2)
	for i, p := range []string{from, to} {
		e, err := store.One[entry](tx, `SELECT arn, principal, actions, owner, viewer FROM resource_permissions WHERE arn = $1 AND principal = $2`, resourceARN, p)
		if errors.Is(err, store.ErrNotFound) {
			e, err = entry{ARN: resourceARN, Principal: p, Actions: "[]"}, nil
		}
		if err != nil {
			return err
		}
		entries[i] = e
	}
	var given, had []string
	for i, list := range []*[]string{&given, &had} {
		if err := json.Unmarshal([]byte(entries[i].Actions), list); err != nil {
			return fmt.Errorf("permissions of %s: %w", resourceARN, err)
		}
	}
	all := slices.Concat(had, given)
	slices.Sort(all)
	names, err := json.Marshal(slices.Compact(all))
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`DELETE FROM resource_permissions WHERE arn = $1 AND principal IN ($2, $3)`, resourceARN, from, to); err != nil {
		return err
	}
	return store.Insert(tx, "resource_permissions", entry{
		ARN: resourceARN, Principal: to, Actions: string(names),
		Owner: entries[0].Owner || entries[1].Owner, Viewer: entries[0].Viewer || entries[1].Viewer,
	})
}

// A Place is where a walk over the resources of an account has come to.
type Place struct{ Region, Kind, ID string }

// A Found is a resource of whichever kind.
type Found struct {
	Key
	ARN, Kind, Name  string
	Created, Updated time.Time
	// Owners are how many owners its own permission list names.
	Owners int64
}

// Walk reads up to limit of an account's resources, of whichever kind, that
// come after a place, by region, kind and id.
func Walk(tx *store.Tx, account string, after Place, limit int) ([]Found, error) {
	type found struct {
		Region    string `db:"region"`
		Kind      string `db:"kind"`
		ID        string `db:"id"`
		ARN       string `db:"arn"`
		Name      string `db:"name"`
		CreatedUS int64  `db:"created_us"`
		UpdatedUS int64  `db:"updated_us"`
		Owners    int64  `db:"owners"`
	}
	rows, err := store.All[found](tx, walk, account, after.Region, after.Kind, after.ID, limit)
	if err != nil {
		return nil, err
	}
	all := make([]Found, len(rows))
	for i, r := range rows {
		all[i] = Found{
			Key: Key{Account: account, Region: r.Region, ID: r.ID}, ARN: r.ARN, Kind: r.Kind, Name: r.Name,
			Created: store.Time(r.CreatedUS), Updated: store.Time(r.UpdatedUS), Owners: r.Owners,
		}
	}
	return all, nil
}

const walk = `SELECT r.region, r.kind, r.id, r.arn, r.name, r.created_us, r.updated_us,
		(SELECT COUNT(*) FROM resource_permissions p WHERE p.arn = r.arn AND p.owner) AS owners
	FROM resources r WHERE r.account = $1 AND (r.region, r.kind, r.id) > ($2, $3, $4)
	ORDER BY r.region, r.kind, r.id LIMIT $5`
