package oauthapp

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) describing(ctx context.Context, in *qs.DescribeOAuthClientApplicationRequest) policy.Target {
	return onApplication(ctx, in.AwsAccountId, in.OAuthClientApplicationId)
}

// describeOAuthClientApplication gives the settings in force, without the
// credentials.
func (s *Service) describeOAuthClientApplication(ctx context.Context, in *qs.DescribeOAuthClientApplicationRequest) (*qs.DescribeOAuthClientApplicationResponse, error) {
	out := &qs.DescribeOAuthClientApplicationResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		it, err := s.get(ctx, tx, in.AwsAccountId, in.OAuthClientApplicationId)
		if err != nil {
			return err
		}
		set := &it.Doc.Settings
		out.OAuthClientApplication = &qs.OAuthClientApplication{
			Arn: &it.ARN, OAuthClientApplicationId: &it.ID, Name: &set.Name, OAuthClientAuthenticationType: new(qs.OAuthClientAuthenticationTypeToken),
			OAuthTokenEndpointUrl: new(qs.Secret(set.TokenEndpoint)), OAuthAuthorizationEndpointUrl: optional(qs.Secret(set.AuthorizationEndpoint)),
			OAuthScopes: optional(set.Scopes), DataSourceType: optional(set.DataSourceType), IdentityProviderVpcConnectionProperties: set.shownVPC(),
			CreatedTime: &it.Created, LastUpdatedTime: &it.Updated,
		}
		return nil
	})
	return out, err
}

func (s *Service) get(ctx context.Context, tx *store.Tx, account, id string) (*item, error) {
	if err := s.subscribed(tx, account); err != nil {
		return nil, err
	}
	return applications.Get(tx, key(ctx, account, id))
}
