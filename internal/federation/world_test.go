package federation_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"onsight/internal/config"
	"onsight/internal/contract"
	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store/storetest"
	"onsight/internal/sts/idtoken/idptest"
	"onsight/internal/testkit"
)

const (
	account = testkit.Account
	session = "__Host-onsight-session"
	secret  = "client+secret/of:tests"
	public  = "https://onsight.example.org"
)

// An idp is an OpenID Connect provider that signs in whom a test says.
type idp struct {
	*httptest.Server
	t   *testing.T
	now func() time.Time

	mu    sync.Mutex
	codes map[string]grant
	// secret is the client's; empty for a public one.
	secret string
	// names tells that discovery promises the issuer in each answer.
	names bool
	// answer replaces that of the token endpoint, and all that of everything.
	answer, all http.HandlerFunc
	asked       int // of the token endpoint
}

// A grant is what a code is for.
type grant struct {
	challenge, redirect, token string
}

func (p *idp) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	_ = r.ParseForm() // a server learns only then that its client goes away
	w.Header().Set("Content-Type", "application/json")
	p.mu.Lock()
	instead := p.all
	if instead == nil && r.URL.Path == "/token" {
		instead = p.answer
	}
	if instead != nil {
		p.mu.Unlock()
		instead(w, r)
		return
	}
	defer p.mu.Unlock()
	answer := func(status int, v any) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(v)
	}
	switch r.URL.Path {
	case "/.well-known/openid-configuration":
		answer(200, map[string]any{
			"issuer": p.URL, "jwks_uri": p.URL + "/keys", "authorization_endpoint": p.URL + "/authorize?tenant=1", "token_endpoint": p.URL + "/token",
			"authorization_response_iss_parameter_supported": p.names,
		})
	case "/keys":
		answer(200, map[string]any{"keys": []any{idptest.Public(idptest.RSA().Public(), "k1")}})
	case "/token":
		p.asked++
		g, ok := p.codes[r.PostFormValue("code")]
		delete(p.codes, r.PostFormValue("code"))
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		user, password, basic := r.BasicAuth()
		client := r.PostFormValue("client_id") == "client-1" && !basic
		if p.secret != "" {
			client = basic && user == "client-1" && password == url.QueryEscape(p.secret)
		}
		switch {
		case !client:
			answer(401, map[string]any{"error": "invalid_client"})
		case !ok, base64.RawURLEncoding.EncodeToString(sum[:]) != g.challenge, r.PostFormValue("redirect_uri") != g.redirect, r.PostFormValue("grant_type") != "authorization_code":
			answer(400, map[string]any{"error": "invalid_grant"})
		default:
			answer(200, map[string]any{"id_token": g.token, "token_type": "bearer", "access_token": "of no use here"})
		}
	default:
		http.NotFound(w, r)
	}
}

func (p *idp) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// claims are those of a good token, with some replaced; nil takes one away.
func (p *idp) claims(changes map[string]any) map[string]any {
	all := map[string]any{"iss": p.URL, "sub": "user-1", "aud": "client-1", "iat": p.now().Unix(), "exp": p.now().Add(time.Hour).Unix()}
	maps.Copy(all, changes)
	maps.DeleteFunc(all, func(_ string, v any) bool { return v == nil })
	return all
}

// A world is a server with an account, and providers.
type world struct {
	t   *testing.T
	srv *testkit.Server
	idp *idp
}

func each(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			p := &idp{t: t, codes: map[string]grant{}}
			p.Server = httptest.NewTLSServer(p)
			t.Cleanup(p.Close)
			ca := filepath.Join(t.TempDir(), "ca.pem")
			if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw}), 0o600); err != nil {
				t.Fatal(err)
			}
			w := &world{t: t, idp: p}
			w.srv = testkit.Start(t, storetest.Config(t, dialect), func(c *config.Config) { c.IdentityProviderCA, c.IdentityProviderLoopback = ca, true })
			p.now = w.srv.Now
			w.srv.Subscribe(t)
			test(t, w)
		})
	}
}

func must[In, Out any](w *world, op contract.Op[In, Out], in In) *Out {
	w.t.Helper()
	out, err := testkit.Call(w.t, w.srv, op, in)
	if err != nil {
		w.t.Fatalf("%s: %v", op.Name, err)
	}
	return out
}

