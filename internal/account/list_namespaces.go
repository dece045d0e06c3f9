package account

import (
	"context"

	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) listingNamespaces(ctx context.Context, in *qs.ListNamespacesRequest) policy.Target {
	return onNamespace(ctx, in.AwsAccountId, "*")
}

// listNamespaces lists the namespaces of an account by name, in every region:
// programs look there for the identity region.
func (s *Service) listNamespaces(ctx context.Context, in *qs.ListNamespacesRequest) (*qs.ListNamespacesResponse, error) {
	scope := page.Scope("ListNamespaces", in.AwsAccountId)
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	out := &qs.ListNamespacesResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		account, err := openAnywhere(tx, in.AwsAccountId)
		if err != nil {
			return err
		}
		instance, err := account.instance()
		if err != nil {
			return err
		}
		rows, err := store.All[namespace](tx, `SELECT `+namespaceColumns+` FROM namespaces
			WHERE account = $1 AND name > $2 ORDER BY name LIMIT $3`, in.AwsAccountId, p.After(0), p.Limit+1)
		if err != nil {
			return err
		}
		if page.Cut(p, &rows) {
			out.NextToken = p.Next(rows[len(rows)-1].Name)
		}
		out.Namespaces = make([]qs.NamespaceInfoV2, len(rows))
		for i := range rows {
			out.Namespaces[i] = rows[i].api(instance)
		}
		return nil
	})
	return out, err
}
