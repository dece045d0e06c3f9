package governance

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) deletingPolicy(ctx context.Context, in *qs.DeleteApprovalPolicyRequest) policy.Target {
	return on(ctx, approvals, api.Caller(ctx).Account, in.PolicyId)
}

func (s *Service) deleteApprovalPolicy(ctx context.Context, in *qs.DeleteApprovalPolicyRequest) (*qs.DeleteApprovalPolicyResponse, error) {
	account := api.Caller(ctx).Account
	k := key(ctx, account, in.PolicyId)
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, account); err != nil {
			return err
		}
		_, err := approvals.Delete(tx, k)
		return err
	})
	if err != nil {
		return nil, err
	}
	note(ctx, approvals.ARN(k))
	return &qs.DeleteApprovalPolicyResponse{}, nil
}
