package action_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store/storetest"
	"onsight/internal/testkit"
)

// An application of Microsoft Graph: its token says what an administrator has
// consented to, and it acts for the person whom each call names.
func TestGraph(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			m := newTenant(t)
			srv := testkit.Start(t, storetest.Config(t, dialect), testkit.Near(t, m.Server), checking)
			srv.Subscribe(t)
			testGraph(t, srv, m)
		})
	}
}

func testGraph(t *testing.T, srv *testkit.Server, m *tenant) {
	t.Helper()
	create := func(id, secret, roles string, want qs.ResourceStatus) string {
		t.Helper()
		m.roles.Store(roles)
		return message(makeConnector(t, srv, id, "MICROSOFT_OUTLOOK", "OAUTH2_CLIENT_CREDENTIALS", m.application(secret), want))
	}
	for _, c := range []struct {
		id, secret, roles string
		want              []string
	}{
		{"secret", "bad", `["User.Read.All"]`, []string{"AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value. Trace ID: 4d4f Correlation ID: 9c5d"}},
		{"nothing", "good", `[]`, []string{
			"may not be used for anything. The connector's actions need Mail.ReadWrite, Mail.Send, Calendars.ReadWrite, User.Read.All, Contacts.Read, Place.Read.All, MailboxSettings.Read.",
			"have an administrator grant consent",
		}},
		{"little", "good", `["Mail.Send","Mail.ReadWrite"]`, []string{
			"Authorization_RequestDenied: Insufficient privileges", "need Calendars.ReadWrite, User.Read.All, Contacts.Read, Place.Read.All, MailboxSettings.Read. Add them",
		}},
	} {
		said := create(c.id, c.secret, c.roles, "CREATION_FAILED")
		for _, want := range c.want {
			if !strings.Contains(said, want) {
				t.Errorf("%s: %q, want %q", c.id, said, want)
			}
		}
	}
	create("mail", "good", `["User.Read.All","Mail.Read"]`, "CREATION_SUCCESSFUL")
	if seen := m.asked(); !slices.ContainsFunc(seen, func(s string) bool { return strings.HasPrefix(s, "GET /v1.0/users?%24top=1 Bearer e30.") }) {
		t.Errorf("asked %q", seen)
	}
	out, err := invoke(t, srv, "mail", "ListUserMails", `{"userId":"u1"}`)
	if got := body(out); err != nil || got != `[{"id":"m1"}]` {
		t.Errorf("%s, %v", got, err)
	}
	_, err = invoke(t, srv, "mail", "ListUserMails", `{}`)
	wantFault(t, "of nobody", err, "InvalidParameterValueException", `lacks "userId"`)
	_, err = invoke(t, srv, "mail", "FindMeetingTimes", `{"start":"2026-05-04T09:00:00","end":"2026-05-04T17:00:00"}`)
	wantFault(t, "what only people may", err, "InvalidParameterValueException", "can't be performed with the authentication type")

	// What an action takes depends on who acts.
	makeConnector(t, srv, "own", "MICROSOFT_OUTLOOK", "OAUTH2_AUTHORIZATION_CODE", m.person(), "CREATION_SUCCESSFUL")
	for id, want := range map[string]bool{"mail": true, "own": false} {
		d, err := testkit.Call(t, srv, onsightapi.DescribeAction, onsightapi.DescribeActionRequest{AwsAccountId: account, ActionConnectorId: id, ActionId: "ListUserMails"})
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(string(d.Action.InputSchema), `"required":["userId"]`); got != want {
			t.Errorf("%s: input %s", id, d.Action.InputSchema)
		}
		if !strings.Contains(string(d.Action.OutputSchema), `"bodyPreview"`) {
			t.Errorf("%s: output %s", id, d.Action.OutputSchema)
		}
		l, err := testkit.Call(t, srv, onsightapi.ListActions, onsightapi.ListActionsRequest{AwsAccountId: account, ActionConnectorId: id})
		if err != nil {
			t.Fatal(err)
		}
		finds := slices.ContainsFunc(l.Actions, func(a onsightapi.ActionSummary) bool { return *a.ActionId == "FindMeetingTimes" })
		if finds == want {
			t.Errorf("%s: offers FindMeetingTimes: %t", id, finds)
		}
	}
}

// tenant is Microsoft's token endpoint, and Graph.
type tenant struct {
	*vendor
	roles atomic.Value // JSON of the claim
}

func newTenant(t *testing.T) *tenant {
	t.Helper()
	m := &tenant{vendor: newVendor(t)}
	m.roles.Store(`[]`)
	m.on("/contoso/oauth2/v2.0/token", func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("client_secret") != "good" {
			says(401, `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided. Ensure the secret being sent in the request is the client secret value. Trace ID: 4d4f Correlation ID: 9c5d","error_codes":[7000215]}`)(w, r)
			return
		}
		if r.PostFormValue("scope") != m.URL+"/.default" || r.PostFormValue("grant_type") != "client_credentials" || r.PostFormValue("client_id") != "app" {
			says(400, `{"error":"invalid_scope","error_description":"AADSTS1002012: The provided value for scope is not valid."}`)(w, r)
			return
		}
		claims := base64.RawURLEncoding.EncodeToString([]byte(`{"aud":"https://graph.microsoft.com","roles":` + m.roles.Load().(string) + `}`))
		says(200, `{"token_type":"Bearer","expires_in":3599,"access_token":"e30.`+claims+`.c2ln"}`)(w, r)
	})
	m.on("/v1.0/users", func(w http.ResponseWriter, r *http.Request) {
		if !strings.Contains(m.roles.Load().(string), "User.Read.All") {
			says(403, `{"error":{"code":"Authorization_RequestDenied","message":"Insufficient privileges to complete the operation."}}`)(w, r)
			return
		}
		says(200, `{"value":[{"id":"u1"}]}`)(w, r)
	})
	m.on("/v1.0/users/u1/messages", says(200, `{"value":[{"id":"m1"}]}`))
	return m
}

