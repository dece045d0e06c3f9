package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"onsight/internal/access"
	"onsight/internal/audit"
	"onsight/internal/config"
	"onsight/internal/directory"
	"onsight/internal/iam"
	"onsight/internal/identity"
	"onsight/internal/job"
	"onsight/internal/outbound"
	"onsight/internal/seal"
	"onsight/internal/signin"
	"onsight/internal/store"
)

// App is a server that is ready to answer.
type App struct {
	// Handler answers the API, and what the server has beside it.
	Handler http.Handler
	// Metrics gives what is counted, for Prometheus. It is not part of Handler.
	Metrics http.Handler
	// Roots are the root credentials.
	Roots *access.Roots
	// RootMade tells that the account's root credentials were made just now.
	RootMade bool
	// Operations are the names of the operations that are answered, by service.
	Operations map[string][]string

	db          *store.DB
	jobs        *job.Runner
	trail       *audit.Trail
	entities    *iam.Service
	uses        *identity.Uses
	signIn      *signin.Service
	directories *directory.Service
	clients     *outbound.Clients // of all that leaves the house by a network profile
	chores      chores
	log         *slog.Logger
}

// Options are what the settings do not hold.
type Options struct {
	Log *slog.Logger
	Now func() time.Time
}

// Open opens the store and joins the parts. c.PublicURL must be set. The
// caller closes the App.
func Open(ctx context.Context, c config.Config, o Options) (app *App, err error) {
	// Read before anything is made: a mistake in it must not leave a folder behind.
	profiles, err := outbound.ReadSettings(c.NetworkProfiles)
	if err != nil {
		return nil, fmt.Errorf("-network-profiles: %w", err)
	}
	companies, err := directory.ReadSettings(c.Directories, profiles)
	if err != nil {
		return nil, fmt.Errorf("-directories: %w", err)
	}
	db, err := store.Open(ctx, database(c, o))
	if err != nil {
		return nil, err
	}
	app = &App{db: db, log: o.Log, clients: &outbound.Clients{}, chores: chores{log: o.Log}}
	defer func() {
		if err != nil {
			err = errors.Join(err, db.Close())
		}
	}()
	keys, err := openKeys(c)
	if err != nil {
		return nil, err
	}
	if app.Roots, err = openRoots(c); err != nil {
		return nil, err
	}
	if !c.Dev {
		if _, app.RootMade, err = app.Roots.Make(c.Account); err != nil {
			return nil, err
		}
	}
	if err := newHouse(app, c, o, keys, profiles, companies).join(ctx); err != nil {
		return nil, err
	}
	app.trail.Start()
	app.jobs.Start(ctx)
	app.chores.start(ctx)
	return app, nil
}

// database says where the data is: in memory, at a URL, or in the data folder.
func database(c config.Config, o Options) store.Config {
	db := store.Config{Log: o.Log}
	switch {
	case c.Memory:
		db.Memory = true
	case c.Database != "":
		db.URL = c.Database
	default:
		db.Dir = c.Data
	}
	return db
}

// Close stops the jobs and closes the store. Requests must have ended.
func (a *App) Close(ctx context.Context) error {
	a.chores.stop()
	err := errors.Join(a.jobs.Stop(ctx), a.entities.WriteUses(ctx), a.uses.Write(ctx))
	a.trail.Stop()
	a.directories.Close()
	a.clients.Close()
	return errors.Join(err, a.db.Close())
}

// PasswordsHashed is how many passwords have been hashed so far.
func (a *App) PasswordsHashed() int64 { return a.signIn.Hashed() }

func openKeys(c config.Config) (*seal.Keyring, error) {
	if c.Memory {
		return seal.New(), nil
	}
	if err := os.MkdirAll(filepath.Dir(c.SealKeyFile), 0o700); err != nil {
		return nil, fmt.Errorf("make the folder of the sealing key: %w", err)
	}
	return seal.Load(c.SealKeyFile)
}

func openRoots(c config.Config) (*access.Roots, error) {
	dir := c.Data
	if c.Memory {
		dir = ""
	}
	roots, err := access.OpenRoots(dir)
	if err == nil && c.RootAccessKeyID != "" {
		roots.Give(access.Credential{Account: c.Account, AccessKeyID: c.RootAccessKeyID, SecretAccessKey: c.RootSecretAccessKey})
	}
	return roots, err
}

// JobsDone waits until there is no job of a kind and key, for tests.
func (a *App) JobsDone(ctx context.Context, kind, key string) error {
	return a.jobs.Wait(ctx, kind, key)
}

// Chore does what the server does again and again, at once, for tests.
func (a *App) Chore(ctx context.Context, what string) error { return a.chores.now(ctx, what) }

// Store is the database, for tests that bring about what no operation can.
func (a *App) Store() *store.DB { return a.db }
