package remote_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"onsight/internal/connector/engine"
	"onsight/internal/connector/remote"
	"onsight/internal/outbound"
)

// old is a server of the protocol's older kind, written from its specification:
// it has sessions, and forgets some of them.
type old struct {
	mu       sync.Mutex
	sessions int
	forgets  int // how many sessions it forgets before the first call in them
	calls    int
	ended    int
	result   string // of a call
}

func (o *old) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if r.Method == http.MethodDelete {
		o.ended++
		w.WriteHeader(http.StatusNoContent)
		return
	}
	body, _ := io.ReadAll(r.Body)
	var in struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
	}
	_ = json.Unmarshal(body, &in)
	answer := func(result string) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = fmt.Fprintf(w, `{"jsonrpc":"2.0","id":%s,%s}`, in.ID, result)
	}
	switch in.Method {
	case "initialize":
		o.sessions++
		w.Header().Set("Mcp-Session-Id", fmt.Sprint("s", o.sessions))
		answer(`"result":{"protocolVersion":"2025-06-18","capabilities":{"tools":{}},"serverInfo":{"name":"old","version":"1"}}`)
	case "notifications/initialized":
		w.WriteHeader(http.StatusAccepted)
	case "tools/call":
		o.calls++
		if o.forgets > 0 {
			o.forgets--
			http.Error(w, "no such session", http.StatusNotFound)
			return
		}
		answer(o.result)
	default:
		http.Error(w, "what?", http.StatusBadRequest)
	}
}

const hello = `"result":{"content":[{"type":"text","text":"hello"}]}`

// TestSessions: a session that the server has forgotten is begun again, once.
func TestSessions(t *testing.T) {
	t.Parallel()
	for forgets, want := range map[int]string{0: "", 1: "", 2: "no such session"} {
		o := &old{forgets: forgets, result: hello}
		server := httptest.NewServer(o)
		t.Cleanup(server.Close)
		s := &remote.Server{Endpoint: server.URL, Out: out(t, outbound.Limits{}), Name: "test", Version: "1"}
		res, err := s.Call(t.Context(), "say", nil)
		if want != "" {
			wantKind(t, "a server that forgets all", err, engine.Missing, want)
		} else if err != nil || res.Output != "hello" {
			t.Errorf("%d forgotten: %v, %v", forgets, res, err)
		}
		if o.sessions != min(forgets, 1)+1 || o.calls != o.sessions {
			t.Errorf("%d forgotten: %d sessions, %d calls", forgets, o.sessions, o.calls)
		}
	}
}

// TestStrangers: whatever a server answers, there is an error that says what.
func TestStrangers(t *testing.T) {
	t.Parallel()
	says := func(status int, mediaType, text string, headers ...string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", mediaType)
			for i := 0; i+1 < len(headers); i += 2 {
				w.Header().Set(headers[i], headers[i+1])
			}
			w.WriteHeader(status)
			_, _ = io.WriteString(w, text)
		}
	}
	for what, c := range map[string]struct {
		handler http.Handler
		kind    engine.Kind
		part    string
	}{
		"a page":             {says(200, "text/html", "<html>"), engine.Rejected, "does not keep to the Model Context Protocol"},
		"no JSON":            {says(200, "application/json", "{"), engine.Rejected, "does not keep to the Model Context Protocol"},
		"a redirect":         {says(302, "text/plain", "", "Location", "http://169.254.169.254/"), engine.Refused, "redirects"},
		"forbidden":          {says(403, "application/json", `{"error":"insufficient_scope"}`), engine.Denied, "insufficient_scope"},
		"too many":           {says(429, "text/plain", "slow down", "Retry-After", "7"), engine.Throttled, "slow down"},
		"down":               {says(503, "text/html", "<html>"), engine.Unavailable, "status 503"},
		"an error of a call": {&old{result: `"error":{"code":-32602,"message":"no \u202esuch tool"}`}, engine.Rejected, "no such tool"},
	} {
		server := httptest.NewServer(c.handler)
		t.Cleanup(server.Close)
		s := &remote.Server{Endpoint: server.URL, Out: out(t, outbound.Limits{}), Name: "test", Version: "1"}
		_, err := s.Call(t.Context(), "say", nil)
		wantKind(t, what, err, c.kind, c.part)
		if e, ok := err.(*engine.Error); ok && strings.Contains(e.Message, "\u202e") { //nolint:errorlint // it is one
			t.Errorf("%s: %q", what, e.Message)
		}
	}
}
