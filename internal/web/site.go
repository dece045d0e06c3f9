package web

import (
	"bytes"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"html/template"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"time"

	"onsight/internal/fault"
)

//go:embed assets pages
var files embed.FS

// Root is the path below which the pages and their assets are.
const Root = "/signin"

// Config is what a Site needs. Log and PublicURL are required.
type Config struct {
	Log *slog.Logger
	// PublicURL is where people reach the server, without a slash at the end.
	PublicURL string
	// Theme gives the looks of an account's pages; nil for Onsight's own.
	Theme func(ctx context.Context, account string) Theme
}

// A Site shows pages.
type Site struct {
	log      *slog.Logger
	origin   string // of the public URL
	base     string // its path, without a slash at the end
	secure   bool   // it is https
	theme    func(ctx context.Context, account string) Theme
	pages    map[string]*template.Template
	assets   map[string]asset  // by path below /assets/
	hashed   map[string]string // name of an asset to that path
	refusing http.CrossOriginProtection
}

type asset struct {
	kind string
	body []byte
}

// New makes a site of the pages in the folders given, and of those that every
// site has.
func New(c Config, folders ...fs.FS) (*Site, error) {
	u, err := url.Parse(c.PublicURL)
	if err != nil {
		return nil, fmt.Errorf("web: public URL: %w", err)
	}
	s := &Site{
		log: c.Log, origin: u.Scheme + "://" + u.Host, base: strings.TrimSuffix(u.EscapedPath(), "/"), secure: u.Scheme == "https",
		theme: c.Theme, pages: make(map[string]*template.Template), assets: make(map[string]asset), hashed: make(map[string]string),
	}
	if u.Host == "" { // nobody reaches it
		s.origin = ""
	} else if err := s.refusing.AddTrustedOrigin(s.origin); err != nil {
		return nil, fmt.Errorf("web: public URL: %w", err)
	}
	own, err := fs.Sub(files, "pages")
	if err != nil {
		return nil, err
	}
	layout, err := template.ParseFS(own, "layout.html")
	if err != nil {
		return nil, err
	}
	for _, folder := range append(folders, own) {
		names, err := fs.Glob(folder, "*.html")
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			t, err := layout.Clone()
			if err == nil && name != "layout.html" {
				_, err = t.ParseFS(folder, name)
			}
			if err != nil {
				return nil, err
			}
			s.pages[strings.TrimSuffix(name, ".html")] = t
		}
	}
	return s, s.readAssets()
}

// readAssets names each asset by its content too, so that browsers may keep it
// for ever.
func (s *Site) readAssets() error {
	return fs.WalkDir(files, "assets", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		body, err := files.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(body)
		name = strings.TrimPrefix(name, "assets/")
		ext := path.Ext(name)
		hashed := strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:6]) + ext
		kind := map[string]string{".css": "text/css; charset=utf-8", ".svg": "image/svg+xml", ".js": "text/javascript; charset=utf-8"}[ext]
		if kind == "" {
			return fmt.Errorf("web: asset %s is of no known kind", name)
		}
		s.assets[hashed], s.hashed[name] = asset{kind, body}, hashed
		return nil
	})
}

// Handler puts what all pages have in common before next: headers, assets, the
// choice of a language, and the refusal of requests that other sites make a
// browser send.
func (s *Site) Handler(next http.Handler) http.Handler {
	return s.around(next, 64<<10, s.refusing.Check)
}

// Foreign is Handler for forms that other sites have browsers send on purpose,
// of limit bytes at most: next has to find in the form itself what it believes.
func (s *Site) Foreign(next http.Handler, limit int64) http.Handler {
	return s.around(next, limit, func(*http.Request) error { return nil })
}

func (s *Site) around(next http.Handler, limit int64, check func(*http.Request) error) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Permissions-Policy", "camera=(), microphone=(), geolocation=(), interest-cohort=()")
		if s.secure {
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		if name, ok := strings.CutPrefix(r.URL.Path, Root+"/assets/"); ok {
			s.serveAsset(w, r, name)
			return
		}
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", s.policyOf(Page{}, ""))
		defer func() {
			if p := recover(); p != nil {
				if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
					panic(p)
				}
				s.Fail(w, r, fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
			}
		}()
		if err := check(r); err != nil {
			s.Show(w, r, Page{Name: "message", Status: http.StatusForbidden, Data: Message{Title: "foreign.title", Text: "foreign.text"}})
			return
		}
		if l := r.URL.Query().Get("lang"); slices.Contains(Languages, l) {
			http.SetCookie(w, s.Cookie(languageCookie, l, 365*24*time.Hour))
		}
		r.Body = http.MaxBytesReader(w, r.Body, limit)
		plain(r)
		next.ServeHTTP(w, r)
	})
}

