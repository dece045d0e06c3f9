package definition_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/connector/definition"
)

const sample = `
openapi: 3.1.0
info: {title: Tracker, version: "1", description: Issues}
servers: [{url: https://example.org}]
x-onsight-connector:
  type: TRACKER
  hosts: [files.example.org]
  authentication:
    API_KEY: {scheme: basic, username: "{email}", password: "{key}"}
  test: {operation: WhoAmI, success: [{pointer: /id}]}
  errors: {message: [/error/message], header: X-Reason}
paths:
  /me:
    get: {operationId: WhoAmI, x-onsight-hidden: true, responses: {"200": {description: ok}}}
  /issues/{id}:
    parameters: [{name: id, in: path, required: true, schema: {type: string, maxLength: 8}}]
    get:
      operationId: GetIssue
      summary: Get issue
      parameters:
        - {name: "page[size]", in: query, x-onsight-name: pageSize, schema: {type: integer, minimum: 1, maximum: 100, default: 50}}
        - {name: expand, in: query, explode: false, schema: {type: array, items: {type: string}}}
        - {name: Accept-Version, in: header, x-onsight-constant: "2", schema: {type: string}}
      responses:
        "200": {description: ok, content: {application/json: {schema: {$ref: "#/components/schemas/Issue"}}}}
    put:
      operationId: EditIssue
      x-onsight-body-path: /fields
      requestBody:
        required: true
        content:
          application/json:
            schema:
              type: object
              required: [summary]
              properties:
                summary: {type: string, minLength: 1, pattern: "^[A-Z]"}
                state: {enum: [open, closed]}
                parent: {$ref: "#/components/schemas/Issue"}
      responses: {"204": {description: done}}
    delete: {operationId: DeleteIssue, responses: {"204": {description: done}}}
  /issues/{id}/file:
    post:
      operationId: Attach
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      requestBody: {required: true, content: {multipart/form-data: {schema: {type: object, required: [file], properties: {file: {type: string, format: binary}, note: {type: string}}}}}}
      responses: {"200": {description: ok}}
  /issues/{id}/raw:
    post:
      operationId: Upload
      x-amzn-operation-type: read
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      requestBody: {required: true, content: {image/png: {}}}
      responses: {"201": {description: ok}}
components:
  schemas:
    Issue: {type: object, properties: {key: {type: string}, count: {type: integer, x-note: gone}}}
`

