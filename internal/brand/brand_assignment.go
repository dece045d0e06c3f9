package brand

import (
	"errors"

	"onsight/internal/fault"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// assigned gives the brand that an account wears; store.ErrNotFound where it
// wears none.
func assigned(tx *store.Tx, account string) (resource.Key, error) {
	a, err := store.One[struct {
		Region string `db:"region"`
		Brand  string `db:"brand"`
	}](tx, `SELECT region, brand FROM brand_assignments WHERE account = $1`, account)
	return resource.Key{Account: account, Region: a.Region, ID: a.Brand}, err
}

// mustBeAssigned is assigned, with what callers are told.
func mustBeAssigned(tx *store.Tx, account string) (resource.Key, error) {
	k, err := assigned(tx, account)
	if errors.Is(err, store.ErrNotFound) {
		return k, fault.NotFound("", "No brand is assigned to account %s.", account)
	}
	return k, err
}
