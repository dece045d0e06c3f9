package signin

import (
	"net/http"

	"onsight/internal/api"
	"onsight/internal/store"
)

// An Event is something of signing in that the trail keeps, in CloudTrail's form.
type Event struct {
	// Name is the event's, such as ConsoleLogin.
	Name string
	// Account is the one that it happened in.
	Account, Region string
	// Person is who it is about. Of a name that nobody has, only Account is set.
	Person Person
	// ARN is the person's.
	ARN    string
	Origin api.Origin
	// Outcome is Success or Failure; empty where that is not asked.
	Outcome string
	// Error says why it failed.
	Error string
	// Details are what there is to tell besides.
	Details map[string]string
}

// leave adds an event about a person to what a transaction changes.
func (s *Service) leave(tx *store.Tx, r *http.Request, name string, p Person, e Event) error {
	a, err := s.Accounts.Name(tx, p.Account)
	if err != nil {
		return err
	}
	e.Name, e.Account, e.Region, e.Person, e.Origin = name, p.Account, a.Region, p, s.origin(r)
	if p.Name != "" {
		e.ARN = p.ARN(a.Region)
	}
	s.Trail.Left(tx, e)
	return nil
}
