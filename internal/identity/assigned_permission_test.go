package identity_test

import (
	"strings"
	"testing"

	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

// failed makes sure of an error's code and text, and gives it.
func failed(t *testing.T, what string, err error, code, text string) {
	t.Helper()
	f := fault.Of(err)
	if f == nil || f.Code != code || !strings.Contains(f.Message, text) {
		t.Errorf("%s: %v, want %s … %s", what, err, code, text)
	}
}

func profile(t *testing.T, srv *testkit.Server, name string, change func(*qs.Capabilities)) {
	t.Helper()
	c := &qs.Capabilities{}
	if change != nil {
		change(c)
	}
	_, err := testkit.Call(t, srv, qs.CreateCustomPermissions, qs.CreateCustomPermissionsRequest{
		AwsAccountId: testkit.Account, CustomPermissionsName: name, Capabilities: c,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestRoleCustomPermission(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		profile(t, srv, "p1", nil)
		profile(t, srv, "p2", nil)
		set := func(namespace string, role qs.Role, name string) error {
			out, err := testkit.Call(t, srv, qs.UpdateRoleCustomPermission, qs.UpdateRoleCustomPermissionRequest{
				AwsAccountId: testkit.Account, Namespace: namespace, Role: role, CustomPermissionsName: name,
			})
			if err == nil && (out.Status == nil || *out.Status != 200 || out.RequestId == nil) {
				t.Errorf("update: %+v, want status 200 in the body", out)
			}
			return err
		}
		get := func(role qs.Role, want string) {
			t.Helper()
			out, err := testkit.Call(t, srv, qs.DescribeRoleCustomPermission, qs.DescribeRoleCustomPermissionRequest{
				AwsAccountId: testkit.Account, Namespace: "default", Role: role,
			})
			if err != nil || *out.Status != 200 || (out.CustomPermissionsName == nil) != (want == "") || want != "" && *out.CustomPermissionsName != want {
				t.Errorf("profile of %s: %+v, %v; want %q", role, out, err, want)
			}
		}
		get(qs.RoleAuthor, "")
		for _, name := range []string{"p1", "p2", "p2"} {
			if err := set("default", qs.RoleAuthor, name); err != nil {
				t.Fatal(err)
			}
			get(qs.RoleAuthor, name)
		}
		get(qs.RoleAuthorPro, "")
		failed(t, "an unknown profile", set("default", qs.RoleAuthor, "absent"), "ResourceNotFoundException", "Custom permissions name: absent")
		failed(t, "an unknown namespace", set("absent", qs.RoleAuthor, "p1"), "ResourceNotFoundException", "namespace absent")
		failed(t, "an unknown role", set("default", "BOSS", "p1"), "ValidationException", "BOSS")
		get(qs.RoleAuthor, "p2")

		remove := qs.DeleteRoleCustomPermissionRequest{AwsAccountId: testkit.Account, Namespace: "default", Role: qs.RoleAuthor}
		for range 2 { // the second time there is nothing to take away
			if out, err := testkit.Call(t, srv, qs.DeleteRoleCustomPermission, remove); err != nil || *out.Status != 200 {
				t.Errorf("delete: %+v, %v", out, err)
			}
		}
		get(qs.RoleAuthor, "")
		_, err := testkit.Call(t, srv.In("eu-west-1"), qs.DescribeRoleCustomPermission, qs.DescribeRoleCustomPermissionRequest{
			AwsAccountId: testkit.Account, Namespace: "default", Role: qs.RoleAuthor,
		})
		failed(t, "another region", err, "AccessDeniedException", "Please use the us-east-1 endpoint.")
	})
}

func TestAccountCustomPermission(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		describe := func() (*qs.DescribeAccountCustomPermissionResponse, error) {
			return testkit.Call(t, srv, qs.DescribeAccountCustomPermission, qs.DescribeAccountCustomPermissionRequest{AwsAccountId: testkit.Account})
		}
		set := func(name string) error {
			out, err := testkit.Call(t, srv, qs.UpdateAccountCustomPermission, qs.UpdateAccountCustomPermissionRequest{AwsAccountId: testkit.Account, CustomPermissionsName: name})
			if err == nil && (out.Status == nil || *out.Status != 200) {
				t.Errorf("update: %+v, want status 200 in the body", out)
			}
			return err
		}
		_, err := describe()
		failed(t, "without a subscription", err, "ResourceNotFoundException", "")
		srv.Subscribe(t)
		profile(t, srv, "p1", nil)
		profile(t, srv, "p2", nil)
		_, err = describe()
		failed(t, "unset", err, "ResourceNotFoundException", "No custom permissions")
		failed(t, "an unknown profile", set("absent"), "ResourceNotFoundException", "Custom permissions name: absent")
		for _, name := range []string{"p1", "p2"} {
			if err := set(name); err != nil {
				t.Fatal(err)
			}
			if out, err := describe(); err != nil || *out.CustomPermissionsName != name || *out.Status != 200 {
				t.Errorf("described: %+v, %v; want %s", out, err, name)
			}
		}
		for range 2 {
			out, err := testkit.Call(t, srv, qs.DeleteAccountCustomPermission, qs.DeleteAccountCustomPermissionRequest{AwsAccountId: testkit.Account})
			if err != nil || *out.Status != 200 {
				t.Errorf("delete: %+v, %v", out, err)
			}
		}
		_, err = describe()
		failed(t, "after the deletion", err, "ResourceNotFoundException", "No custom permissions")
	})
}

