package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"time"

	"onsight/internal/access"
	"onsight/internal/account"
	"onsight/internal/api"
	"onsight/internal/audit"
	"onsight/internal/config"
	"onsight/internal/connector"
	"onsight/internal/connector/action"
	"onsight/internal/folder"
	"onsight/internal/governance"
	"onsight/internal/iam"
	"onsight/internal/identity"
	"onsight/internal/job"
	"onsight/internal/network"
	"onsight/internal/outbound"
	"onsight/internal/ownership"
	"onsight/internal/page"
	"onsight/internal/people"
	"onsight/internal/resource"
	"onsight/internal/seal"
	"onsight/internal/sealing"
	"onsight/internal/snapshot"
	"onsight/internal/store"
	"onsight/internal/tagging"
)

// App is a server that is ready to answer.
type App struct {
	// Handler answers the API, and what the server has beside it.
	Handler http.Handler
	// Roots are the root credentials.
	Roots *access.Roots
	// RootMade tells that the account's root credentials were made just now.
	RootMade bool
	// Operations are the names of the operations that are answered, by service.
	Operations map[string][]string

	db       *store.DB
	entry    // how people sign in
	vouched  // whom others vouch for
	jobs     *job.Runner
	entities *iam.Service
	register *identity.Service // of users
	people   *people.Service
	uses     *identity.Uses
	trail    *audit.Trail
	actions  *action.Service
	ending   func()            // ends the tidying of actions
	clients  *outbound.Clients // of all that leaves the house by a network profile
	profiles *outbound.Settings
	log      *slog.Logger

	embedding
	provisioning
	companies // whose directories people sign in at
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
	directories, err := readDirectories(c, profiles)
	if err != nil {
		return nil, fmt.Errorf("-directories: %w", err)
	}
	db, err := store.Open(ctx, database(c, o))
	if err != nil {
		return nil, err
	}
	app = &App{db: db, log: o.Log, profiles: profiles, companies: companies{described: directories}}
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
	if err := app.join(ctx, c, o, keys); err != nil {
		return nil, err
	}
	app.trail.Start()
	app.jobs.Start(ctx)
	app.tidying = app.tidy(ctx)
	app.tidying = app.tidyEmbeds(ctx, app.tidying)
	app.ending = app.tidyActions(ctx)
	app.comparing = app.directories.Start(ctx)
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

// join makes every part and hands it what it needs of the others.
func (a *App) join(ctx context.Context, c config.Config, o Options, keys *seal.Keyring) error {
	a.jobs = job.NewRunner(a.db, o.Log, o.Now)
	tokens := page.NewTokens(keys, o.Now)
	if err := a.joinAudit(ctx, c, o, keys, tokens); err != nil {
		return err
	}

	tags := tagging.New(a.db)
	rights, err := a.joinAccess(c, o, keys, tokens, tags)
	if err != nil {
		return err
	}
	secrets := resource.Secrets{Keys: keys}
	sealed := sealing.New(keys, c.Account, a.entities.Reseal, func(ctx context.Context) (int, error) { return secrets.Reseal(ctx, a.db) }, a.trail.Reseal,
		func(ctx context.Context) (int, error) { return a.actions.Reseal(ctx) },
		func(ctx context.Context) (int, error) { return a.signIn.Reseal(ctx) })
	accounts := &accounts{}
	people := identity.New(identity.Config{
		DB: a.db, Keys: keys, Now: o.Now, Tokens: tokens, Accounts: accounts, Tags: tags, Entities: a.entities, Policies: policies{a.entities},
		Departed:  []identity.Departed{tags.Delete, resource.Forget, governance.Forgetting(o.Now)},
		PublicURL: c.PublicURL, InvitationLife: c.InvitationLife,
	})
	a.register = people
	folders := folder.New(folder.Config{
		DB: a.db, Tokens: tokens, Now: o.Now, Accounts: accounts, Principals: people, Groups: memberships{people}, Tags: tags,
	})
	govern := joinGovernance(o, a.db, tokens, accounts, people, tags)
	fetcher := &pictures{}
	brands := joinBrands(c, o, a.db, a.jobs, tokens, accounts, tags, fetcher)
	var snapshots *snapshot.Service
	accounts.Service = account.New(account.Config{
		DB: a.db, Jobs: a.jobs, Log: o.Log, Now: o.Now, Tokens: tokens, People: people, Tags: tags, Authorizer: rights.authorizer,
		Standard: c.Standard, NamespaceQuota: c.NamespaceQuota,
		Purges: []account.Purge{
			people.Purge, tags.Purge, folders.Purge,
			func(ctx context.Context, account string) error { return snapshots.Purge(ctx, account) },
			a.purgePeople,
			brands.Purge, govern.Purge,
			a.purgeSignIn,
			a.purgeEmbed,
			a.purgeFederation,
			func(ctx context.Context, account string) error { return action.Purge(ctx, a.db, account) },
			a.purgeDirectory,
			a.purgeScim,
			func(ctx context.Context, account string) error { return resource.Purge(ctx, a.db, account) },
		},
		NamespacePurges: []account.NamespacePurge{people.PurgeNamespace, a.purgeScimNamespace},
		Departed:        []func(tx *store.Tx, arn string) error{tags.Delete, resource.Forget},
	})
	a.joinScim(c, o, tokens, people, accounts)
	connections := network.New(network.Config{
		DB: a.db, Jobs: a.jobs, Tokens: tokens, Log: o.Log, Now: o.Now, Accounts: accounts, Tags: tags, Profiles: a.profiles,
	})
	fetcher.allow(connections.Default())
	connectors := connector.New(connector.Config{
		DB: a.db, Jobs: a.jobs, Keys: keys, Tokens: tokens, Log: o.Log, Now: o.Now,
		Accounts: accounts, Principals: people, Groups: memberships{people}, Tags: tags, Folders: folders,
		VPCConnections: connections, Endpoints: connector.Endpoints{Allowed: connections.Default().Allowed},
	})
	connections.Used(connectors.UsingVPCConnection)
	applications := a.joinApplications(o, keys, tokens, accounts, tags, connections)
	joinMembers(folders, connectors)
	owners := ownership.New(ownership.Config{
		DB: a.db, Tokens: tokens, Accounts: accounts, People: people, Folders: folders, Kinds: []string{"action-connector", "folder"},
	})
	explanations := access.NewService(rights.holders, rights.authorizer, access.Shared{People: people, Lists: lists{folders}, Profiles: profiles{people}}, tokens)
	shared := access.Shared{People: people, Lists: lists{folders}, Profiles: profiles{people}}
	if err := a.joinActions(ctx, c, o, keys, tokens, connectors, people, connections, shared); err != nil {
		return err
	}
	a.joinPeople(o, tokens, people, accounts, tags, owners)
	tags.Register("user", people.Exists)
	tags.Register("custompermissions", people.Exists)
	tags.Register("namespace", accounts.NamespaceExists)
	tags.Register("customization", accounts.CustomizationExists)
	tags.Register("action-connector", connectors.Exists)
	tags.Register("folder", folders.Exists)

	snapshots = snapshot.New(snapshot.Config{
		DB: a.db, Keys: keys, Tokens: tokens, Now: o.Now, Tables: snapshotTables(),
		Busy:    []func(*store.Tx, string) error{accounts.Busy, resource.Busy, a.centre.Busy},
		Applied: []func(*store.Tx, string) error{a.entities.Recount, people.Recount, accounts.Restored, brands.Restored},
	})

	routes := slices.Concat(
		accounts.Routes(), people.Routes(), connectors.Routes(), folders.Routes(), owners.Routes(), tags.Routes(), a.entities.Routes(),
		brands.Routes(), govern.Routes(),
		connections.Routes(), applications.Routes(),
		rights.sessions.Routes(), explanations.Routes(), sealed.Routes(), a.trail.Routes(), snapshots.Routes(),
	)
	routes = append(routes, a.people.Routes()...)
	routes = append(routes, a.centre.Routes()...)
	routes = append(routes, a.actions.Routes()...)
	a.joinDirectory(o, tokens, a.described, people, accounts)
	if err := a.joinSignIn(c, o, keys, tokens, people, accounts, brands); err != nil {
		return err
	}
	routes = append(routes, a.signIn.Routes()...)
	if err := a.joinEmbed(c, o, tokens, people, accounts.Service, brands); err != nil {
		return err
	}
	routes = append(routes, a.embeds.Routes()...)
	federated, err := a.joinFederation(c, o, keys, tokens, people, accounts, rights)
	if err != nil {
		return err
	}
	routes = append(routes, federated...)
	routes = append(routes, a.directories.Routes()...)
	a.Operations = make(map[string][]string)
	for _, r := range routes {
		a.Operations[r.Service()] = append(a.Operations[r.Service()], r.Name())
	}

	server := api.Config{
		Log: o.Log, Now: o.Now, BasePath: c.BasePath(), TrustedProxies: c.TrustedProxies, Authorizer: rights.authorizer,
		Authenticator: access.NewSigned(rights.holders, o.Now, c.ClockWindow), Recorder: a.trail,
		Gate: access.NewGate(a.db, profiles{people}, keys),
	}
	server.Authenticator = usesNoted{server.Authenticator, a.uses}
	extras := &extras{app: a}
	if c.Dev {
		server.Authenticator = access.Anyone{Account: c.Account, Region: c.Region}
		trial := account.NewTrial(accounts.Service)
		if c.DevSubscribe {
			server.Arrive = trial.Arrive
		}
		extras.reset = func(ctx context.Context) error {
			defer rights.holders.Forget()
			defer trial.Forget()
			defer accounts.ForgetAddresses()
			defer brands.Forget()
			return a.db.Reset(ctx)
		}
	}
	answering := api.New(server, routes...)
	a.people.Serve(answering)
	a.Handler = extras.before(a.withConnections(withBrandImages(brands, answering, c.BasePath()), c.BasePath()), c.BasePath())
	a.Handler = a.withFrames(a.Handler, c.BasePath())
	a.Handler = a.withFederation(a.Handler, c.BasePath())
	return brands.FetchPending(ctx)
}

// Close stops the jobs and closes the store. Requests must have ended.
func (a *App) Close(ctx context.Context) error {
	a.tidying()
	a.ending()
	a.comparing()
	err := errors.Join(a.jobs.Stop(ctx), a.entities.WriteUses(ctx))
	err = errors.Join(err, a.uses.Write(ctx))
	a.trail.Stop()
	a.directories.Close()
	a.clients.Close()
	return errors.Join(err, a.db.Close())
}

// accounts lets identity ask account without knowing it.
type accounts struct{ *account.Service }

func (a *accounts) Enter(ctx context.Context, tx *store.Tx, id, namespace string) (identity.Tenant, error) {
	t, err := a.Service.Enter(ctx, tx, id, namespace)
	return identity.Tenant(t), err
}

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

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // a caller that has gone away is not our error
}

// JobsDone waits until there is no job of a kind and key, for tests.
func (a *App) JobsDone(ctx context.Context, kind, key string) error {
	return a.jobs.Wait(ctx, kind, key)
}

// Store is the database, for tests that bring about what no operation can.
func (a *App) Store() *store.DB { return a.db }
