package connector

import (
	"context"
	"errors"
	"slices"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// A Live is a connector with the settings that are in force.
type Live struct {
	Connection
	Key    resource.Key
	Name   string
	Status string
	// Enabled are the ids of the actions that its owner has chosen; nil is all.
	Enabled []string
	// Guards are what its owner has set beyond QuickSight's API.
	Guards Guards
}

// Target is the target of an operation on one connector.
func Target(ctx context.Context, account, id string) policy.Target {
	return onConnector(ctx, account, id)
}

// Key says which connector a call means.
func Key(ctx context.Context, account, id string) resource.Key { return key(ctx, account, id) }

// ARN is the name of a connector.
func ARN(k resource.Key) string { return connectors.ARN(k) }

// Doing declares that a route is about a connector that is there.
func Doing[In any](s *Service, r api.Route, which func(in *In) (account, id string)) api.Route {
	return does(s, r, which)
}

// UseChecker has new settings looked at by another checker, from now on.
func (s *Service) UseChecker(c Checker) { s.checker = c }

// Also calls changed, in the transaction, when the settings in force of a
// connector have become others, and gone when a connector is about to be
// deleted. l is what it was before.
func (s *Service) Also(changed, gone func(tx *store.Tx, l *Live) error) {
	s.changed, s.gone = changed, gone
}

// Offering has others say which actions connectors offer that do not offer what
// others of their type do; the second result is false for those that do.
func (s *Service) Offering(offer func(tx *store.Tx, l *Live) ([]string, bool, error)) {
	s.offer = offer
}

// leaving tells others that a connector is about to be deleted.
func (s *Service) leaving(tx *store.Tx, k resource.Key) error {
	if s.gone == nil {
		return nil
	}
	l, err := s.Open(tx, k)
	if err != nil {
		// What can't be used can be deleted all the same.
		if l, err = s.Find(tx, k); err != nil {
			return err
		}
	}
	return s.gone(tx, l)
}

// replaced tells others what the settings of a connector were that are so no
// longer.
func (s *Service) replaced(tx *store.Tx, before *item) error {
	if s.changed == nil {
		return nil
	}
	l := live(before)
	if l.Auth.SecretVersion != 0 {
		secret, err := s.secrets.Get(tx, l.ARN, secretField, l.Auth.SecretVersion)
		if err != nil && !errors.Is(err, resource.ErrLost) {
			return err
		}
		l.Secret = secret
	}
	return s.changed(tx, l)
}

// Find gives a connector and its settings in force, whether it can be used or
// not. Its secret is not opened.
func (s *Service) Find(tx *store.Tx, k resource.Key) (*Live, error) {
	if err := s.accounts.Subscribed(tx, k.Account); err != nil {
		return nil, err
	}
	it, err := connectors.Get(tx, k)
	if err != nil {
		return nil, err
	}
	return live(it), nil
}

func live(it *item) *Live {
	set := &it.Doc.Settings
	return &Live{
		Connection: Connection{ARN: it.ARN, Type: qs.ActionConnectorType(it.Type), Auth: set.Auth, VPCConnectionARN: set.VPCConnectionARN},
		Key:        it.Key, Name: set.Name, Status: it.Status, Enabled: it.Doc.Enabled, Guards: it.Doc.Guards,
	}
}

// Open is Find for a connector that is about to be used, with its secret. One
// whose creation is in progress, or has failed, is a ConflictException.
func (s *Service) Open(tx *store.Tx, k resource.Key) (*Live, error) {
	l, err := s.Find(tx, k)
	if err != nil {
		return nil, err
	}
	switch l.Status {
	case creating:
		return nil, fault.Conflict("Action connector %s can't be used while its status is %s.", k.ID, l.Status)
	case notCreated:
		return nil, fault.Conflict("Action connector %s can't be used: its creation failed. Update it first.", k.ID)
	}
	if l.Auth.SecretVersion == 0 {
		return l, nil
	}
	l.Secret, err = s.secrets.Get(tx, l.ARN, secretField, l.Auth.SecretVersion)
	if errors.Is(err, resource.ErrLost) {
		return nil, fault.Conflict("Action connector %s can't be used: its stored secret can't be opened. Update it with its credentials.", k.ID)
	}
	return l, err
}

// Settled makes a change, or a use, of a connector. While it is in conflict
// with the check of a change before it, it waits for that and tries again.
func (s *Service) Settled(ctx context.Context, arn string, use func() error) error {
	return s.settled(ctx, arn, use)
}

// Enable says which actions of a connector can be used.
func (s *Service) Enable(ctx context.Context, tx *store.Tx, k resource.Key, actions []string) error {
	if err := s.accounts.Subscribed(tx, k.Account); err != nil {
		return err
	}
	it, err := connectors.Update(tx, k, s.now(), func(it *item) error {
		if busy(it.Status) {
			// The job at work knows the connector by its version.
			return connectors.Busy(it)
		}
		it.Doc.Enabled = slices.Clone(actions)
		return nil
	})
	if err == nil {
		api.Note(ctx, "connector", it.ARN)
	}
	return err
}
