package store_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// TestBeforeCommit has a row written beside each change, and another one left to
// be written for all that share a transaction.
func TestBeforeCommit(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		refused := errors.New("refused")
		add := func(tx *store.Tx, account, arn string) error {
			_, err := tx.Exec(`INSERT INTO tags (account, arn, key, value) VALUES ($1, $2, 'k', 'v')`, account, arn)
			return err
		}
		var calls atomic.Int64
		db.BeforeCommit(func(ctx context.Context, tx *store.Tx) error {
			if tx.Context() != ctx {
				t.Error("Tx.Context is not the context of Write")
			}
			name, _ := ctx.Value(hookKey{}).(string)
			if name == "refuse" {
				return refused
			}
			tx.Leave(name)
			return add(tx, "hook", name)
		}, func(tx *store.Tx, left []any) error {
			calls.Add(1)
			if len(left) == 0 {
				t.Error("called with nothing")
			}
			for _, name := range left {
				if err := add(tx, "left", name.(string)); err != nil {
					return err
				}
			}
			return nil
		})
		write := func(name string, fn func(tx *store.Tx) error) error {
			return db.Write(context.WithValue(t.Context(), hookKey{}, name), fn)
		}
		// All at once, so that they share transactions.
		var wg sync.WaitGroup
		fails := errors.New("fails")
		for i := range 64 {
			name := string(rune('A'+i/26)) + string(rune('a'+i%26))
			wg.Go(func() {
				if err := write(name, func(tx *store.Tx) error { return add(tx, "change", name) }); err != nil {
					t.Errorf("%s: %v", name, err)
				}
			})
			wg.Go(func() {
				err := write("failed"+name, func(tx *store.Tx) error {
					if err := add(tx, "change", "failed"+name); err != nil {
						return err
					}
					return fails
				})
				if !errors.Is(err, fails) {
					t.Errorf("a function that fails: %v", err)
				}
			})
			wg.Go(func() {
				err := write("refuse", func(tx *store.Tx) error { return add(tx, "change", "refused"+name) })
				if !errors.Is(err, refused) {
					t.Errorf("a change that the hook refuses: %v", err)
				}
			})
			wg.Go(func() {
				err := write("idle", func(tx *store.Tx) error {
					_, err := store.One[int](tx, `SELECT count(*) FROM tags`)
					return err
				})
				if err != nil {
					t.Errorf("a function that only reads: %v", err)
				}
			})
		}
		wg.Wait()
		list := func(account string) (all []string) {
			t.Helper()
			err := db.Read(t.Context(), func(tx *store.Tx) (err error) {
				all, err = store.All[string](tx, `SELECT arn FROM tags WHERE account = $1 ORDER BY arn`, account)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return all
		}
		changes, hooks, left := list("change"), list("hook"), list("left")
		if len(changes) != 64 || !slices.Equal(changes, hooks) || !slices.Equal(changes, left) {
			t.Errorf("%d changes %q,\n%d rows of the hook %q,\n%d that were left %q", len(changes), changes, len(hooks), hooks, len(left), left)
		}
		if n := calls.Load(); n == 0 || n > 64 {
			t.Errorf("what was left was written in %d parts", n)
		}
		// Something may be left without a change of one's own.
		if err := write("alone", func(tx *store.Tx) error { tx.Leave("alone"); return nil }); err != nil {
			t.Error(err)
		}
		if got := list("left"); len(got) != 65 {
			t.Errorf("%d rows that were left, want 65", len(got))
		}
	})
}

// TestBeforeCommitFails: when what was left cannot be written, all that share the
// transaction fail, and the next goes on.
func TestBeforeCommitFails(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		fails := errors.New("fails")
		add := func(tx *store.Tx, account, arn string) error {
			_, err := tx.Exec(`INSERT INTO tags (account, arn, key, value) VALUES ($1, $2, 'k', 'v')`, account, arn)
			return err
		}
		var mode atomic.Value
		db.BeforeCommit(func(_ context.Context, tx *store.Tx) error {
			tx.Leave(1)
			return nil
		}, func(tx *store.Tx, _ []any) error {
			switch mode.Load() {
			case "error":
				return fails
			case "panic":
				panic("at the end")
			case "statement":
				_, err := tx.Exec(`INSERT INTO tags (account, arn, key, value) VALUES ('a', 'b', 'k', NULL)`)
				return err
			case "duplicate":
				mode.Store("")
				return add(tx, "there", "already")
			}
			return nil
		})
		mode.Store("")
		if err := db.Write(t.Context(), func(tx *store.Tx) error { return add(tx, "there", "already") }); err != nil {
			t.Fatal(err)
		}
		for _, m := range []string{"error", "panic", "statement"} {
			mode.Store(m)
			errs := make(chan error, 16)
			for i := range cap(errs) {
				go func() {
					errs <- db.Write(t.Context(), func(tx *store.Tx) error { return add(tx, m, string(rune('a'+i))) })
				}()
			}
			for range cap(errs) {
				if err := <-errs; err == nil || m == "error" && !errors.Is(err, fails) {
					t.Errorf("%s: %v", m, err)
				}
			}
		}
		mode.Store("duplicate")
		runs := 0
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			runs++
			return add(tx, "again", "x")
		})
		if err != nil || runs != 2 {
			t.Errorf("after a duplicate: %v, the function ran %d times, want 2", err, runs)
		}
		err = db.Read(t.Context(), func(tx *store.Tx) error {
			all, err := store.All[string](tx, `SELECT account FROM tags ORDER BY account`)
			if !slices.Equal(all, []string{"again", "there"}) {
				t.Errorf("rows %q", all)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
}

type hookKey struct{}
