package engine_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/connector/definition"
	"onsight/internal/connector/engine"
)

const document = `
openapi: 3.1.0
info: {title: Tracker, version: "1"}
x-onsight-connector:
  type: TRACKER
  base: {append: /v2, unless: [/v3/]}
  hosts: [files.example.org]
  headers: {X-Client: onsight}
  errors: {message: [/error/message], code: [/error/code], header: X-Reason, throttled: [503], expired: [token_expired],
    details: [{text: needed, pointer: /needed}, {pointer: /hint}], kinds: {no_scope: Denied, no_channel: NotFound}}
paths:
  /issues:
    get:
      operationId: List
      x-onsight-output: /data
      x-onsight-pagination: {kind: cursor, input: after, next: /next, items: /data}
      parameters:
        - {name: after, in: query, schema: {type: string}}
        - {name: "page[size]", in: query, x-onsight-name: size, schema: {type: integer, default: 50}}
        - {name: tag, in: query, schema: {type: array, items: {type: string}}}
        - {name: fields, in: query, explode: false, schema: {type: array, items: {type: string}}}
        - {name: q, in: query, schema: {type: string}}
      responses: {"200": {description: ok}}
    post:
      operationId: Create
      x-onsight-body-path: /issue
      x-onsight-success: [{pointer: /ok, equals: true}]
      requestBody: {content: {application/json: {schema: {type: object, properties: {
        summary: {type: string}, count: {type: number}, kind: {x-onsight-constant: bug}, project: {type: string, x-onsight-pointer: /fields/project/key}}}}}}
      responses: {"201": {description: ok}}
  /issues/{id}:
    get: {operationId: Get, parameters: [{name: id, in: path, required: true, schema: {type: string}}, {name: X-Note, in: header, x-onsight-name: note, schema: {type: string}}], responses: {"200": {description: ok}}}
  /issues/{id}/file:
    post:
      operationId: Attach
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      requestBody: {content: {multipart/form-data: {schema: {type: object, properties: {file: {type: string, format: binary}, zeta: {type: string}}}}}}
      responses: {"200": {description: ok}}
    put:
      operationId: Upload
      parameters: [{name: id, in: path, required: true, schema: {type: string}}]
      requestBody: {content: {application/octet-stream: {}}}
      responses: {"200": {description: ok}}
  /form:
    post:
      operationId: Form
      requestBody: {content: {application/x-www-form-urlencoded: {schema: {type: object, properties: {a: {type: string}, b: {type: array, items: {type: integer}}}}}}}
      responses: {"200": {description: ok}}
  /old:
    get:
      operationId: Old
      x-onsight-pagination: {kind: offset, input: start, total: X-Total-Count}
      parameters: [{name: start, in: query, schema: {type: integer}}]
      responses: {"200": {description: ok}}
  /short:
    get:
      operationId: Short
      x-onsight-pagination: {kind: offset, input: start, limit: count}
      parameters:
        - {name: start, in: query, schema: {type: integer}}
        - {name: count, in: query, schema: {type: integer, default: 2}}
      responses: {"200": {description: ok}}
  /inside:
    get:
      operationId: Inside
      x-onsight-pagination: {kind: cursor, input: cursor, next: /_links/next, parameter: cursor}
      parameters: [{name: cursor, in: query, schema: {type: string}}]
      responses: {"200": {description: ok}}
  /free:
    post:
      operationId: Free
      x-onsight-body-path: /fields
      x-onsight-output-headers: [Location]
      requestBody: {content: {application/json: {schema: {type: object, properties: {
        others: {type: object, x-onsight-pointer: ""}, name: {type: string}}}}}}
      responses: {"201": {description: ok}}
  /file:
    get: {operationId: File, x-onsight-file: true, x-onsight-success: [{pointer: /ok, equals: true}], responses: {"200": {description: ok}}}
  /free#again:
    post:
      operationId: Listed
      x-onsight-success: [{pointer: /ok, equals: true}]
      requestBody: {content: {application/json: {schema: {type: object, properties: {people: {type: array, items: {type: string}, x-onsight-encoding: commas}}}}}}
      responses: {"201": {description: ok}}
  /linked:
    get: {operationId: Linked, x-onsight-pagination: {kind: link}, responses: {"200": {description: ok}}}
`

