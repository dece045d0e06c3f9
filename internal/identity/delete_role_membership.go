package identity

import (
	"context"

	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) deletingRoleMembership(_ context.Context, in *qs.DeleteRoleMembershipRequest) policy.Target {
	return onMapping(in.MemberName)
}

// deleteRoleMembership takes a role away from the members of a group.
func (s *Service) deleteRoleMembership(ctx context.Context, in *qs.DeleteRoleMembershipRequest) (*qs.DeleteRoleMembershipResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.enterMapping(ctx, tx, in.AwsAccountId, in.Namespace); err != nil {
			return err
		}
		n, err := tx.Exec(`DELETE FROM role_memberships WHERE account = $1 AND namespace = $2 AND role = $3 AND member = $4`,
			in.AwsAccountId, in.Namespace, string(in.Role), in.MemberName)
		if err == nil && n == 0 {
			return fault.NotFound(fault.Group, "AWS account id: %s, Namespace: %s, Role: %s, Member name: %s. ",
				in.AwsAccountId, in.Namespace, in.Role, in.MemberName)
		}
		if err != nil {
			return err
		}
		return s.tellRoles(tx, in.AwsAccountId, in.Namespace, in.MemberName)
	})
	return &qs.DeleteRoleMembershipResponse{}, err
}
