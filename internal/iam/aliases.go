package iam

import (
	"context"
	"errors"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/iamapi"
	"onsight/internal/store"
)

// accountRoutes are the operations on an account as a whole.
func (s *Service) accountRoutes() []api.Route {
	return []api.Route{
		api.Handle(iamapi.CreateAccountAlias, onAll, s.createAccountAlias),
		api.Handle(iamapi.ListAccountAliases, onAll, s.listAccountAliases),
		api.Handle(iamapi.DeleteAccountAlias, onAll, s.deleteAccountAlias),
		api.Handle(iamapi.GetAccountSummary, onAll, s.getAccountSummary),
		api.Handle(iamapi.GetAccountAuthorizationDetails, onAll, s.getAccountAuthorizationDetails),
	}
}

// createAccountAlias gives the account its alias, in place of the one that it
// has. No two accounts have the same.
func (s *Service) createAccountAlias(ctx context.Context, in *iamapi.CreateAccountAliasRequest) (*iamapi.CreateAccountAliasResponse, error) {
	if arn.IsAccount(in.AccountAlias) {
		return nil, validationError("The account alias %s is not valid: it must not look like an account number.", in.AccountAlias)
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		n, err := store.One[int64](tx, `SELECT COUNT(*) FROM iam_aliases WHERE alias = $1`, in.AccountAlias)
		if err != nil {
			return err
		}
		if n > 0 {
			return entityAlreadyExists("The account alias %s already exists.", in.AccountAlias)
		}
		_, err = tx.Exec(`INSERT INTO iam_aliases (account, alias) VALUES ($1, $2) ON CONFLICT (account) DO UPDATE SET alias = excluded.alias`,
			account(ctx), in.AccountAlias)
		return errors.Join(err, s.changed(tx, account(ctx)))
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.CreateAccountAliasResponse{}, nil
}

// listAccountAliases lists the one alias that the account has, or none.
func (s *Service) listAccountAliases(ctx context.Context, in *iamapi.ListAccountAliasesRequest) (*iamapi.ListAccountAliasesResponse, error) {
	l, err := s.listing(in.Marker, in.MaxItems, "ListAccountAliases", account(ctx))
	if err != nil {
		return nil, err
	}
	out := &iamapi.ListAccountAliasesResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		read, err := store.All[string](tx, `SELECT alias FROM iam_aliases WHERE account = $1 AND alias > $2`, account(ctx), l.after())
		out.AccountAliases, out.IsTruncated, out.Marker = cut(l, append([]string{}, read...), func(a *string) []string { return []string{*a} })
		return err
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// deleteAccountAlias takes the alias of the account away.
func (s *Service) deleteAccountAlias(ctx context.Context, in *iamapi.DeleteAccountAliasRequest) (*iamapi.DeleteAccountAliasResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		rows, err := tx.Exec(`DELETE FROM iam_aliases WHERE account = $1 AND alias = $2`, account(ctx), in.AccountAlias)
		if err != nil {
			return err
		}
		if rows == 0 {
			return noSuchEntity("The account alias %s cannot be found.", in.AccountAlias)
		}
		return s.changed(tx, account(ctx))
	})
	if err != nil {
		return nil, err
	}
	return &iamapi.DeleteAccountAliasResponse{}, nil
}
