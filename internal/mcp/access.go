package mcp

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/store"
	"onsight/internal/web"
)

// access is what the page shows on which people see which agents act for them.
type access struct {
	Person   Person
	Endpoint string
	// Made is a token that was made just now: it is shown this once.
	Made         string
	Done         string // key of what has just been done
	Tokens       []shownToken
	Grants       []shownGrant
	Name         string // as it was entered
	DaysToChoose []int
}

type shownToken struct {
	ID, Name      string
	ReadOnly, Old bool
	Expires       time.Time
	Used          *time.Time
}

type shownGrant struct {
	ID, Name, Host string
	ReadOnly       bool
	Created        time.Time
	Used           *time.Time
}

// doneHere are the things that the page says have been done.
var doneHere = map[string]string{"token": "access.token-deleted", "grant": "access.grant-revoked"}

func at(us *int64) *time.Time {
	if us == nil {
		return nil
	}
	return new(store.Time(*us))
}

// showAccess shows what lets agents act for the person.
func (s *Service) showAccess(w http.ResponseWriter, r *http.Request) error {
	p, _, ok, err := s.Sessions.Of(r)
	if err != nil {
		return err
	}
	if !ok {
		s.Site.Go(w, r, web.Root, "next", s.Site.URL(AccessPath))
		return nil
	}
	return s.viewAccess(w, r, p, access{Done: doneHere[r.URL.Query().Get("done")]}, nil)
}

func (s *Service) viewAccess(w http.ResponseWriter, r *http.Request, p Person, view access, problems []web.Problem) error {
	view.Person, view.Endpoint, view.DaysToChoose = p, s.Endpoint(), []int{30, 90, 365}
	err := s.DB.Read(r.Context(), func(tx *store.Tx) error {
		view.Tokens, view.Grants = nil, nil
		rows, err := tokensOf(tx, &p, "", mostTokens)
		if err != nil {
			return err
		}
		for _, t := range rows {
			view.Tokens = append(view.Tokens, shownToken{
				ID: t.ID, Name: t.Name, ReadOnly: t.ReadOnly, Old: s.ended(t.ExpiresUS), Expires: store.Time(t.ExpiresUS), Used: at(t.LastUsedUS),
			})
		}
		grants, err := grantsOf(tx, &p)
		if err != nil {
			return err
		}
		for _, g := range grants {
			if !s.ended(g.ExpiresUS) {
				view.Grants = append(view.Grants, shownGrant{
					ID: g.ID, Name: g.ClientName, Host: g.RedirectHost, ReadOnly: g.ReadOnly, Created: store.Time(g.CreatedUS), Used: at(g.LastUsedUS),
				})
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	s.Site.Show(w, r, web.Page{Name: "agent-access", Account: p.Account, Problems: problems, Data: view})
	return nil
}

// changeAccess makes or deletes a token, or revokes a grant.
func (s *Service) changeAccess(w http.ResponseWriter, r *http.Request) error {
	p, _, ok, err := s.Sessions.Of(r)
	if err != nil {
		return err
	}
	if !ok {
		s.Site.Go(w, r, web.Root, "next", s.Site.URL(AccessPath))
		return nil
	}
	origin := api.OriginOf(r, s.TrustedProxies)
	switch id := r.PostFormValue("id"); r.PostFormValue("do") {
	case "delete-token":
		err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
			n, err := dropToken(tx, &p, id)
			if err == nil && n > 0 {
				s.Trail.Left(tx, Event{Name: "DeletePersonalToken", Person: p, Origin: origin, Details: map[string]string{"TokenId": id}})
			}
			return err
		})
		if err == nil {
			s.Site.Go(w, r, AccessPath, "done", "token")
		}
		return err
	case "revoke":
		err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
			g, err := store.One[grant](tx, `SELECT `+grantColumns+` FROM agent_grants WHERE account = $1 AND namespace = $2 AND user_name = $3 AND id = $4`,
				p.Account, p.Namespace, p.Name, id)
			if errors.Is(err, store.ErrNotFound) {
				return nil
			}
			if err != nil {
				return err
			}
			s.Trail.Left(tx, s.revoked(p, &g, origin, "The user revoked it."))
			return dropGrant(tx, g.ID)
		})
		if err == nil {
			s.Site.Go(w, r, AccessPath, "done", "grant")
		}
		return err
	case "create-token":
		return s.createHere(w, r, p, origin)
	}
	s.Site.Go(w, r, AccessPath)
	return nil
}

// createHere makes a token, and shows it this once.
func (s *Service) createHere(w http.ResponseWriter, r *http.Request, p Person, origin api.Origin) error {
	name := clip(r.PostFormValue("name"), 100)
	days, err := strconv.Atoi(r.PostFormValue("days"))
	if err != nil || days < 1 || days > 365 {
		days = tokenDays
	}
	var made string
	err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
		shown, row, err := s.newToken(tx, p, name, days, r.PostFormValue("read-only") != "")
		if err != nil {
			return err
		}
		made = shown
		s.Trail.Left(tx, Event{Name: "CreatePersonalToken", Person: p, Origin: origin, Details: map[string]string{"TokenId": row.ID, "TokenName": row.Name, "Scope": scopeOf(row.ReadOnly)}})
		return nil
	})
	if f, ok := errors.AsType[*fault.Fault](err); ok && f.Status < 500 {
		problem := web.Problem{Field: "name", Key: "access.name-missing"}
		if f.Code == "LimitExceededException" {
			problem = web.Problem{Field: "name", Key: "access.too-many", Args: []any{mostTokens}}
		}
		return s.viewAccess(w, r, p, access{Name: name}, []web.Problem{problem})
	}
	if err != nil {
		return err
	}
	return s.viewAccess(w, r, p, access{Made: made}, nil)
}

// Count tells how many agents act for a user by consent, and by how many personal
// tokens.
func (s *Service) Count(tx *store.Tx, account, namespace, name string) (programs, tokens int64, err error) {
	now := store.Micros(s.Now())
	programs, err = store.One[int64](tx, `SELECT count(*) FROM agent_grants WHERE account = $1 AND namespace = $2 AND user_name = $3 AND expires_us > $4`, account, namespace, name, now)
	if err == nil {
		tokens, err = store.One[int64](tx, `SELECT count(*) FROM personal_tokens WHERE account = $1 AND namespace = $2 AND user_name = $3 AND expires_us > $4`, account, namespace, name, now)
	}
	return programs, tokens, err
}
