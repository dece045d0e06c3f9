package identity

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) describingAssignment(ctx context.Context, in *qs.DescribeIAMPolicyAssignmentRequest) policy.Target {
	return onAssignment(ctx, in.AwsAccountId, in.AssignmentName)
}

func (s *Service) describeIAMPolicyAssignment(ctx context.Context, in *qs.DescribeIAMPolicyAssignmentRequest) (*qs.DescribeIAMPolicyAssignmentResponse, error) {
	out := &qs.DescribeIAMPolicyAssignmentResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		if _, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace); err != nil {
			return err
		}
		a, err := findAssignment(tx, in.AwsAccountId, in.Namespace, in.AssignmentName)
		if err != nil {
			return err
		}
		out.IAMPolicyAssignment = &qs.IAMPolicyAssignment{
			AwsAccountId: &a.Account, AssignmentId: &a.ID, AssignmentName: &a.Name, AssignmentStatus: new(qs.AssignmentStatus(a.Status)), PolicyArn: a.PolicyARN,
		}
		out.IAMPolicyAssignment.Identities, err = identities(tx, a)
		return err
	})
	return out, err
}
