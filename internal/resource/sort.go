package resource

import (
	"errors"

	"onsight/internal/store"
)

// Sort gives what sort of its kind the resource of an ARN is, such as
// JIRA_CLOUD; empty where its kind has no sorts, and where it is not there.
func Sort(tx *store.Tx, resourceARN string) (string, error) {
	sort, err := store.One[string](tx, `SELECT type FROM resources WHERE arn = $1`, resourceARN)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return sort, err
}
