package action_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"onsight/internal/cloudtrailapi"
	"onsight/internal/config"
	"onsight/internal/iamapi"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

func TestCheck(t *testing.T) {
	t.Parallel()
	i := newIssuer(t)
	i.on("/2.0/users/me", func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer good" {
			says(401, `{"errorCode":1002,"message":"Your access token is invalid."}`)(w, r)
			return
		}
		says(200, `{"id":48569348493401200,"email":"ana@example.org"}`)(w, r)
	})
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		// A key that is wrong: the connector is there, with the reason, and can be mended.
		c := makeConnector(t, srv, "sheets", "SMARTSHEET", "API_KEY", withKey(i.URL+"/2.0", "bad"), "CREATION_FAILED")
		if m := message(c); !strings.Contains(m, "The service does not accept ApiKey. Check it.") || !strings.Contains(m, "Your access token is invalid.") {
			t.Errorf("message %q", m)
		}
		_, err := invoke(t, srv, "sheets", "ListSheets", `{}`)
		wantFault(t, "use what was not created", err, "ConflictException", "its creation failed")
		update := func(base string, key qs.Secret, want qs.ResourceStatus) *qs.ActionConnector {
			m := withKey(base, key)
			_, err := testkit.Call(t, srv, qs.UpdateActionConnector, qs.UpdateActionConnectorRequest{
				AwsAccountId: account, ActionConnectorId: "sheets", Name: "Sheets", AuthenticationConfig: &qs.AuthConfig{AuthenticationType: "API_KEY", AuthenticationMetadata: &m},
			})
			if err != nil {
				t.Fatal(err)
			}
			return await(t, srv, "sheets", want)
		}
		update(i.URL+"/2.0", "good", "UPDATE_SUCCESSFUL")
		test := func() *onsightapi.TestActionConnectorResponse {
			out, err := testkit.Call(t, srv, onsightapi.TestActionConnector, onsightapi.TestActionConnectorRequest{AwsAccountId: account, ActionConnectorId: "sheets"})
			if err != nil {
				t.Fatal(err)
			}
			return out
		}
		if out := test(); !*out.Passed {
			t.Errorf("test: %+v", out)
		}
		// An update that fails leaves what was before in force.
		if m := message(update(i.URL+"/nowhere", "good", "UPDATE_FAILED")); !strings.Contains(m, "no such service at BaseEndpoint") {
			t.Errorf("message %q", m)
		}
		update(i.URL+"/2.0", "worse", "UPDATE_FAILED")
		if out := test(); !*out.Passed {
			t.Errorf("after updates that failed: %+v", out)
		}
		// A client whose secret is wrong.
		c = makeConnector(t, srv, "robot", "GENERIC_HTTP", "OAUTH2_CLIENT_CREDENTIALS", i.client("wrong"), "CREATION_FAILED")
		if m := message(c); !strings.Contains(m, "(invalid_client)") || !strings.Contains(m, "Check ClientId and ClientSecret.") {
			t.Errorf("message %q", m)
		}
		makeConnector(t, srv, "robot2", "GENERIC_HTTP", "OAUTH2_CLIENT_CREDENTIALS", i.client(i.secret), "CREATION_SUCCESSFUL")
	}, testkit.Near(t, i.Server), checking)
}

