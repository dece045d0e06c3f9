package scim_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store"
	"onsight/internal/testkit"
)

func code(err error) string {
	if f, ok := errors.AsType[*fault.Fault](err); ok {
		return f.Code
	}
	return fmt.Sprint(err)
}

// A token lets in who shows it, to its account, until it is revoked or too old.
func TestTokens(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		_, err := testkit.Call(t, srv, onsightapi.CreateScimToken, onsightapi.CreateScimTokenRequest{AwsAccountId: srv.Account, Name: "x"})
		if code(err) != "ResourceNotFoundException" {
			t.Errorf("without a subscription: %v", err)
		}
		other := srv.As(t, "444455556666")
		other.Subscribe(t)
		_, err = testkit.Call(t, other, onsightapi.CreateScimToken, onsightapi.CreateScimTokenRequest{AwsAccountId: other.Account, Name: "x"})
		if code(err) != "PreconditionNotMetException" {
			t.Errorf("an account that no centre manages: %v", err)
		}
		c := newCentre(t, srv)
		c.must(t, 200, "GET", "/Users", nil)
		third := srv.As(t, "777788889999")
		elsewhere := newCentre(t, third)
		ana := c.user(t, "ana")
		tries := 0
		refused := func(what, token, base string) {
			t.Helper()
			tries++
			x := &centre{srv: srv, token: token, base: base}
			g := x.do(t, "GET", "/Users", nil)
			if g.status != 401 || g.header.Get("WWW-Authenticate") == "" || g.at("schemas", 0) != "urn:ietf:params:scim:api:messages:2.0:Error" {
				t.Errorf("%s: %d %v", what, g.status, g.body)
			}
		}
		refused("a token of another account", elsewhere.token, c.base)
		refused("in another account", c.token, elsewhere.base)
		refused("of an account that is managed by no centre", c.token, "/_onsight/scim/"+other.Account+"/v2")
		refused("of no account", c.token, "/_onsight/scim/000000000000/v2")
		refused("no token", "", c.base)
		refused("another secret", c.token[:len(c.token)-4]+"AAAA", c.base)
		refused("what is no token", "secret", c.base)
		if g := elsewhere.do(t, "GET", "/Users/"+ana, nil); g.status != 404 {
			t.Errorf("somebody of another account: %d", g.status)
		}

		list := func() []onsightapi.ScimToken {
			t.Helper()
			out, err := testkit.Call(t, srv, onsightapi.ListScimTokens, onsightapi.ListScimTokensRequest{AwsAccountId: srv.Account})
			if err != nil {
				t.Fatal(err)
			}
			return out.Tokens
		}
		tokens := list()
		if len(tokens) != 1 || *tokens[0].Name != "okta" || tokens[0].LastUseTime == nil || *tokens[0].Expired || !strings.Contains(*tokens[0].CreatedBy, ":root") {
			t.Errorf("tokens: %+v", tokens)
		}
		second := tokenFor(t, srv, "entra")
		if _, err := testkit.Call(t, srv, onsightapi.RevokeScimToken, onsightapi.RevokeScimTokenRequest{AwsAccountId: srv.Account, TokenId: *tokens[0].TokenId}); err != nil {
			t.Fatal(err)
		}
		_, err = testkit.Call(t, srv, onsightapi.RevokeScimToken, onsightapi.RevokeScimTokenRequest{AwsAccountId: srv.Account, TokenId: *tokens[0].TokenId})
		if code(err) != "ResourceNotFoundException" {
			t.Errorf("revoke again: %v", err)
		}
		refused("a token that was revoked", c.token, c.base)
		second.must(t, 200, "GET", "/Users/"+ana, nil)
		srv.Advance(366 * 24 * time.Hour)
		refused("a token that is too old", second.token, c.base)
		if tokens := list(); len(tokens) != 1 || !*tokens[0].Expired {
			t.Errorf("tokens: %+v", tokens)
		}

		// Who goes on is told to wait; a token that is right gets through all the same.
		fresh := tokenFor(t, srv, "fresh")
		fresh.must(t, 200, "GET", "/Users", nil)
		wrong := &centre{srv: srv, token: "secret", base: c.base}
		var last got
		for range 15 {
			last = wrong.do(t, "GET", "/Users", nil)
		}
		if last.status != 429 || last.header.Get("Retry-After") == "" {
			t.Errorf("after many wrong tokens: %d %v", last.status, last.header)
		}
		fresh.must(t, 200, "GET", "/Users", nil)
		srv.Advance(time.Minute)
		if g := wrong.do(t, "GET", "/Users", nil); g.status != 401 {
			t.Errorf("a minute later: %d", g.status)
		}
	})
}

