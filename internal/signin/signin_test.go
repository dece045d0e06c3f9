package signin_test

import (
	"encoding/json"
	"html"
	"maps"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onsight/internal/config"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

const (
	accountName = "account-" + testkit.Account
	good        = "Correct7horse-staple"
	cookie      = "__Host-onsight-session"
)

// register gives the invitation of a new user.
func register(t *testing.T, srv *testkit.Server, name string) string {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.RegisterUser, qs.RegisterUserRequest{
		AwsAccountId: srv.Account, Namespace: "default", UserName: &name, Email: name + "@example.org",
		IdentityType: qs.IdentityTypeQuicksight, UserRole: qs.UserRoleAuthor,
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.UserInvitationUrl
}

func tokenOf(t *testing.T, link string) string {
	t.Helper()
	_, token, ok := strings.Cut(link, "token=")
	if !ok {
		t.Fatalf("no token in %s", link)
	}
	token, _, _ = strings.Cut(token, "&")
	return token
}

// accept answers an invitation in a browser.
func accept(b *testkit.Browser, token, password string) testkit.Shown {
	return b.Post("/inviteuser", "token", token, "new-password", password, "repeat-password", password)
}

// join registers someone who answers the invitation in a browser of their own.
func join(t *testing.T, srv *testkit.Server, name string) *testkit.Browser {
	t.Helper()
	b := srv.Browser(t)
	if page := accept(b, tokenOf(t, register(t, srv, name)), good); page.Heading() != "Your account" {
		t.Fatalf("after the invitation: %d %s", page.Status, page.Text())
	}
	return b
}

func signIn(b *testkit.Browser, name, password string, more ...string) testkit.Shown {
	return b.Post("/signin", append([]string{"account", accountName, "username", name, "password", password}, more...)...)
}

func describe(t *testing.T, srv *testkit.Server, name string) *qs.User {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.DescribeUser, qs.DescribeUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: name})
	if err != nil {
		t.Fatal(err)
	}
	return out.User
}

func TestInvitation(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		link := register(t, srv, "ana")
		if !strings.HasPrefix(link, "https://onsight.example.org/inviteuser?token=") {
			t.Fatalf("link %s", link)
		}
		b := srv.Browser(t)
		page := b.Get(link)
		if page.Status != 200 || page.Heading() != "Welcome" || !strings.Contains(page.Text(), accountName) || !strings.Contains(page.Body, `autocomplete="new-password"`) {
			t.Fatalf("invitation: %d %s", page.Status, page.Body)
		}
		token := tokenOf(t, link)
		for what, fields := range map[string][]string{
			"Use at least 8 characters.":  {"new-password", "Ab1-", "repeat-password", "Ab1-"},
			"Mix at least three of these": {"new-password", "abcdefghijk", "repeat-password", "abcdefghijk"},
			"easy to guess":               {"new-password", "Password1!", "repeat-password", "Password1!"},
			"too close to your name":      {"new-password", "Ana@example.org1", "repeat-password", "Ana@example.org1"},
			"are not the same":            {"new-password", good, "repeat-password", good + "x"},
			"Enter a password.":           {},
		} {
			page := b.Post("/inviteuser", append(fields, "token", token)...)
			if page.Status != 422 || !strings.Contains(page.Text(), what) || !strings.Contains(page.Body, `aria-invalid="true"`) {
				t.Errorf("%s: %d %s", what, page.Status, page.Text())
			}
		}
		problem := b.Post("/inviteuser", "token", token)
		if _, at, ok := strings.Cut(problem.Body, `<a href="/inviteuser?lang=de`); !ok {
			t.Errorf("no way to German: %s", problem.Body)
		} else if at, _, _ = strings.Cut(at, `"`); srv.Browser(t).Get("/inviteuser?lang=de"+html.UnescapeString(at)).Heading() != "Willkommen" {
			t.Errorf("the way to German, %s, has lost the token", at)
		}
		if *describe(t, srv, "ana").Active {
			t.Error("active before the invitation is answered")
		}
		page = accept(b, token, good)
		if page.Status != 200 || page.Heading() != "Your account" || !strings.Contains(page.Text(), "This browser") {
			t.Fatalf("answered: %d %s", page.Status, page.Text())
		}
		if !*describe(t, srv, "ana").Active {
			t.Error("not active after the invitation was answered")
		}
		for what, page := range map[string]testkit.Shown{
			"replayed":         srv.Browser(t).Get(link),
			"answered again":   accept(srv.Browser(t), token, good),
			"altered":          srv.Browser(t).Get("/inviteuser?token=" + strings.ToUpper(token)),
			"cut":              srv.Browser(t).Get("/inviteuser?token=" + token[:20]),
			"without any":      srv.Browser(t).Get("/inviteuser"),
			"with line breaks": srv.Browser(t).Get("/inviteuser?token=" + token + "%0A"),
		} {
			if page.Status != 410 || page.Heading() != "This link doesn't work any more" {
				t.Errorf("%s: %d %s", what, page.Status, page.Heading())
			}
		}
		late := register(t, srv, "late")
		srv.Advance(25 * time.Hour)
		if page := srv.Browser(t).Get(late); page.Status != 410 {
			t.Errorf("a day late: %d %s", page.Status, page.Heading())
		}
	})
}

