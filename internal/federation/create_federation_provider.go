package federation

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/resource"
	"onsight/internal/store"
)

func (s *Service) creating(ctx context.Context, in *onsightapi.CreateFederationProviderRequest) policy.Target {
	return onProvider(ctx, in.AwsAccountId, in.ProviderId)
}

// createFederationProvider sets up a provider with which people of an account
// can sign in. Whether it lets anyone in is decided by IAM: by its provider of
// the same issuer, and by the trust policy of the role; or, where an identity
// centre provisions the account's people, by whom it has provisioned.
func (s *Service) createFederationProvider(ctx context.Context, in *onsightapi.CreateFederationProviderRequest) (*onsightapi.CreateFederationProviderResponse, error) {
	doc, err := s.document(settings{
		account: in.AwsAccountId, name: in.Name, issuer: in.Issuer, client: in.ClientId, role: in.RoleArn, scopes: in.Scopes,
		session: in.SessionNameClaim, email: in.EmailClaim, groups: in.GroupsClaim, contact: in.Contact,
	})
	if err != nil {
		return nil, err
	}
	if in.ClientSecret != nil {
		doc.Secret = 1
	}
	out := &onsightapi.CreateFederationProviderResponse{}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		region, err := s.Accounts.Open(ctx, tx, in.AwsAccountId)
		if err != nil {
			return err
		}
		if err := s.belongs(tx, in.AwsAccountId, &doc); err != nil {
			return err
		}
		all, err := providers.List(tx, in.AwsAccountId, region, resource.Filter{}, "", maxProviders)
		if err != nil {
			return err
		}
		if len(all) == maxProviders {
			return fault.Limit("", "Account %s has %d federation providers already, which is the most that an account can have.", in.AwsAccountId, maxProviders)
		}
		it := &item{Key: keyOf(region, in.AwsAccountId, in.ProviderId), Name: in.Name, Doc: doc}
		if err := providers.Create(tx, it, s.Now()); err != nil {
			return err
		}
		out.Provider = new(s.shown(it))
		api.Result(ctx, out)
		if doc.Secret == 0 {
			return nil
		}
		return s.secrets.Put(tx, it.ARN, secretField, doc.Secret, *in.ClientSecret)
	})
	return out, err
}
