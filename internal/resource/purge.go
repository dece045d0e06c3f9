package resource

import (
	"context"

	"onsight/internal/store"
)

// purgeBatch is how many resources one transaction of a purge removes: few
// enough that other writers hardly wait.
const purgeBatch = 500

// Purge removes all resources of an account, of whichever kind, with their
// permission lists and secrets. It may be run again where it was interrupted.
func Purge(ctx context.Context, db *store.DB, account string) error {
	for {
		var gone int64
		err := db.Write(ctx, func(tx *store.Tx) (err error) {
			for _, table := range owned {
				gone, err = tx.Exec(`DELETE FROM `+table+` WHERE arn IN
					(SELECT arn FROM resources WHERE account = $1 ORDER BY region, kind, id LIMIT $2)`, account, purgeBatch)
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil || gone < purgeBatch {
			return err
		}
	}
}
