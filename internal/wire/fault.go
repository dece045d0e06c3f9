package wire

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"onsight/internal/fault"
)

// AppendFault appends the body of an error to dst and returns it with the HTTP
// status and the value of the x-amzn-ErrorType header. o is the operation that
// failed, or nil where none was found.
//
// An exception of the model has the model's status and members Message,
// RequestId and ResourceType as far as it has them; what stands before the
// operations has message. Where the operation does not declare the code, a
// close one that it does declare takes its place, for SDKs give typed errors
// only for those; if there is none the code stays.
func AppendFault(dst []byte, o *Operation, f *fault.Fault, requestID string) (body []byte, status int, errorType string) {
	s := quickSight()
	if o != nil {
		s = o.service
	}
	code := o.declared(f.Code)
	exception := s.exception(code)
	switch {
	case f.Status != 0:
		status = f.Status
	case exception != nil:
		status = exception.errorCode
	case frontStatus[code] != 0:
		status = frontStatus[code]
	case f.Front:
		status = http.StatusBadRequest
	default:
		status = http.StatusInternalServerError
	}
	if f.Front || exception == nil {
		key := "Message"
		if f.Front {
			key = "message"
		}
		return appendStrings(dst, map[string]string{key: f.Message}, f.Members), status, code
	}
	members := map[string]string{}
	for i := range exception.members {
		switch m := &exception.members[i]; {
		case strings.EqualFold(m.name, "Message"):
			members[m.wire] = f.Message
		case strings.EqualFold(m.name, "RequestId") && requestID != "":
			members[m.wire] = requestID
		case m.name == "ResourceType" && f.ResourceType != "":
			members[m.wire] = f.ResourceType
		}
	}
	return appendStrings(dst, members, f.Members), status, code
}

// substitutes are codes that come close to one that an operation may not
// declare, best first.
var substitutes = map[string][]string{
	"InvalidNextTokenException":      {"InvalidParameterValueException", "InvalidParameterException", "InvalidRequestException"},
	"InvalidParameterValueException": {"InvalidParameterException", "InvalidRequestException"},
	"InternalFailureException":       {"InternalServerException"},
}

// declared returns the code to send for a fault of the operation.
func (o *Operation) declared(code string) string {
	if o == nil || o.Declares(code) {
		return code
	}
	for _, other := range substitutes[code] {
		if o.Declares(other) {
			return other
		}
	}
	return code
}

// exception returns the shape of an exception of the model, or nil.
func (s *Service) exception(code string) *shape {
	if _, ok := s.raw[code]; !ok {
		return nil
	}
	sh, err := s.shape(code)
	if err != nil || sh.errorCode == 0 {
		return nil
	}
	return sh
}

// appendStrings writes an object of strings, sorted by name.
func appendStrings(dst []byte, members, more map[string]string) []byte {
	for name, value := range more {
		if _, ok := members[name]; !ok {
			members[name] = value
		}
	}
	dst = append(dst, '{')
	for i, name := range slices.Sorted(maps.Keys(members)) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendText(dst, name), ':')
		dst = appendText(dst, members[name])
	}
	return append(dst, '}')
}

// DecodeFault reads an error answer as SDKs do: the code from the
// x-amzn-ErrorType header, else from the body's code or __type; what follows
// a colon or precedes a # is left out. A body that is not JSON gives a fault
// with the status alone.
func DecodeFault(status int, errorType string, body []byte) *fault.Fault {
	f := &fault.Fault{Status: status}
	var all map[string]any
	_ = json.Unmarshal(body, &all) // the code can stand without a body that can be read
	for name, value := range all {
		text, ok := value.(string)
		if !ok {
			continue
		}
		switch name {
		case "Message":
			f.Message = text
		case "message":
			f.Message, f.Front = text, true
		case "ResourceType":
			f.ResourceType = text
		case "code", "__type":
			if errorType == "" {
				errorType = text
			}
		default:
			if f.Members == nil {
				f.Members = make(map[string]string)
			}
			f.Members[name] = text
		}
	}
	errorType, _, _ = strings.Cut(errorType, ":")
	if i := strings.LastIndexByte(errorType, '#'); i >= 0 {
		errorType = errorType[i+1:]
	}
	if f.Code = errorType; f.Code == "" {
		f.Code = http.StatusText(status)
	}
	return f
}
