package ownership

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/resource"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

const (
	account = "111122223333"
	ana     = "arn:aws:quicksight:us-east-1:" + account + ":user/default/ana"
	bo      = "arn:aws:quicksight:us-east-1:" + account + ":user/default/bo"
)

// everybody is an account with whoever is asked for.
type everybody struct{ region string }

func (everybody) Subscribed(*store.Tx, string) error                 { return nil }
func (e everybody) IdentityRegion(*store.Tx, string) (string, error) { return e.region, nil }
func (everybody) Exists(*store.Tx, arn.ARN) (bool, error)            { return true, nil }
func (everybody) Role(*store.Tx, arn.ARN) (string, error)            { return "AUTHOR", nil }
func (everybody) Kept(*store.Tx, string) (bool, error)               { return false, nil }

type note struct{}

var notes = resource.Kind[note]{Name: "note", Label: "Note"}

func fill(tb testing.TB, db *store.DB, n int, owner string) {
	tb.Helper()
	err := db.Write(tb.Context(), func(tx *store.Tx) error {
		for i := range n {
			it := &resource.Item[note]{Key: resource.Key{Account: account, Region: "us-east-1", ID: fmt.Sprintf("%05d", i)}}
			if err := notes.Create(tx, it, time.Unix(0, 0)); err != nil {
				return err
			}
			_, err := tx.Exec(`INSERT INTO resource_permissions (arn, principal, actions, owner, viewer) VALUES ($1, $2, $3, $4, $5)`,
				it.ARN, owner, `["own"]`, true, true)
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// A transfer goes page by page; one that is interrupted goes on where it was.
func TestTransfer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := New(Config{DB: db, Accounts: everybody{"us-east-1"}, People: everybody{}, Folders: everybody{}, Kinds: []string{"note"}})
		const n = 2*pageSize + 30
		fill(t, db, n, ana)
		ctx, cancel := context.WithCancel(t.Context())
		told := map[string]bool{}
		moved, err := s.Transfer(ctx, account, ana, bo, func(r Result) {
			told[r.ARN] = true
			if len(told) == pageSize {
				cancel() // with the first page durable
			}
		})
		if moved != pageSize || !errors.Is(err, context.Canceled) {
			t.Errorf("interrupted: %d moved, %v", moved, err)
		}
		moved, err = s.Transfer(t.Context(), account, ana, bo, func(r Result) {
			if told[r.ARN] {
				t.Errorf("%s was moved twice", r.ARN)
			}
			told[r.ARN] = true
		})
		if moved != n-pageSize || err != nil || len(told) != n {
			t.Errorf("and on: %d moved, %d told, %v", moved, len(told), err)
		}
		if moved, err := s.Transfer(t.Context(), account, ana, bo, nil); moved != 0 || err != nil {
			t.Errorf("nothing is left: %d, %v", moved, err)
		}
		// In one transaction, which fails afterwards: nothing has gone over.
		failed := errors.New("failed afterwards")
		for _, want := range []error{failed, nil} {
			err := db.Write(t.Context(), func(tx *store.Tx) error {
				moved, err := s.TransferIn(tx, account, bo, ana)
				if moved != n || err != nil {
					t.Errorf("in a transaction: %d moved, %v", moved, err)
				}
				return want
			})
			if !errors.Is(err, want) {
				t.Errorf("the transaction ends with %v", err)
			}
		}
		if _, err := s.Transfer(t.Context(), account, ana, ana, nil); fault.Of(err) == nil || fault.Of(err).Code != "InvalidParameterValueException" {
			t.Errorf("to the same: %v", err)
		}
	})
}

// BenchmarkTransfer moves 10,000 resources there and back.
func BenchmarkTransfer(b *testing.B) {
	for _, dialect := range storetest.Dialects {
		b.Run(dialect, func(b *testing.B) {
			db := storetest.Open(b, dialect)
			s := New(Config{DB: db, Accounts: everybody{"us-east-1"}, People: everybody{}, Folders: everybody{}, Kinds: []string{"note"}})
			const n = 10_000
			fill(b, db, n, ana)
			from, to := ana, bo
			for b.Loop() {
				if moved, err := s.Transfer(b.Context(), account, from, to, nil); moved != n || err != nil {
					b.Fatal(moved, err)
				}
				from, to = to, from
			}
			b.ReportMetric(float64(b.N)*n/b.Elapsed().Seconds(), "resources/s")
		})
	}
}
