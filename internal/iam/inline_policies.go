package iam

import (
	"context"
	"errors"

	"onsight/internal/api"
	"onsight/internal/iamapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) inlinePolicyRoutes() []api.Route {
	return []api.Route{
		api.Handle(iamapi.PutUserPolicy, s.puttingUserPolicy, s.putUserPolicy),
		api.Handle(iamapi.PutGroupPolicy, s.puttingGroupPolicy, s.putGroupPolicy),
		api.Handle(iamapi.PutRolePolicy, s.puttingRolePolicy, s.putRolePolicy),
		api.Handle(iamapi.GetUserPolicy, s.gettingUserPolicy, s.getUserPolicy),
		api.Handle(iamapi.GetGroupPolicy, s.gettingGroupPolicy, s.getGroupPolicy),
		api.Handle(iamapi.GetRolePolicy, s.gettingRolePolicy, s.getRolePolicy),
		api.Handle(iamapi.DeleteUserPolicy, s.deletingUserPolicy, s.deleteUserPolicy),
		api.Handle(iamapi.DeleteGroupPolicy, s.deletingGroupPolicy, s.deleteGroupPolicy),
		api.Handle(iamapi.DeleteRolePolicy, s.deletingRolePolicy, s.deleteRolePolicy),
		api.Handle(iamapi.ListUserPolicies, s.listingUserPolicies, s.listUserPolicies),
		api.Handle(iamapi.ListGroupPolicies, s.listingGroupPolicies, s.listGroupPolicies),
		api.Handle(iamapi.ListRolePolicies, s.listingRolePolicies, s.listRolePolicies),
	}
}

func (s *Service) puttingUserPolicy(ctx context.Context, in *iamapi.PutUserPolicyRequest) policy.Target {
	return s.onBoundedUser(ctx, in.UserName)
}

func (s *Service) putUserPolicy(ctx context.Context, in *iamapi.PutUserPolicyRequest) (*iamapi.PutUserPolicyResponse, error) {
	return &iamapi.PutUserPolicyResponse{}, s.putInline(ctx, ofUser, in.UserName, in.PolicyName, in.PolicyDocument)
}

func (s *Service) puttingGroupPolicy(ctx context.Context, in *iamapi.PutGroupPolicyRequest) policy.Target {
	return s.onGroup(ctx, in.GroupName)
}

func (s *Service) putGroupPolicy(ctx context.Context, in *iamapi.PutGroupPolicyRequest) (*iamapi.PutGroupPolicyResponse, error) {
	return &iamapi.PutGroupPolicyResponse{}, s.putInline(ctx, ofGroup, in.GroupName, in.PolicyName, in.PolicyDocument)
}

func (s *Service) puttingRolePolicy(ctx context.Context, in *iamapi.PutRolePolicyRequest) policy.Target {
	return s.onBoundedRole(ctx, in.RoleName)
}

func (s *Service) putRolePolicy(ctx context.Context, in *iamapi.PutRolePolicyRequest) (*iamapi.PutRolePolicyResponse, error) {
	return &iamapi.PutRolePolicyResponse{}, s.putInline(ctx, ofRole, in.RoleName, in.PolicyName, in.PolicyDocument)
}

// putInline gives a user, group or role an inline policy, in place of the one
// of that name if there is one. The quota counts all of its inline policies.
func (s *Service) putInline(ctx context.Context, kind holderKind, name, policyName, document string) error {
	if err := checkDocument(document); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		h, err := s.holderOf(tx, account(ctx), kind, name)
		if err != nil {
			return err
		}
		others, err := store.All[string](tx, `SELECT document FROM iam_inline_policies WHERE owner = $1 AND name <> $2`, h.id, policyName)
		if err != nil {
			return err
		}
		size := policy.Size(document)
		for _, other := range others {
			size += policy.Size(other)
		}
		if size > kind.inline {
			return overLimit("Maximum policy size of %d bytes exceeded for %s %s", kind.inline, kind.name, h.name)
		}
		_, err = tx.Exec(`INSERT INTO iam_inline_policies (owner, name, account, document) VALUES ($1, $2, $3, $4)
			ON CONFLICT (owner, name) DO UPDATE SET document = excluded.document`, h.id, policyName, h.account, document)
		return errors.Join(err, s.changed(tx, h.account))
	})
}

func (s *Service) gettingUserPolicy(ctx context.Context, in *iamapi.GetUserPolicyRequest) policy.Target {
	return s.onUser(ctx, in.UserName)
}

func (s *Service) getUserPolicy(ctx context.Context, in *iamapi.GetUserPolicyRequest) (*iamapi.GetUserPolicyResponse, error) {
	h, document, err := s.inline(ctx, ofUser, in.UserName, in.PolicyName)
	return &iamapi.GetUserPolicyResponse{UserName: h.name, PolicyName: in.PolicyName, PolicyDocument: document}, err
}

func (s *Service) gettingGroupPolicy(ctx context.Context, in *iamapi.GetGroupPolicyRequest) policy.Target {
	return s.onGroup(ctx, in.GroupName)
}

func (s *Service) getGroupPolicy(ctx context.Context, in *iamapi.GetGroupPolicyRequest) (*iamapi.GetGroupPolicyResponse, error) {
	h, document, err := s.inline(ctx, ofGroup, in.GroupName, in.PolicyName)
	return &iamapi.GetGroupPolicyResponse{GroupName: h.name, PolicyName: in.PolicyName, PolicyDocument: document}, err
}

func (s *Service) gettingRolePolicy(ctx context.Context, in *iamapi.GetRolePolicyRequest) policy.Target {
	return s.onRole(ctx, in.RoleName)
}

