package oauthapp

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) deleting(ctx context.Context, in *qs.DeleteOAuthClientApplicationRequest) policy.Target {
	return onApplication(ctx, in.AwsAccountId, in.OAuthClientApplicationId)
}

// deleteOAuthClientApplication removes an application for good: its credentials
// and tags too. Its id is free again.
func (s *Service) deleteOAuthClientApplication(ctx context.Context, in *qs.DeleteOAuthClientApplicationRequest) (*qs.DeleteOAuthClientApplicationResponse, error) {
	k := key(ctx, in.AwsAccountId, in.OAuthClientApplicationId)
	arn := applications.ARN(k)
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.subscribed(tx, in.AwsAccountId); err != nil {
			return err
		}
		if _, err := applications.Delete(tx, k); err != nil {
			return err
		}
		return s.tags.Delete(tx, arn)
	})
	if err != nil {
		return nil, err
	}
	return &qs.DeleteOAuthClientApplicationResponse{Arn: &arn, OAuthClientApplicationId: &k.ID}, nil
}
