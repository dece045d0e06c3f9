package oauthapp

import (
	"context"

	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) gettingStatus(ctx context.Context, in *onsightapi.GetOAuthClientApplicationStatusRequest) policy.Target {
	return onApplication(ctx, in.AwsAccountId, in.OAuthClientApplicationId)
}

// getOAuthClientApplicationStatus tells how the last check ended, which the
// API has no place for.
func (s *Service) getOAuthClientApplicationStatus(ctx context.Context, in *onsightapi.GetOAuthClientApplicationStatusRequest) (*onsightapi.GetOAuthClientApplicationStatusResponse, error) {
	out := &onsightapi.GetOAuthClientApplicationStatusResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		it, err := s.get(ctx, tx, in.AwsAccountId, in.OAuthClientApplicationId)
		if err != nil {
			return err
		}
		*out = onsightapi.GetOAuthClientApplicationStatusResponse{
			Arn: &it.ARN, ApplicationStatus: &it.Status, Reason: optional(it.Doc.Error), LastUpdatedTime: &it.Updated,
		}
		return nil
	})
	return out, err
}
