package sigv4

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"onsight/internal/fault"
)

// DefaultWindow is how far the client's clock may be from the server's, either way.
const DefaultWindow = 5 * time.Minute

// emptyHash is the hash of no body, which half of all requests have.
const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

// A Key is what the server knows of an access key.
type Key struct {
	// Secret is the secret access key that belongs to it.
	Secret string
	// Identity says who holds the key, in whatever form the server likes.
	// Verify hands it back in Signature.Identity.
	Identity any
}

// A Verifier checks signatures. Only Keys is required. It may be used by many
// goroutines at once, and must not be copied or changed after its first use.
type Verifier struct {
	// Keys finds the secret of an access key. The session token is empty for a
	// lasting key; the hook decides whether it belongs to the key. It answers
	// with fault.UnrecognizedClient for a key that is unknown or inactive or
	// whose token is wrong or missing, with fault.ExpiredToken for a session
	// that is over. Any error reaches the caller of Verify as it is.
	Keys func(ctx context.Context, accessKeyID, sessionToken string) (Key, error)

	// Window is the clock's tolerance; 0 means DefaultWindow.
	Window time.Duration

	// AllowedRegion decides which regions of the credential scope are served.
	// Nil takes every name that could be a region's.
	AllowedRegion func(region string) bool

	cache keyCache
}

// Verify checks that the request was signed for the service at about now, and
// says by whom. It fails with the faults of Parse and Keys, and with an
// InvalidSignatureException for everything that does not hold.
func (v *Verifier) Verify(ctx context.Context, r *Request, service string, now time.Time) (*Signature, error) {
	s, err := Parse(r)
	if err != nil {
		return nil, err
	}
	if err := v.checkScope(s, service); err != nil {
		return nil, err
	}
	if err := s.checkSignedHeaders(r); err != nil {
		return nil, err
	}
	if err := s.checkClock(now, cmp.Or(v.Window, DefaultWindow)); err != nil {
		return nil, err
	}
	b := scratches.Get().(*scratch)
	defer b.release()
	payload, err := s.payloadHash(b.payload[:], r.Body)
	if err != nil {
		return nil, err
	}

	known, keyErr := v.Keys(ctx, s.AccessKeyID, s.SessionToken)
	key, cached := dummyKey, true
	if keyErr == nil {
		key, cached = v.cache.find(&s.Credential, known.Secret)
	}
	matches := s.matches(b, r, key, payload)
	if keyErr != nil { // after the same work as for a key that exists
		return nil, keyErr
	}
	if !matches {
		return nil, fault.InvalidSignature("The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.")
	}
	if !cached { // only who holds the secret can fill the cache
		v.cache.add(&s.Credential, key)
	}
	s.Identity = known.Identity
	return s, nil
}

// dummyKey stands in for that of an unknown access key. No signature is ever accepted with it.
var dummyKey = deriveKey("no such access key", &Credential{Date: "20060102", Region: "us-east-1", Service: "quicksight"})

// matches computes the signature that the key's holder would make and compares
// in constant time. Clients disagree about odd paths and queries, so each of
// their ways is tried; all of them cover every byte that carries meaning.
func (s *Signature) matches(b *scratch, r *Request, key *signingKey, payload []byte) bool {
	path := r.RawPath
	if path == "" {
		path = "/"
	}
	ok := hmac.Equal(s.compute(b, r, path, bytes.Compare, key, payload), s.mac[:])
	if normal := normalPath(path); normal != path {
		ok = hmac.Equal(s.compute(b, r, normal, bytes.Compare, key, payload), s.mac[:]) || ok
	}
	if !ok && strings.Contains(r.RawQuery, "&") && strings.Contains(r.RawQuery, "%") {
		ok = hmac.Equal(s.compute(b, r, path, decodedOrder, key, payload), s.mac[:])
	}
	return ok && s.macOK
}

// compute gives the signature of a request whose Signature is otherwise
// filled in. It is valid until the scratch is used again.
func (s *Signature) compute(b *scratch, r *Request, path string, order queryOrder, key *signingKey, payload []byte) []byte {
	hash := sha256.Sum256(b.canonicalRequest(r, path, order, s.signedHeaders, payload, s.Presigned))
	b.canonical = appendStringToSign(b.canonical[:0], s, hash[:])
	b.mac = key.sum(b.mac, b.canonical)
	return b.mac
}

func appendStringToSign(t []byte, s *Signature, hash []byte) []byte {
	t = append(t, algorithm+"\n"...)
	t = append(t, s.date...)
	t = append(t, '\n')
	t = append(t, s.Date...)
	t = append(t, '/')
	t = append(t, s.Region...)
	t = append(t, '/')
	t = append(t, s.Service...)
	t = append(t, "/"+terminator+"\n"...)
	return hex.AppendEncode(t, hash)
}

