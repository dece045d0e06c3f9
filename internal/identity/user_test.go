package identity_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

func update(t *testing.T, srv *testkit.Server, name string, change func(*qs.UpdateUserRequest)) (*qs.User, error) {
	t.Helper()
	in := qs.UpdateUserRequest{
		AwsAccountId: testkit.Account, Namespace: "default", UserName: name, Email: "new@example.org", Role: qs.UserRoleAuthor,
	}
	if change != nil {
		change(&in)
	}
	out, err := testkit.Call(t, srv, qs.UpdateUser, in)
	if err != nil {
		return nil, err
	}
	return out.User, nil
}

func TestUpdateUserRoles(t *testing.T) {
	roles := []qs.UserRole{"READER", "READER_PRO", "AUTHOR", "AUTHOR_PRO", "ADMIN", "ADMIN_PRO"}
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		for _, from := range roles {
			for _, to := range roles {
				name := string(from) + "-" + string(to)
				if _, err := testkit.Call(t, srv, qs.RegisterUser, person(name, func(in *qs.RegisterUserRequest) { in.UserRole = from })); err != nil {
					t.Fatal(err)
				}
				_, err := update(t, srv, name, func(in *qs.UpdateUserRequest) { in.Role = to })
				refused := !strings.HasPrefix(string(from), "READER") && strings.HasPrefix(string(to), "READER")
				f := fault.Of(err)
				if refused != (f != nil) || refused && f.Code != "InvalidParameterValueException" {
					t.Errorf("%s to %s: %v, want refused %t", from, to, err, refused)
				}
				got, err := describe(t, srv, name)
				want := to
				if refused {
					want = from
				}
				if err != nil || *got.Role != want {
					t.Errorf("%s to %s: role is %s, %v; want %s", from, to, *got.Role, err, want)
				}
			}
		}
		_, err := update(t, srv, "READER-READER", func(in *qs.UpdateUserRequest) { in.Role = qs.UserRoleRestrictedAuthor })
		if f := fault.Of(err); f == nil || f.Code != "InvalidParameterValueException" {
			t.Errorf("restricted role: %v", err)
		}
	})
}

func TestUpdateUserKeepsWhatIsNotGiven(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		_, err := testkit.Call(t, srv, qs.CreateCustomPermissions, qs.CreateCustomPermissionsRequest{AwsAccountId: testkit.Account, CustomPermissionsName: "no-export"})
		if err != nil {
			t.Fatal(err)
		}
		in := principal("arn:aws:iam::111122223333:role/Bi", new("ana"))
		in.CustomPermissionsName = new("no-export")
		in.ExternalLoginFederationProviderType, in.ExternalLoginId = new("COGNITO"), new("us-east-1:1234")
		out, err := testkit.Call(t, srv, qs.RegisterUser, in)
		if err != nil {
			t.Fatal(err)
		}
		want := *out.User
		want.Active = new(true)
		want.ExternalLoginFederationProviderUrl = new("cognito-identity.amazonaws.com")
		step := func(what string, change func(*qs.UpdateUserRequest), expect func(*qs.User)) {
			t.Helper()
			want.Email, want.Role = new("new@example.org"), new(qs.UserRoleAuthor)
			expect(&want)
			answered, err := update(t, srv, "Bi/ana", change)
			if err != nil {
				t.Errorf("%s: %v", what, err)
				return
			}
			described, err := describe(t, srv, "Bi/ana")
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(&want, answered) + cmp.Diff(&want, described); d != "" {
				t.Errorf("%s (-want +got):\n%s", what, d)
			}
		}
		step("e-mail and role", nil, func(*qs.User) {})
		step("unapply false", func(in *qs.UpdateUserRequest) { in.UnapplyCustomPermissions = new(false) }, func(*qs.User) {})
		step("unapply", func(in *qs.UpdateUserRequest) { in.UnapplyCustomPermissions = new(true) }, func(u *qs.User) { u.CustomPermissionsName = nil })
		step("apply", func(in *qs.UpdateUserRequest) { in.CustomPermissionsName = new("no-export") }, func(u *qs.User) { u.CustomPermissionsName = new("no-export") })
		step("other id", func(in *qs.UpdateUserRequest) { in.ExternalLoginId = new("us-east-1:5678") }, func(u *qs.User) { u.ExternalLoginId = new("us-east-1:5678") })
		step("other provider", func(in *qs.UpdateUserRequest) {
			in.ExternalLoginFederationProviderType, in.CustomFederationProviderUrl = new("CUSTOM_OIDC"), new("https://idp.example.org")
		}, func(u *qs.User) {
			u.ExternalLoginFederationProviderType, u.ExternalLoginFederationProviderUrl, u.ExternalLoginId = new("CUSTOM_OIDC"), new("https://idp.example.org"), nil
		})
		step("no provider", func(in *qs.UpdateUserRequest) { in.ExternalLoginFederationProviderType = new("NONE") }, func(u *qs.User) {
			u.ExternalLoginFederationProviderType, u.ExternalLoginFederationProviderUrl = nil, nil
		})
		_, err = update(t, srv, "Bi/ana", func(in *qs.UpdateUserRequest) {
			in.UnapplyCustomPermissions, in.CustomPermissionsName = new(true), new("no-export")
		})
		if f := fault.Of(err); f == nil || f.Code != "InvalidParameterValueException" {
			t.Errorf("apply and unapply: %v", err)
		}
		_, err = update(t, srv, "Bi/ana", func(in *qs.UpdateUserRequest) { in.CustomPermissionsName = new("absent") })
		if f := fault.Of(err); f == nil || f.Code != "ResourceNotFoundException" {
			t.Errorf("unknown profile: %v", err)
		}
	})
}

