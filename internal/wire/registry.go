package wire

import (
	"net/http"
	"strings"
	"sync"

	"onsight/internal/fault"
)

const formType = "application/x-www-form-urlencoded"

// AtRoot tells which protocol a request to the path / speaks: JSON11 where
// X-Amz-Target names the operation, Query where a form can. RestJSON, which
// has no operation there, is left for all else.
func AtRoot(method, rawQuery string, h http.Header) Protocol {
	if len(h["X-Amz-Target"]) > 0 {
		return JSON11
	}
	contentType := h.Get("Content-Type")
	if method == http.MethodPost && isForm(contentType) {
		return Query
	}
	if method == http.MethodGet || method == http.MethodPost {
		for pair := range strings.SplitSeq(rawQuery, "&") {
			if name, _, _ := strings.Cut(pair, "="); name == "Action" || name == "Version" {
				return Query
			}
		}
	}
	return RestJSON
}

// isForm tells whether a body of that Content-Type is a form. One that does
// not say is taken for one.
func isForm(contentType string) bool {
	return contentType == "" || contentType == formType || mediaType(contentType) == formType
}

// awsFault is the namespace of errors that are of no service.
const awsFault = "http://webservices.amazon.com/AWSFault/2005-15-09"

// strangers stand for the service of a request that names none that there is,
// so that the answer speaks its protocol all the same.
var strangers = map[Protocol]*Service{
	Query:  {protocol: Query, xmlns: awsFault},
	JSON11: {protocol: JSON11},
}

// Stranger is the service of a request to the path / as long as none is found.
// It has no operations.
func Stranger(p Protocol) *Service { return strangers[p] }

// byVersion are the services of the query face by their versions.
var byVersion = sync.OnceValue(func() map[string]*Service {
	all := make(map[string]*Service)
	for _, s := range ofProtocol(Query) {
		all[s.version] = s
	}
	return all
})

// byTarget are the services of the JSON 1.1 face by what X-Amz-Target begins
// with: boto3 sends a prefix with its package, the JavaScript SDK the last
// part alone.
var byTarget = sync.OnceValue(func() map[string]*Service {
	all := make(map[string]*Service)
	for _, s := range ofProtocol(JSON11) {
		all[s.targetPrefix] = s
		all[s.targetPrefix[strings.LastIndexByte(s.targetPrefix, '.')+1:]] = s
	}
	return all
})

func ofProtocol(p Protocol) []*Service {
	var all []*Service
	for name := range builtIn {
		if s := Of(name); s.protocol == p {
			all = append(all, s)
		}
	}
	return all
}

// FindAction returns the operation that a form's Action and Version name. The
// service is that of the version, so that errors can be told in its words; it
// is not nil where there is none.
func FindAction(f Form) (*Service, *Operation, error) {
	stranger := strangers[Query]
	for _, name := range []string{"Action", "Version"} {
		count := 0
		for i := range f.parameters {
			if f.parameters[i].name == name {
				count++
			}
		}
		if count > 1 { // who looks at the one would not see the other
			return stranger, nil, givenTwice(name)
		}
	}
	action, ok := f.Get("Action")
	if !ok {
		return stranger, nil, fault.MissingAction()
	}
	version, ok := f.Get("Version")
	if !ok {
		version = "NO_VERSION_SPECIFIED"
	}
	if s := byVersion()[version]; s != nil {
		if o := s.Lookup(action); o != nil {
			return s, o, nil
		}
	}
	return stranger, nil, fault.InvalidAction(cut(action, maxPath), cut(version, maxPath))
}

// FindTarget returns the operation that an X-Amz-Target header names, in the
// manner of FindAction.
func FindTarget(target string) (*Service, *Operation, error) {
	if dot := strings.LastIndexByte(target, '.'); dot >= 0 {
		if s := byTarget()[target[:dot]]; s != nil {
			if o := s.Lookup(target[dot+1:]); o != nil {
				return s, o, nil
			}
		}
	}
	return strangers[JSON11], nil, fault.UnknownTarget(cut(target, maxPath))
}
