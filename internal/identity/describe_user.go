package identity

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) describing(ctx context.Context, in *qs.DescribeUserRequest) policy.Target {
	return onUser(ctx, in.AwsAccountId, in.Namespace, in.UserName)
}

func (s *Service) describeUser(ctx context.Context, in *qs.DescribeUserRequest) (*qs.DescribeUserResponse, error) {
	out := &qs.DescribeUserResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		tenant, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		u, err := find(tx, in.AwsAccountId, in.Namespace, in.UserName)
		out.User = new(u.api(tenant.Region))
		return err
	})
	return out, err
}
