package mcp

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/store"
	"onsight/internal/web"
)

const (
	// requestLife is how long a person has to sign in and to decide.
	requestLife = 10 * time.Minute
	// codeLife is how long an agent has to exchange a code.
	codeLife = time.Minute
	// longestState is how long the state of an agent may be.
	longestState = 2000
)

// A request is what an agent asks a person for.
type request struct {
	Client client `json:"client"`
	// Redirect is where the browser is sent back to; Named tells that the agent
	// named it, and so has to name it again.
	Redirect string `json:"redirect"`
	Named    bool   `json:"named"`
	State    string `json:"state"`
	// Challenge is the code challenge (RFC 7636), of the method S256.
	Challenge string `json:"challenge"`
	// LookOnly says that it asked for no more than to look.
	LookOnly bool `json:"lookOnly"`
}

// asked is a row of the table agent_requests.
type asked struct {
	Hash      []byte `db:"hash"`
	Session   string `db:"session"`
	ExpiresUS int64  `db:"expires_us"`
	Doc       string `db:"doc"`
}

// once gives a parameter that may be there once.
func once(q url.Values, name string) (string, bool) {
	all := q[name]
	if len(all) == 0 {
		return "", true
	}
	return all[0], len(all) == 1
}

// authorize begins an authorisation (RFC 6749, 4.1.1): it checks what the agent
// asks, and sends the person to the page on which they decide. What is wrong with
// the agent or its address is said here; the rest is told to the agent.
func (s *Service) authorize(w http.ResponseWriter, r *http.Request) error {
	if wait := s.limits.wait("authorize", api.OriginOf(r, s.TrustedProxies).Network(), mostAuthorisations, s.Now()); wait > 0 {
		w.Header().Set("Retry-After", seconds(wait))
		s.say(w, r, http.StatusTooManyRequests, "", web.Message{Title: "busy.title", Text: "busy.text"})
		return nil
	}
	q, err := url.ParseQuery(r.URL.RawQuery)
	id, single := once(q, "client_id")
	c, known := s.clientOf(id)
	if err != nil || !single || !known {
		s.say(w, r, http.StatusBadRequest, "", web.Message{Title: "agent.unknown.title", Text: "agent.unknown.text"})
		return nil //nolint:nilerr // it is said
	}
	in := request{Client: c}
	text, single := once(q, "redirect_uri")
	if in.Named = text != ""; !in.Named && len(c.Redirects) == 1 {
		text = c.Redirects[0]
	}
	to, err := redirectURI(text)
	if err != nil || !single || !c.redirects(to) {
		s.say(w, r, http.StatusBadRequest, "", web.Message{Title: "agent.redirect.title", Text: "agent.redirect.text"})
		return nil //nolint:nilerr // it is said
	}
	in.Redirect = to.String()
	if err := s.readRequest(q, &in); err != nil {
		e, ok := errors.AsType[*oauthError](err)
		if !ok {
			return err
		}
		s.back(w, r, &in, "error", e.code, "error_description", e.text)
		return nil
	}
	doc, err := json.Marshal(in)
	if err != nil {
		return err
	}
	token, hash := newSecret()
	err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
		return store.Insert(tx, "agent_requests", asked{Hash: hash, ExpiresUS: store.Micros(s.Now().Add(requestLife)), Doc: string(doc)})
	})
	if err != nil {
		return err
	}
	s.Site.Go(w, r, consentPath, "request", token)
	return nil
}

// readRequest reads what an agent asks, of which the agent is told what is wrong.
func (s *Service) readRequest(q url.Values, in *request) error {
	var single bool
	if in.State, single = once(q, "state"); !single || len(in.State) > longestState {
		in.State = ""
		return badRequest("invalid_request", "state may be there once, with 2000 characters at most.")
	}
	kind, single := once(q, "response_type")
	if !single || kind != "code" {
		return badRequest("unsupported_response_type", "response_type must be code.")
	}
	method, single := once(q, "code_challenge_method")
	if !single || method != "S256" {
		return badRequest("invalid_request", "code_challenge_method must be S256.")
	}
	if in.Challenge, single = once(q, "code_challenge"); !single || !isChallenge(in.Challenge) {
		return badRequest("invalid_request", "code_challenge must be that of the method S256 (RFC 7636).")
	}
	for _, one := range q["resource"] {
		if !s.isTheResource(one) {
			return badRequest("invalid_target", "resource must be "+s.Endpoint()+".")
		}
	}
	scope, single := once(q, "scope")
	if !single {
		return badRequest("invalid_scope", "scope may be there once.")
	}
	in.LookOnly = looksOnly(scope)
	return nil
}

// looksOnly tells whether scopes ask for no more than to look. Those that are not
// known are left out (RFC 6749, 3.3).
func looksOnly(scope string) bool {
	look := false
	for one := range strings.FieldsSeq(scope) {
		if one == scopeAll {
			return false
		}
		look = look || one == scopeLook
	}
	return look
}

// isChallenge tells whether a text is what S256 makes of a verifier.
func isChallenge(text string) bool {
	raw, err := secretText.DecodeString(text)
	return err == nil && len(raw) == sha256.Size
}

// verifies tells whether a verifier is that of a challenge (RFC 7636, 4.6).
func verifies(verifier, challenge string) bool {
	if len(verifier) < 43 || len(verifier) > 128 || strings.ContainsFunc(verifier, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && !strings.ContainsRune("-._~", r)
	}) {
		return false
	}
	sum := sha256.Sum256([]byte(verifier))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

