package federation

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"onsight/internal/store"
	"onsight/internal/web"
)

// A state is what has to be known when a browser comes back from a provider.
type state struct {
	Account   string `json:"a"`
	Provider  string `json:"p"`
	Namespace string `json:"s,omitempty"`
	Nonce     string `json:"o"`
	Verifier  string `json:"v"`
	Next      string `json:"n,omitempty"`
	// Browser is what is kept of the cookie of the browser that began.
	Browser []byte `json:"b"`
	Expires int64  `json:"x"`
}

// A ticket is a session of STS for which a user is looked for: in a
// SigninToken, and while somebody is asked for an e-mail address.
type ticket struct {
	// AccessKeyID and Token are the session's. The secret is needed no more.
	AccessKeyID string   `json:"k"`
	Token       string   `json:"t"`
	Account     string   `json:"a"`
	Method      string   `json:"m"`
	Provider    string   `json:"p,omitempty"` // of our own, by id
	Namespace   string   `json:"s,omitempty"`
	Next        string   `json:"n,omitempty"`
	Email       string   `json:"e,omitempty"` // as the provider has it
	Groups      []string `json:"g,omitempty"` // null where the provider does not say
	// Seconds is how long the session of the browser may last; 0 is as long as any.
	Seconds int64  `json:"l,omitempty"`
	Browser []byte `json:"b,omitempty"` // as in state; of a SigninToken, none
	Expires int64  `json:"x"`
}

// What values are sealed for.
const (
	forState = "federation state"
	forToken = "federation signin token"
	forEmail = "federation e-mail"
)

const (
	// stateLife is how long somebody may be with the provider.
	stateLife = 10 * time.Minute
	// tokenLife is how long a SigninToken is good for (IAM User Guide, "Enable
	// custom identity broker access to the AWS console").
	tokenLife = 15 * time.Minute
	// maxSealed bounds what is worth opening: a session token of the longest
	// form, and the rest.
	maxSealed = 12 << 10
)

var sealedText = base64.RawURLEncoding.Strict()

// sealed makes a text that only this server can read, for one purpose.
func (s *Service) sealed(v any, purpose string) string {
	plain, err := json.Marshal(v)
	if err != nil {
		panic(err) // texts and numbers can always be written
	}
	return sealedText.EncodeToString(s.Keys.Seal(plain, purpose))
}

// errSealed says that a text is none that was made here for the purpose.
var errSealed = errors.New("it was not made here, or was altered")

func (s *Service) open(text, purpose string, v any) error {
	if len(text) > maxSealed || strings.ContainsAny(text, "\r\n") { // which the decoder would pass over
		return errSealed
	}
	raw, err := sealedText.DecodeString(text)
	if err != nil {
		return errSealed
	}
	plain, err := s.Keys.Open(raw, purpose)
	if err != nil {
		return errSealed
	}
	return json.Unmarshal(plain, v)
}

// errSpent says that something that is good for once was used before.
var errSpent = errors.New("it was used before")

// spend uses up what is good for once, and forgets some of what has ended.
func (s *Service) spend(tx *store.Tx, account, text string, expires int64) error {
	if _, err := tx.Exec(`DELETE FROM federation_spent WHERE token_hash IN
		(SELECT token_hash FROM federation_spent WHERE expires_us < $1 ORDER BY expires_us LIMIT 10)`, store.Micros(s.Now())); err != nil {
		return err
	}
	sum := sha256.Sum256([]byte(text))
	err := store.Insert(tx, "federation_spent", struct {
		Hash    []byte `db:"token_hash"`
		Account string `db:"account"`
		Expires int64  `db:"expires_us"`
	}{sum[:], account, store.Micros(time.Unix(expires, 0))})
	if store.Duplicate(err) {
		return errSpent
	}
	return err
}

// browserCookie is the name of the cookie that tells the browser that began.
const browserCookie = "onsight-arrival"

// browser is what is kept of a request's browser; nil for one without cookie.
func (s *Service) browser(r *http.Request) []byte {
	c, err := r.Cookie(s.Site.CookieName(browserCookie))
	if err != nil || len(c.Value) < 40 {
		return nil
	}
	sum := sha256.Sum256([]byte(c.Value))
	return sum[:]
}

// known gives the same, and makes it known where it is not. Several tabs are
// one browser.
func (s *Service) known(w http.ResponseWriter, r *http.Request) []byte {
	if b := s.browser(r); b != nil {
		return b
	}
	value := random()
	http.SetCookie(w, s.Site.Cookie(browserCookie, value, 24*time.Hour))
	sum := sha256.Sum256([]byte(value))
	return sum[:]
}

// random is a text of 32 random bytes.
func random() string {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return sealedText.EncodeToString(b[:])
}

// maxNext is how long a place to go to may be: it travels in the state, and
// providers take no endless URLs.
const maxNext = 1024

// local gives the path on this server of where somebody wants to go, which
// anyone may have made up; empty for anywhere else.
func (s *Service) local(target string) string {
	if len(target) > maxNext {
		return ""
	}
	if web.Local(target) {
		return target
	}
	base, err := url.Parse(s.PublicURL)
	if err != nil {
		return ""
	}
	u, err := url.Parse(target)
	if err != nil || u.User != nil || !strings.EqualFold(u.Scheme, base.Scheme) || !strings.EqualFold(u.Host, base.Host) || u.Opaque != "" {
		return ""
	}
	to := u.EscapedPath()
	if to == "" {
		to = "/"
	}
	if u.RawQuery != "" {
		to += "?" + u.RawQuery
	}
	if !web.Local(to) {
		return ""
	}
	return to
}

// public is the same address as others reach it.
func (s *Service) public(local string) string {
	base, err := url.Parse(s.PublicURL)
	if err != nil {
		return local
	}
	return base.Scheme + "://" + base.Host + local
}

// Purge removes what is kept of an account that unsubscribes; its providers go
// with its other resources.
func (s *Service) Purge(ctx context.Context, account string) error {
	err := s.remove(ctx, `DELETE FROM federation_redirects WHERE account IN (SELECT account FROM federation_redirects WHERE account = $1 LIMIT $2)`, account)
	if err != nil {
		return err
	}
	return s.remove(ctx, `DELETE FROM federation_spent WHERE token_hash IN (SELECT token_hash FROM federation_spent WHERE account = $1 LIMIT $2)`, account)
}

// remove deletes batch by batch.
func (s *Service) remove(ctx context.Context, deletion string, what any) error {
	const batch = 2000
	for gone := int64(batch); gone == batch; {
		err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
			gone, err = tx.Exec(deletion, what, batch)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
