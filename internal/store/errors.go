package store

import (
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	sqlite3 "modernc.org/sqlite/lib"

	"onsight/internal/fault"
	"onsight/internal/store/lite"
)

// ErrNotFound says that One found no row.
var ErrNotFound = errors.New("store: no such row")

// Duplicate tells whether err says that a row with the same key is there already.
func Duplicate(err error) bool {
	if e, ok := errors.AsType[*lite.Error](err); ok {
		return e.Code == sqlite3.SQLITE_CONSTRAINT_UNIQUE || e.Code == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY ||
			e.Code == sqlite3.SQLITE_CONSTRAINT_ROWID
	}
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && e.Code == "23505" // unique_violation
}

// away is an error of a database that cannot serve now: an Unavailable for the
// caller, with the cause for the log.
type away struct{ cause error }

func (e *away) Error() string { return "store: not available: " + e.cause.Error() }

// Unwrap gives the fault and the cause.
func (e *away) Unwrap() []error {
	return []error{fault.Unavailable("The database is not available. Try again later."), e.cause}
}

func unavailable(cause error) error {
	if _, ok := errors.AsType[*away](cause); ok {
		return cause
	}
	return &away{cause}
}

// explain marks the errors that say that the database cannot serve now.
func explain(err error) error {
	if e, ok := errors.AsType[*lite.Error](err); ok {
		switch e.Primary() {
		case sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED,
			sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_NOMEM:
			return unavailable(err)
		}
	}
	if e, ok := errors.AsType[*pgconn.PgError](err); ok {
		switch {
		case strings.HasPrefix(e.Code, "08"), // connection exception
			strings.HasPrefix(e.Code, "53"), // insufficient resources
			strings.HasPrefix(e.Code, "57"), // shutdown, and what took too long
			strings.HasPrefix(e.Code, "58"), // system error
			e.Code == "25006":               // read_only_sql_transaction: a standby
			return unavailable(err)
		}
	}
	return err
}

// conflict tells whether err says that the transaction has to run again
// because of what others did: serialization_failure, deadlock_detected.
func conflict(err error) bool {
	e, ok := errors.AsType[*pgconn.PgError](err)
	return ok && (e.Code == "40001" || e.Code == "40P01")
}
