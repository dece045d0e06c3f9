package storetest

import (
	"testing"

	"onsight/internal/store"
)

// Tables gives the names of the tables that have a column of this name, sorted:
// what a purge must not forget.
func Tables(tb testing.TB, dialect string, tx *store.Tx, column string) []string {
	tb.Helper()
	query := `SELECT m.name FROM sqlite_schema m JOIN pragma_table_info(m.name) c WHERE m.type = 'table' AND c.name = $1 ORDER BY 1`
	if dialect == store.PostgreSQL {
		query = `SELECT table_name::text FROM information_schema.columns WHERE table_schema = current_schema() AND column_name = $1 ORDER BY 1`
	}
	names, err := store.All[string](tx, query, column)
	if err != nil {
		tb.Fatal(err)
	}
	return names
}
