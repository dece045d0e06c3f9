package mcp_test

import (
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"onsight/internal/config"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store"
	"onsight/internal/testkit"
)

const ping = `{"jsonrpc":"2.0","id":1,"method":"ping"}`

// A token is shown once, listed without its secret, and ends when it is deleted
// or too old.
func TestPersonalTokens(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana, bo := user(t, srv, "ana", "AUTHOR"), user(t, srv, "bo", "ADMIN")
		shown, id := token(t, ana, "ana", func(in *onsightapi.CreatePersonalTokenRequest) { in.LifeDays = new(int32(2)) })
		if !strings.HasPrefix(shown, "onsight-pat_"+id+"_") {
			t.Errorf("token %q of id %s", shown, id)
		}
		if res, body := raw(t, srv, shown, ping); res.StatusCode != 200 || !strings.Contains(body, `"result":{}`) {
			t.Errorf("ping: %d %s", res.StatusCode, body)
		}
		list := func() []onsightapi.PersonalToken {
			t.Helper()
			out, err := testkit.Call(t, srv, onsightapi.ListPersonalTokens, onsightapi.ListPersonalTokensRequest{AwsAccountId: account, Namespace: "default", UserName: "ana"})
			if err != nil {
				t.Fatal(err)
			}
			return out.Tokens
		}
		all := list()
		if len(all) != 1 || *all[0].TokenId != id || *all[0].Name != "laptop" || all[0].LastUseTime == nil || *all[0].Expired || *all[0].ReadOnly {
			t.Errorf("%+v", all)
		}
		srv.Write(t, func(tx *store.Tx) error {
			secret := strings.TrimPrefix(shown, "onsight-pat_"+id+"_")
			n, err := store.One[int64](tx, `SELECT count(*) FROM personal_tokens WHERE id LIKE $1 OR name LIKE $1`, "%"+secret+"%")
			if n != 0 {
				t.Error("the database has the secret")
			}
			return err
		})

		// Nobody makes one for somebody else, administrators neither.
		in := onsightapi.CreatePersonalTokenRequest{AwsAccountId: account, Namespace: "default", UserName: "ana", Name: "x"}
		for who, as := range map[string]*testkit.Server{"an administrator": bo, "root": srv} {
			_, err := testkit.Call(t, as, onsightapi.CreatePersonalToken, in)
			wantFault(t, who, err, "AccessDeniedException", "makes personal tokens for themself")
		}
		for name, change := range map[string]func(*onsightapi.CreatePersonalTokenRequest){
			"no name":          func(in *onsightapi.CreatePersonalTokenRequest) { in.Name = "  " },
			"a year and a day": func(in *onsightapi.CreatePersonalTokenRequest) { in.LifeDays = new(int32(366)) },
		} {
			wrong := in
			change(&wrong)
			if _, err := testkit.Call(t, ana, onsightapi.CreatePersonalToken, wrong); err == nil {
				t.Errorf("%s is good", name)
			}
		}
		wrong := in
		wrong.UserName = "nobody"
		_, err := testkit.Call(t, srv, onsightapi.CreatePersonalToken, wrong)
		wantFault(t, "of nobody", err, "ResourceNotFoundException", "nobody")

		srv.Advance(49 * time.Hour)
		if res, _ := raw(t, srv, shown, ping); res.StatusCode != 401 || !strings.Contains(res.Header.Get("WWW-Authenticate"), "expired") {
			t.Errorf("expired: %d %s", res.StatusCode, res.Header.Get("WWW-Authenticate"))
		}
		if all = list(); !*all[0].Expired {
			t.Errorf("%+v", all)
		}

		shown, id = token(t, ana, "ana")
		drop := onsightapi.DeletePersonalTokenRequest{AwsAccountId: account, Namespace: "default", UserName: "bo", TokenId: id}
		_, err = testkit.Call(t, srv, onsightapi.DeletePersonalToken, drop)
		wantFault(t, "somebody else's", err, "ResourceNotFoundException", "no personal token")
		drop.UserName = "ana"
		if _, err = testkit.Call(t, srv, onsightapi.DeletePersonalToken, drop); err != nil {
			t.Fatal(err)
		}
		if res, _ := raw(t, srv, shown, ping); res.StatusCode != 401 {
			t.Errorf("deleted: %d", res.StatusCode)
		}
		for range 50 {
			token(t, bo, "bo")
		}
		in.UserName = "bo"
		_, err = testkit.Call(t, bo, onsightapi.CreatePersonalToken, in)
		wantFault(t, "one more", err, "LimitExceededException", "50 personal tokens")
		first, err := testkit.Call(t, srv, onsightapi.ListPersonalTokens, onsightapi.ListPersonalTokensRequest{AwsAccountId: account, Namespace: "default", UserName: "bo", MaxResults: new(int32(30))})
		if err != nil || len(first.Tokens) != 30 || first.NextToken == nil {
			t.Fatalf("%+v, %v", first, err)
		}
		// One that goes meanwhile takes none of the others along.
		drop.UserName, drop.TokenId = "bo", *first.Tokens[29].TokenId
		if _, err = testkit.Call(t, srv, onsightapi.DeletePersonalToken, drop); err != nil {
			t.Fatal(err)
		}
		rest, err := testkit.Call(t, srv, onsightapi.ListPersonalTokens, onsightapi.ListPersonalTokensRequest{AwsAccountId: account, Namespace: "default", UserName: "bo", NextToken: first.NextToken})
		if err != nil || len(rest.Tokens) != 20 || rest.NextToken != nil {
			t.Errorf("%d tokens, %v", len(rest.Tokens), err)
		}
	})
}

