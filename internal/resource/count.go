package resource

import "onsight/internal/store"

// Count is how many resources of the kind an account has in a region.
func (k Kind[T]) Count(tx *store.Tx, account, region string) (int64, error) {
	return store.One[int64](tx, `SELECT COUNT(*) FROM resources WHERE account = $1 AND region = $2 AND kind = $3`, account, region, k.Name)
}
