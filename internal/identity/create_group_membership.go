package identity

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) creatingMembership(ctx context.Context, in *qs.CreateGroupMembershipRequest) policy.Target {
	return onMembership(ctx, in.AwsAccountId, in.Namespace, in.GroupName, in.MemberName)
}

// createGroupMembership puts a user into a group. One who is in it stays in it,
// now by the will of an administrator.
func (s *Service) createGroupMembership(ctx context.Context, in *qs.CreateGroupMembershipRequest) (*qs.CreateGroupMembershipResponse, error) {
	out := &qs.CreateGroupMembershipResponse{}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		tenant, err := s.enterToChange(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		if _, err := findGroup(tx, in.AwsAccountId, in.Namespace, in.GroupName); err != nil {
			return err
		}
		if _, err := find(tx, in.AwsAccountId, in.Namespace, in.MemberName); err != nil {
			return err
		}
		_, err = tx.Exec(`INSERT INTO group_members (account, namespace, group_name, user_name, created_us) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (account, namespace, group_name, user_name) DO UPDATE SET given_by = NULL WHERE group_members.given_by IS NOT NULL`, in.AwsAccountId, in.Namespace, in.GroupName, in.MemberName, store.Micros(s.now()))
		out.GroupMember = new(member(tenant.Region, in.AwsAccountId, in.Namespace, in.MemberName))
		return err
	})
	return out, err
}