// token is a credential that can be renewed.
type token struct{ values []string }

func (k *token) Authenticate(_ context.Context, r *http.Request, _ []byte) error {
	r.Header.Set("Authorization", "Bearer "+k.values[0])
	return nil
}

func (k *token) Renew(context.Context) (bool, error) {
	if len(k.values) == 1 {
		return false, nil
	}
	k.values = k.values[1:]
	return true, nil
}

// bench is a service, and calls to it.
type bench struct {
	t       *testing.T
	server  *httptest.Server
	d       *definition.Definition
	seen    []string // method, address and body of the requests
	headers []http.Header
	slept   []time.Duration
	token   *token
}

func service(t *testing.T, answers ...http.HandlerFunc) *bench {
	t.Helper()
	d, err := definition.Load([]byte(document))
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, d: d, token: &token{[]string{"first"}}}
	b.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		b.seen, b.headers = append(b.seen, strings.TrimSpace(r.Method+" "+r.URL.RequestURI()+" "+string(body))), append(b.headers, r.Header)
		if n := len(b.seen); n <= len(answers) {
			answers[n-1](w, r)
			return
		}
		answers[len(answers)-1](w, r)
	}))
	t.Cleanup(b.server.Close)
	return b
}

func answer(status int, body string, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

func (b *bench) call(action, input string) *engine.Call {
	b.t.Helper()
	o := b.d.Operations[action]
	values, err := o.Check([]byte(input))
	if err != nil {
		b.t.Fatalf("%s %s: %v", action, input, err)
	}
	base, err := url.Parse(b.server.URL + "/api?client=100")
	if err != nil {
		b.t.Fatal(err)
	}
	return &engine.Call{
		Definition: b.d, Operation: o, Base: base, Credential: b.token, Input: values,
		// The default transport's connections are closed whenever a server is, also
		// while an answer is on its way.
		Client: &http.Client{Transport: b.server.Client().Transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }},
		Sleep:  func(_ context.Context, d time.Duration) error { b.slept = append(b.slept, d); return nil },
		Now:    func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) },
	}
}

// Each request is what the definition says, to the letter.
func TestRequests(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ action, input, want string }{
		{"List", `{}`, "GET /api/v2/issues?client=100&page%5Bsize%5D=50"},
		{
			"List", `{"size":5,"tag":["a b","c&d"],"fields":["x","y"],"q":"1+1=2 ü/"}`,
			"GET /api/v2/issues?client=100&fields=x%2Cy&page%5Bsize%5D=5&q=1%2B1%3D2%20%C3%BC%2F&tag=a%20b&tag=c%26d",
		},
		{"Get", `{"id":"a/b?c#d%2F ü","note":"n"}`, "GET /api/v2/issues/a%2Fb%3Fc%23d%252F%20%C3%BC?client=100"},
		{
			"Create", `{"summary":"a < b","count":12345678901234567890.5,"project":"ABC"}`,
			`POST /api/v2/issues?client=100 {"issue":{"count":12345678901234567890.5,"fields":{"project":{"key":"ABC"}},"kind":"bug","summary":"a < b"}}`,
		},
		{
			"Free", `{"name":"a","others":{"name":"b","x/y":[1]}}`,
			`POST /api/v2/free?client=100 {"fields":{"name":"a","x/y":[1]}}`,
		},
		{"Free", `{"others":{}}`, `POST /api/v2/free?client=100 {}`},
		{"Listed", `{"people":["a","b"]}`, `POST /api/v2/free?client=100 {"people":"a,b"}`},
		{"Upload", `{"id":"1","content":{"content":"aGk="}}`, "PUT /api/v2/issues/1/file?client=100 hi"},
		{"Upload", `{"id":"1","content":"hi"}`, "PUT /api/v2/issues/1/file?client=100 hi"},
		{"Form", `{"a":"x y","b":[1,2]}`, "POST /api/v2/form?client=100 a=x+y&b=1&b=2"},
	} {
		b := service(t, answer(200, `{"ok":true}`))
		if _, err := b.call(c.action, c.input).Do(t.Context()); err != nil {
			t.Errorf("%s: %v", c.action, err)
			continue
		}
		if diff := cmp.Diff([]string{c.want}, b.seen); diff != "" {
			t.Errorf("%s %s:\n%s", c.action, c.input, diff)
		}
		if h := b.headers[0]; h.Get("Authorization") != "Bearer first" || h.Get("X-Client") != "onsight" || h.Get("Accept") != "application/json" {
			t.Errorf("%s: headers %v", c.action, h)
		}
	}
}

