package identity

import (
	"context"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/google/uuid"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

func (s *Service) registering(ctx context.Context, in *qs.RegisterUserRequest) policy.Target {
	name := value(in.UserName)
	if in.IdentityType == qs.IdentityTypeIAM {
		name, _, _ = iamName(value(in.IamArn), in.SessionName)
	}
	t := onUser(ctx, in.AwsAccountId, in.Namespace, name)
	t.Context = resource.RequestTags(in.Tags)
	if t.Context == nil {
		t.Context = policy.Keys{}
	}
	if in.IamArn != nil {
		t.Context["quicksight:IamArn"] = []string{*in.IamArn}
	}
	if in.SessionName != nil {
		t.Context["quicksight:SessionName"] = []string{*in.SessionName}
	}
	return t
}

// registerUser adds a user to a namespace. One whose password is kept here
// stays inactive until the invitation is answered.
func (s *Service) registerUser(ctx context.Context, in *qs.RegisterUserRequest) (*qs.RegisterUserResponse, error) {
	var out *qs.RegisterUserResponse
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		tenant, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		u, err := s.newUser(tx, tenant, in)
		if err != nil {
			return err
		}
		if u.CustomPermissions != nil {
			if err := mustHaveProfile(tx, u.Account, *u.CustomPermissions); err != nil {
				return err
			}
		}
		if err := addUser(tx, u); err != nil {
			return err
		}
		shown := u.api(tenant.Region)
		// Recorded answers show Active as false for everyone who has just been
		// registered, and as true from the next read on where no invitation waits.
		shown.Active = new(false)
		out = &qs.RegisterUserResponse{User: &shown}
		// The rest stands in the request.
		api.Result(ctx, &qs.RegisterUserResponse{User: &qs.User{Arn: shown.Arn, PrincipalId: shown.PrincipalId}})
		if len(in.Tags) > 0 {
			if err := s.tags.Put(tx, *shown.Arn, in.Tags); err != nil {
				return err
			}
		}
		if u.IdentityType == string(qs.IdentityTypeQuicksight) {
			url, err := s.invite(tx, u)
			out.UserInvitationUrl = &url
			return err
		}
		return nil
	})
	return out, err
}

func addUser(tx *store.Tx, u user) error {
	err := store.Insert(tx, "users", u)
	if store.Duplicate(err) {
		return fault.Exists(fault.User, "AWS account ID: %s, Namespace: %s, Username: %s already exists. ", u.Account, u.Namespace, u.Name)
	}
	return err
}

// newUser forms the user that a request asks for, or says why there can be none.
func (s *Service) newUser(tx *store.Tx, tenant Tenant, in *qs.RegisterUserRequest) (user, error) {
	if err := admits(tenant, in); err != nil {
		return user{}, err
	}
	if in.Email == "" {
		return user{}, fault.Invalid("Email must not be empty. %s", tail(in.AwsAccountId, in.Namespace))
	}
	if strings.HasPrefix(string(in.UserRole), "RESTRICTED_") {
		return user{}, fault.Invalid("UserRole %s is not available: use READER, READER_PRO, AUTHOR, AUTHOR_PRO, ADMIN or ADMIN_PRO. %s",
			in.UserRole, tail(in.AwsAccountId, in.Namespace))
	}
	u := user{
		Account: in.AwsAccountId, Namespace: in.Namespace, Email: in.Email, Role: string(in.UserRole),
		IdentityType: string(in.IdentityType), Active: true, CustomPermissions: in.CustomPermissionsName,
		CreatedUS: store.Micros(s.now()),
	}
	var err error
	switch in.IdentityType {
	case qs.IdentityTypeIAM:
		err = s.identifyIAM(tx, &u, in)
	default:
		err = identifyByName(&u, in, tenant.DirectoryID)
	}
	if err != nil {
		return user{}, err
	}
	return u, setLogin(&u, in.ExternalLoginFederationProviderType, in.CustomFederationProviderUrl, in.ExternalLoginId, false)
}

