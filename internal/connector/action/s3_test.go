package action

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"onsight/internal/connector"
	"onsight/internal/connector/definitions"
	"onsight/internal/connector/engine"
	"onsight/internal/outbound"
	"onsight/internal/resource"
)

// signatureOf is what S3 expects as the signature of a request that has come:
// the path counts as it is, escaped once, and the body by its digest. It follows
// the guide to signatures of S3, and shares nothing with what signs.
func signatureOf(r *http.Request, body []byte, region, secret string) (string, error) {
	head, rest, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if head != "AWS4-HMAC-SHA256" {
		return "", fmt.Errorf("signed with %q", head)
	}
	parts := make(map[string]string)
	for part := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		parts[name] = value
	}
	path, query, _ := strings.Cut(r.RequestURI, "?")
	pairs := strings.Split(query, "&")
	slices.Sort(pairs)
	sum := sha256.Sum256(body)
	digest := hex.EncodeToString(sum[:])
	if got := r.Header.Get("X-Amz-Content-Sha256"); got != digest {
		return "", fmt.Errorf("the digest of the body is %s, want %s", got, digest)
	}
	names := strings.Split(parts["SignedHeaders"], ";")
	for name := range r.Header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-amz-") && !slices.Contains(names, name) {
			return "", fmt.Errorf("%s is not signed", name)
		}
	}
	var canonical strings.Builder
	fmt.Fprintf(&canonical, "%s\n%s\n%s\n", r.Method, path, strings.Join(pairs, "&"))
	for _, name := range names {
		value := strings.Join(strings.Fields(r.Header.Get(name)), " ")
		switch name {
		case "host":
			value = r.Host
		case "content-length":
			value = fmt.Sprint(r.ContentLength)
		}
		fmt.Fprintf(&canonical, "%s:%s\n", name, value)
	}
	fmt.Fprintf(&canonical, "\n%s\n%s", parts["SignedHeaders"], digest)
	stamp := r.Header.Get("X-Amz-Date")
	scope := stamp[:8] + "/" + region + "/s3/aws4_request"
	if !strings.HasSuffix(parts["Credential"], "/"+scope) {
		return "", fmt.Errorf("the scope is %s, want %s", parts["Credential"], scope)
	}
	of := func(key []byte, text string) []byte {
		m := hmac.New(sha256.New, key)
		m.Write([]byte(text))
		return m.Sum(nil)
	}
	all := sha256.Sum256([]byte(canonical.String()))
	key := []byte("AWS4" + secret)
	for part := range strings.SplitSeq(scope, "/") {
		key = of(key, part)
	}
	want := hex.EncodeToString(of(key, "AWS4-HMAC-SHA256\n"+stamp+"\n"+scope+"\n"+hex.EncodeToString(all[:])))
	if parts["Signature"] != want {
		return "", fmt.Errorf("the signature is another one than that of %q", canonical.String())
	}
	return want, nil
}

// TestS3Signatures has keys and queries of all sorts signed as S3 reads them,
// for the region in which the bucket is.
func TestS3Signatures(t *testing.T) {
	t.Parallel()
	now := time.Now()
	var wrong []string
	asked := 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.Path == "/" && r.Method == http.MethodPost {
			_, _ = fmt.Fprintf(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIA1</AccessKeyId><SecretAccessKey>secret</SecretAccessKey><SessionToken>token</SessionToken>
				<Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`, now.Add(time.Hour).UTC().Format(time.RFC3339))
			return
		}
		asked++
		region := "us-east-1"
		if strings.HasPrefix(r.URL.Path, "/far/") {
			if !strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/") {
				if r.Method == http.MethodHead { // has no body to say it in
					w.Header().Set("X-Amz-Bucket-Region", "eu-west-1")
				}
				w.WriteHeader(http.StatusBadRequest)
				_, _ = io.WriteString(w, `<Error><Code>AuthorizationHeaderMalformed</Code><Message>the region is wrong; expecting 'eu-west-1'</Message><Region>eu-west-1</Region></Error>`)
				return
			}
			region = "eu-west-1"
		}
		if _, err := signatureOf(r, body, region, "secret"); err != nil {
			wrong = append(wrong, fmt.Sprintf("%s %s: %v", r.Method, r.RequestURI, err))
			w.WriteHeader(http.StatusForbidden)
		}
	}))
	t.Cleanup(server.Close)
	s := &Service{Config: Config{
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: func() time.Time { return now }, Networks: home{}, Clients: &outbound.Clients{},
		AWS: AWS{Identity: identity{aws.Credentials{AccessKeyID: "AKIAOWN", SecretAccessKey: "own"}}, Endpoints: map[string]string{"*": server.URL}},
	}}
	s.roles.service = s
	l := &connector.Live{Key: resource.Key{Account: "111122223333", Region: "us-east-1", ID: "files"}}
	l.ARN, l.Auth.Type, l.Auth.RoleARN = "arn:aws:quicksight:us-east-1:111122223333:action-connector/files", "IAM", "arn:aws:iam::111122223333:role/files"
	l.Type = "AMAZON_S3"
	d, _ := definitions.Of("AMAZON_S3")
	base, err := url.Parse(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	do := func(action string, input map[string]any) {
		t.Helper()
		text, err := json.Marshal(input)
		if err != nil {
			t.Fatal(err)
		}
		o := d.Operations[action]
		values, err := o.Check(text)
		if err != nil {
			t.Fatal(err)
		}
		auth := d.Connector.Authentication["IAM"]
		c := &engine.Call{
			Definition: d, Operation: o, Base: base, Client: http.DefaultClient, Input: values, AuthenticationType: "IAM",
			Credential: &signed{service: s, live: l, principal: "ana", auth: &auth}, Limits: engine.Limits{Attempts: 1},
		}
		if _, err := c.Do(t.Context()); err != nil {
			t.Errorf("%s %s: %v", action, text, err)
		}
	}
	keys := []string{
		"plain", "a b", "ü/日本 🎉", "a+b%20c", "?x=1&y#z", "../up", "a/./b/../c", "..", ".", "/lead", "a//b/", "~!@$^*()';:=,[]{}|\"<>`\\", "tab\t\n", "%", "%2F", "%zz", "\u0001",
	}
	for _, key := range keys {
		for _, bucket := range []string{"near", "far", "with.dots"} {
			do("PutObject", map[string]any{"Bucket": bucket, "Key": key, "Body": key, "Metadata": map[string]any{"a": " b  c "}, "Tagging": map[string]any{"a b": "ü+"}})
			do("GetObject", map[string]any{"Bucket": bucket, "Key": key, "VersionId": "a+b/c= d", "Range": "bytes=0-1"})
			do("HeadObject", map[string]any{"Bucket": bucket, "Key": key})
			do("DeleteObject", map[string]any{"Bucket": bucket, "Key": key})
		}
	}
	for _, w := range wrong {
		t.Error(w)
	}
	if want := len(keys) * 4 * (1 + 2 + 1); asked != want {
		t.Errorf("S3 was asked %d times, want %d: twice where the bucket is elsewhere", asked, want)
	}
}
