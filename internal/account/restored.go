package account

import "onsight/internal/store"

// Restored has what is kept of an account's settings in memory forgotten, after
// rows were written that no operation wrote.
func (s *Service) Restored(tx *store.Tx, account string) error {
	s.addresses.changed(tx, account)
	return nil
}
