package lite

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unsafe"

	"modernc.org/libc"
	sqlite3 "modernc.org/sqlite/lib"
)

// maxStatements bounds the statements that a connection keeps prepared; a
// statement takes some kilobytes. A server has about a hundred query texts.
const maxStatements = 300

// How long a connection waits for others that are in its way, in milliseconds.
const (
	patience      = 5000
	resetPatience = 100
)

// An Error is what SQLite says went wrong.
type Error struct {
	Code    int32  // the extended result code: https://sqlite.org/rescode.html
	Message string // SQLite's own words
	Query   string // the statement, where the caller did not give it
}

// Error gives SQLite's words, its code and the statement.
func (e *Error) Error() string {
	s := "sqlite: " + e.Message + " (" + strconv.Itoa(int(e.Code)) + ")"
	if e.Query != "" {
		s += " in " + strings.Join(strings.Fields(e.Query), " ")
	}
	return s
}

// Primary is the code without its extension, such as SQLITE_IOERR.
func (e *Error) Primary() int32 { return e.Code & 0xff }

// Conn is one connection to a database.
type Conn struct {
	tls   *libc.TLS
	db    uintptr
	out   uintptr // room for one pointer that a call gives back
	wal   uintptr // where frames are counted; 0 unless CountFrames was called
	stmts map[string]*Stmt
	arena arena

	transaction [len(commands)]*Stmt
}

// A command is a statement that belongs to transactions.
type command int

const (
	begin command = iota
	beginWrite
	commit
	rollback
	savepoint
	undo
	release
)

var commands = [...]string{
	begin:      "BEGIN",
	beginWrite: "BEGIN IMMEDIATE",
	commit:     "COMMIT",
	rollback:   "ROLLBACK",
	savepoint:  "SAVEPOINT member",
	undo:       "ROLLBACK TO member",
	release:    "RELEASE member",
}

// Open opens the database that uri names (https://sqlite.org/uri.html),
// creating it if need be, and runs each of the statements in setup.
func Open(uri string, setup ...string) (*Conn, error) {
	c := &Conn{tls: libc.NewTLS(), stmts: map[string]*Stmt{}}
	c.out = alloc(c.tls, int(unsafe.Sizeof(uintptr(0))))
	c.arena.tls = c.tls
	name := cString(c.tls, uri)
	defer sqlite3.Xsqlite3_free(c.tls, name)
	// NOMUTEX: a Conn is used by one goroutine at a time.
	const flags = sqlite3.SQLITE_OPEN_READWRITE | sqlite3.SQLITE_OPEN_CREATE | sqlite3.SQLITE_OPEN_NOMUTEX |
		sqlite3.SQLITE_OPEN_URI | sqlite3.SQLITE_OPEN_EXRESCODE
	rc := sqlite3.Xsqlite3_open_v2(c.tls, name, c.out, flags, 0)
	c.db = *(*uintptr)(pointer(c.out))
	if rc != sqlite3.SQLITE_OK {
		return nil, errors.Join(c.failure(rc, ""), c.Close())
	}
	sqlite3.Xsqlite3_busy_timeout(c.tls, c.db, patience)
	for _, s := range setup {
		if err := c.Script(s); err != nil {
			return nil, errors.Join(err, c.Close())
		}
	}
	for i, text := range commands {
		s, err := c.compile(text)
		if err != nil {
			return nil, errors.Join(err, c.Close())
		}
		c.transaction[i] = s
	}
	return c, nil
}

// Close ends all statements and the connection.
func (c *Conn) Close() error {
	if c.tls == nil {
		return nil
	}
	c.forget()
	for _, s := range c.transaction {
		if s != nil {
			sqlite3.Xsqlite3_finalize(c.tls, s.p)
		}
	}
	rc := sqlite3.Xsqlite3_close_v2(c.tls, c.db)
	c.arena.free()
	sqlite3.Xsqlite3_free(c.tls, c.out)
	sqlite3.Xsqlite3_free(c.tls, c.wal)
	c.tls.Close()
	c.tls = nil
	if rc != sqlite3.SQLITE_OK {
		return &Error{Code: rc, Message: "close"}
	}
	return nil
}

// Begin starts a transaction: one snapshot of the database, or, to write, the
// one that may change it.
func (c *Conn) Begin(write bool) error {
	if write {
		return c.transaction[beginWrite].run()
	}
	return c.transaction[begin].run()
}

// Commit ends the transaction and keeps it.
func (c *Conn) Commit() error { return c.transaction[commit].run() }

// Rollback ends the transaction and drops it. There may be none: some errors
// (disk full, input and output, memory) make SQLite roll back on its own.
func (c *Conn) Rollback() error {
	if !c.InTransaction() {
		return nil
	}
	return c.transaction[rollback].run()
}

// Savepoint marks a place to come back to with Undo.
func (c *Conn) Savepoint() error { return c.transaction[savepoint].run() }

// Release forgets the last savepoint and keeps what was done since.
func (c *Conn) Release() error { return c.transaction[release].run() }

// Undo goes back to the last savepoint, and forgets it.
func (c *Conn) Undo() error {
	if err := c.transaction[undo].run(); err != nil {
		return err
	}
	return c.transaction[release].run()
}

// InTransaction tells whether a transaction is open.
func (c *Conn) InTransaction() bool { return sqlite3.Xsqlite3_get_autocommit(c.tls, c.db) == 0 }

