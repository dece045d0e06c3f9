package identity

import "onsight/internal/store"

// Recount counts the groups of an account's namespaces anew, after rows were
// written that no operation wrote.
func (s *Service) Recount(tx *store.Tx, account string) error {
	if _, err := tx.Exec(`DELETE FROM group_counts WHERE account = $1`, account); err != nil {
		return err
	}
	_, err := tx.Exec(`INSERT INTO group_counts (account, namespace, groups_n)
		SELECT account, namespace, count(*) FROM user_groups WHERE account = $1 GROUP BY account, namespace`, account)
	return err
}
