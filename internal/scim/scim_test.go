package scim_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store"
	"onsight/internal/testkit"
)

// A centre is an identity centre that provisions a server's account.
type centre struct {
	srv   *testkit.Server
	token string
	base  string
}

// subscribe signs the server's account up with an identity centre.
func subscribe(t *testing.T, srv *testkit.Server) {
	t.Helper()
	_, err := testkit.Call(t, srv, qs.CreateAccountSubscription, qs.CreateAccountSubscriptionRequest{
		AwsAccountId: srv.Account, AccountName: "account-" + srv.Account, NotificationEmail: "a@example.org",
		AuthenticationMethod: qs.AuthenticationMethodOptionIAMIdentityCenter, AdminGroup: []string{"admins"},
		IAMIdentityCenterInstanceArn: new("arn:aws:sso:::instance/ssoins-1111222233334444"),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func newCentre(t *testing.T, srv *testkit.Server) *centre {
	t.Helper()
	subscribe(t, srv)
	return tokenFor(t, srv, "okta")
}

func tokenFor(t *testing.T, srv *testkit.Server, name string) *centre {
	t.Helper()
	out, err := testkit.Call(t, srv, onsightapi.CreateScimToken, onsightapi.CreateScimTokenRequest{AwsAccountId: srv.Account, Name: name})
	if err != nil {
		t.Fatal(err)
	}
	base := "/_onsight/scim/" + srv.Account + "/v2"
	if *out.Endpoint != "https://onsight.example.org"+base {
		t.Errorf("endpoint %s", *out.Endpoint)
	}
	return &centre{srv: srv, token: out.Token.Reveal(), base: base}
}

// A got is an answer.
type got struct {
	status int
	header http.Header
	body   map[string]any
}

// at reads a member by names and indexes.
func (g got) at(path ...any) any {
	var v any = g.body
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := v.(map[string]any)
			v = m[p]
		case int:
			l, _ := v.([]any)
			if p >= len(l) {
				return nil
			}
			v = l[p]
		}
	}
	return v
}

func (g got) id() string { s, _ := g.at("id").(string); return s }

// do sends a request; body is JSON, or a value to encode; header is name, value.
func (c *centre) do(tb testing.TB, method, path string, body any, header ...string) got {
	tb.Helper()
	var text []byte
	switch b := body.(type) {
	case nil:
	case string:
		text = []byte(b)
	default:
		var err error
		if text, err = json.Marshal(b); err != nil {
			tb.Fatal(err)
		}
	}
	r, err := http.NewRequestWithContext(tb.Context(), method, c.srv.URL+c.base+path, bytes.NewReader(text))
	if err != nil {
		tb.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	if text != nil {
		r.Header.Set("Content-Type", "application/scim+json; charset=utf-8")
	}
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Fatal(err)
	}
	g := got{status: res.StatusCode, header: res.Header}
	if len(answer) > 0 {
		if got, want := res.Header.Get("Content-Type"), "application/scim+json"; got != want {
			tb.Errorf("%s %s: content type %q, want %q", method, path, got, want)
		}
		if err := json.Unmarshal(answer, &g.body); err != nil {
			tb.Fatalf("%s %s: %s: %v", method, path, answer, err)
		}
	}
	return g
}

// must does what has to be answered with a status.
func (c *centre) must(tb testing.TB, status int, method, path string, body any, header ...string) got {
	tb.Helper()
	g := c.do(tb, method, path, body, header...)
	if g.status != status {
		tb.Fatalf("%s %s: status %d, want %d: %v", method, path, g.status, status, g.body)
	}
	return g
}

func (c *centre) user(tb testing.TB, name string, more ...string) string {
	tb.Helper()
	return c.must(tb, 201, "POST", "/Users", `{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"`+name+
		`","emails":[{"value":"`+name+`@example.org","type":"work","primary":true}]`+strings.Join(more, "")+`}`).id()
}

func (c *centre) group(tb testing.TB, name string, members ...string) string {
	tb.Helper()
	list := []any{}
	for _, m := range members {
		list = append(list, map[string]any{"value": m})
	}
	return c.must(tb, 201, "POST", "/Groups", map[string]any{"displayName": name, "members": list}).id()
}

func (c *centre) find(tb testing.TB, kind, filter string) got {
	tb.Helper()
	return c.must(tb, 200, "GET", "/"+kind+"?filter="+url.QueryEscape(filter), nil)
}

func (c *centre) patch(tb testing.TB, status int, path string, operations string) got {
	tb.Helper()
	return c.must(tb, status, "PATCH", path, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[`+operations+`]}`)
}

func describe(t *testing.T, srv *testkit.Server, name string) (*qs.User, error) {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.DescribeUser, qs.DescribeUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: name})
	if err != nil {
		return nil, err
	}
	return out.User, nil
}

// is fails unless a user is one of QuickSight with a role, active or not; an
// empty role is for one who is not there.
func is(t *testing.T, srv *testkit.Server, name, role string, active bool) {
	t.Helper()
	u, err := describe(t, srv, name)
	if role == "" {
		if err == nil {
			t.Errorf("%s is a user", name)
		}
		return
	}
	if err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if string(*u.Role) != role || *u.Active != active || *u.IdentityType != "IAM_IDENTITY_CENTER" {
		t.Errorf("%s is %s, active %v, %s; want %s, %v", name, *u.Role, *u.Active, *u.IdentityType, role, active)
	}
}

func membership(t *testing.T, srv *testkit.Server, give bool, role qs.Role, group string) {
	t.Helper()
	var err error
	if give {
		_, err = testkit.Call(t, srv, qs.CreateRoleMembership, qs.CreateRoleMembershipRequest{AwsAccountId: srv.Account, Namespace: "default", Role: role, MemberName: group})
	} else {
		_, err = testkit.Call(t, srv, qs.DeleteRoleMembership, qs.DeleteRoleMembershipRequest{AwsAccountId: srv.Account, Namespace: "default", Role: role, MemberName: group})
	}
	if err != nil {
		t.Fatal(err)
	}
}

func members(t *testing.T, srv *testkit.Server, group string) []string {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.ListGroupMemberships, qs.ListGroupMembershipsRequest{AwsAccountId: srv.Account, Namespace: "default", GroupName: group})
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, m := range out.GroupMemberList {
		names = append(names, *m.MemberName)
	}
	return names
}

// A user is one of QuickSight for as long as a group gives a role, and the
// broadest that they give.
func TestWhatArrivesMeansSomething(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		c := newCentre(t, srv)
		membership(t, srv, true, "READER", "staff")
		membership(t, srv, true, "AUTHOR_PRO", "analysts")
		ana, bo := c.user(t, "ana"), c.user(t, "bo")
		is(t, srv, "ana", "", false)
		staff := c.group(t, "staff", ana, bo)
		is(t, srv, "ana", "READER", true)
		analysts := c.group(t, "analysts")
		others := c.group(t, "others", ana)
		c.patch(t, 204, "/Groups/"+analysts, `{"op":"add","path":"members","value":[{"value":"`+ana+`"}]}`)
		is(t, srv, "ana", "AUTHOR_PRO", true)
		u, err := describe(t, srv, "ana")
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(*u.PrincipalId, "user/d-") || !strings.HasSuffix(*u.PrincipalId, "/"+ana) || *u.Email != "ana@example.org" {
			t.Errorf("principal %s, email %s", *u.PrincipalId, *u.Email)
		}
		for group, want := range map[string][]string{"staff": {"ana", "bo"}, "analysts": {"ana"}, "others": {"ana"}} {
			if got := members(t, srv, group); !slices.Equal(got, want) {
				t.Errorf("members of %s: %q, want %q", group, got, want)
			}
		}
		described, err := testkit.Call(t, srv, qs.DescribeGroup, qs.DescribeGroupRequest{AwsAccountId: srv.Account, Namespace: "default", GroupName: "staff"})
		if err != nil || !strings.HasSuffix(*described.Group.PrincipalId, "/"+staff) {
			t.Errorf("group: %v %v", described, err)
		}
		if g := c.must(t, 200, "GET", "/Users/"+ana, nil); len(g.at("groups").([]any)) != 3 {
			t.Errorf("groups of ana: %v", g.at("groups"))
		}

		// Out of the group that gave the most: the next one counts.
		c.patch(t, 204, "/Groups/"+analysts, `{"op":"remove","path":"members[value eq \"`+ana+`\"]"}`)
		is(t, srv, "ana", "READER", true)
		// Out of all that give something: inactive, and still in the others.
		c.patch(t, 204, "/Groups/"+staff, `{"op":"Remove","path":"members","value":[{"value":"`+ana+`"}]}`)
		is(t, srv, "ana", "READER", false)
		if got := members(t, srv, "others"); !slices.Equal(got, []string{"ana"}) {
			t.Errorf("members of others: %q", got)
		}
		seats, err := testkit.Call(t, srv, onsightapi.DescribeSeats, onsightapi.DescribeSeatsRequest{AwsAccountId: srv.Account})
		if err != nil || *seats.Seats[0].Deactivated != 1 || *seats.Seats[0].Invited != 0 {
			t.Errorf("seats: %+v %v", seats, err)
		}
		person, err := testkit.Call(t, srv, onsightapi.ListPeople, onsightapi.ListPeopleRequest{AwsAccountId: srv.Account, State: new(onsightapi.PersonStateDeactivated)})
		if err != nil || len(person.People) != 1 || *person.People[0].UserName != "ana" {
			t.Errorf("people: %+v %v", person, err)
		}
		// Back again, the same user.
		c.patch(t, 204, "/Groups/"+staff, `{"op":"add","value":{"members":[{"value":"`+ana+`"}]}}`)
		is(t, srv, "ana", "READER", true)

		// What role memberships change follows by a job.
		membership(t, srv, true, "ADMIN", "others")
		srv.Done(t, "scim.role", srv.Account+"/default/others")
		is(t, srv, "ana", "ADMIN", true)
		is(t, srv, "bo", "READER", true)
		membership(t, srv, false, "READER", "staff")
		srv.Done(t, "scim.role", srv.Account+"/default/staff")
		is(t, srv, "bo", "READER", false)
		is(t, srv, "ana", "ADMIN", true)

		// A group that goes takes its role along, and a user everything.
		c.must(t, 204, "DELETE", "/Groups/"+others, nil)
		is(t, srv, "ana", "ADMIN", false)
		c.must(t, 404, "GET", "/Groups/"+others, nil)
		c.must(t, 204, "DELETE", "/Users/"+ana, nil)
		is(t, srv, "ana", "", false)
		if got := members(t, srv, "staff"); !slices.Equal(got, []string{"bo"}) {
			t.Errorf("members of staff: %q", got)
		}
		c.must(t, 404, "DELETE", "/Users/"+ana, nil)
		// Only the centre changes its people.
		_, err = testkit.Call(t, srv, qs.CreateGroup, qs.CreateGroupRequest{AwsAccountId: srv.Account, Namespace: "default", GroupName: "mine"})
		if err == nil {
			t.Error("a group can be made beside the centre's")
		}
	})
}

// signIn makes a session of somebody, as signing in does.
func signIn(t *testing.T, srv *testkit.Server, name string) {
	t.Helper()
	srv.Write(t, func(tx *store.Tx) error {
		_, err := tx.Exec(`INSERT INTO web_sessions (token_hash, id, account, namespace, user_name, method, address, agent, created_us, used_us, expires_us)
			VALUES ($1, 'one', $2, 'default', $3, 'oidc', '', '', 0, 0, 1)`, []byte(name), srv.Account, name)
		return err
	})
}

func sessions(t *testing.T, srv *testkit.Server, name string) (n int) {
	t.Helper()
	srv.Write(t, func(tx *store.Tx) (err error) {
		n, err = store.One[int](tx, `SELECT count(*) FROM web_sessions WHERE account = $1 AND user_name = $2`, srv.Account, name)
		return err
	})
	return n
}

// Who the centre has inactive is signed out, and stays what they are.
func TestDeactivation(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		c := newCentre(t, srv)
		ana := c.user(t, "ana")
		c.group(t, "admins", ana)
		is(t, srv, "ana", "ADMIN", true)
		signIn(t, srv, "ana")
		c.patch(t, 200, "/Users/"+ana, `{"op":"Replace","path":"active","value":"False"}`)
		is(t, srv, "ana", "ADMIN", false)
		if n := sessions(t, srv, "ana"); n != 0 {
			t.Errorf("%d sessions are left", n)
		}
		c.patch(t, 200, "/Users/"+ana, `{"op":"replace","value":{"active":true}}`)
		is(t, srv, "ana", "ADMIN", true)
		// What an administrator has put out of use, the centre does not put back.
		_, err := testkit.Call(t, srv, onsightapi.DeactivateUser, onsightapi.DeactivateUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: "ana"})
		if err == nil {
			t.Fatal("the last administrator can be put out of use")
		}
		bo := c.user(t, "bo")
		c.patch(t, 204, "/Groups/"+c.find(t, "Groups", `displayName eq "ADMINS"`).at("Resources", 0, "id").(string), `{"op":"add","path":"members","value":[{"value":"`+bo+`"}]}`)
		if _, err := testkit.Call(t, srv, onsightapi.DeactivateUser, onsightapi.DeactivateUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: "ana"}); err != nil {
			t.Fatal(err)
		}
		c.patch(t, 200, "/Users/"+ana, `{"op":"replace","path":"active","value":false}`)
		c.patch(t, 200, "/Users/"+ana, `{"op":"replace","path":"active","value":true}`)
		is(t, srv, "ana", "ADMIN", false)
	})
}

func names(g got, member string) []string {
	var out []string
	list, _ := g.at("Resources").([]any)
	for _, r := range list {
		s, _ := r.(map[string]any)[member].(string)
		out = append(out, s)
	}
	return out
}

// Filters, of which the database answers some and the server others.
func TestFilters(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		c := newCentre(t, srv)
		ana := c.user(t, "Ana", `,"externalId":"X-1","displayName":"Ana A","name":{"familyName":"Alpha"},"title":"Boss"`)
		bo := c.user(t, "bo", `,"externalId":"x-2","active":false,"nickName":"B"`)
		cy := c.user(t, "cy%_'\\\"", `,"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User":{"department":"Sales","manager":{"value":"`+ana+`"}}`)
		team := c.group(t, "Team", ana, bo)
		for filter, want := range map[string]string{
			`userName eq "ANA"`:                                 "Ana",
			`username EQ "ana"`:                                 "Ana",
			`userName ne "ana"`:                                 "bo cy",
			`userName sw "A"`:                                   "Ana",
			`userName ew "O"`:                                   "bo",
			`userName co "%_'"`:                                 "cy",
			`userName co "n"`:                                   "Ana",
			`userName gt "b"`:                                   "bo cy",
			`userName le "bo"`:                                  "Ana bo",
			`externalId eq "x-1"`:                               "",
			`externalId eq "X-1"`:                               "Ana",
			`externalId sw "x"`:                                 "bo",
			`externalId co "-"`:                                 "Ana bo",
			`externalId pr`:                                     "Ana bo",
			`not (externalId pr)`:                               "cy",
			`displayName pr`:                                    "Ana",
			`displayName eq null`:                               "bo cy",
			`active eq true`:                                    "Ana cy",
			`active eq "False"`:                                 "bo",
			`active ne true`:                                    "bo",
			`id eq "` + bo + `"`:                                "bo",
			`emails.value eq "BO@example.org"`:                  "bo",
			`emails eq "bo@example.org"`:                        "bo",
			`emails co "@EXAMPLE"`:                              "Ana bo cy",
			`emails[type eq "work" and value sw "ana"]`:         "Ana",
			`emails[type eq "home" and value sw "ana"]`:         "",
			`emails[not (type eq "home")] and active pr`:        "Ana bo cy",
			`name.familyName eq "alpha"`:                        "Ana",
			`title pr or nickName pr`:                           "Ana bo",
			`userName eq "bo" or title pr`:                      "Ana bo",
			`(userName eq "bo" or title pr) and active eq true`: "Ana",
			`userName eq "bo" or userName eq "ana" and active eq false`:                                 "bo",
			`not (title pr) and userName sw "b"`:                                                        "bo",
			`urn:ietf:params:scim:schemas:core:2.0:User:userName eq "bo"`:                               "bo",
			`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department eq "sales"`:          "cy",
			`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq "` + ana + `"`: "cy",
			`groups.value eq "` + team + `"`:                                                            "Ana bo",
			`groups[value eq "` + team + `"] and title pr`:                                              "Ana",
			`groups.display eq "team"`:                                                                  "Ana bo",
			`meta.created gt "2020-01-01T00:00:00Z"`:                                                    "Ana bo cy",
			`meta.lastModified lt "2020-01-01T00:00:00Z"`:                                               "",
			`meta.resourceType eq "User"`:                                                               "Ana bo cy",
		} {
			g := c.do(t, "GET", "/Users?filter="+url.QueryEscape(filter), nil)
			if g.status != 200 {
				t.Errorf("%s: %v", filter, g.body)
				continue
			}
			got := names(g, "userName")
			for i := range got {
				if strings.HasPrefix(got[i], "cy") {
					got[i] = "cy"
				}
			}
			if strings.Join(got, " ") != want || g.at("totalResults").(float64) != float64(len(got)) {
				t.Errorf("%s: %q of %v, want %q", filter, got, g.at("totalResults"), want)
			}
		}
		_ = cy
		for filter, want := range map[string]int{
			`members eq "` + ana + `"`: 1, `members.value eq "` + cy + `"`: 0, `id eq "` + team + `" and members eq "` + bo + `"`: 1,
			`members[value eq "` + bo + `"]`: 1, `displayName sw "te"`: 1, `externalId pr`: 0, `members pr`: 1,
		} {
			if g := c.find(t, "Groups", filter); int(g.at("totalResults").(float64)) != want {
				t.Errorf("%s: %v, want %d", filter, g.body, want)
			}
		}
		for _, filter := range []string{
			`userName`, `userName eq`, `userName eq "a`, `userName eq 'a'`, `userName xx "a"`, `(userName eq "a"`, `userName eq "a")`, `nothing eq "a"`,
			`userName eq true`, `active gt true`, `active eq "maybe"`, `name eq "a"`, `meta.created co "2"`, `userName[value eq "a"]`, `emails[nothing pr]`,
			`emails[value eq "a"`, `not userName pr`, `userName eq 1`, `urn:x:userName eq "a"`, strings.Repeat("(", 40) + `title pr` + strings.Repeat(")", 40),
			strings.Repeat(`title pr or `, 200) + `title pr`, `title pr ` + strings.Repeat(" ", 9000), `userName eq "a" and`, `and`, `[`, `` + "\x00",
		} {
			g := c.do(t, "GET", "/Users?filter="+url.QueryEscape(filter), nil)
			if g.status != 400 || g.at("scimType") != "invalidFilter" || g.at("status") != "400" || g.at("detail") == "" {
				t.Errorf("%.60s: %d %v", filter, g.status, g.body)
			}
		}
		if g := c.do(t, "GET", "/Groups?filter="+url.QueryEscape(`members.display eq "Ana A"`), nil); g.at("scimType") != "invalidFilter" {
			t.Errorf("by the names of members: %v", g.body)
		}
	})
}

