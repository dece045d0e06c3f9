package mcp_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"onsight/internal/config"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

// Each person sees and calls what they may, and what they call is what everybody
// else calls.
func TestTools(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, srv *testkit.Server, v *vendor) {
		v.on("/items/42", says(200, `{"id":42,"name":"a < b"}`))
		v.on("/broken", says(503, `{"message":"down for repairs"}`, "Retry-After", "700"))
		v.on("/made", says(201, `{}`))
		picture := []byte("\x89PNG\r\n\x1a\n1")
		v.on("/picture", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "image/png")
			_, _ = w.Write(picture)
		})
		v.on("/data", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/x-thing")
			_, _ = w.Write([]byte{1, 0xff, 2})
		})
		srv.Subscribe(t)
		ana, bo, eve := user(t, srv, "ana", "AUTHOR"), user(t, srv, "bo", "READER"), user(t, srv, "eve", "AUTHOR")
		connector(t, srv, "shop", "The Shop", v.URL, "ana", "bo")
		connector(t, srv, "other", "the shop", v.URL, "ana")
		token1, _ := token(t, ana, "ana")
		token2, _ := token(t, bo, "bo")
		token3, _ := token(t, eve, "eve")
		a, b, e := connect(t, srv, token1, nil), connect(t, srv, token2, nil), connect(t, srv, token3, nil)

		// Two connectors of one name: each tool has a name of its own.
		names := listed(t, a)
		if len(names) != 10 || !slices.IsSorted(names) || len(slices.Compact(slices.Clone(names))) != 10 {
			t.Errorf("ana's tools are %q", names)
		}
		for _, n := range names {
			if !strings.HasPrefix(n, "the-shop_Http") || len(n) > 64 {
				t.Errorf("a tool is called %q", n)
			}
		}
		equal(t, "bo's tools", listed(t, b), []string{"the-shop_HttpGet"})
		equal(t, "eve's tools", listed(t, e), nil)

		list, err := b.ListTools(t.Context(), nil)
		if err != nil || len(list.Tools) != 1 {
			t.Fatalf("%v, %v", list, err)
		}
		one := list.Tools[0]
		if n := one.Annotations; !n.ReadOnlyHint || *n.DestructiveHint || !n.IdempotentHint || !*n.OpenWorldHint || one.Title != "The Shop: HTTP GET" {
			t.Errorf("%+v, %+v", one, n)
		}
		if list.CacheScope != "private" || list.TTLMs != 0 {
			t.Errorf("the list may be cached: %+v", list.Cacheable)
		}
		if in := one.InputSchema.(map[string]any); in["type"] != "object" || in["properties"].(map[string]any)["path"] == nil { //nolint:forcetypeassert // that is the test
			t.Errorf("input %v", in)
		}

		v.asked()
		res, err := call(t, b, "the-shop_HttpGet", map[string]any{"path": "items/42"})
		if err != nil || res.IsError || !strings.Contains(said(res), `"name":"a < b"`) {
			t.Fatalf("%+v, %v", res, err)
		}
		structured, _ := json.Marshal(res.StructuredContent)
		if !strings.Contains(string(structured), `"output":{"body":{"id":42`) {
			t.Errorf("structured content %s", structured)
		}
		equal(t, "the shop was asked", v.asked(), []string{"GET /items/42"})

		// What is wrong is said so that an agent can do better.
		res, err = call(t, b, "the-shop_HttpGet", map[string]any{"path": 7})
		if err != nil || !res.IsError || !strings.Contains(said(res), "Input isn't valid: /path: is of type number, and must be string.") {
			t.Errorf("a wrong argument: %q, %v", said(res), err)
		}
		res, err = call(t, b, "the-shop_HttpGet", map[string]any{"path": "broken"})
		if err != nil || !res.IsError || !strings.Contains(said(res), "Unavailable: down for repairs") || !strings.Contains(said(res), "wait for 700 seconds") {
			t.Errorf("a service that is down: %q, %v", said(res), err)
		}
		structured, _ = json.Marshal(res.StructuredContent)
		if want := `"httpStatusCode":503,"kind":"Unavailable"`; !strings.Contains(string(structured), want) {
			t.Errorf("structured content %s, want %s", structured, want)
		}
		v.asked()
		for _, name := range []string{"the-shop_HttpPost", "nothing", "the-shop_", "search_tools2"} {
			if res, err := call(t, b, name, map[string]any{"path": "made"}); err == nil || !strings.Contains(err.Error(), "unknown tool") {
				t.Errorf("tool %q: %+v, %v", name, res, err)
			}
		}
		if _, err := call(t, e, "the-shop_HttpGet", map[string]any{"path": "made"}); err == nil {
			t.Error("eve uses what is not shared with her")
		}
		// Which of two is meant can't be told; the marked names can.
		if _, err := call(t, a, "the-shop_HttpGet", map[string]any{"path": "made"}); err == nil || !strings.Contains(err.Error(), "Several tools") {
			t.Errorf("an ambiguous name: %v", err)
		}
		equal(t, "asked nothing", v.asked(), nil)
		i := slices.IndexFunc(names, func(n string) bool { return strings.HasPrefix(n, "the-shop_HttpPost") })
		if res, err = call(t, a, names[i], map[string]any{"path": "made", "body": map[string]any{"x": 1}}); err != nil || res.IsError {
			t.Errorf("%q, %v", said(res), err)
		}

		// Files are what they are.
		res, err = call(t, b, "the-shop_HttpGet", map[string]any{"path": "picture"})
		if err != nil || len(res.Content) != 1 {
			t.Fatalf("%+v, %v", res, err)
		}
		if p, ok := res.Content[0].(*sdk.ImageContent); !ok || !bytes.Equal(p.Data, picture) || p.MIMEType != "image/png" {
			t.Errorf("a picture is %+v", res.Content[0])
		}
		structured, _ = json.Marshal(res.StructuredContent)
		if strings.Contains(string(structured), base64.StdEncoding.EncodeToString(picture)) {
			t.Errorf("the picture is there twice: %s", structured)
		}
		res, err = call(t, b, "the-shop_HttpGet", map[string]any{"path": "data"})
		if err != nil || len(res.Content) != 1 {
			t.Fatalf("%+v, %v", res, err)
		}
		if r, ok := res.Content[0].(*sdk.EmbeddedResource); !ok || !bytes.Equal(r.Resource.Blob, []byte{1, 0xff, 2}) {
			t.Errorf("data are %+v", res.Content[0])
		}

		// What is taken away between the list and the call is gone.
		if _, err := testkit.Call(t, srv, onsightapi.UpdateEnabledActions, onsightapi.UpdateEnabledActionsRequest{
			AwsAccountId: account, ActionConnectorId: "shop", EnabledActions: []string{"HttpPost"},
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := call(t, b, "the-shop_HttpGet", map[string]any{"path": "items/42"}); err == nil {
			t.Error("an action that is not enabled any more was performed")
		}
		equal(t, "bo's tools", listed(t, b), nil)

		events := trail(t, srv, "InvokeAction")
		if !strings.Contains(events, `"AgentSoftware":"tester/1"`) || !strings.Contains(events, `"Credential":"personal-token/`) || !strings.Contains(events, `"Tool":"the-shop_HttpGet"`) {
			t.Errorf("events: %s", events)
		}
	})
}

