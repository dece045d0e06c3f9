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
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, page.Usual)
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
		assignments, err := store.All[assignment](tx, assignmentsOfUser, in.AwsAccountId, in.Namespace, in.UserName, p.After(0), p.Limit+1)
		if err != nil {
			return err
		}
		if page.Cut(p, &assignments) {
			out.NextToken = p.Next(assignments[len(assignments)-1].Name)
		}
		out.ActiveAssignments = make([]qs.ActiveIAMPolicyAssignment, len(assignments))
		for i, a := range assignments {
			out.ActiveAssignments[i] = qs.ActiveIAMPolicyAssignment{AssignmentName: &a.Name, PolicyArn: a.PolicyARN}
		}
		return nil
	})
	return out, err
}
