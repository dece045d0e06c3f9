package identity

import (
	"context"

	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) listingAssignmentsOfUser(ctx context.Context, in *qs.ListIAMPolicyAssignmentsForUserRequest) policy.Target {
	return onAssignment(ctx, in.AwsAccountId, "*")
}

// listIAMPolicyAssignmentsForUser lists the enabled assignments that a user has,
// itself or by its groups, by name.
func (s *Service) listIAMPolicyAssignmentsForUser(
	ctx context.Context, in *qs.ListIAMPolicyAssignmentsForUserRequest,
) (*qs.ListIAMPolicyAssignmentsForUserResponse, error) {
	scope := page.Scope("ListIAMPolicyAssignmentsForUser", in.AwsAccountId, in.Namespace, in.UserName)
	after, limit, err := s.start(scope, in.NextToken, in.MaxResults)
	if err != nil {
		return nil, err
	}
	out := &qs.ListIAMPolicyAssignmentsForUserResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		if _, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace); err != nil {
			return err
		}
		if _, err := find(tx, in.AwsAccountId, in.Namespace, in.UserName); err != nil {
			return err
		}
		assignments, err := store.All[assignment](tx, assignmentsOfUser, in.AwsAccountId, in.Namespace, in.UserName, after, limit+1)
		if err != nil {
			return err
		}
		if len(assignments) > limit {
			assignments = assignments[:limit]
			out.NextToken = new(s.tokens.Next(scope, assignments[limit-1].Name))
		}
		out.ActiveAssignments = make([]qs.ActiveIAMPolicyAssignment, len(assignments))
		for i, a := range assignments {
			out.ActiveAssignments[i] = qs.ActiveIAMPolicyAssignment{AssignmentName: &a.Name, PolicyArn: a.PolicyARN}
		}
		return nil
	})
	return out, err
}
