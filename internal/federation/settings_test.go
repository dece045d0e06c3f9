package federation_test

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

// The provider asks for a sign-in, by a link or by a form.
func TestInitiate(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.provider("example", w.role("people", "quicksight:CreateReader"))
		at := button("example") + "/initiate"
		ask := func(iss, target string) string {
			return at + "?" + url.Values{"iss": {iss}, "target_link_uri": {target}, "login_hint": {"ana"}}.Encode()
		}
		b := w.srv.Browser(t)
		for target, want := range map[string]string{public + "/signin/you?x=1": "/signin/you?x=1", "https://evil.example.org/": "/signin/you"} {
			q := w.begin(b, ask(w.idp.URL, target))
			if q.Get("login_hint") != "ana" {
				t.Errorf("hint %q", q.Get("login_hint"))
			}
			if page := b.Get(answer(q, w.code(q, map[string]any{"email": "a@example.org"}))); page.Status != 200 || page.At != want {
				t.Errorf("%s: %d %s", target, page.Status, page.At)
			}
		}
		if page := b.Get(ask("https://evil.example.org", "")); page.Status != 400 {
			t.Errorf("another issuer: %d %s", page.Status, page.Text())
		}
		b.Origin = w.idp.URL // a form of the provider's own page
		if page := b.Post(at, "iss", w.idp.URL, "target_link_uri", public+"/signin/you"); !strings.HasPrefix(page.At, "/authorize?") {
			t.Errorf("by a form: %d %s", page.Status, page.At)
		}
		if page := b.Post(button("example")+"/done", "code", "x"); page.Status != 403 {
			t.Errorf("an answer by a form of another site: %d", page.Status)
		}
	})
}

// People are sent to their company's page, where the account says so.
func TestRedirect(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		if got := must(w, onsightapi.DescribeFederationRedirect, onsightapi.DescribeFederationRedirectRequest{AwsAccountId: account}); *got.Enabled || got.IdentityProviderUrl != nil {
			t.Errorf("at first %+v", got)
		}
		set := onsightapi.UpdateFederationRedirectRequest{AwsAccountId: account, Enabled: true}
		if _, err := testkit.Call(t, w.srv, onsightapi.UpdateFederationRedirect, set); fault.Of(err).Code != "InvalidParameterValueException" {
			t.Errorf("without an address: %v", err)
		}
		set.IdentityProviderUrl, set.RelayStateParameter = new("http://idp.example.org"), new("RelayState")
		if _, err := testkit.Call(t, w.srv, onsightapi.UpdateFederationRedirect, set); fault.Of(err).Code != "InvalidParameterValueException" {
			t.Errorf("by http: %v", err)
		}
		set.IdentityProviderUrl = new("https://idp.example.org/app?id=7")
		must(w, onsightapi.UpdateFederationRedirect, set)
		b := w.srv.Browser(t)
		page := b.Get("/signin?account=account-" + account + "&next=" + url.QueryEscape("/signin/you?x=1"))
		if want := "/app?RelayState=https%3A%2F%2Fonsight.example.org%2Fsignin%2Fyou%3Fx%3D1&id=7"; page.At != want {
			t.Errorf("sent to %s, want %s", page.At, want)
		}
		// After a form the browser is not redirected: the form's page forbids it.
		if page := b.Post("/signin", "account", "account-"+account); page.Status != 200 || page.Header.Get("Refresh") != "0; url=/signin?account=account-"+account {
			t.Errorf("after the account's name: %d %q", page.Status, page.Header.Get("Refresh"))
		}
		if page := b.Get("/signin?here=1&account=account-" + account); page.Heading() != "Sign in" {
			t.Errorf("here: %d %s", page.Status, page.Text())
		}
		must(w, onsightapi.UpdateFederationRedirect, onsightapi.UpdateFederationRedirectRequest{AwsAccountId: account})
		if page := b.Get("/signin?account=account-" + account); page.Heading() != "Sign in" {
			t.Errorf("off: %d %s", page.Status, page.Text())
		}
		if got := must(w, onsightapi.DescribeFederationRedirect, onsightapi.DescribeFederationRedirectRequest{AwsAccountId: account}); *got.Enabled || *got.RelayStateParameter != "RelayState" {
			t.Errorf("at last %+v", got)
		}
	})
}

