package identity

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) describingMembership(ctx context.Context, in *qs.DescribeGroupMembershipRequest) policy.Target {
	return onMembership(ctx, in.AwsAccountId, in.Namespace, in.GroupName, in.MemberName)
}

func (s *Service) describeGroupMembership(ctx context.Context, in *qs.DescribeGroupMembershipRequest) (*qs.DescribeGroupMembershipResponse, error) {
	out := &qs.DescribeGroupMembershipResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		tenant, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		if _, err := findGroup(tx, in.AwsAccountId, in.Namespace, in.GroupName); err != nil {
			return err
		}
		ok, err := isMember(tx, in.AwsAccountId, in.Namespace, in.GroupName, in.MemberName)
		if err == nil && !ok {
			err = noMember(in.AwsAccountId, in.Namespace, in.GroupName, in.MemberName)
		}
		out.GroupMember = new(member(tenant.Region, in.AwsAccountId, in.Namespace, in.MemberName))
		return err
	})
	return out, err
}
