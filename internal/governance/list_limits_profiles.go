package governance

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
)

func (s *Service) listingProfiles(ctx context.Context, in *qs.ListLimitsProfilesRequest) policy.Target {
	return on(ctx, profiles, in.AccountId, "*")
}

// listLimitsProfiles lists the profiles by id; those with a limit of a type of
// resource, where one is given.
func (s *Service) listLimitsProfiles(ctx context.Context, in *qs.ListLimitsProfilesRequest) (*qs.ListLimitsProfilesResponse, error) {
	take, filter := all[profile], ""
	if in.ResourceType != nil {
		filter = string(*in.ResourceType)
		take = func(it *resource.Item[profile]) bool {
			_, ok := it.Doc.Limits[*in.ResourceType]
			return ok
		}
	}
	scope := page.Scope("ListLimitsProfiles", in.AccountId, api.Region(ctx), filter)
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	items, next, err := list(ctx, s, profiles, in.AccountId, p, take)
	if err != nil {
		return nil, err
	}
	out := &qs.ListLimitsProfilesResponse{NextToken: next, Profiles: make([]qs.LimitsProfile, len(items))}
	for i, it := range items {
		out.Profiles[i] = shownProfile(it)
	}
	return out, nil
}
