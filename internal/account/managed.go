package account

import "onsight/internal/store"

// Tenant gives the tenant of a subscribed account and of a namespace that is
// there, for those who don't come by a region; store.ErrNotFound where one of
// them is not, or is just being made or deleted.
func (s *Service) Tenant(tx *store.Tx, account, namespace string) (Tenant, error) {
	return store.One[Tenant](tx, `SELECT s.authentication_method, s.region, COALESCE(n.directory_id, '') AS directory_id
		FROM subscriptions s JOIN namespaces n ON n.account = s.account AND n.name = $2 AND n.status = $3
		WHERE s.account = $1 AND s.status = $4 AND s.edition <> 'STANDARD'`, account, namespace, namespaceCreated, created)
}