// role makes a role that trusts the provider, and may do some actions to its own user.
func (w *world) role(name string, actions ...string) string {
	w.t.Helper()
	provider := "arn:aws:iam::" + account + ":oidc-provider/" + strings.TrimPrefix(w.idp.URL, "https://")
	_, err := testkit.Call(w.t, w.srv, iamapi.CreateOpenIDConnectProvider, iamapi.CreateOpenIDConnectProviderRequest{Url: w.idp.URL, ClientIDList: []string{"client-1"}})
	if err != nil && fault.Of(err).Code != "EntityAlreadyExists" {
		w.t.Fatal(err)
	}
	trust := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Federated":"` + provider + `"},"Action":["sts:AssumeRoleWithWebIdentity","sts:TagSession"]}}`
	arn := must(w, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: name, AssumeRolePolicyDocument: trust}).Role.Arn
	w.may(name, actions...)
	return arn
}

func (w *world) may(role string, actions ...string) {
	w.t.Helper()
	if len(actions) == 0 {
		return
	}
	must(w, iamapi.PutRolePolicy, iamapi.PutRolePolicyRequest{
		RoleName: role, PolicyName: "users",
		PolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["` + strings.Join(actions, `","`) + `"],"Resource":"arn:aws:quicksight::` + account + `:user/${aws:userid}"}}`,
	})
}

// provider sets the provider up.
func (w *world) provider(id, role string, change ...func(*onsightapi.CreateFederationProviderRequest)) *onsightapi.FederationProvider {
	w.t.Helper()
	in := onsightapi.CreateFederationProviderRequest{AwsAccountId: account, ProviderId: id, Name: "Example ID", Issuer: w.idp.URL, ClientId: "client-1", RoleArn: &role}
	for _, c := range change {
		c(&in)
	}
	return must(w, onsightapi.CreateFederationProvider, in).Provider
}

func button(id string) string { return "/signin/oidc/" + account + "/" + id }

// go_ begins at a provider, and gives what it is asked.
func (w *world) begin(b *testkit.Browser, at string) url.Values {
	w.t.Helper()
	shown := b.Get(at)
	u, err := url.Parse(shown.At)
	if err != nil || u.Path != "/authorize" {
		w.t.Fatalf("%s leads to %s: %d %s", at, shown.At, shown.Status, shown.Text())
	}
	return u.Query()
}

// code gives the code for a question, and a token with some claims changed.
func (w *world) code(q url.Values, changes map[string]any) string {
	w.t.Helper()
	all := map[string]any{"nonce": q.Get("nonce")}
	maps.Copy(all, changes)
	return w.codeFor(q, idptest.Sign(w.t, jose.RS256, idptest.RSA(), "k1", w.idp.claims(all)))
}

func (w *world) codeFor(q url.Values, token string) (code string) {
	w.idp.set(func() {
		code = fmt.Sprintf("code-%d", len(w.idp.codes)+w.idp.asked)
		w.idp.codes[code] = grant{challenge: q.Get("code_challenge"), redirect: q.Get("redirect_uri"), token: token}
	})
	return code
}

func answer(q url.Values, code string, more ...string) string {
	a := url.Values{"code": {code}, "state": {q.Get("state")}}
	for i := 0; i+1 < len(more); i += 2 {
		a.Set(more[i], more[i+1])
	}
	back, _ := url.Parse(q.Get("redirect_uri"))
	return back.Path + "?" + a.Encode()
}

// signIn goes the whole way.
func (w *world) signIn(b *testkit.Browser, id string, changes map[string]any) testkit.Shown {
	w.t.Helper()
	q := w.begin(b, button(id))
	return b.Get(answer(q, w.code(q, changes)))
}

func (w *world) user(name string) *qs.User {
	w.t.Helper()
	out, err := testkit.Call(w.t, w.srv, qs.DescribeUser, qs.DescribeUserRequest{AwsAccountId: account, Namespace: "default", UserName: name})
	if err != nil {
		w.t.Fatalf("user %s: %v", name, err)
	}
	return out.User
}

func (w *world) users() int {
	w.t.Helper()
	return len(must(w, qs.ListUsers, qs.ListUsersRequest{AwsAccountId: account, Namespace: "default"}).UserList)
}
