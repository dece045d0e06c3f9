package store_test

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// Both databases describe their tables alike, and any row can be read.
func TestColumns(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		write(t, db, func(tx *store.Tx) error {
			_, err := tx.Exec(`INSERT INTO resource_secrets (arn, field, version, sealed) VALUES ('arn', 'key', 1, $1)`, []byte{0, 255})
			if err == nil {
				_, err = tx.Exec(`INSERT INTO users (account, namespace, name, principal_id, email, role, identity_type, active, created_us)
					VALUES ('111122223333', 'default', 'ana', 'p', '', 'READER', 'IAM', $1, 5)`, true)
			}
			return err
		})
		err := db.Read(context.Background(), func(tx *store.Tx) error {
			tables, err := store.Tables(tx)
			if err != nil {
				return err
			}
			if !slices.Contains(tables, "users") || !slices.IsSorted(tables) || slices.Contains(tables, "goose_db_version") {
				t.Errorf("Tables = %q", tables)
			}
			got, err := store.Columns(tx, "resource_secrets")
			want := []store.Column{{"arn", "TEXT", true, 1}, {"field", "TEXT", true, 2}, {"version", "BIGINT", true, 3}, {"sealed", "BYTEA", true, 0}}
			if diff := cmp.Diff(want, got); err != nil || diff != "" {
				t.Errorf("Columns, %v:\n%s", err, diff)
			}
			var rows [][]any
			each := func(values []any) error { rows = append(rows, values); return nil }
			if err := store.Each(tx, got, `SELECT arn, field, version, sealed FROM resource_secrets`, nil, each); err != nil {
				return err
			}
			some := []store.Column{{Name: "name", Type: "TEXT"}, {Name: "active", Type: "BOOLEAN"}, {Name: "iam_arn", Type: "TEXT"}}
			if err := store.Each(tx, some, `SELECT name, active, iam_arn FROM users WHERE account = $1`, []any{"111122223333"}, each); err != nil {
				return err
			}
			if diff := cmp.Diff([][]any{{"arn", "key", int64(1), []byte{0, 255}}, {"ana", true, nil}}, rows); diff != "" {
				t.Errorf("rows:\n%s", diff)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}
