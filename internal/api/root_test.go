package api_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"onsight/internal/api"
	"onsight/internal/cloudtrailapi"
	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/policy"
	"onsight/internal/sigv4"
	"onsight/internal/stsapi"
	"onsight/internal/wire"
)

const (
	rootKey    = "AKIAIOSFODNN7EXAMPLE"
	rootSecret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
)

// keyHolder authenticates rootKey, and lets it do all but delete users.
type keyHolder struct {
	verifier *sigv4.Verifier
	asked    *[]string // what it was asked to authorise
}

func newKeyHolder() keyHolder {
	return keyHolder{asked: new([]string), verifier: &sigv4.Verifier{
		Window: 15 * time.Minute,
		Keys: func(_ context.Context, id, _ string) (sigv4.Key, error) {
			if id != rootKey {
				return sigv4.Key{}, fault.UnrecognizedClient()
			}
			return sigv4.Key{Secret: rootSecret}, nil
		},
	}}
}

func (k keyHolder) Authenticate(r *http.Request, body []byte, op *wire.Operation, _ []string) (api.Identity, error) {
	s, err := k.verifier.Verify(r.Context(), sigv4.FromHTTP(r, body), op.Service().Name(), time.Now())
	if err != nil {
		return api.Identity{}, err
	}
	return api.Identity{Principal: api.Principal{Account: "111122223333", ARN: "arn:aws:iam::111122223333:root"}, Region: s.Region}, nil
}

func (k keyHolder) Authorize(_ context.Context, who api.Principal, action string, on policy.Target) error {
	*k.asked = append(*k.asked, action+" "+on.Resource+" "+on.Account)
	if strings.Contains(action, "Delete") {
		return fault.Forbidden("User: %s is not authorized to perform: %s on resource: %s", who.ARN, action, on.Resource)
	}
	return nil
}

// rootServer answers a few operations of each service at the path /.
func rootServer(k keyHolder, log io.Writer) *api.Server {
	return api.New(api.Config{
		Log: slog.New(slog.NewTextHandler(log, nil)), Now: time.Now, Authenticator: k, Authorizer: k, BasePath: "/qs",
		Arrive: func(context.Context, string, string) error { return errors.New("this is no use of QuickSight") },
	},
		api.Handle(stsapi.GetCallerIdentity, nil, func(ctx context.Context, _ *stsapi.GetCallerIdentityRequest) (*stsapi.GetCallerIdentityResponse, error) {
			who := api.Caller(ctx)
			return &stsapi.GetCallerIdentityResponse{Account: &who.Account, Arn: new(api.Region(ctx))}, nil
		}),
		api.Handle(stsapi.AssumeRoleWithWebIdentity, nil, func(ctx context.Context, _ *stsapi.AssumeRoleWithWebIdentityRequest) (*stsapi.AssumeRoleWithWebIdentityResponse, error) {
			return &stsapi.AssumeRoleWithWebIdentityResponse{Provider: new("caller " + strconv.Quote(api.Caller(ctx).ARN))}, nil
		}),
		api.Handle(iamapi.CreateUser, user[iamapi.CreateUserRequest], func(_ context.Context, in *iamapi.CreateUserRequest) (*iamapi.CreateUserResponse, error) {
			if in.UserName == "panic" {
				panic("the inside")
			}
			return &iamapi.CreateUserResponse{User: &iamapi.User{UserName: in.UserName}}, nil
		}),
		api.Handle(iamapi.DeleteUser, user[iamapi.DeleteUserRequest], func(context.Context, *iamapi.DeleteUserRequest) (*iamapi.DeleteUserResponse, error) {
			return nil, errors.New("this is not allowed")
		}),
		api.Handle(cloudtrailapi.LookupEvents, user[cloudtrailapi.LookupEventsRequest], func(context.Context, *cloudtrailapi.LookupEventsRequest) (*cloudtrailapi.LookupEventsResponse, error) {
			return &cloudtrailapi.LookupEventsResponse{}, nil
		}),
	)
}

func user[In any](context.Context, *In) policy.Target {
	return policy.Target{Resource: "arn:aws:iam::111122223333:user/ana"}
}

