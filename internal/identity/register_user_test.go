package identity_test

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

const userARN = "arn:aws:quicksight:us-east-1:111122223333:user/default/"

// person is a registration of a user with a password; change makes it another.
func person(name string, change func(*qs.RegisterUserRequest)) qs.RegisterUserRequest {
	in := qs.RegisterUserRequest{
		AwsAccountId: testkit.Account, Namespace: "default", UserName: &name, Email: "someone@example.org",
		IdentityType: qs.IdentityTypeQuicksight, UserRole: qs.UserRoleReader,
	}
	if change != nil {
		change(&in)
	}
	return in
}

// principal is a registration of an IAM principal.
func principal(arn string, session *string) qs.RegisterUserRequest {
	return person("", func(in *qs.RegisterUserRequest) {
		in.IdentityType, in.UserName, in.IamArn, in.SessionName = qs.IdentityTypeIAM, nil, &arn, session
	})
}

func describe(t *testing.T, srv *testkit.Server, name string) (*qs.User, error) {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.DescribeUser, qs.DescribeUserRequest{AwsAccountId: testkit.Account, Namespace: "default", UserName: name})
	if err != nil {
		return nil, err
	}
	return out.User, nil
}

func TestRegisterUser(t *testing.T) {
	tests := []struct {
		name      string
		in        qs.RegisterUserRequest
		userName  string
		principal string // regular expression
		invited   bool
	}{
		{"password", person("ana", nil), "ana", `user/d-[0-9a-f]{10}/[0-9a-f-]{36}`, true},
		{"odd name", person("a/b @+%2F%2F é..", nil), "a/b @+%2F%2F é..", `user/d-[0-9a-f]{10}/[0-9a-f-]{36}`, true},
		{"two dots", person("..", nil), "..", `user/d-[0-9a-f]{10}/[0-9a-f-]{36}`, true},
		{"IAM user", principal("arn:aws:iam::111122223333:user/division/bob", nil), "bob", `federated/iam/AIDA[A-Z2-7]{17}`, false},
		{"IAM role", principal("arn:aws:iam::111122223333:role/service-role/Bi", new("carla@example.org")), "Bi/carla@example.org", `federated/iam/AROA[A-Z2-7]{17}:carla@example\.org`, false},
		{"root of another account", principal("arn:aws:iam::444455556666:root", nil), "444455556666", `federated/iam/444455556666`, false},
		{"identity centre", person("dora", func(in *qs.RegisterUserRequest) { in.IdentityType = qs.IdentityTypeIAMIdentityCenter }), "dora", `user/d-[0-9a-f]{10}/[0-9a-f-]{36}`, false},
	}
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		for _, tt := range tests {
			out, err := testkit.Call(t, srv, qs.RegisterUser, tt.in)
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
				continue
			}
			if *out.User.Active {
				t.Errorf("%s: registered as active", tt.name)
			}
			if got := out.UserInvitationUrl != nil; got != tt.invited {
				t.Errorf("%s: invited %t, want %t", tt.name, got, tt.invited)
			}
			if tt.invited && !regexp.MustCompile(`^https://onsight\.example\.org/inviteuser\?token=[\w-]{43}$`).MatchString(*out.UserInvitationUrl) {
				t.Errorf("%s: invitation %s", tt.name, *out.UserInvitationUrl)
			}
			if !regexp.MustCompile("^" + tt.principal + "$").MatchString(*out.User.PrincipalId) {
				t.Errorf("%s: principal id %s, want %s", tt.name, *out.User.PrincipalId, tt.principal)
			}
			want := &qs.User{
				Arn: new(userARN + tt.userName), UserName: &tt.userName, Email: new("someone@example.org"), Role: new(qs.UserRoleReader),
				IdentityType: &tt.in.IdentityType, Active: new(!tt.invited), PrincipalId: out.User.PrincipalId,
			}
			got, err := describe(t, srv, tt.userName)
			if d := cmp.Diff(want, got); err != nil || d != "" {
				t.Errorf("%s: described (-want +got):\n%s%v", tt.name, d, err)
			}
		}
	})
}

// TestPrincipalsOfIAM names users after the ids that IAM has given.
func TestPrincipalsOfIAM(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana, err := testkit.Call(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "ana", Path: new("/bi/")})
		if err != nil {
			t.Fatal(err)
		}
		out, err := testkit.Call(t, srv, qs.RegisterUser, principal(ana.User.Arn, nil))
		if err != nil {
			t.Fatal(err)
		}
		if got, want := *out.User.PrincipalId, "federated/iam/"+ana.User.UserId; got != want || *out.User.UserName != "ana" {
			t.Errorf("%s has principal id %s, want ana with %s", *out.User.UserName, got, want)
		}
	})
}

