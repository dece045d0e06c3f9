package oauthapp_test

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"onsight/internal/config"
	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
	"onsight/internal/testkit"
)

const account = testkit.Account

// provider is an identity provider's token endpoint. It knows its clients by
// HTTP Basic authentication alone (RFC 6749, 2.3.1), and does what the path says.
type provider struct {
	*httptest.Server
	mu      sync.Mutex
	clients map[string]string
	heard   []string
	down    int // how many requests it fails yet
}

func startProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{clients: map[string]string{"client": "s3cret-of-client"}}
	p.Server = httptest.NewTLSServer(p)
	t.Cleanup(p.Close)
	return p
}

func (p *provider) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	defer p.mu.Unlock()
	refuse := func(status int, code string) {
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(map[string]string{"error": code, "error_description": "a text with s3cret-of-client"})
	}
	id, secret, ok := r.BasicAuth()
	p.heard = append(p.heard, r.URL.Path+" "+id+" "+secret)
	switch {
	case r.Method != http.MethodPost || r.FormValue("grant_type") != "client_credentials":
		refuse(http.StatusBadRequest, "unsupported_grant_type")
	case p.down > 0:
		p.down--
		w.WriteHeader(http.StatusServiceUnavailable)
	case r.URL.Path == "/moved":
		http.Redirect(w, r, "/token", http.StatusTemporaryRedirect)
	case r.URL.Path == "/page":
		_, _ = w.Write([]byte("<html>a page"))
	case r.URL.Path == "/large":
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(bytes.Repeat([]byte(" "), 2<<20))
	case r.URL.Path == "/none":
		w.WriteHeader(http.StatusNotFound)
	case !ok || p.clients[id] == "" || p.clients[id] != secret:
		refuse(http.StatusUnauthorized, "invalid_client")
	case r.URL.Path == "/users":
		refuse(http.StatusBadRequest, "unauthorized_client")
	case strings.Contains(r.FormValue("scope"), "unknown"):
		refuse(http.StatusBadRequest, "invalid_scope")
	default:
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token": "t0ken-of-client", "token_type": "Bearer", "expires_in": 60}`))
	}
}

func (p *provider) fail(times int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.down = times
}

func (p *provider) last() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.heard) == 0 {
		return ""
	}
	return p.heard[len(p.heard)-1]
}

