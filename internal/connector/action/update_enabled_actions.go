package action

import (
	"context"
	"slices"

	"onsight/internal/connector"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) enabling(ctx context.Context, in *onsightapi.UpdateEnabledActionsRequest) policy.Target {
	return connector.Target(ctx, in.AwsAccountId, in.ActionConnectorId)
}

// updateEnabledActions says which actions of a connector can be performed; all
// others can not. QuickSight's API shows the list, and has no way to change it.
func (s *Service) updateEnabledActions(ctx context.Context, in *onsightapi.UpdateEnabledActionsRequest) (*onsightapi.UpdateEnabledActionsResponse, error) {
	k := connector.Key(ctx, in.AwsAccountId, in.ActionConnectorId)
	chosen := slices.Clone(in.EnabledActions)
	slices.Sort(chosen)
	chosen = slices.Compact(chosen)
	if _, _, err := s.defined(ctx, in.AwsAccountId, in.ActionConnectorId); err != nil {
		return nil, err // the tools of its server may have to be known first
	}
	err := s.Connectors.Settled(ctx, connector.ARN(k), func() error {
		return s.DB.Write(ctx, func(tx *store.Tx) error {
			l, err := s.Connectors.Find(tx, k)
			if err != nil {
				return err
			}
			d, err := s.Definition(tx, l)
			if err != nil {
				return err
			}
			there := offered(l, d)
			for _, id := range chosen {
				if !slices.Contains(there, id) {
					return fault.Invalid("EnabledActions isn't valid: action connector %s has no action %s with the authentication type %s.", k.ID, id, l.Auth.Type)
				}
			}
			return s.Connectors.Enable(ctx, tx, k, chosen)
		})
	})
	if err != nil {
		return nil, err
	}
	return &onsightapi.UpdateEnabledActionsResponse{EnabledActions: chosen}, nil
}
