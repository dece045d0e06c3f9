package store_test

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"onsight/internal/fault"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// childEnv makes the test program a process that writes until it is killed.
const childEnv = "ONSIGHT_STORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		child()
	}
	goleak.VerifyTestMain(m)
}

// child writes pairs of rows from many goroutines, and prints the number of
// each pair once it is acknowledged.
func child() {
	db, err := store.Open(context.Background(), store.Config{Dir: os.Getenv(childEnv)})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	first, _ := strconv.ParseInt(os.Getenv(childEnv+"_FIRST"), 10, 64)
	next := atomic.Int64{}
	next.Store(first)
	for range 16 {
		go func() {
			for {
				id := next.Add(1)
				err := db.Write(context.Background(), func(tx *store.Tx) error {
					if err := insert(2*id, strings.Repeat("x", rand.IntN(3000))+strconv.FormatInt(2*id, 10))(tx); err != nil {
						return err
					}
					if id%7 == 0 {
						return errors.New("broken in the middle")
					}
					return insert(2*id+1, strconv.FormatInt(2*id+1, 10))(tx)
				})
				if err == nil {
					fmt.Println("done", id) // one system call, so whole lines
				}
			}
		}()
	}
	select {}
}

// A process that writes is killed at any moment: what it acknowledged is there,
// and no change is there by half.
func TestKill(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("takes seconds")
	}
	dir := t.TempDir()
	db, err := store.Open(t.Context(), store.Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	withItems(t, db)
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	acknowledged := map[int64]bool{}
	last := int64(0)
	for range 6 {
		for _, id := range killed(t, dir, last+1000) {
			acknowledged[id] = true
			last = max(last, id)
		}
		db, err := store.Open(t.Context(), store.Config{Dir: dir})
		if err != nil {
			t.Fatalf("open after the kill: %v", err)
		}
		there := map[int64]bool{}
		for _, id := range items(t, db) {
			there[id] = true
			last = max(last, id/2)
		}
		for id := range acknowledged {
			if !there[2*id] || !there[2*id+1] {
				t.Errorf("%d was acknowledged and is not there", id)
			}
		}
		for id := range there {
			if !there[id^1] {
				t.Errorf("of %d there is only %d", id/2, id)
			}
			if id/2%7 == 0 {
				t.Errorf("%d is there, though its function failed", id)
			}
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if len(acknowledged) < 20 {
		t.Errorf("only %d changes acknowledged; the test shows little", len(acknowledged))
	}
}

// killed runs the child, kills it at a random moment, and gives what it acknowledged.
func killed(t *testing.T, dir string, first int64) []int64 {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir, childEnv+"_FIRST="+strconv.FormatInt(first, 10))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var ids []int64
	lines := bufio.NewScanner(out)
	after := 1 + rand.IntN(400)
	timer := time.AfterFunc(20*time.Second, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	for lines.Scan() {
		id, ok := strings.CutPrefix(lines.Text(), "done ")
		n, err := strconv.ParseInt(id, 10, 64)
		if !ok || err != nil {
			t.Fatalf("the child says %q", lines.Text())
		}
		if ids = append(ids, n); len(ids) == after {
			_ = cmd.Process.Kill()
		}
	}
	_ = cmd.Process.Kill()
	_ = cmd.Wait()
	return ids
}

// Another process cannot open the folder while one has it.
func TestOpenElsewhere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	storetest.Reopen(t, store.Config{Dir: dir})
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+dir)
	out, err := cmd.CombinedOutput()
	want := fmt.Sprintf("the data folder %s is in use by another onsight (process %d)", dir, os.Getpid())
	if err == nil || !strings.Contains(string(out), want) {
		t.Errorf("a second process: %v, %q; want %q", err, out, want)
	}
}

