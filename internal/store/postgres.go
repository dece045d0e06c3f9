package store

import (
	"context"
	"fmt"
	"runtime"

	"onsight/internal/store/pg"
)

// maxClaims is how many Claims are under way at once.
const maxClaims = 2

// openPostgres opens the database at url.
func (db *DB) openPostgres(ctx context.Context, url string) error {
	db.dialect = PostgreSQL
	config, err := pg.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("the address of the database: %w", err)
	}
	open := func(ctx context.Context) (session, error) {
		c, err := pg.Connect(ctx, config)
		if err != nil {
			return nil, err
		}
		return pgSession{c}, nil
	}
	db.writer = &queue{open: open, exact: true}
	db.claims = newPool(maxClaims, open)
	db.readers = newPool(4*max(2, runtime.GOMAXPROCS(0)), open)
	return db.migratePostgres(ctx, url)
}
