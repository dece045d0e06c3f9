package identity

import (
	"context"
	"errors"

	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// updateAccountCustomPermission gives a profile to everyone in the account who
// has none of their own and none by their role, in place of any other.
func (s *Service) updateAccountCustomPermission(
	ctx context.Context, in *qs.UpdateAccountCustomPermissionRequest,
) (*qs.UpdateAccountCustomPermissionResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := s.accounts.Open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		if err := mustHaveProfile(tx, in.AwsAccountId, in.CustomPermissionsName); err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO account_custom_permissions (account, profile, created_us) VALUES ($1, $2, $3)
			ON CONFLICT (account) DO UPDATE SET profile = $2`, in.AwsAccountId, in.CustomPermissionsName, store.Micros(s.now()))
		return err
	})
	return &qs.UpdateAccountCustomPermissionResponse{}, err
}

// describeAccountCustomPermission names the account's profile;
// ResourceNotFoundException where it has none.
func (s *Service) describeAccountCustomPermission(
	ctx context.Context, in *qs.DescribeAccountCustomPermissionRequest,
) (*qs.DescribeAccountCustomPermissionResponse, error) {
	out := &qs.DescribeAccountCustomPermissionResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		if _, err := s.accounts.Open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		name, err := store.One[string](tx, `SELECT profile FROM account_custom_permissions WHERE account = $1`, in.AwsAccountId)
		if errors.Is(err, store.ErrNotFound) {
			return fault.NotFound("", "No custom permissions are applied to the account. AWS account ID: %s. ", in.AwsAccountId)
		}
		out.CustomPermissionsName = &name
		return err
	})
	return out, err
}

// deleteAccountCustomPermission takes the account's profile away; one without
// has none.
func (s *Service) deleteAccountCustomPermission(
	ctx context.Context, in *qs.DeleteAccountCustomPermissionRequest,
) (*qs.DeleteAccountCustomPermissionResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := s.accounts.Open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		_, err := tx.Exec(`DELETE FROM account_custom_permissions WHERE account = $1`, in.AwsAccountId)
		return err
	})
	return &qs.DeleteAccountCustomPermissionResponse{}, err
}
