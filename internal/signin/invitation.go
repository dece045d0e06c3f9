package signin

import (
	"errors"
	"net/http"

	"onsight/internal/store"
	"onsight/internal/web"
)

// setForm is what a page shows on which someone sets a password.
type setForm struct {
	// Title, Lead and Button are keys of the catalogue.
	Title, Lead, Button string
	// Action is where the form goes to.
	Action string
	Token  string
	// Account is the account's name.
	Account string
	Person  Person
	// Current asks for the password that there is.
	Current bool
}

// fields are the password that a form brings, normal, and what is wrong with it.
func newPassword(r *http.Request, p Person, account string) (string, []web.Problem) {
	password, again := normal(r.PostFormValue(fieldNew)), normal(r.PostFormValue(fieldRepeat))
	if problem := judge(password, names(p, account)...); problem != nil {
		return "", []web.Problem{*problem}
	}
	if again != password {
		return "", []web.Problem{{Field: fieldRepeat, Key: "password.differs"}}
	}
	return password, nil
}

// setPassword keeps what was made of a person's password, and signs the person
// out everywhere but in the session with the hash except.
func (s *Service) setPassword(tx *store.Tx, p Person, hash string, except []byte) error {
	_, err := tx.Exec(`INSERT INTO passwords (account, namespace, user_name, hash, changed_us) VALUES ($1, $2, $3, $4, $5)
		ON CONFLICT (account, namespace, user_name) DO UPDATE SET hash = excluded.hash, changed_us = excluded.changed_us`,
		p.Account, p.Namespace, p.Name, hash, store.Micros(s.Now()))
	if err != nil {
		return err
	}
	if _, err := tx.Exec(`DELETE FROM password_resets WHERE account = $1 AND namespace = $2 AND user_name = $3`, p.Account, p.Namespace, p.Name); err != nil {
		return err
	}
	return s.EndSessions(tx, p.Account, p.Namespace, p.Name, except)
}

// void is the answer for a link that can't be used (any more).
func void() error {
	return &refusal{status: http.StatusGone, message: web.Message{Title: "link.title", Text: "link.text", Action: "to.sign-in", Target: web.Root}}
}

// holder finds whom a link is for, with the name of the account.
func (s *Service) holder(r *http.Request, find func(tx *store.Tx, token string) (Person, error), token string) (p Person, account Account, err error) {
	err = s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		if p, err = find(tx, token); err == nil {
			account, err = s.Accounts.Name(tx, p.Account)
		}
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		return p, account, void()
	}
	if err == nil {
		err = s.mustBeAllowed(r, p.Account)
	}
	return p, account, err
}

func (s *Service) showInvitation(w http.ResponseWriter, r *http.Request) error {
	return s.askInvited(w, r, r.URL.Query().Get("token"), nil)
}

func (s *Service) askInvited(w http.ResponseWriter, r *http.Request, token string, problems []web.Problem) error {
	p, account, err := s.holder(r, s.People.Invited, token)
	if err != nil {
		return err
	}
	s.Site.Show(w, r, web.Page{Name: "set-password", Account: p.Account, Problems: problems, Params: []string{"token", token}, Data: setForm{
		Title: "invitation.title", Lead: "invitation.lead", Button: "invitation.button", Action: "/inviteuser",
		Token: token, Account: account.Name, Person: p,
	}})
	return nil
}

func (s *Service) answerInvitation(w http.ResponseWriter, r *http.Request) error {
	token := r.PostFormValue("token")
	p, account, err := s.holder(r, s.People.Invited, token)
	if err != nil {
		return err
	}
	password, problems := newPassword(r, p, account.Name)
	if problems != nil {
		return s.askInvited(w, r, token, problems)
	}
	hash, err := s.hasher.Hash(r.Context(), password)
	if err != nil {
		return err
	}
	return s.Admit(w, r, Entry{Method: "invitation", Account: p.Account, Who: func(tx *store.Tx) (Person, error) {
		p, err := s.People.Accept(tx, token)
		if errors.Is(err, store.ErrNotFound) { // somebody was faster
			return p, void()
		}
		if err != nil {
			return p, err
		}
		if err := s.setPassword(tx, p, hash, nil); err != nil {
			return p, err
		}
		return p, s.leave(tx, r, "InvitationAccepted", p, Event{Outcome: "Success"})
	}})
}
