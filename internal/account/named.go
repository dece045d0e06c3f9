package account

import (
	"strings"

	"onsight/internal/store"
)

// A Named is a subscribed account as someone who signs in knows it.
type Named struct {
	Account string `db:"account"`
	// Name is the account name, as it was chosen.
	Name string `db:"name"`
	// Region is the identity region.
	Region string `db:"region"`
	// DefaultNamespace is where people are who name no other.
	DefaultNamespace string `db:"default_namespace"`
}

// Named finds a subscribed account by its name, without regard to case;
// store.ErrNotFound where there is none.
func (s *Service) Named(tx *store.Tx, name string) (Named, error) {
	return store.One[Named](tx, `SELECT account, name, region, default_namespace FROM subscriptions WHERE name_key = $1 AND status = $2`,
		strings.ToLower(name), created)
}

// Name gives a subscribed account by its number; store.ErrNotFound where it is
// not subscribed.
func (s *Service) Name(tx *store.Tx, account string) (Named, error) {
	return store.One[Named](tx, `SELECT account, name, region, default_namespace FROM subscriptions WHERE account = $1 AND status = $2`, account, created)
}