func TestMissingUser(t *testing.T) {
	const want = "AWS account id: 111122223333, Namespace: default, Username: nobody. "
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		_, described := describe(t, srv, "nobody")
		_, updated := update(t, srv, "nobody", nil)
		_, deleted := testkit.Call(t, srv, qs.DeleteUser, qs.DeleteUserRequest{AwsAccountId: testkit.Account, Namespace: "default", UserName: "nobody"})
		for what, err := range map[string]error{"describe": described, "update": updated, "delete": deleted} {
			if f := fault.Of(err); f == nil || f.Code != "ResourceNotFoundException" || f.ResourceType != "USER" || f.Message != want {
				t.Errorf("%s: %v, want ResourceNotFoundException %q", what, err, want)
			}
		}
	})
}

func TestDeleteUser(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		register := func() *qs.User {
			out, err := testkit.Call(t, srv, qs.RegisterUser, person("ana", func(in *qs.RegisterUserRequest) { in.Tags = []qs.Tag{{Key: "team", Value: "bi"}} }))
			if err != nil {
				t.Fatal(err)
			}
			return out.User
		}
		first := register()
		if _, err := testkit.Call(t, srv, qs.DeleteUser, qs.DeleteUserRequest{AwsAccountId: testkit.Account, Namespace: "default", UserName: "ana"}); err != nil {
			t.Fatal(err)
		}
		_, err := testkit.Call(t, srv, qs.ListTagsForResource, qs.ListTagsForResourceRequest{ResourceArn: *first.Arn})
		if f := fault.Of(err); f == nil || f.Code != "ResourceNotFoundException" {
			t.Errorf("tags of a deleted user: %v", err)
		}
		second := register()
		if *second.PrincipalId == *first.PrincipalId {
			t.Error("who is registered again is a new principal, but has the old principal id")
		}
		byID := qs.DeleteUserByPrincipalIdRequest{AwsAccountId: testkit.Account, Namespace: "default", PrincipalId: *first.PrincipalId}
		_, err = testkit.Call(t, srv, qs.DeleteUserByPrincipalId, byID)
		if f := fault.Of(err); f == nil || f.Code != "ResourceNotFoundException" {
			t.Errorf("delete by an old principal id: %v", err)
		}
		byID.PrincipalId = *second.PrincipalId
		if _, err := testkit.Call(t, srv, qs.DeleteUserByPrincipalId, byID); err != nil {
			t.Errorf("delete by principal id: %v", err)
		}
		if _, err := describe(t, srv, "ana"); fault.Of(err).Code != "ResourceNotFoundException" {
			t.Errorf("after the deletion: %v", err)
		}
		// A role of the same name is another user.
		if _, err := testkit.Call(t, srv, qs.RegisterUser, principal("arn:aws:iam::111122223333:role/ana", new("ana"))); err != nil {
			t.Fatal(err)
		}
		register()
		if _, err := testkit.Call(t, srv, qs.DeleteUser, qs.DeleteUserRequest{AwsAccountId: testkit.Account, Namespace: "default", UserName: "ana"}); err != nil {
			t.Fatal(err)
		}
		if _, err := describe(t, srv, "ana/ana"); err != nil {
			t.Errorf("the role's user went with the other: %v", err)
		}
	})
}

