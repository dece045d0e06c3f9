package signin

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"onsight/internal/store"
	"onsight/internal/web"
)

// A Card is a part of the page of someone's account. Its texts are keys of the
// catalogue.
type Card struct {
	Title, Text string
	Args        []any
	// Action leads to Target; empty for none.
	Action, Target string
}

// AddCards has the page of someone's account show what cards gives for them.
func (s *Service) AddCards(cards func(tx *store.Tx, p Person) ([]Card, error)) {
	s.cards = append(s.cards, cards)
}

// you is what the page of someone's account shows.
type you struct {
	Person   Person
	Account  string
	Done     string // key of what has just been done
	Cards    []Card
	Services []Connected
	Sessions []yours
	Others   bool // there are sessions beside this one
	Password bool // the person's password is kept here
}

// yours is a session as its owner sees it.
type yours struct {
	ID, Browser, Address string
	Began, Used          time.Time
	Current              bool
}

// done are the things that the page says have been done.
var done = map[string]string{"password": "you.password-changed", "session": "you.session-ended", "sessions": "you.sessions-ended", "service": "you.service-ended"}

func (s *Service) showYou(w http.ResponseWriter, r *http.Request) error {
	me, err := s.PersonOf(r)
	if err != nil {
		return err
	}
	y := you{Person: me.Person, Password: me.Person.hasPassword(), Done: done[r.URL.Query().Get("done")]}
	err = s.DB.Read(r.Context(), func(tx *store.Tx) error {
		account, err := s.Accounts.Name(tx, me.Person.Account)
		if err != nil {
			return err
		}
		y.Account, y.Cards, y.Sessions = account.Name, nil, nil
		for _, cards := range s.cards {
			more, err := cards(tx, me.Person)
			if err != nil {
				return err
			}
			y.Cards = append(y.Cards, more...)
		}
		if y.Services, err = s.servicesOf(tx, me.Person, account.Region); err != nil {
			return err
		}
		rows, err := store.All[session](tx, `SELECT `+sessionColumns+` FROM web_sessions
			WHERE account = $1 AND namespace = $2 AND user_name = $3 ORDER BY used_us DESC LIMIT 100`, me.Person.Account, me.Person.Namespace, me.Person.Name)
		if err != nil {
			return err
		}
		for i := range rows {
			if row := &rows[i]; s.goesOn(row) {
				one := yours{
					ID: row.ID, Browser: browser(row.Agent), Address: row.Address,
					Began: store.Time(row.CreatedUS), Used: store.Time(row.UsedUS), Current: row.ID == me.ID,
				}
				if one.Current {
					y.Sessions = append([]yours{one}, y.Sessions...)
				} else {
					y.Sessions = append(y.Sessions, one)
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	y.Others = len(y.Sessions) > 1
	s.Site.Show(w, r, web.Page{Name: "you", Account: me.Person.Account, Data: y})
	return nil
}

// passwordCard tells when the password was changed.
func (s *Service) passwordCard(tx *store.Tx, p Person) ([]Card, error) {
	rows, err := store.All[int64](tx, `SELECT changed_us FROM passwords WHERE account = $1 AND namespace = $2 AND user_name = $3`, p.Account, p.Namespace, p.Name)
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return []Card{{Title: "you.password", Text: "you.password-set", Args: []any{store.Time(rows[0])}, Action: "you.change", Target: changePath}}, nil
}

// revoke ends one session of the person, or all but this one.
func (s *Service) revoke(w http.ResponseWriter, r *http.Request) error {
	me, err := s.PersonOf(r)
	if err != nil {
		return err
	}
	id, what := r.PostFormValue("session"), "session"
	err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
		p := me.Person
		var err error
		if id == "" {
			what = "sessions"
			err = s.EndSessions(tx, p.Account, p.Namespace, p.Name, me.hash)
		} else {
			_, err = tx.Exec(`DELETE FROM web_sessions WHERE account = $1 AND namespace = $2 AND user_name = $3 AND id = $4 AND token_hash <> $5`,
				p.Account, p.Namespace, p.Name, id, me.hash)
		}
		if err != nil {
			return err
		}
		return s.leave(tx, r, "SessionRevoked", p, Event{Outcome: "Success", Details: map[string]string{"Sessions": what}})
	})
	if err != nil {
		return err
	}
	s.Site.Go(w, r, youPath, "done", what)
	return nil
}

func (s *Service) showChange(w http.ResponseWriter, r *http.Request) error {
	me, err := s.PersonOf(r)
	if err != nil {
		return err
	}
	return s.askChange(w, r, me, nil)
}

func (s *Service) askChange(w http.ResponseWriter, r *http.Request, me Session, problems []web.Problem) error {
	if !me.Person.hasPassword() {
		return &refusal{status: http.StatusForbidden, account: me.Person.Account, message: web.Message{
			Title: "elsewhere.title", Text: "elsewhere.text", Action: "to.you", Target: youPath,
		}}
	}
	s.Site.Show(w, r, web.Page{Name: "set-password", Account: me.Person.Account, Problems: problems, Data: setForm{
		Title: "change.title", Lead: "change.lead", Button: "change.button", Action: changePath, Person: me.Person, Current: true,
	}})
	return nil
}

// change sets a new password in place of one that the person knows. It ends all
// other sessions, and this one goes on under a new token.
func (s *Service) change(w http.ResponseWriter, r *http.Request) error {
	me, err := s.PersonOf(r)
	if err != nil {
		return err
	}
	current := r.PostFormValue(fieldPassword)
	if current == "" || !me.Person.hasPassword() {
		return s.askChange(w, r, me, []web.Problem{{Field: fieldPassword, Key: "password.current-missing"}})
	}
	var account Account
	err = s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		account, err = s.Accounts.Name(tx, me.Person.Account)
		return err
	})
	if err != nil {
		return err
	}
	password, problems := newPassword(r, me.Person, account.Name)
	if problems == nil && password == normal(current) {
		problems = []web.Problem{{Field: fieldNew, Key: "password.same"}}
	}
	if problems != nil {
		return s.askChange(w, r, me, problems)
	}
	t, err := s.try(r, account.Name, me.Person.Namespace, me.Person.Name)
	if err != nil {
		return err
	}
	right, err := s.check(r, t, current)
	if err != nil {
		return err
	}
	if !right {
		return s.askChange(w, r, me, []web.Problem{{Field: fieldPassword, Key: "password.current-wrong"}})
	}
	hash, err := s.hasher.Hash(r.Context(), password)
	if err != nil {
		return err
	}
	var token string
	err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
		p, err := s.still(t)(tx)
		if err != nil {
			return err
		}
		if err := s.setPassword(tx, p, hash, nil); err != nil {
			return err
		}
		if token, err = s.begin(tx, r, p, me.Method, me.Factor, s.SessionLife); err != nil {
			return err
		}
		return s.leave(tx, r, "PasswordUpdated", p, Event{Outcome: "Success"})
	})
	if err != nil {
		return err
	}
	http.SetCookie(w, s.Site.Cookie(cookieName, token, s.SessionLife))
	s.Site.Go(w, r, youPath, "done", "password")
	return nil
}

