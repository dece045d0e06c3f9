package signin

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strconv"
	"time"

	"github.com/google/uuid"

	"onsight/internal/arn"
	"onsight/internal/store"
	"onsight/internal/web"
)

// session is a row of the table web_sessions.
type session struct {
	TokenHash []byte `db:"token_hash"`
	ID        string `db:"id"`
	Account   string `db:"account"`
	Namespace string `db:"namespace"`
	UserName  string `db:"user_name"`
	Method    string `db:"method"`
	Address   string `db:"address"`
	Agent     string `db:"agent"`
	CreatedUS int64  `db:"created_us"`
	UsedUS    int64  `db:"used_us"`
	ExpiresUS int64  `db:"expires_us"`
	Factor    string `db:"factor"`
	ProvedUS  int64  `db:"proved_us"`
}

const sessionColumns = `token_hash, id, account, namespace, user_name, method, address, agent, created_us, used_us, expires_us, factor, proved_us`

// cookieName is the name of the cookie that has a session's token.
const cookieName = "onsight-session"

// usedEvery is how exactly it is known when a session was used last: not each
// page is a write.
const usedEvery = time.Minute

// ErrSignedOut says that a request has no session that goes on.
var ErrSignedOut = errors.New("signin: nobody is signed in")

var tokenText = base64.RawURLEncoding.Strict()

// newToken makes 32 random bytes that let someone in, and what is kept of them.
func newToken() (token string, hash []byte) {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return tokenText.EncodeToString(b[:]), hashToken(b[:])
}

func hashToken(raw []byte) []byte {
	sum := sha256.Sum256(raw)
	return sum[:]
}

// readToken gives what is kept of a token; nil for what is none.
func readToken(token string) []byte {
	raw, err := tokenText.DecodeString(token)
	if err != nil || len(raw) != 32 {
		return nil
	}
	return hashToken(raw)
}

// A Session is who is signed in, since when, and by what.
type Session struct {
	Person Person
	// ID names the session.
	ID string
	// Method is how the person came in, such as password.
	Method string
	Began  time.Time
	// Factor is what they have shown beside it: totp, passkey, recovery; elsewhere
	// where a provider asks for it, and empty for nothing.
	Factor string
	// Proved is when they last showed who they are.
	Proved time.Time

	hash []byte
}