// Every change is in the trail in the name of the token, and values are not.
func TestTrail(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		c := newCentre(t, srv)
		ana := c.user(t, "ana", `,"title":"A secret title"`)
		c.patch(t, 200, "/Users/"+ana, `{"op":"replace","path":"title","value":"Another secret"}`)
		c.must(t, 200, "PUT", "/Users/"+ana, `{"userName":"ana","title":"A third secret"}`)
		group := c.group(t, "staff", ana)
		c.patch(t, 204, "/Groups/"+group, `{"op":"remove","path":"members"}`)
		c.must(t, 200, "PUT", "/Groups/"+group, `{"displayName":"Staff"}`)
		c.must(t, 204, "DELETE", "/Groups/"+group, nil)
		c.must(t, 204, "DELETE", "/Users/"+ana, nil)
		(&centre{srv: srv, token: "wrong", base: c.base}).do(t, "POST", "/Users", `{"userName":"x"}`)
		c.must(t, 400, "POST", "/Users", `{}`)
		out, err := testkit.Call(t, srv, onsightapi.ListAuditRecords, onsightapi.ListAuditRecordsRequest{AwsAccountId: srv.Account})
		if err != nil {
			t.Fatal(err)
		}
		var seen []string
		for _, r := range out.Records {
			var e struct {
				EventName, EventSource, ErrorCode string
				UserIdentity                      struct{ Type, UserName, PrincipalId, AccountId string }
				Resources                         []struct{ ARN string }
				AdditionalEventData               map[string]string
			}
			if err := json.Unmarshal(r, &e); err != nil {
				t.Fatal(err)
			}
			if e.EventSource != "identitystore-scim.amazonaws.com" {
				continue
			}
			seen = append(seen, e.EventName)
			if e.EventName == "Authenticate" {
				if e.ErrorCode != "AccessDenied" || strings.Contains(string(r), "wrong") {
					t.Errorf("a wrong token: %s", r)
				}
				continue
			}
			if e.UserIdentity.UserName != "okta" || e.UserIdentity.Type != "WebIdentityUser" || len(e.Resources) != 1 {
				t.Errorf("%s", r)
			}
			if bytes.Contains(r, []byte("secret")) || strings.Contains(string(r), c.token) {
				t.Errorf("the trail holds a value: %s", r)
			}
		}
		slices.Sort(seen)
		want := []string{"Authenticate", "CreateGroup", "CreateUser", "DeleteGroup", "DeleteUser", "PatchGroup", "PatchUser", "PutGroup", "PutUser"}
		if !slices.Equal(seen, want) {
			t.Errorf("events %q, want %q", seen, want)
		}
	})
}

