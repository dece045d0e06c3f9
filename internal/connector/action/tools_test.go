package action_test

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store/storetest"
	"onsight/internal/testkit"
)

// agents is an MCP server whose tools may change.
type agents struct {
	*mcp.Server
	key     string // Authorization
	handler http.Handler
	asked   atomic.Int64
}

// newAgents serves agents at a path of a service, which tests with another
// database share.
func newAgents(t *testing.T, v *vendor, path, key string) *agents {
	t.Helper()
	a := &agents{Server: mcp.NewServer(&mcp.Implementation{Name: "agents", Version: "3"}, nil), key: key}
	type text struct {
		Text string `json:"text"`
	}
	mcp.AddTool(a.Server, &mcp.Tool{Name: "look-up", Title: "Look up", Description: "Finds\u202e things.\x00", Annotations: &mcp.ToolAnnotations{ReadOnlyHint: true}},
		func(_ context.Context, _ *mcp.CallToolRequest, in text) (*mcp.CallToolResult, text, error) {
			return nil, text{"found " + in.Text}, nil
		})
	mcp.AddTool(a.Server, &mcp.Tool{Name: "erase", Annotations: &mcp.ToolAnnotations{DestructiveHint: new(true)}},
		func(_ context.Context, _ *mcp.CallToolRequest, in text) (*mcp.CallToolResult, any, error) {
			return &mcp.CallToolResult{IsError: true, Content: []mcp.Content{&mcp.TextContent{Text: "you may not erase " + in.Text}}}, nil, nil
		})
	a.handler = mcp.NewStreamableHTTPHandler(func(*http.Request) *mcp.Server { return a.Server }, nil)
	v.on(path, a.ServeHTTP)
	return a
}

func (a *agents) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.asked.Add(1)
	if r.Header.Get("Authorization") != a.key {
		says(401, `{"error":"invalid_token","error_description":"who are you?"}`)(w, r)
		return
	}
	a.handler.ServeHTTP(w, r)
}

