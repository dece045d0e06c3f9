package job

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	mathrand "math/rand/v2"
	"runtime/debug"
	"slices"
	"strings"
	"sync"
	"time"

	"onsight/internal/store"
)

const (
	// lease is how long a job is its worker's; the worker renews it in time.
	lease = 30 * time.Second
	// renewal is how often.
	renewal = lease / 3
	// poll is how long a runner goes without looking for jobs of other
	// processes, and for those whose time has come.
	poll = time.Second
	// workers is how many jobs run at once.
	workers = 4
	// The pause after a failed attempt.
	firstPause = time.Second
	maxPause   = 10 * time.Minute
)

// signal is sent by commits with a job, done by the ends of jobs.
const (
	signalAdded = "job added"
	signalDone  = "job done"
)

// Job is work to do, as its handler sees it.
type Job struct {
	ID      int64  `db:"id"`
	Kind    string `db:"kind"`
	Key     string `db:"key"`     // what it is about, such as an ARN
	Payload []byte `db:"payload"` // JSON
	// Attempts is how often the job has begun, this time included.
	Attempts int `db:"attempts"`
	// Behalf tells by what the job was left, in words of theirs: see BehalfKey.
	// It is empty for a job that nobody else is behind.
	Behalf *string `db:"behalf"`
}

// Decode reads the payload into v.
func (j Job) Decode(v any) error {
	if err := json.Unmarshal(j.Payload, v); err != nil {
		return fmt.Errorf("payload of job %s %s: %w", j.Kind, j.Key, err)
	}
	return nil
}

// BehalfKey is the key under which the context of a Write may have a Behalf:
// what jobs that are left there remember.
type BehalfKey struct{}

// A Behalf tells on whose behalf jobs are left. The text holds no secret; empty
// is nobody's.
type Behalf interface{ Behalf() (string, error) }

// A Run is a job under way.
type Run struct {
	Job
	// Recorded is for whoever records what the job does: once for each run.
	Recorded bool
}

type runKey struct{}

// Current is the job that ctx, or one that it comes from, was given to the
// handler of; nil where there is none.
func Current(ctx context.Context) *Run {
	r, _ := ctx.Value(runKey{}).(*Run)
	return r
}

// behalf gives what a job that is left in tx remembers; nil for nothing.
func behalf(tx *store.Tx) (*string, error) {
	if run := Current(tx.Context()); run != nil {
		return run.Behalf, nil
	}
	b, ok := tx.Context().Value(BehalfKey{}).(Behalf)
	if !ok {
		return nil, nil
	}
	text, err := b.Behalf()
	if err != nil || text == "" {
		return nil, err
	}
	return &text, nil
}

// Add adds a job in the caller's transaction. It begins once that is durable,
// and not before runAt. The payload is anything that encodes as JSON.
func Add(tx *store.Tx, kind, key string, payload any, runAt time.Time) error {
	b, err := json.Marshal(payload)
	if err != nil {
		return fmt.Errorf("payload of job %s %s: %w", kind, key, err)
	}
	by, err := behalf(tx)
	if err != nil {
		return fmt.Errorf("behalf of job %s %s: %w", kind, key, err)
	}
	var id [8]byte
	rand.Read(id[:])
	err = store.Insert(tx, "jobs", struct {
		ID       int64   `db:"id"`
		Kind     string  `db:"kind"`
		Key      string  `db:"key"`
		Payload  string  `db:"payload"`
		Attempts int64   `db:"attempts"`
		RunAt    int64   `db:"run_at_us"`
		Behalf   *string `db:"behalf"`
	}{int64(binary.BigEndian.Uint64(id[:]) >> 1), kind, key, string(b), 0, store.Micros(runAt), by})
	if err != nil {
		return err
	}
	tx.Signal(signalAdded)
	return nil
}

// process marks the leases of this process.
var process = rand.Text()

