package mcp_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"html"
	"net/http"
	"net/netip"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"onsight/internal/config"
	"onsight/internal/qs"
	"onsight/internal/store"
	"onsight/internal/testkit"
)

const (
	public   = "https://onsight.example.org"
	verifier = "a-verifier-of-at-least-forty-three-characters"
	back     = "http://127.0.0.1:41234/callback"
	password = "Correct7horse-staple"
)

func challenge(verifier string) string {
	sum := sha256.Sum256([]byte(verifier))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}

// join registers someone with a password, who is signed in with a browser.
func join(t *testing.T, srv *testkit.Server, name string) *testkit.Browser {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.RegisterUser, qs.RegisterUserRequest{
		AwsAccountId: srv.Account, Namespace: "default", UserName: &name, Email: name + "@example.org", IdentityType: "QUICKSIGHT", UserRole: "AUTHOR",
	})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(*out.UserInvitationUrl)
	if err != nil {
		t.Fatal(err)
	}
	b := srv.Browser(t)
	b.Origin = public
	if page := b.Post("/inviteuser", "token", u.Query().Get("token"), "new-password", password, "repeat-password", password); page.Heading() != "Your account" {
		t.Fatalf("after the invitation: %d %s", page.Status, page.Text())
	}
	return b
}

// post sends a form, or JSON, and reads JSON.
func post(t *testing.T, srv *testkit.Server, path, kind, body string) (int, map[string]any) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", kind)
	res, text := srv.Send(t, r)
	var out map[string]any
	if len(text) > 0 {
		if err := json.Unmarshal(text, &out); err != nil {
			t.Fatalf("%s answers %q", path, text)
		}
	}
	return res.StatusCode, out
}

func registered(t *testing.T, srv *testkit.Server, name string, redirects ...string) string {
	t.Helper()
	body, _ := json.Marshal(map[string]any{"client_name": name, "redirect_uris": redirects, "token_endpoint_auth_method": "none"})
	status, out := post(t, srv, "/mcp/register", "application/json", string(body))
	if status != 201 {
		t.Fatalf("register: %d %v", status, out)
	}
	return out["client_id"].(string) //nolint:forcetypeassert // that is the test
}

// ask is the address at which an agent asks for an authorisation.
func ask(client string, change ...string) string {
	q := url.Values{
		"response_type": {"code"}, "client_id": {client}, "redirect_uri": {back}, "code_challenge": {challenge(verifier)}, "code_challenge_method": {"S256"},
		"state": {"st"}, "resource": {public + "/mcp"}, "scope": {"tools tools:read"},
	}
	for i := 0; i+1 < len(change); i += 2 {
		if q.Del(change[i]); change[i+1] != "" {
			q.Set(change[i], change[i+1])
		}
	}
	return "/mcp/authorize?" + q.Encode()
}

var requestField = regexp.MustCompile(`name="request" value="([^"]*)"`)

// allow has the person say yes, or what decision says, and gives what the agent is
// told.
func allow(t *testing.T, b *testkit.Browser, at string, fields ...string) url.Values {
	t.Helper()
	page := b.Get(at)
	m := requestField.FindStringSubmatch(page.Body)
	if m == nil {
		t.Fatalf("no page of consent: %d %s %s", page.Status, page.At, page.Text())
	}
	if len(fields) == 0 {
		fields = []string{"decision", "allow"}
	}
	return told(t, b.Post("/mcp/consent", append([]string{"request", html.UnescapeString(m[1])}, fields...)...))
}

// told is what a browser brings to the agent.
func told(t *testing.T, page testkit.Shown) url.Values {
	t.Helper()
	path, query, _ := strings.Cut(page.At, "?")
	if path != "/callback" {
		t.Fatalf("the browser is not sent back: %d %s %s", page.Status, page.At, page.Text())
	}
	q, err := url.ParseQuery(query)
	if err != nil || q.Get("iss") != public {
		t.Fatalf("sent back with %s", query)
	}
	return q
}

func exchange(t *testing.T, srv *testkit.Server, client, code string, change ...string) (int, map[string]any) {
	t.Helper()
	q := url.Values{
		"grant_type": {"authorization_code"}, "client_id": {client}, "code": {code}, "redirect_uri": {back}, "code_verifier": {verifier}, "resource": {public + "/mcp"},
	}
	for i := 0; i+1 < len(change); i += 2 {
		q.Set(change[i], change[i+1])
	}
	return post(t, srv, "/mcp/token", "application/x-www-form-urlencoded", q.Encode())
}

