package account

import "onsight/internal/store"

// Notification gives the name of an account and its address for notifications;
// store.ErrNotFound for one that is not subscribed.
func (s *Service) Notification(tx *store.Tx, account string) (name, email string, err error) {
	row, err := store.One[struct {
		Name  string `db:"name"`
		Email string `db:"notification_email"`
	}](tx, `SELECT name, notification_email FROM subscriptions WHERE account = $1 AND status = $2`, account, created)
	return row.Name, row.Email, err
}
