package federation_test

import (
	"encoding/json"
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"onsight/internal/cloudtrailapi"
	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/sts/saml/samltest"
	"onsight/internal/testkit"
)

const house = "arn:aws:iam::" + account + ":saml-provider/House"

// samlRole makes a role that trusts the SAML provider House, and may do some
// actions to its own user.
func (w *world) samlRole(name string, actions ...string) string {
	w.t.Helper()
	_, err := testkit.Call(w.t, w.srv, iamapi.CreateSAMLProvider, iamapi.CreateSAMLProviderRequest{Name: "House", SAMLMetadataDocument: samltest.Metadata(samltest.One())})
	if err != nil && fault.Of(err).Code != "EntityAlreadyExists" {
		w.t.Fatal(err)
	}
	trust := `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Federated":"` + house + `"},"Action":["sts:AssumeRoleWithSAML","sts:TagSession"],` +
		`"Condition":{"StringLike":{"SAML:aud":"*/saml"},"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}}}}`
	arn := must(w, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: name, AssumeRolePolicyDocument: trust}).Role.Arn
	w.may(name, actions...)
	return arn
}

// post has a browser send a response from the identity provider's own page.
func (w *world) post(b *testkit.Browser, l samltest.Login, more ...string) testkit.Shown {
	w.t.Helper()
	if l.Now.IsZero() {
		l.Now = w.srv.Now()
	}
	b.Origin = "https://idp.example.org"
	defer func() { b.Origin = "" }()
	return b.Post("/saml", append([]string{"SAMLResponse", l.Post(w.t)}, more...)...)
}

func offering(roles ...string) (all []string) {
	for _, r := range roles {
		all = append(all, r+","+house)
	}
	return all
}

// events are those of a name in the trail, as JSON, the newest first.
func (w *world) events(name string) (all []string) {
	w.t.Helper()
	out := must(w, cloudtrailapi.LookupEvents, cloudtrailapi.LookupEventsRequest{
		LookupAttributes: []cloudtrailapi.LookupAttribute{{AttributeKey: "EventName", AttributeValue: name}},
	})
	for _, e := range out.Events {
		all = append(all, *e.CloudTrailEvent)
	}
	return all
}

// Somebody new comes from the portal of a company, straight in, and is the same
// one ever after.
func TestSAML(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		role := w.samlRole("people", "quicksight:CreateUser", "quicksight:CreateReader")
		mail := map[string][]string{"PrincipalTag:Email": {"ana@example.org"}, "SessionDuration": {"1800"}}
		b := w.srv.Browser(t)
		page := w.post(b, samltest.Login{Roles: offering(role), Attributes: mail, Recipient: public + "/saml", Audience: public + "/saml"}, "RelayState", public+"/signin/you?x=1")
		if page.Status != 200 || page.At != "/signin/you?x=1" || !strings.Contains(page.Text(), "people/ana") || !strings.Contains(page.Text(), "Author") {
			t.Fatalf("%d %s %s", page.Status, page.At, page.Text())
		}
		for _, c := range page.Set {
			if c.Name == session && (c.MaxAge != 1800 || !c.HttpOnly || !c.Secure || c.SameSite != http.SameSiteLaxMode) {
				t.Errorf("the cookie is %v", c)
			}
		}
		u := w.user("people/ana")
		if *u.Email != "ana@example.org" || *u.Role != "AUTHOR" || *u.IdentityType != "IAM" || !strings.HasSuffix(*u.PrincipalId, ":ana") {
			t.Errorf("made %s as %s, %s, %s", *u.Email, *u.Role, *u.IdentityType, *u.PrincipalId)
		}
		before := w.users()
		again := w.srv.Browser(t)
		// A place elsewhere is not gone to, and the addresses of AWS are as good as ours.
		if page := w.post(again, samltest.Login{Roles: offering(role)}, "RelayState", "https://quicksight.aws.amazon.com/sn/start"); page.Status != 200 || page.At != "/signin/you" {
			t.Errorf("the second time: %d %s %s", page.Status, page.At, page.Text())
		}
		if got := w.users(); got != before {
			t.Errorf("%d users, %d before", got, before)
		}
		var event struct {
			UserIdentity        struct{ UserName string }
			AdditionalEventData map[string]string
		}
		logins := w.events("ConsoleLogin")
		if err := json.Unmarshal([]byte(logins[0]), &event); err != nil {
			t.Fatal(err)
		}
		if d := event.AdditionalEventData; len(logins) != 2 || event.UserIdentity.UserName != "people/ana" || d["Method"] != "saml" || d["Provider"] != house ||
			d["Session"] != "arn:aws:sts::"+account+":assumed-role/people/ana" {
			t.Errorf("the trail has %v", logins)
		}
	})
}

