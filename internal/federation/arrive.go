package federation

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/mail"
	"strings"
	"time"
	"unicode"

	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/store"
	"onsight/internal/web"
)

// arrive lets the holder of a session in: as the user who belongs to it, or
// as a new one. it is nil for who did not come by one of our providers. once is
// what was sealed and is good for once, if anything; email is what the person
// has entered.
func (s *Service) arrive(w http.ResponseWriter, r *http.Request, a Account, it *item, t ticket, once, email string) error {
	h, err := s.Sessions.Known(r.Context(), t.AccessKeyID, t.Token)
	if f, ok := errors.AsType[*fault.Fault](err); ok {
		return s.refuse(r, a, t.Provider, http.StatusForbidden, "federation.over", f.Code+": "+f.Message)
	}
	if err != nil {
		return err
	}
	if h.Account != a.Account {
		return s.refuse(r, a, t.Provider, http.StatusForbidden, "federation.over", "The session is of another account")
	}
	var there bool
	err = s.DB.Read(r.Context(), func(tx *store.Tx) error {
		_, err := s.Users.Of(tx, h.Identity, t.Namespace, a.DefaultNamespace)
		if there = err == nil; errors.Is(err, store.ErrNotFound) {
			return nil
		}
		return err
	})
	if errors.Is(err, ErrAmbiguous) {
		return s.refuse(r, a, t.Provider, http.StatusConflict, "federation.ambiguous", ErrAmbiguous.Error(), a.Name)
	}
	if err != nil {
		return err
	}
	e := Entry{Account: a.Account, Method: t.Method, Next: t.Next, Life: time.Duration(t.Seconds) * time.Second, Details: map[string]string{"Session": h.Who.ARN}}
	if t.Provider != "" {
		e.Details["Provider"] = t.Provider
	}
	role := ""
	if !there {
		if role, err = s.newcomer(r, a, it, &t, h); err != nil {
			return err
		}
		switch {
		case email != "":
		case h.Email != "":
			email = h.Email
		default:
			email = t.Email
		}
		if !isEmail(email) {
			if err := s.useUp(r, a, t, once); err != nil {
				return err
			}
			return s.askEmail(w, r, a, t, nil)
		}
	}
	e.Who = s.who(r, a, t, h, once, role, email, e.Details)
	err = s.Entrance.Admit(w, r, e)
	if errors.Is(err, errTaken) { // or by the same person, in another window at the same moment
		err = s.Entrance.Admit(w, r, e)
	}
	if errors.Is(err, errTaken) {
		err = s.refuse(r, a, t.Provider, http.StatusConflict, "federation.taken", "A user of this name is somebody else", a.Name)
	}
	return err
}

// errTaken says that the name of somebody new is another user's.
var errTaken = errors.New("federation: the name is taken")

// useUp uses up what is good for once, where that does not go with letting
// somebody in.
func (s *Service) useUp(r *http.Request, a Account, t ticket, once string) error {
	if once == "" {
		return nil
	}
	return s.DB.Write(r.Context(), func(tx *store.Tx) error { return s.spent(tx, r, a, t, once) })
}

// spent uses it up in a transaction, and refuses what was used before.
func (s *Service) spent(tx *store.Tx, r *http.Request, a Account, t ticket, once string) error {
	err := s.spend(tx, a.Account, once, t.Expires)
	if errors.Is(err, errSpent) {
		err = s.refuse(r, a, t.Provider, http.StatusForbidden, "federation.over", "The token was used before")
	}
	return err
}

// who gives the person of a session in the transaction in which they are let in.
func (s *Service) who(r *http.Request, a Account, t ticket, h Holder, once, role, email string, details map[string]string) func(tx *store.Tx) (Person, error) {
	plain := maps.Clone(details)
	return func(tx *store.Tx) (Person, error) {
		clear(details) // this may run twice
		maps.Copy(details, plain)
		if once != "" {
			if err := s.spent(tx, r, a, t, once); err != nil {
				return Person{}, err
			}
		}
		p, err := s.Users.Of(tx, h.Identity, t.Namespace, a.DefaultNamespace)
		switch {
		case errors.Is(err, store.ErrNotFound) && role != "":
			p, err = s.Users.Provision(tx, h.Identity, a.DefaultNamespace, email, role)
			if f, ok := errors.AsType[*fault.Fault](err); ok && f.Code == "ResourceExistsException" {
				err = errTaken
			}
			details["Provisioned"] = role
		case errors.Is(err, store.ErrNotFound): // deleted just now
			err = s.refuse(r, a, t.Provider, http.StatusForbidden, "federation.again", "The user is gone")
		case errors.Is(err, ErrAmbiguous):
			err = s.refuse(r, a, t.Provider, http.StatusConflict, "federation.ambiguous", ErrAmbiguous.Error(), a.Name)
		}
		if err != nil {
			return Person{}, err
		}
		if t.Groups != nil {
			err = s.Users.GroupsGiven(tx, p.Account, p.Namespace, p.Name, t.Provider, t.Groups)
		}
		return p, err
	}
}

