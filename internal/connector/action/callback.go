package action

import (
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strings"

	"onsight/internal/fault"
	"onsight/internal/store"
	"onsight/internal/web"
)

// cookieName is the cookie of a browser in which somebody signs in at a service.
const cookieName = "onsight-connect"

// A Visitor tells which user of QuickSight is signed in with a browser; ok is
// false where nobody is.
type Visitor func(r *http.Request) (user string, ok bool, err error)

// Pages answers ConnectPath and CallbackPath. visitor may be nil: then nobody is
// ever signed in.
func (s *Service) Pages(visitor Visitor) http.Handler {
	mux := http.NewServeMux()
	handle := func(pattern string, answer func(w http.ResponseWriter, r *http.Request) (*shownPage, error)) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			p, err := answer(w, r)
			if err != nil {
				p = s.problem(r, err)
			}
			if p != nil {
				p.write(w)
			}
		})
	}
	p := &pages{Service: s, visitor: visitor}
	if u, err := url.Parse(s.PublicURL); err == nil {
		p.base, p.secure = strings.TrimSuffix(u.Path, "/"), u.Scheme == "https"
		if u.Host != "" {
			_ = p.refusing.AddTrustedOrigin(u.Scheme + "://" + u.Host) // it is an origin
		}
	}
	handle("GET "+ConnectPath, p.ask)
	handle("POST "+ConnectPath, p.leave)
	handle("GET "+CallbackPath, p.back)
	return p.refusing.Handler(mux)
}

type pages struct {
	*Service
	visitor  Visitor
	base     string
	secure   bool
	refusing http.CrossOriginProtection
}

// A shownPage is a page as people see it.
type shownPage struct {
	Status      int
	Title, Text string
	// Form is the address of a button, with its state.
	Form, State, Button string
}

var pageTemplate = template.Must(template.New("page").Parse(`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
</head>
<body>
<main>
<h1>{{.Title}}</h1>
<p>{{.Text}}</p>
{{if .Form}}<form method="post" action="{{.Form}}">
<input type="hidden" name="state" value="{{.State}}">
<button type="submit">{{.Button}}</button>
</form>
{{end}}</main>
</body>
</html>
`))

func (p *shownPage) write(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Security-Policy", "default-src 'none'; base-uri 'none'; frame-ancestors 'none'")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(p.Status)
	_ = pageTemplate.Execute(w, p) // who has gone away is not our error
}

// problem is the page of what went wrong. What is ours is said by the log alone.
func (s *Service) problem(r *http.Request, err error) *shownPage {
	p := &shownPage{Status: http.StatusBadRequest, Title: "You are not connected"}
	if e, ok := errors.AsType[*tokenError](err); ok {
		p.Status, p.Text = http.StatusBadGateway, e.reason
		return p
	}
	if f, ok := errors.AsType[*fault.Fault](err); ok && f.Code != "InternalFailureException" {
		p.Text = f.Message
		return p
	}
	if errors.Is(err, errNoState) {
		p.Text = "This sign-in was not begun in this browser, has ended, or took longer than ten minutes. Start the connection again."
		return p
	}
	s.Log.ErrorContext(r.Context(), "connect at a service", "error", err.Error())
	p.Status, p.Text = http.StatusInternalServerError, "Something went wrong here. Start the connection again."
	return p
}

// browserOf is what is kept of a browser's cookie; empty where it has none.
func browserOf(r *http.Request) string {
	c, err := r.Cookie(cookieName)
	if err != nil || c.Value == "" {
		return ""
	}
	return digest(c.Value)
}

// mustBe refuses a browser in which somebody else is signed in than the one who
// began.
func (p *pages) mustBe(r *http.Request, principal string) error {
	if p.visitor == nil {
		return nil
	}
	user, ok, err := p.visitor(r)
	if principal = nameOf(principal); err == nil && ok && user != principal {
		err = fault.Denied("The connection was begun by %s, and somebody else is signed in with this browser. Sign out first.", principal)
	}
	return err
}

