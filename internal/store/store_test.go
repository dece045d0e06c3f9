package store_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/fault"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// onEach runs a test on each database, and on SQLite in memory.
func onEach(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	storetest.Each(t, test)
	t.Run("memory", func(t *testing.T) {
		t.Parallel()
		test(t, storetest.Reopen(t, store.Config{Memory: true}))
	})
}

// item is a row of the table that most tests use.
type item struct {
	ID   int64  `db:"id"`
	Name string `db:"name"`
}

// withItems makes that table.
func withItems(tb testing.TB, db *store.DB) {
	tb.Helper()
	write(tb, db, func(tx *store.Tx) error {
		_, err := tx.Exec(`CREATE TABLE items (id BIGINT NOT NULL PRIMARY KEY, name TEXT COLLATE "C" NOT NULL UNIQUE)`)
		return err
	})
}

func insert(id int64, name string) func(tx *store.Tx) error {
	return func(tx *store.Tx) error { return store.Insert(tx, "items", item{id, name}) }
}

// items gives the ids in the table.
func items(tb testing.TB, db *store.DB) []int64 {
	tb.Helper()
	var ids []int64
	read(tb, db, func(tx *store.Tx) (err error) {
		ids, err = store.All[int64](tx, `SELECT id FROM items ORDER BY id`)
		return err
	})
	return ids
}

func read(tb testing.TB, db *store.DB, fn func(tx *store.Tx) error) {
	tb.Helper()
	if err := db.Read(context.Background(), fn); err != nil {
		tb.Fatal(err)
	}
}

func write(tb testing.TB, db *store.DB, fn func(tx *store.Tx) error) {
	tb.Helper()
	if err := db.Write(context.Background(), fn); err != nil {
		tb.Fatal(err)
	}
}

type word string

type base struct {
	Text  string `db:"a_text"`
	Word  word   `db:"a_word"`
	Other string // no column
}

type wide struct {
	base
	Nested struct {
		Int   int64 `db:"an_int"`
		Small int16 `db:"a_small"`
	}
	Yes      bool            `db:"a_yes"`
	Blob     []byte          `db:"a_blob"`
	Document json.RawMessage `db:"a_document"`
	NilText  *string         `db:"nil_text"`
	NilWord  *word           `db:"nil_word"`
	NilInt   *int64          `db:"nil_int"`
	NilYes   *bool           `db:"nil_yes"`
	NilBlob  []byte          `db:"nil_blob"`
	Ignored  chan int        `db:"-"`
}

func TestValues(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *store.DB) {
		write(t, db, func(tx *store.Tx) error {
			_, err := tx.Exec(`CREATE TABLE wide (a_text TEXT NOT NULL, a_word TEXT NOT NULL, an_int BIGINT NOT NULL, a_small BIGINT NOT NULL,
				a_yes BOOLEAN NOT NULL, a_blob BYTEA NOT NULL, a_document TEXT NOT NULL,
				nil_text TEXT, nil_word TEXT, nil_int BIGINT, nil_yes BOOLEAN, nil_blob BYTEA)`)
			return err
		})
		full := wide{Yes: true, Blob: []byte{0, 1, 255}, Document: json.RawMessage(`{"a":"é"}`), NilBlob: []byte{}}
		full.Text, full.Word, full.Nested.Int, full.Nested.Small = "Zoë 😀 '\"", "w", -1<<63, -7
		full.NilText, full.NilWord, full.NilInt, full.NilYes = new("t"), new(word("")), new(int64(1<<62)), new(true)
		empty := wide{Blob: []byte{}, Document: json.RawMessage("")}
		var long wide // more than what the arena of a connection holds
		long.Text = strings.Repeat("long ", 20_000)
		long.Blob, long.Document = []byte(long.Text), json.RawMessage(long.Text)
		for _, want := range []wide{full, empty, long} {
			write(t, db, func(tx *store.Tx) error {
				if _, err := tx.Exec(`DELETE FROM wide`); err != nil {
					return err
				}
				return store.Insert(tx, "wide", want)
			})
			read(t, db, func(tx *store.Tx) error {
				got, err := store.One[wide](tx, `SELECT nil_blob, nil_yes, nil_int, nil_word, nil_text, a_document, a_blob, a_yes, a_small, an_int, a_word, a_text FROM wide`)
				if diff := cmp.Diff(want, got, cmp.AllowUnexported(wide{}, base{})); diff != "" {
					t.Errorf("the row (-want +got):\n%s", diff)
				}
				return err
			})
		}
	})
}

