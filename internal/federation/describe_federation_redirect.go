package federation

import (
	"context"

	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) describingRedirect(ctx context.Context, in *onsightapi.DescribeFederationRedirectRequest) policy.Target {
	return onAccount(ctx, in.AwsAccountId)
}

// describeFederationRedirect tells where people are sent to sign in.
func (s *Service) describeFederationRedirect(ctx context.Context, in *onsightapi.DescribeFederationRedirectRequest) (*onsightapi.DescribeFederationRedirectResponse, error) {
	var out *onsightapi.DescribeFederationRedirectResponse
	err := s.DB.Read(ctx, func(tx *store.Tx) error {
		if _, err := s.Accounts.Open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		r, err := redirectOf(tx, in.AwsAccountId)
		out = &onsightapi.DescribeFederationRedirectResponse{Enabled: &r.Enabled, IdentityProviderUrl: optional(r.URL), RelayStateParameter: optional(r.Parameter)}
		return err
	})
	return out, err
}