func (s *Service) showOut(w http.ResponseWriter, r *http.Request) error {
	s.say(w, r, http.StatusOK, "", web.Message{Title: "out.title", Text: "out.text", Action: "to.sign-in-again", Target: web.Root})
	return nil
}

// signOut ends the session. Where there is none it is as good.
func (s *Service) signOut(w http.ResponseWriter, r *http.Request) error {
	if hash := s.cookieOf(r); hash != nil {
		err := s.DB.Write(r.Context(), func(tx *store.Tx) error {
			me, _, err := s.sessionOf(tx, r)
			if err == nil {
				err = s.leave(tx, r, "Logout", me.Person, Event{Outcome: "Success"})
			} else if errors.Is(err, ErrSignedOut) {
				err = nil
			}
			if err == nil {
				_, err = tx.Exec(`DELETE FROM web_sessions WHERE token_hash = $1`, hash)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	gone := s.Site.Cookie(cookieName, "", 0) //nolint:gosec // as Cookie makes it
	gone.MaxAge = -1
	http.SetCookie(w, gone)
	s.Site.Go(w, r, outPath)
	return nil
}

// browser says which browser an agent string is of, as far as its owner needs
// to know it again.
func browser(agent string) string {
	name, system := "", ""
	for _, b := range [][2]string{{"Edg/", "Edge"}, {"OPR/", "Opera"}, {"Firefox/", "Firefox"}, {"Chrome/", "Chrome"}, {"Safari/", "Safari"}, {"curl/", "curl"}} {
		if strings.Contains(agent, b[0]) {
			name = b[1]
			break
		}
	}
	for _, o := range [][2]string{{"Android", "Android"}, {"iPhone", "iPhone"}, {"iPad", "iPad"}, {"Windows", "Windows"}, {"Mac OS X", "macOS"}, {"CrOS", "ChromeOS"}, {"Linux", "Linux"}} {
		if strings.Contains(agent, o[0]) {
			system = o[1]
			break
		}
	}
	switch {
	case name == "" && system == "":
		return ""
	case name == "" || system == "":
		return name + system
	}
	return name + ", " + system
}
