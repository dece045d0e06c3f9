package sigv4

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/textproto"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/fault"
)

// vector is one case of a public test suite, in our own form. Folded header
// lines are joined, as net/http does.
type vector struct {
	Suite     string      `json:"suite"` // aws-c-auth or botocore
	Name      string      `json:"name"`
	Form      string      `json:"form"` // header or query
	Method    string      `json:"method"`
	Target    string      `json:"target"`
	Headers   [][2]string `json:"headers"`
	Body      string      `json:"body"`
	Canonical string      `json:"canonical"`
}

func (v vector) request() *Request {
	r := &Request{Method: v.Method, Header: make(http.Header), Body: []byte(v.Body), ContentLength: int64(len(v.Body))}
	r.RawPath, r.RawQuery, _ = strings.Cut(v.Target, "?")
	for _, h := range v.Headers {
		if strings.EqualFold(h[0], "Host") {
			r.Host = h[1]
			continue
		}
		name := textproto.CanonicalMIMEHeaderKey(h[0])
		r.Header[name] = append(r.Header[name], strings.TrimSpace(h[1]))
	}
	return r
}

// vectorTime is when every vector was signed.
var vectorTime = time.Date(2015, 8, 30, 12, 36, 0, 0, time.UTC)

// vectorVerifier knows the one key of all vectors.
func vectorVerifier() *Verifier {
	return &Verifier{Keys: keys(map[string]string{"AKIDEXAMPLE": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"})}
}

func TestVectors(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []vector
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	ran := map[string]int{}
	for _, c := range vectors {
		ran[c.Suite+" "+c.Form]++
		t.Run(c.Suite+"/"+c.Form+"/"+c.Name, func(t *testing.T) {
			t.Parallel()
			r := c.request()
			s, err := vectorVerifier().Verify(t.Context(), r, "service", vectorTime.Add(time.Minute))
			if c.Name == "post-sts-header-after" {
				// A token that was added after signing could be anyone's. The
				// suite allows for services that take it so; this is none.
				if code := codeOf(err); code != "InvalidSignatureException" {
					t.Fatalf("an unsigned session token: %v, want an InvalidSignatureException", err)
				}
				return
			}
			if err != nil {
				sig, _ := Parse(r)
				t.Fatalf("%v\ncanonical request (-want +got):\n%s", err, cmp.Diff(c.Canonical, canonicalOf(r, sig, r.RawPath)))
			}
			if s.Region != "us-east-1" || s.AccessKeyID != "AKIDEXAMPLE" {
				t.Errorf("credential = %+v", s.Credential)
			}
			asItCame, normal := canonicalOf(r, s, r.RawPath), canonicalOf(r, s, normalPath(r.RawPath))
			// The suite of botocore has two shortened texts of its own; what it
			// signs is checked above.
			if c.Canonical != asItCame && c.Canonical != normal {
				t.Errorf("canonical request (-want +got):\n%s", cmp.Diff(c.Canonical, asItCame))
			}
			r.Method = "PATCH"
			if _, err := vectorVerifier().Verify(t.Context(), r, "service", vectorTime); err == nil {
				t.Error("another method is accepted with the same signature")
			}
		})
	}
	want := map[string]int{"aws-c-auth header": 38, "aws-c-auth query": 38, "botocore header": 34}
	if diff := cmp.Diff(want, ran); diff != "" {
		t.Errorf("vectors in the file (-want +got):\n%s", diff)
	}
}

func canonicalOf(r *Request, s *Signature, path string) string {
	payload := appendPayloadHash(nil, r.Body)
	return string(new(scratch).canonicalRequest(r, path, bytes.Compare, s.signedHeaders, payload, s.Presigned))
}

func codeOf(err error) string {
	if err == nil {
		return ""
	}
	return fault.Of(err).Code
}
