package federation_test

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"onsight/internal/iamapi"
	"onsight/internal/sts/idtoken/idptest"
	"onsight/internal/stsapi"
	"onsight/internal/testkit"
)

// A spoken is what the endpoint answers a program.
type spoken struct {
	status             int
	SigninToken, Text  string
	ContentType, Cache string
}

// signinToken asks as programs do.
func (w *world) signinToken(c *stsapi.Credentials, more ...string) spoken {
	w.t.Helper()
	text, err := json.Marshal(map[string]string{"sessionId": c.AccessKeyId, "sessionKey": c.SecretAccessKey.Reveal(), "sessionToken": c.SessionToken})
	if err != nil {
		w.t.Fatal(err)
	}
	q := url.Values{"Action": {"getSigninToken"}, "SessionType": {"json"}, "Session": {string(text)}}
	for i := 0; i+1 < len(more); i += 2 {
		q.Set(more[i], more[i+1])
	}
	return w.ask(q)
}

func (w *world) ask(q url.Values) (out spoken) {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodGet, w.srv.URL+"/federation?"+q.Encode(), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	_ = json.Unmarshal(body, &out) // a page is none
	out.status, out.Text, out.ContentType, out.Cache = res.StatusCode, string(body), res.Header.Get("Content-Type"), res.Header.Get("Cache-Control")
	return out
}

func login(token, destination string) string {
	return "/federation?" + url.Values{"Action": {"login"}, "Issuer": {"https://portal.example.org"}, "Destination": {destination}, "SigninToken": {token}}.Encode()
}

// assume begins a session of a role with a token of the provider.
func (w *world) assume(role, session string, claims map[string]any) *stsapi.Credentials {
	w.t.Helper()
	token := idptest.Sign(w.t, jose.RS256, idptest.RSA(), "k1", w.idp.claims(claims))
	return must(w, stsapi.AssumeRoleWithWebIdentity, stsapi.AssumeRoleWithWebIdentityRequest{
		RoleArn: role, RoleSessionName: session, WebIdentityToken: stsapi.Secret(token),
	}).Credentials
}

// A program signs people in as it does at the real console.
func TestConsole(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		role := w.role("brokers", "quicksight:CreateReader")
		tagged := map[string]any{"https://aws.amazon.com/tags": map[string]any{"principal_tags": map[string]any{"Email": []string{"ana@example.org"}}}}
		got := w.signinToken(w.assume(role, "ana", tagged))
		if got.status != 200 || got.SigninToken == "" || got.ContentType != "application/json" || got.Cache != "no-store" {
			t.Fatalf("getSigninToken: %+v", got)
		}
		b := w.srv.Browser(t)
		page := b.Get(login(got.SigninToken, public+"/signin/you?done=password#x"))
		if page.Status != 200 || page.At != "/signin/you?done=password" || !strings.Contains(page.Text(), "brokers/ana") || !strings.Contains(page.Text(), "ana@example.org") {
			t.Fatalf("login: %d %s %s", page.Status, page.At, page.Text())
		}
		if u := w.user("brokers/ana"); *u.Role != "READER" {
			t.Errorf("role %s", *u.Role)
		}
		const over = "This sign-in can't be used"
		refused := func(what string, page testkit.Shown) {
			t.Helper()
			if page.Status != 403 || page.Heading() != over {
				t.Errorf("%s: %d %s", what, page.Status, page.Text())
			}
		}
		refused("the token again", w.srv.Browser(t).Get(login(got.SigninToken, "")))
		refused("an altered token", w.srv.Browser(t).Get(login(got.SigninToken[:30]+"A"+got.SigninToken[31:], "")))
		refused("no token", w.srv.Browser(t).Get(login("", "")))
		again := w.signinToken(w.assume(role, "ana", nil))
		// Elsewhere is not gone to; the session begins all the same.
		for _, elsewhere := range []string{
			"https://us-east-1.quicksight.aws.amazon.com/sn/start", "https://onsight.example.org.evil.example/", "//evil.example", "https://onsight.example.org@evil.example/",
			"javascript:alert(1)", `https:\\evil.example`, "http://onsight.example.org/signin/you?x=1", "https://onsight.example.org//evil.example/",
		} {
			fresh := w.signinToken(w.assume(role, "ana", nil))
			if page := w.srv.Browser(t).Get(login(fresh.SigninToken, elsewhere)); page.Status != 200 || page.At != "/signin/you" {
				t.Errorf("to %s: %d %s", elsewhere, page.Status, page.At)
			}
		}
		w.srv.Advance(16 * time.Minute)
		refused("a token that is too old", w.srv.Browser(t).Get(login(again.SigninToken, "")))
		if page := w.srv.Browser(t).Get("/federation?Action=whatever"); page.Status != 400 || page.Heading() != "There is nothing to do" {
			t.Errorf("another action: %d %s", page.Status, page.Text())
		}
		for _, name := range []string{`"GetSigninToken"`, "The token was used before", "The SigninToken has expired", `"Method":"federation"`, `"Provisioned":"READER"`} {
			if !strings.Contains(w.trail(), name) {
				t.Errorf("no event says %s", name)
			}
		}
	})
}

