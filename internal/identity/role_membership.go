package identity

import (
	"fmt"

	"onsight/internal/store"
)

// GrantRole gives a role to the members of groups of the account's directory.
// A group that has it keeps it.
func (s *Service) GrantRole(tx *store.Tx, account, namespace, role string, groups []string) error {
	for _, group := range groups {
		_, err := tx.Exec(`INSERT INTO role_memberships (account, namespace, role, member, created_us) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT DO NOTHING`, account, namespace, role, group, store.Micros(s.now()))
		if err != nil {
			return fmt.Errorf("insert role membership: %w", err)
		}
	}
	return nil
}
