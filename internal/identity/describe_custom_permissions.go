package identity

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) describingProfile(ctx context.Context, in *qs.DescribeCustomPermissionsRequest) policy.Target {
	return onProfile(ctx, in.AwsAccountId, in.CustomPermissionsName)
}

func (s *Service) describeCustomPermissions(ctx context.Context, in *qs.DescribeCustomPermissionsRequest) (*qs.DescribeCustomPermissionsResponse, error) {
	out := &qs.DescribeCustomPermissionsResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		region, err := s.accounts.Open(ctx, tx, in.AwsAccountId)
		if err != nil {
			return err
		}
		p, err := findProfile(tx, in.AwsAccountId, in.CustomPermissionsName)
		if err != nil {
			return err
		}
		shown, err := p.api(region)
		out.CustomPermissions = &shown
		return err
	})
	return out, err
}
