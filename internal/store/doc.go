// Package store keeps the server's data, in SQLite or in PostgreSQL, behind
// one query text.
//
//	err := db.Write(ctx, func(tx *store.Tx) error {
//		return store.Insert(tx, "users", u) // a column for each `db` tag
//	})
//
//	u, err := store.One[user](tx, `SELECT `+columns+` FROM users WHERE account = $1 AND name = $2`, account, name)
//
// # Queries
//
// Parameters are $1, $2 …, in any order and more than once. RETURNING, ON
// CONFLICT, row values and partial indexes are understood by both databases.
// Columns are TEXT, BIGINT, BYTEA and BOOLEAN; times are microseconds in BIGINT
// (Micros, Time); documents are JSON in TEXT. Statements stay prepared on each
// connection, so a query's text is constant, and not built from values.
//
// # Writes
//
// Functions that are given to Write at the same time share one transaction and
// one wait for the disk, each for itself: one that fails takes no other along,
// and each caller gets its own error. Write returns when the change is durable.
// What the caller learns from tx is as durable by then, also when its function
// failed.
//
// A function given to Write may run twice, so it touches tx and what it
// returns, and it calls neither Read nor Write. When one of its statements
// fails, everything it did is undone, whatever it returns; ON CONFLICT is the
// way to go on where there is something already.
//
// # Reads
//
// A function given to Read sees one snapshot, and neither waits for writers nor
// keeps them waiting. It calls neither Read nor Write.
//
// # Errors
//
// ErrNotFound and Duplicate are for callers to ask about. A database that is
// away, full or too busy gives an error that holds a fault.Unavailable. Anything
// else is a mistake of ours.
package store