func TestParameters(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *store.DB) {
		withItems(t, db)
		for i, name := range []string{"b", "a", "B", "é", "z", "10", "9"} {
			write(t, db, insert(int64(i), name))
		}
		read(t, db, func(tx *store.Tx) error {
			got, err := store.All[item](tx, `SELECT name, id FROM items WHERE name > $3 AND id <= $1 AND (id, name) >= ($2, $4) AND id <= $1 ORDER BY name`, 4, 0, word("9"), new("a"))
			want := []item{{2, "B"}, {1, "a"}, {0, "b"}, {4, "z"}, {3, "é"}}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("rows in the order of bytes (-want +got):\n%s", diff)
			}
			return err
		})
		write(t, db, func(tx *store.Tx) error {
			n, err := tx.Exec(`INSERT INTO items (id, name) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING`, 9, "a")
			if n != 0 {
				t.Errorf("%d rows inserted over one that is there, want 0", n)
			}
			if err != nil {
				return err
			}
			id, err := store.One[int64](tx, `INSERT INTO items (id, name) VALUES ($1, $2) ON CONFLICT (name) DO UPDATE SET id = excluded.id RETURNING id`, 9, "a")
			if id != 9 {
				t.Errorf("RETURNING gave %d, want 9", id)
			}
			if err != nil {
				return err
			}
			n, err = tx.Exec(`UPDATE items SET name = name || 'x' WHERE id < $1`, 3)
			if n != 2 {
				t.Errorf("%d rows updated, want 2", n)
			}
			return err
		})
		read(t, db, func(tx *store.Tx) error {
			n, err := store.One[int](tx, `SELECT count(*) FROM items WHERE name = $1 AND $2`, "bx", true)
			if n != 1 {
				t.Errorf("a boolean parameter: %d rows, want 1", n)
			}
			if err != nil {
				return err
			}
			sum, err := store.One[*int64](tx, `SELECT sum(id) FROM items WHERE id < 0`)
			if sum != nil {
				t.Errorf("sum of nothing = %d, want nil", *sum)
			}
			if err != nil {
				return err
			}
			total, err := store.One[int64](tx, `SELECT sum(id) FROM items`)
			if total != 29 {
				t.Errorf("sum = %d, want 29", total)
			}
			if err != nil {
				return err
			}
			there, err := store.One[bool](tx, `SELECT EXISTS (SELECT 1 FROM items WHERE id = $1)`, 9)
			if !there {
				t.Error("EXISTS = false, want true")
			}
			return err
		})
	})
}

