package identity

import "onsight/internal/store"

// NoteUse notes that a user was active by another way than a signed call: an
// agent acted for them. One note an hour is kept.
func (s *Service) NoteUse(tx *store.Tx, account, namespace, name string) error {
	now := store.Micros(s.now())
	_, err := tx.Exec(`UPDATE users SET last_used_us = $4 WHERE account = $1 AND namespace = $2 AND name = $3 AND (last_used_us IS NULL OR last_used_us <= $5)`,
		account, namespace, name, now, now-useHour.Microseconds())
	return err
}
