package store

import (
	"fmt"
	"strings"
)

// A Column is a column of a table, as the database describes it.
type Column struct {
	Name string
	// Type is TEXT, BIGINT, BOOLEAN or BYTEA.
	Type string
	// Required says that it cannot be NULL.
	Required bool
	// Key is its place in the primary key, from 1; 0 for none.
	Key int
}

type column struct {
	Name     string `db:"name"`
	Type     string `db:"type"`
	Required bool   `db:"required"`
	Key      int64  `db:"key"`
}

// Tables are the names of the tables, in order.
func Tables(tx *Tx) ([]string, error) {
	query := `SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' AND name <> $1 ORDER BY name`
	if tx.db.dialect == PostgreSQL {
		query = `SELECT tablename::text AS name FROM pg_tables WHERE schemaname = current_schema() AND tablename <> $1 ORDER BY tablename COLLATE "C"`
	}
	return All[string](tx, query, versionTable)
}

// Columns describes the columns of a table, in their order.
func Columns(tx *Tx, table string) ([]Column, error) {
	query := `SELECT name, type, "notnull" AS required, pk AS key FROM pragma_table_info($1) ORDER BY cid`
	if tx.db.dialect == PostgreSQL {
		query = `SELECT a.attname::text AS name, format_type(a.atttypid, NULL) AS type, a.attnotnull AS required,
				COALESCE(array_position(string_to_array(i.indkey::text, ' '), a.attnum::text), 0)::bigint AS key
			FROM pg_attribute a LEFT JOIN pg_index i ON i.indrelid = a.attrelid AND i.indisprimary
			WHERE a.attrelid = to_regclass($1) AND a.attnum > 0 AND NOT a.attisdropped ORDER BY a.attnum`
	}
	found, err := All[column](tx, query, table)
	if err != nil {
		return nil, err
	}
	columns := make([]Column, len(found))
	for i, c := range found {
		columns[i] = Column{c.Name, strings.ToUpper(c.Type), c.Required, int(c.Key)}
		switch columns[i].Type {
		case "TEXT", "BIGINT", "BOOLEAN", "BYTEA":
		case "INTEGER": // a rowid of SQLite's
			columns[i].Type = "BIGINT"
		default:
			return nil, fmt.Errorf("store: column %s of %s has type %s", c.Name, table, c.Type)
		}
	}
	return columns, nil
}

// Each calls fn with the rows of a query that selects columns, one after the
// other. A value is nil, a string, an int64, a bool or a []byte. The slice is
// fn's to keep. For code that knows its rows there are One and All.
func Each(tx *Tx, columns []Column, query string, args []any, fn func(values []any) error) error {
	st, err := tx.prepare(query, args)
	if err != nil {
		return err
	}
	if got := st.Columns(); len(got) != len(columns) {
		return tx.fail(st, query, fmt.Errorf("%d columns for %d", len(got), len(columns)))
	}
	for {
		more, err := tx.step(st)
		if err != nil {
			return tx.fail(st, query, err)
		}
		if !more {
			_, err := tx.end(st, query)
			return err
		}
		values := make([]any, len(columns))
		for i, c := range columns {
			if values[i], err = value(st, i, c.Type); err != nil {
				return tx.fail(st, query, fmt.Errorf("column %s %w", c.Name, err))
			}
		}
		if err := fn(values); err != nil {
			_, _ = st.End() // the rest is not wanted
			return err
		}
	}
}

func value(st statement, i int, kind string) (any, error) {
	if st.Null(i) {
		return nil, nil
	}
	switch kind {
	case "BIGINT", "BOOLEAN":
		n, err := st.Int64(i)
		if err != nil || kind == "BIGINT" {
			return n, err
		}
		return n != 0, nil
	}
	b, err := st.Bytes(i)
	if err != nil {
		return nil, err
	}
	if kind == "TEXT" {
		return string(b), nil
	}
	return append([]byte{}, b...), nil
}
