package identity

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) describingGroup(ctx context.Context, in *qs.DescribeGroupRequest) policy.Target {
	return onGroup(ctx, in.AwsAccountId, in.Namespace, in.GroupName)
}

func (s *Service) describeGroup(ctx context.Context, in *qs.DescribeGroupRequest) (*qs.DescribeGroupResponse, error) {
	out := &qs.DescribeGroupResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		tenant, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		g, err := findGroup(tx, in.AwsAccountId, in.Namespace, in.GroupName)
		out.Group = new(g.api(tenant.Region))
		return err
	})
	return out, err
}
