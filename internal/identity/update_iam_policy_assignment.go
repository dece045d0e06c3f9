package identity

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) updatingAssignment(ctx context.Context, in *qs.UpdateIAMPolicyAssignmentRequest) policy.Target {
	return onAssignment(ctx, in.AwsAccountId, in.AssignmentName)
}

// updateIAMPolicyAssignment changes what the request has. Identities, where it
// has them, take the place of all that were there.
func (s *Service) updateIAMPolicyAssignment(ctx context.Context, in *qs.UpdateIAMPolicyAssignmentRequest) (*qs.UpdateIAMPolicyAssignmentResponse, error) {
	if err := checkIdentities(in.AwsAccountId, in.Namespace, in.Identities); err != nil {
		return nil, err
	}
	out := &qs.UpdateIAMPolicyAssignmentResponse{}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace); err != nil {
			return err
		}
		a, err := findAssignment(tx, in.AwsAccountId, in.Namespace, in.AssignmentName)
		if err != nil {
			return err
		}
		if in.AssignmentStatus != nil {
			a.Status = string(*in.AssignmentStatus)
		}
		if in.PolicyArn != nil {
			if err := s.mustHavePolicy(tx, a.Account, in.PolicyArn); err != nil {
				return err
			}
			a.PolicyARN = in.PolicyArn
		}
		if in.Identities != nil {
			if err := assignTo(tx, a, in.Identities); err != nil {
				return err
			}
		}
		_, err = tx.Exec(`UPDATE iam_policy_assignments SET status = $4, policy_arn = $5, updated_us = $6
			WHERE account = $1 AND namespace = $2 AND name = $3`, a.Account, a.Namespace, a.Name, a.Status, a.PolicyARN, store.Micros(s.now()))
		if err != nil {
			return err
		}
		out = &qs.UpdateIAMPolicyAssignmentResponse{
			AssignmentName: &a.Name, AssignmentId: &a.ID, AssignmentStatus: new(qs.AssignmentStatus(a.Status)), PolicyArn: a.PolicyARN,
		}
		out.Identities, err = identities(tx, a)
		return err
	})
	return out, err
}
