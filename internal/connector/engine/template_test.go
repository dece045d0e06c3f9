package engine_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/connector/definition"
)

const mailbox = `
openapi: 3.1.0
info: {title: Mail, version: "1"}
x-onsight-connector:
  type: MAIL
  base: {append: /v2, unless: [/beta]}
  authentication: {OAUTH2_AUTHORIZATION_CODE: {scheme: bearer}, OAUTH2_CLIENT_CREDENTIALS: {scheme: bearer}}
paths:
  /{user}/messages:
    parameters: [{name: user, in: path, required: true, x-onsight-path: {OAUTH2_AUTHORIZATION_CODE: me, OAUTH2_CLIENT_CREDENTIALS: "users/{}"}, schema: {type: string}}]
    get:
      operationId: Messages
      x-onsight-output: /value
      x-onsight-pagination: {kind: url, next: /@odata.nextLink, items: /value}
      parameters:
        - {name: $search, in: query, x-onsight-name: search, x-onsight-encoding: escaped, x-onsight-template: '"{}" OR "mail:{}"', schema: {type: string}}
        - {name: ConsistencyLevel, in: header, x-onsight-constant: eventual, x-onsight-when: [search], schema: {type: string}}
      responses: {"200": {description: ok}}
    post:
      operationId: Send
      requestBody:
        content:
          application/json:
            schema:
              type: object
              properties:
                to: {type: array, items: {type: string}, x-onsight-pointer: /people, x-onsight-template: {type: to, address: "{}"}}
                with: {type: array, items: {type: object}, x-onsight-pointer: /people, x-onsight-template: {type: cc, address: "{/address}", name: "{/name}", order: "{/order}"}}
                start: {type: string, x-onsight-template: {dateTime: "{}", timeZone: "{zone}", label: "{} in {zone}"}}
                zone: {type: string, default: UTC, x-onsight-unsent: true}
                member: {type: string, x-onsight-encoding: odata, x-onsight-template: "{:base}/users('{}')"}
                note: {type: string, x-onsight-template: "{other}"}
                other: {type: string, x-onsight-unsent: true}
      responses: {"202": {description: ok}}
  /files/{path}/range(address='{address}'):
    parameters:
      - {name: path, in: path, required: true, schema: {type: string}}
      - {name: address, in: path, required: true, x-onsight-encoding: odata, schema: {type: string}}
    get: {operationId: Range, responses: {"200": {description: ok}}}
`

