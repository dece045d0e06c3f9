package action_test

import (
	"encoding/json"
	"encoding/pem"
	"net/http"
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

// errorsOf are the error codes of the events of InvokeAction, the earliest first.
func errorsOf(t *testing.T, srv *testkit.Server, want int) []string {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		out, err := testkit.Call(t, srv, onsightapi.ListAuditRecords, onsightapi.ListAuditRecordsRequest{AwsAccountId: account})
		if err != nil {
			t.Fatal(err)
		}
		var codes []string
		for _, text := range out.Records {
			var r struct{ EventName, ErrorCode, ErrorMessage string }
			if err := json.Unmarshal(text, &r); err != nil {
				t.Fatal(err)
			}
			if r.EventName == "InvokeAction" && r.ErrorCode != "" {
				codes = append(codes, r.ErrorCode)
			}
		}
		if len(codes) >= want || time.Now().After(deadline) {
			slices.Sort(codes)
			return codes
		}
	}
}

// Each way in which a call goes wrong has a clear error of its own and an event
// in the audit trail, and takes nothing else along.
func TestFailures(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	for _, status := range []struct {
		path   string
		status int
		body   string
	}{
		{"/401", 401, `{"message":"who are you?"}`},
		{"/403", 403, `{"message":"not you"}`},
		{"/404", 404, `{"message":"no such item"}`},
		{"/409", 409, `{"message":"taken"}`},
		{"/500", 500, `{"message":"oh dear"}`},
	} {
		v.on(status.path, says(status.status, status.body))
	}
	v.on("/429", says(429, `{"message":"slow down"}`, "Retry-After", "3600"))
	v.on("/html", says(502, `<html><body>Bad gateway`, "Content-Type", "text/html"))
	v.on("/huge", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		block := make([]byte, 1<<20)
		for range 2048 {
			if _, err := w.Write(block); err != nil || r.Context().Err() != nil {
				return
			}
		}
	})
	v.on("/items", says(200, `{}`))
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		makeConnector(t, srv, "shop", "GENERIC_HTTP", "API_KEY", withKey(v.URL, "k"), "CREATION_SUCCESSFUL")
		if _, err := testkit.Call(t, srv, onsightapi.UpdateEnabledActions, onsightapi.UpdateEnabledActionsRequest{
			AwsAccountId: account, ActionConnectorId: "shop", EnabledActions: []string{"HttpGet", "HttpPost"},
		}); err != nil {
			t.Fatal(err)
		}
		// A reader, who asks for a write.
		if _, err := testkit.Call(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "rita"}); err != nil {
			t.Fatal(err)
		}
		if _, err := testkit.Call(t, srv, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{
			UserName: "rita", PolicyName: "p", PolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"onsight:*","Resource":"*"}}`,
		}); err != nil {
			t.Fatal(err)
		}
		key, err := testkit.Call(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: new("rita")})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := testkit.Call(t, srv, qs.RegisterUser, qs.RegisterUserRequest{
			AwsAccountId: account, Namespace: "default", Email: "rita@example.org", IdentityType: "IAM", UserRole: "READER", IamArn: new("arn:aws:iam::" + account + ":user/rita"),
		}); err != nil {
			t.Fatal(err)
		}
		rita := srv.With(key.AccessKey.AccessKeyId, key.AccessKey.SecretAccessKey.Reveal(), "")

		const failed = "ActionFailedException"
		var want []string
		texts := map[string]string{}
		for _, c := range []struct {
			what, action, input, code, part string
			as                              *testkit.Server
		}{
			{"401", "HttpPost", `{"path":"401"}`, failed, "who are you?", srv},
			{"403", "HttpPost", `{"path":"403"}`, failed, "not you", srv},
			{"404", "HttpPost", `{"path":"404"}`, failed, "no such item", srv},
			{"409", "HttpPost", `{"path":"409"}`, failed, "taken", srv},
			{"429", "HttpPost", `{"path":"429"}`, failed, "slow down", srv},
			{"500", "HttpPost", `{"path":"500"}`, failed, "oh dear", srv},
			{"an error that is no JSON", "HttpPost", `{"path":"html"}`, failed, "status 502", srv},
			{"2 GB", "HttpGet", `{"path":"huge"}`, failed, "too large", srv},
			{"not enabled", "HttpDelete", `{"path":"items"}`, "AccessDeniedException", "is not enabled. An owner of the connector can enable it.", srv},
			{"the schema", "HttpGet", `{"path":7}`, "InvalidParameterValueException", "/path: is of type number, and must be string", srv},
			{"a reader", "HttpPost", `{"path":"items"}`, "AccessDeniedException", "is a reader, who may only look", rita},
		} {
			_, err := invoke(t, c.as, "shop", c.action, c.input)
			said := wantFault(t, c.what, err, c.code, c.part)
			if other := texts[said]; other != "" {
				t.Errorf("%s says what %s says: %s", c.what, other, said)
			}
			texts[said] = c.what
			want = append(want, c.code)
			if _, err := invoke(t, srv, "shop", "HttpPost", `{"path":"items"}`); err != nil {
				t.Errorf("after %s: %v", c.what, err)
			}
		}
		slices.Sort(want)
		if got := errorsOf(t, srv, len(want)); !slices.Equal(got, want) {
			t.Errorf("events %v, want %v", got, want)
		}
	}, testkit.Near(t, v.Server))
}

// A refresh token that was revoked, used by two servers at once: it is asked for
// once, both say the same, there is one notice, and signing in again mends it.
func TestRevokedAtTwo(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			i := newIssuer(t)
			db, near := storetest.Config(t, dialect), testkit.Near(t, i.Server)
			seal := testkit.SealKey(t.TempDir() + "/seal.key")
			srv := testkit.Start(t, db, near, seal)
			servers := []*testkit.Server{srv}
			if db.URL != "" {
				servers = append(servers, testkit.Start(t, db, near, seal))
			}
			srv.Subscribe(t)
			makeConnector(t, srv, "mine", "GENERIC_HTTP", "OAUTH2_AUTHORIZATION_CODE", i.code(), "CREATION_SUCCESSFUL")
			b := srv.Browser(t)
			connect := func() {
				t.Helper()
				if shown := b.Get(i.agree(t, srv, b, start(t, srv, "mine"))); shown.Heading() != "You are connected" {
					t.Fatalf("%d %s", shown.Status, shown.Text())
				}
			}
			connect()
			for _, s := range servers {
				s.Advance(2 * time.Hour)
			}
			i.set(func() { clear(i.refresh); clear(i.good) })
			i.tokens()
			var all sync.WaitGroup
			for n := range 16 {
				all.Go(func() {
					_, err := invoke(t, servers[n%len(servers)], "mine", "HttpGet", me)
					wantFault(t, "revoked", err, "AccessTokenNotFoundException", "sign in there again")
				})
			}
			all.Wait()
			if n := i.tokens(); n != 1 {
				t.Errorf("%d requests with a token that is void, want 1", n)
			}
			if n, _, _ := noticed(t, srv, "ActionConnectionExpired"); n != 1 {
				t.Errorf("%d notices, want 1", n)
			}
			if codes := errorsOf(t, srv, 16); len(codes) != 16 {
				t.Errorf("%d events, want 16", len(codes))
			}
			connect()
			for _, s := range servers {
				if _, err := invoke(t, s, "mine", "HttpGet", me); err != nil {
					t.Errorf("signed in again: %v", err)
				}
			}
		})
	}
}

// An action goes by the network profile of its connector's VPC connection, and
// reaches what that allows; by no other way it does.
func TestNetworkProfile(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	v.on("/items", says(200, `{"n":1}`))
	dir := t.TempDir()
	profiles, err := json.Marshal(map[string]any{"profiles": []any{map[string]any{
		"name": "office", "subnets": []string{"subnet-a1", "subnet-b2"}, "allow": []string{"127.0.0.1"}, "authorities": "ca.pem",
	}}})
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"ca.pem": pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: v.Certificate().Raw}), "profiles.json": profiles} {
		if err := os.WriteFile(filepath.Join(dir, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		_, err := testkit.Call(t, srv, qs.CreateVPCConnection, qs.CreateVPCConnectionRequest{
			AwsAccountId: account, VPCConnectionId: "office", Name: "Office", RoleArn: "arn:aws:iam::" + account + ":role/vpc",
			SecurityGroupIds: []string{"sg-1"}, SubnetIds: []string{"subnet-a1", "subnet-b2"},
		})
		if err != nil {
			t.Fatal(err)
		}
		none := func(base string) *qs.AuthConfig {
			return &qs.AuthConfig{AuthenticationType: "NONE", AuthenticationMetadata: &qs.AuthenticationMetadata{NoneConnectionMetadata: &qs.NoneConnectionMetadata{BaseEndpoint: base}}}
		}
		through := new("arn:aws:quicksight:us-east-1:" + account + ":vpcConnection/office")
		_, err = testkit.Call(t, srv, qs.CreateActionConnector, qs.CreateActionConnectorRequest{
			AwsAccountId: account, ActionConnectorId: "inside", Name: "Inside", Type: "GENERIC_HTTP", VpcConnectionArn: through, AuthenticationConfig: none(v.URL),
		})
		if err != nil {
			t.Fatal(err)
		}
		await(t, srv, "inside", "CREATION_SUCCESSFUL")
		if out, err := invoke(t, srv, "inside", "HttpGet", `{"path":"items"}`); err != nil || !strings.Contains(body(out), `"n":1`) {
			t.Errorf("through the VPC connection: %s, %v", body(out), err)
		}
		// Without it the address is refused at once; and, as if a name had come to
		// stand for it later, when it is reached for.
		_, err = testkit.Call(t, srv, qs.CreateActionConnector, qs.CreateActionConnectorRequest{
			AwsAccountId: account, ActionConnectorId: "outside", Name: "Outside", Type: "GENERIC_HTTP", AuthenticationConfig: none(v.URL),
		})
		wantFault(t, "an address", err, "InvalidParameterValueException", "BaseEndpoint")
		srv.Write(t, func(tx *store.Tx) error {
			n, err := tx.Exec(`UPDATE resources SET doc = replace(doc, $1, '') WHERE id = 'inside' AND doc LIKE '%vpcConnectionArn%'`, `"vpcConnectionArn":"`+*through+`",`)
			if err == nil && n != 1 {
				t.Errorf("%d connectors changed", n)
			}
			return err
		})
		v.asked()
		_, err = invoke(t, srv, "inside", "HttpGet", `{"path":"items"}`)
		if f := fault.Of(err); f == nil || f.Code != "ActionFailedException" || f.Members["Kind"] != "Refused" {
			t.Errorf("by the default way: %v", err)
		}
		if seen := v.asked(); len(seen) != 0 {
			t.Errorf("the service was reached: %v", seen)
		}
	}, func(c *config.Config) { c.NetworkProfiles = filepath.Join(dir, "profiles.json") })
}
