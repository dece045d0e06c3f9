package lite

import (
	"errors"
	"fmt"
	"strconv"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// Stmt is a prepared statement: set its parameters, Step while there are rows, End.
type Stmt struct {
	c        *Conn
	tls      *libc.TLS
	p        uintptr
	query    string
	slots    []int32 // SQLite's index of parameter $1, $2, …
	columns  []string
	readOnly bool
	bad      int32 // result of the first Set that failed
}

// describe learns the statement's parameters and columns. SQLite counts $3 as
// a name, in the order of first appearance; the store counts as PostgreSQL does.
func (s *Stmt) describe() error {
	if s.p == 0 {
		return fmt.Errorf("sqlite: no statement in %q", s.query)
	}
	n := int(sqlite3.Xsqlite3_bind_parameter_count(s.tls, s.p))
	s.slots = make([]int32, n)
	for i := range n {
		name := libc.GoString(sqlite3.Xsqlite3_bind_parameter_name(s.tls, s.p, int32(i+1)))
		if len(name) < 2 || name[0] != '$' {
			return fmt.Errorf("sqlite: parameter %q is not of the form $1 in %s", name, s.query)
		}
		at, err := strconv.Atoi(name[1:])
		if err != nil || at < 1 || at > n {
			return fmt.Errorf("sqlite: %d parameters, one of them %s, in %s", n, name, s.query)
		}
		s.slots[at-1] = int32(i + 1)
	}
	s.columns = make([]string, sqlite3.Xsqlite3_column_count(s.tls, s.p))
	for i := range s.columns {
		s.columns[i] = libc.GoString(sqlite3.Xsqlite3_column_name(s.tls, s.p, int32(i)))
	}
	s.readOnly = sqlite3.Xsqlite3_stmt_readonly(s.tls, s.p) != 0
	return nil
}

// Params is the number of parameters.
func (s *Stmt) Params() int { return len(s.slots) }

// Columns are the names of the columns of a row.
func (s *Stmt) Columns() []string { return s.columns }

// Writes tells whether the statement can change the database.
func (s *Stmt) Writes() bool { return !s.readOnly }

// SetInt64 sets parameter $i, counted from one.
func (s *Stmt) SetInt64(i int, v int64) {
	s.note(sqlite3.Xsqlite3_bind_int64(s.tls, s.p, s.slots[i-1], v))
}

// SetBool sets parameter $i to 1 or 0.
func (s *Stmt) SetBool(i int, v bool) {
	var n int64
	if v {
		n = 1
	}
	s.SetInt64(i, n)
}

// SetText sets parameter $i to a text of UTF-8.
func (s *Stmt) SetText(i int, v string) {
	s.note(sqlite3.Xsqlite3_bind_text64(s.tls, s.p, s.slots[i-1], s.c.arena.put(v), sqlite3.Tsqlite3_uint64(len(v)), sqlite3.SQLITE_STATIC, sqlite3.SQLITE_UTF8))
}

// SetBytes sets parameter $i to a blob.
func (s *Stmt) SetBytes(i int, v []byte) {
	p := s.c.arena.put(unsafe.String(unsafe.SliceData(v), len(v)))
	s.note(sqlite3.Xsqlite3_bind_blob64(s.tls, s.p, s.slots[i-1], p, sqlite3.Tsqlite3_uint64(len(v)), sqlite3.SQLITE_STATIC))
}

// SetNull sets parameter $i to NULL.
func (s *Stmt) SetNull(i int) { s.note(sqlite3.Xsqlite3_bind_null(s.tls, s.p, s.slots[i-1])) }

func (s *Stmt) note(rc int32) {
	if rc != sqlite3.SQLITE_OK && s.bad == sqlite3.SQLITE_OK {
		s.bad = rc
	}
}

// Step goes to the next row; false when there is none.
func (s *Stmt) Step() (bool, error) {
	if s.bad != sqlite3.SQLITE_OK {
		return false, s.c.failure(s.bad, "")
	}
	switch rc := sqlite3.Xsqlite3_step(s.tls, s.p); rc {
	case sqlite3.SQLITE_ROW:
		return true, nil
	case sqlite3.SQLITE_DONE:
		return false, nil
	default:
		return false, s.c.failure(rc, "")
	}
}

// End ends the run and makes the statement ready for the next. The parameters
// are forgotten. It gives the number of rows that the statement changed.
func (s *Stmt) End() (affected int64, err error) {
	if !s.readOnly {
		affected = sqlite3.Xsqlite3_changes64(s.tls, s.c.db)
	}
	sqlite3.Xsqlite3_reset(s.tls, s.p) // repeats the error of Step
	s.c.arena.reset()
	s.bad = sqlite3.SQLITE_OK
	return affected, nil
}

// run runs a command.
func (s *Stmt) run() error {
	rc := sqlite3.Xsqlite3_step(s.tls, s.p)
	var err error
	if rc != sqlite3.SQLITE_DONE {
		err = s.c.failure(rc, s.query)
	}
	sqlite3.Xsqlite3_reset(s.tls, s.p)
	return err
}

// Null tells whether column i of the current row, counted from zero, is NULL.
func (s *Stmt) Null(i int) bool {
	return sqlite3.Xsqlite3_column_type(s.tls, s.p, int32(i)) == sqlite3.SQLITE_NULL
}

// ErrType says that a column has another type than the one asked for.
var ErrType = errors.New("has another type")

// Int64 is column i of the current row: a number, or a boolean as 1 or 0.
func (s *Stmt) Int64(i int) (int64, error) {
	if sqlite3.Xsqlite3_column_type(s.tls, s.p, int32(i)) != sqlite3.SQLITE_INTEGER {
		return 0, ErrType
	}
	return sqlite3.Xsqlite3_column_int64(s.tls, s.p, int32(i)), nil
}

// Bytes is column i of the current row, a text or a blob. It is SQLite's
// memory, and valid until the next Step or End.
func (s *Stmt) Bytes(i int) ([]byte, error) {
	p := sqlite3.Xsqlite3_column_blob(s.tls, s.p, int32(i))
	if p == 0 { // an empty text or blob, or NULL
		return nil, nil
	}
	if t := sqlite3.Xsqlite3_column_type(s.tls, s.p, int32(i)); t != sqlite3.SQLITE_TEXT && t != sqlite3.SQLITE_BLOB {
		return nil, ErrType
	}
	return unsafe.Slice((*byte)(pointer(p)), int(sqlite3.Xsqlite3_column_bytes(s.tls, s.p, int32(i)))), nil
}

// arena holds the texts and blobs that are bound to the running statement.
type arena struct {
	tls   *libc.TLS
	chunk uintptr // kept from statement to statement
	size  int
	used  int
	more  []uintptr // values that did not fit
}

// chunkSize is how much memory for values a connection keeps; what does not
// fit is allocated for the one statement.
const chunkSize = 16 << 10

func (a *arena) put(v string) uintptr {
	if a.chunk == 0 {
		a.chunk, a.size, a.used = alloc(a.tls, chunkSize), chunkSize, 0
	}
	p := a.chunk + uintptr(a.used)
	if len(v) > a.size-a.used {
		p = alloc(a.tls, len(v)+1)
		a.more = append(a.more, p)
	} else {
		a.used += len(v)
	}
	copy(unsafe.Slice((*byte)(pointer(p)), len(v)), v)
	return p
}

func (a *arena) reset() {
	a.used = 0
	for _, p := range a.more {
		sqlite3.Xsqlite3_free(a.tls, p)
	}
	a.more = a.more[:0]
}

func (a *arena) free() {
	a.reset()
	sqlite3.Xsqlite3_free(a.tls, a.chunk)
	a.chunk = 0
}
