package action

import (
	"context"
	"slices"

	"onsight/internal/connector"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
)

func (s *Service) describing(ctx context.Context, in *onsightapi.DescribeActionRequest) policy.Target {
	return connector.Target(ctx, in.AwsAccountId, in.ActionConnectorId)
}

// describeAction tells what an action takes and gives, as JSON Schemas.
func (s *Service) describeAction(ctx context.Context, in *onsightapi.DescribeActionRequest) (*onsightapi.DescribeActionResponse, error) {
	l, d, err := s.defined(ctx, in.AwsAccountId, in.ActionConnectorId)
	if err != nil {
		return nil, err
	}
	if !slices.Contains(offered(l, d), in.ActionId) {
		return nil, fault.NotFound("", "Action connector %s has no action %s.", l.Key.ID, in.ActionId)
	}
	o := d.Operations[in.ActionId]
	return &onsightapi.DescribeActionResponse{Action: &onsightapi.ActionDetail{
		ActionId: &o.ID, Name: &o.Label, Description: &o.Description, Write: &o.Write, Destructive: &o.Destructive, Idempotent: &o.Idempotent,
		Enabled: new(enabled(l, o.ID)), Paged: new(o.Pagination != nil), InputSchema: o.Input, OutputSchema: o.OutputSchema,
	}}, nil
}