func TestSignIn(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		first := join(t, srv, "ana")
		b := srv.Browser(t)
		if page := b.Get("/signin"); page.Status != 200 || !strings.Contains(page.Text(), "Account name") {
			t.Fatalf("first step: %d %s", page.Status, page.Text())
		}
		page := b.Post("/signin", "account", strings.ToUpper(accountName))
		if page.Status != 200 || !strings.Contains(page.Body, `autocomplete="current-password"`) || !strings.Contains(page.At, "account=ACCOUNT-") {
			t.Fatalf("second step: %d %s %s", page.Status, page.At, page.Body)
		}
		page = signIn(b, "ana", good)
		if page.Status != 200 || page.Heading() != "Your account" {
			t.Fatalf("signed in: %d %s", page.Status, page.Text())
		}
		old := b.Cookie(cookie)
		if old == "" || old == first.Cookie(cookie) {
			t.Fatal("no session of its own")
		}
		c := page.Set[len(page.Set)-1]
		if !c.Secure || !c.HttpOnly || c.Path != "/" || c.Domain != "" || c.SameSite == 0 {
			t.Errorf("cookie %v", c)
		}
		if signIn(b, "ana", good); b.Cookie(cookie) == old {
			t.Error("the session was not rotated")
		}
		stale := srv.Browser(t)
		stale.SetCookie(cookie, old)
		if page := stale.Get("/signin/you"); page.Heading() != "Sign in" {
			t.Errorf("the session before: %s", page.Heading())
		}
		if page := b.Post("/signin/out"); page.Heading() != "You are signed out" || b.Cookie(cookie) != "" {
			t.Errorf("signed out: %s", page.Text())
		}
		if page := b.Get("/signin/you"); page.Heading() != "Sign in" {
			t.Errorf("after signing out: %s", page.Heading())
		}
		if page := first.Get("/signin/you"); page.Heading() != "Your account" {
			t.Errorf("the other browser: %s", page.Heading())
		}
	})
}

// Whoever is tried, the answer and the work for it are the same.
func TestNobodyCanTellWhoIsThere(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		join(t, srv, "ana")
		register(t, srv, "invited")
		if _, err := testkit.Call(t, srv, qs.RegisterUser, qs.RegisterUserRequest{
			AwsAccountId: srv.Account, Namespace: "default", IdentityType: qs.IdentityTypeIAM, Email: "a@b", UserRole: qs.UserRoleReader,
			IamArn: new("arn:aws:iam::111122223333:user/elsewhere"),
		}); err != nil {
			t.Fatal(err)
		}
		var said string
		for _, who := range [][2]string{{accountName, "ana"}, {accountName, "nobody"}, {accountName, "invited"}, {accountName, "elsewhere"}, {"no-such-account", "ana"}} {
			b := srv.Browser(t)
			for attempt := range 7 {
				before := srv.PasswordsHashed()
				page := b.Post("/signin", "account", who[0], "username", who[1], "password", "Wrong-password1")
				work := srv.PasswordsHashed() - before
				text := strings.NewReplacer(who[0], "ACCOUNT", who[1], "USER").Replace(page.Text())
				if attempt < 5 {
					if page.Status != 422 || work != 1 || said != "" && text != said {
						t.Errorf("%v: status %d, %d hashes, %s", who, page.Status, work, text)
					}
					said = text
				} else if page.Status != 429 || page.Header.Get("Retry-After") == "" || work != 0 || page.Heading() != "Too many attempts" {
					t.Errorf("%v, attempt %d: status %d, %d hashes, %s", who, attempt+1, page.Status, work, page.Heading())
				}
			}
		}
	})
}