func TestMistakes(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *store.DB) {
		withItems(t, db)
		write(t, db, insert(1, "a"))
		for name, c := range map[string]struct {
			fn   func(tx *store.Tx) error
			want string
		}{
			"too few parameters": {func(tx *store.Tx) error {
				_, err := tx.Exec(`DELETE FROM items WHERE id = $1 AND name = $2`, 1)
				return err
			}, "1 parameters instead of 2"},
			"a column without a field": {func(tx *store.Tx) error {
				_, err := store.One[item](tx, `SELECT id, name, id AS other FROM items`)
				return err
			}, "no field of store_test.item for column other"},
			"two columns for a scalar": {func(tx *store.Tx) error {
				_, err := store.All[string](tx, `SELECT name, name FROM items`)
				return err
			}, "2 columns for one string"},
			"NULL for a string": {func(tx *store.Tx) error {
				_, err := store.One[string](tx, `SELECT CAST(NULL AS TEXT)`)
				return err
			}, "is NULL"},
			"NULL for a number": {func(tx *store.Tx) error {
				_, err := store.One[int](tx, `SELECT max(id) FROM items WHERE id < 0`)
				return err
			}, "is NULL"},
			"text for a number": {func(tx *store.Tx) error {
				_, err := store.One[int](tx, `SELECT name FROM items`)
				return err
			}, "has another type"},
			"a number for a text": {func(tx *store.Tx) error {
				_, err := store.One[string](tx, `SELECT id FROM items`)
				return err
			}, "has another type"},
			"a number that is too large": {func(tx *store.Tx) error {
				_, err := store.One[int8](tx, `SELECT id + 200 FROM items`)
				return err
			}, "too large"},
			"a type without a column": {func(tx *store.Tx) error {
				_, err := tx.Exec(`DELETE FROM items WHERE id = $1`, time.Now())
				return err
			}, "time.Time"},
			"a field without a column": {func(tx *store.Tx) error {
				return store.Insert(tx, "items", struct {
					At time.Time `db:"id"`
				}{})
			}, "no column holds a time.Time"},
			"no such table": {func(tx *store.Tx) error {
				_, err := tx.Exec(`DELETE FROM nothing`)
				return err
			}, "nothing"},
			"a character that PostgreSQL does not take": {func(tx *store.Tx) error {
				return insert(2, "a\x00b")(tx)
			}, "InvalidParameterValueException"},
			"bytes that are no text": {func(tx *store.Tx) error {
				return insert(2, "a\xffb")(tx)
			}, "InvalidParameterValueException"},
		} {
			err := db.Write(t.Context(), c.fn)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s: %v, want an error with %q", name, err, c.want)
			}
			if store.Duplicate(err) || errors.Is(err, store.ErrNotFound) {
				t.Errorf("%s: %v is taken for something else", name, err)
			}
		}
		if got := items(t, db); len(got) != 1 {
			t.Errorf("rows %v are there, want one", got)
		}
		err := db.Read(t.Context(), insert(2, "b"))
		if err == nil || !strings.Contains(err.Error(), "inside of Read") {
			t.Errorf("a change inside of Read: %v, want an error", err)
		}
		var leaked *store.Tx
		write(t, db, func(tx *store.Tx) error { leaked = tx; return nil })
		if _, err := leaked.Exec(`DELETE FROM items`); err == nil || !strings.Contains(err.Error(), "has ended") {
			t.Errorf("a transaction that has ended: %v, want an error", err)
		}
	})
}

func TestNotFoundAndDuplicate(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *store.DB) {
		withItems(t, db)
		write(t, db, insert(1, "a"))
		for _, fn := range []func(*store.Tx) error{insert(1, "b"), insert(2, "a")} {
			if err := db.Write(t.Context(), fn); !store.Duplicate(err) {
				t.Errorf("insert the same again: %v, want a duplicate", err)
			}
		}
		read(t, db, func(tx *store.Tx) error {
			_, err := store.One[item](tx, `SELECT id, name FROM items WHERE id = $1`, 7)
			if !errors.Is(err, store.ErrNotFound) {
				t.Errorf("One = %v, want ErrNotFound", err)
			}
			all, err := store.All[item](tx, `SELECT id, name FROM items WHERE id = $1`, 7)
			if all != nil {
				t.Errorf("All = %v, want nil", all)
			}
			return err // and the transaction goes on after ErrNotFound
		})
	})
}

// A function that fails leaves nothing behind, also when it hides the failure.
func TestFailureUndoes(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *store.DB) {
		withItems(t, db)
		broken := errors.New("broken")
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			if err := insert(1, "a")(tx); err != nil {
				return err
			}
			return broken
		})
		if !errors.Is(err, broken) {
			t.Errorf("Write = %v, want the function's error", err)
		}
		err = db.Write(t.Context(), func(tx *store.Tx) error {
			if err := insert(2, "b")(tx); err != nil {
				return err
			}
			if err := insert(3, "b")(tx); !store.Duplicate(err) {
				t.Errorf("insert b again: %v, want a duplicate", err)
			}
			if err := insert(4, "d")(tx); !store.Duplicate(err) {
				t.Errorf("after a failure: %v, want the same failure", err)
			}
			return nil
		})
		if !store.Duplicate(err) {
			t.Errorf("Write = %v, want the failure that the function hid", err)
		}
		if got := items(t, db); got != nil {
			t.Errorf("rows %v are left, want none", got)
		}
		write(t, db, insert(5, "e"))
	})
}

