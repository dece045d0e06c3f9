package oauthapp

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

func (s *Service) creating(ctx context.Context, in *qs.CreateOAuthClientApplicationRequest) policy.Target {
	on := onApplication(ctx, in.AwsAccountId, in.OAuthClientApplicationId)
	on.Context = resource.RequestTags(in.Tags)
	return on
}

// createOAuthClientApplication makes an application, its sealed credentials,
// its tags and the job that checks it, all at once.
func (s *Service) createOAuthClientApplication(ctx context.Context, in *qs.CreateOAuthClientApplicationRequest) (*qs.CreateOAuthClientApplicationResponse, error) {
	set := settings{
		Name: in.Name, TokenEndpoint: in.OAuthTokenEndpointUrl.Reveal(), Scopes: text(in.OAuthScopes), DataSourceType: qs.DataSourceType(text(in.DataSourceType)),
		VPCConnectionARN: vpc(in.IdentityProviderVpcConnectionProperties), SecretVersion: 1,
	}
	if in.OAuthAuthorizationEndpointUrl != nil {
		set.AuthorizationEndpoint = in.OAuthAuthorizationEndpointUrl.Reveal()
	}
	if err := set.checkForm(in.AwsAccountId); err != nil {
		return nil, err
	}
	secret := credentials{ClientID: in.ClientId.Reveal(), ClientSecret: in.ClientSecret.Reveal()}
	out := &qs.CreateOAuthClientApplicationResponse{CreationStatus: new(qs.ResourceStatusCreationInProgress)}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.subscribed(tx, in.AwsAccountId); err != nil {
			return err
		}
		if err := s.use(tx, &set); err != nil {
			return err
		}
		it := &item{Key: key(ctx, in.AwsAccountId, in.OAuthClientApplicationId), Name: set.Name, Status: creating, Doc: document{Settings: set}}
		if err := applications.Create(tx, it, s.now()); err != nil {
			return err
		}
		out.Arn, out.OAuthClientApplicationId = &it.ARN, &it.ID
		api.Result(ctx, out)
		if err := s.putCredentials(tx, it.ARN, it.Version, secret); err != nil {
			return err
		}
		if err := s.tags.Put(tx, it.ARN, in.Tags); err != nil {
			return err
		}
		return s.begin(tx, it)
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
