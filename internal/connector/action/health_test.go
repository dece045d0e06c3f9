package action_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"mime/quotedprintable"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"onsight/internal/config"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
	"onsight/internal/testkit"
)

// A postbox is a mail server that keeps its letters. The browser suite has one
// that somebody else wrote.
type postbox struct {
	address string
	letters chan string
}

func newPostbox(t *testing.T) *postbox {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	p := &postbox{l.Addr().String(), make(chan string, 100)}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go p.converse(c)
		}
	}()
	return p
}

func (p *postbox) converse(c net.Conn) {
	defer func() { _ = c.Close() }()
	say := func(s string) { _, _ = fmt.Fprint(c, s+"\r\n") }
	say("220 here")
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		switch word, _, _ := strings.Cut(strings.ToUpper(lines.Text()), " "); word {
		case "DATA":
			say("354 go on")
			var text strings.Builder
			for lines.Scan() && lines.Text() != "." {
				text.WriteString(lines.Text() + "\n")
			}
			plain, err := io.ReadAll(quotedprintable.NewReader(strings.NewReader(text.String())))
			if err != nil {
				plain = []byte(text.String())
			}
			p.letters <- string(plain)
			say("250 kept")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 fine")
		}
	}
}

func (p *postbox) use(c *config.Config) {
	c.SMTPURL, c.SMTPFrom = "smtp://"+p.address, "bi@example.org"
}

// next gives the next letter, with each of some texts in it.
func (p *postbox) next(t *testing.T, want ...string) {
	t.Helper()
	select {
	case letter := <-p.letters:
		for _, w := range want {
			if !strings.Contains(letter, w) {
				t.Errorf("no %q in\n%s", w, letter)
			}
		}
	case <-time.After(20 * time.Second):
		t.Fatalf("no letter with %q", want)
	}
}

func (p *postbox) none(t *testing.T) {
	t.Helper()
	select {
	case letter := <-p.letters:
		t.Errorf("a letter too many: %s", letter)
	default:
	}
}

// checkedTo waits until a connector's checks have come to a number of failures.
func checkedTo(t *testing.T, srv *testkit.Server, id string, failures int64) *onsightapi.ActionConnectorHealth {
	t.Helper()
	deadline := time.Now().Add(20 * time.Second)
	for {
		h := guards(t, srv, id).Health
		if h != nil && h.Failures != nil && *h.Failures == failures && h.NextCheckTime.After(srv.Now()) {
			return h
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s does not come to %d failures: %+v", id, failures, h)
		}
		time.Sleep(5 * time.Millisecond)
	}
}

// noticed counts the events of a name, and gives the reason of the last.
func noticed(t *testing.T, srv *testkit.Server, name string) (n int, reason, user string) {
	t.Helper()
	out, err := testkit.Call(t, srv, onsightapi.ListAuditRecords, onsightapi.ListAuditRecordsRequest{AwsAccountId: account})
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range out.Records {
		var r struct {
			EventName, EventType string
			ServiceEventDetails  struct{ ActionConnectorID, Reason, EndUserArn string }
		}
		if err := json.Unmarshal(text, &r); err != nil {
			t.Fatal(err)
		}
		if r.EventName == name && r.EventType == "AwsServiceEvent" {
			n, reason, user = n+1, r.ServiceEventDetails.Reason, r.ServiceEventDetails.EndUserArn
		}
	}
	return n, reason, user
}

func register(t *testing.T, srv *testkit.Server, name string) string {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.RegisterUser, qs.RegisterUserRequest{
		AwsAccountId: account, Namespace: "default", UserName: &name, Email: name + "@example.org", IdentityType: "QUICKSIGHT", UserRole: "AUTHOR",
	})
	if err != nil {
		t.Fatal(err)
	}
	_, token, _ := strings.Cut(*out.UserInvitationUrl, "token=")
	token, err = url.QueryUnescape(token)
	if err != nil {
		t.Fatal(err)
	}
	if page := srv.Browser(t).Post("/inviteuser", "token", token, "new-password", "Correct7horse-staple", "repeat-password", "Correct7horse-staple"); page.Heading() != "Your account" {
		t.Fatalf("%d %s", page.Status, page.Text())
	}
	return *out.User.Arn
}

