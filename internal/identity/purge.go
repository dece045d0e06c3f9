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
	for _, deletion := range []string{
		`DELETE FROM group_members WHERE (account, namespace, group_name, user_name) IN
			(SELECT account, namespace, group_name, user_name FROM group_members WHERE account = $1 LIMIT $2)`,
		`DELETE FROM user_groups WHERE (account, namespace, name) IN
			(SELECT account, namespace, name FROM user_groups WHERE account = $1 LIMIT $2)`,
		`DELETE FROM iam_policy_assignees WHERE (account, assignment, kind, name) IN
			(SELECT account, assignment, kind, name FROM iam_policy_assignees WHERE account = $1 LIMIT $2)`,
		`DELETE FROM users WHERE (account, namespace, name) IN
			(SELECT account, namespace, name FROM users WHERE account = $1 LIMIT $2)`,
	} {
		if err := s.inBatches(ctx, deletion, account); err != nil {
			return err
		}
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		for _, deletion := range []string{
			`DELETE FROM group_counts WHERE account = $1`,
			`DELETE FROM iam_policy_assignments WHERE account = $1`,
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

// inBatches runs a deletion of at most $2 rows of an account until there are
// none left.
func (s *Service) inBatches(ctx context.Context, deletion, account string) error {
	for {
		var gone int64
		err := s.db.Write(ctx, func(tx *store.Tx) (err error) {
			gone, err = tx.Exec(deletion, account, purgeBatch)
			return err
		})
		if err != nil || gone < purgeBatch {
			return err
		}
	}
}
