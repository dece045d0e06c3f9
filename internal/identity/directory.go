package identity

import (
	"slices"
	"strings"
	"unicode/utf8"

	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// A DirectoryUser is a user as the account's directory has it.
type DirectoryUser struct {
	Account, Namespace, Name string
	// ID is the user's at the directory, and of the form of a UUID.
	ID    string
	Email string
	// Role is what the user's groups give; empty for one that is not to be in.
	Role string
	// Groups are the names of the groups that the user is in, sorted.
	Groups []string
}

// Settle brings a user in line with the account's directory. Who has a role
// there is registered, or comes back; who has none is not active any more, and
// gone is true if that is news. What the user owns stays.
func (s *Service) Settle(tx *store.Tx, directoryID string, d DirectoryUser) (gone bool, err error) {
	found, err := store.All[user](tx, `SELECT `+userColumns+` FROM users WHERE account = $1 AND namespace = $2 AND name = $3`, d.Account, d.Namespace, d.Name)
	if err != nil {
		return false, err
	}
	if len(found) == 0 {
		if d.Role == "" {
			return false, nil
		}
		err := addUser(tx, user{
			Account: d.Account, Namespace: d.Namespace, Name: d.Name, PrincipalID: "user/" + directoryID + "/" + d.ID, Email: d.Email,
			Role: d.Role, IdentityType: string(qs.IdentityTypeIAMIdentityCenter), Active: true, CreatedUS: store.Micros(s.now()),
		})
		if err != nil {
			return false, err
		}
		return false, s.regroup(tx, d)
	}
	u := found[0]
	if u.IdentityType != string(qs.IdentityTypeIAMIdentityCenter) {
		return false, fault.Exists(fault.User, "AWS account ID: %s, Namespace: %s, Username: %s already exists. ", u.Account, u.Namespace, u.Name)
	}
	switch {
	case d.Role == "" && u.Active:
		gone = true
		_, err = tx.Exec(`UPDATE users SET active = $4, left_us = $5 WHERE account = $1 AND namespace = $2 AND name = $3`,
			d.Account, d.Namespace, d.Name, false, store.Micros(s.now()))
	case d.Role != "" && (!u.Active || u.Role != d.Role || u.Email != d.Email):
		_, err = tx.Exec(`UPDATE users SET active = $4, left_us = NULL, role = $5, email = $6 WHERE account = $1 AND namespace = $2 AND name = $3`,
			d.Account, d.Namespace, d.Name, true, d.Role, d.Email)
	}
	if err != nil {
		return false, err
	}
	return gone, s.regroup(tx, d)
}

// regroup has a user be in the groups that the directory says, and no others.
func (s *Service) regroup(tx *store.Tx, d DirectoryUser) error {
	has, err := store.All[string](tx, `SELECT group_name FROM group_members WHERE account = $1 AND namespace = $2 AND user_name = $3 ORDER BY group_name`,
		d.Account, d.Namespace, d.Name)
	if err != nil {
		return err
	}
	for _, name := range has {
		if _, ok := slices.BinarySearch(d.Groups, name); ok {
			continue
		}
		_, err := tx.Exec(`DELETE FROM group_members WHERE account = $1 AND namespace = $2 AND group_name = $3 AND user_name = $4`,
			d.Account, d.Namespace, name, d.Name)
		if err != nil {
			return err
		}
	}
	for _, name := range d.Groups {
		if _, ok := slices.BinarySearch(has, name); ok {
			continue
		}
		_, err := tx.Exec(`INSERT INTO group_members (account, namespace, group_name, user_name, created_us) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT DO NOTHING`, d.Account, d.Namespace, name, d.Name, store.Micros(s.now()))
		if err != nil {
			return err
		}
	}
	return nil
}

// Dismiss removes a user whom the directory has no more, as DeleteUser does.
// It is no error where there is none.
func (s *Service) Dismiss(tx *store.Tx, region, account, namespace, name string) error {
	found, err := store.All[user](tx, `SELECT `+userColumns+` FROM users WHERE account = $1 AND namespace = $2 AND name = $3`, account, namespace, name)
	if err != nil || len(found) == 0 || found[0].IdentityType != string(qs.IdentityTypeIAMIdentityCenter) {
		return err
	}
	return s.remove(tx, Tenant{Region: region}, found[0])
}

// AddDirectoryGroup adds a group of the account's directory, without members.
// id is the group's there, of the form of a UUID.
func (s *Service) AddDirectoryGroup(tx *store.Tx, directoryID, account, namespace, name, id string) error {
	if utf8.RuneCountInString(name) > longestName {
		return fault.Invalid("The name of a group has at most %d characters. %s", longestName, tail(account, namespace))
	}
	// Those of a group that was deleted, while a job is at it.
	left, err := store.All[string](tx, `SELECT user_name FROM group_members WHERE account = $1 AND namespace = $2 AND group_name = $3 LIMIT 1`, account, namespace, name)
	if err != nil {
		return err
	}
	if len(left) > 0 {
		return fault.Conflict("A group named %s is just being removed. Try again in a moment. %s", name, tail(account, namespace))
	}
	return s.addGroup(tx, group{
		Account: account, Namespace: namespace, Name: name, NameKey: strings.ToLower(name),
		PrincipalID: "group/" + directoryID + "/" + id, CreatedUS: store.Micros(s.now()),
	})
}

// RemoveDirectoryGroup removes a group that the directory has no more, with
// what it was granted. Its members leave it when they are settled.
func (s *Service) RemoveDirectoryGroup(tx *store.Tx, region, account, namespace, name string) error {
	_, err := tx.Exec(`DELETE FROM iam_policy_assignees WHERE account = $1 AND namespace = $2 AND kind = 'group' AND name = $3`, account, namespace, name)
	if err != nil {
		return err
	}
	n, err := tx.Exec(`DELETE FROM user_groups WHERE account = $1 AND namespace = $2 AND name = $3`, account, namespace, name)
	if err != nil || n == 0 {
		return err
	}
	if _, err := tx.Exec(`UPDATE group_counts SET groups_n = groups_n - 1 WHERE account = $1 AND namespace = $2`, account, namespace); err != nil {
		return err
	}
	return s.leave(tx, groupARN(region, account, namespace, name))
}

// RoleChanged is told, in the transaction of the change, that a group of the
// account's directory has got a role or lost one.
type RoleChanged func(tx *store.Tx, account, namespace, group string) error

// TellRoles has one more told when the role of a group changes. It is called
// before the first request.
func (s *Service) TellRoles(changed RoleChanged) { s.roleChanged = append(s.roleChanged, changed) }

func (s *Service) tellRoles(tx *store.Tx, account, namespace, group string) error {
	for _, changed := range s.roleChanged {
		if err := changed(tx, account, namespace, group); err != nil {
			return err
		}
	}
	return nil
}

// wholeColumns are those of a personRow with what the directory has said.
const wholeColumns = personColumns + `, u.left_us`

// whole gives the person as the directory has it too: who is out there waits
// for no invitation, and is as good as deactivated since then.
func (r *personRow) whole() Person {
	p := r.person()
	if r.LeftUS != nil {
		p.Invited = false
		if p.Deactivated.IsZero() {
			p.Deactivated = at(r.LeftUS)
		}
	}
	return p
}