// What a base endpoint ends with is added once, and not to another kind of
// address.
func TestBase(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{"": "/v2/issues/1", "/v2": "/v2/issues/1", "/v2/": "/v2/issues/1", "/v3/acme": "/v3/acme/issues/1"} {
		b := service(t, answer(200, `{}`))
		call := b.call("Get", `{"id":"1"}`)
		var err error
		if call.Base, err = url.Parse(b.server.URL + base); err != nil {
			t.Fatal(err)
		}
		if _, err := call.Do(t.Context()); err != nil || b.seen[0] != "GET "+want {
			t.Errorf("%s: %q, %v, want %s", base, b.seen, err, want)
		}
	}
}

func TestMultipart(t *testing.T) {
	t.Parallel()
	var got string
	b := service(t, answer(200, `{}`))
	b.server.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		f, h, err := r.FormFile("file")
		if err != nil {
			t.Error(err)
			return
		}
		text, _ := io.ReadAll(f)
		got = fmt.Sprint(h.Filename, " ", h.Header.Get("Content-Type"), " ", string(text), " ", r.FormValue("zeta"))
		answer(200, `{}`)(w, r)
	})
	if _, err := b.call("Attach", `{"id":"1","zeta":"z","file":{"filename":"a \"b\".txt","contentType":"text/plain","content":"aGk="}}`).Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	if want := `a "b".txt text/plain hi z`; got != want {
		t.Errorf("the service got %q, want %q", got, want)
	}
}

// What callers give stays within its part of the request.
func TestRefusesInput(t *testing.T) {
	t.Parallel()
	b := service(t, answer(200, `{}`))
	for _, c := range []struct{ action, input, want string }{
		{"Get", `{"id":""}`, "is no part of a path"},
		{"Get", `{"id":".."}`, "is no part of a path"},
		{"Get", `{"id":"1","note":"a\r\nX-Evil: 1"}`, "note holds a line break"},
		{"Upload", `{"id":"1","content":{"content":"%"}}`, "/content/content is not base64"},
		{"Upload", `{"id":"1","content":{"content":"","contentType":"a\nb"}}`, "holds a line break"},
	} {
		_, err := b.call(c.action, c.input).Do(t.Context())
		e, ok := errors.AsType[*engine.Error](err)
		if !ok || e.Kind != engine.Invalid || !strings.Contains(e.Message, c.want) {
			t.Errorf("%s %s: %v, want %q", c.action, c.input, err, c.want)
		}
	}
	if len(b.seen) > 0 {
		t.Errorf("sent: %q", b.seen)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		action string
		kind   engine.Kind
		want   string
		sent   int
	}{
		{"bad request", answer(400, `{"error":{"message":"No such project","code":"bad"}}`), "Get", engine.Rejected, "bad: No such project", 1},
		{"not allowed", answer(403, `{}`, "X-Reason", "Ask the owner"), "Get", engine.Denied, "Ask the owner", 1},
		{"gone", answer(404, `<html>secret</html>`, "Content-Type", "text/html"), "Get", engine.Missing, "status 404 and no explanation", 1},
		{"text", answer(409, "edited by another", "Content-Type", "text/plain"), "Get", engine.Conflict, "edited by another", 1},
		{"ok is false", answer(200, `{"ok":false,"error":{"message":"no"}}`), "Create", engine.Rejected, "no", 1},
		{"expired in a success", answer(200, `{"ok":false,"error":{"code":"token_expired"}}`), "Create", engine.Unauthenticated, "", 1},
		{"a code says more than the status", answer(200, `{"ok":false,"error":{"code":"no_scope","message":"no"},"needed":"write","hint":"ask"}`), "Create", engine.Denied, "no (needed: write; ask)", 1},
		{"a code that is a place", answer(200, `{"ok":false,"error":{"code":"no_channel","message":"no"}}`), "Create", engine.Missing, "no_channel: no", 1},
		{"a page in place of JSON", answer(200, `<html>secret</html>`, "Content-Type", "text/html"), "Create", engine.Rejected, "where it answers with JSON", 1},
		{"broken JSON", answer(200, `{"a":`), "Get", engine.Rejected, "not valid JSON", 1},
		{"deep JSON", answer(200, strings.Repeat("[", 65)+strings.Repeat("]", 65)), "Get", engine.Rejected, "not valid JSON", 1},
		{"fails and reads", answer(500, `{}`), "Get", engine.Unavailable, "status 500", 3},
		{"fails and writes", answer(502, `{}`), "Create", engine.Unavailable, "status 502", 1},
		{"locked", answer(423, `{"error":{"message":"open elsewhere"}}`), "Create", engine.Conflict, "open elsewhere", 1},
		{"throttled", answer(429, `{}`, "Retry-After", "2"), "Create", engine.Throttled, "", 3},
		{"throttled for long", answer(429, `{}`, "Retry-After", "3600"), "Create", engine.Throttled, "", 1},
		{"throttled its own way", answer(503, `{}`, "Retry-After", "1"), "Create", engine.Throttled, "", 3},
		{"redirects elsewhere", answer(302, ``, "Location", "https://evil.example/x"), "Get", engine.Refused, "evil.example, which is not its own address", 1},
		{"redirects a write", answer(307, ``, "Location", "/x"), "Create", engine.Refused, "was not repeated elsewhere", 1},
		{"redirects for ever", answer(302, ``, "Location", "/x"), "Get", engine.Refused, "redirects more than 3 times", 4},
	} {
		b := service(t, c.answer)
		input := `{"id":"1"}`
		if c.action == "Create" {
			input = `{}`
		}
		_, err := b.call(c.action, input).Do(t.Context())
		e, ok := errors.AsType[*engine.Error](err)
		if !ok || e.Kind != c.kind || !strings.Contains(e.Error(), c.want) || len(b.seen) != c.sent || strings.Contains(e.Error(), "secret") {
			t.Errorf("%s: %v (%+v), sent %d times; want %s %q, %d times", c.name, err, e, len(b.seen), c.kind, c.want, c.sent)
		}
	}
}