// A Runner does the jobs of a store. Several, in one process or in many, share
// the work.
type Runner struct {
	db       *store.DB
	log      *slog.Logger
	now      func() time.Time
	poll     time.Duration
	mark     string // on this runner's leases
	handlers map[string]func(context.Context, Job) error
	kinds    []any  // of the handlers
	claim    string // the query for their jobs

	observe func(kind, outcome string, took time.Duration) // nil for nothing

	mu      sync.Mutex
	running map[int64]context.CancelFunc // of each job
	ended   chan struct{}                // closed when a job ends, and made anew

	stopped chan struct{} // nil before Start; closed when the loop has ended
	stop    context.CancelFunc
	kill    context.CancelFunc
}

// NewRunner gives a runner for the jobs in db, with the clock now. Nothing runs
// before Start or Drain.
func NewRunner(db *store.DB, log *slog.Logger, now func() time.Time) *Runner {
	return &Runner{
		db: db, log: log, now: now, poll: poll, mark: process + rand.Text(),
		handlers: map[string]func(context.Context, Job) error{},
		running:  map[int64]context.CancelFunc{},
		ended:    make(chan struct{}),
	}
}

// Handle has fn do the jobs of a kind. It is called before Start and Drain. The
// context of fn ends when the job is no longer this runner's: it was stopped,
// or could not renew its lease.
func (r *Runner) Handle(kind string, fn func(ctx context.Context, j Job) error) {
	if _, ok := r.handlers[kind]; ok {
		panic("job: two handlers for " + kind)
	}
	r.handlers[kind] = fn
	r.kinds = append(r.kinds, kind)
	marks := make([]string, len(r.kinds))
	for i := range marks {
		marks[i] = fmt.Sprintf("$%d", i+3)
	}
	// Jobs of other kinds belong to a newer program that shares the database.
	r.claim = `SELECT id, kind, key, payload, attempts, behalf FROM jobs
		WHERE run_at_us <= $1 AND kind IN (` + strings.Join(marks, ", ") + `)
		ORDER BY run_at_us LIMIT $2 FOR UPDATE SKIP LOCKED`
}

// Observe has fn told of each run: its outcome is Done, Failed or GivenBack. It is
// called before Start and Drain.
func (r *Runner) Observe(fn func(kind, outcome string, took time.Duration)) { r.observe = fn }

// Start begins to do jobs, until Stop is called or ctx ends. Jobs that a killed
// process left behind on SQLite are taken over at once, since the folder
// belongs to this process now; on PostgreSQL when their lease ends.
func (r *Runner) Start(ctx context.Context) {
	loop, stop := context.WithCancel(ctx)
	// A job goes on while the others come to their end.
	work, kill := context.WithCancel(context.WithoutCancel(ctx))
	r.stop, r.kill, r.stopped = stop, kill, make(chan struct{})
	go func() {
		defer close(r.stopped)
		r.loop(loop, work)
	}()
}

// Stop ends the loop and waits for the jobs under way. When ctx ends first it
// ends their contexts, and gives their jobs back for others to do.
func (r *Runner) Stop(ctx context.Context) error {
	if r.stopped == nil {
		return nil
	}
	r.stop()
	defer r.kill()
	select {
	case <-r.stopped:
		return nil
	case <-ctx.Done():
	}
	r.kill()
	select {
	case <-r.stopped:
		return nil
	case <-time.After(5 * time.Second):
		return errors.New("jobs are still running, though they were told to end")
	}
}

