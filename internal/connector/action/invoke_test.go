package action_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

func TestInvoke(t *testing.T) {
	t.Parallel()
	alone(t, func(v *vendor) {
		v.on("/api/items/42", says(200, `{"id":42,"name":"a < b"}`))
		v.on("/api/items", says(201, `{"id":43}`))
	}, func(t *testing.T, srv *testkit.Server, v *vendor) {
		srv.Subscribe(t)
		makeConnector(t, srv, "shop", "GENERIC_HTTP", "API_KEY", withKey(v.URL+"/api", "s3cr3t"), "CREATION_SUCCESSFUL")
		out, err := invoke(t, srv, "shop", "HttpGet", `{"path":"items/42"}`)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := body(out), `{"body":{"id":42,"name":"a < b"},"headers":{"Content-Type":"application/json"},"status":200}`; got != want {
			t.Errorf("body %s, want %s", got, want)
		}
		if *out.InvokeActionStatus != "SUCCESS" || out.InvokeActionOutput.HttpInvokeActionOutput.HttpStatusCode == nil || *out.InvokeActionOutput.HttpInvokeActionOutput.HttpStatusCode != "200" {
			t.Errorf("answer %+v", out)
		}
		if !slices.Contains(v.asked(), "GET /api/items/42 Bearer s3cr3t") {
			t.Error("the service was asked otherwise")
		}
		listed, err := testkit.Call(t, srv, onsightapi.ListActions, onsightapi.ListActionsRequest{AwsAccountId: account, ActionConnectorId: "shop"})
		if err != nil {
			t.Fatal(err)
		}
		var ids []string
		for _, a := range listed.Actions {
			ids = append(ids, *a.ActionId)
			if !*a.Enabled || *a.Write != (*a.ActionId != "HttpGet") {
				t.Errorf("%s: enabled %t, write %t", *a.ActionId, *a.Enabled, *a.Write)
			}
		}
		if diff := cmp.Diff([]string{"HttpDelete", "HttpGet", "HttpPatch", "HttpPost", "HttpPut"}, ids); diff != "" {
			t.Errorf("actions:\n%s", diff)
		}
		detail, err := testkit.Call(t, srv, onsightapi.DescribeAction, onsightapi.DescribeActionRequest{AwsAccountId: account, ActionConnectorId: "shop", ActionId: "HttpPost"})
		if err != nil || !strings.Contains(string(detail.Action.InputSchema), `"contentType"`) || *detail.Action.Idempotent {
			t.Errorf("describe: %+v, %v", detail, err)
		}

		// What is asked wrongly is not sent.
		v.asked()
		_, err = invoke(t, srv, "shop", "HttpGet", `{"path":7}`)
		wantFault(t, "wrong input", err, "InvalidParameterValueException", "/path: is of type number")
		_, err = invoke(t, srv, "shop", "HttpGet", `{"path":"../x"}`)
		wantFault(t, "up", err, "InvalidParameterValueException", "leads below the base endpoint")
		_, err = invoke(t, srv, "shop", "Nothing", `{}`)
		wantFault(t, "no action", err, "ResourceNotFoundException", "has no action Nothing")
		_, err = invoke(t, srv, "none", "HttpGet", `{}`)
		wantFault(t, "no connector", err, "ResourceNotFoundException", "none")
		if _, err = testkit.Call(t, srv, onsightapi.UpdateEnabledActions, onsightapi.UpdateEnabledActionsRequest{
			AwsAccountId: account, ActionConnectorId: "shop", EnabledActions: []string{"HttpPost", "HttpGet"},
		}); err != nil {
			t.Fatal(err)
		}
		_, err = invoke(t, srv, "shop", "HttpDelete", `{"path":"items/42"}`)
		wantFault(t, "not enabled", err, "AccessDeniedException", "HttpDelete of action connector shop is not enabled")
		if got := v.asked(); len(got) > 0 {
			t.Errorf("sent: %q", got)
		}
		_, err = testkit.Call(t, srv, onsightapi.UpdateEnabledActions, onsightapi.UpdateEnabledActionsRequest{
			AwsAccountId: account, ActionConnectorId: "shop", EnabledActions: []string{"Fly"},
		})
		wantFault(t, "enable what there is not", err, "InvalidParameterValueException", "has no action Fly")
		if c := await(t, srv, "shop", "CREATION_SUCCESSFUL"); !slices.Equal(c.EnabledActions, []string{"HttpGet", "HttpPost"}) {
			t.Errorf("EnabledActions %v", c.EnabledActions)
		}

		// The same key and input is the same call.
		once := func(in *onsightapi.InvokeActionRequest) { in.IdempotencyKey = new("order-1") }
		first, err := invoke(t, srv, "shop", "HttpPost", `{"path":"items","body":{"n":1}}`, once)
		if err != nil {
			t.Fatal(err)
		}
		again, err := invoke(t, srv, "shop", "HttpPost", `{"body": {"n": 1}, "path": "items"}`, once)
		if err != nil || *again.InvocationId != *first.InvocationId || body(again) != body(first) || len(v.asked()) != 1 {
			t.Errorf("again: %+v, %v", again, err)
		}
		_, err = invoke(t, srv, "shop", "HttpPost", `{"path":"items","body":{"n":2}}`, once)
		wantFault(t, "another input", err, "ConflictException", "another input")
		srv.Advance(25 * 60 * 60e9)
		if _, err = invoke(t, srv, "shop", "HttpPost", `{"path":"items","body":{"n":2}}`, once); err != nil {
			t.Errorf("a day later: %v", err)
		}
	})
}

