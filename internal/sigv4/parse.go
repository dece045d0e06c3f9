package sigv4

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"onsight/internal/fault"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	terminator = "aws4_request"
	// basicISO is the layout of X-Amz-Date, ISO 8601 in its basic form.
	basicISO = "20060102T150405Z"

	// DefaultExpires is how long a presigned request holds that does not say.
	DefaultExpires = 15 * time.Minute
	maxExpires     = 7 * 24 * time.Hour
)

// A Credential says who signed, for which day, region and service. Nothing of
// it is proven before Verify.
type Credential struct {
	AccessKeyID string
	Date        string // yyyymmdd
	Region      string
	Service     string
}

// A Signature is what a request claims about who sent it.
type Signature struct {
	Credential
	// Time is when it was signed, to the second.
	Time time.Time
	// Presigned tells the query form from the Authorization header.
	Presigned bool
	// Expires is how long after Time a presigned request holds, or 0.
	Expires time.Duration
	// SessionToken comes with temporary credentials; empty with lasting ones.
	SessionToken string
	// Identity is what Verifier.Keys said of the access key; nil after Parse alone.
	Identity any

	date          string // as in the string to sign
	term          string
	signedHeaders string
	payload       string // the announced x-amz-content-sha256, or empty
	mac           [sha256.Size]byte
	macOK         bool // the signature was 64 lower-case hex digits
}

// Parse reads the signature of a request without checking it: no secret is
// needed, and nothing is proven. A request without any is a
// MissingAuthenticationTokenException; one whose signature cannot be read, or
// that carries both forms, an IncompleteSignatureException. No message repeats
// a credential.
func Parse(r *Request) (*Signature, error) {
	header, presigned := r.Header["Authorization"], presigned(r.RawQuery)
	switch {
	case presigned && len(header) > 0:
		return nil, fault.IncompleteSignature("The request is signed twice, in the Authorization header and in the query string. Sign it once.")
	case presigned:
		return parseQuery(r)
	case len(header) == 0 || header[0] == "" && len(header) == 1:
		return nil, fault.MissingAuthenticationToken()
	case len(header) > 1:
		return nil, fault.IncompleteSignature("The request has more than one Authorization header.")
	}
	return parseHeader(r, header[0])
}

func parseHeader(r *Request, header string) (*Signature, error) {
	scheme, rest, _ := strings.Cut(header, " ")
	if strings.Contains(scheme, "=") {
		return nil, fault.IncompleteSignature("Authorization header must begin with the algorithm name, which cannot include an equal-sign")
	}
	if scheme != algorithm && strings.HasPrefix(scheme, "AWS4-") {
		return nil, unsupported(scheme)
	}
	var credential, signature, signedHeaders string
	for item := range strings.SplitSeq(rest, ",") {
		item = strings.TrimSpace(item)
		if item == "" {
			continue
		}
		key, value, ok := strings.Cut(item, "=")
		if !ok {
			return nil, fault.IncompleteSignature("Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '%s'.", hashed(item))
		}
		var into *string
		switch key {
		case "Credential":
			into = &credential
		case "Signature":
			into = &signature
		case "SignedHeaders":
			into = &signedHeaders
		default:
			continue
		}
		if *into != "" {
			return nil, fault.IncompleteSignature("Authorization header has the '%s' parameter twice.", key)
		}
		*into = value
	}

	dateHeader := "X-Amz-Date"
	if len(r.Header[dateHeader]) == 0 {
		dateHeader = "Date"
	}
	date, err := single(r.Header, dateHeader)
	if err != nil {
		return nil, err
	}
	if scheme != algorithm || credential == "" || signature == "" || signedHeaders == "" || date == "" {
		return nil, missingParts(header, credential, signature, signedHeaders, date)
	}

	s := &Signature{signedHeaders: signedHeaders}
	s.setMAC(signature)
	if err := s.setCredential(credential); err != nil {
		return nil, err
	}
	if err := s.setTime(date, dateHeader == "Date"); err != nil {
		return nil, err
	}
	if s.SessionToken, err = single(r.Header, "X-Amz-Security-Token"); err != nil {
		return nil, err
	}
	if s.payload, err = single(r.Header, "X-Amz-Content-Sha256"); err != nil {
		return nil, err
	}
	return s, nil
}

