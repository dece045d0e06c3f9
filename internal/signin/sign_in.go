package signin

import (
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"onsight/internal/store"
	"onsight/internal/web"
)

// The names of fields.
const (
	fieldAccount   = "account"
	fieldNamespace = "namespace"
	fieldUser      = "username"
	fieldPassword  = "password"
	fieldNew       = "new-password"
	fieldRepeat    = "repeat-password"
	fieldHere      = "here"
)

// signInForm is what the page of signing in shows: account first, then user
// name and password, as the real service asks.
type signInForm struct {
	Account, Namespace, User, Next string
	// Letters tells that forgotten passwords are answered by mail.
	Letters bool
	// Ways are the other ways to sign in.
	Ways []Way
	// Only tells that there is no other: no password to type, and no passkey.
	Only bool
	// Passkey has the browser offer passkeys; nil where it can't.
	Passkey *ceremony
}

func (s *Service) showSignIn(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f := signInForm{Account: trim(q.Get(fieldAccount)), Namespace: trim(q.Get(fieldNamespace)), Next: q.Get("next"), Letters: s.Mail != nil}
	if f.Account == "" {
		if _, err := s.PersonOf(r); err == nil && f.Next == "" {
			s.Site.Go(w, r, youPath)
			return nil
		}
		return s.askAccount(w, r, f, nil)
	}
	return s.askPassword(w, r, f, nil)
}

// askAccount shows the first step.
func (s *Service) askAccount(w http.ResponseWriter, r *http.Request, f signInForm, problems []web.Problem) (err error) {
	if f.Passkey, err = s.askAnyPasskey(); err != nil {
		return err
	}
	s.Site.Show(w, r, web.Page{Name: "account", Data: f, Problems: problems, Params: []string{"next", f.Next}, Script: scriptOf(f.Passkey)})
	return nil
}

// askPassword shows the second step.
func (s *Service) askPassword(w http.ResponseWriter, r *http.Request, f signInForm, problems []web.Problem) error {
	account, err := s.accountNamed(r, f.Account)
	if err != nil {
		return err
	}
	if err := s.mustBeAllowed(r, account.Account); err != nil {
		return err
	}
	ways, err := s.waysOf(r, account, f.Namespace, f.Next)
	if err != nil {
		return err
	}
	// Who has a password here, such as an administrator, gets to it all the same.
	if away := s.away(ways); away != "" && r.Method == http.MethodGet && !r.URL.Query().Has(fieldHere) {
		http.Redirect(w, r, away, http.StatusSeeOther) //nolint:gosec // away is a path of this server
		return nil
	}
	f.Ways, f.Only = ways.Ways, ways.Only
	if !f.Only {
		if f.Passkey, err = s.askAnyPasskey(); err != nil {
			return err
		}
	}
	s.Site.Show(w, r, web.Page{
		Name: "sign-in", Script: scriptOf(f.Passkey), Account: account.Account, Problems: problems, Data: f,
		Params: []string{fieldAccount, f.Account, fieldNamespace, f.Namespace, "next", f.Next},
	})
	return nil
}

// away is where people are sent to sign in who have nothing to choose on our
// page; empty for nowhere.
func (s *Service) away(ways Ways) string {
	if ways.Elsewhere == "" && ways.Only && len(ways.Ways) == 1 {
		return s.Site.URL(ways.Ways[0].Target)
	}
	return ways.Elsewhere
}

// secondStep goes on with whoever has named an account.
func (s *Service) secondStep(w http.ResponseWriter, r *http.Request, f signInForm) error {
	account, err := s.accountNamed(r, f.Account)
	if err != nil {
		return err
	}
	ways, err := s.waysOf(r, account, f.Namespace, f.Next)
	if err != nil {
		return err
	}
	params := []string{fieldAccount, f.Account, fieldNamespace, f.Namespace, "next", f.Next}
	if s.away(ways) == "" {
		s.Site.Go(w, r, web.Root, params...)
		return nil
	}
	target := s.Site.URL(web.Root, params...)
	s.Site.Show(w, r, web.Page{Name: "onward", Account: account.Account, Onward: target, Data: target})
	return nil
}

