package identity

import (
	"context"
	"fmt"

	"onsight/internal/store"
)

// A namespaced table has rows of a namespace, beside those of users and groups;
// the columns of key tell the rows of one namespace apart.
type namespaced struct{ table, key string }

// Rows of links are many where a group is large, so that they go before users
// and groups, in batches. What limits users goes after them: none may do more
// while the purge is under way.
var (
	links = []namespaced{
		{"invitations", "token_hash"},
		{"group_members", "group_name, user_name"},
		{"iam_policy_assignees", "assignment, kind, name"},
	}
	limits = []namespaced{
		{"role_memberships", "role, member"},
		{"role_custom_permissions", "role"},
		{"iam_policy_assignments", "name"},
		{"group_counts", "namespace"},
		{"self_upgrades", "id"},
		{"self_upgrade_settings", "namespace"},
	}
)

// principalBatch is how many users or groups one transaction of a purge
// removes: each has some rows of its own in other tables.
const principalBatch = 200

// PurgeNamespace removes the users and groups of a namespace that is being
// deleted, with all that hangs on them. It may be run again where it was
// interrupted.
func (s *Service) PurgeNamespace(ctx context.Context, account, namespace string) error {
	type step func(tx *store.Tx, region string) (gone, batch int64, err error)
	var steps []step
	empty := func(tables []namespaced) {
		for _, t := range tables {
			steps = append(steps, func(tx *store.Tx, _ string) (int64, int64, error) {
				gone, err := tx.Exec(fmt.Sprintf(`DELETE FROM %[1]s WHERE account = $1 AND namespace = $2 AND (%[2]s) IN
					(SELECT %[2]s FROM %[1]s WHERE account = $1 AND namespace = $2 LIMIT $3)`, t.table, t.key), account, namespace, purgeBatch)
				return gone, purgeBatch, err
			})
		}
	}
	empty(links)
	steps = append(steps,
		func(tx *store.Tx, region string) (int64, int64, error) {
			return s.purgeUsers(tx, region, account, namespace)
		},
		func(tx *store.Tx, region string) (int64, int64, error) {
			return s.purgeGroups(tx, region, account, namespace)
		},
	)
	empty(limits)
	for _, step := range steps {
		for more := true; more; {
			err := s.db.Write(ctx, func(tx *store.Tx) error {
				region, leaving, err := s.accounts.Leaving(tx, account, namespace)
				if err != nil || !leaving {
					more = false
					return err
				}
				gone, batch, err := step(tx, region)
				more = gone == batch
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// purgeUsers removes some users as if each was deleted.
func (s *Service) purgeUsers(tx *store.Tx, region, account, namespace string) (gone, batch int64, err error) {
	users, err := store.All[user](tx, `SELECT `+userColumns+` FROM users WHERE account = $1 AND namespace = $2 ORDER BY name LIMIT $3`,
		account, namespace, principalBatch)
	if err != nil {
		return 0, 0, err
	}
	for i := range users {
		if err := s.remove(tx, Tenant{Region: region}, users[i]); err != nil {
			return 0, 0, err
		}
	}
	return int64(len(users)), principalBatch, nil
}

// purgeGroups removes some groups as if each was deleted.
func (s *Service) purgeGroups(tx *store.Tx, region, account, namespace string) (gone, batch int64, err error) {
	names, err := store.All[string](tx, `SELECT name FROM user_groups WHERE account = $1 AND namespace = $2 ORDER BY name LIMIT $3`,
		account, namespace, principalBatch)
	if err != nil {
		return 0, 0, err
	}
	for _, name := range names {
		if err := removeGroup(tx, group{Account: account, Namespace: namespace, Name: name}); err != nil {
			return 0, 0, err
		}
		if err := s.leave(tx, groupARN(region, account, namespace, name)); err != nil {
			return 0, 0, err
		}
	}
	return int64(len(names)), principalBatch, nil
}
