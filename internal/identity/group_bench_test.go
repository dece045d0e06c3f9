package identity

import (
	"context"
	"fmt"
	"testing"
	"time"

	"onsight/internal/page"
	"onsight/internal/qs"
	"onsight/internal/seal"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// open is an account past all gates, so that what is measured is the lists.
type open struct{ Accounts }

func (open) Enter(context.Context, *store.Tx, string, string) (Tenant, error) {
	return Tenant{AuthenticationMethod: "IAM_AND_QUICKSIGHT", Region: "us-east-1", DirectoryID: "d-0123456789"}, nil
}

// furnished makes namespaces with groups. In the first one there are members in
// the group g-1000000, and the user u-1000000 is in each group.
func furnished(b *testing.B, dialect string, namespaces, groups, members int) *Service {
	b.Helper()
	db := storetest.Open(b, dialect)
	series := func(n int) string {
		return fmt.Sprintf("WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < %d) ", n-1)
	}
	steps := []string{
		series(groups) + `INSERT INTO user_groups (account, namespace, name, name_key, principal_id, created_us)
			SELECT '1', 'ns-1000', 'G-' || (1000000 + i), 'g-' || (1000000 + i), 'group/d/' || i, 0 FROM n`,
		series(groups) + `INSERT INTO group_members (account, namespace, group_name, user_name, created_us)
			SELECT '1', 'ns-1000', 'G-' || (1000000 + i), 'u-1000000', 0 FROM n`,
		series(members) + `INSERT INTO users (account, namespace, name, principal_id, email, role, identity_type, active, created_us)
			SELECT '1', 'ns-1000', 'u-' || (1000000 + i), 'user/d/' || i, 'a@b', 'READER', 'QUICKSIGHT', 1 = 1, 0 FROM n`,
		series(members) + `INSERT INTO group_members (account, namespace, group_name, user_name, created_us)
			SELECT '1', 'ns-1000', 'G-1000000', 'u-' || (1000000 + i), 0 FROM n WHERE i > 0`,
		series(namespaces*100) + `INSERT INTO user_groups (account, namespace, name, name_key, principal_id, created_us)
			SELECT '1', 'ns-' || (1001 + i / 100), 'G-' || (1000000 + i), 'g-' || (1000000 + i), 'group/d/' || i, 0 FROM n`,
	}
	if dialect == store.PostgreSQL { // which does so by itself, a minute later
		steps = append(steps, `ANALYZE user_groups`, `ANALYZE group_members`, `ANALYZE users`)
	}
	for _, step := range steps {
		err := db.Write(b.Context(), func(tx *store.Tx) error {
			_, err := tx.Exec(step)
			return err
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return New(Config{DB: db, Now: time.Now, Tokens: page.NewTokens(seal.New(), time.Now), Accounts: open{}})
}

// BenchmarkGroups reads from 100 groups in one namespace with 100 members, and
// from 10,000 groups in one of 100 namespaces with 100,000 members. What is
// read is from the middle, where a page is not the first.
func BenchmarkGroups(b *testing.B) {
	for _, dialect := range storetest.Dialects {
		for _, size := range []struct {
			name                        string
			namespaces, groups, members int
		}{{"small", 1, 100, 100}, {"large", 99, 10_000, 100_000}} {
			b.Run(dialect+"/"+size.name, func(b *testing.B) {
				s := furnished(b, dialect, size.namespaces, size.groups, size.members)
				ctx, ns := b.Context(), "ns-1000"
				middle := fmt.Sprint("G-", 1_000_000+size.groups/2-1)
				user := fmt.Sprint("u-", 1_000_000+size.members/2-1)
				limit := new(int32(25))
				token := func(key string, scope ...string) *string { return new(s.tokens.Next(page.Scope(scope...), key)) }
				groupToken := token(middle, "ListGroups", "1", ns)
				memberToken := token(user, "ListGroupMemberships", "1", ns, "G-1000000")
				ofToken := token(middle, "ListUserGroups", "1", ns, "u-1000000")
				filter := []qs.GroupSearchFilter{{Name: qs.GroupFilterAttributeGroupName, Operator: qs.GroupFilterOperatorStartsWith, Value: middle[:len(middle)-1]}}
				for _, read := range []struct {
					name string
					want int
					call func() (int, error)
				}{
					{"ListGroups", 25, func() (int, error) {
						out, err := s.listGroups(ctx, &qs.ListGroupsRequest{AwsAccountId: "1", Namespace: ns, MaxResults: limit, NextToken: groupToken})
						return len(out.GroupList), err
					}},
					{"ListGroupMemberships", 25, func() (int, error) {
						out, err := s.listGroupMemberships(ctx, &qs.ListGroupMembershipsRequest{
							AwsAccountId: "1", Namespace: ns, GroupName: "G-1000000", MaxResults: limit, NextToken: memberToken,
						})
						return len(out.GroupMemberList), err
					}},
					{"DescribeGroupMembership", 1, func() (int, error) {
						_, err := s.describeGroupMembership(ctx, &qs.DescribeGroupMembershipRequest{AwsAccountId: "1", Namespace: ns, GroupName: "G-1000000", MemberName: user})
						return 1, err
					}},
					{"ListUserGroups", 25, func() (int, error) {
						out, err := s.listUserGroups(ctx, &qs.ListUserGroupsRequest{AwsAccountId: "1", Namespace: ns, UserName: "u-1000000", MaxResults: limit, NextToken: ofToken})
						return len(out.GroupList), err
					}},
					{"SearchGroups", 10, func() (int, error) {
						out, err := s.searchGroups(ctx, &qs.SearchGroupsRequest{AwsAccountId: "1", Namespace: ns, Filters: filter, MaxResults: limit})
						return len(out.GroupList), err
					}},
				} {
					b.Run(read.name, func(b *testing.B) {
						b.ReportAllocs()
						for b.Loop() {
							if n, err := read.call(); err != nil || n != read.want {
								b.Fatalf("%d rows, %v; want %d", n, err, read.want)
							}
						}
					})
				}
				n := 0
				b.Run("CreateGroup", func(b *testing.B) {
					for b.Loop() {
						n++
						name := fmt.Sprintf("x%07d", n)
						err := s.db.Write(ctx, func(tx *store.Tx) error {
							g := group{Account: "1", Namespace: ns, Name: name, NameKey: name, PrincipalID: "p"}
							if err := s.addGroup(tx, g); err != nil {
								return err
							}
							return removeGroup(tx, g)
						})
						if err != nil {
							b.Fatal(err)
						}
					}
				})
			})
		}
	}
}
