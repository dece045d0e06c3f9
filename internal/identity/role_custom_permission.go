package identity

import (
	"context"
	"errors"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// onAny is the target of operations that no resource is named for.
func onAny[In any](context.Context, *In) policy.Target { return policy.Target{Resource: "*"} }

// updateRoleCustomPermission gives a profile to all who have a role and no
// profile of their own, in place of any other.
func (s *Service) updateRoleCustomPermission(ctx context.Context, in *qs.UpdateRoleCustomPermissionRequest) (*qs.UpdateRoleCustomPermissionResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace); err != nil {
			return err
		}
		if err := mustHaveProfile(tx, in.AwsAccountId, in.CustomPermissionsName); err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO role_custom_permissions (account, namespace, role, profile, created_us) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (account, namespace, role) DO UPDATE SET profile = $4`,
			in.AwsAccountId, in.Namespace, string(in.Role), in.CustomPermissionsName, store.Micros(s.now()))
		return err
	})
	return &qs.UpdateRoleCustomPermissionResponse{}, err
}

// describeRoleCustomPermission names the profile of a role; none where it has none.
func (s *Service) describeRoleCustomPermission(ctx context.Context, in *qs.DescribeRoleCustomPermissionRequest) (*qs.DescribeRoleCustomPermissionResponse, error) {
	out := &qs.DescribeRoleCustomPermissionResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		if _, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace); err != nil {
			return err
		}
		name, err := store.One[string](tx, `SELECT profile FROM role_custom_permissions WHERE account = $1 AND namespace = $2 AND role = $3`,
			in.AwsAccountId, in.Namespace, string(in.Role))
		if errors.Is(err, store.ErrNotFound) {
			return nil
		}
		out.CustomPermissionsName = &name
		return err
	})
	return out, err
}

// deleteRoleCustomPermission takes a role's profile away; one without has none.
func (s *Service) deleteRoleCustomPermission(ctx context.Context, in *qs.DeleteRoleCustomPermissionRequest) (*qs.DeleteRoleCustomPermissionResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace); err != nil {
			return err
		}
		_, err := tx.Exec(`DELETE FROM role_custom_permissions WHERE account = $1 AND namespace = $2 AND role = $3`,
			in.AwsAccountId, in.Namespace, string(in.Role))
		return err
	})
	return &qs.DeleteRoleCustomPermissionResponse{}, err
}
