package sigv4

import (
	"bytes"
	"encoding/hex"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Signer signs requests with one set of credentials, for tests, tools and
// load generators. It keeps what it derives for the day, so a second signature
// costs a fraction of the first. It may be used by many goroutines at once, and
// must not be copied or changed after its first use.
type Signer struct {
	AccessKeyID, Secret string
	SessionToken        string // empty for lasting credentials
	Region, Service     string

	cache keyCache
}

// Sign signs a request that is about to be sent with this body, in the
// Authorization header. It sets X-Amz-Date and the session token, and signs
// host, Content-Type and every X-Amz- header that is there. An earlier
// signature is replaced.
func (s *Signer) Sign(r *http.Request, body []byte, now time.Time) {
	sig := s.signature(now)
	r.Header.Set("X-Amz-Date", sig.date)
	r.Header.Del("Authorization")
	if s.SessionToken != "" {
		r.Header.Set("X-Amz-Security-Token", s.SessionToken)
	}
	names := []string{"host"}
	for name := range r.Header {
		if name == "Content-Type" || strings.HasPrefix(name, "X-Amz-") {
			names = append(names, strings.ToLower(name))
		}
	}
	slices.Sort(names)
	sig.signedHeaders = strings.Join(names, ";")
	r.Header.Set("Authorization", algorithm+" Credential="+sig.scope()+
		", SignedHeaders="+sig.signedHeaders+", Signature="+s.compute(sig, r, body))
}

// Presign puts the signature into the query instead, where it holds for the
// given time, in whole seconds. Only the host header is signed.
func (s *Signer) Presign(r *http.Request, body []byte, now time.Time, expires time.Duration) {
	sig := s.signature(now)
	sig.Presigned, sig.signedHeaders = true, "host"
	q := r.URL.RawQuery
	if q != "" {
		q += "&"
	}
	q += "X-Amz-Algorithm=" + algorithm + "&X-Amz-Credential=" + url.QueryEscape(sig.scope()) +
		"&X-Amz-Date=" + sig.date + "&X-Amz-Expires=" + strconv.Itoa(int(expires/time.Second)) + "&X-Amz-SignedHeaders=host"
	if s.SessionToken != "" {
		q += "&X-Amz-Security-Token=" + url.QueryEscape(s.SessionToken)
	}
	r.URL.RawQuery = q
	r.URL.RawQuery += "&X-Amz-Signature=" + s.compute(sig, r, body)
}

// Sign signs one request; see Signer.Sign.
func Sign(r *http.Request, body []byte, accessKeyID, secret, sessionToken, region, service string, now time.Time) {
	s := Signer{AccessKeyID: accessKeyID, Secret: secret, SessionToken: sessionToken, Region: region, Service: service}
	s.Sign(r, body, now)
}

// Presign signs one request in its query; see Signer.Presign.
func Presign(r *http.Request, body []byte, accessKeyID, secret, sessionToken, region, service string, now time.Time, expires time.Duration) {
	s := Signer{AccessKeyID: accessKeyID, Secret: secret, SessionToken: sessionToken, Region: region, Service: service}
	s.Presign(r, body, now, expires)
}

func (s *Signer) signature(now time.Time) *Signature {
	date := now.UTC().Format(basicISO)
	return &Signature{
		Credential: Credential{AccessKeyID: s.AccessKeyID, Date: date[:8], Region: s.Region, Service: s.Service},
		date:       date,
	}
}

func (s *Signature) scope() string {
	return strings.Join([]string{s.AccessKeyID, s.Date, s.Region, s.Service, terminator}, "/")
}

// compute gives the signature in hex.
func (s *Signer) compute(sig *Signature, r *http.Request, body []byte) string {
	b := scratches.Get().(*scratch)
	defer b.release()
	key, cached := s.cache.find(&sig.Credential, s.Secret)
	if !cached {
		s.cache.add(&sig.Credential, key)
	}
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	req := &Request{
		Method: r.Method, RawPath: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery, Host: host,
		Header: r.Header, ContentLength: int64(len(body)), Body: body,
	}
	if req.Method == "" {
		req.Method = http.MethodGet
	}
	path := req.RawPath
	if path == "" {
		path = "/"
	}
	payload := appendPayloadHash(b.payload[:0], body)
	return hex.EncodeToString(sig.compute(b, req, path, bytes.Compare, key, payload))
}
