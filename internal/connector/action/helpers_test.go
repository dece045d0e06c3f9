package action_test

import (
	"encoding/json"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"onsight/internal/config"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store/storetest"
	"onsight/internal/testkit"
)

// A vendor is a service that answers as a test says, and notes what it is asked.
type vendor struct {
	*httptest.Server
	mu      sync.Mutex
	seen    []string // method, address, Authorization and body
	answers map[string]http.HandlerFunc
}

func newVendor(t *testing.T) *vendor {
	t.Helper()
	v := &vendor{answers: make(map[string]http.HandlerFunc)}
	v.Server = httptest.NewTLSServer(v)
	v.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(v.Close)
	return v
}

// alone runs a test with each database, and with a service of its own: what that
// was asked belongs to the test alone.
func alone(t *testing.T, answers func(v *vendor), test func(t *testing.T, srv *testkit.Server, v *vendor), options ...testkit.Option) {
	t.Helper()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t)
			answers(v)
			test(t, testkit.Start(t, storetest.Config(t, dialect), append(slices.Clip(options), testkit.Near(t, v.Server))...), v)
		})
	}
}

func (v *vendor) on(path string, answer http.HandlerFunc) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.answers[path] = answer
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	v.mu.Lock()
	v.seen = append(v.seen, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+r.Header.Get("Authorization")+" "+string(body)))
	answer := v.answers[r.URL.Path]
	v.mu.Unlock()
	if answer == nil {
		says(404, `{"message":"no such thing"}`)(w, r)
		return
	}
	answer(w, r)
}

// asked gives what the service was asked since the last time.
func (v *vendor) asked() []string {
	v.mu.Lock()
	defer v.mu.Unlock()
	seen := v.seen
	v.seen = nil
	return seen
}

func says(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func checking(c *config.Config) { c.CheckConnectors = true }

const account = testkit.Account

func makeConnector(t *testing.T, srv *testkit.Server, id string, kind qs.ActionConnectorType, auth qs.ConnectionAuthType, m qs.AuthenticationMetadata, want qs.ResourceStatus) *qs.ActionConnector {
	t.Helper()
	_, err := testkit.Call(t, srv, qs.CreateActionConnector, qs.CreateActionConnectorRequest{
		AwsAccountId: account, ActionConnectorId: id, Name: qs.Secret("The " + id), Type: kind,
		AuthenticationConfig: &qs.AuthConfig{AuthenticationType: auth, AuthenticationMetadata: &m},
	})
	if err != nil {
		t.Fatalf("create %s: %v", id, err)
	}
	return await(t, srv, id, want)
}

// await describes a connector until nothing is in progress.
func await(t *testing.T, srv *testkit.Server, id string, want qs.ResourceStatus) *qs.ActionConnector {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		out, err := testkit.Call(t, srv, qs.DescribeActionConnector, qs.DescribeActionConnectorRequest{AwsAccountId: account, ActionConnectorId: id})
		if err != nil {
			t.Fatal(err)
		}
		c := out.ActionConnector
		if *c.Status == want {
			return c
		}
		if !strings.HasSuffix(string(*c.Status), "_IN_PROGRESS") || time.Now().After(deadline) {
			t.Fatalf("%s is %s (%v), want %s", id, *c.Status, message(c), want)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func message(c *qs.ActionConnector) string {
	if c.Error == nil || c.Error.Message == nil {
		return ""
	}
	return *c.Error.Message
}

func withKey(base string, key qs.Secret) qs.AuthenticationMetadata {
	return qs.AuthenticationMetadata{ApiKeyConnectionMetadata: &qs.APIKeyConnectionMetadata{BaseEndpoint: base, ApiKey: key}}
}

// invoke performs an action.
func invoke(t *testing.T, srv *testkit.Server, id, action, input string, change ...func(*onsightapi.InvokeActionRequest)) (*onsightapi.InvokeActionResponse, error) {
	t.Helper()
	in := onsightapi.InvokeActionRequest{AwsAccountId: account, ActionConnectorId: id, ActionId: action, Input: json.RawMessage(input)}
	for _, c := range change {
		c(&in)
	}
	return testkit.Call(t, srv, onsightapi.InvokeAction, in)
}

// body is what an action gave.
func body(out *onsightapi.InvokeActionResponse) string {
	if out == nil || out.InvokeActionOutput == nil {
		return ""
	}
	return string(out.InvokeActionOutput.HttpInvokeActionOutput.Body)
}

// wantFault makes sure of an error's code and of a part of its message, which it
// gives.
func wantFault(t *testing.T, what string, err error, code, part string) string {
	t.Helper()
	f := fault.Of(err)
	if f == nil {
		t.Errorf("%s: no error, want %s", what, code)
		return ""
	}
	if f.Code != code || !strings.Contains(f.Message, part) {
		t.Errorf("%s: %v, want %s with %q", what, err, code, part)
	}
	return f.Message
}
