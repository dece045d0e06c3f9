package action

import (
	"context"

	"onsight/internal/connector"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) listing(ctx context.Context, in *onsightapi.ListActionsRequest) policy.Target {
	return connector.Target(ctx, in.AwsAccountId, in.ActionConnectorId)
}

// listActions lists what a connector can do with its way to authenticate, and
// whether its owner lets it.
func (s *Service) listActions(ctx context.Context, in *onsightapi.ListActionsRequest) (*onsightapi.ListActionsResponse, error) {
	l, err := s.connectorOf(ctx, in.AwsAccountId, in.ActionConnectorId)
	if err != nil {
		return nil, err
	}
	d, err := definitionOf(l)
	if err != nil {
		return nil, err
	}
	out := &onsightapi.ListActionsResponse{Actions: []onsightapi.ActionSummary{}}
	for _, id := range offered(l, d) {
		o := d.Operations[id]
		out.Actions = append(out.Actions, onsightapi.ActionSummary{
			ActionId: &o.ID, Name: &o.Label, Description: &o.Description, Write: &o.Write, Destructive: &o.Destructive, Enabled: new(enabled(l, id)),
		})
	}
	return out, nil
}

// connectorOf finds a connector, whether it can be used or not.
func (s *Service) connectorOf(ctx context.Context, account, id string) (l *connector.Live, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		l, err = s.Connectors.Find(tx, connector.Key(ctx, account, id))
		return err
	})
	return l, err
}
