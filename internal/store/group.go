package store

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"sync"
	"time"

	sqlite3 "modernc.org/sqlite/lib"

	"onsight/internal/store/lite"
)

const (
	// maxBatch is how many functions share a transaction at most. PostgreSQL
	// keeps the first 64 subtransactions of a transaction at hand.
	maxBatch = 64
	// maxAttempts is how often a function runs because of what others do at
	// the same time, before its caller is told to come back later.
	maxAttempts = 20
	// fatePatience is how long PostgreSQL is asked what became of a commit.
	fatePatience = time.Second
)

// A queue lets callers write one after the other, and has those who come while
// others are at it share their transaction.
//
// Each caller runs its function itself, when it is its turn. The first of a
// batch begins the transaction, the last commits it, and all wait for that.
// So a panic stays with the one it belongs to, and a caller that is alone
// never waits for another goroutine.
type queue struct {
	open func(context.Context) (session, error)
	// exact keeps callers out of a batch that began before they came. On
	// PostgreSQL the snapshot of the batch may lack what others, that do not
	// go through this queue, have committed since.
	exact bool
	// lock and unlock surround a batch, where there is something to keep out; else nil.
	lock   func(context.Context) error
	unlock func()
	// before is called at the end of each function that wrote, and last with
	// what all of a batch have left; see BeforeCommit. Nil is nothing.
	before func(context.Context, *Tx) error
	last   func(tx *Tx, left []any) error
	db     *DB // for last

	mu      sync.Mutex
	busy    bool      // someone has the turn
	waiting []*member // for it, in order
	came    int64     // callers so far that had to wait
	broken  error     // why nothing can be written any more

	// The rest belongs to whoever has the turn.
	s         session // nil: open one
	conflicts int     // in a row
}

// member is a caller that waits for its turn.
type member struct {
	turn   chan *batch // one place
	number int64       // in order
	called bool        // it has its turn, or will in a moment; guarded by queue.mu
	left   bool        // it went away; guarded by queue.mu
}

// batch is a transaction that several callers share.
type batch struct {
	refused error // the turn is not given; why
	size    int   // members so far
	last    int64 // number of the last caller that may be a member
	begun   bool  // the transaction is open
	dirty   bool  // it holds what members did whose functions succeeded
	left    []any // by them; see Tx.Leave
	doomed  bool  // it cannot go on
	done    chan struct{}
	again   bool  // after done: whoever waited has to run once more
	verdict error // after done: of the commit
}

// errClosed is what is written after Close gets.
var errClosed = errors.New("store: closed")

// enter waits for the caller's turn, and gives the batch that it is a member of.
func (q *queue) enter(ctx context.Context) (*batch, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	q.mu.Lock()
	if q.broken != nil {
		defer q.mu.Unlock()
		return nil, unavailable(q.broken)
	}
	if !q.busy {
		q.busy = true
		q.mu.Unlock()
		return &batch{size: 1}, nil
	}
	q.came++
	m := &member{turn: make(chan *batch, 1), number: q.came}
	q.waiting = append(q.waiting, m)
	q.mu.Unlock()
	select {
	case b := <-m.turn:
		return b, b.refused
	case <-ctx.Done():
	}
	q.mu.Lock()
	m.left = true
	called := m.called
	q.mu.Unlock()
	if called { // just now
		if b := <-m.turn; b.refused == nil {
			q.leave(b)
		}
	}
	return nil, ctx.Err()
}

// refuse tells all who wait that there is no use in it.
func (q *queue) refuse(err error) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for m := q.next(q.came); m != nil; m = q.next(q.came) {
		m.turn <- &batch{refused: err}
	}
}

// next takes the first caller out of those that wait, if it came no later than
// the one with the number last. It needs q.mu.
func (q *queue) next(last int64) *member {
	for len(q.waiting) > 0 && q.waiting[0].number <= last {
		m := q.waiting[0]
		q.waiting[0] = nil
		q.waiting = q.waiting[1:]
		if !m.left {
			m.called = true
			return m
		}
	}
	return nil
}

