package identity

import (
	"context"

	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) deletingProfile(ctx context.Context, in *qs.DeleteCustomPermissionsRequest) policy.Target {
	return onProfile(ctx, in.AwsAccountId, in.CustomPermissionsName)
}

// deleteCustomPermissions deletes a profile that nobody has: without it, its
// users could do more.
func (s *Service) deleteCustomPermissions(ctx context.Context, in *qs.DeleteCustomPermissionsRequest) (*qs.DeleteCustomPermissionsResponse, error) {
	out := &qs.DeleteCustomPermissionsResponse{}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		region, err := s.accounts.Open(ctx, tx, in.AwsAccountId)
		if err != nil {
			return err
		}
		p, err := findProfile(tx, in.AwsAccountId, in.CustomPermissionsName)
		if err != nil {
			return err
		}
		users, err := store.One[int64](tx, `SELECT COUNT(*) FROM users WHERE account = $1 AND custom_permissions = $2`, p.Account, p.Name)
		if err != nil {
			return err
		}
		if users > 0 {
			return fault.Conflict("Custom permissions %s can't be deleted: %d users have them. AWS account ID: %s. ", p.Name, users, p.Account)
		}
		if _, err := tx.Exec(`DELETE FROM custom_permissions WHERE account = $1 AND name = $2`, p.Account, p.Name); err != nil {
			return err
		}
		out.Arn = new(profileARN(region, p.Account, p.Name))
		return s.tags.Delete(tx, *out.Arn)
	})
	return out, err
}