func (m *tenant) application(secret string) qs.AuthenticationMetadata {
	return qs.AuthenticationMetadata{ClientCredentialsGrantMetadata: &qs.ClientCredentialsGrantMetadata{
		BaseEndpoint: m.URL + "/v1.0",
		ClientCredentialsDetails: &qs.ClientCredentialsDetails{ClientCredentialsGrantDetails: &qs.ClientCredentialsGrantDetails{
			ClientId: "app", ClientSecret: qs.Secret(secret), TokenEndpoint: m.URL + "/contoso/oauth2/v2.0/token",
		}},
	}}
}

func (m *tenant) person() qs.AuthenticationMetadata {
	return qs.AuthenticationMetadata{AuthorizationCodeGrantMetadata: &qs.AuthorizationCodeGrantMetadata{
		BaseEndpoint: m.URL + "/v1.0", RedirectUrl: "https://onsight.example.org/sn/oauthcallback",
		AuthorizationCodeGrantCredentialsDetails: &qs.AuthorizationCodeGrantCredentialsDetails{
			AuthorizationCodeGrantDetails: &qs.AuthorizationCodeGrantDetails{
				ClientId: "app", ClientSecret: "good", TokenEndpoint: m.URL + "/contoso/oauth2/v2.0/token", AuthorizationEndpoint: m.URL + "/contoso/oauth2/v2.0/authorize",
			},
		},
	}}
}

// A person who has signed in acts for themselves, and nobody is named.
func TestGraphPerson(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t)
			i.style = "body"
			i.on("/v1.0/me", says(200, `{"id":"u1","userPrincipalName":"ana@example.org"}`))
			i.on("/v1.0/me/messages", says(200, `{"value":[{"id":"m1"}],"@odata.nextLink":"https://elsewhere.example/v1.0/me/messages?$skip=1"}`))
			i.on("/v1.0/me/sendMail", says(202, ``))
			srv := testkit.Start(t, storetest.Config(t, dialect), testkit.Near(t, i.Server))
			srv.Subscribe(t)
			m := i.code()
			m.AuthorizationCodeGrantMetadata.BaseEndpoint = i.URL // without /v1.0
			makeConnector(t, srv, "own", "MICROSOFT_OUTLOOK", "OAUTH2_AUTHORIZATION_CODE", m, "CREATION_SUCCESSFUL")
			_, err := invoke(t, srv, "own", "ListUserMails", `{}`)
			wantFault(t, "not signed in", err, "AccessTokenNotFoundException", "")

			b := srv.Browser(t)
			page := start(t, srv, "own")
			if shown := b.Get(page); shown.Status != 200 {
				t.Fatalf("%d %s", shown.Status, shown.Text())
			}
			to := leave(t, srv, b, page)
			u, err := url.Parse(to)
			if err != nil {
				t.Fatal(err)
			}
			want := "Mail.ReadWrite Mail.Send Calendars.ReadWrite Calendars.ReadWrite.Shared User.Read User.Read.All Contacts.Read Place.Read.All MailboxSettings.Read offline_access"
			if got := u.Query().Get("scope"); got != want {
				t.Errorf("scopes %q, want %q", got, want)
			}
			if shown := b.Get(i.authorize(t, to)); shown.Status != 200 || !strings.Contains(shown.Text(), "ana@example.org") {
				t.Fatalf("back from the service: %d %s", shown.Status, shown.Text())
			}

			out, err := invoke(t, srv, "own", "ListUserMails", `{"top":1}`)
			if got := body(out); err != nil || got != `[{"id":"m1"}]` || out.NextToken == nil {
				t.Fatalf("%s, %v", got, err)
			}
			i.vendor.asked()
			_, err = invoke(t, srv, "own", "ListUserMails", `{"top":1}`, func(in *onsightapi.InvokeActionRequest) { in.NextToken = out.NextToken })
			wantFault(t, "a page elsewhere", err, "ActionFailedException", "elsewhere.example")
			if seen := i.vendor.asked(); len(seen) > 0 {
				t.Errorf("asked %q for a page elsewhere", seen)
			}
			_, err = invoke(t, srv, "own", "ListUserMails", `{"userId":"ben@example.org"}`)
			wantFault(t, "of somebody else", err, "InvalidParameterValueException", `has no member "userId"`)
			if _, err = invoke(t, srv, "own", "SendUserEmail", `{"to":["ben@example.org"],"subject":"S","body":"B"}`); err != nil {
				t.Error(err)
			}
			_, err = invoke(t, srv, "own", "SendUserEmail", `{"to":["ben"],"subject":"S","body":"B"}`)
			wantFault(t, "no address", err, "InvalidParameterValueException", "/to/0: must match")
			_, err = invoke(t, srv, "own", "SendUserEmail", `{"to":["ben@example.org"],"subject":"S","body":"B","attachments":[{"name":"a","content":"`+strings.Repeat("a", 4<<20+4)+`"}]}`)
			wantFault(t, "a large file", err, "InvalidParameterValueException", "/attachments/0/content: has 4194308 characters, and may have 4194304")
		})
	}
}
