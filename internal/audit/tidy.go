package audit

import (
	"context"

	"onsight/internal/store"
)

// tidyRounds bounds how many rounds one transaction removes.
const tidyRounds = 256

// tidy removes the events that are older than the retention, in the rounds in
// which they were sealed.
func (t *Trail) tidy(ctx context.Context) error {
	limit := seqAt(t.now().Add(-t.retention))
	for {
		upTo, err := t.oldRounds(ctx, limit)
		if err != nil || upTo == 0 {
			return err
		}
		if err := t.remove(ctx, upTo); err != nil {
			return err
		}
	}
}

// oldRounds gives the last of the first rounds below limit that one
// transaction can remove; 0 when there is none.
func (t *Trail) oldRounds(ctx context.Context, limit int64) (upTo int64, err error) {
	type round struct {
		Round  int64 `db:"round"`
		Events int64 `db:"events"`
	}
	var rounds []round
	err = t.db.Read(ctx, func(tx *store.Tx) (err error) {
		rounds, err = store.All[round](tx, `SELECT round, sum(events) AS events FROM audit_batches WHERE round < $1
			GROUP BY round ORDER BY round LIMIT $2`, limit, tidyRounds)
		return err
	})
	events := int64(0)
	for _, r := range rounds {
		if events += r.Events; upTo > 0 && events > maxRound {
			break
		}
		upTo = r.Round
	}
	return upTo, err
}

// remove removes all rounds up to one, and moves the bases of the chains. Where
// something is not what was sealed, the chain keeps that it was found.
func (t *Trail) remove(ctx context.Context, upTo int64) error {
	type count struct {
		Account string `db:"account"`
		Events  int64  `db:"events"`
	}
	return t.db.Write(ctx, func(tx *store.Tx) error {
		counts, err := store.All[count](tx, `SELECT account, count(*) AS events FROM audit_events WHERE seq <= $1 GROUP BY account`, upTo)
		if err != nil {
			return err
		}
		batches, err := store.All[batch](tx, `SELECT `+batchColumns+` FROM audit_batches WHERE round <= $1 ORDER BY account, to_seq`, upTo)
		if err != nil {
			return err
		}
		events := map[string]int64{}
		for _, c := range counts {
			events[c.Account] = c.Events
		}
		for len(batches) > 0 {
			n := 1
			for n < len(batches) && batches[n].Account == batches[0].Account {
				n++
			}
			if err := t.rebase(tx, batches[:n], events[batches[0].Account]); err != nil {
				return err
			}
			batches = batches[n:]
		}
		for _, deletion := range []string{
			`DELETE FROM audit_batches WHERE round <= $1`,
			`DELETE FROM audit_events WHERE seq <= $1`,
		} {
			if _, err := tx.Exec(deletion, upTo); err != nil {
				return err
			}
		}
		return nil
	})
}

// rebase moves the base of an account's chain past batches that will be
// removed, with as many events as there are.
func (t *Trail) rebase(tx *store.Tx, batches []batch, events int64) error {
	c, found, err := t.openChain(tx, batches[0].Account)
	if err != nil {
		return err
	}
	altered := !found
	for i := range batches {
		b := &batches[i]
		altered = altered || b.Total != c.BaseTotal+b.Events || genuine(t.keys, b, b.Seal) != nil
		events -= b.Events
		c.BaseSeq, c.BaseTotal, c.BaseHash = b.To, b.Total, b.Hash
	}
	if (altered || events != 0) && c.BrokenUS == 0 {
		c.BrokenUS = store.Micros(t.now())
		tx.AfterCommit(func() {
			t.log.Error("audit: events that were too old to keep were not what was sealed", "account", c.Account, "until", timeOf(c.BaseSeq))
		})
	}
	return t.closeChain(tx, c, found)
}
