package action

import (
	"cmp"
	"errors"
	"slices"
	"strings"
	"time"

	"onsight/internal/arn"
	"onsight/internal/connector"
	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// A Connected is a service at which somebody has signed in through a connector.
type Connected struct {
	// ARN and Name are the connector's.
	ARN, Name string
	// As is whose account it is at the service; empty where the service does
	// not say.
	As string
	// Since is when they did; zero where they may sign in, and have not.
	Since time.Time
	// Lapsed says that they have to sign in there again.
	Lapsed bool
}

// mostConnected is how many of them are listed.
const mostConnected = 500

// ConnectedOf lists the services at which a user, given by ARN, has signed in,
// and those at which the user may and has not yet, by their names.
func (s *Service) ConnectedOf(tx *store.Tx, user string) ([]Connected, error) {
	rows, err := store.All[record](tx, `SELECT `+recordColumns+` FROM connector_tokens WHERE principal = $1 AND connected_us > 0 ORDER BY arn LIMIT 200`, user)
	if err != nil {
		return nil, err
	}
	var all []Connected
	for i := range rows {
		r := &rows[i]
		l, err := s.behind(tx, r.ARN)
		if errors.Is(err, store.ErrNotFound) { // it goes just now
			continue
		}
		if err != nil {
			return nil, err
		}
		all = append(all, Connected{
			ARN: r.ARN, Name: l.Name, As: r.VendorLabel, Since: store.Time(r.ConnectedUS), Lapsed: r.Settings != settingsOf(l) || r.Status == needsReauth,
		})
	}
	who, err := arn.Parse(user)
	if err != nil {
		return nil, err
	}
	usable, err := s.Connectors.Usable(tx, who.Account)
	if err != nil {
		return nil, err
	}
	for _, l := range usable {
		if l.Auth.Type != qs.ConnectionAuthTypeOauth2AuthorizationCode || l.Auth.RedirectURL != s.callbackURL() || len(all) >= mostConnected ||
			slices.ContainsFunc(all, func(c Connected) bool { return c.ARN == l.ARN }) {
			continue
		}
		may, err := s.People.May(tx, who, l.ARN)
		if err != nil {
			return nil, err
		}
		if may {
			all = append(all, Connected{ARN: l.ARN, Name: l.Name})
		}
	}
	slices.SortFunc(all, func(a, b Connected) int {
		return cmp.Or(strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)), strings.Compare(a.ARN, b.ARN))
	})
	return all, nil
}

// ConnectTo begins the sign-in of a user at the service behind a connector, both
// given by ARN, and gives the address of the page that leads there.
func (s *Service) ConnectTo(tx *store.Tx, user, of string) (string, error) {
	u, err := arn.Parse(user)
	if err != nil {
		return "", err
	}
	k, err := keyOfARN(of)
	if err != nil || connector.ARN(k) != of || k.Account != u.Account {
		return "", store.ErrNotFound // whatever somebody has sent
	}
	who, err := s.Person(tx, u)
	if err != nil {
		return "", err
	}
	address, _, err := s.Connect(tx, k, who)
	return address, err
}

// Disconnect signs a user out of the service behind a connector, both given by
// ARN; store.ErrNotFound where they are not signed in there.
func (s *Service) Disconnect(tx *store.Tx, user, of string) error {
	// First: of may be whatever somebody has sent.
	if _, err := store.One[string](tx, `SELECT arn FROM connector_tokens WHERE arn = $1 AND principal = $2`, of, user); err != nil {
		return err
	}
	l, err := s.behind(tx, of)
	if err != nil {
		return err
	}
	if l, err = s.Connectors.Open(tx, l.Key); err != nil {
		return err
	}
	_, err = s.end(tx, l, user)
	return err
}

// behind finds a connector by its ARN; store.ErrNotFound for none.
func (s *Service) behind(tx *store.Tx, name string) (*connector.Live, error) {
	a, err := arn.Parse(name)
	if err != nil {
		return nil, err
	}
	_, id := a.Split()
	l, err := s.Connectors.Find(tx, resource.Key{Account: a.Account, Region: a.Region, ID: id})
	if f, ok := errors.AsType[*fault.Fault](err); ok && f.Code == "ResourceNotFoundException" {
		err = store.ErrNotFound
	}
	return l, err
}
