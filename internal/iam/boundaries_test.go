package iam_test

import (
	"testing"

	"onsight/internal/iamapi"
	"onsight/internal/testkit"
)

func TestBoundaries(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		policyARN := newPolicy(t, srv, "p")
		newUser(t, srv, "ana")
		do(t, srv, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "r", AssumeRolePolicyDocument: trustRootPolicy})
		ofUser := func() *iamapi.AttachedPermissionsBoundary {
			t.Helper()
			return do(t, srv, iamapi.GetUser, iamapi.GetUserRequest{UserName: new("ana")}).User.PermissionsBoundary
		}
		ofRole := func() *iamapi.AttachedPermissionsBoundary {
			t.Helper()
			return do(t, srv, iamapi.GetRole, iamapi.GetRoleRequest{RoleName: "r"}).Role.PermissionsBoundary
		}
		for _, want := range []string{policyARN, admin} { // the second in place of the first
			do(t, srv, iamapi.PutUserPermissionsBoundary, iamapi.PutUserPermissionsBoundaryRequest{UserName: "Ana", PermissionsBoundary: want})
			do(t, srv, iamapi.PutRolePermissionsBoundary, iamapi.PutRolePermissionsBoundaryRequest{RoleName: "R", PermissionsBoundary: want})
			for _, b := range []*iamapi.AttachedPermissionsBoundary{ofUser(), ofRole()} {
				if b == nil || *b.PermissionsBoundaryArn != want || *b.PermissionsBoundaryType != "Policy" {
					t.Errorf("boundary = %+v, want %s", b, want)
				}
			}
		}
		for range 2 { // the second time there is none
			do(t, srv, iamapi.DeleteUserPermissionsBoundary, iamapi.DeleteUserPermissionsBoundaryRequest{UserName: "ana"})
			do(t, srv, iamapi.DeleteRolePermissionsBoundary, iamapi.DeleteRolePermissionsBoundaryRequest{RoleName: "r"})
			if ofUser() != nil || ofRole() != nil {
				t.Error("the boundary is still there")
			}
		}
		for _, tt := range []struct{ arn, code, text string }{
			{"arn:aws:iam::111122223333:not_a_policy/invalid", "InvalidInput", "ARN arn:aws:iam::111122223333:not_a_policy/invalid is not valid."},
			{"longpolicynamebutnoarn", "InvalidInput", "ARN longpolicynamebutnoarn is not valid."},
			{"arn:aws:iam::111122223333:policy/none", "NoSuchEntity", "Scope ARN: arn:aws:iam::111122223333:policy/none does not exist or is not attachable."},
			{"arn:aws:iam::111122223333:policy/P", "NoSuchEntity", "Scope ARN: "},
		} {
			refused(t, srv, iamapi.PutUserPermissionsBoundary, iamapi.PutUserPermissionsBoundaryRequest{UserName: "ana", PermissionsBoundary: tt.arn}, tt.code, tt.text)
			refused(t, srv, iamapi.PutRolePermissionsBoundary, iamapi.PutRolePermissionsBoundaryRequest{RoleName: "r", PermissionsBoundary: tt.arn}, tt.code, tt.text)
			refused(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "bea", PermissionsBoundary: &tt.arn}, tt.code, tt.text)
		}
		noUser, noRole := "The user with name nobody cannot be found.", "The role with name nobody cannot be found."
		refused(t, srv, iamapi.PutUserPermissionsBoundary, iamapi.PutUserPermissionsBoundaryRequest{UserName: "nobody", PermissionsBoundary: policyARN}, "NoSuchEntity", noUser)
		refused(t, srv, iamapi.PutRolePermissionsBoundary, iamapi.PutRolePermissionsBoundaryRequest{RoleName: "nobody", PermissionsBoundary: policyARN}, "NoSuchEntity", noRole)
		refused(t, srv, iamapi.DeleteUserPermissionsBoundary, iamapi.DeleteUserPermissionsBoundaryRequest{UserName: "nobody"}, "NoSuchEntity", noUser)
		refused(t, srv, iamapi.DeleteRolePermissionsBoundary, iamapi.DeleteRolePermissionsBoundaryRequest{RoleName: "nobody"}, "NoSuchEntity", noRole)
	})
}

// TestBoundaryDecides limits an administrator at once.
func TestBoundaryDecides(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		policyARN := newPolicy(t, srv, "p")
		newUser(t, srv, "ana")
		do(t, srv, iamapi.AttachUserPolicy, iamapi.AttachUserPolicyRequest{UserName: "ana", PolicyArn: admin})
		ana := asUser(t, srv, "ana")
		do(t, ana, iamapi.ListRoles, iamapi.ListRolesRequest{})
		do(t, srv, iamapi.PutUserPermissionsBoundary, iamapi.PutUserPermissionsBoundaryRequest{UserName: "ana", PermissionsBoundary: policyARN})
		do(t, ana, iamapi.ListUsers, iamapi.ListUsersRequest{})
		refused(t, ana, iamapi.ListRoles, iamapi.ListRolesRequest{}, "AccessDenied", "because no permissions boundary allows the iam:ListRoles action")
		refused(t, ana, iamapi.DeleteUserPermissionsBoundary, iamapi.DeleteUserPermissionsBoundaryRequest{UserName: "ana"}, "AccessDenied", "because no permissions boundary allows")
		do(t, srv, iamapi.DeleteUserPermissionsBoundary, iamapi.DeleteUserPermissionsBoundaryRequest{UserName: "ana"})
		do(t, ana, iamapi.ListRoles, iamapi.ListRolesRequest{})
	})
}
