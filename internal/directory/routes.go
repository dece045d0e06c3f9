package directory

import (
	"context"
	"errors"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// Routes are the operations that this package answers.
func (s *Service) Routes() []api.Route {
	return []api.Route{
		api.Handle(onsightapi.SearchDirectoryGroups, onAny, s.searchDirectoryGroups),
		api.Handle(onsightapi.CheckDirectory, onAny, s.checkDirectory),
		api.Handle(onsightapi.ListDirectoryPeople, onAny, s.listDirectoryPeople),
		api.Handle(onsightapi.RefreshDirectory, onAny, s.refreshDirectory),
	}
}

// onAny is the target of operations on the account's directory, which no policy
// can limit to a resource.
func onAny[T any](context.Context, *T) policy.Target { return policy.Target{Resource: "*"} }

// enter gives the directory of an account.
func (s *Service) enter(ctx context.Context, account string) (p Place, d *Directory, err error) {
	var ok bool
	err = s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if p, ok, err = s.Accounts.Place(tx, account); err != nil {
			return err
		}
		namespace := "default"
		if ok {
			namespace = p.Namespace
		}
		return s.Accounts.Enter(ctx, tx, account, namespace)
	})
	if err != nil {
		return p, nil, err
	}
	if !ok {
		return p, nil, fault.Precondition("The people of account %s are not from an Active Directory: its authentication method is another one.", account)
	}
	if d = s.of(p); d == nil {
		err = fault.Precondition("The operator of this server has described no directory %s with the realm %s for account %s in the file of -directories.", p.Name, p.Realm, account)
	}
	return p, d, err
}

// told gives an error of a directory the words of the API. What is wrong is for
// the operator: the log, and CheckDirectory, have it.
func told(p Place, err error) error {
	if _, ok := errors.AsType[*Unavailable](err); ok {
		return fault.Unavailable("The directory %s does not answer. Try again later, or find out why with CheckDirectory.", p.Name)
	}
	if errors.Is(err, ErrBusy) {
		return fault.Unavailable("Too many ask the directory %s at once. Try again in a moment.", p.Name)
	}
	return err
}
