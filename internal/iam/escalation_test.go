package iam_test

import (
	"strings"
	"testing"

	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/testkit"
)

// TestEscalation has a user who may change the policies of some try to get at
// its own rights, by all ways that the operations offer. Everything is
// refused, and nothing has changed.
func TestEscalation(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		all := statements(`{"Effect":"Allow","Action":"*","Resource":"*"}`)
		newUser(t, srv, "eve")
		do(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "intern", Path: new("/interns/")})
		do(t, srv, iamapi.CreateGroup, iamapi.CreateGroupRequest{GroupName: "staff"})
		do(t, srv, iamapi.AddUserToGroup, iamapi.AddUserToGroupRequest{GroupName: "staff", UserName: "eve"})
		do(t, srv, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "r", AssumeRolePolicyDocument: trustRootPolicy})
		own := *do(t, srv, iamapi.CreatePolicy, iamapi.CreatePolicyRequest{PolicyName: "eve", PolicyDocument: statements(
			`{"Effect":"Allow","Action":["iam:Put*","iam:Attach*","iam:Detach*","iam:Delete*"],"Resource":"arn:aws:iam::111122223333:user/interns/*"}`,
			`{"Effect":"Allow","Action":["iam:CreatePolicy","iam:CreatePolicyVersion","iam:SetDefaultPolicyVersion"],"Resource":"arn:aws:iam::111122223333:policy/interns/*"}`,
		)}).Policy.Arn
		do(t, srv, iamapi.CreatePolicyVersion, iamapi.CreatePolicyVersionRequest{PolicyArn: own, PolicyDocument: all}) // not in force
		do(t, srv, iamapi.AttachUserPolicy, iamapi.AttachUserPolicyRequest{UserName: "eve", PolicyArn: own})
		eve := asUser(t, srv, "eve")

		// What it may do.
		do(t, eve, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{UserName: "intern", PolicyName: "p", PolicyDocument: listUser})
		do(t, eve, iamapi.AttachUserPolicy, iamapi.AttachUserPolicyRequest{UserName: "intern", PolicyArn: readOnly})
		theirs := *do(t, eve, iamapi.CreatePolicy, iamapi.CreatePolicyRequest{PolicyName: "theirs", Path: new("/interns/"), PolicyDocument: listUser}).Policy.Arn
		do(t, eve, iamapi.CreatePolicyVersion, iamapi.CreatePolicyVersionRequest{PolicyArn: theirs, PolicyDocument: listUser, SetAsDefault: new(true)})

		self := "on resource: arn:aws:iam::111122223333:user/eve because no identity-based policy allows"
		for _, name := range []string{"eve", "EVE", "eVe"} {
			refused(t, eve, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{UserName: name, PolicyName: "p", PolicyDocument: all}, "AccessDenied", self)
			refused(t, eve, iamapi.AttachUserPolicy, iamapi.AttachUserPolicyRequest{UserName: name, PolicyArn: admin}, "AccessDenied", self)
			refused(t, eve, iamapi.DetachUserPolicy, iamapi.DetachUserPolicyRequest{UserName: name, PolicyArn: own}, "AccessDenied", self)
			refused(t, eve, iamapi.PutUserPermissionsBoundary, iamapi.PutUserPermissionsBoundaryRequest{UserName: name, PermissionsBoundary: admin}, "AccessDenied", self)
			refused(t, eve, iamapi.DeleteUserPermissionsBoundary, iamapi.DeleteUserPermissionsBoundaryRequest{UserName: name}, "AccessDenied", self)
			refused(t, eve, iamapi.DeleteUserPolicy, iamapi.DeleteUserPolicyRequest{UserName: name, PolicyName: "p"}, "AccessDenied", self)
		}
		// Names with a path in them are no names, also where a pattern would let them pass.
		for _, name := range []string{"interns/eve", "interns/../eve", "interns/*"} {
			_, err := testkit.Call(t, eve, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{UserName: name, PolicyName: "p", PolicyDocument: all})
			if code := fault.Of(err).Code; code != "AccessDenied" && code != "ValidationError" {
				t.Errorf("a user %q: %v", name, err)
			}
		}
		denied := "because no identity-based policy allows"
		refused(t, eve, iamapi.PutGroupPolicy, iamapi.PutGroupPolicyRequest{GroupName: "staff", PolicyName: "p", PolicyDocument: all}, "AccessDenied", "group/staff "+denied)
		refused(t, eve, iamapi.AttachGroupPolicy, iamapi.AttachGroupPolicyRequest{GroupName: "staff", PolicyArn: admin}, "AccessDenied", "group/staff "+denied)
		refused(t, eve, iamapi.PutRolePolicy, iamapi.PutRolePolicyRequest{RoleName: "r", PolicyName: "p", PolicyDocument: all}, "AccessDenied", "role/r "+denied)
		refused(t, eve, iamapi.AttachRolePolicy, iamapi.AttachRolePolicyRequest{RoleName: "r", PolicyArn: admin}, "AccessDenied", "role/r "+denied)
		refused(t, eve, iamapi.PutRolePermissionsBoundary, iamapi.PutRolePermissionsBoundaryRequest{RoleName: "r", PermissionsBoundary: admin}, "AccessDenied", "role/r "+denied)
		refused(t, eve, iamapi.CreatePolicyVersion, iamapi.CreatePolicyVersionRequest{PolicyArn: own, PolicyDocument: all, SetAsDefault: new(true)}, "AccessDenied", own+" "+denied)
		refused(t, eve, iamapi.SetDefaultPolicyVersion, iamapi.SetDefaultPolicyVersionRequest{PolicyArn: own, VersionId: "v2"}, "AccessDenied", own+" "+denied)
		refused(t, eve, iamapi.CreatePolicy, iamapi.CreatePolicyRequest{PolicyName: "more", PolicyDocument: all}, "AccessDenied", "policy/more "+denied)
		refused(t, eve, iamapi.SimulatePrincipalPolicy, iamapi.SimulatePrincipalPolicyRequest{PolicySourceArn: "arn:aws:iam::111122223333:user/eve", ActionNames: []string{"iam:GetUser"}}, "AccessDenied", self)
		// A policy's ARN in other letters is not the policy.
		for _, other := range []string{strings.Replace(own, "policy/eve", "policy/interns/eve", 1), strings.Replace(own, "policy/eve", "policy/interns/../eve", 1)} {
			refused(t, eve, iamapi.SetDefaultPolicyVersion, iamapi.SetDefaultPolicyVersionRequest{PolicyArn: other, VersionId: "v2"}, "NoSuchEntity", "does not exist")
		}
		// The policies of the account decide about no other account.
		refused(t, eve, iamapi.CreatePolicyVersion, iamapi.CreatePolicyVersionRequest{
			PolicyArn: strings.Replace(theirs, "111122223333", "444455556666", 1), PolicyDocument: all,
		}, "AccessDenied", denied)

		refused(t, eve, iamapi.ListUsers, iamapi.ListUsersRequest{}, "AccessDenied", denied)
		if names := do(t, srv, iamapi.ListUserPolicies, iamapi.ListUserPoliciesRequest{UserName: "eve"}).PolicyNames; len(names) != 0 {
			t.Errorf("eve has %v", names)
		}
	})
}

