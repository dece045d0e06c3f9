package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
	"onsight/internal/testkit"
	"onsight/internal/wire"
)

const settings = "/accounts/111122223333/settings"

// TestFront is what a request meets before an operation runs.
func TestFront(t *testing.T) {
	t.Parallel()
	srv := testkit.Start(t, storetest.Config(t, store.SQLite))
	srv.Subscribe(t)
	register := "/accounts/111122223333/namespaces/default/users"
	tests := []struct {
		name         string
		method, path string
		body         string
		change       func(*http.Request)
		status       int
		code         string
		message      string // part of it
	}{
		{"unknown path", "GET", "/accounts/111122223333/nothing", "", nil, 404, "UnknownOperationException", "/accounts/111122223333/nothing"},
		{"unknown method", "PATCH", settings, "", nil, 404, "UnknownOperationException", "PATCH"},
		{"empty label", "GET", "/accounts//settings", "", nil, 404, "UnknownOperationException", ""},
		{"no signature", "GET", settings, "", func(r *http.Request) { r.Header.Del("Authorization") }, 403, "MissingAuthenticationTokenException", "missing Authentication Token"},
		{"altered path", "GET", settings, "", func(r *http.Request) { r.URL.Path = "/accounts/444455556666/settings" }, 403, "InvalidSignatureException", "does not match"},
		{"altered body", "PUT", settings, `{"DefaultNamespace":"default"}`, func(r *http.Request) {
			r.Body = io.NopCloser(strings.NewReader(`{"DefaultNamespace":"defau1t"}`))
		}, 403, "InvalidSignatureException", "does not match"},
		{"another service", "GET", settings, "", func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "/quicksight/", "/s3/", 1))
		}, 403, "InvalidSignatureException", "correct service: 'quicksight'"},
		{"another key", "GET", settings, "", func(r *http.Request) {
			r.Header.Set("Authorization", regexp.MustCompile(`AKIA\w+`).ReplaceAllString(r.Header.Get("Authorization"), "AKIAUNKNOWNUNKNOWN00"))
		}, 403, "UnrecognizedClientException", "security token"},
		{"account of eleven digits", "GET", "/accounts/11112222333/settings", "", nil, 400, "ValidationException", "awsAccountId"},
		{"not JSON", "POST", register, `{"Email":`, nil, 400, "SerializationException", ""},
		{"not an object", "POST", register, `[]`, nil, 400, "SerializationException", ""},
		{"wrong type", "POST", register, `{"Email":7}`, nil, 400, "SerializationException", ""},
		{"duplicate member", "POST", register, `{"Email":"a","Email":"b"}`, nil, 400, "SerializationException", ""},
		{"not UTF-8", "POST", register, "{\"Email\":\"\xff\"}", nil, 400, "SerializationException", ""},
		{"too deep", "POST", register, strings.Repeat(`{"x":`, 5000) + "1" + strings.Repeat("}", 5000), nil, 400, "SerializationException", ""},
		{"empty body", "POST", register, "", nil, 400, "ValidationException", "3 validation errors detected: "},
		{"wrong content type", "POST", register, `{}`, func(r *http.Request) { r.Header.Set("Content-Type", "text/plain"); srv.Sign(r, []byte(`{}`)) }, 415, "UnsupportedMediaTypeException", ""},
		{
			"several violations", "POST", register, `{"Email":"a","IdentityType":"GHOST","UserRole":"BOSS","UserName":""}`, nil, 400, "ValidationException",
			"4 validation errors detected: ",
		},
		{"not answered yet", "GET", "/accounts/111122223333/dashboards", "", nil, 501, "NotImplementedException", "ListDashboards is not implemented"},
		{"not answered, and invalid", "GET", "/accounts/111122223333/dashboards?max-results=1000", "", nil, 400, "ValidationException", "maxResults"},
		{"not answered, of another account", "GET", "/accounts/444455556666/dashboards", "", nil, 403, "AccessDeniedException", "is not authorized to perform: quicksight:ListDashboards"},
	}
	for _, tt := range tests {
		r := srv.Request(t, tt.method, tt.path, []byte(tt.body))
		if tt.change != nil {
			tt.change(r)
		}
		res, body := srv.Send(t, r)
		if res.StatusCode != tt.status || res.Header.Get("x-amzn-ErrorType") != tt.code {
			t.Errorf("%s: %d %s %s, want %d %s", tt.name, res.StatusCode, res.Header.Get("x-amzn-ErrorType"), body, tt.status, tt.code)
		}
		var answer map[string]any
		if err := json.Unmarshal(body, &answer); err != nil {
			t.Errorf("%s: the answer is not JSON: %s", tt.name, body)
		}
		message, _ := answer["message"].(string)
		if m, ok := answer["Message"].(string); ok {
			message = m
		}
		if message == "" || !strings.Contains(message, tt.message) {
			t.Errorf("%s: message %q, want … %q", tt.name, message, tt.message)
		}
	}
}