// trail gives the events of a name, a line each.
func trail(t *testing.T, srv *testkit.Server, name string) string {
	t.Helper()
	var b strings.Builder
	in := onsightapi.ListAuditRecordsRequest{AwsAccountId: srv.Account, MaxResults: new(int32(1000))}
	out, err := testkit.Call(t, srv, onsightapi.ListAuditRecords, in)
	if err != nil {
		t.Fatal(err)
	}
	text, _ := json.Marshal(out)
	var all struct{ Records []json.RawMessage }
	if err := json.Unmarshal(text, &all); err != nil || len(all.Records) == 0 {
		b.Write(text)
	}
	for _, r := range all.Records {
		if bytes.Contains(r, []byte(name)) {
			b.Write(r)
			b.WriteByte('\n')
		}
	}
	return strings.ReplaceAll(b.String(), `\"`, `"`)
}

// Who has many tools searches them.
func TestSearch(t *testing.T) {
	t.Parallel()
	few := func(c *config.Config) { c.MCPListed = 6 }
	each(t, func(t *testing.T, srv *testkit.Server, v *vendor) {
		v.on("/items/42", says(200, `{"id":42}`))
		srv.Subscribe(t)
		ana := user(t, srv, "ana", "AUTHOR")
		connector(t, srv, "shop", "Shop", v.URL, "ana")
		connector(t, srv, "barn", "Barn", v.URL, "ana")
		shown, _ := token(t, ana, "ana")
		a := connect(t, srv, shown, nil)
		equal(t, "tools", listed(t, a), []string{"call_tool", "search_tools"})
		res, err := call(t, a, "search_tools", map[string]any{"query": "Barn delete"})
		if err != nil || res.IsError {
			t.Fatalf("%q, %v", said(res), err)
		}
		var got struct {
			Matches int
			Tools   []*sdk.Tool
		}
		if err := json.Unmarshal([]byte(said(res)), &got); err != nil || got.Matches != 6 || got.Tools[0].Name != "barn_HttpDelete" || got.Tools[0].InputSchema == nil {
			t.Errorf("%s: %v", said(res), err)
		}
		if res, err = call(t, a, "call_tool", map[string]any{"name": "shop_HttpGet", "arguments": map[string]any{"path": "items/42"}}); err != nil || res.IsError || !strings.Contains(said(res), `"id":42`) {
			t.Errorf("%q, %v", said(res), err)
		}
		if res, err = call(t, a, "shop_HttpGet", map[string]any{"path": "items/42"}); err != nil || res.IsError {
			t.Errorf("by its own name: %q, %v", said(res), err)
		}
		for _, arguments := range []any{
			map[string]any{"name": "nothing"},
			map[string]any{},
			map[string]any{"name": 1},
			map[string]any{"name": "shop_HttpGet", "x": 1},
			map[string]any{"name": "call_tool"},
		} {
			if res, err := call(t, a, "call_tool", arguments); err != nil || !res.IsError {
				t.Errorf("call_tool %v: %q, %v", arguments, said(res), err)
			}
		}
		for _, arguments := range []any{map[string]any{"query": " "}, map[string]any{"query": "x", "limit": 51}, map[string]any{"quest": "x"}} {
			if res, err := call(t, a, "search_tools", arguments); err != nil || !res.IsError {
				t.Errorf("search_tools %v: %q, %v", arguments, said(res), err)
			}
		}
	}, few)
}

