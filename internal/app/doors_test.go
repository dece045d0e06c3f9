package app_test

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"onsight/internal/iamapi"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/sigv4"
	"onsight/internal/stsapi"
	"onsight/internal/testkit"
	"onsight/internal/wire"
)

// Somebody of these tests, whose name must be nowhere in what a stranger gets.
const somebody = "anastasia"

var label = regexp.MustCompile(`\{[^}]+\}`)

// keys are credentials of IAM.
type keys struct{ id, secret, token string }

// keysOf makes an IAM user with a policy, and gives its keys.
func keysOf(t *testing.T, srv *testkit.Server, name, policy string) keys {
	t.Helper()
	done(t)(testkit.Call(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: name}))
	if policy != "" {
		done(t)(testkit.Call(t, srv, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{UserName: name, PolicyName: "all", PolicyDocument: policy}))
	}
	out, err := testkit.Call(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return keys{out.AccessKey.AccessKeyId, out.AccessKey.SecretAccessKey.Reveal(), ""}
}

func done(t *testing.T) func(any, error) {
	return func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// resident is a user of the account with a password, and signed in.
func resident(t *testing.T, srv *testkit.Server, name string) (b *testkit.Browser, link string) {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.RegisterUser, qs.RegisterUserRequest{
		AwsAccountId: srv.Account, Namespace: "default", UserName: &name, Email: name + "@example.org", IdentityType: "QUICKSIGHT", UserRole: "ADMIN",
	})
	if err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(*out.UserInvitationUrl)
	if err != nil {
		t.Fatal(err)
	}
	b = srv.Browser(t)
	const password = "Correct7horse-staple"
	if page := b.Post("/inviteuser", "token", u.Query().Get("token"), "new-password", password, "repeat-password", password); page.Heading() != "Your account" {
		t.Fatalf("%d %s", page.Status, page.Text())
	}
	return b, u.RequestURI()
}

// Every operation that is found by method and path, ours and QuickSight's, asks
// who is there before it says or does anything.
func TestOperationsAskWhoIsThere(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		resident(t, srv, somebody)
		const all = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`
		own, nobody := keysOf(t, srv, "operator", all), keysOf(t, srv, "nobody", "")
		there := srv.As(t, "444455556666")
		there.Subscribe(t)
		stranger := keysOf(t, there, "operator", all)
		role, err := testkit.Call(t, srv, iamapi.CreateRole, iamapi.CreateRoleRequest{
			RoleName: "passing", AssumeRolePolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"` + srv.Account + `"},"Action":"sts:AssumeRole"}}`,
		})
		if err != nil {
			t.Fatal(err)
		}
		session, err := testkit.Call(t, srv.With(own.id, own.secret, ""), stsapi.AssumeRole, stsapi.AssumeRoleRequest{RoleArn: role.Role.Arn, RoleSessionName: "passing", DurationSeconds: new(int32(900))})
		if err != nil {
			t.Fatal(err)
		}
		c := session.Credentials
		srv.Advance(16 * time.Minute)
		now := srv.Now()
		for _, op := range wire.RESTOperations() {
			if op.Unsigned {
				continue
			}
			path := strings.NewReplacer(
				"{AwsAccountId}", srv.Account, "{accountId}", srv.Account, "{AccountId}", srv.Account, "{Namespace}", "default",
				"{UserName}", somebody, "{MemberName}", somebody, "{MemberType}", "DASHBOARD", "{Role}", "READER",
				"{ProfileId}", "lp-0123", "{profileId}", "lp-0123", "{Service}", "ATHENA", "{VersionNumber}", "1", "{TokenId}", "0123456789abcdef",
				"{ResourceArn}", "arn:aws:quicksight:us-east-1:"+srv.Account+":user%2Fdefault%2F"+somebody, "{ActionId}", "x", "{awsAccountId}", srv.Account,
			).Replace(op.Path)
			whole := !strings.Contains(path, srv.Account) // about the caller's own account
			path = label.ReplaceAllString(path, "01234567-89ab-4cde-8fab-0123456789ab")
			var body []byte
			if op.HasBody() {
				body = []byte(`{}`)
			}
			for _, x := range []struct {
				who  string
				keys keys
				at   time.Time
				want string // in the error's type
			}{
				{"nobody at all", keys{}, now, "MissingAuthenticationToken"},
				{"a key that is none", keys{"AKIA0000000000000000", own.secret, ""}, now, "UnrecognizedClient"},
				{"a wrong secret", keys{own.id, own.secret + "x", ""}, now, "InvalidSignature"},
				{"a signature of an hour ago", own, now.Add(-time.Hour), "InvalidSignature"},
				{"a session that is over", keys{c.AccessKeyId, c.SecretAccessKey.Reveal(), c.SessionToken}, now, "ExpiredToken"},
				{"another's token", keys{c.AccessKeyId, c.SecretAccessKey.Reveal(), c.SessionToken[:len(c.SessionToken)-8] + "AAAAAAAA"}, now, ""},
				{"an administrator of another account", stranger, now, "AccessDenied"},
				{"who may do nothing", nobody, now, "AccessDenied"},
			} {
				if whole && x.keys == stranger {
					continue
				}
				r, err := http.NewRequestWithContext(t.Context(), op.Method, srv.URL+path, bytes.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				if len(body) > 0 {
					r.Header.Set("Content-Type", "application/json")
				}
				if x.keys.id != "" {
					sigv4.Sign(r, body, x.keys.id, x.keys.secret, x.keys.token, "us-east-1", op.Service().Name(), x.at)
				}
				res, answer := srv.Send(t, r)
				var said struct{ Message string }
				_ = json.Unmarshal(answer, &said)
				// A refusal may repeat the ARN that was asked for, which was in the request.
				leak := strings.NewReplacer("user/default/"+somebody, "", "user%2Fdefault%2F"+somebody, "").Replace(string(answer))
				if res.StatusCode != 403 || !strings.Contains(res.Header.Get("X-Amzn-Errortype"), x.want) || strings.Contains(leak, somebody) || said.Message == "" || len(answer) > 1000 {
					t.Errorf("%s by %s: %d %s %s", op.Name, x.who, res.StatusCode, res.Header.Get("X-Amzn-Errortype"), answer)
				}
			}
		}
		if _, err := testkit.Call(t, srv, qs.DescribeUser, qs.DescribeUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: somebody}); err != nil {
			t.Errorf("after all of it: %v", err)
		}
	})
}

