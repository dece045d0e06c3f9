package action_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store/storetest"
	"onsight/internal/testkit"
)

// salesforce is an organisation with a token endpoint as the vendor describes
// it: clients authenticate in the body, tokens say no end, the refresh token
// stays the same and is not told again.
type salesforce struct {
	*vendor
	good      map[string]bool // access tokens
	challenge string
	count     int
	revoked   bool
	limit     bool
}

const identity = "https://acme.my.salesforce.com/id/00DRO0000008aXd2AI/005RO000000HfnkYAC"

func newSalesforce(t *testing.T) *salesforce {
	t.Helper()
	s := &salesforce{vendor: newVendor(t), good: map[string]bool{}}
	s.on("/services/oauth2/token", s.token)
	s.on("/services/data/v60.0/", s.answer(`{"sobjects":"/services/data/v60.0/sobjects","identity":"`+identity+`"}`))
	s.on("/services/data/v60.0/query", s.answer(`{"totalSize":2,"done":false,"nextRecordsUrl":"/services/data/v60.0/query/01g-2000","records":[{"Id":"1"}]}`))
	s.on("/services/data/v60.0/query/01g-2000", s.answer(`{"totalSize":2,"done":true,"records":[{"Id":"2"}]}`))
	return s
}

// answer answers who has a token that is good.
func (s *salesforce) answer(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		ok, limit := s.good[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")], s.limit
		s.mu.Unlock()
		switch {
		case !ok:
			says(401, `[{"message":"Session expired or invalid","errorCode":"INVALID_SESSION_ID"}]`)(w, r)
		case limit:
			says(403, `[{"message":"TotalRequests Limit exceeded.","errorCode":"REQUEST_LIMIT_EXCEEDED"}]`)(w, r)
		default:
			says(200, body)(w, r)
		}
	}
}

func (s *salesforce) token(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Header.Get("Authorization") != "" || r.PostFormValue("client_id") != "app" || r.PostFormValue("client_secret") != "s3cr3t" {
		says(400, `{"error":"invalid_client","error_description":"invalid client credentials"}`)(w, r)
		return
	}
	refresh := ""
	switch r.PostFormValue("grant_type") {
	case "client_credentials":
		if r.PostForm.Has("scope") {
			says(400, `{"error":"invalid_grant","error_description":"no valid scopes defined"}`)(w, r)
			return
		}
	case "authorization_code":
		sum := sha256.Sum256([]byte(r.PostFormValue("code_verifier")))
		if r.PostFormValue("code") != "code" || base64.RawURLEncoding.EncodeToString(sum[:]) != s.challenge {
			says(400, `{"error":"invalid_grant","error_description":"invalid code verifier"}`)(w, r)
			return
		}
		refresh = `,"refresh_token":"5Aep861"`
	case "refresh_token":
		if r.PostFormValue("refresh_token") != "5Aep861" || s.revoked {
			says(400, `{"error":"invalid_grant","error_description":"expired access/refresh token"}`)(w, r)
			return
		}
	}
	s.count++
	access := fmt.Sprintf("00DRO!AQ%d", s.count)
	s.good[access] = true
	says(200, fmt.Sprintf(`{"access_token":%q,"instance_url":%q,"id":%q,"token_type":"Bearer","issued_at":"1761000000000","signature":"x","scope":"api"%s}`, access, s.URL, identity, refresh))(w, r)
}

// ends has all tokens be good no more.
func (s *salesforce) ends() {
	s.mu.Lock()
	defer s.mu.Unlock()
	clear(s.good)
}

// requests counts those for a token, and all others, since the last time.
func (s *salesforce) requests() (tokens, others int) {
	for _, r := range s.asked() {
		if strings.Contains(r, "/services/oauth2/token") {
			tokens++
		} else {
			others++
		}
	}
	return tokens, others
}

func wantRequests(t *testing.T, what string, s *salesforce, tokens, others int) {
	t.Helper()
	if gotTokens, gotOthers := s.requests(); gotTokens != tokens || gotOthers != others {
		t.Errorf("%s: %d requests for tokens and %d others, want %d and %d", what, gotTokens, gotOthers, tokens, others)
	}
}