// Script runs statements without parameters, separated by semicolons, and drops their rows.
func (c *Conn) Script(text string) error {
	p := cString(c.tls, text)
	defer sqlite3.Xsqlite3_free(c.tls, p)
	if rc := sqlite3.Xsqlite3_exec(c.tls, c.db, p, 0, 0, 0); rc != sqlite3.SQLITE_OK {
		return c.failure(rc, text)
	}
	return nil
}

// CountFrames has Frames tell the length of the write-ahead log, and leaves it
// to the caller to call Checkpoint in time.
func (c *Conn) CountFrames() {
	c.wal = alloc(c.tls, 4)
	*(*int32)(pointer(c.wal)) = 0
	sqlite3.Xsqlite3_wal_hook(c.tls, c.db, committed, c.wal)
}

// Frames is the number of pages in the write-ahead log after the last commit
// of this connection.
func (c *Conn) Frames() int {
	if c.wal == 0 {
		return 0
	}
	return int(*(*int32)(pointer(c.wal)))
}

// committed is what SQLite calls after a commit, as a pointer to a C function.
var committed = *(*uintptr)(unsafe.Pointer(&struct {
	fn func(tls *libc.TLS, arg, db, name uintptr, frames int32) int32
}{countFrames}))

func countFrames(_ *libc.TLS, arg, _, _ uintptr, frames int32) int32 {
	*(*int32)(pointer(arg)) = frames
	return sqlite3.SQLITE_OK
}

// Checkpoint copies what it can of the write-ahead log into the database,
// without waiting for readers. With reset it waits for them for a moment, so
// that the log can start anew; an error with SQLITE_BUSY says that it was not
// enough. It gives the number of pages of the log that are copied.
func (c *Conn) Checkpoint(reset bool) (copied int, err error) {
	mode := int32(sqlite3.SQLITE_CHECKPOINT_PASSIVE)
	if reset {
		mode = sqlite3.SQLITE_CHECKPOINT_RESTART
		sqlite3.Xsqlite3_busy_timeout(c.tls, c.db, resetPatience)
		defer sqlite3.Xsqlite3_busy_timeout(c.tls, c.db, patience)
	}
	rc := sqlite3.Xsqlite3_wal_checkpoint_v2(c.tls, c.db, 0, mode, 0, c.out)
	if rc != sqlite3.SQLITE_OK {
		return 0, c.failure(rc, "")
	}
	return int(*(*int32)(pointer(c.out))), nil
}

// Prepare gives the statement for query, which stays prepared. What is written
// for PostgreSQL and has no sense here is left out: see Text.
func (c *Conn) Prepare(query string) (*Stmt, error) {
	if s := c.stmts[query]; s != nil {
		return s, nil
	}
	if len(c.stmts) >= maxStatements {
		c.forget()
	}
	s, err := c.compile(query)
	if err != nil {
		return nil, err
	}
	c.stmts[query] = s
	return s, nil
}

func (c *Conn) compile(query string) (*Stmt, error) {
	text := Text(query)
	p := cString(c.tls, text)
	defer sqlite3.Xsqlite3_free(c.tls, p)
	rc := sqlite3.Xsqlite3_prepare_v3(c.tls, c.db, p, -1, sqlite3.SQLITE_PREPARE_PERSISTENT, c.out, 0)
	if rc != sqlite3.SQLITE_OK {
		return nil, c.failure(rc, "")
	}
	s := &Stmt{c: c, tls: c.tls, p: *(*uintptr)(pointer(c.out)), query: query}
	if err := s.describe(); err != nil {
		sqlite3.Xsqlite3_finalize(c.tls, s.p)
		return nil, err
	}
	return s, nil
}

// forget ends all prepared statements.
func (c *Conn) forget() {
	for _, s := range c.stmts {
		sqlite3.Xsqlite3_finalize(c.tls, s.p)
	}
	clear(c.stmts)
}

func (c *Conn) failure(rc int32, query string) error {
	msg := libc.GoString(sqlite3.Xsqlite3_errmsg(c.tls, c.db))
	return &Error{Code: rc, Message: msg, Query: query}
}

// Text turns a statement that both databases share into SQLite's:
//
//   - COLLATE "C" becomes COLLATE BINARY. It is the same order, but SQLite
//     compares it without calling back for each key.
//   - FOR UPDATE SKIP LOCKED goes: the writer is alone.
func Text(query string) string {
	query = strings.ReplaceAll(query, `COLLATE "C"`, `COLLATE BINARY`)
	return strings.ReplaceAll(query, ` FOR UPDATE SKIP LOCKED`, ``)
}

// cString copies s to memory of SQLite's, with a zero at its end.
func cString(tls *libc.TLS, s string) uintptr {
	p := alloc(tls, len(s)+1)
	b := unsafe.Slice((*byte)(pointer(p)), len(s)+1)
	copy(b, s)
	b[len(s)] = 0
	return p
}

// alloc gives n bytes outside of Go's heap.
func alloc(tls *libc.TLS, n int) uintptr {
	p := sqlite3.Xsqlite3_malloc64(tls, sqlite3.Tsqlite3_uint64(n))
	if p == 0 {
		panic(fmt.Sprintf("lite: no memory for %d bytes", n))
	}
	return p
}

// pointer turns an address of SQLite's memory, which Go's collector neither
// moves nor frees, into a pointer.
func pointer(p uintptr) unsafe.Pointer { return *(*unsafe.Pointer)(unsafe.Pointer(&p)) }
