package sigv4

import (
	"bytes"
	"net/http"
	"net/url"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"pgregory.net/rapid"
)

// The signer of the Go SDK judges both halves: we accept what it signs, and it
// signs the same as we do.

func drawCredentials(t *rapid.T) aws.Credentials {
	return aws.Credentials{
		AccessKeyID: testID, SecretAccessKey: testSecret,
		SessionToken: rapid.StringMatching(`([A-Za-z0-9+/=]{1,40})?`).Draw(t, "token"),
	}
}

func TestAcceptsSDK(t *testing.T) {
	t.Parallel()
	v, sdk := testVerifier(), v4.NewSigner()
	rapid.Check(t, func(t *rapid.T) {
		r, body := drawRequest(t)
		creds := drawCredentials(t)
		payload := string(appendPayloadHash(nil, body))
		if rapid.Bool().Draw(t, "announced") {
			r.Header.Set("X-Amz-Content-Sha256", payload)
		}
		r.Header.Set("Amz-Sdk-Request", "attempt=1; max=3")
		if rapid.Bool().Draw(t, "presigned") {
			if rapid.Bool().Draw(t, "expires") {
				r.URL.RawQuery += "&X-Amz-Expires=60"
			}
			signed, header, err := sdk.PresignHTTP(t.Context(), creds, r, payload, "quicksight", "us-east-1", testNow)
			if err != nil {
				t.Fatal(err)
			}
			if r.URL, err = url.Parse(signed); err != nil {
				t.Fatal(err)
			}
			r.Header = header
			r.Header.Del("Host")
		} else if err := sdk.SignHTTP(t.Context(), creds, r, payload, "quicksight", "us-east-1", testNow); err != nil {
			t.Fatal(err)
		}
		s, err := v.Verify(t.Context(), received(r, body), "quicksight", testNow.Add(time.Second))
		if err != nil {
			t.Fatalf("%v\n%s %s\n%v", err, r.Method, r.URL, r.Header)
		}
		if s.SessionToken != creds.SessionToken {
			t.Fatalf("SessionToken = %q, want %q", s.SessionToken, creds.SessionToken)
		}
	})
}

func TestSignsAsSDK(t *testing.T) {
	t.Parallel()
	sdk := v4.NewSigner()
	rapid.Check(t, func(t *rapid.T) {
		r, body := drawRequest(t)
		// The SDK signs each of these; a body would add its length, which we leave out.
		body = body[:0]
		r.Body, r.ContentLength = http.NoBody, 0
		b := new(scratch)
		if query := r.URL.RawQuery; string(b.appendQuery(nil, query, bytes.Compare, false)) != string(b.appendQuery(nil, query, decodedOrder, false)) {
			t.Skip("the SDK sorts this query in its own order")
		}
		creds := drawCredentials(t)
		theirs := r.Clone(t.Context())
		Sign(r, body, testID, testSecret, creds.SessionToken, "ap-northeast-1", "quicksight", testNow)
		if err := sdk.SignHTTP(t.Context(), creds, theirs, emptyHash, "quicksight", "ap-northeast-1", testNow); err != nil {
			t.Fatal(err)
		}
		if got, want := r.Header.Get("Authorization"), theirs.Header.Get("Authorization"); got != want {
			t.Fatalf("%s %s %v\ngot  %s\nwant %s", r.Method, r.URL, r.Header, got, want)
		}
	})
}

// Tag keys with letters beyond ASCII, removed together by the Go SDK: it sorts
// them in an order of its own, and the same pair in the standard order holds too.
func TestQueryOrders(t *testing.T) {
	t.Parallel()
	const target = "http://127.0.0.1:8920/resources/arn%3Aaws%3Aq/tags?keys=%C3%9Cmlaut&keys=abc"
	r, err := http.NewRequest(http.MethodDelete, target, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	ours := r.Clone(t.Context())
	Sign(ours, nil, testID, testSecret, "", "us-east-1", "quicksight", testNow)
	creds := aws.Credentials{AccessKeyID: testID, SecretAccessKey: testSecret}
	if err := v4.NewSigner().SignHTTP(t.Context(), creds, r, emptyHash, "quicksight", "us-east-1", testNow); err != nil {
		t.Fatal(err)
	}
	if ours.Header.Get("Authorization") == r.Header.Get("Authorization") {
		t.Error("the SDK now sorts as the standard does: decodedOrder can go")
	}
	for _, r := range []*http.Request{ours, r} {
		if _, err := testVerifier().Verify(t.Context(), received(r, nil), "quicksight", testNow); err != nil {
			t.Errorf("%s: %v", r.URL.RawQuery, err)
		}
	}
}
