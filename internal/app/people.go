package app

import (
	"context"
	"net/http"
	"time"

	"onsight/internal/api"
	"onsight/internal/identity"
	"onsight/internal/ownership"
	"onsight/internal/people"
	"onsight/internal/store"
	"onsight/internal/wire"
)

// joinPeople makes the part that administers many users at once, with the notes
// of when users were last used.
func (h *house) joinPeople(context.Context) error {
	h.uses = identity.NewUses(h.db, h.Now)
	letters, err := postOffice(h.Config)
	if err != nil {
		return err
	}
	h.people = people.New(people.Config{
		DB: h.db, Log: h.Log, Now: h.Now, Tokens: h.tokens, Jobs: h.jobs, Users: peopleUsers{h.users}, Accounts: peopleAccounts{h.accounts}, Tags: h.tags,
		Owners: heirs{h.owners}, Noted: h.uses.Write, Mail: letters,
		Link: func(at string, params ...string) string { return h.signIn.Site.PublicURL(at, params...) },
	})
	h.accounts.OnPurge(func(ctx context.Context, account string) error { return people.Purge(ctx, h.db, account) })
	h.add(h.people.Routes()...)
	return nil
}

// usesNoted notes who signs calls of QuickSight's API, and of ours beside it.
type usesNoted struct {
	api.Authenticator
	uses *identity.Uses
}

func (n usesNoted) Authenticate(r *http.Request, body []byte, op *wire.Operation, labels []string) (api.Identity, error) {
	who, err := n.Authenticator.Authenticate(r, body, op, labels)
	if service := op.Service().Name(); err == nil && (service == wire.QuickSight || service == wire.Onsight) {
		n.uses.Note(who.Account, who.ARN)
	}
	return who, err
}

// peopleUsers lets people ask identity without knowing it.
type peopleUsers struct{ *identity.Service }

func (u peopleUsers) People(tx *store.Tx, w people.Walk) ([]people.Person, bool, error) {
	found, more, err := u.Service.People(tx, identity.Walk(w))
	return persons(found), more, err
}

func (u peopleUsers) Person(tx *store.Tx, account, namespace, name string) (people.Person, error) {
	p, err := u.Service.Person(tx, account, namespace, name)
	return people.Person(p), err
}

func (u peopleUsers) Administrators(tx *store.Tx, account string) ([]people.Person, error) {
	found, err := u.Service.Administrators(tx, account)
	return persons(found), err
}

func (u peopleUsers) Seats(tx *store.Tx, account, namespace string, since time.Time) ([]people.Seats, error) {
	found, err := u.Service.Seats(tx, account, namespace, since)
	seats := make([]people.Seats, len(found))
	for i, s := range found {
		seats[i] = people.Seats(s)
	}
	return seats, err
}

func persons(found []identity.Person) []people.Person {
	all := make([]people.Person, len(found))
	for i, p := range found {
		all[i] = people.Person(p)
	}
	return all
}

// peopleAccounts lets people ask account without knowing it.
type peopleAccounts struct{ *accounts }

func (p peopleAccounts) Enter(ctx context.Context, tx *store.Tx, account, namespace string) error {
	_, err := p.accounts.Enter(ctx, tx, account, namespace)
	return err
}

func (p peopleAccounts) Name(tx *store.Tx, account string) (string, error) {
	found, err := p.Service.Name(tx, account)
	return found.Name, err
}

// heirs lets people hand over what deleted users own.
type heirs struct{ *ownership.Service }

func (h heirs) Transfer(_ context.Context, tx *store.Tx, account, from, to string) (int64, error) {
	return h.TransferIn(tx, account, from, to)
}