// accountNamed finds an account; one that is not there is the zero Account.
func (s *Service) accountNamed(r *http.Request, name string) (a Account, err error) {
	err = s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		a, err = s.Accounts.Named(tx, name)
		if errors.Is(err, store.ErrNotFound) {
			err = nil
		}
		return err
	})
	return a, err
}

func (s *Service) signIn(w http.ResponseWriter, r *http.Request) error {
	f := signInForm{
		Account: trim(r.PostFormValue(fieldAccount)), Namespace: trim(r.PostFormValue(fieldNamespace)),
		User: trim(r.PostFormValue(fieldUser)), Next: r.PostFormValue("next"), Letters: s.Mail != nil,
	}
	if f.Account == "" {
		return s.askAccount(w, r, f, []web.Problem{{Field: fieldAccount, Key: "account.missing"}})
	}
	if !r.PostForm.Has(fieldPassword) { // the first step
		return s.secondStep(w, r, f)
	}
	password := r.PostFormValue(fieldPassword)
	var problems []web.Problem
	if f.User == "" {
		problems = append(problems, web.Problem{Field: fieldUser, Key: "username.missing"})
	}
	if password == "" {
		problems = append(problems, web.Problem{Field: fieldPassword, Key: "password.missing"})
	}
	if len(problems) > 0 {
		return s.askPassword(w, r, f, problems)
	}
	account, err := s.accountNamed(r, f.Account)
	if err != nil {
		return err
	}
	if kept, err := s.kept(r, account.Account); err != nil || kept {
		if err != nil {
			return err
		}
		return s.signInAtDirectory(w, r, account, f, password)
	}
	if none, err := s.passwordless(r, account); err != nil || none {
		if err == nil {
			s.elsewhere(w, r, account.Account)
		}
		return err
	}
	t, err := s.try(r, f.Account, f.Namespace, f.User)
	if err != nil {
		return err
	}
	right, err := s.check(r, t, password)
	if err != nil {
		return err
	}
	if !right {
		return s.askPassword(w, r, f, []web.Problem{{Key: "sign-in.wrong"}})
	}
	return s.Admit(w, r, Entry{Method: "password", Account: t.person.Account, Next: f.Next, Who: s.still(t)})
}

// A trial is an attempt to show by a password who one is.
type trial struct {
	account   Account
	namespace string
	user      string
	person    Person // empty for someone who is not there
	hash      string // of the password; empty where there is none
	lock      string
	pause     time.Duration // which begins when this attempt fails
	attempts  int64
	rehashed  string // the password at today's cost, where that has changed
}

// try finds out whose password is tried, and counts the attempt before it is
// looked at: many at once are as many attempts as one after the other.
func (s *Service) try(r *http.Request, accountName, namespace, user string) (*trial, error) {
	account, err := s.accountNamed(r, accountName)
	if err != nil {
		return nil, err
	}
	if err := s.mustBeAllowed(r, account.Account); err != nil {
		return nil, err
	}
	t := &trial{account: account, namespace: namespace, user: user}
	if t.namespace == "" {
		t.namespace = account.DefaultNamespace
	}
	t.lock = lockUser(t.namespace, user)
	of := account.Account
	if of == "" {
		of, t.lock = strangers, lockUser(strings.ToLower(accountName)+"/"+t.namespace, user)
	}
	address := s.origin(r).Network()
	var until time.Time
	err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
		if until, err = s.locked(tx, of, lockAddress(address)); err != nil || !until.IsZero() {
			return err
		}
		if until, t.attempts, t.pause, err = s.count(tx, of, t.lock, userLimit); err != nil || !until.IsZero() {
			return err
		}
		return s.readPassword(tx, t)
	})
	if err != nil {
		return nil, err
	}
	if !until.IsZero() {
		return nil, s.tooMany(account.Account, until, web.Language(r))
	}
	return t, nil
}

