package iam_test

import (
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/iamapi"
	"onsight/internal/testkit"
)

const trustRoot = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"sts:AssumeRole"}]}`

// trusting is a trust policy for the principals given, in a layout of its own.
func trusting(principals ...string) string {
	return "{ \"Version\" : \"2012-10-17\",\n\t\"Statement\": {\"Effect\":\"Allow\", \"Principal\": {\"AWS\": [\"" +
		strings.Join(principals, "\" , \"") + "\"]}, \"Action\":\"sts:AssumeRole\", \"Condition\": {\"StringEquals\": {\"sts:ExternalId\": \"AWS\"}}} }\n"
}

// trustOf reads a role's trust policy.
func trustOf(t *testing.T, srv *testkit.Server, role string) string {
	t.Helper()
	return decoded(t, *do(t, srv, iamapi.GetRole, iamapi.GetRoleRequest{RoleName: role}).Role.AssumeRolePolicyDocument)
}

func decoded(t *testing.T, document string) string {
	t.Helper()
	if strings.ContainsAny(document, "{ \"+\n") {
		t.Errorf("the document is not percent-encoded: %s", document)
	}
	s, err := url.PathUnescape(document)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRoles(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		made := do(t, srv, iamapi.CreateRole, iamapi.CreateRoleRequest{
			RoleName: "Reader", Path: new("/apps/"), AssumeRolePolicyDocument: trustRoot, Description: new("reads"),
			MaxSessionDuration: new(int32(7200)), Tags: []iamapi.Tag{{Key: "Team", Value: "x"}}, PermissionsBoundary: new("arn:aws:iam::aws:policy/ReadOnlyAccess"),
		}).Role
		if made.Arn != "arn:aws:iam::111122223333:role/apps/Reader" || !regexp.MustCompile(`^AROA[A-Z2-7]{17}$`).MatchString(made.RoleId) {
			t.Errorf("made %+v", made)
		}
		if got := decoded(t, *made.AssumeRolePolicyDocument); got != trustRoot {
			t.Errorf("trust = %s, want %s", got, trustRoot)
		}
		got := do(t, srv, iamapi.GetRole, iamapi.GetRoleRequest{RoleName: "reader"}).Role
		if got.RoleLastUsed == nil || got.RoleLastUsed.LastUsedDate != nil {
			t.Errorf("RoleLastUsed = %+v", got.RoleLastUsed)
		}
		got.RoleLastUsed = nil
		if diff := cmp.Diff(made, got); diff != "" {
			t.Errorf("GetRole (-made +got):\n%s", diff)
		}
		do(t, srv, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "a", AssumeRolePolicyDocument: trustRoot})
		list := do(t, srv, iamapi.ListRoles, iamapi.ListRolesRequest{}).Roles
		if len(list) != 2 || list[0].RoleName != "a" || *list[0].MaxSessionDuration != 3600 || list[1].Tags != nil || list[1].PermissionsBoundary != nil ||
			decoded(t, *list[1].AssumeRolePolicyDocument) != trustRoot {
			t.Errorf("roles: %+v", list)
		}
		refused(t, srv, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "READER", AssumeRolePolicyDocument: trustRoot}, "EntityAlreadyExists", "Role with name READER already exists.")
		refused(t, srv, iamapi.GetRole, iamapi.GetRoleRequest{RoleName: "b"}, "NoSuchEntity", "The role with name b cannot be found.")
		refused(t, srv, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "b", AssumeRolePolicyDocument: trustRoot, MaxSessionDuration: new(int32(60))}, "ValidationError", "maxSessionDuration")

		do(t, srv, iamapi.UpdateRole, iamapi.UpdateRoleRequest{RoleName: "reader", Description: new("reads on")})
		got = do(t, srv, iamapi.GetRole, iamapi.GetRoleRequest{RoleName: "reader"}).Role
		if *got.Description != "reads on" || *got.MaxSessionDuration != 3600 {
			t.Errorf("after UpdateRole without a duration: %s, %d", *got.Description, *got.MaxSessionDuration)
		}
		do(t, srv, iamapi.UpdateRole, iamapi.UpdateRoleRequest{RoleName: "reader", MaxSessionDuration: new(int32(43200))})
		out := do(t, srv, iamapi.UpdateRoleDescription, iamapi.UpdateRoleDescriptionRequest{RoleName: "reader", Description: "still"}).Role
		if *out.Description != "still" || *out.MaxSessionDuration != 43200 || out.RoleId != made.RoleId {
			t.Errorf("after both: %+v", out)
		}
		if p := do(t, srv, iamapi.ListInstanceProfilesForRole, iamapi.ListInstanceProfilesForRoleRequest{RoleName: "reader"}); len(p.InstanceProfiles) > 0 || *p.IsTruncated {
			t.Errorf("instance profiles: %+v", p)
		}
		refused(t, srv, iamapi.ListInstanceProfilesForRole, iamapi.ListInstanceProfilesForRoleRequest{RoleName: "b"}, "NoSuchEntity", "b")

		do(t, srv, iamapi.AttachRolePolicy, iamapi.AttachRolePolicyRequest{RoleName: "reader", PolicyArn: "arn:aws:iam::aws:policy/ReadOnlyAccess"})
		refused(t, srv, iamapi.DeleteRole, iamapi.DeleteRoleRequest{RoleName: "reader"}, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
		do(t, srv, iamapi.DetachRolePolicy, iamapi.DetachRolePolicyRequest{RoleName: "reader", PolicyArn: "arn:aws:iam::aws:policy/ReadOnlyAccess"})
		do(t, srv, iamapi.PutRolePolicy, iamapi.PutRolePolicyRequest{RoleName: "reader", PolicyName: "p", PolicyDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`})
		refused(t, srv, iamapi.DeleteRole, iamapi.DeleteRoleRequest{RoleName: "reader"}, "DeleteConflict", "Cannot delete entity, must delete policies first.")
		do(t, srv, iamapi.DeleteRolePolicy, iamapi.DeleteRolePolicyRequest{RoleName: "reader", PolicyName: "p"})
		do(t, srv, iamapi.DeleteRole, iamapi.DeleteRoleRequest{RoleName: "reader"})
		refused(t, srv, iamapi.DeleteRole, iamapi.DeleteRoleRequest{RoleName: "reader"}, "NoSuchEntity", "reader")
	})
}

