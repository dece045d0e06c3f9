package federation

import (
	"context"

	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) deleting(ctx context.Context, in *onsightapi.DeleteFederationProviderRequest) policy.Target {
	return onProvider(ctx, in.AwsAccountId, in.ProviderId)
}

// deleteFederationProvider removes a provider and its secret. Nobody signs in
// with it any more; users and their sessions stay.
func (s *Service) deleteFederationProvider(ctx context.Context, in *onsightapi.DeleteFederationProviderRequest) (*onsightapi.DeleteFederationProviderResponse, error) {
	out := &onsightapi.DeleteFederationProviderResponse{ProviderId: &in.ProviderId}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		region, err := s.Accounts.Open(ctx, tx, in.AwsAccountId)
		if err != nil {
			return err
		}
		it, err := providers.Delete(tx, keyOf(region, in.AwsAccountId, in.ProviderId))
		if err == nil {
			out.Arn = &it.ARN
		}
		return err
	})
	return out, err
}