// TestEscalationByPolicyARN holds who may attach policies to those that
// iam:PolicyARN names, and who may set boundaries to the one that
// iam:PermissionsBoundary names.
func TestEscalationByPolicyARN(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		boundary := newPolicy(t, srv, "boundary")
		newUser(t, srv, "eve")
		do(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "bounded", PermissionsBoundary: &boundary})
		newUser(t, srv, "free")
		do(t, srv, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "free", AssumeRolePolicyDocument: trustRootPolicy})
		do(t, srv, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "bounded", AssumeRolePolicyDocument: trustRootPolicy, PermissionsBoundary: &boundary})
		do(t, srv, iamapi.CreateGroup, iamapi.CreateGroupRequest{GroupName: "g"})
		do(t, srv, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{UserName: "eve", PolicyName: "p", PolicyDocument: statements(
			`{"Effect":"Allow","Action":["iam:AttachUserPolicy","iam:AttachGroupPolicy","iam:AttachRolePolicy"],"Resource":"*","Condition":{"ArnEquals":{"iam:PolicyARN":["`+readOnly+`"]}}}`,
			`{"Effect":"Allow","Action":["iam:CreateUser","iam:PutUserPermissionsBoundary","iam:PutRolePermissionsBoundary","iam:PutUserPolicy","iam:PutRolePolicy","iam:DeleteUserPermissionsBoundary"],"Resource":"*","Condition":{"StringEquals":{"iam:PermissionsBoundary":"`+boundary+`"}}}`,
			`{"Effect":"Deny","Action":"iam:DeleteUserPermissionsBoundary","Resource":"*"}`,
		)})
		eve := asUser(t, srv, "eve")
		denied := "because no identity-based policy allows"

		for _, k := range kindsOfHolders {
			name := "free"
			if k.name == "group" {
				name = "g"
			}
			ok(t, k.attach(t, eve, name, readOnly))
			fails(t, k.attach(t, eve, name, admin), "AccessDenied", denied)
			fails(t, k.attach(t, eve, name, strings.Replace(readOnly, "arn:aws:", "arn:aws-cn:", 1)), "AccessDenied", denied)
		}

		do(t, eve, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "new", PermissionsBoundary: &boundary})
		refused(t, eve, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "new2"}, "AccessDenied", denied)
		refused(t, eve, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "new2", PermissionsBoundary: new(admin)}, "AccessDenied", denied)
		// The key is the boundary that is asked for where one is set, and the
		// one that is in force where policies change.
		do(t, eve, iamapi.PutUserPermissionsBoundary, iamapi.PutUserPermissionsBoundaryRequest{UserName: "free", PermissionsBoundary: boundary})
		refused(t, eve, iamapi.PutUserPermissionsBoundary, iamapi.PutUserPermissionsBoundaryRequest{UserName: "bounded", PermissionsBoundary: admin}, "AccessDenied", denied)
		refused(t, eve, iamapi.PutRolePermissionsBoundary, iamapi.PutRolePermissionsBoundaryRequest{RoleName: "bounded", PermissionsBoundary: admin}, "AccessDenied", denied)
		do(t, eve, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{UserName: "bounded", PolicyName: "p", PolicyDocument: listUser})
		refused(t, eve, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{UserName: "eve", PolicyName: "p", PolicyDocument: listUser}, "AccessDenied", denied)
		do(t, eve, iamapi.PutRolePolicy, iamapi.PutRolePolicyRequest{RoleName: "bounded", PolicyName: "p", PolicyDocument: listUser})
		refused(t, eve, iamapi.PutRolePolicy, iamapi.PutRolePolicyRequest{RoleName: "free", PolicyName: "p", PolicyDocument: listUser}, "AccessDenied", denied)
		refused(t, eve, iamapi.DeleteUserPermissionsBoundary, iamapi.DeleteUserPermissionsBoundaryRequest{UserName: "bounded"}, "AccessDenied", "with an explicit deny in an identity-based policy")
	})
}

