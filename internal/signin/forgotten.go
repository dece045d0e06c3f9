package signin

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"time"

	"onsight/internal/job"
	"onsight/internal/mail"
	"onsight/internal/store"
	"onsight/internal/web"
)

// The kinds of jobs.
const (
	jobReset  = "sign-in.reset"
	jobInvite = "sign-in.invite"
)

// givesUp is how often a letter is tried before it is given up: with the pauses
// between, some hours. Then whoever waits asks again.
const givesUp = 25

// A letter is what a job sends. It names whom it is for, and no secret: the
// link is made when the letter is written.
type letter struct {
	Account   string `json:"account"`
	Namespace string `json:"namespace"`
	User      string `json:"user"`
	Lang      string `json:"lang"`
}

func (s *Service) showForgotten(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	return s.askForgotten(w, r, signInForm{Account: trim(q.Get(fieldAccount)), Namespace: trim(q.Get(fieldNamespace)), User: trim(q.Get(fieldUser))}, nil)
}

func (s *Service) askForgotten(w http.ResponseWriter, r *http.Request, f signInForm, problems []web.Problem) error {
	account, err := s.accountNamed(r, f.Account)
	if err != nil {
		return err
	}
	if elsewhere, err := s.keptElsewhere(r, account); err != nil || elsewhere {
		if err == nil {
			s.elsewhere(w, r, account.Account)
		}
		return err
	}
	if s.Mail == nil {
		s.say(w, r, http.StatusOK, account.Account, web.Message{Title: "forgotten.title", Text: "forgotten.ask", Action: "to.sign-in", Target: web.Root})
		return nil
	}
	s.Site.Show(w, r, web.Page{
		Name: "forgotten", Account: account.Account, Problems: problems, Data: f,
		Params: []string{fieldAccount, f.Account, fieldNamespace, f.Namespace, fieldUser, f.User},
	})
	return nil
}

// forgotten leaves a job for whoever is named, whether or not anybody is: the
// job finds out, and nothing here tells.
func (s *Service) forgotten(w http.ResponseWriter, r *http.Request) error {
	f := signInForm{Account: trim(r.PostFormValue(fieldAccount)), Namespace: trim(r.PostFormValue(fieldNamespace)), User: trim(r.PostFormValue(fieldUser))}
	var problems []web.Problem
	if f.Account == "" {
		problems = append(problems, web.Problem{Field: fieldAccount, Key: "account.missing"})
	}
	if f.User == "" {
		problems = append(problems, web.Problem{Field: fieldUser, Key: "username.missing"})
	}
	if s.Mail == nil || len(problems) > 0 {
		return s.askForgotten(w, r, f, problems)
	}
	account, err := s.accountNamed(r, f.Account)
	if err != nil {
		return err
	}
	if err := s.mustBeAllowed(r, account.Account); err != nil {
		return err
	}
	if elsewhere, err := s.keptElsewhere(r, account); err != nil || elsewhere {
		if err == nil {
			s.elsewhere(w, r, account.Account)
		}
		return err
	}
	of, name := account.Account, f.User
	if of == "" {
		of, name = strangers, strings.ToLower(f.Account)+"/"+f.User
	}
	l := letter{Account: account.Account, Namespace: f.Namespace, User: clip(f.User, 1100), Lang: web.Language(r)}
	if l.Namespace == "" {
		l.Namespace = account.DefaultNamespace
	}
	address := s.origin(r).Network()
	var until time.Time
	err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
		if until, _, _, err = s.count(tx, of, lockForgottenFrom(address), forgottenAddressLimit); err != nil || !until.IsZero() {
			return err
		}
		// More letters than these are not sent; who asks sees no difference.
		quiet, _, _, err := s.count(tx, of, lockForgotten(l.Namespace, name), forgottenLimit)
		if err != nil || !quiet.IsZero() {
			return err
		}
		return job.Add(tx, jobReset, of, l, s.Now())
	})
	if err != nil {
		return err
	}
	if !until.IsZero() {
		return s.tooMany(account.Account, until, web.Language(r))
	}
	s.say(w, r, http.StatusOK, account.Account, web.Message{
		Title: "sent.title", Text: "sent.text", Args: []any{web.Duration(web.Language(r), s.ResetLife)}, Action: "to.sign-in", Target: web.Root,
	})
	return nil
}

// sendReset sends the link with which someone sets a new password; to someone
// who has not answered the invitation, a new invitation.
func (s *Service) sendReset(ctx context.Context, j job.Job) error {
	var l letter
	if err := j.Decode(&l); err != nil {
		return err
	}
	var p Person
	var account Account
	token, invites := "", false
	err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
		token, invites = "", false
		if p, account, err = s.addressee(tx, l); err != nil || !p.hasPassword() {
			return err
		}
		if !p.Active {
			invites = true
			return nil
		}
		token, _, err = s.newReset(tx, p)
		if err == nil && j.Attempts <= 1 {
			s.Trail.Left(tx, Event{Name: "PasswordRecoveryRequested", Account: p.Account, Region: account.Region, Person: p, ARN: p.ARN(account.Region), Outcome: "Success"})
		}
		return err
	})
	switch {
	case errors.Is(err, store.ErrNotFound): // nobody of the name
		return nil
	case err != nil:
		return err
	case invites:
		return s.sendInvitation(ctx, j)
	case token == "":
		return nil
	}
	link := s.Site.PublicURL(resetPath, "token", token, "lang", l.Lang)
	return s.send(ctx, j, p, s.write(l.Lang, "mail.reset", account, p, link, web.Duration(l.Lang, s.ResetLife)))
}

