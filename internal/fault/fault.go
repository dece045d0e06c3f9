// Package fault holds what can go wrong, in the words of the API.
//
// A handler returns one of these for everything that a caller can act on; any
// other error is answered as an InternalFailureException and only logged.
// Which HTTP status and which body a code has is the wire's business: the
// model declares them, and Status overrides the model where the same code is
// answered with two statuses.
package fault

import (
	"errors"
	"fmt"
)

// A Fault is an error of the API's own kind.
type Fault struct {
	// Code is the exception's name, such as ResourceNotFoundException.
	Code string
	// Message is a sentence for the caller. It never holds a secret.
	Message string
	// ResourceType is a value of ExceptionResourceType, or empty.
	ResourceType string
	// Status is the HTTP status where it differs from the model's, or 0.
	Status int
	// Front marks what is answered before an operation runs (signature,
	// routing, parsing, validation); its body has "message", not "Message".
	Front bool
	// Authorization is the encoded message that tells who may decode it
	// (sts:DecodeAuthorizationMessage) why policies denied the call. It travels
	// in a header, for the text is the real service's.
	Authorization string
	// Members are further members of the exception's body.
	Members map[string]string
}

// Error gives the code and the message.
func (f *Fault) Error() string { return f.Code + ": " + f.Message }

// Of returns the fault inside err. An error that holds none becomes an
// InternalFailureException that says nothing of it. Of(nil) is nil.
func Of(err error) *Fault {
	if err == nil {
		return nil
	}
	if f, ok := errors.AsType[*Fault](err); ok {
		return f
	}
	return &Fault{Code: "InternalFailureException", Message: "An internal failure occurred."}
}

// Values of ExceptionResourceType, as far as Onsight answers with them.
const (
	User            = "USER"
	Group           = "GROUP"
	Namespace       = "NAMESPACE"
	AccountSettings = "ACCOUNT_SETTINGS"
	VPCConnection   = "VPC_CONNECTION"

	IAMPolicyAssignment = "IAMPOLICY_ASSIGNMENT"
)

