package identity

import (
	"context"
	"strings"

	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) updating(ctx context.Context, in *qs.UpdateUserRequest) policy.Target {
	return onUser(ctx, in.AwsAccountId, in.Namespace, in.UserName)
}

// updateUser replaces e-mail address and role, and what else is given. Name,
// ARN and principal id never change.
func (s *Service) updateUser(ctx context.Context, in *qs.UpdateUserRequest) (*qs.UpdateUserResponse, error) {
	out := &qs.UpdateUserResponse{}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		tenant, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		u, err := find(tx, in.AwsAccountId, in.Namespace, in.UserName)
		if err != nil {
			return err
		}
		if err := s.change(tx, tenant, &u, in); err != nil {
			return err
		}
		_, err = tx.Exec(`UPDATE users SET email = $4, role = $5, custom_permissions = $6, login_type = $7, login_url = $8, login_id = $9
			WHERE account = $1 AND namespace = $2 AND name = $3`,
			u.Account, u.Namespace, u.Name, u.Email, u.Role, u.CustomPermissions, u.LoginType, u.LoginURL, u.LoginID)
		out.User = new(u.api(tenant.Region))
		return err
	})
	return out, err
}

// change applies a request to a user.
func (s *Service) change(tx *store.Tx, tenant Tenant, u *user, in *qs.UpdateUserRequest) error {
	if in.Email == "" {
		return fault.Invalid("Email must not be empty. %s", tail(u.Account, u.Namespace))
	}
	if err := mayBecome(tenant, u, string(in.Role)); err != nil {
		return err
	}
	u.Email, u.Role = in.Email, string(in.Role)
	unapply := in.UnapplyCustomPermissions != nil && *in.UnapplyCustomPermissions
	switch {
	case unapply && in.CustomPermissionsName != nil:
		return fault.Invalid("CustomPermissionsName and UnapplyCustomPermissions can't be given together. %s", tail(u.Account, u.Namespace))
	case unapply:
		u.CustomPermissions = nil
	case in.CustomPermissionsName != nil:
		if err := mustHaveProfile(tx, u.Account, *in.CustomPermissionsName); err != nil {
			return err
		}
		u.CustomPermissions = in.CustomPermissionsName
	}
	if u.IdentityType != string(qs.IdentityTypeIAM) &&
		(in.ExternalLoginFederationProviderType != nil || in.CustomFederationProviderUrl != nil || in.ExternalLoginId != nil) {
		return notApplicable(u.Account, u.Namespace, "External Login")
	}
	return setLogin(u, in.ExternalLoginFederationProviderType, in.CustomFederationProviderUrl, in.ExternalLoginId, true)
}

// mayBecome checks a change of role. Who may author does not become a reader
// again: the real service asks for a deletion and a new registration.
func mayBecome(tenant Tenant, u *user, role string) error {
	if strings.HasPrefix(role, "RESTRICTED_") {
		return fault.Invalid("Role %s is not available: use READER, READER_PRO, AUTHOR, AUTHOR_PRO, ADMIN or ADMIN_PRO. %s",
			role, tail(u.Account, u.Namespace))
	}
	if role == u.Role {
		return nil
	}
	switch tenant.AuthenticationMethod {
	case "IAM_IDENTITY_CENTER":
		return fault.Denied("Operation is disabled for identities managed by IAM Identity Center")
	case "ACTIVE_DIRECTORY":
		return fault.Denied("Operation is disabled for identities managed by Active Directory")
	}
	if strings.HasPrefix(role, "READER") && !strings.HasPrefix(u.Role, "READER") {
		return fault.Invalid("Downgrading a user from %s to %s is not supported. %s", u.Role, role, tail(u.Account, u.Namespace))
	}
	return nil
}
