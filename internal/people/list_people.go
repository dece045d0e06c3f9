package people

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// looked is how many users one call looks at, however few of them are asked
// for: a page may be short, or empty, and have others after it.
const looked = 2000

func (s *Service) listing(ctx context.Context, in *onsightapi.ListPeopleRequest) policy.Target {
	namespace := value(in.Namespace)
	if namespace == "" {
		namespace = "*"
	}
	return onUsers(ctx, in.AwsAccountId, namespace, "*")
}

// listPeople lists the users of an account, by namespace and name, as those need
// them who administer many.
func (s *Service) listPeople(ctx context.Context, in *onsightapi.ListPeopleRequest) (*onsightapi.ListPeopleResponse, error) {
	if in.Namespace == nil && in.Group != nil {
		return nil, fault.Invalid("Group needs a Namespace: groups of different namespaces may have one name.")
	}
	scope := page.Scope("ListPeople", in.AwsAccountId, filters(in))
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	w := Walk{Account: in.AwsAccountId, Namespace: value(in.Namespace), Group: value(in.Group), Limit: looked}
	if w.Namespace != "" {
		w.Prefix = value(in.NamePrefix)
	}
	w.AfterNamespace, w.AfterName = p.After(0), p.After(1)
	if err := s.noted(ctx); err != nil {
		return nil, err
	}
	out := &onsightapi.ListPeopleResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		*out = onsightapi.ListPeopleResponse{People: []onsightapi.Person{}}
		region, err := s.enter(ctx, tx, in.AwsAccountId, w.Namespace)
		if err != nil {
			return err
		}
		if filters(in) == filters(&onsightapi.ListPeopleRequest{Namespace: in.Namespace, Group: in.Group}) {
			w.Limit = min(w.Limit, p.Limit+1) // all that are looked at are asked for
		}
		people, more, err := s.users.People(tx, w)
		if err != nil {
			return err
		}
		now := s.now()
		var found []Person
		last := Person{}
		for i := range people {
			if len(found) == p.Limit {
				more = true
				break
			}
			last = people[i]
			if matches(in, &people[i], now.Unix()) {
				found = append(found, people[i])
			}
		}
		if more {
			out.NextToken = p.Next(last.Namespace, last.Name)
		}
		out.People, err = s.shown(tx, region, in.AwsAccountId, found)
		return err
	})
	return out, err
}

// enter is the gate of operations on the people of a namespace, or of all.
func (s *Service) enter(ctx context.Context, tx *store.Tx, account, namespace string) (region string, err error) {
	if namespace != "" {
		if err := s.accounts.Enter(ctx, tx, account, namespace); err != nil {
			return "", err
		}
	}
	return s.accounts.Open(ctx, tx, account)
}

// shown gives people as operations show them, with their groups.
func (s *Service) shown(tx *store.Tx, region, account string, people []Person) ([]onsightapi.Person, error) {
	now := s.now()
	out := make([]onsightapi.Person, 0, len(people))
	for begin := 0; begin < len(people); { // the part of a namespace at a time
		end, namespace := begin, people[begin].Namespace
		for end < len(people) && people[end].Namespace == namespace {
			end++
		}
		groups, err := s.users.GroupsOf(tx, account, namespace, people[begin].Name, people[end-1].Name)
		if err != nil {
			return nil, err
		}
		for i := begin; i < end; i++ {
			of := groups[people[i].Name]
			if of == nil {
				of = []string{}
			}
			out = append(out, people[i].api(region, account, of, now))
		}
		begin = end
	}
	return out, nil
}

// filters writes what a request asks for, for the scope of its token.
func filters(in *onsightapi.ListPeopleRequest) string {
	days, never := "", ""
	if in.IdleDays != nil {
		days = strconv.Itoa(int(*in.IdleDays))
	}
	if in.NeverSeen != nil {
		never = strconv.FormatBool(*in.NeverSeen)
	}
	return page.Scope(value(in.Namespace), value(in.Group), value(in.NamePrefix), value(in.EmailPrefix), fmt.Sprint(value(in.Role)),
		fmt.Sprint(value(in.State)), value(in.Profile), days, never)
}

// matches tells whether a request asks for a person.
func matches(in *onsightapi.ListPeopleRequest, p *Person, now int64) bool {
	switch {
	case in.Role != nil && string(*in.Role) != p.Role,
		in.State != nil && *in.State != p.state(),
		in.IdleDays != nil && now-p.seen().Unix() < int64(*in.IdleDays)*24*60*60,
		in.NeverSeen != nil && *in.NeverSeen != p.never(),
		in.Profile != nil && *in.Profile != p.Profile,
		in.NamePrefix != nil && !strings.HasPrefix(p.Name, *in.NamePrefix),
		in.EmailPrefix != nil && !strings.HasPrefix(strings.ToLower(p.Email), strings.ToLower(*in.EmailPrefix)):
		return false
	}
	return true
}