// A long list comes in pages, and a cursor is good for its own list alone.
func TestPages(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, srv *testkit.Server, v *vendor) {
		srv.Subscribe(t)
		ana, bo := user(t, srv, "ana", "AUTHOR"), user(t, srv, "bo", "AUTHOR")
		for i := range 12 {
			connector(t, srv, fmt.Sprintf("c%02d", i), fmt.Sprintf("C %02d", i), v.URL, "ana", "bo")
		}
		token1, _ := token(t, ana, "ana")
		token2, _ := token(t, bo, "bo")
		a, b := connect(t, srv, token1, nil), connect(t, srv, token2, nil)
		names := listed(t, a)
		if len(names) != 60 || !slices.IsSorted(names) {
			t.Errorf("%d tools: %q", len(names), names)
		}
		first, err := a.ListTools(t.Context(), nil)
		if err != nil || len(first.Tools) != 50 || first.NextCursor == "" {
			t.Fatalf("%d tools, %v", len(first.Tools), err)
		}
		for _, cursor := range []string{first.NextCursor, "x", first.NextCursor + "A"} {
			if _, err := b.ListTools(t.Context(), &sdk.ListToolsParams{Cursor: cursor}); err == nil {
				t.Errorf("cursor %q is good for somebody else", cursor)
			}
		}
	})
}

// A hundred calls at once each get their own answer.
func TestParallel(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, srv *testkit.Server, v *vendor) {
		for i := range 100 {
			v.on(fmt.Sprintf("/items/%d", i), says(200, fmt.Sprintf(`{"id":"number %d"}`, i)))
		}
		srv.Subscribe(t)
		ana := user(t, srv, "ana", "AUTHOR")
		connector(t, srv, "shop", "Shop", v.URL, "ana")
		shown, _ := token(t, ana, "ana")
		a := connect(t, srv, shown, nil)
		var all sync.WaitGroup
		for i := range 100 {
			all.Go(func() {
				res, err := call(t, a, "shop_HttpGet", map[string]any{"path": fmt.Sprintf("items/%d", i)})
				if err != nil || res.IsError || !strings.Contains(said(res), fmt.Sprintf(`"number %d"`, i)) {
					t.Errorf("call %d: %q, %v", i, said(res), err)
				}
			})
		}
		all.Wait()
	})
}

