package signin

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"onsight/internal/store"
	"onsight/internal/web"
)

// By what a session was begun, beside the first factor: column factor.
const (
	factorTOTP     = "totp"
	factorPasskey  = "passkey"
	factorRecovery = "recovery"
	// factorElsewhere is of people who sign in at a provider: whether it asks
	// for more is the provider's matter.
	factorElsewhere = "elsewhere"
)

// The addresses of the second factor.
const (
	factorPath  = web.Root + "/factor"
	factorsPath = youPath + "/factors"
	againPath   = web.Root + "/again"
)

// stepLife is how long after the password the second factor is waited for, also
// for someone who has to find an authenticator app first.
const stepLife = 15 * time.Minute

// stepCookie has the token of someone who owes the second factor.
const stepCookie = "onsight-step"

// proofLife is how long a proof of who one is does for changing factors.
const proofLife = 10 * time.Minute

// ErrNotRecent says that whoever is signed in must show anew who they are. A
// handler that gives it to Again has that done.
var ErrNotRecent = errors.New("signin: not shown lately")

// factorLimit is of codes: beside who guesses one, whoever gets here has the
// password.
var factorLimit = userLimit

// lockFactor counts codes that were wrong. The right password does not take it
// away: who has that might try for ever.
func lockFactor(namespace, name string) string { return bounded("factor/" + namespace + "/" + name) }

// A wrongFactor says that a factor was not shown; key is what to tell.
type wrongFactor struct{ key string }

func (w *wrongFactor) Error() string { return "signin: " + w.key }

// factors are the second factors of a person.
type factors struct {
	App      *totpFactor
	Passkeys []passkey
	Codes    int64
}

func (f *factors) any() bool { return f.App != nil || len(f.Passkeys) > 0 }

// count is how many there are; recovery codes are none.
func (f *factors) count() int {
	n := len(f.Passkeys)
	if f.App != nil {
		n++
	}
	return n
}

func (s *Service) factorsOf(tx *store.Tx, p Person) (f factors, err error) {
	if f.App, err = totpOf(tx, p); err != nil {
		return f, err
	}
	// Passkeys that can't be asked for at the server's present address count, too:
	// a setting must not let people in with less.
	if f.Passkeys, err = passkeysOf(tx, p); err != nil {
		return f, err
	}
	f.Codes, err = codesLeft(tx, p)
	return f, err
}

// asks tells whether a person who comes in owes a second factor.
func (s *Service) asks(tx *store.Tx, p Person, typed bool) (bool, error) {
	if !p.hasPassword() && !typed {
		return false, nil
	}
	policy, err := policyOf(tx, p.Account)
	if err != nil || policy == policyOff {
		return false, err
	}
	if requires(policy, p) {
		return true, nil
	}
	f, err := s.factorsOf(tx, p)
	return f.any(), err
}

// lacks tells whether a session that was begun without a second factor may not
// go on: the policy, or the person's role, has changed since.
func (s *Service) lacks(tx *store.Tx, p Person, row *session) (bool, error) {
	if row.Factor != "" {
		return false, nil
	}
	policy, err := policyOf(tx, p.Account)
	return requires(policy, p), err
}

// step is a row of the table sign_in_steps: someone who owes the second factor.
type step struct {
	TokenHash []byte `db:"token_hash"`
	Account   string `db:"account"`
	Namespace string `db:"namespace"`
	UserName  string `db:"user_name"`
	Method    string `db:"method"`
	Typed     bool   `db:"typed"`
	Target    string `db:"target"`
	ExpiresUS int64  `db:"expires_us"`
}

const stepColumns = `token_hash, account, namespace, user_name, method, typed, target, expires_us`

// beginStep keeps what someone has shown until the second factor is.
func (s *Service) beginStep(tx *store.Tx, p Person, e Entry) (token string, err error) {
	token, hash := newToken()
	return token, store.Insert(tx, "sign_in_steps", step{
		TokenHash: hash, Account: p.Account, Namespace: p.Namespace, UserName: p.Name, Method: e.Method, Typed: e.Typed,
		Target: clip(e.Next, 2048), ExpiresUS: store.Micros(s.Now().Add(stepLife)),
	})
}

