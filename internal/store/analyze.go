package store

import "context"

// Analyze has PostgreSQL count what is in tables that have just grown a lot. Its
// planner goes by what was counted last, which it does by itself a minute
// later: until then it takes the tables for empty, where one index is as good as
// another. SQLite needs none of it.
func (db *DB) Analyze(ctx context.Context, tables ...string) error {
	if db.dialect != PostgreSQL {
		return nil
	}
	return db.Write(ctx, func(tx *Tx) error {
		for _, table := range tables {
			if _, err := tx.Exec(`ANALYZE ` + table); err != nil {
				return err
			}
		}
		return nil
	})
}
