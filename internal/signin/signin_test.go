package signin_test

import (
	"strings"
	"testing"
	"time"

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
