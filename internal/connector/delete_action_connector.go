package connector

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) deleting(ctx context.Context, in *qs.DeleteActionConnectorRequest) policy.Target {
	return onConnector(ctx, in.AwsAccountId, in.ActionConnectorId)
}

// deleteActionConnector removes a connector for good: its secret, permission
// list and tags go too, and no folder has it any more. Its id is free again.
func (s *Service) deleteActionConnector(ctx context.Context, in *qs.DeleteActionConnectorRequest) (*qs.DeleteActionConnectorResponse, error) {
	k := key(ctx, in.AwsAccountId, in.ActionConnectorId)
	arn := connectors.ARN(k)
	err := s.settled(ctx, arn, func() error {
		return s.db.Write(ctx, func(tx *store.Tx) error {
			if err := s.accounts.Subscribed(tx, in.AwsAccountId); err != nil {
				return err
			}
			if err := s.leaving(tx, k); err != nil {
				return err
			}
			if _, err := connectors.Delete(tx, k); err != nil {
				return err
			}
			if err := s.folders.Leave(tx, arn); err != nil {
				return err
			}
			return s.tags.Delete(tx, arn)
		})
	})
	if err != nil {
		return nil, err
	}
	api.Note(ctx, "connector", arn)
	return &qs.DeleteActionConnectorResponse{Arn: &arn, ActionConnectorId: &k.ID}, nil
}
