package identity

import (
	"context"

	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) listingUserGroups(ctx context.Context, in *qs.ListUserGroupsRequest) policy.Target {
	return onUser(ctx, in.AwsAccountId, in.Namespace, in.UserName)
}

// groupsOfUser takes the page first and then its groups: each membership has one.
const groupsOfUser = `SELECT g.account, g.namespace, g.name, g.name_key, g.principal_id, g.description, g.created_us
	FROM (SELECT group_name FROM group_members
		WHERE account = $1 AND namespace = $2 AND user_name = $3 AND group_name > $4 ORDER BY group_name LIMIT $5) m
	CROSS JOIN user_groups g
	WHERE g.account = $1 AND g.namespace = $2 AND g.name = m.group_name ORDER BY m.group_name`

// listUserGroups lists the groups that a user is a member of, by name.
func (s *Service) listUserGroups(ctx context.Context, in *qs.ListUserGroupsRequest) (*qs.ListUserGroupsResponse, error) {
	scope := page.Scope("ListUserGroups", in.AwsAccountId, in.Namespace, in.UserName)
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	out := &qs.ListUserGroupsResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		tenant, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		if _, err := find(tx, in.AwsAccountId, in.Namespace, in.UserName); err != nil {
			return err
		}
		groups, err := store.All[group](tx, groupsOfUser, in.AwsAccountId, in.Namespace, in.UserName, p.After(0), p.Limit+1)
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
