package connector

import (
	"context"

	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) updatingPermissions(ctx context.Context, in *qs.UpdateActionConnectorPermissionsRequest) policy.Target {
	return onConnector(ctx, in.AwsAccountId, in.ActionConnectorId)
}

// updateActionConnectorPermissions revokes and then grants. It works whatever
// the connector's status: programs share a connector right after making it.
func (s *Service) updateActionConnectorPermissions(
	ctx context.Context, in *qs.UpdateActionConnectorPermissionsRequest,
) (*qs.UpdateActionConnectorPermissionsResponse, error) {
	if len(in.GrantPermissions)+len(in.RevokePermissions) == 0 {
		return nil, fault.Invalid("GrantPermissions, RevokePermissions or both must be given.")
	}
	if err := connectors.Sharing.Check(in.AwsAccountId, in.GrantPermissions); err != nil {
		return nil, err
	}
	if err := connectors.Sharing.Check(in.AwsAccountId, in.RevokePermissions); err != nil {
		return nil, err
	}
	out := &qs.UpdateActionConnectorPermissionsResponse{ActionConnectorId: &in.ActionConnectorId}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.accounts.Subscribed(tx, in.AwsAccountId); err != nil {
			return err
		}
		it, err := connectors.Get(tx, key(ctx, in.AwsAccountId, in.ActionConnectorId))
		if err != nil {
			return err
		}
		if len(in.GrantPermissions) > 0 {
			if err := s.folders.Sharable(tx, it.ARN); err != nil {
				return err
			}
		}
		out.Arn = &it.ARN
		out.Permissions, err = connectors.Share(tx, it.ARN, in.RevokePermissions, in.GrantPermissions, s.principals)
		return err
	})
	return out, err
}