// stepOf finds who a request is from that owes the second factor.
func (s *Service) stepOf(tx *store.Tx, r *http.Request) (step, Person, error) {
	late := &refusal{status: http.StatusGone, message: web.Message{Title: "late.title", Text: "late.text", Action: "to.sign-in", Target: web.Root}}
	c, err := r.Cookie(s.Site.CookieName(stepCookie))
	if err != nil {
		return step{}, Person{}, late
	}
	row, err := store.One[step](tx, `SELECT `+stepColumns+` FROM sign_in_steps WHERE token_hash = $1`, readToken(c.Value))
	if errors.Is(err, store.ErrNotFound) || err == nil && !s.Now().Before(store.Time(row.ExpiresUS)) {
		return row, Person{}, late
	}
	if err != nil {
		return row, Person{}, err
	}
	p, err := s.People.Person(tx, row.Account, row.Namespace, row.UserName)
	if errors.Is(err, store.ErrNotFound) || err == nil && !p.Active {
		err = late
	}
	return row, p, err
}

// A comer is whoever shows or adds a factor: someone on the way in, or someone
// who is signed in.
type comer struct {
	Person Person
	// Inside tells that they are signed in.
	Inside   bool
	factors  factors
	policy   string
	account  Account
	step     step
	session  Session
	hash     []byte // of the token of either
	handle   []byte // what authenticators call the person; nil for nothing yet
	required bool
}

// comerOf finds whoever shows a factor on the way in.
func (s *Service) comerOf(r *http.Request) (*comer, error) {
	c := &comer{}
	err := s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		if c.step, c.Person, err = s.stepOf(tx, r); err != nil {
			return err
		}
		c.hash = c.step.TokenHash
		return s.know(tx, c)
	})
	if err == nil {
		err = s.mustBeAllowed(r, c.Person.Account)
	}
	return c, err
}

// insider finds whoever is signed in.
func (s *Service) insider(r *http.Request) (*comer, error) {
	me, err := s.PersonOf(r)
	if err != nil {
		return nil, err
	}
	c := &comer{Person: me.Person, Inside: true, session: me, hash: me.hash}
	return c, s.DB.Read(r.Context(), func(tx *store.Tx) error { return s.know(tx, c) })
}

func (s *Service) know(tx *store.Tx, c *comer) (err error) {
	if c.account, err = s.Accounts.Name(tx, c.Person.Account); err != nil {
		return err
	}
	if c.policy, err = policyOf(tx, c.Person.Account); err != nil {
		return err
	}
	c.required = requires(c.policy, c.Person)
	if c.handle, err = handleOf(tx, c.Person); err != nil {
		return err
	}
	c.factors, err = s.factorsOf(tx, c.Person)
	return err
}

// factorForm is what the pages show on which someone shows a factor.
type factorForm struct {
	// Title, Lead and Button are keys of the catalogue.
	Title, Lead string
	Action      string // where the form goes to
	Next        string
	Person      Person
	Account     string
	// What may be shown. Recovery tells that the code asked for is one for
	// emergencies.
	Password, App, Recovery bool
	Passkey                 *ceremony
	// Codes tells that there are recovery codes.
	Codes bool
}

func (s *Service) showFactor(w http.ResponseWriter, r *http.Request) error {
	c, err := s.comerOf(r)
	if err != nil {
		return err
	}
	return s.askFactor(w, r, c, r.URL.Query().Get("way"), nil)
}

