package federation

import (
	"bytes"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"

	"onsight/internal/fault"
	"onsight/internal/store"
	"onsight/internal/sts/idtoken"
)

// done takes a provider's answer: the browser brings a code, and the code brings
// the token that says who it is.
func (s *Service) done(w http.ResponseWriter, r *http.Request) error {
	a, it, secret, err := s.find(r)
	if err != nil {
		return err
	}
	q := r.URL.Query()
	st, err := s.returned(r, a, it, q.Get("state"))
	if err != nil {
		return err
	}
	m, err := s.metadata(r.Context(), it.Doc.Issuer)
	if err != nil {
		return s.provided(r, a, it, err)
	}
	// One provider's answer must not be taken for another's (RFC 9207, 2.4).
	if iss := q.Get("iss"); q.Has("iss") && iss != it.Doc.Issuer || m.NamesIssuer && !q.Has("iss") {
		return s.refuse(r, a, it.ID, http.StatusBadRequest, "federation.issuer", "The answer is another issuer's")
	}
	if code := q.Get("error"); code != "" {
		return s.denied(r, a, it, code)
	}
	if q.Get("code") == "" {
		return s.refuse(r, a, it.ID, http.StatusBadRequest, "federation.again", "The answer has no code")
	}
	token, err := s.Verifier.Exchange(r.Context(), m, idtoken.Code{
		Code: q.Get("code"), RedirectURI: s.back(it), Verifier: st.Verifier, ClientID: it.Doc.ClientID, ClientSecret: secret.Reveal(),
	})
	if err != nil {
		return s.provided(r, a, it, err)
	}
	claims, err := s.Verifier.Verify(r.Context(), it.Doc.Issuer, []string{it.Doc.ClientID}, token)
	if err != nil {
		return s.provided(r, a, it, err)
	}
	if nonce, _ := textClaim(claims, "nonce"); subtle.ConstantTimeCompare([]byte(nonce), []byte(st.Nonce)) != 1 {
		return s.refuse(r, a, it.ID, http.StatusForbidden, "federation.token", "The token has another nonce", it.Name)
	}
	if it.Doc.RoleARN == "" {
		return s.provisioned(w, r, a, it, st, claims)
	}
	t, err := s.assume(r, a, it, claims, token)
	if err != nil {
		return err
	}
	t.Namespace, t.Next, t.Browser = st.Namespace, st.Next, st.Browser
	return s.arrive(w, r, a, it, t, "", "")
}

// returned opens the state that a browser brings back, and uses it up.
func (s *Service) returned(r *http.Request, a Account, it *item, text string) (st state, err error) {
	again := func(reason string) error {
		return s.refuse(r, a, it.ID, http.StatusBadRequest, "federation.again", reason)
	}
	switch err := s.open(text, forState, &st); {
	case err != nil:
		return st, again("The state " + errSealed.Error())
	case st.Account != a.Account || st.Provider != it.ID:
		return st, again("The state is of another provider")
	case !bytes.Equal(st.Browser, s.browser(r)):
		return st, again("The state is of another browser")
	case s.Now().Unix() >= st.Expires:
		return st, again("The state has expired")
	}
	err = s.DB.Write(r.Context(), func(tx *store.Tx) error { return s.spend(tx, a.Account, text, st.Expires) })
	if errors.Is(err, errSpent) {
		err = again("The state was used before")
	}
	return st, err
}

var errorCode = regexp.MustCompile(`^[a-z_]{1,40}$`)

// denied is what somebody is told whom the provider does not let through.
func (s *Service) denied(r *http.Request, a Account, it *item, code string) error {
	if !errorCode.MatchString(code) { // anyone may have made it up
		code = "error"
	}
	return s.refuse(r, a, it.ID, http.StatusForbidden, "federation.denied", "The identity provider answers "+code, it.Name, code)
}

