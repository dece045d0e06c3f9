package resource

import (
	"errors"

	"onsight/internal/fault"
	"onsight/internal/store"
)

// Busy is a ConflictException while a resource of an account, of whichever
// kind, is being made, changed or deleted.
func Busy(tx *store.Tx, account string) error {
	arn, err := store.One[string](tx, `SELECT arn FROM resources WHERE account = $1 AND status LIKE '%IN_PROGRESS' ORDER BY arn LIMIT 1`, account)
	if err == nil {
		return fault.Conflict("%s is changing. Try again in a moment.", arn)
	}
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	return err
}
