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
				u := user{Account: "111122223333", Namespace: "default", ID: id, Name: "first-" + id, Doc: doc, Active: true}
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
		add("5", `{"userName":"kim"}`)
		add("4", `{"userName":"da","externalId":"same"}`)
		for _, x := range []struct {
			attribute, claim string
			claims           map[string]any
			want             string
			err              error
		}{
			{"", "", map[string]any{"sub": "00uA"}, "first-1", nil},
			{"", "", map[string]any{"sub": "00ua"}, "first-2", nil},
			{"", "", map[string]any{"sub": "same"}, "", ErrSeveral},
			{"", "", map[string]any{"sub": "nobody"}, "", store.ErrNotFound},
			{"", "", map[string]any{"sub": ""}, "", ErrUnnamed},
			{"", "", map[string]any{"sub": 7}, "", ErrUnnamed},
			{"", "", map[string]any{"sub": []any{"00uA"}}, "", ErrUnnamed},
			{"", "", map[string]any{"sub": "00uA\x00"}, "", ErrUnnamed},
			{"", "", map[string]any{"preferred_username": "ana"}, "", ErrUnnamed},
			{"externalId", "oid", map[string]any{"oid": "00uA", "sub": "00ua"}, "first-1", nil},
			{"externalId", "oid", map[string]any{"sub": "00uA"}, "", ErrUnnamed},
			{"userName", "preferred_username", map[string]any{"preferred_username": "ANA"}, "first-1", nil},
			// The Kelvin sign is a k in lower case, and no k.
			{"userName", "preferred_username", map[string]any{"preferred_username": "\u212aim"}, "", ErrUnnamed},
			{"userName", "preferred_username", map[string]any{"preferred_username": "KIM"}, "first-5", nil},
			{"userName", "email", map[string]any{"email": "ana", "email_verified": false}, "", ErrUnnamed},
			{"userName", "email", map[string]any{"email": "ana", "email_verified": "false"}, "", ErrUnnamed},
			{"userName", "email", map[string]any{"email": "ana", "email_verified": "true"}, "first-1", nil},
			{"emails.value", "email", map[string]any{"email": "ana@EXAMPLE.org"}, "", ErrUnnamed},
			{"emails.value", "email", map[string]any{"email": "ana@EXAMPLE.org", "email_verified": true}, "first-1", nil},
			{"emails.value", "email", map[string]any{"email": "both@example.org", "email_verified": true}, "", ErrSeveral},
			{"id", "scim_id", map[string]any{"scim_id": "2"}, "first-2", nil},
		} {
			in(func(tx *store.Tx) error {
				if _, err := tx.Exec(`DELETE FROM scim_matching`); err != nil || x.attribute == "" {
					return err
				}
				_, err := tx.Exec(`INSERT INTO scim_matching (account, namespace, attribute, claim) VALUES ('111122223333', 'default', $1, $2)`, x.attribute, x.claim)
				return err
			})
			err := db.Read(context.Background(), func(tx *store.Tx) error {
				p, err := s.PersonForClaims(tx, "111122223333", "default", x.claims)
				if p.Name != x.want || !errors.Is(err, x.err) || p.Claim == "" || (err == nil) != p.Active {
					t.Errorf("%s by %s of %v: %+v %v, want %q and %v", x.attribute, x.claim, x.claims, p, err, x.want, x.err)
				}
				for _, other := range [][2]string{{"999999999999", "default"}, {"111122223333", "another"}} {
					if p, err := s.PersonForClaims(tx, other[0], other[1], x.claims); err == nil || p.Name != "" {
						t.Errorf("in %s: %+v %v", other, p, err)
					}
				}
				return nil
			})
			if err != nil {
				t.Fatal(err)
			}
		}
	})
}