// assume begins the session of the provider's role for whom a token is about.
func (s *Service) assume(r *http.Request, a Account, it *item, c idtoken.Claims, token string) (t ticket, err error) {
	name, ok := textClaim(c, it.Doc.SessionClaim)
	session := sessionName(name)
	verified, valid := boolClaim(c, "email_verified")
	// An address that anyone can claim names nobody.
	if !ok || session == "" || !valid || it.Doc.SessionClaim == "email" && verified == "false" {
		return t, s.refuse(r, a, it.ID, http.StatusForbidden, "federation.name", "The claim "+it.Doc.SessionClaim+" does not name anyone", it.Name, it.Doc.SessionClaim)
	}
	t = ticket{Account: a.Account, Provider: it.ID, Method: "oidc"}
	t.AccessKeyID, t.Token, err = s.Sessions.Assume(s.arriving(r, a.Region), it.Doc.RoleARN, session, token)
	if f, ok := errors.AsType[*fault.Fault](err); ok && f.Code != "InternalFailureException" {
		switch f.Code {
		case "IDPCommunicationError":
			return t, s.provided(r, a, it, fmt.Errorf("%w: %s", idtoken.ErrUnreachable, f.Message))
		case "AccessDenied":
			return t, s.noAccess(r, a, it, f.Code+": "+f.Message)
		}
		return t, s.refuse(r, a, it.ID, http.StatusForbidden, "federation.token", f.Code+": "+f.Message, it.Name)
	}
	if err != nil {
		return t, err
	}
	if verified != "false" || it.Doc.EmailClaim != "email" {
		t.Email, _ = textClaim(c, it.Doc.EmailClaim)
	}
	if it.Doc.GroupsClaim != "" {
		t.Groups = listClaim(c, it.Doc.GroupsClaim)
	}
	return t, nil
}

// noAccess is what somebody is told whom IAM gives nothing: whom to ask.
func (s *Service) noAccess(r *http.Request, a Account, it *item, reason string) error {
	if it == nil {
		return s.refuse(r, a, "", http.StatusForbidden, "federation.role", reason, a.Name)
	}
	if it.Doc.Contact == "" {
		return s.refuse(r, a, it.ID, http.StatusForbidden, "federation.role", reason, a.Name)
	}
	return s.refuse(r, a, it.ID, http.StatusForbidden, "federation.contact", reason, a.Name, it.Doc.Contact)
}

// sessionName makes the name of a role's session of a claim. Characters that
// no session's name has are written =XX, so that two claims never give one
// name; empty for a claim that gives none.
func sessionName(claim string) string {
	var b strings.Builder
	for i := range len(claim) {
		c := claim[i]
		switch {
		case c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z', c >= '0' && c <= '9', strings.IndexByte("_+,.@-", c) >= 0:
			b.WriteByte(c)
		default:
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	if b.Len() < 2 || b.Len() > 64 {
		return ""
	}
	return b.String()
}

func textClaim(c idtoken.Claims, name string) (string, bool) {
	var v string
	raw, ok := c.All[name]
	return v, ok && json.Unmarshal(raw, &v) == nil && v != ""
}

// boolClaim reads a claim that is true or false, or, with some providers, a
// text that says so; empty for none. ok is false for anything else.
func boolClaim(c idtoken.Claims, name string) (v string, ok bool) {
	raw, there := c.All[name]
	switch v = strings.Trim(string(raw), `"`); {
	case !there, string(raw) == "null":
		return "", true
	default:
		return v, v == "true" || v == "false"
	}
}

// maxGroups is how many groups of a token count.
const maxGroups = 200

// listClaim reads a list of texts, or one text; never nil.
func listClaim(c idtoken.Claims, name string) []string {
	all := []string{}
	if json.Unmarshal(c.All[name], &all) != nil {
		if one, ok := textClaim(c, name); ok {
			all = []string{one}
		} else {
			all = []string{}
		}
	}
	if all == nil {
		all = []string{}
	}
	return all[:min(len(all), maxGroups)]
}
