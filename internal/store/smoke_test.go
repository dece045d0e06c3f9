package store_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

type tag struct {
	Account string `db:"account"`
	ARN     string `db:"arn"`
	Key     string `db:"key"`
	Value   string `db:"value"`
}

func TestSmoke(t *testing.T) {
	for _, c := range []store.Config{{Dir: t.TempDir()}, {Memory: true}, storetest.Config(t, store.PostgreSQL)} {
		start := time.Now()
		db, err := store.Open(context.Background(), c)
		if err != nil {
			t.Fatal(err)
		}
		t.Log(time.Since(start))
		err = db.Write(t.Context(), func(tx *store.Tx) error {
			return store.Insert(tx, "tags", tag{"1", "a", "k", "v"})
		})
		if err != nil {
			t.Fatal(err)
		}
		err = db.Write(t.Context(), func(tx *store.Tx) error {
			return store.Insert(tx, "tags", tag{"1", "a", "k", "v"})
		})
		if !store.Duplicate(err) {
			t.Fatal(err)
		}
		err = db.Read(t.Context(), func(tx *store.Tx) error {
			got, err := store.One[tag](tx, `SELECT account, arn, key, value FROM tags WHERE arn = $2 AND account = $1`, "1", "a")
			t.Log(got)
			if err != nil {
				return err
			}
			_, err = store.One[tag](tx, `SELECT account, arn, key, value FROM tags WHERE arn = $2 AND account = $1`, "1", "b")
			if !errors.Is(err, store.ErrNotFound) {
				t.Error(err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Log(time.Since(start))
		if err := db.Reset(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		start = time.Now()
		db, err = store.Open(context.Background(), c)
		if err != nil {
			t.Fatal(err)
		}
		t.Log("reopen", time.Since(start))
		db.Close()
	}
}
