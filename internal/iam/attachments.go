package iam

import (
	"context"
	"strings"

	"onsight/internal/api"
	"onsight/internal/iamapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) attachmentRoutes() []api.Route {
	return []api.Route{
		api.Handle(iamapi.AttachUserPolicy, s.attachingToUser, s.attachUserPolicy),
		api.Handle(iamapi.AttachGroupPolicy, s.attachingToGroup, s.attachGroupPolicy),
		api.Handle(iamapi.AttachRolePolicy, s.attachingToRole, s.attachRolePolicy),
		api.Handle(iamapi.DetachUserPolicy, s.detachingFromUser, s.detachUserPolicy),
		api.Handle(iamapi.DetachGroupPolicy, s.detachingFromGroup, s.detachGroupPolicy),
		api.Handle(iamapi.DetachRolePolicy, s.detachingFromRole, s.detachRolePolicy),
		api.Handle(iamapi.ListAttachedUserPolicies, s.listingAttachedToUser, s.listAttachedUserPolicies),
		api.Handle(iamapi.ListAttachedGroupPolicies, s.listingAttachedToGroup, s.listAttachedGroupPolicies),
		api.Handle(iamapi.ListAttachedRolePolicies, s.listingAttachedToRole, s.listAttachedRolePolicies),
		api.Handle(iamapi.ListEntitiesForPolicy, s.listingEntities, s.listEntitiesForPolicy),
	}
}

// policyKey is the condition key iam:PolicyARN: which policies may be attached
// and detached.
func policyKey(policyARN string) policy.Keys { return policy.Keys{"iam:policyarn": {policyARN}} }

func (s *Service) attachingToUser(ctx context.Context, in *iamapi.AttachUserPolicyRequest) policy.Target {
	return s.onBoundedUser(ctx, in.UserName, policyKey(in.PolicyArn))
}

func (s *Service) attachUserPolicy(ctx context.Context, in *iamapi.AttachUserPolicyRequest) (*iamapi.AttachUserPolicyResponse, error) {
	return &iamapi.AttachUserPolicyResponse{}, s.attach(ctx, ofUser, in.UserName, in.PolicyArn)
}

func (s *Service) attachingToGroup(ctx context.Context, in *iamapi.AttachGroupPolicyRequest) policy.Target {
	return s.onGroup(ctx, in.GroupName, policyKey(in.PolicyArn))
}

func (s *Service) attachGroupPolicy(ctx context.Context, in *iamapi.AttachGroupPolicyRequest) (*iamapi.AttachGroupPolicyResponse, error) {
	return &iamapi.AttachGroupPolicyResponse{}, s.attach(ctx, ofGroup, in.GroupName, in.PolicyArn)
}

func (s *Service) attachingToRole(ctx context.Context, in *iamapi.AttachRolePolicyRequest) policy.Target {
	return s.onBoundedRole(ctx, in.RoleName, policyKey(in.PolicyArn))
}

func (s *Service) attachRolePolicy(ctx context.Context, in *iamapi.AttachRolePolicyRequest) (*iamapi.AttachRolePolicyResponse, error) {
	return &iamapi.AttachRolePolicyResponse{}, s.attach(ctx, ofRole, in.RoleName, in.PolicyArn)
}

// attach attaches a managed policy to a user, group or role. One that is
// attached already stays so.
func (s *Service) attach(ctx context.Context, kind holderKind, name, policyARN string) error {
	if err := checkPolicyARN(policyARN); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		h, err := s.holderOf(tx, account(ctx), kind, name)
		if err != nil {
			return err
		}
		p, err := s.attachable(tx, h.account, policyARN)
		if err != nil {
			return err
		}
		rows, err := tx.Exec(`INSERT INTO iam_attachments (owner, policy_arn, account) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING`,
			h.id, p.ARN, h.account)
		if err != nil || rows == 0 {
			return err
		}
		n, err := store.One[int64](tx, `SELECT COUNT(*) FROM iam_attachments WHERE owner = $1`, h.id)
		if err != nil {
			return err
		}
		if n > int64(s.quotas.AttachedPolicies) {
			return limitExceeded("%s: %d", kind.quota, s.quotas.AttachedPolicies)
		}
		return s.changed(tx, h.account)
	})
}

func (s *Service) detachingFromUser(ctx context.Context, in *iamapi.DetachUserPolicyRequest) policy.Target {
	return s.onBoundedUser(ctx, in.UserName, policyKey(in.PolicyArn))
}

func (s *Service) detachUserPolicy(ctx context.Context, in *iamapi.DetachUserPolicyRequest) (*iamapi.DetachUserPolicyResponse, error) {
	return &iamapi.DetachUserPolicyResponse{}, s.detach(ctx, ofUser, in.UserName, in.PolicyArn)
}

