package identity

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// roles are the roles that a directory's group can have, the broadest first:
// that is the one of somebody who is in several groups (user guide; the order
// of a role and its PRO is our guess).
var roles = []string{"ADMIN_PRO", "ADMIN", "AUTHOR_PRO", "AUTHOR", "READER_PRO", "READER"}

// onMapping is the target of operations on role memberships, which no policy
// can limit to a resource, but to groups.
func onMapping(groups ...string) policy.Target {
	t := policy.Target{Resource: "*"}
	if len(groups) > 0 {
		t.Context = policy.Keys{"quicksight:Group": groups}
	}
	return t
}

// enterMapping is the gate of operations on role memberships, which only
// accounts have whose people come from a directory.
func (s *Service) enterMapping(ctx context.Context, tx *store.Tx, account, namespace string) error {
	tenant, err := s.accounts.Enter(ctx, tx, account, namespace)
	if err != nil {
		return err
	}
	switch tenant.AuthenticationMethod {
	case "IAM_IDENTITY_CENTER", "ACTIVE_DIRECTORY":
		return nil
	}
	return fault.Precondition("Groups can be given a role only in an account that is integrated with IAM Identity Center or Active Directory. %s",
		tail(account, namespace))
}

// GrantRole gives a role to the members of groups of the account's directory.
// A group that has it keeps it.
func (s *Service) GrantRole(tx *store.Tx, account, namespace, role string, groups []string) error {
	for _, group := range groups {
		_, err := tx.Exec(`INSERT INTO role_memberships (account, namespace, role, member, created_us) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT DO NOTHING`, account, namespace, role, group, store.Micros(s.now()))
		if err != nil {
			return fmt.Errorf("insert role membership: %w", err)
		}
	}
	return nil
}

// RoleOf gives the role of somebody who is in these groups of the account's
// directory: the broadest of theirs. ok is false where none of them has one.
func (s *Service) RoleOf(tx *store.Tx, account, namespace string, groups []string) (role string, ok bool, err error) {
	broadest := len(roles)
	for some := range slices.Chunk(groups, 100) {
		args := []any{account, namespace}
		for _, group := range some {
			args = append(args, group)
		}
		found, err := store.All[string](tx, rolesOfGroups(len(some)), args...)
		if err != nil {
			return "", false, err
		}
		for _, role := range found {
			broadest = min(broadest, slices.Index(roles, role))
		}
	}
	if broadest == len(roles) {
		return "", false, nil
	}
	return roles[broadest], true, nil
}

// rolesOfGroups asks for the roles of n groups, from $3 on.
func rolesOfGroups(n int) string {
	marks := make([]string, n)
	for i := range marks {
		marks[i] = fmt.Sprintf("$%d", i+3)
	}
	return `SELECT DISTINCT role FROM role_memberships WHERE account = $1 AND namespace = $2
		AND role IN ('` + strings.Join(roles, "', '") + `') AND member IN (` + strings.Join(marks, ", ") + `)`
}
