package sts

import (
	"net/http"

	"onsight/internal/fault"
	"onsight/internal/stsapi"
)

// accessDenied says that the call is not for this caller.
func accessDenied(format string, args ...any) *fault.Fault {
	f := fault.New("AccessDenied", format, args...)
	f.Status = http.StatusForbidden
	return f
}

// validationError says that an input breaks a rule that the model does not state.
func validationError(format string, args ...any) error {
	return badRequest("ValidationError", format, args...)
}

// invalidParameter says that an input is well-formed and means nothing.
func invalidParameter(format string, args ...any) error {
	return badRequest("InvalidParameterValue", format, args...)
}

func badRequest(code, format string, args ...any) error {
	f := fault.New(code, format, args...)
	f.Status = http.StatusBadRequest
	return f
}

// invalidToken says why the token of an identity provider is not accepted.
func invalidToken(format string, args ...any) error {
	return fault.New(stsapi.ErrInvalidIdentityToken, format, args...)
}

// notAuthorized is the refusal of a caller's call, in the short words that STS
// has for it. It is the same for a role that is not there.
func notAuthorized(caller, action, resource string) *fault.Fault {
	return accessDenied("User: %s is not authorized to perform: %s on resource: %s", caller, action, resource)
}
