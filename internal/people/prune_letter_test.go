package people_test

import (
	"bufio"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"

	"onsight/internal/config"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store/storetest"
	"onsight/internal/testkit"
)

// A postbox is an SMTP server that keeps what it gets, and has nobody whose
// name begins with nobody.
type postbox struct {
	url string

	mu      sync.Mutex
	letters map[string][]string // by recipient
}

func newPostbox(t *testing.T) *postbox {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	b := &postbox{url: "smtp://" + l.Addr().String(), letters: map[string][]string{}}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go b.converse(c)
		}
	}()
	return b
}

func (b *postbox) converse(c net.Conn) {
	defer func() { _ = c.Close() }()
	say := func(text string) { _, _ = fmt.Fprint(c, text+"\r\n") }
	say("220 here")
	to := ""
	lines := bufio.NewScanner(c)
	for lines.Scan() {
		switch word, rest, _ := strings.Cut(lines.Text(), " "); strings.ToUpper(word) {
		case "RCPT":
			_, to, _ = strings.Cut(strings.TrimSuffix(rest, ">"), "<")
			if strings.HasPrefix(to, "nobody") {
				say("550 5.1.1 there is nobody of the name")
				continue
			}
			say("250 fine")
		case "DATA":
			say("354 go on")
			var text strings.Builder
			for lines.Scan() && lines.Text() != "." {
				text.WriteString(strings.TrimSuffix(lines.Text(), "=") + "\n")
			}
			b.mu.Lock()
			b.letters[to] = append(b.letters[to], text.String())
			b.mu.Unlock()
			say("250 kept")
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 fine")
		}
	}
}

func (b *postbox) to(address string) []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.letters[address]
}

// Who is warned is written to, once for each prune, and the report tells what
// became of it.
func TestPruneWrites(t *testing.T) {
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			post := newPostbox(t)
			srv := testkit.Start(t, storetest.Config(t, dialect), func(c *config.Config) { c.SMTPURL, c.SMTPFrom = post.url, "Onsight <bi@example.org>" })
			srv.Subscribe(t)
			for _, name := range []string{"nobody", "old"} {
				register(t, srv, name, "READER")
			}
			do(t, srv, qs.RegisterUser, qs.RegisterUserRequest{ // who is invited
				AwsAccountId: srv.Account, Namespace: "default", UserName: new("ana"), Email: "ana@example.org", IdentityType: qs.IdentityTypeQuicksight, UserRole: "READER",
			})
			srv.Advance(40 * day)
			policy := onsightapi.PrunePolicy{WarnAfterDays: new(int32(30)), DeactivateAfterDays: new(int32(90)), Language: new(onsightapi.LanguageDe)}
			letters := func(id string) string {
				t.Helper()
				srv.Done(t, "people.warn", srv.Account)
				var all []string
				for _, s := range do(t, srv, onsightapi.ListPruneSteps, onsightapi.ListPruneStepsRequest{AwsAccountId: srv.Account, PruneId: id}).Steps {
					if s.Letter != nil {
						all = append(all, *s.UserName+" "+string(*s.Letter))
					}
				}
				return strings.Join(all, ", ")
			}
			first, _ := apply(t, srv, policy)
			if got, want := letters(*first.PruneId), "ana SENT, nobody FAILED, old SENT"; got != want {
				t.Errorf("letters: %s, want %s", got, want)
			}
			got := post.to("ana@example.org")
			if len(got) != 1 {
				t.Fatalf("ana got %d letters, want 1", len(got))
			}
			for _, want := range []string{
				"Content-Language: de", "40 Tage lang nicht benutzt", "noch 50 Tage so", "/signin/forgotten?account=3Daccount-" + srv.Account, "username=3Dana", "lang=3Dde",
			} {
				if text := strings.ReplaceAll(got[0], "\n", ""); !strings.Contains(text, want) {
					t.Errorf("the letter lacks %q:\n%s", want, got[0])
				}
			}
			if old := post.to("old@example.org"); len(old) != 1 || !strings.Contains(strings.ReplaceAll(old[0], "\n", ""), "/signin?account=3Daccount-"+srv.Account) {
				t.Errorf("old got %q", old)
			}
			// Who was warned and not seen since is not warned again.
			second, _ := apply(t, srv, policy)
			if got := letters(*second.PruneId); got != "" || len(post.to("ana@example.org")) != 1 {
				t.Errorf("the second prune: letters %s; ana got %d", got, len(post.to("ana@example.org")))
			}
			if _, report := apply(t, srv, policy); strings.Contains(report, "WARN") {
				t.Errorf("warned again: %s", report)
			}
		})
	}
}