// A credential that was refused is renewed once; redirects on the same origin
// keep it.
func TestCredential(t *testing.T) {
	t.Parallel()
	b := service(t, answer(401, `{}`), answer(302, ``, "Location", "/elsewhere"), answer(200, `{"a":1}`))
	b.token.values = []string{"first", "second", "third"}
	res, err := b.call("Get", `{"id":"1"}`).Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var used []string
	for _, h := range b.headers {
		used = append(used, h.Get("Authorization"))
	}
	if diff := cmp.Diff([]string{"Bearer first", "Bearer second", "Bearer second"}, used); diff != "" {
		t.Errorf("credentials:\n%s", diff)
	}
	if res.Attempts != 2 {
		t.Errorf("%d attempts, want 2", res.Attempts)
	}
	b = service(t, answer(401, `{"error":{"message":"who?"}}`))
	b.token.values = []string{"first", "second", "third"}
	_, err = b.call("Get", `{"id":"1"}`).Do(t.Context())
	if e, ok := errors.AsType[*engine.Error](err); !ok || e.Kind != engine.Unauthenticated || len(b.seen) != 2 {
		t.Errorf("refused twice: %v after %d requests, want 2", err, len(b.seen))
	}
}

func TestPages(t *testing.T) {
	t.Parallel()
	b := service(t, answer(200, `{"data":[1,2],"next":"c 2"}`), answer(200, `{"data":[3],"next":""}`))
	call := b.call("List", `{}`)
	res, err := call.Do(t.Context())
	if err != nil || res.Next != "c 2" {
		t.Fatalf("first page: %+v, %v", res, err)
	}
	if text, _ := json.Marshal(res.Output); string(text) != "[1,2]" {
		t.Errorf("output %s", text)
	}
	call = b.call("List", `{}`)
	call.Next = res.Next
	if res, err = call.Do(t.Context()); err != nil || res.Next != "" || !strings.Contains(b.seen[1], "after=c%202") {
		t.Errorf("second page: %+v, %v, %q", res, err, b.seen)
	}

	b = service(t, answer(200, `[1,2]`, "X-Total-Count", "3"), answer(200, `[3]`, "X-Total-Count", "3"))
	if res, err = b.call("Old", `{}`).Do(t.Context()); err != nil || res.Next != "2" {
		t.Errorf("by offset: %+v, %v", res, err)
	}
	call = b.call("Old", `{}`)
	call.Next = "2"
	if res, err = call.Do(t.Context()); err != nil || res.Next != "" || !strings.Contains(b.seen[1], "start=2") {
		t.Errorf("by offset, second page: %+v, %v, %q", res, err, b.seen)
	}

	b = service(t, answer(200, `[1,2]`), answer(200, `[3]`))
	if res, err = b.call("Short", `{}`).Do(t.Context()); err != nil || res.Next != "2" {
		t.Errorf("a full page: %+v, %v", res, err)
	}
	if res, err = b.call("Short", `{"start":2}`).Do(t.Context()); err != nil || res.Next != "" {
		t.Errorf("a page that is not full: %+v, %v", res, err)
	}

	b = service(t, answer(200, `{"_links":{"next":"/wiki/pages?limit=2&cursor=a%2Bb%3D"}}`))
	if res, err = b.call("Inside", `{}`).Do(t.Context()); err != nil || res.Next != "a+b=" {
		t.Errorf("by a cursor inside an address: %+v, %v", res, err)
	}

	b = service(t, answer(200, `[]`, "Link", `</a>; rel="prev", </b?x=1,2>; rel="next"`), answer(200, `[]`))
	if res, err = b.call("Linked", `{}`).Do(t.Context()); err != nil || res.Next != b.server.URL+"/b?x=1,2" {
		t.Fatalf("by link: %+v, %v", res, err)
	}
	call = b.call("Linked", `{}`)
	call.Next = res.Next
	if _, err = call.Do(t.Context()); err != nil || b.seen[1] != "GET /b?x=1,2" {
		t.Errorf("by link, second page: %v, %q", err, b.seen)
	}
	call = b.call("Linked", `{}`)
	call.Next = "https://evil.example/b"
	if _, err = call.Do(t.Context()); err == nil || !strings.Contains(err.Error(), "evil.example") {
		t.Errorf("a page at another address: %v", err)
	}
}

