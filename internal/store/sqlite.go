package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync/atomic"
	"time"

	"golang.org/x/sync/semaphore"

	"onsight/internal/store/lite"
)

// fileName is the database in its folder.
const fileName = "onsight.db"

// setup is what each connection to SQLite begins with. FULL waits for the disk
// at each commit.
var setup = []string{
	`PRAGMA foreign_keys = ON`,
	`PRAGMA synchronous = FULL`,
	`PRAGMA temp_store = MEMORY`,
}

// oneProcess is the part of a URI that has SQLite keep its locks and the index
// of the write-ahead log in memory, since the folder belongs to this process:
// a third of the time of a small read goes into locks between processes.
func oneProcess() string {
	if runtime.GOOS == "windows" {
		return "" // has no such thing
	}
	return "vfs=unix-excl"
}

// memories counts the databases in memory, which need a name each.
var memories atomic.Int64

// openSQLite opens the database in the folder dir, or in memory when dir is "".
func (db *DB) openSQLite(ctx context.Context, dir string) error {
	db.dialect = SQLite
	var uri string
	if dir == "" {
		uri = fmt.Sprintf("file:/onsight-%d?vfs=memdb", memories.Add(1))
		db.gate = newGate()
	} else {
		path, err := db.claimFolder(dir)
		if err != nil {
			return err
		}
		uri = (&url.URL{Scheme: "file", Path: filepath.ToSlash(path), RawQuery: oneProcess()}).String()
	}
	open := func(more ...string) (*lite.Conn, error) {
		return lite.Open(uri, append(slices.Clip(setup), more...)...)
	}
	var checkpoints *checkpointer
	openWriter := func(context.Context) (session, error) {
		c, err := open(`PRAGMA journal_mode = WAL`, `PRAGMA cache_size = -16000`, `PRAGMA journal_size_limit = 67108864`)
		if err != nil {
			return nil, err
		}
		if checkpoints == nil {
			return liteSession{c: c}, nil
		}
		c.CountFrames()
		return liteSession{c, checkpoints.committed}, nil
	}
	if dir != "" {
		c, err := open()
		if err != nil {
			return fmt.Errorf("open the database in the data folder %s: %w", dir, err)
		}
		checkpoints = startCheckpointer(c, db.log)
		db.closers = append(db.closers, checkpoints)
	} else {
		// A database in memory is there while a connection to it is.
		c, err := open()
		if err != nil {
			return fmt.Errorf("open a database in memory: %w", err)
		}
		db.closers = append(db.closers, c)
	}
	w, err := openWriter(ctx)
	if err != nil {
		return fmt.Errorf("open the database in the data folder %s: %w", dir, err)
	}
	db.writer = &queue{s: w, open: openWriter}
	if db.gate != nil {
		db.writer.lock, db.writer.unlock = db.gate.alone, db.gate.leaveAlone
	}
	db.readers = newPool(2*max(2, runtime.GOMAXPROCS(0)), func(context.Context) (session, error) {
		// A page that is mapped costs no system call and no copy. Only the
		// readers map it: a changed page would be copied anyway.
		c, err := open(`PRAGMA query_only = ON`, `PRAGMA mmap_size = 2147418112`)
		if err != nil {
			return nil, err
		}
		return liteSession{c: c}, nil
	})
	return db.migrateSQLite(ctx, uri, dir)
}

// claimFolder makes the folder if need be, makes sure that it can be written
// and that no other process uses it, and gives the path of the database.
func (db *DB) claimFolder(dir string) (string, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("the data folder %s cannot be made: %w", dir, err)
	}
	lock, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return "", fmt.Errorf("the data folder %s cannot be written: %w", dir, err)
	}
	db.closers = append(db.closers, lock) // which gives the lock up
	if err := lockFile(lock); err != nil {
		if errors.Is(err, errLocked) {
			return "", fmt.Errorf("the data folder %s is in use by another onsight%s; stop it, or choose another folder", dir, holder(lock))
		}
		return "", fmt.Errorf("the data folder %s cannot be locked: %w", dir, err)
	}
	if err := sign(lock); err != nil {
		return "", fmt.Errorf("the data folder %s cannot be written: %w", dir, err)
	}
	path := filepath.Join(dir, fileName)
	_, err = os.Stat(path)
	fresh := errors.Is(err, fs.ErrNotExist)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600) // SQLite gives its other files the same mode
	if err != nil {
		return "", fmt.Errorf("the database in the data folder %s cannot be written: %w", dir, err)
	}
	err = f.Close()
	if fresh {
		// What is acknowledged is lost if the name of the file is.
		err = errors.Join(err, syncFolder(dir), syncFolder(filepath.Dir(dir)))
	}
	return path, err
}

// sign writes the process's number into the lock.
func sign(lock *os.File) error {
	if err := lock.Truncate(0); err != nil {
		return err
	}
	_, err := fmt.Fprintf(lock, "%d\n", os.Getpid())
	return err
}

// holder says whose the lock is, as far as it says so itself.
func holder(lock *os.File) string {
	var pid int
	if _, err := fmt.Fscan(lock, &pid); err != nil {
		return ""
	}
	return fmt.Sprintf(" (process %d)", pid)
}

// gate lets many readers or one writer at a database in memory. It has no
// write-ahead log, so SQLite would have them wait for each other by polling.
type gate struct{ places *semaphore.Weighted }

// gatePlaces is more readers than there are; gatePatience is how long one
// waits, since only a Read or Write inside of another waits for ever.
const (
	gatePlaces   = 1 << 30
	gatePatience = 30 * time.Second
)

func newGate() *gate { return &gate{semaphore.NewWeighted(gatePlaces)} }

func (g *gate) enter(ctx context.Context, places int64) error {
	if g.places.TryAcquire(places) {
		return nil
	}
	patient, cancel := context.WithTimeout(ctx, gatePatience)
	defer cancel()
	if err := g.places.Acquire(patient, places); err != nil {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		return unavailable(errors.New("the database in memory is held; is there a Read or Write inside of another?"))
	}
	return nil
}

func (g *gate) shared(ctx context.Context) error { return g.enter(ctx, 1) }
func (g *gate) leave()                           { g.places.Release(1) }
func (g *gate) alone(ctx context.Context) error  { return g.enter(ctx, gatePlaces) }
func (g *gate) leaveAlone()                      { g.places.Release(gatePlaces) }
