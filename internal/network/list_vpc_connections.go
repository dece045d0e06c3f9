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

// pageSize is how many connections a list answers with where the caller does not say.
const pageSize = 100

func (s *Service) listing(ctx context.Context, in *qs.ListVPCConnectionsRequest) policy.Target {
	return onConnection(ctx, in.AwsAccountId, "*")
}

// listVPCConnections lists the connections of an account in the region, by id,
// without those that were deleted.
func (s *Service) listVPCConnections(ctx context.Context, in *qs.ListVPCConnectionsRequest) (*qs.ListVPCConnectionsResponse, error) {
	scope := page.Scope("ListVPCConnections", in.AwsAccountId, api.Region(ctx))
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
	out := &qs.ListVPCConnectionsResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		out.VPCConnectionSummaries, out.NextToken = []qs.VPCConnectionSummary{}, nil
		if err := s.accounts.Enterprise(tx, in.AwsAccountId); err != nil {
			return err
		}
		items, err := connections.List(tx, in.AwsAccountId, api.Region(ctx), resource.Not(deleted), after, limit+1)
		if err != nil {
			return err
		}
		if len(items) > limit {
			items = items[:limit]
			out.NextToken = new(s.tokens.Next(scope, items[limit-1].ID))
		}
		for _, it := range items {
			out.VPCConnectionSummaries = append(out.VPCConnectionSummaries, s.shown(it))
		}
		return nil
	})
	return out, err
}