// newReset makes the link with which someone sets a new password, and the one
// before void.
func (s *Service) newReset(tx *store.Tx, p Person) (token string, ends time.Time, err error) {
	if _, err := tx.Exec(`DELETE FROM password_resets WHERE account = $1 AND namespace = $2 AND user_name = $3`, p.Account, p.Namespace, p.Name); err != nil {
		return "", ends, err
	}
	token, hash := newToken()
	ends = s.Now().Add(s.ResetLife)
	_, err = tx.Exec(`INSERT INTO password_resets (token_hash, account, namespace, user_name, expires_us) VALUES ($1, $2, $3, $4, $5)`,
		hash, p.Account, p.Namespace, p.Name, store.Micros(ends))
	return token, ends, err
}

// addressee finds whom a letter is for.
func (s *Service) addressee(tx *store.Tx, l letter) (p Person, account Account, err error) {
	if account, err = s.Accounts.Name(tx, l.Account); err == nil {
		p, err = s.People.Person(tx, l.Account, l.Namespace, l.User)
	}
	return p, account, err
}

// sendInvitation sends an invitation, made anew.
func (s *Service) sendInvitation(ctx context.Context, j job.Job) error {
	var l letter
	if err := j.Decode(&l); err != nil {
		return err
	}
	var p Person
	var account Account
	var link string
	var ends time.Time
	ok := false
	err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
		if p, account, err = s.addressee(tx, l); err != nil {
			return err
		}
		link, ends, ok, err = s.People.Invite(tx, l.Account, l.Namespace, l.User)
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && !ok { // gone, or answered since
		return nil
	}
	if err != nil {
		return err
	}
	return s.send(ctx, j, p, s.write(l.Lang, "mail.invitation", account, p, link, web.Duration(l.Lang, ends.Sub(s.Now()))))
}

// write writes a letter of the texts whose keys begin with what.
func (s *Service) write(lang, what string, account Account, p Person, link, life string) mail.Message {
	t := func(key string, args ...any) string { return web.Text(lang, what+"."+key, args...) }
	return mail.Message{
		To: p.Email, Lang: lang, Subject: t("subject", account.Name), Title: t("title"),
		Paragraphs: []string{t("text", account.Name, p.Name)},
		Action:     t("action"), Link: link, After: []string{t("life", life), t("ignore")},
	}
}

// send sends a letter. One that can't be delivered is given up at last.
func (s *Service) send(ctx context.Context, j job.Job, p Person, m mail.Message) error {
	if s.Mail == nil { // it was there when the job was left
		s.Log.WarnContext(ctx, "a letter is not sent: there is no -smtp-url", "to", p.Name, "account", p.Account)
		return nil
	}
	err := s.Mail.Send(ctx, m)
	if err == nil {
		return nil
	}
	if mail.Permanent(err) || j.Attempts >= givesUp {
		s.Log.ErrorContext(ctx, "a letter is given up", "to", p.Name, "account", p.Account, "attempts", j.Attempts, "error", err.Error())
		return nil
	}
	return err
}

// heir finds whose password the token of a link may set.
func (s *Service) heir(tx *store.Tx, token string) (Person, error) {
	row, err := store.One[struct {
		Account   string `db:"account"`
		Namespace string `db:"namespace"`
		UserName  string `db:"user_name"`
		ExpiresUS int64  `db:"expires_us"`
	}](tx, `SELECT account, namespace, user_name, expires_us FROM password_resets WHERE token_hash = $1`, readToken(token))
	if err == nil && !s.Now().Before(store.Time(row.ExpiresUS)) {
		err = store.ErrNotFound
	}
	if err != nil {
		return Person{}, err
	}
	return s.People.Person(tx, row.Account, row.Namespace, row.UserName)
}

func (s *Service) showReset(w http.ResponseWriter, r *http.Request) error {
	return s.askHeir(w, r, r.URL.Query().Get("token"), nil)
}

func (s *Service) askHeir(w http.ResponseWriter, r *http.Request, token string, problems []web.Problem) error {
	p, account, err := s.holder(r, s.heir, token)
	if err != nil {
		return err
	}
	s.Site.Show(w, r, web.Page{Name: "set-password", Account: p.Account, Problems: problems, Params: []string{"token", token}, Data: setForm{
		Title: "reset.title", Lead: "reset.lead", Button: "reset.button", Action: resetPath, Token: token, Account: account.Name, Person: p,
	}})
	return nil
}

// reset sets the password of someone who has the link that was sent.
func (s *Service) reset(w http.ResponseWriter, r *http.Request) error {
	token := r.PostFormValue("token")
	p, account, err := s.holder(r, s.heir, token)
	if err != nil {
		return err
	}
	password, problems := newPassword(r, p, account.Name)
	if problems != nil {
		return s.askHeir(w, r, token, problems)
	}
	hash, err := s.hasher.Hash(r.Context(), password)
	if err != nil {
		return err
	}
	return s.Admit(w, r, Entry{Method: "recovery", Account: p.Account, Who: func(tx *store.Tx) (Person, error) {
		p, err := s.heir(tx, token)
		if errors.Is(err, store.ErrNotFound) { // somebody was faster
			return p, void()
		}
		if err != nil {
			return p, err
		}
		// Who has the link has waited long enough.
		if err := unlock(tx, p.Account, lockUser(p.Namespace, p.Name)); err != nil {
			return p, err
		}
		if err := s.setPassword(tx, p, hash, nil); err != nil {
			return p, err
		}
		return p, s.leave(tx, r, "PasswordRecoveryCompleted", p, Event{Outcome: "Success"})
	}})
}
