package identity

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/store"
)

// CallerName is the name under which a caller is registered, if it is: that of
// an IAM user, that of a role with the session's, or the account of root.
func CallerName(who api.Principal) string { return callerName(who) }

// OwnUser gives the name of the user as whom the caller is registered in a
// namespace. ResourceNotFoundException where there is none.
func (s *Service) OwnUser(ctx context.Context, tx *store.Tx, account, namespace string) (string, error) {
	u, err := s.caller(ctx, tx, account, namespace)
	return u.Name, err
}
