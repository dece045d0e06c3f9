package store

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"path"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
	_ "modernc.org/sqlite" // the database/sql driver, for goose

	"onsight/internal/store/lite"
)

// migrations are numbered SQL files for both databases, run in order by goose:
//
//	-- +goose Up
//	CREATE TABLE keys (
//	    account TEXT COLLATE "C" NOT NULL,
//	    id      TEXT COLLATE "C" NOT NULL,
//	    made    BIGINT NOT NULL,
//	    PRIMARY KEY (account, id)
//	) WITHOUT ROWID;
//
// Three things are left to this package: every TEXT column says COLLATE "C",
// which is byte order, and SQLite's own order already; WITHOUT ROWID, for a
// table whose primary key is the order that it is listed in, is left out on
// PostgreSQL; and INTEGER NOT NULL PRIMARY KEY, which on SQLite needs no tree
// beside the table's, is a BIGINT there.
//
// A release runs on the schema of the one before it too: add, then use, then
// remove. A migration adds no rows, since Reset would delete them.
//
//go:embed migrations/*.sql
var migrations embed.FS

// versionTable is where goose keeps the numbers of the migrations that ran.
const versionTable = "goose_db_version"

// forPostgres turns a migration into PostgreSQL's.
func forPostgres(text string) string {
	return strings.NewReplacer(` WITHOUT ROWID`, ``, `INTEGER NOT NULL PRIMARY KEY`, `BIGINT NOT NULL PRIMARY KEY`).Replace(text)
}

// migrateSQLite brings the database at uri to the newest schema.
func (db *DB) migrateSQLite(ctx context.Context, uri, dir string) error {
	where := "in the data folder " + dir
	if dir == "" {
		where = "in memory"
	}
	return db.migrate(ctx, where, lite.Text, func(files fs.FS) error {
		conn, err := sql.Open("sqlite", uri)
		if err != nil {
			return err
		}
		return up(ctx, database.DialectSQLite3, conn, files, db.log)
	})
}

// migratePostgres brings the database at url to the newest schema.
func (db *DB) migratePostgres(ctx context.Context, url string) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return err
	}
	return db.migrate(ctx, config.Database+" on "+config.Host, forPostgres, func(files fs.FS) error {
		return up(ctx, database.DialectPostgres, stdlib.OpenDB(*config), files, db.log, goose.WithSessionLocker(locker{}))
	})
}

// migrate runs the migrations that are missing, if any; text translates them.
func (db *DB) migrate(ctx context.Context, where string, text func(string) string, run func(fs.FS) error) error {
	newest, count, err := known()
	if err != nil {
		return err
	}
	have, done, err := db.version(ctx)
	switch {
	case err != nil:
		return fmt.Errorf("the database %s cannot be read: %w", where, err)
	case have > newest:
		return fmt.Errorf("the database %s was made by a newer onsight: its schema is %d, and this program knows %d; use the newer program, or another database", where, have, newest)
	case have == newest && done == count:
		return nil // goose would take 15 ms to find out the same
	}
	if err := run(files{migrations, text}); err != nil {
		return fmt.Errorf("the database %s cannot be brought to schema %d: %w", where, newest, err)
	}
	return nil
}

// known gives the number of the newest migration that the program has, and how many there are.
func known() (newest int64, count int, err error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return 0, 0, err
	}
	for _, name := range names {
		n, err := goose.NumericComponent(name)
		if err != nil {
			return 0, 0, err
		}
		newest = max(newest, n)
	}
	return newest, len(names), nil
}

// Schema is the text of all migrations, in order.
func Schema() string {
	var all strings.Builder
	names, _ := fs.Glob(migrations, "migrations/*.sql") // the pattern is right
	for _, name := range names {
		b, _ := migrations.ReadFile(name) // it is there
		all.Write(b)
	}
	return all.String()
}

// version gives the number of the newest migration that the database has, and
// how many there are; zeros for a database without any.
func (db *DB) version(ctx context.Context) (newest int64, count int, err error) {
	err = db.Read(ctx, func(tx *Tx) error {
		query := `SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = $1`
		if db.dialect == PostgreSQL {
			query = `SELECT count(*) FROM pg_tables WHERE schemaname = current_schema() AND tablename = $1`
		}
		if n, err := One[int](tx, query, versionTable); err != nil || n == 0 {
			return err
		}
		all, err := All[int64](tx, `SELECT version_id FROM `+versionTable+` WHERE is_applied AND version_id > 0 ORDER BY version_id`)
		if len(all) > 0 {
			newest, count = all[len(all)-1], len(all)
		}
		return err
	})
	return newest, count, err
}

// up runs all migrations that the database has not seen, and closes conn.
func up(ctx context.Context, dialect database.Dialect, conn *sql.DB, files fs.FS, log *slog.Logger, options ...goose.ProviderOption) (err error) {
	defer func() { err = errors.Join(err, conn.Close()) }()
	options = append(options, goose.WithDisableGlobalRegistry(true))
	p, err := goose.NewProvider(dialect, conn, files, options...)
	if err != nil {
		return err
	}
	results, err := p.Up(ctx)
	for _, r := range results {
		log.Info("migrated the database", "file", r.Source.Path, "duration", r.Duration)
	}
	return err
}

// locker keeps two programs from migrating one PostgreSQL database at a time.
// goose's own asks again each second; this one waits in line.
type locker struct{}

// lockNumber is any number that others do not lock.
const lockNumber = 0x6f6e7369676874 // "onsight"

// SessionLock waits for the lock.
func (locker) SessionLock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, `SELECT pg_advisory_lock($1)`, lockNumber)
	return err
}

// SessionUnlock gives the lock up.
func (locker) SessionUnlock(ctx context.Context, conn *sql.Conn) error {
	_, err := conn.ExecContext(ctx, `SELECT pg_advisory_unlock($1)`, lockNumber)
	return err
}

// files are the migrations in the words of one database.
type files struct {
	fs.FS
	text func(string) string
}

// Open opens a migration, or the folder.
func (f files) Open(name string) (fs.File, error) {
	file, err := f.FS.Open(path.Join("migrations", name))
	if err != nil || !strings.HasSuffix(name, ".sql") {
		return file, err
	}
	b, err := io.ReadAll(file)
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return translated{file, strings.NewReader(f.text(string(b)))}, nil
}

// translated is a file that reads as something else.
type translated struct {
	fs.File
	r io.Reader
}

// Read reads the translation.
func (t translated) Read(b []byte) (int, error) { return t.r.Read(b) }