// together has the functions run in one transaction: they queue up behind one
// that waits for them.
func together(t *testing.T, db *store.DB, fns []func(tx *store.Tx) error) []error {
	t.Helper()
	inside, wait := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		once := sync.OnceFunc(func() { close(inside) })
		_ = db.Write(context.Background(), func(*store.Tx) error {
			once()
			<-wait
			return nil
		})
	})
	<-inside
	errs := make([]error, len(fns))
	for i, fn := range fns {
		queued := db.Waiting()
		wg.Go(func() { errs[i] = db.Write(context.Background(), fn) })
		for db.Waiting() == queued {
			runtime.Gosched()
		}
	}
	close(wait)
	wg.Wait()
	return errs
}

// One of many that share a commit fails; the others do not notice.
func TestGroup(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *store.DB) {
		withItems(t, db)
		broken := errors.New("broken")
		var shared atomic.Bool
		for round := range 3 {
			first := int64(round * 1000)
			var fns []func(tx *store.Tx) error
			var want []int64
			for i := range int64(64) {
				id, name := first+i, fmt.Sprint(first+i)
				switch i {
				case 20: // after a change
					fns = append(fns, func(tx *store.Tx) error {
						if err := insert(id, name)(tx); err != nil {
							return err
						}
						return broken
					})
				case 21: // before any
					fns = append(fns, func(*store.Tx) error { return broken })
				case 40: // a statement, after another
					fns = append(fns, func(tx *store.Tx) error {
						if err := insert(id, name)(tx); err != nil {
							return err
						}
						return insert(id+100, fmt.Sprint(first+3))(tx)
					})
				case 41: // the first statement
					fns = append(fns, func(tx *store.Tx) error { return insert(id, fmt.Sprint(first+3))(tx) })
				case 42: // a read that sees what the others did
					fns = append(fns, func(tx *store.Tx) error {
						n, err := store.One[int](tx, `SELECT count(*) FROM items WHERE id >= $1`, first)
						if n > 1 {
							shared.Store(true)
						}
						return err
					})
				default:
					fns = append(fns, insert(id, name))
					want = append(want, id)
				}
			}
			errs := together(t, db, fns)
			for i, err := range errs {
				switch i {
				case 20, 21:
					if !errors.Is(err, broken) {
						t.Errorf("function %d: %v, want its own error", i, err)
					}
				case 40, 41:
					if !store.Duplicate(err) {
						t.Errorf("function %d: %v, want a duplicate", i, err)
					}
				default:
					if err != nil {
						t.Errorf("function %d: %v", i, err)
					}
				}
			}
			var got []int64
			for _, id := range items(t, db) {
				if id >= first {
					got = append(got, id)
				}
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
		}
		if !shared.Load() {
			t.Error("no function saw what the others of its group had done: is there no group?")
		}
	})
}

// A panic and a Goexit inside of a group reach their own callers only.
func TestGroupPanic(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *store.DB) {
		withItems(t, db)
		var wg sync.WaitGroup
		for i := range int64(40) {
			wg.Go(func() {
				defer func() {
					if got := recover(); (got == "oh") != (i == 10) {
						t.Errorf("function %d: panic %v", i, got)
					}
				}()
				err := db.Write(context.Background(), func(tx *store.Tx) error {
					err := insert(i, fmt.Sprint(i))(tx)
					switch i {
					case 10:
						panic("oh")
					case 20:
						runtime.Goexit()
					}
					return err
				})
				if err != nil {
					t.Errorf("function %d: %v", i, err)
				}
			})
		}
		wg.Wait()
		got := items(t, db)
		if len(got) != 38 {
			t.Errorf("%d rows, want 38: %v", len(got), got)
		}
		write(t, db, insert(100, "after"))
		func() {
			defer func() { _ = recover() }()
			_ = db.Read(t.Context(), func(*store.Tx) error { panic("oh") })
		}()
		if n := len(items(t, db)); n != 39 {
			t.Errorf("%d rows after a panic in Read, want 39", n)
		}
	})
}

