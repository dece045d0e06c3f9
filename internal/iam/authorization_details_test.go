package iam_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/iamapi"
	"onsight/internal/testkit"
)

func TestAccountAuthorizationDetails(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		own := *do(t, srv, iamapi.CreatePolicy, iamapi.CreatePolicyRequest{PolicyName: "own", Path: new("/x/"), Description: new("Mine."), PolicyDocument: listUser}).Policy.Arn
		do(t, srv, iamapi.CreatePolicyVersion, iamapi.CreatePolicyVersionRequest{PolicyArn: own, PolicyDocument: listUser, SetAsDefault: new(true)})
		newPolicy(t, srv.As(t, "444455556666"), "theirs")
		tags := []iamapi.Tag{{Key: "a", Value: "1"}, {Key: "B", Value: "2"}}
		do(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "ana", Path: new("/p/"), Tags: tags, PermissionsBoundary: new(readOnly)})
		newUser(t, srv, "bea")
		for _, g := range []string{"Zs", "as"} {
			do(t, srv, iamapi.CreateGroup, iamapi.CreateGroupRequest{GroupName: g})
			do(t, srv, iamapi.AddUserToGroup, iamapi.AddUserToGroupRequest{GroupName: g, UserName: "ana"})
		}
		do(t, srv, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "r", Tags: tags, AssumeRolePolicyDocument: strings.Replace(trustRootPolicy, "111122223333", "arn:aws:iam::111122223333:user/p/ana", 1)})
		do(t, srv, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{UserName: "ana", PolicyName: "in", PolicyDocument: listUser})
		do(t, srv, iamapi.PutGroupPolicy, iamapi.PutGroupPolicyRequest{GroupName: "as", PolicyName: "in", PolicyDocument: listUser})
		do(t, srv, iamapi.PutRolePolicy, iamapi.PutRolePolicyRequest{RoleName: "r", PolicyName: "in", PolicyDocument: listUser})
		do(t, srv, iamapi.AttachUserPolicy, iamapi.AttachUserPolicyRequest{UserName: "ana", PolicyArn: own})
		do(t, srv, iamapi.AttachGroupPolicy, iamapi.AttachGroupPolicyRequest{GroupName: "as", PolicyArn: own})
		do(t, srv, iamapi.AttachRolePolicy, iamapi.AttachRolePolicyRequest{RoleName: "r", PolicyArn: admin})

		out := do(t, srv, iamapi.GetAccountAuthorizationDetails, iamapi.GetAccountAuthorizationDetailsRequest{})
		document := func(s *string) string {
			t.Helper()
			d, err := url.PathUnescape(*s)
			if err != nil || d == *s {
				t.Errorf("not percent-encoded: %s", *s)
			}
			return d
		}
		if len(out.UserDetailList) != 2 || len(out.GroupDetailList) != 2 || len(out.RoleDetailList) != 1 || len(out.Policies) != 3 || *out.IsTruncated {
			t.Fatalf("%d users, %d groups, %d roles, %d policies, truncated %v",
				len(out.UserDetailList), len(out.GroupDetailList), len(out.RoleDetailList), len(out.Policies), *out.IsTruncated)
		}
		attachedOwn := []iamapi.AttachedPolicy{{PolicyArn: &own, PolicyName: new("own")}}

		u := out.UserDetailList[0]
		if d := document(u.UserPolicyList[0].PolicyDocument); *u.UserPolicyList[0].PolicyName != "in" || d != listUser {
			t.Errorf("inline policy of a user: %s", d)
		}
		u.UserPolicyList = nil
		wantUser := iamapi.UserDetail{
			UserName: new("ana"), Path: new("/p/"), Arn: new("arn:aws:iam::111122223333:user/p/ana"), UserId: u.UserId, CreateDate: u.CreateDate,
			GroupList: []string{"as", "Zs"}, AttachedManagedPolicies: attachedOwn, Tags: tags,
			PermissionsBoundary: &iamapi.AttachedPermissionsBoundary{PermissionsBoundaryArn: new(readOnly), PermissionsBoundaryType: new(iamapi.PermissionsBoundaryAttachmentType("Policy"))},
		}
		if diff := cmp.Diff(wantUser, u); diff != "" || u.UserId == nil || u.CreateDate == nil {
			t.Errorf("user (-want +got):\n%s", diff)
		}
		if b := out.UserDetailList[1]; b.UserPolicyList != nil || len(b.GroupList)+len(b.AttachedManagedPolicies)+len(b.Tags) != 0 || b.GroupList == nil {
			t.Errorf("a user without anything = %+v", b)
		}

		g := out.GroupDetailList[0]
		if *g.GroupName != "as" || document(g.GroupPolicyList[0].PolicyDocument) != listUser || cmp.Diff(attachedOwn, g.AttachedManagedPolicies) != "" {
			t.Errorf("group = %+v", g)
		}
		if g := out.GroupDetailList[1]; g.GroupPolicyList == nil || g.AttachedManagedPolicies == nil || *g.GroupName != "Zs" {
			t.Errorf("a group without anything = %+v", g)
		}

		r := out.RoleDetailList[0]
		if trust := document(r.AssumeRolePolicyDocument); !strings.Contains(trust, `"arn:aws:iam::111122223333:user/p/ana"`) {
			t.Errorf("trust policy = %s", trust)
		}
		if *r.AttachedManagedPolicies[0].PolicyArn != admin || document(r.RolePolicyList[0].PolicyDocument) != listUser || cmp.Diff(tags, r.Tags) != "" ||
			r.InstanceProfileList == nil || r.RoleLastUsed == nil || r.PermissionsBoundary != nil {
			t.Errorf("role = %+v", r)
		}

		p := out.Policies[0]
		var versions []string
		for _, v := range p.PolicyVersionList {
			versions = append(versions, fmt.Sprintln(*v.VersionId, *v.IsDefaultVersion, document(v.Document) == listUser))
		}
		if diff := cmp.Diff([]string{"v2 true true\n", "v1 false true\n"}, versions); diff != "" {
			t.Errorf("versions (-want +got):\n%s", diff)
		}
		if *p.Arn != own || *p.AttachmentCount != 2 || *p.DefaultVersionId != "v2" || *p.Description != "Mine." || *p.Path != "/x/" {
			t.Errorf("policy = %+v", p)
		}
		if a, b := out.Policies[1], out.Policies[2]; *a.Arn != admin || *a.AttachmentCount != 1 || *b.Arn != readOnly || *b.PermissionsBoundaryUsageCount != 1 || len(a.PolicyVersionList) != 1 {
			t.Errorf("policies of AWS = %+v, %+v", a, b)
		}
	})
}

