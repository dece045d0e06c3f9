package main

import (
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onsight/internal/qs"
	"onsight/internal/testkit"
)

// TestConnector uses connectors at a server by commands.
func TestConnector(t *testing.T) {
	t.Parallel()
	vendor := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Header.Get("X-Api-Key") != "s3cr3t" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"message":"who are you?"}`)
			return
		}
		_, _ = io.WriteString(w, `{"id":42,"name":"a < b"}`)
	}))
	t.Cleanup(vendor.Close)
	dir := t.TempDir()
	profiles := testkit.Profiles(t, vendor)
	p := start(t, dir, "-network-profiles", profiles, "-public-url", "https://onsight.example.org")
	c := subscribe(t, p, dir)
	for id, key := range map[string]qs.Secret{"shop": "X-Api-Key: s3cr3t", "wrong": "bad"} {
		must(t, c, qs.CreateActionConnector, qs.CreateActionConnectorRequest{
			AwsAccountId: "111122223333", ActionConnectorId: id, Name: "Shop", Type: "GENERIC_HTTP",
			AuthenticationConfig: &qs.AuthConfig{AuthenticationType: "API_KEY", AuthenticationMetadata: &qs.AuthenticationMetadata{
				ApiKeyConnectionMetadata: &qs.APIKeyConnectionMetadata{BaseEndpoint: vendor.URL, ApiKey: key},
			}},
		})
	}
	must(t, c, qs.CreateActionConnector, qs.CreateActionConnectorRequest{
		AwsAccountId: "111122223333", ActionConnectorId: "mine", Name: "Mine", Type: "GENERIC_HTTP",
		AuthenticationConfig: &qs.AuthConfig{AuthenticationType: "OAUTH2_AUTHORIZATION_CODE", AuthenticationMetadata: &qs.AuthenticationMetadata{
			AuthorizationCodeGrantMetadata: &qs.AuthorizationCodeGrantMetadata{
				BaseEndpoint: vendor.URL, RedirectUrl: "https://onsight.example.org/sn/oauthcallback",
				AuthorizationCodeGrantCredentialsDetails: &qs.AuthorizationCodeGrantCredentialsDetails{AuthorizationCodeGrantDetails: &qs.AuthorizationCodeGrantDetails{
					ClientId: "client", ClientSecret: "secret", TokenEndpoint: vendor.URL + "/token", AuthorizationEndpoint: vendor.URL + "/authorize",
				}},
			},
		}},
	})
	run := func(status int, args ...string) string {
		t.Helper()
		return command(t, p, dir, status, append([]string{"connector", args[0], "-endpoint", p.url}, args[1:]...)...)
	}
	// The check waits for no one; invoking does wait for it.
	has(t, run(0, "invoke", "-id", "shop", "-action", "HttpGet", "-input", `{"path":"items/42"}`), `"name": "a < b"`, `"status": 200`)
	has(t, run(0, "invoke", "-id", "shop", "-action", "HttpGet", "-json"), `"InvokeActionStatus": "SUCCESS"`, `"HttpStatusCode": "200"`)
	has(t, run(0, "invoke", "-id", "shop", "-action", "HttpGet", "-async"), `"status": 200`)
	input := filepath.Join(dir, "input.json")
	if err := os.WriteFile(input, []byte(`{"path":7}`), 0o600); err != nil {
		t.Fatal(err)
	}
	has(t, run(1, "invoke", "-id", "shop", "-action", "HttpGet", "-input", "@"+input), "Input isn't valid: /path: is of type number, and must be string.")
	has(t, run(2, "invoke", "-id", "shop", "-action", "HttpGet", "-input", "{"), "-input is no JSON")
	has(t, run(0, "list"), "mine   GENERIC_HTTP  CREATION_SUCCESSFUL  Mine\n", "shop   GENERIC_HTTP  CREATION_SUCCESSFUL  Shop\n")
	has(t, run(0, "describe", "-id", "shop"), "Authentication   API_KEY", "Enabled actions  HttpDelete HttpGet HttpPatch HttpPost HttpPut")
	has(t, run(0, "actions", "-id", "shop"), "HttpGet     reads     HTTP GET", "HttpDelete  destroys  HTTP DELETE")
	has(t, run(0, "actions", "-id", "shop", "-action", "HttpGet"), `"InputSchema": {`, `"additionalProperties": false`)
	has(t, run(0, "test", "-id", "shop"), "shop works (")
	has(t, run(1, "invoke", "-id", "wrong", "-action", "HttpGet"), "its creation failed")
	has(t, run(0, "describe", "-id", "wrong"), "The service does not accept ApiKey. Check it. The service says (status 401): who are you?")
	has(t, run(0, "enable", "-id", "shop", "-actions", "HttpPost,HttpGet"), "shop can perform HttpGet, HttpPost.")
	has(t, run(1, "invoke", "-id", "shop", "-action", "HttpPut"), "is not enabled")
	has(t, run(0, "connect", "-id", "mine"), "Open this with your browser until ", "https://onsight.example.org/sn/oauthconnect?state=")
	has(t, run(0, "connect", "-id", "mine", "-status"), "NOT_CONNECTED  arn:aws:iam::111122223333:root")
	has(t, run(1, "connect", "-id", "mine", "-out"), "There is no connection of arn:aws:iam::111122223333:root through action connector mine.")
	has(t, run(1, "connect", "-id", "shop"), "has no connections of people")
	calls := run(0, "calls", "-id", "shop")
	if n := strings.Count(calls, "\n"); n != 3 {
		t.Errorf("%d calls, want 3:\n%s", n, calls)
	}
	has(t, calls, "HttpGet  SUCCESS  200")
	has(t, run(0, "calls", "-id", "shop", "-most", "1", "-json"), `"ActionId": "HttpGet"`)
	has(t, run(0, "guards", "-id", "shop"), "Confirmation  none\n", "Verification  off\n")
	has(t, run(0, "guards", "-id", "shop", "-confirm", "writes", "-per-day", "100", "-units", "9", "-costs", "HttpPost=5"), "Confirmation       writes\n", "Calls a day        100\n", "HttpPost costs     5\n", "Units today (UTC)  0\n")
	has(t, run(1, "invoke", "-id", "shop", "-action", "HttpPost"), "it has to be confirmed: HTTP POST (HttpPost) of the connector Shop: it changes something at the service. Give -yes to confirm it")
	has(t, run(0, "invoke", "-id", "shop", "-action", "HttpPost", "-yes"), `"status": 200`)
	has(t, run(1, "invoke", "-id", "shop", "-action", "HttpPost", "-yes"), "ThrottlingException: All callers together may spend 9 units a day with action connector shop: 5 are spent, and action HttpPost costs 5.")
	has(t, run(0, "guards", "-id", "shop", "-units", "0", "-costs", "", "-confirm", "none"), "Calls a day        100\n", "Calls today (UTC)  1\n")
	has(t, run(1, "guards", "-id", "shop", "-confirm", "perhaps"), "Value 'PERHAPS' at 'guards.confirmation'")
	has(t, run(2, "guards", "-id", "shop", "-costs", "HttpPost"), "is not an action with its units")
	file := filepath.Join(dir, "api.yaml")
	give := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	give("openapi: 3.0.3\ninfo: {title: Shop, version: '1'}\npaths:\n  /items/{id}:\n    get:\n      operationId: getItem\n")
	has(t, run(1, "define", "-id", "shop", "-file", file), "6:7: /paths/~1items~1{id}/get: the operation has neither", "{id} is no parameter of the operation", "the document can't be used: it has 2 problems")
	give("openapi: 3.0.3\ninfo: {title: Shop, version: '1'}\npaths:\n  /items/{id}:\n    get:\n      operationId: getItem\n      summary: Get an item\n" +
		"      parameters: [{name: id, in: path, required: true, description: Id of the item., schema: {type: integer}}]\n")
	has(t, run(0, "define", "-id", "shop", "-file", file, "-validate"), "getItem  reads  Get an item  not enabled")
	has(t, run(1, "define", "-id", "shop", "-show"), "has no definition of its own")
	has(t, run(0, "define", "-id", "shop", "-file", file), "getItem  reads  Get an item  not enabled")
	has(t, run(0, "define", "-id", "shop", "-show"), "operationId: getItem")
	has(t, run(0, "enable", "-id", "shop", "-actions", "getItem"), "shop can perform getItem.")
	has(t, run(0, "invoke", "-id", "shop", "-action", "getItem", "-input", `{"id":42}`), `"name": "a < b"`)
	has(t, run(1, "define", "-id", "shop", "-refresh"), "has no MCP server")
	has(t, run(1, "define", "-id", "shop", "-mcp"), "does not keep to the Model Context Protocol")
	has(t, run(0, "define", "-id", "shop", "-delete"), "shop has the actions of its type.")
	if err := p.stop(t); err != nil {
		t.Error(err)
	}
}
