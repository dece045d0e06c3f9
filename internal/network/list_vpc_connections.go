package network

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

func (s *Service) listing(ctx context.Context, in *qs.ListVPCConnectionsRequest) policy.Target {
	return onConnection(ctx, in.AwsAccountId, "*")
}

// listVPCConnections lists the connections of an account in the region, by id,
// without those that were deleted.
func (s *Service) listVPCConnections(ctx context.Context, in *qs.ListVPCConnectionsRequest) (*qs.ListVPCConnectionsResponse, error) {
	scope := page.Scope("ListVPCConnections", in.AwsAccountId, api.Region(ctx))
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	out := &qs.ListVPCConnectionsResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		out.VPCConnectionSummaries, out.NextToken = []qs.VPCConnectionSummary{}, nil
		if err := s.accounts.Enterprise(tx, in.AwsAccountId); err != nil {
			return err
		}
		items, err := connections.List(tx, in.AwsAccountId, api.Region(ctx), resource.Not(deleted), p.After(0), p.Limit+1)
		if err != nil {
			return err
		}
		if page.Cut(p, &items) {
			out.NextToken = p.Next(items[len(items)-1].ID)
		}
		for _, it := range items {
			out.VPCConnectionSummaries = append(out.VPCConnectionSummaries, s.shown(it))
		}
		return nil
	})
	return out, err
}
