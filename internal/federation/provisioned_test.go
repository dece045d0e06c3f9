package federation_test

import (
	"bytes"
	"encoding/json"
	"encoding/pem"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onsight/internal/config"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store/storetest"
	"onsight/internal/testkit"
)

// eachCentre runs a test in a world whose account an identity centre manages.
func eachCentre(t *testing.T, test func(t *testing.T, w *world)) {
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
			w.subscribeToCentre(w.srv, "acme")
			test(t, w)
		})
	}
}

func (w *world) subscribeToCentre(srv *testkit.Server, name string) {
	w.t.Helper()
	_, err := testkit.Call(w.t, srv, qs.CreateAccountSubscription, qs.CreateAccountSubscriptionRequest{
		AwsAccountId: srv.Account, AccountName: name, NotificationEmail: "a@example.org",
		AuthenticationMethod: qs.AuthenticationMethodOptionIAMIdentityCenter, AdminGroup: []string{"admins"}, ReaderGroup: []string{"readers"},
		IAMIdentityCenterInstanceArn: new("arn:aws:sso:::instance/ssoins-1111222233334444"),
	})
	if err != nil {
		w.t.Fatal(err)
	}
}

// A scimClient provisions users and groups as a centre does.
type scimClient struct {
	t           *testing.T
	base, token string
}

func (w *world) scim(srv *testkit.Server) *scimClient {
	w.t.Helper()
	out, err := testkit.Call(w.t, srv, onsightapi.CreateScimToken, onsightapi.CreateScimTokenRequest{AwsAccountId: srv.Account, Name: "centre"})
	if err != nil {
		w.t.Fatal(err)
	}
	return &scimClient{t: w.t, base: srv.URL + "/_onsight/scim/" + srv.Account + "/v2", token: out.Token.Reveal()}
}

// do sends a request, and gives the id of what it is about.
func (c *scimClient) do(method, path string, body map[string]any) string {
	c.t.Helper()
	text, err := json.Marshal(body)
	if err != nil {
		c.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.base+path, bytes.NewReader(text))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Content-Type", "application/scim+json")
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode >= 300 {
		c.t.Fatalf("%s %s: %d %s %v", method, path, res.StatusCode, answer, err)
	}
	var made struct{ ID string }
	_ = json.Unmarshal(answer, &made) // some answers are empty
	return made.ID
}

func (c *scimClient) user(name, externalID string, more ...string) string {
	c.t.Helper()
	emails := []any{map[string]any{"value": name + "@example.org", "primary": true}}
	for _, m := range more {
		emails = append(emails, map[string]any{"value": m})
	}
	return c.do("POST", "/Users", map[string]any{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": name, "externalId": externalID, "emails": emails,
	})
}

func (c *scimClient) group(name string, members ...string) string {
	c.t.Helper()
	return c.do("POST", "/Groups", map[string]any{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:Group"}, "displayName": name, "members": membersOf(members),
	})
}

func membersOf(ids []string) []any {
	all := []any{}
	for _, id := range ids {
		all = append(all, map[string]any{"value": id})
	}
	return all
}

// patch changes one attribute.
func (c *scimClient) patch(path, op, attribute string, value any) {
	c.t.Helper()
	change := map[string]any{"op": op, "path": attribute}
	if value != nil {
		change["value"] = value
	}
	c.do("PATCH", path, map[string]any{"schemas": []string{"urn:ietf:params:scim:api:messages:2.0:PatchOp"}, "Operations": []any{change}})
}

// centreProvider sets the centre's application up.
func (w *world) centreProvider(id string) {
	w.t.Helper()
	p := must(w, onsightapi.CreateFederationProvider, onsightapi.CreateFederationProviderRequest{
		AwsAccountId: account, ProviderId: id, Name: "Acme ID", Issuer: w.idp.URL, ClientId: "client-1",
	}).Provider
	if p.RoleArn != nil || p.SessionNameClaim != nil || p.EmailClaim != nil {
		w.t.Errorf("the provider has a role, or claims: %+v", p)
	}
}

// lastLogin is the newest ConsoleLogin of the trail.
func (w *world) lastLogin() string {
	w.t.Helper()
	all := w.events("ConsoleLogin")
	if len(all) == 0 {
		return ""
	}
	return all[0]
}

