package action

import (
	"context"
	"errors"

	"onsight/internal/connector"
	"onsight/internal/connector/definition"
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
	l, d, err := s.defined(ctx, in.AwsAccountId, in.ActionConnectorId)
	if err != nil {
		return nil, err
	}
	return &onsightapi.ListActionsResponse{Actions: summaries(l, d)}, nil
}

// defined finds a connector, and what it can do.
func (s *Service) defined(ctx context.Context, account, id string) (l *connector.Live, d *definition.Definition, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if l, err = s.Connectors.Find(tx, connector.Key(ctx, account, id)); err != nil {
			return err
		}
		d, err = s.Definition(tx, l)
		return err
	})
	if errors.Is(err, errUnlisted) {
		d, err = s.listed(ctx, account, id)
	}
	return l, d, err
}

// connectorOf finds a connector, whether it can be used or not.
func (s *Service) connectorOf(ctx context.Context, account, id string) (l *connector.Live, err error) {
	err = s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		l, err = s.Connectors.Find(tx, connector.Key(ctx, account, id))
		return err
	})
	return l, err
}