// own puts an owner on a connector's permission list.
func own(t *testing.T, srv *testkit.Server, id, principal string) {
	t.Helper()
	_, err := testkit.Call(t, srv, qs.UpdateActionConnectorPermissions, qs.UpdateActionConnectorPermissionsRequest{
		AwsAccountId: account, ActionConnectorId: id, GrantPermissions: []qs.ResourcePermission{{Principal: principal, Actions: []string{
			"quicksight:DescribeActionConnector", "quicksight:UpdateActionConnectorPermissions", "quicksight:DescribeActionConnectorPermissions",
			"quicksight:UpdateActionConnector", "quicksight:DeleteActionConnector",
		}}},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestVerification(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			v, box := newVendor(t), newPostbox(t)
			v.on("/", says(200, `{}`))
			srv := testkit.Start(t, storetest.Config(t, dialect), testkit.Near(t, v.Server), box.use)
			srv.Subscribe(t)
			makeConnector(t, srv, "shop", "GENERIC_HTTP", "API_KEY", withKey(v.URL, "k"), "CREATION_SUCCESSFUL")
			own(t, srv, "shop", register(t, srv, "olga"))
			hourly := onsightapi.ActionConnectorGuards{Verification: new(onsightapi.ActionVerificationHourly)}
			mustGuard(t, srv, "shop", hourly)
			h := checkedTo(t, srv, "shop", 0)
			if !*h.Passed || h.NextCheckTime.Before(srv.Now().Add(50*time.Minute)) || h.NextCheckTime.After(srv.Now().Add(70*time.Minute)) {
				t.Errorf("the first check: %+v", h)
			}
			// The same again begins nothing anew.
			next := *h.NextCheckTime
			mustGuard(t, srv, "shop", hourly)
			if h := guards(t, srv, "shop").Health; !h.NextCheckTime.Equal(next) {
				t.Errorf("checked anew at %s, not %s", h.NextCheckTime, next)
			}
			v.on("/", says(401, `{"message":"no such key"}`))
			for n := range int64(4) {
				srv.Advance(70 * time.Minute)
				checkedTo(t, srv, "shop", n+1)
				if n < 2 {
					box.none(t)
				}
			}
			box.next(t, "To: <olga@example.org>", "Subject: The connector The shop does not work", "3 times in a row", "The service does not accept ApiKey. Check it.", "onsight connector test -id shop", "because you own the connector")
			if n, reason, _ := noticed(t, srv, "ActionConnectorCheckFailed"); n != 1 || !strings.Contains(reason, "does not accept ApiKey") {
				t.Errorf("%d events (%s), want 1", n, reason)
			}
			if h := guards(t, srv, "shop").Health; *h.Passed || h.FailingSince == nil || !strings.Contains(*h.Message, "does not accept ApiKey") {
				t.Errorf("health %+v", h)
			}
			v.on("/", says(200, `{}`))
			srv.Advance(70 * time.Minute)
			checkedTo(t, srv, "shop", 0)
			box.next(t, "Subject: The connector The shop works again", "You need not do anything.")
			if n, _, _ := noticed(t, srv, "ActionConnectorCheckRecovered"); n != 1 {
				t.Errorf("%d events of recovery, want 1", n)
			}
			// Off is off; and a connector that is gone is checked no more.
			mustGuard(t, srv, "shop", onsightapi.ActionConnectorGuards{})
			v.asked()
			srv.Advance(48 * time.Hour)
			srv.Done(t, "connector.check", "arn:aws:quicksight:us-east-1:"+account+":action-connector/shop")
			if seen := v.asked(); len(seen) != 0 {
				t.Errorf("checked though it is off: %v", seen)
			}
			box.none(t)
			mustGuard(t, srv, "shop", hourly)
			checkedTo(t, srv, "shop", 0)
			if _, err := testkit.Call(t, srv, qs.DeleteActionConnector, qs.DeleteActionConnectorRequest{AwsAccountId: account, ActionConnectorId: "shop"}); err != nil {
				t.Fatal(err)
			}
			srv.Advance(2 * time.Hour)
			srv.Done(t, "connector.check", "arn:aws:quicksight:us-east-1:"+account+":action-connector/shop")
			var left int64
			srv.Write(t, func(tx *store.Tx) (err error) {
				left, err = store.One[int64](tx, `SELECT (SELECT count(*) FROM connector_health) + (SELECT count(*) FROM connector_usage)`)
				return err
			})
			if left != 0 {
				t.Errorf("%d rows are left of a connector that is gone", left)
			}
		})
	}
}