// askFactor asks for the second factor, or leads whoever has none through
// adding one.
func (s *Service) askFactor(w http.ResponseWriter, r *http.Request, c *comer, way string, problems []web.Problem) error {
	if !c.factors.any() {
		return s.askSetUp(w, r, c)
	}
	f := factorForm{
		Title: "factor.title", Lead: "factor.lead", Action: factorPath, Person: c.Person, Account: c.account.Name,
		App: c.factors.App != nil, Codes: c.factors.Codes > 0,
	}
	if way == factorRecovery && f.Codes {
		f.Lead, f.App, f.Recovery = "factor.recovery-lead", false, true
	} else if err := s.offerPasskey(&f, c); err != nil {
		return err
	}
	s.Site.Show(w, r, web.Page{Name: "factor", Account: c.Person.Account, Problems: problems, Data: f, Script: scriptOf(f.Passkey)})
	return nil
}

// offerPasskey has a page ask for one of the passkeys that c has.
func (s *Service) offerPasskey(f *factorForm, c *comer) (err error) {
	if len(c.factors.Passkeys) > 0 {
		f.Passkey, err = s.askPasskey(c)
	}
	return err
}

// setUp is what the page shows on which someone chooses which factor to add.
type setUp struct {
	Person   Person
	Passkeys bool
}

func (s *Service) askSetUp(w http.ResponseWriter, r *http.Request, c *comer) error {
	s.Site.Show(w, r, web.Page{Name: "factor-set-up", Account: c.Person.Account, Data: setUp{Person: c.Person, Passkeys: s.passkeys != nil}})
	return nil
}

// A proof is a factor that someone shows. Its check is done in the transaction
// of what follows, since each counts once.
type proof struct {
	factor string
	check  func(tx *store.Tx, p Person) error
}

// proofOf reads what a form shows; a text of the catalogue says what is missing.
func (s *Service) proofOf(r *http.Request, c *comer) (*proof, *web.Problem) {
	switch way := r.PostFormValue("way"); way {
	case factorPasskey:
		return &proof{factorPasskey, func(tx *store.Tx, p Person) error {
			_, err := s.takePasskey(tx, r, &p, c.hash)
			return err
		}}, nil
	case factorRecovery:
		code := readCode(r.PostFormValue(fieldRecovery))
		if code == "" {
			return nil, &web.Problem{Field: fieldRecovery, Key: "recovery.missing"}
		}
		return &proof{factorRecovery, func(tx *store.Tx, p Person) error { return takeCode(tx, p, code) }}, nil
	default:
		code := digits(r.PostFormValue(fieldCode))
		if code == "" {
			return nil, &web.Problem{Field: fieldCode, Key: "code.missing"}
		}
		return &proof{factorTOTP, func(tx *store.Tx, p Person) error { return s.takeTOTP(tx, p, code) }}, nil
	}
}

// The names of fields.
const (
	fieldCode     = "code"
	fieldRecovery = "recovery-code"
)

// fieldOf is where to look for what is wrong with a factor.
func fieldOf(factor string) string {
	switch factor {
	case factorTOTP:
		return fieldCode
	case factorRecovery:
		return fieldRecovery
	}
	return ""
}

// A guess is an attempt to show a factor, counted before it is looked at.
type guess struct {
	factor   string
	attempts int64
	pause    time.Duration
}

// tryFactor counts an attempt, or refuses it.
func (s *Service) tryFactor(r *http.Request, p Person, factor string) (*guess, error) {
	g := &guess{factor: factor}
	address := s.origin(r).Network()
	var until time.Time
	err := s.DB.Write(r.Context(), func(tx *store.Tx) (err error) {
		if until, err = s.locked(tx, p.Account, lockAddress(address)); err != nil || !until.IsZero() || factor == factorPasskey {
			return err // a signature can't be guessed
		}
		until, g.attempts, g.pause, err = s.count(tx, p.Account, lockFactor(p.Namespace, p.Name), factorLimit)
		return err
	})
	if err == nil && !until.IsZero() {
		no := s.tooMany(p.Account, until, web.Language(r))
		no.message.Text, no.message.Action, no.message.Target = "locked.factor", "to.sign-in", web.Root
		err = no
	}
	return g, err
}

