package identity

import (
	"cmp"
	"context"
	"strings"

	"onsight/internal/fault"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) searchingGroups(ctx context.Context, in *qs.SearchGroupsRequest) policy.Target {
	return onGroup(ctx, in.AwsAccountId, in.Namespace, "*")
}

const groupsByPrefix = `SELECT ` + groupColumns + ` FROM user_groups
	WHERE account = $1 AND namespace = $2 AND (name_key, name) > ($3, $4) AND name_key < $5
	ORDER BY name_key, name LIMIT $6`

// highest is greater than all that names are made of: with it at its end, a
// prefix comes after every name that begins so.
const highest = "\U0010FFFF"

// searchGroups lists the groups whose name begins with a text, in whichever
// case, by their names in lower case.
func (s *Service) searchGroups(ctx context.Context, in *qs.SearchGroupsRequest) (*qs.SearchGroupsResponse, error) {
	prefix, err := groupPrefix(in)
	if err != nil {
		return nil, err
	}
	scope := page.Scope("SearchGroups", in.AwsAccountId, in.Namespace, prefix)
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	after := cmp.Or(p.After(0), prefix) // no name comes before it
	out := &qs.SearchGroupsResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		tenant, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		groups, err := store.All[group](tx, groupsByPrefix, in.AwsAccountId, in.Namespace, after, p.After(1), prefix+highest, p.Limit+1)
		if err != nil {
			return err
		}
		if page.Cut(p, &groups) {
			last := groups[len(groups)-1]
			out.NextToken = p.Next(last.NameKey, last.Name)
		}
		out.GroupList = shownGroups(groups, tenant.Region)
		return nil
	})
	return out, err
}

// groupPrefix reads the one filter that there is.
func groupPrefix(in *qs.SearchGroupsRequest) (string, error) {
	if len(in.Filters) != 1 || in.Filters[0].Name != qs.GroupFilterAttributeGroupName || in.Filters[0].Operator != qs.GroupFilterOperatorStartsWith {
		return "", fault.Invalid("Filters must hold exactly one filter, with name GROUP_NAME and operator StartsWith. %s", tail(in.AwsAccountId, in.Namespace))
	}
	v := in.Filters[0].Value
	if strings.ContainsRune(v, 0) || len(v) > 4*longestName {
		return "", fault.Invalid("The value of filter GROUP_NAME isn't the beginning of a name. %s", tail(in.AwsAccountId, in.Namespace))
	}
	return strings.ToLower(v), nil
}
