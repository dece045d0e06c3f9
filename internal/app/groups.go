package app

import (
	"errors"

	"onsight/internal/arn"
	"onsight/internal/iam"
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

// policies lets identity ask for IAM's policies without knowing iam.
type policies struct{ entities *iam.Service }

// Exists says whether an account can use the managed policy of an ARN.
func (p policies) Exists(tx *store.Tx, account, policyARN string) (bool, error) {
	_, err := p.entities.ManagedPolicy(tx, account, policyARN)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}
