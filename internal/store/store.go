package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync/atomic"
)

// The databases, as Dialect names them.
const (
	SQLite     = "sqlite"
	PostgreSQL = "postgres"
)

// Config says where the data is. Exactly one of Dir, URL and Memory is set.
type Config struct {
	// Dir is the folder of the SQLite database. It is made if need be, and
	// belongs to one process at a time.
	Dir string
	// URL is a PostgreSQL database: postgres://user:password@host/name.
	URL string
	// Memory keeps everything in the memory of the process.
	Memory bool
	// Log gets what happens aside; nil is silence.
	Log *slog.Logger
	// Now is the clock; nil is the real one.
}

// DB is an open database. Its methods may be called by many goroutines at once.
type DB struct {
	dialect string
	log     *slog.Logger
	readers *pool
	writer  *queue
	claims  *pool // PostgreSQL
	gate    *gate // Memory
	closers []io.Closer
	closed  atomic.Bool
	signals signals
}

// Open opens the database, makes it if need be, and brings its tables to what
// this program needs. Errors are sentences for the operator: a folder that is
// in use or cannot be written, a database of a newer program.
func Open(ctx context.Context, config Config) (*DB, error) {
	log := config.Log
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	set := 0
	for _, b := range []bool{config.Dir != "", config.URL != "", config.Memory} {
		if b {
			set++
		}
	}
	if set != 1 {
		return nil, errors.New("store: exactly one of a folder, a URL and memory says where the data is")
	}
	db := &DB{log: log}
	var err error
	if config.URL != "" {
		err = db.openPostgres(ctx, config.URL)
	} else {
		err = db.openSQLite(ctx, config.Dir)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// Dialect is SQLite or PostgreSQL.
func (db *DB) Dialect() string { return db.dialect }

// Read has fn see one snapshot of the database. fn may run twice, if its first
// statement finds that the connection is lost.
func (db *DB) Read(ctx context.Context, fn func(tx *Tx) error) error {
	for {
		again, err := db.read(ctx, fn)
		if !again {
			return err
		}
	}
}

func (db *DB) read(ctx context.Context, fn func(tx *Tx) error) (again bool, err error) {
	if err := ctx.Err(); err != nil {
		return false, err
	}
	if db.gate != nil {
		if err := db.gate.shared(ctx); err != nil {
			return false, err
		}
		defer db.gate.leave()
	}
	s, err := db.readers.get(ctx)
	if err != nil {
		return false, err
	}
	fresh := s.fresh()
	tx := &Tx{ctx: ctx, db: db, s: s}
	broken := true
	defer func() { // also after a panic
		tx.s = nil
		if s.idle() {
			db.readers.end(s, broken)
		} else {
			go db.readers.end(s, broken) // the caller need not wait for an answer that says nothing
		}
	}()
	if err := s.begin(reading); err != nil {
		return false, explain(err)
	}
	err = fn(tx)
	broken = false
	if tx.failed != nil {
		if err == nil {
			err = tx.failed
		}
		return !tx.ran && !fresh && s.dead(), err
	}
	if err == nil {
		for _, fn := range tx.after {
			fn()
		}
	}
	return false, err
}

// Write has fn change the database, all or nothing, and returns when the change
// is durable. fn may run twice; see the package's documentation for what else
// it may do. A ctx that ends before fn begins keeps it from running.
func (db *DB) Write(ctx context.Context, fn func(tx *Tx) error) error {
	if tx := joined(ctx, db); tx != nil {
		return db.writer.join(ctx, tx, fn)
	}
	var err error
	for range maxAttempts {
		var again bool
		again, err = db.writer.write(ctx, db, fn)
		if !again {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
	}
	if err == nil {
		err = errors.New("others changed the same rows")
	}
	return unavailable(fmt.Errorf("store: %d attempts: %w", maxAttempts, err))
}

// Claim is Write for a queue in a table: `FOR UPDATE SKIP LOCKED` at the end of
// a query leaves out the rows that others hold, so that many can take from one
// table at once. On PostgreSQL fn sees each statement's own snapshot; on SQLite
// it is alone.
func (db *DB) Claim(ctx context.Context, fn func(tx *Tx) error) error {
	if db.claims == nil {
		return db.Write(ctx, fn)
	}
	for {
		again, err := db.claim(ctx, fn)
		if !again {
			return err
		}
	}
}

func (db *DB) claim(ctx context.Context, fn func(tx *Tx) error) (again bool, err error) {
	s, err := db.claims.get(ctx)
	if err != nil {
		return false, err
	}
	fresh := s.fresh()
	tx := &Tx{ctx: ctx, db: db, s: s, w: &batch{}}
	committed, broken := false, true
	defer func() { // also after a panic
		tx.s = nil
		if committed {
			db.claims.put(s, broken)
		} else {
			db.claims.end(s, broken)
		}
	}()
	if err := s.begin(claiming); err != nil {
		return false, explain(err)
	}
	err = fn(tx)
	broken = false
	if tx.failed != nil {
		if err == nil {
			err = tx.failed
		}
		return !tx.ran && !fresh && s.dead(), err
	}
	if err != nil {
		return false, err
	}
	committed = true
	if err := s.commit(); err != nil {
		if err = explain(err); s.dead() {
			err = unavailable(err)
		}
		return false, fmt.Errorf("store: commit: %w", err)
	}
	for _, fn := range tx.after {
		fn()
	}
	return false, nil
}

// Ping tells whether the database can serve.
func (db *DB) Ping(ctx context.Context) error {
	if err := db.writer.ended(); err != nil {
		return err
	}
	return db.Read(ctx, func(tx *Tx) error {
		_, err := One[int](tx, `SELECT 1`)
		return err
	})
}

// Reset deletes all rows of all tables.
func (db *DB) Reset(ctx context.Context) error {
	return db.Write(ctx, func(tx *Tx) error {
		tables, err := Tables(tx)
		if err != nil || len(tables) == 0 {
			return err
		}
		if db.dialect == PostgreSQL {
			_, err := tx.Exec(`TRUNCATE ` + strings.Join(tables, `, `))
			return err
		}
		// Rows that refer to each other go together.
		if _, err := tx.Exec(`PRAGMA defer_foreign_keys = ON`); err != nil {
			return err
		}
		for _, t := range tables {
			if _, err := tx.Exec(`DELETE FROM ` + t); err != nil {
				return err
			}
		}
		return nil
	})
}

// Close waits for what is under way and closes the database.
func (db *DB) Close() error {
	if db.closed.Swap(true) {
		return nil
	}
	var errs []error
	if db.claims != nil {
		errs = append(errs, db.claims.close())
	}
	if db.readers != nil {
		errs = append(errs, db.readers.close())
	}
	if db.writer != nil {
		errs = append(errs, db.writer.close())
	}
	for _, c := range slices.Backward(db.closers) {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}