var themeName = regexp.MustCompile(`^theme-([0-9a-f]{6})\.css$`)

func (s *Site) serveAsset(w http.ResponseWriter, r *http.Request, name string) {
	a, ok := s.assets[name]
	if m := themeName.FindStringSubmatch(name); m != nil {
		a, ok = asset{"text/css; charset=utf-8", []byte(sheet(m[1]))}, true
	}
	if !ok || r.Method != http.MethodGet && r.Method != http.MethodHead {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", a.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Content-Length", strconv.Itoa(len(a.body)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(a.body) // a reader that has gone away is not our error
	}
}

// A Page is what to show.
type Page struct {
	// Name is that of the page's file, without .html.
	Name string
	// Status is the answer's; 0 is 200, or 422 where there are problems.
	Status int
	// Account is whose brand the page has; empty for none.
	Account string
	// Problems are what is wrong with what was entered.
	Problems []Problem
	// Data is what the page is about.
	Data any
	// Params are what a page that answers a form is asked for again with, in
	// another language: names and values.
	Params []string
	// Script is the asset that the page runs; empty for none, as nearly everywhere.
	Script string
	// FormTargets are origins to which the page's forms may lead, beside this
	// server, at last: browsers check where an answer redirects to.
	FormTargets []string
	// Onward is an address on this server that the browser goes on to at once, as
	// if somebody had followed a link. A form's answer must not be redirected to
	// another site: browsers hold that against the policy of the form's page.
	Onward string
	// Frame says that the page is for a frame of another site: it may run scripts
	// of our own, and has no choice of languages, which would lead away from it.
	Frame bool
	// Ancestors are the sources, as a Content-Security-Policy names them, that may
	// have the page in a frame; without any, nobody may.
	Ancestors []string
}

// A Problem is what is wrong with a field, in a text of the catalogue.
type Problem struct {
	Field, Key string
	Args       []any
}

// Message is the data of the page "message", which says one thing. Title, Text
// and Action are keys of the catalogue; Target is where the action leads.
type Message struct {
	Title, Text, Action, Target string
	Args                        []any
}

// Show answers with a page.
func (s *Site) Show(w http.ResponseWriter, r *http.Request, p Page) {
	v := &View{site: s, request: r, page: p, Lang: Language(r), Data: p.Data}
	if s.theme != nil && p.Account != "" {
		v.Theme = s.theme(r.Context(), p.Account)
	}
	origin, ok := v.Theme.logoOrigin()
	if !ok {
		v.Theme.Logo = ""
	}
	t := s.pages[p.Name]
	if t == nil {
		s.Fail(w, r, fmt.Errorf("web: there is no page %q", p.Name))
		return
	}
	var b bytes.Buffer
	if err := t.ExecuteTemplate(&b, "layout", v); err != nil {
		if p.Name == "message" { // the page that says so
			http.Error(w, "Something went wrong.", http.StatusInternalServerError)
			s.log.ErrorContext(r.Context(), "page", "page", p.Name, "error", err.Error())
			return
		}
		s.Fail(w, r, fmt.Errorf("page %s: %w", p.Name, err))
		return
	}
	status := p.Status
	if status == 0 {
		status = http.StatusOK
		if len(p.Problems) > 0 {
			status = http.StatusUnprocessableEntity
		}
	}
	h := w.Header()
	h.Set("Content-Security-Policy", s.policyOf(p, origin))
	if p.Onward != "" {
		h.Set("Refresh", "0; url="+p.Onward)
	}
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Language", v.Lang)
	h.Set("Vary", "Accept-Language, Cookie")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	_, _ = w.Write(b.Bytes()) // a reader that has gone away is not our error
}

// policyOf is the Content-Security-Policy of a page: nothing inline, nothing
// from elsewhere but a logo, and in no frames but those that the page is for.
func (s *Site) policyOf(p Page, logoOrigin string) string {
	csp := "default-src 'none'; style-src 'self'; img-src 'self'"
	if logoOrigin != "" {
		csp += " " + logoOrigin
	}
	// Once: browsers heed the first of two, and say nothing of the other.
	if scripts := s.scriptSources(p); scripts != "" {
		csp += "; script-src" + scripts
	}
	if p.Frame {
		csp += "; connect-src 'self'"
	}
	targets := strings.Join(append([]string{"'self'"}, p.FormTargets...), " ")
	ancestors := "'none'"
	if len(p.Ancestors) > 0 {
		ancestors = strings.Join(p.Ancestors, " ")
	}
	return csp + "; form-action " + targets + "; base-uri 'none'; frame-ancestors " + ancestors
}

// scriptSources let a page run its script and no other: by its content, and by
// its address for browsers that compare contents of inline scripts alone. A page
// for a frame runs what is ours.
func (s *Site) scriptSources(p Page) (sources string) {
	if p.Frame {
		sources = " 'self'"
	}
	if p.Script != "" {
		sources += " '" + s.integrity(p.Script) + "' " + s.origin + s.base + Root + "/assets/" + s.hashed[p.Script]
	}
	return sources
}

// integrity is the hash of an asset, as browsers compare it.
func (s *Site) integrity(name string) string {
	sum := sha256.Sum256(s.assets[s.hashed[name]].body)
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

// Fail answers for an error: what the reader can do, and nothing of the cause,
// which the log has.
func (s *Site) Fail(w http.ResponseWriter, r *http.Request, err error) {
	p := Page{Name: "message", Status: http.StatusInternalServerError, Data: Message{Title: "fail.title", Text: "fail.text"}}
	if f := fault.Of(err); f.Status == http.StatusServiceUnavailable {
		p.Status, p.Data = f.Status, Message{Title: "unavailable.title", Text: "unavailable.text"}
		w.Header().Set("Retry-After", "5")
	}
	if r.Context().Err() == nil { // nobody waits any more otherwise
		s.log.ErrorContext(r.Context(), "page", "path", r.URL.Path, "error", err.Error())
	}
	s.Show(w, r, p)
}

// URL is an address on this server as a page refers to it, with parameters
// given as name, value, name, value; empty values are left out.
func (s *Site) URL(at string, params ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(params); i += 2 {
		if params[i+1] != "" {
			q.Set(params[i], params[i+1])
		}
	}
	at = s.base + at
	if len(q) > 0 {
		at += "?" + q.Encode()
	}
	return at
}

// PublicURL is the same as others reach it.
func (s *Site) PublicURL(at string, params ...string) string {
	return s.origin + s.URL(at, params...)
}

// Go sends the browser to an address on this server, by GET.
func (s *Site) Go(w http.ResponseWriter, r *http.Request, at string, params ...string) {
	http.Redirect(w, r, s.URL(at, params...), http.StatusSeeOther)
}

// Local tells whether target, which anyone may have made up, leads to this
// server and nowhere else: a path, perhaps with a query.
func Local(target string) bool {
	if len(target) > 2048 || !strings.HasPrefix(target, "/") || strings.HasPrefix(target, "//") {
		return false
	}
	// Browsers take \ for /, and leave out tabs and line breaks.
	if strings.ContainsFunc(target, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f }) {
		return false
	}
	u, err := url.Parse(target)
	return err == nil && u.Scheme == "" && u.Host == "" && u.User == nil && !strings.HasPrefix(u.Path, "//")
}

// Cookie makes a cookie that scripts can't read and other sites' forms don't
// send. Over https it is bound to this host.
func (s *Site) Cookie(name, value string, life time.Duration) *http.Cookie {
	return &http.Cookie{ //nolint:gosec // Secure wherever people come by https
		Name: s.CookieName(name), Value: value, Path: "/", MaxAge: int(life / time.Second),
		Secure: s.secure, HttpOnly: true, SameSite: http.SameSiteLaxMode,
	}
}

// CookieName is a cookie's name as it is sent.
func (s *Site) CookieName(name string) string {
	if s.secure && name != languageCookie {
		return "__Host-" + name
	}
	return name
}