func TestRegisterUserRefuses(t *testing.T) {
	const tail = "AWS account ID: 111122223333, Namespace: default. "
	iam := func(change func(*qs.RegisterUserRequest)) qs.RegisterUserRequest {
		in := principal("arn:aws:iam::111122223333:user/zoe", nil)
		change(&in)
		return in
	}
	tests := []struct {
		name    string
		in      qs.RegisterUserRequest
		code    string
		message string // whole, or a part when it begins with …
	}{
		{
			"IAM with a name", iam(func(in *qs.RegisterUserRequest) { in.UserName = new("zoe") }), "InvalidParameterValueException",
			"The following parameters are not applicable to this identity type: User Name. " + tail,
		},
		{
			"IAM without ARN", iam(func(in *qs.RegisterUserRequest) { in.IamArn = nil }), "InvalidParameterValueException",
			"Invalid resource identifiers provided. Please check the documentation. ",
		},
		{
			"session ARN", iam(func(in *qs.RegisterUserRequest) { in.IamArn = new("arn:aws:sts::111122223333:assumed-role/r/s") }), "InvalidParameterValueException",
			"Invalid resource identifiers provided. Please check the documentation. ",
		},
		{
			"no ARN", iam(func(in *qs.RegisterUserRequest) { in.IamArn = new("zoe") }), "InvalidParameterValueException",
			"Invalid resource identifiers provided. Please check the documentation. ",
		},
		{
			"group ARN", iam(func(in *qs.RegisterUserRequest) { in.IamArn = new("arn:aws:iam::111122223333:group/g") }), "InvalidParameterValueException",
			"Invalid resource identifiers provided. Please check the documentation. ",
		},
		{
			"role without session", iam(func(in *qs.RegisterUserRequest) { in.IamArn = new("arn:aws:iam::111122223333:role/r") }), "InvalidParameterValueException",
			"The following parameters are required for this identity type: Session Name. " + tail,
		},
		{
			"user with session", iam(func(in *qs.RegisterUserRequest) { in.SessionName = new("se") }), "InvalidParameterValueException",
			"The following parameters are not applicable to this identity type: Session Name. " + tail,
		},
		{"session with a comma", iam(func(in *qs.RegisterUserRequest) {
			in.IamArn, in.SessionName = new("arn:aws:iam::111122223333:role/r"), new("a,b")
		}), "ValidationException", "…sessionName"},
		{
			"password without name", person("", func(in *qs.RegisterUserRequest) { in.UserName = nil }), "InvalidParameterValueException",
			"Invalid resource identifiers provided. Please check the documentation. ",
		},
		{
			"password with ARN", person("zoe", func(in *qs.RegisterUserRequest) { in.IamArn = new("arn:aws:iam::111122223333:user/zoe") }), "InvalidParameterValueException",
			"The following parameters are not applicable to this identity type: IAM ARN. " + tail,
		},
		{"endless name", person(strings.Repeat("é", 1025), nil), "InvalidParameterValueException", "…1025 characters"},
		{"restricted role", person("zoe", func(in *qs.RegisterUserRequest) { in.UserRole = qs.UserRoleRestrictedReader }), "InvalidParameterValueException", "…RESTRICTED_READER"},
		{"unknown role", person("zoe", func(in *qs.RegisterUserRequest) { in.UserRole = "BOSS" }), "ValidationException", "…userRole"},
		{"unknown profile", person("zoe", func(in *qs.RegisterUserRequest) { in.CustomPermissionsName = new("absent") }), "ResourceNotFoundException", "…absent"},
		{"empty e-mail", person("zoe", func(in *qs.RegisterUserRequest) { in.Email = "" }), "InvalidParameterValueException", "…Email must not be empty"},
		{
			"unknown namespace", person("zoe", func(in *qs.RegisterUserRequest) { in.Namespace = "absent" }), "ResourceNotFoundException",
			"Account 111122223333 is not signed up with QuickSight with namespace absent. AWS account ID: 111122223333, Namespace: absent.",
		},
		{"external login of a password user", person("zoe", func(in *qs.RegisterUserRequest) { in.ExternalLoginFederationProviderType = new("COGNITO") }), "InvalidParameterValueException", "…External Login"},
		{"Cognito with URL", iam(func(in *qs.RegisterUserRequest) {
			in.ExternalLoginFederationProviderType, in.CustomFederationProviderUrl = new("COGNITO"), new("https://idp.example.org")
		}), "InvalidParameterValueException", "…not applicable"},
		{"OIDC without URL", iam(func(in *qs.RegisterUserRequest) { in.ExternalLoginFederationProviderType = new("CUSTOM_OIDC") }), "InvalidParameterValueException", "…needs a CustomFederationProviderUrl"},
		{"OIDC without https", iam(func(in *qs.RegisterUserRequest) {
			in.ExternalLoginFederationProviderType, in.CustomFederationProviderUrl = new("CUSTOM_OIDC"), new("http://idp.example.org")
		}), "InvalidParameterValueException", "…https"},
		{"URL without type", iam(func(in *qs.RegisterUserRequest) { in.CustomFederationProviderUrl = new("https://idp.example.org") }), "InvalidParameterValueException", "…CUSTOM_OIDC"},
		{"login NONE", iam(func(in *qs.RegisterUserRequest) { in.ExternalLoginFederationProviderType = new("NONE") }), "InvalidParameterValueException", "…UpdateUser only"},
		{"unknown login", iam(func(in *qs.RegisterUserRequest) { in.ExternalLoginFederationProviderType = new("SAML") }), "InvalidParameterValueException", "…SAML"},
	}
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		_, err := testkit.Call(t, srv, qs.RegisterUser, person("zoe", nil))
		if f := fault.Of(err); f == nil || f.Code != "ResourceNotFoundException" {
			t.Errorf("before the sign-up: %v, want ResourceNotFoundException", err)
		}
		srv.Subscribe(t)
		for _, tt := range tests {
			_, err := testkit.Call(t, srv, qs.RegisterUser, tt.in)
			f := fault.Of(err)
			if f == nil || f.Code != tt.code {
				t.Errorf("%s: %v, want %s", tt.name, err, tt.code)
				continue
			}
			if part, ok := strings.CutPrefix(tt.message, "…"); ok && !strings.Contains(f.Message, part) || !ok && f.Message != tt.message {
				t.Errorf("%s: message %q, want %q", tt.name, f.Message, tt.message)
			}
		}
		out, err := testkit.Call(t, srv, qs.ListUsers, qs.ListUsersRequest{AwsAccountId: testkit.Account, Namespace: "default"})
		if err != nil || len(out.UserList) != 1 {
			t.Errorf("refused registrations left users: %+v, %v", out, err)
		}
		if _, err := testkit.Call(t, srv, qs.RegisterUser, person("zoe", nil)); err != nil {
			t.Fatal(err)
		}
		_, err = testkit.Call(t, srv, qs.RegisterUser, person("zoe", nil))
		if f := fault.Of(err); f == nil || f.Code != "ResourceExistsException" || f.ResourceType != "USER" || !strings.Contains(f.Message, "already exists") {
			t.Errorf("second time: %v, want ResourceExistsException of a USER", err)
		}
		// Names that differ in nothing but case are different names.
		if _, err := testkit.Call(t, srv, qs.RegisterUser, person("Zoe", nil)); err != nil {
			t.Errorf("other case: %v", err)
		}
		_, err = testkit.Call(t, srv.In("us-west-2"), qs.RegisterUser, person("yan", nil))
		want := "Operation is being called from endpoint us-west-2, but your identity region is us-east-1. Please use the us-east-1 endpoint."
		if f := fault.Of(err); f == nil || f.Status != 401 || f.Message != want {
			t.Errorf("wrong region: %v, want 401 %s", err, want)
		}
	})
}

