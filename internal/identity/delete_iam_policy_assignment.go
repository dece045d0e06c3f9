package identity

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) deletingAssignment(ctx context.Context, in *qs.DeleteIAMPolicyAssignmentRequest) policy.Target {
	return onAssignment(ctx, in.AwsAccountId, in.AssignmentName)
}

// deleteIAMPolicyAssignment takes a policy away from all whom it was assigned to.
func (s *Service) deleteIAMPolicyAssignment(ctx context.Context, in *qs.DeleteIAMPolicyAssignmentRequest) (*qs.DeleteIAMPolicyAssignmentResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace); err != nil {
			return err
		}
		a, err := findAssignment(tx, in.AwsAccountId, in.Namespace, in.AssignmentName)
		if err != nil {
			return err
		}
		for _, deletion := range []string{
			`DELETE FROM iam_policy_assignees WHERE account = $1 AND assignment = $2`,
			`DELETE FROM iam_policy_assignments WHERE account = $1 AND name = $2`,
		} {
			if _, err := tx.Exec(deletion, a.Account, a.Name); err != nil {
				return err
			}
		}
		return nil
	})
	return &qs.DeleteIAMPolicyAssignmentResponse{AssignmentName: &in.AssignmentName}, err
}
