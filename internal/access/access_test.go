package access_test

import (
	"fmt"
	"strings"
	"testing"

	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
	"onsight/internal/testkit"
)

// allow is a policy of one statement that allows actions on a resource.
func allow(resource string, actions ...string) string {
	return statement("Allow", resource, "", actions...)
}

func deny(resource string, actions ...string) string {
	return statement("Deny", resource, "", actions...)
}

func statement(effect, resource, condition string, actions ...string) string {
	if condition != "" {
		condition = `,"Condition":` + condition
	}
	return fmt.Sprintf(`{"Version":"2012-10-17","Statement":[{"Effect":%q,"Action":["%s"],"Resource":%q%s}]}`,
		effect, strings.Join(actions, `","`), resource, condition)
}

// person makes an IAM user with an access key, and gives the server as it sees it.
func person(t *testing.T, srv *testkit.Server, name string) *testkit.Server {
	t.Helper()
	if _, err := testkit.Call(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: name}); err != nil {
		t.Fatal(err)
	}
	out, err := testkit.Call(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return srv.With(out.AccessKey.AccessKeyId, out.AccessKey.SecretAccessKey.Reveal(), "")
}

func putPolicy(t *testing.T, srv *testkit.Server, user, name, document string) {
	t.Helper()
	_, err := testkit.Call(t, srv, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{UserName: user, PolicyName: name, PolicyDocument: document})
	if err != nil {
		t.Fatal(err)
	}
}

func listUsers(t *testing.T, srv *testkit.Server) error {
	t.Helper()
	_, err := testkit.Call(t, srv, qs.ListUsers, qs.ListUsersRequest{AwsAccountId: testkit.Account, Namespace: "default"})
	return err
}

func register(t *testing.T, srv *testkit.Server, name string, tags ...qs.Tag) error {
	t.Helper()
	_, err := testkit.Call(t, srv, qs.RegisterUser, qs.RegisterUserRequest{
		AwsAccountId: testkit.Account, Namespace: "default", UserName: &name, Email: "x@example.org",
		IdentityType: qs.IdentityTypeQuicksight, UserRole: qs.UserRoleReader, Tags: tags,
	})
	return err
}

// denied expects a refusal with a text that ends so.
func denied(t *testing.T, what string, err error, end string) {
	t.Helper()
	f := fault.Of(err)
	if f == nil || f.Code != "AccessDeniedException" || f.Status != 403 || !strings.HasSuffix(f.Message, end) {
		t.Errorf("%s: %v, want a refusal … %s", what, err, end)
	}
}

func allowed(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Errorf("%s: %v, want it allowed", what, err)
	}
}

// TestPoliciesDecide walks through the levels of policies; each change counts
// from the next call on.
func TestPoliciesDecide(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana := person(t, srv, "ana")
		denied(t, "without policies", listUsers(t, ana),
			"User: arn:aws:iam::111122223333:user/ana is not authorized to perform: quicksight:ListUsers on resource: arn:aws:quicksight:us-east-1:111122223333:user/default/* because no identity-based policy allows the quicksight:ListUsers action")

		putPolicy(t, srv, "ana", "look", allow("*", "quicksight:List*"))
		allowed(t, "an inline policy", listUsers(t, ana))
		putPolicy(t, srv, "ana", "look", allow("*", "quicksight:Describe*"))
		denied(t, "another inline policy", listUsers(t, ana), "because no identity-based policy allows the quicksight:ListUsers action")

		group := "readers"
		_, err := testkit.Call(t, srv, iamapi.CreateGroup, iamapi.CreateGroupRequest{GroupName: group})
		allowed(t, "CreateGroup", err)
		_, err = testkit.Call(t, srv, iamapi.PutGroupPolicy, iamapi.PutGroupPolicyRequest{GroupName: group, PolicyName: "p", PolicyDocument: allow("*", "quicksight:*")})
		allowed(t, "PutGroupPolicy", err)
		denied(t, "a group of others", listUsers(t, ana), "because no identity-based policy allows the quicksight:ListUsers action")
		_, err = testkit.Call(t, srv, iamapi.AddUserToGroup, iamapi.AddUserToGroupRequest{GroupName: group, UserName: "ana"})
		allowed(t, "AddUserToGroup", err)
		allowed(t, "the policy of the group", listUsers(t, ana))
		allowed(t, "the policy of the group", register(t, ana, "bob"))

		out, err := testkit.Call(t, srv, iamapi.CreatePolicy, iamapi.CreatePolicyRequest{PolicyName: "limit", PolicyDocument: allow("*", "quicksight:List*")})
		allowed(t, "CreatePolicy", err)
		_, err = testkit.Call(t, srv, iamapi.PutUserPermissionsBoundary, iamapi.PutUserPermissionsBoundaryRequest{UserName: "ana", PermissionsBoundary: *out.Policy.Arn})
		allowed(t, "PutUserPermissionsBoundary", err)
		allowed(t, "inside the boundary", listUsers(t, ana))
		denied(t, "outside the boundary", register(t, ana, "carl"), "because no permissions boundary allows the quicksight:RegisterUser action")
		_, err = testkit.Call(t, srv, iamapi.DeleteUserPermissionsBoundary, iamapi.DeleteUserPermissionsBoundaryRequest{UserName: "ana"})
		allowed(t, "DeleteUserPermissionsBoundary", err)
		allowed(t, "without the boundary", register(t, ana, "carl"))

		putPolicy(t, srv, "ana", "not-dora", deny("arn:aws:quicksight:*:*:user/default/dora", "quicksight:*"))
		denied(t, "an explicit deny", register(t, ana, "dora"), "with an explicit deny in an identity-based policy")
		allowed(t, "beside the deny", register(t, ana, "emil"))
		if _, err := testkit.Call(t, srv, qs.DescribeUser, qs.DescribeUserRequest{AwsAccountId: testkit.Account, Namespace: "default", UserName: "dora"}); fault.Of(err).Code != "ResourceNotFoundException" {
			t.Errorf("a refused registration left a user: %v", err)
		}

		// Another account's resources are out of reach, whatever the policies say.
		other := srv.As(t, "444455556666")
		other.Subscribe(t)
		_, err = testkit.Call(t, ana, qs.ListUsers, qs.ListUsersRequest{AwsAccountId: other.Account, Namespace: "default"})
		denied(t, "another account", err, "because no resource-based policy allows the quicksight:ListUsers action")
	})
}

