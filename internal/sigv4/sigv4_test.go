package sigv4

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"onsight/internal/fault"
)

const (
	testID     = "AKIAIOSFODNN7EXAMPLE"
	testSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

var testNow = time.Date(2026, 11, 20, 8, 30, 0, 0, time.UTC)

// keys is a hook that knows these secrets by access key; the identity is the access key.
func keys(secrets map[string]string) func(context.Context, string, string) (Key, error) {
	return func(_ context.Context, id, token string) (Key, error) {
		secret, ok := secrets[id]
		if !ok {
			return Key{}, fault.UnrecognizedClient()
		}
		return Key{Secret: secret, Identity: id + token}, nil
	}
}

func testVerifier() *Verifier { return &Verifier{Keys: keys(map[string]string{testID: testSecret})} }

// register is a request as boto3 sends it, not yet signed.
func register() (*http.Request, []byte) {
	body := []byte(`{"IdentityType":"QUICKSIGHT","Email":"ana@example.org","UserRole":"READER","UserName":"ana"}`)
	r, err := http.NewRequest(http.MethodPost,
		"http://127.0.0.1:8920/accounts/111122223333/namespaces/default/users", bytes.NewReader(body))
	if err != nil {
		panic(err)
	}
	r.Header.Set("Content-Type", "application/json")
	return r, body
}

// received is the request as a server's handler sees it.
func received(r *http.Request, body []byte) *Request {
	host := r.Host
	if host == "" {
		host = r.URL.Host
	}
	return &Request{
		Method: r.Method, RawPath: r.URL.EscapedPath(), RawQuery: r.URL.RawQuery, Host: host,
		Header: r.Header, ContentLength: int64(len(body)), Body: body,
	}
}

// signed is a good request in the header form.
func signed(change ...func(*Signer)) *Request {
	r, body := register()
	s := &Signer{AccessKeyID: testID, Secret: testSecret, Region: "us-east-1", Service: "quicksight"}
	for _, f := range change {
		f(s)
	}
	s.Sign(r, body, testNow)
	return received(r, body)
}

// signedQuery is a good request in the query form.
func signedQuery(expires time.Duration, change ...func(*Signer)) *Request {
	r, err := http.NewRequest(http.MethodGet,
		"http://127.0.0.1:8920/accounts/111122223333/namespaces/default/users?max-results=7&next-token=a%2Bb", http.NoBody)
	if err != nil {
		panic(err)
	}
	s := &Signer{AccessKeyID: testID, Secret: testSecret, Region: "us-east-1", Service: "quicksight"}
	for _, f := range change {
		f(s)
	}
	s.Presign(r, nil, testNow, expires)
	return received(r, nil)
}

func withToken(s *Signer) { s.SessionToken = "FwoGZXIvYXdzEXAMPLE/+==" }

func TestVerify(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]*Request{
		"header":               signed(),
		"header, with a token": signed(withToken),
		"query":                signedQuery(time.Hour),
		"query, with a token":  signedQuery(time.Hour, withToken),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := testVerifier()
			for range 2 { // with the key derived, then from the cache
				s, err := v.Verify(t.Context(), r, "quicksight", testNow.Add(time.Second))
				if err != nil {
					t.Fatal(err)
				}
				token := ""
				if strings.Contains(name, "token") {
					token = "FwoGZXIvYXdzEXAMPLE/+=="
				}
				want := Credential{AccessKeyID: testID, Date: "20261120", Region: "us-east-1", Service: "quicksight"}
				if s.Credential != want || s.SessionToken != token || s.Identity != testID+token || !s.Time.Equal(testNow) {
					t.Errorf("got %+v", s)
				}
				if query := strings.HasPrefix(name, "query"); s.Presigned != query || query != (s.Expires == time.Hour) {
					t.Errorf("Presigned, Expires = %v, %v", s.Presigned, s.Expires)
				}
			}
		})
	}
}

