package account

import (
	"onsight/internal/fault"
	"onsight/internal/store"
)

// Enterprise is the gate of operations on assets that the edition STANDARD does
// not have. It answers UnsupportedUserEditionException.
func (s *Service) Enterprise(tx *store.Tx, account string) error {
	if err := s.Subscribed(tx, account); err != nil {
		return err
	}
	edition, err := store.One[string](tx, `SELECT edition FROM subscriptions WHERE account = $1`, account)
	if err == nil && edition == "STANDARD" {
		return fault.UnsupportedEdition("Operation is disabled for STANDARD Edition. ")
	}
	return err
}
