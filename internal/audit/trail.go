package audit

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"github.com/google/uuid"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/page"
	"onsight/internal/seal"
	"onsight/internal/store"
)

// Config is what a Trail needs. DB, Keys, Tokens, Log and Now are required.
type Config struct {
	DB     *store.DB
	Keys   *seal.Keyring
	Tokens *page.Tokens
	Log    *slog.Logger
	Now    func() time.Time
	// Region is that of calls that are not signed, and so name none.
	Region string
	// Reads has calls recorded that only read.
	Reads bool
	// Retention is how long events are kept; 0 is for ever.
	Retention time.Duration
	// SealEvery is how long events wait to be sealed; 0 is five seconds.
	SealEvery time.Duration
	// Queue is how many events of calls that changed nothing may wait to be
	// written; 0 is 1024.
	Queue int
}

const (
	sealEvery   = 5 * time.Second
	queueLength = 1024
)

// A Trail records what happens. It is an api.Recorder.
type Trail struct {
	db        *store.DB
	keys      *seal.Keyring
	tokens    *page.Tokens
	log       *slog.Logger
	now       func() time.Time
	region    string
	reads     bool
	retention time.Duration
	sealEvery time.Duration

	mu   sync.Mutex
	last int64 // the highest number given to an event so far

	queue   chan *entry
	dropped atomic.Int64 // events for which the queue had no room

	stop    chan struct{}
	written chan struct{} // closed when the queue is empty for good
	stopped sync.WaitGroup
}

// Open makes a Trail, and has the store call it before each commit. It writes
// nothing of its own before Start.
func Open(ctx context.Context, c Config) (*Trail, error) {
	t := &Trail{
		db: c.DB, keys: c.Keys, tokens: c.Tokens, log: c.Log, now: c.Now, region: c.Region,
		reads: c.Reads, retention: c.Retention, sealEvery: c.SealEvery,
		stop: make(chan struct{}), written: make(chan struct{}),
	}
	if t.sealEvery == 0 {
		t.sealEvery = sealEvery
	}
	if c.Queue == 0 {
		c.Queue = queueLength
	}
	t.queue = make(chan *entry, c.Queue)
	err := c.DB.Read(ctx, func(tx *store.Tx) (err error) {
		t.last, err = highest(tx)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the end of the audit trail: %w", err)
	}
	c.DB.BeforeCommit(t.record, t.insert)
	return t, nil
}

// Start begins to write what waits, to seal and to remove what is old.
func (t *Trail) Start() {
	t.stopped.Go(func() {
		defer close(t.written)
		t.write()
	})
	t.stopped.Go(t.tend)
}

// Stop writes what waits and seals it. Nothing may be recorded any more.
func (t *Trail) Stop() {
	close(t.stop)
	t.stopped.Wait()
}

// highest is the highest number that an event has or had.
func highest(tx *store.Tx) (int64, error) {
	return store.One[int64](tx, `SELECT coalesce(max(seq), 0) FROM (
		SELECT max(seq) AS seq FROM audit_events UNION ALL SELECT max(head_seq) AS seq FROM audit_chains) AS ends`)
}

// next gives an event that is written now its number.
func (t *Trail) next(now time.Time) int64 {
	seq := seqAt(now) | rand.Int64N(1<<counterBits)
	t.mu.Lock()
	defer t.mu.Unlock()
	if seq <= t.last {
		seq = t.last + 1
	}
	t.last = seq
	return seq
}

// passed has all numbers from now on be above seq.
func (t *Trail) passed(seq int64) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = max(t.last, seq)
}

// The folder of SQLite belongs to one process, whose writers come one after the
// other, so a number is above all others. Servers that share a PostgreSQL have
// clocks of their own: an event of one that is late must not come in before
// what another has sealed. That the row which says so is read here has
// PostgreSQL fail one of two transactions that seal and write at once. There
// one statement takes the events of many calls, for each waits for an answer.
const (
	insertOne  = `INSERT INTO audit_events (seq, account, record) VALUES ($1, $2, $3)`
	insertMany = `INSERT INTO audit_events (seq, account, record)
		SELECT e.seq, e.account, e.record
		FROM unnest(CAST(string_to_array($2, ' ') AS BIGINT[]), string_to_array($3, ' '), string_to_array($4, chr(10))) AS e (seq, account, record)
		WHERE NOT EXISTS (SELECT 1 FROM audit_chains WHERE account = '' AND head_seq >= CAST($1 AS BIGINT))`
)

// insert writes the entries that were left in a transaction.
func (t *Trail) insert(tx *store.Tx, left []any) error {
	if t.db.Dialect() == store.PostgreSQL {
		return t.insertMany(tx, left)
	}
	now := t.now()
	for _, v := range left {
		e, seq := v.(*entry), t.next(now)
		record := e.at(seq, now)
		// The store has taken the text by the time that Exec returns.
		if _, err := tx.Exec(insertOne, seq, e.account, unsafe.String(unsafe.SliceData(record), len(record))); err != nil {
			return err
		}
	}
	free(left)
	return nil
}

