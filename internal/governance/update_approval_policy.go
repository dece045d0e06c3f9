package governance

import (
	"context"
	"slices"

	"onsight/internal/api"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

func (s *Service) updatingPolicy(ctx context.Context, in *qs.UpdateApprovalPolicyRequest) policy.Target {
	return on(ctx, approvals, api.Caller(ctx).Account, in.PolicyId)
}

// updateApprovalPolicy changes what is given; lists are replaced as a whole.
func (s *Service) updateApprovalPolicy(ctx context.Context, in *qs.UpdateApprovalPolicyRequest) (*qs.UpdateApprovalPolicyResponse, error) {
	account := api.Caller(ctx).Account
	var groups []string
	if in.ApplicableTo != nil {
		var err error
		if groups, err = groupsOf(in.ApplicableTo); err != nil {
			return nil, err
		}
	}
	out := &qs.UpdateApprovalPolicyResponse{}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, account); err != nil {
			return err
		}
		it, err := approvals.Update(tx, key(ctx, account, in.PolicyId), s.now(), func(it *resource.Item[approval]) error {
			before := slices.Concat(it.Doc.For, it.Doc.By)
			if in.Name != nil {
				it.Name = *in.Name
			}
			if in.Description != nil {
				it.Doc.Description = in.Description
			}
			if in.Actions != nil {
				it.Doc.Actions = in.Actions
			}
			if in.AssetTypes != nil {
				it.Doc.Assets = in.AssetTypes
			}
			if in.ApplicableTo != nil {
				it.Doc.Scope, it.Doc.For = in.ApplicableTo.Type, groups
			}
			if in.ApprovalGroups != nil {
				it.Doc.By = in.ApprovalGroups
			}
			return s.check(tx, account, it.Doc, before)
		})
		if err != nil {
			return err
		}
		out.Policy = shownPolicy(it)
		return nil
	})
	if err != nil {
		return nil, err
	}
	note(ctx, out.Policy.PolicyArn)
	return out, nil
}