// A token that says no end is good until the service says that it is not; then
// there is another one.
func TestSalesforce(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			s := newSalesforce(t)
			srv := testkit.Start(t, storetest.Config(t, dialect), testkit.Near(t, s.Server), checking)
			srv.Subscribe(t)
			robot := qs.AuthenticationMetadata{ClientCredentialsGrantMetadata: &qs.ClientCredentialsGrantMetadata{
				BaseEndpoint: s.URL + "/services/data/v60.0",
				ClientCredentialsDetails: &qs.ClientCredentialsDetails{ClientCredentialsGrantDetails: &qs.ClientCredentialsGrantDetails{
					ClientId: "app", ClientSecret: "s3cr3t", TokenEndpoint: s.URL + "/services/oauth2/token",
				}},
			}}
			makeConnector(t, srv, "robot", "SALESFORCE_CRM", "OAUTH2_CLIENT_CREDENTIALS", robot, "CREATION_SUCCESSFUL")
			wantRequests(t, "the check", s, 1, 1)
			list := func() error {
				out, err := invoke(t, srv, "robot", "ListAccounts", `{"filters":[{"field":"Name","operator":"=","value":"x"}]}`)
				if err == nil && (body(out) != `[{"Id":"1"}]` || out.NextToken == nil) {
					t.Errorf("a list: %s, then %v", body(out), out.NextToken)
				}
				return err
			}
			for range 3 {
				if err := list(); err != nil {
					t.Fatal(err)
				}
			}
			wantRequests(t, "three lists", s, 1, 3)
			srv.Advance(100 * time.Hour)
			if err := list(); err != nil {
				t.Fatal(err)
			}
			wantRequests(t, "after days", s, 0, 1)
			s.ends()
			if err := list(); err != nil {
				t.Errorf("a token that has ended: %v", err)
			}
			wantRequests(t, "a token that has ended", s, 1, 2)

			// Of many who find that it has ended, one asks.
			s.ends()
			var all sync.WaitGroup
			for range 16 {
				all.Go(func() {
					if err := list(); err != nil {
						t.Errorf("one of many: %v", err)
					}
				})
			}
			all.Wait()
			if tokens, _ := s.requests(); tokens != 1 {
				t.Errorf("one of many: %d requests for a token, want 1", tokens)
			}

			s.mu.Lock()
			s.limit = true
			s.mu.Unlock()
			err := list()
			wantFault(t, "the limit", err, "ActionFailedException", "TotalRequests Limit exceeded.")
			if f := fault.Of(err); f != nil && (f.Members["Kind"] != "Throttled" || f.Members["Code"] != "REQUEST_LIMIT_EXCEEDED" || f.Members["Retryable"] != "true") {
				t.Errorf("the limit: %v", f.Members)
			}
		})
	}
}

// People sign in with a code challenge; their token is renewed with the refresh
// token that they were given once.
func TestSalesforcePeople(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			s := newSalesforce(t)
			srv := testkit.Start(t, storetest.Config(t, dialect), testkit.Near(t, s.Server))
			srv.Subscribe(t)
			makeConnector(t, srv, "mine", "SALESFORCE_CRM", "OAUTH2_AUTHORIZATION_CODE", qs.AuthenticationMetadata{AuthorizationCodeGrantMetadata: &qs.AuthorizationCodeGrantMetadata{
				BaseEndpoint: s.URL, RedirectUrl: "https://onsight.example.org/sn/oauthcallback", // the definition knows the rest of the path
				AuthorizationCodeGrantCredentialsDetails: &qs.AuthorizationCodeGrantCredentialsDetails{AuthorizationCodeGrantDetails: &qs.AuthorizationCodeGrantDetails{
					ClientId: "app", ClientSecret: "s3cr3t", TokenEndpoint: s.URL + "/services/oauth2/token", AuthorizationEndpoint: s.URL + "/services/oauth2/authorize",
				}},
			}}, "CREATION_SUCCESSFUL")
			page := start(t, srv, "mine")
			b := srv.Browser(t)
			b.Get(page)
			to, err := url.Parse(leave(t, srv, b, page))
			if err != nil {
				t.Fatal(err)
			}
			q := to.Query()
			if to.Path != "/services/oauth2/authorize" || q.Get("scope") != "api refresh_token" || q.Get("code_challenge_method") != "S256" {
				t.Errorf("the browser is sent to %s", to)
			}
			s.mu.Lock()
			s.challenge = q.Get("code_challenge")
			s.mu.Unlock()
			if shown := b.Get("/sn/oauthcallback?" + url.Values{"code": {"code"}, "state": {q.Get("state")}}.Encode()); shown.Heading() != "You are connected" {
				t.Fatalf("back from the service: %d %s", shown.Status, shown.Text())
			}
			if c := status(t, srv, "mine"); *c.Status != "CONNECTED" || c.ExpirationTime != nil {
				t.Errorf("connected: %+v", c)
			}
			s.requests()
			for range 2 {
				s.ends()
				if _, err := invoke(t, srv, "mine", "Query", `{"query":"SELECT Id FROM Account"}`); err != nil {
					t.Errorf("a token that has ended: %v", err)
				}
				wantRequests(t, "a token that has ended", s, 1, 2)
			}
			s.mu.Lock()
			s.revoked = true
			s.mu.Unlock()
			s.ends()
			_, err = invoke(t, srv, "mine", "Query", `{"query":"SELECT Id FROM Account"}`)
			wantFault(t, "revoked", err, "AccessTokenNotFoundException", "Your sign-in at the service is not good any more.")
			if c := status(t, srv, "mine"); *c.Status != "NEEDS_REAUTH" {
				t.Errorf("revoked: %s", *c.Status)
			}
		})
	}
}

