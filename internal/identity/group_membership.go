package identity

import (
	"context"
	"strings"

	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// onMembership is the target of an operation on one membership: the group, and
// the user in the context.
func onMembership(ctx context.Context, account, namespace, group, user string) policy.Target {
	t := onGroup(ctx, account, namespace, group)
	t.Context = policy.Keys{"quicksight:UserName": {user}}
	return t
}

// member gives a member as the API shows it: with the ARN of the user.
func member(region, account, namespace, name string) qs.GroupMember {
	return qs.GroupMember{Arn: new(userARN(region, account, namespace, name)), MemberName: &name}
}

// noMember is the answer for a user who is not in a group.
func noMember(account, namespace, group, user string) error {
	return fault.NotFound(fault.User, "AWS account id: %s, Namespace: %s, Group name: %s, Member name: %s. ", account, namespace, group, user)
}

// isMember tells whether a user is in a group.
func isMember(tx *store.Tx, account, namespace, group, user string) (bool, error) {
	n, err := store.One[int64](tx, membership, account, namespace, group, user)
	return n > 0, err
}

const membership = `SELECT COUNT(*) FROM group_members WHERE account = $1 AND namespace = $2 AND group_name = $3 AND user_name = $4`

// Groups gives the ARNs of the groups that a user is a member of, by name;
// none for an ARN that is no user's.
func (s *Service) Groups(tx *store.Tx, who arn.ARN) ([]string, error) {
	namespace, name, err := s.userOf(tx, who)
	if err != nil || name == "" {
		return nil, err
	}
	names, err := store.All[string](tx, `SELECT group_name FROM group_members WHERE account = $1 AND namespace = $2 AND user_name = $3
		ORDER BY group_name`, who.Account, namespace, name)
	for i, group := range names {
		names[i] = groupARN(who.Region, who.Account, namespace, group)
	}
	return names, err
}

// Role gives the role of a user, such as READER; store.ErrNotFound for an ARN
// that is no user's.
func (s *Service) Role(tx *store.Tx, who arn.ARN) (string, error) {
	namespace, name, err := s.userOf(tx, who)
	if err != nil {
		return "", err
	}
	return store.One[string](tx, `SELECT role FROM users WHERE account = $1 AND namespace = $2 AND name = $3`, who.Account, namespace, name)
}

// userOf reads namespace and name from the ARN of a user; both are empty for
// an ARN that no user of the account can have.
func (s *Service) userOf(tx *store.Tx, who arn.ARN) (namespace, name string, err error) {
	kind, rest := who.Split()
	if kind != "user" {
		return "", "", nil
	}
	region, err := s.accounts.IdentityRegion(tx, who.Account)
	if err != nil || region != who.Region {
		return "", "", err
	}
	namespace, name, _ = strings.Cut(rest, "/")
	return namespace, name, nil
}
