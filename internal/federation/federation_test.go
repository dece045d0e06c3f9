package federation_test

import (
	"maps"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"

	"onsight/internal/iamapi"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/sts/idtoken/idptest"
	"onsight/internal/testkit"
)

// Somebody new comes by the button, becomes a user, and is the same one ever after.
func TestSignIn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		role := w.role("people", "quicksight:CreateUser", "quicksight:CreateReader")
		w.idp.set(func() { w.idp.secret = secret })
		p := w.provider("example", role, func(in *onsightapi.CreateFederationProviderRequest) { in.ClientSecret = new(qs.Secret(secret)) })
		if *p.RedirectUri != public+button("example")+"/done" || *p.InitiateLoginUri != public+button("example")+"/initiate" || !*p.HasClientSecret {
			t.Errorf("addresses %s and %s", *p.RedirectUri, *p.InitiateLoginUri)
		}
		b := w.srv.Browser(t)
		page := b.Get("/signin?account=account-" + account + "&next=/signin/you?x=1")
		if !strings.Contains(page.Text(), "Sign in with Example ID") || !strings.Contains(page.Body, `href="`+button("example")+`?next=%2Fsignin%2Fyou%3Fx%3D1"`) {
			t.Fatalf("the page of signing in: %s", page.Body)
		}
		q := w.begin(b, button("example")+"?next=/signin/you?x=1&login_hint=ana")
		for name, want := range map[string]string{
			"response_type": "code", "client_id": "client-1", "scope": "openid email", "code_challenge_method": "S256", "tenant": "1", "login_hint": "ana",
			"redirect_uri": *p.RedirectUri,
		} {
			if got := q.Get(name); got != want {
				t.Errorf("%s is %q, want %q", name, got, want)
			}
		}
		if len(q.Get("nonce")) < 40 || len(q.Get("code_challenge")) != 43 || len(q.Get("state")) < 100 {
			t.Errorf("asked %v", q)
		}
		page = b.Get(answer(q, w.code(q, map[string]any{"email": "ana@example.org"}), "iss", w.idp.URL))
		if page.Status != 200 || page.At != "/signin/you?x=1" || !strings.Contains(page.Text(), "people/user-1") || !strings.Contains(page.Text(), "Author") {
			t.Fatalf("after the answer: %d %s %s", page.Status, page.At, page.Text())
		}
		u := w.user("people/user-1")
		if *u.Email != "ana@example.org" || *u.Role != "AUTHOR" || *u.IdentityType != "IAM" || !strings.HasPrefix(*u.PrincipalId, "federated/iam/AROA") || !strings.HasSuffix(*u.PrincipalId, ":user-1") {
			t.Errorf("made %s as %s, %s, %s", *u.Email, *u.Role, *u.IdentityType, *u.PrincipalId)
		}
		before := w.users()
		// What the policies allow by now is nothing to who is a user already.
		w.may("people", "quicksight:CreateAdmin")
		again := w.srv.Browser(t)
		if page := w.signIn(again, "example", map[string]any{"email": "other@example.org"}); page.Status != 200 || !strings.Contains(page.Text(), "ana@example.org") || !strings.Contains(page.Text(), "Author") {
			t.Errorf("the second time: %d %s", page.Status, page.Text())
		}
		if got := w.users(); got != before {
			t.Errorf("%d users, %d before", got, before)
		}
		// The answer is good for once, and a used one ends nothing.
		if page := b.Get(answer(q, "code-0")); page.Status != 400 || page.Heading() != "Please sign in again" {
			t.Errorf("replayed: %d %s", page.Status, page.Text())
		}
		if page := b.Get("/signin/you"); page.Heading() != "Your account" {
			t.Errorf("after the replay: %s", page.Text())
		}
	})
}

