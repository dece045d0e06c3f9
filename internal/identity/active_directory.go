package identity

import (
	"errors"
	"fmt"

	"onsight/internal/qs"
	"onsight/internal/store"
)

// A DirectoryPerson is someone whom the account's Active Directory has, and
// whose groups give a role.
type DirectoryPerson struct {
	Account, Namespace string
	// Store is the namespace's part of principal ids, and ID the directory's own
	// of the person.
	Store, ID         string
	Name, Email, Role string
}

// An Arrival tells what became of a DirectoryPerson.
type Arrival struct {
	// User is the user's name here: the first one that the person had.
	User string
	// Made tells that the user is new, Back that the user was out before, and Was
	// the role before, where that has changed.
	Made, Back bool
	Was        string
}

// ErrNameTaken says that the name of someone who arrives is that of somebody
// else.
var ErrNameTaken = errors.New("identity: the name belongs to another person")

// Arrive brings a user in line with the directory, or makes one. Whom an
// administrator has put out of use stays so.
func (s *Service) Arrive(tx *store.Tx, d DirectoryPerson) (Arrival, error) {
	u, err := ofDirectory(tx, d.Account, d.Namespace, d.ID)
	if errors.Is(err, store.ErrNotFound) {
		// Somebody of the same name who has left is another person, and so are the
		// rights.
		n, err := store.One[int64](tx, `SELECT COUNT(*) FROM users WHERE account = $1 AND namespace = $2 AND name = $3`, d.Account, d.Namespace, d.Name)
		if err == nil && n > 0 {
			err = ErrNameTaken
		}
		if err != nil {
			return Arrival{}, err
		}
		return Arrival{User: d.Name, Made: true}, addUser(tx, user{
			Account: d.Account, Namespace: d.Namespace, Name: d.Name, PrincipalID: "user/" + d.Store + "/" + d.ID, Email: d.Email, Role: d.Role,
			IdentityType: string(qs.IdentityTypeQuicksight), Active: true, CreatedUS: store.Micros(s.now()), DirectoryID: &d.ID,
		})
	}
	if err != nil {
		return Arrival{}, err
	}
	a := Arrival{User: u.Name, Back: !u.Active}
	if u.Role != d.Role {
		a.Was = u.Role
	}
	if u.Active && u.Role == d.Role && u.Email == d.Email {
		return a, nil
	}
	_, err = tx.Exec(`UPDATE users SET active = $4, left_us = NULL, role = $5, email = $6 WHERE account = $1 AND namespace = $2 AND name = $3`,
		u.Account, u.Namespace, u.Name, true, d.Role, d.Email)
	return a, err
}

// Depart has a user whom the directory has out, or in no group with a role, not
// be active. What the user owns stays. ok is false where there was none, or one
// who was out already.
func (s *Service) Depart(tx *store.Tx, account, namespace, id string) (name string, ok bool, err error) {
	u, err := ofDirectory(tx, account, namespace, id)
	if errors.Is(err, store.ErrNotFound) || err == nil && !u.Active {
		return u.Name, false, nil
	}
	if err != nil {
		return "", false, err
	}
	_, err = tx.Exec(`UPDATE users SET active = $4, left_us = $5 WHERE account = $1 AND namespace = $2 AND name = $3`,
		account, namespace, u.Name, false, store.Micros(s.now()))
	return u.Name, err == nil, err
}

func ofDirectory(tx *store.Tx, account, namespace, id string) (user, error) {
	return store.One[user](tx, `SELECT `+userColumns+` FROM users WHERE account = $1 AND namespace = $2 AND directory_id = $3 AND directory_id IS NOT NULL`,
		account, namespace, id)
}

// A DirectoryMember is a user whom the directory has, as far as it may change one.
type DirectoryMember struct {
	ID     string `db:"directory_id"`
	Name   string `db:"name"`
	Email  string `db:"email"`
	Role   string `db:"role"`
	Active bool   `db:"active"`
}

// DirectoryMembers gives the users of a namespace whom the account's Active
// Directory has, by their ids there, after one.
func (s *Service) DirectoryMembers(tx *store.Tx, account, namespace, after string, limit int) ([]DirectoryMember, error) {
	return store.All[DirectoryMember](tx, `SELECT directory_id, name, email, role, active FROM users
		WHERE account = $1 AND namespace = $2 AND directory_id > $3 AND directory_id IS NOT NULL ORDER BY directory_id LIMIT $4`, account, namespace, after, limit)
}

// RolesByGroup gives the broadest role of each of the directory's groups that
// has one.
func (s *Service) RolesByGroup(tx *store.Tx, account, namespace string) (map[string]string, error) {
	rows, err := store.All[struct {
		Role   string `db:"role"`
		Member string `db:"member"`
	}](tx, `SELECT role, member FROM role_memberships WHERE account = $1 AND namespace = $2`, account, namespace)
	if err != nil {
		return nil, fmt.Errorf("read role memberships: %w", err)
	}
	byGroup := make(map[string]string, len(rows))
	for _, r := range rows {
		byGroup[r.Member] = Broadest(byGroup[r.Member], r.Role)
	}
	return byGroup, nil
}

// Broadest gives the broader of two roles; empty is none.
func Broadest(a, b string) string {
	for _, role := range roles {
		if role == a || role == b {
			return role
		}
	}
	return ""
}
