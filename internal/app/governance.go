package app

import (
	"context"

	"onsight/internal/governance"
	"onsight/internal/identity"
	"onsight/internal/page"
	"onsight/internal/store"
	"onsight/internal/tagging"
)

// joinGovernance makes what keeps limits, data loss prevention and approvals.
func joinGovernance(o Options, db *store.DB, tokens *page.Tokens, accounts *accounts, people *identity.Service, tags *tagging.Service) *governance.Service {
	g := governance.New(governance.Config{
		DB: db, Tokens: tokens, Now: o.Now, Accounts: governedAccounts{accounts}, People: governed{people}, Tags: tags,
	})
	tags.Register("dlpsetting", g.SettingExists)
	return g
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
