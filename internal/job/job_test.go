package job_test

import (
	"context"
	"errors"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"onsight/internal/job"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// clock is a clock that tests set.
type clock struct{ us atomic.Int64 }

func newClock() *clock {
	c := &clock{}
	c.us.Store(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixMicro())
	return c
}

func (c *clock) now() time.Time          { return time.UnixMicro(c.us.Load()) }
func (c *clock) advance(d time.Duration) { c.us.Add(d.Microseconds()) }

func logger(t *testing.T) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), nil))
}

// add adds a job that is due now.
func add(t *testing.T, db *store.DB, c *clock, kind, key string) {
	t.Helper()
	err := db.Write(t.Context(), func(tx *store.Tx) error {
		return job.Add(tx, kind, key, map[string]string{"n": key}, c.now())
	})
	if err != nil {
		t.Fatal(err)
	}
}

// count gives the number of jobs that are not done.
func count(t *testing.T, db *store.DB) int {
	t.Helper()
	var n int
	err := db.Read(t.Context(), func(tx *store.Tx) (err error) {
		n, err = store.One[int](tx, `SELECT count(*) FROM jobs`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func TestDrain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		r := job.NewRunner(db, logger(t), c.now)
		var did []string
		r.Handle("greet", func(_ context.Context, j job.Job) error {
			var p map[string]string
			if err := j.Decode(&p); err != nil {
				return err
			}
			did = append(did, j.Key+p["n"])
			return nil
		})
		add(t, db, c, "greet", "a")
		if err := r.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(did) != 1 || did[0] != "aa" {
			t.Errorf("did %q, want one aa", did)
		}
		if n := count(t, db); n != 0 {
			t.Errorf("%d jobs left, want none", n)
		}
		_ = errors.ErrUnsupported
	})
}
