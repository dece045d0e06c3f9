package scim_test

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"onsight/internal/testkit"
)

const enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"

// The requests that Microsoft Entra ID and Okta send, and what is to come of
// them: the members of the user that want names, as JSON.
var shapes = []struct {
	name       string
	operations string
	want       string
}{
	// Entra, without and with the flag aadOptscim062020.
	{"entra: capitalised op, text for a boolean", `{"op":"Replace","path":"active","value":"False"}`, `{"active":false}`},
	{"entra: True", `{"op":"Add","path":"active","value":"True"}`, `{"active":true}`},
	{"entra: without a path", `{"op":"Replace","value":{"active":"False","displayName":"B"}}`, `{"active":false,"displayName":"B"}`},
	{"entra: a name with a point in it", `{"op":"replace","value":{"name.givenName":"Bo","name.familyName":"Beta"}}`, `{"name":{"givenName":"Bo","familyName":"Beta"}}`},
	{
		"entra: an address that is not there yet", `{"op":"Add","path":"phoneNumbers[type eq \"mobile\"].value","value":"+49 1"}`,
		`{"phoneNumbers":[{"type":"mobile","value":"+49 1"}]}`,
	},
	{
		"entra: an address that is there", `{"op":"Replace","path":"emails[type eq \"work\"].value","value":"new@example.org"}`,
		`{"emails":[{"primary":true,"type":"work","value":"new@example.org"}]}`,
	},
	{
		"entra: an address that is there, without a path", `{"op":"replace","value":{"emails[type eq \"work\"].value":"new@example.org"}}`,
		`{"emails":[{"primary":true,"type":"work","value":"new@example.org"}]}`,
	},
	{
		"entra: several conditions", `{"op":"Add","path":"addresses[type eq \"work\" and primary eq true].locality","value":"Berlin"}`,
		`{"addresses":[{"type":"work","primary":true,"locality":"Berlin"}]}`,
	},
	{"entra: an attribute of the extension", `{"op":"Add","path":"` + enterprise + `:department","value":"Sales"}`, `{"` + enterprise + `":{"department":"Sales"}}`},
	{"entra: the extension's attribute without a path", `{"op":"Add","value":{"` + enterprise + `:department":"Sales"}}`, `{"` + enterprise + `":{"department":"Sales"}}`},
	{
		"entra: the extension as a value", `{"op":"Add","value":{"` + enterprise + `":{"department":"Sales","employeeNumber":"7"}}}`,
		`{"` + enterprise + `":{"department":"Sales","employeeNumber":"7"}}`,
	},
	{"entra: a manager as text", `{"op":"Add","path":"` + enterprise + `:manager","value":"0001"}`, `{"` + enterprise + `":{"manager":{"value":"0001"}}}`},
	{
		"entra: a manager in a list", `{"op":"Add","path":"` + enterprise + `:manager","value":[{"$ref":"../Users/0001","value":"0001"}]}`,
		`{"` + enterprise + `":{"manager":{"$ref":"../Users/0001","value":"0001"}}}`,
	},
	{"entra: a manager who goes", `{"op":"Add","path":"` + enterprise + `:manager","value":"1"},{"op":"Remove","path":"` + enterprise + `:manager"}`, `{"` + enterprise + `":null}`},
	{
		"entra: several operations", `{"op":"Replace","path":"userName","value":"ana2"},{"op":"Replace","path":"externalId","value":"e2"},{"op":"Remove","path":"title"}`,
		`{"userName":"ana2","externalId":"e2","title":null}`,
	},
	{
		"entra: roles as text", `{"op":"Add","path":"roles","value":[{"primary":"False","type":"WindowsAzureActiveDirectoryRole","value":"{}"}]}`,
		`{"roles":[{"primary":false,"type":"WindowsAzureActiveDirectoryRole","value":"{}"}]}`,
	},
	{"entra: roles by a filter", `{"op":"Add","path":"roles[primary eq \"True\"].value","value":"admin"}`, `{"roles":[{"primary":true,"value":"admin"}]}`},
	{"entra: null", `{"op":"Replace","path":"title","value":null}`, `{"title":null}`},
	// Okta.
	{"okta: deactivation", `{"op":"replace","value":{"active":false}}`, `{"active":false}`},
	{"okta: more than is meant", `{"op":"replace","value":{"id":"x","schemas":[],"meta":{},"groups":[],"password":"Secret-1234","displayName":"B","somethingElse":1}}`, `{"displayName":"B"}`},
	// As RFC 7644 has them.
	{
		"add to a list", `{"op":"add","path":"emails","value":[{"value":"two@example.org","type":"home"}]}`,
		`{"emails":[{"primary":true,"type":"work","value":"ana@example.org"},{"type":"home","value":"two@example.org"}]}`,
	},
	{
		"add what is there", `{"op":"add","path":"emails","value":[{"value":"ana@example.org","type":"work","primary":true}]}`,
		`{"emails":[{"primary":true,"type":"work","value":"ana@example.org"}]}`,
	},
	{
		"another primary one", `{"op":"add","path":"emails","value":{"value":"two@example.org","primary":true}}`,
		`{"emails":[{"primary":false,"type":"work","value":"ana@example.org"},{"primary":true,"value":"two@example.org"}]}`,
	},
	{"remove by a filter", `{"op":"remove","path":"emails[type eq \"work\"]"}`, `{"emails":null}`},
	{"remove by a filter that means nothing", `{"op":"remove","path":"emails[type eq \"home\"]"}`, `{"emails":[{"primary":true,"type":"work","value":"ana@example.org"}]}`},
	{"remove by value", `{"op":"remove","path":"emails","value":[{"value":"ana@example.org"}]}`, `{"emails":null}`},
	{"remove a part", `{"op":"remove","path":"emails[value co \"ana\"].type"}`, `{"emails":[{"primary":true,"value":"ana@example.org"}]}`},
	{"replace a value whole", `{"op":"replace","path":"emails[type eq \"work\"]","value":{"value":"x@example.org"}}`, `{"emails":[{"value":"x@example.org"}]}`},
	{"replace a list", `{"op":"replace","path":"emails","value":[{"value":"x@example.org"}]}`, `{"emails":[{"value":"x@example.org"}]}`},
	{
		"a complex one keeps the rest", `{"op":"replace","path":"name","value":{"givenName":"A"}},{"op":"replace","path":"name","value":{"familyName":"B"}}`,
		`{"name":{"givenName":"A","familyName":"B"}}`,
	},
	{"remove a sub-attribute", `{"op":"add","path":"name.givenName","value":"A"},{"op":"remove","path":"name.givenName"}`, `{"name":null}`},
	{"the schema before the name", `{"op":"replace","path":"urn:ietf:params:scim:schemas:core:2.0:User:title","value":"T"}`, `{"title":"T"}`},
	{"a number of the extension goes", `{"op":"add","path":"` + enterprise + `:employeeNumber","value":"7"},{"op":"remove","path":"` + enterprise + `"}`, `{"` + enterprise + `":null}`},
}

