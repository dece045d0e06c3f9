package mcp

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"onsight/internal/fault"
)

// largestBody is how large a request may be: as one of the API.
const largestBody = 10 << 20

// sessionHeader has the session id, in versions of the protocol that know one.
const sessionHeader = "Mcp-Session-Id"

// ServeHTTP answers agents at Path.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Cache-Control", "no-store")
	// Scripts of other pages stay outside, and those that a changed DNS entry
	// leads here: their origin is not ours.
	if origin := r.Header.Get("Origin"); origin != "" {
		if !s.mayAsk(origin) {
			answer(w, http.StatusForbidden, "forbidden", "The origin "+origin+" may not use this server. Its operator can allow it with -mcp-origins.")
			return
		}
		h.Set("Access-Control-Allow-Origin", origin)
		h.Set("Access-Control-Expose-Headers", sessionHeader+", WWW-Authenticate")
		h.Add("Vary", "Origin")
		if r.Method == http.MethodOptions {
			h.Set("Access-Control-Allow-Methods", "POST, DELETE")
			h.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, Accept, Last-Event-ID, Mcp-Session-Id, Mcp-Protocol-Version, Mcp-Method, Mcp-Name")
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
	}
	c, err := s.authenticate(r)
	if err == nil {
		r, err = s.read(w, r, c)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	if r.Method == http.MethodDelete { // there is no more to a session than its id
		w.WriteHeader(http.StatusNoContent)
		return
	}
	h.Set("X-Accel-Buffering", "no") // progress is to be seen when it is made
	s.transport.ServeHTTP(w, r)
}

// mayAsk tells whether scripts of an origin may use the tools.
func (s *Service) mayAsk(origin string) bool {
	return origin == s.origin || slices.Contains(s.Origins, origin)
}

// refuse answers who is not let in, or what can't be read.
func (s *Service) refuse(w http.ResponseWriter, r *http.Request, err error) {
	no, ok := errors.AsType[*refusal](err)
	if !ok {
		f := fault.Of(err)
		if f.Status != http.StatusServiceUnavailable && r.Context().Err() == nil {
			s.Log.ErrorContext(r.Context(), "mcp", "error", err.Error())
		}
		no = &refusal{f.Status, "server_error", f.Message}
	}
	if no.status == http.StatusUnauthorized || no.status == http.StatusForbidden {
		w.Header().Set("WWW-Authenticate", s.challenge(no))
	}
	answer(w, no.status, no.code, no.text)
}

// challenge tells a client how to get a token (RFC 6750, 3; RFC 9728, 5.1).
func (s *Service) challenge(no *refusal) string {
	parts := []string{}
	if no.code != "" {
		parts = append(parts, `error="`+no.code+`"`, `error_description="`+quotable(no.text)+`"`)
	}
	if no.status == http.StatusUnauthorized {
		parts = append(parts, `resource_metadata="`+s.PublicURL+wellKnownResource+Path+`"`, `scope="`+scopeAll+`"`)
	}
	return "Bearer " + strings.Join(parts, ", ")
}

// quotable is a text as a header may quote it.
func quotable(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' || r == '"' || r == '\\' {
			return '?'
		}
		return r
	}, text)
}

// answer answers in the form of OAuth's errors (RFC 6749, 5.2).
func answer(w http.ResponseWriter, status int, code, text string) {
	body := map[string]string{"error_description": text}
	if code != "" {
		body["error"] = code
	}
	writeJSON(w, status, body)
}

func writeJSON(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	e := json.NewEncoder(w)
	e.SetEscapeHTML(false)
	_ = e.Encode(body) // who has gone away is not our error
}

// envelope is what has to be known of a message before it is answered.
type envelope struct {
	Method string          `json:"method"`
	ID     json.RawMessage `json:"id"`
	Params struct {
		RequestID    json.RawMessage         `json:"requestId"`
		ClientInfo   *sdk.Implementation     `json:"clientInfo"`
		Capabilities *sdk.ClientCapabilities `json:"capabilities"`
		Meta         struct {
			ClientInfo   *sdk.Implementation     `json:"io.modelcontextprotocol/clientInfo"`
			Capabilities *sdk.ClientCapabilities `json:"io.modelcontextprotocol/clientCapabilities"`
		} `json:"_meta"`
	} `json:"params"`
}

// read reads a message, and what its client has said before.
func (s *Service) read(w http.ResponseWriter, r *http.Request, c *caller) (*http.Request, error) {
	id := r.Header.Get(sessionHeader)
	if id != "" {
		var ok bool
		if c.said, ok = s.saidIn(c, id); !ok {
			// The client begins anew (Streamable HTTP, session management).
			return r, &refusal{http.StatusNotFound, "not_found", "The session is not known. Initialize again."}
		}
		c.session = id
	}
	ctx := context.WithValue(r.Context(), callerKey{}, c)
	r = r.WithContext(ctx)
	if r.Method != http.MethodPost {
		return r, nil
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largestBody))
	if err != nil {
		if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
			return r, &refusal{http.StatusRequestEntityTooLarge, "too_large", "A request may have 10 MiB."}
		}
		return r, &refusal{http.StatusBadRequest, "invalid_request", "The body could not be read."}
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	if text := bytes.TrimLeft(body, " \t\r\n"); len(text) > 0 && text[0] == '[' {
		return r, &refusal{http.StatusBadRequest, "invalid_request", "Send one message at a time: batches are not answered."}
	}
	var e envelope
	if json.Unmarshal(body, &e) != nil {
		return r, nil //nolint:nilerr // the protocol's own answer says what is wrong
	}
	switch e.Method {
	case "initialize":
		c.said = saidBy(e.Params.ClientInfo, e.Params.Capabilities)
		w.Header().Set(sessionHeader, s.sessionID(c, c.said))
	case "notifications/cancelled":
		if id != "" {
			s.running.cancel(id, string(e.Params.RequestID))
		}
	default:
		if m := e.Params.Meta; m.ClientInfo != nil || m.Capabilities != nil {
			c.said = saidBy(m.ClientInfo, m.Capabilities)
		}
		c.request = string(e.ID)
	}
	return r, nil
}

// serverOf makes the server that answers one request.
func (s *Service) serverOf(r *http.Request) *sdk.Server {
	c := callerOf(r.Context())
	if c == nil {
		return nil
	}
	server := sdk.NewServer(&sdk.Implementation{Name: "onsight", Title: "Onsight", Version: s.Version, WebsiteURL: s.PublicURL}, &sdk.ServerOptions{
		Instructions: "The tools are actions of the connectors that " + c.person.Name + " may use in Onsight. A result with nextToken has more: call again with the same arguments and that nextToken.",
		Capabilities: &sdk.ServerCapabilities{Tools: &sdk.ToolCapabilities{}},
		SetCacheable: func(_ context.Context, _ sdk.Request, c *sdk.Cacheable) { c.TTLMs, c.CacheScope = 0, "private" },
	})
	server.AddReceivingMiddleware(func(next sdk.MethodHandler) sdk.MethodHandler {
		return func(ctx context.Context, method string, req sdk.Request) (sdk.Result, error) {
			switch params := req.GetParams().(type) {
			case *sdk.ListToolsParams:
				return s.list(ctx, c, params)
			case *sdk.CallToolParamsRaw:
				if err := s.ready(ctx, c, server, params); err != nil {
					return nil, err
				}
			}
			return next(ctx, method, req)
		}
	})
	return server
}