// missingParts names each part that the Authorization header lacks.
func missingParts(header, credential, signature, signedHeaders, date string) error {
	var b strings.Builder
	for _, part := range []struct{ name, value string }{
		{"Credential", credential}, {"Signature", signature}, {"SignedHeaders", signedHeaders},
	} {
		if part.value == "" {
			b.WriteString("Authorization header requires '" + part.name + "' parameter. ")
		}
	}
	if date == "" {
		b.WriteString("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
	}
	if b.Len() == 0 { // complete, but under a name such as Basic
		b.WriteString("Authorization header must begin with '" + algorithm + "'. ")
	}
	return fault.IncompleteSignature("%s(Hashed with SHA-256 and encoded with Base64) Authorization=%s", b.String(), hashed(header))
}

// The parameters of the query form, in the order in which their absence is reported.
var queryNames = [...]string{
	"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Signature", "X-Amz-SignedHeaders", "X-Amz-Date",
	"X-Amz-Expires", "X-Amz-Security-Token", "X-Amz-Content-Sha256",
}

const (
	queryAlgorithm = iota
	queryCredential
	querySignature
	querySignedHeaders
	queryDate
	queryExpires
	queryToken
	queryPayload
)

// presigned reports whether the query has a parameter that only a presigned request has.
func presigned(rawQuery string) bool {
	if !strings.Contains(rawQuery, "X-Amz-") && !strings.Contains(rawQuery, "%") {
		return false
	}
	for part := range strings.SplitSeq(rawQuery, "&") {
		if queryName(part) >= 0 {
			return true
		}
	}
	return false
}

// queryName gives the index in queryNames of a query part's key, or -1.
func queryName(part string) int {
	key, _, _ := strings.Cut(part, "=")
	key, err := url.QueryUnescape(key)
	if err != nil {
		return -1
	}
	for i, name := range queryNames {
		if key == name {
			return i
		}
	}
	return -1
}

func parseQuery(r *Request) (*Signature, error) {
	var values [len(queryNames)]string
	var seen [len(queryNames)]bool
	for part := range strings.SplitSeq(r.RawQuery, "&") {
		i := queryName(part)
		if i < 0 {
			continue
		}
		_, value, _ := strings.Cut(part, "=")
		value, err := url.QueryUnescape(value)
		if err != nil || seen[i] {
			return nil, fault.IncompleteSignature("AWS query-string parameter '%s' must be given once and be percent-encoded. Re-examine the query-string parameters.", queryNames[i])
		}
		values[i], seen[i] = value, true
	}
	var missing strings.Builder
	for i, name := range queryNames[:queryExpires] {
		if values[i] == "" {
			missing.WriteString("AWS query-string parameters must include '" + name + "'. ")
		}
	}
	if missing.Len() > 0 {
		return nil, fault.IncompleteSignature("%sRe-examine the query-string parameters.", missing.String())
	}
	if values[queryAlgorithm] != algorithm {
		return nil, unsupported(values[queryAlgorithm])
	}
	if len(r.Header["X-Amz-Security-Token"]) > 0 {
		return nil, fault.IncompleteSignature("The X-Amz-Security-Token of a presigned request belongs in its query string, not in a header.")
	}

	s := &Signature{
		Presigned: true, Expires: DefaultExpires, SessionToken: values[queryToken],
		signedHeaders: values[querySignedHeaders],
	}
	s.setMAC(values[querySignature])
	if err := s.setCredential(values[queryCredential]); err != nil {
		return nil, err
	}
	if err := s.setTime(values[queryDate], false); err != nil {
		return nil, err
	}
	if seen[queryExpires] {
		seconds, err := strconv.Atoi(values[queryExpires])
		if err != nil || seconds < 1 || seconds > int(maxExpires/time.Second) {
			return nil, fault.IncompleteSignature("X-Amz-Expires must be a whole number of seconds from 1 to %d.", int(maxExpires/time.Second))
		}
		s.Expires = time.Duration(seconds) * time.Second
	}
	header, err := single(r.Header, "X-Amz-Content-Sha256")
	if err != nil {
		return nil, err
	}
	if header != "" && seen[queryPayload] && header != values[queryPayload] {
		return nil, fault.IncompleteSignature("X-Amz-Content-Sha256 differs between the header and the query string.")
	}
	s.payload = values[queryPayload]
	if header != "" {
		s.payload = header
	}
	return s, nil
}

func (s *Signature) setCredential(v string) error {
	if strings.Count(v, "/") != 4 {
		// What people put here by mistake is the secret, so it is not repeated.
		return fault.IncompleteSignature("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got (hashed with SHA-256 and encoded with Base64): '%s'", hashed(v))
	}
	s.AccessKeyID, v, _ = strings.Cut(v, "/")
	s.Date, v, _ = strings.Cut(v, "/")
	s.Region, v, _ = strings.Cut(v, "/")
	s.Service, s.term, _ = strings.Cut(v, "/")
	return nil
}

// setTime takes the basic ISO form, and the forms of HTTP too where it is the Date header.
func (s *Signature) setTime(v string, httpDate bool) error {
	t, err := time.Parse(basicISO, v)
	if err == nil && len(v) == len(basicISO) { // Parse would let a fraction of a second through
		s.Time, s.date = t, v
		return nil
	}
	if httpDate {
		if t, err := http.ParseTime(v); err == nil {
			s.Time = t.UTC()
			s.date = s.Time.Format(basicISO)
			return nil
		}
	}
	return fault.IncompleteSignature("Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", shown(v))
}

// setMAC takes lower-case hex only: the text is what the client made, and no
// client makes another. Anything else is a signature that does not match.
func (s *Signature) setMAC(v string) {
	if len(v) != hex.EncodedLen(len(s.mac)) {
		return
	}
	for i := range len(s.mac) {
		hi, lo := v[2*i], v[2*i+1]
		if 'A' <= hi && hi <= 'F' || 'A' <= lo && lo <= 'F' || unhex(hi) > 15 || unhex(lo) > 15 {
			return
		}
		s.mac[i] = unhex(hi)<<4 | unhex(lo)
	}
	s.macOK = true
}

// single gives the one value of a header, or "" where it is absent. A second
// value would let two readers of the request disagree.
func single(h http.Header, name string) (string, error) {
	switch v := h[name]; len(v) {
	case 0:
		return "", nil
	case 1:
		return v[0], nil
	}
	return "", fault.IncompleteSignature("The request has more than one %s header.", name)
}

func unsupported(name string) error {
	return fault.IncompleteSignature("Unsupported AWS 'algorithm': '%s' (only %s for now).", shown(name), algorithm)
}

// hashed stands for a text that may hold a credential: its owner can recognise it, nobody else can read it.
func hashed(v string) string {
	sum := sha256.Sum256([]byte(v))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// shown makes a client's text fit to be repeated in a message.
func shown(v string) string {
	const limit = 64
	if len(v) > limit {
		v = v[:limit]
	}
	return strings.Map(func(c rune) rune {
		if c < ' ' || c > '~' {
			return '?'
		}
		return c
	}, v)
}
