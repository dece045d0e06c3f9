package resource

import (
	"strings"
	"testing"

	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// A list or search never walks over all resources: each is a search in an
// index, and the one by principal begins in the index of principals.
func TestQueriesUseIndexes(t *testing.T) {
	t.Parallel()
	db := storetest.Open(t, store.SQLite)
	kind := Kind[struct{}]{Name: "note"}
	for name, tt := range map[string]struct {
		f    Filter
		want string
	}{
		"all":    {Filter{}, "SEARCH resources USING INDEX"},
		"name":   {Named("a"), "SEARCH resources USING INDEX resources_name"},
		"like":   {NameLike("a"), "SEARCH resources USING INDEX"},
		"type":   {OfType("A", "B", "C"), "SEARCH resources USING INDEX"},
		"owner":  {HeldBy(Owner, "a"), "SEARCH p USING COVERING INDEX resource_permissions_principal"},
		"owners": {HeldBy(Owner, "a", "b", "c"), "SEARCH p USING COVERING INDEX resource_permissions_principal"},
		"viewer": {HeldBy(ViewerOrOwner, "a"), "SEARCH p USING COVERING INDEX resource_permissions_principal"},
		"sole":   {HeldBy(SoleOwner, "a"), "SEARCH p USING COVERING INDEX resource_permissions_principal"},
	} {
		query, args := kind.selection("111122223333", "us-east-1", tt.f, "after", 10)
		var plan []string
		err := db.Read(t.Context(), func(tx *store.Tx) error {
			steps, err := store.All[struct {
				ID      int64  `db:"id"`
				Parent  int64  `db:"parent"`
				NotUsed int64  `db:"notused"`
				Detail  string `db:"detail"`
			}](tx, "EXPLAIN QUERY PLAN "+query, args...)
			for _, s := range steps {
				plan = append(plan, s.Detail)
			}
			return err
		})
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if all := strings.Join(plan, "\n"); !strings.Contains(all, tt.want) || strings.Contains(all, "SCAN resource") {
			t.Errorf("%s: the plan is\n%s\nwant %s and no SCAN of a table", name, all, tt.want)
		}
	}
}
