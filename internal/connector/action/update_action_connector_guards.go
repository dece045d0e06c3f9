package action

import (
	"context"
	"maps"
	"slices"

	"onsight/internal/connector"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) guarding(ctx context.Context, in *onsightapi.UpdateActionConnectorGuardsRequest) policy.Target {
	return connector.Target(ctx, in.AwsAccountId, in.ActionConnectorId)
}

// updateGuards sets what guards a connector, in the place of what did before:
// confirmation of writes, limits, verification by schedule.
func (s *Service) updateGuards(ctx context.Context, in *onsightapi.UpdateActionConnectorGuardsRequest) (*onsightapi.UpdateActionConnectorGuardsResponse, error) {
	k := connector.Key(ctx, in.AwsAccountId, in.ActionConnectorId)
	g := guardsOf(in.Guards)
	err := s.Connectors.Settled(ctx, connector.ARN(k), func() error {
		return s.DB.Write(ctx, func(tx *store.Tx) error {
			l, err := s.Connectors.Find(tx, k)
			if err != nil {
				return err
			}
			if err := s.fits(tx, l, g); err != nil {
				return err
			}
			if l.Guards.Verify != g.Verify {
				if err := s.schedule(tx, l, g.Verify); err != nil {
					return err
				}
			}
			return s.Connectors.Guard(ctx, tx, k, g)
		})
	})
	if err != nil {
		return nil, err
	}
	return &onsightapi.UpdateActionConnectorGuardsResponse{Guards: shownGuards(g)}, nil
}

// guardsOf reads guards; what is not given is not guarded.
func guardsOf(in *onsightapi.ActionConnectorGuards) connector.Guards {
	g := connector.Guards{Costs: maps.Clone(in.ActionUnits)}
	if in.Confirmation != nil && *in.Confirmation != onsightapi.ActionConfirmationNone {
		g.Confirm = string(*in.Confirmation)
	}
	if in.Verification != nil && *in.Verification != onsightapi.ActionVerificationOff {
		g.Verify = string(*in.Verification)
	}
	for at, n := range limitsOf(&g, in) {
		if *n != nil {
			*at = **n
		}
	}
	if len(g.Costs) == 0 {
		g.Costs = nil
	}
	return g
}

// limitsOf pairs limits with the members that hold them.
func limitsOf(g *connector.Guards, in *onsightapi.ActionConnectorGuards) map[*int64]**int64 {
	return map[*int64]**int64{
		&g.Minute: &in.CallsPerMinute, &g.MinuteCaller: &in.CallsPerMinutePerCaller, &g.Day: &in.CallsPerDay, &g.DayCaller: &in.CallsPerDayPerCaller,
		&g.Units: &in.UnitsPerDay, &g.UnitsCaller: &in.UnitsPerDayPerCaller,
	}
}

func shownGuards(g connector.Guards) *onsightapi.ActionConnectorGuards {
	out := &onsightapi.ActionConnectorGuards{
		Confirmation: new(onsightapi.ActionConfirmationNone), Verification: new(onsightapi.ActionVerificationOff), ActionUnits: g.Costs,
	}
	if g.Confirm != "" {
		out.Confirmation = new(onsightapi.ActionConfirmation(g.Confirm))
	}
	if g.Verify != "" {
		out.Verification = new(onsightapi.ActionVerification(g.Verify))
	}
	for n, at := range limitsOf(&g, out) {
		if *n != 0 {
			*at = new(*n)
		}
	}
	return out
}

// fits refuses guards that a connector can't have.
func (s *Service) fits(tx *store.Tx, l *connector.Live, g connector.Guards) error {
	if g.Verify != "" && l.Auth.Type == qs.ConnectionAuthTypeOauth2AuthorizationCode {
		return fault.Invalid("Verification isn't valid: action connector %s has no credentials of its own that could be checked. Its people sign in themselves, and are told when they have to do so again.", l.Key.ID)
	}
	if len(g.Costs) == 0 {
		return nil
	}
	d, err := s.Definition(tx, l)
	if err != nil {
		return err
	}
	if g.Units == 0 && g.UnitsCaller == 0 {
		return fault.Invalid("ActionUnits isn't valid: it has a meaning with UnitsPerDay or UnitsPerDayPerCaller only.")
	}
	there := offered(l, d)
	for _, id := range slices.Sorted(maps.Keys(g.Costs)) {
		if !slices.Contains(there, id) {
			return fault.Invalid("ActionUnits isn't valid: action connector %s has no action %s with the authentication type %s.", l.Key.ID, id, l.Auth.Type)
		}
		for member, limit := range map[string]int64{"UnitsPerDay": g.Units, "UnitsPerDayPerCaller": g.UnitsCaller} {
			if limit != 0 && g.Costs[id] > limit {
				return fault.Invalid("ActionUnits isn't valid: action %s would cost %d units, and %s allows %d.", id, g.Costs[id], member, limit)
			}
		}
	}
	return nil
}