// The highest role that the policies allow is given, and who may be nothing is
// told whom to ask.
func TestRoles(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		for name, c := range map[string]struct {
			actions []string
			want    string
		}{
			"admins":  {[]string{"quicksight:CreateAdmin", "quicksight:CreateUser"}, "ADMIN"},
			"all":     {[]string{"quicksight:Create*"}, "ADMIN"},
			"readers": {[]string{"quicksight:CreateReader"}, "READER"},
			"others":  {[]string{"quicksight:RegisterUser"}, ""},
		} {
			w.provider(name, w.role(name, c.actions...), func(in *onsightapi.CreateFederationProviderRequest) {
				if name == "others" {
					in.Contact = new("it-help@example.org")
				}
			})
			page := w.signIn(w.srv.Browser(t), name, map[string]any{"email": "ana@example.org"})
			if c.want == "" {
				if page.Status != 403 || page.Heading() != "You have no access yet" || !strings.Contains(page.Text(), "account-"+account) || !strings.Contains(page.Text(), "it-help@example.org") {
					t.Errorf("%s: %d %s", name, page.Status, page.Text())
				}
				continue
			}
			if page.Status != 200 {
				t.Errorf("%s: %d %s", name, page.Status, page.Text())
				continue
			}
			if got := *w.user(name + "/user-1").Role; string(got) != c.want {
				t.Errorf("%s: %s, want %s", name, got, c.want)
			}
		}
		// A boundary of the resource: another session's user is not one's own.
		w.provider("narrow", w.role("narrow"))
		if page := w.signIn(w.srv.Browser(t), "narrow", nil); page.Status != 403 || !strings.Contains(page.Text(), "Ask the account's administrator") {
			t.Errorf("without any policy: %d %s", page.Status, page.Text())
		}
	})
}

// The address comes from the session's tag, from the claim, or from the person.
func TestEmail(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.provider("example", w.role("people", "quicksight:CreateReader"))
		tagged := map[string]any{"sub": "tag", "email": "claim@example.org", "https://aws.amazon.com/tags": map[string]any{"principal_tags": map[string]any{"email": []string{"tag@example.org"}}}}
		if page := w.signIn(w.srv.Browser(t), "example", tagged); page.Status != 200 {
			t.Fatalf("tag: %d %s", page.Status, page.Text())
		}
		if got := *w.user("people/tag").Email; got != "tag@example.org" {
			t.Errorf("e-mail %s", got)
		}
		b := w.srv.Browser(t)
		page := w.signIn(b, "example", map[string]any{"sub": "asked", "email": "unproven@example.org", "email_verified": false})
		_, form, _ := strings.Cut(page.Body, `name="ticket" value="`)
		form, _, _ = strings.Cut(form, `"`)
		if page.Status != 200 || page.Heading() != "Your e-mail address" || form == "" {
			t.Fatalf("without an address: %d %s", page.Status, page.Text())
		}
		for _, bad := range []string{"", "ana", "a b@example.org", "Ana <ana@example.org>", "ana@example.org,b@example.org", strings.Repeat("a", 250) + "@example.org"} {
			if page := b.Post("/signin/oidc/email", "ticket", form, "email", bad); page.Status != 422 || !strings.Contains(page.Text(), "Enter one e-mail address") {
				t.Errorf("%q: %d %s", bad, page.Status, page.Text())
			}
		}
		for what, page := range map[string]testkit.Shown{
			"in another browser": w.srv.Browser(t).Post("/signin/oidc/email", "ticket", form, "email", "ana@example.org"),
			"altered":            b.Post("/signin/oidc/email", "ticket", form[:len(form)-1], "email", "ana@example.org"),
			"without":            b.Post("/signin/oidc/email", "email", "ana@example.org"),
		} {
			if page.Status != 400 || page.Heading() != "Please sign in again" {
				t.Errorf("%s: %d %s", what, page.Status, page.Text())
			}
		}
		if page := b.Post("/signin/oidc/email", "ticket", form, "email", " ana@example.org "); page.Status != 200 || page.Heading() != "Your account" {
			t.Fatalf("with an address: %d %s", page.Status, page.Text())
		}
		if got := *w.user("people/asked").Email; got != "ana@example.org" {
			t.Errorf("e-mail %s", got)
		}
		if page := b.Post("/signin/oidc/email", "ticket", form, "email", "ana@example.org"); page.Status != 403 || page.Heading() != "This sign-in can't be used" {
			t.Errorf("the form again: %d %s", page.Status, page.Text())
		}
	})
}

