package account

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"onsight/internal/store"
)

// A place is what a setting counts for: the account, or one of its namespaces;
// everywhere, or in one region.
type place struct {
	account, namespace, region string
}

// A kind of setting is kept as one JSON document for each place. The name is
// part of the table's key.
type kind[T any] string

// read reads the setting of a place; the zero T and false where there is none.
func (k kind[T]) read(tx *store.Tx, at place) (v T, found bool, err error) {
	doc, err := store.One[string](tx, `SELECT doc FROM account_documents WHERE account = $1 AND kind = $2 AND namespace = $3 AND region = $4`,
		at.account, string(k), at.namespace, at.region)
	if errors.Is(err, store.ErrNotFound) {
		return v, false, nil
	}
	if err != nil {
		return v, false, err
	}
	if err := json.Unmarshal([]byte(doc), &v); err != nil {
		return v, false, fmt.Errorf("%s of %s %s %s: %w", k, at.account, at.namespace, at.region, err)
	}
	return v, true, nil
}

// write sets the setting of a place.
func (k kind[T]) write(tx *store.Tx, at place, v T, now time.Time) error {
	doc, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("write %s: %w", k, err)
	}
	_, err = tx.Exec(`INSERT INTO account_documents (account, kind, namespace, region, version, doc) VALUES ($1, $2, $3, $4, $5, $6)
		ON CONFLICT (account, kind, namespace, region) DO UPDATE SET version = account_documents.version + 1, doc = excluded.doc`,
		at.account, string(k), at.namespace, at.region, store.Micros(now), string(doc))
	return err
}

// remove removes the setting of a place, and tells whether there was one.
func (k kind[T]) remove(tx *store.Tx, at place) (bool, error) {
	n, err := tx.Exec(`DELETE FROM account_documents WHERE account = $1 AND kind = $2 AND namespace = $3 AND region = $4`,
		at.account, string(k), at.namespace, at.region)
	return n > 0, err
}