// reach lets a server reach the provider, which is on loopback.
func (p *provider) reach(t *testing.T) testkit.Option {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{
		"ca.pem": string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: p.Certificate().Raw})),
		"profiles.json": `{"profiles": [
			{"name": "default", "allow": ["127.0.0.0/8"], "authorities": "ca.pem"},
			{"name": "office", "subnets": ["subnet-a", "subnet-b"], "allow": ["127.0.0.0/8"], "authorities": "ca.pem"},
			{"name": "lab", "subnets": ["subnet-c", "subnet-d"], "allow": ["10.0.0.0/8"]}
		]}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return func(c *config.Config) { c.NetworkProfiles = filepath.Join(dir, "profiles.json") }
}

func (p *provider) application(id string) qs.CreateOAuthClientApplicationRequest {
	return qs.CreateOAuthClientApplicationRequest{
		AwsAccountId: account, OAuthClientApplicationId: id, Name: "Name of " + id, OAuthClientAuthenticationType: qs.OAuthClientAuthenticationTypeToken,
		ClientId: "client", ClientSecret: "s3cret-of-client", OAuthTokenEndpointUrl: qs.Secret(p.URL + "/token"),
	}
}

func create(t *testing.T, srv *testkit.Server, in qs.CreateOAuthClientApplicationRequest) *qs.CreateOAuthClientApplicationResponse {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.CreateOAuthClientApplication, in)
	if err != nil {
		t.Fatalf("create %s: %v", in.OAuthClientApplicationId, err)
	}
	return out
}

func describe(t *testing.T, srv *testkit.Server, id string) (*qs.OAuthClientApplication, error) {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.DescribeOAuthClientApplication, qs.DescribeOAuthClientApplicationRequest{AwsAccountId: srv.Account, OAuthClientApplicationId: id})
	if err != nil {
		return nil, err
	}
	return out.OAuthClientApplication, nil
}

// await waits for the end of a check, and gives its reason.
func await(t *testing.T, srv *testkit.Server, id, want string) string {
	t.Helper()
	deadline := time.Now().Add(time.Minute)
	for {
		out, err := testkit.Call(t, srv, onsightapi.GetOAuthClientApplicationStatus,
			onsightapi.GetOAuthClientApplicationStatusRequest{AwsAccountId: srv.Account, OAuthClientApplicationId: id})
		if err != nil {
			t.Fatal(err)
		}
		reason := ""
		if out.Reason != nil {
			reason = *out.Reason
		}
		if *out.ApplicationStatus == want {
			return reason
		}
		if !strings.HasSuffix(*out.ApplicationStatus, "_IN_PROGRESS") || time.Now().After(deadline) {
			t.Fatalf("%s is %s (%s), want %s", id, *out.ApplicationStatus, reason, want)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

func update(t *testing.T, srv *testkit.Server, in qs.UpdateOAuthClientApplicationRequest) error {
	t.Helper()
	in.AwsAccountId = srv.Account
	if in.Name == "" {
		in.Name = "Other"
	}
	_, err := testkit.Call(t, srv, qs.UpdateOAuthClientApplication, in)
	return err
}

func remove(t *testing.T, srv *testkit.Server, id string) error {
	t.Helper()
	_, err := testkit.Call(t, srv, qs.DeleteOAuthClientApplication, qs.DeleteOAuthClientApplicationRequest{AwsAccountId: srv.Account, OAuthClientApplicationId: id})
	return err
}

func want(t *testing.T, what string, err error, code, text string) {
	t.Helper()
	f := fault.Of(err)
	if f == nil || f.Code != code || !strings.Contains(f.Message, text) {
		t.Errorf("%s: %v, want %s with %q", what, err, code, text)
	}
	if f != nil && strings.Contains(f.Message, "s3cret") {
		t.Errorf("%s: the error gives a secret away: %v", what, err)
	}
}

func TestApplication(t *testing.T) {
	t.Parallel()
	p := startProvider(t)
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		in := p.application("snow")
		in.OAuthScopes, in.DataSourceType = new("session:role:ANALYST offline"), new(qs.DataSourceTypeSnowflake)
		in.OAuthAuthorizationEndpointUrl = new(qs.Secret("https://10.1.2.3/authorize"))
		in.Tags = []qs.Tag{{Key: "team", Value: "data"}}
		out := create(t, srv, in)
		arn := "arn:aws:quicksight:us-east-1:" + account + ":oauthClientApplication/snow"
		if *out.Arn != arn || *out.OAuthClientApplicationId != "snow" || *out.CreationStatus != "CREATION_IN_PROGRESS" {
			t.Errorf("created as %+v", out)
		}
		if reason := await(t, srv, "snow", "CREATION_SUCCESSFUL"); reason != "" {
			t.Errorf("the reason is %q", reason)
		}
		a, err := describe(t, srv, "snow")
		if err != nil || *a.Arn != arn || *a.Name != "Name of snow" || *a.OAuthScopes != *in.OAuthScopes || *a.DataSourceType != "SNOWFLAKE" ||
			*a.OAuthTokenEndpointUrl != in.OAuthTokenEndpointUrl || *a.OAuthAuthorizationEndpointUrl != *in.OAuthAuthorizationEndpointUrl ||
			*a.OAuthClientAuthenticationType != "TOKEN" || a.IdentityProviderVpcConnectionProperties != nil || a.CreatedTime == nil {
			t.Errorf("described as %+v, %v", a, err)
		}
		if tags, err := testkit.Call(t, srv, qs.ListTagsForResource, qs.ListTagsForResourceRequest{ResourceArn: arn}); err != nil || len(tags.Tags) != 1 {
			t.Errorf("tags %+v, %v", tags, err)
		}
		_, err = testkit.Call(t, srv, qs.CreateOAuthClientApplication, in)
		want(t, "a second one", err, "ResourceExistsException", "snow already exists")

		// What is not given stays, the secret too.
		if err := update(t, srv, qs.UpdateOAuthClientApplicationRequest{OAuthClientApplicationId: "snow", Name: "Renamed"}); err != nil {
			t.Fatal(err)
		}
		await(t, srv, "snow", "UPDATE_SUCCESSFUL")
		if a, err = describe(t, srv, "snow"); err != nil || *a.Name != "Renamed" || *a.OAuthScopes != *in.OAuthScopes || !strings.HasSuffix(p.last(), " client s3cret-of-client") {
			t.Errorf("renamed %+v, %v; heard %s", a, err, p.last())
		}
		if err := remove(t, srv, "snow"); err != nil {
			t.Fatal(err)
		}
		_, err = describe(t, srv, "snow")
		want(t, "after the deletion", err, "ResourceNotFoundException", "snow can't be found")
		want(t, "delete twice", remove(t, srv, "snow"), "ResourceNotFoundException", "snow can't be found")
		want(t, "update of none", update(t, srv, qs.UpdateOAuthClientApplicationRequest{OAuthClientApplicationId: "snow"}), "ResourceNotFoundException", "")
		_, err = testkit.Call(t, srv, qs.ListTagsForResource, qs.ListTagsForResourceRequest{ResourceArn: arn})
		want(t, "tags of none", err, "ResourceNotFoundException", "")
		create(t, srv, p.application("snow"))

		// Ids may hold nearly everything.
		odd := "a/b c*ü?%2F"
		create(t, srv, p.application(odd))
		await(t, srv, odd, "CREATION_SUCCESSFUL")
		if a, err := describe(t, srv, odd); err != nil || *a.OAuthClientApplicationId != odd {
			t.Errorf("%+v, %v", a, err)
		}
		if err := remove(t, srv, odd); err != nil {
			t.Error(err)
		}
	}, p.reach(t))
}

func TestWrongApplications(t *testing.T) {
	t.Parallel()
	p := startProvider(t)
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		_, err := testkit.Call(t, srv, qs.CreateOAuthClientApplication, p.application("a"))
		want(t, "not subscribed", err, "ResourceNotFoundException", "not subscribed")
		_, err = describe(t, srv, "a")
		want(t, "describe, not subscribed", err, "ResourceNotFoundException", "not subscribed")
		_, err = testkit.Call(t, srv, qs.ListOAuthClientApplications, qs.ListOAuthClientApplicationsRequest{AwsAccountId: account})
		want(t, "list, not subscribed", err, "ResourceNotFoundException", "not subscribed")
		want(t, "delete, not subscribed", remove(t, srv, "a"), "ResourceNotFoundException", "not subscribed")
		want(t, "update, not subscribed", update(t, srv, qs.UpdateOAuthClientApplicationRequest{OAuthClientApplicationId: "a"}), "ResourceNotFoundException", "not subscribed")
		srv.Subscribe(t)
		arn := "arn:aws:quicksight:us-east-1:" + account + ":"
		for name, x := range map[string]struct {
			change func(*qs.CreateOAuthClientApplicationRequest)
			text   string
		}{
			"user in URL": {func(in *qs.CreateOAuthClientApplicationRequest) { in.OAuthTokenEndpointUrl = "https://u:s3cret@h/" }, "user name"},
			"private":     {func(in *qs.CreateOAuthClientApplicationRequest) { in.OAuthTokenEndpointUrl = "https://10.0.0.1/" }, "a private address"},
			"metadata": {func(in *qs.CreateOAuthClientApplicationRequest) {
				in.OAuthTokenEndpointUrl = "https://169.254.169.254/"
			}, "hands out credentials"},
			"number": {func(in *qs.CreateOAuthClientApplicationRequest) { in.OAuthTokenEndpointUrl = "https://2130706433/" }, "number"},
			"browser's URL": {func(in *qs.CreateOAuthClientApplicationRequest) {
				in.OAuthAuthorizationEndpointUrl = new(qs.Secret("https://a b/"))
			}, "OAuthAuthorizationEndpointUrl"},
			"no ARN": {func(in *qs.CreateOAuthClientApplicationRequest) {
				in.IdentityProviderVpcConnectionProperties = &qs.VpcConnectionProperties{VpcConnectionArn: "x"}
			}, "VpcConnectionArn isn't valid"},
			"of another kind": {func(in *qs.CreateOAuthClientApplicationRequest) {
				in.IdentityProviderVpcConnectionProperties = &qs.VpcConnectionProperties{VpcConnectionArn: arn + "user/default/a"}
			}, "VPC connection of account"},
			"no connection": {func(in *qs.CreateOAuthClientApplicationRequest) {
				in.IdentityProviderVpcConnectionProperties = &qs.VpcConnectionProperties{VpcConnectionArn: arn + "vpcConnection/x"}
			}, "can't be found"},
		} {
			in := p.application("wrong")
			x.change(&in)
			_, err := testkit.Call(t, srv, qs.CreateOAuthClientApplication, in)
			want(t, name, err, "InvalidParameterValueException", x.text)
		}
		create(t, srv, p.application("a"))
		want(t, "another host without the secret", update(t, srv, qs.UpdateOAuthClientApplicationRequest{
			OAuthClientApplicationId: "a", OAuthTokenEndpointUrl: new(qs.Secret("https://attacker.example/token")),
		}), "InvalidParameterValueException", "ClientSecret is needed again")
		other := srv.As(t, "444455556666")
		other.Subscribe(t)
		_, err = describe(t, other, "a")
		want(t, "of another account", err, "ResourceNotFoundException", "")
		_, err = describe(t, srv.In("eu-west-1"), "a")
		want(t, "of another region", err, "ResourceNotFoundException", "")
	}, p.reach(t))
}

// What the token endpoint says decides how a creation or an update ends; one
// that fails leaves what was before in force, and can be mended.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	p := startProvider(t)
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		users := qs.Secret("https://login.example.com/authorize")
		for id, x := range map[string]struct {
			change func(*qs.CreateOAuthClientApplicationRequest)
			reason string // empty for a success
		}{
			"wrong-secret": {func(in *qs.CreateOAuthClientApplicationRequest) { in.ClientSecret = "wr0ng" }, "does not accept ClientId and ClientSecret (invalid_client)"},
			"wrong-client-with-users": {func(in *qs.CreateOAuthClientApplicationRequest) {
				in.ClientId, in.OAuthAuthorizationEndpointUrl = "nobody", &users
			}, "invalid_client"},
			"for-users-alone": {func(in *qs.CreateOAuthClientApplicationRequest) {
				in.OAuthTokenEndpointUrl, in.OAuthAuthorizationEndpointUrl = qs.Secret(p.URL+"/users"), &users
			}, ""},
			"no-grant": {func(in *qs.CreateOAuthClientApplicationRequest) {
				in.OAuthTokenEndpointUrl = qs.Secret(p.URL + "/users")
			}, "no token of its own (unauthorized_client)"},
			"unknown-scope": {func(in *qs.CreateOAuthClientApplicationRequest) { in.OAuthScopes = new("unknown") }, "OAuthScopes"},
			"redirect": {func(in *qs.CreateOAuthClientApplicationRequest) {
				in.OAuthTokenEndpointUrl = qs.Secret(p.URL + "/moved")
			}, "answers 307"},
			"page": {func(in *qs.CreateOAuthClientApplicationRequest) {
				in.OAuthTokenEndpointUrl = qs.Secret(p.URL + "/page")
			}, "not a token"},
			"none": {func(in *qs.CreateOAuthClientApplicationRequest) {
				in.OAuthTokenEndpointUrl = qs.Secret(p.URL + "/none")
			}, "answers 404"},
			"large": {func(in *qs.CreateOAuthClientApplicationRequest) {
				in.OAuthTokenEndpointUrl = qs.Secret(p.URL + "/large")
			}, "token"},
		} {
			in := p.application(id)
			x.change(&in)
			create(t, srv, in)
			status := "CREATION_SUCCESSFUL"
			if x.reason != "" {
				status = "CREATION_FAILED"
			}
			reason := await(t, srv, id, status)
			if !strings.Contains(reason, x.reason) || strings.Contains(reason, "s3cret") || strings.Contains(reason, "/token") {
				t.Errorf("%s: %q, want %q", id, reason, x.reason)
			}
		}
		if err := update(t, srv, qs.UpdateOAuthClientApplicationRequest{OAuthClientApplicationId: "wrong-secret", ClientSecret: new(qs.Secret("s3cret-of-client"))}); err != nil {
			t.Fatal(err)
		}
		await(t, srv, "wrong-secret", "UPDATE_SUCCESSFUL")
		// An update that fails leaves name and secret of before in force.
		if err := update(t, srv, qs.UpdateOAuthClientApplicationRequest{OAuthClientApplicationId: "wrong-secret", Name: "Broken", ClientSecret: new(qs.Secret("wr0ng"))}); err != nil {
			t.Fatal(err)
		}
		await(t, srv, "wrong-secret", "UPDATE_FAILED")
		if a, err := describe(t, srv, "wrong-secret"); err != nil || *a.Name != "Other" {
			t.Errorf("%+v, %v", a, err)
		}
		if err := update(t, srv, qs.UpdateOAuthClientApplicationRequest{OAuthClientApplicationId: "wrong-secret", Name: "Mended"}); err != nil {
			t.Fatal(err)
		}
		await(t, srv, "wrong-secret", "UPDATE_SUCCESSFUL")
	}, p.reach(t))
}

// An endpoint that is away for a moment is asked again, but not for ever.
func TestAwayForAMoment(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			p := startProvider(t)
			srv := testkit.Start(t, storetest.Config(t, dialect), p.reach(t))
			srv.Subscribe(t)
			for id, x := range map[string]struct {
				times  int
				status string
			}{"comes-back": {2, "CREATION_SUCCESSFUL"}, "stays-away": {1000, "CREATION_FAILED"}} {
				p.fail(x.times)
				create(t, srv, p.application(id))
				deadline := time.Now().Add(time.Minute)
				for status := ""; status != x.status; {
					srv.Advance(20 * time.Second) // past each pause
					out, err := testkit.Call(t, srv, onsightapi.GetOAuthClientApplicationStatus,
						onsightapi.GetOAuthClientApplicationStatusRequest{AwsAccountId: account, OAuthClientApplicationId: id})
					// The clock runs ahead of signatures with the client's own.
					if err != nil || time.Now().After(deadline) {
						t.Fatalf("%s: %+v, %v", id, out, err)
					}
					status = *out.ApplicationStatus
					time.Sleep(5 * time.Millisecond)
				}
				p.fail(0)
			}
		})
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	p := startProvider(t)
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		var ids []string
		for i := range 5 {
			ids = append(ids, fmt.Sprintf("a%d", i))
			create(t, srv, p.application(ids[i]))
		}
		var got []string
		in := qs.ListOAuthClientApplicationsRequest{AwsAccountId: account, MaxResults: new(int32(2))}
		for {
			out, err := testkit.Call(t, srv, qs.ListOAuthClientApplications, in)
			if err != nil {
				t.Fatal(err)
			}
			for _, a := range out.OAuthClientApplications {
				got = append(got, *a.OAuthClientApplicationId)
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				break
			}
			if len(got) == 2 { // what comes and goes between two pages moves nothing else
				create(t, srv, p.application("a"))
				if err := remove(t, srv, "a0"); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !slices.Equal(got, ids) {
			t.Errorf("listed %v", got)
		}
		_, err := testkit.Call(t, srv, qs.ListOAuthClientApplications, qs.ListOAuthClientApplicationsRequest{AwsAccountId: account, NextToken: new("x")})
		want(t, "no token", err, "InvalidNextTokenException", "")
	}, p.reach(t))
}

// An application goes by its VPC connection, and holds it.
func TestVPCConnection(t *testing.T) {
	t.Parallel()
	p := startProvider(t)
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		arn := "arn:aws:quicksight:us-east-1:" + account + ":vpcConnection/"
		for id, subnets := range map[string][]string{"office": {"subnet-a", "subnet-b"}, "lab": {"subnet-c", "subnet-d"}} {
			if _, err := testkit.Call(t, srv, qs.CreateVPCConnection, qs.CreateVPCConnectionRequest{
				AwsAccountId: account, VPCConnectionId: id, Name: id, RoleArn: "arn:aws:iam::" + account + ":role/vpc", SecurityGroupIds: []string{"sg-1"}, SubnetIds: subnets,
			}); err != nil {
				t.Fatal(err)
			}
			deadline := time.Now().Add(time.Minute)
			for status := qs.VPCConnectionResourceStatus(""); status != "CREATION_SUCCESSFUL"; {
				out, err := testkit.Call(t, srv, qs.DescribeVPCConnection, qs.DescribeVPCConnectionRequest{AwsAccountId: account, VPCConnectionId: id})
				if err != nil || time.Now().After(deadline) {
					t.Fatal(err)
				}
				status = *out.VPCConnection.Status
			}
		}
		in := p.application("by-office")
		in.IdentityProviderVpcConnectionProperties = &qs.VpcConnectionProperties{VpcConnectionArn: arn + "office"}
		create(t, srv, in)
		await(t, srv, "by-office", "CREATION_SUCCESSFUL")
		if a, err := describe(t, srv, "by-office"); err != nil || a.IdentityProviderVpcConnectionProperties.VpcConnectionArn != arn+"office" {
			t.Errorf("%+v, %v", a, err)
		}
		// The other network does not lead there: by address, and by a name that leads to one.
		in = p.application("by-lab")
		in.IdentityProviderVpcConnectionProperties = &qs.VpcConnectionProperties{VpcConnectionArn: arn + "lab"}
		_, err := testkit.Call(t, srv, qs.CreateOAuthClientApplication, in)
		want(t, "an address that the profile does not allow", err, "InvalidParameterValueException", "loopback")

		_, err = testkit.Call(t, srv, qs.DeleteVPCConnection, qs.DeleteVPCConnectionRequest{AwsAccountId: account, VPCConnectionId: "office"})
		want(t, "delete while in use", err, "ConflictException", "oauthClientApplication/by-office uses it")
		if err := remove(t, srv, "by-office"); err != nil {
			t.Fatal(err)
		}
		if _, err = testkit.Call(t, srv, qs.DeleteVPCConnection, qs.DeleteVPCConnectionRequest{AwsAccountId: account, VPCConnectionId: "office"}); err != nil {
			t.Error(err)
		}
	}, p.reach(t))
}

// Secrets outlive a change of the sealing key, and the old key.
func TestKeyRotation(t *testing.T) {
	t.Parallel()
	p := startProvider(t)
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		create(t, srv, p.application("a"))
		await(t, srv, "a", "CREATION_SUCCESSFUL")
		if _, err := testkit.Call(t, srv, onsightapi.RotateSealingKey, onsightapi.RotateSealingKeyRequest{}); err != nil {
			t.Fatal(err)
		}
		if _, err := testkit.Call(t, srv, onsightapi.RetireSealingKeys, onsightapi.RetireSealingKeysRequest{}); err != nil {
			t.Fatal(err)
		}
		srv = srv.Restart(t)
		p.mu.Lock()
		p.clients["renamed"] = "s3cret-of-client"
		p.mu.Unlock()
		if err := update(t, srv, qs.UpdateOAuthClientApplicationRequest{OAuthClientApplicationId: "a", ClientId: new(qs.Secret("renamed"))}); err != nil {
			t.Fatal(err)
		}
		await(t, srv, "a", "UPDATE_SUCCESSFUL")
	}, p.reach(t))
}

// However many change one application at once, its secret works.
func TestRaces(t *testing.T) {
	t.Parallel()
	p := startProvider(t)
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		create(t, srv, p.application("a"))
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				in := qs.UpdateOAuthClientApplicationRequest{OAuthClientApplicationId: "a", Name: fmt.Sprint("n", i)}
				if i%2 == 0 {
					in.ClientSecret = new(qs.Secret("s3cret-of-client"))
				}
				if err := update(t, srv, in); err != nil && fault.Of(err).Code != "ConflictException" {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		await(t, srv, "a", "UPDATE_SUCCESSFUL")
		if !strings.HasSuffix(p.last(), " client s3cret-of-client") {
			t.Errorf("heard %s", p.last())
		}
	}, p.reach(t))
}

// No secret ever comes out: not in an answer, not in an error, not in the log,
// the trail or the bytes of the database.
func TestNoSecretComesOut(t *testing.T) {
	t.Parallel()
	p := startProvider(t)
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		secrets := []string{"s3cret-of-client", "t0ken-of-client", "wr0ng-s3cret"}
		create(t, srv, p.application("a"))
		await(t, srv, "a", "CREATION_SUCCESSFUL")
		if err := update(t, srv, qs.UpdateOAuthClientApplicationRequest{OAuthClientApplicationId: "a", ClientSecret: new(qs.Secret("wr0ng-s3cret"))}); err != nil {
			t.Fatal(err)
		}
		await(t, srv, "a", "UPDATE_FAILED")
		var answers bytes.Buffer
		for _, path := range []string{"", "/a"} {
			_, b := srv.Send(t, srv.Request(t, http.MethodGet, "/accounts/"+account+"/oauth-client-applications"+path, nil))
			answers.Write(b)
		}
		bad := p.application("b")
		bad.OAuthTokenEndpointUrl = "https://client:s3cret-of-client@127.0.0.1/"
		if _, err := testkit.Call(t, srv, qs.CreateOAuthClientApplication, bad); err != nil {
			answers.WriteString(err.Error())
		}
		raw := stored(t, srv)
		if !bytes.Contains(raw, []byte("oauthClientApplication/a")) {
			t.Fatal("what was read of the database does not hold what is known to be there")
		}
		for where, in := range map[string][]byte{"an answer": answers.Bytes(), "the log": []byte(srv.Log.String()), "the database": raw} {
			for _, s := range secrets {
				b64 := base64.RawStdEncoding.EncodeToString([]byte(s))
				if bytes.Contains(in, []byte(s)) || bytes.Contains(in, []byte(b64)) || bytes.Contains(in, fmt.Appendf(nil, "%x", s)) {
					t.Errorf("%s holds %s", where, s)
				}
			}
		}
	}, p.reach(t))
}

// stored is all that a database holds, as it lies there.
func stored(t *testing.T, srv *testkit.Server) []byte {
	t.Helper()
	c := srv.Store()
	var all []byte
	if c.Dir != "" {
		err := filepath.WalkDir(c.Dir, func(path string, e os.DirEntry, err error) error { // the write-ahead log too
			if err != nil || e.IsDir() {
				return err
			}
			b, err := os.ReadFile(path)
			all = append(all, b...)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	err := storetest.Reopen(t, c).Read(t.Context(), func(tx *store.Tx) error {
		tables, err := store.All[string](tx, `SELECT tablename::text FROM pg_tables WHERE schemaname = 'public'`)
		if err != nil {
			return err
		}
		for _, name := range tables {
			rows, err := store.All[string](tx, `SELECT t::text FROM `+name+` t`)
			if err != nil {
				return err
			}
			all = append(all, strings.Join(rows, "\n")...)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestWhoMayNot(t *testing.T) {
	t.Parallel()
	p := startProvider(t)
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		create(t, srv, p.application("a"))
		name := "reader"
		if _, err := testkit.Call(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: name}); err != nil {
			t.Fatal(err)
		}
		if _, err := testkit.Call(t, srv, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{
			UserName: name, PolicyName: "p",
			PolicyDocument: `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "quicksight:DescribeOAuthClientApplication", "Resource": "*"}]}`,
		}); err != nil {
			t.Fatal(err)
		}
		key, err := testkit.Call(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: &name})
		if err != nil {
			t.Fatal(err)
		}
		reader := srv.With(key.AccessKey.AccessKeyId, string(key.AccessKey.SecretAccessKey), "")
		if _, err := describe(t, reader, "a"); err != nil {
			t.Errorf("a reader reads: %v", err)
		}
		_, err = testkit.Call(t, reader, qs.CreateOAuthClientApplication, p.application("b"))
		want(t, "create", err, "AccessDeniedException", "quicksight:CreateOAuthClientApplication")
		want(t, "update", update(t, reader, qs.UpdateOAuthClientApplicationRequest{OAuthClientApplicationId: "a"}), "AccessDeniedException", "quicksight:UpdateOAuthClientApplication")
		want(t, "delete", remove(t, reader, "a"), "AccessDeniedException", "quicksight:DeleteOAuthClientApplication")
		_, err = testkit.Call(t, reader, qs.ListOAuthClientApplications, qs.ListOAuthClientApplicationsRequest{AwsAccountId: account})
		want(t, "list", err, "AccessDeniedException", "quicksight:ListOAuthClientApplications")
		_, err = testkit.Call(t, reader, onsightapi.GetOAuthClientApplicationStatus, onsightapi.GetOAuthClientApplicationStatusRequest{AwsAccountId: account, OAuthClientApplicationId: "a"})
		want(t, "status", err, "AccessDeniedException", "GetOAuthClientApplicationStatus")
	}, p.reach(t))
}
