package folder

import (
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"onsight/internal/page"

	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

const (
	planAccount = "111122223333"
	planRegion  = "us-east-1"
)

func planARN(i int) string { return planKind(i, kindName) }

func planKind(i int, kind string) string {
	return fmt.Sprintf("arn:aws:quicksight:%s:%s:%s/%05d", planRegion, planAccount, kind, i)
}

// Walks and lists of the tree go by index: no query reads a whole table.
func TestQueriesUseIndexes(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, store.SQLite)
	var args []any
	arg := func(v any) string { args = append(args, v); return "$" + strconv.Itoa(len(args)) }
	folderARN, prefix := planARN(1), top(planAccount, planRegion)
	connectors := strings.Replace(prefix, kindName, "action-connector", 1)
	for name, query := range map[string]func() string{
		"path": func() string { arg(folderARN); return upwards() },
		"inherited": func() string {
			arg(folderARN)
			return `SELECT arn FROM ` + above(`SELECT parent FROM folder_tree WHERE arn = $1`)
		},
		"member": func() string {
			arg(folderARN)
			return `SELECT p.arn FROM ` + above(`SELECT folder FROM folder_members WHERE member = $1`) + ` JOIN resource_permissions p ON p.arn = up.arn`
		},
		"children": func() string {
			return children(arg, resource.Range{Prefix: prefix, After: folderARN, Until: "z"}, folderARN)
		},
		"held": func() string {
			return reached(arg, resource.Range{Prefix: prefix, After: folderARN, Until: "z"}, resource.Owner, []string{"a", "b"})
		},
		"reached": func() string {
			return reached(arg, resource.Range{Prefix: connectors, After: connectors, Until: "z"}, resource.ViewerOrOwner, []string{"a"})
		},
	} {
		args = nil
		text := query()
		plan := ""
		err := db.Read(t.Context(), func(tx *store.Tx) error {
			steps, err := store.All[struct {
				ID      int64  `db:"id"`
				Parent  int64  `db:"parent"`
				NotUsed int64  `db:"notused"`
				Detail  string `db:"detail"`
			}](tx, "EXPLAIN QUERY PLAN "+text, args...)
			for _, s := range steps {
				plan += s.Detail + "\n"
			}
			return err
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		for _, table := range []string{"folder_tree", "folder_members", "resource_permissions", "t", "m", "p"} {
			if strings.Contains(plan, "SCAN "+table+"\n") || strings.Contains(plan, "SCAN "+table+" ") {
				t.Errorf("%s: the plan reads all of %s:\n%s", name, table, plan)
			}
		}
		if !strings.Contains(plan, "SEARCH") {
			t.Errorf("%s: the plan searches nothing:\n%s", name, plan)
		}
	}
}

// fill makes n folders, ten below each, owned at the top by ana; the last of
// them hold a member each.
func fill(tb testing.TB, db *store.DB, n int) {
	tb.Helper()
	const batch = 1000
	for from := 0; from < n; from += batch {
		err := db.Write(tb.Context(), func(tx *store.Tx) error {
			for i := from; i < min(from+batch, n); i++ {
				it := &item{
					Key: resource.Key{Account: planAccount, Region: planRegion, ID: fmt.Sprintf("%05d", i)}, Name: fmt.Sprintf("Folder %d", i),
					Type: string(qs.FolderTypeShared), Doc: document{SharingModel: qs.SharingModelAccount},
				}
				if err := folders.Create(tx, it, time.Unix(0, 0)); err != nil {
					return err
				}
				parent := top(planAccount, planRegion)
				if i > 0 {
					parent = planARN((i - 1) / 10)
				}
				if err := store.Insert(tx, "folder_tree", node{ARN: it.ARN, Parent: parent, Account: planAccount}); err != nil {
					return err
				}
				if err := store.Insert(tx, "folder_members", membership{Folder: it.ARN, Member: planKind(i, "action-connector"), Type: "ACTION_CONNECTOR"}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			tb.Fatal(err)
		}
	}
	err := db.Write(tb.Context(), func(tx *store.Tx) error {
		for i, who := range map[int]string{0: "ana", n - 1: "bo"} {
			_, err := tx.Exec(`INSERT INTO resource_permissions (arn, principal, actions, owner, viewer) VALUES ($1, $2, $3, $4, $5)`,
				planARN(i), who, `["quicksight:DescribeFolder"]`, true, true)
			if err != nil {
				return err
			}
		}
		if db.Dialect() == store.SQLite {
			return nil
		}
		// As the server does by itself before long: it plans by what it knows of the tables.
		_, err := tx.Exec(`ANALYZE`)
		return err
	})
	if err != nil {
		tb.Fatal(err)
	}
}

// BenchmarkTree reads of a tree of 100 and of 10,000 folders.
func BenchmarkTree(b *testing.B) {
	s := New(Config{})
	s.Register(Member{Type: "ACTION_CONNECTOR", Kind: "action-connector", Viewer: []string{views}})
	for _, dialect := range storetest.Dialects {
		for _, n := range []int{100, 10_000} {
			db := storetest.Open(b, dialect)
			fill(b, db, n)
			last := planARN(n - 1)
			for name, read := range map[string]func(tx *store.Tx) error{
				"path":     func(tx *store.Tx) error { _, err := pathOf(tx, last); return err },
				"resolved": func(tx *store.Tx) error { _, err := resolved(tx, last); return err },
				"inherited": func(tx *store.Tx) error {
					_, err := s.Inherited(tx, planKind(n-1, "action-connector"), "ana", "bo")
					return err
				},
				"page":          list(resource.Filter{}),
				"children":      list(childrenOf(planARN(5))),
				"held by few":   list(s.Reached(resource.Owner, "bo")),
				"held from top": list(s.Reached(resource.Owner, "ana")),
			} {
				b.Run(fmt.Sprintf("%s/%d/%s", dialect, n, name), func(b *testing.B) {
					for b.Loop() {
						if err := db.Read(b.Context(), read); err != nil {
							b.Fatal(err)
						}
					}
				})
			}
		}
	}
}

func list(f resource.Filter) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		_, err := folders.List(tx, planAccount, planRegion, f, "", page.Usual)
		return err
	}
}