// Every refusal, with the code and the sentence that clients see.
func TestRefusals(t *testing.T) {
	t.Parallel()
	const (
		missing    = "MissingAuthenticationTokenException"
		incomplete = "IncompleteSignatureException"
		invalid    = "InvalidSignatureException"
		mismatch   = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
		notACred   = "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got (hashed with SHA-256 and encoded with Base64): "
		noPair     = "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): "
		hashedIs   = "(Hashed with SHA-256 and encoded with Base64) Authorization="
		needs      = "Authorization header requires "
		badExpires = "X-Amz-Expires must be a whole number of seconds from 1 to 604800."
	)
	edit := func(old, new string) func(*Request) {
		return func(r *Request) {
			h := r.Header.Get("Authorization")
			if !strings.Contains(h, old) {
				panic("nothing to replace: " + old)
			}
			r.Header.Set("Authorization", strings.Replace(h, old, new, 1))
		}
	}
	set := func(name, value string) func(*Request) {
		return func(r *Request) { r.Header.Set(name, value) }
	}
	query := func(f func(url.Values)) func(*Request) {
		return func(r *Request) {
			*r = *signedQuery(time.Hour)
			q, _ := url.ParseQuery(r.RawQuery)
			f(q)
			r.RawQuery = q.Encode()
		}
	}
	resign := func(f func(*Signer)) func(*Request) {
		return func(r *Request) { *r = *signed(f) }
	}
	for name, c := range map[string]struct {
		change        func(*Request)
		code, message string
	}{
		"no signature": {func(r *Request) { r.Header.Del("Authorization") }, missing, "Request is missing Authentication Token"},
		"empty header": {set("Authorization", ""), missing, "Request is missing Authentication Token"},
		"two headers": {
			func(r *Request) { r.Header.Add("Authorization", r.Header.Get("Authorization")) },
			incomplete, "The request has more than one Authorization header.",
		},
		"both forms": {
			func(r *Request) { r.RawQuery = signedQuery(time.Hour).RawQuery },
			incomplete, "The request is signed twice, in the Authorization header and in the query string. Sign it once.",
		},
		"basic": {set("Authorization", "Basic YW5hOnNlY3JldA"), incomplete, noPair + "'VFz/LP14rXXWztB1eXPib3s274mzg3BntRXSOmPluhI='."},
		"basic, padded": {
			set("Authorization", "Basic YW5hOnNlY3JldDE="), incomplete,
			needs + "'Credential' parameter. " + needs + "'Signature' parameter. " + needs + "'SignedHeaders' parameter. " + hashedIs + "/jNyU683BxdN1ltzr2dHj/fJ489yO+U+JZ66CrZEiPc=",
		},
		"another scheme, complete": {
			edit("AWS4-HMAC-SHA256", "Bearer"), incomplete,
			"Authorization header must begin with 'AWS4-HMAC-SHA256'. " + hashedIs + "*",
		},
		"no scheme":         {set("Authorization", "Credential=a, Signature=b"), incomplete, "Authorization header must begin with the algorithm name, which cannot include an equal-sign"},
		"another algorithm": {edit("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256"), incomplete, "Unsupported AWS 'algorithm': 'AWS4-ECDSA-P256-SHA256' (only AWS4-HMAC-SHA256 for now)."},
		"algorithm alone": {
			func(r *Request) { r.Header = http.Header{"Authorization": {"AWS4-HMAC-SHA256"}} }, incomplete,
			needs + "'Credential' parameter. " + needs + "'Signature' parameter. " + needs + "'SignedHeaders' parameter. " +
				needs + "existence of either a 'X-Amz-Date' or a 'Date' header. " + hashedIs + "*",
		},
		"no signature part":  {edit("Signature=", "Sig="), incomplete, needs + "'Signature' parameter. " + hashedIs + "*"},
		"no signed headers":  {edit("SignedHeaders=", "Headers="), incomplete, needs + "'SignedHeaders' parameter. " + hashedIs + "*"},
		"no date":            {func(r *Request) { r.Header.Del("X-Amz-Date") }, incomplete, needs + "existence of either a 'X-Amz-Date' or a 'Date' header. " + hashedIs + "*"},
		"part twice":         {edit("Signature=", "Signature=00, Signature="), incomplete, "Authorization header has the 'Signature' parameter twice."},
		"item without value": {edit("SignedHeaders=", "SignedHeaders"), incomplete, noPair + "*"},
		"four parts":         {edit("/aws4_request", ""), incomplete, notACred + "*"},
		"secret as the key":  {resign(func(s *Signer) { s.AccessKeyID = testSecret }), incomplete, notACred + "*"},
		"bad date":           {set("X-Amz-Date", "2026-11-20T08:30:00Z"), incomplete, "Date must be in ISO-8601 'basic format'. Got '2026-11-20T08:30:00Z'. See http://en.wikipedia.org/wiki/ISO_8601"},
		"date with fraction": {set("X-Amz-Date", "20261120T083000.5Z"), incomplete, "Date must be in ISO-8601 'basic format'. Got '20261120T083000.5Z'. See http://en.wikipedia.org/wiki/ISO_8601"},
		"no such day":        {set("X-Amz-Date", "20261131T083000Z"), incomplete, "Date must be in ISO-8601 'basic format'. Got '20261131T083000Z'. See http://en.wikipedia.org/wiki/ISO_8601"},
		"two dates":          {func(r *Request) { r.Header.Add("X-Amz-Date", "20261120T083000Z") }, incomplete, "The request has more than one X-Amz-Date header."},
		"two tokens": {
			func(r *Request) { r.Header["X-Amz-Security-Token"] = []string{"a", "b"} },
			incomplete, "The request has more than one X-Amz-Security-Token header.",
		},

		"region":             {resign(func(s *Signer) { s.Region = "eu_1" }), invalid, "Credential should be scoped to a valid region, not 'eu_1'. "},
		"region not served":  {resign(func(s *Signer) { s.Region = "mars-north-1" }), invalid, "Credential should be scoped to a valid region, not 'mars-north-1'. "},
		"service":            {resign(func(s *Signer) { s.Service = "s3" }), invalid, "Credential should be scoped to correct service: 'quicksight'. "},
		"region and service": {resign(func(s *Signer) { s.Service, s.Region = "s3", "" }), invalid, "Credential should be scoped to a valid region, not ''. Credential should be scoped to correct service: 'quicksight'. "},
		"terminator":         {edit("aws4_request", "aws5_request"), invalid, "Credential should be scoped with a valid terminator: 'aws4_request'"},
		"scope date":         {edit("/20261120/", "/20261119/"), invalid, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '20261119' != '20261120', from '20261120T083000Z'."},
		"host not signed":    {edit("content-type;host;x-amz-date", "content-type;x-amz-date"), invalid, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization."},
		"date not signed":    {edit(";x-amz-date", ""), invalid, "'X-Amz-Date' must be a 'SignedHeader' in the AWS Authorization."},
		"token not signed":   {set("X-Amz-Security-Token", "stolen"), invalid, "'X-Amz-Security-Token' must be a 'SignedHeader' in the AWS Authorization."},
		"hash not signed":    {set("X-Amz-Content-Sha256", emptyHash), invalid, "'X-Amz-Content-Sha256' must be a 'SignedHeader' in the AWS Authorization."},
		"unsorted":           {edit("content-type;host", "host;content-type"), invalid, "SignedHeaders must be header names in lower case, sorted and each given once, with semicolons between them."},
		"upper case":         {edit("content-type;host", "Content-Type;host"), invalid, "SignedHeaders must be header names in lower case, sorted and each given once, with semicolons between them."},
		"header twice":       {edit("host;", "host;host;"), invalid, "SignedHeaders must be header names in lower case, sorted and each given once, with semicolons between them."},
		"upper-case hex": {
			func(r *Request) {
				before, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
				r.Header.Set("Authorization", before+"Signature="+strings.ToUpper(signature))
			},
			invalid, mismatch,
		},
		"short signature": {func(r *Request) { h := r.Header.Get("Authorization"); r.Header.Set("Authorization", h[:len(h)-1]) }, invalid, mismatch},
		"zero signature": {
			func(r *Request) {
				before, _, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
				r.Header.Set("Authorization", before+"Signature=0")
			},
			invalid, mismatch,
		},
		"wrong secret": {resign(func(s *Signer) { s.Secret = "x" }), invalid, mismatch},
		"unknown key":  {resign(func(s *Signer) { s.AccessKeyID = "AKIANOBODY" }), "UnrecognizedClientException", "The security token included in the request is invalid."},
		"other body":   {func(r *Request) { r.Body = append([]byte(" "), r.Body...) }, invalid, mismatch},
		"other type":   {set("Content-Type", "text/plain"), invalid, mismatch},
		"other host":   {func(r *Request) { r.Host = "127.0.0.1" }, invalid, mismatch},
		"other path":   {func(r *Request) { r.RawPath += "/bob" }, invalid, mismatch},
		"other query":  {func(r *Request) { r.RawQuery = "x" }, invalid, mismatch},
		"hash of no body": {
			func(r *Request) {
				h, body := register()
				h.Header.Set("X-Amz-Content-Sha256", emptyHash)
				Sign(h, body, testID, testSecret, "", "us-east-1", "quicksight", testNow)
				*r = *received(h, body)
			},
			invalid, "The provided 'x-amz-content-sha256' header does not match what was computed.",
		},
		"unsigned payload": {
			func(r *Request) {
				h, body := register()
				h.Header.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")
				Sign(h, body, testID, testSecret, "", "us-east-1", "quicksight", testNow)
				*r = *received(h, body)
			},
			invalid, "The body must be signed: x-amz-content-sha256 is 'UNSIGNED-PAYLOAD', which this service does not accept.",
		},
		"streaming payload": {
			func(r *Request) {
				h, body := register()
				h.Header.Set("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
				Sign(h, body, testID, testSecret, "", "us-east-1", "quicksight", testNow)
				*r = *received(h, body)
			},
			invalid, "The body must be signed: x-amz-content-sha256 is 'STREAMING-AWS4-HMAC-SHA256-PAYLOAD', which this service does not accept.",
		},

		"query: no date":           {query(func(q url.Values) { q.Del("X-Amz-Date") }), incomplete, "AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters."},
		"query: signature alone":   {query(func(q url.Values) { clear(q); q.Set("X-Amz-Signature", "0") }), incomplete, "AWS query-string parameters must include 'X-Amz-Algorithm'. AWS query-string parameters must include 'X-Amz-Credential'. AWS query-string parameters must include 'X-Amz-SignedHeaders'. AWS query-string parameters must include 'X-Amz-Date'. Re-examine the query-string parameters."},
		"query: algorithm":         {query(func(q url.Values) { q.Set("X-Amz-Algorithm", "AWS4-HMAC-SHA1") }), incomplete, "Unsupported AWS 'algorithm': 'AWS4-HMAC-SHA1' (only AWS4-HMAC-SHA256 for now)."},
		"query: part twice":        {query(func(q url.Values) { q.Add("X-Amz-Date", "20261120T083000Z") }), incomplete, "AWS query-string parameter 'X-Amz-Date' must be given once and be percent-encoded. Re-examine the query-string parameters."},
		"query: bad date":          {query(func(q url.Values) { q.Set("X-Amz-Date", "Fri, 20 Nov 2026 08:30:00 GMT") }), incomplete, "Date must be in ISO-8601 'basic format'. Got 'Fri, 20 Nov 2026 08:30:00 GMT'. See http://en.wikipedia.org/wiki/ISO_8601"},
		"query: no lifetime":       {query(func(q url.Values) { q.Set("X-Amz-Expires", "0") }), incomplete, badExpires},
		"query: over a week":       {query(func(q url.Values) { q.Set("X-Amz-Expires", "604801") }), incomplete, badExpires},
		"query: lifetime of words": {query(func(q url.Values) { q.Set("X-Amz-Expires", "1h") }), incomplete, badExpires},
		"query: lifetime stretched": {
			query(func(q url.Values) { q.Set("X-Amz-Expires", "7200") }), invalid, mismatch,
		},
		"query: token added": {query(func(q url.Values) { q.Set("X-Amz-Security-Token", "stolen") }), invalid, mismatch},
		"query: token header": {func(r *Request) {
			*r = *signedQuery(time.Hour)
			r.Header = http.Header{"X-Amz-Security-Token": {"stolen"}}
		}, incomplete, "The X-Amz-Security-Token of a presigned request belongs in its query string, not in a header."},
		"query: parameter added": {
			query(func(q url.Values) { q.Set("namespace", "default") }), invalid, mismatch,
		},
		"query: body added": {func(r *Request) { *r = *signedQuery(time.Hour); r.Body = []byte("{}") }, invalid, mismatch},
		"query: unsigned payload": {
			query(func(q url.Values) { q.Set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD") }), invalid,
			"The body must be signed: x-amz-content-sha256 is 'UNSIGNED-PAYLOAD', which this service does not accept.",
		},
		"query: two hashes": {
			func(r *Request) {
				*r = *signedQuery(time.Hour)
				r.RawQuery += "&X-Amz-Content-Sha256=" + emptyHash
				r.Header = http.Header{"X-Amz-Content-Sha256": {"UNSIGNED-PAYLOAD"}}
			},
			incomplete, "X-Amz-Content-Sha256 differs between the header and the query string.",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := signed()
			c.change(r)
			v := testVerifier()
			v.AllowedRegion = func(region string) bool { return !strings.HasPrefix(region, "mars-") }
			_, err := v.Verify(t.Context(), r, "quicksight", testNow)
			f, ok := errors.AsType[*fault.Fault](err)
			if !ok {
				t.Fatalf("error = %v, want %s", err, c.code)
			}
			message, open := strings.CutSuffix(c.message, "*")
			got := f.Message
			if open {
				got = got[:min(len(got), len(message))]
			}
			if f.Code != c.code || got != message {
				t.Errorf("got  %s: %s\nwant %s: %s", f.Code, f.Message, c.code, c.message)
			}
			if f.Status != http.StatusForbidden || !f.Front {
				t.Errorf("status, front = %d, %v, want 403, true", f.Status, f.Front)
			}
			for _, secret := range []string{testSecret, "stolen", "YW5hOnNlY3JldA", "Signature=0"} {
				if strings.Contains(f.Message, secret) {
					t.Errorf("the message repeats a credential: %s", f.Message)
				}
			}
		})
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	const code = "InvalidSignatureException: "
	for _, c := range []struct {
		name   string
		r      *Request
		window time.Duration
		now    time.Duration // after it was signed
		want   string
	}{
		{"exact", signed(), 0, 0, ""},
		{"five minutes later", signed(), 0, 5*time.Minute + 900*time.Millisecond, ""},
		{"later still", signed(), 0, 5*time.Minute + time.Second, code + "Signature expired: 20261120T083000Z is now earlier than 20261120T083001Z (20261120T083501Z - 5 min.)"},
		{"five minutes early", signed(), 0, -5 * time.Minute, ""},
		{"earlier still", signed(), 0, -5*time.Minute - time.Second, code + "Signature not yet current: 20261120T083000Z is still later than 20261120T082959Z (20261120T082459Z + 5 min.)"},
		{"wide window", signed(), 15 * time.Minute, 15 * time.Minute, ""},
		{"narrow window", signed(), 90 * time.Second, 91 * time.Second, code + "Signature expired: 20261120T083000Z is now earlier than 20261120T083001Z (20261120T083131Z - 90 sec.)"},
		{"the next day", signed(), 0, 24 * time.Hour, code + "Signature expired: 20261120T083000Z is now earlier than 20261121T082500Z (20261121T083000Z - 5 min.)"},
		{"query, in time", signedQuery(time.Hour), 0, time.Hour - time.Second, ""},
		{"query, at its end", signedQuery(time.Hour), 0, time.Hour, code + "Signature expired: 20261120T083000Z is now earlier than 20261120T083000Z (20261120T093000Z - 60 min.)"},
		{"query, a second", signedQuery(time.Second), 0, 999 * time.Millisecond, ""},
		{"query, a week", signedQuery(7 * 24 * time.Hour), 0, 7*24*time.Hour - time.Second, ""},
		{"query, early", signedQuery(time.Hour), 0, -5*time.Minute - time.Second, code + "Signature not yet current: 20261120T083000Z is still later than 20261120T082959Z (20261120T082459Z + 5 min.)"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			v := testVerifier()
			v.Window = c.window
			_, err := v.Verify(t.Context(), c.r, "quicksight", testNow.Add(c.now))
			if got, want := fmt.Sprint(err), cmp.Or(c.want, "<nil>"); got != want {
				t.Errorf("got  %s\nwant %s", got, want)
			}
		})
	}
}

// A presigned request that does not say how long it holds does so for 15 minutes.
func TestDefaultExpires(t *testing.T) {
	t.Parallel()
	r := signedQuery(time.Hour)
	q, err := url.ParseQuery(r.RawQuery)
	if err != nil {
		t.Fatal(err)
	}
	q.Del("X-Amz-Expires")
	r.RawQuery = q.Encode()
	s, err := Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	q.Set("X-Amz-Signature", hexOf(s, r))
	r.RawQuery = q.Encode()
	if _, err := testVerifier().Verify(t.Context(), r, "quicksight", testNow.Add(15*time.Minute-time.Second)); err != nil {
		t.Errorf("within 15 minutes: %v", err)
	}
	if _, err := testVerifier().Verify(t.Context(), r, "quicksight", testNow.Add(15*time.Minute)); err == nil {
		t.Error("accepted after 15 minutes")
	}
}

// hexOf signs what a request says of itself with the test's secret.
func hexOf(s *Signature, r *Request) string {
	b := new(scratch)
	return fmt.Sprintf("%x", s.compute(b, r, r.RawPath, bytes.Compare, deriveKey(testSecret, &s.Credential), appendPayloadHash(nil, r.Body)))
}

// The Date header counts where X-Amz-Date is absent, in each form that HTTP has.
func TestDateHeader(t *testing.T) {
	t.Parallel()
	for _, date := range []string{"Fri, 20 Nov 2026 08:30:00 GMT", "20261120T083000Z", "Friday, 20-Nov-26 08:30:00 GMT"} {
		r := signed()
		r.Header.Del("X-Amz-Date")
		r.Header.Set("Date", date)
		r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "content-type;host;x-amz-date", "date;host", 1))
		s, err := Parse(r)
		if err != nil {
			t.Errorf("%s: %v", date, err)
			continue
		}
		before, _, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
		r.Header.Set("Authorization", before+"Signature="+hexOf(s, r))
		if _, err := testVerifier().Verify(t.Context(), r, "quicksight", testNow); err != nil {
			t.Errorf("%s: %v", date, err)
		}
	}
}

// Turning any one character of what is signed must be noticed.
func TestTamper(t *testing.T) {
	t.Parallel()
	v := testVerifier()
	check := func(t *testing.T, what string, r *Request) {
		t.Helper()
		s, err := v.Verify(t.Context(), r, "quicksight", testNow)
		if err == nil {
			t.Errorf("accepted with %s: %+v", what, s)
		} else if f, ok := errors.AsType[*fault.Fault](err); !ok || f.Status != http.StatusForbidden {
			t.Errorf("%s: %v", what, err)
		}
	}
	// other gives a different character that means something else in every place.
	other := func(c byte) byte {
		if c == 'q' {
			return 'z'
		}
		return 'q'
	}
	each := func(s string, f func(changed string)) {
		for i := range len(s) {
			f(s[:i] + string(other(s[i])) + s[i+1:])
			f(s[:i] + s[i+1:])
		}
	}
	fresh := map[string]func() *Request{
		"header": func() *Request { return signed(withToken) },
		"query":  func() *Request { return signedQuery(time.Hour, withToken) },
	}
	for form, good := range fresh {
		if _, err := v.Verify(t.Context(), good(), "quicksight", testNow); err != nil {
			t.Fatal(err)
		}
		base := good()
		each(base.Method, func(c string) { r := good(); r.Method = c; check(t, form+" method "+c, r) })
		each(base.RawPath, func(c string) { r := good(); r.RawPath = c; check(t, form+" path "+c, r) })
		each(base.RawQuery, func(c string) { r := good(); r.RawQuery = c; check(t, form+" query "+c, r) })
		each(base.Host, func(c string) { r := good(); r.Host = c; check(t, form+" host "+c, r) })
		each(string(base.Body), func(c string) { r := good(); r.Body = []byte(c); check(t, form+" body "+c, r) })
		for name, values := range base.Header {
			each(values[0], func(c string) {
				if name == "Authorization" && strings.ReplaceAll(c, " ", "") == strings.ReplaceAll(values[0], " ", "") {
					return // white space between the parts means nothing
				}
				r := good()
				r.Header.Set(name, c)
				check(t, form+" "+name+": "+c, r)
			})
			r := good()
			r.Header.Del(name)
			check(t, form+" without "+name, r)
			r = good()
			r.Header.Add(name, values[0])
			check(t, form+" with a second "+name, r)
		}
	}
}

// Keys decides about sessions; what it answers reaches the caller, whatever
// the signature.
func TestKeysError(t *testing.T) {
	t.Parallel()
	broken := errors.New("the database is away")
	for _, want := range []error{fault.ExpiredToken(), fault.UnrecognizedClient(), broken} {
		v := &Verifier{Keys: func(context.Context, string, string) (Key, error) { return Key{}, want }}
		if _, err := v.Verify(t.Context(), signed(), "quicksight", testNow); !errors.Is(err, want) {
			t.Errorf("got %v, want %v", err, want)
		}
	}
}

// The key for no access key opens nothing, even to who knows it.
func TestDummyKey(t *testing.T) {
	t.Parallel()
	r := signed(func(s *Signer) { s.AccessKeyID, s.Secret = "AKIANOBODY", dummyKey.secret })
	if _, err := testVerifier().Verify(t.Context(), r, "quicksight", testNow); codeOf(err) != "UnrecognizedClientException" {
		t.Errorf("got %v", err)
	}
}

// A secret that was replaced is refused at once, although its signing key was cached.
func TestRotation(t *testing.T) {
	t.Parallel()
	secrets := map[string]string{testID: testSecret}
	v := &Verifier{Keys: keys(secrets)}
	old, replaced := signed(), signed(func(s *Signer) { s.Secret = "another" })
	verify := func(r *Request) error { _, err := v.Verify(t.Context(), r, "quicksight", testNow); return err }
	if err := errors.Join(verify(old), verify(old)); err != nil {
		t.Fatal(err)
	}
	secrets[testID] = "another"
	if err := verify(old); codeOf(err) != "InvalidSignatureException" {
		t.Errorf("with the old secret: %v", err)
	}
	if err := errors.Join(verify(replaced), verify(replaced)); err != nil {
		t.Errorf("with the new secret: %v", err)
	}
}

// The cache holds at most two generations, keeps what is used, and is filled
// by good signatures only.
func TestKeyCacheIsBounded(t *testing.T) {
	t.Parallel()
	var c keyCache
	used := Credential{AccessKeyID: "used", Date: "20261120"}
	for i := range 3 * generation {
		cred := Credential{AccessKeyID: fmt.Sprint(i), Date: "20261120"}
		c.add(&cred, &signingKey{secret: "s"})
		if i == 0 {
			c.add(&used, &signingKey{secret: "s"})
		} else if i%1000 == 0 {
			k, cached := c.find(&used, "s")
			if !cached {
				c.add(&used, k)
			}
		}
	}
	if n := len(c.young) + len(c.old); n > 2*generation {
		t.Errorf("%d keys are cached, want at most %d", n, 2*generation)
	}
	if _, ok := c.young[used]; !ok && c.old[used] == nil {
		t.Error("a key in use was dropped")
	}

	v := testVerifier()
	if _, err := v.Verify(t.Context(), signed(func(s *Signer) { s.Secret = "x" }), "quicksight", testNow); err == nil {
		t.Error("accepted")
	}
	if len(v.cache.young) != 0 {
		t.Error("a bad signature left a key in the cache")
	}
}

func TestConcurrentVerify(t *testing.T) {
	t.Parallel()
	v := testVerifier()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 50 {
				r, body := register()
				body = append(body, make([]byte, i*100+j)...)
				Sign(r, body, testID, testSecret, "", fmt.Sprintf("us-east-%d", j), "quicksight", testNow)
				if _, err := v.Verify(t.Context(), received(r, body), "quicksight", testNow); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
}

// Over a real connection, in HTTP/1.1 and HTTP/2, what the client signed is
// what the server reads: path, host, length and lists of headers.
func TestOverTheWire(t *testing.T) {
	t.Parallel()
	var last error
	v := testVerifier()
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err == nil {
			_, err = v.Verify(r.Context(), FromHTTP(r, body), "quicksight", testNow)
		}
		last = err
		w.WriteHeader(http.StatusNoContent)
	})
	for _, h2 := range []bool{false, true} {
		srv := httptest.NewUnstartedServer(handler)
		srv.EnableHTTP2 = h2
		srv.TLS = &tls.Config{MinVersion: tls.VersionTLS13}
		srv.StartTLS()
		defer srv.Close()
		for _, path := range []string{
			"", "/", "/a/role%2Fsess%20%C3%A9%20%28x%29%2By~%21%2A%27/b", "/a/arn%3Aaws%3Ax/", "/a/b:c@d/$x", "/a//b/./../c",
			"/users/..", "/users/%2E%2E", "/users/%2F%2F", "/a?x=1&y=2&x=0", "/a?q=a%20b+c%2B&e=&f", "/a?%C3%A9=%E1%88%B4&A=b&a=B",
		} {
			for _, length := range []int{0, 10, 9000} {
				body := bytes.Repeat([]byte("x"), length)
				r, err := http.NewRequest(http.MethodPost, srv.URL+path, bytes.NewReader(body))
				if err != nil {
					t.Fatal(err)
				}
				r.Header["X-Amz-Meta"] = []string{"b  c", " a "}
				r.Header.Set("Content-Type", "application/json")
				Sign(r, body, testID, testSecret, "a token", "us-east-1", "quicksight", testNow)
				resp, err := srv.Client().Do(r)
				if err != nil {
					t.Fatal(err)
				}
				if err := resp.Body.Close(); err != nil {
					t.Error(err)
				}
				if last != nil {
					t.Errorf("%s, %s, %d bytes: %v", resp.Proto, path, length, last)
				}
			}
		}
	}
}

// The form of the request line that proxies use names the host too.
func TestWirePath(t *testing.T) {
	t.Parallel()
	for target, want := range map[string]string{
		"/a%2Fb?c=/d":            "/a%2Fb",
		"http://host:1/a/b?c":    "/a/b",
		"http://host":            "/",
		"//a/b":                  "//a/b",
		"*":                      "*",
		"https://h/a%20b/?x=y?z": "/a%20b/",
	} {
		if got := wirePath(&http.Request{RequestURI: target}); got != want {
			t.Errorf("%s: %q, want %q", target, got, want)
		}
	}
	if got := wirePath(&http.Request{URL: &url.URL{Path: "/a b"}}); got != "/a%20b" {
		t.Errorf("a request that was never on a wire: %q", got)
	}
}

func TestParseAlone(t *testing.T) {
	t.Parallel()
	r := signed(func(s *Signer) { s.AccessKeyID, s.Secret, s.Region, s.Service = "test", "wrong", "eu-west-1", "any" })
	s, err := Parse(r)
	if err != nil {
		t.Fatal(err)
	}
	want := Credential{AccessKeyID: "test", Date: "20261120", Region: "eu-west-1", Service: "any"}
	if diff := gocmp.Diff(want, s.Credential); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// Whatever is signed by Sign or Presign is accepted, and not once one thing of it changes.
func TestRoundTrip(t *testing.T) {
	t.Parallel()
	v := testVerifier()
	rapid.Check(t, func(t *rapid.T) {
		r, body := drawRequest(t)
		if rapid.Bool().Draw(t, "presigned") {
			expires := time.Duration(rapid.IntRange(1, 604800).Draw(t, "expires")) * time.Second
			Presign(r, body, testID, testSecret, rapid.StringMatching(`[ -~]{0,20}`).Draw(t, "token"), "eu-west-1", "quicksight", testNow, expires)
		} else {
			Sign(r, body, testID, testSecret, rapid.StringMatching(`([!-~]{1,20})?`).Draw(t, "token"), "eu-west-1", "quicksight", testNow)
		}
		got := received(r, body)
		before := maps.Clone(got.Header)
		if _, err := v.Verify(t.Context(), got, "quicksight", testNow); err != nil {
			t.Fatalf("%v\n%s %s\n%v", err, r.Method, r.URL, r.Header)
		}
		if diff := gocmp.Diff(before, got.Header); diff != "" {
			t.Fatalf("Verify changed the request: %s", diff)
		}
		got.Body = append(got.Body, 'x')
		if _, err := v.Verify(t.Context(), got, "quicksight", testNow); codeOf(err) != "InvalidSignatureException" {
			t.Fatalf("with another body: %v", err)
		}
	})
}

// drawRequest makes a request as odd as net/http can send it.
func drawRequest(t *rapid.T) (*http.Request, []byte) {
	segment := rapid.OneOf(rapid.StringMatching(`[a-z]{0,5}`), rapid.String(), rapid.SampledFrom([]string{"..", ".", "a/b", "%2F", "+", "é", "~"}))
	var path, query strings.Builder
	for _, s := range rapid.SliceOfN(segment, 1, 6).Draw(t, "path") {
		path.WriteString("/" + url.PathEscape(s))
	}
	for i, s := range rapid.SliceOfN(segment, 0, 5).Draw(t, "query") {
		if i > 0 {
			query.WriteByte('&')
		}
		query.WriteString(rapid.SampledFrom([]string{"a", "b", "next-token", "A", "%C3%A9"}).Draw(t, "key") + "=" + url.QueryEscape(s))
	}
	body := []byte(rapid.String().Draw(t, "body"))
	r, err := http.NewRequest(rapid.SampledFrom([]string{"GET", "POST", "PUT", "DELETE"}).Draw(t, "method"),
		"http://127.0.0.1:8920"+path.String()+"?"+query.String(), bytes.NewReader(body))
	if err != nil {
		t.Skip("net/http does not send it")
	}
	if rapid.Bool().Draw(t, "typed") {
		r.Header.Set("Content-Type", rapid.StringMatching(`[ -~]{0,12}`).Draw(t, "type"))
	}
	return r, body
}