// Who is linked to an identity at the provider is that user, and who is
// registered with role and session is that one, in any namespace.
func TestRegistered(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		role := w.role("people")
		other := w.role("other")
		w.provider("example", role)
		register := func(namespace, role, session string, change func(*qs.RegisterUserRequest)) {
			in := qs.RegisterUserRequest{
				AwsAccountId: account, Namespace: namespace, IdentityType: qs.IdentityTypeIAM, IamArn: &role, SessionName: &session,
				Email: session + "@example.org", UserRole: qs.UserRoleAuthor,
			}
			if change != nil {
				change(&in)
			}
			must(w, qs.RegisterUser, in)
		}
		link := func(url, id string) func(*qs.RegisterUserRequest) {
			return func(in *qs.RegisterUserRequest) {
				in.ExternalLoginFederationProviderType, in.CustomFederationProviderUrl, in.ExternalLoginId = new("CUSTOM_OIDC"), &url, &id
			}
		}
		register("default", role, "ana", link(w.idp.URL, "42"))
		register("default", role, "43", nil)
		register("default", role, "zoe", link(w.idp.URL+"/", "43"))
		register("default", other, "eve", link(w.idp.URL, "44"))
		register("default", role, "else", link("https://elsewhere.example.org", "45"))
		for sub, want := range map[string]string{"42": "people/ana", "43": "people/zoe"} {
			if page := w.signIn(w.srv.Browser(t), "example", map[string]any{"sub": sub}); page.Status != 200 || !strings.Contains(page.Text(), want) {
				t.Errorf("%s: %d %s", sub, page.Status, page.Text())
			}
		}
		// A link of another role, or at another provider, is nobody's here.
		for _, sub := range []string{"44", "45", "46"} {
			if page := w.signIn(w.srv.Browser(t), "example", map[string]any{"sub": sub}); page.Status != 403 {
				t.Errorf("%s: %d %s", sub, page.Status, page.Text())
			}
		}
		must(w, qs.DeleteUser, qs.DeleteUserRequest{AwsAccountId: account, Namespace: "default", UserName: "people/zoe"})
		if page := w.signIn(w.srv.Browser(t), "example", map[string]any{"sub": "43"}); page.Status != 200 || !strings.Contains(page.Text(), "people/43") {
			t.Errorf("by role and session: %d %s", page.Status, page.Text())
		}
		must(w, onsightapi.DeactivateUser, onsightapi.DeactivateUserRequest{AwsAccountId: account, Namespace: "default", UserName: "people/43"})
		if page := w.signIn(w.srv.Browser(t), "example", map[string]any{"sub": "43"}); page.Status != 403 || page.Heading() != "You can't sign in now" {
			t.Errorf("deactivated: %d %s", page.Status, page.Text())
		}
	})
}