// Who has several roles chooses; the answer is looked at as if it came anew.
func TestChoosingARole(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		reader, admin := w.samlRole("readers", "quicksight:CreateReader"), w.samlRole("admins", "quicksight:CreateAdmin")
		stranger := "arn:aws:iam::444455556666:role/others"
		b := w.srv.Browser(t)
		l := samltest.Login{
			Now: w.srv.Now(), Attributes: map[string][]string{"PrincipalTag:Email": {"ana@example.org"}},
			Roles: append(offering(reader, admin, stranger), "arn:aws:iam::444455556666:saml-provider/House,"+stranger, "rubbish"),
		}
		page := w.post(b, l, "RelayState", "/signin/you?y=2")
		if page.Status != 200 || page.Heading() != "Choose a role" || strings.Contains(page.Body, "others") || !strings.Contains(page.Text(), "("+account+") readers admins") {
			t.Fatalf("%d %s", page.Status, page.Text())
		}
		if len(page.Body) > 40<<10 {
			t.Errorf("the page weighs %d bytes", len(page.Body))
		}
		fields := hidden(page)
		if p := b.Post("/saml", fields...); p.Status != 422 || !strings.Contains(p.Text(), "Choose one of the roles.") {
			t.Errorf("without a choice: %d %s", p.Status, p.Text())
		}
		if p := b.Post("/saml", append(fields, "roleIndex", stranger)...); p.Status != 422 {
			t.Errorf("a role that is not offered: %d %s", p.Status, p.Text())
		}
		if p := b.Post("/saml", append(fields, "roleIndex", admin)...); p.Status != 200 || p.At != "/signin/you?y=2" || !strings.Contains(p.Text(), "Administrator") {
			t.Errorf("with a choice: %d %s %s", p.Status, p.At, p.Text())
		}
		if p := b.Post("/saml", append(fields, "roleIndex", admin)...); p.Status != 403 || !strings.Contains(p.Text(), "was used for this role before") {
			t.Errorf("the same once more: %d %s", p.Status, p.Text())
		}
	})
}

// hidden are the hidden fields of a page's form.
func hidden(p testkit.Shown) (fields []string) {
	for _, m := range hiddenField.FindAllStringSubmatch(p.Body, -1) {
		fields = append(fields, m[1], html.UnescapeString(m[2]))
	}
	return fields
}

var hiddenField = regexp.MustCompile(`<input type="hidden" name="([^"]+)" value="([^"]*)">`)

// Who has no e-mail address is asked for it.
func TestSAMLWithoutEmail(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		role := w.samlRole("people", "quicksight:CreateReader")
		b := w.srv.Browser(t)
		page := w.post(b, samltest.Login{Roles: offering(role)})
		if page.Status != 200 || !strings.Contains(page.Body, `name="email"`) {
			t.Fatalf("%d %s", page.Status, page.Text())
		}
		page = b.Post("/signin/oidc/email", append(hidden(page), "email", "ana@example.org")...)
		if page.Status != 200 || page.At != "/signin/you" || *w.user("people/ana").Email != "ana@example.org" {
			t.Errorf("%d %s %s", page.Status, page.At, page.Text())
		}
	})
}

