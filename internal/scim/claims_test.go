package scim

import (
	"context"
	"errors"
	"testing"

	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// centreAccounts has one account, which a centre manages.
type centreAccounts struct{ Accounts }

func (centreAccounts) Tenant(_ *store.Tx, account, _ string) (Tenant, error) {
	if account != "111122223333" {
		return Tenant{}, store.ErrNotFound
	}
	return Tenant{AuthenticationMethod: centre}, nil
}

func TestPersonForClaims(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s := &Service{Config: Config{DB: db, Accounts: centreAccounts{}}}
		in := func(fn func(tx *store.Tx) error) {
			t.Helper()
			if err := db.Write(context.Background(), fn); err != nil {
				t.Fatal(err)
			}
		}
		add := func(id, doc string) {
			t.Helper()
			in(func(tx *store.Tx) error {
				u := user{Account: "111122223333", Namespace: "default", ID: id, Name: "first-" + id, Doc: doc}
				if err := u.read(); err != nil {
					return err
				}
				if err := u.say(u.doc); err != nil {
					return err
				}
				if err := store.Insert(tx, "scim_users", u); err != nil {
					return err
				}
				c := call{s: s, account: u.Account, token: token{Namespace: "default"}}
				return c.addresses(tx, &u, false)
			})
		}
		add("1", `{"userName":"Ana","externalId":"00uA","emails":[{"value":"Ana@example.org"},{"value":"both@example.org"}]}`)
		add("2", `{"userName":"bo","externalId":"00ua","emails":[{"value":"both@example.org"}]}`)
		add("3", `{"userName":"cy","externalId":"same"}`)
		add("4", `{"userName":"da","externalId":"same"}`)
		for _, x := range []struct {
			attribute, claim string
			claims           map[string]any
			want             string
		}{
			{"", "", map[string]any{"sub": "00uA"}, "first-1"},
			{"", "", map[string]any{"sub": "00ua"}, "first-2"},
			{"", "", map[string]any{"sub": "same"}, ""},
			{"", "", map[string]any{"sub": ""}, ""},
			{"", "", map[string]any{"sub": 7}, ""},
			{"", "", map[string]any{"preferred_username": "ana"}, ""},
			{"externalId", "oid", map[string]any{"oid": "00uA", "sub": "00ua"}, "first-1"},
			{"userName", "preferred_username", map[string]any{"preferred_username": "ANA"}, "first-1"},
			{"userName", "email", map[string]any{"email": "ana", "email_verified": false}, ""},
			{"emails.value", "email", map[string]any{"email": "ana@EXAMPLE.org"}, "first-1"},
			{"emails.value", "email", map[string]any{"email": "ana@example.org", "email_verified": true}, "first-1"},
			{"emails.value", "email", map[string]any{"email": "both@example.org"}, ""},
			{"id", "scim_id", map[string]any{"scim_id": "2"}, "first-2"},
		} {
			in(func(tx *store.Tx) error {
				if _, err := tx.Exec(`DELETE FROM scim_matching`); err != nil || x.attribute == "" {
					return err
				}
				_, err := tx.Exec(`INSERT INTO scim_matching (account, namespace, attribute, claim) VALUES ('111122223333', 'default', $1, $2)`, x.attribute, x.claim)
				return err
			})
			err := db.Read(context.Background(), func(tx *store.Tx) error {
				name, err := s.PersonForClaims(tx, "111122223333", "default", x.claims)
				if name != x.want || (x.want == "") != errors.Is(err, store.ErrNotFound) {
					t.Errorf("%s by %s of %v: %q %v, want %q", x.attribute, x.claim, x.claims, name, err, x.want)
				}
				_, err = s.PersonForClaims(tx, "999999999999", "default", x.claims)
				if !errors.Is(err, store.ErrNotFound) {
					t.Errorf("in another account: %v", err)
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}
