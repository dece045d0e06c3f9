package engine

import (
	"regexp"
	"strings"

	"onsight/internal/connector/definition"
)

// Regional is a Credential that can sign for another region of AWS.
type Regional interface {
	Credential
	// In gives the credential for a region.
	In(region string) Credential
}

var (
	// atS3 is the address of S3 at AWS, with or without a bucket.
	atS3 = regexp.MustCompile(`^([a-z0-9-]+\.)?s3\.([a-z0-9-]+)(\.amazonaws\.com(?:\.cn)?)$`)
	// label is a bucket that can be a part of a host: one with dots has no
	// certificate there.
	label = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`)
	// regionName is what regions are called.
	regionName = regexp.MustCompile(`^[a-z]{2,4}(-[a-z]{2,12}){1,3}-[0-9]{1,2}$`)
)

// house moves a bucket from the path to the host, where S3 is at AWS. Other
// services that speak like S3 know buckets in paths.
func house(m *message, o *definition.Operation, input map[string]any) {
	if o.AWS == nil || o.AWS.Bucket == "" {
		return
	}
	bucket, _ := input[o.AWS.Bucket].(string)
	at := atS3.FindStringSubmatch(m.url.Host)
	rest, ok := strings.CutPrefix(m.url.Path, "/"+bucket)
	if at == nil || at[1] != "" || !label.MatchString(bucket) || !ok {
		return
	}
	raw := strings.TrimPrefix(m.url.EscapedPath(), "/"+bucket)
	if rest == "" {
		rest, raw = "/", "/"
	}
	m.url.Host = bucket + "." + m.url.Host
	m.url.Path, m.url.RawPath = rest, raw
}

// elsewhere has a message go to the region that an error names: to the host of
// the same service there where it is at AWS, else to the same host, and signed
// for the region. It says whether there is any use in that.
func (c *Call) elsewhere(m *message, e *Error) bool {
	r, ok := c.Credential.(Regional)
	if !ok || !regionName.MatchString(e.region) {
		return false
	}
	if at := atS3.FindStringSubmatch(m.url.Host); at != nil {
		to := *m.url
		to.Host = at[1] + "s3." + e.region + at[3]
		m.url = &to
	}
	c.Credential = r.In(e.region)
	return true
}

// shapeName is the name of an error as AWS writes it: with a namespace before,
// or an address after it.
func shapeName(code string) string {
	if i := strings.LastIndexByte(code, '#'); i >= 0 {
		code = code[i+1:]
	}
	code, _, _ = strings.Cut(code, ":")
	return strings.TrimSpace(code)
}

// escape writes a part of a path as signatures of AWS have it: all but
// unreserved characters (RFC 3986, 2.3), and slashes where they stay.
func escape(text string, slashes bool) string {
	const digits = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		switch r := text[i]; {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.IndexByte("-_.~", r) >= 0, r == '/' && slashes:
			b.WriteByte(r)
		default:
			b.WriteString("%" + string(digits[r>>4]) + string(digits[r&15]))
		}
	}
	return b.String()
}
