package audit

import (
	"context"
	"io"
	"time"

	"onsight/internal/store"
)

// A Selection says which events to export.
type Selection struct {
	// Account is whose; empty is everyone's.
	Account string
	// Since and Until bound the time; Since is part of it, Until is not. The zero
	// time is no bound.
	Since, Until time.Time
}

// exportPage is how many events are read at a time.
const exportPage = 1000

func (s *Selection) bounds() (from, to int64) {
	if !s.Since.IsZero() {
		from = seqAt(s.Since)
	}
	to = 1<<63 - 1
	if !s.Until.IsZero() {
		to = seqAt(s.Until)
	}
	return from, to
}

// Export writes CloudTrail records in order of time, each in a line of JSON.
func Export(ctx context.Context, db *store.DB, s Selection, w io.Writer) error {
	from, to := s.bounds()
	for {
		lines, next, err := exportLines(ctx, db, s.Account, from, to, exportPage)
		if err != nil {
			return err
		}
		for _, line := range lines {
			if _, err := w.Write(append(line, '\n')); err != nil {
				return err
			}
		}
		if next == 0 {
			return nil
		}
		from = next
	}
}

// exportLines gives the records of one page, at most limit, and where the next
// one begins; 0 when this is the last. A page may have few records, or none.
func exportLines(ctx context.Context, db *store.DB, account string, from, to int64, limit int) (lines [][]byte, next int64, err error) {
	var events []event
	err = db.Read(ctx, func(tx *store.Tx) (err error) {
		events, err = store.All[event](tx, `SELECT seq, account, record FROM audit_events WHERE seq >= $1 AND seq < $2 ORDER BY seq LIMIT $3`,
			from, to, exportPage)
		return err
	})
	if err != nil {
		return nil, 0, err
	}
	for i := range events {
		e := &events[i]
		if account != "" && e.Account != account {
			continue
		}
		if len(lines) == limit {
			return lines, e.Seq, nil
		}
		lines = append(lines, appendRecord(nil, e))
	}
	if len(events) == exportPage {
		next = events[len(events)-1].Seq + 1
	}
	return lines, next, nil
}