// More calls than the setting are told to wait, as those of the API.
func TestRate(t *testing.T) {
	t.Parallel()
	slow := func(c *config.Config) { c.ActionRate = 0.5 }
	each(t, func(t *testing.T, srv *testkit.Server, v *vendor) {
		v.on("/a", says(200, `{}`))
		srv.Subscribe(t)
		ana := user(t, srv, "ana", "AUTHOR")
		connector(t, srv, "shop", "Shop", v.URL, "ana")
		shown, _ := token(t, ana, "ana")
		a := connect(t, srv, shown, nil)
		if res, err := call(t, a, "shop_HttpGet", map[string]any{"path": "a"}); err != nil || res.IsError {
			t.Fatalf("%q, %v", said(res), err)
		}
		res, err := call(t, a, "shop_HttpGet", map[string]any{"path": "a"})
		if err != nil || !res.IsError || !strings.Contains(said(res), "Wait a moment") {
			t.Errorf("%q, %v", said(res), err)
		}
	}, slow)
}

// A call that takes long tells of it, and can be cancelled.
func TestProgressAndCancel(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, srv *testkit.Server, v *vendor) {
		asked := make(chan struct{}, 10)
		v.on("/slow", func(w http.ResponseWriter, r *http.Request) {
			asked <- struct{}{}
			select {
			case <-r.Context().Done():
			case <-time.After(20 * time.Second):
			}
			_, _ = io.WriteString(w, "{}")
		})
		v.on("/quick", says(200, `{}`))
		srv.Subscribe(t)
		ana := user(t, srv, "ana", "AUTHOR")
		connector(t, srv, "shop", "Shop", v.URL, "ana")
		shown, _ := token(t, ana, "ana")
		told := make(chan string, 10)
		a := connect(t, srv, shown, &sdk.ClientOptions{ProgressNotificationHandler: func(_ context.Context, r *sdk.ProgressNotificationClientRequest) {
			told <- r.Params.Message
		}})
		params := &sdk.CallToolParams{Name: "shop_HttpGet", Arguments: map[string]any{"path": "quick"}}
		params.SetProgressToken("p")
		if res, err := a.CallTool(t.Context(), params); err != nil || res.IsError {
			t.Fatalf("%q, %v", said(res), err)
		}
		select {
		case m := <-told:
			if m != "Asking the service." {
				t.Errorf("progress %q", m)
			}
		case <-time.After(10 * time.Second):
			t.Error("no progress was told")
		}

		// The older protocol cancels by a message of its own.
		res, _ := raw(t, srv, shown, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-11-25","capabilities":{},"clientInfo":{"name":"old","version":"2"}}}`)
		session := res.Header.Get("Mcp-Session-Id")
		if session == "" {
			t.Fatal("no session")
		}
		began := time.Now()
		done := make(chan string)
		go func() {
			_, body := raw(t, srv, shown, `{"jsonrpc":"2.0","id":7,"method":"tools/call","params":{"name":"shop_HttpGet","arguments":{"path":"slow"}}}`,
				"Mcp-Session-Id", session, "Mcp-Protocol-Version", "2025-11-25")
			done <- body
		}()
		<-asked
		if res, body := raw(t, srv, shown, `{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":7}}`, "Mcp-Session-Id", session, "Mcp-Protocol-Version", "2025-11-25"); res.StatusCode != 202 {
			t.Errorf("%d %s", res.StatusCode, body)
		}
		select {
		case body := <-done:
			if !strings.Contains(body, "cancelled") || time.Since(began) > 15*time.Second {
				t.Errorf("after %s: %s", time.Since(began), body)
			}
		case <-time.After(30 * time.Second):
			t.Error("the call goes on")
		}
	})
}

