package access_test

import (
	"strings"
	"testing"
	"time"

	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
	"onsight/internal/stsapi"
	"onsight/internal/testkit"
)

// author registers the IAM user of a name as an author of a namespace.
func author(t *testing.T, srv *testkit.Server, name string) {
	t.Helper()
	_, err := testkit.Call(t, srv, qs.RegisterUser, qs.RegisterUserRequest{
		AwsAccountId: testkit.Account, Namespace: "default", IamArn: new("arn:aws:iam::111122223333:user/" + name), Email: "x@example.org",
		IdentityType: qs.IdentityTypeIAM, UserRole: qs.UserRoleAuthor,
	})
	if err != nil {
		t.Fatal(err)
	}
}

// set makes a profile of this name, or changes it.
func set(t *testing.T, srv *testkit.Server, name string, capabilities qs.Capabilities, governance *qs.Governance) {
	t.Helper()
	_, err := testkit.Call(t, srv, qs.UpdateCustomPermissions, qs.UpdateCustomPermissionsRequest{
		AwsAccountId: testkit.Account, CustomPermissionsName: name, Capabilities: &capabilities, Governance: governance,
	})
	if f := fault.Of(err); f != nil && f.Code == "ResourceNotFoundException" {
		_, err = testkit.Call(t, srv, qs.CreateCustomPermissions, qs.CreateCustomPermissionsRequest{
			AwsAccountId: testkit.Account, CustomPermissionsName: name, Capabilities: &capabilities, Governance: governance,
		})
	}
	if err != nil {
		t.Fatal(err)
	}
}

var no = new(qs.CapabilityStateDeny)

// hook is a connector of a type; without a type it is of REST.
func hook(id string) qs.CreateActionConnectorRequest {
	return qs.CreateActionConnectorRequest{
		AwsAccountId: testkit.Account, ActionConnectorId: id, Name: "Hook", Type: qs.ActionConnectorTypeGenericHTTP, AuthenticationConfig: open(),
	}
}

func open() *qs.AuthConfig {
	return &qs.AuthConfig{AuthenticationType: qs.ConnectionAuthTypeNone, AuthenticationMetadata: &qs.AuthenticationMetadata{
		NoneConnectionMetadata: &qs.NoneConnectionMetadata{BaseEndpoint: "https://hooks.example.org"},
	}}
}

func create(t *testing.T, srv *testkit.Server, in qs.CreateActionConnectorRequest) error {
	t.Helper()
	_, err := testkit.Call(t, srv, qs.CreateActionConnector, in)
	return err
}

