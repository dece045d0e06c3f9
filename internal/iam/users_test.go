package iam_test

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/iamapi"
	"onsight/internal/store"
	"onsight/internal/testkit"
)

func TestUsers(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		made := do(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{
			UserName: "Ana", Path: new("/people/"), Tags: []iamapi.Tag{{Key: "Team", Value: "x"}},
			PermissionsBoundary: new("arn:aws:iam::aws:policy/ReadOnlyAccess"),
		}).User
		if got, want := made.Arn, "arn:aws:iam::111122223333:user/people/Ana"; got != want {
			t.Errorf("Arn = %s, want %s", got, want)
		}
		if !regexp.MustCompile(`^AIDA[A-Z2-7]{17}$`).MatchString(made.UserId) {
			t.Errorf("UserId = %s", made.UserId)
		}
		if d := srv.Now().Sub(*made.CreateDate); d < 0 || d > time.Minute || made.CreateDate.Nanosecond() != 0 {
			t.Errorf("CreateDate = %v", made.CreateDate)
		}
		if b := made.PermissionsBoundary; b == nil || *b.PermissionsBoundaryArn != "arn:aws:iam::aws:policy/ReadOnlyAccess" {
			t.Errorf("PermissionsBoundary = %v", b)
		}
		// Names have no case.
		got := do(t, srv, iamapi.GetUser, iamapi.GetUserRequest{UserName: new("aNA")}).User
		if diff := cmp.Diff(made, got); diff != "" {
			t.Errorf("GetUser (-made +got):\n%s", diff)
		}
		refused(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "ANA"}, "EntityAlreadyExists", "User with name ANA already exists.")
		refused(t, srv, iamapi.GetUser, iamapi.GetUserRequest{UserName: new("bea")}, "NoSuchEntity", "The user with name bea cannot be found.")
		refused(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "a b"}, "ValidationError", "userName")
		refused(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "bea", Path: new("/x")}, "ValidationError", "path")
		refused(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "bea", PermissionsBoundary: new("arn:aws:iam::aws:policy/Nothing")}, "NoSuchEntity", "Nothing does not exist or is not attachable")
		refused(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "bea", Tags: []iamapi.Tag{{Key: "k", Value: "1"}, {Key: "K", Value: "2"}}}, "InvalidInput", "Duplicate tag keys found.")
		refused(t, srv, iamapi.GetUser, iamapi.GetUserRequest{UserName: new("bea")}, "NoSuchEntity", "bea")
		// Another account has users of its own.
		other := srv.As(t, "444455556666")
		refused(t, other, iamapi.GetUser, iamapi.GetUserRequest{UserName: new("Ana")}, "NoSuchEntity", "Ana")
		newUser(t, other, "Ana")
	})
}

func TestGetUserWithoutName(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		root := do(t, srv, iamapi.GetUser, iamapi.GetUserRequest{}).User
		if root.Arn != "arn:aws:iam::111122223333:root" || root.UserId != "111122223333" {
			t.Errorf("root = %+v", root)
		}
		made := newUser(t, srv, "ana")
		allow(t, srv, "ana", `{"Effect":"Allow","Action":"iam:GetUser","Resource":"arn:aws:iam::111122223333:user/${aws:username}"}`)
		ana := asUser(t, srv, "ana")
		if diff := cmp.Diff(made, do(t, ana, iamapi.GetUser, iamapi.GetUserRequest{}).User); diff != "" {
			t.Errorf("ana about herself (-made +got):\n%s", diff)
		}
		newUser(t, srv, "bea")
		refused(t, ana, iamapi.GetUser, iamapi.GetUserRequest{UserName: new("bea")}, "AccessDenied",
			"User: arn:aws:iam::111122223333:user/ana is not authorized to perform: iam:GetUser on resource: arn:aws:iam::111122223333:user/bea because no identity-based policy allows the iam:GetUser action")
	})
}