// loop starts jobs as they come due, until ctx ends; then it waits for them.
func (r *Runner) loop(ctx, work context.Context) {
	added, unwatch := r.db.Watch(signalAdded)
	defer unwatch()
	if r.db.Dialect() == store.SQLite {
		if err := r.takeOver(ctx); err != nil && ctx.Err() == nil {
			r.log.Error("take over jobs", "error", err)
		}
	}
	slots := make(chan struct{}, workers)
	var wg sync.WaitGroup
	defer wg.Wait()
	renew := time.NewTicker(renewal)
	defer renew.Stop()
	for {
		jobs, err := r.lease(ctx, workers-len(slots))
		if err != nil && ctx.Err() == nil {
			r.log.Error("look for jobs", "error", err)
		}
		for _, j := range jobs {
			slots <- struct{}{}
			wg.Go(func() {
				defer func() { <-slots }()
				r.run(work, j)
			})
		}
		if len(jobs) > 0 && len(slots) < workers {
			continue // there may be more
		}
		timer := time.NewTimer(r.poll)
		ended := r.nextEnd()
		select {
		case <-ctx.Done():
		case <-added:
		case <-ended:
		case <-renew.C:
			r.renew(ctx)
		case <-timer.C:
		}
		timer.Stop()
		if ctx.Err() != nil {
			break
		}
	}
	// Those under way keep their leases.
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	for {
		select {
		case <-done:
			return
		case <-renew.C:
			r.renew(context.WithoutCancel(ctx))
		}
	}
}