func TestLockOut(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		join(t, srv, "ana")
		wrong := func() testkit.Shown { return signIn(srv.Browser(t), "ana", "Wrong-password1") }
		for range 5 {
			wrong()
		}
		if page := signIn(srv.Browser(t), "ana", good); page.Status != 429 {
			t.Errorf("the right password while locked: %d", page.Status)
		}
		srv.Advance(31 * time.Second)
		wrong()
		srv.Advance(31 * time.Second) // the pause has doubled
		if page := wrong(); page.Status != 429 {
			t.Errorf("in the second pause: %d", page.Status)
		}
		locks, err := testkit.Call(t, srv, onsightapi.ListSignInLocks, onsightapi.ListSignInLocksRequest{AwsAccountId: srv.Account})
		if err != nil || len(locks.Locks) != 2 || *locks.Locks[1].UserName != "ana" || *locks.Locks[1].Attempts != 6 || locks.Locks[1].LockedUntil == nil {
			t.Fatalf("locks %+v, %v", locks, err)
		}
		if *locks.Locks[0].Address != "127.0.0.1" || *locks.Locks[0].Attempts != 6 {
			t.Errorf("address %+v", locks.Locks[0])
		}
		out, err := testkit.Call(t, srv, onsightapi.UnlockSignIn, onsightapi.UnlockSignInRequest{AwsAccountId: srv.Account, UserName: new("ana")})
		if err != nil || !*out.Unlocked {
			t.Errorf("unlock: %+v, %v", out, err)
		}
		if page := signIn(srv.Browser(t), "ana", good); page.Heading() != "Your account" {
			t.Errorf("unlocked: %d %s", page.Status, page.Heading())
		}
		for _, in := range []onsightapi.UnlockSignInRequest{{AwsAccountId: srv.Account}, {AwsAccountId: srv.Account, UserName: new("a"), Address: new("::1")}} {
			if _, err := testkit.Call(t, srv, onsightapi.UnlockSignIn, in); fault.Of(err).Code != "InvalidParameterValueException" {
				t.Errorf("unlock %+v: %v", in, err)
			}
		}
		// An address that tries one name after the other is stopped, too, and
		// nobody else is.
		b := srv.Browser(t)
		b.Address = "203.0.113.7"
		last := 0
		for i := range 31 {
			last = signIn(b, "somebody-"+string(rune('a'+i)), "Wrong-password1").Status
		}
		if last != 429 {
			t.Errorf("31 names from one address: %d", last)
		}
		if page := signIn(srv.Browser(t), "ana", good); page.Status != 200 {
			t.Errorf("from another address: %d", page.Status)
		}
	}, func(c *config.Config) {
		c.TrustedProxies = config.Prefixes{netip.MustParsePrefix("127.0.0.0/8")}
	})
}

func TestSessionsEnd(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		out := func(what string, b *testkit.Browser) {
			t.Helper()
			if page := b.Get("/signin/you"); page.Heading() != "Sign in" {
				t.Errorf("%s: %s", what, page.Heading())
			}
		}
		idle, busy := join(t, srv, "idle"), join(t, srv, "busy")
		for range 14 {
			srv.Advance(50 * time.Minute)
			if page := busy.Get("/signin/you"); page.Heading() != "Your account" {
				t.Fatalf("in use: %s", page.Heading())
			}
		}
		srv.Advance(30 * time.Minute)
		out("idle for hours", idle)
		out("twelve hours old", busy)

		gone := join(t, srv, "gone")
		if _, err := testkit.Call(t, srv, qs.DeleteUser, qs.DeleteUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: "gone"}); err != nil {
			t.Fatal(err)
		}
		out("deleted", gone)
		again := register(t, srv, "gone") // another one of the same name
		out("registered again", gone)
		if page := signIn(srv.Browser(t), "gone", good); page.Status != 422 {
			t.Errorf("the password of the one who was deleted: %d", page.Status)
		}
		accept(srv.Browser(t), tokenOf(t, again), good)

		ana := join(t, srv, "ana")
		second := srv.Browser(t)
		signIn(second, "ana", good)
		page := ana.Post("/signin/you/password", "password", "not "+good, "new-password", "Other2-password+x", "repeat-password", "Other2-password+x")
		if page.Status != 422 || !strings.Contains(page.Text(), "not the password that you use now") {
			t.Errorf("wrong current password: %d %s", page.Status, page.Text())
		}
		old := ana.Cookie(cookie)
		page = ana.Post("/signin/you/password", "password", good, "new-password", "Other2-password+x", "repeat-password", "Other2-password+x")
		if page.Heading() != "Your account" || !strings.Contains(page.Text(), "Your password is changed") || ana.Cookie(cookie) == old {
			t.Errorf("changed: %d %s", page.Status, page.Text())
		}
		out("after the password was changed elsewhere", second)
		signIn(second, "ana", "Other2-password+x")
		page = ana.Post("/signin/you/session")
		if !strings.Contains(page.Text(), "signed out everywhere else") {
			t.Errorf("everywhere else: %s", page.Text())
		}
		out("signed out from elsewhere", second)

		// What somebody else's session is called ends nothing.
		bea := join(t, srv, "bea")
		bea.Post("/signin/you/session", "session", "00000000-0000-0000-0000-000000000000")
		if page := ana.Get("/signin/you"); page.Heading() != "Your account" {
			t.Errorf("ana after bea's request: %s", page.Heading())
		}
		forged := srv.Browser(t)
		for _, value := range []string{"", "x", strings.Repeat("A", 43), ana.Cookie(cookie) + "A", strings.ToLower(ana.Cookie(cookie))} {
			forged.SetCookie(cookie, value)
			out("forged "+value, forged)
		}
	})
}