// TestProfileInUse deletes a profile that users, roles and the account have.
func TestProfileInUse(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		profile(t, srv, "p", nil)
		remove := func() error {
			_, err := testkit.Call(t, srv, qs.DeleteCustomPermissions, qs.DeleteCustomPermissionsRequest{AwsAccountId: testkit.Account, CustomPermissionsName: "p"})
			return err
		}
		for _, name := range []string{"ana", "bob"} {
			if _, err := testkit.Call(t, srv, qs.RegisterUser, person(name, func(in *qs.RegisterUserRequest) { in.CustomPermissionsName = new("p") })); err != nil {
				t.Fatal(err)
			}
		}
		failed(t, "users", remove(), "ConflictException", "applied to 2 users.")
		for _, role := range []qs.Role{qs.RoleAuthor, qs.RoleReader} {
			_, err := testkit.Call(t, srv, qs.UpdateRoleCustomPermission, qs.UpdateRoleCustomPermissionRequest{
				AwsAccountId: testkit.Account, Namespace: "default", Role: role, CustomPermissionsName: "p",
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		failed(t, "users and roles", remove(), "ConflictException", "applied to 2 users and 2 roles.")
		if _, err := testkit.Call(t, srv, qs.UpdateAccountCustomPermission, qs.UpdateAccountCustomPermissionRequest{AwsAccountId: testkit.Account, CustomPermissionsName: "p"}); err != nil {
			t.Fatal(err)
		}
		failed(t, "all three", remove(), "ConflictException", "applied to 2 users, 2 roles and the account.")
		for _, name := range []string{"ana", "bob"} {
			if _, err := testkit.Call(t, srv, qs.DeleteUser, qs.DeleteUserRequest{AwsAccountId: testkit.Account, Namespace: "default", UserName: name}); err != nil {
				t.Fatal(err)
			}
		}
		failed(t, "without the users", remove(), "ConflictException", "applied to 2 roles and the account.")
		for _, role := range []qs.Role{qs.RoleAuthor, qs.RoleReader} {
			if _, err := testkit.Call(t, srv, qs.DeleteRoleCustomPermission, qs.DeleteRoleCustomPermissionRequest{AwsAccountId: testkit.Account, Namespace: "default", Role: role}); err != nil {
				t.Fatal(err)
			}
		}
		failed(t, "the account alone", remove(), "ConflictException", "applied to the account.")
		if _, err := testkit.Call(t, srv, qs.DeleteAccountCustomPermission, qs.DeleteAccountCustomPermissionRequest{AwsAccountId: testkit.Account}); err != nil {
			t.Fatal(err)
		}
		if err := remove(); err != nil {
			t.Errorf("a profile that nobody has: %v", err)
		}
	})
}

// TestGovernance keeps categories that are known, and no others.
func TestGovernance(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		governed := func(category string) *qs.Governance {
			return &qs.Governance{DefaultCategoryEffects: map[string]qs.DefaultCategoryEffect{category: qs.DefaultCategoryEffectDenyByDefault}}
		}
		in := qs.CreateCustomPermissionsRequest{AwsAccountId: testkit.Account, CustomPermissionsName: "p", Governance: governed("AI")}
		if _, err := testkit.Call(t, srv, qs.CreateCustomPermissions, in); err != nil {
			t.Fatal(err)
		}
		update := qs.UpdateCustomPermissionsRequest{AwsAccountId: testkit.Account, CustomPermissionsName: "p", Governance: governed("WEATHER")}
		_, err := testkit.Call(t, srv, qs.UpdateCustomPermissions, update)
		failed(t, "an unknown category", err, "InvalidParameterValueException", "no governance category WEATHER: the categories are AI.")
		in.CustomPermissionsName, in.Governance = "q", governed("ai")
		_, err = testkit.Call(t, srv, qs.CreateCustomPermissions, in)
		failed(t, "another case", err, "InvalidParameterValueException", "no governance category ai")
		in.Governance = &qs.Governance{DefaultCategoryEffects: map[string]qs.DefaultCategoryEffect{"AI": "ALLOW"}}
		_, err = testkit.Call(t, srv, qs.CreateCustomPermissions, in)
		failed(t, "an unknown effect", err, "ValidationException", "ALLOW")
		out, err := testkit.Call(t, srv, qs.DescribeCustomPermissions, qs.DescribeCustomPermissionsRequest{AwsAccountId: testkit.Account, CustomPermissionsName: "p"})
		if err != nil || out.CustomPermissions.Governance == nil || out.CustomPermissions.Governance.DefaultCategoryEffects["AI"] != "DENY_BY_DEFAULT" {
			t.Errorf("kept: %+v, %v", out, err)
		}
		update.Governance = nil
		if _, err = testkit.Call(t, srv, qs.UpdateCustomPermissions, update); err != nil {
			t.Fatal(err)
		}
		if out, err := testkit.Call(t, srv, qs.DescribeCustomPermissions, qs.DescribeCustomPermissionsRequest{AwsAccountId: testkit.Account, CustomPermissionsName: "p"}); err != nil || out.CustomPermissions.Governance != nil {
			t.Errorf("left out: %+v, %v", out, err)
		}
	})
}