// Two servers on one PostgreSQL change the same row: no change gets lost.
func TestConflicts(t *testing.T) {
	t.Parallel()
	config := storetest.Config(t, store.PostgreSQL)
	dbs := []*store.DB{storetest.Reopen(t, config), storetest.Reopen(t, config), storetest.Reopen(t, config)}
	write(t, dbs[0], func(tx *store.Tx) error {
		_, err := tx.Exec(`CREATE TABLE counters (id BIGINT NOT NULL PRIMARY KEY, n BIGINT NOT NULL)`)
		return err
	})
	write(t, dbs[0], func(tx *store.Tx) error {
		_, err := tx.Exec(`INSERT INTO counters (id, n) VALUES (1, 0), (2, 0)`)
		return err
	})
	const each = 25
	var wg sync.WaitGroup
	var done atomic.Int64
	for i, db := range slices.Repeat(dbs, 4) {
		wg.Go(func() {
			for range each {
				err := db.Write(context.Background(), func(tx *store.Tx) error {
					// Reads one row and writes the other, so that locks on rows alone would not do.
					n, err := store.One[int](tx, `SELECT n FROM counters WHERE id = $1`, i%2+1)
					if err != nil {
						return err
					}
					m, err := store.One[int](tx, `SELECT n FROM counters WHERE id = $1`, 2-i%2)
					if err != nil {
						return err
					}
					_, err = tx.Exec(`UPDATE counters SET n = $1 WHERE id = $2`, max(n, m)+1, i%2+1)
					return err
				})
				switch {
				case err == nil:
					done.Add(1)
				case fault.Of(err).Code != "ResourceUnavailableException":
					t.Errorf("Write: %v", err)
				}
			}
		})
	}
	wg.Wait()
	var top int64
	read(t, dbs[0], func(tx *store.Tx) (err error) {
		top, err = store.One[int64](tx, `SELECT max(n) FROM counters`)
		return err
	})
	if top != done.Load() {
		t.Errorf("the counter is %d after %d changes", top, done.Load())
	}
	if want := int64(each * len(dbs) * 4 * 9 / 10); done.Load() < want {
		t.Errorf("%d changes went through, want at least %d", done.Load(), want)
	}
}

// The connection that writes is cut at any moment: each change is made once.
func TestCutConnections(t *testing.T) {
	t.Parallel()
	config := storetest.Config(t, store.PostgreSQL)
	db, other := storetest.Reopen(t, config), storetest.Reopen(t, config)
	withItems(t, db)
	stop := make(chan struct{})
	var cutter sync.WaitGroup
	cuts := 0
	cutter.Go(func() {
		for cuts < 60 {
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(rand.IntN(20)) * time.Millisecond):
			}
			_ = other.Read(context.Background(), func(tx *store.Tx) error {
				n, err := store.One[int](tx, `SELECT count(*) FROM (SELECT pg_terminate_backend(pid) FROM pg_stat_activity
					WHERE datname = current_database() AND pid <> pg_backend_pid() AND query NOT LIKE '%pg_terminate%') AS cut`)
				cuts += n
				return err
			})
		}
	})
	var wg sync.WaitGroup
	var acknowledged sync.Map
	for w := range int64(8) {
		wg.Go(func() {
			for i, done := int64(0), 0; done < 30; i++ {
				id := w*1_000_000 + i
				err := db.Write(context.Background(), insert(id, fmt.Sprint(id)))
				switch {
				case err == nil:
					done++
					acknowledged.Store(id, true)
				case fault.Of(err).Code != "ResourceUnavailableException":
					t.Errorf("insert %d: %v", id, err)
				}
				err = db.Read(context.Background(), func(tx *store.Tx) error {
					_, err := store.One[int](tx, `SELECT count(*) FROM items`)
					return err
				})
				if err != nil && fault.Of(err).Code != "ResourceUnavailableException" {
					t.Errorf("read: %v", err)
				}
			}
		})
	}
	wg.Wait()
	close(stop)
	cutter.Wait()
	there := items(t, db)
	n := 0
	acknowledged.Range(func(id, _ any) bool {
		n++
		if !slices.Contains(there, id.(int64)) {
			t.Errorf("%d was acknowledged and is not there", id)
		}
		return true
	})
	t.Logf("%d connections cut, %d changes acknowledged, %d there", cuts, n, len(there))
	if cuts == 0 {
		t.Error("no connection was cut; the test shows nothing")
	}
}

