package connector

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

func (s *Service) listing(ctx context.Context, in *qs.ListActionConnectorsRequest) policy.Target {
	return onConnector(ctx, in.AwsAccountId, "*")
}

// listActionConnectors lists the connectors of an account in the region, by
// id. An account that is not subscribed has none.
func (s *Service) listActionConnectors(ctx context.Context, in *qs.ListActionConnectorsRequest) (*qs.ListActionConnectorsResponse, error) {
	out := &qs.ListActionConnectorsResponse{}
	var err error
	scope := page.Scope("ListActionConnectors", in.AwsAccountId, api.Region(ctx))
	out.ActionConnectorSummaries, out.NextToken, err = s.page(ctx, scope, in.AwsAccountId, in.MaxResults, in.NextToken, all)
	return out, err
}

func all(*store.Tx) (resource.Filter, error) { return resource.Filter{}, nil }

// page reads one page of the connectors that a filter takes, and makes the
// token of the next one. The filter may need the store.
func (s *Service) page(ctx context.Context, scope, account string, maxResults *int32, token *string,
	filter func(tx *store.Tx) (resource.Filter, error),
) (list []qs.ActionConnectorSummary, next *string, err error) {
	p, err := s.tokens.Page(scope, token, maxResults, page.Usual)
	if err != nil {
		return nil, nil, err
	}
	var items []*item
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		items = nil
		ok, err := s.subscribed(tx, account)
		if err != nil || !ok {
			return err
		}
		f, err := filter(tx)
		if err != nil {
			return err
		}
		items, err = connectors.List(tx, account, api.Region(ctx), f, p.After(0), p.Limit+1)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if page.Cut(p, &items) {
		next = p.Next(items[len(items)-1].ID)
	}
	list = make([]qs.ActionConnectorSummary, len(items))
	for i, it := range items {
		list[i] = qs.ActionConnectorSummary{
			Arn: it.ARN, ActionConnectorId: it.ID, Type: qs.ActionConnectorType(it.Type), Name: qs.Secret(it.Name),
			Status: new(qs.ResourceStatus(it.Status)), Error: shownError(it), CreatedTime: &it.Created, LastUpdatedTime: &it.Updated,
		}
	}
	return list, next, nil
}
