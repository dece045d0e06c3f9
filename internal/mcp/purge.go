package mcp

import (
	"context"

	"onsight/internal/arn"
	"onsight/internal/store"
)

// purgeBatch is how many rows one transaction of a purge deletes.
const purgeBatch = 2000

// A keep is a table, with what tells its rows apart.
type keep struct{ table, key string }

// kept are the tables that have what is a person's.
var kept = []keep{
	{"personal_tokens", "id"},
	{"agent_grants", "id"},
}

// Forget removes what is kept of a user who is gone, or is put out of use;
// others are not ours.
func (s *Service) Forget(tx *store.Tx, gone string) error {
	a, err := arn.Parse(gone)
	if err != nil {
		return err
	}
	namespace, name, ok := a.User()
	if !ok {
		return nil
	}
	_, err = tx.Exec(`DELETE FROM agent_secrets WHERE grant_id IN (SELECT id FROM agent_grants WHERE account = $1 AND namespace = $2 AND user_name = $3)`,
		a.Account, namespace, name)
	if err != nil {
		return err
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
	for _, k := range append([]keep{{"agent_secrets", "hash"}}, kept...) {
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
	now := s.Now()
	for _, old := range []struct {
		query string
		us    int64
	}{
		{`DELETE FROM personal_tokens WHERE expires_us < $1`, store.Micros(now.AddDate(0, 0, -30))},
		{`DELETE FROM agent_requests WHERE expires_us < $1`, store.Micros(now)},
		{`DELETE FROM agent_secrets WHERE expires_us < $1`, store.Micros(now)},
		{`DELETE FROM agent_grants WHERE expires_us < $1`, store.Micros(now)},
	} {
		err := s.DB.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(old.query, old.us)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
