package connector

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) describingPermissions(ctx context.Context, in *qs.DescribeActionConnectorPermissionsRequest) policy.Target {
	return onConnector(ctx, in.AwsAccountId, in.ActionConnectorId)
}

// describeActionConnectorPermissions gives the permission list, by principal.
func (s *Service) describeActionConnectorPermissions(
	ctx context.Context, in *qs.DescribeActionConnectorPermissionsRequest,
) (*qs.DescribeActionConnectorPermissionsResponse, error) {
	out := &qs.DescribeActionConnectorPermissionsResponse{ActionConnectorId: &in.ActionConnectorId}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		if err := s.accounts.Subscribed(tx, in.AwsAccountId); err != nil {
			return err
		}
		it, err := connectors.Get(tx, key(ctx, in.AwsAccountId, in.ActionConnectorId))
		if err != nil {
			return err
		}
		out.Arn = &it.ARN
		out.Permissions, err = connectors.Permissions(tx, it.ARN)
		return err
	})
	return out, err
}
