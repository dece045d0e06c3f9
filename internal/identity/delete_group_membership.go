package identity

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) deletingMembership(ctx context.Context, in *qs.DeleteGroupMembershipRequest) policy.Target {
	return onMembership(ctx, in.AwsAccountId, in.Namespace, in.GroupName, in.MemberName)
}

// deleteGroupMembership takes a user out of a group.
func (s *Service) deleteGroupMembership(ctx context.Context, in *qs.DeleteGroupMembershipRequest) (*qs.DeleteGroupMembershipResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := s.enterToChange(ctx, tx, in.AwsAccountId, in.Namespace); err != nil {
			return err
		}
		if _, err := findGroup(tx, in.AwsAccountId, in.Namespace, in.GroupName); err != nil {
			return err
		}
		n, err := tx.Exec(`DELETE FROM group_members WHERE account = $1 AND namespace = $2 AND group_name = $3 AND user_name = $4`,
			in.AwsAccountId, in.Namespace, in.GroupName, in.MemberName)
		if err == nil && n == 0 {
			return noMember(in.AwsAccountId, in.Namespace, in.GroupName, in.MemberName)
		}
		return err
	})
	return &qs.DeleteGroupMembershipResponse{}, err
}
