package audit

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"onsight/internal/page"
	"onsight/internal/seal"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// childEnv makes the test program a process that changes things, records and
// seals until it is killed: the database, a space, the key file.
const childEnv = "ONSIGHT_AUDIT_TEST_CHILD"

func child() {
	where, keyFile, _ := strings.Cut(os.Getenv(childEnv), " ")
	config := store.Config{Dir: where}
	if strings.HasPrefix(where, "postgres") {
		config = store.Config{URL: where}
	}
	ctx := context.Background()
	fail := func(err error) {
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
	}
	db, err := store.Open(ctx, config)
	fail(err)
	keys, err := seal.Load(keyFile)
	fail(err)
	t, err := Open(ctx, Config{
		DB: db, Keys: keys, Tokens: page.NewTokens(keys, time.Now), Log: slog.New(slog.DiscardHandler), Now: time.Now, SealEvery: time.Millisecond,
	})
	fail(err)
	// As the hook of calls does it, but for the call.
	db.BeforeCommit(func(ctx context.Context, tx *store.Tx) error {
		name, ok := ctx.Value(nameKey{}).(string)
		if !ok {
			return nil
		}
		leave(tx, ana, user("eve", "TagResource", name))
		return nil
	}, t.insert)
	t.Start()
	for w := range 8 {
		go func() {
			for i := 0; ; i++ {
				name := fmt.Sprintf("w%d-%d-%d", w, os.Getpid(), i)
				fail(db.Write(context.WithValue(ctx, nameKey{}, name), func(tx *store.Tx) error {
					_, err := tx.Exec(`INSERT INTO tags (account, arn, key, value) VALUES ($1, $2, 'k', 'v')`, ana, name)
					return err
				}))
				fmt.Println(name)
			}
		}()
	}
	select {}
}

type nameKey struct{}

// TestKill kills a process between changes, again and again: each change is
// there with its event, or neither is, and what was sealed verifies.
func TestKill(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			config := storetest.Config(t, dialect)
			keyFile := t.TempDir() + "/seal.key"
			keys, err := seal.Load(keyFile)
			if err != nil {
				t.Fatal(err)
			}
			answered := map[string]bool{}
			for round := range 4 {
				for _, name := range killed(t, config, keyFile, 40+37*round) {
					answered[name] = true
				}
			}
			db := storetest.Reopen(t, config)
			var changed, recorded []string
			err = db.Read(t.Context(), func(tx *store.Tx) (err error) {
				if changed, err = store.All[string](tx, `SELECT arn FROM tags`); err != nil {
					return err
				}
				events, err := store.All[event](tx, `SELECT seq, account, record FROM audit_events`)
				for i := range events {
					h, err := events[i].head()
					if err != nil {
						return err
					}
					recorded = append(recorded, resource(h.Resources[0]).short)
				}
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			both := map[string]int{}
			for _, name := range changed {
				both[name] |= 1
			}
			for _, name := range recorded {
				if both[name]&2 != 0 {
					t.Errorf("%s has two events", name)
				}
				both[name] |= 2
			}
			for name, b := range both {
				if b != 3 {
					t.Errorf("%s: changed %t, recorded %t", name, b&1 != 0, b&2 != 0)
				}
			}
			for name := range answered {
				if both[name] != 3 {
					t.Errorf("%s was answered and is not there", name)
				}
			}
			r, err := Verify(t.Context(), db, keys, "", nil)
			if err != nil || len(r.Problems) > 0 || len(r.Accounts) != 1 || r.Accounts[0].Head.Total == 0 {
				t.Errorf("%+v, %v", r, err)
			}
			t.Logf("%d changes, %d of them answered, %d sealed", len(changed), len(answered), r.Accounts[0].Head.Total)
		})
	}
}

// killed runs a child until it has said that much, kills it, and gives what it
// has said.
func killed(t *testing.T, config store.Config, keyFile string, changes int) (names []string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childEnv+"="+config.Dir+config.URL+" "+keyFile)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for text := bufio.NewScanner(out); text.Scan(); {
		if !strings.HasPrefix(text.Text(), "w") {
			t.Errorf("the child says: %s", text.Text())
		}
		if names = append(names, text.Text()); len(names) == changes {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	// Lines of the kill's moment may be cut.
	return names[:max(0, len(names)-1)]
}
