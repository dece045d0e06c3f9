package federation

import (
	"context"
	"crypto/sha256"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"onsight/internal/contract"
	"onsight/internal/store"
	"onsight/internal/sts/idtoken"
	"onsight/internal/web"
)

// patience is how long a page waits for what a provider says of itself.
const patience = 4 * time.Second

// start sends the browser to a provider.
func (s *Service) start(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	return s.begin(w, r, s.local(q.Get("next")), q.Get("namespace"), q.Get("login_hint"))
}

// initiate does the same where the provider asks for it (OpenID Connect Core
// 1.0, 4). What it says of the issuer has to be right: whoever follows a link
// must not be sent to another provider than it says.
func (s *Service) initiate(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	a, it, _, err := s.find(r)
	if err != nil {
		return err
	}
	if q.Get("iss") != it.Doc.Issuer {
		return s.refuse(r, a, it.ID, http.StatusBadRequest, "federation.issuer", "The initiation names another issuer")
	}
	return s.begin(w, r, s.local(q.Get("target_link_uri")), "", q.Get("login_hint"))
}

// initiateByForm leads from the form of a provider to initiate.
func (s *Service) initiateByForm(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 16<<10)
	if err := r.ParseForm(); err != nil {
		http.Error(w, "The form can't be read.", http.StatusBadRequest)
		return
	}
	q := url.Values{}
	for _, name := range []string{"iss", "login_hint", "target_link_uri"} {
		if v := r.PostForm.Get(name); v != "" {
			q.Set(name, v)
		}
	}
	http.Redirect(w, r, s.Site.URL(r.URL.EscapedPath())+"?"+q.Encode(), http.StatusSeeOther) //nolint:gosec // a path of ours
}

// found reads the account and the provider of a page's address.
func (s *Service) found(r *http.Request) (a Account, it *item, secret contract.Secret, err error) {
	err = s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		a, it, secret, err = s.provider(tx, r.PathValue("account"), r.PathValue("provider"))
		return err
	})
	return a, it, secret, err
}

// find does so too, and refuses where there is none.
func (s *Service) find(r *http.Request) (a Account, it *item, secret contract.Secret, err error) {
	a, it, secret, err = s.found(r)
	if errors.Is(err, store.ErrNotFound) {
		err = s.absent(nil, r)
	}
	return a, it, secret, err
}

func (s *Service) begin(w http.ResponseWriter, r *http.Request, next, namespace, hint string) error {
	a, it, _, err := s.find(r)
	if err != nil {
		return err
	}
	m, err := s.metadata(r.Context(), it.Doc.Issuer)
	if err != nil {
		return s.provided(r, a, it, err)
	}
	st := state{
		Account: a.Account, Provider: it.ID, Namespace: clip(namespace, 64), Nonce: random(), Verifier: random(), Next: next,
		Browser: s.known(w, r), Expires: s.Now().Add(stateLife).Unix(),
	}
	u, err := url.Parse(m.AuthorizationEndpoint)
	if err != nil {
		return err // Metadata has looked at it
	}
	challenge := sha256.Sum256([]byte(st.Verifier))
	q := u.Query()
	for name, v := range map[string]string{
		"response_type": "code", "client_id": it.Doc.ClientID, "redirect_uri": s.back(it), "scope": strings.Join(it.Doc.Scopes, " "),
		"state": s.sealed(st, forState), "nonce": st.Nonce,
		"code_challenge": sealedText.EncodeToString(challenge[:]), "code_challenge_method": "S256",
	} {
		q.Set(name, v)
	}
	if hint = clip(hint, 256); hint != "" {
		q.Set("login_hint", hint)
	}
	u.RawQuery = q.Encode()
	http.Redirect(w, r, u.String(), http.StatusSeeOther)
	return nil
}

// back is where a provider sends browsers back to.
func (s *Service) back(it *item) string {
	return s.Site.PublicURL(root + "/" + it.Account + "/" + it.ID + "/done")
}

func (s *Service) metadata(ctx context.Context, issuer string) (idtoken.Metadata, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return s.Verifier.Metadata(ctx, issuer)
}

// refuse is what somebody is told who can't sign in with a provider. reason is
// for the trail; args are for the text.
func (s *Service) refuse(r *http.Request, a Account, provider string, status int, text, reason string, args ...any) error {
	return s.Entrance.Refuse(r, s.refusal(a, provider, status, text, reason, args...))
}

func (s *Service) refusal(a Account, provider string, status int, text, reason string, args ...any) Refusal {
	no := Refusal{Status: status, Account: a.Account, Message: web.Message{
		Title: text + ".title", Text: text + ".text", Args: args, Action: "to.sign-in", Target: web.Root,
	}}
	if a.Name != "" {
		no.Message.Target = web.Root + "?" + url.Values{"account": {a.Name}, "here": {"1"}}.Encode()
	}
	no.Event = Event{Name: "ConsoleLogin", Outcome: "Failure", Error: reason, Details: map[string]string{"Method": "oidc"}}
	switch {
	case provider == samlProviders: // which one, nobody has proved
		no.Event.Details["Method"] = "saml"
	case strings.HasPrefix(provider, samlProviders):
		no.Event.Details["Method"] = "saml"
		no.Event.Details["Provider"] = provider
	case provider != "":
		no.Event.Details["Provider"] = provider
	default:
		no.Event.Details["Method"] = "federation"
	}
	if status == http.StatusServiceUnavailable {
		no.Wait = 10 * time.Second
	}
	return no
}

// provided is what somebody is told when a provider fails.
func (s *Service) provided(r *http.Request, a Account, it *item, err error) error {
	if r.Context().Err() != nil {
		return r.Context().Err()
	}
	s.Log.WarnContext(r.Context(), "an identity provider fails", "account", a.Account, "provider", it.ID, "issuer", it.Doc.Issuer, "cause", err.Error())
	switch {
	case errors.Is(err, idtoken.ErrUnreachable), errors.Is(err, context.DeadlineExceeded):
		return s.refuse(r, a, it.ID, http.StatusServiceUnavailable, "federation.down", "The identity provider does not answer", it.Name)
	case errors.Is(err, idtoken.ErrCode):
		return s.refuse(r, a, it.ID, http.StatusForbidden, "federation.again", "The identity provider refuses the code")
	}
	return s.refuse(r, a, it.ID, http.StatusBadGateway, "federation.token", "The identity provider's answer can't be used: "+reason(err), it.Name)
}

// reason is an error for the trail: what was wrong, and nothing that the
// provider sent.
func reason(err error) string {
	var expired *idtoken.ExpiredError
	var missing *idtoken.MissingClaimError
	switch {
	case errors.As(err, &expired):
		return "the token has expired"
	case errors.As(err, &missing):
		return missing.Error()
	}
	for _, known := range []error{
		idtoken.ErrMalformed, idtoken.ErrIssuer, idtoken.ErrAudience, idtoken.ErrNotYet, idtoken.ErrSignature, idtoken.ErrKey, idtoken.ErrAnswer,
	} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "see the server's log"
}

func clip(v string, most int) string {
	if len(v) > most {
		return ""
	}
	return v
}
