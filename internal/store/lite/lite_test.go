package lite_test

import (
	"errors"
	"strings"
	"testing"

	"onsight/internal/store/lite"
)

func open(t *testing.T) *lite.Conn {
	t.Helper()
	c, err := lite.Open("file:" + t.TempDir() + "/test.db")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	})
	return c
}

func TestText(t *testing.T) {
	t.Parallel()
	for in, want := range map[string]string{
		`CREATE TABLE t (a TEXT COLLATE "C" NOT NULL) WITHOUT ROWID`: `CREATE TABLE t (a TEXT COLLATE BINARY NOT NULL) WITHOUT ROWID`,
		`SELECT a FROM t LIMIT $1 FOR UPDATE SKIP LOCKED`:            `SELECT a FROM t LIMIT $1`,
	} {
		if got := lite.Text(in); got != want {
			t.Errorf("Text(%q) = %q, want %q", in, got, want)
		}
	}
}

// Only parameters that PostgreSQL understands too are taken.
func TestParameterNames(t *testing.T) {
	t.Parallel()
	c := open(t)
	for _, query := range []string{`SELECT ?`, `SELECT :a`, `SELECT @a`, `SELECT $a`, `SELECT $0`, `SELECT $2`, `SELECT $1, $3`, `SELECT $1::text`, ``, `-- nothing`} {
		if _, err := c.Prepare(query); err == nil {
			t.Errorf("Prepare(%q) takes it, want an error", query)
		}
	}
	s, err := c.Prepare(`SELECT $2, $1, $2`)
	if err != nil {
		t.Fatal(err)
	}
	if got := s.Params(); got != 2 {
		t.Errorf("%d parameters, want 2", got)
	}
	s.SetText(1, "one")
	s.SetText(2, "two")
	if row, err := s.Step(); !row || err != nil {
		t.Fatalf("Step = %v, %v", row, err)
	}
	for i, want := range []string{"two", "one", "two"} {
		if got, err := s.Bytes(i); string(got) != want || err != nil {
			t.Errorf("column %d = %q, %v; want %q", i, got, err, want)
		}
	}
	if _, err := s.End(); err != nil {
		t.Error(err)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	if _, err := lite.Open("file:/no/such/folder/test.db"); err == nil {
		t.Error("open in a folder that is not there: no error")
	}
	c := open(t)
	var e *lite.Error
	_, err := c.Prepare(`SELECT a FROM nowhere`)
	if !errors.As(err, &e) || !strings.Contains(e.Message, "nowhere") {
		t.Errorf("Prepare: %v, want an error that names the table", err)
	}
	if err := c.Script(`CREATE TABLE t (a PRIMARY KEY); INSERT INTO t VALUES (1); INSERT INTO t VALUES (1)`); !errors.As(err, &e) || e.Primary() != 19 {
		t.Errorf("Script: %v, want a constraint", err)
	}
	if err := c.Commit(); err == nil {
		t.Error("Commit without a transaction: no error")
	}
	if err := c.Rollback(); err != nil {
		t.Errorf("Rollback without a transaction: %v", err)
	}
}