func TestListUsers(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		names := []string{"Zoe", "ana", "Bea", "_x", "carl", "dora", "Emil"}
		for i, n := range names {
			path := "/odd/"
			if i%2 == 0 {
				path = "/even/"
			}
			do(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: n, Path: &path})
		}
		list := func(in iamapi.ListUsersRequest, between func(page int)) (all []string) {
			for page := 0; ; page++ {
				out := do(t, srv, iamapi.ListUsers, in)
				for _, u := range out.Users {
					all = append(all, u.UserName)
					if u.PermissionsBoundary != nil || u.Tags != nil {
						t.Errorf("%s has more than lists show", u.UserName)
					}
				}
				if !*out.IsTruncated {
					if out.Marker != nil {
						t.Error("a Marker on the last page")
					}
					return all
				}
				if len(*out.Marker) > 320 {
					t.Errorf("the Marker has %d characters", len(*out.Marker))
				}
				in.Marker = out.Marker
				between(page)
			}
		}
		nothing := func(int) {}
		if diff := cmp.Diff([]string{"_x", "ana", "Bea", "carl", "dora", "Emil", "Zoe"}, list(iamapi.ListUsersRequest{}, nothing)); diff != "" {
			t.Errorf("all (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]string{"Bea", "carl", "Emil", "Zoe"}, list(iamapi.ListUsersRequest{PathPrefix: new("/ev"), MaxItems: new(int32(1))}, nothing)); diff != "" {
			t.Errorf("under /ev (-want +got):\n%s", diff)
		}
		// The one that a page ended with goes, and one before it comes.
		got := list(iamapi.ListUsersRequest{MaxItems: new(int32(3))}, func(page int) {
			if page == 0 {
				do(t, srv, iamapi.DeleteUser, iamapi.DeleteUserRequest{UserName: "bea"})
				newUser(t, srv, "aaa")
				newUser(t, srv, "bob")
			}
		})
		if diff := cmp.Diff([]string{"_x", "ana", "Bea", "bob", "carl", "dora", "Emil", "Zoe"}, got); diff != "" {
			t.Errorf("while it changes (-want +got):\n%s", diff)
		}
		first := do(t, srv, iamapi.ListUsers, iamapi.ListUsersRequest{MaxItems: new(int32(1))})
		refused(t, srv, iamapi.ListUsers, iamapi.ListUsersRequest{Marker: first.Marker, PathPrefix: new("/x/")}, "ValidationError", "Invalid Marker.")
		refused(t, srv, iamapi.ListGroups, iamapi.ListGroupsRequest{Marker: first.Marker}, "ValidationError", "Invalid Marker.")
		refused(t, srv, iamapi.ListUsers, iamapi.ListUsersRequest{MaxItems: new(int32(1001))}, "ValidationError", "maxItems")
	})
}

func TestUpdateUserKeepsWhoItIs(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		made := newUser(t, srv, "ana")
		newUser(t, srv, "bea")
		do(t, srv, iamapi.CreateGroup, iamapi.CreateGroupRequest{GroupName: "devs"})
		do(t, srv, iamapi.AddUserToGroup, iamapi.AddUserToGroupRequest{GroupName: "devs", UserName: "ana"})
		allow(t, srv, "ana", `{"Effect":"Allow","Action":"iam:GetUser","Resource":"*"}`)
		ana := asUser(t, srv, "ana")
		refused(t, srv, iamapi.UpdateUser, iamapi.UpdateUserRequest{UserName: "ana", NewUserName: new("BEA")}, "EntityAlreadyExists", "User with name BEA already exists.")
		refused(t, srv, iamapi.UpdateUser, iamapi.UpdateUserRequest{UserName: "carl", NewPath: new("/")}, "NoSuchEntity", "carl")
		do(t, srv, iamapi.UpdateUser, iamapi.UpdateUserRequest{UserName: "ana", NewUserName: new("Anna"), NewPath: new("/staff/")})
		got := do(t, ana, iamapi.GetUser, iamapi.GetUserRequest{}).User
		if got.UserId != made.UserId || got.Arn != "arn:aws:iam::111122223333:user/staff/Anna" {
			t.Errorf("after the change: %+v", got)
		}
		groups := do(t, srv, iamapi.ListGroupsForUser, iamapi.ListGroupsForUserRequest{UserName: "anna"}).Groups
		if len(groups) != 1 || groups[0].GroupName != "devs" {
			t.Errorf("groups = %v", groups)
		}
		refused(t, srv, iamapi.GetUser, iamapi.GetUserRequest{UserName: new("ana")}, "NoSuchEntity", "ana")
		// Another case of the same name is no other name.
		do(t, srv, iamapi.UpdateUser, iamapi.UpdateUserRequest{UserName: "anna", NewUserName: new("ANNA")})
		newUser(t, srv, "ana")
	})
}

