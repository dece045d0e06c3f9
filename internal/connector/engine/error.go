package engine

import (
	"fmt"
	"strings"
	"time"
)

// Kind says what sort of error it is.
type Kind string

// Kinds of errors.
const (
	// Invalid is an input that cannot be sent.
	Invalid Kind = "InvalidInput"
	// Refused is what Onsight does not do: an address that is not allowed.
	Refused Kind = "Refused"
	// Unauthenticated is a credential that the service does not accept.
	Unauthenticated Kind = "Unauthenticated"
	// Denied is something that the credential may not do.
	Denied Kind = "Denied"
	// Missing is something that is not there.
	Missing Kind = "NotFound"
	// Conflict is something that has changed, is there already, or is locked.
	Conflict Kind = "Conflict"
	// Throttled is a service that asks for patience.
	Throttled Kind = "Throttled"
	// Unavailable is a service that does not answer, or fails.
	Unavailable Kind = "Unavailable"
	// TimedOut is an answer that took too long.
	TimedOut Kind = "TimedOut"
	// TooLarge is an answer that is too large.
	TooLarge Kind = "TooLarge"
	// Rejected is a request that the service does not understand.
	Rejected Kind = "Rejected"
)

// Error is what went wrong with an action, whatever the service.
type Error struct {
	Kind Kind
	// Status is the service's, 0 where it did not answer.
	Status int
	// Code is the service's own, where it has one.
	Code string
	// Message is the service's own text, or a sentence of ours.
	Message string
	// RetryAfter is what the service asked for; 0 is nothing.
	RetryAfter time.Duration
	// Attempts is how many requests were sent.
	Attempts int

	unsent bool
	// begun says that the service had begun to do it.
	begun bool
	// region is the region of AWS that the service sends the request to.
	region string
	cause  error
}

// Error gives the message, and the code where the message does not begin with
// it.
func (e *Error) Error() string {
	if e.Code != "" && !strings.HasPrefix(e.Message, e.Code) {
		return e.Code + ": " + e.Message
	}
	return e.Message
}

// Unwrap gives what the error came from.
func (e *Error) Unwrap() error { return e.cause }

// Retryable tells whether the same call may succeed later.
func (e *Error) Retryable() bool {
	return e.Kind == Throttled || e.Kind == Unavailable || e.Kind == TimedOut
}

func refused(format string, args ...any) error {
	return &Error{Kind: Refused, Message: fmt.Sprintf(format, args...) + "."}
}

func invalid(format string, args ...any) error {
	return &Error{Kind: Invalid, Message: fmt.Sprintf(format, args...) + "."}
}
