package action

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"onsight/internal/connector"
	"onsight/internal/connector/definition"
	"onsight/internal/connector/engine"
	"onsight/internal/outbound"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/sigv4"
	"onsight/internal/store"
)

// home is the way out of the house of a test that goes nowhere.
type home struct{}

func (home) Default() outbound.Profile                           { return outbound.Profile{} }
func (home) Profile(*store.Tx, string) (outbound.Profile, error) { return outbound.Profile{}, nil }

type identity struct{ aws.Credentials }

func (i identity) Retrieve(context.Context) (aws.Credentials, error) {
	if i.AccessKeyID == "" {
		return aws.Credentials{}, errors.New("none")
	}
	return i.Credentials, nil
}

// cloud is STS and a service, which check signatures by another implementation
// than the one that makes them.
type cloud struct {
	*httptest.Server
	mu      sync.Mutex
	keys    map[string]string // secrets, by access key
	now     func() time.Time
	assumed []url.Values
	seen    []string
	fails   string
}

func (c *cloud) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	service := "sts"
	if r.URL.Path != "/" || r.Header.Get("X-Amz-Target") != "" {
		service = "textract"
	}
	v := sigv4.Verifier{Window: 5 * time.Minute, Keys: func(_ context.Context, id, _ string) (sigv4.Key, error) {
		secret, ok := c.keys[id]
		if !ok {
			return sigv4.Key{}, errors.New("no such key")
		}
		return sigv4.Key{Secret: secret}, nil
	}}
	if _, err := v.Verify(r.Context(), sigv4.FromHTTP(r, body), service, c.now()); err != nil {
		w.WriteHeader(http.StatusForbidden)
		_, _ = fmt.Fprintf(w, `<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code><Message>%v</Message></Error></ErrorResponse>`, err)
		return
	}
	if service != "sts" {
		c.seen = append(c.seen, r.Header.Get("X-Amz-Security-Token"))
		_, _ = io.WriteString(w, `{}`)
		return
	}
	form, _ := url.ParseQuery(string(body))
	c.assumed = append(c.assumed, form)
	if c.fails != "" {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, c.fails)
		return
	}
	n := len(c.assumed)
	c.keys[fmt.Sprintf("ASIA%d", n)] = fmt.Sprintf("secret%d", n)
	_, _ = fmt.Fprintf(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>ASIA%d</AccessKeyId>
		<SecretAccessKey>secret%d</SecretAccessKey><SessionToken>token%d</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
		n, n, n, c.now().Add(15*time.Minute).UTC().Format(time.RFC3339))
}

