package action

import (
	"context"

	"onsight/internal/connector"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) describingDefinition(ctx context.Context, in *onsightapi.DescribeActionConnectorDefinitionRequest) policy.Target {
	on := connector.Target(ctx, in.AwsAccountId, in.ActionConnectorId)
	on.Action = "quicksight:DescribeActionConnector"
	return on
}

// describeActionConnectorDefinition gives the definition that a connector has of
// its own, as it was given or as the server told it.
func (s *Service) describeActionConnectorDefinition(
	ctx context.Context, in *onsightapi.DescribeActionConnectorDefinitionRequest,
) (*onsightapi.DescribeActionConnectorDefinitionResponse, error) {
	k := connector.Key(ctx, in.AwsAccountId, in.ActionConnectorId)
	var o *own
	err := s.DB.Read(ctx, func(tx *store.Tx) error {
		l, err := s.Connectors.Find(tx, k)
		if err != nil {
			return err
		}
		if o, err = ownOf(tx, l.ARN); err != nil {
			return err
		}
		if o == nil {
			return fault.NotFound("", "Action connector %s has no definition of its own: it has the actions of its type.", k.ID)
		}
		o.Document, err = documentOf(tx, l.ARN)
		return err
	})
	if err != nil {
		return nil, err
	}
	d := &onsightapi.ActionConnectorDefinition{Kind: new(onsightapi.DefinitionKind(o.Kind)), Document: &o.Document, BaseEndpoint: &o.Base}
	if o.UpdatedUS != 0 {
		d.UpdatedTime = new(store.Time(o.UpdatedUS))
	}
	if o.CheckedUS != 0 {
		d.CheckedTime = new(store.Time(o.CheckedUS))
	}
	if o.Message != "" {
		d.Message = &o.Message
	}
	return &onsightapi.DescribeActionConnectorDefinitionResponse{Definition: d}, nil
}
