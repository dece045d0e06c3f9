package identity

import (
	"strings"

	"onsight/internal/arn"
	"onsight/internal/store"
)

// Readers gives the users whom a principal of a permission list means and who
// can be written to: the user, or the members of the group, who may act and have
// an e-mail address; at most so many.
func (s *Service) Readers(tx *store.Tx, principal arn.ARN, most int) ([]Entrant, error) {
	kind, rest := principal.Split()
	namespace, name, _ := strings.Cut(rest, "/")
	region, err := s.accounts.IdentityRegion(tx, principal.Account)
	if err != nil || region != principal.Region {
		return nil, err
	}
	const users = `SELECT ` + userColumns + ` FROM users WHERE account = $1 AND namespace = $2 AND email <> '' `
	var rows []user
	switch kind {
	case "user":
		rows, err = store.All[user](tx, users+`AND name = $3`, principal.Account, namespace, name)
	case "group":
		rows, err = store.All[user](tx, users+`AND name IN (SELECT user_name FROM group_members WHERE account = $1 AND namespace = $2 AND group_name = $3)
			ORDER BY name LIMIT $4`, principal.Account, namespace, name, most)
	}
	if err != nil {
		return nil, err
	}
	var found []Entrant
	for i := range rows {
		if u := &rows[i]; u.mayAct() {
			found = append(found, Entrant{Account: u.Account, Namespace: u.Namespace, Name: u.Name, PrincipalID: u.PrincipalID, Email: u.Email, Role: u.Role, IdentityType: u.signsIn(), Active: true})
		}
	}
	return found, nil
}