func TestConditionsOfCalls(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana := person(t, srv, "ana")
		set := func(condition string) {
			t.Helper()
			putPolicy(t, srv, "ana", "p", statement("Allow", "*", condition, "quicksight:*"))
		}
		const lacking = "because no identity-based policy allows the quicksight:ListUsers action"
		set(`{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}}`)
		allowed(t, "from the right address", listUsers(t, ana))
		set(`{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}`)
		denied(t, "from another address", listUsers(t, ana), lacking)
		set(`{"Bool":{"aws:SecureTransport":"true"}}`)
		denied(t, "without TLS", listUsers(t, ana), lacking)
		set(`{"StringEquals":{"aws:RequestedRegion":"us-east-1","aws:username":"ana","aws:PrincipalType":"User"}}`)
		allowed(t, "who and where", listUsers(t, ana))
		set(`{"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}`)
		denied(t, "too late", listUsers(t, ana), lacking)

		// Tags of the request, and of the resource.
		set(`{"StringEquals":{"aws:RequestTag/team":"bi"}}`)
		denied(t, "without the tag", register(t, ana, "bob"), "because no identity-based policy allows the quicksight:RegisterUser action")
		denied(t, "with another tag", register(t, ana, "bob", qs.Tag{Key: "team", Value: "hr"}), "because no identity-based policy allows the quicksight:RegisterUser action")
		allowed(t, "with the tag", register(t, ana, "bob", qs.Tag{Key: "team", Value: "bi"}))
		allowed(t, "somebody of another team", register(t, srv, "carl", qs.Tag{Key: "team", Value: "hr"}))
		set(`{"StringEquals":{"aws:ResourceTag/team":"bi"}}`)
		describe := func(name string) error {
			_, err := testkit.Call(t, ana, qs.DescribeUser, qs.DescribeUserRequest{AwsAccountId: testkit.Account, Namespace: "default", UserName: name})
			return err
		}
		allowed(t, "a resource with the tag", describe("bob"))
		denied(t, "a resource with another tag", describe("carl"), "because no identity-based policy allows the quicksight:DescribeUser action")
		denied(t, "no resource", describe("nobody"), "because no identity-based policy allows the quicksight:DescribeUser action")

		// Tags on something new are an action of their own.
		putPolicy(t, srv, "ana", "p", allow("*", "quicksight:RegisterUser"))
		allowed(t, "without tags", register(t, ana, "dora"))
		denied(t, "with tags", register(t, ana, "emil", qs.Tag{Key: "team", Value: "bi"}), "because no identity-based policy allows the quicksight:TagResource action")
	})
}