func (s *Service) detachingFromGroup(ctx context.Context, in *iamapi.DetachGroupPolicyRequest) policy.Target {
	return s.onGroup(ctx, in.GroupName, policyKey(in.PolicyArn))
}

func (s *Service) detachGroupPolicy(ctx context.Context, in *iamapi.DetachGroupPolicyRequest) (*iamapi.DetachGroupPolicyResponse, error) {
	return &iamapi.DetachGroupPolicyResponse{}, s.detach(ctx, ofGroup, in.GroupName, in.PolicyArn)
}

func (s *Service) detachingFromRole(ctx context.Context, in *iamapi.DetachRolePolicyRequest) policy.Target {
	return s.onBoundedRole(ctx, in.RoleName, policyKey(in.PolicyArn))
}

func (s *Service) detachRolePolicy(ctx context.Context, in *iamapi.DetachRolePolicyRequest) (*iamapi.DetachRolePolicyResponse, error) {
	return &iamapi.DetachRolePolicyResponse{}, s.detach(ctx, ofRole, in.RoleName, in.PolicyArn)
}

// detach detaches a managed policy from a user, group or role.
func (s *Service) detach(ctx context.Context, kind holderKind, name, policyARN string) error {
	if err := checkPolicyARN(policyARN); err != nil {
		return err
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		h, err := s.holderOf(tx, account(ctx), kind, name)
		if err != nil {
			return err
		}
		rows, err := tx.Exec(`DELETE FROM iam_attachments WHERE owner = $1 AND policy_arn = $2`, h.id, policyARN)
		if err != nil {
			return err
		}
		if rows == 0 {
			return noSuchEntity("Policy %s was not found.", policyARN)
		}
		return s.changed(tx, h.account)
	})
}

func (s *Service) listingAttachedToUser(ctx context.Context, in *iamapi.ListAttachedUserPoliciesRequest) policy.Target {
	return s.onUser(ctx, in.UserName)
}

func (s *Service) listAttachedUserPolicies(ctx context.Context, in *iamapi.ListAttachedUserPoliciesRequest) (*iamapi.ListAttachedUserPoliciesResponse, error) {
	out, err := s.listAttached(ctx, ofUser, in.UserName, in.PathPrefix, in.Marker, in.MaxItems)
	return (*iamapi.ListAttachedUserPoliciesResponse)(out), err
}

func (s *Service) listingAttachedToGroup(ctx context.Context, in *iamapi.ListAttachedGroupPoliciesRequest) policy.Target {
	return s.onGroup(ctx, in.GroupName)
}

func (s *Service) listAttachedGroupPolicies(ctx context.Context, in *iamapi.ListAttachedGroupPoliciesRequest) (*iamapi.ListAttachedGroupPoliciesResponse, error) {
	out, err := s.listAttached(ctx, ofGroup, in.GroupName, in.PathPrefix, in.Marker, in.MaxItems)
	return (*iamapi.ListAttachedGroupPoliciesResponse)(out), err
}

func (s *Service) listingAttachedToRole(ctx context.Context, in *iamapi.ListAttachedRolePoliciesRequest) policy.Target {
	return s.onRole(ctx, in.RoleName)
}

func (s *Service) listAttachedRolePolicies(ctx context.Context, in *iamapi.ListAttachedRolePoliciesRequest) (*iamapi.ListAttachedRolePoliciesResponse, error) {
	out, err := s.listAttached(ctx, ofRole, in.RoleName, in.PathPrefix, in.Marker, in.MaxItems)
	return (*iamapi.ListAttachedRolePoliciesResponse)(out), err
}

// attachedPolicies are the members that the three lists answer with.
type attachedPolicies struct {
	AttachedPolicies []iamapi.AttachedPolicy
	IsTruncated      *bool
	Marker           *string
}

// listAttached lists the managed policies of a user, group or role by their
// ARNs, those of AWS last.
func (s *Service) listAttached(ctx context.Context, kind holderKind, name string, pathPrefix, marker *string, maxItems *int32) (*attachedPolicies, error) {
	l, err := s.listing(marker, maxItems, "ListAttachedPolicies", account(ctx), kind.name, nameKey(name), value(pathPrefix))
	if err != nil {
		return nil, err
	}
	var arns []string
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		h, err := s.holderOf(tx, account(ctx), kind, name)
		if err != nil {
			return err
		}
		// There are at most a few: those of other paths are left out here.
		arns, err = store.All[string](tx, `SELECT policy_arn FROM iam_attachments WHERE owner = $1 AND policy_arn > $2 ORDER BY policy_arn`, h.id, l.after())
		return err
	})
	if err != nil {
		return nil, err
	}
	var read []iamapi.AttachedPolicy
	for _, a := range arns {
		if strings.HasPrefix(pathOfPolicy(a), value(pathPrefix)) {
			read = append(read, attached(a))
		}
	}
	out := &attachedPolicies{}
	read, out.IsTruncated, out.Marker = cut(l, read, func(a *iamapi.AttachedPolicy) []string { return []string{*a.PolicyArn} })
	out.AttachedPolicies = append([]iamapi.AttachedPolicy{}, read...)
	return out, nil
}

