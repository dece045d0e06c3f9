package store

import (
	"onsight/internal/store/lite"
	"onsight/internal/store/pg"
)

// A mode is a kind of transaction.
type mode int

const (
	reading  mode = iota // one snapshot, no changes
	writing              // as if alone
	claiming             // as writing, but on PostgreSQL rows that others hold can be skipped
)

// A session is one connection, in the hands of one goroutine at a time.
type session interface {
	begin(mode) error
	prepare(query string) (statement, error)
	// savepoint marks a place; undo goes back to it and forgets it; release
	// forgets it and keeps what was done since.
	savepoint() error
	undo() error
	release() error
	commit() error
	rollback() error
	// intact tells whether the transaction is still there after a statement
	// failed, if need be by going back to a savepoint.
	intact(saved bool) bool
	// dead tells whether the connection is of no further use.
	dead() bool
	// idle tells whether rollback takes no time.
	idle() bool
	// fresh tells whether the connection has not been used yet.
	fresh() bool
	close() error
}

// A statement is prepared on a session. Its parameters are set, then it steps
// through its rows, and End makes it ready for the next run.
type statement interface {
	Params() int
	Columns() []string
	Writes() bool
	SetInt64(i int, v int64)
	SetBool(i int, v bool)
	SetText(i int, v string)
	SetBytes(i int, v []byte)
	SetNull(i int)
	Step() (bool, error)
	Null(i int) bool
	Int64(i int) (int64, error)
	Bytes(i int) ([]byte, error)
	End() (affected int64, err error)
}

// liteSession is a session with SQLite.
type liteSession struct {
	c *lite.Conn
	// committed is called after each commit that changed something; nil is nothing.
	committed func(*lite.Conn)
}

func (s liteSession) begin(m mode) error { return s.c.Begin(m != reading) }
func (s liteSession) prepare(query string) (statement, error) {
	st, err := s.c.Prepare(query)
	if err != nil {
		return nil, err
	}
	return st, nil
}
func (s liteSession) savepoint() error { return s.c.Savepoint() }
func (s liteSession) undo() error      { return s.c.Undo() }
func (s liteSession) release() error   { return s.c.Release() }
func (s liteSession) commit() error {
	err := s.c.Commit()
	if err == nil && s.committed != nil {
		s.committed(s.c)
	}
	return err
}
func (s liteSession) rollback() error  { return s.c.Rollback() }
func (s liteSession) intact(bool) bool { return s.c.InTransaction() }
func (s liteSession) dead() bool       { return false }
func (s liteSession) idle() bool       { return true }
func (s liteSession) fresh() bool      { return true }
func (s liteSession) close() error     { return s.c.Close() }

// pgSession is a session with PostgreSQL.
type pgSession struct{ c *pg.Conn }

func (s pgSession) begin(m mode) error {
	switch m {
	case reading:
		s.c.Begin(pg.ReadOnly)
	case writing:
		s.c.Begin(pg.Serializable)
	case claiming:
		s.c.Begin(pg.Committed)
	}
	return nil
}

func (s pgSession) prepare(query string) (statement, error) {
	st, err := s.c.Prepare(query)
	if err != nil {
		return nil, err
	}
	return st, nil
}
func (s pgSession) savepoint() error       { s.c.Savepoint(); return nil }
func (s pgSession) undo() error            { s.c.Undo(); return nil }
func (s pgSession) release() error         { s.c.Release(); return nil }
func (s pgSession) commit() error          { return s.c.Commit() }
func (s pgSession) rollback() error        { return s.c.Rollback() }
func (s pgSession) intact(saved bool) bool { return saved && !s.c.Dead() }
func (s pgSession) dead() bool             { return s.c.Dead() }
func (s pgSession) idle() bool             { return s.c.Idle() }
func (s pgSession) fresh() bool            { return s.c.Fresh() }
func (s pgSession) close() error           { return s.c.Close() }
