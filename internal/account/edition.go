package account

import "onsight/internal/store"

// Edition is that of a subscribed account, such as ENTERPRISE.
func (s *Service) Edition(tx *store.Tx, account string) (string, error) {
	sub, err := find(tx, account)
	return sub.Edition, err
}
