package identity

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"onsight/internal/store"
)

// A Person is a user as those see it who administer many.
type Person struct {
	Namespace, Name, Email, Role, IdentityType string
	// Invited tells that an invitation waits for its answer.
	Invited bool
	// Created is when the user was registered. The other times are zero for
	// what never happened.
	Created, LastSignIn, LastUse, Deactivated, Reactivated, Warned time.Time
	// Profile is the custom permissions profile that has effect, and Level where
	// it was given: USER, ROLE or ACCOUNT. Both are empty where there is none.
	Profile, Level string
}

// A Walk says which people to go through.
type Walk struct {
	Account string
	// Namespace limits the walk to one; empty is all.
	Namespace string
	// Prefix is how names begin, letter by letter. It needs a Namespace.
	Prefix string
	// Group limits the walk to the members of a group. It needs a Namespace.
	Group string
	// AfterNamespace and AfterName are of the last one seen; empty at the beginning.
	AfterNamespace, AfterName string
	// Limit is how many to look at, at most.
	Limit int
}

type personRow struct {
	user
	LastUsedUS    *int64 `db:"last_used_us"`
	ReactivatedUS *int64 `db:"reactivated_us"`
	WarnedUS      *int64 `db:"warned_us"`
	LeftUS        *int64 `db:"left_us"`
}

const personColumns = `u.account, u.namespace, u.name, u.principal_id, u.email, u.role, u.identity_type, u.active, u.iam_arn, u.session_name,
	u.custom_permissions, u.login_type, u.login_url, u.login_id, u.created_us, u.last_sign_in_us, u.deactivated_us, u.directory_id,
	u.last_used_us, u.reactivated_us, u.warned_us`

// People goes through the users of an account by namespace and name. more says
// that there may be others after the last one.
func (s *Service) People(tx *store.Tx, w Walk) (people []Person, more bool, err error) {
	var rows []personRow
	switch {
	case w.Group != "":
		rows, err = store.All[personRow](tx, `SELECT `+wholeColumns+` FROM group_members m
			JOIN users u ON u.account = m.account AND u.namespace = m.namespace AND u.name = m.user_name
			WHERE m.account = $1 AND m.namespace = $2 AND m.group_name = $3 AND m.user_name > $4 ORDER BY m.user_name LIMIT $5`,
			w.Account, w.Namespace, w.Group, w.AfterName, w.Limit)
	case w.Namespace != "":
		rows, err = store.All[personRow](tx, `SELECT `+wholeColumns+` FROM users u
			WHERE u.account = $1 AND u.namespace = $2 AND u.name > $3 AND u.name >= $4 ORDER BY u.name LIMIT $5`,
			w.Account, w.Namespace, w.AfterName, w.Prefix, w.Limit)
	default:
		rows, err = store.All[personRow](tx, `SELECT `+wholeColumns+` FROM users u
			WHERE u.account = $1 AND (u.namespace, u.name) > ($2, $3) ORDER BY u.namespace, u.name LIMIT $4`,
			w.Account, w.AfterNamespace, w.AfterName, w.Limit)
	}
	if err != nil {
		return nil, false, err
	}
	more = len(rows) == w.Limit
	if w.Group == "" && w.Prefix != "" {
		if end := slices.IndexFunc(rows, func(r personRow) bool { return !strings.HasPrefix(r.Name, w.Prefix) }); end >= 0 {
			rows, more = rows[:end], false
		}
	}
	people = make([]Person, len(rows))
	for i := range rows {
		people[i] = rows[i].whole()
	}
	return people, more, inherit(tx, w.Account, people)
}

// Person gives one user; ResourceNotFoundException where there is none.
func (s *Service) Person(tx *store.Tx, account, namespace, name string) (Person, error) {
	rows, err := store.All[personRow](tx, `SELECT `+wholeColumns+` FROM users u WHERE u.account = $1 AND u.namespace = $2 AND u.name = $3`,
		account, namespace, name)
	if err == nil && len(rows) == 0 {
		err = noUser(account, namespace, name)
	}
	if err != nil {
		return Person{}, err
	}
	people := []Person{rows[0].whole()}
	err = inherit(tx, account, people)
	return people[0], err
}

