package account_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/config"
	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

func signup(change func(*qs.CreateAccountSubscriptionRequest)) qs.CreateAccountSubscriptionRequest {
	in := qs.CreateAccountSubscriptionRequest{
		AwsAccountId: testkit.Account, AccountName: "Example-Corp", NotificationEmail: "admin@example.org",
		AuthenticationMethod: qs.AuthenticationMethodOptionIAMAndQuicksight, Edition: new(qs.EditionEnterprise),
	}
	if change != nil {
		change(&in)
	}
	return in
}

func TestSubscriptionLife(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		describe := func() (*qs.AccountInfo, error) {
			out, err := testkit.Call(t, srv, qs.DescribeAccountSubscription, qs.DescribeAccountSubscriptionRequest{AwsAccountId: testkit.Account})
			if err != nil {
				return nil, err
			}
			return out.AccountInfo, nil
		}
		if _, err := describe(); fault.Of(err).Code != "ResourceNotFoundException" {
			t.Errorf("before the sign-up: %v, want ResourceNotFoundException", err)
		}
		out, err := testkit.Call(t, srv, qs.CreateAccountSubscription, signup(nil))
		if err != nil {
			t.Fatal(err)
		}
		want := &qs.SignupResponse{IAMUser: new(true), UserLoginName: new("root"), AccountName: new("Example-Corp")}
		if d := cmp.Diff(want, out.SignupResponse); d != "" {
			t.Errorf("SignupResponse (-want +got):\n%s", d)
		}
		// From any region, and in the words of the recorded sample.
		info, err := testkit.Call(t, srv.In("eu-west-1"), qs.DescribeAccountSubscription, qs.DescribeAccountSubscriptionRequest{AwsAccountId: testkit.Account})
		if err != nil {
			t.Fatal(err)
		}
		wantInfo := &qs.AccountInfo{
			AccountName: new("Example-Corp"), Edition: new(qs.EditionEnterprise), NotificationEmail: new("admin@example.org"),
			AuthenticationType: new("IDENTITY_POOL"), AccountSubscriptionStatus: new("ACCOUNT_CREATED"),
		}
		if d := cmp.Diff(wantInfo, info.AccountInfo); d != "" {
			t.Errorf("AccountInfo (-want +got):\n%s", d)
		}
		// The one who signed up is the first administrator.
		users, err := testkit.Call(t, srv, qs.ListUsers, qs.ListUsersRequest{AwsAccountId: testkit.Account, Namespace: "default"})
		if err != nil {
			t.Fatal(err)
		}
		if len(users.UserList) != 1 || *users.UserList[0].Role != qs.UserRoleAdmin || *users.UserList[0].PrincipalId != "federated/iam/"+testkit.Account {
			t.Errorf("users after the sign-up: %+v, want the one administrator", users.UserList)
		}
		if _, err := testkit.Call(t, srv, qs.CreateAccountSubscription, signup(nil)); fault.Of(err).Code != "ResourceExistsException" {
			t.Errorf("second sign-up: %v, want ResourceExistsException", err)
		}
		// Protected at first.
		del := qs.DeleteAccountSubscriptionRequest{AwsAccountId: testkit.Account}
		if _, err := testkit.Call(t, srv, qs.DeleteAccountSubscription, del); fault.Of(err).Code != "PreconditionNotMetException" {
			t.Errorf("delete under protection: %v, want PreconditionNotMetException", err)
		}
		_, err = testkit.Call(t, srv, qs.UpdateAccountSettings, qs.UpdateAccountSettingsRequest{
			AwsAccountId: testkit.Account, DefaultNamespace: "default", TerminationProtectionEnabled: new(false),
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := testkit.Call(t, srv.In("eu-west-1"), qs.DeleteAccountSubscription, del); fault.Of(err).Code != "AccessDeniedException" {
			t.Errorf("delete in another region: %v, want AccessDeniedException", err)
		}
		if _, err := testkit.Call(t, srv, qs.DeleteAccountSubscription, del); err != nil {
			t.Fatal(err)
		}
		// A client that waits for the end reads this, with the name.
		gone, err := describe()
		if err != nil || *gone.AccountSubscriptionStatus != "UNSUBSCRIBED" || *gone.AccountName != "Example-Corp" {
			t.Errorf("after the end: %+v, %v; want UNSUBSCRIBED", gone, err)
		}
		if _, err := testkit.Call(t, srv, qs.DeleteAccountSubscription, del); fault.Of(err).Code != "ResourceNotFoundException" {
			t.Errorf("second delete: %v, want ResourceNotFoundException", err)
		}
		_, err = testkit.Call(t, srv, qs.ListUsers, qs.ListUsersRequest{AwsAccountId: testkit.Account, Namespace: "default"})
		wantText := "Account 111122223333 is not signed up with QuickSight with namespace default. AWS account ID: 111122223333, Namespace: default."
		if f := fault.Of(err); f == nil || f.Message != wantText {
			t.Errorf("users after the end: %v, want %s", err, wantText)
		}
		// Back again, with another method, name and region; nobody is left of before.
		again := signup(func(in *qs.CreateAccountSubscriptionRequest) { in.AccountName = "second-life" })
		if _, err := testkit.Call(t, srv.In("eu-west-1"), qs.CreateAccountSubscription, again); err != nil {
			t.Fatal(err)
		}
		users, err = testkit.Call(t, srv.In("eu-west-1"), qs.ListUsers, qs.ListUsersRequest{AwsAccountId: testkit.Account, Namespace: "default"})
		if err != nil || len(users.UserList) != 1 {
			t.Errorf("users after coming back: %+v, %v; want one", users, err)
		}
	})
}

