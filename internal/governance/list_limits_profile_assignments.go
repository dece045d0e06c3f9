package governance

import (
	"context"

	"onsight/internal/onsightapi"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) listingAssignments(ctx context.Context, in *onsightapi.ListLimitsProfileAssignmentsRequest) policy.Target {
	return on(ctx, profiles, in.AwsAccountId, "*")
}

// listLimitsProfileAssignments lists who has which profile; of one profile,
// where it is given.
func (s *Service) listLimitsProfileAssignments(ctx context.Context, in *onsightapi.ListLimitsProfileAssignmentsRequest) (*onsightapi.ListLimitsProfileAssignmentsResponse, error) {
	query, args := `SELECT `+assignmentColumns+` FROM limits_assignments WHERE account = $1 AND (kind, target) > ($2, $3)`, []any{in.AwsAccountId}
	of := ""
	if in.ProfileId != nil {
		of = *in.ProfileId
	}
	p, err := s.tokens.Page(page.Scope("ListLimitsProfileAssignments", in.AwsAccountId, of), in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	args = append(args, p.After(0), p.After(1), p.Limit+1)
	if of != "" {
		query, args = query+` AND profile = $5`, append(args, of)
	}
	out := &onsightapi.ListLimitsProfileAssignmentsResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		rows, err := store.All[assignment](tx, query+` ORDER BY kind, target LIMIT $4`, args...)
		if err != nil {
			return err
		}
		if page.Cut(p, &rows) {
			last := &rows[len(rows)-1]
			out.NextToken = p.Next(last.Kind, last.Target)
		}
		out.Assignments = make([]onsightapi.LimitsProfileAssignment, len(rows))
		for i, r := range rows {
			out.Assignments[i] = r.shown()
		}
		return nil
	})
	return out, err
}
