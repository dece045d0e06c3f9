package identity

import (
	"errors"
	"fmt"

	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// A Federated is somebody whom IAM vouches for: the session of a role, an IAM
// user, or root.
type Federated struct {
	Account string
	// UserID is what IAM calls them, such as AROA…:session.
	UserID string
	// IAMARN is the ARN of the role or user; Session the name of a role's session.
	IAMARN, Session string
	// Issuer, without a scheme, and Subject are of the provider's token that
	// began the session; empty where none did.
	Issuer, Subject string
}

// ErrAmbiguous says that several users are the same person, and nothing tells
// which is meant.
var ErrAmbiguous = errors.New("identity: several users are the same person")

// Of finds the user of a federated identity: one who is linked to it at the
// provider and registered with the role, or else one who is registered with
// the role and the session's name. An empty namespace is the default one, or
// else the only one that has such a user. store.ErrNotFound where there is
// none.
func (s *Service) Of(tx *store.Tx, f Federated, namespace, defaultNamespace string) (Entrant, error) {
	if f.Subject != "" {
		issuers := []any{"https://" + f.Issuer, "https://" + f.Issuer + "/"}
		if f.Issuer == cognitoURL {
			issuers[0] = cognitoURL
		}
		rows, err := store.All[user](tx, `SELECT `+userColumns+` FROM users WHERE account = $1 AND login_id = $2 AND login_id IS NOT NULL
			AND login_url IN ($3, $4) ORDER BY namespace, name LIMIT 200`, append([]any{f.Account, f.Subject}, issuers...)...)
		if err != nil {
			return Entrant{}, err
		}
		// With another role it would be somebody else's rights.
		var linked []user
		for _, u := range rows {
			if value(u.IAMARN) == f.IAMARN {
				linked = append(linked, u)
			}
		}
		if u, err := choose(linked, namespace, defaultNamespace); !errors.Is(err, store.ErrNotFound) {
			return u, err
		}
	}
	if len(f.UserID) < 4 {
		return Entrant{}, store.ErrNotFound
	}
	derived := uniqueID(f.UserID[:4], f.IAMARN)
	if f.Session != "" {
		derived += ":" + f.Session
	}
	rows, err := store.All[user](tx, `SELECT `+userColumns+` FROM users WHERE account = $1 AND principal_id = $2
		UNION SELECT `+userColumns+` FROM users WHERE account = $1 AND principal_id = $3`,
		f.Account, "federated/iam/"+f.UserID, "federated/iam/"+derived)
	if err != nil {
		return Entrant{}, err
	}
	return choose(rows, namespace, defaultNamespace)
}

// choose picks the user of a namespace, or where none is named, that of the
// default namespace or the only one.
func choose(rows []user, namespace, defaultNamespace string) (Entrant, error) {
	var found []user
	for _, u := range rows {
		switch {
		case u.Namespace == namespace, namespace == "" && u.Namespace == defaultNamespace:
			return u.entrant(), nil
		case namespace == "":
			found = append(found, u)
		}
	}
	switch len(found) {
	case 0:
		return Entrant{}, store.ErrNotFound
	case 1:
		return found[0].entrant(), nil
	}
	return Entrant{}, ErrAmbiguous
}

func (u *user) entrant() Entrant {
	return Entrant{
		Account: u.Account, Namespace: u.Namespace, Name: u.Name, PrincipalID: u.PrincipalID, Email: u.Email, Role: u.Role,
		IdentityType: u.IdentityType, Active: u.mayAct(),
	}
}

// Provision makes the user of a federated identity who comes for the first time.
func (s *Service) Provision(tx *store.Tx, f Federated, namespace, email, role string) (Entrant, error) {
	u := user{
		Account: f.Account, Namespace: namespace, PrincipalID: "federated/iam/" + f.UserID, Email: email, Role: role,
		IdentityType: string(qs.IdentityTypeIAM), Active: true, IAMARN: &f.IAMARN, CreatedUS: store.Micros(s.now()),
	}
	if f.Session != "" {
		u.SessionName = &f.Session
	}
	var ok bool
	if u.Name, _, ok = iamName(f.IAMARN, u.SessionName); !ok { // a federated user, who has no principal of IAM
		a, err := arn.Parse(f.IAMARN)
		if err != nil {
			return Entrant{}, err
		}
		kind, name := a.Split()
		if kind != "federated-user" {
			return Entrant{}, fmt.Errorf("identity: %s can't be a user", f.IAMARN)
		}
		u.Name = name
	}
	if err := addUser(tx, u); err != nil {
		return Entrant{}, err
	}
	return u.entrant(), nil
}

// GroupsGiven makes a user a member of those groups among names that are there,
// on a provider's word, and of no other that the provider has given. Members
// whom an administrator has made stay.
func (s *Service) GroupsGiven(tx *store.Tx, account, namespace, name, provider string, names []string) error {
	there := make(map[string]bool, len(names))
	for _, group := range names {
		_, err := findGroup(tx, account, namespace, group)
		if f, ok := errors.AsType[*fault.Fault](err); ok && f.Code == "ResourceNotFoundException" {
			continue
		}
		if err != nil {
			return err
		}
		there[group] = true
	}
	before, err := store.All[string](tx, `SELECT group_name FROM group_members
		WHERE account = $1 AND namespace = $2 AND user_name = $3 AND given_by = $4`, account, namespace, name, provider)
	if err != nil {
		return err
	}
	for _, group := range before {
		if there[group] {
			delete(there, group)
			continue
		}
		if _, err := tx.Exec(`DELETE FROM group_members WHERE account = $1 AND namespace = $2 AND user_name = $3 AND group_name = $4 AND given_by = $5`,
			account, namespace, name, group, provider); err != nil {
			return err
		}
	}
	for group := range there {
		if _, err := tx.Exec(`INSERT INTO group_members (account, namespace, group_name, user_name, created_us, given_by) VALUES ($1, $2, $3, $4, $5, $6)
			ON CONFLICT DO NOTHING`, account, namespace, group, name, store.Micros(s.now()), provider); err != nil {
			return err
		}
	}
	return nil
}
