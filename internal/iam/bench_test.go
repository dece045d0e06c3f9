package iam

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// BenchmarkPolicies reads what applies to one user of many: ten attached
// policies, an inline one, and those of two groups.
func BenchmarkPolicies(b *testing.B) {
	for _, dialect := range storetest.Dialects {
		for _, n := range []int{1_000, 100_000} {
			b.Run(fmt.Sprintf("%s/users=%d", dialect, n), func(b *testing.B) {
				db, err := store.Open(b.Context(), storetest.Config(b, dialect))
				if err != nil {
					b.Fatal(err)
				}
				b.Cleanup(func() { _ = db.Close() })
				now := time.Now()
				s, ctx := newTestService(db, &now, Quotas{})
				err = db.Write(ctx, func(tx *store.Tx) error { return populate(tx, n) })
				if err != nil {
					b.Fatal(err)
				}
				i := 0
				for b.Loop() {
					i++
					var got Attached
					err := db.Read(ctx, func(tx *store.Tx) (err error) {
						got, err = s.Policies(tx, testAccount, User, fmt.Sprintf("user-%d", i*7919%n))
						return err
					})
					if err != nil || len(got.Policies) != 13 {
						b.Fatalf("%d policies, %v", len(got.Policies), err)
					}
				}
			})
		}
	}
}

// populate makes n users, a thousand policies and a hundred groups.
func populate(tx *store.Tx, n int) error {
	const document = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"quicksight:DescribeUser","Resource":"*"}]}`
	exec := func(query string, args ...any) error {
		_, err := tx.Exec(query, args...)
		return err
	}
	arn := func(i int) string { return fmt.Sprintf("arn:aws:iam::%s:policy/p%d", testAccount, i%1000) }
	for i := range 1000 {
		id := fmt.Sprintf("ANPA%d", i)
		err := exec(`INSERT INTO iam_policies VALUES ($1, $2, $2, '/', $3, $4, NULL, 1, 2, 1, 1)`, testAccount, fmt.Sprintf("p%d", i), id, arn(i))
		if err != nil {
			return err
		}
		if err := exec(`INSERT INTO iam_policy_versions VALUES ($1, 1, $2, $3, 1)`, id, testAccount, document); err != nil {
			return err
		}
	}
	for i := range 100 {
		id := fmt.Sprintf("AGPA%d", i)
		if err := exec(`INSERT INTO iam_groups VALUES ($1, $2, $2, '/', $3, 1)`, testAccount, fmt.Sprintf("g%d", i), id); err != nil {
			return err
		}
		if err := exec(`INSERT INTO iam_inline_policies VALUES ($1, 'inline', $2, $3)`, id, testAccount, document); err != nil {
			return err
		}
	}
	// Rows are made by the database: there are many.
	const numbers = `WITH RECURSIVE numbers(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM numbers WHERE i < $1 - 1) `
	for _, insert := range []string{
		`INSERT INTO iam_users SELECT '111122223333', 'user-' || i, 'user-' || i, '/', 'AIDA' || i, NULL, 1 FROM numbers`,
		`INSERT INTO iam_inline_policies SELECT 'AIDA' || i, 'inline', '111122223333', '` + document + `' FROM numbers`,
		`INSERT INTO iam_attachments SELECT 'AIDA' || (i / 10), 'arn:aws:iam::111122223333:policy/p' || ((i / 10 + i % 10 * 31) % 1000), '111122223333' FROM numbers`,
		`INSERT INTO iam_group_members SELECT 'AGPA' || (i % 2 * 50 + i / 2 % 50), 'AIDA' || (i / 2), '111122223333' FROM numbers`,
	} {
		rows := n
		switch {
		case strings.Contains(insert, "attachments"):
			rows *= 10
		case strings.Contains(insert, "members"):
			rows *= 2
		}
		if err := exec(strings.Replace(insert, "INSERT", numbers+"INSERT", 1), rows); err != nil {
			return err
		}
	}
	return nil
}
