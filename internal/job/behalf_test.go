package job_test

import (
	"context"
	"testing"

	"onsight/internal/job"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

type behalf string

func (b behalf) Behalf() (string, error) { return string(b), nil }

// TestBehalf: a job remembers what it was left by, also one that another job leaves.
func TestBehalf(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		c := newClock()
		r := newRunner(t, db, c)
		got := map[string]string{}
		see := func(ctx context.Context, j job.Job) {
			run := job.Current(ctx)
			if run == nil || run.ID != j.ID {
				t.Errorf("%s: Current gives %v, want the job", j.Kind, run)
				return
			}
			got[j.Kind] = "nobody"
			if j.Behalf != nil {
				got[j.Kind] = *j.Behalf
			}
		}
		r.Handle("first", func(ctx context.Context, j job.Job) error {
			see(ctx, j)
			return db.Write(ctx, func(tx *store.Tx) error { return job.Add(tx, "second", "", nil, c.now()) })
		})
		r.Handle("second", func(ctx context.Context, j job.Job) error {
			see(ctx, j)
			return nil
		})
		r.Handle("alone", func(ctx context.Context, j job.Job) error {
			see(ctx, j)
			return nil
		})
		ctx := context.WithValue(t.Context(), job.BehalfKey{}, behalf("ana"))
		if err := db.Write(ctx, func(tx *store.Tx) error { return job.Add(tx, "first", "", nil, c.now()) }); err != nil {
			t.Fatal(err)
		}
		add(t, db, c, "alone", "")
		if err := r.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		for kind, want := range map[string]string{"first": "ana", "second": "ana", "alone": "nobody"} {
			if got[kind] != want {
				t.Errorf("%s was left by %q, want %q", kind, got[kind], want)
			}
		}
		if job.Current(t.Context()) != nil {
			t.Error("there is a job outside of one")
		}
	})
}
