package governance

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// creatingPolicy: the paths of approval policies hold no account; it is the
// caller's.
func (s *Service) creatingPolicy(ctx context.Context, in *qs.CreateApprovalPolicyRequest) policy.Target {
	return on(ctx, approvals, api.Caller(ctx).Account, in.PolicyId)
}

// createApprovalPolicy declares no ResourceExistsException: an id that is taken
// is a conflict.
func (s *Service) createApprovalPolicy(ctx context.Context, in *qs.CreateApprovalPolicyRequest) (*qs.CreateApprovalPolicyResponse, error) {
	account := api.Caller(ctx).Account
	groups, err := groupsOf(in.ApplicableTo)
	if err != nil {
		return nil, err
	}
	out := &qs.CreateApprovalPolicyResponse{}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, account); err != nil {
			return err
		}
		it := &resource.Item[approval]{Key: key(ctx, account, in.PolicyId), Name: in.Name, Doc: approval{
			Description: in.Description, Actions: in.Actions, Assets: in.AssetTypes, Scope: in.ApplicableTo.Type, For: groups, By: in.ApprovalGroups,
		}}
		if err := s.check(tx, account, it.Doc, nil); err != nil {
			return err
		}
		if err := create(tx, approvals, it, maxPolicies, s.now()); err != nil {
			return conflicting(err)
		}
		out.Policy = shownPolicy(it)
		api.Result(ctx, out)
		return nil
	})
	if err != nil {
		return nil, err
	}
	note(ctx, out.Policy.PolicyArn)
	return out, nil
}
