package mcp

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
)

// Paths of the authorisation server (RFC 6749), and of what tells of it.
const (
	authorizePath = Path + "/authorize"
	consentPath   = Path + "/consent"
	tokenPath     = Path + "/token"
	registerPath  = Path + "/register"
	revokePath    = Path + "/revoke"

	wellKnownResource = "/.well-known/oauth-protected-resource"
	wellKnownServer   = "/.well-known/oauth-authorization-server"
)

// Scopes: all that the person may do, or what of it changes nothing.
const (
	scopeAll  = "tools"
	scopeLook = "tools:read"
	scopes    = scopeAll + " " + scopeLook
)

var grantTypes = []string{"authorization_code", "refresh_token"}

func scopeOf(readOnly bool) string {
	if readOnly {
		return scopeLook
	}
	return scopeAll
}

// IsPath tells whether a path is answered by Handler.
func IsPath(path string) bool {
	return path == Path || strings.HasPrefix(path, Path+"/") || path == wellKnownServer || path == wellKnownResource || path == wellKnownResource+Path
}

// IsOutside tells whether a path above that of the public URL is answered by
// Handler: those of RFC 8414, 3.1 and RFC 9728, 3.1 have it at their end.
func (s *Service) IsOutside(path string) bool {
	return s.base != "" && (path == wellKnownServer+s.base || path == wellKnownResource+s.base+Path)
}

// Handler answers agents, and what they and people need for authorisation.
func (s *Service) Handler() http.Handler {
	pages := http.NewServeMux()
	for pattern, handle := range map[string]func(http.ResponseWriter, *http.Request) error{
		"GET " + authorizePath: s.authorize,
		"GET " + consentPath:   s.showConsent,
		"POST " + consentPath:  s.decide,
		"GET " + AccessPath:    s.showAccess,
		"POST " + AccessPath:   s.changeAccess,
	} {
		pages.Handle(pattern, s.Sessions.Serve(handle))
	}
	pages.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { s.absent(w, r) })

	mux := http.NewServeMux()
	mux.Handle(Path, s)
	mux.Handle("/", s.Site.Handler(pages))
	mux.HandleFunc("POST "+tokenPath, s.bounded("token", mostExchanges, s.exchange))
	mux.HandleFunc("POST "+registerPath, s.bounded("register", mostRegistrations, s.register))
	mux.HandleFunc("POST "+revokePath, s.bounded("revoke", mostExchanges, s.revoke))
	for _, path := range []string{tokenPath, registerPath, revokePath, wellKnownServer, wellKnownResource, wellKnownResource + Path} {
		mux.HandleFunc("OPTIONS "+path, preflight)
	}
	tells := map[string]func() map[string]any{wellKnownServer: s.server, wellKnownResource: s.resource, wellKnownResource + Path: s.resource}
	tells[wellKnownServer+s.base], tells[wellKnownResource+s.base+Path] = s.server, s.resource
	for path, tell := range tells {
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Access-Control-Allow-Origin", "*") // it is for everybody
			w.Header().Set("Cache-Control", "max-age=300")
			writeJSON(w, http.StatusOK, tell())
		})
	}
	return mux
}

// preflight lets scripts of any page ask: nothing here is by a cookie.
func preflight(w http.ResponseWriter, _ *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "GET, POST")
	h.Set("Access-Control-Allow-Headers", "Content-Type, Mcp-Protocol-Version")
	h.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}

// resource tells of the tools as a protected resource (RFC 9728).
func (s *Service) resource() map[string]any {
	return map[string]any{
		"resource": s.Endpoint(), "authorization_servers": []string{s.PublicURL}, "bearer_methods_supported": []string{"header"},
		"scopes_supported": strings.Fields(scopes), "resource_name": "Onsight",
	}
}

// server tells of the authorisation server (RFC 8414).
func (s *Service) server() map[string]any {
	return map[string]any{
		"issuer": s.PublicURL, "authorization_endpoint": s.PublicURL + authorizePath, "token_endpoint": s.PublicURL + tokenPath,
		"registration_endpoint": s.PublicURL + registerPath, "revocation_endpoint": s.PublicURL + revokePath,
		"response_types_supported": []string{"code"}, "response_modes_supported": []string{"query"}, "grant_types_supported": grantTypes,
		"token_endpoint_auth_methods_supported": []string{"none"}, "revocation_endpoint_auth_methods_supported": []string{"none"},
		"code_challenge_methods_supported": []string{"S256"}, "scopes_supported": strings.Fields(scopes),
		"authorization_response_iss_parameter_supported": true,
	}
}

// isTheResource tells whether an address is that of the tools (RFC 8707).
func (s *Service) isTheResource(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Fragment != "" || u.User != nil {
		return false
	}
	u.Scheme, u.Host = strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	return strings.TrimSuffix(u.String(), "/") == s.Endpoint()
}

// wrong answers with an error in the form of OAuth.
func (s *Service) wrong(w http.ResponseWriter, r *http.Request, err error) {
	if e, ok := errors.AsType[*oauthError](err); ok {
		answer(w, e.status, e.code, e.text)
		return
	}
	if r.Context().Err() == nil {
		s.Log.ErrorContext(r.Context(), "mcp: authorisation", "path", r.URL.Path, "error", err.Error())
	}
	answer(w, http.StatusInternalServerError, "server_error", "Something went wrong in Onsight; its log has the cause.")
}
