package action

import (
	"context"

	"onsight/internal/store"
)

// tables are those of this package.
var tables = []string{"connector_calls", "connector_definitions", "connector_confirmations", "connector_health", "connector_invocations", "connector_revocations", "connector_states", "connector_tokens", "connector_usage"}

// Purge removes what is kept of an account. It may be run again where it was
// interrupted.
func Purge(ctx context.Context, db *store.DB, account string) error {
	for _, table := range tables {
		err := db.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(`DELETE FROM `+table+` WHERE account = $1`, account)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// Forget ends the connections of a principal who is gone, so that one who gets
// the same name later inherits nothing.
func Forget(tx *store.Tx, principal string) error {
	if _, err := tx.Exec(`UPDATE connector_definitions SET principal = '' WHERE principal = $1`, principal); err != nil {
		return err
	}
	for _, table := range []string{"connector_tokens", "connector_states", "connector_invocations", "connector_confirmations", "connector_usage"} {
		if _, err := tx.Exec(`DELETE FROM `+table+` WHERE principal = $1`, principal); err != nil {
			return err
		}
	}
	return nil
}

// Reseal sees to it that all that is kept is sealed with the key that seals now,
// and tells how much that is.
func (s *Service) Reseal(ctx context.Context) (n int, err error) {
	type row struct {
		Key    string `db:"id"`
		Sealed []byte `db:"sealed"`
	}
	for _, simple := range []string{"connector_invocations", "connector_revocations", "connector_states"} {
		id := "id"
		if simple == "connector_states" {
			id = "hash"
		}
		for last := ""; ; {
			var rows []row
			err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
				rows, err = store.All[row](tx, `SELECT `+id+` AS id, sealed FROM `+simple+` WHERE `+id+` > $1 ORDER BY `+id+` LIMIT 500`, last)
				if err != nil {
					return err
				}
				for _, r := range rows {
					sealed, err := s.resealed(r.Sealed, simple+"\x00"+r.Key)
					if err != nil {
						return err
					}
					if sealed == nil {
						continue
					}
					if _, err := tx.Exec(`UPDATE `+simple+` SET sealed = $2 WHERE `+id+` = $1`, r.Key, sealed); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return n, err
			}
			n += len(rows)
			if len(rows) < 500 {
				break
			}
			last = rows[len(rows)-1].Key
		}
	}
	tokens, err := s.resealTokens(ctx)
	if err != nil {
		return n, err
	}
	calls, err := s.resealCalls(ctx)
	return n + tokens + calls, err
}

// resealed seals anew what an older key sealed; nil for what needs none.
func (s *Service) resealed(sealed []byte, bound string) ([]byte, error) {
	if sealed == nil || s.Keys.Current(sealed) {
		return nil, nil
	}
	plain, err := s.Keys.Open(sealed, bound)
	if err != nil {
		return nil, err
	}
	return s.Keys.Seal(plain, bound), nil
}

func (s *Service) resealTokens(ctx context.Context) (n int, err error) {
	for last := (record{}); ; {
		var rows []record
		err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
			rows, err = store.All[record](tx, `SELECT `+recordColumns+` FROM connector_tokens WHERE (arn, principal) > ($1, $2) ORDER BY arn, principal LIMIT 500`, last.ARN, last.Principal)
			if err != nil {
				return err
			}
			for i := range rows {
				sealed, err := s.resealed(rows[i].Sealed, tokenContext(&rows[i]))
				if err != nil {
					return err
				}
				if sealed == nil {
					continue
				}
				if _, err := tx.Exec(`UPDATE connector_tokens SET sealed = $3 WHERE arn = $1 AND principal = $2`, rows[i].ARN, rows[i].Principal, sealed); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return n, err
		}
		n += len(rows)
		if len(rows) < 500 {
			return n, nil
		}
		last = rows[len(rows)-1]
	}
}

func (s *Service) resealCalls(ctx context.Context) (n int, err error) {
	for last := (call{}); ; {
		var rows []call
		err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
			rows, err = store.All[call](tx, `SELECT `+callColumns+` FROM connector_calls WHERE sealed IS NOT NULL AND (arn, started_us, id) > ($1, $2, $3)
				ORDER BY arn, started_us, id LIMIT 500`, last.ARN, last.StartedUS, last.ID)
			if err != nil {
				return err
			}
			for i := range rows {
				sealed, err := s.resealed(rows[i].Sealed, callContext(&rows[i]))
				if err != nil {
					return err
				}
				if sealed == nil {
					continue
				}
				_, err = tx.Exec(`UPDATE connector_calls SET sealed = $4 WHERE arn = $1 AND started_us = $2 AND id = $3`, rows[i].ARN, rows[i].StartedUS, rows[i].ID, sealed)
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return n, err
		}
		n += len(rows)
		if len(rows) < 500 {
			return n, nil
		}
		last = rows[len(rows)-1]
	}
}