// What a resource can't be, and what is asked for in other ways.
func TestRefusals(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		c := newCentre(t, srv)
		ana := c.must(t, 201, "POST", "/Users", `{"USERNAME":"Ana","active":"true","Emails":[{"Value":"a@example.org"}]}`)
		if ana.at("userName") != "Ana" || ana.at("active") != true || ana.at("emails", 0, "value") != "a@example.org" {
			t.Errorf("names in another case: %v", ana.body)
		}
		path := "/Users/" + ana.id()
		for _, x := range []struct {
			method, path, body string
			status             int
			kind               any
		}{
			{"POST", "/Users", `{"userName":"ANA"}`, 409, "uniqueness"},
			{"POST", "/Users", `{}`, 400, "invalidValue"},
			{"POST", "/Users", `{"userName":""}`, 400, "invalidValue"},
			{"POST", "/Users", `{"userName":"Ж"}`, 400, "invalidValue"},
			{"POST", "/Users", `{"userName":"` + strings.Repeat("a", 257) + `"}`, 400, "invalidValue"},
			{"POST", "/Users", `{"userName":"b","userName":"c"}`, 400, "invalidSyntax"},
			{"POST", "/Users", `{"userName":"b","username":"c"}`, 400, "invalidSyntax"},
			{"POST", "/Users", `{"userName":"b","active":"perhaps"}`, 400, "invalidValue"},
			{"POST", "/Users", `{"userName":"b","emails":[{"value":7}]}`, 400, "invalidValue"},
			{"POST", "/Users", `{"userName":"b","name":"B"}`, 400, "invalidValue"},
			{"POST", "/Users", `[]`, 400, "invalidSyntax"},
			{"POST", "/Users", `{`, 400, "invalidSyntax"},
			{"POST", "/Users", "", 400, "invalidSyntax"},
			{"POST", "/Users", `{"userName":"big","title":"` + strings.Repeat("a", 9000) + `"}`, 400, "invalidValue"},
			{"POST", "/Groups", `{}`, 400, "invalidValue"},
			{"POST", "/Groups", `{"displayName":"g","members":[{"value":"nobody"}]}`, 400, "invalidValue"},
			{"PUT", path, `{"title":"x"}`, 400, "invalidValue"},
			{"PUT", "/Users/nobody", `{"userName":"x"}`, 404, nil},
			{"PATCH", "/Users/nobody", `{"Operations":[{"op":"remove","path":"title"}]}`, 404, nil},
			{"PATCH", "/Groups/nobody", `{"Operations":[{"op":"remove","path":"members"}]}`, 404, nil},
			{"DELETE", "/Groups/nobody", "", 404, nil},
			{"GET", "/Nothing", "", 404, nil},
			{"GET", "/Users/a/b", "", 404, nil},
			{"DELETE", "/Users", "", 405, nil},
			{"POST", path, `{}`, 405, nil},
			{"GET", "/Bulk", "", 405, nil},
			{"GET", "/Me", "", 501, nil},
			{"GET", "/Schemas?filter=id%20pr", "", 403, nil},
			{"GET", "/Users?attributes=id&excludedAttributes=id", "", 400, "invalidValue"},
			{"GET", "/Users?sortOrder=up", "", 400, "invalidValue"},
		} {
			var body any
			if x.body != "" || x.method == "POST" {
				body = x.body
			}
			g := c.do(t, x.method, x.path, body)
			if g.status != x.status || g.at("scimType") != x.kind || g.at("status") != fmt.Sprint(x.status) || g.at("detail") == nil {
				t.Errorf("%s %s %.60s: %d %v, want %d %v", x.method, x.path, x.body, g.status, g.body, x.status, x.kind)
			}
		}
		if g := c.do(t, "POST", "/Users", `{}`, "Content-Type", "text/plain"); g.status != http.StatusUnsupportedMediaType {
			t.Errorf("text/plain: %d", g.status)
		}
		bo := c.user(t, "bo")
		if g := c.do(t, "PUT", "/Users/"+bo, `{"userName":"aNA"}`); g.status != 409 {
			t.Errorf("a name that another has: %v", g.body)
		}
		// A user who is renamed is the same user of QuickSight.
		staff := c.group(t, "admins", bo)
		c.must(t, 200, "PUT", "/Users/"+bo, `{"userName":"bob","emails":[{"value":"bob@example.org"}]}`)
		is(t, srv, "bo", "ADMIN", true)
		is(t, srv, "bob", "", false)
		if u, err := describe(t, srv, "bo"); err != nil || *u.Email != "bob@example.org" {
			t.Errorf("after the change of address: %v %v", u, err)
		}
		if g := c.do(t, "POST", "/Users", `{"userName":"bo"}`); g.status != 409 {
			t.Errorf("a name that another had first: %v", g.body)
		}
		// Projections.
		g := c.must(t, 200, "GET", "/Users/"+bo+"?attributes=userName,groups.display,emails.value", nil)
		if len(g.body) != 5 || g.at("groups", 0, "display") != "admins" || g.at("groups", 0, "value") != nil || g.at("emails", 0, "value") != "bob@example.org" {
			t.Errorf("attributes: %v", g.body)
		}
		g = c.must(t, 200, "GET", "/Users/"+bo+"?excludedAttributes=emails,id,meta.created,groups", nil)
		if g.body["emails"] != nil || g.body["groups"] != nil || g.id() == "" || g.at("meta", "created") != nil || g.at("meta", "version") == nil {
			t.Errorf("excludedAttributes: %v", g.body)
		}
		if g := c.must(t, 200, "PATCH", "/Groups/"+staff+"?attributes=members", `{"Operations":[{"op":"add","path":"externalId","value":"e"}]}`); g.at("members", 0, "value") != bo {
			t.Errorf("PATCH with attributes: %v", g.body)
		}
		// What the server says of itself.
		for path, want := range map[string]any{
			"/ServiceProviderConfig": nil, "/ResourceTypes": 2.0, "/Schemas": 3.0, "/ResourceTypes/User": nil,
			"/Schemas/urn:ietf:params:scim:schemas:core:2.0:User": nil,
		} {
			if g := c.must(t, 200, "GET", path, nil); g.at("totalResults") != want || g.at("schemas") == nil {
				t.Errorf("%s: %v", path, g.body)
			}
		}
	})
}