// ask binds the sign-in to the browser, and has the person confirm that it is
// theirs: who follows a link of somebody else's would give their account away.
func (p *pages) ask(w http.ResponseWriter, r *http.Request) (*shownPage, error) {
	token, browser := r.URL.Query().Get("state"), browserOf(r)
	fresh := ""
	if browser == "" {
		fresh = newSecret()
		browser = digest(fresh)
	}
	var st state
	var name string
	err := p.DB.Write(r.Context(), func(tx *store.Tx) (err error) {
		st, err = store.One[state](tx, `SELECT `+stateColumns+` FROM connector_states WHERE hash = $1`, digest(token))
		if errors.Is(err, store.ErrNotFound) || err == nil && (st.ExpiresUS < store.Micros(p.Now()) || st.Browser != "" && !same(st.Browser, browser)) {
			return errNoState
		}
		if err != nil {
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
		return nil, err
	}
	if err := p.mustBe(r, st.Principal); err != nil {
		return nil, err
	}
	if fresh != "" {
		http.SetCookie(w, &http.Cookie{ //nolint:gosec // Secure is left out only where the server has no https
			Name: cookieName, Value: fresh, Path: p.base + "/sn/", MaxAge: int(stateLife.Seconds()), HttpOnly: true, Secure: p.secure, SameSite: http.SameSiteLaxMode,
		})
	}
	return &shownPage{
		Status: http.StatusOK, Title: "Connect to " + name,
		Text: "You are about to sign in at the service behind the connector " + name + ". From then on " + nameOf(st.Principal) +
			" can act there as you, through Onsight. Go on only if that is you, and you have begun this yourself.",
		Form: p.base + ConnectPath, State: token, Button: "Go on to the service",
	}, nil
}

// leave sends the browser to the service.
func (p *pages) leave(w http.ResponseWriter, r *http.Request) (*shownPage, error) {
	token, browser := r.PostFormValue("state"), browserOf(r)
	var st state
	err := p.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		st, err = store.One[state](tx, `SELECT `+stateColumns+` FROM connector_states WHERE hash = $1`, digest(token))
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && (st.ExpiresUS < store.Micros(p.Now()) || st.Browser == "" || !same(st.Browser, browser)) {
		return nil, errNoState
	}
	if err != nil {
		return nil, err
	}
	if err := p.mustBe(r, st.Principal); err != nil {
		return nil, err
	}
	l, a, _, err := p.opened(r.Context(), &st)
	if err != nil {
		return nil, err
	}
	verifier, err := p.Keys.Open(st.Sealed, stateContext(st.Hash))
	if err != nil {
		return nil, err
	}
	to, err := authorizeURL(l, a, token, string(verifier))
	if err != nil {
		return nil, err
	}
	w.Header().Set("Referrer-Policy", "no-referrer")
	w.Header().Set("Cache-Control", "no-store")
	http.Redirect(w, r, to, http.StatusSeeOther)
	return nil, nil
}

// back takes the browser that comes back from the service (RFC 6749, 4.1.2).
func (p *pages) back(w http.ResponseWriter, r *http.Request) (*shownPage, error) {
	q := r.URL.Query()
	var st *state
	var verifier string
	err := p.DB.Write(r.Context(), func(tx *store.Tx) (err error) {
		st, verifier, err = p.take(tx, q.Get("state"), browserOf(r))
		return err
	})
	if err != nil {
		return nil, err
	}
	if err := p.mustBe(r, st.Principal); err != nil {
		return nil, err
	}
	if code := q.Get("error"); code != "" {
		text := "The service says: " + tidy(code, 64) + "."
		if more := tidy(q.Get("error_description"), maxSaid); more != "" {
			text += " " + more
		}
		return &shownPage{Status: http.StatusBadRequest, Title: "You are not connected", Text: text}, nil
	}
	l, a, _, err := p.opened(r.Context(), st)
	if err != nil {
		return nil, err
	}
	if iss := q.Get("iss"); iss != "" && !issuedBy(iss, l.Auth.AuthorizationEndpoint, a.AuthorizationEndpoint) { // RFC 9207
		return nil, fault.Invalid("Another service than the connector's has answered.")
	}
	code := q.Get("code")
	if code == "" || len(code) > maxToken {
		return nil, fault.Invalid("The service has sent no code.")
	}
	record, err := p.complete(r.Context(), st, verifier, code, web.Language(r))
	if err != nil {
		return nil, err
	}
	text := "You are signed in at the service"
	if record.VendorLabel != "" {
		text += " as " + record.VendorLabel
	}
	return &shownPage{Status: http.StatusOK, Title: "You are connected", Text: text + ". You can close this window."}, nil
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
