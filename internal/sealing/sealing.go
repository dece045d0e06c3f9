// Package sealing changes the keys that seal what the server keeps: a new one
// seals from now on, everything that is kept is sealed anew, and old keys go
// when nothing needs them any more. The server goes on meanwhile.
package sealing

import (
	"context"
	"fmt"

	"onsight/internal/api"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/seal"
)

// A Reseal sees to it that what a domain keeps is sealed with the key that
// seals now, and tells how much that is. It may run more than once.
type Reseal func(ctx context.Context) (int, error)

// Service answers the operations on sealing keys.
type Service struct {
	keys    *seal.Keyring
	account string
	reseals []Reseal
}

// New makes a Service. The keys are those of the whole server, so only
// principals of the account may touch them.
func New(keys *seal.Keyring, account string, reseals ...Reseal) *Service {
	return &Service{keys: keys, account: account, reseals: reseals}
}

// Routes are the operations that this package answers.
func (s *Service) Routes() []api.Route {
	return []api.Route{
		api.Handle(onsightapi.ListSealingKeys, func(context.Context, *onsightapi.ListSealingKeysRequest) policy.Target { return s.target() }, s.list),
		api.Handle(onsightapi.RotateSealingKey, func(context.Context, *onsightapi.RotateSealingKeyRequest) policy.Target { return s.target() }, s.rotate),
		api.Handle(onsightapi.RetireSealingKeys, func(context.Context, *onsightapi.RetireSealingKeysRequest) policy.Target { return s.target() }, s.retire),
	}
}

func (s *Service) target() policy.Target { return policy.Target{Account: s.account, Resource: "*"} }

func (s *Service) list(context.Context, *onsightapi.ListSealingKeysRequest) (*onsightapi.ListSealingKeysResponse, error) {
	return &onsightapi.ListSealingKeysResponse{KeyIds: s.keys.IDs()}, nil
}

// rotate makes a new key and seals everything with it. Interrupted, it has made
// a key, and the next call seals the rest.
func (s *Service) rotate(ctx context.Context, _ *onsightapi.RotateSealingKeyRequest) (*onsightapi.RotateSealingKeyResponse, error) {
	if err := s.keys.Rotate(); err != nil {
		return nil, err
	}
	n, err := s.reseal(ctx)
	return &onsightapi.RotateSealingKeyResponse{KeyIds: s.keys.IDs(), Secrets: &n}, err
}

// retire takes the old keys away, once nothing that is kept needs them. What
// clients hold, sessions of STS and tokens of lists, is not opened any more.
func (s *Service) retire(ctx context.Context, _ *onsightapi.RetireSealingKeysRequest) (*onsightapi.RetireSealingKeysResponse, error) {
	n, err := s.reseal(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.keys.Retire(); err != nil {
		return nil, err
	}
	return &onsightapi.RetireSealingKeysResponse{KeyIds: s.keys.IDs(), Secrets: &n}, nil
}

func (s *Service) reseal(ctx context.Context) (n int64, err error) {
	for _, reseal := range s.reseals {
		some, err := reseal(ctx)
		n += int64(some)
		if err != nil {
			return n, fmt.Errorf("seal anew: %w", err)
		}
	}
	return n, nil
}
