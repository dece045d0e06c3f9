package job_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"onsight/internal/job"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// childEnv makes the test program a process that is killed inside of a job.
const childEnv = "ONSIGHT_JOB_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		child()
	}
	goleak.VerifyTestMain(m)
}

// clock is a clock that tests set.
type clock struct{ us atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.us.Store(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixMicro())
	return c
}

func (c *clock) now() time.Time          { return time.UnixMicro(c.us.Load()) }
func (c *clock) advance(d time.Duration) { c.us.Add(d.Microseconds()) }

func newRunner(t *testing.T, db *store.DB, c *clock) *job.Runner {
	t.Helper()
	return job.NewRunner(db, slog.New(slog.NewTextHandler(t.Output(), nil)), c.now)
}

// start starts a runner that stops before the store closes.
func start(t *testing.T, r *job.Runner) {
	t.Helper()
	r.Start(context.Background())
	t.Cleanup(func() {
		if err := r.Stop(context.Background()); err != nil {
			t.Errorf("Stop: %v", err)
		}
	})
}

// add adds a job that is due now.
func add(t *testing.T, db *store.DB, c *clock, kind, key string) {
	t.Helper()
	write(t, db, func(tx *store.Tx) error { return job.Add(tx, kind, key, nil, c.now()) })
}