func TestSignupRules(t *testing.T) {
	group := []string{"bi-admins"}
	tests := []struct {
		name    string
		change  func(*qs.CreateAccountSubscriptionRequest)
		code    string // "" for success
		message string // part of it
	}{
		{"edition left out", func(in *qs.CreateAccountSubscriptionRequest) { in.Edition = nil }, "", ""},
		{"standard", func(in *qs.CreateAccountSubscriptionRequest) { in.Edition = new(qs.EditionStandard) }, "InvalidParameterValueException", "STANDARD"},
		{"Q without contact", func(in *qs.CreateAccountSubscriptionRequest) {
			in.Edition, in.FirstName = new(qs.EditionEnterpriseAndQ), new("Ana")
		}, "InvalidParameterValueException", "LastName, EmailAddress, ContactNumber"},
		{"Q with a short number", func(in *qs.CreateAccountSubscriptionRequest) {
			in.Edition, in.FirstName, in.LastName = new(qs.EditionEnterpriseAndQ), new("Ana"), new("Roe")
			in.EmailAddress, in.ContactNumber = new("ana@example.org"), new("12345")
		}, "InvalidParameterValueException", "ten digits"},
		{"Q", func(in *qs.CreateAccountSubscriptionRequest) {
			in.Edition, in.FirstName, in.LastName = new(qs.EditionEnterpriseAndQ), new("Ana"), new("Roe")
			in.EmailAddress, in.ContactNumber = new("ana@example.org"), new("5551234567")
		}, "", ""},
		{"IAM only", func(in *qs.CreateAccountSubscriptionRequest) {
			in.AuthenticationMethod = qs.AuthenticationMethodOptionIAMOnly
		}, "", ""},
		{"groups without a directory", func(in *qs.CreateAccountSubscriptionRequest) { in.ReaderGroup = group }, "InvalidParameterValueException", "Groups have a role only"},
		{"directory without names", func(in *qs.CreateAccountSubscriptionRequest) {
			in.AuthenticationMethod = qs.AuthenticationMethodOptionActiveDirectory
		}, "InvalidParameterValueException", "ActiveDirectoryName, Realm, Admin or Admin Pro group"},
		{"directory without administrators", func(in *qs.CreateAccountSubscriptionRequest) {
			in.AuthenticationMethod = qs.AuthenticationMethodOptionActiveDirectory
			in.ActiveDirectoryName, in.Realm, in.ReaderGroup = new("corp"), new("CORP.EXAMPLE.ORG"), group
		}, "InvalidParameterValueException", "Admin or Admin Pro group"},
		{"directory", func(in *qs.CreateAccountSubscriptionRequest) {
			in.AuthenticationMethod = qs.AuthenticationMethodOptionActiveDirectory
			in.ActiveDirectoryName, in.Realm, in.AdminProGroup = new("corp"), new("CORP.EXAMPLE.ORG"), group
		}, "", ""},
		{"identity centre without administrators", func(in *qs.CreateAccountSubscriptionRequest) {
			in.AuthenticationMethod = qs.AuthenticationMethodOptionIAMIdentityCenter
		}, "InvalidParameterValueException", "One or more required attributes for identity center are missing: Admin or Admin Pro group."},
		{"identity centre", func(in *qs.CreateAccountSubscriptionRequest) {
			in.AuthenticationMethod, in.AdminGroup = qs.AuthenticationMethodOptionIAMIdentityCenter, group
			in.IAMIdentityCenterInstanceArn = new("arn:aws:sso:::instance/ssoins-1234567890abcdef")
		}, "", ""},
		{"reserved name", func(in *qs.CreateAccountSubscriptionRequest) { in.AccountName = "d-12345" }, "ValidationException", "accountName"},
	}
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		for i, tt := range tests {
			mine := srv.As(t, fmt.Sprintf("2222%08d", i))
			in := signup(func(in *qs.CreateAccountSubscriptionRequest) {
				in.AwsAccountId, in.AccountName = mine.Account, fmt.Sprintf("corp-%d", i)
				tt.change(in)
			})
			_, err := testkit.Call(t, mine, qs.CreateAccountSubscription, in)
			code := ""
			if f := fault.Of(err); f != nil {
				code = f.Code
			}
			if code != tt.code || err != nil && !strings.Contains(err.Error(), tt.message) {
				t.Errorf("%s: %v, want %s … %s", tt.name, err, tt.code, tt.message)
			}
			out, err := testkit.Call(t, mine, qs.DescribeAccountSubscription, qs.DescribeAccountSubscriptionRequest{AwsAccountId: mine.Account})
			if tt.code != "" && fault.Of(err).Code != "ResourceNotFoundException" {
				t.Errorf("%s: the refused sign-up left something: %v", tt.name, err)
			}
			if tt.code == "" && *out.AccountInfo.AccountSubscriptionStatus != "ACCOUNT_CREATED" {
				t.Errorf("%s: status %s, want ACCOUNT_CREATED", tt.name, *out.AccountInfo.AccountSubscriptionStatus)
			}
		}
	})
}

