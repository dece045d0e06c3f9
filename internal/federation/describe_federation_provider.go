package federation

import (
	"context"

	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) describing(ctx context.Context, in *onsightapi.DescribeFederationProviderRequest) policy.Target {
	return onProvider(ctx, in.AwsAccountId, in.ProviderId)
}

// describeFederationProvider tells how a provider is set up, and which
// addresses it has to know. The client secret stays here.
func (s *Service) describeFederationProvider(ctx context.Context, in *onsightapi.DescribeFederationProviderRequest) (*onsightapi.DescribeFederationProviderResponse, error) {
	out := &onsightapi.DescribeFederationProviderResponse{}
	err := s.DB.Read(ctx, func(tx *store.Tx) error {
		region, err := s.Accounts.Open(ctx, tx, in.AwsAccountId)
		if err != nil {
			return err
		}
		it, err := providers.Get(tx, keyOf(region, in.AwsAccountId, in.ProviderId))
		if err == nil {
			out.Provider = new(s.shown(it))
		}
		return err
	})
	return out, err
}