// TestDefineMCP has a connector take the tools of a server for its actions.
func TestDefineMCP(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		path := "/" + srv.Dialect() + "/mcp"
		a := newAgents(t, v, path, "Bearer s3cr3t")
		srv.Subscribe(t)
		makeConnector(t, srv, "agents", "GENERIC_HTTP", "API_KEY", withKey(v.URL+path, "s3cr3t"), "CREATION_SUCCESSFUL")
		kind := func(in *onsightapi.UpdateActionConnectorDefinitionRequest) { in.Kind, in.Document = "MCP", nil }
		try := func(in *onsightapi.UpdateActionConnectorDefinitionRequest) { in.Validate = new(true) }
		_, err := define(t, srv, "agents", "x", func(in *onsightapi.UpdateActionConnectorDefinitionRequest) { in.Kind = "MCP" })
		wantFault(t, "a document", err, "InvalidParameterValueException", "Document must not be given")
		refresh := onsightapi.RefreshActionConnectorDefinitionRequest{AwsAccountId: account, ActionConnectorId: "agents"}
		_, err = testkit.Call(t, srv, onsightapi.RefreshActionConnectorDefinition, refresh)
		wantFault(t, "refresh what is no server", err, "InvalidParameterValueException", "has no MCP server")
		out, err := define(t, srv, "agents", "", kind, try)
		if err != nil || !*out.Valid || len(out.Actions) != 2 {
			t.Fatalf("%+v, %v", out, err)
		}
		if got := actionsOf(t, srv, "agents"); !slices.Contains(got, "HttpGet") {
			t.Errorf("a dry run changed the actions: %v", got)
		}
		if out, err = define(t, srv, "agents", "", kind); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"erase", "look_up"}, actionsOf(t, srv, "agents")); diff != "" {
			t.Error(diff)
		}
		if l := out.Actions[1]; *l.Name != "Look up" || *l.Description != "Finds things." || *l.Write || !*out.Actions[0].Write || !*out.Actions[0].Destructive {
			t.Errorf("%+v", out.Actions)
		}
		got, err := invoke(t, srv, "agents", "look_up", `{"text":"a < b"}`)
		if err != nil || body(got) != `{"text":"found a < b"}` {
			t.Errorf("%s, %v", body(got), err)
		}
		_, err = invoke(t, srv, "agents", "look_up", `{"text":7}`)
		wantFault(t, "wrong input", err, "InvalidParameterValueException", "/text: is of type number")
		_, err = invoke(t, srv, "agents", "erase", `{"text":"all"}`)
		wantFault(t, "a tool that fails", err, "ActionFailedException", "you may not erase all")
		_, err = invoke(t, srv, "agents", "HttpGet", `{}`)
		wantFault(t, "an action of the type", err, "ResourceNotFoundException", "has no action HttpGet")
		if c := await(t, srv, "agents", "CREATION_SUCCESSFUL"); !slices.Equal(c.EnabledActions, []string{"erase", "look_up"}) {
			t.Errorf("EnabledActions %v", c.EnabledActions)
		}
		enable(t, srv, "agents", "look_up")

		// Tools come and go; what was chosen stays so.
		a.RemoveTools("look-up")
		a.AddTool(&mcp.Tool{Name: "new", InputSchema: map[string]any{"type": "object"}}, func(context.Context, *mcp.CallToolRequest) (*mcp.CallToolResult, error) {
			return &mcp.CallToolResult{Content: []mcp.Content{&mcp.TextContent{Text: "new"}}}, nil
		})
		if _, err = testkit.Call(t, srv, onsightapi.RefreshActionConnectorDefinition, refresh); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"erase", "new"}, actionsOf(t, srv, "agents")); diff != "" {
			t.Error(diff)
		}
		_, err = invoke(t, srv, "agents", "new", `{}`)
		wantFault(t, "a tool that nobody enabled", err, "AccessDeniedException", "is not enabled")
		_, err = invoke(t, srv, "agents", "look_up", `{"text":"a"}`)
		wantFault(t, "a tool that is gone", err, "ResourceNotFoundException", "look_up")
		a.key = "Bearer other"
		_, err = testkit.Call(t, srv, onsightapi.RefreshActionConnectorDefinition, refresh)
		wantFault(t, "a key that is no good any more", err, "ActionFailedException", "who are you?")
		tested, err := testkit.Call(t, srv, onsightapi.TestActionConnector, onsightapi.TestActionConnectorRequest{AwsAccountId: account, ActionConnectorId: "agents"})
		if err != nil || *tested.Passed || !strings.Contains(*tested.Message, "does not accept ApiKey") {
			t.Errorf("%+v, %v", tested, err)
		}
		if diff := cmp.Diff([]string{"erase", "new"}, actionsOf(t, srv, "agents")); diff != "" {
			t.Errorf("after a refusal:\n%s", diff)
		}
		is, err := testkit.Call(t, srv, onsightapi.DescribeActionConnectorDefinition, onsightapi.DescribeActionConnectorDefinitionRequest{AwsAccountId: account, ActionConnectorId: "agents"})
		if err != nil || *is.Definition.Kind != "MCP" || !strings.Contains(*is.Definition.Document, `"server":"agents 3"`) {
			t.Errorf("%+v, %v", is, err)
		}
		if _, err = testkit.Call(t, srv, onsightapi.DeleteActionConnectorDefinition, onsightapi.DeleteActionConnectorDefinitionRequest{AwsAccountId: account, ActionConnectorId: "agents"}); err != nil {
			t.Fatal(err)
		}
		if got := actionsOf(t, srv, "agents"); !slices.Contains(got, "HttpGet") {
			t.Errorf("actions %v", got)
		}
	}, testkit.Near(t, v.Server))
}

// TestPagerDuty: the base endpoint says whether it is the server of agents or
// the API.
func TestPagerDuty(t *testing.T) {
	t.Parallel()
	alone(t, func(v *vendor) {
		v.on("/services", says(200, `{"services":[{"id":"P1"}],"more":false}`))
	}, func(t *testing.T, srv *testkit.Server, v *vendor) {
		path := "/" + srv.Dialect() + "/mcp"
		a := newAgents(t, v, path, "Token token=k3y")
		srv.Subscribe(t)
		makeConnector(t, srv, "agents", "PAGERDUTY_ADVANCE", "API_KEY", withKey(v.URL+path, "k3y"), "CREATION_SUCCESSFUL")
		before := a.asked.Load()
		if before == 0 {
			t.Error("the server was not asked when the connector was made")
		}
		if diff := cmp.Diff([]string{"erase", "look_up"}, actionsOf(t, srv, "agents")); diff != "" {
			t.Error(diff)
		}
		if a.asked.Load() != before {
			t.Error("the server is asked for what it has told")
		}
		if got, err := invoke(t, srv, "agents", "look_up", `{"text":"a"}`); err != nil || body(got) != `{"text":"found a"}` {
			t.Errorf("%s, %v", body(got), err)
		}
		c := makeConnector(t, srv, "wrong", "PAGERDUTY_ADVANCE", "API_KEY", withKey(v.URL+path, "no"), "CREATION_FAILED")
		if !strings.Contains(message(c), "does not accept ApiKey") {
			t.Errorf("it says %q", message(c))
		}
		_, err := define(t, srv, "agents", "{}")
		wantFault(t, "another definition", err, "InvalidParameterValueException", "only connectors of type GENERIC_HTTP")
		v.asked()
		makeConnector(t, srv, "rest", "PAGERDUTY_ADVANCE", "API_KEY", withKey(v.URL, "k3y"), "CREATION_SUCCESSFUL")
		if got, err := invoke(t, srv, "rest", "ListServices", `{}`); err != nil || body(got) != `[{"id":"P1"}]` {
			t.Errorf("%s, %v", body(got), err)
		}
		if got := v.asked(); !slices.Contains(got, "GET /services?limit=25 Token token=k3y") {
			t.Errorf("asked %q", got)
		}
		if got := actionsOf(t, srv, "rest"); len(got) != 8 {
			t.Errorf("actions %v", got)
		}
	}, checking)
}