// rootRequest makes a signed request; the body of a GET is its query.
func rootRequest(t *testing.T, method, path, body, service string) *http.Request {
	t.Helper()
	if method == http.MethodGet {
		path, body = path+"?"+body, ""
	}
	r := httptest.NewRequestWithContext(t.Context(), method, path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	sigv4.Sign(r, []byte(body), rootKey, rootSecret, "", "eu-west-1", service, time.Now())
	return r
}

// TestRoot is the way of requests whose operations are all at the path /.
func TestRoot(t *testing.T) {
	t.Parallel()
	const whoami = "Action=GetCallerIdentity&Version=2011-06-15"
	const create = "Action=CreateUser&Version=2010-05-08&UserName="
	tests := []struct {
		name, method, path, body, service string
		change                            func(*http.Request)
		status                            int
		answer                            string // part of it
	}{
		{"STS", "POST", "/", whoami, "sts", nil, 200, "<GetCallerIdentityResult><Account>111122223333</Account><Arn>eu-west-1</Arn></GetCallerIdentityResult>"},
		{"by GET", "GET", "/", whoami, "sts", nil, 200, "<Account>111122223333</Account>"},
		{"presigned", "GET", "/", whoami, "sts", func(r *http.Request) {
			r.Header.Del("Authorization")
			r.Header.Del("X-Amz-Date")
			sigv4.Presign(r, nil, rootKey, rootSecret, "", "eu-west-1", "sts", time.Now(), time.Minute)
			r.RequestURI = r.URL.RequestURI()
		}, 200, "<Account>111122223333</Account>"},
		{"below a base path", "POST", "/qs/", whoami, "sts", nil, 200, "<Account>111122223333</Account>"},
		{"at the base path", "POST", "/qs", whoami, "sts", nil, 200, "<Account>111122223333</Account>"},
		{"IAM", "POST", "/", create + "ana", "iam", nil, 200, "<UserName>ana</UserName></User></CreateUserResult>"},
		{"a rule broken", "POST", "/", create + "a%20b", "iam", nil, 400, "<Code>ValidationError</Code><Message>1 validation error detected: Value 'a b' at 'userName'"},
		{"not allowed", "POST", "/", "Action=DeleteUser&Version=2010-05-08&UserName=", "iam", nil, 403, "<Code>AccessDenied</Code><Message>User: arn:aws:iam::111122223333:root is not authorized to perform: iam:DeleteUser on resource: arn:aws:iam::111122223333:user/ana</Message>"},
		{"not answered yet", "POST", "/", "Action=AssumeRoot&Version=2011-06-15&TargetPrincipal=111122223333&TaskPolicyArn.arn=arn%3Aaws%3Aiam%3A%3Aaws%3Apolicy%2Fx", "sts", nil, 501, "<Type>Receiver</Type><Code>NotImplemented</Code><Message>AssumeRoot is not"},
		{"not answered, not allowed", "POST", "/", "Action=DeleteRole&Version=2010-05-08", "iam", nil, 403, "perform: iam:DeleteRole on resource: *"},
		{"unsigned", "POST", "/", "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&RoleSessionName=ab&WebIdentityToken=abcd", "sts", func(r *http.Request) {
			r.Header.Del("Authorization")
			r.Header.Del("X-Amz-Date")
		}, 200, `<Provider>caller ""</Provider>`},
		{"unsigned, invalid", "POST", "/", "Action=AssumeRoleWithWebIdentity&Version=2011-06-15", "sts", func(r *http.Request) { r.Header.Del("Authorization") }, 400, "3 validation errors detected: Value null at 'roleArn'"},
		{"unsigned, not answered", "POST", "/", "Action=AssumeRoleWithSAML&Version=2011-06-15&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&PrincipalArn=arn%3Aaws%3Aiam%3A%3A1%3Asaml-provider%2Fp&SAMLAssertion=abcd", "sts", func(r *http.Request) { r.Header.Del("Authorization") }, 501, "NotImplemented"},
		{"no signature", "POST", "/", whoami, "sts", func(r *http.Request) { r.Header.Del("Authorization") }, 403, "<Code>MissingAuthenticationToken</Code><Message>Request is missing Authentication Token</Message>"},
		{"half a signature", "POST", "/", whoami, "sts", func(r *http.Request) { r.Header.Set("Authorization", "AWS4-HMAC-SHA256 x=y") }, 400, "<Code>IncompleteSignature</Code>"},
		{"altered body", "POST", "/", create + "ana", "iam", func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader(create + "bob")) }, 403, "<Code>SignatureDoesNotMatch</Code>"},
		{"another service", "POST", "/", create + "ana", "sts", nil, 403, "<Code>SignatureDoesNotMatch</Code><Message>Credential should be scoped to correct service: 'iam'. </Message>"},
		{"another key", "POST", "/", whoami, "sts", func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), rootKey, "AKIAUNKNOWNUNKNOWN00", 1))
		}, 403, "<Code>InvalidClientTokenId</Code><Message>The security token included in the request is invalid.</Message>"},
		{"old", "POST", "/", whoami, "sts", func(r *http.Request) {
			sigv4.Sign(r, []byte(whoami), rootKey, rootSecret, "", "eu-west-1", "sts", time.Now().Add(-16*time.Minute))
		}, 403, " - 15 min.)</Message>"},
		{"unknown action", "POST", "/", "Action=Nothing&Version=2011-06-15", "sts", nil, 400, `<ErrorResponse xmlns="http://webservices.amazon.com/AWSFault/2005-15-09"><Error><Type>Sender</Type><Code>InvalidAction</Code><Message>Could not find operation Nothing for version 2011-06-15</Message>`},
		{"no action", "POST", "/", "Version=2011-06-15", "sts", nil, 400, "<Code>MissingAction</Code>"},
		{"no parameters", "POST", "/", "", "sts", nil, 400, "<Code>MissingAction</Code>"},
		{"malformed", "POST", "/", whoami + "&a=%zz", "sts", nil, 400, "<Code>MalformedQueryString</Code>"},
		{"too large", "POST", "/", whoami + "&a=" + strings.Repeat("a", 1<<20), "sts", nil, 413, "<Code>RequestEntityTooLarge</Code>"},
		{"cut off", "POST", "/", whoami, "sts", func(r *http.Request) { r.ContentLength += 5 }, 400, "<Code>MalformedQueryString</Code>"},
		{"panic", "POST", "/", create + "panic", "iam", nil, 500, "<Type>Receiver</Type><Code>ServiceFailure</Code><Message>An internal failure occurred.</Message>"},
		{"a page is asked for", "GET", "/", "", "sts", nil, 404, `{"message":"No operation has method GET and path /."}`},
		{"JSON without a target", "POST", "/", "{}", "sts", func(r *http.Request) { r.Header.Set("Content-Type", "application/json") }, 404, `{"message":"No operation has`},
	}
	for _, tt := range tests {
		r := rootRequest(t, tt.method, tt.path, tt.body, tt.service)
		if tt.change != nil {
			tt.change(r)
		}
		w := httptest.NewRecorder()
		rootServer(newKeyHolder(), io.Discard).ServeHTTP(w, r)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.answer) || strings.Contains(w.Body.String(), "inside") {
			t.Errorf("%s: %d %s\nwant %d … %s", tt.name, w.Code, w.Body, tt.status, tt.answer)
		}
		want := "text/xml"
		if strings.HasPrefix(tt.answer, "{") {
			want = "application/json"
		}
		h := w.Header()
		if got := h.Get("Content-Type"); got != want {
			t.Errorf("%s: Content-Type %s, want %s", tt.name, got, want)
		}
		id := h["x-amzn-RequestId"]                                                                                                                         //nolint:staticcheck // sent in this spelling
		if want == "text/xml" && (len(id) != 1 || !strings.Contains(w.Body.String(), "<RequestId>"+id[0]+"</RequestId>") || h["x-amzn-ErrorType"] != nil) { //nolint:staticcheck // sent in this spelling
			t.Errorf("%s: headers %v for %s", tt.name, h, w.Body)
		}
	}
}

