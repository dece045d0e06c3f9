package mcp

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode"

	"onsight/internal/api"
)

// A client is an agent that is registered (RFC 7591). All of it is sealed into
// its client id, so that whoever registers, and as often as they like, fills no
// table: nothing is kept of an agent before a person consents.
type client struct {
	// ID is the short form of its client id, which grants and the trail have.
	ID        string   `json:"i"`
	Name      string   `json:"n"`
	Redirects []string `json:"r"`
}

const (
	// mostRedirects is how many addresses an agent may be sent back to,
	// longestRedirect how long one may be.
	mostRedirects   = 10
	longestRedirect = 500
	// longestClient is how long a client id may be: it has to go into a URL.
	longestClient = 4000
	// longestClientName is how many characters a name may have.
	longestClientName = 80
)

func clientContext(id string) string { return "mcp client\x00" + id }

// clientID seals a client.
func (s *Service) clientID(c *client) (string, error) {
	text, err := json.Marshal(c)
	if err != nil {
		return "", err
	}
	return c.ID + "." + base64.RawURLEncoding.EncodeToString(s.Keys.Seal(text, clientContext(c.ID))), nil
}

// clientOf opens a client id; ok is false for what is none of ours.
func (s *Service) clientOf(id string) (c client, ok bool) {
	short, sealed, ok := strings.Cut(id, ".")
	raw, err := base64.RawURLEncoding.Strict().DecodeString(sealed)
	if !ok || err != nil || len(id) > longestClient {
		return c, false
	}
	text, err := s.Keys.Open(raw, clientContext(short))
	return c, err == nil && json.Unmarshal(text, &c) == nil && c.ID == short
}

// An oauthError is an error in the form of RFC 6749, 5.2.
type oauthError struct {
	status     int
	code, text string
}

func (e *oauthError) Error() string { return e.code + ": " + e.text }

func badRequest(code, text string) error { return &oauthError{http.StatusBadRequest, code, text} }

// redirectURI reads an address to which an agent wants a browser to be sent
// back. It is one of https, or one of this very machine (RFC 8252, 7.3).
func redirectURI(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || len(text) > longestRedirect || strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' || r == '\\' }):
		return nil, badRequest("invalid_redirect_uri", "A redirect_uri isn't a URL of at most 500 characters of ASCII.")
	case u.Opaque != "" || u.Hostname() == "" || u.User != nil || strings.Contains(text, "#"):
		return nil, badRequest("invalid_redirect_uri", "A redirect_uri must have a host, and no user and no fragment.")
	case u.Scheme == "https", u.Scheme == "http" && loopback(u.Hostname()):
		return u, nil
	}
	return nil, badRequest("invalid_redirect_uri", "A redirect_uri must be of https, or of http at localhost, 127.0.0.1 or [::1].")
}

// loopback tells whether a host is the machine of the browser.
func loopback(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.IsLoopback() && !a.Is4In6()
}

// redirects tells whether an agent may be sent back to an address: one of those
// that it was registered with. On this machine the port is the agent's to choose.
func (c *client) redirects(to *url.URL) bool {
	return slices.ContainsFunc(c.Redirects, func(one string) bool {
		if one == to.String() {
			return true
		}
		u, err := url.Parse(one)
		return err == nil && u.Scheme == "http" && to.Scheme == "http" && loopback(u.Hostname()) && u.Hostname() == to.Hostname() &&
			u.EscapedPath() == to.EscapedPath() && u.RawQuery == to.RawQuery
	})
}

// A registration is what a client registers with, as far as it matters here.
type registration struct {
	Name          string   `json:"client_name"`
	Redirects     []string `json:"redirect_uris"`
	GrantTypes    []string `json:"grant_types"`
	ResponseTypes []string `json:"response_types"`
}

// register answers the registration of an agent.
func (s *Service) register(w http.ResponseWriter, r *http.Request) error {
	kind, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	if !strings.EqualFold(strings.TrimSpace(kind), "application/json") {
		return badRequest("invalid_client_metadata", "The content type must be application/json.")
	}
	var in registration
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&in); err != nil {
		return badRequest("invalid_client_metadata", "The body is no JSON object of client metadata, or has more than 64 KiB.")
	}
	c, err := newClient(&in)
	if err != nil {
		return err
	}
	id, err := s.clientID(c)
	if err != nil {
		return err
	}
	if len(id) > longestClient {
		return badRequest("invalid_client_metadata", "The redirect_uris are too long together.")
	}
	writeJSON(w, http.StatusCreated, map[string]any{
		"client_id": id, "client_id_issued_at": s.Now().Unix(), "client_name": c.Name, "redirect_uris": c.Redirects,
		"grant_types": grantTypes, "response_types": []string{"code"}, "token_endpoint_auth_method": "none", "scope": scopes,
	})
	return nil
}

// newClient makes a client of what it says of itself.
func newClient(in *registration) (*client, error) {
	if len(in.Redirects) == 0 || len(in.Redirects) > mostRedirects {
		return nil, badRequest("invalid_redirect_uri", "There must be 1 to 10 redirect_uris.")
	}
	if in.GrantTypes != nil && !slices.Contains(in.GrantTypes, "authorization_code") || in.ResponseTypes != nil && !slices.Contains(in.ResponseTypes, "code") {
		return nil, badRequest("invalid_client_metadata", "Authorisation is by code alone: grant_types must have authorization_code, and response_types code.")
	}
	c := &client{ID: newID()}
	for _, text := range in.Redirects {
		u, err := redirectURI(text)
		if err != nil {
			return nil, err
		}
		c.Redirects = append(c.Redirects, u.String())
	}
	c.Name = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) { // a name must not turn the text around it about
			return ' '
		}
		return r
	}, in.Name)), " ")
	c.Name = clip(c.Name, longestClientName)
	return c, nil
}

// The limits of what one address may ask in a minute without being known.
const (
	mostRegistrations  = 20
	mostAuthorisations = 60
	mostExchanges      = 300
)

// bounded answers what anybody may ask: no more than so often, with errors in the
// form of OAuth, and for scripts of any page, since nothing here is by a cookie.
func (s *Service) bounded(what string, each int, handle func(w http.ResponseWriter, r *http.Request) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Access-Control-Allow-Origin", "*")
		if wait := s.limits.wait(what, api.OriginOf(r, s.TrustedProxies).Network(), each, s.Now()); wait > 0 {
			h.Set("Retry-After", seconds(wait))
			answer(w, http.StatusTooManyRequests, "temporarily_unavailable", "There were too many requests from this address. Wait.")
			return
		}
		if err := handle(w, r); err != nil {
			s.wrong(w, r, err)
		}
	}
}

func seconds(d time.Duration) string {
	text, err := json.Marshal(int((d + time.Second - 1) / time.Second))
	if err != nil {
		return "60"
	}
	return string(text)
}