// SAP's token endpoint knows the client by Basic, and the system's client by a
// query; the base endpoint has a path with a version, and a query of its own.
func TestSAP(t *testing.T) {
	t.Parallel()
	v := newVendor(t)
	const root = "/sap/opu/odata/sap/API_BILL_OF_MATERIAL_SRV;v=0002"
	v.on("/sap/bc/sec/oauth2/token", func(w http.ResponseWriter, r *http.Request) {
		id, secret, _ := r.BasicAuth()
		if id != "ONSIGHT" || secret != "p%3Aw" || r.URL.RawQuery != "sap-client=100" || r.PostForm.Has("client_id") || r.PostFormValue("scope") != "ZAPI_BILL_OF_MATERIAL_SRV_0002" {
			says(401, `{"error":"invalid_client"}`)(w, r)
			return
		}
		says(200, `{"access_token":"t","token_type":"Bearer","expires_in":"3600","scope":"ZAPI_BILL_OF_MATERIAL_SRV_0002"}`)(w, r)
	})
	who := []string{"Bearer t", "Basic " + base64.StdEncoding.EncodeToString([]byte("ANA:pass:word"))}
	answer := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if !slices.Contains(who, r.Header.Get("Authorization")) || r.URL.Query().Get("sap-client") != "100" {
				says(401, "<html>Logon</html>", "Content-Type", "text/html")(w, r)
				return
			}
			says(200, strings.ReplaceAll(text, "{host}", "https://"+r.Host))(w, r)
		}
	}
	v.on(root+"/", answer(`{"d":{"EntitySets":["MaterialBOMItem"]}}`))
	v.on(root+"/MaterialBOMItem", func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("$skiptoken") == "" {
			answer(`{"d":{"results":[{"Material":"A"}],"__next":"{host}`+root+`/MaterialBOMItem?$skiptoken=2"}}`)(w, r)
			return
		}
		answer(`{"d":{"results":[{"Material":"B"}]}}`)(w, r)
	})
	srv := testkit.Start(t, storetest.Config(t, storetest.Dialects[0]), testkit.Near(t, v.Server), checking)
	srv.Subscribe(t)
	base := v.URL + root + "?sap-client=100"
	makeConnector(t, srv, "robot", "SAP_BILLOFMATERIALS", "OAUTH2_CLIENT_CREDENTIALS", qs.AuthenticationMetadata{ClientCredentialsGrantMetadata: &qs.ClientCredentialsGrantMetadata{
		BaseEndpoint: base,
		ClientCredentialsDetails: &qs.ClientCredentialsDetails{ClientCredentialsGrantDetails: &qs.ClientCredentialsGrantDetails{
			ClientId: "ONSIGHT", ClientSecret: "p:w", TokenEndpoint: v.URL + "/sap/bc/sec/oauth2/token?sap-client=100",
		}},
	}}, "CREATION_SUCCESSFUL")
	makeConnector(t, srv, "wrong", "SAP_BILLOFMATERIALS", "BASIC", qs.AuthenticationMetadata{BasicAuthConnectionMetadata: &qs.BasicAuthConnectionMetadata{
		BaseEndpoint: base, Username: "ANA", Password: "wrong",
	}}, "CREATION_FAILED")
	makeConnector(t, srv, "ana", "SAP_BILLOFMATERIALS", "BASIC", qs.AuthenticationMetadata{BasicAuthConnectionMetadata: &qs.BasicAuthConnectionMetadata{
		BaseEndpoint: base, Username: "ANA", Password: "pass:word",
	}}, "CREATION_SUCCESSFUL")
	for _, id := range []string{"robot", "ana"} {
		first, err := invoke(t, srv, id, "getMaterialBOMItem", `{"filter":"Plant eq '1010'"}`)
		if err != nil {
			t.Fatalf("%s: %v", id, err)
		}
		second, err := invoke(t, srv, id, "getMaterialBOMItem", `{"filter":"Plant eq '1010'"}`, func(in *onsightapi.InvokeActionRequest) { in.NextToken = first.NextToken })
		if err != nil || body(second) != `{"results":[{"Material":"B"}]}` || second.NextToken != nil {
			t.Errorf("%s: the second page: %s, %v", id, body(second), err)
		}
	}
}