// Somebody whom the centre has provisioned comes by its application, and has
// there the role of the groups, as long as the centre says so.
func TestProvisioned(t *testing.T) {
	t.Parallel()
	eachCentre(t, func(t *testing.T, w *world) {
		scim := w.scim(w.srv)
		w.centreProvider("centre")
		ana := map[string]any{"sub": "00uana", "email": "ana@example.org"}
		said := func(what string, page testkit.Shown, status int, heading, event string) {
			t.Helper()
			if page.Status != status || page.Heading() != heading {
				t.Errorf("%s: %d %s", what, page.Status, page.Text())
			}
			if last := w.lastLogin(); !strings.Contains(last, event) || !strings.Contains(last, `"Provider":"centre"`) || strings.Contains(page.Text(), "%!") {
				t.Errorf("%s: the trail has %s", what, last)
			}
		}
		come := func(claims map[string]any) testkit.Shown { return w.signIn(w.srv.Browser(t), "centre", claims) }

		said("nobody", come(ana), 403, "You are not a user here yet", "No user of the identity centre matches the claim sub")
		id := scim.user("ana", "00uana")
		said("in no group", come(ana), 403, "You have no access yet", "The user is in no group that has a role")
		if got := w.users(); got != 0 {
			t.Errorf("%d users came of that", got)
		}
		readers := scim.group("readers", id)
		b := w.srv.Browser(t)
		page := w.signIn(b, "centre", ana)
		said("a reader", page, 200, "Your account", `"ConsoleLogin":"Success"`)
		if u := w.user("ana"); *u.Role != qs.UserRoleReader || *u.IdentityType != qs.IdentityTypeIAMIdentityCenter {
			t.Errorf("user %+v", u)
		}
		if last := w.lastLogin(); !strings.Contains(last, `"userName":"ana"`) {
			t.Errorf("the trail does not name ana: %s", last)
		}
		// Another group, another role, with the next page.
		admins := scim.group("admins", id)
		if page := b.Get("/signin/you"); !strings.Contains(page.Text(), "Administrator") {
			t.Errorf("with the role of another group: %s", page.Text())
		}
		// Out of all groups with a role: signed out at once.
		scim.patch("/Groups/"+admins, "replace", "members", []any{})
		scim.patch("/Groups/"+readers, "replace", "members", []any{})
		if page := b.Get("/signin/you"); page.Heading() == "Your account" {
			t.Error("who is in no group is signed in")
		}
		said("in no group any more", come(ana), 403, "You have no access yet", `"userName":"ana"`)
		scim.patch("/Groups/"+readers, "add", "members", membersOf([]string{id}))
		b = w.srv.Browser(t)
		said("back", w.signIn(b, "centre", ana), 200, "Your account", `"ConsoleLogin":"Success"`)

		// Out of use at the centre, or here.
		scim.patch("/Users/"+id, "replace", "active", false)
		if page := b.Get("/signin/you"); page.Heading() == "Your account" {
			t.Error("who is inactive is signed in")
		}
		said("inactive", come(ana), 403, "Your user is out of use", "The identity centre has the user inactive")
		scim.patch("/Users/"+id, "replace", "active", true)
		said("active", come(ana), 200, "Your account", `"ConsoleLogin":"Success"`)
		must(w, onsightapi.DeactivateUser, onsightapi.DeactivateUserRequest{AwsAccountId: account, Namespace: "default", UserName: "ana"})
		said("deactivated", come(ana), 403, "Your user is out of use", "An administrator has deactivated the user")
		must(w, onsightapi.ReactivateUser, onsightapi.ReactivateUserRequest{AwsAccountId: account, Namespace: "default", UserName: "ana"})
		b = w.srv.Browser(t)
		said("reactivated", w.signIn(b, "centre", ana), 200, "Your account", `"ConsoleLogin":"Success"`)
		scim.do("DELETE", "/Users/"+id, nil)
		if page := b.Get("/signin/you"); page.Heading() == "Your account" {
			t.Error("who is deleted is signed in")
		}
		said("deleted", come(ana), 403, "You are not a user here yet", "No user of the identity centre matches the claim sub")
	})
}

