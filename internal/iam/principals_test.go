package iam

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/page"
	"onsight/internal/seal"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

func TestPoliciesOfPrincipals(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		keys := seal.New()
		s := New(Config{DB: db, Keys: keys, Tokens: page.NewTokens(keys, time.Now), Now: time.Now})
		const account = "111122223333"
		managed := "arn:aws:iam::111122223333:policy/own"
		err := db.Write(context.Background(), func(tx *store.Tx) error {
			for _, q := range []string{
				`INSERT INTO iam_users VALUES ('111122223333', 'ana', 'Ana', '/p/', 'AIDA1', 'arn:aws:iam::111122223333:policy/own', 1)`,
				`INSERT INTO iam_groups VALUES ('111122223333', 'devs', 'Devs', '/', 'AGPA1', 1)`,
				`INSERT INTO iam_group_members VALUES ('AGPA1', 'AIDA1', '111122223333')`,
				`INSERT INTO iam_policies VALUES ('111122223333', 'own', 'own', '/', 'ANPA1', 'arn:aws:iam::111122223333:policy/own', NULL, 2, 3, 1, 1)`,
				`INSERT INTO iam_policy_versions VALUES ('ANPA1', 1, '111122223333', 'one', 1)`,
				`INSERT INTO iam_policy_versions VALUES ('ANPA1', 2, '111122223333', 'two', 1)`,
				`INSERT INTO iam_inline_policies VALUES ('AIDA1', 'inline', '111122223333', 'mine')`,
				`INSERT INTO iam_inline_policies VALUES ('AGPA1', 'inline', '111122223333', 'ours')`,
				`INSERT INTO iam_attachments VALUES ('AGPA1', 'arn:aws:iam::111122223333:policy/own', '111122223333')`,
				`INSERT INTO iam_attachments VALUES ('AIDA1', 'arn:aws:iam::aws:policy/AdministratorAccess', '111122223333')`,
				`INSERT INTO iam_tags VALUES ('AIDA1', 'team', '111122223333', 'Team', 'x')`,
			} {
				if _, err := tx.Exec(q); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		var got Attached
		err = db.Read(context.Background(), func(tx *store.Tx) (err error) {
			got, err = s.Policies(tx, account, User, "ANA")
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		admin, _ := managedByAWS("arn:aws:iam::aws:policy/AdministratorAccess")
		want := Attached{
			Kind: User, Account: account, Name: "Ana", ID: "AIDA1", Path: "/p/", ARN: "arn:aws:iam::111122223333:user/p/Ana",
			Policies: []Policy{
				{Name: "inline", OwnerKind: "user", Owner: "Ana", OwnerID: "AIDA1", Document: "mine"},
				{Name: "AdministratorAccess", ARN: "arn:aws:iam::aws:policy/AdministratorAccess", OwnerKind: "user", Owner: "Ana", OwnerID: "AIDA1", Document: admin},
				{Name: "inline", OwnerKind: "group", Owner: "Devs", OwnerID: "AGPA1", Document: "ours"},
				{Name: "own", ARN: managed, OwnerKind: "group", Owner: "Devs", OwnerID: "AGPA1", Document: "two"},
			},
			Boundary: &Policy{Name: "own", ARN: managed, OwnerKind: "user", Owner: "Ana", OwnerID: "AIDA1", Document: "two"},
			Tags:     map[string]string{"Team": "x"},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("policies (-want +got):\n%s", diff)
		}
		err = db.Read(context.Background(), func(tx *store.Tx) error {
			_, err := s.Policies(tx, account, Role, "ana")
			return err
		})
		if !errors.Is(err, store.ErrNotFound) {
			t.Errorf("a role that is not there: %v", err)
		}
	})
}
