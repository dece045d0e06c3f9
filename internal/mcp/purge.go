package mcp

import (
	"context"
	"strings"

	"onsight/internal/arn"
	"onsight/internal/store"
)

// purgeBatch is how many rows one transaction of a purge deletes.
const purgeBatch = 2000

// kept are the tables that have what is a person's, with what tells rows apart.
var kept = []struct{ table, key string }{
	{"personal_tokens", "id"},
}

// Forget removes what is kept of a user who is gone, or is put out of use;
// others are not ours.
func (s *Service) Forget(tx *store.Tx, gone string) error {
	a, err := arn.Parse(gone)
	if err != nil {
		return err
	}
	kind, rest := a.Split()
	namespace, name, ok := strings.Cut(rest, "/")
	if kind != "user" || !ok {
		return nil
	}
	for _, k := range kept {
		if _, err := tx.Exec(`DELETE FROM `+k.table+` WHERE account = $1 AND namespace = $2 AND user_name = $3`, a.Account, namespace, name); err != nil {
			return err
		}
	}
	return nil
}

// Purge removes what is kept of an account that unsubscribes.
func (s *Service) Purge(ctx context.Context, account string) error {
	for _, k := range kept {
		for gone := int64(purgeBatch); gone == purgeBatch; {
			err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
				gone, err = tx.Exec(`DELETE FROM `+k.table+` WHERE account = $1 AND `+k.key+` IN (SELECT `+k.key+` FROM `+k.table+` WHERE account = $1 LIMIT $2)`, account, purgeBatch)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// Tidy removes what has ended. Personal tokens stay for their owner to see until
// they have been over for a month.
func (s *Service) Tidy(ctx context.Context) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(`DELETE FROM personal_tokens WHERE expires_us < $1`, store.Micros(s.Now().AddDate(0, 0, -30)))
		return err
	})
}