func TestClientRefused(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			i, box := newIssuer(t), newPostbox(t)
			srv := testkit.Start(t, storetest.Config(t, dialect), testkit.Near(t, i.Server), box.use, func(c *config.Config) { c.Language = "de" })
			srv.Subscribe(t)
			makeConnector(t, srv, "robot", "GENERIC_HTTP", "OAUTH2_CLIENT_CREDENTIALS", i.client(i.secret), "CREATION_SUCCESSFUL")
			fail := func() {
				t.Helper()
				srv.Advance(2 * time.Hour)
				_, err := invoke(t, srv, "robot", "HttpGet", me)
				wantFault(t, "refused", err, "TokenResponseException", "invalid_client")
			}
			i.set(func() { i.secret = "another" })
			fail()
			fail()
			// Nobody owns it: the account's own address is told, once.
			box.next(t, "To: <admin@example.org>", "Subject: Der Dienst weist den Connector The robot ab", "invalid_client", "Adresse für Benachrichtigungen")
			if h := guards(t, srv, "robot").Health; h == nil || h.CredentialsRefusedSince == nil {
				t.Errorf("health %+v", h)
			}
			i.set(func() { i.secret = "s3cr3t&ä" })
			srv.Advance(2 * time.Hour)
			if _, err := invoke(t, srv, "robot", "HttpGet", me); err != nil {
				t.Fatal(err)
			}
			if h := guards(t, srv, "robot").Health; h != nil {
				t.Errorf("it is accepted again: %+v", h)
			}
			i.set(func() { i.secret = "another" })
			fail()
			box.next(t, "Der Dienst weist")
			box.none(t)
			if n, _, _ := noticed(t, srv, "ActionConnectorClientRefused"); n != 2 {
				t.Errorf("%d events, want 2", n)
			}
		})
	}
}

// An authorisation that nobody uses is renewed each day, by one of two servers;
// one that is void is, once, told to whom it belonged.
func TestKeepAlive(t *testing.T) {
	t.Parallel()
	const chore = "renew authorisations of people"
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			i, box := newIssuer(t), newPostbox(t)
			db, near := storetest.Config(t, dialect), testkit.Near(t, i.Server)
			seal := testkit.SealKey(t.TempDir() + "/seal.key")
			srv := testkit.Start(t, db, near, seal, box.use)
			servers := []*testkit.Server{srv}
			if db.URL != "" {
				servers = append(servers, testkit.Start(t, db, near, seal, box.use))
			}
			srv.Subscribe(t)
			makeConnector(t, srv, "mine", "GENERIC_HTTP", "OAUTH2_AUTHORIZATION_CODE", i.code(), "CREATION_SUCCESSFUL")
			wantFault(t, "nothing to check", guard(t, srv, "mine", onsightapi.ActionConnectorGuards{Verification: new(onsightapi.ActionVerificationDaily)}),
				"InvalidParameterValueException", "no credentials of its own")
			b := srv.Browser(t)
			if shown := b.Get(i.agree(t, srv, b, start(t, srv, "mine"))); shown.Heading() != "You are connected" {
				t.Fatalf("%s", shown.Text())
			}
			i.tokens()
			run := func() {
				for _, s := range servers {
					s.Chore(t, chore)
				}
			}
			run()
			if n := i.tokens(); n != 0 {
				t.Errorf("%d requests for tokens at once, want none", n)
			}
			for range 3 {
				for _, s := range servers {
					s.Advance(27 * time.Hour)
				}
				run()
				run()
				if n := i.tokens(); n != 1 {
					t.Errorf("%d requests for tokens after a day, want 1", n)
				}
			}
			if c := status(t, srv, "mine"); *c.Status != "CONNECTED" {
				t.Errorf("kept alive: %s", *c.Status)
			}
			// A service that is down ends nothing, and is asked again.
			for _, s := range servers {
				s.Advance(27 * time.Hour)
			}
			i.set(func() { i.fails = says(503, `{}`) })
			run()
			i.set(func() { i.fails = nil })
			for _, s := range servers {
				s.Advance(2 * time.Hour)
			}
			run()
			if n := i.tokens(); n != 2 {
				t.Errorf("%d requests for tokens around a failure, want 2", n)
			}
			for _, s := range servers {
				s.Advance(27 * time.Hour)
			}
			i.set(func() { clear(i.refresh) })
			run()
			if c := status(t, srv, "mine"); *c.Status != "NEEDS_REAUTH" {
				t.Errorf("revoked: %s", *c.Status)
			}
			if n, reason, user := noticed(t, srv, "ActionConnectionExpired"); n != 1 || !strings.Contains(reason, "invalid_grant") || user != "arn:aws:iam::"+account+":root" {
				t.Errorf("%d events (%s, %s), want 1", n, reason, user)
			}
			box.none(t)
		})
	}
}