// settled waits until a connector is neither being made nor changed.
func settled(t *testing.T, srv *testkit.Server, id string) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); {
		out, err := testkit.Call(t, srv, qs.DescribeActionConnector, qs.DescribeActionConnectorRequest{AwsAccountId: testkit.Account, ActionConnectorId: id})
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasSuffix(string(*out.ActionConnector.Status), "_IN_PROGRESS") {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
	t.Fatalf("%s is not done", id)
}

func change(t *testing.T, srv *testkit.Server, id string) error {
	t.Helper()
	_, err := testkit.Call(t, srv, qs.UpdateActionConnector, qs.UpdateActionConnectorRequest{
		AwsAccountId: testkit.Account, ActionConnectorId: id, Name: "New", AuthenticationConfig: open(),
	})
	return err
}

func share(t *testing.T, srv *testkit.Server, id string) error {
	t.Helper()
	_, err := testkit.Call(t, srv, qs.UpdateActionConnectorPermissions, qs.UpdateActionConnectorPermissionsRequest{
		AwsAccountId: testkit.Account, ActionConnectorId: id,
		GrantPermissions: []qs.ResourcePermission{{Principal: "arn:aws:quicksight:us-east-1:111122223333:user/default/ana", Actions: []string{"quicksight:DescribeActionConnector"}}},
	})
	return err
}

// taken expects a refusal that says why.
func taken(t *testing.T, what string, err error, why string) {
	t.Helper()
	f := fault.Of(err)
	if f == nil || f.Code != "AccessDeniedException" || f.Status != 401 || !strings.HasSuffix(f.Message, why) {
		t.Errorf("%s: %v, want a refusal … %s", what, err, why)
	}
}

// TestProfilesBindWhoIsRegistered walks through what a profile takes away of
// connectors: each change counts from the next call on.
func TestProfilesBindWhoIsRegistered(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana := person(t, srv, "ana")
		putPolicy(t, srv, "ana", "p", allow("*", "*"))
		set(t, srv, "p", qs.Capabilities{CreateAndUpdateGenericHTTPAction: no}, nil)
		allowed(t, "who is not registered", create(t, ana, hook("a")))
		author(t, srv, "ana")
		allowed(t, "without a profile", create(t, ana, hook("b")))
		settled(t, srv, "b")

		assign := qs.UpdateUserCustomPermissionRequest{AwsAccountId: testkit.Account, Namespace: "default", UserName: "ana", CustomPermissionsName: "p"}
		_, err := testkit.Call(t, srv, qs.UpdateUserCustomPermission, assign)
		allowed(t, "UpdateUserCustomPermission", err)
		const who = "User: arn:aws:iam::111122223333:user/ana is not authorized to perform: quicksight:"
		const by = "because the custom permissions profile p, which is applied to the user ana in namespace default, denies the capability "
		taken(t, "create", create(t, ana, hook("c")),
			who+"CreateActionConnector on resource: arn:aws:quicksight:us-east-1:111122223333:action-connector/c "+by+"CreateAndUpdateGenericHTTPAction")
		taken(t, "update", change(t, ana, "b"), by+"CreateAndUpdateGenericHTTPAction")
		_, err = testkit.Call(t, ana, qs.DeleteActionConnector, qs.DeleteActionConnectorRequest{AwsAccountId: testkit.Account, ActionConnectorId: "b"})
		taken(t, "delete", err, by+"CreateAndUpdateGenericHTTPAction")
		allowed(t, "share, which is not denied", share(t, ana, "b"))
		other := hook("d")
		other.Type = qs.ActionConnectorTypeSlack
		other.AuthenticationConfig = &qs.AuthConfig{AuthenticationType: qs.ConnectionAuthTypeAPIKey, AuthenticationMetadata: &qs.AuthenticationMetadata{
			ApiKeyConnectionMetadata: &qs.APIKeyConnectionMetadata{BaseEndpoint: "https://slack.example.org", ApiKey: "k"},
		}}
		allowed(t, "another type", create(t, ana, other))
		allowed(t, "root is not bound", create(t, srv, hook("e")))
		if f := fault.Of(change(t, ana, "absent")); f == nil || f.Code != "ResourceNotFoundException" {
			t.Errorf("what is not there: %v", f)
		}

		set(t, srv, "p", qs.Capabilities{ShareGenericHTTPAction: no}, nil)
		taken(t, "share", share(t, ana, "b"), by+"ShareGenericHTTPAction")
		shared := hook("f")
		shared.Permissions = []qs.ResourcePermission{{Principal: "arn:aws:quicksight:us-east-1:111122223333:user/default/ana", Actions: []string{"quicksight:DescribeActionConnector"}}}
		taken(t, "create with a permission list", create(t, ana, shared), by+"ShareGenericHTTPAction")
		allowed(t, "create without one", create(t, ana, hook("c")))
		settled(t, srv, "b")
		allowed(t, "update", change(t, ana, "b"))

		list := func() error {
			_, err := testkit.Call(t, ana, qs.ListActionConnectors, qs.ListActionConnectorsRequest{AwsAccountId: testkit.Account})
			return err
		}
		allowed(t, "list", list())
		set(t, srv, "p", qs.Capabilities{Action: no, CreateAndUpdateGenericHTTPAction: new(qs.CapabilityStateAllow)}, nil)
		taken(t, "list", list(), by+"Action")
		settled(t, srv, "b")
		taken(t, "below what is denied", change(t, ana, "b"), by+"Action and with it CreateAndUpdateGenericHTTPAction")

		// Governance: what is not allowed in a governed category is denied.
		governed := &qs.Governance{DefaultCategoryEffects: map[string]qs.DefaultCategoryEffect{"AI": qs.DefaultCategoryEffectDenyByDefault}}
		yes := new(qs.CapabilityStateAllow)
		set(t, srv, "p", qs.Capabilities{Action: yes, GenericHTTPAction: yes}, governed)
		allowed(t, "list, which is allowed", list())
		taken(t, "what is not allowed", change(t, ana, "b"), by+"CreateAndUpdateGenericHTTPAction by default, being of the category AI")
		set(t, srv, "p", qs.Capabilities{Action: yes, GenericHTTPAction: yes, CreateAndUpdateGenericHTTPAction: yes}, governed)
		allowed(t, "what is allowed by name", change(t, ana, "b"))

		// The most specific level counts, and that alone.
		set(t, srv, "role", qs.Capabilities{Action: no}, nil)
		set(t, srv, "account", qs.Capabilities{GenericHTTPAction: no}, nil)
		_, err = testkit.Call(t, srv, qs.UpdateAccountCustomPermission, qs.UpdateAccountCustomPermissionRequest{AwsAccountId: testkit.Account, CustomPermissionsName: "account"})
		allowed(t, "UpdateAccountCustomPermission", err)
		_, err = testkit.Call(t, srv, qs.UpdateRoleCustomPermission, qs.UpdateRoleCustomPermissionRequest{AwsAccountId: testkit.Account, Namespace: "default", Role: qs.RoleAuthor, CustomPermissionsName: "role"})
		allowed(t, "UpdateRoleCustomPermission", err)
		allowed(t, "the user's profile alone", list())
		_, err = testkit.Call(t, srv, qs.DeleteUserCustomPermission, qs.DeleteUserCustomPermissionRequest{AwsAccountId: testkit.Account, Namespace: "default", UserName: "ana"})
		allowed(t, "DeleteUserCustomPermission", err)
		taken(t, "the role's", list(), "because the custom permissions profile role, which is applied to the role AUTHOR in namespace default, denies the capability Action")
		_, err = testkit.Call(t, srv, qs.DeleteRoleCustomPermission, qs.DeleteRoleCustomPermissionRequest{AwsAccountId: testkit.Account, Namespace: "default", Role: qs.RoleAuthor})
		allowed(t, "DeleteRoleCustomPermission", err)
		allowed(t, "the account's, which denies another", list())
		taken(t, "the account's", create(t, ana, hook("g")),
			"because the custom permissions profile account, which is applied to the account, denies the capability GenericHTTPAction and with it CreateAndUpdateGenericHTTPAction")

		// Nobody is kept from changing people and profiles.
		set(t, ana, "account", qs.Capabilities{}, nil)
		allowed(t, "after the change", create(t, ana, hook("g")))
		_, err = testkit.Call(t, srv, qs.UpdateUserCustomPermission, assign)
		allowed(t, "UpdateUserCustomPermission", err)
		set(t, srv, "p", qs.Capabilities{Action: no}, nil)
		taken(t, "before the user is deleted", list(), by+"Action")
		_, err = testkit.Call(t, srv, qs.DeleteUser, qs.DeleteUserRequest{AwsAccountId: testkit.Account, Namespace: "default", UserName: "ana"})
		allowed(t, "DeleteUser", err)
		allowed(t, "who is registered no more", list())
	})
}