// Groups follow the claim, and those of an administrator stay.
func TestGroups(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		w.provider("example", w.role("people", "quicksight:CreateReader"), func(in *onsightapi.CreateFederationProviderRequest) { in.GroupsClaim = new("groups") })
		for _, name := range []string{"blue", "red", "green"} {
			must(w, qs.CreateGroup, qs.CreateGroupRequest{AwsAccountId: account, Namespace: "default", GroupName: name})
		}
		in := func(claims map[string]any, want ...string) {
			t.Helper()
			claims["email"] = "a@example.org"
			if page := w.signIn(w.srv.Browser(t), "example", claims); page.Status != 200 {
				t.Fatalf("%v: %d %s", claims, page.Status, page.Text())
			}
			var got []string
			for _, g := range must(w, qs.ListUserGroups, qs.ListUserGroupsRequest{AwsAccountId: account, Namespace: "default", UserName: "people/user-1"}).GroupList {
				got = append(got, *g.GroupName)
			}
			if !slices.Equal(got, want) {
				t.Errorf("%v: groups %v, want %v", claims, got, want)
			}
		}
		in(map[string]any{"groups": []string{"red", "blue", "unknown", "red"}}, "blue", "red")
		in(map[string]any{"groups": "red"}, "red")
		must(w, qs.CreateGroupMembership, qs.CreateGroupMembershipRequest{AwsAccountId: account, Namespace: "default", GroupName: "green", MemberName: "people/user-1"})
		must(w, qs.CreateGroupMembership, qs.CreateGroupMembershipRequest{AwsAccountId: account, Namespace: "default", GroupName: "red", MemberName: "people/user-1"})
		in(map[string]any{"groups": []string{"green"}}, "green", "red")
		in(map[string]any{}, "green", "red")
		in(map[string]any{"groups": map[string]any{"blue": true}}, "green", "red")
	})
}

