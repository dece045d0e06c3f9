package scim

import (
	"errors"
	"fmt"
	"net/http"
	"strconv"

	"onsight/internal/fault"
	"onsight/internal/store"
)

// An Error is what a centre is told that went wrong, in SCIM's form.
type Error struct {
	Status int
	// Type is the scimType; empty for none.
	Type   string
	Detail string
}

func (e *Error) Error() string { return strconv.Itoa(e.Status) + " " + e.Type + ": " + e.Detail }

// The values of scimType (RFC 7644, 3.12).
const (
	invalidFilter = "invalidFilter"
	tooMany       = "tooMany"
	uniqueness    = "uniqueness"
	mutability    = "mutability"
	invalidSyntax = "invalidSyntax"
	invalidPath   = "invalidPath"
	noTarget      = "noTarget"
	invalidValue  = "invalidValue"
)

// bad is a 400 with a scimType.
func bad(kind, format string, args ...any) *Error {
	return &Error{http.StatusBadRequest, kind, fmt.Sprintf(format, args...)}
}

func refusal(status int, format string, args ...any) *Error {
	return &Error{status, "", fmt.Sprintf(format, args...)}
}

func absent(kind, id string) *Error {
	return refusal(http.StatusNotFound, "There is no %s with id %q.", kind, clip(id))
}

// errorOf gives the Error for what has gone wrong; ok is false for what is a
// mistake of ours.
func errorOf(err error) (e *Error, ok bool) {
	if e, ok := errors.AsType[*Error](err); ok {
		return e, true
	}
	f, ok := errors.AsType[*fault.Fault](err)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return refusal(http.StatusNotFound, "The account has no such namespace any more, or is managed by no identity centre."), true
	case !ok:
		return refusal(http.StatusInternalServerError, "An internal failure occurred."), false
	}
	switch f.Code {
	case "ResourceExistsException":
		return &Error{http.StatusConflict, uniqueness, f.Message}, true
	case "ConflictException":
		return refusal(http.StatusConflict, "%s", f.Message), true
	case "LimitExceededException":
		return refusal(http.StatusForbidden, "%s", f.Message), true
	case "InvalidParameterValueException":
		return bad(invalidValue, "%s", f.Message), true
	case "ResourceUnavailableException":
		return refusal(http.StatusServiceUnavailable, "%s", f.Message), true
	}
	return refusal(http.StatusInternalServerError, "An internal failure occurred."), false
}

// clip shortens what a text repeats of what was sent.
func clip(s string) string {
	const most = 100
	if len(s) <= most {
		return s
	}
	n := most
	for n > 0 && s[n]&0xc0 == 0x80 {
		n--
	}
	return s[:n] + "…"
}