func TestOutput(t *testing.T) {
	t.Parallel()
	b := service(t, answer(200, "\x00\x01", "Content-Type", "image/png"))
	res, err := b.call("Get", `{"id":"1"}`).Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&engine.Binary{ContentType: "image/png", Size: 2, Content: "AAE="}, res.Output); diff != "" {
		t.Errorf("a picture:\n%s", diff)
	}
	b = service(t, answer(200, `{"ok": false}`, "Content-Disposition", `attachment; filename="a b.json"`))
	if res, err = b.call("File", `{}`).Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(&engine.Binary{ContentType: "application/json", Size: 13, Filename: "a b.json", Content: "eyJvayI6IGZhbHNlfQ=="}, res.Output); diff != "" {
		t.Errorf("a file of JSON:\n%s", diff)
	}
	b = service(t, answer(201, "", "Location", "/items/7"))
	if res, err = b.call("Free", `{}`).Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]any{"location": "/items/7"}, res.Output); diff != "" {
		t.Errorf("headers:\n%s", diff)
	}
	b = service(t, answer(204, ""))
	if res, err = b.call("Get", `{"id":"1"}`).Do(t.Context()); err != nil || res.Output != nil || res.Status != 204 {
		t.Errorf("nothing: %+v, %v", res, err)
	}
	b = service(t, answer(200, `{"id":12345678901234567890}`))
	if res, err = b.call("Get", `{"id":"1"}`).Do(t.Context()); err != nil {
		t.Fatal(err)
	}
	if text, _ := json.Marshal(res.Output); string(text) != `{"id":12345678901234567890}` {
		t.Errorf("a large number became %s", text)
	}
	b = service(t, answer(200, strings.Repeat(" ", 11<<20)))
	_, err = b.call("Get", `{"id":"1"}`).Do(t.Context())
	if e, ok := errors.AsType[*engine.Error](err); !ok || e.Kind != engine.TooLarge {
		t.Errorf("an answer of 11 MiB: %v", err)
	}
}
