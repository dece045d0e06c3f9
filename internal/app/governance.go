package app

import (
	"context"

	"onsight/internal/governance"
	"onsight/internal/identity"
	"onsight/internal/store"
)

// joinGovernance makes what keeps limits, data loss prevention and approvals.
func (h *house) joinGovernance(context.Context) error {
	g := governance.New(governance.Config{
		DB: h.db, Tokens: h.tokens, Now: h.Now, Accounts: governedAccounts{h.accounts}, People: governed{h.users}, Tags: h.tags,
	})
	h.tags.Register("dlpsetting", g.SettingExists)
	h.accounts.OnPurge(g.Purge)
	h.add(g.Routes()...)
	return nil
}

// governedAccounts lets governance ask account without knowing it.
type governedAccounts struct{ *accounts }

func (a governedAccounts) Enter(ctx context.Context, tx *store.Tx, account, namespace string) error {
	_, err := a.accounts.Enter(ctx, tx, account, namespace)
	return err
}

// governed lets governance ask identity without knowing it.
type governed struct{ *identity.Service }

func (g governed) Person(tx *store.Tx, region, account, namespace, name string) (governance.Person, error) {
	m, err := g.Member(tx, region, account, namespace, name)
	return governance.Person(m), err
}

func (g governed) Persons(tx *store.Tx, region, account, only, namespace, name string, limit int) ([]governance.Person, error) {
	members, err := g.Members(tx, region, account, only, namespace, name, limit)
	people := make([]governance.Person, len(members))
	for i, m := range members {
		people[i] = governance.Person(m)
	}
	return people, err
}
