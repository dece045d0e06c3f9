package signin

import (
	"errors"
	"net/http"
	"time"

	"onsight/internal/store"
	"onsight/internal/web"
)

// A Way is another way to sign in to an account than a password.
type Way struct {
	// Name is what the button says one signs in with; Target is where it leads,
	// on this server.
	Name, Target string
}

// Ways are the other ways to sign in to an account.
type Ways struct {
	Ways []Way
	// Only tells that nobody of the account has a password here, or at a directory.
	Only bool
	// Elsewhere is where the account's people sign in in place of our page; empty
	// for here.
	Elsewhere string
}

// AddWays has the page of signing in offer what ways gives for an account, its
// namespace, and where the person wants to go; both may be empty.
func (s *Service) AddWays(ways func(tx *store.Tx, a Account, namespace, next string) (Ways, error)) {
	s.ways = append(s.ways, ways)
}

// waysOf gives the other ways to sign in to an account.
func (s *Service) waysOf(r *http.Request, a Account, namespace, next string) (all Ways, err error) {
	if a.Account == "" {
		return all, nil
	}
	err = s.DB.Read(r.Context(), func(tx *store.Tx) error {
		all = Ways{}
		for _, ways := range s.ways {
			some, err := ways(tx, a, namespace, next)
			if err != nil {
				return err
			}
			all.Ways = append(all.Ways, some.Ways...)
			all.Only = all.Only || some.Only
			if all.Elsewhere == "" {
				all.Elsewhere = some.Elsewhere
			}
		}
		return nil
	})
	return all, err
}

// passwordless tells whether nobody of an account has a password here.
func (s *Service) passwordless(r *http.Request, a Account) (bool, error) {
	all, err := s.waysOf(r, a, "", "")
	return all.Only, err
}

// A Refusal is what someone is told on a page who can't be let in.
type Refusal struct {
	Status int
	// Account is the one whose page it is; empty for none.
	Account string
	Message web.Message
	// Wait is how long to wait before trying again.
	Wait time.Duration
	// Event is left in the account's trail, about Person as far as known; one
	// without a name is not.
	Event  Event
	Person Person
}

// Refuse makes the error with which a handler of Serve refuses someone.
func (s *Service) Refuse(r *http.Request, no Refusal) error {
	err := &refusal{status: no.Status, account: no.Account, message: no.Message, wait: no.Wait}
	if no.Account != "" && no.Event.Name != "" {
		p := no.Person
		p.Account = no.Account
		err.tell = func(tx *store.Tx) error {
			err := s.leave(tx, r, no.Event.Name, p, no.Event)
			if errors.Is(err, store.ErrNotFound) { // no account, no trail
				return nil
			}
			return err
		}
	}
	return err
}

// Serve makes a handler of a function that may return the errors of Refuse and
// Admit.
func (s *Service) Serve(handle func(http.ResponseWriter, *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if err := handle(w, r); err != nil {
			s.failed(w, r, err)
		}
	}
}

// Leave adds an event about somebody of an account, or about who is no user, to
// what a transaction changes; store.ErrNotFound for no account.
func (s *Service) Leave(tx *store.Tx, r *http.Request, p Person, e Event) error {
	return s.leave(tx, r, e.Name, p, e)
}
