package federation

import (
	"context"
	"errors"
	"net/url"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/outbound"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// redirect is a row of the table federation_redirects.
type redirect struct {
	Account   string `db:"account"`
	URL       string `db:"url"`
	Parameter string `db:"parameter"`
	Enabled   bool   `db:"enabled"`
}

func redirectOf(tx *store.Tx, account string) (redirect, error) {
	r, err := store.One[redirect](tx, `SELECT account, url, parameter, enabled FROM federation_redirects WHERE account = $1`, account)
	if errors.Is(err, store.ErrNotFound) {
		return redirect{Account: account}, nil
	}
	return r, err
}

func onAccount(ctx context.Context, account string) policy.Target {
	return policy.Target{Resource: arn.QuickSight(api.Region(ctx), account, "account/"+account)}
}

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

// Elsewhere gives where people of an account are sent to sign in, with where
// to come back to; empty for our own page.
func (s *Service) Elsewhere(tx *store.Tx, account, next string) (string, error) {
	r, err := redirectOf(tx, account)
	if err != nil || !r.Enabled {
		return "", err
	}
	u, err := url.Parse(r.URL)
	if err != nil {
		return "", err // it was checked when it was stored
	}
	back := s.Site.PublicURL("/signin/you")
	if to := s.local(next); to != "" {
		back = s.public(to)
	}
	q := u.Query()
	q.Set(r.Parameter, back)
	u.RawQuery = q.Encode()
	return u.String(), nil
}

func optional(v string) *string {
	if v == "" {
		return nil
	}
	return &v
}