// shown takes a proof in the transaction of what follows from it.
func (s *Service) shown(tx *store.Tx, r *http.Request, p Person, f *proof) error {
	if err := f.check(tx, p); err != nil {
		return err
	}
	if err := unlock(tx, p.Account, lockFactor(p.Namespace, p.Name)); err != nil {
		return err
	}
	return s.leave(tx, r, "CheckMfa", p, Event{Outcome: "Success", Details: map[string]string{"MfaType": mfaType(f.factor)}})
}

// mfaType is what the real trail calls a factor; the last is ours.
func mfaType(factor string) string {
	switch factor {
	case factorTOTP:
		return "Virtual MFA"
	case factorPasskey:
		return "U2F MFA"
	}
	return "Recovery code"
}

// failedGuess counts a failed attempt for its address, and leaves its events.
func (s *Service) failedGuess(r *http.Request, p Person, g *guess, why string, login bool) error {
	address := s.origin(r).Network()
	return s.DB.Write(r.Context(), func(tx *store.Tx) error {
		_, attempts, pause, err := s.count(tx, p.Account, lockAddress(address), addressLimit)
		if err != nil {
			return err
		}
		type note struct {
			name string
			Event
		}
		notes := []note{{"CheckMfa", Event{Outcome: "Failure", Error: why, Details: map[string]string{"MfaType": mfaType(g.factor)}}}}
		if login {
			notes = append(notes, note{"ConsoleLogin", Event{Outcome: "Failure", Error: "Failed authentication", Details: map[string]string{"MFAUsed": "Yes"}}})
		}
		locked := func(of string, attempts int64, pause time.Duration) {
			if pause > 0 {
				notes = append(notes, note{"SignInLocked", Event{Details: map[string]string{"Attempts": strconv.FormatInt(attempts, 10), "Seconds": seconds(pause), "Of": of}}})
			}
		}
		locked("second factor", g.attempts, g.pause)
		locked("address", attempts, pause)
		for _, n := range notes {
			if err := s.leave(tx, r, n.name, p, n.Event); err != nil {
				return err
			}
		}
		return nil
	})
}

// answerFactor takes the second factor of someone on the way in.
func (s *Service) answerFactor(w http.ResponseWriter, r *http.Request) error {
	c, err := s.comerOf(r)
	if err != nil {
		return err
	}
	way := r.PostFormValue("way")
	f, problem := s.proofOf(r, c)
	if problem != nil {
		return s.askFactor(w, r, c, way, []web.Problem{*problem})
	}
	g, err := s.tryFactor(r, c.Person, f.factor)
	if err != nil {
		return err
	}
	next := c.step.Target
	if f.factor == factorRecovery && c.factors.Codes-1 <= fewCodes {
		next = s.Site.URL(fewPath, "next", next)
	}
	err = s.Admit(w, r, Entry{
		Method: c.step.Method, Typed: c.step.Typed, Account: c.Person.Account, Next: next, Factor: f.factor,
		Who: func(tx *store.Tx) (Person, error) {
			p, err := s.passStep(tx, r)
			if err != nil {
				return p, err
			}
			return p, s.shown(tx, r, p, f)
		},
	})
	if wrong, ok := errors.AsType[*wrongFactor](err); ok {
		if err := s.failedGuess(r, c.Person, g, web.Text(web.Languages[0], wrong.key), true); err != nil {
			return err
		}
		return s.askFactor(w, r, c, way, []web.Problem{{Field: fieldOf(f.factor), Key: wrong.key}})
	}
	return err
}

// passStep ends the step before a session begins in its place.
func (s *Service) passStep(tx *store.Tx, r *http.Request) (Person, error) {
	row, p, err := s.stepOf(tx, r)
	if err != nil {
		return p, err
	}
	_, err = tx.Exec(`DELETE FROM sign_in_steps WHERE token_hash = $1`, row.TokenHash)
	return p, err
}