// TestRefused goes through what bad input gets.
func TestRefused(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		role := w.role("people", "quicksight:CreateReader")
		w.provider("example", role)
		w.provider("second", role)
		b := w.srv.Browser(t)
		check := func(what string, page testkit.Shown, status int, heading string) {
			t.Helper()
			if page.Status != status || page.Heading() != heading {
				t.Errorf("%s: %d %s", what, page.Status, page.Text())
			}
			if b.Cookie(session) != "" {
				t.Fatalf("%s: signed in", what)
			}
		}
		const again, cannot, other = "Please sign in again", "The sign-in did not work", "Please sign in again"
		q := w.begin(b, button("example"))
		good := func() string { return w.code(q, nil) }
		state := q.Get("state")
		q2 := w.begin(b, button("second"))
		check("a state of another provider", b.Get(answer(q, good(), "state", q2.Get("state"))), 400, again)
		check("an altered state", b.Get(answer(q, good(), "state", state[:20]+"A"+state[21:])), 400, again)
		check("a cut state", b.Get(answer(q, good(), "state", state[:40])), 400, again)
		check("no state", b.Get(answer(q, good(), "state", "")), 400, again)
		check("a state with line breaks", b.Get(answer(q, good(), "state", state+"\n")), 400, again)
		check("another browser", w.srv.Browser(t).Get(answer(q, good())), 400, again)
		check("no such provider", b.Get(button("third")), 404, "There is no such page")
		check("no such account", b.Get("/signin/oidc/999988887777/example"), 404, "There is no such page")
		check("an answer at another account", b.Get("/signin/oidc/999988887777/example/done?code=x&state="+state), 404, "There is no such page")

		// Each answer below uses a state up.
		try := func(what string, status int, heading string, fetch func(q map[string]string) (code string, more []string)) {
			t.Helper()
			q := w.begin(b, button("example"))
			code, more := fetch(map[string]string{"nonce": q.Get("nonce")})
			if code == "" {
				code = w.code(q, nil)
			}
			check(what, b.Get(answer(q, code, more...)), status, heading)
		}
		try("mixed up", 400, other, func(map[string]string) (string, []string) { return "", []string{"iss", "https://evil.example.org"} })
		try("an empty issuer", 400, other, func(map[string]string) (string, []string) { return "", []string{"iss", ""} })
		try("denied", 403, "You were not let through", func(map[string]string) (string, []string) { return "", []string{"error", "access_denied"} })
		try("an error with markup", 403, "You were not let through", func(map[string]string) (string, []string) {
			return "", []string{"error", "<b>call 555</b>"}
		})
		try("no code", 400, again, func(map[string]string) (string, []string) { return "", []string{"code", ""} })
		try("a code of somebody else", 403, again, func(map[string]string) (string, []string) { return w.code(q, nil), nil })
		try("a code that was used", 403, again, func(map[string]string) (string, []string) { return "code-unknown", nil })

		sign := func(alg jose.SignatureAlgorithm, key any, changes map[string]any) func(string) string {
			return func(nonce string) string {
				all := map[string]any{"nonce": nonce}
				maps.Copy(all, changes)
				return idptest.Sign(t, alg, key, "k1", w.idp.claims(all))
			}
		}
		claims := func(changes map[string]any) func(string) string { return sign(jose.RS256, idptest.RSA(), changes) }
		for what, c := range map[string]struct {
			token   func(nonce string) string
			heading string
		}{
			"another nonce":             {claims(map[string]any{"nonce": "x"}), cannot},
			"no nonce":                  {claims(map[string]any{"nonce": nil}), cannot},
			"a nonce that is no text":   {claims(map[string]any{"nonce": []string{"x"}}), cannot},
			"another audience":          {claims(map[string]any{"aud": "client-2"}), cannot},
			"two audiences without azp": {claims(map[string]any{"aud": []string{"client-1", "client-2"}}), cannot},
			"another azp":               {claims(map[string]any{"azp": "client-2"}), cannot},
			"another issuer":            {claims(map[string]any{"iss": "https://evil.example.org"}), cannot},
			"expired":                   {claims(map[string]any{"exp": w.srv.Now().Add(-2 * time.Minute).Unix()}), cannot},
			"no expiry":                 {claims(map[string]any{"exp": nil}), cannot},
			"not yet":                   {claims(map[string]any{"iat": w.srv.Now().Add(5 * time.Minute).Unix()}), cannot},
			"another key":               {sign(jose.RS256, idptest.Other(), nil), cannot},
			"HS256 with the secret":     {sign(jose.HS256, []byte(strings.Repeat("client-1", 8)), nil), cannot},
			"not a token":               {func(string) string { return "x.y.z" }, cannot},
			"alg none": {func(nonce string) string {
				_, rest, _ := strings.Cut(claims(nil)(nonce), ".")
				payload, _, _ := strings.Cut(rest, ".")
				return "eyJhbGciOiJub25lIn0." + payload + "."
			}, cannot},
			"a name of one letter": {claims(map[string]any{"sub": "x"}), "We don't know your name"},
			"a name that is long":  {claims(map[string]any{"sub": strings.Repeat("x", 65)}), "We don't know your name"},
		} {
			q := w.begin(b, button("example"))
			status := 502
			if strings.Contains(what, "nonce") || strings.Contains(what, "name") {
				status = 403
			}
			check(what, b.Get(answer(q, w.codeFor(q, c.token(q.Get("nonce"))))), status, c.heading)
		}
		late := w.begin(b, button("example"))
		w.srv.Advance(11 * time.Minute)
		check("late", b.Get(answer(late, w.code(late, nil))), 400, again)
		if got := w.users(); got != 1 { // the subscriber
			t.Errorf("%d users", got)
		}
		all := w.trail()
		for _, reason := range []string{
			"The state is of another provider", "it was not made here, or was altered", "The state is of another browser", "The state has expired",
			"The answer is another issuer's", "The identity provider answers access_denied", "The answer has no code", "The identity provider refuses the code",
			"The token has another nonce", "another audience", "the token has expired", "the signature does not hold", "the token is not a signed JWT",
			"The claim sub does not name anyone",
		} {
			if !strings.Contains(all, reason) {
				t.Errorf("no event says: %s", reason)
			}
		}
	})
}

