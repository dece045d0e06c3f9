package store

import "context"

// BeforeCommit has functions called that add to what is written, so that it
// becomes durable with the change or not at all. It is called once, before the
// first Write.
//
// each is called at the end of every function given to Write that ran a
// statement which can change rows and that succeeded, with the same context and
// transaction. Its error undoes the change and is given to its caller.
//
// last is called once for each transaction in which something was left with
// Tx.Leave, with all of that, in order, right before the commit: what is written
// for many is then one statement. Its error undoes the transaction and is given
// to all whose functions share it; one that is a Duplicate has them all run again.
//
// As functions given to Write may run twice, so may these. Claim calls neither.
func (db *DB) BeforeCommit(each func(ctx context.Context, tx *Tx) error, last func(tx *Tx, left []any) error) {
	db.writer.before, db.writer.last, db.writer.db = each, last, db
}