// TestUpdateUserNeedsBothNames: who may change users under one path moves none
// of them to another, and none from there.
func TestUpdateUserNeedsBothNames(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		newUser(t, srv, "helper")
		allow(t, srv, "helper", `{"Effect":"Allow","Action":["iam:UpdateUser","iam:UpdateGroup"],"Resource":["arn:aws:iam::111122223333:user/dev/*","arn:aws:iam::111122223333:group/dev/*"]}`)
		helper := asUser(t, srv, "helper")
		do(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "ana", Path: new("/dev/")})
		do(t, srv, iamapi.CreateGroup, iamapi.CreateGroupRequest{GroupName: "g", Path: new("/dev/")})
		newUser(t, srv, "boss")
		do(t, helper, iamapi.UpdateUser, iamapi.UpdateUserRequest{UserName: "ana", NewUserName: new("anna")})
		refused(t, helper, iamapi.UpdateUser, iamapi.UpdateUserRequest{UserName: "anna", NewPath: new("/admin/")}, "AccessDenied", "iam:UpdateUser on resource: arn:aws:iam::111122223333:user/admin/anna")
		refused(t, helper, iamapi.UpdateUser, iamapi.UpdateUserRequest{UserName: "boss", NewPath: new("/dev/")}, "AccessDenied", "user/boss")
		do(t, helper, iamapi.UpdateGroup, iamapi.UpdateGroupRequest{GroupName: "g", NewGroupName: new("h")})
		refused(t, helper, iamapi.UpdateGroup, iamapi.UpdateGroupRequest{GroupName: "h", NewPath: new("/")}, "AccessDenied", "iam:UpdateGroup on resource: arn:aws:iam::111122223333:group/h")
	})
}

// TestTagsOnCreationNeedTagUser: a user with tags takes two permissions.
func TestTagsOnCreationNeedTagUser(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		newUser(t, srv, "helper")
		helper := asUser(t, srv, "helper")
		const create = `{"Effect":"Allow","Action":["iam:CreateUser","iam:CreateRole"],"Resource":"*"}`
		tagged := iamapi.CreateUserRequest{UserName: "ana", Tags: []iamapi.Tag{{Key: "team", Value: "x"}}}
		role := iamapi.CreateRoleRequest{RoleName: "r", AssumeRolePolicyDocument: trustRoot, Tags: tagged.Tags}
		allow(t, srv, "helper", create)
		refused(t, helper, iamapi.CreateUser, tagged, "AccessDenied", "iam:TagUser on resource: arn:aws:iam::111122223333:user/ana")
		refused(t, helper, iamapi.CreateRole, role, "AccessDenied", "iam:TagRole on resource: arn:aws:iam::111122223333:role/r")
		allow(t, srv, "helper", create+`,{"Effect":"Allow","Action":["iam:TagUser","iam:TagRole"],"Resource":"*","Condition":{"StringEquals":{"aws:RequestTag/Team":"x"},"ForAllValues:StringEquals":{"aws:TagKeys":"team"}}}`)
		do(t, helper, iamapi.CreateUser, tagged)
		do(t, helper, iamapi.CreateRole, role)
	})
}

// TestCreateUserWithinBoundary: who may make users only within a boundary makes
// none without it, nor with another.
func TestCreateUserWithinBoundary(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		newUser(t, srv, "helper")
		allow(t, srv, "helper", `{"Effect":"Allow","Action":["iam:CreateUser","iam:CreateRole"],"Resource":"*","Condition":{"ArnEquals":{"iam:PermissionsBoundary":"arn:aws:iam::aws:policy/ReadOnlyAccess"}}}`)
		helper := asUser(t, srv, "helper")
		for _, boundary := range []*string{nil, new("arn:aws:iam::aws:policy/AdministratorAccess")} {
			refused(t, helper, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "ana", PermissionsBoundary: boundary}, "AccessDenied", "iam:CreateUser")
			refused(t, helper, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "r", AssumeRolePolicyDocument: trustRoot, PermissionsBoundary: boundary}, "AccessDenied", "iam:CreateRole")
		}
		do(t, helper, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "ana", PermissionsBoundary: new("arn:aws:iam::aws:policy/ReadOnlyAccess")})
		do(t, helper, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "r", AssumeRolePolicyDocument: trustRoot, PermissionsBoundary: new("arn:aws:iam::aws:policy/ReadOnlyAccess")})
		// The boundary holds for the one who was made.
		allow(t, srv, "ana", `{"Effect":"Allow","Action":"*","Resource":"*"}`)
		ana := asUser(t, srv, "ana")
		do(t, ana, iamapi.GetUser, iamapi.GetUserRequest{})
		refused(t, ana, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "bea"}, "AccessDenied", "because no permissions boundary allows the iam:CreateUser action")
	})
}

