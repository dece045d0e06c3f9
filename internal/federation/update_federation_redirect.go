package federation

import (
	"context"

	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/outbound"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) redirecting(ctx context.Context, in *onsightapi.UpdateFederationRedirectRequest) policy.Target {
	return onAccount(ctx, in.AwsAccountId)
}

// updateFederationRedirect says whether people who come to the account's page
// of signing in are sent to the account's identity provider, and where that is.
func (s *Service) updateFederationRedirect(ctx context.Context, in *onsightapi.UpdateFederationRedirectRequest) (*onsightapi.UpdateFederationRedirectResponse, error) {
	var out *onsightapi.UpdateFederationRedirectResponse
	if in.IdentityProviderUrl != nil {
		if _, err := outbound.ParseURL(*in.IdentityProviderUrl, "https"); err != nil {
			return nil, fault.Invalid("IdentityProviderUrl isn't valid: %v.", err)
		}
	}
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		if _, err := s.Accounts.Open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		r, err := redirectOf(tx, in.AwsAccountId)
		if err != nil {
			return err
		}
		r.Enabled = in.Enabled
		if in.IdentityProviderUrl != nil {
			r.URL = *in.IdentityProviderUrl
		}
		if in.RelayStateParameter != nil {
			r.Parameter = *in.RelayStateParameter
		}
		if r.Enabled && (r.URL == "" || r.Parameter == "") {
			return fault.Invalid("To send people to an identity provider, IdentityProviderUrl and RelayStateParameter are needed.")
		}
		_, err = tx.Exec(`INSERT INTO federation_redirects (account, url, parameter, enabled) VALUES ($1, $2, $3, $4)
			ON CONFLICT (account) DO UPDATE SET url = excluded.url, parameter = excluded.parameter, enabled = excluded.enabled`, r.Account, r.URL, r.Parameter, r.Enabled)
		out = &onsightapi.UpdateFederationRedirectResponse{Enabled: &r.Enabled, IdentityProviderUrl: optional(r.URL), RelayStateParameter: optional(r.Parameter)}
		return err
	})
	return out, err
}
