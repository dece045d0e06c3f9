package signin_test

import (
	"bytes"
	"mime/multipart"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"onsight/internal/signin"
	"onsight/internal/testkit"
)

// odd are texts that no database takes for one.
var odd = []string{"a\x00b", "\x00", "\xff\xfe", "a\xc3", "\xed\xa0\x80", "\u202e\u0000"}

// fields are those of all forms.
var fields = []string{
	"account", "namespace", "username", "next", "token", "code", "recovery-code", "state", "credential", "name", "id", "session", "ticket",
	"factor", "way", "lang", "here",
}

// Whatever bytes a form, a query or a header has, it is answered in words, and
// never by a failure of the server; on PostgreSQL neither.
func TestOddBytes(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		in := join(t, srv, "ana")
		out := srv.Browser(t)
		fine := func(what string, page testkit.Shown) {
			t.Helper()
			if page.Status >= 500 {
				t.Errorf("%s: %d %s", what, page.Status, page.Text())
			}
		}
		patterns := (&signin.Service{}).Patterns()
		if len(patterns) < 30 {
			t.Fatalf("%d pages, too few to be all", len(patterns))
		}
		for _, pattern := range patterns {
			method, path, ok := strings.Cut(pattern, " ")
			if !ok || path == "/signin/out" && method == "POST" {
				continue // it would sign ana out
			}
			for _, o := range odd {
				var all []string
				for _, f := range fields {
					all = append(all, f, o)
				}
				passwords := append(slices.Clip(all), "password", o, "new-password", o, "repeat-password", o)
				for who, b := range map[string]*testkit.Browser{"ana": in, "nobody": out} {
					if method == "GET" {
						q := url.Values{}
						for i := 0; i+1 < len(all); i += 2 {
							q.Set(all[i], all[i+1])
						}
						fine(pattern+" by "+who, b.Get(path+"?"+q.Encode()))
						continue
					}
					fine(pattern+" by "+who, b.Post(path, all...))
					fine(pattern+" with passwords by "+who, b.Post(path, passwords...))
				}
			}
		}
		// The account is right, the user is odd; the other way round; all is right but
		// for the browser's own name.
		for _, o := range odd {
			for _, f := range [][]string{
				{"account", accountName, "username", "ana" + o, "password", good},
				{"account", accountName + o, "username", "ana", "password", good},
				{"account", accountName, "namespace", o, "username", "ana", "password", good},
				{"account", accountName, "username", "ana", "password", good + o},
			} {
				page := srv.Browser(t).Post("/signin", f...)
				if page.Status != 422 && page.Status != 429 || page.Status == 422 && !strings.Contains(page.Text(), "is not right") {
					t.Errorf("%q: %d %s", f, page.Status, page.Text())
				}
			}
			if page := srv.Browser(t).Post("/signin/forgotten", "account", accountName, "username", "ana"+o); page.Status >= 500 {
				t.Errorf("forgotten: %d %s", page.Status, page.Text())
			}
		}
		var body bytes.Buffer
		form := multipart.NewWriter(&body)
		for name, v := range map[string]string{"account": accountName, "username": "an\x00\xffa", "password": "x"} {
			if err := form.WriteField(name, v); err != nil {
				t.Fatal(err)
			}
		}
		_ = form.Close()
		for what, change := range map[string]func(r *http.Request){
			"a form of parts":   func(r *http.Request) { r.Header.Set("Content-Type", form.FormDataContentType()) },
			"no form at all":    func(r *http.Request) { r.Header.Set("Content-Type", "application/x-www-form-urlencoded; \xff") },
			"a browser's name":  func(r *http.Request) { r.Header.Set("User-Agent", "\xff\xfe"); r.Header.Set("Referer", "\xff") },
			"an odd language":   func(r *http.Request) { r.Header.Set("Accept-Language", "\xff") },
			"odd cookies":       func(r *http.Request) { r.Header.Set("Cookie", cookie+"=\xff; onsight-language=\xff") },
			"an address of odd": func(r *http.Request) { r.Header.Set("X-Forwarded-For", "fe80::1%\xff") },
		} {
			r, err := http.NewRequestWithContext(t.Context(), "POST", srv.URL+"/signin", bytes.NewReader(body.Bytes()))
			if err != nil {
				t.Fatal(err)
			}
			r.Header.Set("Content-Type", form.FormDataContentType())
			change(r)
			res, err := http.DefaultClient.Do(r)
			if err != nil {
				t.Fatal(err)
			}
			_ = res.Body.Close()
			if res.StatusCode >= 500 {
				t.Errorf("%s: %d", what, res.StatusCode)
			}
		}
	})
}

// A browser whose name is no text signs in all the same.
func TestOddAgent(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		join(t, srv, "ana")
		r, err := http.NewRequestWithContext(t.Context(), "POST", srv.URL+"/signin",
			strings.NewReader(url.Values{"account": {accountName}, "username": {"ana"}, "password": {good}}.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("User-Agent", "Mozilla \xff\xfe")
		res, err := (&http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}).Do(r)
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != 303 || res.Header.Get("Location") != "/signin/you" {
			t.Errorf("%d to %s", res.StatusCode, res.Header.Get("Location"))
		}
	})
}