func refresh(t *testing.T, srv *testkit.Server, client string, token any, more ...string) (int, map[string]any) {
	t.Helper()
	q := url.Values{"grant_type": {"refresh_token"}, "client_id": {client}, "refresh_token": {token.(string)}} //nolint:forcetypeassert // that is the test
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return post(t, srv, "/mcp/token", "application/x-www-form-urlencoded", q.Encode())
}

func statusOf(t *testing.T, srv *testkit.Server, token any) int {
	t.Helper()
	res, _ := raw(t, srv, token.(string), ping) //nolint:forcetypeassert // that is the test
	return res.StatusCode
}

// An agent finds its way by itself, from the refusal to the tools.
func TestAuthorization(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, srv *testkit.Server, v *vendor) {
		v.on("/a", says(200, `{"ok":true}`))
		srv.Subscribe(t)
		b := join(t, srv, "ana")
		connector(t, srv, "shop", "Shop", v.URL, "ana")

		res, _ := raw(t, srv, "", ping)
		if h := res.Header.Get("WWW-Authenticate"); !strings.Contains(h, `resource_metadata="`+public+`/.well-known/oauth-protected-resource/mcp"`) {
			t.Errorf("WWW-Authenticate: %s", h)
		}
		for path, want := range map[string]string{
			"/.well-known/oauth-protected-resource/mcp": `"resource":"` + public + `/mcp"`,
			"/.well-known/oauth-protected-resource":     `"authorization_servers":["` + public + `"]`,
			"/.well-known/oauth-authorization-server":   `"code_challenge_methods_supported":["S256"]`,
		} {
			r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			res, text := srv.Send(t, r)
			if res.StatusCode != 200 || !strings.Contains(string(text), want) || res.Header.Get("Access-Control-Allow-Origin") != "*" {
				t.Errorf("%s: %d %s", path, res.StatusCode, text)
			}
		}

		client := registered(t, srv, "Agent\u202e  007", "http://127.0.0.1/callback", "https://agent.example.com/back")
		page := b.Get(ask(client))
		for _, want := range []string{"Let “Agent 007” act for you?", "127.0.0.1:41234", "ana", "A program on this computer"} {
			if !strings.Contains(page.Text(), want) {
				t.Errorf("the page of consent doesn't say %q: %s", want, page.Text())
			}
		}
		if csp := page.Header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' http://127.0.0.1:41234;") || !strings.Contains(csp, "frame-ancestors 'none'") {
			t.Errorf("policy %s", csp)
		}
		six := registered(t, srv, "Six", "http://[::1]/callback")
		if csp := b.Get(ask(six, "redirect_uri", "http://[::1]:9/callback")).Header.Get("Content-Security-Policy"); !strings.Contains(csp, "form-action 'self' http:;") {
			t.Errorf("policy %s", csp)
		}
		q := allow(t, b, ask(client))
		if q.Get("state") != "st" || q.Get("code") == "" {
			t.Fatalf("told %v", q)
		}
		status, out := exchange(t, srv, client, q.Get("code"))
		if status != 200 || out["token_type"] != "Bearer" || out["expires_in"] != 3600.0 || out["scope"] != "tools" {
			t.Fatalf("%d %v", status, out)
		}
		s := connect(t, srv, out["access_token"].(string), nil) //nolint:forcetypeassert // that is the test
		if got, err := call(t, s, "shop_HttpGet", map[string]any{"path": "a"}); err != nil || got.IsError {
			t.Errorf("%q, %v", said(got), err)
		}
		events := trail(t, srv, "InvokeAction")
		if !strings.Contains(events, `"AgentClientId":"`+client[:16]+`"`) || !strings.Contains(events, `"AgentName":"Agent 007"`) {
			t.Errorf("events: %s", events)
		}
		if events = trail(t, srv, "AuthorizeAgent"); !strings.Contains(events, `"Scope":"tools"`) {
			t.Errorf("events: %s", events)
		}

		// It lasts an hour, and is renewed; what was before is void.
		srv.Advance(61 * time.Minute)
		if got := statusOf(t, srv, out["access_token"]); got != 401 {
			t.Errorf("after an hour: %d", got)
		}
		status, next := refresh(t, srv, client, out["refresh_token"], "resource", public+"/mcp")
		if status != 200 || statusOf(t, srv, next["access_token"]) != 200 {
			t.Fatalf("%d %v", status, next)
		}
		if again, wrong := refresh(t, srv, client, out["refresh_token"]); again != 400 || wrong["error"] != "invalid_grant" {
			t.Errorf("a refresh token twice: %d %v", again, wrong)
		}
		if got := statusOf(t, srv, next["access_token"]); got != 401 {
			t.Errorf("after a refresh token was used twice: %d", got)
		}
		if again, _ := refresh(t, srv, client, next["refresh_token"]); again != 400 {
			t.Errorf("after a refresh token was used twice: %d", again)
		}
		if events = trail(t, srv, "RevokeAgent"); !strings.Contains(events, "used twice") {
			t.Errorf("events: %s", events)
		}

		b.Post("/signin", "account", "account-"+account, "username", "ana", "password", password)

		// No is told, and allows nothing.
		if q = allow(t, b, ask(client), "decision", "deny"); q.Get("error") != "access_denied" || q.Get("code") != "" || q.Get("state") != "st" {
			t.Errorf("told %v", q)
		}
		// Less than was asked for.
		q = allow(t, b, ask(client), "decision", "allow", "read-only", "yes")
		_, out = exchange(t, srv, client, q.Get("code"))
		if out["scope"] != "tools:read" {
			t.Errorf("%v", out)
		}
		s = connect(t, srv, out["access_token"].(string), nil) //nolint:forcetypeassert // that is the test
		equal(t, "tools", listed(t, s), []string{"shop_HttpGet"})
		if status, wrong := refresh(t, srv, client, out["refresh_token"], "scope", "tools"); status != 400 || wrong["error"] != "invalid_scope" {
			t.Errorf("more than was given: %d %v", status, wrong)
		}

		// The person sees it, and takes it back.
		page = b.Get("/mcp/access")
		if !strings.Contains(page.Text(), "Agent 007") || !strings.Contains(b.Get("/signin/you").Text(), "Programs that act for you: 1.") {
			t.Errorf("the page: %s", page.Text())
		}
		id := regexp.MustCompile(`name="do" value="revoke"><input type="hidden" name="id" value="([0-9a-f]+)"`).FindStringSubmatch(page.Body)
		if id == nil {
			t.Fatal("nothing to revoke")
		}
		if page = b.Post("/mcp/access", "do", "revoke", "id", id[1]); !strings.Contains(page.Text(), "can't act for you any more") {
			t.Errorf("after revoking: %s", page.Text())
		}
		if got := statusOf(t, srv, out["access_token"]); got != 401 {
			t.Errorf("revoked: %d", got)
		}
	})
}

