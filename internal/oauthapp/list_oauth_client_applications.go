package oauthapp

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// pageSize is how many applications a list answers with where the caller does not say.
const pageSize = 100

func (s *Service) listing(ctx context.Context, in *qs.ListOAuthClientApplicationsRequest) policy.Target {
	return onApplication(ctx, in.AwsAccountId, "*")
}

// listOAuthClientApplications lists the applications of an account in the
// region, by id.
func (s *Service) listOAuthClientApplications(ctx context.Context, in *qs.ListOAuthClientApplicationsRequest) (*qs.ListOAuthClientApplicationsResponse, error) {
	scope := page.Scope("ListOAuthClientApplications", in.AwsAccountId, api.Region(ctx))
	after, limit := "", pageSize
	if in.NextToken != nil {
		from, err := s.tokens.Key(scope, *in.NextToken)
		if err != nil {
			return nil, err
		}
		if len(from) > 0 {
			after = from[0]
		}
	}
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	out := &qs.ListOAuthClientApplicationsResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		out.OAuthClientApplications, out.NextToken = []qs.OAuthClientApplicationSummary{}, nil
		if err := s.subscribed(tx, in.AwsAccountId); err != nil {
			return err
		}
		items, err := applications.List(tx, in.AwsAccountId, api.Region(ctx), resource.Filter{}, after, limit+1)
		if err != nil {
			return err
		}
		if len(items) > limit {
			items = items[:limit]
			out.NextToken = new(s.tokens.Next(scope, items[limit-1].ID))
		}
		for _, it := range items {
			set := &it.Doc.Settings
			out.OAuthClientApplications = append(out.OAuthClientApplications, qs.OAuthClientApplicationSummary{
				Arn: &it.ARN, OAuthClientApplicationId: &it.ID, Name: &set.Name, OAuthClientAuthenticationType: new(qs.OAuthClientAuthenticationTypeToken),
				DataSourceType: optional(set.DataSourceType), IdentityProviderVpcConnectionProperties: set.shownVPC(),
				CreatedTime: &it.Created, LastUpdatedTime: &it.Updated,
			})
		}
		return nil
	})
	return out, err
}