func TestTrustPoliciesThatAreNone(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		do(t, srv, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "kept", AssumeRolePolicyDocument: trustRoot})
		for _, tt := range []struct{ document, code, part string }{
			{`{"Version":"2012-10-17",`, "MalformedPolicyDocument", "This policy contains invalid Json"},
			{"{\"Version\":\"2012-10-17\",\n \"Statement\":[{\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"sts:AssumeRole\",\"Resource\":\"*\"}]}", "MalformedPolicyDocument", "line 2, column"},
			{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/nobody"},"Action":"sts:AssumeRole"}]}`, "MalformedPolicyDocument", `Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:user/nobody"`},
			{`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"AROAAAAAAAAAAAAAAAAAA"},"Action":"sts:AssumeRole"}]}`, "MalformedPolicyDocument", `Invalid principal in policy: "AWS":"AROAAAAAAAAAAAAAAAAAA"`},
			{strings.Replace(trustRoot, `"Action"`, `"Sid":"`+strings.Repeat("s", 2048)+`","Action"`, 1), "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048"},
		} {
			refused(t, srv, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "r", AssumeRolePolicyDocument: tt.document}, tt.code, tt.part)
			refused(t, srv, iamapi.UpdateAssumeRolePolicy, iamapi.UpdateAssumeRolePolicyRequest{RoleName: "kept", PolicyDocument: tt.document}, tt.code, tt.part)
		}
		refused(t, srv, iamapi.GetRole, iamapi.GetRoleRequest{RoleName: "r"}, "NoSuchEntity", "r")
		if got := trustOf(t, srv, "kept"); got != trustRoot {
			t.Errorf("trust = %s, want %s", got, trustRoot)
		}
	})
}

// TestTrustFollowsPrincipals: a trust policy means the users and roles that it
// meant when it was written.
func TestTrustFollowsPrincipals(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		const prefix = "arn:aws:iam::111122223333:"
		ana := newUser(t, srv, "ana")
		do(t, srv, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "app", Path: new("/x/"), AssumeRolePolicyDocument: trustRoot})
		other := srv.As(t, "444455556666")
		newUser(t, other, "eve")
		document := trusting(prefix+"user/ana", prefix+"role/x/app", "arn:aws:iam::444455556666:user/eve", "444455556666")
		do(t, srv, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "r", AssumeRolePolicyDocument: document})
		if got := trustOf(t, srv, "r"); got != document {
			t.Errorf("trust:\n%s\nwant as it was given:\n%s", got, document)
		}
		refused(t, srv, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "s", AssumeRolePolicyDocument: trusting(prefix + "role/app")}, "MalformedPolicyDocument", "Invalid principal")
		refused(t, srv, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "s", AssumeRolePolicyDocument: trusting(prefix + "user/Ana")}, "MalformedPolicyDocument", "Invalid principal")

		do(t, srv, iamapi.UpdateUser, iamapi.UpdateUserRequest{UserName: "ana", NewUserName: new("anna")})
		newUser(t, srv, "ana")
		want := strings.Replace(document, "user/ana", "user/anna", 1)
		if got := trustOf(t, srv, "r"); got != want {
			t.Errorf("trust after a new name:\n%s\nwant:\n%s", got, want)
		}
		do(t, srv, iamapi.DeleteUser, iamapi.DeleteUserRequest{UserName: "anna"})
		newUser(t, srv, "anna")
		want = strings.Replace(document, prefix+"user/ana", ana.UserId, 1)
		if got := trustOf(t, srv, "r"); got != want {
			t.Errorf("trust after a deletion:\n%s\nwant:\n%s", got, want)
		}
		list := do(t, srv, iamapi.ListRoles, iamapi.ListRolesRequest{PathPrefix: new("/")}).Roles
		if got := decoded(t, *list[1].AssumeRolePolicyDocument); got != want {
			t.Errorf("trust in the list:\n%s\nwant:\n%s", got, want)
		}
		// What IAM shows it does not take back: the user is gone.
		refused(t, srv, iamapi.UpdateAssumeRolePolicy, iamapi.UpdateAssumeRolePolicyRequest{RoleName: "r", PolicyDocument: want}, "MalformedPolicyDocument", ana.UserId)
		do(t, srv, iamapi.UpdateAssumeRolePolicy, iamapi.UpdateAssumeRolePolicyRequest{RoleName: "r", PolicyDocument: trusting(prefix + "user/anna")})
	})
}
