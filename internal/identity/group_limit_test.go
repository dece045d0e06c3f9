package identity

import (
	"testing"
	"time"

	"onsight/internal/fault"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// A namespace takes no more groups than its limit; one that goes makes room.
func TestGroupLimit(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := New(Config{DB: db, Now: time.Now, GroupsPerNamespace: 2})
		row := func(namespace, name string) group {
			return group{Account: "111122223333", Namespace: namespace, Name: name, NameKey: name, PrincipalID: "group/d-0/" + name}
		}
		add := func(namespace, name string) error {
			return db.Write(t.Context(), func(tx *store.Tx) error { return s.addGroup(tx, row(namespace, name)) })
		}
		for _, step := range []struct{ namespace, name, want string }{
			{"default", "a", ""},
			{"default", "a", "ResourceExistsException"},
			{"default", "b", ""},
			{"default", "c", "LimitExceededException"},
			{"default", "c", "LimitExceededException"},
			{"other", "c", ""},
			{"default", "-a", ""},
			{"default", "c", ""},
			{"default", "d", "LimitExceededException"},
		} {
			var err error
			if step.name == "-a" {
				err = db.Write(t.Context(), func(tx *store.Tx) error { return removeGroup(tx, row("default", "a")) })
			} else {
				err = add(step.namespace, step.name)
			}
			if f := fault.Of(err); f == nil && step.want != "" || f != nil && f.Code != step.want {
				t.Errorf("%s in %s: %v, want %q", step.name, step.namespace, err, step.want)
			}
		}
		err := add("default", "e")
		if want := "A namespace has at most 2 groups. AWS account ID: 111122223333, Namespace: default. "; err == nil || fault.Of(err).Message != want {
			t.Errorf("the text is %v, want %s", err, want)
		}
	})
}

// Purge leaves nothing of an account in any table, and all of the others'.
func TestPurgeLeavesNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := New(Config{DB: db, Now: time.Now})
		tables := map[string]string{
			"user_groups":      `INSERT INTO user_groups (account, namespace, name, name_key, principal_id, created_us) VALUES ($1, 'n', 'g', 'g', 'p', 0)`,
			"group_members":    `INSERT INTO group_members (account, namespace, group_name, user_name, created_us) VALUES ($1, 'n', 'g', 'u', 0)`,
			"group_counts":     `INSERT INTO group_counts (account, namespace, groups_n) VALUES ($1, 'n', 1)`,
			"role_memberships": `INSERT INTO role_memberships (account, namespace, role, member, created_us) VALUES ($1, 'n', 'ADMIN', 'm', 0)`,
			"iam_policy_assignments": `INSERT INTO iam_policy_assignments (account, name, namespace, id, status, created_us, updated_us)
				VALUES ($1, 'a', 'n', 'i', 'ENABLED', 0, 0)`,
			"iam_policy_assignees": `INSERT INTO iam_policy_assignees (account, assignment, kind, name, namespace, place) VALUES ($1, 'a', 'user', 'u', 'n', 0)`,
		}
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			for _, account := range []string{"111122223333", "444455556666"} {
				for _, insertion := range tables {
					if _, err := tx.Exec(insertion, account); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Purge(t.Context(), "111122223333"); err != nil {
			t.Fatal(err)
		}
		for table := range tables {
			err := db.Read(t.Context(), func(tx *store.Tx) error {
				accounts, err := store.All[string](tx, `SELECT account FROM `+table)
				if len(accounts) != 1 || accounts[0] != "444455556666" {
					t.Errorf("%s has rows of %q, want those of 444455556666 alone", table, accounts)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
}
