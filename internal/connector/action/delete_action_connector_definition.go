package action

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/connector"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) undefining(ctx context.Context, in *onsightapi.DeleteActionConnectorDefinitionRequest) policy.Target {
	return changes(ctx, in.AwsAccountId, in.ActionConnectorId)
}

// deleteActionConnectorDefinition gives a connector the actions of its type back.
func (s *Service) deleteActionConnectorDefinition(
	ctx context.Context, in *onsightapi.DeleteActionConnectorDefinitionRequest,
) (*onsightapi.DeleteActionConnectorDefinitionResponse, error) {
	k := connector.Key(ctx, in.AwsAccountId, in.ActionConnectorId)
	out := &onsightapi.DeleteActionConnectorDefinitionResponse{}
	err := s.Connectors.Settled(ctx, connector.ARN(k), func() error {
		return s.DB.Write(ctx, func(tx *store.Tx) error {
			l, err := s.Connectors.Find(tx, k)
			if err != nil {
				return err
			}
			n, err := tx.Exec(`DELETE FROM connector_definitions WHERE arn = $1 AND chosen`, l.ARN)
			if err != nil {
				return err
			}
			if n == 0 {
				return fault.NotFound("", "Action connector %s has no definition of its own: it has the actions of its type.", k.ID)
			}
			d, err := s.Definition(tx, l)
			if err != nil {
				return err
			}
			out.EnabledActions, err = s.narrow(ctx, tx, l, d)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	api.Note(ctx, "connector", connector.ARN(k))
	return out, nil
}
