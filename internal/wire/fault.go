package wire

import (
	"bytes"
	"cmp"
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"

	"onsight/internal/fault"
)

// AppendFault is Service.AppendFault for the service of the operation, or for
// QuickSight where there is none.
func AppendFault(dst []byte, o *Operation, f *fault.Fault, requestID string) (body []byte, status int, code string) {
	s := quickSight()
	if o != nil {
		s = o.service
	}
	return s.AppendFault(dst, o, f, requestID)
}

// AppendFault appends the body of an error to dst and returns it with the HTTP
// status and the error's code. o is the operation that failed, or nil where
// none was found.
//
// An exception of the model has the model's status and members Message,
// RequestId and ResourceType as far as it has them; what stands before the
// operations has message. Where the operation does not declare the code, a
// close one that it does declare takes its place, for SDKs give typed errors
// only for those; if there is none the code stays. The query face has codes of
// its own for what stands before the operations.
func (s *Service) AppendFault(dst []byte, o *Operation, f *fault.Fault, requestID string) (body []byte, status int, code string) {
	switch s.protocol {
	case Query:
		return s.appendXMLFault(dst, f, requestID)
	case JSON11:
		return s.appendJSON11Fault(dst, o, f)
	case RestJSON:
	}
	code = o.declared(f.Code)
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
		return appendStrings(dst, map[string]string{messageName(f): f.Message}, f.Members), status, code
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

// messageName is the name of the message in a body of JSON.
func messageName(f *fault.Fault) string {
	if f.Front {
		return "message"
	}
	return "Message"
}

// appendJSON11Fault writes an error of the JSON 1.1 face. Its services know
// three kinds of status: all that is the caller's is 400, whatever it is
// elsewhere.
func (s *Service) appendJSON11Fault(dst []byte, o *Operation, f *fault.Fault) (body []byte, status int, code string) {
	code = o.declared(f.Code)
	status = cmp.Or(f.Status, http.StatusBadRequest)
	switch exception := s.exception(code); {
	case exception != nil:
		status = exception.errorCode
	case status >= http.StatusInternalServerError || status == http.StatusRequestEntityTooLarge:
	case code == "InternalFailureException":
		status = http.StatusInternalServerError
	default:
		status = http.StatusBadRequest
	}
	return appendStrings(dst, map[string]string{"__type": code, messageName(f): f.Message}, f.Members), status, code
}

// A queryCode is an error of the query face: what its services say in place
// of a code of QuickSight's.
type queryCode struct {
	code   string
	status int
	// modelled is the code instead for a service that has it in its model.
	modelled string
}

// queryCodes are the common errors of IAM and STS, by the codes with which the
// rest of Onsight knows them.
var queryCodes = map[string]queryCode{
	"MissingAuthenticationTokenException": {"MissingAuthenticationToken", http.StatusForbidden, ""},
	"IncompleteSignatureException":        {"IncompleteSignature", http.StatusBadRequest, ""},
	"InvalidSignatureException":           {"SignatureDoesNotMatch", http.StatusForbidden, ""},
	"UnrecognizedClientException":         {"InvalidClientTokenId", http.StatusForbidden, ""},
	"ExpiredTokenException":               {"ExpiredToken", http.StatusForbidden, ""},
	"AccessDeniedException":               {"AccessDenied", http.StatusForbidden, ""},
	"ThrottlingException":                 {"Throttling", http.StatusBadRequest, ""},
	"ValidationException":                 {"ValidationError", http.StatusBadRequest, ""},
	"SerializationException":              {"MalformedInput", http.StatusBadRequest, ""},
	"MalformedHttpRequestException":       {"MalformedQueryString", http.StatusBadRequest, ""},
	"InvalidNextTokenException":           {"ValidationError", http.StatusBadRequest, ""},
	"InvalidParameterValueException":      {"InvalidParameterValue", http.StatusBadRequest, "InvalidInput"},
	"RequestEntityTooLargeException":      {"RequestEntityTooLarge", http.StatusRequestEntityTooLarge, ""},
	"NotImplementedException":             {"NotImplemented", http.StatusNotImplemented, ""},
	"ResourceUnavailableException":        {"ServiceUnavailable", http.StatusServiceUnavailable, ""},
	"InternalFailureException":            {"InternalFailure", http.StatusInternalServerError, "ServiceFailure"},
}

// appendXMLFault writes an error of the query face.
func (s *Service) appendXMLFault(dst []byte, f *fault.Fault, requestID string) (body []byte, status int, code string) {
	code, status = s.queryCode(f)
	sender := "Sender"
	if status >= http.StatusInternalServerError {
		sender = "Receiver"
	}
	dst = append(dst, `<ErrorResponse xmlns="`...)
	dst = append(dst, s.xmlns...)
	dst = append(dst, `"><Error><Type>`...)
	dst = append(dst, sender...)
	dst = append(dst, "</Type><Code>"...)
	dst = appendXMLText(dst, code)
	dst = append(dst, "</Code><Message>"...)
	dst = appendXMLText(dst, f.Message)
	dst = append(dst, "</Message></Error><RequestId>"...)
	dst = appendXMLText(dst, requestID)
	return append(dst, "</RequestId></ErrorResponse>"...), status, code
}

// queryCode returns the code and the status of an error on the query face.
func (s *Service) queryCode(f *fault.Fault) (code string, status int) {
	if e := s.exception(f.Code); e != nil && !f.Front {
		return e.code, cmp.Or(f.Status, e.errorCode)
	}
	if c, ok := queryCodes[f.Code]; ok {
		if e := s.exception(c.modelled); e != nil {
			return e.code, e.errorCode
		}
		return c.code, c.status
	}
	status = f.Status
	for _, c := range queryCodes {
		if c.code == f.Code {
			status = cmp.Or(status, c.status)
		}
	}
	return f.Code, cmp.Or(status, http.StatusBadRequest)
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

// exception returns the shape of an exception of the model, by its name or
// by its code on the wire, or nil.
func (s *Service) exception(code string) *shape {
	name := code
	if _, ok := s.raw[name]; !ok {
		if name, ok = s.byCode()[code]; !ok {
			return nil
		}
	}
	sh, err := s.shape(name)
	if err != nil || sh.errorCode == 0 {
		return nil
	}
	return sh
}

// byCode returns the names of the exceptions that operations declare by their
// codes on the wire, where these differ.
func (s *Service) byCode() map[string]string {
	s.codesOnce.Do(func() {
		s.codes = make(map[string]string)
		for _, o := range s.operations {
			for _, name := range o.Errors {
				if sh, err := s.shape(name); err == nil && sh.code != name {
					s.codes[sh.code] = name
				}
			}
		}
	})
	return s.codes
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
// a colon or precedes a # is left out. XML has the code in its Error. A body
// that is neither JSON nor XML gives a fault with the status alone.
func DecodeFault(status int, errorType string, body []byte) *fault.Fault {
	f := &fault.Fault{Status: status}
	if bytes.HasPrefix(body, []byte("<")) {
		f.Code = http.StatusText(status)
		if root, err := parseXML(body); err == nil {
			for _, e := range root.kid("Error").allKids() {
				switch e.name {
				case "Code":
					f.Code = e.text
				case "Message":
					f.Message = e.text
				}
			}
		}
		return f
	}
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