// Who can't be used any more, or from there, is refused at each call.
func TestRefusedAtEachCall(t *testing.T) {
	t.Parallel()
	proxied := func(c *config.Config) { c.TrustedProxies = config.Prefixes{netip.MustParsePrefix("127.0.0.0/8")} }
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		status := func(shown string, headers ...string) int {
			t.Helper()
			res, _ := raw(t, srv, shown, ping, headers...)
			return res.StatusCode
		}
		check := func(what string, got, want int) {
			t.Helper()
			if got != want {
				t.Errorf("%s: %d, want %d", what, got, want)
			}
		}
		ana, bo, eve := user(t, srv, "ana", "AUTHOR"), user(t, srv, "bo", "AUTHOR"), user(t, srv, "eve", "AUTHOR")
		a, _ := token(t, ana, "ana")
		b, _ := token(t, bo, "bo")
		e, _ := token(t, eve, "eve")
		check("at first", status(a), 200)

		// Addresses.
		rules := func(on bool) {
			t.Helper()
			if _, err := testkit.Call(t, srv, qs.UpdateIpRestriction, qs.UpdateIpRestrictionRequest{
				AwsAccountId: account, Enabled: &on, IpRestrictionRuleMap: map[string]string{"192.0.2.0/24": "the office"},
			}); err != nil {
				t.Fatal(err)
			}
		}
		rules(true)
		check("from elsewhere", status(a, "X-Forwarded-For", "198.51.100.1"), 403)
		check("from the office", status(a, "X-Forwarded-For", "192.0.2.7"), 200)
		rules(false)

		// Deactivated: refused, and the token is gone for good.
		act := onsightapi.DeactivateUserRequest{AwsAccountId: account, Namespace: "default", UserName: "bo"}
		if _, err := testkit.Call(t, srv, onsightapi.DeactivateUser, act); err != nil {
			t.Fatal(err)
		}
		check("deactivated", status(b), 401)
		if _, err := testkit.Call(t, srv, onsightapi.ReactivateUser, onsightapi.ReactivateUserRequest(act)); err != nil {
			t.Fatal(err)
		}
		check("reactivated", status(b), 401)
		// Put out of use by another way.
		srv.Write(t, func(tx *store.Tx) error {
			_, err := tx.Exec(`UPDATE users SET active = $1 WHERE name = 'ana'`, false)
			return err
		})
		check("not active", status(a), 403)

		// Deleted: who gets the name has none of the tokens.
		if _, err := testkit.Call(t, srv, qs.DeleteUser, qs.DeleteUserRequest{AwsAccountId: account, Namespace: "default", UserName: "eve"}); err != nil {
			t.Fatal(err)
		}
		if _, err := testkit.Call(t, srv, qs.RegisterUser, qs.RegisterUserRequest{
			AwsAccountId: account, Namespace: "default", IdentityType: "IAM", IamArn: new("arn:aws:iam::" + account + ":user/eve"), Email: "eve@example.org", UserRole: "AUTHOR",
		}); err != nil {
			t.Fatal(err)
		}
		check("deleted and made anew", status(e), 401)

		// The account ends.
		e, _ = token(t, eve, "eve")
		check("eve", status(e), 200)
		if _, err := testkit.Call(t, srv, qs.UpdateAccountSettings, qs.UpdateAccountSettingsRequest{AwsAccountId: account, DefaultNamespace: "default", TerminationProtectionEnabled: new(false)}); err != nil {
			t.Fatal(err)
		}
		if _, err := testkit.Call(t, srv, qs.DeleteAccountSubscription, qs.DeleteAccountSubscriptionRequest{AwsAccountId: account}); err != nil {
			t.Fatal(err)
		}
		check("the account is going", status(e), 401)
	}, proxied)
}

