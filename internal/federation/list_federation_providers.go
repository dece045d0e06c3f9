package federation

import (
	"context"

	"onsight/internal/onsightapi"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/resource"
	"onsight/internal/store"
)

func (s *Service) listing(ctx context.Context, in *onsightapi.ListFederationProvidersRequest) policy.Target {
	return onProvider(ctx, in.AwsAccountId, "*")
}

// listFederationProviders lists the providers of an account by id.
func (s *Service) listFederationProviders(ctx context.Context, in *onsightapi.ListFederationProvidersRequest) (*onsightapi.ListFederationProvidersResponse, error) {
	scope := page.Scope("ListFederationProviders", in.AwsAccountId)
	after, limit := "", maxProviders
	if in.NextToken != nil {
		key, err := s.Tokens.Key(scope, *in.NextToken)
		if err != nil {
			return nil, err
		}
		if len(key) > 0 {
			after = key[0]
		}
	}
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	out := &onsightapi.ListFederationProvidersResponse{}
	err := s.DB.Read(ctx, func(tx *store.Tx) error {
		out.Providers, out.NextToken = []onsightapi.FederationProvider{}, nil
		region, err := s.Accounts.Open(ctx, tx, in.AwsAccountId)
		if err != nil {
			return err
		}
		items, err := providers.List(tx, in.AwsAccountId, region, resource.Filter{}, after, limit+1)
		if err != nil {
			return err
		}
		if len(items) > limit {
			items = items[:limit]
			out.NextToken = new(s.Tokens.Next(scope, items[limit-1].ID))
		}
		for _, it := range items {
			out.Providers = append(out.Providers, s.shown(it))
		}
		return nil
	})
	return out, err
}