// Nobody becomes somebody else by what they may say of themselves.
func TestProvisionedMatching(t *testing.T) {
	t.Parallel()
	eachCentre(t, func(t *testing.T, w *world) {
		scim := w.scim(w.srv)
		w.centreProvider("centre")
		scim.group("readers", scim.user("ana", "00uana"), scim.user("kim", "00ukim", "shared@example.org"), scim.user("leo", "00uleo", "shared@example.org"))
		match := func(attribute onsightapi.ScimAttribute, claim string) {
			must(w, onsightapi.UpdateScimMatching, onsightapi.UpdateScimMatchingRequest{AwsAccountId: account, Namespace: "default", Attribute: attribute, Claim: claim})
		}
		for _, x := range []struct {
			attribute, claim string
			claims           map[string]any
			want             string // the user, or the heading of the refusal
		}{
			{"externalId", "sub", map[string]any{"sub": "00ukim", "email": "ana@example.org", "email_verified": true, "preferred_username": "ana"}, "kim"},
			{"externalId", "sub", map[string]any{"sub": "00UKIM"}, "You are not a user here yet"},
			{"externalId", "sub", map[string]any{"sub": "ana"}, "You are not a user here yet"},
			{"externalId", "oid", map[string]any{"sub": "00ukim"}, "We don't know your name"},
			{"userName", "preferred_username", map[string]any{"preferred_username": "KIM"}, "kim"},
			{"userName", "preferred_username", map[string]any{"preferred_username": "\u212aim"}, "We don't know your name"},
			{"userName", "preferred_username", map[string]any{"preferred_username": "k\x00im"}, "We don't know your name"},
			{"userName", "preferred_username", map[string]any{"preferred_username": []string{"kim"}}, "We don't know your name"},
			{"emails.value", "email", map[string]any{"email": "ana@example.org"}, "We don't know your name"},
			{"emails.value", "email", map[string]any{"email": "ana@example.org", "email_verified": false}, "We don't know your name"},
			{"emails.value", "email", map[string]any{"email": "ana@example.org", "email_verified": "false"}, "We don't know your name"},
			{"emails.value", "email", map[string]any{"email": "ana@example.org", "email_verified": 1}, "We don't know your name"},
			{"emails.value", "email", map[string]any{"email": "Ana@Example.org", "email_verified": true}, "ana"},
			{"emails.value", "email", map[string]any{"email": "shared@example.org", "email_verified": true}, "Which user are you?"},
		} {
			match(onsightapi.ScimAttribute(x.attribute), x.claim)
			page := w.signIn(w.srv.Browser(t), "centre", x.claims)
			if page.Heading() != x.want && (page.Heading() != "Your account" || !strings.Contains(page.Text(), x.want+"@example.org")) {
				t.Errorf("%s by %s, %v: %s", x.attribute, x.claim, x.claims, page.Text())
			}
		}
		match("externalId", "sub")
		// A token of another sign-in is none of this one, here too.
		b := w.srv.Browser(t)
		q := w.begin(b, button("centre"))
		if page := b.Get(answer(q, w.code(q, map[string]any{"sub": "00uana", "nonce": "another"}))); page.Status != 403 || page.Heading() != "The sign-in did not work" {
			t.Errorf("another nonce: %d %s", page.Status, page.Text())
		}
		// The centre's people are in one namespace.
		b = w.srv.Browser(t)
		q = w.begin(b, button("centre")+"?namespace=other")
		if page := b.Get(answer(q, w.code(q, map[string]any{"sub": "00uana"}))); page.Status != 403 || page.Heading() != "You are not a user here" {
			t.Errorf("another namespace: %d %s", page.Status, page.Text())
		}
		// What the same centre says of another account counts there.
		other := w.srv.As(t, "444455556666")
		w.subscribeToCentre(other, "other")
		there := w.scim(other)
		there.group("readers", there.user("zoe", "00uzoe"))
		if page := w.signIn(w.srv.Browser(t), "centre", map[string]any{"sub": "00uzoe"}); page.Heading() != "You are not a user here yet" {
			t.Errorf("of another account: %s", page.Text())
		}
	})
}