// The page makes and deletes personal tokens, too.
func TestAccessPage(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		b := join(t, srv, "ana")
		page := b.Post("/mcp/access", "do", "create-token", "name", "laptop", "days", "30", "read-only", "yes")
		shown := regexp.MustCompile(`onsight-pat_[0-9a-f]{16}_[A-Za-z0-9_-]{43}`).FindString(page.Body)
		if shown == "" || statusOf(t, srv, shown) != 200 {
			t.Fatalf("%d %s", page.Status, page.Text())
		}
		page = b.Get("/mcp/access")
		if strings.Contains(page.Body, shown) || !strings.Contains(page.Text(), "laptop") || !strings.Contains(page.Text(), "looks only") {
			t.Errorf("the page: %s", page.Text())
		}
		if page := b.Post("/mcp/access", "do", "create-token", "name", " "); page.Status != 422 || !strings.Contains(page.Text(), "Enter what the token is for.") {
			t.Errorf("without a name: %d %s", page.Status, page.Text())
		}
		if german := b.Get("/mcp/access?lang=de"); german.Heading() != "Programme und Tokens" {
			t.Errorf("in German: %s", german.Heading())
		}
		b.Get("/mcp/access?lang=en")
		evil := *b
		evil.Origin = "https://evil.example.com"
		if page := evil.Post("/mcp/access", "do", "create-token", "name", "x"); page.Status != 403 {
			t.Errorf("from another site: %d", page.Status)
		}
		id := shown[len("onsight-pat_"):][:16]
		other := join(t, srv, "bo")
		other.Post("/mcp/access", "do", "delete-token", "id", id)
		if got := statusOf(t, srv, shown); got != 200 {
			t.Errorf("somebody else deletes it: %d", got)
		}
		b.Post("/mcp/access", "do", "delete-token", "id", id)
		if got := statusOf(t, srv, shown); got != 401 {
			t.Errorf("deleted: %d", got)
		}
		if events := trail(t, srv, "PersonalToken"); !strings.Contains(events, `"TokenId":"`+id+`"`) || strings.Contains(events, shown) {
			t.Errorf("events: %s", events)
		}
		// Who is not signed in is, and comes back.
		if page := srv.Browser(t).Get("/mcp/access"); page.At != "/signin?next=%2Fmcp%2Faccess" {
			t.Errorf("sent to %s", page.At)
		}
	})
}

