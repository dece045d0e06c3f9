package identity

import (
	"context"

	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) listingMemberships(ctx context.Context, in *qs.ListGroupMembershipsRequest) policy.Target {
	return onGroup(ctx, in.AwsAccountId, in.Namespace, in.GroupName)
}

const membersByName = `SELECT user_name FROM group_members
	WHERE account = $1 AND namespace = $2 AND group_name = $3 AND user_name > $4 ORDER BY user_name LIMIT $5`

// listGroupMemberships lists the members of a group by name.
func (s *Service) listGroupMemberships(ctx context.Context, in *qs.ListGroupMembershipsRequest) (*qs.ListGroupMembershipsResponse, error) {
	scope := page.Scope("ListGroupMemberships", in.AwsAccountId, in.Namespace, in.GroupName)
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	out := &qs.ListGroupMembershipsResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		tenant, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		if _, err := findGroup(tx, in.AwsAccountId, in.Namespace, in.GroupName); err != nil {
			return err
		}
		names, err := store.All[string](tx, membersByName, in.AwsAccountId, in.Namespace, in.GroupName, p.After(0), p.Limit+1)
		if err != nil {
			return err
		}
		if page.Cut(p, &names) {
			out.NextToken = p.Next(names[len(names)-1])
		}
		out.GroupMemberList = make([]qs.GroupMember, len(names))
		for i, name := range names {
			out.GroupMemberList[i] = member(tenant.Region, in.AwsAccountId, in.Namespace, name)
		}
		return nil
	})
	return out, err
}
