package signin

import (
	"errors"
	"net/http"
	"time"

	"onsight/internal/store"
)

const servicePath = youPath + "/service"

// A Connected is a service at which somebody has signed in, so that things are
// done there in their name.
type Connected struct {
	// ARN and Name are of what leads to the service.
	ARN, Name string
	// As is whose account it is at the service; may be empty.
	As string
	// Since is when that began; zero where they could sign in, and have not.
	Since time.Time
	// Lapsed says that they have to sign in there again.
	Lapsed bool
}

// Services is what signin asks of whoever keeps what people are connected with.
type Services interface {
	// ConnectedOf lists what a user, given by ARN, is connected with, or could be.
	ConnectedOf(tx *store.Tx, user string) ([]Connected, error)
	// Disconnect ends one of them, given by its ARN; store.ErrNotFound for none.
	Disconnect(tx *store.Tx, user, of string) error
	// Connect begins a sign-in, and gives the address to go to. An error that is a
	// fault is for the person's eyes.
	Connect(tx *store.Tx, user, of string) (address string, err error)
}

// ShowServices has the page of someone's account show what they are connected
// with. It is called before the first request.
func (s *Service) ShowServices(services Services) { s.services = services }

// servicesOf gives what a person is connected with.
func (s *Service) servicesOf(tx *store.Tx, p Person, region string) ([]Connected, error) {
	if s.services == nil {
		return nil, nil
	}
	return s.services.ConnectedOf(tx, p.ARN(region))
}

// disconnect signs the person out of a service.
func (s *Service) disconnect(w http.ResponseWriter, r *http.Request) error {
	me, err := s.PersonOf(r)
	if err != nil {
		return err
	}
	of := r.PostFormValue("service")
	err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
		account, err := s.Accounts.Name(tx, me.Person.Account)
		if err != nil {
			return err
		}
		if s.services == nil {
			return store.ErrNotFound
		}
		if err := s.services.Disconnect(tx, me.Person.ARN(account.Region), of); err != nil {
			return err
		}
		return s.leave(tx, r, "ServiceDisconnected", me.Person, Event{Outcome: "Success", Details: map[string]string{"Service": of}})
	})
	if err != nil && !errors.Is(err, store.ErrNotFound) { // who is not connected any more has what they want
		return err
	}
	s.Site.Go(w, r, youPath, "done", "service")
	return nil
}
