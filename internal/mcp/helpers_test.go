package mcp_test

import (
	"context"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store/storetest"
	"onsight/internal/testkit"
)

const account = testkit.Account

// A vendor is a service that answers as a test says, and counts what it is asked.
type vendor struct {
	*httptest.Server
	mu      sync.Mutex
	seen    []string // method, address and body
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

func (v *vendor) on(path string, answer http.HandlerFunc) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.answers[path] = answer
}

func (v *vendor) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	v.mu.Lock()
	v.seen = append(v.seen, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(body)))
	answer := v.answers[r.URL.Path]
	v.mu.Unlock()
	if answer == nil {
		answer = says(404, `{"message":"no such thing"}`)
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

// each runs a test with each database, on a server and a service of its own.
func each(t *testing.T, test func(t *testing.T, srv *testkit.Server, v *vendor), options ...testkit.Option) {
	t.Helper()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			v := newVendor(t)
			test(t, testkit.Start(t, storetest.Config(t, dialect), append([]testkit.Option{testkit.Near(t, v.Server)}, options...)...), v)
		})
	}
}

// connector makes a connector of plain HTTP and waits until it can be used.
func connector(t *testing.T, srv *testkit.Server, id, name, base string, users ...string) {
	t.Helper()
	make1(t, srv, id, name, "NONE", qs.AuthenticationMetadata{NoneConnectionMetadata: &qs.NoneConnectionMetadata{BaseEndpoint: base}}, users...)
}

func make1(t *testing.T, srv *testkit.Server, id, name string, auth qs.ConnectionAuthType, m qs.AuthenticationMetadata, users ...string) {
	t.Helper()
	_, err := testkit.Call(t, srv, qs.CreateActionConnector, qs.CreateActionConnectorRequest{
		AwsAccountId: srv.Account, ActionConnectorId: id, Name: qs.Secret(name), Type: "GENERIC_HTTP",
		AuthenticationConfig: &qs.AuthConfig{AuthenticationType: auth, AuthenticationMetadata: &m}, Permissions: viewers(srv, users...),
	})
	if err != nil {
		t.Fatalf("create %s: %v", id, err)
	}
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(2 * time.Millisecond) {
		out, err := testkit.Call(t, srv, qs.DescribeActionConnector, qs.DescribeActionConnectorRequest{AwsAccountId: srv.Account, ActionConnectorId: id})
		if err != nil {
			t.Fatal(err)
		}
		if *out.ActionConnector.Status == "CREATION_SUCCESSFUL" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("%s is %s", id, *out.ActionConnector.Status)
		}
	}
}

func userARN(srv *testkit.Server, name string) string {
	return "arn:aws:quicksight:us-east-1:" + srv.Account + ":user/default/" + name
}

// viewers is a permission list that lets users use a connector.
func viewers(srv *testkit.Server, users ...string) []qs.ResourcePermission {
	list := make([]qs.ResourcePermission, len(users))
	for i, u := range users {
		list[i] = qs.ResourcePermission{Principal: userARN(srv, u), Actions: []string{"quicksight:DescribeActionConnector"}}
	}
	return list
}

// user registers an IAM user, and gives the server as this one sees it.
func user(t *testing.T, srv *testkit.Server, name string, role qs.UserRole) *testkit.Server {
	t.Helper()
	if _, err := testkit.Call(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: name}); err != nil {
		t.Fatal(err)
	}
	if _, err := testkit.Call(t, srv, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{
		UserName: name, PolicyName: "p",
		PolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["onsight:*PersonalToken*"],"Resource":"*"}}`,
	}); err != nil {
		t.Fatal(err)
	}
	if _, err := testkit.Call(t, srv, qs.RegisterUser, qs.RegisterUserRequest{
		AwsAccountId: srv.Account, Namespace: "default", IdentityType: "IAM", IamArn: new("arn:aws:iam::" + srv.Account + ":user/" + name),
		Email: name + "@example.org", UserRole: role,
	}); err != nil {
		t.Fatal(err)
	}
	key, err := testkit.Call(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return srv.With(key.AccessKey.AccessKeyId, key.AccessKey.SecretAccessKey.Reveal(), "")
}

// token makes a personal token of a user.
func token(t *testing.T, as *testkit.Server, name string, change ...func(*onsightapi.CreatePersonalTokenRequest)) (shown, id string) {
	t.Helper()
	in := onsightapi.CreatePersonalTokenRequest{AwsAccountId: as.Account, Namespace: "default", UserName: name, Name: "laptop"}
	for _, c := range change {
		c(&in)
	}
	out, err := testkit.Call(t, as, onsightapi.CreatePersonalToken, in)
	if err != nil {
		t.Fatal(err)
	}
	return out.Token.Reveal(), *out.TokenId
}

// bearing sends a token with each request.
type bearing struct{ token string }

func (b bearing) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", "Bearer "+b.token)
	return http.DefaultTransport.RoundTrip(r)
}

// connect connects the SDK's client with a token.
func connect(t *testing.T, srv *testkit.Server, token string, o *sdk.ClientOptions, c ...*sdk.ClientSessionOptions) *sdk.ClientSession {
	t.Helper()
	client := sdk.NewClient(&sdk.Implementation{Name: "tester", Version: "1"}, o)
	var opts *sdk.ClientSessionOptions
	if len(c) > 0 {
		opts = c[0]
	}
	s, err := client.Connect(t.Context(), &sdk.StreamableClientTransport{
		Endpoint: srv.URL + "/mcp", HTTPClient: &http.Client{Transport: bearing{token}}, DisableStandaloneSSE: true,
	}, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// listed gives the names of the tools that a client sees.
func listed(t *testing.T, s *sdk.ClientSession) []string {
	t.Helper()
	var names []string
	for tool, err := range s.Tools(t.Context(), nil) {
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, tool.Name)
	}
	return names
}

func call(t *testing.T, s *sdk.ClientSession, name string, arguments any) (*sdk.CallToolResult, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	return s.CallTool(ctx, &sdk.CallToolParams{Name: name, Arguments: arguments})
}

// said is what the texts of a result say.
func said(res *sdk.CallToolResult) string {
	if res == nil {
		return ""
	}
	var parts []string
	for _, c := range res.Content {
		if text, ok := c.(*sdk.TextContent); ok {
			parts = append(parts, text.Text)
		}
	}
	return strings.Join(parts, "\n")
}

func equal(t *testing.T, what string, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%s: %q, want %q", what, got, want)
	}
}

func wantFault(t *testing.T, what string, err error, code, part string) {
	t.Helper()
	f := fault.Of(err)
	if f == nil || f.Code != code || !strings.Contains(f.Message, part) {
		t.Errorf("%s: %v, want %s with %q", what, err, code, part)
	}
}

// raw sends a message as it is.
func raw(t *testing.T, srv *testkit.Server, token, body string, headers ...string) (*http.Response, string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/mcp", strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Accept", "application/json, text/event-stream")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	res, answer := srv.Send(t, r)
	return res, string(answer)
}