func (s *Service) getRolePolicy(ctx context.Context, in *iamapi.GetRolePolicyRequest) (*iamapi.GetRolePolicyResponse, error) {
	h, document, err := s.inline(ctx, ofRole, in.RoleName, in.PolicyName)
	return &iamapi.GetRolePolicyResponse{RoleName: h.name, PolicyName: in.PolicyName, PolicyDocument: document}, err
}

// inline reads an inline policy: who has it, and the document as it is shown.
func (s *Service) inline(ctx context.Context, kind holderKind, name, policyName string) (h holder, document string, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		if h, err = s.holderOf(tx, account(ctx), kind, name); err != nil {
			return err
		}
		document, err = store.One[string](tx, `SELECT document FROM iam_inline_policies WHERE owner = $1 AND name = $2`, h.id, policyName)
		if errors.Is(err, store.ErrNotFound) {
			return noInline(kind, policyName)
		}
		return err
	})
	return h, *encoded(document), err
}

func noInline(kind holderKind, policyName string) error {
	return noSuchEntity("The %s policy with name %s cannot be found.", kind.name, policyName)
}

func (s *Service) deletingUserPolicy(ctx context.Context, in *iamapi.DeleteUserPolicyRequest) policy.Target {
	return s.onBoundedUser(ctx, in.UserName)
}

func (s *Service) deleteUserPolicy(ctx context.Context, in *iamapi.DeleteUserPolicyRequest) (*iamapi.DeleteUserPolicyResponse, error) {
	return &iamapi.DeleteUserPolicyResponse{}, s.deleteInline(ctx, ofUser, in.UserName, in.PolicyName)
}

func (s *Service) deletingGroupPolicy(ctx context.Context, in *iamapi.DeleteGroupPolicyRequest) policy.Target {
	return s.onGroup(ctx, in.GroupName)
}

func (s *Service) deleteGroupPolicy(ctx context.Context, in *iamapi.DeleteGroupPolicyRequest) (*iamapi.DeleteGroupPolicyResponse, error) {
	return &iamapi.DeleteGroupPolicyResponse{}, s.deleteInline(ctx, ofGroup, in.GroupName, in.PolicyName)
}

func (s *Service) deletingRolePolicy(ctx context.Context, in *iamapi.DeleteRolePolicyRequest) policy.Target {
	return s.onBoundedRole(ctx, in.RoleName)
}

func (s *Service) deleteRolePolicy(ctx context.Context, in *iamapi.DeleteRolePolicyRequest) (*iamapi.DeleteRolePolicyResponse, error) {
	return &iamapi.DeleteRolePolicyResponse{}, s.deleteInline(ctx, ofRole, in.RoleName, in.PolicyName)
}

// deleteInline takes an inline policy away from a user, group or role.
func (s *Service) deleteInline(ctx context.Context, kind holderKind, name, policyName string) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		h, err := s.holderOf(tx, account(ctx), kind, name)
		if err != nil {
			return err
		}
		rows, err := tx.Exec(`DELETE FROM iam_inline_policies WHERE owner = $1 AND name = $2`, h.id, policyName)
		if err != nil {
			return err
		}
		if rows == 0 {
			return noInline(kind, policyName)
		}
		return s.changed(tx, h.account)
	})
}

func (s *Service) listingUserPolicies(ctx context.Context, in *iamapi.ListUserPoliciesRequest) policy.Target {
	return s.onUser(ctx, in.UserName)
}

func (s *Service) listUserPolicies(ctx context.Context, in *iamapi.ListUserPoliciesRequest) (*iamapi.ListUserPoliciesResponse, error) {
	out, err := s.listInline(ctx, ofUser, in.UserName, in.Marker, in.MaxItems)
	return (*iamapi.ListUserPoliciesResponse)(out), err
}

func (s *Service) listingGroupPolicies(ctx context.Context, in *iamapi.ListGroupPoliciesRequest) policy.Target {
	return s.onGroup(ctx, in.GroupName)
}

func (s *Service) listGroupPolicies(ctx context.Context, in *iamapi.ListGroupPoliciesRequest) (*iamapi.ListGroupPoliciesResponse, error) {
	out, err := s.listInline(ctx, ofGroup, in.GroupName, in.Marker, in.MaxItems)
	return (*iamapi.ListGroupPoliciesResponse)(out), err
}

func (s *Service) listingRolePolicies(ctx context.Context, in *iamapi.ListRolePoliciesRequest) policy.Target {
	return s.onRole(ctx, in.RoleName)
}

func (s *Service) listRolePolicies(ctx context.Context, in *iamapi.ListRolePoliciesRequest) (*iamapi.ListRolePoliciesResponse, error) {
	out, err := s.listInline(ctx, ofRole, in.RoleName, in.Marker, in.MaxItems)
	return (*iamapi.ListRolePoliciesResponse)(out), err
}

// inlinePolicies are the members that the three lists answer with.
type inlinePolicies struct {
	IsTruncated *bool
	Marker      *string
	PolicyNames []string
}

// listInline lists the names of the inline policies of a user, group or role.
func (s *Service) listInline(ctx context.Context, kind holderKind, name string, marker *string, maxItems *int32) (*inlinePolicies, error) {
	l, err := s.listing(marker, maxItems, "ListInlinePolicies", account(ctx), kind.name, nameKey(name))
	if err != nil {
		return nil, err
	}
	var read []string
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		h, err := s.holderOf(tx, account(ctx), kind, name)
		if err != nil {
			return err
		}
		read, err = store.All[string](tx, `SELECT name FROM iam_inline_policies WHERE owner = $1 AND name > $2 ORDER BY name LIMIT $3`,
			h.id, l.after(), l.rows())
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &inlinePolicies{}
	read, out.IsTruncated, out.Marker = cut(l, read, func(name *string) []string { return []string{*name} })
	out.PolicyNames = append([]string{}, read...)
	return out, nil
}