func TestSAMLRefusals(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		role, poor := w.samlRole("people", "quicksight:CreateReader"), w.samlRole("poor")
		closed := must(w, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "closed", AssumeRolePolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRoleWithSAML"}}`}).Role.Arn
		const away = "444455556666"
		other := w.srv.As(t, away)
		if _, err := testkit.Call(t, other, iamapi.CreateSAMLProvider, iamapi.CreateSAMLProviderRequest{Name: "House", SAMLMetadataDocument: samltest.Metadata(samltest.One())}); err != nil {
			t.Fatal(err)
		}
		users := w.users()
		for name, x := range map[string]struct {
			login  samltest.Login
			status int
			title  string
			event  string // what the trail has of it; empty for nothing
		}{
			"forged":               {samltest.Login{Roles: offering(role), Key: samltest.Two()}, 403, "The sign-in did not work", "InvalidIdentityToken: Response signature invalid"},
			"unsigned":             {samltest.Login{Roles: offering(role), Unsigned: true}, 403, "The sign-in did not work", "InvalidIdentityToken: Response signature invalid"},
			"for another":          {samltest.Login{Roles: offering(role), Audience: "https://other"}, 403, "The sign-in did not work", "InvalidIdentityToken: Response does not contain the required audience"},
			"late":                 {samltest.Login{Roles: offering(role), Now: w.srv.Now().Add(-time.Hour)}, 403, "This took too long", "ExpiredTokenException"},
			"rejected":             {samltest.Login{Status: "urn:oasis:names:tc:SAML:2.0:status:AuthnFailed"}, 403, "You were not let through", ""},
			"no role":              {samltest.Login{}, 403, "The sign-in did not work", ""},
			"no session name":      {samltest.Login{Roles: offering(role), Session: "-"}, 403, "The sign-in did not work", "InvalidIdentityToken: RoleSessionName is required in AuthnResponse"},
			"no trust":             {samltest.Login{Roles: offering(closed)}, 403, "You have no access yet", "AccessDenied: Not authorized to perform sts:AssumeRoleWithSAML"},
			"no rights":            {samltest.Login{Roles: offering(poor)}, 403, "You have no access yet", "No policy of"},
			"an account without":   {samltest.Login{Roles: []string{"arn:aws:iam::" + away + ":role/r,arn:aws:iam::" + away + ":saml-provider/House"}}, 403, "There is nothing to sign in to", ""},
			"an unknown provider":  {samltest.Login{Roles: []string{role + ",arn:aws:iam::" + account + ":saml-provider/Absent"}}, 403, "The sign-in did not work", "Specified provider doesn't exist"},
			"a provider elsewhere": {samltest.Login{Roles: []string{role + ",arn:aws:iam::" + away + ":saml-provider/House"}}, 403, "The sign-in did not work", ""},
		} {
			before := len(w.events("ConsoleLogin"))
			b := w.srv.Browser(t)
			page := w.post(b, x.login)
			if page.Status != x.status || page.Heading() != x.title || b.Cookie(session) != "" {
				t.Errorf("%s: %d %s, want %d %s", name, page.Status, page.Text(), x.status, x.title)
			}
			events := w.events("ConsoleLogin")
			if x.event == "" && len(events) != before || x.event != "" && (len(events) != before+1 || !strings.Contains(events[0], x.event) || !strings.Contains(events[0], `"Method":"saml"`)) {
				t.Errorf("%s: the trail has %d more: %v", name, len(events)-before, events)
			}
		}
		b := w.srv.Browser(t)
		if p := b.Get("/saml"); p.Status != 405 || p.Heading() != "There is nothing to sign in with" {
			t.Errorf("GET: %d %s", p.Status, p.Text())
		}
		if p := b.Post("/saml"); p.Status != 400 {
			t.Errorf("nothing: %d %s", p.Status, p.Text())
		}
		if p := b.Post("/saml", "SAMLResponse", strings.Repeat("A", 200_000)); p.Status != 403 {
			t.Errorf("too long: %d %s", p.Status, p.Text())
		}
		if p := b.Post("/saml", "SAMLResponse", strings.Repeat("A", 2<<20)); p.Status != 400 {
			t.Errorf("far too long: %d %s", p.Status, p.Text())
		}
		// Nothing else takes forms of other sites.
		b.Origin = "https://idp.example.org"
		for _, at := range []string{"/signin", "/signin/oidc/email", "/federation", "/saml/x", "/static/saml-metadata.xml"} {
			if p := b.Post(at, "SAMLResponse", "x"); p.Status != 403 && p.Status != 404 && p.Status != 405 {
				t.Errorf("%s takes the form of another site: %d %s", at, p.Status, p.Text())
			}
		}
		if got := w.users(); got != users {
			t.Errorf("%d users, %d before", got, users)
		}
	})
}

func TestSAMLMetadata(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, w *world) {
		p := w.srv.Browser(t).Get("/static/saml-metadata.xml")
		if p.Status != 200 || !strings.HasPrefix(p.Header.Get("Content-Type"), "application/samlmetadata+xml") || strings.Count(p.Body, `"`+public+`/saml"`) != 2 {
			t.Errorf("%d %v %s", p.Status, p.Header, p.Body)
		}
	})
}
