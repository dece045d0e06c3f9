package identity

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) assigningProfile(ctx context.Context, in *qs.UpdateUserCustomPermissionRequest) policy.Target {
	return onUser(ctx, in.AwsAccountId, in.Namespace, in.UserName)
}

// updateUserCustomPermission gives a user a profile in place of any other.
func (s *Service) updateUserCustomPermission(ctx context.Context, in *qs.UpdateUserCustomPermissionRequest) (*qs.UpdateUserCustomPermissionResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.assign(ctx, tx, in.AwsAccountId, in.Namespace, in.UserName, &in.CustomPermissionsName); err != nil {
			return err
		}
		return mustHaveProfile(tx, in.AwsAccountId, in.CustomPermissionsName)
	})
	return &qs.UpdateUserCustomPermissionResponse{}, err
}

func (s *Service) removingProfile(ctx context.Context, in *qs.DeleteUserCustomPermissionRequest) policy.Target {
	return onUser(ctx, in.AwsAccountId, in.Namespace, in.UserName)
}

// deleteUserCustomPermission takes a user's profile away; one without has none.
func (s *Service) deleteUserCustomPermission(ctx context.Context, in *qs.DeleteUserCustomPermissionRequest) (*qs.DeleteUserCustomPermissionResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		return s.assign(ctx, tx, in.AwsAccountId, in.Namespace, in.UserName, nil)
	})
	return &qs.DeleteUserCustomPermissionResponse{}, err
}

func (s *Service) assign(ctx context.Context, tx *store.Tx, account, namespace, name string, profile *string) error {
	if _, err := s.accounts.Enter(ctx, tx, account, namespace); err != nil {
		return err
	}
	n, err := tx.Exec(`UPDATE users SET custom_permissions = $4 WHERE account = $1 AND namespace = $2 AND name = $3`,
		account, namespace, name, profile)
	if err == nil && n == 0 {
		return noUser(account, namespace, name)
	}
	return err
}
