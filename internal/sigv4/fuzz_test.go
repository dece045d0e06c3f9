package sigv4

import (
	"bytes"
	"net/http"
	"net/textproto"
	"strings"
	"testing"
	"time"

	"onsight/internal/fault"
)

// What a stranger sends is a request line, some headers and a body. Header
// lines are given as one text, so that the fuzzer can add, double and bend them.
func fuzzRequest(method, target, host, headers string, body []byte) *Request {
	r := &Request{Method: method, Host: host, Header: make(http.Header), ContentLength: int64(len(body)), Body: body}
	r.RawPath, r.RawQuery, _ = strings.Cut(target, "?")
	for line := range strings.SplitSeq(headers, "\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			name = textproto.CanonicalMIMEHeaderKey(name)
			r.Header[name] = append(r.Header[name], strings.TrimSpace(value))
		}
	}
	return r
}

func seed(f *testing.F) {
	f.Helper()
	for _, r := range []*Request{signed(), signed(withToken), signedQuery(time.Hour), signedQuery(time.Minute, withToken)} {
		var headers strings.Builder
		for name, values := range r.Header {
			for _, v := range values {
				headers.WriteString(name + ": " + v + "\n")
			}
		}
		f.Add(r.Method, r.RawPath+"?"+r.RawQuery, r.Host, headers.String(), r.Body)
	}
	for _, header := range []string{
		"Authorization:", "Authorization: Basic YTpi", "Authorization: AWS4-HMAC-SHA256", "Authorization: AWS4-HMAC-SHA256 =,=,,",
		"Authorization: AWS4-HMAC-SHA256 Credential=/////, SignedHeaders=;, Signature=%", "Authorization: a\nAuthorization: b",
		"X-Amz-Date: 20261120T083000Z\nAuthorization: AWS4-HMAC-SHA256 Credential=a/b/c/d/e, SignedHeaders=host, Signature=" + emptyHash,
	} {
		f.Add("GET", "/a/%2F/../%zz?X-Amz-Signature&%58-Amz-Date=%", "h", header, []byte("{"))
	}
}

// A request that cannot be read is refused with one of two faults, and without a panic.
func FuzzParse(f *testing.F) {
	seed(f)
	f.Fuzz(func(t *testing.T, method, target, host, headers string, body []byte) {
		s, err := Parse(fuzzRequest(method, target, host, headers, body))
		switch {
		case err == nil && s == nil:
			t.Fatal("neither a signature nor an error")
		case err == nil:
			if s.Presigned != (s.Expires > 0) || s.Expires > maxExpires || s.Time.Format(basicISO) != s.date {
				t.Errorf("got %+v", s)
			}
		default:
			if code := fault.Of(err).Code; code != "IncompleteSignatureException" && code != "MissingAuthenticationTokenException" {
				t.Errorf("error = %v", err)
			}
		}
	})
}

// Whoever does not hold the secret is not let in: nothing but the seeds, and
// what means the same, may be accepted. The signature is that of the secret
// "x", which the fuzzer cannot know to use, so acceptance is a finding.
func FuzzVerify(f *testing.F) {
	seed(f)
	v := &Verifier{Keys: keys(map[string]string{testID: "x", "": "x", "a": "x"})}
	f.Fuzz(func(t *testing.T, method, target, host, headers string, body []byte) {
		r := fuzzRequest(method, target, host, headers, body)
		s, err := v.Verify(t.Context(), r, "quicksight", testNow)
		if err == nil {
			t.Fatalf("accepted: %+v of %+v", s, r)
		}
		if f := fault.Of(err); f.Status != http.StatusForbidden || strings.Contains(f.Message, "%!") {
			t.Errorf("error = %v", err)
		}
	})
}

// The strict form of a query is a fixed point: signing it again changes nothing.
func FuzzCanonicalQuery(f *testing.F) {
	for _, q := range []string{"", "a", "a=b", "b=&a", "a=1&a=0&A", "%7e=~&+=%20", "%zz=%", "é=\xff", "&&=&", "a=b=c"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		for _, order := range []queryOrder{bytes.Compare, decodedOrder} {
			once := string(new(scratch).appendQuery(nil, query, order, false))
			if twice := string(new(scratch).appendQuery(nil, once, order, false)); twice != once {
				t.Errorf("%q\nonce  %q\ntwice %q", query, once, twice)
			}
		}
	})
}