// The page of such an account leads to the centre, and asks for no password.
func TestProvisionedPages(t *testing.T) {
	t.Parallel()
	eachCentre(t, func(t *testing.T, w *world) {
		b := w.srv.Browser(t)
		if page := b.Get("/signin?account=acme"); page.Status != 200 || !strings.Contains(page.Text(), "nobody has set that up here yet") || strings.Contains(page.Body, "password") {
			t.Errorf("without a provider: %d %s", page.Status, page.Body)
		}
		w.centreProvider("centre")
		scim := w.scim(w.srv)
		scim.group("readers", scim.user("ana", "user-1"))
		q := w.begin(b, "/signin?account=acme&next=/signin/you%3Fx=1")
		if page := b.Get(answer(q, w.code(q, nil))); page.Status != 200 || !strings.HasSuffix(page.At, "/signin/you?x=1") {
			t.Errorf("led to the centre: %d %s %s", page.Status, page.At, page.Text())
		}
		// After a form, not by a redirect: the form's page lets it lead to us alone.
		page := w.srv.Browser(t).Post("/signin", "account", "acme", "next", "/signin/you?x=1")
		if got, want := page.Header.Get("Refresh"), "0; url=/signin?account=acme&next=%2Fsignin%2Fyou%3Fx%3D1"; got != want || page.Status != 200 {
			t.Errorf("after the account's name: %d, on to %q, want %q", page.Status, got, want)
		}
		page = w.srv.Browser(t).Get("/signin?account=acme&here=1")
		if !strings.Contains(page.Text(), "Sign in with Acme ID") || strings.Contains(page.Body, `type="password"`) || strings.Contains(page.Body, "passkey") || strings.Contains(page.Body, "forgotten") {
			t.Errorf("the page: %s", page.Body)
		}
		for _, at := range [][]string{
			{"/signin", "account", "acme", "username", "ana", "password", "any"},
			{"/signin/forgotten", "account", "acme", "username", "ana"},
		} {
			if page := w.srv.Browser(t).Post(at[0], at[1:]...); page.Heading() != "Your password is not kept here" {
				t.Errorf("%s: %d %s", at[0], page.Status, page.Text())
			}
		}
		// Credentials of a role are no user's in such an account, by the console's
		// endpoint either.
		role := w.role("people", "quicksight:CreateAdmin")
		token := w.signinToken(w.assume(role, "ana", nil))
		if page := w.srv.Browser(t).Get(login(token.SigninToken, "")); page.Status != 403 || page.Heading() != "You are not a user here" {
			t.Errorf("with credentials of a role: %d %s", page.Status, page.Text())
		}
		w.centreProvider("second")
		if page := w.srv.Browser(t).Get("/signin?account=acme"); page.Heading() != "Sign in" || strings.Count(page.Body, "/signin/oidc/") != 2 {
			t.Errorf("with two providers: %s", page.Body)
		}
		// The centre's portal begins by itself.
		b = w.srv.Browser(t)
		q = w.begin(b, button("centre")+"/initiate?iss="+w.idp.URL+"&target_link_uri="+public+"/signin/you")
		if page := b.Get(answer(q, w.code(q, nil))); page.Heading() != "Your account" {
			t.Errorf("initiated by the centre: %d %s", page.Status, page.Text())
		}
	})
}

// A provider comes with a role, or its people come from a centre.
func TestProvisionedSettings(t *testing.T) {
	t.Parallel()
	eachCentre(t, func(t *testing.T, w *world) {
		in := onsightapi.CreateFederationProviderRequest{AwsAccountId: account, ProviderId: "centre", Name: "Acme ID", Issuer: w.idp.URL, ClientId: "client-1"}
		refused := func(what string, err error, words string) {
			t.Helper()
			if f := fault.Of(err); f == nil || f.Code != "InvalidParameterValueException" || !strings.Contains(f.Message, words) {
				t.Errorf("%s: %v", what, err)
			}
		}
		change := in
		change.RoleArn = new("arn:aws:iam::" + account + ":role/people")
		_, err := testkit.Call(t, w.srv, onsightapi.CreateFederationProvider, change)
		refused("a role", err, "Leave RoleArn out")
		for _, member := range []func(*onsightapi.CreateFederationProviderRequest){
			func(in *onsightapi.CreateFederationProviderRequest) { in.SessionNameClaim = new("sub") },
			func(in *onsightapi.CreateFederationProviderRequest) { in.EmailClaim = new("email") },
			func(in *onsightapi.CreateFederationProviderRequest) { in.GroupsClaim = new("groups") },
		} {
			change := in
			member(&change)
			_, err := testkit.Call(t, w.srv, onsightapi.CreateFederationProvider, change)
			refused("a claim", err, "Leave SessionNameClaim, EmailClaim and GroupsClaim out")
		}
		must(w, onsightapi.CreateFederationProvider, in)
		update := onsightapi.UpdateFederationProviderRequest{
			AwsAccountId: account, ProviderId: "centre", Name: "Acme", Issuer: w.idp.URL, ClientId: "client-1", RoleArn: change.RoleArn,
		}
		_, err = testkit.Call(t, w.srv, onsightapi.UpdateFederationProvider, update)
		refused("a role later", err, "Leave RoleArn out")
		update.RoleArn = nil
		if got := *must(w, onsightapi.UpdateFederationProvider, update).Provider.Name; got != "Acme" {
			t.Errorf("name %s", got)
		}
		other := w.srv.As(t, "444455556666")
		other.Subscribe(t)
		in.AwsAccountId = other.Account
		_, err = testkit.Call(t, other, onsightapi.CreateFederationProvider, in)
		refused("no role elsewhere", err, "RoleArn must be the ARN of a role of account 444455556666")
	})
}
