package resource

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// maxEntries is how many principals the permission list of a resource may name.
const maxEntries = 100

// Sharing says what the permission lists of a kind may hold.
type Sharing struct {
	// Actions are the names that may be granted, with their prefix quicksight:.
	Actions []string
	// Owner and Viewer are the actions that make a principal an owner or a
	// viewer, as searches by principal understand it.
	Owner, Viewer string
	// Principals are the types of ARN that may be granted something, such as user.
	Principals []string
}

// Principals is what sharing asks of whoever keeps users and groups.
type Principals interface {
	// Exists says whether the principal of this ARN is there.
	Exists(tx *store.Tx, principal arn.ARN) (bool, error)
}

// Check refuses entries that no permission list of a resource of the account
// may hold. It looks at the request alone.
func (s Sharing) Check(account string, entries []qs.ResourcePermission) error {
	for _, e := range entries {
		p, err := arn.Parse(e.Principal)
		if err != nil {
			return fault.Invalid("Principal %s isn't valid: %v.", e.Principal, err)
		}
		kind, rest := p.Split()
		if !p.IsQuickSight() || p.Account != account || rest == "" || !slices.Contains(s.Principals, kind) {
			return fault.Invalid("Principal %s isn't valid: it must be the ARN of a %s of account %s.", e.Principal, strings.Join(s.Principals, " or "), account)
		}
		for _, a := range e.Actions {
			if !slices.Contains(s.Actions, a) {
				return fault.Invalid("Action %s isn't one of this resource. Its actions are %s.", a, strings.Join(s.Actions, ", "))
			}
		}
	}
	return nil
}

type entry struct {
	ARN       string `db:"arn"`
	Principal string `db:"principal"`
	Actions   string `db:"actions"`
	Owner     bool   `db:"owner"`
	Viewer    bool   `db:"viewer"`
}

// Permissions reads the permission list of a resource: by principal, the
// actions of each sorted.
func (k Kind[T]) Permissions(tx *store.Tx, resourceARN string) ([]qs.ResourcePermission, error) {
	rows, err := store.All[entry](tx, `SELECT arn, principal, actions, owner, viewer FROM resource_permissions
		WHERE arn = $1 ORDER BY principal`, resourceARN)
	if err != nil {
		return nil, err
	}
	list := make([]qs.ResourcePermission, len(rows))
	for i, r := range rows {
		list[i].Principal = r.Principal
		if err := json.Unmarshal([]byte(r.Actions), &list[i].Actions); err != nil {
			return nil, fmt.Errorf("permissions of %s: %w", resourceARN, err)
		}
	}
	return list, nil
}

// Granted gives what the permission list of a resource grants to each of some
// principals; those that it does not name are left out.
func Granted(tx *store.Tx, resourceARN string, principals ...string) (map[string][]string, error) {
	// A list is short, and a user may be in thousands of groups.
	rows, err := store.All[entry](tx, `SELECT arn, principal, actions, owner, viewer FROM resource_permissions WHERE arn = $1`, resourceARN)
	if err != nil {
		return nil, err
	}
	asked := make(map[string]bool, len(principals))
	for _, p := range principals {
		asked[p] = true
	}
	granted := map[string][]string{}
	for _, r := range rows {
		if !asked[r.Principal] {
			continue
		}
		var actions []string
		if err := json.Unmarshal([]byte(r.Actions), &actions); err != nil {
			return nil, fmt.Errorf("permissions of %s: %w", resourceARN, err)
		}
		granted[r.Principal] = actions
	}
	return granted, nil
}

// Owners gives the principals who own a resource by its permission list.
func Owners(tx *store.Tx, resourceARN string) ([]string, error) {
	return store.All[string](tx, `SELECT principal FROM resource_permissions WHERE arn = $1 AND owner ORDER BY principal`, resourceARN)
}

// Share takes the actions of revoke away and then adds those of grant, so that
// one call can turn an owner into a viewer. Both must have passed Check. A
// principal without actions leaves the list; whom revoke names needs not be on
// it. Whom grant names must be there, and the list must not grow past 100
// principals (LimitExceededException). It returns the list.
func (k Kind[T]) Share(tx *store.Tx, resourceARN string, revoke, grant []qs.ResourcePermission, who Principals) ([]qs.ResourcePermission, error) {
	before, err := k.Permissions(tx, resourceARN)
	if err != nil {
		return nil, err
	}
	list := make(map[string][]string, len(before))
	for _, e := range before {
		list[e.Principal] = e.Actions
	}
	changed := map[string]bool{}
	for _, e := range revoke {
		if actions, ok := list[e.Principal]; ok {
			list[e.Principal] = slices.DeleteFunc(slices.Clone(actions), func(a string) bool { return slices.Contains(e.Actions, a) })
			changed[e.Principal] = true
		}
	}
	for _, e := range grant {
		if err := known(tx, e.Principal, who); err != nil {
			return nil, err
		}
		actions := slices.Concat(list[e.Principal], e.Actions)
		slices.Sort(actions)
		list[e.Principal] = slices.Compact(actions)
		changed[e.Principal] = true
	}
	for principal := range changed {
		if err := k.write(tx, resourceARN, principal, list[principal]); err != nil {
			return nil, err
		}
	}
	after, err := k.Permissions(tx, resourceARN)
	if err == nil && len(after) > maxEntries {
		return nil, fault.Limit(k.Type, "The permission list of a resource holds at most %d principals.", maxEntries)
	}
	return after, err
}

func known(tx *store.Tx, principal string, who Principals) error {
	p, err := arn.Parse(principal)
	if err != nil {
		return err
	}
	ok, err := who.Exists(tx, p)
	if err == nil && !ok {
		return fault.Invalid("Principal %s can't be found.", principal)
	}
	return err
}

// write stores what a principal may do, or that it may do nothing.
func (k Kind[T]) write(tx *store.Tx, resourceARN, principal string, actions []string) error {
	if len(actions) == 0 {
		_, err := tx.Exec(`DELETE FROM resource_permissions WHERE arn = $1 AND principal = $2`, resourceARN, principal)
		return err
	}
	names, err := json.Marshal(actions)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`INSERT INTO resource_permissions (arn, principal, actions, owner, viewer) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (arn, principal) DO UPDATE SET actions = excluded.actions, owner = excluded.owner, viewer = excluded.viewer`,
		resourceARN, principal, string(names), slices.Contains(actions, k.Sharing.Owner), slices.Contains(actions, k.Sharing.Viewer))
	return err
}

// Forget takes a principal that is gone off every permission list, so that one
// who gets the same name later inherits nothing.
func Forget(tx *store.Tx, principal string) error {
	_, err := tx.Exec(`DELETE FROM resource_permissions WHERE principal = $1`, principal)
	return err
}