func TestPasswordLink(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana := join(t, srv, "ana")
		register(t, srv, "invited")
		link := func(name string) (string, error) {
			out, err := testkit.Call(t, srv, onsightapi.CreatePasswordLink, onsightapi.CreatePasswordLinkRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: name})
			if err != nil {
				return "", err
			}
			return out.PasswordUrl.Reveal(), nil
		}
		before, err := link("ana")
		if err != nil {
			t.Fatal(err)
		}
		now, err := link("ana")
		if err != nil {
			t.Fatal(err)
		}
		if page := srv.Browser(t).Get(before); page.Status != 410 {
			t.Errorf("a link that was replaced: %d", page.Status)
		}
		b := srv.Browser(t)
		page := b.Post("/signin/reset", "token", tokenOf(t, now), "new-password", "Other2-password+x", "repeat-password", "Other2-password+x")
		if page.Heading() != "Your account" {
			t.Fatalf("reset: %d %s", page.Status, page.Text())
		}
		if page := ana.Get("/signin/you"); page.Heading() != "Sign in" {
			t.Errorf("the session before: %s", page.Heading())
		}
		if page := b.Post("/signin/reset", "token", tokenOf(t, now), "new-password", good, "repeat-password", good); page.Status != 410 {
			t.Errorf("replayed: %d", page.Status)
		}
		late, _ := link("ana")
		srv.Advance(time.Hour + time.Second)
		if page := srv.Browser(t).Get(late); page.Status != 410 {
			t.Errorf("an hour late: %d", page.Status)
		}
		for name, code := range map[string]string{"invited": "ConflictException", "nobody": "ResourceNotFoundException"} {
			if _, err := link(name); fault.Of(err) == nil || fault.Of(err).Code != code {
				t.Errorf("%s: %v, want %s", name, err, code)
			}
		}
		invite := func(name string, mails bool) error {
			_, err := testkit.Call(t, srv, onsightapi.InviteUser, onsightapi.InviteUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: name, SendMail: &mails})
			return err
		}
		if err := invite("invited", true); fault.Of(err) == nil || fault.Of(err).Code != "InvalidParameterValueException" {
			t.Errorf("mail without a server for it: %v", err)
		}
		if err := invite("ana", false); fault.Of(err) == nil || fault.Of(err).Code != "ConflictException" {
			t.Errorf("invite who is in: %v", err)
		}
		if page := srv.Browser(t).Get("/signin/forgotten"); !strings.Contains(page.Text(), "Ask your administrator") {
			t.Errorf("forgotten without mail: %s", page.Text())
		}
	})
}

