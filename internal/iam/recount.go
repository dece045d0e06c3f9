package iam

import (
	"fmt"

	"onsight/internal/store"
)

// Recount counts the entities of an account anew, after rows were written that
// no operation of IAM wrote, and has whoever caches them forget.
func (s *Service) Recount(tx *store.Tx, account string) error {
	if err := s.changed(tx, account); err != nil {
		return err
	}
	for _, what := range []counted{users, groups, roles, policies} {
		_, err := tx.Exec(fmt.Sprintf(`UPDATE iam_accounts SET %s = (SELECT count(*) FROM iam_%[1]s t WHERE t.account = $1) WHERE account = $1`, what), account)
		if err != nil {
			return err
		}
	}
	return nil
}

// SecretContext is what the secret of an access key is bound to.
func SecretContext(id string) string { return id }