// Requests that no well-meant client sends.
func TestHostile(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana, bo := user(t, srv, "ana", "AUTHOR"), user(t, srv, "bo", "AUTHOR")
		a, id := token(t, ana, "ana")
		b, _ := token(t, bo, "bo")
		check := func(what string, res *http.Response, body string, want int) {
			t.Helper()
			if res.StatusCode != want {
				t.Errorf("%s: %d %s, want %d", what, res.StatusCode, body, want)
			}
		}
		res, body := raw(t, srv, "", ping)
		check("no token", res, body, 401)
		if h := res.Header.Get("WWW-Authenticate"); !strings.HasPrefix(h, "Bearer ") || strings.Contains(h, "error=") {
			t.Errorf("no token: %s", h)
		}
		secret := strings.TrimPrefix(a, "onsight-pat_"+id+"_")
		for what, shown := range map[string]string{
			"another secret": "onsight-pat_" + id + "_" + strings.Repeat("A", 43), "another id": "onsight-pat_0000000000000000_" + secret,
			"no prefix": secret, "a longer one": a + "A", "its hash": "onsight-pat_" + id + "_", "not ours": "eyJhbGciOiJub25lIn0.e30.",
		} {
			res, body := raw(t, srv, shown, ping)
			check(what, res, body, 401)
			if h := res.Header.Get("WWW-Authenticate"); !strings.Contains(h, `error="invalid_token"`) {
				t.Errorf("%s: %s", what, h)
			}
		}
		// A token in the address is none.
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/mcp?access_token="+a, strings.NewReader(ping))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		res, text := srv.Send(t, r)
		check("a token in the address", res, string(text), 401)

		// Pages of other sites, and names that lead here.
		for _, origin := range []string{"https://evil.example.com", "http://onsight.example.org", "https://onsight.example.org.evil.example.com", "null"} {
			res, body = raw(t, srv, a, ping, "Origin", origin)
			check("origin "+origin, res, body, 403)
		}
		res, body = raw(t, srv, a, ping, "Origin", "https://onsight.example.org")
		check("our own origin", res, body, 200)

		// Messages that are none.
		res, body = raw(t, srv, a, "["+ping+","+ping+"]")
		check("a batch", res, body, 400)
		res, body = raw(t, srv, a, `{"jsonrpc":"2.0","id":1,"method":"ping","params":{"x":"`+strings.Repeat("x", 11<<20)+`"}}`)
		check("too large", res, body, 413)
		for _, text := range []string{"", "{", `"x"`, strings.Repeat(`{"a":`, 100_000)} {
			res, body = raw(t, srv, a, text)
			check("malformed", res, body, 400)
		}
		res, body = raw(t, srv, a, ping, "Content-Type", "text/plain")
		check("no JSON", res, body, 415)

		// A session is whose it is.
		res, _ = raw(t, srv, a, `{"jsonrpc":"2.0","id":1,"method":"initialize","params":{"protocolVersion":"2025-06-18","capabilities":{},"clientInfo":{"name":"c","version":"1"}}}`)
		session := res.Header.Get("Mcp-Session-Id")
		res, body = raw(t, srv, a, ping, "Mcp-Session-Id", session, "Mcp-Protocol-Version", "2025-06-18")
		check("the session", res, body, 200)
		res, body = raw(t, srv, b, ping, "Mcp-Session-Id", session, "Mcp-Protocol-Version", "2025-06-18")
		check("somebody else's session", res, body, 404)
		res, body = raw(t, srv, a, ping, "Mcp-Session-Id", "x")
		check("no session", res, body, 404)

		// Methods.
		for method, want := range map[string]int{http.MethodGet: 405, http.MethodPut: 405, http.MethodDelete: 204} {
			r, err := http.NewRequestWithContext(t.Context(), method, srv.URL+"/mcp", nil)
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Authorization", "Bearer "+a)
			res, text := srv.Send(t, r)
			check(method, res, string(text), want)
		}
	})
}

// A token of one account is of no use at another, and a token that only looks
// changes nothing.
func TestLookOnly(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, srv *testkit.Server, v *vendor) {
		v.on("/a", says(200, `{}`))
		srv.Subscribe(t)
		other := srv.As(t, "444455556666")
		other.Subscribe(t)
		ana := user(t, srv, "ana", "AUTHOR")
		user(t, other, "ana", "AUTHOR")
		connector(t, srv, "shop", "Shop", v.URL, "ana")
		connector(t, other, "barn", "Barn", v.URL, "ana")
		shown, _ := token(t, ana, "ana", func(in *onsightapi.CreatePersonalTokenRequest) { in.ReadOnly = new(true) })
		a := connect(t, srv, shown, nil)
		equal(t, "tools", listed(t, a), []string{"shop_HttpGet"})
		v.asked()
		for _, name := range []string{"shop_HttpDelete", "barn_HttpGet"} {
			if _, err := call(t, a, name, map[string]any{"path": "a"}); err == nil {
				t.Errorf("%s was called", name)
			}
		}
		equal(t, "asked nothing", v.asked(), nil)
		if res, err := call(t, a, "shop_HttpGet", map[string]any{"path": "a"}); err != nil || res.IsError {
			t.Errorf("%q, %v", said(res), err)
		}
	})
}