// TestTagsNeedTheirOwnRight has who may create policies and providers, and may
// not tag them, create none with tags.
func TestTagsNeedTheirOwnRight(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		newUser(t, srv, "eve")
		allow(t, srv, "eve", `{"Effect":"Allow","Action":["iam:CreatePolicy","iam:CreateOpenIDConnectProvider","iam:CreateSAMLProvider"],"Resource":"*"}`)
		eve := asUser(t, srv, "eve")
		tags := []iamapi.Tag{{Key: "a", Value: "b"}}
		document := metadata(`entityID="e"`, "")
		refused(t, eve, iamapi.CreatePolicy, iamapi.CreatePolicyRequest{PolicyName: "p", PolicyDocument: listUser, Tags: tags}, "AccessDenied", "iam:TagPolicy")
		refused(t, eve, iamapi.CreateOpenIDConnectProvider, iamapi.CreateOpenIDConnectProviderRequest{Url: "https://a.example.org", Tags: tags}, "AccessDenied", "iam:TagOpenIDConnectProvider")
		refused(t, eve, iamapi.CreateSAMLProvider, iamapi.CreateSAMLProviderRequest{Name: "s", SAMLMetadataDocument: document, Tags: tags}, "AccessDenied", "iam:TagSAMLProvider")
		do(t, eve, iamapi.CreatePolicy, iamapi.CreatePolicyRequest{PolicyName: "p", PolicyDocument: listUser})
		do(t, eve, iamapi.CreateOpenIDConnectProvider, iamapi.CreateOpenIDConnectProviderRequest{Url: "https://a.example.org"})
		do(t, eve, iamapi.CreateSAMLProvider, iamapi.CreateSAMLProviderRequest{Name: "s", SAMLMetadataDocument: document})
	})
}

// TestTagsOfPoliciesDecide lets a condition on aws:ResourceTag choose among
// managed policies and providers.
func TestTagsOfPoliciesDecide(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		mine := *do(t, srv, iamapi.CreatePolicy, iamapi.CreatePolicyRequest{PolicyName: "mine", PolicyDocument: listUser, Tags: []iamapi.Tag{{Key: "Team", Value: "x"}}}).Policy.Arn
		other := newPolicy(t, srv, "other")
		provider := *do(t, srv, iamapi.CreateOpenIDConnectProvider, iamapi.CreateOpenIDConnectProviderRequest{Url: "https://a.example.org", Tags: []iamapi.Tag{{Key: "team", Value: "x"}}}).OpenIDConnectProviderArn
		plain := *do(t, srv, iamapi.CreateOpenIDConnectProvider, iamapi.CreateOpenIDConnectProviderRequest{Url: "https://b.example.org"}).OpenIDConnectProviderArn
		newUser(t, srv, "eve")
		allow(t, srv, "eve", `{"Effect":"Allow","Action":"iam:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"x"}}}`)
		eve := asUser(t, srv, "eve")
		do(t, eve, iamapi.CreatePolicyVersion, iamapi.CreatePolicyVersionRequest{PolicyArn: mine, PolicyDocument: listUser})
		refused(t, eve, iamapi.CreatePolicyVersion, iamapi.CreatePolicyVersionRequest{PolicyArn: other, PolicyDocument: listUser}, "AccessDenied", other)
		do(t, eve, iamapi.AddClientIDToOpenIDConnectProvider, iamapi.AddClientIDToOpenIDConnectProviderRequest{OpenIDConnectProviderArn: provider, ClientID: "c"})
		refused(t, eve, iamapi.AddClientIDToOpenIDConnectProvider, iamapi.AddClientIDToOpenIDConnectProviderRequest{OpenIDConnectProviderArn: plain, ClientID: "c"}, "AccessDenied", plain)
	})
}
