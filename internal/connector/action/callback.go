package action

import (
	"embed"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io/fs"
	"net/http"
	"net/url"
	"strings"
	"time"

	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/store"
	"onsight/internal/web"
)

//go:embed pages
var files embed.FS

// Templates are the pages of this package, for web.New.
func Templates() fs.FS {
	pages, err := fs.Sub(files, "pages")
	if err != nil {
		panic(err) // it is embedded: a mistake of ours
	}
	return pages
}

// Paths beside ConnectPath and CallbackPath: the step from here to the service,
// and what came of it all.
const (
	onwardPath  = ConnectPath + "/onward"
	outcomePath = ConnectPath + "/outcome"
)

// IsPage tells whether a path is that of a page of Pages.
func IsPage(path string) bool {
	return path == CallbackPath || path == ConnectPath || strings.HasPrefix(path, ConnectPath+"/")
}

// cookieName is the cookie of a browser in which somebody signs in at a service.
const cookieName = "onsight-connect"

// A Visitor tells which user of QuickSight is signed in with a browser; ok is
// false where nobody is.
type Visitor func(r *http.Request) (user string, ok bool, err error)

// Pages answers ConnectPath, what is below it, and CallbackPath, on a site that
// has the Templates. visitor may be nil: then nobody is ever signed in.
func (s *Service) Pages(site *web.Site, visitor Visitor) http.Handler {
	p := &pages{Service: s, site: site, visitor: visitor}
	if u, err := url.Parse(s.PublicURL); err == nil {
		p.base, p.secure = strings.TrimSuffix(u.Path, "/"), u.Scheme == "https"
	}
	mux := http.NewServeMux()
	for pattern, answer := range map[string]func(w http.ResponseWriter, r *http.Request) error{
		"GET " + ConnectPath: p.ask, "POST " + ConnectPath: p.agreed, "GET " + onwardPath: p.onward, "GET " + CallbackPath: p.back, "GET " + outcomePath: p.outcome,
	} {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			if err := answer(w, r); err != nil {
				p.show(w, r, p.problem(r, err))
			}
		})
	}
	return site.Handler(mux)
}

type pages struct {
	*Service
	site    *web.Site
	visitor Visitor
	base    string
	secure  bool
}

// An outcome is what came of a sign-in. Title and Text are keys of the catalogue.
type outcome struct {
	Status      int
	Title, Text string
	Args        []any  `json:",omitempty"`
	Account     string `json:",omitempty"`
	// You says that there is a page of the person's account to go to.
	You  bool  `json:",omitempty"`
	Ends int64 `json:",omitempty"`
}

// outcomeLife is how long the page of an outcome can be loaded again, such as in
// another language.
const outcomeLife = time.Hour

const outcomeContext = "connector_outcome"

// show shows what came of a sign-in.
func (p *pages) show(w http.ResponseWriter, r *http.Request, o outcome) {
	m := web.Message{Title: o.Title, Text: o.Text, Args: o.Args}
	if o.You {
		m.Action, m.Target = "to.you", web.Root+"/you"
	}
	p.site.Show(w, r, web.Page{Name: "message", Status: o.Status, Account: o.Account, Data: m})
}

// leadTo leads the browser from the service's answer to a page of the outcome:
// code and state must not stay in the address.
func (p *pages) leadTo(w http.ResponseWriter, r *http.Request, st *state, o outcome) error {
	o.Account, o.Ends = st.Account, store.Micros(p.Now().Add(outcomeLife))
	_, o.You = personIn(st.Principal)
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	p.site.Go(w, r, outcomePath, "outcome", base64.RawURLEncoding.EncodeToString(p.Keys.Seal(text, outcomeContext)))
	return nil
}

// outcome shows what came of a sign-in that has ended.
func (p *pages) outcome(w http.ResponseWriter, r *http.Request) error {
	var o outcome
	sealed, err := base64.RawURLEncoding.DecodeString(r.URL.Query().Get("outcome"))
	if err != nil {
		return errNoState
	}
	text, err := p.Keys.Open(sealed, outcomeContext)
	if err != nil {
		return errNoState // somebody has made it up
	}
	if err := json.Unmarshal(text, &o); err != nil {
		return err
	}
	if o.Ends < store.Micros(p.Now()) {
		return errNoState
	}
	p.show(w, r, o)
	return nil
}

// another says that somebody else is signed in with the browser than the one who
// began.
type another struct{ who string }

func (e *another) Error() string { return "action: somebody else is signed in with this browser" }