func TestIdentityTypesOfAuthenticationMethods(t *testing.T) {
	tests := []struct {
		method  qs.AuthenticationMethodOption
		in      qs.RegisterUserRequest
		code    string
		message string
	}{
		{qs.AuthenticationMethodOptionIAMOnly, person("eve", nil), "InvalidParameterValueException", "IAM_ONLY"},
		{qs.AuthenticationMethodOptionIAMOnly, principal("arn:aws:iam::111122223333:user/eve", nil), "", ""},
		{qs.AuthenticationMethodOptionIAMIdentityCenter, person("eve", nil), "AccessDeniedException", "Operation is disabled for identities managed by IAM Identity Center"},
		{qs.AuthenticationMethodOptionActiveDirectory, person("eve", nil), "AccessDeniedException", "Operation is disabled for identities managed by Active Directory"},
	}
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		for i, tt := range tests {
			mine := srv.As(t, fmt.Sprintf("3333%08d", i))
			in := qs.CreateAccountSubscriptionRequest{
				AwsAccountId: mine.Account, AccountName: fmt.Sprintf("corp-%d", i), NotificationEmail: "a@example.org", AuthenticationMethod: tt.method,
			}
			if tt.method != qs.AuthenticationMethodOptionIAMOnly {
				in.AdminGroup, in.ActiveDirectoryName, in.Realm = []string{"admins"}, new("corp"), new("CORP")
			}
			if _, err := testkit.Call(t, mine, qs.CreateAccountSubscription, in); err != nil {
				t.Fatal(err)
			}
			tt.in.AwsAccountId = mine.Account
			_, err := testkit.Call(t, mine, qs.RegisterUser, tt.in)
			code := ""
			if f := fault.Of(err); f != nil {
				code = f.Code
			}
			if code != tt.code || err != nil && !strings.Contains(err.Error(), tt.message) {
				t.Errorf("%s, %s: %v, want %s %s", tt.method, tt.in.IdentityType, err, tt.code, tt.message)
			}
		}
	})
}

func TestOneRegistrationWins(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		errs := make([]error, 32)
		var wg sync.WaitGroup
		for i := range errs {
			wg.Go(func() { _, errs[i] = testkit.Call(t, srv, qs.RegisterUser, person(fmt.Sprintf("p%d", i/4), nil)) })
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			if err == nil {
				won++
			} else if f := fault.Of(err); f.Code != "ResourceExistsException" {
				t.Errorf("a registration that lost: %v", err)
			}
		}
		if won != len(errs)/4 {
			t.Errorf("%d registrations won, want %d", won, len(errs)/4)
		}
	})
}