// Lists are sorted, and their pages neither repeat nor leave out, whatever comes
// and goes meanwhile.
func TestPages(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		c := newCentre(t, srv)
		var ids, all []string
		for i := range 23 {
			all = append(all, fmt.Sprintf("user-%02d", (i*7)%23))
			ids = append(ids, c.user(t, all[i]))
		}
		page := func(start, count int, more string) got {
			return c.must(t, 200, "GET", fmt.Sprintf("/Users?startIndex=%d&count=%d%s", start, count, more), nil)
		}
		g := page(1, 10, "")
		if got := names(g, "userName"); !slices.Equal(got, all[:10]) || g.at("totalResults") != 23.0 || g.at("itemsPerPage") != 10.0 || g.at("startIndex") != 1.0 {
			t.Errorf("first page: %q %v", got, g.body)
		}
		c.must(t, 204, "DELETE", "/Users/"+ids[3], nil)
		c.user(t, "late")
		if got := names(page(11, 10, ""), "userName"); !slices.Equal(got, all[10:20]) {
			t.Errorf("second page: %q, want %q", got, all[10:20])
		}
		if got := names(page(21, 10, ""), "userName"); !slices.Equal(got, append(slices.Clone(all[20:]), "late")) {
			t.Errorf("third page: %q", got)
		}
		// One that no page came before is counted to.
		if got := names(page(20, 2, ""), "userName"); !slices.Equal(got, all[20:22]) {
			t.Errorf("a page on its own: %q, want %q", got, all[20:22])
		}
		sorted := slices.Sorted(slices.Values(append(slices.Delete(slices.Clone(all), 3, 4), "late")))
		for _, sortBy := range []string{"userName", "emails.value", "urn:ietf:params:scim:schemas:core:2.0:User:userName"} {
			var got []string
			for start := 1; start <= 23; start += 5 {
				got = append(got, names(page(start, 5, "&sortBy="+sortBy), "userName")...)
			}
			if !slices.Equal(got, sorted) {
				t.Errorf("by %s: %q, want %q", sortBy, got, sorted)
			}
		}
		slices.Reverse(sorted)
		var got []string
		for start := 1; start <= 23; start += 7 {
			got = append(got, names(page(start, 7, "&sortBy=username&sortOrder=descending&filter="+url.QueryEscape(`title eq null`)), "userName")...)
		}
		if !slices.Equal(got, sorted) {
			t.Errorf("descending: %q, want %q", got, sorted)
		}
		if g := page(-3, 0, ""); g.at("totalResults") != 23.0 || len(g.at("Resources").([]any)) != 0 || g.at("startIndex") != 1.0 {
			t.Errorf("count 0: %v", g.body)
		}
		if g := page(99, 5, ""); len(g.at("Resources").([]any)) != 0 {
			t.Errorf("after the end: %v", g.body)
		}
		if g := c.do(t, "GET", "/Users?sortBy=title", nil); g.at("scimType") != "invalidPath" {
			t.Errorf("sort by title: %v", g.body)
		}
		if g := c.do(t, "GET", "/Users?count=many", nil); g.at("scimType") != "invalidValue" {
			t.Errorf("count=many: %v", g.body)
		}
		g = c.must(t, 200, "POST", "/Users/.search", `{"schemas":["urn:ietf:params:scim:api:messages:2.0:SearchRequest"],
			"attributes":["userName"],"filter":"userName eq \"late\"","startIndex":1,"count":10}`)
		if r, _ := g.at("Resources", 0).(map[string]any); len(r) != 3 || r["userName"] != "late" {
			t.Errorf(".search: %v", g.body)
		}
	})
}