func TestHostileRequests(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana := join(t, srv, "ana")
		ana.Origin = "https://evil.example"
		if page := ana.Post("/signin/out"); page.Status != 403 || ana.Cookie(cookie) == "" {
			t.Errorf("a form of another site: %d", page.Status)
		}
		ana.Origin = "https://onsight.example.org" // as people reach the server, behind a proxy
		if page := ana.Post("/signin/you/session"); page.Status != 200 {
			t.Errorf("a form of ours behind a proxy: %d", page.Status)
		}
		for next, want := range map[string]string{
			"/signin/you/password": "/signin/you/password", "//evil.example/": "/signin/you", "https://evil.example/": "/signin/you",
			`/\evil.example`: "/signin/you", "/\tevil": "/signin/you", "javascript:alert(1)": "/signin/you", "": "/signin/you",
		} {
			if page := signIn(srv.Browser(t), "ana", good, "next", next); page.At != want {
				t.Errorf("next %q leads to %s", next, page.At)
			}
		}
		page := srv.Browser(t).Get("/signin?account=" + url.QueryEscape(`"><script>alert(1)</script>`))
		if strings.Contains(page.Body, "<script>") {
			t.Error("a script came through")
		}
		// The one script that there may be is named by its content.
		csp := page.Header.Get("Content-Security-Policy")
		if csp, scripts, ok := strings.Cut(csp, "; script-src "); !ok || !strings.HasPrefix(scripts, "'sha256-") || strings.Contains(csp+scripts, "unsafe") {
			t.Errorf("policy of a page with a script: %s; %s", csp, scripts)
		}
		page = srv.Browser(t).Get("/signin/out")
		h := page.Header
		for name, want := range map[string]string{
			"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer",
			"Content-Security-Policy": "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
		} {
			if h.Get(name) != want {
				t.Errorf("%s: %s", name, h.Get(name))
			}
		}
		if page := srv.Browser(t).Post("/signin", "account", strings.Repeat("a", 70<<10), "username", "x", "password", "y"); page.Status < 400 {
			t.Errorf("a form of 70 KB: %d", page.Status)
		}
	})
}

// TestThousandAtOnce has a thousand people sign in at once: each is let in or
// told to come back, and none is locked out for it.
func TestThousandAtOnce(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds of all processors")
	}
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		join(t, srv, "ana")
		form := url.Values{"account": {accountName}, "username": {"ana"}, "password": {good}}.Encode()
		var in, busy, other atomic.Int64
		var all sync.WaitGroup
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		for i := range 1000 {
			all.Go(func() {
				// Each is another name, so that none is many attempts on one.
				body := form
				if i >= 4 {
					body = strings.Replace(form, "username=ana", "username=stranger-"+strconv.Itoa(i), 1)
				}
				res, err := client.Post(srv.URL+"/signin", "application/x-www-form-urlencoded", strings.NewReader(body))
				if err != nil {
					other.Add(1)
					return
				}
				_ = res.Body.Close()
				switch res.StatusCode {
				case 303, 422:
					in.Add(1)
				case 429:
					if res.Header.Get("Retry-After") != "" {
						busy.Add(1)
					}
				default:
					other.Add(1)
				}
			})
		}
		all.Wait()
		if other.Load() != 0 || in.Load() == 0 || in.Load()+busy.Load() != 1000 {
			t.Errorf("%d answered, %d to come back, %d neither", in.Load(), busy.Load(), other.Load())
		}
		t.Logf("%d answered, %d to come back", in.Load(), busy.Load())
	})
}

// Each way in, and each refusal, leaves an event as the real console does; no
// event holds a password or a token.
func TestEvents(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		b := join(t, srv, "ana")
		signIn(b, "ana", good)
		signIn(srv.Browser(t), "hunter2-typed-here", "Wrong-password1")
		for range 5 {
			signIn(srv.Browser(t), "ana", "Wrong-password1")
		}
		b.Post("/signin/out")
		out, err := testkit.Call(t, srv, onsightapi.ListAuditRecords, onsightapi.ListAuditRecordsRequest{AwsAccountId: srv.Account})
		if err != nil {
			t.Fatal(err)
		}
		count := map[string]int{}
		for _, text := range out.Records {
			var r struct {
				EventName, EventSource, EventType, ErrorMessage, SourceIPAddress string
				UserIdentity                                                     struct{ Type, UserName, Arn string }
				ResponseElements                                                 map[string]any
			}
			if err := json.Unmarshal(text, &r); err != nil {
				t.Fatal(err)
			}
			if r.EventSource != "signin.amazonaws.com" {
				continue
			}
			outcome, _ := r.ResponseElements[r.EventName].(string)
			count[r.EventName+" "+outcome+" "+r.UserIdentity.UserName]++
			if r.EventType != "AwsConsoleSignIn" || r.UserIdentity.Type != "Unknown" || r.SourceIPAddress != "127.0.0.1" {
				t.Errorf("event %s", text)
			}
			for _, secret := range []string{good, "Wrong-password1", "hunter2", b.Cookie(cookie)} {
				if secret != "" && strings.Contains(string(text), secret) {
					t.Errorf("an event holds %s: %s", secret, text)
				}
			}
		}
		want := map[string]int{
			"InvitationAccepted Success ana": 1, "ConsoleLogin Success ana": 2, "ConsoleLogin Failure ana": 5,
			"ConsoleLogin Failure HIDDEN_DUE_TO_SECURITY_REASONS": 1, "SignInLocked  ana": 1, "Logout Success ana": 1,
		}
		if !maps.Equal(count, want) {
			t.Errorf("events %v, want %v", count, want)
		}
	})
}

