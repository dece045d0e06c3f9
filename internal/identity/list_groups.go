package identity

import (
	"context"

	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) listingGroups(ctx context.Context, in *qs.ListGroupsRequest) policy.Target {
	return onGroup(ctx, in.AwsAccountId, in.Namespace, "*")
}

const groupsByName = `SELECT ` + groupColumns + ` FROM user_groups
	WHERE account = $1 AND namespace = $2 AND name > $3 ORDER BY name LIMIT $4`

// listGroups lists the groups of a namespace by name.
func (s *Service) listGroups(ctx context.Context, in *qs.ListGroupsRequest) (*qs.ListGroupsResponse, error) {
	scope := page.Scope("ListGroups", in.AwsAccountId, in.Namespace)
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	out := &qs.ListGroupsResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		tenant, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		groups, err := store.All[group](tx, groupsByName, in.AwsAccountId, in.Namespace, p.After(0), p.Limit+1)
		if err != nil {
			return err
		}
		if page.Cut(p, &groups) {
			out.NextToken = p.Next(groups[len(groups)-1].Name)
		}
		out.GroupList = shownGroups(groups, tenant.Region)
		return nil
	})
	return out, err
}