// leave gives the turn to the next caller: into the same batch while there is
// room, else, after the commit, into a new one.
func (q *queue) leave(b *batch) {
	if !b.doomed && b.size < maxBatch {
		q.mu.Lock()
		last := q.came
		if q.exact {
			last = b.last
		}
		m := q.next(last)
		q.mu.Unlock()
		if m != nil {
			if b.done == nil {
				b.done = make(chan struct{})
			}
			b.size++
			m.turn <- b
			return
		}
	}
	q.finish(b)
	q.mu.Lock()
	m := q.next(q.came)
	if m == nil {
		q.busy = false
	}
	q.mu.Unlock()
	if m != nil {
		m.turn <- &batch{size: 1}
	}
	if b.done != nil {
		close(b.done)
	}
}

// begin opens the transaction of b, unless it is open.
func (q *queue) begin(ctx context.Context, b *batch) error {
	if b.begun {
		return nil
	}
	if q.s != nil && q.s.dead() {
		q.drop()
	}
	if q.s == nil {
		s, err := q.open(ctx)
		switch {
		case err != nil && ctx.Err() != nil:
			return ctx.Err()
		case err != nil:
			// Trying can take seconds, and would fail for the others too.
			err = unavailable(err)
			q.refuse(err)
			return err
		}
		q.s = s
	}
	if q.lock != nil {
		if err := q.lock(ctx); err != nil {
			return err
		}
	}
	q.mu.Lock()
	b.last = q.came
	q.mu.Unlock()
	if err := q.s.begin(writing); err != nil {
		q.release()
		q.drop()
		return explain(err)
	}
	b.begun = true
	return nil
}

// rollback drops the transaction of b.
func (q *queue) rollback(b *batch) {
	if !b.begun {
		return
	}
	b.begun = false
	if err := q.s.rollback(); err != nil {
		q.drop()
	}
	q.release()
}

func (q *queue) release() {
	if q.unlock != nil {
		q.unlock()
	}
}

// drop gives up the connection; the next batch opens another.
func (q *queue) drop() {
	_ = q.s.close()
	q.s = nil
}

// finish ends the transaction of b, and says in b what became of it.
func (q *queue) finish(b *batch) {
	switch {
	case b.doomed:
		q.rollback(b)
		b.again = true
		return
	case !b.begun:
		return
	case !b.dirty:
		q.rollback(b)
		return
	}
	if len(b.left) > 0 {
		if err := q.writeLeft(b); err != nil {
			// Another number is free the next time.
			b.again = conflict(err) || Duplicate(err) || q.s.dead()
			b.verdict = err
			q.rollback(b)
			if b.again {
				q.cool()
			}
			return
		}
	}
	b.begun = false
	err := q.s.commit()
	defer q.release()
	if err == nil {
		q.conflicts = 0
		return
	}
	if conflict(err) {
		b.again = true
		q.cool()
		return
	}
	if q.s.dead() {
		b.again, b.verdict = q.fate(err)
		return
	}
	b.verdict = explain(fmt.Errorf("store: commit: %w", err))
	if lostSync(err) {
		// What the kernel could not write it forgets, so a later success
		// would prove nothing. A new process reads what is really there.
		q.end(fmt.Errorf("the disk did not take a change, and nothing more is written until a restart: %w", err))
	}
	if err := q.s.rollback(); err != nil {
		q.drop()
	}
}

// cool waits for a moment, a longer one after each conflict, so that those who
// run into each other do so no longer.
func (q *queue) cool() {
	q.conflicts = min(q.conflicts+1, 7)
	time.Sleep(rand.N(time.Millisecond << q.conflicts))
}

// fate finds out whether a commit whose answer got lost has happened.
func (q *queue) fate(cause error) (again bool, verdict error) {
	s, ok := q.s.(pgSession)
	xid := ""
	if ok {
		xid = s.c.XID()
	}
	q.drop()
	if xid == "" {
		return false, unavailable(fmt.Errorf("store: commit: %w", cause))
	}
	ctx, cancel := context.WithTimeout(context.Background(), fatePatience)
	defer cancel()
	for ctx.Err() == nil {
		if q.s == nil {
			if s, err := q.open(ctx); err == nil {
				q.s = s
			}
		}
		if s, ok := q.s.(pgSession); ok {
			fate, err := s.c.Fate(xid)
			switch {
			case err != nil:
				q.drop()
			case fate == "committed":
				return false, nil
			case fate == "aborted":
				return true, nil
			}
		}
		time.Sleep(50 * time.Millisecond) // it is away, or still in progress
	}
	return false, unavailable(fmt.Errorf("store: commit of transaction %s, its outcome unknown: %w", xid, cause))
}

