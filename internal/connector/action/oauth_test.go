package action_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store/storetest"
	"onsight/internal/testkit"
)

// An issuer is a strict authorisation server, and a service that takes its
// tokens. Refresh tokens rotate: a used one is void, and so is all that came of it.
type issuer struct {
	*vendor
	mu      sync.Mutex
	secret  string
	life    int
	style   string // header or body
	asked   int    // requests for a token
	count   int
	good    map[string]bool // access tokens
	refresh map[string]bool // refresh tokens; false is used up
	codes   map[string]url.Values
	fails   http.HandlerFunc // in the place of a token
	hold    chan struct{}    // answers wait for it
}

func newIssuer(t *testing.T) *issuer {
	t.Helper()
	i := &issuer{vendor: newVendor(t), secret: "s3cr3t&ä", life: 3600, style: "header", good: map[string]bool{}, refresh: map[string]bool{}, codes: map[string]url.Values{}}
	i.on("/token", i.token)
	i.on("/me", func(w http.ResponseWriter, r *http.Request) {
		i.mu.Lock()
		ok := i.good[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
		i.mu.Unlock()
		if !ok {
			says(401, `{"message":"token expired"}`)(w, r)
			return
		}
		says(200, `{"id":"u1"}`)(w, r)
	})
	return i
}

func (i *issuer) token(w http.ResponseWriter, r *http.Request) {
	i.mu.Lock()
	i.asked++
	hold := i.hold
	i.mu.Unlock()
	if hold != nil {
		<-hold
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.fails != nil {
		i.fails(w, r)
		return
	}
	id, secret, basic := r.BasicAuth()
	id, _ = url.QueryUnescape(id)
	secret, _ = url.QueryUnescape(secret)
	if i.style == "body" {
		id, secret, basic = r.PostFormValue("client_id"), r.PostFormValue("client_secret"), r.PostFormValue("client_id") != ""
	}
	if !basic || id != "client-1" || secret != i.secret {
		says(401, `{"error":"invalid_client","error_description":"no such <b>client</b>"}`)(w, r)
		return
	}
	withRefresh := true
	switch r.PostFormValue("grant_type") {
	case "client_credentials":
		withRefresh = false
	case "authorization_code":
		asked, ok := i.codes[r.PostFormValue("code")]
		delete(i.codes, r.PostFormValue("code"))
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		if !ok || asked.Get("code_challenge") != base64.RawURLEncoding.EncodeToString(sum[:]) || asked.Get("redirect_uri") != r.PostFormValue("redirect_uri") {
			says(400, `{"error":"invalid_grant","error_description":"bad code"}`)(w, r)
			return
		}
	case "refresh_token":
		old := r.PostFormValue("refresh_token")
		if !i.refresh[old] {
			clear(i.good)
			clear(i.refresh)
			says(400, `{"error":"invalid_grant"}`)(w, r)
			return
		}
		i.refresh[old] = false
	default:
		says(400, `{"error":"unsupported_grant_type"}`)(w, r)
		return
	}
	i.count++
	access := fmt.Sprintf("access-%d", i.count)
	i.good[access] = true
	answer := fmt.Sprintf(`{"access_token":%q,"token_type":"Bearer","expires_in":%d`, access, i.life)
	if withRefresh {
		refresh := fmt.Sprintf("refresh-%d", i.count)
		i.refresh[refresh] = true
		answer += fmt.Sprintf(`,"refresh_token":%q,"scope":"read"`, refresh)
	}
	says(200, answer+"}")(w, r)
}

func (i *issuer) set(change func()) {
	i.mu.Lock()
	defer i.mu.Unlock()
	change()
}

func (i *issuer) tokens() int {
	i.mu.Lock()
	defer i.mu.Unlock()
	n := i.asked
	i.asked = 0
	return n
}

func (i *issuer) client(secret string) qs.AuthenticationMetadata {
	return qs.AuthenticationMetadata{ClientCredentialsGrantMetadata: &qs.ClientCredentialsGrantMetadata{
		BaseEndpoint: i.URL,
		ClientCredentialsDetails: &qs.ClientCredentialsDetails{ClientCredentialsGrantDetails: &qs.ClientCredentialsGrantDetails{
			ClientId: "client-1", ClientSecret: qs.Secret(secret), TokenEndpoint: i.URL + "/token",
		}},
	}}
}

func (i *issuer) code() qs.AuthenticationMetadata {
	return qs.AuthenticationMetadata{AuthorizationCodeGrantMetadata: &qs.AuthorizationCodeGrantMetadata{
		BaseEndpoint: i.URL, RedirectUrl: "https://onsight.example.org/sn/oauthcallback",
		AuthorizationCodeGrantCredentialsDetails: &qs.AuthorizationCodeGrantCredentialsDetails{
			AuthorizationCodeGrantDetails: &qs.AuthorizationCodeGrantDetails{
				ClientId: "client-1", ClientSecret: qs.Secret(i.secret), TokenEndpoint: i.URL + "/token", AuthorizationEndpoint: i.URL + "/authorize?prompt=login",
			},
		},
	}}
}

const me = `{"path":"me"}`

func TestClientCredentials(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t)
			srv := testkit.Start(t, storetest.Config(t, dialect), testkit.Near(t, i.Server))
			srv.Subscribe(t)
			makeConnector(t, srv, "robot", "GENERIC_HTTP", "OAUTH2_CLIENT_CREDENTIALS", i.client(i.secret), "CREATION_SUCCESSFUL")
			for range 3 {
				if _, err := invoke(t, srv, "robot", "HttpGet", me); err != nil {
					t.Fatal(err)
				}
			}
			if n := i.tokens(); n != 1 {
				t.Errorf("%d requests for a token, want 1", n)
			}
			// A minute before the hour is over there is a new one.
			srv.Advance(59*time.Minute + time.Second)
			if _, err := invoke(t, srv, "robot", "HttpGet", me); err != nil {
				t.Fatal(err)
			}
			if n := i.tokens(); n != 1 {
				t.Errorf("%d requests for a token near the end, want 1", n)
			}
			// Early renewal that fails does not matter while the token is good.
			srv.Advance(59*time.Minute + time.Second)
			i.set(func() { i.fails = says(503, `{}`) })
			for range 3 {
				if _, err := invoke(t, srv, "robot", "HttpGet", me); err != nil {
					t.Errorf("the token is still good: %v", err)
				}
			}
			if n := i.tokens(); n != 1 {
				t.Errorf("%d requests for a token while there is none, want 1: it backs off", n)
			}
			srv.Advance(2 * time.Minute)
			_, err := invoke(t, srv, "robot", "HttpGet", me)
			wantFault(t, "no token", err, "TokenResponseException", "The token endpoint answers with status 503.")
			i.set(func() { i.fails = nil })
			srv.Advance(2 * time.Minute)
			if _, err := invoke(t, srv, "robot", "HttpGet", me); err != nil {
				t.Errorf("the endpoint is back: %v", err)
			}
			// A token that the service takes no more is replaced, once.
			i.set(func() { clear(i.good); i.asked = 0 })
			if _, err := invoke(t, srv, "robot", "HttpGet", me); err != nil {
				t.Errorf("a revoked token: %v", err)
			}
			if n := i.tokens(); n != 1 {
				t.Errorf("%d requests for a token, want 1", n)
			}
			for _, c := range []struct {
				answer http.HandlerFunc
				want   string
			}{
				{says(200, `[]`), "no JSON object"},
				{says(200, `<html>`, "Content-Type", "text/html"), "no JSON object"},
				{says(200, `{"token_type":"Bearer"}`), "holds no access token"},
				{says(200, `{"access_token":"a","token_type":"mac"}`), "another type than Bearer"},
				{says(200, `{"access_token":"a\nb"}`), "can't be sent in a header"},
				{says(200, `{"access_token":"a","expires_in":"soon"}`), "nothing sensible of how long"},
				{says(302, ``, "Location", "https://evil.example/"), "redirects elsewhere"},
				{says(400, `{"error":"invalid_scope","error_description":"<script>"}`), "(invalid_scope)"},
				{says(401, `no`), "does not accept the client id and secret"},
				{func(w http.ResponseWriter, _ *http.Request) {
					w.Header().Set("Content-Type", "application/json")
					for range 40 {
						_, _ = w.Write(make([]byte, 64<<10))
					}
				}, "can't be reached"},
			} {
				srv.Advance(2 * time.Hour)
				i.set(func() { i.fails = c.answer })
				_, err := invoke(t, srv, "robot", "HttpGet", me)
				if said := wantFault(t, c.want, err, "TokenResponseException", c.want); strings.Contains(said, i.secret) {
					t.Error("the message holds the secret")
				}
			}
		})
	}
}