func write(t *testing.T, db *store.DB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := db.Write(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// count gives the number of jobs that are not done.
func count(t *testing.T, db *store.DB) int {
	t.Helper()
	var n int
	err := db.Read(context.Background(), func(tx *store.Tx) (err error) {
		n, err = store.One[int](tx, `SELECT count(*) FROM jobs`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// lease makes a job look as if another process had it.
func lease(t *testing.T, db *store.DB, c *clock, key string) {
	t.Helper()
	write(t, db, func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE jobs SET lease = 'another process', attempts = 1, run_at_us = $1 WHERE key = $2`,
			store.Micros(c.now().Add(30*time.Second)), key)
		return err
	})
}

func drain(t *testing.T, r *job.Runner) {
	t.Helper()
	if err := r.Drain(context.Background()); err != nil {
		t.Errorf("Drain: %v", err)
	}
}

func TestDrain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		r := newRunner(t, db, c)
		var did []string
		r.Handle("greet", func(_ context.Context, j job.Job) error {
			var p struct{ Name string }
			if err := j.Decode(&p); err != nil {
				return err
			}
			did = append(did, fmt.Sprint(j.Kind, " ", j.Key, " ", p.Name, " ", j.Attempts))
			if j.Key == "first" { // leaves one more behind
				return db.Write(context.Background(), func(tx *store.Tx) error {
					return job.Add(tx, "greet", "third", p, c.now())
				})
			}
			return nil
		})
		payload := struct{ Name string }{"Ana"}
		write(t, db, func(tx *store.Tx) error {
			if err := job.Add(tx, "greet", "second", payload, c.now()); err != nil {
				return err
			}
			if err := job.Add(tx, "greet", "first", payload, c.now().Add(-time.Second)); err != nil {
				return err
			}
			if err := job.Add(tx, "unknown", "x", payload, c.now()); err != nil { // a newer program's
				return err
			}
			return job.Add(tx, "greet", "later", payload, c.now().Add(time.Hour))
		})
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			if err := job.Add(tx, "greet", "never", payload, c.now()); err != nil {
				return err
			}
			return errors.New("the change did not happen")
		})
		if err == nil {
			t.Error("no error from a function that fails")
		}
		drain(t, r)
		want := []string{"greet first Ana 1", "greet second Ana 1", "greet third Ana 1"}
		if diff := cmp.Diff(want, did); diff != "" {
			t.Errorf("jobs done (-want +got):\n%s", diff)
		}
		if n := count(t, db); n != 2 {
			t.Errorf("%d jobs left, want 2", n)
		}
		c.advance(time.Hour)
		drain(t, r)
		if n := count(t, db); n != 1 {
			t.Errorf("%d jobs left an hour later, want 1", n)
		}
	})
}

// A runner that was started does a job as soon as it is committed.
func TestWake(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		r := newRunner(t, db, c)
		r.SetPoll(time.Hour)
		r.Handle("work", func(context.Context, job.Job) error { return nil })
		start(t, r)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		for i := range 10 {
			key := fmt.Sprint(i)
			add(t, db, c, "work", key)
			if err := r.Wait(ctx, "work", key); err != nil {
				t.Fatalf("wait for job %d: %v", i, err)
			}
		}
	})
}

func TestWait(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		r := newRunner(t, db, c)
		if err := r.Wait(t.Context(), "work", "a"); err != nil {
			t.Errorf("without a job: %v", err)
		}
		add(t, db, c, "work", "a")
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
		defer cancel()
		if err := r.Wait(ctx, "work", "a"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("with a job that nobody does: %v, want %v", err, context.DeadlineExceeded)
		}
		if err := r.Wait(t.Context(), "work", "b"); err != nil {
			t.Errorf("with a job for something else: %v", err)
		}
	})
}

// A job that fails, or panics, is done again after a pause.
func TestFailure(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		r := newRunner(t, db, c)
		var attempts []int
		r.Handle("work", func(_ context.Context, j job.Job) error {
			attempts = append(attempts, j.Attempts)
			switch j.Attempts {
			case 1:
				return errors.New("not yet")
			case 2:
				panic("not yet")
			}
			return nil
		})
		add(t, db, c, "work", "a")
		for i, wait := range []time.Duration{0, 500*time.Millisecond - 1000, 600 * time.Millisecond, 900 * time.Millisecond, 1200 * time.Millisecond} {
			c.advance(wait)
			drain(t, r)
			want := []int{1, 1, 2, 2, 3}[i]
			if got := attempts[len(attempts)-1]; got != want || len(attempts) != want {
				t.Errorf("step %d: attempts %v, want %d of them", i, attempts, want)
			}
		}
		if n := count(t, db); n != 0 {
			t.Errorf("%d jobs left, want none", n)
		}
	})
}

func TestPause(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		attempts int
		most     time.Duration
	}{{1, time.Second}, {2, 2 * time.Second}, {5, 16 * time.Second}, {11, 10 * time.Minute}, {1000, 10 * time.Minute}} {
		seen := map[time.Duration]bool{}
		for range 100 {
			d := job.Pause(c.attempts)
			if d < c.most/2 || d > c.most {
				t.Errorf("pause after attempt %d = %v, want %v to %v", c.attempts, d, c.most/2, c.most)
			}
			seen[d] = true
		}
		if len(seen) < 50 {
			t.Errorf("after attempt %d only %d different pauses", c.attempts, len(seen))
		}
	}
}

// The job of a process that died is another's when its lease ends, and not before.
func TestTakeOver(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		r := newRunner(t, db, c)
		var did []int
		r.Handle("work", func(_ context.Context, j job.Job) error { did = append(did, j.Attempts); return nil })
		add(t, db, c, "work", "a")
		lease(t, db, c, "a")
		c.advance(29 * time.Second)
		drain(t, r)
		if did != nil {
			t.Error("done under the lease of another")
		}
		c.advance(2 * time.Second)
		drain(t, r)
		if diff := cmp.Diff([]int{2}, did); diff != "" {
			t.Errorf("attempts after the lease (-want +got):\n%s", diff)
		}
	})
}

// On SQLite the folder is this process's, so what another left is free at once.
func TestTakeOverAtStart(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, store.SQLite)
	c := newClock()
	r := newRunner(t, db, c)
	r.Handle("work", func(context.Context, job.Job) error { return nil })
	add(t, db, c, "work", "a")
	lease(t, db, c, "a")
	start(t, r)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := r.Wait(ctx, "work", "a"); err != nil {
		t.Error(err)
	}
}

// child begins a job, says so, and waits to be killed.
func child() {
	db, err := store.Open(context.Background(), store.Config{Dir: os.Getenv(childEnv)})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	r := job.NewRunner(db, slog.New(slog.DiscardHandler), newClock().now)
	r.Handle("work", func(context.Context, job.Job) error {
		fmt.Println("begun")
		select {}
	})
	r.Start(context.Background())
	select {}
}

func TestKill(t *testing.T) {
	t.Parallel()
	config := storetest.Config(t, store.SQLite)
	db, err := store.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	c := newClock()
	add(t, db, c, "work", "a")
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+config.Dir)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadString('\n')
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	if line != "begun\n" {
		t.Fatalf("the child says %q, %v", line, err)
	}
	db = storetest.Reopen(t, config)
	r := newRunner(t, db, c)
	var attempts atomic.Int64
	r.Handle("work", func(_ context.Context, j job.Job) error { attempts.Store(int64(j.Attempts)); return nil })
	start(t, r)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := r.Wait(ctx, "work", "a"); err != nil {
		t.Fatal(err)
	}
	if got := attempts.Load(); got != 2 {
		t.Errorf("attempt %d, want 2", got)
	}
}

// Runners of many processes share the jobs; each is done once.
func TestShare(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		const jobs = 100
		var mu sync.Mutex
		did := map[string]int{}
		var wg sync.WaitGroup
		write(t, db, func(tx *store.Tx) error {
			for i := range jobs {
				if err := job.Add(tx, "work", fmt.Sprint(i), nil, c.now()); err != nil {
					return err
				}
			}
			return nil
		})
		for range 4 {
			r := newRunner(t, db, c)
			r.Handle("work", func(_ context.Context, j job.Job) error {
				mu.Lock()
				defer mu.Unlock()
				did[j.Key]++
				return nil
			})
			start(t, r)
			wg.Go(func() {
				for i := range jobs {
					if err := r.Wait(t.Context(), "work", fmt.Sprint(i)); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		mu.Lock()
		defer mu.Unlock()
		if len(did) != jobs {
			t.Errorf("%d jobs done, want %d", len(did), jobs)
		}
		for key, n := range did {
			if n != 1 {
				t.Errorf("job %s done %d times", key, n)
			}
		}
	})
}

// A job that takes longer than a lease stays its worker's while that renews
// it; one whose lease was taken is told to end.
func TestRenew(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		r, other := newRunner(t, db, c), newRunner(t, db, c)
		r.SetPoll(time.Millisecond)
		begun, ended := make(chan struct{}), make(chan struct{})
		r.Handle("work", func(ctx context.Context, _ job.Job) error {
			close(begun)
			<-ctx.Done()
			close(ended)
			return ctx.Err()
		})
		var taken atomic.Int64
		other.Handle("work", func(_ context.Context, j job.Job) error { taken.Store(int64(j.Attempts)); return nil })
		add(t, db, c, "work", "a")
		start(t, r)
		<-begun
		for range 5 {
			c.advance(29 * time.Second)
			r.Renew(t.Context())
			drain(t, other)
		}
		if taken.Load() != 0 {
			t.Error("another did the job while its lease was renewed")
		}
		// The runner still has it when its own lease has run out; another may take it.
		c.advance(31 * time.Second)
		time.Sleep(20 * time.Millisecond)
		lease(t, db, c, "a")
		r.Renew(t.Context())
		<-ended
		// The first runner must not take its job again: the attempt to count is the other's.
		if err := r.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
		c.advance(31 * time.Second)
		drain(t, other)
		if got := taken.Load(); got != 2 {
			t.Errorf("attempt %d by another, want 2", got)
		}
	})
}

// Stop waits for the jobs under way. When it has waited long enough they are
// told to end, and are there for others at once, without a failed attempt.
func TestStop(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		r := newRunner(t, db, c)
		begun, finish := make(chan struct{}, 2), make(chan struct{})
		r.Handle("work", func(ctx context.Context, j job.Job) error {
			begun <- struct{}{}
			if j.Key == "short" {
				<-finish
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		})
		add(t, db, c, "work", "short")
		add(t, db, c, "work", "long")
		r.Start(t.Context())
		<-begun
		<-begun
		add(t, db, c, "other", "x")
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		time.AfterFunc(20*time.Millisecond, func() { close(finish) })
		if err := r.Stop(ctx); err != nil {
			t.Errorf("Stop: %v", err)
		}
		next := newRunner(t, db, c)
		var did []string
		next.Handle("work", func(_ context.Context, j job.Job) error {
			did = append(did, fmt.Sprint(j.Key, j.Attempts))
			return nil
		})
		drain(t, next)
		if diff := cmp.Diff([]string{"long1"}, did); diff != "" {
			t.Errorf("left for the next (-want +got):\n%s", diff)
		}
	})
}

func TestHandleTwice(t *testing.T) {
	t.Parallel()
	r := newRunner(t, nil, newClock())
	fn := func(context.Context, job.Job) error { return nil }
	r.Handle("work", fn)
	defer func() {
		if got := fmt.Sprint(recover()); !strings.Contains(got, "two handlers for work") {
			t.Errorf("panic %q, want one that says so", got)
		}
	}()
	r.Handle("work", fn)
}

func TestStopUnstarted(t *testing.T) {
	t.Parallel()
	if err := newRunner(t, nil, newClock()).Stop(t.Context()); err != nil {
		t.Errorf("Stop without Start: %v", err)
	}
}