// TestTargetHeader is the way of requests whose operation a header names.
func TestTargetHeader(t *testing.T) {
	t.Parallel()
	const prefix = "com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101."
	for _, tt := range []struct {
		name, target, contentType, body string
		status                          int
		answer                          string
	}{
		{"answered", prefix + "LookupEvents", "application/x-amz-json-1.1", `{"MaxResults":5}`, 200, `{"Events":[]}`},
		{"no body", prefix + "LookupEvents", "", "", 200, `{"Events":[]}`},
		{"a rule broken", prefix + "LookupEvents", "application/x-amz-json-1.1", `{"MaxResults":99}`, 400, `{"__type":"ValidationException","message":"1 validation error detected: Value '99' at 'maxResults' failed to satisfy constraint: Member must have value less than or equal to 50"}`},
		{"not JSON", prefix + "LookupEvents", "application/x-amz-json-1.1", `{`, 400, `{"__type":"SerializationException","message":"The body is not valid JSON: it ends too early, at byte 1."}`},
		{"a form", prefix + "LookupEvents", "application/x-www-form-urlencoded", `a=b`, 400, `{"__type":"UnsupportedMediaTypeException","message":"The body's Content-Type is \"application/x-www-form-urlencoded\"; this API takes application/x-amz-json-1.1."}`},
		{"not served", prefix + "CreateTrail", "application/x-amz-json-1.1", `{}`, 400, `{"__type":"UnknownOperationException","message":"There is no operation ` + prefix + `CreateTrail."}`},
	} {
		r := httptest.NewRequestWithContext(t.Context(), "POST", "/", strings.NewReader(tt.body))
		r.Header.Set("X-Amz-Target", tt.target)
		if tt.contentType != "" {
			r.Header.Set("Content-Type", tt.contentType)
		}
		sigv4.Sign(r, []byte(tt.body), rootKey, rootSecret, "", "us-east-1", "cloudtrail", time.Now())
		w := httptest.NewRecorder()
		rootServer(newKeyHolder(), io.Discard).ServeHTTP(w, r)
		if w.Code != tt.status || w.Body.String() != tt.answer || w.Header().Get("Content-Type") != "application/x-amz-json-1.1" {
			t.Errorf("%s: %d %v %s\nwant %d %s", tt.name, w.Code, w.Header(), w.Body, tt.status, tt.answer)
		}
	}
}