func TestShapes(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		c := newCentre(t, srv)
		for i, s := range shapes {
			id := c.must(t, 201, "POST", "/Users", fmt.Sprintf(`{"schemas":["urn:ietf:params:scim:schemas:core:2.0:User"],"userName":"ana-%d","title":"Boss","externalId":"e%[1]d",
				"emails":[{"value":"ana@example.org","type":"work","primary":true}],"groups":[],"password":"Secret-1234","meta":{"resourceType":"User"}}`, i)).id()
			g := c.do(t, "PATCH", "/Users/"+id, `{"schemas":["urn:ietf:params:scim:api:messages:2.0:PatchOp"],"Operations":[`+s.operations+`]}`)
			if g.status != 200 {
				t.Errorf("%s: %d %v", s.name, g.status, g.body)
				continue
			}
			var want map[string]any
			if err := json.Unmarshal([]byte(s.want), &want); err != nil {
				t.Fatal(err)
			}
			shown := c.must(t, 200, "GET", "/Users/"+id, nil)
			for name, v := range want {
				if !reflect.DeepEqual(shown.body[name], v) || !reflect.DeepEqual(g.body[name], v) {
					t.Errorf("%s: %s is %v, and %v later; want %v", s.name, name, g.body[name], shown.body[name], v)
				}
			}
			if shown.body["password"] != nil {
				t.Errorf("%s: a password is shown", s.name)
			}
		}
		id := c.user(t, "zoe", `,"title":"T"`)
		before := c.must(t, 200, "GET", "/Users/"+id, nil).body
		for operations, kind := range map[string]string{
			`{"op":"move","path":"title"}`:                                                                         "invalidSyntax",
			`{"op":"add","path":"nothing","value":1}`:                                                              "invalidPath",
			`{"op":"add","path":"title[","value":1}`:                                                               "invalidPath",
			`{"op":"add","path":"emails[type eq]","value":1}`:                                                      "invalidFilter",
			`{"op":"add","path":"emails[type eq \"work\"]x","value":1}`:                                            "invalidPath",
			`{"op":"add","path":7,"value":1}`:                                                                      "invalidPath",
			`{"op":"replace","path":"id","value":"x"}`:                                                             "mutability",
			`{"op":"replace","path":"groups","value":[]}`:                                                          "mutability",
			`{"op":"replace","path":"meta.created","value":"x"}`:                                                   "mutability",
			`{"op":"remove","path":"userName"}`:                                                                    "mutability",
			`{"op":"remove"}`:                                                                                      "noTarget",
			`{"op":"replace","path":"emails[type eq \"home\"]","value":{"value":"x"}}`:                             "noTarget",
			`{"op":"replace","path":"emails[type co \"h\"].value","value":"x"}`:                                    "noTarget",
			`{"op":"replace","path":"active","value":"maybe"}`:                                                     "invalidValue",
			`{"op":"replace","path":"title","value":["a","b"]}`:                                                    "invalidValue",
			`{"op":"replace","path":"title","value":7}`:                                                            "invalidValue",
			`{"op":"replace","value":"x"}`:                                                                         "invalidValue",
			`{"op":"replace","path":"emails","value":[{"value":"a","primary":true},{"value":"b","primary":true}]}`: "invalidValue",
			`{"op":"replace","path":"title","value":"changed"},{"op":"replace","path":"userName","value":"ß中"}`:    "invalidValue",
			`7`: "invalidSyntax",
			``:  "invalidSyntax",
		} {
			g := c.do(t, "PATCH", "/Users/"+id, `{"Operations":[`+operations+`]}`)
			if g.status != 400 || g.at("scimType") != kind {
				t.Errorf("%s: %d %v, want %s", operations, g.status, g.body, kind)
			}
		}
		if after := c.must(t, 200, "GET", "/Users/"+id, nil).body; !reflect.DeepEqual(before, after) {
			t.Errorf("what was refused has changed something: %v, before %v", after, before)
		}
	})
}

