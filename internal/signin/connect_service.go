package signin

import (
	"errors"
	"net/http"

	"onsight/internal/fault"
	"onsight/internal/store"
	"onsight/internal/web"
)

// connectService has the person sign in at a service, for the first time or
// again.
func (s *Service) connectService(w http.ResponseWriter, r *http.Request) error {
	me, err := s.PersonOf(r)
	if err != nil {
		return err
	}
	address := ""
	err = s.DB.Write(r.Context(), func(tx *store.Tx) error {
		account, err := s.Accounts.Name(tx, me.Person.Account)
		if err != nil {
			return err
		}
		if s.services == nil {
			return store.ErrNotFound
		}
		address, err = s.services.Connect(tx, me.Person.ARN(account.Region), r.PostFormValue("service"))
		return err
	})
	if errors.Is(err, store.ErrNotFound) {
		s.Site.Go(w, r, youPath)
		return nil
	}
	if f, ok := errors.AsType[*fault.Fault](err); ok && f.Code != "InternalFailureException" {
		return &refusal{status: http.StatusConflict, account: me.Person.Account, message: web.Message{
			Title: "connect.not.title", Text: "connect.not.said", Args: []any{f.Message}, Action: "to.you", Target: youPath,
		}}
	}
	if err != nil {
		return err
	}
	http.Redirect(w, r, address, http.StatusSeeOther)
	return nil
}