// TestWhatIsAuthorised: the action is the service's, the account the caller's
// where the target names none, and nothing is asked where there is no target.
func TestWhatIsAuthorised(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	k := newKeyHolder()
	server := rootServer(k, &log)
	for body, service := range map[string]string{
		"Action=CreateUser&Version=2010-05-08&UserName=ana": "iam",
		"Action=GetCallerIdentity&Version=2011-06-15":       "sts",
		"Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleArn=arn:aws:iam::1:role/r&RoleSessionName=ab&WebIdentityToken=abcd": "sts",
	} {
		w := httptest.NewRecorder()
		server.ServeHTTP(w, rootRequest(t, "POST", "/", body, service))
		if w.Code != 200 {
			t.Errorf("%s: %d %s", body, w.Code, w.Body)
		}
	}
	want := "iam:CreateUser arn:aws:iam::111122223333:user/ana 111122223333"
	if got := strings.Join(*k.asked, "; "); got != want {
		t.Errorf("asked to authorise %q, want %q", got, want)
	}
	if line := "operation=CreateUser service=iam"; !strings.Contains(log.String(), line) {
		t.Errorf("the log lacks %s:\n%s", line, &log)
	}
}

// The first requests of a service may come at the same time.
func TestFirstUse(t *testing.T) {
	t.Parallel()
	server := rootServer(newKeyHolder(), io.Discard)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			w := httptest.NewRecorder()
			server.ServeHTTP(w, rootRequest(t, "POST", "/", "Action=GetCallerIdentity&Version=2011-06-15", "sts"))
			if w.Code != 200 {
				t.Errorf("%d %s", w.Code, w.Body)
			}
		})
	}
	all.Wait()
}