func TestIAM(t *testing.T) {
	t.Parallel()
	now := time.Now()
	clock := func() time.Time { return now }
	c := &cloud{keys: map[string]string{"AKIAOWN": "own"}, now: clock}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	s := &Service{Config: Config{
		Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: clock, Networks: home{}, Clients: &outbound.Clients{},
		AWS: AWS{Identity: identity{aws.Credentials{AccessKeyID: "AKIAOWN", SecretAccessKey: "own"}}, Endpoints: map[string]string{"*": c.URL}},
	}}
	s.roles.service = s
	l := &connector.Live{Key: resource.Key{Account: "111122223333", Region: "us-east-1", ID: "texts"}}
	l.ARN, l.Auth.RoleARN = "arn:aws:quicksight:us-east-1:111122223333:action-connector/texts", "arn:aws:iam::111122223333:role/texts"
	auth := &definition.Auth{Scheme: "sigv4", Service: "textract"}
	call := func(principal string) error {
		credential := &signed{service: s, live: l, principal: principal, auth: auth}
		body := []byte(`{"a":"b"}`)
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, c.URL+"/", strings.NewReader(string(body)))
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Amz-Target", "Textract.Do")
		r.Header.Set("Content-Type", "application/x-amz-json-1.1")
		if err := credential.Authenticate(t.Context(), r, body); err != nil {
			return err
		}
		res, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }()
		if res.StatusCode != http.StatusOK {
			text, _ := io.ReadAll(res.Body)
			t.Errorf("the service answers %d: %s", res.StatusCode, text)
		}
		return nil
	}
	var all sync.WaitGroup
	for range 64 {
		all.Go(func() {
			if err := call("arn:aws:quicksight:us-east-1:111122223333:user/default/ana b"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if len(c.assumed) != 1 {
		t.Fatalf("the role was assumed %d times, want once", len(c.assumed))
	}
	f := c.assumed[0]
	if f.Get("RoleArn") != l.Auth.RoleARN || f.Get("RoleSessionName") != "texts@ana-b" || f.Get("ExternalId") != l.ARN || f.Get("DurationSeconds") != "900" {
		t.Errorf("AssumeRole %v", f)
	}
	if c.seen[0] != "token1" {
		t.Errorf("the session's token is %q", c.seen[0])
	}
	// Five minutes before the end there is a new session; somebody else has their own.
	now = now.Add(10*time.Minute + time.Second)
	if err := call("arn:aws:quicksight:us-east-1:111122223333:user/default/ana b"); err != nil || len(c.assumed) != 2 {
		t.Errorf("%v, assumed %d times, want 2", err, len(c.assumed))
	}
	if err := call("arn:aws:iam::111122223333:root"); err != nil || len(c.assumed) != 3 || c.assumed[2].Get("RoleSessionName") != "texts@root" {
		t.Errorf("%v, %v", err, c.assumed)
	}
	c.fails = `<ErrorResponse><Error><Code>AccessDenied</Code><Message>not you</Message></Error></ErrorResponse>`
	now = now.Add(time.Hour)
	if err := call("x"); err == nil || err.Error() != "The role can't be assumed: AWS STS answers with status 403. AccessDenied not you" {
		t.Errorf("refused: %v", err)
	}
	s.AWS.Identity = identity{}
	if err := call("x"); err == nil || !strings.Contains(err.Error(), "This server has no credentials at AWS") {
		t.Errorf("no identity: %v", err)
	}
}

// Where AWS is, unless the operator says otherwise.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	a := AWS{Endpoints: map[string]string{"s3": "http://localhost:5000/"}}
	for _, c := range [][3]string{
		{"s3", "us-east-1", "http://localhost:5000"}, {"sts", "eu-west-1", "https://sts.eu-west-1.amazonaws.com"}, {"sts", "cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn"},
	} {
		if got := a.endpoint(c[0], c[1]); got != c[2] {
			t.Errorf("%s in %s is at %s, want %s", c[0], c[1], got, c[2])
		}
	}
	p := a.own("http://localhost:5000", outbound.Profile{})
	if !p.Plain || p.Allowed.CheckHost("127.0.0.1") != "" || a.own("https://sts.eu-west-1.amazonaws.com", outbound.Profile{}).Plain {
		t.Errorf("profile %+v", p)
	}
}

// A credential looks at the service as its definition says.
func TestStatic(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		auth   definition.Auth
		secret string
		want   string
	}{
		{definition.Auth{Scheme: "bearer"}, "k", "Authorization: Bearer k"},
		{definition.Auth{Scheme: "bearer"}, "X-Api-Key: k", "Authorization: Bearer X-Api-Key: k"},
		{definition.Auth{Scheme: "bearer", NamedHeader: true}, "X-Api-Key: k", "X-Api-Key: k"},
		{definition.Auth{Scheme: "bearer", NamedHeader: true}, "Authorization: Token k", "Authorization: Token k"},
		{definition.Auth{Scheme: "bearer", NamedHeader: true}, "Host: evil", "Authorization: Bearer Host: evil"},
		{definition.Auth{Scheme: "basic", Username: "{email}/token", Password: "{key}"}, "k", "Authorization: Basic YUBleGFtcGxlLm9yZy90b2tlbjpr"},
		{definition.Auth{Scheme: "basic", Username: "{key}", Password: "x"}, "k", "Authorization: Basic azp4"},
		{definition.Auth{Scheme: "header", Name: "Authorization", Value: "Token token={key}"}, "k", "Authorization: Token token=k"},
		{definition.Auth{Scheme: "query", Name: "key"}, "a&b", "?a=1&key=a%26b"},
		{definition.Auth{Scheme: "none"}, "", ""},
	} {
		l := &connector.Live{}
		l.Secret, l.Auth.Email = qs.Secret(c.secret), "a@example.org"
		credential, err := static(l, &c.auth)
		if err != nil {
			t.Errorf("%+v: %v", c.auth, err)
			continue
		}
		r := httptest.NewRequest(http.MethodGet, "https://example.org/?a=1", nil)
		if credential != nil {
			if err := credential.Authenticate(t.Context(), r, nil); err != nil {
				t.Error(err)
			}
		}
		got := ""
		for name := range r.Header {
			got = name + ": " + r.Header.Get(name)
		}
		if c.auth.Scheme == "query" {
			got = "?" + r.URL.RawQuery
		}
		if got != c.want {
			t.Errorf("%+v: %q, want %q", c.auth, got, c.want)
		}
	}
}

var _ engine.Credential = (*credential)(nil)
