package network

import (
	"fmt"
	"net/netip"

	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/outbound"
	"onsight/internal/store"
)

// profile is the operator's profile that settings name, with the settings'
// resolvers. The error is a sentence for the connection's owner.
func (s *Service) profile(account string, set *settings) (*outbound.Setting, error) {
	found, err := s.profiles.Of(account, set.Subnets)
	if err != nil {
		return nil, err
	}
	with := *found
	for _, text := range set.Resolvers {
		a, err := netip.ParseAddr(text)
		if err != nil {
			return nil, fmt.Errorf("DNS resolver %s is not an address.", text) //nolint:staticcheck // a sentence, shown as it is
		}
		if r := with.Allowed.Check(a); r != "" {
			return nil, fmt.Errorf("DNS resolver %s is %s, which the network profile of this server does not allow.", text, r) //nolint:staticcheck // as above
		}
		with.Resolvers = append(with.Resolvers, a)
	}
	return &with, nil
}

// inForce tells whether connections go by the settings of a status.
func inForce(status string) bool {
	return status == created || status == updating || status == updated || status == notUpdated
}

// Profile says how what uses a VPC connection leaves the house. An error that
// is a fault says why the connection can't be used.
func (s *Service) Profile(tx *store.Tx, connection string) (outbound.Profile, error) {
	a, err := arn.Parse(connection)
	if err != nil {
		return outbound.Profile{}, fault.Invalid("VpcConnectionArn isn't valid: %v.", err)
	}
	it, err := find(tx, a)
	if err != nil {
		return outbound.Profile{}, err
	}
	if !inForce(it.Status) {
		return outbound.Profile{}, unusable(it)
	}
	found, err := s.profile(it.Account, &it.Doc.Settings)
	if err != nil {
		return outbound.Profile{}, fault.Invalid("VPC connection %s isn't available: %v", it.ARN, err)
	}
	return found.Profile, nil
}

// Default is how what uses no VPC connection leaves the house.
func (s *Service) Default() outbound.Profile { return s.profiles.Default() }

// Allowed gives the ranges that may be reached through a connection although
// they are not public.
func (s *Service) Allowed(tx *store.Tx, connection arn.ARN) ([]netip.Prefix, error) {
	it, err := find(tx, connection)
	if err != nil {
		return nil, err
	}
	// A creation under way will end one way or the other; until then this is what
	// its settings promise.
	if it.Status != creating && !inForce(it.Status) {
		return nil, unusable(it)
	}
	found, err := s.profile(it.Account, &it.Doc.Settings)
	if err != nil {
		return nil, fault.Invalid("VPC connection %s isn't available: %v", it.ARN, err)
	}
	return found.Allowed, nil
}

// Use is Allowed for something that goes through the connection from now on.
// Until the transaction has ended, nobody can begin to delete the connection.
func (s *Service) Use(tx *store.Tx, connection arn.ARN) ([]netip.Prefix, error) {
	// Whoever deletes writes the same row: one of the two comes second, and sees
	// what the other did.
	if _, err := tx.Exec(`UPDATE resources SET version = version WHERE arn = $1`, connection.String()); err != nil {
		return nil, err
	}
	return s.Allowed(tx, connection)
}

func find(tx *store.Tx, a arn.ARN) (*item, error) {
	k, ok := keyOf(a)
	if !ok {
		return nil, absent(a.String())
	}
	it, err := connections.Get(tx, k)
	if missing(err) || err == nil && it.Status == deleted {
		return nil, absent(a.String())
	}
	return it, err
}

func absent(connection string) error {
	return fault.Invalid("VpcConnectionArn isn't valid: VPC connection %s can't be found.", connection)
}

func unusable(it *item) error {
	return fault.Invalid("VpcConnectionArn isn't valid: VPC connection %s can't be used while its status is %s.", it.ARN, it.Status)
}

// Exists says whether the connection of an ARN is there.
func (s *Service) Exists(tx *store.Tx, a arn.ARN) (bool, error) {
	k, ok := keyOf(a)
	if !ok {
		return false, nil
	}
	it, err := connections.Get(tx, k)
	if missing(err) {
		return false, nil
	}
	return err == nil && it.Status != deleted, err
}
