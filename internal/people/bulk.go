package people

import (
	"context"
	"errors"
	"math/bits"
	"sync"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/store"
)

const (
	// bulkRows is how many rows a call has at most. Each becomes durable by
	// itself, together with those that are written at the same moment.
	bulkRows = 1000
	// wholeRows is the limit for rows that are done all or not at all, in one
	// transaction: nobody else can write meanwhile.
	wholeRows = 10_000
	// bulkWorkers is how many rows of a call are written at the same time.
	bulkWorkers = 64
)

// A row is one of a bulk operation.
type row struct {
	// prepare asks policies and rules, outside of any transaction.
	prepare func(ctx context.Context) error
	// apply does the row in tx, and tells what became of it; failed records what
	// kept it from being done.
	apply  func(tx *store.Tx) (onsightapi.BulkOutcome, error)
	failed func(ctx context.Context, err error)

	result *onsightapi.BulkResult
}

// A mode says how rows are done.
type mode struct{ dryRun, whole bool }

// errNothingDone undoes a transaction whose outcome is known.
var errNothingDone = errors.New("nothing is to be done")

// limits refuses calls with too many rows.
func (m mode) limits(rows int) error {
	switch {
	case m.whole && rows > wholeRows:
		return fault.Limit("", "%d rows are too many: with AllOrNothing a call has at most %d.", rows, wholeRows)
	case !m.whole && rows > bulkRows:
		return fault.Limit("", "%d rows are too many: a call has at most %d, or %d with AllOrNothing.", rows, bulkRows, wholeRows)
	}
	return nil
}

// bulk does rows, and says in their results what became of each.
func (s *Service) bulk(ctx context.Context, m mode, rows []row) error {
	each(len(rows), func(i int) { s.prepareRow(ctx, &rows[i]) })
	if !m.whole && !m.dryRun {
		var mu sync.Mutex
		var broken error
		// Each row has a record of its own, and the operation has one at its end.
		single := api.As(ctx, api.Identity{Principal: api.Caller(ctx), Region: api.Region(ctx)})
		each(len(rows), func(i int) {
			r := &rows[i]
			if r.result.Outcome != nil {
				return
			}
			err := s.db.Write(single, func(tx *store.Tx) error { return r.do(tx) })
			if r.refuse(err) {
				r.failed(ctx, err)
			} else if err != nil {
				mu.Lock()
				defer mu.Unlock()
				broken = err
			}
		})
		return errors.Join(broken, s.grown(ctx, len(rows)))
	}
	return s.bulkWhole(ctx, m, rows)
}

// grown notes that rows were written. Whenever there are twice as many since the
// start as there were the last time, the database is told.
func (s *Service) grown(ctx context.Context, rows int) error {
	now := s.written.Add(int64(rows))
	if bits.Len64(uint64(now)) == bits.Len64(uint64(now)-uint64(rows)) {
		return nil
	}
	return s.db.Analyze(context.WithoutCancel(ctx), "users", "group_members", "invitations")
}

// bulkWhole does rows in one transaction; a dry run takes everything back.
func (s *Service) bulkWhole(ctx context.Context, m mode, rows []row) error {
	var done []int
	var failures map[int]error
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		done, failures = nil, make(map[int]error)
		for i := range rows {
			r := &rows[i]
			if r.result.Code != nil { // since before the transaction
				failures[i] = nil
				continue
			}
			// A row that fails may have done something of it. That goes too:
			// either all rows are done, or none is.
			if err := r.do(tx); err != nil {
				if _, ok := errors.AsType[*fault.Fault](err); !ok {
					return err
				}
				failures[i] = err
				continue
			}
			done = append(done, i)
		}
		if m.dryRun || len(failures) > 0 {
			return errNothingDone
		}
		return nil
	})
	if err != nil && !errors.Is(err, errNothingDone) {
		return err
	}
	for i, err := range failures {
		if err != nil && rows[i].refuse(err) && !m.dryRun {
			rows[i].failed(ctx, err)
		}
	}
	if m.dryRun {
		for _, i := range done {
			rows[i].result.UserInvitationUrl = nil // nobody was invited
		}
	}
	if m.whole && len(failures) > 0 {
		for _, i := range done {
			rows[i].result.Outcome, rows[i].result.UserInvitationUrl = new(onsightapi.BulkOutcomeNotDone), nil
		}
	}
	return nil
}

func (s *Service) prepareRow(ctx context.Context, r *row) {
	if r.result.Outcome == nil {
		if err := r.prepare(ctx); err != nil && !r.refuse(err) {
			r.refuse(fault.Of(err))
		}
	}
}

// do does the row in tx.
func (r *row) do(tx *store.Tx) error {
	outcome, err := r.apply(tx)
	if err == nil {
		r.result.Outcome = &outcome
	}
	return err
}

// refuse notes in the result why the row can't be done, if err is something that
// a caller can act on.
func (r *row) refuse(err error) bool {
	f, ok := errors.AsType[*fault.Fault](err)
	if !ok || f.Code == "ResourceUnavailableException" {
		return false
	}
	r.result.Outcome, r.result.Code, r.result.Message = new(onsightapi.BulkOutcomeFailed), &f.Code, &f.Message
	r.result.UserInvitationUrl = nil
	return true
}

// each calls do for the numbers up to n, some at a time.
func each(n int, do func(i int)) {
	var wg sync.WaitGroup
	next := make(chan int)
	for range min(n, bulkWorkers) {
		wg.Go(func() {
			for i := range next {
				do(i)
			}
		})
	}
	for i := range n {
		next <- i
	}
	close(next)
	wg.Wait()
}

// count counts results by what became of the rows.
func count(results []onsightapi.BulkResult) (done, unchanged, failed int64) {
	for _, r := range results {
		switch value(r.Outcome) {
		case onsightapi.BulkOutcomeRegistered, onsightapi.BulkOutcomeDeleted:
			done++
		case onsightapi.BulkOutcomeUnchanged:
			unchanged++
		case onsightapi.BulkOutcomeFailed:
			failed++
		case onsightapi.BulkOutcomeNotDone:
		}
	}
	return done, unchanged, failed
}