// newcomer gives the role of somebody who comes for the first time, or refuses
// who can't be a user.
func (s *Service) newcomer(r *http.Request, a Account, it *item, t *ticket, h Holder) (role string, err error) {
	ctx := s.arriving(r, a.Region)
	if t.Namespace != "" && t.Namespace != a.DefaultNamespace {
		return "", s.refuse(r, a, t.Provider, http.StatusForbidden, "federation.namespace", "Users are made in the default namespace only", a.Name, t.Namespace)
	}
	if h.Kind != "AssumedRole" && h.Kind != "FederatedUser" {
		return "", s.refuse(r, a, t.Provider, http.StatusForbidden, "federation.over", "The session is neither of a role nor of a federated user")
	}
	var method string
	err = s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		method, err = s.Accounts.Enter(ctx, tx, a.Account, a.DefaultNamespace)
		return err
	})
	f, closed := errors.AsType[*fault.Fault](err)
	if err != nil && !closed {
		return "", err
	}
	if closed || method == "ACTIVE_DIRECTORY" || method == "IAM_IDENTITY_CENTER" {
		why := "Users of this account come from its directory"
		if closed {
			why = f.Message
		}
		return "", s.refuse(r, a, t.Provider, http.StatusForbidden, "federation.closed", why, a.Name)
	}
	role, err = s.role(ctx, a, h)
	if err == nil && role == "" {
		const none = "No policy of %s allows quicksight:CreateReader, CreateUser or CreateAdmin"
		if it == nil {
			return "", s.refuse(r, a, t.Provider, http.StatusForbidden, "federation.role", fmt.Sprintf(none, h.Who.ARN), a.Name)
		}
		err = s.noAccess(r, a, it, fmt.Sprintf(none, h.Who.ARN))
	}
	return role, err
}

// creations are the actions that let somebody become a user, the highest first
// (user guide, "Provisioning users for Amazon QuickSight").
var creations = []struct{ action, role string }{
	{"quicksight:CreateAdmin", "ADMIN"}, {"quicksight:CreateUser", "AUTHOR"}, {"quicksight:CreateReader", "READER"},
}

// role gives the highest role that the policies of a session allow; empty for none.
func (s *Service) role(ctx context.Context, a Account, h Holder) (string, error) {
	on := policy.Target{Account: a.Account, Resource: "arn:" + arn.Partition(a.Region) + ":quicksight::" + a.Account + ":user/" + h.UserID}
	for _, c := range creations {
		err := s.Judge.Authorize(ctx, h.Who, c.action, on)
		if err == nil {
			return c.role, nil
		}
		if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Status != http.StatusForbidden {
			return "", err
		}
	}
	return "", nil
}

// emailForm is what the page shows that asks for an e-mail address.
type emailForm struct {
	Ticket, Email, Account string
}

const fieldEmail = "email"

// askEmail asks for the address of somebody new, where nobody has told it.
func (s *Service) askEmail(w http.ResponseWriter, r *http.Request, a Account, t ticket, problems []web.Problem) error {
	t.Browser = s.known(w, r)
	t.Expires = s.Now().Add(stateLife).Unix()
	s.Site.Show(w, r, web.Page{Name: "email", Account: a.Account, Problems: problems, Data: emailForm{
		Ticket: s.sealed(t, forEmail), Email: strings.TrimSpace(r.PostFormValue(fieldEmail)), Account: a.Name,
	}})
	return nil
}

// email goes on with somebody who has entered an address.
func (s *Service) email(w http.ResponseWriter, r *http.Request) error {
	var t ticket
	text := r.PostFormValue("ticket")
	if err := s.open(text, forEmail, &t); err != nil {
		return s.refuse(r, Account{}, "", http.StatusBadRequest, "federation.again", "")
	}
	a, it, err := s.of(r, &t)
	if err != nil {
		return err
	}
	if s.Now().Unix() >= t.Expires || string(t.Browser) != string(s.browser(r)) {
		return s.refuse(r, a, t.Provider, http.StatusBadRequest, "federation.again", "The form is too old, or of another browser")
	}
	address := strings.TrimSpace(r.PostFormValue(fieldEmail))
	if !isEmail(address) {
		return s.askEmail(w, r, a, t, []web.Problem{{Field: fieldEmail, Key: "email.wrong"}})
	}
	return s.arrive(w, r, a, it, t, text, address)
}

// of reads the account of a ticket, and the provider where it is one of ours.
func (s *Service) of(r *http.Request, t *ticket) (a Account, it *item, err error) {
	err = s.DB.Read(r.Context(), func(tx *store.Tx) (err error) {
		if t.Provider == "" || strings.HasPrefix(t.Provider, samlProviders) {
			a, err = s.Accounts.Name(tx, t.Account)
			return err
		}
		a, it, _, err = s.provider(tx, t.Account, t.Provider)
		return err
	})
	if errors.Is(err, store.ErrNotFound) { // gone since
		err = s.refuse(r, Account{}, "", http.StatusBadRequest, "federation.again", "")
	}
	return a, it, err
}

// isEmail tells whether a text is one address, and nothing else.
func isEmail(text string) bool {
	if len(text) > 254 || strings.ContainsFunc(text, func(c rune) bool { return unicode.IsControl(c) || unicode.IsSpace(c) }) {
		return false
	}
	a, err := mail.ParseAddress(text)
	return err == nil && a.Address == text && a.Name == ""
}
