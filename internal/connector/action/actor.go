package action

import (
	"errors"
	"slices"
	"strings"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/store"
)

// An Actor is who has a connector act.
type Actor struct {
	// Principal is the ARN of a user of QuickSight; of a caller who is none, the
	// caller's own.
	Principal string
	// ID tells a caller who is no user from a later one of the same name.
	ID string
	// Reader says that it is a user with the role of a reader, who may only look.
	Reader bool
	// Listed says that the permission list of the connector decides, as it does
	// for people; for callers of the API, IAM's policies have decided.
	Listed bool
}

// key is what connections and invocations of an actor are kept under.
func (a Actor) key() string {
	if a.ID == "" {
		return a.Principal
	}
	return a.Principal + "\t" + a.ID
}

// nameOf is the ARN in a key.
func nameOf(key string) string {
	name, _, _ := strings.Cut(key, "\t")
	return name
}

// caller says who a caller of the API is here. One who is registered as several
// users, or wants to be treated as people are, says as which.
func (s *Service) caller(tx *store.Tx, who api.Principal, as *string) (Actor, error) {
	users, err := s.People.Registered(tx, who)
	if err != nil {
		return Actor{}, err
	}
	if as == nil {
		switch len(users) {
		case 0:
			a := Actor{Principal: who.ARN}
			if who.Type != "Root" {
				a.ID = who.UserID
			}
			return a, nil
		case 1:
			return Actor{Principal: users[0].ARN, Reader: reads(users[0].Role)}, nil
		}
		return Actor{}, fault.Invalid("EndUserArn is required: the caller is registered as %d users.", len(users))
	}
	i := slices.IndexFunc(users, func(u User) bool { return u.ARN == *as })
	if i < 0 {
		return Actor{}, fault.Denied("EndUserArn isn't one of a user as which the caller is registered.")
	}
	return Actor{Principal: *as, Reader: reads(users[i].Role), Listed: true}, nil
}

// Person says who a user of QuickSight is here, for parts of the server at which
// people sign in.
func (s *Service) Person(tx *store.Tx, user arn.ARN) (Actor, error) {
	role, err := s.People.Role(tx, user)
	if errors.Is(err, store.ErrNotFound) {
		return Actor{}, fault.Denied("User %s can't be found.", user)
	}
	return Actor{Principal: user.String(), Reader: reads(role), Listed: true}, err
}

func reads(role string) bool { return strings.Contains(role, "READER") }

// may refuses an actor who may not use a connector.
func (s *Service) may(tx *store.Tx, who Actor, connector string) error {
	if !who.Listed {
		return nil
	}
	user, err := arn.Parse(who.Principal)
	if err != nil {
		return err
	}
	ok, err := s.People.May(tx, user, connector)
	if err == nil && !ok {
		err = fault.Denied("User %s may not use this action connector: its permission list must grant quicksight:DescribeActionConnector, and custom permissions must leave its actions.", who.Principal)
	}
	return err
}
