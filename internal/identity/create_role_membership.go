package identity

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) creatingRoleMembership(_ context.Context, in *qs.CreateRoleMembershipRequest) policy.Target {
	return onMapping(in.MemberName)
}

// createRoleMembership gives the members of a directory's group a role. Which
// groups there are, the directory knows alone.
func (s *Service) createRoleMembership(ctx context.Context, in *qs.CreateRoleMembershipRequest) (*qs.CreateRoleMembershipResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.enterMapping(ctx, tx, in.AwsAccountId, in.Namespace); err != nil {
			return err
		}
		if err := s.GrantRole(tx, in.AwsAccountId, in.Namespace, string(in.Role), []string{in.MemberName}); err != nil {
			return err
		}
		return s.tellRoles(tx, in.AwsAccountId, in.Namespace, in.MemberName)
	})
	return &qs.CreateRoleMembershipResponse{}, err
}