// New is an error of the API with that code, such as iamapi.ErrNoSuchEntity.
// Its status is the model's.
func New(code, format string, args ...any) *Fault {
	return &Fault{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Exists is a ResourceExistsException: the name is taken. The resource type may be empty.
func Exists(resourceType, format string, args ...any) *Fault {
	return &Fault{Code: "ResourceExistsException", ResourceType: resourceType, Message: fmt.Sprintf(format, args...)}
}

// NotFound is a ResourceNotFoundException. The resource type may be empty.
func NotFound(resourceType, format string, args ...any) *Fault {
	return &Fault{Code: "ResourceNotFoundException", ResourceType: resourceType, Message: fmt.Sprintf(format, args...)}
}

// Conflict is a ConflictException: the resource is in a state that does not allow it.
func Conflict(format string, args ...any) *Fault {
	return &Fault{Code: "ConflictException", Message: fmt.Sprintf(format, args...)}
}

// Invalid is an InvalidParameterValueException: well-formed, but not meaningful.
func Invalid(format string, args ...any) *Fault {
	return &Fault{Code: "InvalidParameterValueException", Message: fmt.Sprintf(format, args...)}
}

// Precondition is a PreconditionNotMetException.
func Precondition(format string, args ...any) *Fault {
	return &Fault{Code: "PreconditionNotMetException", Message: fmt.Sprintf(format, args...)}
}

// Limit is a LimitExceededException. The resource type may be empty.
func Limit(resourceType, format string, args ...any) *Fault {
	return &Fault{Code: "LimitExceededException", ResourceType: resourceType, Message: fmt.Sprintf(format, args...)}
}

// Denied is the AccessDeniedException of the service itself, HTTP 401: wrong
// region, edition or authentication method.
func Denied(format string, args ...any) *Fault {
	return &Fault{Code: "AccessDeniedException", Message: fmt.Sprintf(format, args...)}
}

// Forbidden is the AccessDeniedException of a policy decision, HTTP 403.
func Forbidden(format string, args ...any) *Fault {
	return &Fault{Code: "AccessDeniedException", Status: 403, Message: fmt.Sprintf(format, args...)}
}

// UnsupportedEdition is an UnsupportedUserEditionException.
func UnsupportedEdition(format string, args ...any) *Fault {
	return &Fault{Code: "UnsupportedUserEditionException", Message: fmt.Sprintf(format, args...)}
}

// InvalidNextToken is an InvalidNextTokenException: not of this list, altered, or over 24 hours old.
func InvalidNextToken() *Fault {
	return &Fault{Code: "InvalidNextTokenException", Message: "The NextToken value isn't valid."}
}

// Throttled is a ThrottlingException.
func Throttled() *Fault {
	return &Fault{Code: "ThrottlingException", Message: "Rate exceeded"}
}

// Unavailable is a ResourceUnavailableException, HTTP 503: a caller may try again.
func Unavailable(format string, args ...any) *Fault {
	return &Fault{Code: "ResourceUnavailableException", Message: fmt.Sprintf(format, args...)}
}

// NotImplemented says that an operation of the model has no answer yet, HTTP 501.
func NotImplemented(operation string) *Fault {
	return &Fault{
		Code: "NotImplementedException", Status: 501, Front: true,
		Message: fmt.Sprintf("%s is not implemented by this version of Onsight; docs/operations.md lists the operations that are.", operation),
	}
}

// Validation is a ValidationException: the request breaks a rule of the model.
func Validation(message string) *Fault { return front("ValidationException", 400, message) }

// Serialization is a SerializationException: the request cannot be read.
func Serialization(format string, args ...any) *Fault {
	return front("SerializationException", 400, fmt.Sprintf(format, args...))
}

// UnknownOperation says that no operation has this method and path.
func UnknownOperation(method, path string) *Fault {
	return front("UnknownOperationException", 404, fmt.Sprintf("No operation has method %s and path %s.", method, path))
}

// UnknownTarget says that the X-Amz-Target header names no operation.
func UnknownTarget(target string) *Fault {
	return front("UnknownOperationException", 404, fmt.Sprintf("There is no operation %s.", target))
}

// MissingAction says that a request on the query face names no operation.
func MissingAction() *Fault {
	return front("MissingAction", 400, "The request is missing an action or a required parameter.")
}

// InvalidAction says that no operation of the query face has this name and version.
func InvalidAction(action, version string) *Fault {
	return front("InvalidAction", 400, fmt.Sprintf("Could not find operation %s for version %s", action, version))
}

// UnsupportedMediaType says that a body came with a Content-Type other than application/json.
func UnsupportedMediaType(format string, args ...any) *Fault {
	return front("UnsupportedMediaTypeException", 415, fmt.Sprintf(format, args...))
}

// NotAcceptable says that the caller's Accept header leaves no room for application/json.
func NotAcceptable(format string, args ...any) *Fault {
	return front("NotAcceptableException", 406, fmt.Sprintf(format, args...))
}

// TooLarge is a RequestEntityTooLargeException; limit is in bytes.
func TooLarge(limit int64) *Fault {
	return front("RequestEntityTooLargeException", 413, fmt.Sprintf("The request body is larger than the limit of %d bytes.", limit))
}

// MalformedRequest is a MalformedHttpRequestException.
func MalformedRequest(format string, args ...any) *Fault {
	return front("MalformedHttpRequestException", 400, fmt.Sprintf(format, args...))
}

// MissingAuthenticationToken says that the request is not signed at all.
func MissingAuthenticationToken() *Fault {
	return front("MissingAuthenticationTokenException", 403, "Request is missing Authentication Token")
}

// IncompleteSignature says what the signature lacks.
func IncompleteSignature(format string, args ...any) *Fault {
	return front("IncompleteSignatureException", 403, fmt.Sprintf(format, args...))
}

// InvalidSignature says why a complete signature does not hold.
func InvalidSignature(format string, args ...any) *Fault {
	return front("InvalidSignatureException", 403, fmt.Sprintf(format, args...))
}

// UnrecognizedClient says that the access key or its session token is not known.
func UnrecognizedClient() *Fault {
	return front("UnrecognizedClientException", 403, "The security token included in the request is invalid.")
}

// ExpiredToken says that the session of the credentials has ended.
func ExpiredToken() *Fault {
	return front("ExpiredTokenException", 403, "The security token included in the request is expired")
}

func front(code string, status int, message string) *Fault {
	return &Fault{Code: code, Status: status, Message: message, Front: true}
}