func TestKeysThatHoldNoLonger(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana := person(t, srv, "ana")
		putPolicy(t, srv, "ana", "p", allow("*", "quicksight:*"))
		allowed(t, "at first", listUsers(t, ana))
		keys, err := testkit.Call(t, srv, iamapi.ListAccessKeys, iamapi.ListAccessKeysRequest{UserName: new("ana")})
		if err != nil || len(keys.AccessKeyMetadata) != 1 {
			t.Fatalf("keys: %+v, %v", keys, err)
		}
		id := *keys.AccessKeyMetadata[0].AccessKeyId
		set := func(status iamapi.StatusType) {
			t.Helper()
			_, err := testkit.Call(t, srv, iamapi.UpdateAccessKey, iamapi.UpdateAccessKeyRequest{UserName: new("ana"), AccessKeyId: id, Status: status})
			allowed(t, "UpdateAccessKey", err)
		}
		refused := func(what string) {
			t.Helper()
			if f := fault.Of(listUsers(t, ana)); f == nil || f.Code != "UnrecognizedClientException" {
				t.Errorf("%s: %v, want UnrecognizedClientException", what, f)
			}
		}
		set(iamapi.StatusTypeInactive)
		refused("an inactive key")
		set(iamapi.StatusTypeActive)
		allowed(t, "active again", listUsers(t, ana))
		_, err = testkit.Call(t, srv, iamapi.DeleteAccessKey, iamapi.DeleteAccessKeyRequest{UserName: new("ana"), AccessKeyId: id})
		allowed(t, "DeleteAccessKey", err)
		refused("a deleted key")
	})
}

// TestEveryReplicaKnows changes policies at one server and calls another.
func TestEveryReplicaKnows(t *testing.T) {
	t.Parallel()
	db := storetest.Config(t, store.PostgreSQL)
	shared := t.TempDir() + "/seal.key"
	one := testkit.Start(t, db, testkit.SealKey(shared))
	two := testkit.Start(t, db, testkit.SealKey(shared))
	one.Subscribe(t)
	ana := person(t, one, "ana")
	there := ana.At(two)
	for i := range 5 {
		putPolicy(t, one, "ana", "p", allow("*", "quicksight:*"))
		allowed(t, fmt.Sprintf("round %d: allowed at the other server", i), listUsers(t, there))
		putPolicy(t, one, "ana", "p", allow("*", "iam:*"))
		denied(t, fmt.Sprintf("round %d: refused at the other server", i), listUsers(t, there), "because no identity-based policy allows the quicksight:ListUsers action")
	}
}

func TestExplainAccess(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		ana, bob := person(t, srv, "ana"), person(t, srv, "bob")
		_ = ana
		putPolicy(t, srv, "ana", "people", `{"Version":"2012-10-17","Statement":[
			{"Sid":"Look","Effect":"Allow","Action":"quicksight:List*","Resource":"*"},
			{"Sid":"Office","Effect":"Allow","Action":"quicksight:RegisterUser","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}}]}`)
		explain := func(principal, action string, keys map[string][]string) *onsightapi.ExplainAccessResponse {
			t.Helper()
			out, err := testkit.Call(t, srv, onsightapi.ExplainAccess, onsightapi.ExplainAccessRequest{
				AwsAccountId: testkit.Account, Principal: principal, Action: action, Context: keys,
			})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		if out := explain("user/ana", "quicksight:ListUsers", nil); !*out.Allowed || *out.Policy != "people" || *out.Statement != "Look" {
			t.Errorf("ListUsers: %+v", out)
		}
		out := explain("arn:aws:iam::111122223333:user/ana", "quicksight:RegisterUser", nil)
		if *out.Allowed || *out.Outcome != onsightapi.AccessOutcomeImplicitDeny || !strings.Contains(*out.Missing, "must allow quicksight:RegisterUser") {
			t.Errorf("RegisterUser: %+v", out)
		}
		if near := out.Statements[0]; *near.Statement != "Office" || *near.Applies || len(near.Misses) != 1 || !strings.Contains(near.Misses[0], "aws:SourceIp wants 10.0.0.0/8") {
			t.Errorf("the nearest statement: %+v", near)
		}
		if out := explain("user/ana", "quicksight:RegisterUser", map[string][]string{"aws:SourceIp": {"10.1.2.3"}}); !*out.Allowed {
			t.Errorf("RegisterUser from the office: %+v", out)
		}
		if out := explain("root", "quicksight:RegisterUser", nil); !*out.Allowed {
			t.Errorf("root: %+v", out)
		}
		who, err := testkit.Call(t, srv, onsightapi.ListPrincipalsWithAccess, onsightapi.ListPrincipalsWithAccessRequest{AwsAccountId: testkit.Account, Action: "quicksight:ListUsers"})
		if err != nil || len(who.Principals) != 1 || *who.Principals[0].Principal != "arn:aws:iam::111122223333:user/ana" {
			t.Errorf("who may ListUsers: %+v, %v", who, err)
		}
		what, err := testkit.Call(t, srv, onsightapi.ListAccessOfPrincipal, onsightapi.ListAccessOfPrincipalRequest{AwsAccountId: testkit.Account, Principal: "user/ana"})
		if err != nil {
			t.Fatal(err)
		}
		found := map[string]bool{}
		for _, a := range what.Actions {
			found[*a.Action] = *a.Conditional
		}
		if conditional, ok := found["quicksight:RegisterUser"]; !ok || !conditional {
			t.Errorf("what ana may do lacks quicksight:RegisterUser under a condition: %v", found)
		}
		if conditional, ok := found["quicksight:ListUsers"]; !ok || conditional {
			t.Errorf("what ana may do lacks quicksight:ListUsers: %v", found)
		}
		if _, ok := found["quicksight:DeleteUser"]; ok {
			t.Error("ana may not DeleteUser")
		}
		// The question is itself an action.
		_, err = testkit.Call(t, bob, onsightapi.ExplainAccess, onsightapi.ExplainAccessRequest{AwsAccountId: testkit.Account, Principal: "user/ana", Action: "quicksight:ListUsers"})
		denied(t, "a question of somebody without rights", err, "because no identity-based policy allows the onsight:ExplainAccess action")
		_, err = testkit.Call(t, srv, onsightapi.ExplainAccess, onsightapi.ExplainAccessRequest{AwsAccountId: testkit.Account, Principal: "user/nobody", Action: "quicksight:ListUsers"})
		if f := fault.Of(err); f == nil || f.Code != "ResourceNotFoundException" {
			t.Errorf("an unknown principal: %v", err)
		}
	})
}