// MustBeRecent gives ErrNotRecent unless whoever is signed in has shown within
// the last d who they are: by a password, a second factor, or by signing in.
// Handlers of what a stolen session must not do ask it first, and send people to
// Again where it fails.
func (s *Service) MustBeRecent(me Session, d time.Duration) error {
	if s.Now().Sub(me.Proved) > d {
		return ErrNotRecent
	}
	return nil
}

// Again is the address where someone shows again who they are, and goes on from
// there to next, a path on this server.
func (s *Service) Again(next string) string { return s.Site.URL(againPath, "next", next) }

func (s *Service) showAgain(w http.ResponseWriter, r *http.Request) error {
	c, err := s.insider(r)
	if err != nil {
		return err
	}
	return s.askAgain(w, r, c, r.URL.Query().Get("next"), r.URL.Query().Get("way"), nil)
}

func (s *Service) askAgain(w http.ResponseWriter, r *http.Request, c *comer, next, way string, problems []web.Problem) error {
	f := factorForm{
		Title: "again.title", Lead: "again.lead", Action: againPath, Next: next, Person: c.Person, Account: c.account.Name,
		Password: c.Person.hasPassword(), App: c.factors.App != nil && !c.Person.hasPassword(),
	}
	if way == factorTOTP && c.factors.App != nil {
		f.App, f.Password = true, false
	}
	if err := s.offerPasskey(&f, c); err != nil {
		return err
	}
	if !f.Password && !f.App && f.Passkey == nil {
		s.say(w, r, http.StatusOK, c.Person.Account, web.Message{Title: "again.title", Text: "again.elsewhere", Action: "to.you", Target: youPath})
		return nil
	}
	s.Site.Show(w, r, web.Page{Name: "factor", Account: c.Person.Account, Problems: problems, Data: f, Script: scriptOf(f.Passkey), Params: []string{"next", next}})
	return nil
}

// again takes the proof of someone who is signed in.
func (s *Service) again(w http.ResponseWriter, r *http.Request) error {
	c, err := s.insider(r)
	if err != nil {
		return err
	}
	way, next := r.PostFormValue("way"), r.PostFormValue("next")
	var f *proof
	if way == fieldPassword {
		if f, err = s.passwordProof(r, c); err != nil {
			return err
		}
		if f == nil {
			return s.askAgain(w, r, c, next, way, []web.Problem{{Field: fieldPassword, Key: "password.current-wrong"}})
		}
	} else {
		var problem *web.Problem
		if f, problem = s.proofOf(r, c); problem != nil {
			return s.askAgain(w, r, c, next, way, []web.Problem{*problem})
		}
		g, err := s.tryFactor(r, c.Person, f.factor)
		if err != nil {
			return err
		}
		return s.proveAgain(w, r, c, f, g, way, next)
	}
	return s.proveAgain(w, r, c, f, nil, way, next)
}

// passwordProof checks a password; nil for a wrong one.
func (s *Service) passwordProof(r *http.Request, c *comer) (*proof, error) {
	password := r.PostFormValue(fieldPassword)
	if password == "" || !c.Person.hasPassword() {
		return nil, nil
	}
	t, err := s.try(r, c.account.Name, c.Person.Namespace, c.Person.Name)
	if err != nil {
		return nil, err
	}
	right, err := s.check(r, t, password)
	if err != nil || !right {
		return nil, err
	}
	return &proof{fieldPassword, func(tx *store.Tx, _ Person) error {
		_, err := s.still(t)(tx)
		return err
	}}, nil
}