// Each thing that a service says has its own error, and leaves a call.
func TestVendorErrors(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	for path, answer := range map[string]struct {
		status int
		body   string
	}{
		"/401": {401, `{"message":"who are you?"}`}, "/403": {403, `{"message":"not you"}`}, "/404": {404, `<html>`}, "/409": {409, `{"error":"taken"}`},
		"/429": {429, `{}`}, "/500": {500, `{}`}, "/text": {200, `{"a":`},
	} {
		headers := []string{}
		if answer.status == 429 {
			headers = []string{"Retry-After", "3600"}
		}
		if answer.body == "<html>" {
			headers = []string{"Content-Type", "text/html"}
		}
		v.on(path, says(answer.status, answer.body, headers...))
	}
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		makeConnector(t, srv, "shop", "GENERIC_HTTP", "BASIC", qs.AuthenticationMetadata{
			BasicAuthConnectionMetadata: &qs.BasicAuthConnectionMetadata{BaseEndpoint: v.URL, Username: "robot", Password: "pw"},
		}, "CREATION_SUCCESSFUL")
		for _, c := range []struct{ path, kind, part string }{
			{"401", "Unauthenticated", "who are you?"},
			{"403", "Denied", "not you"},
			{"404", "NotFound", "status 404 and no explanation"},
			{"409", "Conflict", "taken"},
			{"429", "Throttled", "status 429"},
			{"500", "Unavailable", "status 500"},
			{"text", "Rejected", "not valid JSON"},
		} {
			_, err := invoke(t, srv, "shop", "HttpPost", `{"path":"`+c.path+`"}`)
			wantFault(t, c.path, err, "ActionFailedException", c.part)
		}
		calls, err := testkit.Call(t, srv, onsightapi.ListActionCalls, onsightapi.ListActionCallsRequest{AwsAccountId: account, ActionConnectorId: "shop", MaxResults: new(int32(3))})
		if err != nil || len(calls.Calls) != 3 || calls.NextToken == nil {
			t.Fatalf("calls: %+v, %v", calls, err)
		}
		if c := calls.Calls[0]; *c.ErrorKind != "Rejected" || *c.InvokeActionStatus != "FAILED" || *c.ActionId != "HttpPost" {
			t.Errorf("the latest call: %+v", c)
		}
		calls, err = testkit.Call(t, srv, onsightapi.ListActionCalls, onsightapi.ListActionCallsRequest{AwsAccountId: account, ActionConnectorId: "shop", NextToken: calls.NextToken})
		if err != nil || len(calls.Calls) != 4 || calls.NextToken != nil || *calls.Calls[3].ErrorKind != "Unauthenticated" {
			t.Errorf("calls: %+v, %v", calls, err)
		}
	}, testkit.Near(t, v.Server))
}
