package identity_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"onsight/internal/iamapi"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store"
	"onsight/internal/testkit"
)

// registered makes an IAM user with a key who may do everything, registers it
// with a role, and gives the server as it sees it.
func registered(t *testing.T, srv *testkit.Server, name string, role qs.UserRole) *testkit.Server {
	t.Helper()
	if _, err := testkit.Call(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: name}); err != nil {
		t.Fatal(err)
	}
	_, err := testkit.Call(t, srv, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{
		UserName: name, PolicyName: "p", PolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`,
	})
	if err != nil {
		t.Fatal(err)
	}
	key, err := testkit.Call(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: &name})
	if err != nil {
		t.Fatal(err)
	}
	in := principal("arn:aws:iam::111122223333:user/"+name, nil)
	in.UserRole = role
	if _, err := testkit.Call(t, srv, qs.RegisterUser, in); err != nil {
		t.Fatal(err)
	}
	return srv.With(key.AccessKey.AccessKeyId, key.AccessKey.SecretAccessKey.Reveal(), "")
}

func request(t *testing.T, as *testkit.Server, role onsightapi.UpgradeRole) (*onsightapi.RequestSelfUpgradeResponse, error) {
	t.Helper()
	return testkit.Call(t, as, onsightapi.RequestSelfUpgrade, onsightapi.RequestSelfUpgradeRequest{
		AwsAccountId: testkit.Account, Namespace: "default", RequestedRole: role, RequestNote: new("for the new dashboards"),
	})
}

func decide(t *testing.T, srv *testkit.Server, id string, action qs.SelfUpgradeAdminAction) (*qs.SelfUpgradeRequestDetail, error) {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.UpdateSelfUpgrade, qs.UpdateSelfUpgradeRequest{
		AwsAccountId: testkit.Account, Namespace: "default", UpgradeRequestId: id, Action: action,
	})
	if err != nil {
		return nil, err
	}
	return out.SelfUpgradeRequestDetail, nil
}

func approval(t *testing.T, srv *testkit.Server, status qs.SelfUpgradeStatus) error {
	t.Helper()
	_, err := testkit.Call(t, srv, qs.UpdateSelfUpgradeConfiguration, qs.UpdateSelfUpgradeConfigurationRequest{
		AwsAccountId: testkit.Account, Namespace: "default", SelfUpgradeStatus: status,
	})
	return err
}

func configured(t *testing.T, srv *testkit.Server) qs.SelfUpgradeStatus {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.DescribeSelfUpgradeConfiguration, qs.DescribeSelfUpgradeConfigurationRequest{AwsAccountId: testkit.Account, Namespace: "default"})
	if err != nil {
		t.Fatal(err)
	}
	return *out.SelfUpgradeConfiguration.SelfUpgradeStatus
}

func hasRole(t *testing.T, srv *testkit.Server, name string, want qs.UserRole) {
	t.Helper()
	if u, err := describe(t, srv, name); err != nil || *u.Role != want {
		t.Errorf("role of %s: %+v, %v; want %s", name, u, err, want)
	}
}

func TestSelfUpgradeConfiguration(t *testing.T) {
	for method, want := range map[qs.AuthenticationMethodOption]qs.SelfUpgradeStatus{
		qs.AuthenticationMethodOptionIAMAndQuicksight:  qs.SelfUpgradeStatusAutoApproval,
		qs.AuthenticationMethodOptionIAMOnly:           qs.SelfUpgradeStatusAutoApproval,
		qs.AuthenticationMethodOptionIAMIdentityCenter: qs.SelfUpgradeStatusAdminApproval,
		qs.AuthenticationMethodOptionActiveDirectory:   qs.SelfUpgradeStatusAdminApproval,
	} {
		t.Run(string(method), func(t *testing.T) {
			testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
				if want == qs.SelfUpgradeStatusAdminApproval {
					subscribeTo(t, srv, method)
				} else if _, err := testkit.Call(t, srv, qs.CreateAccountSubscription, qs.CreateAccountSubscriptionRequest{
					AwsAccountId: srv.Account, AccountName: "own", NotificationEmail: "admin@example.org", AuthenticationMethod: method,
				}); err != nil {
					t.Fatal(err)
				}
				if got := configured(t, srv); got != want {
					t.Errorf("at first %s, want %s", got, want)
				}
				if err := approval(t, srv, qs.SelfUpgradeStatusAdminApproval); err != nil {
					t.Fatal(err)
				}
				if got := configured(t, srv); got != qs.SelfUpgradeStatusAdminApproval {
					t.Errorf("after the change %s", got)
				}
				err := approval(t, srv, qs.SelfUpgradeStatusAutoApproval)
				if want == qs.SelfUpgradeStatusAdminApproval {
					failed(t, "AUTO_APPROVAL", err, "InvalidParameterException", "the groups of the directory decide")
				} else if err != nil || configured(t, srv) != qs.SelfUpgradeStatusAutoApproval {
					t.Errorf("AUTO_APPROVAL: %v", err)
				}
				failed(t, "an unknown status", approval(t, srv, "OFF"), "ValidationException", "OFF")
			})
		})
	}
}

func TestSelfUpgrade(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana := registered(t, srv, "ana", qs.UserRoleReader)

		// At once.
		out, err := request(t, ana, "AUTHOR")
		if err != nil || *out.RequestStatus != "APPROVED" || *out.UserName != "ana" || *out.OriginalRole != "READER" || *out.RequestedRole != "AUTHOR" {
			t.Fatalf("approved at once: %+v, %v", out, err)
		}
		hasRole(t, srv, "ana", qs.UserRoleAuthor)
		_, err = request(t, ana, "READER_PRO")
		failed(t, "a step down", err, "InvalidParameterValueException", "READER_PRO is no upgrade from AUTHOR.")
		_, err = request(t, ana, "ADMIN")
		failed(t, "to become an administrator", err, "ValidationException", "ADMIN")
		_, err = request(t, srv, "AUTHOR_PRO")
		failed(t, "root, who is an administrator", err, "InvalidParameterValueException", "AUTHOR_PRO is no upgrade from ADMIN.")

		// By an administrator.
		if err := approval(t, srv, qs.SelfUpgradeStatusAdminApproval); err != nil {
			t.Fatal(err)
		}
		out, err = request(t, ana, "AUTHOR_PRO")
		if err != nil || *out.RequestStatus != "PENDING" {
			t.Fatalf("waiting: %+v, %v", out, err)
		}
		hasRole(t, srv, "ana", qs.UserRoleAuthor)
		_, err = request(t, ana, "AUTHOR_PRO")
		failed(t, "a second one", err, "ConflictException", "waits to be approved")
		got, err := decide(t, srv, *out.UpgradeRequestId, qs.SelfUpgradeAdminActionVerify)
		if err != nil || *got.RequestStatus != "VERIFY_FAILED" || *got.LastUpdateFailureReason != "The user's role is AUTHOR, not AUTHOR_PRO." || got.LastUpdateAttemptTime == nil {
			t.Errorf("verified before the role has come: %+v, %v", got, err)
		}
		got, err = decide(t, srv, *out.UpgradeRequestId, qs.SelfUpgradeAdminActionApprove)
		if err != nil || *got.RequestStatus != "APPROVED" || got.LastUpdateFailureReason != nil || *got.RequestNote != "for the new dashboards" {
			t.Errorf("approved: %+v, %v", got, err)
		}
		if at := time.UnixMilli(*got.CreationTime); time.Since(at).Abs() > time.Hour {
			t.Errorf("created at %s", at)
		}
		hasRole(t, srv, "ana", qs.UserRoleAuthorPro)
		for _, action := range []qs.SelfUpgradeAdminAction{"APPROVE", "DENY", "VERIFY"} {
			_, err = decide(t, srv, *out.UpgradeRequestId, action)
			failed(t, string(action)+" what is decided", err, "PreconditionNotMetException", "is APPROVED already")
		}
		_, err = decide(t, srv, "absent", qs.SelfUpgradeAdminActionDeny)
		failed(t, "an unknown request", err, "ResourceNotFoundException", "Upgrade request id: absent")

		// Denied; overtaken; verified.
		bob := registered(t, srv, "bob", qs.UserRoleReader)
		out, err = request(t, bob, "READER_PRO")
		if err != nil {
			t.Fatal(err)
		}
		if got, err := decide(t, srv, *out.UpgradeRequestId, qs.SelfUpgradeAdminActionDeny); err != nil || *got.RequestStatus != "DENIED" {
			t.Errorf("denied: %+v, %v", got, err)
		}
		hasRole(t, srv, "bob", qs.UserRoleReader)
		if out, err = request(t, bob, "READER_PRO"); err != nil {
			t.Fatalf("again after a denial: %v", err)
		}
		if _, err := update(t, srv, "bob", func(in *qs.UpdateUserRequest) { in.Role = qs.UserRoleAdmin }); err != nil {
			t.Fatal(err)
		}
		got, err = decide(t, srv, *out.UpgradeRequestId, qs.SelfUpgradeAdminActionApprove)
		if err != nil || *got.RequestStatus != "UPDATE_FAILED" || *got.LastUpdateFailureReason != "The user's role is ADMIN now, from which READER_PRO is no upgrade." {
			t.Errorf("overtaken: %+v, %v", got, err)
		}
		hasRole(t, srv, "bob", qs.UserRoleAdmin)
		if out, err = request(t, bob, "ADMIN_PRO"); err != nil {
			t.Fatal(err)
		}
		if _, err := update(t, srv, "bob", func(in *qs.UpdateUserRequest) { in.Role = qs.UserRoleAdminPro }); err != nil {
			t.Fatal(err)
		}
		if got, err := decide(t, srv, *out.UpgradeRequestId, qs.SelfUpgradeAdminActionVerify); err != nil || *got.RequestStatus != "APPROVED" {
			t.Errorf("verified: %+v, %v", got, err)
		}

		// Who is taken away the capability, and who is nobody here.
		carl := registered(t, srv, "carl", qs.UserRoleReader)
		profile(t, srv, "stay", func(c *qs.Capabilities) { c.SelfUpgradeUserRole = new(qs.CapabilityStateDeny) })
		_, err = testkit.Call(t, srv, qs.UpdateUserCustomPermission, qs.UpdateUserCustomPermissionRequest{AwsAccountId: testkit.Account, Namespace: "default", UserName: "carl", CustomPermissionsName: "stay"})
		if err != nil {
			t.Fatal(err)
		}
		_, err = request(t, carl, "AUTHOR")
		failed(t, "denied by the profile", err, "AccessDeniedException", "denies the capability SelfUpgradeUserRole")
		if _, err := testkit.Call(t, srv, qs.DeleteUser, qs.DeleteUserRequest{AwsAccountId: testkit.Account, Namespace: "default", UserName: "carl"}); err != nil {
			t.Fatal(err)
		}
		_, err = request(t, carl, "AUTHOR")
		failed(t, "who is not registered", err, "ResourceNotFoundException", "Username: carl")
	})
}

// TestListSelfUpgrades pages through requests while others come and go.
func TestListSelfUpgrades(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		if err := approval(t, srv, qs.SelfUpgradeStatusAdminApproval); err != nil {
			t.Fatal(err)
		}
		var ids []string
		ask := func(name string) {
			out, err := request(t, registered(t, srv, name, qs.UserRoleReader), "AUTHOR")
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, *out.UpgradeRequestId)
		}
		for i := range 5 {
			ask(fmt.Sprintf("u%d", i))
		}
		in := qs.ListSelfUpgradesRequest{AwsAccountId: testkit.Account, Namespace: "default", MaxResults: new(int32(2))}
		var got []string
		for i := 0; ; i++ {
			out, err := testkit.Call(t, srv, qs.ListSelfUpgrades, in)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range out.SelfUpgradeRequestDetails {
				got = append(got, *r.UpgradeRequestId)
			}
			switch i {
			case 0: // one that has been seen goes, one comes
				if _, err := testkit.Call(t, srv, qs.DeleteUser, qs.DeleteUserRequest{AwsAccountId: testkit.Account, Namespace: "default", UserName: "u1"}); err != nil {
					t.Fatal(err)
				}
				ask("u5")
			case 1:
				if _, err := decide(t, srv, ids[0], qs.SelfUpgradeAdminActionDeny); err != nil {
					t.Fatal(err)
				}
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				break
			}
		}
		if !slices.Equal(got, ids) {
			t.Errorf("pages hold %v, want %v", got, ids)
		}
		_, err := testkit.Call(t, srv, qs.ListSelfUpgrades, qs.ListSelfUpgradesRequest{AwsAccountId: testkit.Account, Namespace: "default", NextToken: new("x")})
		failed(t, "a token made by hand", err, "InvalidNextTokenException", "")
		if _, err := testkit.Call(t, srv, qs.ListSelfUpgrades, qs.ListSelfUpgradesRequest{AwsAccountId: testkit.Account, Namespace: "absent"}); err == nil {
			t.Error("a namespace that is not there was listed")
		}
		_, err = decide(t, srv, ids[1], qs.SelfUpgradeAdminActionApprove)
		failed(t, "the request of a user who is gone", err, "ResourceNotFoundException", "")
	})
}

// TestSelfUpgradeOfDirectory decides where the groups of a directory give the
// roles. Only that server's own store can have people there.
func TestSelfUpgradeOfDirectory(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		if srv.Store().URL == "" {
			t.Skip("SQLite has one server alone")
		}
		subscribeTo(t, srv, qs.AuthenticationMethodOptionActiveDirectory)
		db, err := store.Open(t.Context(), srv.Store())
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = db.Close() }()
		exec := func(query string) {
			t.Helper()
			if err := db.Write(t.Context(), func(tx *store.Tx) error { _, err := tx.Exec(query); return err }); err != nil {
				t.Fatal(err)
			}
		}
		exec(`INSERT INTO users (account, namespace, name, principal_id, email, role, identity_type, active, created_us)
			VALUES ('111122223333', 'default', '111122223333', 'federated/iam/111122223333', 'a@example.org', 'READER', 'IAM', TRUE, 1)`)
		out, err := request(t, srv, "AUTHOR")
		if err != nil || *out.RequestStatus != "PENDING" {
			t.Fatalf("request: %+v, %v", out, err)
		}
		_, err = decide(t, srv, *out.UpgradeRequestId, qs.SelfUpgradeAdminActionApprove)
		failed(t, "APPROVE", err, "PreconditionNotMetException", "add the user to a group that has the role AUTHOR")
		if got, err := decide(t, srv, *out.UpgradeRequestId, qs.SelfUpgradeAdminActionVerify); err != nil || *got.RequestStatus != "VERIFY_FAILED" {
			t.Errorf("VERIFY too early: %+v, %v", got, err)
		}
		exec(`UPDATE users SET role = 'AUTHOR' WHERE account = '111122223333'`)
		if got, err := decide(t, srv, *out.UpgradeRequestId, qs.SelfUpgradeAdminActionVerify); err != nil || *got.RequestStatus != "APPROVED" {
			t.Errorf("VERIFY: %+v, %v", got, err)
		}
	})
}
