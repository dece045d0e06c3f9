package identity

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"sync"

	"onsight/internal/arn"
	"onsight/internal/capability"
	"onsight/internal/store"
)

// Source is the level at which a profile is applied to somebody.
type Source string

// The levels, the most specific first. Only the first one that has a profile
// counts.
const (
	SourceNone    Source = ""
	SourceUser    Source = "user"
	SourceRole    Source = "role"
	SourceAccount Source = "account"
)

// A Profile is custom permissions as they bind a user.
type Profile struct {
	// Name is the profile's; empty where none applies.
	Name string
	// Account, Namespace, User and Role are of whom it binds.
	Account, Namespace, User, Role string
	// Capabilities are what it says.
	Capabilities capability.Profile
}

// bound is what one read tells of a user's profile.
type bound struct {
	Namespace    string `db:"namespace"`
	User         string `db:"user_name"`
	Role         string `db:"role"`
	Source       Source `db:"source"`
	Name         string `db:"name"`
	Capabilities string `db:"capabilities"`
	Governance   string `db:"governance"`
}

// boundColumns and boundJoins read users, u, with the profile that binds each.
const boundColumns = `SELECT u.namespace AS namespace, u.name AS user_name, u.role AS role,
		CASE WHEN u.custom_permissions IS NOT NULL THEN 'user' WHEN r.profile IS NOT NULL THEN 'role'
			WHEN a.profile IS NOT NULL THEN 'account' ELSE '' END AS source,
		COALESCE(p.name, '') AS name, COALESCE(p.capabilities, '') AS capabilities, COALESCE(p.governance, '') AS governance
	FROM `

const boundJoins = ` u
	LEFT JOIN role_custom_permissions r ON r.account = u.account AND r.namespace = u.namespace AND r.role = u.role
	LEFT JOIN account_custom_permissions a ON a.account = u.account
	LEFT JOIN custom_permissions p ON p.account = u.account AND p.name = COALESCE(u.custom_permissions, r.profile, a.profile)`

// boundByName reads one user, and boundByPrincipal those of a principal id, or
// of another that stands for it: two searches, for with IN, and so with ORDER BY,
// SQLite would walk through all users.
const (
	boundByName      = boundColumns + `users` + boundJoins + ` WHERE u.account = $1 AND u.namespace = $2 AND u.name = $3`
	boundByPrincipal = boundColumns + `(SELECT account, namespace, name, role, custom_permissions FROM users WHERE account = $1 AND principal_id = $2
		UNION ALL SELECT account, namespace, name, role, custom_permissions FROM users WHERE account = $1 AND principal_id = $3)` + boundJoins
)

// ProfileOf gives the profile that binds a user, and the level at which it is
// applied: to the user, else to the role, else to the account; levels are not
// added up. store.ErrNotFound where there is no such user.
func (s *Service) ProfileOf(tx *store.Tx, account, namespace, name string) (Profile, Source, error) {
	b, err := store.One[bound](tx, boundByName, account, namespace, name)
	if err != nil {
		return Profile{}, SourceNone, err
	}
	p, err := s.compiled(account, b)
	return p, b.Source, err
}

// A Binding is a profile with the level at which it is applied.
type Binding struct {
	Profile
	Source Source
}

// ProfilesOfCaller gives the profiles that bind the users as which an IAM
// principal is registered, in whichever namespace; those whom none binds are
// left out. id is what IAM calls the principal, AIDA… or AROA…, and session the
// name of a role's session.
//
// Somebody may have been registered before IAM had a principal of that name.
// The id is derived from the ARN then, and stands for it ever after.
func (s *Service) ProfilesOfCaller(tx *store.Tx, account, id, principalARN, session string) ([]Binding, error) {
	if len(id) < 4 {
		return nil, nil
	}
	derived := uniqueID(id[:4], principalARN)
	if session != "" {
		id, derived = id+":"+session, derived+":"+session
	}
	rows, err := store.All[bound](tx, boundByPrincipal, account, "federated/iam/"+id, "federated/iam/"+derived)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(rows, func(a, b bound) int {
		return cmp.Or(cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.User, b.User))
	})
	var all []Binding
	for _, b := range rows {
		if b.Source == SourceNone {
			continue
		}
		p, err := s.compiled(account, b)
		if err != nil {
			return nil, err
		}
		all = append(all, Binding{p, b.Source})
	}
	return all, nil
}

// ProfileOfUser gives the profile that binds the user of an ARN; nil for none,
// and for no such user.
func (s *Service) ProfileOfUser(tx *store.Tx, user arn.ARN) (*Binding, error) {
	namespace, name, ok := user.User()
	if !ok {
		return nil, nil //nolint:nilnil // nothing binds what is no user
	}
	p, source, err := s.ProfileOf(tx, user.Account, namespace, name)
	if errors.Is(err, store.ErrNotFound) || err == nil && source == SourceNone {
		return nil, nil //nolint:nilnil // see above
	}
	return &Binding{p, source}, err
}

// Level says to whom a profile is applied.
func (b Binding) Level() string {
	switch b.Source {
	case SourceUser:
		return "the user " + b.User + " in namespace " + b.Namespace
	case SourceRole:
		return "the role " + b.Role + " in namespace " + b.Namespace
	case SourceAccount:
		return "the account"
	case SourceNone:
	}
	return "nobody"
}

// compiled gives a profile with what it says, which is read once for each text.
func (s *Service) compiled(account string, b bound) (Profile, error) {
	p := Profile{Name: b.Name, Account: account, Namespace: b.Namespace, User: b.User, Role: b.Role}
	var err error
	p.Capabilities, err = s.profiles.read(b.Capabilities, b.Governance)
	if err != nil {
		return p, fmt.Errorf("custom permissions %s of %s: %w", b.Name, account, err)
	}
	return p, nil
}

// texts keeps profiles by their texts: whatever changes a profile changes its
// text, so nothing that is kept is ever old.
type texts struct {
	mu   sync.Mutex
	kept map[[2]string]capability.Profile
}

// maxTexts is how many profiles are kept: more than accounts have, and a few
// megabytes.
const maxTexts = 1000

func (t *texts) read(capabilities, governance string) (capability.Profile, error) {
	key := [2]string{capabilities, governance}
	t.mu.Lock()
	p, ok := t.kept[key]
	t.mu.Unlock()
	if ok {
		return p, nil
	}
	p, err := capability.Read(capabilities, governance)
	if err != nil {
		return p, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.kept == nil || len(t.kept) >= maxTexts {
		t.kept = make(map[[2]string]capability.Profile)
	}
	t.kept[key] = p
	return p, nil
}

// Region gives the identity region of an account, which is part of the ARNs of
// its profiles; empty where it is not subscribed.
func (s *Service) Region(tx *store.Tx, account string) (string, error) {
	return s.accounts.IdentityRegion(tx, account)
}
