// Package storetest opens databases for tests: one of its own for each test,
// so that all can run in parallel, gone when the test ends.
//
// PostgreSQL is the server that TEST_POSTGRES names, by a URL of a superuser;
// `scripts/postgres.sh run -- go test ./...` starts one. Without it the tests
// on PostgreSQL are skipped, and say so.
package storetest

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"onsight/internal/store"
)

// Dialects are the databases that Each goes through.
var Dialects = []string{store.SQLite, store.PostgreSQL}

// Each runs a test with an empty database of each kind, in parallel.
func Each(t *testing.T, test func(t *testing.T, db *store.DB)) {
	t.Helper()
	for _, dialect := range Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			test(t, Open(t, dialect))
		})
	}
}

// Open gives an empty database, which is closed when the test ends.
func Open(tb testing.TB, dialect string) *store.DB {
	tb.Helper()
	return Reopen(tb, Config(tb, dialect))
}

// Reopen opens the database of a Config, which is closed when the test ends.
func Reopen(tb testing.TB, config store.Config) *store.DB {
	tb.Helper()
	db, err := store.Open(context.Background(), config)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := db.Close(); err != nil {
			tb.Errorf("close the store: %v", err)
		}
	})
	return db
}

// Config says where a new database for the test is. It skips the test if there
// is no server for it.
func Config(tb testing.TB, dialect string) store.Config {
	tb.Helper()
	if dialect == store.SQLite {
		return store.Config{Dir: tb.TempDir()}
	}
	return store.Config{URL: postgres(tb)}
}

// postgres gives the URL of a new database, which goes when the test ends.
func postgres(tb testing.TB) string {
	tb.Helper()
	admin := os.Getenv("TEST_POSTGRES")
	if admin == "" {
		tb.Skip("TEST_POSTGRES is not set: no test on PostgreSQL; see scripts/postgres.sh")
	}
	template, err := template(admin)
	if err != nil {
		tb.Fatalf("prepare %s: %v", admin, err)
	}
	name := "onsight_test_" + strings.ToLower(rand.Text()[:12])
	if err := run(admin, "CREATE DATABASE "+name+" TEMPLATE "+template); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := run(admin, "DROP DATABASE IF EXISTS "+name+" WITH (FORCE)"); err != nil {
			tb.Errorf("drop the test's database: %v", err)
		}
	})
	return withName(admin, name)
}

var (
	once         sync.Once
	templateName string
	templateErr  error
)

// template gives the name of a database with all tables: copying it takes a
// fifth of the time that the migrations do. It is kept for other test
// processes, under a name that says which migrations it holds.
func template(admin string) (string, error) {
	once.Do(func() {
		sum := sha256.Sum256([]byte(store.Schema()))
		templateName = "onsight_template_" + hex.EncodeToString(sum[:6])
		templateErr = makeTemplate(admin, templateName)
	})
	return templateName, templateErr
}

func makeTemplate(admin, name string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgconn.Connect(ctx, admin)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	// Test processes start at once; the first makes it, the others wait.
	if _, err := conn.Exec(ctx, "SELECT pg_advisory_lock(7105216731)").ReadAll(); err != nil {
		return err
	}
	found, err := conn.Exec(ctx, "SELECT 1 FROM pg_database WHERE datname = '"+name+"'").ReadAll()
	if err != nil || len(found[0].Rows) > 0 {
		return err
	}
	draft := name + "_draft"
	for _, q := range []string{"DROP DATABASE IF EXISTS " + draft + " WITH (FORCE)", "CREATE DATABASE " + draft} {
		if _, err := conn.Exec(ctx, q).ReadAll(); err != nil {
			return err
		}
	}
	db, err := store.Open(ctx, store.Config{URL: withName(admin, draft)})
	if err != nil {
		return err
	}
	if err := db.Close(); err != nil {
		return err
	}
	// A server process may take a moment to notice that its client has gone.
	_, err = conn.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '"+draft+"'").ReadAll()
	if err != nil {
		return err
	}
	for range 50 {
		if _, err = conn.Exec(ctx, "ALTER DATABASE "+draft+" RENAME TO "+name).ReadAll(); err == nil {
			return nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return err
}

// run runs one statement on the server.
func run(admin, query string) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	conn, err := pgconn.Connect(ctx, admin)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(ctx) }()
	if _, err := conn.Exec(ctx, query).ReadAll(); err != nil {
		return fmt.Errorf("%s: %w", query, err)
	}
	return nil
}

// withName is the URL of another database on the same server.
func withName(admin, name string) string {
	u, err := url.Parse(admin)
	if err != nil {
		return admin
	}
	u.Path = "/" + name
	return u.String()
}
