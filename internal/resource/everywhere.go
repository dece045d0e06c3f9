package resource

import "onsight/internal/store"

// Everywhere reads all resources of a kind that an account has, in whichever
// region, by region and id.
func (k Kind[T]) Everywhere(tx *store.Tx, account string) ([]*Item[T], error) {
	return k.items(store.All[row](tx, `SELECT `+columns+` FROM resources WHERE account = $1 AND kind = $2 ORDER BY region, id`, account, k.Name))
}