func TestAccountNamesAreUnique(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		if _, err := testkit.Call(t, srv, qs.CreateAccountSubscription, signup(nil)); err != nil {
			t.Fatal(err)
		}
		other := srv.As(t, "444455556666")
		_, err := testkit.Call(t, other, qs.CreateAccountSubscription, signup(func(in *qs.CreateAccountSubscriptionRequest) {
			in.AwsAccountId, in.AccountName = other.Account, "EXAMPLE-corp"
		}))
		if f := fault.Of(err); f == nil || f.Code != "ResourceExistsException" || !strings.Contains(f.Message, "EXAMPLE-corp is taken") {
			t.Errorf("second account of the name: %v, want ResourceExistsException", err)
		}
	})
}

func TestOneSignupWins(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		var wg sync.WaitGroup
		errs := make([]error, 16)
		for i := range errs {
			wg.Go(func() {
				_, errs[i] = testkit.Call(t, srv, qs.CreateAccountSubscription, signup(nil))
			})
		}
		wg.Wait()
		won := 0
		for _, err := range errs {
			switch f := fault.Of(err); {
			case f == nil:
				won++
			case f.Code != "ResourceExistsException" && f.Code != "ConflictException":
				t.Errorf("a sign-up that lost: %v", err)
			}
		}
		if won != 1 {
			t.Errorf("%d sign-ups won, want 1", won)
		}
	})
}

func TestUpgradeToQ(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		upgrade := signup(func(in *qs.CreateAccountSubscriptionRequest) {
			in.AccountName, in.Edition = "account-"+testkit.Account, new(qs.EditionEnterpriseAndQ)
			in.FirstName, in.LastName, in.EmailAddress, in.ContactNumber = new("Ana"), new("Roe"), new("ana@example.org"), new("5551234567")
		})
		if _, err := testkit.Call(t, srv, qs.CreateAccountSubscription, upgrade); err != nil {
			t.Fatal(err)
		}
		out, err := testkit.Call(t, srv, qs.DescribeAccountSettings, qs.DescribeAccountSettingsRequest{AwsAccountId: testkit.Account})
		if err != nil {
			t.Fatal(err)
		}
		want := &qs.AccountSettings{
			AccountName: new("account-" + testkit.Account), Edition: new(qs.EditionEnterpriseAndQ), DefaultNamespace: new("default"),
			NotificationEmail: new("admin@example.org"), PublicSharingEnabled: new(false), TerminationProtectionEnabled: new(true),
		}
		if d := cmp.Diff(want, out.AccountSettings); d != "" {
			t.Errorf("AccountSettings (-want +got):\n%s", d)
		}
		if _, err := testkit.Call(t, srv, qs.CreateAccountSubscription, upgrade); fault.Of(err).Code != "ResourceExistsException" {
			t.Errorf("second upgrade: %v, want ResourceExistsException", err)
		}
	})
}

