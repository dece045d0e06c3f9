package iam

import (
	"errors"
	"fmt"

	"onsight/internal/arn"
	"onsight/internal/store"
)

// Names lists the users or the roles of an account, in the order of their
// names without regard to case, after one of them. The kind is User or Role.
func (s *Service) Names(tx *store.Tx, account, kind, after string, limit int) ([]string, error) {
	switch kind {
	case User:
		return store.All[string](tx, `SELECT name FROM iam_users WHERE account = $1 AND name_key > $2 ORDER BY name_key LIMIT $3`,
			account, nameKey(after), limit)
	case Role:
		return store.All[string](tx, `SELECT name FROM iam_roles WHERE account = $1 AND name_key > $2 ORDER BY name_key LIMIT $3`,
			account, nameKey(after), limit)
	default:
		return nil, fmt.Errorf("no names of a %q", kind)
	}
}

// TagsOf gives the tags of an entity of IAM by its ARN; none where it is not
// there, or of a kind that has no tags.
func (s *Service) TagsOf(tx *store.Tx, a arn.ARN) (map[string]string, error) {
	kind, path := a.Split()
	name := nameKey(lastSegment("/" + path))
	var owner string
	var err error
	switch kind {
	case "user":
		owner, err = store.One[string](tx, `SELECT id FROM iam_users WHERE account = $1 AND name_key = $2`, a.Account, name)
	case "role":
		owner, err = store.One[string](tx, `SELECT id FROM iam_roles WHERE account = $1 AND name_key = $2`, a.Account, name)
	case "policy":
		owner, err = store.One[string](tx, `SELECT id FROM iam_policies WHERE account = $1 AND name_key = $2`, a.Account, name)
	case "oidc-provider", "saml-provider":
		owner = a.String()
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	tags, err := tagsOf(tx, owner)
	return tagMap(tags), err
}

// PrincipalID gives the unique id of a user or role of a name;
// store.ErrNotFound where there is none. The kind is User or Role.
func (s *Service) PrincipalID(tx *store.Tx, account, kind, name string) (string, error) {
	table := "iam_users"
	if kind == Role {
		table = "iam_roles"
	}
	return store.One[string](tx, `SELECT id FROM `+table+` WHERE account = $1 AND name_key = $2`, account, nameKey(name))
}

// ManagedPolicy gives the document of a managed policy that an account may
// attach: the default version of one of its own, or one of AWS;
// store.ErrNotFound where there is none.
func (s *Service) ManagedPolicy(tx *store.Tx, account, policyARN string) (string, error) {
	if document, ok := managedByAWS(policyARN); ok {
		return document, nil
	}
	return store.One[string](tx, `SELECT v.document FROM iam_policies p
		JOIN iam_policy_versions v ON v.policy_id = p.id AND v.version = p.default_version
		WHERE p.account = $1 AND p.arn = $2`, account, policyARN)
}

// KeyAccount gives the account of an access key; store.ErrNotFound where there
// is none.
func (s *Service) KeyAccount(tx *store.Tx, accessKeyID string) (string, error) {
	return store.One[string](tx, `SELECT account FROM iam_access_keys WHERE id = $1`, accessKeyID)
}
