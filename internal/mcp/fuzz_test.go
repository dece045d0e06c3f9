package mcp

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"onsight/internal/seal"
)

// Whatever an address looks like, the browser goes to the host that was
// registered, or to this machine.
func FuzzRedirect(f *testing.F) {
	for _, s := range []string{
		"https://agent.example.com/back", "http://127.0.0.1:1/back", "http://[::1]/back", "http://localhost/back", "https://agent.example.com@evil.example.com/back",
		`https://evil.example.com\@agent.example.com/back`, "https://agent.example.com/back/../x", "http://127.0.0.1:80:80/back", "http://127.0.0.1/back?", "https:/agent.example.com/back",
		"http://[::ffff:127.0.0.1]/back", "http://127.1/back", "https://agent.example.com/back#", "HTTPS://agent.example.com/back",
	} {
		f.Add(s)
	}
	c := client{Redirects: []string{"https://agent.example.com/back", "http://127.0.0.1/back"}}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := redirectURI(text)
		if err != nil || !c.redirects(u) {
			return
		}
		again, err := url.Parse(u.String())
		if err != nil || again.User != nil || again.Fragment != "" || again.EscapedPath() != "/back" || again.RawQuery != "" {
			t.Fatalf("%q leads to %v, %v", text, again, err)
		}
		if origin := again.Scheme + "://" + again.Hostname(); origin != "https://agent.example.com" && origin != "http://127.0.0.1" || again.Scheme == "https" && again.Port() != "" {
			t.Fatalf("%q leads to %s", text, again)
		}
	})
}

// A client id that anybody has made up is none.
func FuzzClientID(f *testing.F) {
	s := New(Config{Keys: seal.New(), Now: time.Now, PublicURL: "https://onsight.example.org"})
	id, err := s.clientID(&client{ID: "0123456789abcdef", Name: "n", Redirects: []string{"https://a.example.com/"}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(id)
	f.Add("0123456789abcdef.")
	f.Add(strings.Replace(id, "0", "1", 1))
	f.Fuzz(func(t *testing.T, text string) {
		if c, ok := s.clientOf(text); ok && text != id {
			t.Fatalf("%q is %+v", text, c)
		}
		readPersonal(text)
		readSecret(text)
		if verifies(text, text) {
			t.Fatalf("%q verifies itself", text)
		}
	})
}

// Names of tools are good, whatever connectors and actions are called, and no two
// are the same.
func FuzzNames(f *testing.F) {
	f.Add("The Shop", "HttpGet", "the shop", "HttpGet")
	f.Add("", "", "ü", "…")
	f.Add(strings.Repeat("x", 300), strings.Repeat("y", 64), strings.Repeat("x", 301), strings.Repeat("y", 64))
	f.Add("search", "tools", "call", "tool")
	f.Fuzz(func(t *testing.T, name1, action1, name2, action2 string) {
		all := named([]tool{
			{connector: Connector{ARN: "arn:1", ID: "one", Name: name1}, action: Action{ID: action1}},
			{connector: Connector{ARN: "arn:2", ID: "two", Name: name2}, action: Action{ID: action2}},
		})
		for _, one := range all {
			if len(one.name) > longestName || len(one.name) < 3 || strings.Trim(one.name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-") != "" || reserved(one.name) {
				t.Fatalf("a tool is called %q", one.name)
			}
			head, _, _ := strings.Cut(one.name, "_")
			if !likely(&one.connector, head) {
				t.Fatalf("%q is not found by its name", one.name)
			}
		}
		if strings.EqualFold(all[0].name, all[1].name) {
			t.Fatalf("two tools are called %q", all[0].name)
		}
	})
}