// readPassword finds the person and the password of a trial, if they are there.
func (s *Service) readPassword(tx *store.Tx, t *trial) error {
	t.person, t.hash = Person{}, ""
	p, err := s.People.Person(tx, t.account.Account, t.namespace, t.user)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	hash, err := passwordOf(tx, p)
	if err == nil && p.Active && p.hasPassword() && hash != "" {
		t.person, t.hash = p, hash
	}
	return err
}

// passwordOf gives what is kept of a person's password; empty for none.
func passwordOf(tx *store.Tx, p Person) (string, error) {
	hash, err := store.One[string](tx, `SELECT hash FROM passwords WHERE account = $1 AND namespace = $2 AND user_name = $3`, p.Account, p.Namespace, p.Name)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return hash, err
}

// check tells whether a password is right, and counts and records when it is not.
func (s *Service) check(r *http.Request, t *trial, password string) (bool, error) {
	if len(password) > 4*longest { // nobody's; the same work for all
		password = password[:4*longest]
	}
	right, stale, err := s.hasher.Verify(r.Context(), t.hash, normal(password))
	if errors.Is(err, ErrBusy) {
		return false, errors.Join(err, s.uncount(r, t))
	}
	if err != nil {
		return false, err
	}
	if right {
		if stale {
			t.rehashed, err = s.hasher.Hash(r.Context(), normal(password))
			if errors.Is(err, ErrBusy) { // another time
				err = nil
			}
		}
		return true, err
	}
	return false, s.failedAttempt(r, t)
}

// uncount takes back an attempt that nobody has looked at.
func (s *Service) uncount(r *http.Request, t *trial) error {
	of := t.account.Account
	if of == "" {
		of = strangers
	}
	return s.DB.Write(r.Context(), func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE sign_in_locks SET failures = failures - 1, until_us = 0 WHERE account = $1 AND name = $2 AND failures > 0`, of, t.lock)
		return err
	})
}

// failedAttempt counts a failed attempt for its address, and leaves its event.
func (s *Service) failedAttempt(r *http.Request, t *trial) error {
	origin := s.origin(r)
	address := origin.Network()
	of := t.account.Account
	if of == "" {
		of = strangers
	}
	return s.DB.Write(r.Context(), func(tx *store.Tx) error {
		_, attempts, pause, err := s.count(tx, of, lockAddress(address), addressLimit)
		if err != nil || t.account.Account == "" { // no account has a trail for it
			return err
		}
		p := t.person
		p.Account = t.account.Account
		if err := s.leave(tx, r, "ConsoleLogin", p, Event{Outcome: "Failure", Error: "Failed authentication"}); err != nil {
			return err
		}
		if t.pause > 0 {
			err = s.leave(tx, r, "SignInLocked", p, Event{Details: map[string]string{"Attempts": strconv.FormatInt(t.attempts, 10), "Seconds": seconds(t.pause), "Of": "user"}})
		}
		if err == nil && pause > 0 {
			err = s.leave(tx, r, "SignInLocked", p, Event{Details: map[string]string{"Attempts": strconv.FormatInt(attempts, 10), "Seconds": seconds(pause), "Of": "address"}})
		}
		return err
	})
}

// still gives the person of a trial in the transaction of what follows, unless
// the password is no longer what it was.
func (s *Service) still(t *trial) func(tx *store.Tx) (Person, error) {
	return func(tx *store.Tx) (Person, error) {
		now := trial{account: t.account, namespace: t.namespace, user: t.user}
		if err := s.readPassword(tx, &now); err != nil {
			return Person{}, err
		}
		if now.hash != t.hash {
			return Person{}, &refusal{status: http.StatusConflict, account: t.person.Account, message: web.Message{
				Title: "changed.title", Text: "changed.text", Action: "to.sign-in", Target: web.Root,
			}}
		}
		if t.rehashed != "" {
			if _, err := tx.Exec(`UPDATE passwords SET hash = $4 WHERE account = $1 AND namespace = $2 AND user_name = $3`,
				now.person.Account, now.person.Namespace, now.person.Name, t.rehashed); err != nil {
				return Person{}, err
			}
		}
		return now.person, unlock(tx, now.person.Account, t.lock)
	}
}

func trim(s string) string { return strings.TrimSpace(s) }
