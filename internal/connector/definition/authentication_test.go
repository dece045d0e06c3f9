package definition_test

import (
	"errors"
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
  authentication:
    OAUTH2_AUTHORIZATION_CODE: {scheme: bearer}
    OAUTH2_CLIENT_CREDENTIALS: {scheme: bearer, rights: {claim: roles, wanted: [Mail.Read], advice: Ask for consent.}}
paths:
  /{user}/messages:
    parameters: [{$ref: "#/components/parameters/user"}]
    get:
      operationId: List
      parameters:
        - {name: search, in: query, x-onsight-encoding: escaped, schema: {type: string}}
        - {name: ConsistencyLevel, in: header, x-onsight-constant: eventual, x-onsight-when: [search], schema: {type: string}}
      responses: {"200": {description: ok}}
    post:
      operationId: Send
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              properties:
                to: {type: array, items: {type: string}, x-onsight-template: {address: "{}", zone: "{zone}", at: "{:base}/x", of: "{/of}"}}
                zone: {type: string, x-onsight-unsent: true}
      responses: {"202": {description: ok}}
  /{user}/meetings:
    parameters: [{$ref: "#/components/parameters/user"}]
    get: {operationId: Meetings, x-onsight-authentication: [OAUTH2_AUTHORIZATION_CODE], responses: {"200": {description: ok}}}
  /all:
    get: {operationId: All, responses: {"200": {description: ok}}}
components:
  parameters:
    user:
      {name: user, in: path, required: true, x-onsight-name: userId, x-onsight-path: {OAUTH2_AUTHORIZATION_CODE: me, OAUTH2_CLIENT_CREDENTIALS: "users/{}"}, schema: {type: string}}
`

// One declaration is two requests: of who signs in, and of anybody.
func TestFor(t *testing.T) {
	t.Parallel()
	d := load(t, mailbox)
	for _, c := range []struct{ how, action, path, input string }{
		{"OAUTH2_AUTHORIZATION_CODE", "List", "/me/messages", `{"additionalProperties":false,"properties":{"search":{"type":"string"}},"type":"object"}`},
		{
			"OAUTH2_CLIENT_CREDENTIALS", "List", "/users/{user}/messages",
			`{"additionalProperties":false,"properties":{"search":{"type":"string"},"userId":{"type":"string"}},"required":["userId"],"type":"object"}`,
		},
		{
			"", "List", "/users/{user}/messages",
			`{"additionalProperties":false,"properties":{"search":{"type":"string"},"userId":{"type":"string"}},"required":["userId"],"type":"object"}`,
		},
		{"OAUTH2_AUTHORIZATION_CODE", "Meetings", "/me/meetings", `{"additionalProperties":false,"properties":{},"type":"object"}`},
		{"OAUTH2_CLIENT_CREDENTIALS", "All", "/all", `{"additionalProperties":false,"properties":{},"type":"object"}`},
	} {
		o := d.For(c.how).Operations[c.action]
		if o.Path != c.path {
			t.Errorf("%s with %q: path %s, want %s", c.action, c.how, o.Path, c.path)
		}
		if diff := cmp.Diff(c.input, string(o.Input)); diff != "" {
			t.Errorf("%s with %q: input\n%s", c.action, c.how, diff)
		}
	}
	if got := len(d.For("OAUTH2_AUTHORIZATION_CODE").Actions); got != 4 {
		t.Errorf("%d actions, want 4", got)
	}
}

func TestLoadRefusesReferences(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, old, new, want string }{
		{"not all types", `{OAUTH2_AUTHORIZATION_CODE: me, OAUTH2_CLIENT_CREDENTIALS: "users/{}"}`, `{OAUTH2_AUTHORIZATION_CODE: me}`, "/x-onsight-path: it does not say what stands in the path with OAUTH2_CLIENT_CREDENTIALS"},
		{"another type", "OAUTH2_AUTHORIZATION_CODE: me", "OAUTH2_AUTHORIZATION_CODE: me, API_KEY: me", "API_KEY is no authentication type of the document"},
		{"out of the path", `"users/{}"`, `"../{}"`, `"../{}" is no part of a path`},
		{"twice", `"users/{}"`, `"{}/{}"`, `"{}/{}" is no part of a path`},
		{"when", "x-onsight-when: [search]", "x-onsight-when: [find]", `x-onsight-when of ConsistencyLevel names "find", which is no input`},
		{"template", `"{zone}"`, `"{zune}"`, `x-onsight-template of to names "zune", which is no input`},
	} {
		document := strings.Replace(mailbox, c.old, c.new, 1)
		if document == mailbox {
			t.Errorf("%s: the document is as before", c.name)
		}
		_, err := definition.Load([]byte(document))
		e, ok := errors.AsType[*definition.Error](err)
		if !ok || !strings.Contains(e.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
