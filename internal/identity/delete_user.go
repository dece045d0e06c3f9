package identity

import (
	"context"
	"errors"

	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) deleting(ctx context.Context, in *qs.DeleteUserRequest) policy.Target {
	return onUser(ctx, in.AwsAccountId, in.Namespace, in.UserName)
}

// deleteUser removes the user of the name, whoever asks.
func (s *Service) deleteUser(ctx context.Context, in *qs.DeleteUserRequest) (*qs.DeleteUserResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		tenant, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		u, err := find(tx, in.AwsAccountId, in.Namespace, in.UserName)
		if err != nil {
			return err
		}
		return s.remove(tx, tenant, u)
	})
	return &qs.DeleteUserResponse{}, err
}

// deletingByPrincipalID cannot know the name yet: a policy must allow it for
// the users of the namespace.
func (s *Service) deletingByPrincipalID(ctx context.Context, in *qs.DeleteUserByPrincipalIdRequest) policy.Target {
	return onUser(ctx, in.AwsAccountId, in.Namespace, "*")
}

func (s *Service) deleteUserByPrincipalID(ctx context.Context, in *qs.DeleteUserByPrincipalIdRequest) (*qs.DeleteUserByPrincipalIdResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		tenant, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		u, err := store.One[user](tx, `SELECT `+userColumns+` FROM users
			WHERE account = $1 AND namespace = $2 AND principal_id = $3 ORDER BY name LIMIT 1`,
			in.AwsAccountId, in.Namespace, in.PrincipalId)
		if errors.Is(err, store.ErrNotFound) {
			return fault.NotFound(fault.User, "AWS account id: %s, Namespace: %s, Principal Id: %s. ", in.AwsAccountId, in.Namespace, in.PrincipalId)
		}
		if err != nil {
			return err
		}
		return s.remove(tx, tenant, u)
	})
	return &qs.DeleteUserByPrincipalIdResponse{}, err
}

// remove deletes a user with what hangs on it. What the user owned stays.
func (s *Service) remove(tx *store.Tx, tenant Tenant, u user) error {
	for _, deletion := range []string{
		`DELETE FROM iam_policy_assignees WHERE account = $1 AND namespace = $2 AND kind = 'user' AND name = $3`,
		`DELETE FROM group_members WHERE account = $1 AND namespace = $2 AND user_name = $3`,
		`DELETE FROM invitations WHERE account = $1 AND namespace = $2 AND user_name = $3`,
		`DELETE FROM self_upgrades WHERE account = $1 AND namespace = $2 AND user_name = $3`,
		`DELETE FROM users WHERE account = $1 AND namespace = $2 AND name = $3`,
	} {
		if _, err := tx.Exec(deletion, u.Account, u.Namespace, u.Name); err != nil {
			return err
		}
	}
	return s.leave(tx, userARN(tenant.Region, u.Account, u.Namespace, u.Name))
}