// PersonOf tells who is signed in with a request's cookie; ErrSignedOut where
// nobody is. Whether the person's address is allowed is asked anew.
func (s *Service) PersonOf(r *http.Request) (Session, error) {
	var found Session
	var row session
	err := s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		found, row, err = s.sessionOf(tx, r)
		return err
	})
	if err != nil {
		return Session{}, err
	}
	if err := s.mustBeAllowed(r, row.Account); err != nil {
		return Session{}, err
	}
	now := s.Now()
	if now.Sub(store.Time(row.UsedUS)) < usedEvery {
		return found, nil
	}
	err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE web_sessions SET used_us = $2, address = $3 WHERE token_hash = $1`, row.TokenHash, store.Micros(now), s.origin(r).Address)
		return err
	})
	return found, err
}

// sessionOf finds the session of a request's cookie.
func (s *Service) sessionOf(tx *store.Tx, r *http.Request) (Session, session, error) {
	hash := s.cookieOf(r)
	if hash == nil {
		return Session{}, session{}, ErrSignedOut
	}
	row, err := store.One[session](tx, `SELECT `+sessionColumns+` FROM web_sessions WHERE token_hash = $1`, hash)
	if errors.Is(err, store.ErrNotFound) || err == nil && (!s.goesOn(&row) || row.Method == methodEmbedded) {
		return Session{}, row, ErrSignedOut
	}
	if err != nil {
		return Session{}, row, err
	}
	p, err := s.People.Person(tx, row.Account, row.Namespace, row.UserName)
	if errors.Is(err, store.ErrNotFound) || err == nil && !p.Active {
		return Session{}, row, ErrSignedOut
	}
	if err != nil {
		return Session{}, row, err
	}
	if lacks, err := s.lacks(tx, p, &row); err != nil || lacks {
		return Session{}, row, cmp.Or(err, ErrSignedOut)
	}
	return Session{
		Person: p, ID: row.ID, Method: row.Method, Began: store.Time(row.CreatedUS), Factor: row.Factor, Proved: store.Time(row.ProvedUS), hash: row.TokenHash,
	}, row, nil
}

// goesOn tells whether a session has neither ended nor been left alone too long.
// One in a frame lasts as long as its URL says, used or not.
func (s *Service) goesOn(row *session) bool {
	now := s.Now()
	return now.Before(store.Time(row.ExpiresUS)) && (row.Method == methodEmbedded || now.Before(store.Time(row.UsedUS).Add(s.SessionIdle)))
}

// cookieOf gives what is kept of the token in a request's cookie; nil for none.
func (s *Service) cookieOf(r *http.Request) []byte {
	c, err := r.Cookie(s.Site.CookieName(cookieName))
	if err != nil {
		return nil
	}
	return readToken(c.Value)
}

// An Entry is someone who has shown who they are.
type Entry struct {
	// Account is the person's.
	Account string
	// Method is how, in one word: password, invitation.
	Method string
	// Next is where they wanted to go, as anyone may have made it up; empty for
	// their own page.
	Next string
	// Life is how long the session may last at most; 0 is as long as any.
	Life time.Duration
	// Details are what the event tells besides the method; nil for nothing. Who
	// may change them.
	Details map[string]string
	// Who gives the person, in the transaction in which the session begins. It
	// may change what the way in is about, such as that it can't be used again.
	Who func(tx *store.Tx) (Person, error)
	// Factor is the second factor that they have shown; empty for none.
	Factor string
	// Typed tells that they have typed a password on a page of ours, which is kept
	// elsewhere, such as in a directory: so asking for more is our matter, too.
	// Of people whose password is kept here it is known.
	Typed bool
}

// Admit begins a session for someone who has shown who they are, and sends the
// browser on. The session that the browser had ends. It is the only way in.
// Someone who owes a second factor is sent to its page first.
func (s *Service) Admit(w http.ResponseWriter, r *http.Request, e Entry) error {
	next, err := s.admit(w, r, e)
	if err == nil {
		http.Redirect(w, r, next, http.StatusSeeOther) //nolint:gosec // Local: nowhere but to this server
	}
	return err
}

// admit does it, and tells where to send the browser.
func (s *Service) admit(w http.ResponseWriter, r *http.Request, e Entry) (next string, err error) {
	if err := s.mustBeAllowed(r, e.Account); err != nil {
		return "", err
	}
	var token string
	life := s.SessionLife
	if e.Life > 0 {
		life = min(life, e.Life)
	}
	var owes bool
	err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
		p, err := e.Who(tx)
		if err != nil {
			return err
		}
		if !p.Active {
			return &refusal{status: http.StatusForbidden, account: p.Account, message: web.Message{Title: "inactive.title", Text: "inactive.text"}}
		}
		if p.Account != e.Account {
			return fmt.Errorf("signin: %s is not of account %s", p.Name, e.Account)
		}
		factor, uses := e.Factor, "Yes"
		if factor == "" {
			uses = "No"
			if owes, err = s.asks(tx, p, e.Typed); err != nil {
				return err
			}
			if owes {
				token, err = s.beginStep(tx, p, e)
				return err
			}
			if !p.hasPassword() && !e.Typed {
				factor = factorElsewhere
			}
		}
		if err := s.People.SignedIn(tx, p.Account, p.Namespace, p.Name); err != nil {
			return err
		}
		if token, err = s.begin(tx, r, p, e.Method, factor, life); err != nil {
			return err
		}
		details := map[string]string{"Method": e.Method, "MFAUsed": uses}
		maps.Copy(details, e.Details)
		return s.leave(tx, r, "ConsoleLogin", p, Event{Outcome: "Success", Details: details})
	})
	if err != nil {
		return "", err
	}
	if owes {
		http.SetCookie(w, s.Site.Cookie(stepCookie, token, stepLife))
		return s.Site.URL(factorPath), nil
	}
	http.SetCookie(w, s.Site.Cookie(cookieName, token, life))
	next = e.Next
	if next == "" || !web.Local(next) {
		next = s.Site.URL(youPath)
	}
	return next, nil
}

// begin makes a session in place of the one that the browser has.
func (s *Service) begin(tx *store.Tx, r *http.Request, p Person, method, factor string, life time.Duration) (token string, err error) {
	if old := s.cookieOf(r); old != nil {
		if _, err := tx.Exec(`DELETE FROM web_sessions WHERE token_hash = $1`, old); err != nil {
			return "", err
		}
	}
	id, err := uuid.NewRandom()
	if err != nil {
		return "", err
	}
	token, hash := newToken()
	now, origin := s.Now(), s.origin(r)
	return token, store.Insert(tx, "web_sessions", session{
		TokenHash: hash, ID: id.String(), Account: p.Account, Namespace: p.Namespace, UserName: p.Name, Method: method,
		Address: origin.Address, Agent: clip(origin.UserAgent, 300),
		CreatedUS: store.Micros(now), UsedUS: store.Micros(now), ExpiresUS: store.Micros(now.Add(life)),
		Factor: factor, ProvedUS: store.Micros(now),
	})
}

// EndSessions signs someone out everywhere, but for the session with the hash
// except, which may be nil.
func (s *Service) EndSessions(tx *store.Tx, account, namespace, name string, except []byte) error {
	if except == nil {
		except = []byte{}
	}
	_, err := tx.Exec(`DELETE FROM web_sessions WHERE account = $1 AND namespace = $2 AND user_name = $3 AND token_hash <> $4`, account, namespace, name, except)
	if err == nil { // who is on the way in begins anew
		_, err = tx.Exec(`DELETE FROM sign_in_steps WHERE account = $1 AND namespace = $2 AND user_name = $3`, account, namespace, name)
	}
	return err
}

// Forget removes what is kept of a user who is gone; others are not ours.
func (s *Service) Forget(tx *store.Tx, gone string) error {
	a, err := arn.Parse(gone)
	if err != nil {
		return err
	}
	namespace, name, ok := a.User()
	if !ok {
		return nil
	}
	for _, deletion := range []string{
		`DELETE FROM passwords WHERE account = $1 AND namespace = $2 AND user_name = $3`,
		`DELETE FROM password_resets WHERE account = $1 AND namespace = $2 AND user_name = $3`,
		`DELETE FROM web_sessions WHERE account = $1 AND namespace = $2 AND user_name = $3`,
	} {
		if _, err := tx.Exec(deletion, a.Account, namespace, name); err != nil {
			return err
		}
	}
	if _, err := forgetFactors(tx, a.Account, namespace, name); err != nil {
		return err
	}
	for _, name := range []string{lockUser(namespace, name), lockForgotten(namespace, name)} {
		if err := unlock(tx, a.Account, name); err != nil {
			return err
		}
	}
	return nil
}

// Purge removes what is kept of an account that unsubscribes.
func (s *Service) Purge(ctx context.Context, account string) error {
	const batch = 2000
	for _, deletion := range append([]string{
		`DELETE FROM passwords WHERE (account, namespace, user_name) IN (SELECT account, namespace, user_name FROM passwords WHERE account = $1 LIMIT $2)`,
		`DELETE FROM password_resets WHERE token_hash IN (SELECT token_hash FROM password_resets WHERE account = $1 LIMIT $2)`,
		`DELETE FROM web_sessions WHERE token_hash IN (SELECT token_hash FROM web_sessions WHERE account = $1 LIMIT $2)`,
		`DELETE FROM sign_in_locks WHERE (account, name) IN (SELECT account, name FROM sign_in_locks WHERE account = $1 LIMIT $2)`,
	}, purgeFactors...) {
		for gone := int64(batch); gone == batch; {
			err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
				gone, err = tx.Exec(deletion, account, batch)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

func clip(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && s[n]&0xc0 == 0x80 { // not inside of a character
		n--
	}
	return s[:n]
}

func seconds(d time.Duration) string {
	return strconv.Itoa(int((d + time.Second - 1) / time.Second))
}