// What is called later has the same end, and whoever began it can see it.
func TestAsynchronous(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	v.on("/slow", says(200, `{"done":true}`))
	v.on("/bad", says(409, `{"message":"taken"}`))
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		makeConnector(t, srv, "shop", "GENERIC_HTTP", "NONE", qs.AuthenticationMetadata{NoneConnectionMetadata: &qs.NoneConnectionMetadata{BaseEndpoint: v.URL}}, "CREATION_SUCCESSFUL")
		later := func(in *onsightapi.InvokeActionRequest) { in.Asynchronous = new(true) }
		get := func(srv *testkit.Server, id string) *onsightapi.GetActionInvocationResponse {
			t.Helper()
			for deadline := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
				out, err := testkit.Call(t, srv, onsightapi.GetActionInvocation, onsightapi.GetActionInvocationRequest{AwsAccountId: account, ActionConnectorId: "shop", InvocationId: id})
				if err != nil {
					t.Fatal(err)
				}
				if *out.InvokeActionStatus != "RUNNING" || time.Now().After(deadline) {
					return out
				}
			}
		}
		out, err := invoke(t, srv, "shop", "HttpGet", `{"path":"slow"}`, later)
		if err != nil || *out.InvokeActionStatus != "RUNNING" {
			t.Fatalf("%+v, %v", out, err)
		}
		if got := get(srv, *out.InvocationId); *got.InvokeActionStatus != "SUCCESS" || !strings.Contains(string(got.InvokeActionOutput.HttpInvokeActionOutput.Body), `{"done":true}`) {
			t.Errorf("%+v", got)
		}
		if out, err = invoke(t, srv, "shop", "HttpPost", `{"path":"bad"}`, later); err != nil {
			t.Fatal(err)
		}
		if got := get(srv, *out.InvocationId); *got.InvokeActionStatus != "FAILED" || *got.Error.Kind != "Conflict" || *got.Error.Message != "taken" || *got.Error.HttpStatusCode != 409 {
			t.Errorf("%+v", got.Error)
		}
		_, err = invoke(t, srv, "shop", "HttpGet", `{"path":1}`, later)
		wantFault(t, "wrong input", err, "InvalidParameterValueException", "/path")
		_, err = testkit.Call(t, srv, onsightapi.GetActionInvocation, onsightapi.GetActionInvocationRequest{AwsAccountId: account, ActionConnectorId: "shop", InvocationId: "00000000-0000-0000-0000-000000000000"})
		wantFault(t, "none", err, "ResourceNotFoundException", "can't be found")
	}, testkit.Near(t, v.Server))
}

