package identity

import (
	"context"

	"onsight/internal/store"
)

// purgeBatch is how many rows one transaction of a purge deletes: few enough
// that other writers hardly wait.
const purgeBatch = 2000

// Purge removes all people of an account.
func (s *Service) Purge(ctx context.Context, account string) error {
	for {
		var gone int64
		err := s.db.Write(ctx, func(tx *store.Tx) (err error) {
			gone, err = tx.Exec(`DELETE FROM users WHERE (account, namespace, name) IN
				(SELECT account, namespace, name FROM users WHERE account = $1 LIMIT $2)`, account, purgeBatch)
			return err
		})
		if err != nil {
			return err
		}
		if gone < purgeBatch {
			break
		}
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		for _, deletion := range []string{
			`DELETE FROM invitations WHERE account = $1`,
			`DELETE FROM role_memberships WHERE account = $1`,
			`DELETE FROM role_custom_permissions WHERE account = $1`,
			`DELETE FROM account_custom_permissions WHERE account = $1`,
			`DELETE FROM custom_permissions WHERE account = $1`,
			`DELETE FROM self_upgrades WHERE account = $1`,
			`DELETE FROM self_upgrade_settings WHERE account = $1`,
		} {
			if _, err := tx.Exec(deletion, account); err != nil {
				return err
			}
		}
		return nil
	})
}