// TestProfilesBindSessions calls with the credentials of sessions: of a role
// that is registered with the session's name, and of a user who is registered.
func TestProfilesBindSessions(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		set(t, srv, "p", qs.Capabilities{Action: no}, nil)
		// Registered before IAM has the principals.
		for _, in := range []qs.RegisterUserRequest{
			{IamArn: new("arn:aws:iam::111122223333:role/Bi"), SessionName: new("ana")}, {IamArn: new("arn:aws:iam::111122223333:user/eva")},
		} {
			in.AwsAccountId, in.Namespace, in.Email, in.IdentityType, in.UserRole = testkit.Account, "default", "x@example.org", qs.IdentityTypeIAM, qs.UserRoleAuthor
			in.CustomPermissionsName = new("p")
			_, err := testkit.Call(t, srv, qs.RegisterUser, in)
			allowed(t, "RegisterUser", err)
		}
		_, err := testkit.Call(t, srv, iamapi.CreateRole, iamapi.CreateRoleRequest{
			RoleName: "Bi", AssumeRolePolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}}`,
		})
		allowed(t, "CreateRole", err)
		_, err = testkit.Call(t, srv, iamapi.PutRolePolicy, iamapi.PutRolePolicyRequest{RoleName: "Bi", PolicyName: "p", PolicyDocument: allow("*", "quicksight:*")})
		allowed(t, "PutRolePolicy", err)
		eva := person(t, srv, "eva")
		putPolicy(t, srv, "eva", "p", allow("*", "*"))
		list := func(as *testkit.Server) error {
			_, err := testkit.Call(t, as, qs.ListActionConnectors, qs.ListActionConnectorsRequest{AwsAccountId: testkit.Account})
			return err
		}
		with := func(c *stsapi.Credentials) *testkit.Server {
			return srv.With(c.AccessKeyId, c.SecretAccessKey.Reveal(), c.SessionToken)
		}
		assume := func(session string) *testkit.Server {
			t.Helper()
			out, err := testkit.Call(t, eva, stsapi.AssumeRole, stsapi.AssumeRoleRequest{RoleArn: "arn:aws:iam::111122223333:role/Bi", RoleSessionName: session})
			if err != nil {
				t.Fatal(err)
			}
			return with(out.Credentials)
		}
		taken(t, "the user", list(eva), "denies the capability Action")
		taken(t, "a session of the role", list(assume("ana")), "applied to the user Bi/ana in namespace default, denies the capability Action")
		allowed(t, "another session of the role", list(assume("bob")))
		session, err := testkit.Call(t, eva, stsapi.GetSessionToken, stsapi.GetSessionTokenRequest{})
		if err != nil {
			t.Fatal(err)
		}
		taken(t, "a session of the user", list(with(session.Credentials)), "applied to the user eva in namespace default, denies the capability Action")
		federated, err := testkit.Call(t, eva, stsapi.GetFederationToken, stsapi.GetFederationTokenRequest{Name: "somebody", Policy: new(allow("*", "quicksight:*"))})
		if err != nil {
			t.Fatal(err)
		}
		taken(t, "whom the user vouches for", list(with(federated.Credentials)), "applied to the user eva in namespace default, denies the capability Action")
	})
}

// TestEveryReplicaAsksTheProfile changes a profile at one server and calls
// another.
func TestEveryReplicaAsksTheProfile(t *testing.T) {
	t.Parallel()
	db := storetest.Config(t, store.PostgreSQL)
	key := t.TempDir() + "/seal.key"
	one := testkit.Start(t, db, testkit.SealKey(key))
	two := testkit.Start(t, db, testkit.SealKey(key))
	one.Subscribe(t)
	ana := person(t, one, "ana")
	putPolicy(t, one, "ana", "p", allow("*", "quicksight:*"))
	author(t, one, "ana")
	set(t, one, "p", qs.Capabilities{Action: no}, nil)
	_, err := testkit.Call(t, one, qs.UpdateAccountCustomPermission, qs.UpdateAccountCustomPermissionRequest{AwsAccountId: testkit.Account, CustomPermissionsName: "p"})
	allowed(t, "UpdateAccountCustomPermission", err)
	for range 5 {
		set(t, one, "p", qs.Capabilities{CreateAndUpdateGenericHTTPAction: no}, nil)
		taken(t, "at the other server", create(t, ana.At(two), hook("a")), "denies the capability CreateAndUpdateGenericHTTPAction")
		set(t, one, "p", qs.Capabilities{}, nil)
		allowed(t, "at the other server, after the change", create(t, ana.At(two), hook("a")))
		settled(t, one, "a")
		_, err := testkit.Call(t, ana.At(two), qs.DeleteActionConnector, qs.DeleteActionConnectorRequest{AwsAccountId: testkit.Account, ActionConnectorId: "a"})
		allowed(t, "DeleteActionConnector", err)
	}
}

// TestExplainTellsTheLevel asks about an IAM user who is registered, and about
// the user.
func TestExplainTellsTheLevel(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		person(t, srv, "ana")
		putPolicy(t, srv, "ana", "p", allow("*", "quicksight:*"))
		author(t, srv, "ana")
		allowed(t, "create", create(t, srv, hook("a")))
		set(t, srv, "p", qs.Capabilities{ShareGenericHTTPAction: no}, nil)
		_, err := testkit.Call(t, srv, qs.UpdateRoleCustomPermission, qs.UpdateRoleCustomPermissionRequest{AwsAccountId: testkit.Account, Namespace: "default", Role: qs.RoleAuthor, CustomPermissionsName: "p"})
		allowed(t, "UpdateRoleCustomPermission", err)
		const connector = "arn:aws:quicksight:us-east-1:111122223333:action-connector/a"
		const user = "arn:aws:quicksight:us-east-1:111122223333:user/default/ana"
		_, err = testkit.Call(t, srv, qs.UpdateActionConnectorPermissions, qs.UpdateActionConnectorPermissionsRequest{
			AwsAccountId: testkit.Account, ActionConnectorId: "a", GrantPermissions: []qs.ResourcePermission{{Principal: user, Actions: []string{
				"quicksight:DescribeActionConnector", "quicksight:UpdateActionConnector", "quicksight:DeleteActionConnector",
				"quicksight:DescribeActionConnectorPermissions", "quicksight:UpdateActionConnectorPermissions",
			}}},
		})
		allowed(t, "grant", err)
		explain := func(principal, action, resource string, keys map[string][]string) *onsightapi.ExplainAccessResponse {
			t.Helper()
			out, err := testkit.Call(t, srv, onsightapi.ExplainAccess, onsightapi.ExplainAccessRequest{
				AwsAccountId: testkit.Account, Principal: principal, Action: action, Resource: &resource, Context: keys,
			})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		for _, principal := range []string{"user/ana", user} {
			out := explain(principal, "quicksight:UpdateActionConnectorPermissions", connector, nil)
			if *out.Allowed || *out.PolicyType != "custom permissions" || *out.Statement != "ShareGenericHTTPAction, applied to the role AUTHOR in namespace default" ||
				*out.Policy != "arn:aws:quicksight:us-east-1:111122223333:custompermissions/p" {
				t.Errorf("%s, share: %+v", principal, out)
			}
			if l := out.Levels[len(out.Levels)-1]; *l.Kind != "custom permissions" || *l.Outcome != onsightapi.AccessOutcomeExplicitDeny {
				t.Errorf("%s, share: level %s %s", principal, *l.Kind, *l.Outcome)
			}
			if out := explain(principal, "quicksight:UpdateActionConnector", connector, nil); !*out.Allowed || *out.Levels[len(out.Levels)-1].Kind != "custom permissions" {
				t.Errorf("%s, update: %+v", principal, out)
			}
		}
		set(t, srv, "p", qs.Capabilities{CreateAndUpdateSlackAction: no}, nil)
		const absent = "arn:aws:quicksight:us-east-1:111122223333:action-connector/new"
		if out := explain("user/ana", "quicksight:CreateActionConnector", absent, nil); !*out.Allowed {
			t.Errorf("of any type: %+v", out)
		}
		if out := explain("user/ana", "quicksight:CreateActionConnector", absent, map[string][]string{"onsight:Sort": {"SLACK"}}); *out.Allowed {
			t.Errorf("of a type that is denied: %+v", out)
		}
		if out := explain("root", "quicksight:CreateActionConnector", absent, nil); !*out.Allowed {
			t.Errorf("root: %+v", out)
		}
	})
}

// TestIdentityContext begins a session of a role that acts for a user, and is
// bound by the user's profile.
func TestIdentityContext(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		set(t, srv, "p", qs.Capabilities{Action: no}, nil)
		allowed(t, "RegisterUser", register(t, srv, "ana"))
		_, err := testkit.Call(t, srv, qs.UpdateUserCustomPermission, qs.UpdateUserCustomPermissionRequest{AwsAccountId: testkit.Account, Namespace: "default", UserName: "ana", CustomPermissionsName: "p"})
		allowed(t, "UpdateUserCustomPermission", err)
		made, err := testkit.Call(t, srv, qs.GetIdentityContext, qs.GetIdentityContextRequest{
			AwsAccountId: testkit.Account, Namespace: new("default"), UserIdentifier: &qs.UserIdentifier{UserName: new(qs.Secret("ana"))},
		})
		if err != nil {
			t.Fatal(err)
		}
		trust := func(actions string) string {
			return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":` + actions + `}}`
		}
		_, err = testkit.Call(t, srv, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "Bi", AssumeRolePolicyDocument: trust(`"sts:AssumeRole"`)})
		allowed(t, "CreateRole", err)
		_, err = testkit.Call(t, srv, iamapi.PutRolePolicy, iamapi.PutRolePolicyRequest{RoleName: "Bi", PolicyName: "p", PolicyDocument: allow("*", "quicksight:*")})
		allowed(t, "PutRolePolicy", err)
		eva := person(t, srv, "eva")
		putPolicy(t, srv, "eva", "p", allow("*", "sts:AssumeRole"))
		assume := func(provider, assertion string) (*testkit.Server, error) {
			in := stsapi.AssumeRoleRequest{RoleArn: "arn:aws:iam::111122223333:role/Bi", RoleSessionName: "for-ana"}
			if provider != "" {
				in.ProvidedContexts = []stsapi.ProvidedContext{{ProviderArn: &provider, ContextAssertion: &assertion}}
			}
			out, err := testkit.Call(t, eva, stsapi.AssumeRole, in)
			if err != nil {
				return nil, err
			}
			return srv.With(out.Credentials.AccessKeyId, out.Credentials.SecretAccessKey.Reveal(), out.Credentials.SessionToken), nil
		}
		const provider = "arn:aws:iam::aws:contextProvider/QuickSight"
		refused := func(what string, err error, code, text string) {
			t.Helper()
			if f := fault.Of(err); f == nil || f.Code != code || !strings.Contains(f.Message, text) {
				t.Errorf("%s: %v, want %s … %s", what, err, code, text)
			}
		}
		_, err = assume(provider, *made.Context)
		refused("without sts:SetContext", err, "AccessDenied", "is not authorized to perform: sts:SetContext")
		putPolicy(t, srv, "eva", "p", allow("*", "sts:*"))
		_, err = testkit.Call(t, srv, iamapi.UpdateAssumeRolePolicy, iamapi.UpdateAssumeRolePolicyRequest{RoleName: "Bi", PolicyDocument: trust(`["sts:AssumeRole","sts:SetContext"]`)})
		allowed(t, "UpdateAssumeRolePolicy", err)
		_, err = assume("arn:aws:iam::aws:contextProvider/IdentityCenter", *made.Context)
		refused("another provider", err, "InvalidParameterValue", "the only one that this server has")
		_, err = assume(provider, "made-by-hand")
		refused("made by hand", err, "InvalidParameterValue", "The ContextAssertion isn't valid")
		list := func(as *testkit.Server) error {
			_, err := testkit.Call(t, as, qs.ListActionConnectors, qs.ListActionConnectorsRequest{AwsAccountId: testkit.Account})
			return err
		}
		plain, err := assume("", "")
		allowed(t, "AssumeRole", err)
		allowed(t, "the role's session", list(plain))
		acting, err := assume(provider, *made.Context)
		allowed(t, "AssumeRole for ana", err)
		taken(t, "the session that acts for ana", list(acting), "which is applied to the user ana in namespace default, denies the capability Action")
		set(t, srv, "p", qs.Capabilities{}, nil)
		allowed(t, "after the change", list(acting))
		srv.Advance(2 * time.Hour)
		_, err = assume(provider, *made.Context)
		refused("an expired one", err, "InvalidParameterValue", "The ContextAssertion isn't valid")
	})
}