// Who goes away while waiting is not run.
func TestContext(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *store.DB) {
		withItems(t, db)
		inside, wait := make(chan struct{}), make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			_ = db.Write(context.Background(), func(*store.Tx) error {
				close(inside)
				<-wait
				return nil
			})
		})
		<-inside
		ctx, cancel := context.WithCancel(context.Background())
		wg.Go(func() {
			if err := db.Write(ctx, insert(1, "a")); !errors.Is(err, context.Canceled) {
				t.Errorf("Write of one who went away: %v, want %v", err, context.Canceled)
			}
			close(wait)
		})
		for db.Waiting() == 0 {
			runtime.Gosched()
		}
		cancel()
		wg.Wait()
		if err := db.Write(ctx, insert(2, "b")); !errors.Is(err, context.Canceled) {
			t.Errorf("Write = %v, want %v", err, context.Canceled)
		}
		if err := db.Read(ctx, func(*store.Tx) error { return nil }); !errors.Is(err, context.Canceled) {
			t.Errorf("Read = %v, want %v", err, context.Canceled)
		}
		// One that ends in the middle undoes.
		ctx, cancel = context.WithCancel(context.Background())
		err := db.Write(ctx, func(tx *store.Tx) error {
			if err := insert(3, "c")(tx); err != nil {
				return err
			}
			cancel()
			return insert(4, "d")(tx)
		})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("Write = %v, want %v", err, context.Canceled)
		}
		if got := items(t, db); got != nil {
			t.Errorf("rows %v, want none", got)
		}
	})
}

// Callers go away at any moment; the turn is never lost.
func TestContextRace(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *store.DB) {
		withItems(t, db)
		var wg sync.WaitGroup
		var kept sync.Map
		for w := range int64(16) {
			wg.Go(func() {
				for i := range int64(60) {
					ctx, cancel := context.WithTimeout(context.Background(), time.Duration((w*60+i)%40)*20*time.Microsecond)
					id := w*1000 + i
					err := db.Write(ctx, insert(id, fmt.Sprint(id)))
					cancel()
					switch {
					case err == nil:
						kept.Store(id, true)
					case !errors.Is(err, context.DeadlineExceeded):
						t.Errorf("Write: %v", err)
					}
				}
			})
		}
		wg.Wait()
		write(t, db, insert(-1, "last"))
		n := 1
		kept.Range(func(any, any) bool { n++; return true })
		if got := items(t, db); len(got) != n {
			t.Errorf("%d rows, and %d changes acknowledged", len(got), n)
		}
	})
}

func TestAfterCommit(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *store.DB) {
		withItems(t, db)
		wake, stop := db.Watch("bell")
		defer stop()
		var seen []int64
		write(t, db, func(tx *store.Tx) error {
			tx.AfterCommit(func() { seen = items(t, db) })
			tx.Signal("bell")
			select {
			case <-wake:
				t.Error("woken before the commit")
			default:
			}
			return insert(1, "a")(tx)
		})
		if diff := cmp.Diff([]int64{1}, seen); diff != "" {
			t.Errorf("rows after the commit (-want +got):\n%s", diff)
		}
		select {
		case <-wake:
		default:
			t.Error("not woken after the commit")
		}
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			tx.AfterCommit(func() { t.Error("called without a commit") })
			return insert(1, "a")(tx)
		})
		if err == nil {
			t.Error("no error from a duplicate")
		}
		ran := false
		read(t, db, func(tx *store.Tx) error { tx.AfterCommit(func() { ran = true }); return nil })
		if !ran {
			t.Error("not called after Read")
		}
	})
}

// A function that reads sees one state of the database, whatever is committed
// meanwhile; and what was committed before is there.
func TestSnapshot(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) { // memory makes writers wait
		withItems(t, db)
		write(t, db, insert(1, "a"))
		read(t, db, func(tx *store.Tx) error {
			count := func() int {
				n, err := store.One[int](tx, `SELECT count(*) FROM items`)
				if err != nil {
					t.Error(err)
				}
				return n
			}
			if n := count(); n != 1 {
				t.Errorf("%d rows, want 1", n)
			}
			write(t, db, insert(2, "b"))
			if n := count(); n != 1 {
				t.Errorf("%d rows in the same Read, want 1", n)
			}
			all, err := store.All[item](tx, `SELECT id, name FROM items WHERE name > $1`, "")
			if len(all) != 1 {
				t.Errorf("rows %v in the same Read, want 1", all)
			}
			return err
		})
		if got := items(t, db); len(got) != 2 {
			t.Errorf("rows %v afterwards, want 2", got)
		}
	})
}

