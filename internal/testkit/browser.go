package testkit

import (
	"html"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
)

// A Browser visits a server's pages as people do. It keeps cookies, also those
// for https alone, and follows redirects.
type Browser struct {
	// Language is the header Accept-Language; Address, where not empty, the
	// address that a proxy says the browser has.
	Language, Address string
	// Origin is what the browser says a form comes from; empty for the server.
	Origin string

	t       *testing.T
	srv     *Server
	cookies map[string]*http.Cookie
}

// Browser gives a browser without cookies.
func (s *Server) Browser(t *testing.T) *Browser {
	t.Helper()
	return &Browser{t: t, srv: s, cookies: make(map[string]*http.Cookie)}
}

// A Shown is the page that a browser shows at last.
type Shown struct {
	Status int
	Header http.Header
	// At is the path of the page, with its query.
	At   string
	Body string
	// Set are the cookies that were set on the way.
	Set []*http.Cookie
}

var (
	heading = regexp.MustCompile(`(?s)<h1>(.*?)</h1>`)
	tags    = regexp.MustCompile(`<[^>]*>`)
)

// Heading is the page's.
func (s Shown) Heading() string {
	if m := heading.FindStringSubmatch(s.Body); m != nil {
		return strings.TrimSpace(html.UnescapeString(tags.ReplaceAllString(m[1], "")))
	}
	return ""
}

// Text is the page without tags.
func (s Shown) Text() string {
	return strings.Join(strings.Fields(html.UnescapeString(tags.ReplaceAllString(s.Body, " "))), " ")
}

// Get visits an address on the server; the host of a whole URL is not looked at.
func (b *Browser) Get(at string) Shown {
	b.t.Helper()
	return b.visit(http.MethodGet, at, nil)
}

// Post sends a form, with fields given as name, value, name, value.
func (b *Browser) Post(at string, fields ...string) Shown {
	b.t.Helper()
	form := url.Values{}
	for i := 0; i+1 < len(fields); i += 2 {
		form.Add(fields[i], fields[i+1])
	}
	return b.visit(http.MethodPost, at, form)
}

// Cookie is the value of a cookie; empty where the browser has none.
func (b *Browser) Cookie(name string) string {
	if c := b.cookies[name]; c != nil {
		return c.Value
	}
	return ""
}

// SetCookie gives the browser a cookie.
func (b *Browser) SetCookie(name, value string) {
	b.cookies[name] = &http.Cookie{Name: name, Value: value}
}

func (b *Browser) visit(method, at string, form url.Values) Shown {
	b.t.Helper()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	var set []*http.Cookie
	for range 10 {
		u, err := url.Parse(at)
		if err != nil {
			b.t.Fatal(err)
		}
		path := u.EscapedPath()
		if u.RawQuery != "" {
			path += "?" + u.RawQuery
		}
		var body io.Reader
		if form != nil {
			body = strings.NewReader(form.Encode())
		}
		r, err := http.NewRequestWithContext(b.t.Context(), method, b.srv.URL+path, body)
		if err != nil {
			b.t.Fatal(err)
		}
		r.Header.Set("User-Agent", "Mozilla/5.0 (X11; Linux x86_64) Chrome/140.0 Safari/537.36")
		r.Header.Set("Accept", "text/html")
		if b.Language != "" {
			r.Header.Set("Accept-Language", b.Language)
		}
		if b.Address != "" {
			r.Header.Set("X-Forwarded-For", b.Address)
		}
		if form != nil {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			r.Header.Set("Origin", b.srv.URL)
			if b.Origin != "" {
				r.Header.Set("Origin", b.Origin)
			}
		}
		for _, c := range b.cookies {
			r.AddCookie(&http.Cookie{Name: c.Name, Value: c.Value})
		}
		res, err := client.Do(r)
		if err != nil {
			b.t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil {
			b.t.Fatal(err)
		}
		for _, c := range res.Cookies() {
			set = append(set, c)
			if b.cookies[c.Name] = c; c.MaxAge < 0 {
				delete(b.cookies, c.Name)
			}
		}
		if res.StatusCode == http.StatusSeeOther {
			method, at, form = http.MethodGet, res.Header.Get("Location"), nil
			continue
		}
		return Shown{Status: res.StatusCode, Header: res.Header, At: path, Body: string(text), Set: set}
	}
	b.t.Fatalf("%s redirects again and again", at)
	return Shown{}
}

// PasswordsHashed is how many passwords the server has hashed so far: the work
// that an answer took.
func (s *Server) PasswordsHashed() int64 { return s.app.PasswordsHashed() }
