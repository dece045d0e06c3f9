package brand

import (
	"context"

	"onsight/internal/store"
)

// purgeBatch is how many rows one transaction of a purge removes; images may be
// large.
const purgeBatch = 100

// Purge removes the versions, images and assignment of brands of an account.
// The brands themselves are resources, and go with these.
func (s *Service) Purge(ctx context.Context, account string) error {
	for _, deletion := range []string{
		`DELETE FROM brand_assignments WHERE account IN (SELECT account FROM brand_assignments WHERE account = $1 LIMIT $2)`,
		`DELETE FROM brand_images WHERE (account, brand, version, image) IN
			(SELECT account, brand, version, image FROM brand_images WHERE account = $1 ORDER BY brand, version, image LIMIT $2)`,
		`DELETE FROM brand_versions WHERE (account, brand, version) IN
			(SELECT account, brand, version FROM brand_versions WHERE account = $1 ORDER BY brand, version LIMIT $2)`,
	} {
		for gone := int64(purgeBatch); gone == purgeBatch; {
			err := s.db.Write(ctx, func(tx *store.Tx) (err error) {
				gone, err = tx.Exec(deletion, account, purgeBatch)
				s.themes.changed(tx, account)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