// problem is what went wrong. What is ours is said by the log alone.
func (p *pages) problem(r *http.Request, err error) outcome {
	o := outcome{Status: http.StatusBadRequest, Title: "connect.not.title"}
	if e, ok := errors.AsType[*tokenError](err); ok {
		o.Status, o.Text, o.Args = http.StatusBadGateway, "connect.not.said", []any{e.reason}
		return o
	}
	if e, ok := errors.AsType[*another](err); ok {
		o.Status, o.Text, o.Args = http.StatusForbidden, "connect.not.another", []any{e.who}
		return o
	}
	if f, ok := errors.AsType[*fault.Fault](err); ok && f.Code != "InternalFailureException" {
		o.Text, o.Args = "connect.not.said", []any{f.Message}
		return o
	}
	if errors.Is(err, errNoState) {
		o.Text = "connect.not.void"
		return o
	}
	p.Log.ErrorContext(r.Context(), "connect at a service", "error", err.Error())
	o.Status, o.Text = http.StatusInternalServerError, "connect.not.failed"
	return o
}

// personIn gives the name of the user whom a principal is; ok is false for a
// caller who is none.
func personIn(principal string) (name string, ok bool) {
	a, err := arn.Parse(nameOf(principal))
	if err != nil || !a.IsQuickSight() {
		return nameOf(principal), false
	}
	_, rest := a.Split()
	_, name, ok = strings.Cut(rest, "/")
	return name, ok
}

// browserOf is what is kept of a browser's cookie; empty where it has none.
func browserOf(r *http.Request) string {
	c, err := r.Cookie(cookieName)
	if err != nil || c.Value == "" {
		return ""
	}
	return digest(c.Value)
}

// confirmedBy is what is kept of a browser in which somebody has agreed to go on.
func confirmedBy(browser string) string { return digest("confirmed\x00" + browser) }

// mustBe refuses a browser in which somebody else is signed in than the one who
// began.
func (p *pages) mustBe(r *http.Request, principal string) error {
	if p.visitor == nil {
		return nil
	}
	user, ok, err := p.visitor(r)
	if err == nil && ok && user != nameOf(principal) {
		who, _ := personIn(principal)
		err = &another{who}
	}
	return err
}

// of finds a sign-in that has begun in this browser, or that one of others may
// begin here; it is errNoState otherwise.
func (p *pages) of(tx *store.Tx, token string, browsers ...string) (state, error) {
	st, err := store.One[state](tx, `SELECT `+stateColumns+` FROM connector_states WHERE hash = $1`, digest(token))
	if errors.Is(err, store.ErrNotFound) || err == nil && st.ExpiresUS < store.Micros(p.Now()) {
		return st, errNoState
	}
	if err != nil {
		return st, err
	}
	for _, b := range browsers {
		if same(st.Browser, b) {
			return st, nil
		}
	}
	return st, errNoState
}

// asked is what the page shows on which somebody agrees to go to the service.
type asked struct{ Name, Who, State string }

// ask binds the sign-in to the browser, and has the person confirm that it is
// theirs: who follows a link of somebody else's would give their account away.
func (p *pages) ask(w http.ResponseWriter, r *http.Request) error {
	token, browser := r.URL.Query().Get("state"), browserOf(r)
	fresh := ""
	if browser == "" {
		fresh = newSecret()
		browser = digest(fresh)
	}
	var st state
	var name string
	err := p.DB.Write(r.Context(), func(tx *store.Tx) (err error) {
		if st, err = p.of(tx, token, "", browser, confirmedBy(browser)); err != nil {
			return err
		}
		k, err := keyOfARN(st.ARN)
		if err != nil {
			return err
		}
		l, err := p.Connectors.Find(tx, k)
		if err != nil {
			return err
		}
		name = l.Name
		_, err = tx.Exec(`UPDATE connector_states SET browser = $2 WHERE hash = $1`, st.Hash, browser)
		return err
	})
	if err != nil {
		return err
	}
	if err := p.mustBe(r, st.Principal); err != nil {
		return err
	}
	if fresh != "" {
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure is left out only where the server has no https
			Name: cookieName, Value: fresh, Path: p.base + "/sn/", MaxAge: int(stateLife.Seconds()), HttpOnly: true, Secure: p.secure, SameSite: http.SameSiteLaxMode,
		})
	}
	who, _ := personIn(st.Principal)
	p.site.Show(w, r, web.Page{Name: "connect", Account: st.Account, Params: []string{"state", token}, Data: asked{name, who, token}})
	return nil
}

