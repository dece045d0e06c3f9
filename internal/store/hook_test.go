package store_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"

	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// TestBeforeCommit has the hook write a row beside each change.
func TestBeforeCommit(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		refused := errors.New("refused")
		add := func(tx *store.Tx, account, arn string) error {
			_, err := tx.Exec(`INSERT INTO tags (account, arn, key, value) VALUES ($1, $2, 'k', 'v')`, account, arn)
			return err
		}
		db.BeforeCommit(func(ctx context.Context, tx *store.Tx) error {
			if tx.Context() != ctx {
				t.Error("Tx.Context is not the context of Write")
			}
			name, _ := ctx.Value(hookKey{}).(string)
			if name == "refuse" {
				return refused
			}
			return add(tx, "hook", name)
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
		changes, hooks := list("change"), list("hook")
		if len(changes) != 64 || !slices.Equal(changes, hooks) {
			t.Errorf("%d changes %q,\n%d rows of the hook %q", len(changes), changes, len(hooks), hooks)
		}
	})
}

type hookKey struct{}
