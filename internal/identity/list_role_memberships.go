package identity

import (
	"context"

	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) listingRoleMemberships(context.Context, *qs.ListRoleMembershipsRequest) policy.Target {
	return onMapping()
}

const groupsOfRole = `SELECT member FROM role_memberships
	WHERE account = $1 AND namespace = $2 AND role = $3 AND member > $4 ORDER BY member LIMIT $5`

// listRoleMemberships lists the groups whose members have a role, by name.
func (s *Service) listRoleMemberships(ctx context.Context, in *qs.ListRoleMembershipsRequest) (*qs.ListRoleMembershipsResponse, error) {
	scope := page.Scope("ListRoleMemberships", in.AwsAccountId, in.Namespace, string(in.Role))
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	out := &qs.ListRoleMembershipsResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		if err := s.enterMapping(ctx, tx, in.AwsAccountId, in.Namespace); err != nil {
			return err
		}
		names, err := store.All[string](tx, groupsOfRole, in.AwsAccountId, in.Namespace, string(in.Role), p.After(0), p.Limit+1)
		if err != nil {
			return err
		}
		if page.Cut(p, &names) {
			out.NextToken = p.Next(names[len(names)-1])
		}
		out.MembersList = names
		return nil
	})
	return out, err
}
