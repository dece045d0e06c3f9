package identity

import (
	"strings"

	"onsight/internal/arn"
	"onsight/internal/store"
)

// Exists tells whether the user, the group or the custom permissions profile of
// an ARN is there. All have the account's identity region in their ARNs.
func (s *Service) Exists(tx *store.Tx, a arn.ARN) (bool, error) {
	region, err := s.accounts.IdentityRegion(tx, a.Account)
	if err != nil || region != a.Region {
		return false, err
	}
	var n int64
	switch kind, rest := a.Split(); kind {
	case "user":
		namespace, name, _ := strings.Cut(rest, "/")
		n, err = store.One[int64](tx, `SELECT COUNT(*) FROM users WHERE account = $1 AND namespace = $2 AND name = $3`, a.Account, namespace, name)
	case "group":
		namespace, name, _ := strings.Cut(rest, "/")
		n, err = store.One[int64](tx, `SELECT COUNT(*) FROM user_groups WHERE account = $1 AND namespace = $2 AND name = $3`, a.Account, namespace, name)
	case "custompermissions":
		n, err = store.One[int64](tx, `SELECT COUNT(*) FROM custom_permissions WHERE account = $1 AND name = $2`, a.Account, rest)
	}
	return n > 0, err
}
