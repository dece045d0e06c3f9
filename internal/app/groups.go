package app

import (
	"onsight/internal/arn"
	"onsight/internal/identity"
	"onsight/internal/store"
)

// memberships lets the kinds of resources ask who is in which group, without
// knowing identity.
type memberships struct{ people *identity.Service }

// Of gives the ARNs of the groups that a user is a member of.
func (m memberships) Of(tx *store.Tx, user arn.ARN) ([]string, error) {
	return m.people.Groups(tx, user)
}