// What is outside of the API asks for what lets somebody in, too, and says
// nothing of whom it is about.
func TestDoorsOutsideOfTheAPI(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		signedIn, used := resident(t, srv, somebody)
		there := srv.As(t, "444455556666")
		there.Subscribe(t)
		stranger, _ := resident(t, there, "stranger")
		invite := func(name string) string {
			t.Helper()
			out, err := testkit.Call(t, srv, qs.RegisterUser, qs.RegisterUserRequest{
				AwsAccountId: srv.Account, Namespace: "default", UserName: &name, Email: somebody + "@example.org", IdentityType: "QUICKSIGHT", UserRole: "READER",
			})
			if err != nil {
				t.Fatal(err)
			}
			u, err := url.Parse(*out.UserInvitationUrl)
			if err != nil {
				t.Fatal(err)
			}
			return u.RequestURI()
		}
		old := invite(somebody + "-2")
		reset, err := testkit.Call(t, srv, onsightapi.CreatePasswordLink, onsightapi.CreatePasswordLinkRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: somebody})
		if err != nil {
			t.Fatal(err)
		}
		resetLink, err := url.Parse(reset.PasswordUrl.Reveal())
		if err != nil {
			t.Fatal(err)
		}
		const random = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
		forged := srv.Browser(t)
		forged.SetCookie("__Host-onsight-session", random)
		left := srv.Browser(t)
		left.SetCookie("__Host-onsight-session", signedIn.Cookie("__Host-onsight-session"))
		srv.Advance(25 * time.Hour) // all is over that was made so far
		said := func(what string, page testkit.Shown, status int, heading string) {
			t.Helper()
			if page.Status != status || page.Heading() != heading || strings.Contains(page.Body, somebody) {
				t.Errorf("%s: %d %q, want %d %q: %s", what, page.Status, page.Heading(), status, heading, page.Text())
			}
		}
		pages := []string{"/signin/you", "/signin/you/password", "/signin/you/factors", "/signin/you/factors/app", "/signin/you/factors/passkey", "/signin/again"}
		for who, b := range map[string]*testkit.Browser{"nobody": srv.Browser(t), "a forged cookie": forged, "a session that is over": left} {
			for _, at := range pages {
				said(at+" by "+who, b.Get(at), 200, "Sign in")
			}
			for _, at := range []string{"/signin/you/password", "/signin/you/session", "/signin/you/factors/app", "/signin/you/factors/passkey", "/signin/you/factors/name", "/signin/you/factors/remove", "/signin/you/factors/codes"} {
				said("POST "+at+" by "+who, b.Post(at, "session", "x", "id", "x", "code", "000000", "new-password", "Correct7horse-staple", "repeat-password", "Correct7horse-staple"), 200, "Sign in")
			}
			said("the second factor by "+who, b.Get("/signin/factor"), 410, "Please start again")
		}
		for what, at := range map[string]string{
			"an invitation without token": "/inviteuser", "a wrong one": "/inviteuser?token=" + random, "no token": "/inviteuser?token=x",
			"one that was answered": used, "one that is too old": old,
			"a reset without token": "/signin/reset", "a wrong reset": "/signin/reset?token=" + random, "a reset that is too old": resetLink.RequestURI(),
			"an invitation for a reset": strings.Replace(used, "/inviteuser", "/signin/reset", 1), "a reset for an invitation": strings.Replace(resetLink.RequestURI(), "/signin/reset", "/inviteuser", 1),
		} {
			b := srv.Browser(t)
			page := b.Get(at)
			said(what, page, 410, "This link doesn't work any more")
			u, _ := url.Parse(at)
			said(what+", posted", b.Post(u.Path, "token", u.Query().Get("token"), "new-password", "Correct7horse-staple", "repeat-password", "Correct7horse-staple"), 410, "This link doesn't work any more")
		}
		anyone := srv.Browser(t)
		said("an unknown provider", anyone.Get("/signin/oidc/"+srv.Account+"/none"), 404, "There is no such page")
		said("its answer", anyone.Get("/signin/oidc/"+srv.Account+"/none/done?code=x&state=x"), 404, "There is no such page")
		said("a form of nobody", anyone.Post("/signin/oidc/email", "ticket", random, "email", "a@example.org"), 400, "Please sign in again")
		said("no SAML", anyone.Post("/saml"), 400, "There is nothing to sign in with")
		said("a made-up SAML response", anyone.Post("/saml", "SAMLResponse", "PHg+PC94Pg=="), 403, "The sign-in did not work")
		said("no action", anyone.Get("/federation"), 400, "There is nothing to do")
		said("no SigninToken", anyone.Get("/federation?Action=login"), 403, "This sign-in can't be used")
		said("a wrong SigninToken", anyone.Get("/federation?Action=login&SigninToken="+random), 403, "This sign-in can't be used")
		for what, session := range map[string]string{
			"no session": "", "no JSON": "x", "an unknown key": `{"sessionId":"ASIA0000000000000000","sessionKey":"k","sessionToken":"t"}`,
		} {
			page := anyone.Get("/federation?Action=getSigninToken&SessionType=json&Session=" + url.QueryEscape(session))
			if page.Status != 400 && page.Status != 403 || strings.Contains(page.Body, "SigninToken") || strings.Contains(page.Body, somebody) {
				t.Errorf("getSigninToken with %s: %d %s", what, page.Status, page.Body)
			}
		}
		said("a frame of nobody", anyone.Get("/embedding/"+strings.Repeat("0", 32)+"/start?code="+random+"&isauthcode=true"), 404, "This page can't be opened")
		said("a frame without a code", anyone.Get("/embedding/"+strings.Repeat("0", 32)+"/start"), 404, "This page can't be opened")
		for _, at := range []string{"/sn/oauthcallback", "/sn/oauthcallback?code=x&state=" + random, "/sn/oauthconnect"} {
			if page := anyone.Get(at); page.Status < 400 || page.Status >= 500 || strings.Contains(page.Body, somebody) {
				t.Errorf("%s: %d %s", at, page.Status, page.Text())
			}
		}
		for _, at := range []string{"/_onsight/brands/", "/_onsight/brands/" + srv.Account + "/none/1/logo", "/_onsight/brands/a%00b/c/%FF/e"} {
			if page := anyone.Get(at); page.Status != 404 || strings.Contains(page.Body, somebody) {
				t.Errorf("%s: %d %s", at, page.Status, page.Text())
			}
		}
		// Somebody of another account has no part in this one's.
		stranger = again(t, there, stranger)
		if page := stranger.Get("/signin/you"); page.Heading() != "Your account" || strings.Contains(page.Body, somebody) || strings.Contains(page.Body, "account-"+srv.Account) {
			t.Errorf("a stranger: %d %s", page.Status, page.Text())
		}
	})
}

