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
