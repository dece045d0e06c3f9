package identity

import (
	"context"
	"fmt"
	"strings"

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
		if err := mustBeUnused(tx, p); err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM custom_permissions WHERE account = $1 AND name = $2`, p.Account, p.Name); err != nil {
			return err
		}
		out.Arn = new(profileARN(region, p.Account, p.Name))
		return s.tags.Delete(tx, *out.Arn)
	})
	return out, err
}

// mustBeUnused answers ConflictException for a profile that somebody has, and
// says by how many of what.
func mustBeUnused(tx *store.Tx, p profile) error {
	used, err := store.One[struct {
		Users    int64 `db:"users"`
		Roles    int64 `db:"roles"`
		Accounts int64 `db:"accounts"`
	}](tx, `SELECT
		(SELECT COUNT(*) FROM users WHERE account = $1 AND custom_permissions = $2) AS users,
		(SELECT COUNT(*) FROM role_custom_permissions WHERE account = $1 AND profile = $2) AS roles,
		(SELECT COUNT(*) FROM account_custom_permissions WHERE account = $1 AND profile = $2) AS accounts`, p.Account, p.Name)
	if err != nil || used.Users+used.Roles+used.Accounts == 0 {
		return err
	}
	var by []string
	for _, u := range []struct {
		n         int64
		one, many string
	}{{used.Users, "1 user", "users"}, {used.Roles, "1 role", "roles"}, {used.Accounts, "the account", "accounts"}} {
		switch {
		case u.n == 1:
			by = append(by, u.one)
		case u.n > 1:
			by = append(by, fmt.Sprintf("%d %s", u.n, u.many))
		}
	}
	list := by[len(by)-1]
	if len(by) > 1 {
		list = strings.Join(by[:len(by)-1], ", ") + " and " + list
	}
	return fault.Conflict("Custom permissions %s can't be deleted: they are applied to %s. AWS account ID: %s. ", p.Name, list, p.Account)
}