// What templates make of inputs, and where paths lead with each way to
// authenticate.
func TestTemplates(t *testing.T) {
	t.Parallel()
	d, err := definition.Load([]byte(mailbox))
	if err != nil {
		t.Fatal(err)
	}
	const person, itself = "OAUTH2_AUTHORIZATION_CODE", "OAUTH2_CLIENT_CREDENTIALS"
	for _, c := range []struct{ how, action, input, want string }{
		{person, "Messages", `{}`, "GET /api/v2/me/messages?client=100"},
		{itself, "Messages", `{"user":"o'neil+x@example.org/.."}`, "GET /api/v2/users/o%27neil+x@example.org%2F../messages?client=100"},
		{person, "Messages", `{"search":"say \"hi\" \\ & co"}`, "GET /api/v2/me/messages?%24search=%22say%20%5C%22hi%5C%22%20%5C%5C%20%26%20co%22%20OR%20%22mail%3Asay%20%5C%22hi%5C%22%20%5C%5C%20%26%20co%22&client=100"},
		{
			person, "Send", `{"to":["a","b"],"with":[{"address":"c","order":1},{"name":"d"}]}`,
			`POST /api/v2/me/messages?client=100 {"people":[{"address":"a","type":"to"},{"address":"b","type":"to"},{"address":"c","order":1,"type":"cc"},{"name":"d","type":"cc"}]}`,
		},
		{person, "Send", `{"to":[]}`, `POST /api/v2/me/messages?client=100 {"people":[]}`},
		{person, "Send", `{"start":"9"}`, `POST /api/v2/me/messages?client=100 {"start":{"dateTime":"9","label":"9 in UTC","timeZone":"UTC"}}`},
		{person, "Send", `{"start":"9","zone":"{}"}`, `POST /api/v2/me/messages?client=100 {"start":{"dateTime":"9","label":"9 in {}","timeZone":"{}"}}`},
		{person, "Send", `{"member":"o'neil"}`, `POST /api/v2/me/messages?client=100 {"member":"{server}/api/v2/users('o''neil')"}`},
		{person, "Send", `{"note":"x","to":[]}`, `POST /api/v2/me/messages?client=100 {"people":[]}`},
		{person, "Range", `{"path":"a:b","address":"My 'x'!A1:B2"}`, "GET /api/v2/files/a:b/range(address='My%20%27%27x%27%27%21A1:B2')?client=100"},
	} {
		b := service(t, answer(200, `{}`))
		b.d = d.For(c.how)
		if _, err := b.call(c.action, c.input).Do(t.Context()); err != nil {
			t.Errorf("%s %s: %v", c.action, c.input, err)
			continue
		}
		if diff := cmp.Diff([]string{strings.ReplaceAll(c.want, "{server}", b.server.URL)}, b.seen); diff != "" {
			t.Errorf("%s %s:\n%s", c.action, c.input, diff)
		}
		want := ""
		if strings.Contains(c.input, "search") {
			want = "eventual"
		}
		if got := b.headers[0].Get("ConsistencyLevel"); got != want {
			t.Errorf("%s %s: ConsistencyLevel %q, want %q", c.action, c.input, got, want)
		}
	}
}

// A page that the service names is asked for where it lies below the base
// endpoint, and nowhere else.
func TestPagesByAddress(t *testing.T) {
	t.Parallel()
	d, err := definition.Load([]byte(mailbox))
	if err != nil {
		t.Fatal(err)
	}
	for next, refused := range map[string]string{
		"{server}/api/v2/me/messages?$skip=10&x=%2F": "",
		"/api/v2/me/messages?$skip=10":               "",
		"https://evil.example/api/v2/me/messages":    "not the service's own address",
		"{server}@evil.example/api/v2/me/messages":   "not the service's own address",
		"{server}/api/v2x/messages":                  "not below the base endpoint",
		"{server}/api/v2":                            "not below the base endpoint",
		"{server}/api/v2/../admin":                   "not below the base endpoint",
		"{server}/api/v2/%2e%2e/admin":               "not below the base endpoint",
		"//evil.example/api/v2/x":                    "not the service's own address",
	} {
		b := service(t, answer(200, `{"value":[1]}`))
		b.d = d.For("OAUTH2_AUTHORIZATION_CODE")
		call := b.call("Messages", `{"search":"a"}`)
		call.Next = strings.ReplaceAll(next, "{server}", b.server.URL)
		_, err := call.Do(t.Context())
		if refused != "" {
			if err == nil || !strings.Contains(err.Error(), refused) || len(b.seen) > 0 {
				t.Errorf("%s: %v, %q; want it to be refused: %s", next, err, b.seen, refused)
			}
			continue
		}
		if err != nil || len(b.seen) != 1 || b.headers[0].Get("ConsistencyLevel") != "eventual" {
			t.Errorf("%s: %v, %q, %v", next, err, b.seen, b.headers)
		}
	}
	b := service(t, answer(200, `{"value":[1],"@odata.nextLink":"https://graph.example/v2/x?a=1"}`))
	b.d = d.For("OAUTH2_AUTHORIZATION_CODE")
	if res, err := b.call("Messages", `{}`).Do(t.Context()); err != nil || res.Next != "https://graph.example/v2/x?a=1" {
		t.Errorf("%+v, %v", res, err)
	}
}
