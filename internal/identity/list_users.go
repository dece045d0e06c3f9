package identity

import (
	"context"

	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) listing(ctx context.Context, in *qs.ListUsersRequest) policy.Target {
	return onUser(ctx, in.AwsAccountId, in.Namespace, "*")
}

// listUsers lists the users of a namespace by name.
func (s *Service) listUsers(ctx context.Context, in *qs.ListUsersRequest) (*qs.ListUsersResponse, error) {
	scope := page.Scope("ListUsers", in.AwsAccountId, in.Namespace)
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	out := &qs.ListUsersResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		tenant, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		users, err := store.All[user](tx, `SELECT `+userColumns+` FROM users
			WHERE account = $1 AND namespace = $2 AND name > $3 ORDER BY name LIMIT $4`,
			in.AwsAccountId, in.Namespace, p.After(0), p.Limit+1)
		if err != nil {
			return err
		}
		if page.Cut(p, &users) {
			out.NextToken = p.Next(users[len(users)-1].Name)
		}
		out.UserList = make([]qs.User, len(users))
		for i := range users {
			out.UserList[i] = users[i].api(tenant.Region)
		}
		return nil
	})
	return out, err
}
