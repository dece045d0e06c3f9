package governance

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) describingPolicy(ctx context.Context, in *qs.DescribeApprovalPolicyRequest) policy.Target {
	return on(ctx, approvals, api.Caller(ctx).Account, in.PolicyId)
}

func (s *Service) describeApprovalPolicy(ctx context.Context, in *qs.DescribeApprovalPolicyRequest) (*qs.DescribeApprovalPolicyResponse, error) {
	account := api.Caller(ctx).Account
	out := &qs.DescribeApprovalPolicyResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, account); err != nil {
			return err
		}
		it, err := approvals.Get(tx, key(ctx, account, in.PolicyId))
		if err != nil {
			return err
		}
		out.Policy = shownPolicy(it)
		return nil
	})
	return out, err
}
