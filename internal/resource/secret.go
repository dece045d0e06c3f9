package resource

import (
	"context"
	"errors"
	"fmt"

	"onsight/internal/qs"
	"onsight/internal/seal"
	"onsight/internal/store"
)

// Secrets keeps what documents must not hold. A secret is sealed under its
// ARN, field and version, and opens under no other.
type Secrets struct{ Keys *seal.Keyring }

// ErrLost says that a secret is not there, or that none of the keys opens it
// under this ARN, field and version.
var ErrLost = errors.New("the secret is lost")

// Put seals a secret.
func (s Secrets) Put(tx *store.Tx, resourceARN, field string, version int64, secret qs.Secret) error {
	return store.Insert(tx, "resource_secrets", struct {
		ARN     string `db:"arn"`
		Field   string `db:"field"`
		Version int64  `db:"version"`
		Sealed  []byte `db:"sealed"`
	}{resourceARN, field, version, s.Keys.Seal([]byte(secret.Reveal()), SecretContext(resourceARN, field, version))})
}

// Get opens a secret, or returns ErrLost. No error tells anything of it.
func (s Secrets) Get(tx *store.Tx, resourceARN, field string, version int64) (qs.Secret, error) {
	sealed, err := store.One[[]byte](tx, `SELECT sealed FROM resource_secrets WHERE arn = $1 AND field = $2 AND version = $3`,
		resourceARN, field, version)
	if errors.Is(err, store.ErrNotFound) {
		return "", fmt.Errorf("%s of %s: %w", field, resourceARN, ErrLost)
	}
	if err != nil {
		return "", err
	}
	plain, err := s.Keys.Open(sealed, SecretContext(resourceARN, field, version))
	if err != nil {
		return "", fmt.Errorf("%s of %s: %w: %w", field, resourceARN, ErrLost, err)
	}
	return qs.Secret(plain), nil
}

// Keep removes the secrets of a resource of every other version.
func (s Secrets) Keep(tx *store.Tx, resourceARN string, version int64) error {
	_, err := tx.Exec(`DELETE FROM resource_secrets WHERE arn = $1 AND version <> $2`, resourceARN, version)
	return err
}

// Reseal sees to it that all secrets are sealed with the key that seals now, and
// tells how many there are. Where it was interrupted, it can be run again.
func (s Secrets) Reseal(ctx context.Context, db *store.DB) (n int, err error) {
	type row struct {
		ARN     string `db:"arn"`
		Field   string `db:"field"`
		Version int64  `db:"version"`
		Sealed  []byte `db:"sealed"`
	}
	var last row
	for {
		var rows []row
		err := db.Write(ctx, func(tx *store.Tx) (err error) {
			rows, err = store.All[row](tx, `SELECT arn, field, version, sealed FROM resource_secrets
				WHERE (arn, field, version) > ($1, $2, $3) ORDER BY arn, field, version LIMIT $4`, last.ARN, last.Field, last.Version, purgeBatch)
			if err != nil {
				return err
			}
			for _, r := range rows {
				if s.Keys.Current(r.Sealed) {
					continue
				}
				context := SecretContext(r.ARN, r.Field, r.Version)
				plain, err := s.Keys.Open(r.Sealed, context)
				if err != nil {
					return fmt.Errorf("%s of %s: %w", r.Field, r.ARN, err)
				}
				_, err = tx.Exec(`UPDATE resource_secrets SET sealed = $4 WHERE arn = $1 AND field = $2 AND version = $3`,
					r.ARN, r.Field, r.Version, s.Keys.Seal(plain, context))
				if err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return n, err
		}
		n += len(rows)
		if len(rows) < purgeBatch {
			return n, nil
		}
		last = rows[len(rows)-1]
	}
}

// SecretContext is what a secret is bound to. No ARN holds a zero byte.
func SecretContext(resourceARN, field string, version int64) string {
	return fmt.Sprintf("resource_secrets\x00%s\x00%s\x00%d", resourceARN, field, version)
}
