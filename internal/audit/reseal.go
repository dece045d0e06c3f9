package audit

import (
	"context"

	"onsight/internal/store"
)

// resealPage is how many rows one transaction seals anew.
const resealPage = 1000

// Reseal sees to it that all batches and chains are sealed with the key that
// seals now, and tells how many there are. What does not open stays as it is:
// Verify tells. Where it was interrupted, it can be run again.
func (t *Trail) Reseal(ctx context.Context) (int, error) {
	n, err := t.resealAll(ctx, "audit batch\x00",
		`SELECT account, to_seq, seal FROM audit_batches WHERE (account, to_seq) > ($1, $2) ORDER BY account, to_seq LIMIT $3`,
		`UPDATE audit_batches SET seal = $3 WHERE account = $1 AND to_seq = $2`)
	if err != nil {
		return n, err
	}
	// A chain has no second part of its key, so its own end stands for it.
	more, err := t.resealAll(ctx, "audit chain\x00",
		`SELECT account, head_seq AS to_seq, seal FROM audit_chains WHERE (account, head_seq) > ($1, $2) ORDER BY account LIMIT $3`,
		`UPDATE audit_chains SET seal = $3 WHERE account = $1 AND head_seq = $2`)
	return n + more, err
}

func (t *Trail) resealAll(ctx context.Context, purpose, query, update string) (n int, err error) {
	type row struct {
		Account string `db:"account"`
		To      int64  `db:"to_seq"`
		Seal    []byte `db:"seal"`
	}
	last := row{To: -1}
	for {
		var rows []row
		err := t.db.Write(ctx, func(tx *store.Tx) (err error) {
			rows, err = store.All[row](tx, query, last.Account, last.To, resealPage)
			if err != nil {
				return err
			}
			for _, r := range rows {
				if t.keys.Current(r.Seal) {
					continue
				}
				sum, err := t.keys.Open(r.Seal, purpose+r.Account)
				if err != nil {
					continue
				}
				if _, err := tx.Exec(update, r.Account, r.To, t.keys.Seal(sum, purpose+r.Account)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return n, err
		}
		n += len(rows)
		if len(rows) < resealPage {
			return n, nil
		}
		last = rows[len(rows)-1]
	}
}
