package store

import "context"

// BeforeCommit has fn called at the end of each function given to Write that
// ran a statement which can change rows and that succeeded, with the same
// context and transaction: what fn writes becomes durable with the change, or
// not at all. An error of fn undoes the change and is given to its caller. As
// the function may run twice, so may fn. It is not called for Claim.
//
// BeforeCommit is called once, before the first Write.
func (db *DB) BeforeCommit(fn func(ctx context.Context, tx *Tx) error) { db.writer.before = fn }
