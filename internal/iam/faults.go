package iam

import (
	"fmt"
	"net/http"

	"onsight/internal/fault"
	"onsight/internal/iamapi"
)

// The faults have the codes of the query face; their statuses are the model's.

// noSuchEntity says that something is not there.
func noSuchEntity(format string, args ...any) error {
	return &fault.Fault{Code: iamapi.ErrNoSuchEntity, Message: fmt.Sprintf(format, args...)}
}

// entityAlreadyExists says that a name is taken.
func entityAlreadyExists(format string, args ...any) error {
	return &fault.Fault{Code: iamapi.ErrEntityAlreadyExists, Message: fmt.Sprintf(format, args...)}
}

// deleteConflict says what has to go before the entity can.
func deleteConflict(format string, args ...any) error {
	return &fault.Fault{Code: iamapi.ErrDeleteConflict, Message: fmt.Sprintf(format, args...)}
}

// limitExceeded names the quota that there is no more of: "AccessKeysPerUser: 2".
func limitExceeded(format string, args ...any) error {
	return &fault.Fault{Code: iamapi.ErrLimitExceeded, Message: "Cannot exceed quota for " + fmt.Sprintf(format, args...)}
}

// malformedPolicy says why a document is no policy.
func malformedPolicy(format string, args ...any) error {
	return &fault.Fault{Code: iamapi.ErrMalformedPolicyDocument, Message: fmt.Sprintf(format, args...)}
}

// invalidInput says what about an input has no meaning.
func invalidInput(format string, args ...any) error {
	return &fault.Fault{Code: iamapi.ErrInvalidInput, Message: fmt.Sprintf(format, args...)}
}

// validationError is the answer to an input that breaks a rule; IAM's model
// does not declare it.
func validationError(format string, args ...any) error {
	return &fault.Fault{Code: "ValidationError", Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...)}
}

// concurrentModification says that something changed while the call was on its way.
func concurrentModification() error {
	return &fault.Fault{Code: iamapi.ErrConcurrentModification, Message: "The entity was changed by another request. Try again."}
}