func (t *Trail) insertMany(tx *store.Tx, left []any) error {
	var numbers, accounts, records []byte
	for range 10 {
		numbers, accounts, records = numbers[:0], accounts[:0], records[:0]
		first, now := int64(0), t.now()
		for i, v := range left {
			e, seq := v.(*entry), t.next(now)
			if i == 0 {
				first = seq
			} else {
				numbers, accounts, records = append(numbers, ' '), append(accounts, ' '), append(records, '\n')
			}
			// Accounts have no spaces, and JSON no line breaks inside of strings.
			numbers, accounts, records = strconv.AppendInt(numbers, seq, 10), append(accounts, e.account...), append(records, e.at(seq, now)...)
		}
		n, err := tx.Exec(insertMany, first, string(numbers), string(accounts), string(records))
		if err != nil {
			return err
		}
		if n == int64(len(left)) {
			free(left)
			return nil
		}
		seq, err := highest(tx)
		if err != nil {
			return err
		}
		t.passed(seq)
	}
	return errors.New("audit: no number is free")
}

// An entry is an event on its way to the database.
type entry struct {
	account  string
	record   []byte
	happened time.Time // where it waits in the queue
	pooled   bool
}

// at gives the record to store under a number. It says itself when the event
// happened if the number does not: it has waited, or the clock was set back.
func (e *entry) at(seq int64, now time.Time) []byte {
	if !e.happened.IsZero() {
		now = e.happened
	}
	if timeOf(seq).Sub(now).Abs() <= lateness {
		return e.record
	}
	n := len(e.record) - 1
	return append(member(slices.Clip(e.record[:n]), "eventTime", now.UTC().Format(time.RFC3339)), '}')
}

// entries are those of changes, which nobody needs once they are written.
var entries = sync.Pool{New: func() any { return &entry{pooled: true} }}

// free gives the entries back that are used again.
func free(left []any) {
	for _, v := range left {
		if e := v.(*entry); e.pooled && cap(e.record) <= 4096 {
			entries.Put(e)
		}
	}
}

// record leaves the event of what tx has changed, if a call or a job is behind
// it. The store calls it at the end of each change.
func (t *Trail) record(ctx context.Context, tx *store.Tx) error {
	if c, ok := api.CallOf(ctx); ok {
		if c.Recorded() || c.Stage() != api.Running {
			return nil
		}
		does := effectOf(c.Operation())
		if does == reads || c.Who().Account == "" {
			return nil
		}
		e := entries.Get().(*entry)
		e.account, e.record = c.Who().Account, t.call(e.record[:0], c, does, c.Result(), nil, "")
		tx.AfterCommit(c.SetRecorded)
		tx.Leave(e)
		return nil
	}
	run := job.Current(ctx)
	if run == nil || run.Recorded || run.Behalf == nil {
		return nil
	}
	by, err := api.BehalfOf(*run.Behalf)
	if err != nil { // it must not keep the job from going on
		t.log.ErrorContext(ctx, "audit: a job is not recorded", "job", run.Kind, "key", run.Key, "error", err)
		return nil
	}
	tx.AfterCommit(func() { run.Recorded = true })
	tx.Leave(&entry{account: by.Who.Account, record: appendJob(nil, run, &by)})
	return nil
}

// Ended records a call that has ended without a record: one that was refused,
// that failed, or that changes nothing in the database.
func (t *Trail) Ended(ctx context.Context, out any, err error) error {
	c, ok := api.CallOf(ctx)
	if !ok || c.Recorded() {
		return nil
	}
	account, does := c.Who().Account, effectOf(c.Operation())
	switch {
	case err != nil:
		f := fault.Of(err)
		// Who is not known could fill the disk.
		if account != "" && (c.Stage() == api.Refused || denies(f) || does != reads && c.Stage() >= api.Allowed) {
			t.enqueue(account, t.call(nil, c, does, nil, f, ""))
		}
		return nil
	case does == admits:
		return t.admit(ctx, c, out)
	case does == alters || t.reads:
		t.enqueue(account, t.call(nil, c, does, out, nil, ""))
	}
	return nil
}

// denies tells whether a fault is a refusal by policies, of an operation that
// asks them itself.
func denies(f *fault.Fault) bool {
	return f.Code == "AccessDenied" || f.Code == "AccessDeniedException" && f.Status == 403
}

// admit records that someone is given a session, with the caller's account and
// that of the role. Who cannot be recorded does not come in.
func (t *Trail) admit(ctx context.Context, c api.Call, out any) error {
	accounts := make([]string, 0, 2)
	if own := c.Who().Account; own != "" {
		accounts = append(accounts, own)
	}
	if role, err := arn.Parse(roleOf(c.Input())); err == nil && role.Account != c.Who().Account {
		accounts = append(accounts, role.Account)
	}
	shared := ""
	if len(accounts) > 1 {
		shared = uuid.NewString()
	}
	record := t.call(nil, c, admits, out, nil, shared)
	return t.db.Write(ctx, func(tx *store.Tx) error {
		for _, account := range accounts {
			tx.Leave(&entry{account: account, record: record})
		}
		return nil
	})
}