// Policies, permission lists, roles and custom permissions each have a say.
func TestWhoMay(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	v.on("/a", says(200, `{}`))
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		makeConnector(t, srv, "shop", "GENERIC_HTTP", "NONE", qs.AuthenticationMetadata{NoneConnectionMetadata: &qs.NoneConnectionMetadata{BaseEndpoint: v.URL}}, "CREATION_SUCCESSFUL")
		user := func(name, policy string) *testkit.Server {
			t.Helper()
			if _, err := testkit.Call(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: name}); err != nil {
				t.Fatal(err)
			}
			if _, err := testkit.Call(t, srv, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{UserName: name, PolicyName: "p", PolicyDocument: policy}); err != nil {
				t.Fatal(err)
			}
			key, err := testkit.Call(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: &name})
			if err != nil {
				t.Fatal(err)
			}
			return srv.With(key.AccessKey.AccessKeyId, key.AccessKey.SecretAccessKey.Reveal(), "")
		}
		const shop = `"arn:aws:quicksight:us-east-1:` + account + `:action-connector/shop"`
		nobody := user("nobody", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"quicksight:*","Resource":"*"}}`)
		_, err := invoke(t, nobody, "shop", "HttpGet", `{"path":"a"}`)
		wantFault(t, "without a policy", err, "AccessDeniedException", "onsight:InvokeAction")
		looker := user("looker", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"onsight:InvokeAction","Resource":`+shop+`,"Condition":{"StringEquals":{"onsight:ActionAccess":"Read"}}}}`)
		if _, err = invoke(t, looker, "shop", "HttpGet", `{"path":"a"}`); err != nil {
			t.Errorf("a policy for reads: %v", err)
		}
		_, err = invoke(t, looker, "shop", "HttpPost", `{"path":"a"}`)
		wantFault(t, "a policy for reads, and a write", err, "AccessDeniedException", "onsight:InvokeAction")

		register := func(name string, role qs.UserRole) string {
			t.Helper()
			out, err := testkit.Call(t, srv, qs.RegisterUser, qs.RegisterUserRequest{
				AwsAccountId: account, Namespace: "default", Email: "a@example.org", IdentityType: "IAM", UserRole: role, IamArn: new("arn:aws:iam::" + account + ":user/" + name),
			})
			if err != nil {
				t.Fatal(err)
			}
			return *out.User.Arn
		}
		all := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"onsight:*","Resource":"*"}}`
		reader, author := user("reader", all), user("author", all)
		readerARN, authorARN := register("reader", "READER"), register("author", "AUTHOR")
		if _, err = invoke(t, reader, "shop", "HttpGet", `{"path":"a"}`); err != nil {
			t.Errorf("a reader reads: %v", err)
		}
		_, err = invoke(t, reader, "shop", "HttpPost", `{"path":"a"}`)
		wantFault(t, "a reader writes", err, "AccessDeniedException", "is a reader, who may only look, and action HttpPost changes something")
		if _, err = invoke(t, author, "shop", "HttpPost", `{"path":"a"}`); err != nil {
			t.Errorf("an author writes: %v", err)
		}
		// Who acts as people do is bound by the permission list.
		as := func(arn string) func(*onsightapi.InvokeActionRequest) {
			return func(in *onsightapi.InvokeActionRequest) { in.EndUserArn = &arn }
		}
		_, err = invoke(t, author, "shop", "HttpGet", `{"path":"a"}`, as(authorARN))
		wantFault(t, "not on the list", err, "AccessDeniedException", "its permission list must grant quicksight:DescribeActionConnector")
		_, err = invoke(t, author, "shop", "HttpGet", `{"path":"a"}`, as(readerARN))
		wantFault(t, "as somebody else", err, "AccessDeniedException", "EndUserArn isn't one")
		if _, err = testkit.Call(t, srv, qs.UpdateActionConnectorPermissions, qs.UpdateActionConnectorPermissionsRequest{
			AwsAccountId: account, ActionConnectorId: "shop", GrantPermissions: []qs.ResourcePermission{{Principal: authorARN, Actions: []string{"quicksight:DescribeActionConnector"}}},
		}); err != nil {
			t.Fatal(err)
		}
		if _, err = invoke(t, author, "shop", "HttpPost", `{"path":"a"}`, as(authorARN)); err != nil {
			t.Errorf("on the list: %v", err)
		}
		// Custom permissions take the actions of the type away.
		if _, err = testkit.Call(t, srv, qs.CreateCustomPermissions, qs.CreateCustomPermissionsRequest{
			AwsAccountId: account, CustomPermissionsName: "no-http", Capabilities: &qs.Capabilities{UseGenericHTTPAction: new(qs.CapabilityStateDeny)},
		}); err != nil {
			t.Fatal(err)
		}
		if _, err = testkit.Call(t, srv, qs.UpdateUserCustomPermission, qs.UpdateUserCustomPermissionRequest{
			AwsAccountId: account, Namespace: "default", UserName: "author", CustomPermissionsName: "no-http",
		}); err != nil {
			t.Fatal(err)
		}
		_, err = invoke(t, author, "shop", "HttpGet", `{"path":"a"}`)
		wantFault(t, "custom permissions", err, "AccessDeniedException", "UseGenericHTTPAction")
	}, testkit.Near(t, v.Server))
}

// The event is the one that the real service records, and has no input.
func TestRecord(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	v.on("/a", says(200, `{"answer":"hush"}`))
	v.on("/b", says(500, `{}`))
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		makeConnector(t, srv, "shop", "GENERIC_HTTP", "NONE", qs.AuthenticationMetadata{NoneConnectionMetadata: &qs.NoneConnectionMetadata{BaseEndpoint: v.URL}}, "CREATION_SUCCESSFUL")
		if _, err := invoke(t, srv, "shop", "HttpPost", `{"path":"a","body":{"q":"psst","password":"pw"}}`); err != nil {
			t.Fatal(err)
		}
		if _, err := invoke(t, srv, "shop", "HttpPost", `{"path":"b"}`); err == nil {
			t.Error("no error")
		}
		var events []cloudtrailapi.Event
		for deadline := time.Now().Add(time.Minute); len(events) < 2 && time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
			out, err := testkit.Call(t, srv, cloudtrailapi.LookupEvents, cloudtrailapi.LookupEventsRequest{
				LookupAttributes: []cloudtrailapi.LookupAttribute{{AttributeKey: "EventName", AttributeValue: "InvokeAction"}},
			})
			if err != nil {
				t.Fatal(err)
			}
			events = out.Events
		}
		if len(events) != 2 {
			t.Fatalf("%d events, want 2", len(events))
		}
		slices.Reverse(events)
		for n, e := range events {
			var r struct {
				EventSource       string          `json:"eventSource"`
				ReadOnly          bool            `json:"readOnly"`
				RequestParameters map[string]any  `json:"requestParameters"`
				ResponseElements  json.RawMessage `json:"responseElements"`
				ErrorCode         string          `json:"errorCode"`
				Resources         []struct{ Type, ARN string }
			}
			if err := json.Unmarshal([]byte(*e.CloudTrailEvent), &r); err != nil {
				t.Fatal(err)
			}
			if r.EventSource != "quicksight.amazonaws.com" || r.ReadOnly || len(r.Resources) != 1 || r.Resources[0].Type != "AWS::Quicksight::ActionConnector" || r.RequestParameters["actionId"] != "HttpPost" || r.RequestParameters["actionConnectorId"] != "shop" {
				t.Errorf("event %s", *e.CloudTrailEvent)
			}
			if n == 0 && string(r.ResponseElements) != `{"invokeActionStatus":"SUCCESS","invokeActionOutput":{"httpInvokeActionOutput":{"httpStatusCode":"200"}}}` {
				t.Errorf("responseElements %s", r.ResponseElements)
			}
			if n == 0 && r.RequestParameters["endUserArn"] != "arn:aws:iam::"+account+":root" {
				t.Errorf("requestParameters %v", r.RequestParameters)
			}
			if n == 1 && r.ErrorCode != "ActionFailedException" {
				t.Errorf("errorCode %s", r.ErrorCode)
			}
			if strings.Contains(*e.CloudTrailEvent, "hush") || strings.Contains(*e.CloudTrailEvent, "psst") {
				t.Errorf("the event holds what was said: %s", *e.CloudTrailEvent)
			}
		}
		// The operator wants payloads here: without what looks like a secret.
		out, err := testkit.Call(t, srv, onsightapi.ListActionCalls, onsightapi.ListActionCallsRequest{AwsAccountId: account, ActionConnectorId: "shop"})
		if err != nil || len(out.Calls) != 2 {
			t.Fatalf("calls: %+v, %v", out, err)
		}
		if in := string(out.Calls[1].Input); !strings.Contains(in, "psst") || strings.Contains(in, `"pw"`) {
			t.Errorf("input %s", in)
		}
	}, testkit.Near(t, v.Server), func(c *config.Config) { c.ActionPayloads = true })
}

// A service that answers without end, or not at all, takes neither memory nor time.
func TestTooMuch(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	v.on("/huge", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", "2147483648")
		block := make([]byte, 1<<20)
		for range 2048 {
			if _, err := w.Write(block); err != nil {
				return
			}
		}
	})
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		makeConnector(t, srv, "shop", "GENERIC_HTTP", "NONE", qs.AuthenticationMetadata{NoneConnectionMetadata: &qs.NoneConnectionMetadata{BaseEndpoint: v.URL}}, "CREATION_SUCCESSFUL")
		_, err := invoke(t, srv, "shop", "HttpGet", `{"path":"huge"}`)
		wantFault(t, "2 GB", err, "ActionFailedException", "too large")
		out, err := testkit.Call(t, srv, onsightapi.ListActionCalls, onsightapi.ListActionCallsRequest{AwsAccountId: account, ActionConnectorId: "shop"})
		if err != nil || len(out.Calls) != 1 || *out.Calls[0].ErrorKind != "TooLarge" {
			t.Errorf("calls: %+v, %v", out, err)
		}
		for range 3 {
			_, err = invoke(t, srv, "shop", "HttpGet", `{"path":"none"}`)
		}
		wantFault(t, "too many", err, "ThrottlingException", "")
	}, testkit.Near(t, v.Server), func(c *config.Config) { c.ActionRate = 1 })
}
