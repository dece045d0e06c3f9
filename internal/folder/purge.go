package folder

import (
	"context"

	"onsight/internal/store"
)

// purgeBatch is how many folders one transaction of a purge empties.
const purgeBatch = 500

// Purge forgets how the folders of an account hang together, and what lies in
// them. The folders themselves go with all other resources.
func (s *Service) Purge(ctx context.Context, account string) error {
	for {
		var gone int64
		err := s.db.Write(ctx, func(tx *store.Tx) (err error) {
			for _, from := range []string{`folder_members WHERE folder`, `folder_tree WHERE arn`} {
				gone, err = tx.Exec(`DELETE FROM `+from+` IN (SELECT arn FROM folder_tree WHERE account = $1 ORDER BY arn LIMIT $2)`, account, purgeBatch)
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
