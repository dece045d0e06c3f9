package directory

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"

	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/store"
)

// errEnough ends a search that has found what it should.
var errEnough = errors.New("directory: that is enough")

// searchDirectoryGroups gives the groups of the directory whose name has a text
// in it, with the role of those that have one.
func (s *Service) searchDirectoryGroups(ctx context.Context, in *onsightapi.SearchDirectoryGroupsRequest) (*onsightapi.SearchDirectoryGroupsResponse, error) {
	limit, text := 100, ""
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	if in.Name != nil {
		text = *in.Name
	}
	if len(text) > longestTried || strings.ContainsRune(text, 0) {
		return nil, fault.Invalid("Name has at most %d bytes, and no NUL.", longestTried)
	}
	p, d, err := s.enter(ctx, in.AwsAccountId)
	if err != nil {
		return nil, err
	}
	var roles map[string]string
	err = s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		roles, err = s.Users.Roles(tx, p.Account, p.Namespace)
		return err
	})
	if err != nil {
		return nil, err
	}
	filter := d.GroupFilter
	if text != "" {
		part := ldap.EscapeFilter(text)
		filter = "(&" + filter + "(|(" + d.Names.Group + "=*" + part + "*)(cn=*" + part + "*)))"
	}
	out := &onsightapi.SearchDirectoryGroupsResponse{Groups: []onsightapi.DirectoryGroup{}, More: new(false)}
	for _, base := range d.GroupBase {
		err := d.pages(ctx, base, filter, []string{d.Names.Group, "cn", "description"}, func(entries []*ldap.Entry) error {
			for _, e := range entries {
				if len(out.Groups) == limit {
					out.More = new(true)
					return errEnough
				}
				g := onsightapi.DirectoryGroup{Name: new(cmp.Or(e.GetEqualFoldAttributeValue(d.Names.Group), e.GetEqualFoldAttributeValue("cn"))), DistinguishedName: &e.DN}
				if description := e.GetEqualFoldAttributeValue("description"); description != "" {
					g.Description = &description
				}
				if role := roles[*g.Name]; role != "" {
					g.Role = &role
				}
				out.Groups = append(out.Groups, g)
			}
			return nil
		})
		if errors.Is(err, errEnough) {
			break
		}
		s.reached(ctx, p, d, err)
		if err != nil {
			return nil, told(p, err)
		}
	}
	slices.SortFunc(out.Groups, func(a, b onsightapi.DirectoryGroup) int {
		return cmp.Or(strings.Compare(*a.Name, *b.Name), strings.Compare(*a.DistinguishedName, *b.DistinguishedName))
	})
	return out, nil
}