// Amounts move between rows while others add them up: the sum never changes.
func TestReadersAndWriters(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *store.DB) {
		const accounts, total = 5, 500
		write(t, db, func(tx *store.Tx) error {
			if _, err := tx.Exec(`CREATE TABLE accounts (id BIGINT NOT NULL PRIMARY KEY, amount BIGINT NOT NULL)`); err != nil {
				return err
			}
			for i := range accounts {
				if _, err := tx.Exec(`INSERT INTO accounts (id, amount) VALUES ($1, $2)`, i, total/accounts); err != nil {
					return err
				}
			}
			return nil
		})
		var wg, writers sync.WaitGroup
		done := make(chan struct{})
		for w := range 8 {
			writers.Add(1)
			wg.Go(func() {
				defer writers.Done()
				for i := range 30 {
					err := db.Write(context.Background(), func(tx *store.Tx) error {
						from, to := (w+i)%accounts, (w+i*3+1)%accounts
						have, err := store.One[int](tx, `SELECT amount FROM accounts WHERE id = $1`, from)
						if err != nil {
							return err
						}
						n := min(have, w+1)
						if _, err := tx.Exec(`UPDATE accounts SET amount = amount - $2 WHERE id = $1`, from, n); err != nil {
							return err
						}
						_, err = tx.Exec(`UPDATE accounts SET amount = amount + $2 WHERE id = $1`, to, n)
						return err
					})
					if err != nil {
						t.Error(err)
					}
				}
			})
		}
		for range 4 {
			wg.Go(func() {
				for {
					select {
					case <-done:
						return
					default:
					}
					err := db.Read(context.Background(), func(tx *store.Tx) error {
						all, err := store.All[int](tx, `SELECT amount FROM accounts`)
						sum := 0
						for _, n := range all {
							sum += n
						}
						again, err2 := store.One[int](tx, `SELECT sum(amount) FROM accounts`)
						if err == nil && err2 == nil && (sum != total || again != total) {
							t.Errorf("the sum is %d and %d, want %d", sum, again, total)
						}
						return errors.Join(err, err2)
					})
					if err != nil {
						t.Error(err)
						return
					}
				}
			})
		}
		writers.Wait()
		close(done)
		wg.Wait()
	})
}

func TestReset(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *store.DB) {
		withItems(t, db)
		write(t, db, func(tx *store.Tx) error {
			for _, q := range []string{
				`CREATE TABLE parts (id BIGINT NOT NULL PRIMARY KEY, item BIGINT NOT NULL REFERENCES items (id))`,
				`INSERT INTO items (id, name) VALUES (1, 'a')`,
				`INSERT INTO parts (id, item) VALUES (1, 1)`,
			} {
				if _, err := tx.Exec(q); err != nil {
					return err
				}
			}
			return nil
		})
		if err := db.Reset(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := items(t, db); got != nil {
			t.Errorf("rows %v after Reset, want none", got)
		}
		write(t, db, insert(1, "a"))
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(`INSERT INTO parts (id, item) VALUES (1, 2)`)
			return err
		})
		if err == nil {
			t.Error("a reference to nothing is taken, want an error")
		}
	})
}

// What does not fit on the disk is refused, for its own caller alone.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, store.SQLite)
	withItems(t, db)
	write(t, db, func(tx *store.Tx) error {
		pages, err := store.One[int](tx, `PRAGMA page_count`)
		if err != nil {
			return err
		}
		_, err = tx.Exec(fmt.Sprintf(`PRAGMA max_page_count = %d`, pages+50))
		return err
	})
	var fns []func(*store.Tx) error
	var want []int64
	for i := range int64(30) {
		if i%10 == 5 {
			fns = append(fns, func(tx *store.Tx) error {
				if err := insert(1000+i, "small")(tx); err != nil {
					return err
				}
				return insert(i, strings.Repeat("x", 1<<20))(tx)
			})
			continue
		}
		fns = append(fns, insert(i, fmt.Sprint(i)))
		want = append(want, i)
	}
	for i, err := range together(t, db, fns) {
		switch full := i%10 == 5; {
		case full && fault.Of(err).Code != "ResourceUnavailableException":
			t.Errorf("function %d on a full disk: %v, want an Unavailable", i, err)
		case !full && err != nil:
			t.Errorf("function %d: %v", i, err)
		}
	}
	if diff := cmp.Diff(want, items(t, db)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// After an error of the disk nothing is written, what is there can be read, and
// the store says that it cannot serve.
func TestBroken(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, store.SQLite)
	withItems(t, db)
	write(t, db, insert(1, "a"))
	broken := errors.New("input/output error")
	db.Break(broken)
	for name, err := range map[string]error{
		"Write": db.Write(t.Context(), insert(2, "b")),
		"Ping":  db.Ping(t.Context()),
	} {
		if fault.Of(err).Code != "ResourceUnavailableException" || !errors.Is(err, broken) {
			t.Errorf("%s: %v, want an Unavailable with the cause", name, err)
		}
	}
	if got := items(t, db); len(got) != 1 {
		t.Errorf("rows %v, want one", got)
	}
}