// ETags keep two who change one thing from each other.
func TestETags(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		c := newCentre(t, srv)
		made := c.must(t, 201, "POST", "/Users", `{"userName":"ana"}`)
		path := "/Users/" + made.id()
		tag := made.header.Get("ETag")
		if tag == "" || tag != made.at("meta", "version") || made.header.Get("Location") != made.at("meta", "location") ||
			made.at("meta", "location") != "https://onsight.example.org"+c.base+path {
			t.Errorf("ETag %s, location %s: %v", tag, made.header.Get("Location"), made.body)
		}
		if g := c.must(t, 304, "GET", path, nil, "If-None-Match", tag); g.header.Get("ETag") != tag {
			t.Errorf("304 without its ETag")
		}
		changed := c.must(t, 200, "PUT", path, `{"userName":"ana","title":"Boss"}`, "If-Match", tag)
		if changed.header.Get("ETag") == tag || changed.at("meta", "created") != made.at("meta", "created") {
			t.Errorf("after a change: %v", changed.body)
		}
		c.must(t, 200, "GET", path, nil, "If-None-Match", tag)
		for method, body := range map[string]any{"PUT": `{"userName":"bo"}`, "PATCH": `{"Operations":[{"op":"add","path":"title","value":"x"}]}`, "DELETE": nil} {
			c.must(t, 412, method, path, body, "If-Match", tag)
		}
		same := c.must(t, 200, "PUT", path, `{"userName":"ana","title":"Boss"}`, "If-Match", "*")
		if same.header.Get("ETag") != changed.header.Get("ETag") {
			t.Error("what changes nothing is another version")
		}
		group := c.group(t, "team")
		before := c.must(t, 200, "GET", "/Groups/"+group, nil).header.Get("ETag")
		c.must(t, 204, "PATCH", "/Groups/"+group, `{"Operations":[{"op":"add","path":"members","value":[{"value":"`+made.id()+`"}]}]}`, "If-Match", before)
		c.must(t, 412, "DELETE", "/Groups/"+group, nil, "If-Match", before)
		if g := c.must(t, 200, "GET", path, nil, "If-None-Match", changed.header.Get("ETag")); g.at("groups", 0, "value") != group {
			t.Errorf("a user whose groups have changed: %v", g.body)
		}
		c.must(t, 204, "DELETE", path, nil, "If-Match", `W/"1", `+c.must(t, 200, "GET", path, nil).header.Get("ETag"))
	})
}
