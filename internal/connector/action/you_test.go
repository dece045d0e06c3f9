package action_test

import (
	"strings"
	"testing"
	"time"

	"onsight/internal/store/storetest"
	"onsight/internal/testkit"
)

// A person sees on the page of the account where they are signed in, is written
// to when that is over, signs in there again from that page, and signs out.
func TestConnectFromAccount(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			i, box := newIssuer(t), newPostbox(t)
			srv := testkit.Start(t, storetest.Config(t, dialect), testkit.Near(t, i.Server), box.use)
			srv.Subscribe(t)
			makeConnector(t, srv, "mine", "GENERIC_HTTP", "OAUTH2_AUTHORIZATION_CODE", i.code(), "CREATION_SUCCESSFUL")
			ana := register(t, srv, "ana")
			register(t, srv, "bo")
			own(t, srv, "mine", ana)
			const id = "arn:aws:quicksight:us-east-1:" + account + ":action-connector/mine"
			in := func(name string) *testkit.Browser {
				t.Helper()
				b := srv.Browser(t)
				if page := b.Post("/signin", "account", "account-"+account, "username", name, "password", "Correct7horse-staple"); page.Heading() != "Your account" {
					t.Fatalf("%s: %d %s", name, page.Status, page.Text())
				}
				return b
			}
			b, other := in("ana"), in("bo")
			if page := b.Get("/signin/you"); !strings.Contains(page.Text(), "The mine You are not signed in there. Sign in") {
				t.Errorf("at first: %s", page.Text())
			}
			begin := func() string {
				t.Helper()
				shown := b.Post("/signin/you/service/in", "service", id)
				if shown.Heading() != "Connect to The mine" {
					t.Fatalf("begun: %d %s", shown.Status, shown.Text())
				}
				return shown.At
			}
			// Somebody else who is signed in can't begin it, nor end it.
			page := begin()
			const password = "Correct7horse-staple"
			b.Post("/signin", "account", "account-"+account, "username", "bo", "password", password)
			if shown := b.Get(page); shown.Status != 403 || !strings.Contains(shown.Text(), "was begun by ana, and somebody else is signed in") {
				t.Errorf("another: %d %s", shown.Status, shown.Text())
			}
			b.Post("/signin", "account", "account-"+account, "username", "ana", "password", password)
			shown := b.Get(page)
			if shown.Heading() != "Connect to The mine" || !strings.Contains(shown.Text(), "for the user ana") || !strings.Contains(shown.Header.Get("Content-Security-Policy"), "form-action 'self'") {
				t.Fatalf("the page: %d %s", shown.Status, shown.Text())
			}
			// Nobody gets to the service without having agreed.
			if shown := b.Get("/sn/oauthconnect/onward?" + strings.SplitN(page, "?", 2)[1]); shown.Status != 400 {
				t.Errorf("without having agreed: %d %s", shown.Status, shown.Text())
			}
			shown = b.Get(i.authorize(t, leave(t, srv, b, page)))
			if shown.Status != 200 || shown.Heading() != "You are connected" || strings.Contains(shown.At, "code=") || !strings.Contains(shown.Text(), "Go to your account") {
				t.Fatalf("back: %d %s %s", shown.Status, shown.At, shown.Text())
			}
			if german := b.Get(shown.At + "&lang=de"); german.Heading() != "Sie sind verbunden" {
				t.Errorf("in German: %s", german.Text())
			}
			if made := b.Get("/sn/oauthconnect/outcome?outcome=AAAA"); made.Status != 400 {
				t.Errorf("a made-up outcome: %d %s", made.Status, made.Text())
			}
			you := b.Get("/signin/you?lang=en")
			if !strings.Contains(you.Text(), "Connected services") || !strings.Contains(you.Text(), "The mine") || strings.Contains(you.Text(), "Sign in there again") {
				t.Errorf("connected: %s", you.Text())
			}
			if page := other.Get("/signin/you"); strings.Contains(page.Text(), "The mine") {
				t.Errorf("bo sees it: %s", page.Text())
			}
			other.Post("/signin/you/service", "service", id)
			if page := other.Post("/signin/you/service/in", "service", id); page.Status != 409 || !strings.Contains(page.Text(), "may not use this action connector") {
				t.Errorf("bo connects to what bo was never connected to: %d %s", page.Status, page.Text())
			}

			// It is over: a letter, once, in the language of the page; and a way back.
			srv.Advance(27 * time.Hour)
			i.set(func() { clear(i.refresh) })
			for range 2 {
				srv.Chore(t, "renew authorisations of people")
			}
			b = in("ana")
			box.next(t, "To: <ana@example.org>", "Please sign in at The mine again", "https://onsight.example.org/signin/you?lang=en", "choose “Sign in again” beside the connector")
			box.none(t)
			if n, _, user := noticed(t, srv, "ActionConnectionExpired"); n != 1 || user != ana {
				t.Errorf("%d events about %s", n, user)
			}
			if you := b.Get("/signin/you"); !strings.Contains(you.Text(), "Sign in there again") {
				t.Errorf("over: %s", you.Text())
			}
			shown = b.Post("/signin/you/service/in", "service", id)
			if shown.Heading() != "Connect to The mine" {
				t.Fatalf("again: %d %s", shown.Status, shown.Text())
			}
			if shown := b.Get(i.authorize(t, leave(t, srv, b, shown.At))); shown.Heading() != "You are connected" {
				t.Fatalf("again: %s", shown.Text())
			}
			if you := b.Post("/signin/you/service", "service", id); !strings.Contains(you.Text(), "You are not signed in there.") || !strings.Contains(you.Text(), "The service is disconnected.") {
				t.Errorf("signed out: %s", you.Text())
			}
		})
	}
}
