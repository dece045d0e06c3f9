package federation

import (
	"context"

	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) updating(ctx context.Context, in *onsightapi.UpdateFederationProviderRequest) policy.Target {
	return onProvider(ctx, in.AwsAccountId, in.ProviderId)
}

// updateFederationProvider replaces the settings of a provider. The client
// secret stays where none is given and it is not to be removed, unless the
// provider is another one now: a secret is for nobody else.
func (s *Service) updateFederationProvider(ctx context.Context, in *onsightapi.UpdateFederationProviderRequest) (*onsightapi.UpdateFederationProviderResponse, error) {
	doc, err := s.document(settings{
		account: in.AwsAccountId, name: in.Name, issuer: in.Issuer, client: in.ClientId, role: in.RoleArn, scopes: in.Scopes,
		session: in.SessionNameClaim, email: in.EmailClaim, groups: in.GroupsClaim, contact: in.Contact,
	})
	if err != nil {
		return nil, err
	}
	remove := in.RemoveClientSecret != nil && *in.RemoveClientSecret
	if remove && in.ClientSecret != nil {
		return nil, fault.Invalid("Give either ClientSecret or RemoveClientSecret.")
	}
	out := &onsightapi.UpdateFederationProviderResponse{}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		region, err := s.Accounts.Open(ctx, tx, in.AwsAccountId)
		if err != nil {
			return err
		}
		if err := s.belongs(tx, in.AwsAccountId, &doc); err != nil {
			return err
		}
		changed := doc
		it, err := providers.Update(tx, keyOf(region, in.AwsAccountId, in.ProviderId), s.Now(), func(it *item) error {
			before := it.Doc
			switch {
			case in.ClientSecret != nil:
				changed.Secret = it.Version + 1
			case remove:
			case before.Secret > 0 && (before.Issuer != changed.Issuer || before.ClientID != changed.ClientID):
				return fault.Invalid("The client secret is that of client %s at %s. Give ClientSecret for another one, or RemoveClientSecret.", before.ClientID, before.Issuer)
			default:
				changed.Secret = before.Secret
			}
			it.Name, it.Doc = in.Name, changed
			return nil
		})
		if err != nil {
			return err
		}
		out.Provider = new(s.shown(it))
		if in.ClientSecret != nil {
			if err := s.secrets.Put(tx, it.ARN, secretField, changed.Secret, *in.ClientSecret); err != nil {
				return err
			}
		}
		return s.secrets.Keep(tx, it.ARN, changed.Secret)
	})
	return out, err
}
