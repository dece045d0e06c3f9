package audit

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"onsight/internal/page"
	"onsight/internal/seal"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

const (
	ana = "111122223333"
	bob = "444455556666"
)

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		child()
	}
	os.Exit(m.Run())
}

// A bench is a trail without a server, and a clock that tests set.
type bench struct {
	*Trail
	t     *testing.T
	us    *atomic.Int64
	count int
}

func newBench(t *testing.T, db *store.DB, change ...func(*Config)) *bench {
	t.Helper()
	b := &bench{t: t, us: new(atomic.Int64)}
	b.us.Store(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixMicro())
	now := func() time.Time { return time.UnixMicro(b.us.Load()).UTC() }
	keys := seal.New()
	c := Config{DB: db, Keys: keys, Tokens: page.NewTokens(keys, now), Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: now}
	for _, change := range change {
		change(&c)
	}
	var err error
	if b.Trail, err = Open(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return b
}

func (b *bench) advance(d time.Duration) { b.us.Add(d.Microseconds()) }

// user is a stored record of someone who did something to a user.
func user(who, name, resource string) string {
	return fmt.Sprintf(`{"eventName":%q,"awsRegion":"us-east-1","resources":["arn:aws:quicksight:us-east-1:111122223333:user/default/%s"],`+
		`"userIdentity":{"type":"IAMUser","principalId":"AIDA","arn":"arn:aws:iam::111122223333:user/%s","accessKeyId":"AKIA%s"},`+
		`"sourceIPAddress":"192.0.2.1","requestParameters":{"userName":%q},"requestID":"r"}`, name, resource, who, strings.ToUpper(who), resource)
}

// add adds n events to an account, a millisecond apart, and gives their numbers.
func (b *bench) add(account string, n int) []int64 {
	b.t.Helper()
	var all []int64
	for range n {
		b.advance(time.Millisecond)
		b.write(func(tx *store.Tx) error {
			b.count++
			leave(tx, account, user("eve", "RegisterUser", fmt.Sprintf("user-%d", b.count)))
			return nil
		})
		all = append(all, b.last)
	}
	return all
}

// leave leaves an event to be written.
func leave(tx *store.Tx, account, record string) {
	tx.Leave(&entry{account: account, record: []byte(record)})
}

func (b *bench) write(fn func(tx *store.Tx) error) {
	b.t.Helper()
	if err := b.db.Write(context.Background(), fn); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) exec(query string, args ...any) int64 {
	b.t.Helper()
	var n int64
	b.write(func(tx *store.Tx) (err error) {
		n, err = tx.Exec(query, args...)
		return err
	})
	return n
}

// seal seals all that is there.
func (b *bench) seal() {
	b.t.Helper()
	if err := b.sealAll(context.Background()); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) number(query string, args ...any) int64 {
	b.t.Helper()
	var n int64
	err := b.db.Read(context.Background(), func(tx *store.Tx) (err error) {
		n, err = store.One[int64](tx, query, args...)
		return err
	})
	if err != nil {
		b.t.Fatal(err)
	}
	return n
}

func (b *bench) verify(account string, heads ...Head) *Report {
	b.t.Helper()
	r, err := Verify(context.Background(), b.db, b.keys, account, heads)
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

func TestNumbersGrow(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		numbers := b.add(ana, 20)
		b.advance(-time.Hour) // a clock that is set back
		numbers = append(numbers, b.add(bob, 20)...)
		again := newBench(t, db)
		numbers = append(numbers, again.add(ana, 1)...)
		again.seal()
		again.exec(`DELETE FROM audit_events`)
		third := newBench(t, db)
		numbers = append(numbers, third.add(ana, 1)...)
		for i := 1; i < len(numbers); i++ {
			if numbers[i] <= numbers[i-1] {
				t.Errorf("number %d is %d, after %d", i, numbers[i], numbers[i-1])
			}
		}
	})
}

// TestClockIsSetBack: numbers go on to grow, and events say when they happened.
func TestClockIsSetBack(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		b := newBench(t, db)
		b.add(ana, 1)
		b.advance(-time.Hour)
		b.add(ana, 1)
		var out strings.Builder
		if err := Export(t.Context(), db, Selection{}, &out); err != nil {
			t.Fatal(err)
		}
		lines := strings.Split(out.String(), "\n")
		if !strings.Contains(lines[0], `"eventTime":"2026-01-02T03:04:05Z"`) || !strings.Contains(lines[1], `"eventTime":"2026-01-02T02:04:05Z"`) {
			t.Errorf("%s", &out)
		}
	})
}

// TestServersShareNumbers: what a server with a slow clock writes comes after
// what another has sealed.
func TestServersShareNumbers(t *testing.T) {
	t.Parallel()
	config := storetest.Config(t, store.PostgreSQL)
	fast, slow := newBench(t, storetest.Reopen(t, config)), newBench(t, storetest.Reopen(t, config))
	slow.keys = fast.keys
	fast.advance(time.Minute)
	sealed := fast.add(ana, 3)
	fast.seal()
	late := slow.add(ana, 3)
	if late[0] <= sealed[2] {
		t.Errorf("the slow server wrote number %d, and up to %d all was sealed", late[0], sealed[2])
	}
	fast.seal()
	if r := fast.verify(""); len(r.Problems) > 0 || r.Accounts[0].Events != 6 {
		t.Errorf("%+v", r)
	}
	// One that has read how far all is sealed, and writes below while it is sealed.
	slow.last = 0
	slow.us.Store(fast.us.Load() - time.Second.Microseconds())
	begun, goOn, done := make(chan struct{}), make(chan struct{}), make(chan error)
	go func() {
		first := true
		done <- slow.db.Write(context.Background(), func(tx *store.Tx) error {
			if first {
				first = false
				if _, err := highest(tx); err != nil { // the snapshot is taken
					return err
				}
				close(begun)
				<-goOn
			}
			leave(tx, ana, user("eve", "DeleteUser", "late"))
			return nil
		})
	}()
	<-begun
	fast.add(ana, 3)
	fast.seal()
	close(goOn)
	if err := <-done; err != nil {
		t.Error(err)
	}
	fast.seal()
	if r := fast.verify(""); len(r.Problems) > 0 || r.Accounts[0].Events != 10 || r.Accounts[0].Head.Total != 10 {
		t.Errorf("%+v", r)
	}
}

// TestNumberIsTaken: two servers that come to the same number.
func TestNumberIsTaken(t *testing.T) {
	t.Parallel()
	config := storetest.Config(t, store.PostgreSQL)
	one, two := newBench(t, storetest.Reopen(t, config)), newBench(t, storetest.Reopen(t, config))
	numbers := one.add(ana, 1)
	two.last = numbers[0] - 1
	two.us.Store(one.us.Load() - time.Hour.Microseconds())
	if got := two.add(ana, 1); got[0] <= numbers[0] {
		t.Errorf("the second got %d after %d", got[0], numbers[0])
	}
	if n := one.number(`SELECT count(*) FROM audit_events`); n != 2 {
		t.Errorf("%d events, want 2", n)
	}
}
