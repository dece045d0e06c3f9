package identity

import (
	"errors"
	"fmt"

	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// Registered tells what RegisterUser would find for a request: the name that
// the user gets, whether there is such a user already, and what about it is not
// as the request asks; empty for nothing. A request from which no name follows
// finds nothing: RegisterUser has to say what is wrong with it.
func (s *Service) Registered(tx *store.Tx, in *qs.RegisterUserRequest) (name string, exists bool, difference string, err error) {
	name = value(in.UserName)
	if in.IdentityType == qs.IdentityTypeIAM {
		name, _, _ = iamName(value(in.IamArn), in.SessionName)
	}
	if name == "" {
		return "", false, "", nil
	}
	u, err := find(tx, in.AwsAccountId, in.Namespace, name)
	if f, ok := errors.AsType[*fault.Fault](err); ok && f.Code == "ResourceNotFoundException" {
		return name, false, "", nil
	}
	if err != nil {
		return name, false, "", err
	}
	return name, true, u.differs(in), nil
}

// differs tells what about a user is not as a request asks; empty for nothing.
func (u *user) differs(in *qs.RegisterUserRequest) string {
	for _, c := range []struct {
		what, has, want string
		asked           bool
	}{
		{"IdentityType", u.IdentityType, string(in.IdentityType), true},
		{"IamArn", value(u.IAMARN), value(in.IamArn), true},
		{"Email", u.Email, in.Email, true},
		{"UserRole", u.Role, string(in.UserRole), true},
		{"CustomPermissionsName", value(u.CustomPermissions), value(in.CustomPermissionsName), in.CustomPermissionsName != nil},
		{"ExternalLoginId", value(u.LoginID), value(in.ExternalLoginId), in.ExternalLoginId != nil},
	} {
		if c.asked && c.has != c.want {
			return fmt.Sprintf("its %s is %q, not %q", c.what, c.has, c.want)
		}
	}
	if u.DeactivatedUS != nil {
		return "it is deactivated"
	}
	return ""
}

// Reinvite gives a user who was invited, and has not answered, another
// invitation; the one before can't be answered any more. For anyone else the
// URL is empty.
func (s *Service) Reinvite(tx *store.Tx, account, namespace, name string) (url string, err error) {
	u, err := find(tx, account, namespace, name)
	if err != nil || u.Active || u.signsIn() != string(qs.IdentityTypeQuicksight) {
		return "", err
	}
	_, err = tx.Exec(`DELETE FROM invitations WHERE account = $1 AND namespace = $2 AND user_name = $3`, account, namespace, name)
	if err != nil {
		return "", err
	}
	return s.invite(tx, u)
}