// The requests about groups, and who is in them then.
func TestGroupShapes(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		c := newCentre(t, srv)
		ana, bo, cy := c.user(t, "ana"), c.user(t, "bo"), c.user(t, "cy")
		who := strings.NewReplacer("$ana", ana, "$bo", bo, "$cy", cy)
		for i, s := range []struct{ operations, want string }{
			{`{"op":"Add","path":"members","value":[{"$ref":null,"value":"$cy"}]}`, "ana bo cy"},
			{`{"op":"Add","path":"members","value":[{"value":"$ana"},{"value":"$ana"}]}`, "ana bo"},
			{`{"op":"Remove","path":"members","value":[{"$ref":null,"value":"$ana"}]}`, "bo"},
			{`{"op":"Remove","path":"members[value eq \"$ana\"]"}`, "bo"},
			{`{"op":"remove","path":"members[value eq \"$cy\"]"}`, "ana bo"},
			{`{"op":"remove","path":"members[$ref ew \"$bo\" and type eq \"user\"]"}`, "ana"},
			{`{"op":"remove","path":"members[value eq \"$ana\" or value eq \"$bo\"]"}`, ""},
			{`{"op":"remove","path":"members"}`, ""},
			{`{"op":"replace","path":"members","value":[{"value":"$cy","display":"Cy"}]}`, "cy"},
			{`{"op":"replace","value":{"id":"x","displayName":"Renamed $n","members":[{"value":"$bo"}]}}`, "bo"},
			{`{"op":"replace","path":"members","value":[]}`, ""},
			{`{"op":"remove","path":"members"},{"op":"add","path":"members","value":{"value":"$cy"}},{"op":"add","path":"members","value":"$bo"},{"op":"remove","path":"members[value eq \"$cy\"]"}`, "bo"},
			{`{"op":"add","path":"externalId","value":"e"}`, "ana bo"},
		} {
			id := c.group(t, fmt.Sprintf("group %d", i), ana, bo)
			c.patch(t, 204, "/Groups/"+id, strings.ReplaceAll(who.Replace(s.operations), "$n", fmt.Sprint(i)))
			g := c.must(t, 200, "GET", "/Groups/"+id, nil)
			var in []string
			list, _ := g.body["members"].([]any)
			for _, m := range list {
				in = append(in, map[string]string{ana: "ana", bo: "bo", cy: "cy"}[m.(map[string]any)["value"].(string)])
			}
			if got := strings.Join(in, " "); got != s.want {
				t.Errorf("%s: %q, want %q", s.operations, got, s.want)
			}
			if g := c.must(t, 200, "GET", "/Groups/"+id+"?excludedAttributes=members", nil); g.body["members"] != nil || g.body["displayName"] == nil {
				t.Errorf("without members: %v", g.body)
			}
		}
		id := c.group(t, "staff", ana)
		for operations, kind := range map[string]string{
			`{"op":"add","path":"members","value":[{"value":"nobody"}]}`:                         "invalidValue",
			`{"op":"add","path":"members","value":[{"display":"x"}]}`:                            "invalidValue",
			`{"op":"add","path":"members","value":[{"value":"` + id + `","type":"Group"}]}`:      "invalidValue",
			`{"op":"replace","path":"members[value eq \"x\"].type","value":"x"}`:                 "mutability",
			`{"op":"add","path":"members[value eq \"x\"]","value":{"value":"x"}}`:                "invalidPath",
			`{"op":"remove","path":"displayName"}`:                                               "mutability",
			`{"op":"remove","path":"members"},{"op":"replace","path":"displayName","value":"中"}`: "invalidValue",
		} {
			g := c.do(t, "PATCH", "/Groups/"+id, `{"Operations":[`+operations+`]}`)
			if g.status != 400 || g.at("scimType") != kind {
				t.Errorf("%s: %d %v, want %s", operations, g.status, g.body, kind)
			}
		}
		if g := c.must(t, 200, "PUT", "/Groups/"+id, `{"displayName":"Staff of all"}`); g.body["members"] != nil || g.body["displayName"] != "Staff of all" {
			t.Errorf("PUT without members: %v", g.body)
		}
		// A renamed group is the same group of QuickSight, and keeps its name from others.
		if got := members(t, srv, "staff"); len(got) != 0 {
			t.Errorf("members of staff: %q", got)
		}
		if g := c.do(t, "POST", "/Groups", `{"displayName":"staff"}`); g.status != 409 || g.at("scimType") != "uniqueness" {
			t.Errorf("another group of the first name: %v", g.body)
		}
	})
}
