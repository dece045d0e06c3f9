package governance

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
)

func (s *Service) listingPolicies(ctx context.Context, _ *qs.ListApprovalPoliciesRequest) policy.Target {
	return on(ctx, approvals, api.Caller(ctx).Account, "*")
}

// listApprovalPolicies lists the policies of the caller's account by id.
func (s *Service) listApprovalPolicies(ctx context.Context, in *qs.ListApprovalPoliciesRequest) (*qs.ListApprovalPoliciesResponse, error) {
	account := api.Caller(ctx).Account
	scope := page.Scope("ListApprovalPolicies", account, api.Region(ctx))
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	items, next, err := list(ctx, s, approvals, account, p, all[approval])
	if err != nil {
		return nil, err
	}
	out := &qs.ListApprovalPoliciesResponse{NextToken: next, Policies: make([]qs.ApprovalPolicy, len(items))}
	for i, it := range items {
		out.Policies[i] = *shownPolicy(it)
	}
	return out, nil
}
