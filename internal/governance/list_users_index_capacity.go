package governance

import (
	"context"
	"strconv"
	"strings"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// scanned is how many users are read at once when few of them may be wanted.
const scanned = 1000

func (s *Service) listingCapacity(_ context.Context, _ *qs.ListUsersIndexCapacityRequest) policy.Target {
	return policy.Target{Resource: "*"}
}

// listUsersIndexCapacity tells how much of the index each user fills. There are
// no knowledge bases and no spaces yet, so that is nothing; users who fill the
// same come by namespace and name, in either order.
func (s *Service) listUsersIndexCapacity(ctx context.Context, in *qs.ListUsersIndexCapacityRequest) (*qs.ListUsersIndexCapacityResponse, error) {
	namespace := ""
	if in.Namespace != nil {
		namespace = *in.Namespace
	}
	take, filter, err := capacityFilter(in.Filters, namespace)
	if err != nil {
		return nil, err
	}
	order := qs.UserIndexCapacitySortOrderDesc
	if in.SortOrder != nil {
		order = *in.SortOrder
	}
	scope := page.Scope("ListUsersIndexCapacity", in.AwsAccountId, namespace, filter, string(order))
	asked, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	out := &qs.ListUsersIndexCapacityResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		out.Users, out.NextToken = []qs.UserIndexCapacity{}, nil
		if err := s.open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		if namespace != "" {
			if err := s.accounts.Enter(ctx, tx, in.AwsAccountId, namespace); err != nil {
				return err
			}
		}
		var last Person
		for after, more := (Person{Namespace: asked.After(0), Name: asked.After(1)}), true; more; {
			people, err := s.people.Persons(tx, api.Region(ctx), in.AwsAccountId, namespace, after.Namespace, after.Name, scanned)
			if err != nil {
				return err
			}
			for _, p := range people {
				after = p
				if !take(p) {
					continue
				}
				if len(out.Users) == asked.Limit {
					out.NextToken = asked.Next(last.Namespace, last.Name)
					return nil
				}
				last, out.Users = p, append(out.Users, empty(p))
			}
			more = len(people) == scanned
		}
		return nil
	})
	return out, err
}

// empty is what a user fills who has no knowledge bases and no spaces.
func empty(p Person) qs.UserIndexCapacity {
	return qs.UserIndexCapacity{
		UserArn: &p.ARN, UserName: &p.Name, Email: &p.Email, Role: &p.Role, KbCount: new(int32), SpaceCount: new(int32),
		TotalCapacityBytes: new(int64), TotalKBCapacityBytes: new(int64), TotalSpaceCapacityBytes: new(int64),
	}
}

// capacityFilter reads the filter of a request, of which there may be one, and
// gives its text for the scope of tokens.
func capacityFilter(filters []qs.UserIndexCapacityFilter, namespace string) (take func(Person) bool, text string, err error) {
	if len(filters) == 0 {
		return func(Person) bool { return true }, "", nil
	}
	if len(filters) > 1 {
		return nil, "", fault.Invalid("Only one filter may be given: userNameOrEmail and totalCapacityBytes exclude each other.")
	}
	if f := filters[0].UserNameOrEmail; f != nil {
		if namespace == "" {
			return nil, "", fault.Invalid("namespace is required with the filter userNameOrEmail.")
		}
		email := strings.ToLower(f.Prefix)
		return func(p Person) bool {
			return strings.HasPrefix(p.Name, f.Prefix) || strings.HasPrefix(strings.ToLower(p.Email), email)
		}, "name:" + f.Prefix, nil
	}
	f := filters[0].TotalCapacityBytes
	least, most := int64(0), int64(-1)
	if f.MinBytes != nil {
		least = *f.MinBytes
	}
	if f.MaxBytes != nil {
		most = *f.MaxBytes
	}
	if most >= 0 && least > most {
		return nil, "", fault.Invalid("The filter totalCapacityBytes isn't valid: minBytes is greater than maxBytes.")
	}
	none := least > 0 // nobody fills anything
	return func(Person) bool { return !none }, "bytes:" + strconv.FormatInt(least, 10) + "-" + strconv.FormatInt(most, 10), nil
}