func (v *Verifier) checkScope(s *Signature, service string) error {
	var wrong string
	if allowed := v.AllowedRegion; !ValidRegion(s.Region) || allowed != nil && !allowed(s.Region) {
		wrong = fmt.Sprintf("Credential should be scoped to a valid region, not '%s'. ", shown(s.Region))
	}
	if s.Service != service {
		wrong += fmt.Sprintf("Credential should be scoped to correct service: '%s'. ", service)
	}
	switch {
	case wrong != "":
		return fault.InvalidSignature("%s", wrong)
	case s.term != terminator:
		return fault.InvalidSignature("Credential should be scoped with a valid terminator: '%s'", terminator)
	case s.Date != s.date[:8]:
		return fault.InvalidSignature("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.", shown(s.Date), s.date[:8], s.date)
	}
	return nil
}

// ValidRegion reports whether a text has the form of a region's name: letters,
// digits and hyphens. It does not ask whether there is such a region. What a
// request calls its region becomes part of ARNs and messages.
func ValidRegion(v string) bool {
	const longest = 32
	for i := range len(v) {
		if c := v[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
			return false
		}
	}
	return v != "" && len(v) <= longest
}

// checkSignedHeaders refuses a list that is not in its one form, and one that
// leaves out what an attacker could then change.
func (s *Signature) checkSignedHeaders(r *Request) error {
	var last string
	var host, date, token, payload bool
	for name := range strings.SplitSeq(s.signedHeaders, ";") {
		if name <= last || !lowerToken(name) {
			return fault.InvalidSignature("SignedHeaders must be header names in lower case, sorted and each given once, with semicolons between them.")
		}
		switch last = name; name {
		case "host":
			host = true
		case "x-amz-date":
			date = true
		case "x-amz-security-token":
			token = true
		case "x-amz-content-sha256":
			payload = true
		}
	}
	switch {
	case !host:
		return fault.InvalidSignature("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	case !date && len(r.Header["X-Amz-Date"]) > 0:
		return notSigned("X-Amz-Date")
	case !token && len(r.Header["X-Amz-Security-Token"]) > 0:
		return notSigned("X-Amz-Security-Token")
	case !payload && len(r.Header["X-Amz-Content-Sha256"]) > 0:
		return notSigned("X-Amz-Content-Sha256")
	}
	return nil
}

func notSigned(name string) error {
	return fault.InvalidSignature("'%s' must be a 'SignedHeader' in the AWS Authorization.", name)
}

// lowerToken reports whether v is a header's name (RFC 9110) without upper-case letters.
func lowerToken(v string) bool {
	for i := range len(v) {
		if c := v[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return v != ""
}

func (s *Signature) checkClock(now time.Time, window time.Duration) error {
	now = now.UTC()
	if latest := now.Add(window); s.Time.After(latest) {
		return fault.InvalidSignature("Signature not yet current: %s is still later than %s (%s + %s)",
			s.date, latest.Format(basicISO), now.Format(basicISO), span(window))
	}
	age := window
	if s.Presigned {
		age = s.Expires
	}
	if earliest := now.Add(-age); s.Time.Before(earliest.Truncate(time.Second)) || s.Presigned && !s.Time.After(earliest) {
		return fault.InvalidSignature("Signature expired: %s is now earlier than %s (%s - %s)",
			s.date, earliest.Format(basicISO), now.Format(basicISO), span(age))
	}
	return nil
}

// span writes a duration as the messages of the real service do: 5 min.
func span(d time.Duration) string {
	if d%time.Minute == 0 {
		return fmt.Sprintf("%d min.", d/time.Minute)
	}
	return fmt.Sprintf("%d sec.", d/time.Second)
}

// payloadHash gives the hash of the body in hex, written to buf, and holds it
// against the one that the request announces.
func (s *Signature) payloadHash(buf, body []byte) ([]byte, error) {
	if s.payload == "UNSIGNED-PAYLOAD" || strings.HasPrefix(s.payload, "STREAMING-") {
		return nil, fault.InvalidSignature("The body must be signed: x-amz-content-sha256 is '%s', which this service does not accept.", shown(s.payload))
	}
	hash := appendPayloadHash(buf[:0], body)
	if s.payload != "" && s.payload != string(hash) {
		return nil, fault.InvalidSignature("The provided 'x-amz-content-sha256' header does not match what was computed.")
	}
	return hash, nil
}

// appendPayloadHash appends the hash of the body in hex.
func appendPayloadHash(dst, body []byte) []byte {
	if len(body) == 0 {
		return append(dst, emptyHash...)
	}
	sum := sha256.Sum256(body)
	return hex.AppendEncode(dst, sum[:])
}
