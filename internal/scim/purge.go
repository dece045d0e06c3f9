package scim

import (
	"context"
	"fmt"

	"onsight/internal/store"
)

// purgeBatch is how many rows one transaction of a purge deletes.
const purgeBatch = 2000

// kept are the tables of this package, with what tells the rows of a namespace
// apart.
var kept = []struct{ table, key string }{
	{"scim_tokens", "id"}, // first: nothing comes in any more
	{"scim_members", "group_id, user_id"},
	{"scim_pending", "user_id"},
	{"scim_emails", "email_key, user_id"},
	{"scim_users", "id"},
	{"scim_groups", "id"},
	{"scim_matching", "attribute"},
}

// Purge removes what is kept of an account that unsubscribes.
func (s *Service) Purge(ctx context.Context, account string) error {
	for _, k := range kept {
		query := fmt.Sprintf(`DELETE FROM %[1]s WHERE account = $1 AND (namespace, %[2]s) IN (SELECT namespace, %[2]s FROM %[1]s WHERE account = $1 LIMIT $2)`, k.table, k.key)
		for gone := int64(purgeBatch); gone == purgeBatch; {
			err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
				gone, err = tx.Exec(query, account, purgeBatch)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// PurgeNamespace removes what is kept of a namespace that is being deleted.
func (s *Service) PurgeNamespace(ctx context.Context, account, namespace string) error {
	for _, k := range kept {
		query := fmt.Sprintf(`DELETE FROM %[1]s WHERE account = $1 AND namespace = $2 AND (%[2]s) IN
			(SELECT %[2]s FROM %[1]s WHERE account = $1 AND namespace = $2 LIMIT $3)`, k.table, k.key)
		for more := true; more; {
			err := s.DB.Write(ctx, func(tx *store.Tx) error {
				_, leaving, err := s.Accounts.Leaving(tx, account, namespace)
				if err != nil || !leaving {
					more = false
					return err
				}
				gone, err := tx.Exec(query, account, namespace, purgeBatch)
				more = gone == purgeBatch
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
