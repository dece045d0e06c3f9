package account

import (
	"context"

	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// pageSize is how many items a list answers with where the caller does not say.
const pageSize = 100

func (s *Service) listingNamespaces(ctx context.Context, in *qs.ListNamespacesRequest) policy.Target {
	return onNamespace(ctx, in.AwsAccountId, "*")
}

// listNamespaces lists the namespaces of an account by name, in every region:
// programs look there for the identity region.
func (s *Service) listNamespaces(ctx context.Context, in *qs.ListNamespacesRequest) (*qs.ListNamespacesResponse, error) {
	scope := page.Scope("ListNamespaces", in.AwsAccountId)
	after, limit, err := s.start(scope, in.NextToken, in.MaxResults, pageSize)
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
			WHERE account = $1 AND name > $2 ORDER BY name LIMIT $3`, in.AwsAccountId, after, limit+1)
		if err != nil {
			return err
		}
		if len(rows) > limit {
			rows = rows[:limit]
			out.NextToken = new(s.tokens.Next(scope, rows[limit-1].Name))
		}
		out.Namespaces = make([]qs.NamespaceInfoV2, len(rows))
		for i := range rows {
			out.Namespaces[i] = rows[i].api(instance)
		}
		return nil
	})
	return out, err
}

// start opens the token of a list that goes by one key, and says where the page
// begins and how long it is.
func (s *Service) start(scope string, token *string, maxResults *int32, usual int) (after string, limit int, err error) {
	key, err := s.tokens.Key(scope, value(token))
	if err != nil {
		return "", 0, err
	}
	if len(key) > 0 {
		after = key[0]
	}
	if maxResults == nil {
		return after, usual, nil
	}
	return after, int(*maxResults), nil
}