func TestClock(t *testing.T) {
	t.Parallel()
	srv := testkit.Start(t, storetest.Config(t, store.SQLite))
	srv.Subscribe(t)
	for shift, want := range map[time.Duration]string{6 * time.Minute: "Signature expired: ", -6 * time.Minute: "Signature not yet current: "} {
		r := srv.Request(t, "GET", settings, nil)
		srv.Advance(shift)
		res, body := srv.Send(t, r)
		if res.StatusCode != 403 || !strings.Contains(string(body), want) {
			t.Errorf("server's clock %s ahead: %d %s, want 403 %s", shift, res.StatusCode, body, want)
		}
		srv.Advance(-shift)
	}
	// SDKs mend a skewed clock by the answer's Date.
	res, _ := srv.Send(t, srv.Request(t, "GET", settings, nil))
	if date, err := http.ParseTime(res.Header.Get("Date")); err != nil || time.Since(date).Abs() > time.Minute {
		t.Errorf("Date: %q, %v", res.Header.Get("Date"), err)
	}
}

func TestSuccess(t *testing.T) {
	t.Parallel()
	srv := testkit.Start(t, storetest.Config(t, store.SQLite))
	srv.Subscribe(t)
	for _, path := range []string{settings, settings + "/", settings + "?unknown=1"} {
		res, body := srv.Send(t, srv.Request(t, "GET", path, nil))
		id := res.Header.Get("x-amzn-RequestId")
		if !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(id) {
			t.Errorf("%s: request id %q", path, id)
		}
		want := `{"AccountSettings":{"AccountName":"account-111122223333","DefaultNamespace":"default","Edition":"ENTERPRISE",` +
			`"NotificationEmail":"admin@example.org","PublicSharingEnabled":false,"TerminationProtectionEnabled":true},"RequestId":"` + id + `"}`
		if res.StatusCode != 200 || string(body) != want {
			t.Errorf("%s: %d %s\nwant %s", path, res.StatusCode, body, want)
		}
	}
}

