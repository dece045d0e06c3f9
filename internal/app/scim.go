package app

import (
	"context"
	"strings"

	"onsight/internal/account"
	"onsight/internal/audit"
	"onsight/internal/identity"
	"onsight/internal/scim"
	"onsight/internal/store"
)

// joinScim makes the part that identity centres provision users and groups by.
func (h *house) joinScim(context.Context) error {
	h.centre = scim.New(scim.Config{
		DB: h.db, Log: h.Log, Now: h.Now, Jobs: h.jobs, Tokens: h.tokens, PublicURL: h.PublicURL, TrustedProxies: h.TrustedProxies,
		Accounts: provisioned{h.accounts.Service}, People: centrePeople{h.users}, Trail: scimTrail{h.trail},
		EndSessions: func(tx *store.Tx, account, namespace, name string) error {
			return h.signIn.EndSessions(tx, account, namespace, name, nil) // which is joined later, but before any call
		},
	})
	h.users.TellRoles(h.centre.RoleChanged)
	h.accounts.OnPurge(h.centre.Purge)
	h.accounts.OnPurgeNamespace(h.centre.PurgeNamespace)
	h.serve(func(path string) bool { return strings.HasPrefix(path, scim.Prefix) }, h.centre)
	h.add(h.centre.Routes()...)
	return nil
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