// Whoever has to sign in at a service is asked to by the client, if it can, and
// told where otherwise.
func TestSignIn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, srv *testkit.Server, v *vendor) {
		srv.Subscribe(t)
		ana := user(t, srv, "ana", "AUTHOR")
		make1(t, srv, "mine", "Mine", "OAUTH2_AUTHORIZATION_CODE", qs.AuthenticationMetadata{AuthorizationCodeGrantMetadata: &qs.AuthorizationCodeGrantMetadata{
			BaseEndpoint: v.URL, RedirectUrl: "https://onsight.example.org/sn/oauthcallback",
			AuthorizationCodeGrantCredentialsSource:  new(qs.AuthorizationCodeGrantCredentialsSource("PLAIN_CREDENTIALS")),
			AuthorizationCodeGrantCredentialsDetails: &qs.AuthorizationCodeGrantCredentialsDetails{AuthorizationCodeGrantDetails: &qs.AuthorizationCodeGrantDetails{ClientId: "c", ClientSecret: "s", TokenEndpoint: v.URL + "/token", AuthorizationEndpoint: v.URL + "/authorize"}},
		}}, "ana")
		shown, _ := token(t, ana, "ana")
		const there = "https://onsight.example.org/sn/oauthconnect?state="

		plain := connect(t, srv, shown, nil)
		res, err := call(t, plain, "mine_HttpGet", map[string]any{"path": "a"})
		if err != nil || !res.IsError || !strings.Contains(said(res), there) {
			t.Errorf("%q, %v", said(res), err)
		}

		for _, version := range []string{"", "2025-11-25"} {
			var opened []string
			able := connect(t, srv, shown, &sdk.ClientOptions{
				Capabilities: &sdk.ClientCapabilities{Elicitation: &sdk.ElicitationCapabilities{URL: &sdk.URLElicitationCapabilities{}}},
				ElicitationHandler: func(_ context.Context, r *sdk.ElicitRequest) (*sdk.ElicitResult, error) {
					opened = append(opened, r.Params.URL)
					return &sdk.ElicitResult{Action: "accept"}, nil
				},
			}, &sdk.ClientSessionOptions{ProtocolVersion: version})
			res, err = call(t, able, "mine_HttpGet", map[string]any{"path": "a"})
			if version != "" {
				wrong, ok := errors.AsType[*jsonrpc.Error](err)
				if !ok || wrong.Code != sdk.CodeURLElicitationRequired || !strings.Contains(string(wrong.Data), there) {
					t.Errorf("version %s: %+v, %v", version, res, err)
				}
				continue
			}
			if len(opened) != 1 || !strings.HasPrefix(opened[0], there) {
				t.Errorf("opened %q", opened)
			}
			if err != nil || !res.IsError || !strings.Contains(said(res), there) {
				t.Errorf("who has not signed in yet is told %q, %v", said(res), err)
			}
		}
	})
}

// What the owner of a connector wants confirmed is asked of the person, past the
// agent; a client that can't ask does not do it.
func TestConfirmation(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, srv *testkit.Server, v *vendor) {
		v.on("/a", says(200, `{}`))
		srv.Subscribe(t)
		ana := user(t, srv, "ana", "AUTHOR")
		connector(t, srv, "shop", "Shop", v.URL, "ana")
		if _, err := testkit.Call(t, srv, onsightapi.UpdateActionConnectorGuards, onsightapi.UpdateActionConnectorGuardsRequest{
			AwsAccountId: account, ActionConnectorId: "shop", Guards: &onsightapi.ActionConnectorGuards{Confirmation: new(onsightapi.ActionConfirmationWrites)},
		}); err != nil {
			t.Fatal(err)
		}
		shown, _ := token(t, ana, "ana")
		v.asked()
		for _, c := range []struct{ version, answer, want, asks string }{
			{"", "accept", "", "POST /a"}, {"", "decline", "has said no", ""}, {"2025-11-25", "accept", "this client can't ask one", ""},
		} {
			asked := ""
			s := connect(t, srv, shown, &sdk.ClientOptions{ElicitationHandler: func(_ context.Context, r *sdk.ElicitRequest) (*sdk.ElicitResult, error) {
				asked = r.Params.Message
				return &sdk.ElicitResult{Action: c.answer}, nil
			}}, &sdk.ClientSessionOptions{ProtocolVersion: c.version})
			res, err := call(t, s, "shop_HttpPost", map[string]any{"path": "a"})
			if err != nil || res.IsError != (c.want != "") || !strings.Contains(said(res), c.want) {
				t.Errorf("%+v: %q, %v", c, said(res), err)
			}
			if c.version == "" && !strings.Contains(asked, "HTTP POST (HttpPost) of the connector Shop") {
				t.Errorf("asked %q", asked)
			}
			if got := strings.Join(v.asked(), " "); got != c.asks {
				t.Errorf("%+v: the service was asked %q", c, got)
			}
		}
	})
}