// again signs the stranger in anew.
func again(t *testing.T, srv *testkit.Server, b *testkit.Browser) *testkit.Browser {
	t.Helper()
	if page := b.Post("/signin", "account", "account-"+srv.Account, "username", "stranger", "password", "Correct7horse-staple"); page.Heading() != "Your account" {
		t.Fatalf("%d %s", page.Status, page.Text())
	}
	return b
}

// A centre's token opens its own account, until it ends.
func TestDoorsOfCentres(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		subscribe := func(srv *testkit.Server) string {
			t.Helper()
			done(t)(testkit.Call(t, srv, qs.CreateAccountSubscription, qs.CreateAccountSubscriptionRequest{
				AwsAccountId: srv.Account, AccountName: "account-" + srv.Account, NotificationEmail: "a@example.org", AuthenticationMethod: "IAM_IDENTITY_CENTER", AdminGroup: []string{"admins"},
			}))
			out, err := testkit.Call(t, srv, onsightapi.CreateScimToken, onsightapi.CreateScimTokenRequest{AwsAccountId: srv.Account, Name: "centre", LifeDays: new(int32(1))})
			if err != nil {
				t.Fatal(err)
			}
			return out.Token.Reveal()
		}
		token := subscribe(srv)
		other := subscribe(srv.As(t, "444455556666"))
		base := "/_onsight/scim/" + srv.Account + "/v2"
		ask := func(method, path, authorization, body string) (int, string) {
			t.Helper()
			r, err := http.NewRequestWithContext(t.Context(), method, srv.URL+base+path, strings.NewReader(body))
			if err != nil {
				t.Fatal(err)
			}
			if authorization != "" {
				r.Header.Set("Authorization", authorization)
			}
			r.Header.Set("Content-Type", "application/scim+json")
			res, answer := srv.Send(t, r)
			return res.StatusCode, string(answer)
		}
		if status, answer := ask("POST", "/Users", "Bearer "+token, `{"userName":"`+somebody+`"}`); status != 201 {
			t.Fatalf("%d %s", status, answer)
		}
		refused := func(what, authorization string) {
			t.Helper()
			for _, at := range [][2]string{
				{"GET", "/Users"},
				{"POST", "/Users"},
				{"GET", "/Groups"},
				{"POST", "/Groups"},
				{"GET", "/Users/x"},
				{"PUT", "/Users/x"},
				{"PATCH", "/Users/x"},
				{"DELETE", "/Users/x"},
				{"POST", "/Bulk"},
				{"POST", "/.search"},
				{"GET", "/Me"},
			} {
				if status, answer := ask(at[0], at[1], authorization, `{}`); status != 401 || strings.Contains(answer, somebody) {
					t.Errorf("%s %s with %s: %d %s", at[0], at[1], what, status, answer)
				}
				srv.Advance(time.Minute) // wrong tokens are limited
			}
		}
		refused("nothing", "")
		refused("no token", "Bearer x")
		refused("another scheme", "Basic "+token)
		refused("another account's", "Bearer "+other)
		// What is no text is a wrong request, and no failure.
		for _, x := range [][3]string{
			{"POST", "/Users", `{"userName":"a\u0000b"}`},
			{"POST", "/Groups", `{"displayName":"a\u0000b"}`},
			{"POST", "/Users", `{"userName":"bo","externalId":"a\u0000b"}`},
			{"POST", "/Users", `{"userName":"cy","displayName":"a\u0000b","emails":[{"value":"\u0000"}]}`},
			{"POST", "/Users", "{\"userName\":\"a\xff\"}"},
			{"GET", "/Users?filter=" + url.QueryEscape("userName eq \"a\x00b\""), ""},
			{"GET", "/Users?filter=" + url.QueryEscape(`externalId eq "a\u0000b"`), ""},
			{"GET", "/Users?filter=%ff", ""},
			{"GET", "/Users/a%00b", ""},
			{"GET", "/Groups/%ff", ""},
			{"DELETE", "/Users/%00", ""},
		} {
			if status, answer := ask(x[0], x[1], "Bearer "+token, x[2]); status >= 500 {
				t.Errorf("%s %s %q: %d %s", x[0], x[1], x[2], status, answer)
			}
		}
		srv.Advance(25 * time.Hour)
		refused("one that has ended", "Bearer "+token)
	})
}
