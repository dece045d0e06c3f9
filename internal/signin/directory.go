package signin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"onsight/internal/store"
	"onsight/internal/web"
)

// Directories is what signin asks of whoever knows the directories in which
// the passwords of some accounts' people are kept.
type Directories interface {
	// Keeps tells whether the passwords of an account's people are.
	Keeps(tx *store.Tx, account string) (bool, error)
	// Find searches for whoever a name means, as it was typed. Who is found and
	// who is not can't be told apart by the time that it takes.
	// ErrDirectoryDown where the directory does not answer.
	Find(ctx context.Context, account, name string) (Sought, error)
}

// Sought is someone, or nobody, of a directory.
type Sought interface {
	// Name is the user's here or would be, the same for all ways to write it.
	Name() string
	// Limit is how many attempts are free, and how long to wait after them.
	Limit() (attempts int, within time.Duration)
	// Try asks the directory whether a password is right: reason is empty then.
	// It is ReasonWrong where nothing more may be told.
	Try(ctx context.Context, password string) (reason string, err error)
	// Place brings the user in line with the directory, or makes one. reason says
	// why the person can't be let in although the password is right; the user of
	// such a one, if there is any, is not active then.
	Place(tx *store.Tx) (p Person, reason string, err error)
}

// ReasonWrong is the reason of a password that is not right, or of nobody's.
const ReasonWrong = "wrong"

// ErrDirectoryDown says that a directory does not answer.
var ErrDirectoryDown = errors.New("signin: the directory does not answer")

// kept tells whether the passwords of an account's people are kept in a directory.
func (s *Service) kept(r *http.Request, account string) (kept bool, err error) {
	if s.Directories == nil || account == "" {
		return false, nil
	}
	err = s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		kept, err = s.Directories.Keeps(tx, account)
		return err
	})
	return kept, err
}

// keptElsewhere tells whether no password of the account's people is kept here.
func (s *Service) keptElsewhere(r *http.Request, a Account) (bool, error) {
	kept, err := s.kept(r, a.Account)
	if err != nil || kept {
		return kept, err
	}
	return s.passwordless(r, a)
}

// elsewhere says that a password is not kept here.
func (s *Service) elsewhere(w http.ResponseWriter, r *http.Request, account string) {
	s.say(w, r, http.StatusOK, account, web.Message{Title: "elsewhere.title", Text: "elsewhere.text", Action: "to.sign-in", Target: web.Root})
}

// signInAtDirectory signs someone in whose password a directory keeps.
func (s *Service) signInAtDirectory(w http.ResponseWriter, r *http.Request, account Account, f signInForm, password string) error {
	if err := s.mustBeAllowed(r, account.Account); err != nil {
		return err
	}
	t := &trial{account: account, namespace: account.DefaultNamespace}
	address := s.origin(r).Network()
	var until time.Time
	err := s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		until, err = s.locked(tx, account.Account, lockAddress(address))
		return err
	})
	if err != nil {
		return err
	}
	if !until.IsZero() {
		return s.tooManyThere(account.Account, until, web.Language(r))
	}
	sought, err := s.Directories.Find(r.Context(), account.Account, f.User)
	if err != nil {
		return s.unanswered(account.Account, err)
	}
	t.user = sought.Name()
	t.lock = lockUser(t.namespace, t.user)
	attempts, within := sought.Limit()
	err = s.DB.Write(r.Context(), func(tx *store.Tx) (err error) {
		// Counted before it is looked at: the directory must never see as many
		// failures as would lock the person out there.
		until, t.attempts, t.pause, err = s.count(tx, account.Account, t.lock, limit{free: int64(attempts), first: within, least: within})
		if err != nil || !until.IsZero() {
			return err
		}
		t.person, err = s.People.Person(tx, account.Account, t.namespace, t.user)
		if errors.Is(err, store.ErrNotFound) {
			t.person, err = Person{}, nil
		}
		return err
	})
	if err != nil {
		return err
	}
	if !until.IsZero() {
		return s.tooManyThere(account.Account, until, web.Language(r))
	}
	reason, err := sought.Try(r.Context(), password)
	if err != nil {
		return errors.Join(s.unanswered(account.Account, err), s.uncount(r, t))
	}
	if reason == ReasonWrong {
		if err := s.failedAttempt(r, t); err != nil {
			return err
		}
		return s.askPassword(w, r, f, []web.Problem{{Key: "sign-in.wrong"}})
	}
	var p Person
	var why string
	err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
		p, why = t.person, reason
		if err := unlock(tx, account.Account, t.lock); err != nil {
			return err
		}
		if reason == "" {
			var err error
			if p, why, err = sought.Place(tx); err != nil || why == "" {
				return err
			}
			if p.Name != "" { // out since now
				if err := s.EndSessions(tx, p.Account, p.Namespace, p.Name, nil); err != nil {
					return err
				}
			}
		}
		p.Account = account.Account
		return s.leave(tx, r, "ConsoleLogin", p, Event{Outcome: "Failure", Error: "Refused by the directory: " + why, Details: map[string]string{"Method": "directory"}})
	})
	if err != nil {
		return err
	}
	if why != "" {
		return &refusal{status: http.StatusForbidden, account: account.Account, message: web.Message{
			Title: "directory." + why + ".title", Text: "directory." + why + ".text", Action: "to.sign-in", Target: web.Root,
		}}
	}
	return s.Admit(w, r, Entry{Method: "directory", Account: account.Account, Next: f.Next, Typed: true, Who: func(tx *store.Tx) (Person, error) {
		return s.People.Person(tx, p.Account, p.Namespace, p.Name)
	}})
}

// tooManyThere refuses an attempt that comes too soon, of someone who has no
// password here.
func (s *Service) tooManyThere(account string, until time.Time, lang string) *refusal {
	no := s.tooMany(account, until, lang)
	no.message.Text, no.message.Action, no.message.Target = "directory.locked", "to.sign-in", web.Root
	return no
}

// unanswered says that a directory does not answer; other errors stay as they are.
func (s *Service) unanswered(account string, err error) error {
	if !errors.Is(err, ErrDirectoryDown) {
		return err
	}
	return &refusal{
		status: http.StatusServiceUnavailable, account: account, wait: 10 * time.Second,
		message: web.Message{Title: "directory.down.title", Text: "directory.down.text", Action: "to.sign-in", Target: web.Root},
	}
}
