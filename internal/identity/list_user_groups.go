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

const groupsOfUser = `SELECT g.account, g.namespace, g.name, g.name_key, g.principal_id, g.description, g.created_us
	FROM group_members m JOIN user_groups g ON g.account = m.account AND g.namespace = m.namespace AND g.name = m.group_name
	WHERE m.account = $1 AND m.namespace = $2 AND m.user_name = $3 AND m.group_name > $4 ORDER BY m.group_name LIMIT $5`

// listUserGroups lists the groups that a user is a member of, by name.
func (s *Service) listUserGroups(ctx context.Context, in *qs.ListUserGroupsRequest) (*qs.ListUserGroupsResponse, error) {
	scope := page.Scope("ListUserGroups", in.AwsAccountId, in.Namespace, in.UserName)
	after, limit, err := s.start(scope, in.NextToken, in.MaxResults)
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
		groups, err := store.All[group](tx, groupsOfUser, in.AwsAccountId, in.Namespace, in.UserName, after, limit+1)
		if err != nil {
			return err
		}
		var more bool
		if out.GroupList, more = groupPage(groups, limit, tenant.Region); more {
			out.NextToken = new(s.tokens.Next(scope, groups[limit-1].Name))
		}
		return nil
	})
	return out, err
}