func load(t *testing.T, document string) *definition.Definition {
	t.Helper()
	d, err := definition.Load([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestLoad(t *testing.T) {
	t.Parallel()
	d := load(t, sample)
	if diff := cmp.Diff([]string{"Attach", "DeleteIssue", "EditIssue", "GetIssue", "Upload"}, d.Actions); diff != "" {
		t.Errorf("actions:\n%s", diff)
	}
	if got := d.Connector.Authentication["API_KEY"]; got.Scheme != "basic" || got.Username != "{email}" {
		t.Errorf("API_KEY: %+v", got)
	}
	get, edit, attach := d.Operations["GetIssue"], d.Operations["EditIssue"], d.Operations["Attach"]
	fields := []definition.Field{
		{Name: "id", Wire: "id", In: definition.InPath, Required: true, Separator: ","},
		{Name: "pageSize", Wire: "page[size]", In: definition.InQuery, Default: json.RawMessage("50"), Explode: true, Separator: ","},
		{Name: "expand", Wire: "expand", In: definition.InQuery, Separator: ","},
		{Name: "Accept-Version", Wire: "Accept-Version", In: definition.InHeader, Constant: json.RawMessage(`"2"`), Separator: ","},
	}
	if diff := cmp.Diff(fields, get.Fields); diff != "" {
		t.Errorf("fields of GetIssue:\n%s", diff)
	}
	if get.Write || !edit.Write || !edit.Idempotent || attach.Idempotent || !d.Operations["DeleteIssue"].Destructive || d.Operations["Upload"].Write {
		t.Error("what reads, writes, destroys or may be repeated is not told right")
	}
	want := `{"additionalProperties":false,"properties":{"id":{"maxLength":8,"type":"string"},` +
		`"parent":{"properties":{"count":{"type":"integer"},"key":{"type":"string"}},"type":"object"},` +
		`"state":{"enum":["open","closed"]},"summary":{"minLength":1,"pattern":"^[A-Z]","type":"string"}},"required":["id","summary"],"type":"object"}`
	if diff := cmp.Diff(want, string(edit.Input)); diff != "" {
		t.Errorf("input of EditIssue:\n%s", diff)
	}
	if got := string(get.OutputSchema); got != `{"properties":{"count":{"type":"integer"},"key":{"type":"string"}},"type":"object"}` {
		t.Errorf("output of GetIssue: %s", got)
	}
	if f := attach.Fields[1]; f.Name != "file" || !f.File || !f.Required {
		t.Errorf("file of Attach: %+v", f)
	}
	if o := d.Operations["Upload"]; o.MediaType != "image/png" || o.Fields[1].In != definition.InWhole || !o.Fields[1].File {
		t.Errorf("Upload: %+v", o)
	}
}

func TestCheck(t *testing.T) {
	t.Parallel()
	d := load(t, sample)
	for _, c := range []struct{ action, input, want string }{
		{"GetIssue", `{"id":"1"}`, ""},
		{"GetIssue", ``, `the input: lacks "id"`},
		{"GetIssue", `{`, `the input is not JSON`},
		{"GetIssue", `{"id":"1"} {}`, `the input is not JSON`},
		{"GetIssue", `[]`, `the input: is of type array, and must be object`},
		{"GetIssue", `{"id":"1","secret-word":1}`, `the input: has no member "secret-word"`},
		{"GetIssue", `{"id":"123456789"}`, `/id: has 9 characters, and may have 8`},
		{"GetIssue", `{"id":"1","pageSize":0}`, `/pageSize: must be at least 1`},
		{"GetIssue", `{"id":"1","expand":["a",2]}`, `/expand/1: is of type number, and must be string`},
		{"EditIssue", `{"id":"1","summary":"hush"}`, `/summary: must match ^[A-Z]`},
		{"EditIssue", `{"id":"1","summary":"A","state":"hush"}`, `/state: must be one of "open", "closed"`},
		{"Attach", `{"id":"1","file":{"filename":"a"}}`, `/file: lacks "content"`},
	} {
		_, err := d.Operations[c.action].Check([]byte(c.input))
		got := ""
		if err != nil {
			got = err.Error()
		}
		if got != c.want {
			t.Errorf("%s %s: %q, want %q", c.action, c.input, got, c.want)
		}
		if strings.Contains(got, "hush") {
			t.Errorf("%s tells a value", got)
		}
	}
}

// What is wrong with a document is said with its place.
func TestLoadRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, old, new, want string }{
		{"no document", sample, "openapi: 2", "it is no"},
		{"no id", "operationId: GetIssue", "tags: [a]", "/paths/~1issues~1{id}/get: the operation has no operationId"},
		{"bad id", "operationId: GetIssue", "operationId: Get-Issue", "/paths/~1issues~1{id}/get/operationId: \"Get-Issue\" has other characters"},
		{"an id twice", "operationId: GetIssue", "operationId: EditIssue", `have the same operation id "EditIssue"`},
		{"bad name", "x-onsight-name: pageSize", "description: x", `/paths/~1issues~1{id}/get/parameters/page[size]: "page[size]" is no name for an input`},
		{"a name twice", "x-onsight-name: pageSize", "x-onsight-name: id", `two inputs are called "id"`},
		{"credentials", "name: Accept-Version", "name: authorization", "the header Authorization is not a document's to set"},
		{"unknown member", "hosts:", "hots:", `/x-onsight-connector: json: unknown field "hots"`},
		{"bad kind", "x-amzn-operation-type: read", "x-amzn-operation-type: look", `"look" is neither read nor write`},
		{"a cycle", "key: {type: string}", `key: {$ref: "#/components/schemas/Issue"}`, "the schema contains itself"},
		{"external", `$ref: "#/components/schemas/Issue"}}}}
    put`, `$ref: "https://evil.example/x"}}}}
    put`, "it is no OpenAPI document"},
	} {
		document := strings.Replace(sample, c.old, c.new, 1)
		if document == sample {
			t.Errorf("%s: the document is as before", c.name)
		}
		_, err := definition.Load([]byte(document))
		e, ok := errors.AsType[*definition.Error](err)
		if !ok || !strings.Contains(e.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