// Operations of Bulk may refer to each other, forwards too, and fail alone.
func TestBulk(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		c := newCentre(t, srv)
		g := c.must(t, 200, "POST", "/Bulk", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:BulkRequest"],"Operations":[
			{"method":"POST","path":"/Groups","bulkId":"team","data":{"displayName":"admins","members":[{"value":"bulkId:ana"},{"value":"bulkId:bo"}]}},
			{"method":"post","path":"/Users","bulkId":"ana","data":{"userName":"ana"}},
			{"method":"POST","path":"/Users","bulkId":"bo","data":{"userName":"bo"}},
			{"method":"POST","path":"/Users","bulkId":"twice","data":{"userName":"ANA"}},
			{"method":"PATCH","path":"/Users/bulkId:ana","data":{"Operations":[{"op":"add","path":"title","value":"Boss"}]}},
			{"method":"PATCH","path":"/Users/bulkId:twice","data":{"Operations":[{"op":"add","path":"title","value":"Boss"}]}},
			{"method":"DELETE","path":"/Users/nobody"},
			{"method":"GET","path":"/Users"},{"method":"POST","path":"/Bulk","bulkId":"x","data":{}},
			{"method":"POST","path":"/Users","data":{"userName":"cy"}},
			{"method":"POST","path":"/Users","bulkId":"a","data":{"userName":"da","`+enterprise+`":{"manager":{"value":"bulkId:b"}}}},
			{"method":"POST","path":"/Users","bulkId":"b","data":{"userName":"db","`+enterprise+`":{"manager":{"value":"bulkId:a"}}}}]}`)
		var got []string
		for _, o := range g.body["Operations"].([]any) {
			m := o.(map[string]any)
			got = append(got, m["status"].(string))
			if m["status"].(string) >= "4" && m["response"] == nil || m["status"] == "201" && (m["location"] == nil || m["version"] == nil) {
				t.Errorf("%v", m)
			}
		}
		if want := "201 201 201 409 200 400 404 400 400 400 409 409"; strings.Join(got, " ") != want {
			t.Errorf("%q, want %s", got, want)
		}
		is(t, srv, "ana", "ADMIN", true)
		is(t, srv, "bo", "ADMIN", true)
		g = c.must(t, 200, "POST", "/Bulk", `{"failOnErrors":1,"Operations":[{"method":"DELETE","path":"/Users/x"},{"method":"POST","path":"/Users","bulkId":"1","data":{"userName":"never"}}]}`)
		if n := len(g.body["Operations"].([]any)); n != 1 {
			t.Errorf("%d operations after a failure", n)
		}
		if g := c.find(t, "Users", `userName eq "never"`); g.at("totalResults") != 0.0 {
			t.Error("Bulk went on after the failure")
		}
		many := `{"Operations":[` + strings.Repeat(`{"method":"DELETE","path":"/Users/x"},`, 1000) + `{"method":"DELETE","path":"/Users/x"}]}`
		c.must(t, 413, "POST", "/Bulk", many)
		c.must(t, 413, "POST", "/Bulk", `{"Operations":[],"x":"`+strings.Repeat("a", 4<<20)+`"}`)
		c.must(t, 400, "POST", "/Bulk", `{"Operations":7}`)
	})
}

// Many members are brought in line by jobs, and a group of many goes at once.
func TestManyMembers(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		c := newCentre(t, srv)
		const n = 450
		ids := make([]string, 0, n)
		for some := range slices.Chunk(make([]int, n), 150) {
			var operations []any
			for range some {
				name := fmt.Sprintf("u%04d", len(ids)+len(operations))
				operations = append(operations, map[string]any{"method": "POST", "path": "/Users", "bulkId": name, "data": map[string]any{"userName": name}})
			}
			g := c.must(t, 200, "POST", "/Bulk", map[string]any{"Operations": operations})
			for _, o := range g.body["Operations"].([]any) {
				location := o.(map[string]any)["location"].(string)
				ids = append(ids, location[strings.LastIndexByte(location, '/')+1:])
			}
		}
		group := c.group(t, "admins", ids...)
		srv.Done(t, "scim.settle", srv.Account+"/default")
		counted := func(active bool) (n int) {
			t.Helper()
			in := qs.ListUsersRequest{AwsAccountId: srv.Account, Namespace: "default"}
			for {
				out, err := testkit.Call(t, srv, qs.ListUsers, in)
				if err != nil {
					t.Fatal(err)
				}
				for _, u := range out.UserList {
					if *u.Active == active {
						n++
					}
				}
				if in.NextToken = out.NextToken; in.NextToken == nil {
					return n
				}
			}
		}
		if got := counted(true); got != n {
			t.Errorf("%d users are active, want %d", got, n)
		}
		// One goes at once, most by a job.
		c.patch(t, 204, "/Groups/"+group, `{"op":"remove","path":"members[value eq \"`+ids[0]+`\"]"}`)
		is(t, srv, "u0000", "ADMIN", false)
		var keep []any
		for _, id := range ids[:50] {
			keep = append(keep, map[string]any{"value": id})
		}
		c.must(t, 200, "PUT", "/Groups/"+group, map[string]any{"displayName": "admins", "members": keep})
		srv.Done(t, "scim.settle", srv.Account+"/default")
		if got := counted(true); got != 50 {
			t.Errorf("%d users are active, want 50", got)
		}
		full := c.group(t, "full", ids...)
		srv.Done(t, "scim.settle", srv.Account+"/default")
		membership(t, srv, true, "AUTHOR", "full")
		srv.Done(t, "scim.role", srv.Account+"/default/full")
		if got := counted(true); got != n {
			t.Errorf("%d users are active, want %d", got, n)
		}
		c.must(t, 204, "DELETE", "/Groups/"+full, nil)
		srv.Done(t, "scim.dissolve", srv.Account+"/default/"+full)
		if got := counted(true); got != 50 {
			t.Errorf("%d users are active after the group went, want 50", got)
		}
		if again := c.group(t, "full"); again == full {
			t.Error("a group of the same id")
		}
		tooMany := make([]any, 10_001)
		for i := range tooMany {
			tooMany[i] = map[string]any{"value": fmt.Sprint(i)}
		}
		c.must(t, 413, "PATCH", "/Groups/"+group, map[string]any{"Operations": []any{map[string]any{"op": "add", "path": "members", "value": tooMany}}})
	})
}

// An account that ends, and a namespace that is deleted, take everything along.
func TestPurge(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		c := newCentre(t, srv)
		c.group(t, "admins", c.user(t, "ana"))
		if _, err := testkit.Call(t, srv, onsightapi.UpdateScimMatching, onsightapi.UpdateScimMatchingRequest{
			AwsAccountId: srv.Account, Namespace: "default", Attribute: "userName", Claim: "preferred_username",
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := testkit.Call(t, srv, qs.UpdateAccountSettings, qs.UpdateAccountSettingsRequest{
			AwsAccountId: srv.Account, DefaultNamespace: "default", TerminationProtectionEnabled: new(false),
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := testkit.Call(t, srv, qs.DeleteAccountSubscription, qs.DeleteAccountSubscriptionRequest{AwsAccountId: srv.Account}); err != nil {
			t.Fatal(err)
		}
		c.must(t, 401, "GET", "/Users", nil)
		for _, table := range []string{"scim_users", "scim_groups", "scim_members", "scim_emails", "scim_pending", "scim_tokens", "scim_matching"} {
			if n := count(t, srv, table); n != 0 {
				t.Errorf("%d rows of %s are left", n, table)
			}
		}
	})
}

func count(t *testing.T, srv *testkit.Server, table string) (n int) {
	t.Helper()
	srv.Write(t, func(tx *store.Tx) (err error) {
		n, err = store.One[int](tx, `SELECT count(*) FROM `+table)
		return err
	})
	return n
}