func TestLargeAndTruncatedBodies(t *testing.T) {
	t.Parallel()
	srv := testkit.Start(t, storetest.Config(t, store.SQLite))
	send := func(body io.Reader, length int64) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), "POST", srv.URL+"/account/111122223333", body)
		if err != nil {
			t.Fatal(err)
		}
		r.ContentLength = length
		res, err := http.DefaultTransport.RoundTrip(r)
		if err != nil {
			return 0, err.Error()
		}
		defer func() { _ = res.Body.Close() }()
		answer, _ := io.ReadAll(res.Body)
		return res.StatusCode, string(answer)
	}
	const huge = 100 << 20
	if status, answer := send(io.LimitReader(zeros{}, huge), huge); status != 413 && status != 0 { // 0: closed while the client was still sending
		t.Errorf("100 MB, announced: %d %s, want 413", status, answer)
	}
	if status, answer := send(io.LimitReader(zeros{}, huge), -1); status != 413 && status != 0 {
		t.Errorf("100 MB, in chunks: %d %s, want 413", status, answer)
	}
	// A server that announces more than it sends has to do it by hand.
	w := httptest.NewRecorder()
	r := httptest.NewRequestWithContext(t.Context(), "POST", "/account/111122223333", io.NopCloser(strings.NewReader("{")))
	r.ContentLength = 20
	newServer(nil).ServeHTTP(w, r)
	if w.Code != 400 || header(w, "x-amzn-ErrorType") != "MalformedHttpRequestException" {
		t.Errorf("truncated body: %d %s", w.Code, w.Body)
	}
	if _, err := testkit.Call(t, srv, qs.DescribeAccountSettings, qs.DescribeAccountSettingsRequest{AwsAccountId: testkit.Account}); fault.Of(err).Code != "ResourceNotFoundException" {
		t.Errorf("the next call: %v", err)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// TestPanicsAndErrorsInside shows callers nothing of what went wrong inside.
func TestPanicsAndErrorsInside(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]func() (*qs.DescribeAccountSettingsResponse, error){
		"panic": func() (*qs.DescribeAccountSettingsResponse, error) { panic("the inside") },
		"error": func() (*qs.DescribeAccountSettingsResponse, error) { return nil, errors.New("the inside") },
	} {
		var log bytes.Buffer
		server := newServer(&log, api.Handle(qs.DescribeAccountSettings,
			func(context.Context, *qs.DescribeAccountSettingsRequest) policy.Target {
				return policy.Target{Resource: "*"}
			},
			func(context.Context, *qs.DescribeAccountSettingsRequest) (*qs.DescribeAccountSettingsResponse, error) {
				return answer()
			}))
		w := httptest.NewRecorder()
		server.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", settings, nil))
		if w.Code != 500 || header(w, "x-amzn-ErrorType") != "InternalFailureException" || strings.Contains(w.Body.String(), "inside") {
			t.Errorf("%s: %d %s", name, w.Code, w.Body)
		}
		if !strings.Contains(log.String(), "the inside") || !strings.Contains(log.String(), header(w, "x-amzn-RequestId")) {
			t.Errorf("%s: the log lacks the cause or the request id: %s", name, &log)
		}
	}
}

// header is a header as it was set, in the service's own spelling.
func header(w *httptest.ResponseRecorder, name string) string {
	for key, values := range w.Header() {
		if key == name {
			return values[0]
		}
	}
	return ""
}

// everyone lets everybody do everything.
type everyone struct{}

func (everyone) Authenticate(*http.Request, []byte, *wire.Operation, []string) (api.Identity, error) {
	return api.Identity{Principal: api.Principal{Account: testkit.Account}, Region: testkit.Region}, nil
}

func (everyone) Authorize(context.Context, api.Principal, string, policy.Target) error { return nil }

func newServer(log io.Writer, routes ...api.Route) *api.Server {
	if log == nil {
		log = io.Discard
	}
	return api.New(api.Config{Log: slog.New(slog.NewTextHandler(log, nil)), Now: time.Now, Authenticator: everyone{}, Authorizer: everyone{}}, routes...)
}

// TestTargetsStandAnyInput asks every answered operation for its target before
// anything of the input is valid.
func TestTargetsStandAnyInput(t *testing.T) {
	t.Parallel()
	srv := testkit.Start(t, storetest.Config(t, store.SQLite))
	srv.Subscribe(t)
	for _, o := range wire.Operations() {
		path := regexp.MustCompile(`\{[^}]*\}`).ReplaceAllString(o.Path, "111122223333")
		res, body := srv.Send(t, srv.Request(t, o.Method, path, nil))
		if res.StatusCode == 500 || res.StatusCode == 404 && res.Header.Get("x-amzn-ErrorType") == "UnknownOperationException" {
			t.Errorf("%s with nothing but labels: %d %s", o.Name, res.StatusCode, body)
		}
	}
	if strings.Contains(srv.Log.String(), "panic") {
		t.Error("the log tells of a panic")
	}
}
