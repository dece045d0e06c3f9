package mcp

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"sync"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
)

// said is what a client says of itself at the beginning. Newer versions of the
// protocol repeat it with each request; for older ones it is sealed into the
// session id.
type said struct {
	Name    string `json:"n,omitempty"`
	Version string `json:"v,omitempty"`
	// URLs says that the client has its person open addresses that it is given.
	URLs bool `json:"u,omitempty"`
	// Forms says that it has its person answer questions.
	Forms bool `json:"f,omitempty"`
}

// saidBy reads what a client says.
func saidBy(i *sdk.Implementation, c *sdk.ClientCapabilities) (s said) {
	if i != nil {
		s.Name, s.Version = clip(i.Name, 60), clip(i.Version, 30)
	}
	if c != nil && c.Elicitation != nil {
		s.URLs = c.Elicitation.URL != nil
		s.Forms = c.Elicitation.Form != nil || !s.URLs // forms came first
	}
	return s
}

// agent is how the trail calls a client that says this.
func (s said) agent() string {
	if s.Version == "" {
		return s.Name
	}
	return s.Name + "/" + s.Version
}

func clip(s string, n int) string {
	if runes := []rune(s); len(runes) > n {
		return string(runes[:n])
	}
	return s
}

// sessionContext binds a session id to whom it was given.
func sessionContext(c *caller) string {
	return "mcp session\x00" + c.person.PrincipalID + "\x00" + c.credential
}

// sessionID seals what a client has said.
func (s *Service) sessionID(c *caller, what said) string {
	text, err := json.Marshal(what)
	if err != nil {
		return "" // texts and a truth value
	}
	return base64.RawURLEncoding.EncodeToString(s.Keys.Seal(text, sessionContext(c)))
}

// saidIn opens a session id; ok is false for one of somebody else's, or none.
func (s *Service) saidIn(c *caller, id string) (what said, ok bool) {
	sealed, err := base64.RawURLEncoding.DecodeString(id)
	if err != nil {
		return what, false
	}
	text, err := s.Keys.Open(sealed, sessionContext(c))
	return what, err == nil && json.Unmarshal(text, &what) == nil
}

// running are the calls under way at this server that their client can cancel.
type running struct {
	mu  sync.Mutex
	all map[[2]string]context.CancelFunc // by session and request
}

// begin lets a call be cancelled until end is called.
func (r *running) begin(ctx context.Context, session, request string) (_ context.Context, end func()) {
	ctx, cancel := context.WithCancel(ctx)
	if session == "" || request == "" {
		return ctx, cancel
	}
	key := [2]string{session, request}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.all == nil {
		r.all = make(map[[2]string]context.CancelFunc)
	}
	r.all[key] = cancel
	return ctx, func() {
		cancel()
		r.mu.Lock()
		defer r.mu.Unlock()
		delete(r.all, key)
	}
}

// cancel cancels a call, if it is under way here.
func (r *running) cancel(session, request string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if cancel := r.all[[2]string{session, request}]; cancel != nil {
		cancel()
	}
}