// What is not as it must be is told to the agent, or, if that is not known for
// certain, to the person alone.
func TestHostileAuthorization(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		b := join(t, srv, "ana")
		client := registered(t, srv, "Agent", "http://127.0.0.1/callback", "https://agent.example.com/callback")

		// To the person: the browser goes nowhere else.
		for name, change := range map[string][]string{
			"another client":             {"client_id", "0123456789abcdef.AAAA"},
			"a client with another id":   {"client_id", "0123456789abcdef" + client[16:]},
			"no client":                  {"client_id", ""},
			"another address":            {"redirect_uri", "https://evil.example.com/callback"},
			"a longer path":              {"redirect_uri", "http://127.0.0.1:1/callback/x"},
			"a query":                    {"redirect_uri", "http://127.0.0.1:1/callback?x=1"},
			"another host of this place": {"redirect_uri", "http://localhost:1/callback"},
			"a user in front":            {"redirect_uri", "https://agent.example.com@evil.example.com/callback"},
			"a host behind":              {"redirect_uri", "https://agent.example.com.evil.example.com/callback"},
			"a port of https":            {"redirect_uri", "https://agent.example.com:8443/callback"},
			"a fragment":                 {"redirect_uri", "https://agent.example.com/callback#x"},
			"none, of two":               {"redirect_uri", ""},
			"a script":                   {"redirect_uri", "javascript:alert(1)"},
		} {
			if page := b.Get(ask(client, change...)); page.Status != 400 || !strings.HasPrefix(page.At, "/mcp/authorize") {
				t.Errorf("%s: %d at %s", name, page.Status, page.At)
			}
		}
		if page := b.Get(ask(client) + "&redirect_uri=" + url.QueryEscape(back)); page.Status != 400 {
			t.Errorf("two addresses: %d", page.Status)
		}
		// To the agent.
		for name, c := range map[string]struct {
			change []string
			want   string
		}{
			"a token at once": {[]string{"response_type", "token"}, "unsupported_response_type"},
			"no challenge":    {[]string{"code_challenge", ""}, "invalid_request"},
			"plain":           {[]string{"code_challenge_method", "plain"}, "invalid_request"},
			"no method":       {[]string{"code_challenge_method", ""}, "invalid_request"},
			"a short one":     {[]string{"code_challenge", "abc"}, "invalid_request"},
			"another server":  {[]string{"resource", "https://other.example.org/mcp"}, "invalid_target"},
			"a path of ours":  {[]string{"resource", public + "/"}, "invalid_target"},
		} {
			if q := told(t, b.Get(ask(client, c.change...))); q.Get("error") != c.want || q.Get("code") != "" || q.Get("state") != "st" {
				t.Errorf("%s: %v", name, q)
			}
		}

		// The page is for whoever was asked first, once, and not for other sites.
		page := b.Get(ask(client))
		request := html.UnescapeString(requestField.FindStringSubmatch(page.Body)[1])
		other := join(t, srv, "bo")
		if page := other.Get("/mcp/consent?request=" + request); page.Status != 404 {
			t.Errorf("somebody else's request: %d", page.Status)
		}
		if page := other.Post("/mcp/consent", "request", request, "decision", "allow"); page.Status != 404 {
			t.Errorf("somebody else decides: %d", page.Status)
		}
		evil := *b
		evil.Origin = "https://evil.example.com"
		if page := evil.Post("/mcp/consent", "request", request, "decision", "allow"); page.Status != 403 {
			t.Errorf("another site decides: %d", page.Status)
		}
		q := told(t, b.Post("/mcp/consent", "request", request, "decision", "allow"))
		if page := b.Post("/mcp/consent", "request", request, "decision", "allow"); page.Status != 404 {
			t.Errorf("twice: %d", page.Status)
		}
		// Nobody who is signed out decides.
		if page := srv.Browser(t).Get(ask(client)); !strings.HasPrefix(page.At, "/signin?next=%2Fmcp%2Fconsent%3Frequest%3D") {
			t.Errorf("signed out: %s", page.At)
		}

		// The code is bound to all of it.
		code := q.Get("code")
		thief := registered(t, srv, "Thief", "http://127.0.0.1/callback")
		for name, c := range map[string]struct {
			client string
			change []string
			want   string
		}{
			"another verifier":       {client, []string{"code_verifier", strings.Repeat("x", 43)}, "invalid_grant"},
			"no verifier":            {client, []string{"code_verifier", ""}, "invalid_grant"},
			"the challenge":          {client, []string{"code_verifier", challenge(verifier)}, "invalid_grant"},
			"another agent":          {thief, nil, "invalid_grant"},
			"another address":        {client, []string{"redirect_uri", "http://127.0.0.1:9/callback"}, "invalid_grant"},
			"no address":             {client, []string{"redirect_uri", ""}, "invalid_grant"},
			"another resource":       {client, []string{"resource", "https://other.example.org/mcp"}, "invalid_target"},
			"an agent that is none":  {"x", nil, "invalid_client"},
			"a refresh token":        {client, []string{"grant_type", "refresh_token", "refresh_token", code}, "invalid_grant"},
			"another kind":           {client, []string{"grant_type", "password"}, "unsupported_grant_type"},
			"a code that is none":    {client, []string{"code", "onsight-code_" + strings.Repeat("A", 43)}, "invalid_grant"},
			"a code without a start": {client, []string{"code", strings.TrimPrefix(code, "onsight-code_")}, "invalid_grant"},
		} {
			if status, out := exchange(t, srv, c.client, code, c.change...); status/100 != 4 || out["error"] != c.want {
				t.Errorf("%s: %d %v", name, status, out)
			}
		}
		status, out := exchange(t, srv, client, code)
		if status != 200 {
			t.Fatalf("%d %v", status, out)
		}
		for _, shown := range []any{code, out["refresh_token"]} {
			if got := statusOf(t, srv, shown); got != 401 {
				t.Errorf("%v lets in: %d", shown, got)
			}
		}
		// A code that comes again ends what came of it.
		if again, wrong := exchange(t, srv, client, code); again != 400 || wrong["error"] != "invalid_grant" {
			t.Errorf("replayed: %d %v", again, wrong)
		}
		if got := statusOf(t, srv, out["access_token"]); got != 401 {
			t.Errorf("after a replay: %d", got)
		}
		// A code is good for a minute.
		q = allow(t, b, ask(client))
		srv.Advance(61 * time.Second)
		if status, _ := exchange(t, srv, client, q.Get("code")); status != 400 {
			t.Errorf("after a minute: %d", status)
		}

		// Of many who use one refresh token at once, one gets something at most, and
		// all of it ends.
		q = allow(t, b, ask(client))
		_, out = exchange(t, srv, client, q.Get("code"))
		var all sync.WaitGroup
		var mu sync.Mutex
		good := 0
		for range 8 {
			all.Go(func() {
				if status, _ := refresh(t, srv, client, out["refresh_token"]); status == 200 {
					mu.Lock()
					good++
					mu.Unlock()
				}
			})
		}
		all.Wait()
		if good > 1 || statusOf(t, srv, out["access_token"]) != 401 {
			t.Errorf("%d of eight got something", good)
		}

		// An agent gives back what it has; another can't.
		q = allow(t, b, ask(client))
		_, out = exchange(t, srv, client, q.Get("code"))
		revoke := func(by string) int {
			status, _ := post(t, srv, "/mcp/revoke", "application/x-www-form-urlencoded", url.Values{"token": {out["refresh_token"].(string)}, "client_id": {by}}.Encode()) //nolint:forcetypeassert // that is the test
			return status
		}
		if got := revoke(thief); got != 200 || statusOf(t, srv, out["access_token"]) != 200 {
			t.Errorf("another agent revokes: %d", got)
		}
		if got := revoke(client); got != 200 || statusOf(t, srv, out["access_token"]) != 401 {
			t.Errorf("revoked: %d", got)
		}
	})
}

