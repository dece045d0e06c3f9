package oauthapp

import (
	"context"
	"errors"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

func (s *Service) updating(ctx context.Context, in *qs.UpdateOAuthClientApplicationRequest) policy.Target {
	return onApplication(ctx, in.AwsAccountId, in.OAuthClientApplicationId)
}

// updateOAuthClientApplication changes what is given, once it has been checked;
// the rest stays.
func (s *Service) updateOAuthClientApplication(ctx context.Context, in *qs.UpdateOAuthClientApplicationRequest) (*qs.UpdateOAuthClientApplicationResponse, error) {
	out := &qs.UpdateOAuthClientApplicationResponse{UpdateStatus: new(qs.ResourceStatusUpdateInProgress)}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.subscribed(tx, in.AwsAccountId); err != nil {
			return err
		}
		var secret *credentials
		it, err := applications.Update(tx, key(ctx, in.AwsAccountId, in.OAuthClientApplicationId), s.now(), func(it *item) (err error) {
			it.Status = updating
			secret, err = s.change(tx, it, in)
			return err
		})
		if err != nil {
			return err
		}
		out.Arn, out.OAuthClientApplicationId = &it.ARN, &it.ID
		api.Result(ctx, out)
		if secret != nil {
			if err := s.putCredentials(tx, it.ARN, it.Version, *secret); err != nil {
				return err
			}
		}
		return s.begin(tx, it)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// change puts new settings beside those in force, and gives the credentials to
// seal for them; nil where those of before stay.
func (s *Service) change(tx *store.Tx, it *item, in *qs.UpdateOAuthClientApplicationRequest) (*credentials, error) {
	before := it.Doc.next()
	set := *before
	set.Name = in.Name
	if in.OAuthTokenEndpointUrl != nil {
		set.TokenEndpoint = in.OAuthTokenEndpointUrl.Reveal()
	}
	if in.OAuthAuthorizationEndpointUrl != nil {
		set.AuthorizationEndpoint = in.OAuthAuthorizationEndpointUrl.Reveal()
	}
	if in.OAuthScopes != nil {
		set.Scopes = *in.OAuthScopes
	}
	if in.DataSourceType != nil {
		set.DataSourceType = *in.DataSourceType
	}
	if in.IdentityProviderVpcConnectionProperties != nil {
		set.VPCConnectionARN = vpc(in.IdentityProviderVpcConnectionProperties)
	}
	if err := set.checkForm(it.Account); err != nil {
		return nil, err
	}
	// A secret stays with the host that it was given for: otherwise whoever may
	// update an application could have it sent to a host of their own.
	if in.ClientSecret == nil && origin(before.TokenEndpoint) != origin(set.TokenEndpoint) {
		return nil, fault.Invalid("The host of OAuthTokenEndpointUrl changes, so ClientSecret is needed again.")
	}
	if err := s.use(tx, &set); err != nil {
		return nil, err
	}
	it.Doc.Pending = &set
	if in.ClientId == nil && in.ClientSecret == nil {
		return nil, nil
	}
	secret := credentials{}
	if in.ClientId == nil || in.ClientSecret == nil {
		var err error
		secret, err = s.getCredentials(tx, it.ARN, before.SecretVersion)
		if errors.Is(err, resource.ErrLost) {
			return nil, fault.Invalid("The stored credentials can't be opened, so ClientId and ClientSecret are both needed.")
		}
		if err != nil {
			return nil, err
		}
	}
	if in.ClientId != nil {
		secret.ClientID = in.ClientId.Reveal()
	}
	if in.ClientSecret != nil {
		secret.ClientSecret = in.ClientSecret.Reveal()
	}
	set.SecretVersion = it.Version + 1 // the version that this change makes
	return &secret, nil
}

// next are the settings that are being checked, or would be.
func (d *document) next() *settings {
	if d.Pending != nil {
		return d.Pending
	}
	return &d.Settings
}