// The provider's faults: each is a page within seconds.
func TestProviderFails(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		role := w.role("people", "quicksight:CreateReader")
		w.provider("example", role)
		b := w.srv.Browser(t)
		page := func(what string, p testkit.Shown, status int, heading string) {
			t.Helper()
			if p.Status != status || p.Heading() != heading || status == 503 && p.Header.Get("Retry-After") == "" {
				t.Errorf("%s: %d %s", what, p.Status, p.Text())
			}
		}
		w.provider("stranger", "arn:aws:iam::"+account+":role/nobody")
		page("no such role", w.signIn(b, "stranger", nil), 403, "You have no access yet")

		const down, cannot = "Your identity provider does not answer", "The sign-in did not work"
		for what, c := range map[string]struct {
			answer  http.HandlerFunc
			status  int
			heading string
		}{
			"500":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, 503, down},
			"429":     {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) }, 503, down},
			"cut":     {func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, 503, down},
			"slow":    {slow, 503, down},
			"no JSON": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"id_token":`)) }, 502, cannot},
			"HTML": {func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Type", "text/html")
				_, _ = w.Write([]byte(`{}`))
			}, 502, cannot},
			"no token": {func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(`{"token_type":"Bearer"}`)) }, 502, cannot},
			"other type": {func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(`{"token_type":"DPoP","id_token":"x"}`))
			}, 502, cannot},
			"endless": {func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(`{"token_type":"Bearer","id_token":"` + strings.Repeat("x", 2<<20) + `"}`))
			}, 502, cannot},
			"long": {func(w http.ResponseWriter, _ *http.Request) {
				_, _ = w.Write([]byte(`{"token_type":"Bearer","id_token":"` + strings.Repeat("x", 20001) + `"}`))
			}, 502, cannot},
			"bad client": {func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(401)
				_, _ = w.Write([]byte(`{"error":"invalid_client"}`))
			}, 502, cannot},
			"redirecting": {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("Location", "/keys"); w.WriteHeader(302) }, 502, cannot},
		} {
			w.idp.set(func() { w.idp.answer = c.answer })
			began := time.Now()
			page(what, w.signIn(b, "example", nil), c.status, c.heading)
			if took := time.Since(began); took > 8*time.Second {
				t.Errorf("%s: the page took %s", what, took)
			}
		}
		w.idp.set(func() { w.idp.answer = nil })

		// Down altogether: what is known of the provider serves for an hour.
		q := w.begin(b, button("example"))
		w.idp.set(func() { w.idp.all = func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(503) } })
		w.srv.Advance(9 * time.Minute)
		page("down", b.Get(answer(q, "x")), 503, down)
		w.srv.Advance(2 * time.Hour)
		page("down for long", b.Get(button("example")), 503, down)
		if all := w.trail(); !strings.Contains(all, "The identity provider does not answer") {
			t.Error("no event tells that the provider is down")
		}
		// And up again, and it names itself in each answer from now on.
		w.idp.set(func() { w.idp.all, w.idp.names = nil, true })
		w.srv.Advance(time.Minute)
		page("without issuer", w.signIn(b, "example", map[string]any{"email": "a@example.org"}), 400, "Please sign in again")
		q = w.begin(b, button("example"))
		page("with issuer", b.Get(answer(q, w.code(q, map[string]any{"email": "a@example.org"}), "iss", w.idp.URL)), 200, "Your account")
	})
}

// slow answers nothing until its client has gone away.
func slow(_ http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-time.After(15 * time.Second):
	}
}

// Somebody new who comes in several windows at once is one user, and a name
// that is somebody else's is not taken over.
func TestAtOnce(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.provider("example", w.role("people", "quicksight:CreateReader"))
		const windows = 8
		answers := make([]string, windows)
		browsers := make([]*testkit.Browser, windows)
		for i := range answers {
			browsers[i] = w.srv.Browser(t)
			q := w.begin(browsers[i], button("example"))
			answers[i] = answer(q, w.code(q, map[string]any{"email": "ana@example.org"}))
		}
		var all sync.WaitGroup
		for i := range answers {
			all.Go(func() {
				if page := browsers[i].Get(answers[i]); page.Status != 200 || page.Heading() != "Your account" {
					t.Errorf("window %d: %d %s", i, page.Status, page.Text())
				}
			})
		}
		all.Wait()
		if got := w.users(); got != 2 {
			t.Errorf("%d users, want the subscriber and one more", got)
		}
		// The role is deleted and made anew: whoever comes is another one.
		must(w, iamapi.DeleteRolePolicy, iamapi.DeleteRolePolicyRequest{RoleName: "people", PolicyName: "users"})
		must(w, iamapi.DeleteRole, iamapi.DeleteRoleRequest{RoleName: "people"})
		w.role("people", "quicksight:CreateReader")
		if page := w.signIn(w.srv.Browser(t), "example", map[string]any{"email": "ana@example.org"}); page.Status != 409 || page.Heading() != "Your name is taken" {
			t.Errorf("another role: %d %s", page.Status, page.Text())
		}
	})
}

// trail is the audit trail, as text.
func (w *world) trail() string {
	w.t.Helper()
	var all strings.Builder
	for _, r := range must(w, onsightapi.ListAuditRecords, onsightapi.ListAuditRecordsRequest{AwsAccountId: account, MaxResults: new(int32(1000))}).Records {
		all.Write(r)
	}
	return all.String()
}
