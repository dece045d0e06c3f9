package identity

import (
	"context"

	"github.com/google/uuid"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) creatingAssignment(ctx context.Context, in *qs.CreateIAMPolicyAssignmentRequest) policy.Target {
	return onAssignment(ctx, in.AwsAccountId, in.AssignmentName)
}

// createIAMPolicyAssignment assigns an IAM policy to users and groups. Without
// a policy, or without anybody, it has no effect yet.
func (s *Service) createIAMPolicyAssignment(ctx context.Context, in *qs.CreateIAMPolicyAssignmentRequest) (*qs.CreateIAMPolicyAssignmentResponse, error) {
	if err := checkIdentities(in.AwsAccountId, in.Namespace, in.Identities); err != nil {
		return nil, err
	}
	now := store.Micros(s.now())
	a := assignment{
		Account: in.AwsAccountId, Name: in.AssignmentName, Namespace: in.Namespace, ID: uuid.NewString(),
		Status: string(in.AssignmentStatus), PolicyARN: in.PolicyArn, CreatedUS: now, UpdatedUS: now,
	}
	out := &qs.CreateIAMPolicyAssignmentResponse{
		AssignmentName: &a.Name, AssignmentId: &a.ID, AssignmentStatus: &in.AssignmentStatus, PolicyArn: a.PolicyARN,
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace); err != nil {
			return err
		}
		if err := s.mustHavePolicy(tx, a.Account, a.PolicyARN); err != nil {
			return err
		}
		err := store.Insert(tx, "iam_policy_assignments", a)
		if store.Duplicate(err) {
			return fault.Exists(fault.IAMPolicyAssignment, "AWS account ID: %s, Assignment name: %s already exists. ", a.Account, a.Name)
		}
		if err != nil {
			return err
		}
		api.Result(ctx, &qs.CreateIAMPolicyAssignmentResponse{AssignmentId: &a.ID})
		if err := assignTo(tx, a, in.Identities); err != nil {
			return err
		}
		out.Identities, err = identities(tx, a)
		return err
	})
	return out, err
}