// proveAgain notes that the person has shown again who they are.
func (s *Service) proveAgain(w http.ResponseWriter, r *http.Request, c *comer, f *proof, g *guess, way, next string) error {
	err := s.DB.Write(r.Context(), func(tx *store.Tx) error {
		if g == nil {
			if err := f.check(tx, c.Person); err != nil {
				return err
			}
		} else if err := s.shown(tx, r, c.Person, f); err != nil {
			return err
		}
		_, err := tx.Exec(`UPDATE web_sessions SET proved_us = $2 WHERE token_hash = $1`, c.hash, store.Micros(s.Now()))
		return err
	})
	if wrong, ok := errors.AsType[*wrongFactor](err); ok {
		if err := s.failedGuess(r, c.Person, g, web.Text(web.Languages[0], wrong.key), false); err != nil {
			return err
		}
		return s.askAgain(w, r, c, next, way, []web.Problem{{Field: fieldOf(f.factor), Key: wrong.key}})
	}
	if err != nil {
		return err
	}
	if next == "" || !web.Local(next) {
		next = s.Site.URL(factorsPath)
	}
	http.Redirect(w, r, next, http.StatusSeeOther) //nolint:gosec // Local: nowhere but to this server
	return nil
}

// forgetFactors removes the second factors of a user, and tells how many there
// were; recovery codes do not count.
func forgetFactors(tx *store.Tx, account, namespace, name string) (n int64, err error) {
	for _, d := range []struct {
		table  string
		counts bool
	}{{"totp_factors", true}, {"passkeys", true}, {"passkey_handles", false}, {"recovery_codes", false}, {"sign_in_steps", false}} {
		gone, err := tx.Exec(`DELETE FROM `+d.table+` WHERE account = $1 AND namespace = $2 AND user_name = $3`, account, namespace, name)
		if err != nil {
			return n, err
		}
		if d.counts {
			n += gone
		}
	}
	return n, unlock(tx, account, lockFactor(namespace, name))
}

// purgeFactors are the deletions of Purge.
var purgeFactors = []string{
	`DELETE FROM factor_policies WHERE account = $1 AND $2 > 0`,
	`DELETE FROM sign_in_steps WHERE token_hash IN (SELECT token_hash FROM sign_in_steps WHERE account = $1 LIMIT $2)`,
	`DELETE FROM totp_factors WHERE (account, namespace, user_name) IN (SELECT account, namespace, user_name FROM totp_factors WHERE account = $1 LIMIT $2)`,
	`DELETE FROM passkey_handles WHERE (account, namespace, user_name) IN (SELECT account, namespace, user_name FROM passkey_handles WHERE account = $1 LIMIT $2)`,
	`DELETE FROM passkeys WHERE (account, namespace, user_name, id) IN (SELECT account, namespace, user_name, id FROM passkeys WHERE account = $1 LIMIT $2)`,
	`DELETE FROM recovery_codes WHERE (account, namespace, user_name, hash) IN (SELECT account, namespace, user_name, hash FROM recovery_codes WHERE account = $1 LIMIT $2)`,
}

// Reseal sees to it that the secrets of all authenticator apps are sealed with
// the key that seals now, and tells how many there are.
func (s *Service) Reseal(ctx context.Context) (n int, err error) {
	const batch = 500
	var last totpFactor
	for {
		var rows []totpFactor
		err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
			rows, err = store.All[totpFactor](tx, `SELECT `+totpColumns+` FROM totp_factors WHERE (account, namespace, user_name) > ($1, $2, $3)
				ORDER BY account, namespace, user_name LIMIT $4`, last.Account, last.Namespace, last.UserName, batch)
			if err != nil {
				return err
			}
			for _, row := range rows {
				if s.Keys.Current(row.Secret) {
					continue
				}
				context := TOTPContext(row.Account, row.Namespace, row.UserName)
				plain, err := s.Keys.Open(row.Secret, context)
				if err != nil {
					return fmt.Errorf("the app of %s: %w", row.UserName, err)
				}
				if _, err := tx.Exec(`UPDATE totp_factors SET secret = $4 WHERE account = $1 AND namespace = $2 AND user_name = $3`,
					row.Account, row.Namespace, row.UserName, s.Keys.Seal(plain, context)); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return n, err
		}
		n += len(rows)
		if len(rows) < batch {
			return n, nil
		}
		last = rows[len(rows)-1]
	}
}