// TestListUsersUnderChange walks random changes between the pages of a list:
// who is there all the time is seen exactly once, in order.
func TestListUsersUnderChange(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		run := 0
		rapid.Check(t, func(r *rapid.T) {
			run++
			mine := srv.As(t, fmt.Sprintf("5%011d", run))
			mine.Subscribe(t)
			register := func(name string) {
				in := person(name, nil)
				in.AwsAccountId = mine.Account
				if _, err := testkit.Call(t, mine, qs.RegisterUser, in); err != nil && fault.Of(err).Code != "ResourceExistsException" {
					r.Fatal(err)
				}
			}
			name := rapid.StringMatching(`[a-zA-Z0-9 /@+.é]{1,6}`)
			stay := rapid.SliceOfNDistinct(name, 0, 12, rapid.ID).Draw(r, "stay")
			for _, n := range stay {
				register(n)
			}
			var seen []string
			in := qs.ListUsersRequest{AwsAccountId: mine.Account, Namespace: "default", MaxResults: new(rapid.Int32Range(1, 4).Draw(r, "page"))}
			for {
				out, err := testkit.Call(t, mine, qs.ListUsers, in)
				if err != nil {
					r.Fatal(err)
				}
				for _, u := range out.UserList {
					seen = append(seen, *u.UserName)
				}
				if out.NextToken == nil {
					break
				}
				in.NextToken = out.NextToken
				come := name.Draw(r, "come")
				register(come)
				if !slices.Contains(stay, come) && rapid.Bool().Draw(r, "leaves") {
					del := qs.DeleteUserRequest{AwsAccountId: mine.Account, Namespace: "default", UserName: come}
					if _, err := testkit.Call(t, mine, qs.DeleteUser, del); err != nil {
						r.Fatal(err)
					}
				}
			}
			if !slices.IsSorted(seen) || len(slices.Compact(slices.Clone(seen))) != len(seen) {
				r.Fatalf("the list is not in order, or names someone twice: %q", seen)
			}
			for _, n := range stay {
				if !slices.Contains(seen, n) {
					r.Fatalf("the list lacks %q: %q", n, seen)
				}
			}
		})
	})
}

func TestNextToken(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		for i := range 3 {
			if _, err := testkit.Call(t, srv, qs.RegisterUser, person(fmt.Sprintf("u%d", i), nil)); err != nil {
				t.Fatal(err)
			}
		}
		list := qs.ListUsersRequest{AwsAccountId: testkit.Account, Namespace: "default", MaxResults: new(int32(2))}
		out, err := testkit.Call(t, srv, qs.ListUsers, list)
		if err != nil || out.NextToken == nil {
			t.Fatalf("first page: %+v, %v", out, err)
		}
		refused := func(what string, srv *testkit.Server, in qs.ListUsersRequest) {
			t.Helper()
			if _, err := testkit.Call(t, srv, qs.ListUsers, in); fault.Of(err) == nil || fault.Of(err).Code != "InvalidNextTokenException" {
				t.Errorf("%s: %v, want InvalidNextTokenException", what, err)
			}
		}
		other := srv.As(t, "444455556666")
		other.Subscribe(t)
		list.NextToken = out.NextToken
		foreign := list
		foreign.AwsAccountId = other.Account
		refused("token of another account", other, foreign)
		_, err = testkit.Call(t, srv, qs.ListCustomPermissions, qs.ListCustomPermissionsRequest{AwsAccountId: testkit.Account, NextToken: out.NextToken})
		// That operation declares no InvalidNextTokenException.
		if f := fault.Of(err); f == nil || f.Code != "InvalidParameterValueException" {
			t.Errorf("token of another list: %v, want InvalidParameterValueException", err)
		}
		altered := list
		b := []byte(*out.NextToken)
		b[len(b)/2] ^= 1
		altered.NextToken = new(string(b))
		refused("altered token", srv, altered)
		altered.NextToken = new("made by hand")
		refused("token made by hand", srv, altered)
		if _, err := testkit.Call(t, srv, qs.ListUsers, list); err != nil {
			t.Errorf("the token itself: %v", err)
		}
		srv.Advance(25 * time.Hour)
		refused("token of yesterday", srv, list)
	})
}

