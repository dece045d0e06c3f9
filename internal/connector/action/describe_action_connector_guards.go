package action

import (
	"context"

	"onsight/internal/connector"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) describingGuards(ctx context.Context, in *onsightapi.DescribeActionConnectorGuardsRequest) policy.Target {
	return connector.Target(ctx, in.AwsAccountId, in.ActionConnectorId)
}

// describeGuards tells what guards a connector, and how much of its limits is used.
func (s *Service) describeGuards(ctx context.Context, in *onsightapi.DescribeActionConnectorGuardsRequest) (*onsightapi.DescribeActionConnectorGuardsResponse, error) {
	out := &onsightapi.DescribeActionConnectorGuardsResponse{}
	err := s.DB.Read(ctx, func(tx *store.Tx) error {
		l, err := s.Connectors.Find(tx, connector.Key(ctx, in.AwsAccountId, in.ActionConnectorId))
		if err != nil {
			return err
		}
		out.Guards = shownGuards(l.Guards)
		h, err := s.healthOf(tx, l)
		if err != nil {
			return err
		}
		out.Health = shownHealth(h)
		out.Usage, err = s.usage(tx, l)
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// usage is what all callers together have used of the limits of a connector;
// nil where there is none to all of them.
func (s *Service) usage(tx *store.Tx, l *connector.Live) (*onsightapi.ActionConnectorUsage, error) {
	var out onsightapi.ActionConnectorUsage
	for _, q := range quotas(&l.Guards, "") {
		n, err := s.used(tx, l.ARN, q)
		if err != nil {
			return nil, err
		}
		if q.span == aMinute {
			out.CallsThisMinute = &n.Calls
			continue
		}
		if q.calls != 0 {
			out.CallsToday = &n.Calls
		}
		if q.units != 0 {
			out.UnitsToday = &n.Units
		}
	}
	if out == (onsightapi.ActionConnectorUsage{}) {
		return nil, nil //nolint:nilnil // nothing is counted
	}
	return &out, nil
}