// Of 64 who need a token at once, one asks for it; also when they are at two
// servers that share a database.
func TestOneAsks(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t)
			db, near := storetest.Config(t, dialect), testkit.Near(t, i.Server)
			seal := testkit.SealKey(t.TempDir() + "/seal.key")
			servers := []*testkit.Server{testkit.Start(t, db, near, seal)}
			if db.URL != "" {
				servers = append(servers, testkit.Start(t, db, near, seal))
			}
			servers[0].Subscribe(t)
			makeConnector(t, servers[0], "robot", "GENERIC_HTTP", "OAUTH2_CLIENT_CREDENTIALS", i.client(i.secret), "CREATION_SUCCESSFUL")
			i.style = "body" // found out by asking twice, once
			for _, round := range []struct {
				what string
				want int
			}{{"the first token", 2}, {"a renewal", 1}} {
				errs := make(chan error, 64)
				var all sync.WaitGroup
				for n := range 64 {
					all.Go(func() {
						_, err := invoke(t, servers[n%len(servers)], "robot", "HttpGet", me)
						errs <- err
					})
				}
				all.Wait()
				close(errs)
				for err := range errs {
					if err != nil {
						t.Errorf("%s: %v", round.what, err)
					}
				}
				if n := i.tokens(); n != round.want {
					t.Errorf("%s: %d requests for a token, want %d", round.what, n, round.want)
				}
				for _, s := range servers {
					s.Advance(2 * time.Hour)
				}
			}
		})
	}
}