// close waits for its turn and ends the connection. Who comes later is refused.
func (q *queue) close() error {
	b, err := q.enter(context.Background())
	if err != nil {
		return nil //nolint:nilerr // closed already
	}
	q.end(errClosed)
	if q.s != nil {
		err = q.s.close()
		q.s = nil
	}
	q.leave(b)
	return err
}

// end refuses all who wait, and all who come later.
func (q *queue) end(why error) {
	q.mu.Lock()
	q.broken = why
	q.mu.Unlock()
	q.refuse(unavailable(why))
}

// ended tells why nothing can be written any more, if so.
func (q *queue) ended() error {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.broken == nil {
		return nil
	}
	return unavailable(q.broken)
}

// write runs fn as a member of a batch; again says that it has to run once more.
func (q *queue) write(ctx context.Context, db *DB, fn func(*Tx) error) (again bool, err error) {
	b, err := q.enter(ctx)
	if err != nil {
		return false, err
	}
	if err := q.begin(ctx, b); err != nil {
		q.leave(b)
		return false, err
	}
	tx := &Tx{ctx: ctx, db: db, s: q.s, w: b}
	returned := false
	defer func() {
		if !returned { // a panic, or runtime.Goexit
			tx.s = nil
			q.undo(b, tx)
			q.leave(b)
		}
	}()
	err = fn(tx)
	if err == nil && tx.failed == nil && tx.wrote && q.before != nil {
		err = q.before(ctx, tx)
	}
	returned = true
	tx.s = nil
	if tx.failed != nil && err == nil {
		err = tx.failed
	}
	if err == nil && tx.saved {
		err = explain(q.s.release())
	}
	if err != nil {
		alone := !b.dirty
		again = q.undo(b, tx)
		final := alone || b.doomed
		q.leave(b)
		if final || again {
			return again, err
		}
		// What it saw, others of the batch may have written.
		<-b.done
		if b.verdict != nil {
			err = b.verdict
		}
		return b.again, err
	}
	if tx.wrote || len(tx.left) > 0 {
		b.dirty = true
		b.left = append(b.left, tx.left...)
	}
	q.leave(b)
	if b.done != nil {
		<-b.done
	}
	if b.again || b.verdict != nil {
		return b.again, b.verdict
	}
	for _, fn := range tx.after {
		fn()
	}
	return false, nil
}

// writeLeft has what the members of b have left written.
func (q *queue) writeLeft(b *batch) (err error) {
	// All members fail together, so there is no use for a savepoint.
	tx := &Tx{ctx: context.Background(), db: q.db, s: q.s, w: b, wrote: true}
	defer func() {
		tx.s = nil
		if p := recover(); p != nil { // the turn has to go on
			err = fmt.Errorf("store: before the commit: panic: %v\n%s", p, debug.Stack())
		}
	}()
	err = q.last(tx, b.left)
	if tx.failed != nil && err == nil {
		err = tx.failed
	}
	return err
}

// undo takes back what tx did; the whole batch where the transaction is beyond
// repair. It tells whether the function has to run once more.
func (q *queue) undo(b *batch, tx *Tx) (again bool) {
	switch {
	case tx.failed != nil && (conflict(tx.failed) || !q.s.intact(tx.saved)):
		again = conflict(tx.failed) || q.s.dead()
		b.doomed = b.dirty
		q.rollback(b)
		if again {
			q.cool()
		}
	case tx.saved:
		if err := q.s.undo(); err != nil {
			b.doomed = true
		}
	case tx.wrote:
		q.rollback(b) // no one else has written
	}
	return again
}

// lostSync tells whether err says that the disk did not take what it was given.
func lostSync(err error) bool {
	e, ok := errors.AsType[*lite.Error](err)
	return ok && (e.Code == sqlite3.SQLITE_IOERR_FSYNC || e.Code == sqlite3.SQLITE_IOERR_DIR_FSYNC)
}
