package account

import (
	"errors"

	"onsight/internal/fault"
	"onsight/internal/store"
)

// Busy is a ConflictException while the account signs up or unsubscribes, or
// one of its namespaces is being made or deleted.
func (s *Service) Busy(tx *store.Tx, account string) error {
	status, err := store.One[string](tx, `SELECT status FROM subscriptions WHERE account = $1 AND status NOT IN ($2, $3)`, account, created, unsubscribed)
	if err == nil {
		return fault.Conflict("The subscription of account %s is changing: %s. Try again in a moment.", account, status)
	}
	if !errors.Is(err, store.ErrNotFound) {
		return err
	}
	name, err := store.One[string](tx, `SELECT name FROM namespaces WHERE account = $1 AND status <> $2 ORDER BY name LIMIT 1`, account, namespaceCreated)
	if err == nil {
		return fault.Conflict("Namespace %s is being made or deleted. Try again in a moment.", name)
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
