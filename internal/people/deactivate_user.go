package people

import (
	"context"

	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) deactivating(ctx context.Context, in *onsightapi.DeactivateUserRequest) policy.Target {
	return onUsers(ctx, in.AwsAccountId, in.Namespace, in.UserName)
}

// deactivateUser ends that a user can sign in and be used.
func (s *Service) deactivateUser(ctx context.Context, in *onsightapi.DeactivateUserRequest) (*onsightapi.DeactivateUserResponse, error) {
	out := &onsightapi.DeactivateUserResponse{}
	err := s.db.Write(ctx, func(tx *store.Tx) (err error) {
		if err := s.users.Deactivate(ctx, tx, in.AwsAccountId, in.Namespace, in.UserName); err != nil {
			return err
		}
		out.Person, err = s.one(ctx, tx, in.AwsAccountId, in.Namespace, in.UserName)
		return err
	})
	return out, err
}

func (s *Service) reactivating(ctx context.Context, in *onsightapi.ReactivateUserRequest) policy.Target {
	return onUsers(ctx, in.AwsAccountId, in.Namespace, in.UserName)
}

// reactivateUser lets a user sign in and be used again.
func (s *Service) reactivateUser(ctx context.Context, in *onsightapi.ReactivateUserRequest) (*onsightapi.ReactivateUserResponse, error) {
	out := &onsightapi.ReactivateUserResponse{}
	err := s.db.Write(ctx, func(tx *store.Tx) (err error) {
		if err := s.users.Reactivate(ctx, tx, in.AwsAccountId, in.Namespace, in.UserName); err != nil {
			return err
		}
		out.Person, err = s.one(ctx, tx, in.AwsAccountId, in.Namespace, in.UserName)
		return err
	})
	return out, err
}

// one gives a user as operations show it.
func (s *Service) one(ctx context.Context, tx *store.Tx, account, namespace, name string) (*onsightapi.Person, error) {
	region, err := s.enter(ctx, tx, account, namespace)
	if err != nil {
		return nil, err
	}
	p, err := s.users.Person(tx, account, namespace, name)
	if err != nil {
		return nil, err
	}
	people, err := s.shown(tx, region, account, []Person{p})
	if err != nil {
		return nil, err
	}
	return &people[0], nil
}