// TestPermissionListsDecideForUsers asks what the lists of connectors give to
// the users of QuickSight.
func TestPermissionListsDecideForUsers(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		allowed(t, "RegisterUser", register(t, srv, "ana"))
		const ana = "arn:aws:quicksight:us-east-1:111122223333:user/default/ana"
		connector, err := testkit.Call(t, srv, qs.CreateActionConnector, qs.CreateActionConnectorRequest{
			AwsAccountId: testkit.Account, ActionConnectorId: "hook", Name: "Hook", Type: qs.ActionConnectorTypeGenericHTTP,
			AuthenticationConfig: &qs.AuthConfig{AuthenticationType: qs.ConnectionAuthTypeNone, AuthenticationMetadata: &qs.AuthenticationMetadata{
				NoneConnectionMetadata: &qs.NoneConnectionMetadata{BaseEndpoint: "https://hooks.example.org"},
			}},
		})
		if err != nil {
			t.Fatal(err)
		}
		explain := func(principal, action string) (*onsightapi.ExplainAccessResponse, error) {
			return testkit.Call(t, srv, onsightapi.ExplainAccess, onsightapi.ExplainAccessRequest{
				AwsAccountId: testkit.Account, Principal: principal, Action: action, Resource: connector.Arn,
			})
		}
		out, err := explain(ana, "quicksight:DescribeActionConnector")
		if err != nil || *out.Allowed || out.Missing == nil {
			t.Errorf("before anything is granted: %+v, %v", out, err)
		}
		_, err = testkit.Call(t, srv, qs.UpdateActionConnectorPermissions, qs.UpdateActionConnectorPermissionsRequest{
			AwsAccountId: testkit.Account, ActionConnectorId: "hook",
			GrantPermissions: []qs.ResourcePermission{{Principal: ana, Actions: []string{"quicksight:DescribeActionConnector"}}},
		})
		if err != nil {
			t.Fatal(err)
		}
		if out, err := explain(ana, "quicksight:DescribeActionConnector"); err != nil || !*out.Allowed || *out.Policy != *connector.Arn {
			t.Errorf("what is granted: %+v, %v", out, err)
		}
		if out, err := explain(ana, "quicksight:DeleteActionConnector"); err != nil || *out.Allowed || len(out.Statements) != 1 {
			t.Errorf("what is not granted: %+v, %v", out, err)
		}
		_, err = explain("arn:aws:quicksight:us-east-1:111122223333:user/default/nobody", "quicksight:DescribeActionConnector")
		if f := fault.Of(err); f == nil || f.Code != "ResourceNotFoundException" {
			t.Errorf("somebody who is not there: %v", err)
		}
	})
}
