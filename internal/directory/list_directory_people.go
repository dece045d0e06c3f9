package directory

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"

	"onsight/internal/onsightapi"
	"onsight/internal/page"
)

const peoplePage = 100

// listDirectoryPeople gives those who may sign in, by the directory and the
// roles of its groups. It reads the directory anew, and changes nothing.
func (s *Service) listDirectoryPeople(ctx context.Context, in *onsightapi.ListDirectoryPeopleRequest) (*onsightapi.ListDirectoryPeopleResponse, error) {
	scope := page.Scope("ListDirectoryPeople", in.AwsAccountId)
	after := []string{"", ""}
	if in.NextToken != nil {
		key, err := s.Tokens.Key(scope, *in.NextToken)
		if err != nil {
			return nil, err
		}
		if len(key) == 2 {
			after = key
		}
	}
	limit := peoplePage
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	p, d, err := s.enter(ctx, in.AwsAccountId)
	if err != nil {
		return nil, err
	}
	members, roles, err := s.members(ctx, p, d)
	s.reached(ctx, p, d, err)
	if err != nil {
		return nil, told(p, err)
	}
	order := func(m *member, name, id string) int {
		return cmp.Or(strings.Compare(m.Name, name), strings.Compare(m.ID, id))
	}
	all := slices.Collect(maps.Values(members))
	all = slices.DeleteFunc(all, func(m *member) bool { return order(m, after[0], after[1]) <= 0 })
	slices.SortFunc(all, func(a, b *member) int { return order(a, b.Name, b.ID) })
	out := &onsightapi.ListDirectoryPeopleResponse{People: []onsightapi.DirectoryPerson{}}
	if len(all) > limit {
		all = all[:limit]
		out.NextToken = new(s.Tokens.Next(scope, all[limit-1].Name, all[limit-1].ID))
	}
	for _, m := range all {
		slices.Sort(m.Groups)
		out.People = append(out.People, onsightapi.DirectoryPerson{UserName: &m.Name, Email: &m.Mail, Id: &m.ID, Groups: m.Groups, Role: new(s.role(m, roles))})
	}
	return out, nil
}