// identifyIAM names a user after an IAM user, a role with a session, or root.
func (s *Service) identifyIAM(tx *store.Tx, u *user, in *qs.RegisterUserRequest) error {
	if in.UserName != nil {
		return notApplicable(u.Account, u.Namespace, "User Name")
	}
	name, isRole, ok := iamName(value(in.IamArn), in.SessionName)
	switch {
	case !ok:
		return badIdentifiers()
	case isRole && in.SessionName == nil:
		return fault.Invalid("The following parameters are required for this identity type: Session Name. %s", tail(u.Account, u.Namespace))
	case !isRole && in.SessionName != nil:
		return notApplicable(u.Account, u.Namespace, "Session Name")
	}
	u.Name, u.IAMARN, u.SessionName = name, in.IamArn, in.SessionName
	var err error
	u.PrincipalID, err = s.iamPrincipalID(tx, *in.IamArn, in.SessionName)
	return err
}

// identifyByName names a user as the request does. One with a password waits
// for the invitation; one of an identity centre signs in there.
func identifyByName(u *user, in *qs.RegisterUserRequest, directoryID string) error {
	var extra []string
	if in.IamArn != nil {
		extra = append(extra, "IAM ARN")
	}
	if in.SessionName != nil {
		extra = append(extra, "Session Name")
	}
	if in.ExternalLoginFederationProviderType != nil || in.CustomFederationProviderUrl != nil || in.ExternalLoginId != nil {
		extra = append(extra, "External Login")
	}
	if len(extra) > 0 {
		return notApplicable(u.Account, u.Namespace, strings.Join(extra, ", "))
	}
	if in.UserName == nil {
		return badIdentifiers()
	}
	if n := utf8.RuneCountInString(*in.UserName); n > longestName {
		return fault.Invalid("UserName has %d characters; a name has at most %d. %s", n, longestName, tail(u.Account, u.Namespace))
	}
	// Version 7 orders ids by time, which keeps their index together on disk.
	id, err := uuid.NewV7()
	if err != nil {
		return fmt.Errorf("new principal id: %w", err)
	}
	u.Name = *in.UserName
	u.PrincipalID = "user/" + directoryID + "/" + id.String()
	u.Active = in.IdentityType != qs.IdentityTypeQuicksight
	return nil
}

// longestName is the length of a name with which every later request, which
// has it percent-encoded in its path, is still below the limit of headers.
const longestName = 1024

// admits checks the kind of user against how the account authenticates people.
func admits(tenant Tenant, in *qs.RegisterUserRequest) error {
	switch tenant.AuthenticationMethod {
	case "IAM_IDENTITY_CENTER":
		return fault.Denied("Operation is disabled for identities managed by IAM Identity Center")
	case "ACTIVE_DIRECTORY":
		return fault.Denied("Operation is disabled for identities managed by Active Directory")
	case "IAM_ONLY":
		if in.IdentityType == qs.IdentityTypeQuicksight {
			return fault.Invalid("IdentityType QUICKSIGHT is not available in an account with authentication method IAM_ONLY. %s",
				tail(in.AwsAccountId, in.Namespace))
		}
	}
	return nil
}

// AddSubscriber makes the principal that signed an account up its first
// administrator.
func (s *Service) AddSubscriber(tx *store.Tx, account, namespace, directoryID, email string, who api.Principal) error {
	iamARN, session := who.ARN, (*string)(nil)
	if role, name, ok := roleOfSession(who.ARN); ok {
		iamARN, session = role, &name
	}
	name, _, ok := iamName(iamARN, session)
	if !ok {
		return fmt.Errorf("subscriber %q of account %s is not an IAM principal", who.ARN, account)
	}
	return addUser(tx, user{
		Account: account, Namespace: namespace, Name: name, PrincipalID: "federated/iam/" + who.UserID, Email: email,
		Role: string(qs.UserRoleAdmin), IdentityType: string(qs.IdentityTypeIAM), Active: true,
		IAMARN: &iamARN, SessionName: session, CreatedUS: store.Micros(s.now()),
	})
}

// roleOfSession splits arn:aws:sts::<account>:assumed-role/<role>/<session>.
func roleOfSession(sessionARN string) (roleARN, session string, ok bool) {
	head, rest, ok := strings.Cut(sessionARN, ":assumed-role/")
	role, session, found := strings.Cut(rest, "/")
	if !ok || !found {
		return "", "", false
	}
	return strings.Replace(head, ":sts:", ":iam:", 1) + ":role/" + role, session, true
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