// agreed notes that the person goes on, and leads to where the browser is sent
// to the service: browsers hold a redirect to another site against the policy of
// the page with the form.
func (p *pages) agreed(w http.ResponseWriter, r *http.Request) error {
	token, browser := r.PostFormValue("state"), browserOf(r)
	if browser == "" {
		return errNoState
	}
	var st state
	err := p.DB.Write(r.Context(), func(tx *store.Tx) (err error) {
		if st, err = p.of(tx, token, browser, confirmedBy(browser)); err != nil {
			return err
		}
		_, err = tx.Exec(`UPDATE connector_states SET browser = $2 WHERE hash = $1`, st.Hash, confirmedBy(browser))
		return err
	})
	if err == nil {
		err = p.mustBe(r, st.Principal)
	}
	if err != nil {
		return err
	}
	to := p.site.URL(onwardPath, "state", token)
	p.site.Show(w, r, web.Page{Name: "connect-onward", Account: st.Account, Onward: to, Params: []string{"state", token}, Data: to})
	return nil
}

// onward sends the browser of somebody who has agreed to the service.
func (p *pages) onward(w http.ResponseWriter, r *http.Request) error {
	token, browser := r.URL.Query().Get("state"), browserOf(r)
	var st state
	err := p.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		st, err = p.of(tx, token, confirmedBy(browser))
		return err
	})
	if err == nil {
		err = p.mustBe(r, st.Principal)
	}
	if err != nil {
		return err
	}
	l, a, _, err := p.opened(r.Context(), &st)
	if err != nil {
		return err
	}
	verifier, err := p.Keys.Open(st.Sealed, stateContext(st.Hash))
	if err != nil {
		return err
	}
	to, err := authorizeURL(l, a, token, string(verifier))
	if err != nil {
		return err
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil
}

// back takes the browser that comes back from the service (RFC 6749, 4.1.2).
func (p *pages) back(w http.ResponseWriter, r *http.Request) error {
	var st *state
	var verifier string
	err := p.DB.Write(r.Context(), func(tx *store.Tx) (err error) {
		st, verifier, err = p.take(tx, r.URL.Query().Get("state"), confirmedBy(browserOf(r)))
		return err
	})
	if err != nil {
		return err
	}
	o, err := p.came(r, st, verifier)
	if err != nil {
		o = p.problem(r, err)
	}
	return p.leadTo(w, r, st, o)
}

// came ends a sign-in with what the service answers.
func (p *pages) came(r *http.Request, st *state, verifier string) (outcome, error) {
	no := outcome{Status: http.StatusBadRequest, Title: "connect.not.title"}
	if err := p.mustBe(r, st.Principal); err != nil {
		return no, err
	}
	q := r.URL.Query()
	if code := q.Get("error"); code != "" {
		said := tidy(code, 64)
		if more := tidy(q.Get("error_description"), 500); more != "" {
			said += ": " + more
		}
		no.Text, no.Args = "connect.not.answer", []any{said}
		if code == "access_denied" {
			no.Text = "connect.not.refused"
		}
		return no, nil
	}
	l, a, _, err := p.opened(r.Context(), st)
	if err != nil {
		return no, err
	}
	if iss := q.Get("iss"); iss != "" && !issuedBy(iss, l.Auth.AuthorizationEndpoint, a.AuthorizationEndpoint) { // RFC 9207
		return no, fault.Invalid("Another service than the connector's has answered.")
	}
	code := q.Get("code")
	if code == "" || len(code) > maxToken {
		return no, fault.Invalid("The service has sent no code.")
	}
	record, err := p.complete(r.Context(), st, verifier, code, web.Language(r))
	if err != nil {
		return no, err
	}
	yes := outcome{Status: http.StatusOK, Title: "connect.done.title", Text: "connect.done.text", Args: []any{l.Name}}
	if record.VendorLabel != "" {
		yes.Text, yes.Args = "connect.done.as", []any{l.Name, record.VendorLabel}
	}
	return yes, nil
}

// issuedBy tells whether an issuer is at the host of an authorization endpoint.
func issuedBy(issuer string, endpoints ...string) bool {
	i, err := url.Parse(issuer)
	if err != nil {
		return false
	}
	for _, e := range endpoints {
		if u, err := url.Parse(e); err == nil && e != "" && u.Scheme == i.Scheme && strings.EqualFold(u.Host, i.Host) {
			return true
		}
	}
	return false
}