// Credentials are held to what a signed call is.
func TestConsoleCredentials(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		role := w.role("brokers", "quicksight:CreateReader")
		good := w.assume(role, "ana", nil)
		for what, c := range map[string]struct {
			change func(c *stsapi.Credentials)
			more   []string
			status int
			text   string
		}{
			"another secret":    {func(c *stsapi.Credentials) { c.SecretAccessKey = "x" + c.SecretAccessKey[1:] }, nil, 403, "security token"},
			"another token":     {func(c *stsapi.Credentials) { c.SessionToken = c.SessionToken[:40] + "A" + c.SessionToken[41:] }, nil, 403, "security token"},
			"another key":       {func(c *stsapi.Credentials) { c.AccessKeyId = w.assume(role, "eve", nil).AccessKeyId }, nil, 403, "security token"},
			"no token":          {func(c *stsapi.Credentials) { c.SessionToken = "" }, nil, 400, "sessionToken"},
			"no JSON":           {nil, []string{"Session", "{"}, 400, "Session must be JSON"},
			"another type":      {nil, []string{"SessionType", "xml"}, 400, "SessionType"},
			"too short":         {nil, []string{"SessionDuration", "899"}, 400, "900 to 43200"},
			"too long":          {nil, []string{"SessionDuration", "43201"}, 400, "900 to 43200"},
			"a word, no length": {nil, []string{"SessionDuration", "1h"}, 400, "900 to 43200"},
		} {
			mine := *good
			if c.change != nil {
				c.change(&mine)
			}
			if got := w.signinToken(&mine, c.more...); got.status != c.status || !strings.Contains(got.Text, c.text) || got.SigninToken != "" {
				t.Errorf("%s: %d %s", what, got.status, got.Text)
			}
		}
		// A federated user is somebody of their own; lasting credentials are nobody.
		must(w, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "broker"})
		must(w, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{
			UserName: "broker", PolicyName: "all", PolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["sts:GetFederationToken","quicksight:*"],"Resource":"*"}}`,
		})
		k := must(w, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: new("broker")}).AccessKey
		as := w.srv.With(k.AccessKeyId, k.SecretAccessKey.Reveal(), "")
		fed, err := testkit.Call(t, as, stsapi.GetFederationToken, stsapi.GetFederationTokenRequest{
			Name: "bob", Policy: new(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"quicksight:CreateUser","Resource":"*"}}`),
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := w.signinToken(fed.Credentials, "SessionDuration", "900"); got.status != 400 || !strings.Contains(got.Text, "GetFederationToken") {
			t.Errorf("a duration for a federated user: %d %s", got.status, got.Text)
		}
		b := w.srv.Browser(t)
		page := b.Get(login(w.signinToken(fed.Credentials).SigninToken, ""))
		_, form, _ := strings.Cut(page.Body, `name="ticket" value="`)
		form, _, _ = strings.Cut(form, `"`)
		if page.Heading() != "Your e-mail address" {
			t.Fatalf("a federated user: %d %s", page.Status, page.Text())
		}
		if page := b.Post("/signin/oidc/email", "ticket", form, "email", "bob@example.org"); page.Status != 200 || !strings.Contains(page.Text(), "bob") || !strings.Contains(page.Text(), "Author") {
			t.Errorf("with an address: %d %s", page.Status, page.Text())
		}
		plain, err := testkit.Call(t, as, stsapi.GetSessionToken, stsapi.GetSessionTokenRequest{})
		if err != nil {
			t.Fatal(err)
		}
		if got := w.signinToken(plain.Credentials); got.status != 403 || !strings.Contains(got.Text, "neither of a role nor of a federated user") {
			t.Errorf("GetSessionToken: %d %s", got.status, got.Text)
		}
		// The session lasts as long as was asked for, or as the credentials.
		w.user("bob")
		c := w.srv.Browser(t)
		tagged := map[string]any{"https://aws.amazon.com/tags": map[string]any{"principal_tags": map[string]any{"Email": []string{"ana@example.org"}}}}
		if page := c.Get(login(w.signinToken(w.assume(role, "ana", tagged), "SessionDuration", "1200").SigninToken, "")); page.Heading() != "Your account" {
			t.Fatalf("login: %d %s", page.Status, page.Text())
		}
		w.srv.Advance(19 * time.Minute)
		if page := c.Get("/signin/you"); page.Heading() != "Your account" {
			t.Errorf("before its end: %s", page.Text())
		}
		w.srv.Advance(2 * time.Minute)
		if page := c.Get("/signin/you"); page.Heading() != "Sign in" {
			t.Errorf("after its end: %s", page.Text())
		}
		// What stands behind the credentials must be there still, when the token is used too.
		late := w.signinToken(w.assume(role, "ana", nil))
		must(w, iamapi.DeleteRolePolicy, iamapi.DeleteRolePolicyRequest{RoleName: "brokers", PolicyName: "users"})
		must(w, iamapi.DeleteRole, iamapi.DeleteRoleRequest{RoleName: "brokers"})
		if page := w.srv.Browser(t).Get(login(late.SigninToken, "")); page.Status != 403 || page.Heading() != "This sign-in can't be used" {
			t.Errorf("the role is gone: %d %s", page.Status, page.Text())
		}
		old := w.assume(w.role("short", "quicksight:CreateReader"), "ana", nil)
		w.srv.Advance(2 * time.Hour)
		if got := w.signinToken(old); got.status != 403 || !strings.Contains(got.Text, "expired") {
			t.Errorf("expired credentials: %d %s", got.status, got.Text)
		}
	})
}