// TestMCPOfPeople: where people sign in themselves, the server is asked as one of
// them.
func TestMCPOfPeople(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		makeConnector(t, srv, "agents", "PAGERDUTY_ADVANCE", "OAUTH2_AUTHORIZATION_CODE", qs.AuthenticationMetadata{
			AuthorizationCodeGrantMetadata: &qs.AuthorizationCodeGrantMetadata{
				BaseEndpoint: v.URL + "/mcp", RedirectUrl: "https://onsight.example.org/sn/oauthcallback",
				AuthorizationCodeGrantCredentialsDetails: &qs.AuthorizationCodeGrantCredentialsDetails{AuthorizationCodeGrantDetails: &qs.AuthorizationCodeGrantDetails{
					ClientId: "c", ClientSecret: "s", TokenEndpoint: v.URL + "/token", AuthorizationEndpoint: v.URL + "/authorize",
				}},
			},
		}, "CREATION_SUCCESSFUL")
		_, err := testkit.Call(t, srv, onsightapi.ListActions, onsightapi.ListActionsRequest{AwsAccountId: account, ActionConnectorId: "agents"})
		wantFault(t, "nobody is signed in", err, "AccessTokenNotFoundException", "not signed in")
		_, err = invoke(t, srv, "agents", "look_up", `{"text":"a"}`)
		wantFault(t, "an action", err, "AccessTokenNotFoundException", "not signed in")
		if c := await(t, srv, "agents", "CREATION_SUCCESSFUL"); !slices.Equal(c.EnabledActions, []string{"analytics_agent_tool", "schedules_agent_tool", "sre_agent_tool"}) {
			t.Errorf("EnabledActions %v", c.EnabledActions)
		}
	}, testkit.Near(t, v.Server))
}

// TestMCPSignedIn: who refreshes is asked as, and each call goes as its caller,
// with a token that is renewed when the server refuses it.
func TestMCPSignedIn(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t)
			a := newAgents(t, i.vendor, "/mcp", "")
			i.on("/mcp", func(w http.ResponseWriter, r *http.Request) {
				i.mu.Lock()
				ok := i.good[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
				i.mu.Unlock()
				if !ok {
					says(401, `{"error":"invalid_token"}`)(w, r)
					return
				}
				a.handler.ServeHTTP(w, r)
			})
			srv := testkit.Start(t, storetest.Config(t, dialect), testkit.Near(t, i.Server))
			srv.Subscribe(t)
			m := i.code()
			m.AuthorizationCodeGrantMetadata.BaseEndpoint = i.URL + "/mcp"
			makeConnector(t, srv, "mine", "GENERIC_HTTP", "OAUTH2_AUTHORIZATION_CODE", m, "CREATION_SUCCESSFUL")
			kind := func(in *onsightapi.UpdateActionConnectorDefinitionRequest) { in.Kind, in.Document = "MCP", nil }
			_, err := define(t, srv, "mine", "", kind)
			wantFault(t, "before", err, "AccessTokenNotFoundException", "not signed in")
			b := srv.Browser(t)
			if shown := b.Get(i.agree(t, srv, b, start(t, srv, "mine"))); shown.Status != 200 {
				t.Fatalf("back from the service: %d %s", shown.Status, shown.Text())
			}
			if _, err = define(t, srv, "mine", "", kind); err != nil {
				t.Fatal(err)
			}
			if got, err := invoke(t, srv, "mine", "look_up", `{"text":"a"}`); err != nil || body(got) != `{"text":"found a"}` {
				t.Errorf("%s, %v", body(got), err)
			}
			i.set(func() { clear(i.good) })
			i.tokens()
			if _, err := invoke(t, srv, "mine", "look_up", `{"text":"a"}`); err != nil || i.tokens() != 1 {
				t.Errorf("a token that the server refuses: %v", err)
			}
			other := asUser(t, srv, "other", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["quicksight:*","onsight:*"],"Resource":"*"}]}`)
			if diff := cmp.Diff([]string{"erase", "look_up"}, actionsOf(t, other, "mine")); diff != "" {
				t.Error(diff)
			}
			_, err = invoke(t, other, "mine", "look_up", `{"text":"a"}`)
			wantFault(t, "somebody else", err, "AccessTokenNotFoundException", "not signed in")
		})
	}
}
