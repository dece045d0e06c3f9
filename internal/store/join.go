package store

import "context"

type joinKey struct{}

// Join gives a context with which Write takes part in tx instead of making a
// transaction of its own: what several functions change is then durable
// together, or not at all. BeforeCommit's function is called for each with its
// own context. There is no savepoint between them, so when one of them fails
// whoever joined them gives up the whole.
//
// The context is good until the function that tx was given to returns.
func Join(ctx context.Context, tx *Tx) context.Context {
	return context.WithValue(ctx, joinKey{}, tx)
}

// joined is the transaction that ctx was given by Join, or nil.
func joined(ctx context.Context, db *DB) *Tx {
	tx, _ := ctx.Value(joinKey{}).(*Tx)
	if tx == nil || tx.db != db || tx.w == nil {
		return nil
	}
	return tx
}

// join runs fn as a part of tx.
func (q *queue) join(ctx context.Context, tx *Tx, fn func(*Tx) error) error {
	outer := tx.ctx
	tx.ctx = ctx
	defer func() { tx.ctx = outer }()
	if err := fn(tx); err != nil {
		return err
	}
	if tx.failed == nil && tx.wrote && q.before != nil {
		return q.before(ctx, tx)
	}
	return tx.failed
}
