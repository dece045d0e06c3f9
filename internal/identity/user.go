package identity

import (
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"fmt"
	"strings"

	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// user is a row of the table users.
type user struct {
	Account           string  `db:"account"`
	Namespace         string  `db:"namespace"`
	Name              string  `db:"name"`
	PrincipalID       string  `db:"principal_id"`
	Email             string  `db:"email"`
	Role              string  `db:"role"`
	IdentityType      string  `db:"identity_type"`
	Active            bool    `db:"active"`
	IAMARN            *string `db:"iam_arn"`
	SessionName       *string `db:"session_name"`
	CustomPermissions *string `db:"custom_permissions"`
	LoginType         *string `db:"login_type"`
	LoginURL          *string `db:"login_url"`
	LoginID           *string `db:"login_id"`
	CreatedUS         int64   `db:"created_us"`
	LastSignInUS      *int64  `db:"last_sign_in_us"`
	DeactivatedUS     *int64  `db:"deactivated_us"`
	DirectoryID       *string `db:"directory_id"`
}

const userColumns = `account, namespace, name, principal_id, email, role, identity_type, active, iam_arn, session_name,
	custom_permissions, login_type, login_url, login_id, created_us, last_sign_in_us,
	deactivated_us, directory_id`

// mayAct tells whether the user can sign in and be used: not while an invitation
// waits, nor once an administrator has deactivated the user.
func (u *user) mayAct() bool { return u.Active && u.DeactivatedUS == nil }

// api gives the user as the API shows it. region is the account's identity region.
func (u *user) api(region string) qs.User {
	role, kind, active := qs.UserRole(u.Role), qs.IdentityType(u.IdentityType), u.mayAct()
	return qs.User{
		Arn: new(userARN(region, u.Account, u.Namespace, u.Name)), UserName: &u.Name, Email: &u.Email,
		Role: &role, IdentityType: &kind, Active: &active, PrincipalId: &u.PrincipalID,
		CustomPermissionsName: u.CustomPermissions, ExternalLoginFederationProviderType: u.LoginType,
		ExternalLoginFederationProviderUrl: u.LoginURL, ExternalLoginId: u.LoginID,
	}
}

// iamName is the name of the user who belongs to an IAM principal: the name of
// an IAM user or role without its path, and for a role, / and the session name.
// ok is false for anything that is not an IAM user, role or root.
func iamName(iamARN string, session *string) (name string, isRole, ok bool) {
	a, err := arn.Parse(iamARN)
	if err != nil || a.Service != "iam" || a.Region != "" || !arn.IsAccount(a.Account) {
		return "", false, false
	}
	if a.Resource == "root" {
		return a.Account, false, true
	}
	kind, path, found := strings.Cut(a.Resource, "/")
	name = path[strings.LastIndexByte(path, '/')+1:]
	if !found || name == "" || kind != "user" && kind != "role" {
		return "", false, false
	}
	if kind == "role" && session != nil {
		name += "/" + *session
	}
	return name, kind == "role", true
}

// iamPrincipalID forms the principal id of an IAM identity: federated/iam/ and
// the unique id that IAM gives its user, or its role with the session.
func (s *Service) iamPrincipalID(tx *store.Tx, iamARN string, session *string) (string, error) {
	a, err := arn.Parse(iamARN)
	if err != nil {
		return "", err // iamName has accepted it
	}
	if a.Resource == "root" {
		return "federated/iam/" + a.Account, nil
	}
	kind, path := a.Split()
	id, err := s.entities.PrincipalID(tx, a.Account, kind, path[strings.LastIndexByte(path, '/')+1:])
	switch {
	case errors.Is(err, store.ErrNotFound) && kind == "role":
		id = uniqueID("AROA", iamARN)
	case errors.Is(err, store.ErrNotFound):
		id = uniqueID("AIDA", iamARN)
	case err != nil:
		return "", err
	}
	if kind == "role" {
		id += ":" + *session
	}
	return "federated/iam/" + id, nil
}

// uniqueID derives a unique id for a principal that IAM does not have here: the
// prefix of its kind and seventeen characters, always the same for one ARN.
func uniqueID(prefix, iamARN string) string {
	sum := sha256.Sum256([]byte(iamARN))
	return prefix + base32.StdEncoding.EncodeToString(sum[:])[:17]
}

// tail is how the service ends its sentences about a call in a namespace, with
// the space at the end.
func tail(account, namespace string) string {
	return fmt.Sprintf("AWS account ID: %s, Namespace: %s. ", account, namespace)
}

// badIdentifiers is the service's answer to an IamArn or a UserName that is
// missing or of the wrong form.
func badIdentifiers() error {
	return fault.Invalid("Invalid resource identifiers provided. Please check the documentation. ")
}

func notApplicable(account, namespace, what string) error {
	return fault.Invalid("The following parameters are not applicable to this identity type: %s. %s", what, tail(account, namespace))
}
