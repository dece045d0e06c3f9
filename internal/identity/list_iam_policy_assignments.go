package identity

import (
	"context"

	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) listingAssignments(ctx context.Context, in *qs.ListIAMPolicyAssignmentsRequest) policy.Target {
	return onAssignment(ctx, in.AwsAccountId, "*")
}

const (
	assignmentsByName = `SELECT ` + assignmentColumns + ` FROM iam_policy_assignments
		WHERE account = $1 AND namespace = $2 AND name > $3 ORDER BY name LIMIT $4`
	// Of one status; put like this, SQLite goes by the index of states too.
	assignmentsByStatus = `SELECT ` + assignmentColumns + ` FROM iam_policy_assignments
		WHERE account = $1 AND namespace = $2 AND (status, name) > ($5, $3) AND status <= $5 ORDER BY status, name LIMIT $4`
)

// listIAMPolicyAssignments lists the assignments of a namespace by name; where
// the request names a status, those that have it.
func (s *Service) listIAMPolicyAssignments(ctx context.Context, in *qs.ListIAMPolicyAssignmentsRequest) (*qs.ListIAMPolicyAssignmentsResponse, error) {
	scope := []string{"ListIAMPolicyAssignments", in.AwsAccountId, in.Namespace}
	if in.AssignmentStatus != nil {
		scope = append(scope, string(*in.AssignmentStatus))
	}
	p, err := s.tokens.Page(page.Scope(scope...), in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	query, args := assignmentsByName, []any{in.AwsAccountId, in.Namespace, p.After(0), p.Limit + 1}
	if in.AssignmentStatus != nil {
		query, args = assignmentsByStatus, append(args, string(*in.AssignmentStatus))
	}
	out := &qs.ListIAMPolicyAssignmentsResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		if _, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace); err != nil {
			return err
		}
		assignments, err := store.All[assignment](tx, query, args...)
		if err != nil {
			return err
		}
		if page.Cut(p, &assignments) {
			out.NextToken = p.Next(assignments[len(assignments)-1].Name)
		}
		out.IAMPolicyAssignments = make([]qs.IAMPolicyAssignmentSummary, len(assignments))
		for i, a := range assignments {
			out.IAMPolicyAssignments[i] = qs.IAMPolicyAssignmentSummary{AssignmentName: &a.Name, AssignmentStatus: new(qs.AssignmentStatus(a.Status))}
		}
		return nil
	})
	return out, err
}
