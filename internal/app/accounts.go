package app

import (
	"context"

	"onsight/internal/account"
	"onsight/internal/governance"
	"onsight/internal/identity"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// joinAccounts makes the parts that keep accounts and their users, which need
// each other.
func (h *house) joinAccounts(context.Context) error {
	h.users = identity.New(identity.Config{
		DB: h.db, Keys: h.keys, Now: h.Now, Tokens: h.tokens, Accounts: h.accounts, Tags: h.tags, Entities: h.entities, Policies: policies{h.entities},
		Departed:  []identity.Departed{h.tags.Delete, resource.Forget, governance.Forgetting(h.Now)},
		PublicURL: h.PublicURL, InvitationLife: h.InvitationLife,
	})
	h.accounts.Service = account.New(account.Config{
		DB: h.db, Jobs: h.jobs, Log: h.Log, Now: h.Now, Tokens: h.tokens, People: h.users, Tags: h.tags, Authorizer: h.authorizer,
		Standard: h.Standard, NamespaceQuota: h.NamespaceQuota,
		Departed: []func(tx *store.Tx, arn string) error{h.tags.Delete, resource.Forget},
	})
	h.accounts.OnPurge(h.users.Purge)
	h.accounts.OnPurge(h.tags.Purge)
	h.accounts.OnPurgeNamespace(h.users.PurgeNamespace)
	h.tags.Register("user", h.users.Exists)
	h.tags.Register("custompermissions", h.users.Exists)
	h.tags.Register("namespace", h.accounts.NamespaceExists)
	h.tags.Register("customization", h.accounts.CustomizationExists)
	h.forgets = append(h.forgets, h.accounts.ForgetAddresses)
	h.add(h.accounts.Routes()...)
	h.add(h.users.Routes()...)
	return nil
}

// joinResources makes what belongs to every kind of resource, after the kinds.
func (h *house) joinResources(context.Context) error {
	h.accounts.OnPurge(func(ctx context.Context, account string) error { return resource.Purge(ctx, h.db, account) })
	h.add(h.tags.Routes()...)
	return nil
}

// accounts lets identity ask account without knowing it.
type accounts struct{ *account.Service }

func (a *accounts) Enter(ctx context.Context, tx *store.Tx, id, namespace string) (identity.Tenant, error) {
	t, err := a.Service.Enter(ctx, tx, id, namespace)
	return identity.Tenant(t), err
}