// Providers are kept, changed and removed; their secrets are never shown.
func TestProviders(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		role := "arn:aws:iam::" + account + ":role/people"
		p := w.provider("b", role, func(in *onsightapi.CreateFederationProviderRequest) {
			in.ClientSecret, in.Scopes = new(qs.Secret(secret)), []string{"profile", "openid"}
		})
		if strings.Join(p.Scopes, " ") != "openid profile" || *p.SessionNameClaim != "sub" || *p.EmailClaim != "email" || !strings.HasSuffix(*p.Arn, ":federation-provider/b") {
			t.Errorf("made %+v", p)
		}
		w.provider("a", role)
		w.provider("c", role)
		var ids []string
		list := onsightapi.ListFederationProvidersRequest{AwsAccountId: account, MaxResults: new(int32(2))}
		for {
			out := must(w, onsightapi.ListFederationProviders, list)
			for _, p := range out.Providers {
				ids = append(ids, *p.ProviderId)
			}
			if list.NextToken = out.NextToken; out.NextToken == nil {
				break
			}
		}
		if strings.Join(ids, "") != "abc" {
			t.Errorf("listed %v", ids)
		}
		for what, c := range map[string]struct {
			change func(*onsightapi.CreateFederationProviderRequest)
			code   string
		}{
			"there already":        {func(in *onsightapi.CreateFederationProviderRequest) { in.ProviderId = "b" }, "ResourceExistsException"},
			"an id with a slash":   {func(in *onsightapi.CreateFederationProviderRequest) { in.ProviderId = "b/c" }, "ValidationException"},
			"plain http":           {func(in *onsightapi.CreateFederationProviderRequest) { in.Issuer = "http://login.example.org" }, "InvalidParameterValueException"},
			"an issuer with query": {func(in *onsightapi.CreateFederationProviderRequest) { in.Issuer += "?x=1" }, "InvalidParameterValueException"},
			"no URL":               {func(in *onsightapi.CreateFederationProviderRequest) { in.Issuer = "login.example.org" }, "InvalidParameterValueException"},
			"another account's": {func(in *onsightapi.CreateFederationProviderRequest) {
				in.RoleArn = new("arn:aws:iam::444455556666:role/people")
			}, "InvalidParameterValueException"},
			"no role": {func(in *onsightapi.CreateFederationProviderRequest) {
				in.RoleArn = new("arn:aws:iam::" + account + ":user/ana")
			}, "InvalidParameterValueException"},
			"a name of two lines":  {func(in *onsightapi.CreateFederationProviderRequest) { in.Name = "a\nb" }, "InvalidParameterValueException"},
			"a scope with a space": {func(in *onsightapi.CreateFederationProviderRequest) { in.Scopes = []string{"a b"} }, "ValidationException"},
		} {
			in := onsightapi.CreateFederationProviderRequest{AwsAccountId: account, ProviderId: "d", Name: "D", Issuer: w.idp.URL, ClientId: "client-1", RoleArn: &role}
			c.change(&in)
			if _, err := testkit.Call(t, w.srv, onsightapi.CreateFederationProvider, in); err == nil || fault.Of(err).Code != c.code {
				t.Errorf("%s: %v, want %s", what, err, c.code)
			}
		}
		// The secret stays, goes, or is another one; it goes to nobody else.
		update := onsightapi.UpdateFederationProviderRequest{AwsAccountId: account, ProviderId: "b", Name: "Other", Issuer: w.idp.URL, ClientId: "client-1", RoleArn: &role}
		if got := must(w, onsightapi.UpdateFederationProvider, update).Provider; !*got.HasClientSecret || *got.Name != "Other" {
			t.Errorf("changed %+v", got)
		}
		elsewhere := update
		elsewhere.Issuer = "https://elsewhere.example.org"
		if _, err := testkit.Call(t, w.srv, onsightapi.UpdateFederationProvider, elsewhere); err == nil || fault.Of(err).Code != "InvalidParameterValueException" {
			t.Errorf("the secret for another provider: %v", err)
		}
		elsewhere.ClientSecret = new(qs.Secret("another-secret-of-tests"))
		must(w, onsightapi.UpdateFederationProvider, elsewhere)
		elsewhere.RemoveClientSecret = new(true)
		if _, err := testkit.Call(t, w.srv, onsightapi.UpdateFederationProvider, elsewhere); err == nil || fault.Of(err).Code != "InvalidParameterValueException" {
			t.Errorf("both: %v", err)
		}
		update.RemoveClientSecret = new(true)
		if got := must(w, onsightapi.UpdateFederationProvider, update).Provider; *got.HasClientSecret {
			t.Error("the secret is there still")
		}
		must(w, onsightapi.DeleteFederationProvider, onsightapi.DeleteFederationProviderRequest{AwsAccountId: account, ProviderId: "b"})
		if _, err := testkit.Call(t, w.srv, onsightapi.DescribeFederationProvider, onsightapi.DescribeFederationProviderRequest{AwsAccountId: account, ProviderId: "b"}); err == nil || fault.Of(err).Code != "ResourceNotFoundException" {
			t.Errorf("deleted: %v", err)
		}
		if page := w.srv.Browser(t).Get(button("b")); page.Status != 404 {
			t.Errorf("its button: %d", page.Status)
		}
		if _, err := testkit.Call(t, w.srv.In("eu-west-1"), onsightapi.ListFederationProviders, onsightapi.ListFederationProvidersRequest{AwsAccountId: account}); err == nil || fault.Of(err).Code != "AccessDeniedException" {
			t.Errorf("in another region: %v", err)
		}
	})
}
