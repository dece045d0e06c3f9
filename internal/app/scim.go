package app

import (
	"context"
	"net/http"

	"onsight/internal/account"
	"onsight/internal/audit"
	"onsight/internal/config"
	"onsight/internal/identity"
	"onsight/internal/page"
	"onsight/internal/scim"
	"onsight/internal/store"
)

// provisioning is what an App has for identity centres.
type provisioning struct {
	centre *scim.Service
	// centrePaths answers centres.
	centrePaths http.Handler
}

// joinScim makes the part that identity centres provision users and groups by.
func (a *App) joinScim(c config.Config, o Options, tokens *page.Tokens, people *identity.Service, accounts *accounts) {
	a.centre = scim.New(scim.Config{
		DB: a.db, Log: o.Log, Now: o.Now, Jobs: a.jobs, Tokens: tokens, PublicURL: c.PublicURL, TrustedProxies: c.TrustedProxies,
		Accounts: provisioned{accounts.Service}, People: centrePeople{people}, Trail: scimTrail{a.trail},
		EndSessions: func(tx *store.Tx, account, namespace, name string) error {
			return a.signIn.EndSessions(tx, account, namespace, name, nil)
		},
	})
	people.TellRoles(a.centre.RoleChanged)
	a.centrePaths = http.StripPrefix(c.BasePath(), a.centre)
}

// purgeScim and purgeScimNamespace remove what is kept of an account, and of
// one of its namespaces.
func (a *App) purgeScim(ctx context.Context, account string) error {
	return a.centre.Purge(ctx, account)
}

func (a *App) purgeScimNamespace(ctx context.Context, account, namespace string) error {
	return a.centre.PurgeNamespace(ctx, account, namespace)
}

// provisioned lets scim ask account without knowing it.
type provisioned struct{ *account.Service }

func (p provisioned) Enter(ctx context.Context, tx *store.Tx, id, namespace string) (scim.Tenant, error) {
	t, err := p.Service.Enter(ctx, tx, id, namespace)
	return scim.Tenant(t), err
}

func (p provisioned) Tenant(tx *store.Tx, id, namespace string) (scim.Tenant, error) {
	t, err := p.Service.Tenant(tx, id, namespace)
	return scim.Tenant(t), err
}

// centrePeople lets scim change users and groups without knowing identity.
type centrePeople struct{ *identity.Service }

func (p centrePeople) Settle(tx *store.Tx, directoryID string, u scim.User) (gone bool, err error) {
	return p.Service.Settle(tx, directoryID, identity.DirectoryUser(u))
}

// scimTrail lets scim leave events.
type scimTrail struct{ *audit.Trail }

func (t scimTrail) Provisioned(tx *store.Tx, e scim.Event) {
	t.Trail.Provisioned(tx, audit.Provisioned(e))
}