// attached is an attached policy as IAM shows it.
func attached(policyARN string) iamapi.AttachedPolicy {
	return iamapi.AttachedPolicy{PolicyArn: &policyARN, PolicyName: new(lastSegment(policyARN))}
}

func (s *Service) listingEntities(ctx context.Context, in *iamapi.ListEntitiesForPolicyRequest) policy.Target {
	return s.onPolicy(ctx, in.PolicyArn)
}

// entity is a user, group or role that uses a policy.
type entity struct {
	Kind    string `db:"kind"`
	NameKey string `db:"name_key"`
	Name    string `db:"name"`
	ID      string `db:"id"`
}

// listEntitiesForPolicy lists who has a managed policy, attached or as
// permissions boundary: groups, then roles, then users, each by their names.
func (s *Service) listEntitiesForPolicy(ctx context.Context, in *iamapi.ListEntitiesForPolicyRequest) (*iamapi.ListEntitiesForPolicyResponse, error) {
	if err := checkPolicyARN(in.PolicyArn); err != nil {
		return nil, err
	}
	kind, use := value(in.EntityFilter), value(in.PolicyUsageFilter)
	l, err := s.listing(in.Marker, in.MaxItems, "ListEntitiesForPolicy", account(ctx), in.PolicyArn, string(kind), string(use), value(in.PathPrefix))
	if err != nil {
		return nil, err
	}
	var afterKind, afterName string
	if len(l.key) == 2 {
		afterKind, afterName = l.key[0], l.key[1]
	}
	from, to := pathRange(in.PathPrefix)
	var read []entity
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		if _, err := s.attachable(tx, account(ctx), in.PolicyArn); err != nil {
			return err
		}
		var err error
		read, err = store.All[entity](tx, `SELECT kind, name_key, name, id FROM (
				SELECT 'group' AS kind, g.name_key, g.name, g.id, g.path FROM iam_attachments a JOIN iam_groups g ON g.id = a.owner
					WHERE a.account = $1 AND a.policy_arn = $2 AND $3 = 1
				UNION SELECT 'role', r.name_key, r.name, r.id, r.path FROM iam_attachments a JOIN iam_roles r ON r.id = a.owner
					WHERE a.account = $1 AND a.policy_arn = $2 AND $3 = 1
				UNION SELECT 'user', u.name_key, u.name, u.id, u.path FROM iam_attachments a JOIN iam_users u ON u.id = a.owner
					WHERE a.account = $1 AND a.policy_arn = $2 AND $3 = 1
				UNION SELECT 'role', name_key, name, id, path FROM iam_roles WHERE account = $1 AND boundary = $2 AND $4 = 1
				UNION SELECT 'user', name_key, name, id, path FROM iam_users WHERE account = $1 AND boundary = $2 AND $4 = 1
			) AS e
			WHERE (kind, name_key) > ($5, $6) AND ($7 = '' OR kind = $7) AND path >= $8 AND path < $9
			ORDER BY kind, name_key LIMIT $10`,
			account(ctx), in.PolicyArn, flag(use != iamapi.PolicyUsageTypePermissionsBoundary), flag(use != iamapi.PolicyUsageTypePermissionsPolicy),
			afterKind, afterName, strings.ToLower(string(kind)), from, to, l.rows())
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &iamapi.ListEntitiesForPolicyResponse{
		PolicyGroups: []iamapi.PolicyGroup{}, PolicyRoles: []iamapi.PolicyRole{}, PolicyUsers: []iamapi.PolicyUser{},
	}
	read, out.IsTruncated, out.Marker = cut(l, read, func(e *entity) []string { return []string{e.Kind, e.NameKey} })
	for i := range read {
		switch e := &read[i]; e.Kind {
		case ofGroup.name:
			out.PolicyGroups = append(out.PolicyGroups, iamapi.PolicyGroup{GroupId: &e.ID, GroupName: &e.Name})
		case ofRole.name:
			out.PolicyRoles = append(out.PolicyRoles, iamapi.PolicyRole{RoleId: &e.ID, RoleName: &e.Name})
		default:
			out.PolicyUsers = append(out.PolicyUsers, iamapi.PolicyUser{UserId: &e.ID, UserName: &e.Name})
		}
	}
	return out, nil
}