func TestDeleteUser(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		made := newUser(t, srv, "ana")
		do(t, srv, iamapi.CreateGroup, iamapi.CreateGroupRequest{GroupName: "devs"})
		do(t, srv, iamapi.AddUserToGroup, iamapi.AddUserToGroupRequest{GroupName: "devs", UserName: "ana"})
		allow(t, srv, "ana", `{"Effect":"Allow","Action":"*","Resource":"*"}`)
		do(t, srv, iamapi.AttachUserPolicy, iamapi.AttachUserPolicyRequest{UserName: "ana", PolicyArn: "arn:aws:iam::aws:policy/ReadOnlyAccess"})
		do(t, srv, iamapi.TagUser, iamapi.TagUserRequest{UserName: "ana", Tags: []iamapi.Tag{{Key: "k", Value: "v"}}})
		key := do(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: new("ana")}).AccessKey
		conflict := func(what string) {
			t.Helper()
			refused(t, srv, iamapi.DeleteUser, iamapi.DeleteUserRequest{UserName: "ana"}, "DeleteConflict", "Cannot delete entity, must "+what+" first.")
		}
		conflict("delete access keys")
		do(t, srv, iamapi.DeleteAccessKey, iamapi.DeleteAccessKeyRequest{UserName: new("ana"), AccessKeyId: key.AccessKeyId})
		conflict("detach all policies")
		do(t, srv, iamapi.DetachUserPolicy, iamapi.DetachUserPolicyRequest{UserName: "ana", PolicyArn: "arn:aws:iam::aws:policy/ReadOnlyAccess"})
		conflict("delete policies")
		do(t, srv, iamapi.DeleteUserPolicy, iamapi.DeleteUserPolicyRequest{UserName: "ana", PolicyName: "test"})
		conflict("remove users from group")
		do(t, srv, iamapi.RemoveUserFromGroup, iamapi.RemoveUserFromGroupRequest{GroupName: "devs", UserName: "ana"})
		do(t, srv, iamapi.DeleteUser, iamapi.DeleteUserRequest{UserName: "ana"})
		refused(t, srv, iamapi.DeleteUser, iamapi.DeleteUserRequest{UserName: "ana"}, "NoSuchEntity", "ana")
		again := do(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "ana"}).User
		if again.UserId == made.UserId {
			t.Error("a new user has the id of the old one")
		}
		if tags := do(t, srv, iamapi.ListUserTags, iamapi.ListUserTagsRequest{UserName: "ana"}).Tags; len(tags) > 0 {
			t.Errorf("a new user has the tags of the old one: %v", tags)
		}
	})
}

func TestWhatNobodyHas(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		newUser(t, srv, "ana")
		refused(t, srv, iamapi.GetLoginProfile, iamapi.GetLoginProfileRequest{UserName: new("ana")}, "NoSuchEntity", "Login Profile for User ana cannot be found.")
		refused(t, srv, iamapi.DeleteLoginProfile, iamapi.DeleteLoginProfileRequest{UserName: new("bea")}, "NoSuchEntity", "The user with name bea cannot be found.")
		refused(t, srv, iamapi.GetAccountPasswordPolicy, iamapi.GetAccountPasswordPolicyRequest{}, "NoSuchEntity", "The Password Policy with domain name 111122223333 cannot be found.")
		if out := do(t, srv, iamapi.ListMFADevices, iamapi.ListMFADevicesRequest{UserName: new("ana")}); len(out.MFADevices) > 0 || *out.IsTruncated {
			t.Errorf("MFA devices: %+v", out)
		}
		do(t, srv, iamapi.ListMFADevices, iamapi.ListMFADevicesRequest{})
		do(t, srv, iamapi.ListVirtualMFADevices, iamapi.ListVirtualMFADevicesRequest{})
		do(t, srv, iamapi.ListSSHPublicKeys, iamapi.ListSSHPublicKeysRequest{UserName: new("ana")})
		do(t, srv, iamapi.ListSigningCertificates, iamapi.ListSigningCertificatesRequest{UserName: new("ana")})
		do(t, srv, iamapi.ListServiceSpecificCredentials, iamapi.ListServiceSpecificCredentialsRequest{UserName: new("ana")})
		do(t, srv, iamapi.ListServerCertificates, iamapi.ListServerCertificatesRequest{})
		do(t, srv, iamapi.ListInstanceProfiles, iamapi.ListInstanceProfilesRequest{})
		refused(t, srv, iamapi.ListSSHPublicKeys, iamapi.ListSSHPublicKeysRequest{UserName: new("bea")}, "NoSuchEntity", "bea")
	})
}

// TestManyUsers walks a list whose pages are cut at every place.
func TestManyUsers(t *testing.T) {
	t.Parallel()
	srv := testkit.Start(t, store.Config{Memory: true})
	var want []string
	for i := range 23 {
		name := fmt.Sprintf("u%02d", i)
		newUser(t, srv, name)
		want = append(want, name)
	}
	for size := int32(1); size <= 24; size++ {
		var got []string
		in := iamapi.ListUsersRequest{MaxItems: &size}
		for {
			out := do(t, srv, iamapi.ListUsers, in)
			for _, u := range out.Users {
				got = append(got, u.UserName)
			}
			if in.Marker = out.Marker; in.Marker == nil {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pages of %s (-want +got):\n%s", strconv.Itoa(int(size)), diff)
		}
	}
	if long := strings.Repeat("n", 64); newUser(t, srv, long).UserName != long {
		t.Error("the longest name is not kept")
	}
}