// authorize is what a service does when somebody signs in there and agrees.
func (i *issuer) authorize(t *testing.T, at string) string {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	if !strings.HasPrefix(at, i.URL+"/authorize?") || q.Get("response_type") != "code" || q.Get("client_id") != "client-1" || q.Get("code_challenge_method") != "S256" || q.Get("prompt") != "login" {
		t.Errorf("the browser is sent to %s", at)
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	code := fmt.Sprintf("code-%d", len(i.codes)+i.count)
	i.codes[code] = q
	back, err := url.Parse(q.Get("redirect_uri"))
	if err != nil {
		t.Fatal(err)
	}
	return back.Path + "?" + url.Values{"code": {code}, "state": {q.Get("state")}, "iss": {i.URL}}.Encode()
}

// start begins a connection and gives the page's path.
func start(t *testing.T, srv *testkit.Server, id string) string {
	t.Helper()
	out, err := testkit.Call(t, srv, onsightapi.StartActionConnection, onsightapi.StartActionConnectionRequest{AwsAccountId: account, ActionConnectorId: id})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(out.ConnectUrl.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	return u.RequestURI()
}

// agree takes a browser from the page to the service and gives where it comes back.
func (i *issuer) agree(t *testing.T, srv *testkit.Server, b *testkit.Browser, page string) string {
	t.Helper()
	shown := b.Get(page)
	if shown.Status != 200 || !strings.Contains(shown.Text(), "arn:aws:iam::"+account+":root") {
		t.Fatalf("the page of a connection: %d %s", shown.Status, shown.Text())
	}
	return i.authorize(t, leave(t, srv, b, page))
}

// leave presses the button of a connection's page, and gives where it leads to.
func leave(t *testing.T, srv *testkit.Server, b *testkit.Browser, page string) string {
	t.Helper()
	u, err := url.Parse(page)
	if err != nil {
		t.Fatal(err)
	}
	shown := b.Post(u.Path, "state", u.Query().Get("state"))
	_, onward, _ := strings.Cut(shown.Header.Get("Refresh"), "url=")
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL+onward, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.AddCookie(&http.Cookie{Name: "onsight-connect", Value: b.Cookie("onsight-connect")})
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	return res.Header.Get("Location")
}

func status(t *testing.T, srv *testkit.Server, id string) *onsightapi.ActionConnection {
	t.Helper()
	out, err := testkit.Call(t, srv, onsightapi.DescribeActionConnection, onsightapi.DescribeActionConnectionRequest{AwsAccountId: account, ActionConnectorId: id})
	if err != nil {
		t.Fatal(err)
	}
	return out.Connection
}

func TestConnection(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t)
			srv := testkit.Start(t, storetest.Config(t, dialect), testkit.Near(t, i.Server))
			srv.Subscribe(t)
			makeConnector(t, srv, "mine", "GENERIC_HTTP", "OAUTH2_AUTHORIZATION_CODE", i.code(), "CREATION_SUCCESSFUL")
			_, err := invoke(t, srv, "mine", "HttpGet", me)
			wantFault(t, "before", err, "AccessTokenNotFoundException", "You are not signed in to the service")
			if c := status(t, srv, "mine"); *c.Status != "NOT_CONNECTED" {
				t.Errorf("before: %s", *c.Status)
			}

			// Another browser than the one that began gains nothing, nor does who
			// comes twice, late, or with a state of their own.
			page := start(t, srv, "mine")
			b, thief := srv.Browser(t), srv.Browser(t)
			back := i.agree(t, srv, b, page)
			if shown := thief.Get(page); shown.Status != 400 {
				t.Errorf("another browser sees the page: %s", shown.Text())
			}
			for what, shown := range map[string]testkit.Shown{
				"another browser": thief.Get(back), "no state": b.Get("/sn/oauthcallback?code=x"), "a state of one's own": b.Get("/sn/oauthcallback?code=x&state=y"),
			} {
				if shown.Status != 400 || shown.Heading() != "You are not connected" {
					t.Errorf("%s: %d %s", what, shown.Status, shown.Text())
				}
			}
			if shown := b.Get(back); shown.Heading() != "You are connected" {
				t.Fatalf("back from the service: %d %s", shown.Status, shown.Text())
			}
			if shown := b.Get(back); shown.Status != 400 {
				t.Errorf("a second time: %s", shown.Text())
			}
			late := i.agree(t, srv, b, start(t, srv, "mine"))
			srv.Advance(11 * time.Minute)
			if shown := b.Get(late); shown.Status != 400 {
				t.Errorf("late: %s", shown.Text())
			}
			refused := start(t, srv, "mine")
			b.Get(refused)
			to, _ := url.Parse(leave(t, srv, b, refused))
			if shown := b.Get("/sn/oauthcallback?error=access_denied&error_description=%3Cscript%3E&state=" + to.Query().Get("state")); strings.Contains(shown.Body, "<script") || !strings.Contains(shown.Text(), "access_denied") {
				t.Errorf("refused: %s", shown.Body)
			}

			if c := status(t, srv, "mine"); *c.Status != "CONNECTED" || *c.Scopes != "read" || c.ExpirationTime == nil {
				t.Errorf("connected: %+v", c)
			}
			i.tokens()
			if _, err := invoke(t, srv, "mine", "HttpGet", me); err != nil {
				t.Fatal(err)
			}
			// The refresh token rotates, whoever asks how many at once.
			for range 3 {
				srv.Advance(time.Hour)
				var all sync.WaitGroup
				for range 8 {
					all.Go(func() {
						if _, err := invoke(t, srv, "mine", "HttpGet", me); err != nil {
							t.Errorf("after a refresh: %v", err)
						}
					})
				}
				all.Wait()
			}
			if n := i.tokens(); n != 3 {
				t.Errorf("%d refreshes, want 3", n)
			}
			// An endpoint that fails ends nothing.
			srv.Advance(time.Hour)
			i.set(func() { i.fails = says(401, `{"error":"invalid_client"}`) })
			_, err = invoke(t, srv, "mine", "HttpGet", me)
			wantFault(t, "invalid client", err, "TokenResponseException", "invalid_client")
			i.set(func() { i.fails = nil })
			srv.Advance(2 * time.Minute)
			if _, err := invoke(t, srv, "mine", "HttpGet", me); err != nil {
				t.Errorf("the endpoint is back: %v", err)
			}
			// A refresh token that was revoked does.
			srv.Advance(time.Hour)
			i.set(func() { clear(i.refresh) })
			_, err = invoke(t, srv, "mine", "HttpGet", me)
			wantFault(t, "revoked", err, "AccessTokenNotFoundException", "sign in there again")
			if c := status(t, srv, "mine"); *c.Status != "NEEDS_REAUTH" || c.Message == nil {
				t.Errorf("revoked: %+v", c)
			}
			if shown := b.Get(i.agree(t, srv, b, start(t, srv, "mine"))); shown.Heading() != "You are connected" {
				t.Fatalf("again: %s", shown.Text())
			}
			if _, err := invoke(t, srv, "mine", "HttpGet", me); err != nil {
				t.Errorf("signed in again: %v", err)
			}
			// Other settings of the connector end the connection.
			if _, err := testkit.Call(t, srv, onsightapi.DeleteActionConnection, onsightapi.DeleteActionConnectionRequest{AwsAccountId: account, ActionConnectorId: "mine"}); err != nil {
				t.Fatal(err)
			}
			_, err = testkit.Call(t, srv, onsightapi.DeleteActionConnection, onsightapi.DeleteActionConnectionRequest{AwsAccountId: account, ActionConnectorId: "mine"})
			if f := fault.Of(err); f == nil || f.Code != "ResourceNotFoundException" {
				t.Errorf("signed out twice: %v", err)
			}
			_, err = invoke(t, srv, "mine", "HttpGet", me)
			wantFault(t, "signed out", err, "AccessTokenNotFoundException", "not signed in")
		})
	}
}
