package connector

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) describing(ctx context.Context, in *qs.DescribeActionConnectorRequest) policy.Target {
	return onConnector(ctx, in.AwsAccountId, in.ActionConnectorId)
}

// describeActionConnector gives the settings in force, without the secret.
func (s *Service) describeActionConnector(ctx context.Context, in *qs.DescribeActionConnectorRequest) (*qs.DescribeActionConnectorResponse, error) {
	out := &qs.DescribeActionConnectorResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		if err := s.accounts.Subscribed(tx, in.AwsAccountId); err != nil {
			return err
		}
		it, err := connectors.Get(tx, key(ctx, in.AwsAccountId, in.ActionConnectorId))
		if err != nil {
			return err
		}
		out.ActionConnector = shown(it)
		out.ActionConnector.EnabledActions, err = s.enabledActions(tx, it)
		return err
	})
	return out, err
}

// shown is a connector as callers see it.
func shown(it *item) *qs.ActionConnector {
	set := it.Doc.Settings
	return &qs.ActionConnector{
		Arn: it.ARN, ActionConnectorId: it.ID, Type: qs.ActionConnectorType(it.Type), Name: qs.Secret(set.Name),
		Description: optional(qs.Secret(set.Description)), VpcConnectionArn: optional(set.VPCConnectionARN),
		Status: new(qs.ResourceStatus(it.Status)), Error: shownError(it), CreatedTime: &it.Created, LastUpdatedTime: &it.Updated,
		AuthenticationConfig: &qs.ReadAuthConfig{AuthenticationType: set.Auth.Type, AuthenticationMetadata: set.Auth.shown(it.ARN)},
	}
}

// maxEnabled is how many actions the model lets a connector show.
const maxEnabled = 100

// enabledActions are those that the owner has chosen; where none were, all.
func (s *Service) enabledActions(tx *store.Tx, it *item) ([]string, error) {
	if it.Doc.Enabled != nil {
		return it.Doc.Enabled, nil
	}
	if s.offer != nil {
		if all, own, err := s.offer(tx, live(it)); own || err != nil {
			return all[:min(len(all), maxEnabled)], err
		}
	}
	return actionsOf(qs.ActionConnectorType(it.Type)), nil
}

func shownError(it *item) *qs.ActionConnectorError {
	if it.Doc.Error == "" {
		return nil
	}
	return &qs.ActionConnectorError{Message: &it.Doc.Error, Type: new(qs.ActionConnectorErrorTypeInternalFailure)}
}

// shown is an authentication in the shapes for reading, which name some
// members differently from those for writing.
func (a *Auth) shown(arn string) *qs.ReadAuthenticationMetadata {
	switch a.Type {
	case basic:
		return &qs.ReadAuthenticationMetadata{BasicAuthConnectionMetadata: &qs.ReadBasicAuthConnectionMetadata{
			BaseEndpoint: a.BaseEndpoint, Username: qs.Secret(a.Username),
		}}
	case apiKey:
		return &qs.ReadAuthenticationMetadata{ApiKeyConnectionMetadata: &qs.ReadAPIKeyConnectionMetadata{
			BaseEndpoint: a.BaseEndpoint, Email: optional(qs.Secret(a.Email)),
		}}
	case iam:
		// The role's trust policy can ask for this connector as aws:SourceArn.
		return &qs.ReadAuthenticationMetadata{IamConnectionMetadata: &qs.ReadIamConnectionMetadata{RoleArn: a.RoleARN, SourceArn: arn}}
	case client:
		return &qs.ReadAuthenticationMetadata{ClientCredentialsGrantMetadata: &qs.ReadClientCredentialsGrantMetadata{
			BaseEndpoint: a.BaseEndpoint, ClientCredentialsSource: new(qs.ClientCredentialsSourcePlainCredentials),
			ReadClientCredentialsDetails: &qs.ReadClientCredentialsDetails{
				ReadClientCredentialsGrantDetails: &qs.ReadClientCredentialsGrantDetails{ClientId: a.ClientID, TokenEndpoint: a.TokenEndpoint},
			},
		}}
	case code:
		return &qs.ReadAuthenticationMetadata{AuthorizationCodeGrantMetadata: &qs.ReadAuthorizationCodeGrantMetadata{
			BaseEndpoint: a.BaseEndpoint, RedirectUrl: a.RedirectURL,
			AuthorizationCodeGrantCredentialsSource: new(qs.AuthorizationCodeGrantCredentialsSourcePlainCredentials),
			ReadAuthorizationCodeGrantCredentialsDetails: &qs.ReadAuthorizationCodeGrantCredentialsDetails{
				ReadAuthorizationCodeGrantDetails: &qs.ReadAuthorizationCodeGrantDetails{
					ClientId: a.ClientID, TokenEndpoint: a.TokenEndpoint, AuthorizationEndpoint: a.AuthorizationEndpoint,
				},
			},
		}}
	default:
		return &qs.ReadAuthenticationMetadata{NoneConnectionMetadata: &qs.ReadNoneConnectionMetadata{BaseEndpoint: a.BaseEndpoint}}
	}
}

// optional leaves an empty value out.
func optional[T ~string](v T) *T {
	if v == "" {
		return nil
	}
	return &v
}