// Registrations that are none, and too many.
func TestRegistration(t *testing.T) {
	t.Parallel()
	proxied := func(c *config.Config) { c.TrustedProxies = config.Prefixes{netip.MustParsePrefix("127.0.0.0/8")} }
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		many := `"https://a.example.com/` + strings.Repeat("x", 470) + `"`
		for body, want := range map[string]string{
			`{}`:                                  "invalid_redirect_uri",
			`{"redirect_uris":[]}`:                "invalid_redirect_uri",
			`{"redirect_uris":["x"]}`:             "invalid_redirect_uri",
			`{"redirect_uris":["app:/callback"]}`: "invalid_redirect_uri",
			`{"redirect_uris":["http://agent.example.com/"]}`:                             "invalid_redirect_uri",
			`{"redirect_uris":["http://127.0.0.1.evil.example.com/"]}`:                    "invalid_redirect_uri",
			`{"redirect_uris":["https://a.example.com/#x"]}`:                              "invalid_redirect_uri",
			`{"redirect_uris":["https://u:p@a.example.com/"]}`:                            "invalid_redirect_uri",
			`{"redirect_uris":["data:text/html,x"]}`:                                      "invalid_redirect_uri",
			`{"redirect_uris":[` + strings.Repeat(many+",", 9) + many + `]}`:              "invalid_client_metadata",
			`{"redirect_uris":[` + strings.Repeat(`"https://a/",`, 10) + `"https://a/"]}`: "invalid_redirect_uri",
			`{"redirect_uris":["https://a.example.com/"],"grant_types":["password"]}`:     "invalid_client_metadata",
			`{"redirect_uris":["https://a.example.com/"],"response_types":["token"]}`:     "invalid_client_metadata",
			`[`: "invalid_client_metadata",
		} {
			if status, out := post(t, srv, "/mcp/register", "application/json", body); status != 400 || out["error"] != want {
				t.Errorf("%.80s: %d %v, want %s", body, status, out, want)
			}
		}
		good := `{"redirect_uris":["https://a.example.com/"]}`
		var last int
		for range 20 {
			last, _ = post(t, srv, "/mcp/register", "application/json", good)
		}
		if last != 429 {
			t.Errorf("after twenty: %d", last)
		}
		srv.Advance(time.Minute)
		if last, _ = post(t, srv, "/mcp/register", "application/json", good); last != 201 {
			t.Errorf("a minute later: %d", last)
		}
	}, proxied)
}