func TestCustomPermissions(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		const arn = "arn:aws:quicksight:us-east-1:111122223333:custompermissions/p1"
		get := func() *qs.CustomPermissions {
			t.Helper()
			out, err := testkit.Call(t, srv, qs.DescribeCustomPermissions, qs.DescribeCustomPermissionsRequest{AwsAccountId: testkit.Account, CustomPermissionsName: "p1"})
			if err != nil {
				t.Fatal(err)
			}
			return out.CustomPermissions
		}
		create := qs.CreateCustomPermissionsRequest{
			AwsAccountId: testkit.Account, CustomPermissionsName: "p1",
			Capabilities: &qs.Capabilities{ExportToCsv: new(qs.CapabilityStateDeny), Action: new(qs.CapabilityStateDeny)},
		}
		out, err := testkit.Call(t, srv, qs.CreateCustomPermissions, create)
		if err != nil || *out.Arn != arn || out.Status == nil || *out.Status != 201 {
			t.Fatalf("create: %+v, %v; want %s and status 201 in the body", out, err, arn)
		}
		want := &qs.CustomPermissions{Arn: new(arn), CustomPermissionsName: new("p1"), Capabilities: create.Capabilities}
		if d := cmp.Diff(want, get()); d != "" {
			t.Errorf("described (-want +got):\n%s", d)
		}
		if _, err := testkit.Call(t, srv, qs.CreateCustomPermissions, create); fault.Of(err).Code != "ResourceExistsException" {
			t.Errorf("second time: %v", err)
		}
		want.Capabilities = &qs.Capabilities{ShareDashboards: new(qs.CapabilityStateDeny)}
		_, err = testkit.Call(t, srv, qs.UpdateCustomPermissions, qs.UpdateCustomPermissionsRequest{AwsAccountId: testkit.Account, CustomPermissionsName: "p1", Capabilities: want.Capabilities})
		if err != nil {
			t.Fatal(err)
		}
		list, err := testkit.Call(t, srv, qs.ListCustomPermissions, qs.ListCustomPermissionsRequest{AwsAccountId: testkit.Account})
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff([]qs.CustomPermissions{*want}, list.CustomPermissionsList); d != "" {
			t.Errorf("listed (-want +got):\n%s", d)
		}
		if _, err := testkit.Call(t, srv, qs.RegisterUser, person("ana", nil)); err != nil {
			t.Fatal(err)
		}
		assign := qs.UpdateUserCustomPermissionRequest{AwsAccountId: testkit.Account, Namespace: "default", UserName: "ana", CustomPermissionsName: "p1"}
		if _, err := testkit.Call(t, srv, qs.UpdateUserCustomPermission, assign); err != nil {
			t.Fatal(err)
		}
		assign.CustomPermissionsName = "absent"
		if _, err := testkit.Call(t, srv, qs.UpdateUserCustomPermission, assign); fault.Of(err).Code != "ResourceNotFoundException" {
			t.Errorf("assign an unknown profile: %v", err)
		}
		if u, err := describe(t, srv, "ana"); err != nil || u.CustomPermissionsName == nil || *u.CustomPermissionsName != "p1" {
			t.Errorf("user after the assignment: %+v, %v", u, err)
		}
		del := qs.DeleteCustomPermissionsRequest{AwsAccountId: testkit.Account, CustomPermissionsName: "p1"}
		if _, err := testkit.Call(t, srv, qs.DeleteCustomPermissions, del); fault.Of(err).Code != "ConflictException" {
			t.Errorf("delete a profile in use: %v", err)
		}
		remove := qs.DeleteUserCustomPermissionRequest{AwsAccountId: testkit.Account, Namespace: "default", UserName: "ana"}
		for range 2 { // the second time there is nothing to take away
			if _, err := testkit.Call(t, srv, qs.DeleteUserCustomPermission, remove); err != nil {
				t.Errorf("remove the assignment: %v", err)
			}
		}
		if _, err := testkit.Call(t, srv, qs.DeleteCustomPermissions, del); err != nil {
			t.Errorf("delete: %v", err)
		}
		_, err = testkit.Call(t, srv, qs.DescribeCustomPermissions, qs.DescribeCustomPermissionsRequest{AwsAccountId: testkit.Account, CustomPermissionsName: "p1"})
		if f := fault.Of(err); f == nil || f.Code != "ResourceNotFoundException" {
			t.Errorf("after the deletion: %v", err)
		}
	})
}
