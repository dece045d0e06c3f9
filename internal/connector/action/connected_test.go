package action_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"onsight/internal/qs"
	"onsight/internal/store"
	"onsight/internal/testkit"
)

// People see on the page of their account what they are connected with, and
// end it there; others' connections are none of theirs.
func TestConnectedServices(t *testing.T) {
	i := newIssuer(t)
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		makeConnector(t, srv, "mine", "GENERIC_HTTP", "OAUTH2_AUTHORIZATION_CODE", i.code(), "CREATION_SUCCESSFUL")
		browsers := map[string]*testkit.Browser{}
		const prefix = "arn:aws:quicksight:us-east-1:" + account + ":"
		for _, name := range []string{"ana", "bo"} {
			out, err := testkit.Call(t, srv, qs.RegisterUser, qs.RegisterUserRequest{
				AwsAccountId: account, Namespace: "default", UserName: &name, Email: name + "@example.org", IdentityType: "QUICKSIGHT", UserRole: "AUTHOR",
			})
			if err != nil {
				t.Fatal(err)
			}
			link, err := url.Parse(*out.UserInvitationUrl)
			if err != nil {
				t.Fatal(err)
			}
			const password = "Correct7horse-staple"
			browsers[name] = srv.Browser(t)
			if page := browsers[name].Post("/inviteuser", "token", link.Query().Get("token"), "new-password", password, "repeat-password", password); page.Status != 200 || strings.Contains(page.Text(), "Connected services") {
				t.Fatalf("%d %s", page.Status, page.Text())
			}
			srv.Write(t, func(tx *store.Tx) error { // as if they had signed in there, by other settings than today's
				_, err := tx.Exec(`INSERT INTO connector_tokens (arn, principal, account, settings, status, client_style, scopes, vendor_id, vendor_label, message,
					failures, retry_us, expires_us, renew_us, connected_us, refreshed_us, version, lease_owner, lease_until_us)
					VALUES ($1, $2, $3, 'old', 'CONNECTED', '', '', '', $4, '', 0, 0, 0, 0, $5, 0, 1, '', 0)`,
					prefix+"action-connector/mine", prefix+"user/default/"+name, account, name+"@service.example", store.Micros(time.Now()))
				return err
			})
		}
		ana := browsers["ana"]
		page := ana.Get("/signin/you")
		for _, want := range []string{"Connected services", "ana@service.example", "Sign in there again", "Disconnect"} {
			if !strings.Contains(page.Text(), want) {
				t.Errorf("the page lacks %q: %s", want, page.Text())
			}
		}
		if strings.Contains(page.Text(), "bo@service") {
			t.Errorf("it shows another's: %s", page.Text())
		}
		for _, of := range []string{"", "x", prefix + "action-connector/none", prefix + "user/default/bo", "arn:aws:quicksight:us-east-1:444455556666:action-connector/mine"} {
			if page := ana.Post("/signin/you/service", "service", of); page.Status != 200 || !strings.Contains(page.Text(), "ana@service.example") {
				t.Errorf("disconnect %q: %d %s", of, page.Status, page.Text())
			}
		}
		page = ana.Post("/signin/you/service", "service", prefix+"action-connector/mine")
		if page.Status != 200 || !strings.Contains(page.Text(), "The service is disconnected.") || strings.Contains(page.Text(), "ana@service.example") {
			t.Errorf("disconnected: %d %s", page.Status, page.Text())
		}
		if page := browsers["bo"].Get("/signin/you"); !strings.Contains(page.Text(), "bo@service.example") {
			t.Errorf("bo's is gone: %s", page.Text())
		}
	}, testkit.Near(t, i.Server))
}
