package identity

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// known are the policies that there are.
type known []string

func (k known) Exists(_ *store.Tx, _, policyARN string) (bool, error) {
	return slices.Contains(k, policyARN), nil
}

func TestEffectivePolicies(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := New(Config{DB: db, Now: time.Now, Policies: known{"p1", "p2"}})
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			for i, a := range []struct{ policy, status, kind, name string }{
				{"p2", "ENABLED", "user", "ana"},
				{"p1", "ENABLED", "group", "g"},
				{"p2", "ENABLED", "group", "g"},
				{"gone", "ENABLED", "user", "ana"},
				{"p1", "DRAFT", "user", "bob"},
				{"p1", "ENABLED", "user", "carl"},
			} {
				name := fmt.Sprint("a", i)
				row := assignment{Account: "1", Namespace: "n", Name: name, ID: name, Status: a.status, PolicyARN: &a.policy}
				if err := store.Insert(tx, "iam_policy_assignments", row); err != nil {
					return err
				}
				if err := store.Insert(tx, "iam_policy_assignees", assignee{Account: "1", Namespace: "n", Assignment: name, Kind: a.kind, Name: a.name}); err != nil {
					return err
				}
			}
			_, err := tx.Exec(`INSERT INTO group_members (account, namespace, group_name, user_name, created_us) VALUES ('1', 'n', 'g', 'ana', 0)`)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for user, want := range map[string][]string{"ana": {"p1", "p2"}, "bob": nil, "carl": {"p1"}} {
			err := db.Read(t.Context(), func(tx *store.Tx) error {
				got, err := s.EffectivePolicies(tx, "1", "n", user)
				if !slices.Equal(got, want) {
					t.Errorf("policies of %s are %q, want %q", user, got, want)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
}

func TestRoleOf(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := New(Config{DB: db, Now: time.Now})
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			for _, role := range roles {
				if err := s.GrantRole(tx, "1", "n", role, []string{"in-" + role, "everyone"}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			groups []string
			want   string
		}{
			{nil, ""},
			{[]string{"none"}, ""},
			{[]string{"in-READER"}, "READER"},
			{[]string{"in-READER", "in-READER_PRO"}, "READER_PRO"},
			{[]string{"in-READER_PRO", "in-AUTHOR", "none"}, "AUTHOR"},
			{[]string{"in-AUTHOR", "in-AUTHOR_PRO"}, "AUTHOR_PRO"},
			{[]string{"in-AUTHOR_PRO", "in-ADMIN"}, "ADMIN"},
			{[]string{"in-READER", "everyone"}, "ADMIN_PRO"},
		} {
			err := db.Read(t.Context(), func(tx *store.Tx) error {
				role, ok, err := s.RoleOf(tx, "1", "n", tt.groups)
				if role != tt.want || ok != (tt.want != "") {
					t.Errorf("role of %q is %q, %t; want %q", tt.groups, role, ok, tt.want)
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		}
	})
}
