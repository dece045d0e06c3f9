package iam

import (
	"strings"

	"onsight/internal/api"
	"onsight/internal/iamapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) tagRoutes() []api.Route {
	return []api.Route{}
}

// maxTags is how many tags a user, role, policy or provider may have.
const maxTags = 50

// tag is part of a row of the table iam_tags.
type tag struct {
	Key   string `db:"key"`
	Value string `db:"value"`
}

// tagsOf reads the tags of an owner: the id of a user, role or policy, or the
// ARN of a provider.
func tagsOf(tx *store.Tx, owner string) ([]iamapi.Tag, error) {
	rows, err := store.All[tag](tx, `SELECT key, value FROM iam_tags WHERE owner = $1 ORDER BY key_key`, owner)
	return shown(rows), err
}

func shown(rows []tag) []iamapi.Tag {
	tags := make([]iamapi.Tag, len(rows))
	for i, r := range rows {
		tags[i] = iamapi.Tag(r)
	}
	return tags
}

// putTags gives an owner tags, or new values to those that it has. It refuses
// keys that come twice or are reserved, and more than 50 tags.
func putTags(tx *store.Tx, account, owner string, tags []iamapi.Tag) error {
	if len(tags) == 0 {
		return nil
	}
	seen := make(map[string]bool, len(tags))
	for _, t := range tags {
		k := strings.ToLower(t.Key)
		if seen[k] {
			return invalidInput("Duplicate tag keys found. Please note that Tag keys are case insensitive.")
		}
		seen[k] = true
		if strings.HasPrefix(k, "aws:") {
			return invalidInput("The tag key %s is reserved: tag keys cannot start with aws:.", t.Key)
		}
		_, err := tx.Exec(`INSERT INTO iam_tags (owner, key_key, account, key, value) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (owner, key_key) DO UPDATE SET key = excluded.key, value = excluded.value`, owner, k, account, t.Key, t.Value)
		if err != nil {
			return err
		}
	}
	n, err := store.One[int64](tx, `SELECT COUNT(*) FROM iam_tags WHERE owner = $1`, owner)
	if err == nil && n > maxTags {
		err = limitExceeded("TagsPerResource: %d", maxTags)
	}
	return err
}

// dropTags removes all tags of an owner that goes away.
func dropTags(tx *store.Tx, owner string) error {
	_, err := tx.Exec(`DELETE FROM iam_tags WHERE owner = $1`, owner)
	return err
}

// resourceTags are the tags of an owner as condition keys.
func resourceTags(tx *store.Tx, owner string) (policy.Keys, error) {
	tags, err := tagsOf(tx, owner)
	if err != nil || len(tags) == 0 {
		return nil, err
	}
	keys := make(policy.Keys, 2*len(tags))
	for _, t := range tags {
		k := strings.ToLower(t.Key)
		keys["aws:resourcetag/"+k] = []string{t.Value}
		keys["iam:resourcetag/"+k] = []string{t.Value}
	}
	return keys, nil
}

// requestTags are the tags that a request brings as condition keys.
func requestTags(tags []iamapi.Tag) policy.Keys {
	if len(tags) == 0 {
		return nil
	}
	keys := make(policy.Keys, len(tags)+1)
	for _, t := range tags {
		keys["aws:tagkeys"] = append(keys["aws:tagkeys"], t.Key)
		k := "aws:requesttag/" + strings.ToLower(t.Key)
		keys[k] = append(keys[k], t.Value)
	}
	return keys
}

// requestTagKeys are the keys of tags that a request takes away.
func requestTagKeys(keys []string) policy.Keys {
	if len(keys) == 0 {
		return nil
	}
	return policy.Keys{"aws:tagkeys": keys}
}
