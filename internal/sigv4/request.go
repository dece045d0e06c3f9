package sigv4

import (
	"net/http"
	"net/textproto"
	"strconv"
	"strings"
)

// A Request is what a signature covers, as it was on the wire.
type Request struct {
	Method string
	// RawPath is the path still escaped, exactly as it was sent.
	RawPath string
	// RawQuery is the query without its question mark.
	RawQuery string
	// Host is the Host header or :authority, with the port where one was sent.
	Host   string
	Header http.Header
	// ContentLength is the length of the body that the request announced, or
	// -1. It counts only where the header map holds no Content-Length.
	ContentLength int64
	Body          []byte
}

// FromHTTP gives the request that a server received, with the body it has read.
func FromHTTP(r *http.Request, body []byte) *Request {
	return &Request{
		Method: r.Method, RawPath: wirePath(r), RawQuery: r.URL.RawQuery, Host: r.Host,
		Header: r.Header, ContentLength: r.ContentLength, Body: body,
	}
}

// wirePath gives the path of the request line. The parsed URL is second
// choice: it may escape what the client sent bare, and that breaks a signature.
func wirePath(r *http.Request) string {
	target := r.RequestURI
	if target == "" {
		return r.URL.EscapedPath()
	}
	if target[0] != '/' { // absolute form, which proxies send: scheme://host/path
		_, rest, ok := strings.Cut(target, "://")
		if !ok {
			return target
		}
		slash := strings.IndexByte(rest, '/')
		if slash < 0 {
			return "/"
		}
		target = rest[slash:]
	}
	path, _, _ := strings.Cut(target, "?")
	return path
}

// values gives what the request says for a header, by its lower-case name.
// net/http takes some headers out of the map; this finds them again.
func (r *Request) values(name string) []string {
	switch name {
	case "host":
		return []string{r.Host}
	case "content-length":
		if v := r.Header["Content-Length"]; len(v) > 0 || r.ContentLength <= 0 {
			return v
		}
		return []string{strconv.FormatInt(r.ContentLength, 10)}
	}
	return r.Header[canonicalName(name)]
}

// canonicalName saves the allocation of textproto for the names that SDKs sign.
func canonicalName(lower string) string {
	switch lower {
	case "content-type":
		return "Content-Type"
	case "x-amz-date":
		return "X-Amz-Date"
	case "x-amz-security-token":
		return "X-Amz-Security-Token"
	case "x-amz-content-sha256":
		return "X-Amz-Content-Sha256"
	case "x-amz-user-agent":
		return "X-Amz-User-Agent"
	case "amz-sdk-invocation-id":
		return "Amz-Sdk-Invocation-Id"
	case "amz-sdk-request":
		return "Amz-Sdk-Request"
	}
	return textproto.CanonicalMIMEHeaderKey(lower)
}