// takeOver ends the leases of processes that are gone.
func (r *Runner) takeOver(ctx context.Context) error {
	return r.db.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE jobs SET lease = NULL, run_at_us = $1 WHERE lease IS NOT NULL AND substr(lease, 1, $2) <> $3`,
			store.Micros(r.now()), len(process), process)
		return err
	})
}

// lease takes up to n jobs that are due.
func (r *Runner) lease(ctx context.Context, n int) ([]Job, error) {
	if n <= 0 || len(r.kinds) == 0 {
		return nil, nil
	}
	now := store.Micros(r.now())
	args := append([]any{now, n}, r.kinds...)
	// Most often there is none, and looking costs no commit.
	due := 0
	err := r.db.Read(ctx, func(tx *store.Tx) (err error) {
		due, err = store.One[int](tx, `SELECT count(*) FROM (SELECT 1 FROM jobs WHERE run_at_us <= $1 LIMIT 1) AS due`, now)
		return err
	})
	if err != nil || due == 0 {
		return nil, err
	}
	var jobs []Job
	err = r.db.Claim(ctx, func(tx *store.Tx) (err error) {
		jobs, err = store.All[Job](tx, r.claim, args...)
		if err != nil {
			return err
		}
		until := store.Micros(r.now().Add(lease))
		// One that is under way here is due again only if its lease was not
		// renewed in time, and nobody has taken it yet.
		jobs = slices.DeleteFunc(jobs, func(j Job) bool { return r.has(j.ID) })
		for i := range jobs {
			jobs[i].Attempts++
			_, err := tx.Exec(`UPDATE jobs SET lease = $1, run_at_us = $2, attempts = $3 WHERE id = $4`,
				r.mark, until, jobs[i].Attempts, jobs[i].ID)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, j := range jobs {
		r.running[j.ID] = func() {}
	}
	return jobs, nil
}

// has tells whether a job is under way here.
func (r *Runner) has(id int64) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.running[id] != nil
}

// run does one job that this runner has leased.
func (r *Runner) run(ctx context.Context, j Job) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	r.mu.Lock()
	r.running[j.ID] = cancel
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.running, j.ID)
		close(r.ended)
		r.ended = make(chan struct{})
	}()

	begun := r.now()
	err := r.call(ctx, j)
	outcome := "Done"
	log := r.log.With("job", j.Kind, "key", j.Key, "attempt", j.Attempts)
	query, args := `DELETE FROM jobs WHERE id = $1 AND lease = $2`, []any{j.ID, r.mark}
	switch {
	case err == nil:
		log.Info("job done", "duration", r.now().Sub(begun))
	case ctx.Err() != nil:
		outcome = "GivenBack"
		log.Info("job given back", "error", err)
		query = `UPDATE jobs SET lease = NULL, run_at_us = $3, attempts = $4 WHERE id = $1 AND lease = $2`
		args = append(args, store.Micros(r.now()), j.Attempts-1)
	default:
		outcome = "Failed"
		wait := pause(j.Attempts)
		log.Error("job failed", "error", err, "again_in", wait)
		query = `UPDATE jobs SET lease = NULL, run_at_us = $3 WHERE id = $1 AND lease = $2`
		args = append(args, store.Micros(r.now().Add(wait)))
	}
	if r.observe != nil {
		r.observe(j.Kind, outcome, r.now().Sub(begun))
	}
	// If this fails the lease runs out, and the job is done again.
	err = r.db.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		_, err := tx.Exec(query, args...)
		tx.Signal(signalDone)
		return err
	})
	if err != nil {
		log.Error("end the job", "error", err)
	}
}

// call runs the handler; a panic is an error.
func (r *Runner) call(ctx context.Context, j Job) (err error) {
	returned := false
	defer func() {
		if returned {
			return
		}
		// Also nil: a handler has ended its goroutine with runtime.Goexit.
		err = fmt.Errorf("panic: %v\n%s", recover(), debug.Stack())
	}()
	err = r.handlers[j.Kind](context.WithValue(ctx, runKey{}, &Run{Job: j}), j)
	returned = true
	return err
}

// pause is the time until the next attempt, between half and all of a time
// that doubles with each attempt.
func pause(attempts int) time.Duration {
	d := maxPause
	if attempts < 16 {
		d = min(maxPause, firstPause<<(attempts-1))
	}
	return d/2 + mathrand.N(d/2)
}

// renew renews the leases of the jobs under way, and ends those that are lost.
func (r *Runner) renew(ctx context.Context) {
	r.mu.Lock()
	ids := make([]int64, 0, len(r.running))
	for id := range r.running {
		ids = append(ids, id)
	}
	r.mu.Unlock()
	if len(ids) == 0 {
		return
	}
	slices.Sort(ids)
	var lost []int64
	err := r.db.Write(ctx, func(tx *store.Tx) error {
		lost = nil
		for _, id := range ids {
			n, err := tx.Exec(`UPDATE jobs SET run_at_us = $1 WHERE id = $2 AND lease = $3`, store.Micros(r.now().Add(lease)), id, r.mark)
			if err != nil {
				return err
			}
			if n == 0 {
				lost = append(lost, id)
			}
		}
		return nil
	})
	if err != nil {
		r.log.Error("renew leases of jobs", "error", err)
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range lost {
		if cancel := r.running[id]; cancel != nil {
			cancel()
		}
	}
}

// nextEnd is closed when the next job of this runner ends.
func (r *Runner) nextEnd() <-chan struct{} {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ended
}

// Drain does what is due now, and what becomes due by that, and waits for the
// jobs that this runner has under way. Jobs that fail do not fail it. It is for
// tests and for commands.
func (r *Runner) Drain(ctx context.Context) error {
	for {
		ended := r.nextEnd()
		jobs, err := r.lease(ctx, workers)
		if err != nil {
			return err
		}
		for _, j := range jobs {
			r.run(ctx, j)
		}
		if len(jobs) > 0 {
			continue
		}
		r.mu.Lock()
		busy := len(r.running) > 0
		r.mu.Unlock()
		if !busy {
			return ctx.Err()
		}
		select {
		case <-ended:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Wait waits until there is no job of this kind and key, be it done here or by
// another process. It gives ctx's error if that ends first.
func (r *Runner) Wait(ctx context.Context, kind, key string) error {
	done, unwatch := r.db.Watch(signalDone)
	defer unwatch()
	for {
		var n int
		err := r.db.Read(ctx, func(tx *store.Tx) (err error) {
			n, err = store.One[int](tx, `SELECT count(*) FROM jobs WHERE kind = $1 AND key = $2`, kind, key)
			return err
		})
		if err != nil || n == 0 {
			return err
		}
		timer := time.NewTimer(r.poll)
		select {
		case <-done:
		case <-timer.C:
		case <-ctx.Done():
		}
		timer.Stop()
		if err := ctx.Err(); err != nil {
			return err
		}
	}
}
