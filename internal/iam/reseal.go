package iam

import (
	"context"
	"fmt"

	"onsight/internal/store"
)

// resealBatch is how many keys one transaction of Reseal looks at.
const resealBatch = 500

// Reseal sees to it that the secrets of all access keys are sealed with the key
// that seals now, and tells how many there are. Where it was interrupted, it
// can be run again.
func (s *Service) Reseal(ctx context.Context) (n int, err error) {
	type row struct {
		ID     string `db:"id"`
		Secret []byte `db:"secret"`
	}
	last := ""
	for {
		var rows []row
		err := s.db.Write(ctx, func(tx *store.Tx) (err error) {
			rows, err = store.All[row](tx, `SELECT id, secret FROM iam_access_keys WHERE id > $1 ORDER BY id LIMIT $2`, last, resealBatch)
			if err != nil {
				return err
			}
			for _, r := range rows {
				if s.keys.Current(r.Secret) {
					continue
				}
				plain, err := s.keys.Open(r.Secret, SecretContext(r.ID))
				if err != nil {
					return fmt.Errorf("access key %s: %w", r.ID, err)
				}
				if _, err := tx.Exec(`UPDATE iam_access_keys SET secret = $2 WHERE id = $1`, r.ID, s.keys.Seal(plain, SecretContext(r.ID))); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return n, err
		}
		n += len(rows)
		if len(rows) < resealBatch {
			return n, nil
		}
		last = rows[len(rows)-1].ID
	}
}
