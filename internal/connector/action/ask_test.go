package action

import (
	"log/slog"
	"testing"
	"time"

	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// Servers are asked for their tools each day, each once.
func TestAskAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
		s := &Service{Config: Config{DB: db, Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)}}
		jobs := func() (n int64) {
			t.Helper()
			if err := s.askAgain(t.Context()); err != nil {
				t.Fatal(err)
			}
			err := db.Read(t.Context(), func(tx *store.Tx) (err error) {
				n, err = store.One[int64](tx, `SELECT COUNT(*) FROM jobs WHERE kind = $1`, jobTools)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return n
		}
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			for _, o := range []own{
				{ARN: "mcp", Kind: byMCP, Hash: "h", CheckedUS: store.Micros(now)},
				{ARN: "unknown", Kind: byMCP, CheckedUS: store.Micros(now)},
				{ARN: "openapi", Kind: byOpenAPI, Hash: "h", CheckedUS: store.Micros(now)},
			} {
				if err := keepOwn(tx, &o); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if n := jobs(); n != 0 {
			t.Errorf("%d jobs at once", n)
		}
		now = now.Add(25 * time.Hour)
		if n := jobs(); n != 1 {
			t.Errorf("%d jobs after a day, want 1", n)
		}
		if n := jobs(); n != 1 {
			t.Errorf("%d jobs a moment later, want 1", n)
		}
	})
}