// What an agent may ends with the user, the account, and its own time.
func TestGrantsEnd(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		client := registered(t, srv, "Agent", "http://127.0.0.1/callback")
		b := join(t, srv, "ana")
		grant := func(b *testkit.Browser) map[string]any {
			t.Helper()
			_, out := exchange(t, srv, client, allow(t, b, ask(client)).Get("code"))
			return out
		}
		count := func() (n int64) {
			t.Helper()
			srv.Write(t, func(tx *store.Tx) (err error) {
				n, err = store.One[int64](tx, `SELECT (SELECT count(*) FROM agent_grants) + (SELECT count(*) FROM agent_secrets)`)
				return err
			})
			return n
		}
		first := grant(b)
		out := grant(b)
		if statusOf(t, srv, first["access_token"]) != 401 || statusOf(t, srv, out["access_token"]) != 200 {
			t.Error("the same agent twice has two grants")
		}
		if _, err := testkit.Call(t, srv, qs.DeleteUser, qs.DeleteUserRequest{AwsAccountId: account, Namespace: "default", UserName: "ana"}); err != nil {
			t.Fatal(err)
		}
		if n := count(); n != 0 || statusOf(t, srv, out["access_token"]) != 401 {
			t.Errorf("%d rows are left of who is gone", n)
		}
		b = join(t, srv, "bo")
		out = grant(b)
		srv.Write(t, func(tx *store.Tx) error {
			_, err := tx.Exec(`UPDATE users SET active = $1 WHERE name = 'bo'`, false)
			return err
		})
		if status, _ := refresh(t, srv, client, out["refresh_token"]); status != 400 || statusOf(t, srv, out["access_token"]) != 403 {
			t.Errorf("who is not active: %d", status)
		}
		b = join(t, srv, "eve")
		out = grant(b)
		srv.Advance(61 * 24 * time.Hour)
		if status, _ := refresh(t, srv, client, out["refresh_token"]); status != 400 {
			t.Errorf("after two months unused: %d", status)
		}
		grant(join(t, srv, "flo"))
		if _, err := testkit.Call(t, srv, qs.UpdateAccountSettings, qs.UpdateAccountSettingsRequest{AwsAccountId: account, DefaultNamespace: "default", TerminationProtectionEnabled: new(false)}); err != nil {
			t.Fatal(err)
		}
		if _, err := testkit.Call(t, srv, qs.DeleteAccountSubscription, qs.DeleteAccountSubscriptionRequest{AwsAccountId: account}); err != nil {
			t.Fatal(err)
		}
		srv.Done(t, "account.unsubscribe", account)
		if n := count(); n != 0 {
			t.Errorf("%d rows are left of the account", n)
		}
	})
}
