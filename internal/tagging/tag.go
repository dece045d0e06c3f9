package tagging

import (
	"context"
	"strings"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// maxTags is how many tags a resource may have.
const maxTags = 50

type tag struct {
	Account string `db:"account"`
	ARN     string `db:"arn"`
	Key     string `db:"key"`
	Value   string `db:"value"`
}

// Put gives tags to a resource that the caller is just making. The caller
// vouches for the resource; what the tags may be is checked here.
func (s *Service) Put(tx *store.Tx, resourceARN string, tags []qs.Tag) error {
	if len(tags) > maxTags {
		return fault.Invalid("A resource has at most %d tags, the request gives it %d.", maxTags, len(tags))
	}
	a, err := arn.Parse(resourceARN)
	if err != nil {
		return err
	}
	if err := check(tags); err != nil {
		return err
	}
	return put(tx, a, tags)
}

// Delete removes all tags of a resource that goes away.
func (s *Service) Delete(tx *store.Tx, resourceARN string) error {
	a, err := arn.Parse(resourceARN)
	if err != nil {
		return err
	}
	_, err = tx.Exec(`DELETE FROM tags WHERE account = $1 AND arn = $2`, a.Account, resourceARN)
	return err
}

// Of reads the tags of a resource, by key.
func (s *Service) Of(tx *store.Tx, resourceARN string) ([]qs.Tag, error) {
	a, err := arn.Parse(resourceARN)
	if err != nil {
		return nil, err
	}
	rows, err := store.All[tag](tx, `SELECT account, arn, key, value FROM tags WHERE account = $1 AND arn = $2 ORDER BY key`,
		a.Account, resourceARN)
	if err != nil {
		return nil, err
	}
	tags := make([]qs.Tag, len(rows))
	for i, r := range rows {
		tags[i] = qs.Tag{Key: r.Key, Value: r.Value}
	}
	return tags, nil
}

// purgeBatch is how many tags one transaction of a purge removes.
const purgeBatch = 2000

// Purge removes the tags of all resources of an account. It may be run again
// where it was interrupted.
func (s *Service) Purge(ctx context.Context, account string) error {
	for {
		var gone int64
		err := s.db.Write(ctx, func(tx *store.Tx) (err error) {
			gone, err = tx.Exec(`DELETE FROM tags WHERE (account, arn, key) IN
				(SELECT account, arn, key FROM tags WHERE account = $1 ORDER BY arn, key LIMIT $2)`, account, purgeBatch)
			return err
		})
		if err != nil || gone < purgeBatch {
			return err
		}
	}
}

// find reads an ARN and makes sure that its resource is there. One of another
// account is answered as one that is not there, so that nothing shows through.
func (s *Service) find(ctx context.Context, tx *store.Tx, resourceARN string) (arn.ARN, error) {
	a, err := arn.Parse(resourceARN)
	if err != nil {
		return a, fault.Invalid("ResourceArn isn't valid: %v.", err)
	}
	if !a.IsQuickSight() {
		return a, fault.Invalid("ResourceArn isn't valid: it must be the ARN of a QuickSight resource of an account.")
	}
	kind, rest := a.Split()
	missing := fault.NotFound("", "Resource %s can't be found.", resourceARN)
	exists := s.types[kind]
	if exists == nil || rest == "" || a.Account != api.Caller(ctx).Account {
		return a, missing
	}
	ok, err := exists(tx, a)
	if err == nil && !ok {
		err = missing
	}
	return a, err
}

// check refuses tags that no resource may have, and keys that come twice. Keys
// differ by case.
func check(tags []qs.Tag) error {
	seen := make(map[string]bool, len(tags))
	for _, t := range tags {
		if err := checkKey(t.Key); err != nil {
			return err
		}
		if seen[t.Key] {
			return fault.Invalid("Tag key %s is given more than once.", t.Key)
		}
		seen[t.Key] = true
	}
	return nil
}

// checkKey refuses the keys that are reserved, in whichever case.
func checkKey(key string) error {
	if len(key) >= len("aws:") && strings.EqualFold(key[:len("aws:")], "aws:") {
		return fault.Invalid("Tag key %s isn't valid: keys that begin with aws: are reserved.", key)
	}
	return nil
}

// put adds tags or gives new values to those that are there.
func put(tx *store.Tx, a arn.ARN, tags []qs.Tag) error {
	for _, t := range tags {
		_, err := tx.Exec(`INSERT INTO tags (account, arn, key, value) VALUES ($1, $2, $3, $4)
			ON CONFLICT (account, arn, key) DO UPDATE SET value = excluded.value`, a.Account, a.String(), t.Key, t.Value)
		if err != nil {
			return err
		}
	}
	return nil
}

// count is how many tags a resource has.
func count(tx *store.Tx, a arn.ARN) (int64, error) {
	return store.One[int64](tx, `SELECT COUNT(*) FROM tags WHERE account = $1 AND arn = $2`, a.Account, a.String())
}