// Nothing of a user is left when the account goes.
func TestPurge(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana := join(t, srv, "ana")
		signIn(srv.Browser(t), "nobody", "Wrong-password1")
		link, err := testkit.Call(t, srv, onsightapi.CreatePasswordLink, onsightapi.CreatePasswordLinkRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: "ana"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := testkit.Call(t, srv, qs.UpdateAccountSettings, qs.UpdateAccountSettingsRequest{AwsAccountId: srv.Account, DefaultNamespace: "default"}); err != nil {
			t.Fatal(err)
		}
		if _, err := testkit.Call(t, srv, qs.DeleteAccountSubscription, qs.DeleteAccountSubscriptionRequest{AwsAccountId: srv.Account}); err != nil {
			t.Fatal(err)
		}
		if page := ana.Get("/signin/you"); page.Heading() != "Sign in" {
			t.Errorf("after the account has gone: %s", page.Heading())
		}
		srv.Subscribe(t)
		register(t, srv, "ana")
		if page := signIn(srv.Browser(t), "ana", good); page.Status != 422 {
			t.Errorf("the password of the account before: %d %s", page.Status, page.Heading())
		}
		if page := srv.Browser(t).Get(link.PasswordUrl.Reveal()); page.Status != 410 {
			t.Errorf("the link of the account before: %d", page.Status)
		}
		locks, err := testkit.Call(t, srv, onsightapi.ListSignInLocks, onsightapi.ListSignInLocksRequest{AwsAccountId: srv.Account})
		if err != nil || len(locks.Locks) != 2 || *locks.Locks[0].Attempts != 1 || *locks.Locks[1].UserName != "ana" {
			t.Errorf("locks %+v, %v; want those of the attempt just now", locks, err)
		}
	})
}

func TestOutOfUse(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana := join(t, srv, "ana")
		_, err := testkit.Call(t, srv, onsightapi.DeactivateUser, onsightapi.DeactivateUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: "ana"})
		if err != nil {
			t.Fatal(err)
		}
		if page := ana.Get("/signin/you"); page.Heading() != "Sign in" {
			t.Errorf("the session of someone out of use: %s", page.Heading())
		}
		if page := signIn(ana, "ana", good); page.Status != 422 {
			t.Errorf("sign-in of someone out of use: %d %s", page.Status, page.Heading())
		}
	})
}

func TestAddressNotAllowed(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana := join(t, srv, "ana")
		_, err := testkit.Call(t, srv, qs.UpdateIpRestriction, qs.UpdateIpRestrictionRequest{
			AwsAccountId: srv.Account, Enabled: new(true), IpRestrictionRuleMap: map[string]string{"203.0.113.0/24": "office"},
		})
		if err != nil {
			t.Fatal(err)
		}
		srv.Advance(time.Minute) // rules are kept for some seconds
		for what, page := range map[string]testkit.Shown{
			"session": ana.Get("/signin/you"), "sign-in": signIn(srv.Browser(t), "ana", good), "second step": srv.Browser(t).Get("/signin?account=" + accountName),
			"invitation": srv.Browser(t).Get(register(t, srv, "bea")),
		} {
			if page.Status != 403 || page.Heading() != "Not from here" || !strings.Contains(page.Text(), "127.0.0.1") {
				t.Errorf("%s: %d %s", what, page.Status, page.Text())
			}
		}
		ana.Address = "203.0.113.9"
		if page := ana.Get("/signin/you"); page.Heading() != "Your account" {
			t.Errorf("from the office: %d %s", page.Status, page.Heading())
		}
	}, func(c *config.Config) {
		c.TrustedProxies = config.Prefixes{netip.MustParsePrefix("127.0.0.0/8")}
	})
}