// back sends the browser back to the agent, with names and values. iss tells it
// who answers (RFC 9207).
func (s *Service) back(w http.ResponseWriter, r *http.Request, in *request, params ...string) {
	to, err := url.Parse(in.Redirect)
	if err != nil {
		s.Site.Fail(w, r, err)
		return
	}
	q := to.Query()
	for i := 0; i+1 < len(params); i += 2 {
		q.Set(params[i], params[i+1])
	}
	if in.State != "" {
		q.Set("state", in.State)
	}
	q.Set("iss", s.PublicURL)
	to.RawQuery = q.Encode()
	http.Redirect(w, r, to.String(), http.StatusSeeOther) // one of the addresses that the agent was registered with
}

// consent is what the page of consent shows.
type consent struct {
	Request, Name, Host string
	// Here says that the agent is a program on the person's own computer.
	Here     bool
	LookOnly bool
	Person   Person
}

// requested finds the request of a page for whoever is signed in. The first who
// is asked is the only one.
func (s *Service) requested(tx *store.Tx, token, session string) (in request, hash []byte, err error) {
	if hash = readSecret(token); hash == nil {
		return in, nil, store.ErrNotFound
	}
	row, err := store.One[asked](tx, `SELECT hash, session, expires_us, doc FROM agent_requests WHERE hash = $1`, hash)
	if err != nil {
		return in, nil, err
	}
	if s.ended(row.ExpiresUS) || row.Session != "" && row.Session != session {
		return in, nil, store.ErrNotFound
	}
	if row.Session == "" {
		if _, err := tx.Exec(`UPDATE agent_requests SET session = $2 WHERE hash = $1`, hash, session); err != nil {
			return in, nil, err
		}
	}
	return in, hash, json.Unmarshal([]byte(row.Doc), &in)
}

// showConsent asks the person, once they are signed in, whether the agent may act
// for them.
func (s *Service) showConsent(w http.ResponseWriter, r *http.Request) error {
	token := r.URL.Query().Get("request")
	p, session, ok, err := s.Sessions.Of(r)
	if err != nil {
		return err
	}
	if !ok {
		s.Site.Go(w, r, web.Root, "next", s.Site.URL(consentPath, "request", token))
		return nil
	}
	var in request
	err = s.DB.Write(r.Context(), func(tx *store.Tx) (err error) {
		in, _, err = s.requested(tx, token, session)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		s.over(w, r, p.Account)
		return nil
	}
	if err != nil {
		return err
	}
	to, err := url.Parse(in.Redirect)
	if err != nil {
		return err
	}
	s.Site.Show(w, r, web.Page{
		Name: "agent-consent", Account: p.Account, FormTargets: []string{formTarget(to)},
		Data: consent{Request: token, Name: in.Client.Name, Host: to.Host, Here: loopback(to.Hostname()), LookOnly: in.LookOnly, Person: p},
	})
	return nil
}

// formTarget is an address as a Content-Security-Policy names it, which knows no
// addresses of IPv6.
func formTarget(to *url.URL) string {
	if strings.HasPrefix(to.Host, "[") {
		return to.Scheme + ":"
	}
	return to.Scheme + "://" + to.Host
}

// decide takes the person's decision, and sends the browser back to the agent.
func (s *Service) decide(w http.ResponseWriter, r *http.Request) error {
	p, session, ok, err := s.Sessions.Of(r)
	if err != nil {
		return err
	}
	token := r.PostFormValue("request")
	if !ok {
		s.Site.Go(w, r, web.Root, "next", s.Site.URL(consentPath, "request", token))
		return nil
	}
	allow := r.PostFormValue("decision") == "allow"
	var in request
	var code string
	err = s.DB.Write(r.Context(), func(tx *store.Tx) (err error) {
		var hash []byte
		if in, hash, err = s.requested(tx, token, session); err != nil {
			return err
		}
		if _, err := tx.Exec(`DELETE FROM agent_requests WHERE hash = $1`, hash); err != nil {
			return err
		}
		e := Event{Name: "AuthorizeAgent", Person: p, Origin: api.OriginOf(r, s.TrustedProxies), Details: in.Client.details()}
		if !allow {
			e.Error = "Denied by the user."
			s.Trail.Left(tx, e)
			return nil
		}
		in.LookOnly = in.LookOnly || r.PostFormValue("read-only") != ""
		e.Details["Scope"] = scopeOf(in.LookOnly)
		g, err := s.newGrant(tx, p, &in)
		if err != nil {
			return err
		}
		e.Details["Grant"] = g.ID
		s.Trail.Left(tx, e)
		code, err = s.newCode(tx, g, &in)
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		s.over(w, r, p.Account)
		return nil
	}
	if f, ok := errors.AsType[*fault.Fault](err); ok && f.Status < 500 {
		s.back(w, r, &in, "error", "access_denied", "error_description", f.Message)
		return nil
	}
	if err != nil {
		return err
	}
	if !allow {
		s.back(w, r, &in, "error", "access_denied", "error_description", "The person has said no.")
		return nil
	}
	s.back(w, r, &in, "code", code)
	return nil
}

// details are what events tell of an agent.
func (c *client) details() map[string]string {
	return map[string]string{"AgentClientId": c.ID, "AgentName": c.Name}
}

// over says that there is nothing to decide any more.
func (s *Service) over(w http.ResponseWriter, r *http.Request, account string) {
	s.say(w, r, http.StatusNotFound, account, web.Message{Title: "agent.over.title", Text: "agent.over.text"})
}

func (s *Service) absent(w http.ResponseWriter, r *http.Request) {
	s.say(w, r, http.StatusNotFound, "", web.Message{Title: "absent.title", Text: "absent.text"})
}

func (s *Service) say(w http.ResponseWriter, r *http.Request, status int, account string, m web.Message) {
	s.Site.Show(w, r, web.Page{Name: "message", Status: status, Account: account, Data: m})
}