func TestSettings(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		update := func(change func(*qs.UpdateAccountSettingsRequest)) error {
			in := qs.UpdateAccountSettingsRequest{AwsAccountId: testkit.Account, DefaultNamespace: "default"}
			change(&in)
			_, err := testkit.Call(t, srv, qs.UpdateAccountSettings, in)
			return err
		}
		if err := update(func(*qs.UpdateAccountSettingsRequest) {}); fault.Of(err).Code != "ResourceNotFoundException" {
			t.Errorf("before the sign-up: %v, want ResourceNotFoundException", err)
		}
		srv.Subscribe(t)
		if err := update(func(in *qs.UpdateAccountSettingsRequest) { in.NotificationEmail = new("ops@example.org") }); err != nil {
			t.Fatal(err)
		}
		if err := update(func(in *qs.UpdateAccountSettingsRequest) { in.DefaultNamespace = "absent" }); fault.Of(err).Code != "ResourceNotFoundException" {
			t.Errorf("unknown namespace: %v, want ResourceNotFoundException", err)
		}
		out, err := testkit.Call(t, srv, qs.DescribeAccountSettings, qs.DescribeAccountSettingsRequest{AwsAccountId: testkit.Account})
		if err != nil {
			t.Fatal(err)
		}
		if s := out.AccountSettings; *s.NotificationEmail != "ops@example.org" || *s.TerminationProtectionEnabled {
			t.Errorf("settings: e-mail %s, protection %t; want ops@example.org, and none where it is not given", *s.NotificationEmail, *s.TerminationProtectionEnabled)
		}
		if err := update(func(in *qs.UpdateAccountSettingsRequest) { in.TerminationProtectionEnabled = new(true) }); err != nil {
			t.Fatal(err)
		}
		out, err = testkit.Call(t, srv, qs.DescribeAccountSettings, qs.DescribeAccountSettingsRequest{AwsAccountId: testkit.Account})
		if err != nil {
			t.Fatal(err)
		}
		if s := out.AccountSettings; *s.NotificationEmail != "ops@example.org" || !*s.TerminationProtectionEnabled {
			t.Errorf("settings: e-mail %s, protection %t; want ops@example.org kept, and the protection", *s.NotificationEmail, *s.TerminationProtectionEnabled)
		}
		_, err = testkit.Call(t, srv.In("us-west-2"), qs.DescribeAccountSettings, qs.DescribeAccountSettingsRequest{AwsAccountId: testkit.Account})
		want := "Operation is being called from endpoint us-west-2, but your identity region is us-east-1. Please use the us-east-1 endpoint."
		if f := fault.Of(err); f == nil || f.Code != "AccessDeniedException" || f.Status != 401 || f.Message != want {
			t.Errorf("wrong region: %v (status %d), want 401 %s", err, f.Status, want)
		}
	})
}

func TestStandardEdition(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		_, err := testkit.Call(t, srv, qs.CreateAccountSubscription, signup(func(in *qs.CreateAccountSubscriptionRequest) { in.Edition = new(qs.EditionStandard) }))
		if err != nil {
			t.Fatal(err)
		}
		out, err := testkit.Call(t, srv, qs.DescribeAccountSubscription, qs.DescribeAccountSubscriptionRequest{AwsAccountId: testkit.Account})
		if err != nil || *out.AccountInfo.Edition != qs.EditionStandard {
			t.Errorf("DescribeAccountSubscription: %+v, %v; want the STANDARD edition", out, err)
		}
		_, err = testkit.Call(t, srv, qs.DescribeAccountSettings, qs.DescribeAccountSettingsRequest{AwsAccountId: testkit.Account})
		if f := fault.Of(err); f == nil || f.Status != 401 || f.Message != "Operation is disabled for STANDARD Edition. " {
			t.Errorf("DescribeAccountSettings: %v", err)
		}
		_, err = testkit.Call(t, srv, qs.ListUsers, qs.ListUsersRequest{AwsAccountId: testkit.Account, Namespace: "default"})
		if f := fault.Of(err); f == nil || f.Message != "Operation is disabled for STANDARD Edition. " {
			t.Errorf("ListUsers: %v", err)
		}
	}, func(c *config.Config) { c.Standard = true })
}

func TestAnotherAccountIsRefused(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		other := srv.As(t, "444455556666")
		_, err := testkit.Call(t, other, qs.DescribeAccountSettings, qs.DescribeAccountSettingsRequest{AwsAccountId: testkit.Account})
		f := fault.Of(err)
		if f == nil || f.Code != "AccessDeniedException" || f.Status != 403 || !strings.HasPrefix(f.Message, "User: arn:aws:iam::444455556666:root is not authorized to perform: quicksight:DescribeAccountSettings on resource: ") {
			t.Errorf("call into another account: %v", err)
		}
	})
}