// PostgreSQL goes away and comes back.
func TestPostgresRestart(t *testing.T) {
	t.Parallel()
	if os.Getenv("TEST_POSTGRES") == "" {
		t.Skip("TEST_POSTGRES is not set: no test on PostgreSQL; see scripts/postgres.sh")
	}
	script := func(args ...string) string {
		out, err := exec.Command("../../scripts/postgres.sh", args...).Output()
		if err != nil {
			t.Fatalf("scripts/postgres.sh %v: %v", args, err)
		}
		return string(out)
	}
	started := strings.Fields(script("start"))
	dir, url := started[0], started[1]
	t.Cleanup(func() { script("stop", dir) })
	db := storetest.Reopen(t, store.Config{URL: url})
	withItems(t, db)

	var stage atomic.Int32 // 0 up, 1 going down, 2 down, 3 up again
	var wg sync.WaitGroup
	var mu sync.Mutex
	var acknowledged []int64
	var downErrors atomic.Int64
	for w := range int64(8) {
		wg.Go(func() {
			for i, up := int64(0), 0; up < 20; i++ {
				id := w*1_000_000 + i
				before, start := stage.Load(), time.Now()
				err := db.Write(context.Background(), insert(id, fmt.Sprint(id)))
				after := stage.Load()
				switch {
				case err == nil:
					mu.Lock()
					acknowledged = append(acknowledged, id)
					mu.Unlock()
					if before == 3 {
						up++
					}
				case fault.Of(err).Code != "ResourceUnavailableException":
					t.Errorf("insert while PostgreSQL is away: %v, want an Unavailable", err)
				case before == 2 && after == 2:
					downErrors.Add(1)
					if d := time.Since(start); d > 2*time.Second {
						t.Errorf("the error while PostgreSQL is away took %v", d)
					}
					if err := db.Ping(context.Background()); err != nil && fault.Of(err).Code != "ResourceUnavailableException" {
						t.Errorf("Ping while PostgreSQL is away: %v, want an Unavailable", err)
					}
				}
				if err != nil {
					time.Sleep(5 * time.Millisecond)
				}
				if time.Since(start) > 10*time.Second {
					t.Errorf("a change took %v", time.Since(start))
					return
				}
			}
		})
	}
	time.Sleep(200 * time.Millisecond)
	stage.Store(1)
	script("crash", dir)
	stage.Store(2)
	for start := time.Now(); downErrors.Load() < 10 && time.Since(start) < 20*time.Second; {
		time.Sleep(10 * time.Millisecond)
	}
	script("resume", dir)
	stage.Store(3)
	wg.Wait()
	if downErrors.Load() == 0 {
		t.Error("no error while PostgreSQL was away; the test shows nothing")
	}
	there := map[int64]bool{}
	for _, id := range items(t, db) {
		there[id] = true
	}
	for _, id := range acknowledged {
		if !there[id] {
			t.Errorf("%d was acknowledged and is not there", id)
		}
	}
}

// A function sees all that was committed before Write was called, also by
// another server, and also when a transaction was under way already.
func TestFreshSnapshot(t *testing.T) {
	t.Parallel()
	config := storetest.Config(t, store.PostgreSQL)
	db, other := storetest.Reopen(t, config), storetest.Reopen(t, config)
	withItems(t, db)
	began, wait := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		once := sync.OnceFunc(func() { close(began) })
		err := db.Write(context.Background(), func(tx *store.Tx) error {
			_, err := store.One[int](tx, `SELECT count(*) FROM items`)
			once()
			<-wait
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-began
	write(t, other, insert(1, "a"))
	wg.Go(func() {
		err := db.Write(context.Background(), func(tx *store.Tx) error {
			n, err := store.One[int](tx, `SELECT count(*) FROM items`)
			if n != 1 {
				t.Errorf("%d rows, want the one that was there before", n)
			}
			return err
		})
		if err != nil {
			t.Error(err)
		}
	})
	for db.Waiting() == 0 {
		time.Sleep(time.Millisecond)
	}
	close(wait)
	wg.Wait()
}