// Administrators gives those who administer an account, whether they can act or not.
func (s *Service) Administrators(tx *store.Tx, account string) ([]Person, error) {
	keys, err := administrators(tx, account)
	if err != nil {
		return nil, err
	}
	people := make([]Person, len(keys))
	for i, k := range keys {
		if people[i], err = s.Person(tx, account, k.Namespace, k.Name); err != nil {
			return nil, err
		}
	}
	return people, nil
}

// A userKey tells the users of an account apart.
type userKey struct {
	Namespace string `db:"namespace"`
	Name      string `db:"name"`
}

// administratorKeys asks for what the index holds alone, or SQLite would not use it.
const administratorKeys = `SELECT namespace, name FROM users WHERE account = $1 AND role IN ('ADMIN', 'ADMIN_PRO')`

func administrators(tx *store.Tx, account string) ([]userKey, error) {
	keys, err := store.All[userKey](tx, administratorKeys, account)
	slices.SortFunc(keys, func(a, b userKey) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	return keys, err
}

func (r *personRow) person() Person {
	p := Person{
		Namespace: r.Namespace, Name: r.Name, Email: r.Email, Role: r.Role, IdentityType: r.IdentityType, Invited: !r.Active && r.DirectoryID == nil,
		Created: store.Time(r.CreatedUS), LastSignIn: at(r.LastSignInUS), LastUse: at(r.LastUsedUS),
		Deactivated: at(r.DeactivatedUS), Reactivated: at(r.ReactivatedUS), Warned: at(r.WarnedUS),
	}
	if r.CustomPermissions != nil {
		p.Profile, p.Level = *r.CustomPermissions, "USER"
	}
	return p
}

// inherit gives people without a profile of their own that of their role, or
// else that of the account.
func inherit(tx *store.Tx, account string, people []Person) error {
	if !slices.ContainsFunc(people, func(p Person) bool { return p.Profile == "" }) {
		return nil
	}
	type of struct{ namespace, role string }
	byRole := make(map[of]string)
	rows, err := store.All[struct {
		Namespace string `db:"namespace"`
		Role      string `db:"role"`
		Profile   string `db:"profile"`
	}](tx, `SELECT namespace, role, profile FROM role_custom_permissions WHERE account = $1`, account)
	if err != nil {
		return err
	}
	for _, r := range rows {
		byRole[of{r.Namespace, r.Role}] = r.Profile
	}
	whole, err := store.One[string](tx, `SELECT profile FROM account_custom_permissions WHERE account = $1`, account)
	if err != nil && !errors.Is(err, store.ErrNotFound) {
		return err
	}
	for i := range people {
		p := &people[i]
		switch profile := byRole[of{p.Namespace, p.Role}]; {
		case p.Profile != "":
		case profile != "":
			p.Profile, p.Level = profile, "ROLE"
		case whole != "":
			p.Profile, p.Level = whole, "ACCOUNT"
		}
	}
	return nil
}

// at is a time that may be absent.
func at(us *int64) time.Time {
	if us == nil {
		return time.Time{}
	}
	return store.Time(*us)
}

// GroupsOf gives the groups of the users of a namespace whose names are from
// first to last, by user.
func (s *Service) GroupsOf(tx *store.Tx, account, namespace, first, last string) (map[string][]string, error) {
	rows, err := store.All[struct {
		User  string `db:"user_name"`
		Group string `db:"group_name"`
	}](tx, `SELECT user_name, group_name FROM group_members
		WHERE account = $1 AND namespace = $2 AND user_name >= $3 AND user_name <= $4 ORDER BY user_name, group_name`,
		account, namespace, first, last)
	groups := make(map[string][]string)
	for _, r := range rows {
		groups[r.User] = append(groups[r.User], r.Group)
	}
	return groups, err
}
