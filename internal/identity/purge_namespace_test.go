package identity

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// Tables with rows of namespaces that are not this package's, or not removed
// with a namespace, each with who sees to them.
var notHere = []string{
	"embed_entries",     // package embed, user by user
	"account_documents", // package account
	"passwords",         // package signin, user by user
	"password_resets",   // …
	"web_sessions",      // …
	"totp_factors",      // …
	"passkeys",          // …
	"passkey_handles",   // …
	"recovery_codes",    // …
	"sign_in_steps",     // …
	"scim_emails",       // package scim, which purges after this one
	"scim_groups",       // …
	"scim_matching",     // …
	"scim_members",      // …
	"scim_pending",      // …
	"scim_tokens",       // …
	"scim_users",        // …
	"agent_grants",      // package mcp: they go with the user
	"personal_tokens",   // package mcp: they go with the user
	"prune_steps",       // package people: a report outlives what it is about
}

// TestNamespacePurgeForgetsNoTable fails when a table has come that the purge
// does not know: add it to links or limits.
func TestNamespacePurgeForgetsNoTable(t *testing.T) {
	t.Parallel()
	known := []string{"users", "user_groups"}
	for _, n := range slices.Concat(links, limits) {
		known = append(known, n.table)
	}
	known = append(known, notHere...)
	slices.Sort(known)
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		err := db.Read(t.Context(), func(tx *store.Tx) error {
			for _, table := range storetest.Tables(t, db.Dialect(), tx, "namespace") {
				if _, ok := slices.BinarySearch(known, table); !ok {
					t.Errorf("table %s has a column namespace, and PurgeNamespace does not know it", table)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// leaving stands for whoever keeps namespaces.
type leaving struct {
	Accounts
	yes bool
}

func (l *leaving) Leaving(*store.Tx, string, string) (string, bool, error) {
	return "us-east-1", l.yes, nil
}

// TestNamespacePurgeGoesOn interrupts a purge after its first batch of users,
// and looks at what is left of this namespace and of others.
func TestNamespacePurgeGoesOn(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		const account = "111122223333"
		fill := func(namespace string, n int) {
			t.Helper()
			err := db.Write(t.Context(), func(tx *store.Tx) error {
				for i := range n {
					name := fmt.Sprintf("u%04d", i)
					err := store.Insert(tx, "users", user{Account: account, Namespace: namespace, Name: name, PrincipalID: name, Role: "READER", IdentityType: "QUICKSIGHT"})
					if err != nil {
						return err
					}
					for _, q := range []string{
						`INSERT INTO user_groups (account, namespace, name, name_key, principal_id, created_us) VALUES ($1, $2, $3, $3, $3, 1)`,
						`INSERT INTO group_members (account, namespace, group_name, user_name, created_us) VALUES ($1, $2, 'u0000', $3, 1)`,
					} {
						if _, err := tx.Exec(q, account, namespace, name); err != nil {
							return err
						}
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
		count := func(namespace string) (counts [3]int) {
			t.Helper()
			err := db.Read(t.Context(), func(tx *store.Tx) (err error) {
				for i, table := range []string{"users", "user_groups", "group_members"} {
					if counts[i], err = store.One[int](tx, `SELECT COUNT(*) FROM `+table+` WHERE namespace = $1`, namespace); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
			return counts
		}
		const all = 2*principalBatch + 50
		fill("n", all)
		fill("other", 3)

		state := &leaving{}
		departed := map[string]int{}
		var interrupt context.CancelFunc
		s := &Service{db: db, accounts: state, departed: []Departed{func(_ *store.Tx, arn string) error {
			departed[arn]++
			if len(departed) == principalBatch && interrupt != nil {
				interrupt()
			}
			return nil
		}}}
		// Not leaving, or no longer: nothing is touched.
		if err := s.PurgeNamespace(t.Context(), account, "n"); err != nil || count("n") != [3]int{all, all, all} {
			t.Errorf("purge of a namespace that stays: %v, and %v are left", err, count("n"))
		}
		state.yes = true
		ctx, cancel := context.WithCancel(t.Context())
		interrupt = cancel
		if err := s.PurgeNamespace(ctx, account, "n"); err == nil {
			t.Error("the purge went on after its context had ended")
		}
		if got := count("n"); got[0] >= all || got[0] == 0 || got[1] != all || got[2] != 0 {
			t.Errorf("in the midst %v users, groups and members are left", got)
		}
		interrupt = nil
		if err := s.PurgeNamespace(t.Context(), account, "n"); err != nil || count("n") != [3]int{} {
			t.Errorf("the second purge: %v, and %v are left", err, count("n"))
		}
		if got := count("other"); got != [3]int{3, 3, 3} {
			t.Errorf("of another namespace %v are left, want all", got)
		}
		if len(departed) != 2*all {
			t.Errorf("%d principals departed, want %d", len(departed), 2*all)
		}
		if n := departed["arn:aws:quicksight:us-east-1:111122223333:group/n/u0000"]; n == 0 {
			t.Error("a group departed without anybody being told")
		}
	})
}

// BenchmarkPurgeNamespace purges 10,000 users.
func BenchmarkPurgeNamespace(b *testing.B) {
	const n = 10_000
	for b.Loop() {
		b.StopTimer()
		db := storetest.Open(b, store.SQLite)
		s := &Service{db: db, accounts: &leaving{yes: true}}
		err := db.Write(b.Context(), func(tx *store.Tx) error {
			for i := range n {
				name := fmt.Sprintf("u%05d", i)
				err := store.Insert(tx, "users", user{Account: "1", Namespace: "n", Name: name, PrincipalID: name, Role: "READER", IdentityType: "QUICKSIGHT"})
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if err := s.PurgeNamespace(b.Context(), "1", "n"); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "users/s")
}
