package pg_test

import (
	"context"
	"os"
	"testing"

	"onsight/internal/store/pg"
)

func connect(t *testing.T) *pg.Conn {
	t.Helper()
	url := os.Getenv("TEST_POSTGRES")
	if url == "" {
		t.Skip("TEST_POSTGRES is not set: no test on PostgreSQL; see scripts/postgres.sh")
	}
	config, err := pg.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	config.RuntimeParams["synchronous_commit"] = "off"
	c, err := pg.Connect(context.Background(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// text runs a statement that gives one text.
func text(t *testing.T, c *pg.Conn, query string) string {
	t.Helper()
	s, err := c.Prepare(query)
	if err != nil {
		t.Fatal(err)
	}
	row, err := s.Step()
	if err != nil || !row {
		t.Fatalf("%s: %v, %v", query, row, err)
	}
	b, err := s.Bytes(0)
	if err != nil {
		t.Fatal(err)
	}
	out := string(b)
	if _, err := s.End(); err != nil {
		t.Fatal(err)
	}
	return out
}

// What the server or the URL says, a commit waits for the disk.
func TestDurable(t *testing.T) {
	t.Parallel()
	c := connect(t)
	c.Begin(pg.ReadOnly)
	if got := text(t, c, `SELECT current_setting('synchronous_commit')`); got != "on" {
		t.Errorf("synchronous_commit is %s, want on", got)
	}
}

// A transaction begins with its first statement, in its mode, and what became
// of it can be asked later.
func TestTransaction(t *testing.T) {
	t.Parallel()
	c, other := connect(t), connect(t)
	c.Begin(pg.Serializable)
	if err := c.Commit(); err != nil || !c.Idle() {
		t.Errorf("commit of nothing: %v, idle %v", err, c.Idle())
	}
	fates := map[string]string{}
	for _, fate := range []string{"committed", "aborted"} {
		c.Begin(pg.Serializable)
		if got := text(t, c, `SELECT current_setting('transaction_isolation')`); got != "serializable" {
			t.Errorf("isolation %s, want serializable", got)
		}
		if c.XID() != "" || c.Idle() {
			t.Errorf("before a change: transaction %q, idle %v", c.XID(), c.Idle())
		}
		s, err := c.Prepare(`CREATE TEMPORARY TABLE ` + fate + ` (a BIGINT)`)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Step(); err != nil {
			t.Fatal(err)
		}
		if _, err := s.End(); err != nil {
			t.Fatal(err)
		}
		fates[c.XID()] = fate
		if got, err := other.Fate(c.XID()); got != "in progress" || err != nil {
			t.Errorf("fate before the end: %s, %v", got, err)
		}
		if fate == "committed" {
			err = c.Commit()
		} else {
			err = c.Rollback()
		}
		if err != nil || !c.Idle() {
			t.Errorf("end: %v, idle %v", err, c.Idle())
		}
	}
	if len(fates) != 2 {
		t.Errorf("transactions %v, want two", fates)
	}
	for xid, want := range fates {
		if got, err := other.Fate(xid); got != want || err != nil {
			t.Errorf("fate of %s: %s, %v; want %s", xid, got, err, want)
		}
	}
}

// A savepoint goes out with the next statement, and what failed since goes with Undo.
func TestSavepoint(t *testing.T) {
	t.Parallel()
	c := connect(t)
	c.Begin(pg.Serializable)
	if got := text(t, c, `SELECT 'a'`); got != "a" {
		t.Errorf("%s, want a", got)
	}
	c.Savepoint()
	s, err := c.Prepare(`SELECT 1 / $1::int`)
	if err != nil {
		t.Fatal(err)
	}
	s.SetInt64(1, 0)
	if _, err := s.Step(); err == nil {
		t.Error("a division by zero: no error")
	}
	_, _ = s.End()
	c.Undo()
	if got := text(t, c, `SELECT 'b'`); got != "b" { // not prepared yet
		t.Errorf("%s, want b", got)
	}
	if err := c.Commit(); err != nil {
		t.Errorf("Commit: %v", err)
	}
	// Without one the transaction is of no further use, but the connection is.
	c.Begin(pg.Serializable)
	s.SetInt64(1, 0)
	if _, err := s.Step(); err == nil {
		t.Error("a division by zero: no error")
	}
	_, _ = s.End()
	if err := c.Commit(); err == nil {
		t.Error("commit of a transaction that failed: no error")
	}
	if err := c.Rollback(); err != nil || !c.Idle() {
		t.Errorf("Rollback: %v, idle %v", err, c.Idle())
	}
	c.Begin(pg.ReadOnly)
	if got := text(t, c, `SELECT 'c'`); got != "c" {
		t.Errorf("%s, want c", got)
	}
}

func TestParseConfig(t *testing.T) {
	t.Parallel()
	if _, err := pg.ParseConfig("postgres://user:hush@host:port/x"); err == nil {
		t.Error("a port that is no number: no error")
	}
	config, err := pg.ParseConfig("postgres://user:hush@host/x?connect_timeout=3")
	if err != nil || config.ConnectTimeout.Seconds() != 3 || config.RuntimeParams["application_name"] != "onsight" {
		t.Errorf("config %v, %v", config, err)
	}
}