// TestAccountAuthorizationDetailsInPages has everything come once and in
// order, whatever the length of the pages and the filter.
func TestAccountAuthorizationDetailsInPages(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		want := map[iamapi.EntityType][]string{}
		for i := range 3 {
			name := fmt.Sprint("n", i)
			newUser(t, srv, name)
			do(t, srv, iamapi.CreateGroup, iamapi.CreateGroupRequest{GroupName: name})
			do(t, srv, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: name, AssumeRolePolicyDocument: trustRootPolicy})
			newPolicy(t, srv, name)
			do(t, srv, iamapi.AttachUserPolicy, iamapi.AttachUserPolicyRequest{UserName: name, PolicyArn: admin})
			for of, kind := range map[iamapi.EntityType]string{
				iamapi.EntityTypeUser: "user", iamapi.EntityTypeGroup: "group", iamapi.EntityTypeRole: "role", iamapi.EntityTypeLocalManagedPolicy: "policy",
			} {
				want[of] = append(want[of], kind+" "+name)
			}
		}
		want[iamapi.EntityTypeAWSManagedPolicy] = []string{"policy AdministratorAccess"}
		inOrder := []iamapi.EntityType{
			iamapi.EntityTypeUser, iamapi.EntityTypeGroup, iamapi.EntityTypeRole, iamapi.EntityTypeLocalManagedPolicy, iamapi.EntityTypeAWSManagedPolicy,
		}
		list := func(filter []iamapi.EntityType, size int32) (all []string) {
			t.Helper()
			in := iamapi.GetAccountAuthorizationDetailsRequest{Filter: filter, MaxItems: &size}
			for {
				out := do(t, srv, iamapi.GetAccountAuthorizationDetails, in)
				n := len(all)
				for _, u := range out.UserDetailList {
					all = append(all, "user "+*u.UserName)
				}
				for _, g := range out.GroupDetailList {
					all = append(all, "group "+*g.GroupName)
				}
				for _, r := range out.RoleDetailList {
					all = append(all, "role "+*r.RoleName)
				}
				for _, p := range out.Policies {
					all = append(all, "policy "+*p.PolicyName)
				}
				if n = len(all) - n; n > int(size) {
					t.Fatalf("a page of %d, want at most %d", n, size)
				}
				if !*out.IsTruncated {
					return all
				}
				in.Marker = out.Marker
			}
		}
		for _, filter := range [][]iamapi.EntityType{
			nil, {iamapi.EntityTypeRole}, {iamapi.EntityTypeAWSManagedPolicy}, {iamapi.EntityTypeLocalManagedPolicy, iamapi.EntityTypeUser, iamapi.EntityTypeUser},
		} {
			var expected []string
			for _, of := range inOrder {
				if filter == nil || strings.Contains(fmt.Sprint(filter), string(of)) {
					expected = append(expected, want[of]...)
				}
			}
			for _, size := range []int32{1, 2, 3, 4, 5, 7, 13, 14} {
				if diff := cmp.Diff(expected, list(filter, size)); diff != "" {
					t.Errorf("%v in pages of %d (-want +got):\n%s", filter, size, diff)
				}
			}
		}
		marker := do(t, srv, iamapi.GetAccountAuthorizationDetails, iamapi.GetAccountAuthorizationDetailsRequest{MaxItems: new(int32(1))}).Marker
		refused(t, srv, iamapi.GetAccountAuthorizationDetails, iamapi.GetAccountAuthorizationDetailsRequest{
			Marker: marker, Filter: []iamapi.EntityType{iamapi.EntityTypeRole},
		}, "ValidationError", "Marker")
	})
}