// More query texts than a connection keeps prepared.
func TestManyStatements(t *testing.T) {
	t.Parallel()
	onEach(t, func(t *testing.T, db *store.DB) {
		withItems(t, db)
		write(t, db, func(tx *store.Tx) error {
			for i := range 700 {
				if _, err := tx.Exec(fmt.Sprintf(`INSERT INTO items (id, name) VALUES ($1, 'name %d')`, i), i); err != nil {
					return err
				}
			}
			return nil
		})
		if got := items(t, db); len(got) != 700 {
			t.Errorf("%d rows, want 700", len(got))
		}
	})
}

// The write-ahead log does not grow for ever, though writers never pause, and
// though a reader stays for long.
func TestCheckpoints(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("writes 200 MB")
	}
	config := storetest.Config(t, store.SQLite)
	db := storetest.Reopen(t, config)
	withItems(t, db)
	value := strings.Repeat("x", 1<<20)
	size := func() int64 {
		info, err := os.Stat(filepath.Join(config.Dir, "onsight.db-wal"))
		if err != nil {
			t.Fatal(err)
		}
		return info.Size()
	}
	fill := func(first, n int64) {
		var wg sync.WaitGroup
		for w := range int64(4) {
			wg.Go(func() {
				for i := first + w; i < first+n; i += 4 {
					if err := db.Write(context.Background(), insert(i, fmt.Sprint(i, value))); err != nil {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
	}
	fill(0, 100)
	if got := size(); got > 80<<20 {
		t.Errorf("the log has %d MB after 100 MB of changes, want about 64", got>>20)
	}
	read(t, db, func(tx *store.Tx) error {
		before, err := store.One[int](tx, `SELECT count(*) FROM items`)
		if err != nil {
			return err
		}
		fill(100, 60)
		after, err := store.One[int](tx, `SELECT count(*) FROM items`)
		if before != 100 || after != 100 {
			t.Errorf("%d rows, then %d, in one Read; want 100", before, after)
		}
		return err
	})
	fill(160, 40)
	if got := size(); got > 100<<20 {
		t.Errorf("the log has %d MB after a long Read and 40 MB of changes, want about 64 again", got>>20)
	}
	read(t, db, func(tx *store.Tx) error {
		n, err := store.One[int](tx, `SELECT count(*) FROM items WHERE length(name) > 1000000`)
		if n != 200 {
			t.Errorf("%d rows, want 200", n)
		}
		if err != nil {
			return err
		}
		check, err := store.One[string](tx, `PRAGMA integrity_check`)
		if check != "ok" {
			t.Errorf("integrity_check: %s", check)
		}
		return err
	})
}

func TestOpenTwice(t *testing.T) {
	t.Parallel()
	config := storetest.Config(t, store.SQLite)
	db, err := store.Open(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	_, err = store.Open(t.Context(), config)
	want := fmt.Sprintf("the data folder %s is in use by another onsight (process %d); stop it, or choose another folder", config.Dir, os.Getpid())
	if err == nil || err.Error() != want {
		t.Errorf("second Open: %v\nwant %s", err, want)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Errorf("second Close: %v", err)
	}
	if err := db.Write(t.Context(), insert(1, "a")); fault.Of(err).Code != "ResourceUnavailableException" {
		t.Errorf("Write after Close: %v, want an Unavailable", err)
	}
	if err := db.Ping(t.Context()); fault.Of(err).Code != "ResourceUnavailableException" {
		t.Errorf("Ping after Close: %v, want an Unavailable", err)
	}
	storetest.Reopen(t, config)
}

func TestOpenNewer(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			config := storetest.Config(t, dialect)
			db, err := store.Open(t.Context(), config)
			if err != nil {
				t.Fatal(err)
			}
			write(t, db, func(tx *store.Tx) error {
				_, err := tx.Exec(`INSERT INTO goose_db_version (version_id, is_applied) VALUES (99999, TRUE)`)
				return err
			})
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			_, err = store.Open(t.Context(), config)
			if err == nil || !strings.Contains(err.Error(), "was made by a newer onsight: its schema is 99999") {
				t.Errorf("Open of a newer database: %v, want an error that says so", err)
			}
			if config.Dir != "" && err != nil && !strings.Contains(err.Error(), config.Dir) {
				t.Errorf("%v does not name the folder", err)
			}
		})
	}
}

func TestOpenConfig(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("no database"), 0o600); err != nil {
		t.Fatal(err)
	}
	foreign := filepath.Join(dir, "foreign")
	if err := os.Mkdir(foreign, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(foreign, "onsight.db"), []byte(strings.Repeat("no database", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		config store.Config
		want   string
	}{
		"nothing":              {store.Config{}, "exactly one"},
		"two":                  {store.Config{Memory: true, Dir: dir}, "exactly one"},
		"a file as the folder": {store.Config{Dir: file}, "the data folder " + file},
		"not SQLite's":         {store.Config{Dir: foreign}, foreign},
		"not a URL":            {store.Config{URL: "postgres://user:hush@host:port/x"}, "the address of the database"},
		"nobody there":         {store.Config{URL: "postgres://user:hush@127.0.0.1:1/x"}, "127.0.0.1"},
	} {
		start := time.Now()
		db, err := store.Open(t.Context(), c.config)
		if err == nil {
			t.Errorf("%s: no error", name)
			_ = db.Close()
			continue
		}
		if !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v, want an error with %q and without the password", name, err, c.want)
		}
		if d := time.Since(start); d > 5*time.Second {
			t.Errorf("%s: the error took %v", name, d)
		}
	}
}

func TestFileModes(t *testing.T) {
	t.Parallel()
	if runtime.GOOS == "windows" {
		t.Skip("no such modes")
	}
	dir := filepath.Join(t.TempDir(), "new", "data")
	db := storetest.Reopen(t, store.Config{Dir: dir})
	withItems(t, db)
	names := map[string]bool{}
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		want := os.FileMode(0o600)
		if d.IsDir() {
			want = 0o700
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("mode of %s = %o, want %o", path, got, want)
		}
		names[d.Name()] = true
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"onsight.db", "onsight.db-wal", "lock"} {
		if !names[name] {
			t.Errorf("no file %s among %v", name, names)
		}
	}
}

// Workers that claim rows of one table at once get different ones.
func TestClaim(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		withItems(t, db)
		for i := range int64(40) {
			write(t, db, insert(i, fmt.Sprint(i)))
		}
		var mu sync.Mutex
		var wg sync.WaitGroup
		got := map[int64]int{}
		for range 8 {
			wg.Go(func() {
				for {
					var ids []int64
					err := db.Claim(context.Background(), func(tx *store.Tx) (err error) {
						ids, err = store.All[int64](tx, `SELECT id FROM items ORDER BY id LIMIT 3 FOR UPDATE SKIP LOCKED`)
						if err != nil {
							return err
						}
						for _, id := range ids {
							if _, err := tx.Exec(`DELETE FROM items WHERE id = $1`, id); err != nil {
								return err
							}
						}
						return nil
					})
					if err != nil {
						t.Error(err)
					}
					if err != nil || len(ids) == 0 {
						return
					}
					mu.Lock()
					for _, id := range ids {
						got[id]++
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if len(got) != 40 {
			t.Errorf("%d rows claimed, want 40", len(got))
		}
		for id, n := range got {
			if n != 1 {
				t.Errorf("row %d claimed %d times", id, n)
			}
		}
	})
}

func TestTime(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.FixedZone("x", 3600))
	if got, want := store.Time(store.Micros(at)), at.UTC().Truncate(time.Microsecond); !got.Equal(want) || got.Location() != time.UTC {
		t.Errorf("Time(Micros(%v)) = %v, want %v", at, got, want)
	}
	if got := store.Micros(time.Time{}); got != 0 {
		t.Errorf("Micros of the zero time = %d, want 0", got)
	}
	if got := store.Time(0); !got.IsZero() {
		t.Errorf("Time(0) = %v, want the zero time", got)
	}
}
