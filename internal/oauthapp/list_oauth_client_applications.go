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

func (s *Service) listing(ctx context.Context, in *qs.ListOAuthClientApplicationsRequest) policy.Target {
	return onApplication(ctx, in.AwsAccountId, "*")
}

// listOAuthClientApplications lists the applications of an account in the
// region, by id.
func (s *Service) listOAuthClientApplications(ctx context.Context, in *qs.ListOAuthClientApplicationsRequest) (*qs.ListOAuthClientApplicationsResponse, error) {
	scope := page.Scope("ListOAuthClientApplications", in.AwsAccountId, api.Region(ctx))
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	out := &qs.ListOAuthClientApplicationsResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		out.OAuthClientApplications, out.NextToken = []qs.OAuthClientApplicationSummary{}, nil
		if err := s.subscribed(tx, in.AwsAccountId); err != nil {
			return err
		}
		items, err := applications.List(tx, in.AwsAccountId, api.Region(ctx), resource.Filter{}, p.After(0), p.Limit+1)
		if err != nil {
			return err
		}
		if page.Cut(p, &items) {
			out.NextToken = p.Next(items[len(items)-1].ID)
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
