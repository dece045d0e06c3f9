package account

import (
	"cmp"
	"context"

	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// qBusinessApplication is the id of the Q Business application that a namespace
// is joined to.
const qBusinessApplication kind[string] = "q-business-application"

// joined is the gate of operations on the Q Business application of a
// namespace; where none is named, it is the one called default.
func (s *Service) joined(ctx context.Context, tx *store.Tx, account string, name *string) (place, error) {
	at := place{account: account, namespace: cmp.Or(value(name), defaultNamespace)}
	_, err := s.Enter(ctx, tx, at.account, at.namespace)
	return at, err
}

func noApplication(at place) error {
	return fault.NotFound("", "The namespace has no default Q Business application. AWS account ID: %s, Namespace: %s. ", at.account, at.namespace)
}

func (s *Service) describeDefaultQBusinessApplication(ctx context.Context, in *qs.DescribeDefaultQBusinessApplicationRequest) (*qs.DescribeDefaultQBusinessApplicationResponse, error) {
	out := &qs.DescribeDefaultQBusinessApplicationResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		at, err := s.joined(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		id, found, err := qBusinessApplication.read(tx, at)
		if err == nil && !found {
			err = noApplication(at)
		}
		out.ApplicationId = &id
		return err
	})
	return out, err
}

func (s *Service) updateDefaultQBusinessApplication(ctx context.Context, in *qs.UpdateDefaultQBusinessApplicationRequest) (*qs.UpdateDefaultQBusinessApplicationResponse, error) {
	if in.ApplicationId == "" {
		return nil, fault.Invalid("ApplicationId must not be empty. AWS account ID: %s. ", in.AwsAccountId)
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		at, err := s.joined(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		return qBusinessApplication.write(tx, at, in.ApplicationId, s.now())
	})
	return &qs.UpdateDefaultQBusinessApplicationResponse{}, err
}

func (s *Service) deleteDefaultQBusinessApplication(ctx context.Context, in *qs.DeleteDefaultQBusinessApplicationRequest) (*qs.DeleteDefaultQBusinessApplicationResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		at, err := s.joined(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		found, err := qBusinessApplication.remove(tx, at)
		if err == nil && !found {
			err = noApplication(at)
		}
		return err
	})
	return &qs.DeleteDefaultQBusinessApplicationResponse{}, err
}
