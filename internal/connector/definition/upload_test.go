package definition_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/connector/definition"
	"onsight/internal/connector/definitions"
)

func generic(tb testing.TB) *definition.Definition {
	tb.Helper()
	d, ok := definitions.Of("GENERIC_HTTP")
	if !ok {
		tb.Fatal("there is no GENERIC_HTTP")
	}
	return d
}

func upload(t *testing.T, document, base string) (*definition.Definition, []string, definition.Problems) {
	t.Helper()
	u, err := url.Parse(base)
	if err != nil {
		t.Fatal(err)
	}
	return definition.Upload([]byte(document), u, generic(t))
}

func file(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("testdata/upload/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func wantJSON(t *testing.T, what string, got json.RawMessage, want string) {
	t.Helper()
	var a, b any
	if err := json.Unmarshal(got, &a); err != nil {
		t.Errorf("%s: %v in %s", what, err, got)
		return
	}
	if err := json.Unmarshal([]byte(want), &b); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(b, a); diff != "" {
		t.Errorf("%s:\n%s", what, diff)
	}
}

// What documents in the world have is understood, or left out where it does no
// harm.
func TestUploadPetshop(t *testing.T) {
	t.Parallel()
	d, notes, problems := upload(t, file(t, "petshop.json"), "https://pets.example.com")
	if problems != nil {
		t.Fatal(problems)
	}
	if len(notes) > 0 {
		t.Errorf("notes %q", notes)
	}
	if diff := cmp.Diff([]string{"addPet", "deletePet", "findPetsByStatus", "getPetById", "updatePet"}, d.Actions); diff != "" {
		t.Error(diff)
	}
	if d.Title != "Pet shop" || d.Connector.Base.Append != "/api/v3" {
		t.Errorf("%q below %q", d.Title, d.Connector.Base.Append)
	}
	if diff := cmp.Diff(definition.Auth{Scheme: "header", Name: "api_key", Value: "{key}"}, d.Connector.Authentication["API_KEY"]); diff != "" {
		t.Error(diff)
	}
	o := d.Operations["addPet"]
	wantJSON(t, "input", o.Input, `{"type":"object","additionalProperties":false,"required":["name","photoUrls"],"properties":{
		"name":{"type":"string","title":"Name of the pet"},
		"category":{"type":"object","properties":{"id":{"type":"integer","format":"int64"},"name":{"type":"string"}}},
		"photoUrls":{"type":"array","items":{"type":"string"}},
		"born":{"type":["string","null"],"format":"date"},
		"status":{"type":["string","null"],"description":"Status in the shop","enum":["available","pending","sold",null]}}}`)
	if !strings.Contains(string(o.OutputSchema), `"photoUrls"`) || !strings.Contains(string(o.OutputSchema), `"id"`) {
		t.Errorf("output %s", o.OutputSchema)
	}
	if !o.Write || d.Operations["getPetById"].Write || !d.Operations["deletePet"].Destructive {
		t.Error("what reads and what writes is not told apart")
	}
	if _, err := o.Check([]byte(`{"name":"Tom","photoUrls":[],"status":null}`)); err != nil {
		t.Error(err)
	}
	if _, err := o.Check([]byte(`{"name":"Tom","photoUrls":[],"status":"eaten"}`)); err == nil {
		t.Error("a status that is none is taken")
	}
}

func TestUploadWeather(t *testing.T) {
	t.Parallel()
	d, notes, problems := upload(t, file(t, "weather.yaml"), "https://us.weather.example.com/v1")
	if problems != nil {
		t.Fatal(problems)
	}
	if len(notes) != 1 || !strings.Contains(notes[0], "pattern") {
		t.Errorf("notes %q", notes)
	}
	if diff := cmp.Diff([]string{"forecast_get", "putPlace", "subscribe_to_alerts"}, d.Actions); diff != "" {
		t.Error(diff)
	}
	wantJSON(t, "forecast", d.Operations["forecast_get"].Input, `{"type":"object","additionalProperties":false,"required":["place"],"properties":{
		"place":{"type":"string","maxLength":80,"description":"Name of the place"},
		"days":{"type":["integer","null"],"minimum":1,"exclusiveMaximum":11,"default":3,"description":"How many days"},
		"units":{"type":"array","items":{"type":"string","enum":["metric","imperial"]},"description":"Units of the answer"}}}`)
	wantJSON(t, "forecast's output", d.Operations["forecast_get"].OutputSchema, `{"type":"object","properties":{
		"days":{"type":"array","items":{"type":"object","description":"One day","properties":{"high":{"type":"number"},"low":{"type":"number"},"sky":{"type":"string","enum":["clear","clouds","rain"]}}}},
		"note":{"oneOf":[{"type":"string"},{"type":"null"}]}}}`)
	// A body whose members are not all known, and one whose names the path has.
	wantJSON(t, "alerts", d.Operations["subscribe_to_alerts"].Input, `{"type":"object","additionalProperties":false,"properties":{
		"body":{"type":"object","additionalProperties":true,"required":["place"],"properties":{"place":{"type":"string","minLength":1},"since":{"const":"2024-05-01"}}}}}`)
	if d.Operations["subscribe_to_alerts"].Write {
		t.Error("x-amzn-operation-type is not heard")
	}
	wantJSON(t, "places", d.Operations["putPlace"].Input, `{"type":"object","additionalProperties":false,"required":["body","id"],"properties":{
		"id":{"type":"string","description":"Id of the place"},
		"body":{"type":"object","required":["id","name"],"properties":{"id":{"type":"string"},"name":{"type":"string"}}}}}`)
	if got := d.Connector.Authentication["API_KEY"]; got.Scheme != "query" || got.Name != "appid" {
		t.Errorf("the key goes to %+v", got)
	}
	// The same in JSON is the same.
	if _, _, problems := upload(t, file(t, "weather.yaml"), "https://us.storms.example.com/v1"); problems == nil {
		t.Error("another host is taken")
	}
}

const head = `{"openapi":"3.0.0","info":{"title":"t","version":"1"},`

// one is a document with one operation.
func one(operation string) string {
	return head + `"paths":{"/a":{"post":{"operationId":"a","summary":"s",` + operation + `"responses":{}}}}}`
}

func body(schema string) string {
	return one(`"requestBody":{"content":{"application/json":{"schema":` + schema + `}}},`)
}

// Each mistake has its place and its reason.
func TestUploadRefusals(t *testing.T) {
	t.Parallel()
	param := func(p string) string { return one(`"parameters":[` + p + `],`) }
	paths := func(p string) string { return head + `"paths":{` + p + `}}` }
	operation := func(id string) string { return `{"operationId":"` + id + `","summary":"s","responses":{}}` }
	servers := func(url string) string {
		return head + `"servers":[{"url":"` + url + `"}],"paths":{"/a":{"get":` + operation("a") + `}}}`
	}
	key := func(schemes string) string {
		return head + `"components":{"securitySchemes":{` + schemes + `}},"paths":{"/a":{"get":` + operation("a") + `}}}`
	}
	var many strings.Builder
	for i := range 101 {
		fmt.Fprintf(&many, `%s"/p%d":{"get":%s}`, map[bool]string{true: ",", false: ""}[i > 0], i, operation(fmt.Sprint("o", i)))
	}
	doubling := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"S%d":{"properties":{"a":{"$ref":"#/components/schemas/S%d"},"b":{"$ref":"#/components/schemas/S%d"}}},`, i, i+1, i+1)
		}
		fmt.Fprintf(&b, `"S%d":{}`, n)
		return strings.TrimSuffix(body(`{"$ref":"#/components/schemas/S0"}`), "}") + `,"components":{"schemas":{` + b.String() + `}}}`
	}
	for _, c := range []struct {
		what, document string
		line           int
		path, reason   string
	}{
		{"nothing", " ", 1, "", "the document is empty"},
		{"no JSON", "{\n\"openapi\": 3.1.0\n}", 2, "", "it is not JSON"},
		{"cut", "{\n\"openapi\": \"3.1.0\",", 2, "", "it ends too early"},
		{"more after the end", head + "\"paths\":{}}\n{}", 2, "", "after the end"},
		{"no YAML", "openapi: 3.0.0\n\tinfo: {", 2, "", "it is not YAML"},
		{"no UTF-8", "{\n\"a\xff\":1}", 2, "", "not UTF-8"},
		{"too large", "{" + strings.Repeat(" ", 1<<20) + "}", 1, "", "and may have 1048576"},
		{"too deep", strings.Repeat("[", 200), 1, "", "deeper than 100 levels"},
		{"a number that fills the memory", head + "\n\"x-a\":1e999999999}", 2, "", "the number is too large"},
		{"aliases", "openapi: 3.0.0\na: &a [x]\nb: [*a, *a]", 2, "", "anchors and aliases"},
		{"merge", "openapi: 3.0.0\nb:\n  <<: {a: 1}", 3, "", "merge keys"},
		{"a tag", "openapi: !!python/object 3.0.0", 1, "", "the tag"},
		{"two documents", "openapi: 3.0.0\n---\na: b", 2, "", "a second document begins"},
		{"a list", "[]", 1, "", "it is a list, and must be an object"},
		{"Swagger", "swagger: '2.0'\npaths: {}", 1, "/swagger", "convert the document"},
		{"another version", "openapi: 4.0.0", 1, "/openapi", "OpenAPI 4.0.0 is not read"},
		{"no version", "{}", 1, "", "openapi is missing"},
		{"no title", `{"openapi":"3.0.0","info":{},"paths":{}}`, 1, "/info", "title is missing"},
		{"no operation", paths(``), 1, "/paths", "no operations"},
		{"too many", paths(many.String()), 1, "/paths/~1p100/get", "more than 100 operations"},
		{"twice the same member", paths(`"/a":{"get":` + operation("a") + `},` + "\n" + `"/a":{"get":` + operation("b") + `}`), 2, "/paths/~1a", "the member is there twice"},
		{"a path without a slash", paths(`"a":{"get":` + operation("a") + `}`), 1, "/paths/a", "begins with a slash"},
		{"a path with a query", paths(`"/a?b=c":{"get":` + operation("a") + `}`), 1, "/paths/~1a?b=c", "no question mark"},
		{"a path that climbs", paths(`"/a/../b":{"get":` + operation("a") + `}`), 1, "/paths/~1a~1..~1b", "a path has no .."},
		{"braces", paths(`"/a/{b":{"get":` + operation("a") + `}`), 1, "/paths/~1a~1{b", "braces"},
		{"a parameter of the path is missing", paths(`"/a/{b}":{"get":` + operation("a") + `}`), 1, "/paths/~1a~1{b}/get", "{b} is no parameter"},
		{"trace", paths(`"/a":{"trace":` + operation("a") + `,"get":` + operation("b") + `}`), 1, "/paths/~1a/trace", "TRACE"},
		{"no operationId", paths(`"/a":{"get":{"summary":"s"}}`), 1, "/paths/~1a/get", "operationId is missing"},
		{"an operationId with other characters", paths(`"/a":{"get":` + operation("ä") + `}`), 1, "/paths/~1a/get/operationId", "is no operationId"},
		{"operationId twice", paths(`"/a":{"get":` + operation("a") + `,` + "\n" + `"put":` + operation("a") + `}`), 2, "/paths/~1a/put/operationId", "both are called a"},
		{"operationIds that become the same", paths(`"/a":{"get":` + operation("a b") + `,` + "\n" + `"put":` + operation("a-b") + `}`), 2, "/paths/~1a/put/operationId", "both are called a_b"},
		{"no description", paths(`"/a":{"get":{"operationId":"a"}}`), 1, "/paths/~1a/get", "neither a summary nor a description"},
		{"too long a description", one(`"description":"` + strings.Repeat("x", 5001) + `",`), 1, "/paths/~1a/post/description", "more than 5000"},
		{"read or write", one(`"x-amzn-operation-type":"erase",`), 1, "/paths/~1a/post/x-amzn-operation-type", "read or write"},
		{"our extension of the document", head + `"x-onsight-connector":{"hosts":["evil.example"]},"paths":{}}`, 1, "/x-onsight-connector", "is an extension of Onsight's own documents"},
		{"our extension of an operation", one(`"x-onsight-hook":"slack-upload",`), 1, "/paths/~1a/post/x-onsight-hook", "is an extension of Onsight's own documents"},
		{"our extension in other letters", one(`"X-Onsight-Hook":"slack-upload",`), 1, "/paths/~1a/post/X-Onsight-Hook", "is an extension of Onsight's own documents"},
		{"our extension in a schema", body(`{"properties":{"a":{"x-onsight-encoding":"adf"}}}`), 1, "/paths/~1a/post/requestBody/content/application~1json/schema/properties/a/x-onsight-encoding", "is an extension"},
		{"a reference to a file", body(`{"$ref":"file:///etc/passwd"}`), 1, "/paths/~1a/post/requestBody/content/application~1json/schema/$ref", "leads out of the document"},
		{"a reference to an address", param(`{"$ref":"https://169.254.169.254/x.json"}`), 1, "/paths/~1a/post/parameters/0/$ref", "leads out of the document"},
		{"a reference to nothing", body(`{"$ref":"#/components/schemas/None"}`), 1, "/paths/~1a/post/requestBody/content/application~1json/schema/$ref", "there is no #/components/schemas/None"},
		{"a schema that contains itself", strings.TrimSuffix(body(`{"$ref":"#/components/schemas/A"}`), "}") + `,` + "\n" + `"components":{"schemas":{"A":{"properties":{"a":{"$ref":"#/components/schemas/A"}}}}}}`, 2, "/components/schemas/A/properties/a/$ref", "contains itself"},
		{"schemas that contain each other, and nobody uses", head + `"paths":{"/a":{"get":` + operation("a") + `}},` + "\n" + `"components":{"schemas":{"A":{"items":{"$ref":"#/components/schemas/B"}},` + "\n" + `"B":{"items":{"$ref":"#/components/schemas/A"}}}}}`, 3, "/components/schemas/B/items/$ref", "contains itself"},
		{"a parameter that is a reference to itself", strings.TrimSuffix(param(`{"$ref":"#/components/parameters/A"}`), "}") + `,"components":{"parameters":{"A":{"$ref":"#/components/parameters/A"}}}}`, 1, "/components/parameters/A/$ref", "leads to itself"},
		{"a schema that doubles with each reference", doubling(24), 1, "", "more than 50000 parts"},
		{"a cookie", param(`{"name":"a","in":"cookie","description":"d","schema":{}}`), 1, "/paths/~1a/post/parameters/0/in", "cookies are not supported"},
		{"Host", param(`{"name":"host","in":"header","description":"d","schema":{}}`), 1, "/paths/~1a/post/parameters/0/name", "the header host belongs"},
		{"Authorization", param(`{"name":"authorization","in":"header","description":"d","schema":{}}`), 1, "/paths/~1a/post/parameters/0/name", "the header authorization belongs"},
		{"Cookie", param(`{"name":"Cookie","in":"header","description":"d","schema":{}}`), 1, "/paths/~1a/post/parameters/0/name", "the header Cookie belongs"},
		{"X-Amz-Target", param(`{"name":"x-amz-target","in":"header","description":"d","schema":{}}`), 1, "/paths/~1a/post/parameters/0/name", "belongs"},
		{"two headers in one", param(`{"name":"A: b\r\nHost","in":"header","description":"d","schema":{}}`), 1, "/paths/~1a/post/parameters/0/name", "belongs"},
		{"no place", param(`{"name":"a","in":"body","description":"d","schema":{}}`), 1, "/paths/~1a/post/parameters/0", "in must be"},
		{"a parameter without a description", param(`{"name":"a","in":"query","schema":{}}`), 1, "/paths/~1a/post/parameters/0", "has no description"},
		{"a parameter without a schema", param(`{"name":"a","in":"query","description":"d"}`), 1, "/paths/~1a/post/parameters/0", "schema is missing"},
		{"a parameter that is an object", param(`{"name":"a","in":"query","description":"d","schema":{"type":"object"}}`), 1, "/paths/~1a/post/parameters/0/schema", "can't be an object"},
		{"a style", param(`{"name":"a","in":"query","style":"deepObject","description":"d","schema":{}}`), 1, "/paths/~1a/post/parameters/0/style", "must be form"},
		{"names that become the same", param(`{"name":"a[]","in":"query","description":"d","schema":{}},{"name":"a","in":"header","description":"d","schema":{}}`), 1, "/paths/~1a/post/parameters/1", "is called a, and so is"},
		{"members that become the same", body(`{"properties":{"a b":{},"a_b":{}}}`), 1, "/paths/~1a/post/requestBody/content/application~1json/schema/properties/a_b", "is called a_b"},
		{"a name of which nothing is left", param(`{"name":"§§","in":"query","description":"d","schema":{}}`), 1, "/paths/~1a/post/parameters/0", "no name for an input"},
		{"XML alone", one(`"requestBody":{"content":{"application/xml":{"schema":{}}}},`), 1, "/paths/~1a/post/requestBody", "none of application/json"},
		{"oneOf in the input", body(`{"oneOf":[{"type":"string"}]}`), 1, "/paths/~1a/post/requestBody/content/application~1json/schema/oneOf", "oneOf is not supported"},
		{"not in the input", body(`{"properties":{"a":{"not":{}}}}`), 1, "/paths/~1a/post/requestBody/content/application~1json/schema/properties/a/not", "not is not supported"},
		{"a type", body(`{"type":"file"}`), 1, "/paths/~1a/post/requestBody/content/application~1json/schema/type", "must be one of"},
		{"a length", body(`{"maxLength":-1}`), 1, "/paths/~1a/post/requestBody/content/application~1json/schema/maxLength", "whole number"},
		{"servers of an operation", one(`"servers":[{"url":"https://evil.example"}],`), 1, "/paths/~1a/post/servers", "not supported"},
		{"servers of a path", paths(`"/a":{"servers":[],"get":` + operation("a") + `}`), 1, "/paths/~1a/servers", "not supported"},
		{"another host", servers("https://evil.example/v1"), 1, "/servers/0/url", "the server evil.example is not the host"},
		{"another host without a scheme", servers("//evil.example/v1"), 1, "/servers/0/url", "the server evil.example is not the host"},
		{"another host behind a user", servers("https://api.example.com@evil.example/"), 1, "/servers/0/url", "no user"},
		{"another port", servers("https://api.example.com:8443/"), 1, "/servers/0/url", "is not the host"},
		{"another scheme", servers("ftp://api.example.com/"), 1, "/servers/0/url", "ftp is not https"},
		{"a variable without a default", servers("https://api.example.com/{v}"), 1, "/servers/0/url", "has no default"},
		{"a path that is not there", servers("/other"), 1, "/servers/0/url", "does not fit"},
		{"a key in a header of the connection", key(`"a":{"type":"apiKey","in":"header","name":"Host"}`), 1, "/components/securitySchemes/a", "can't be sent"},
		{"several keys", key(`"a":{"type":"apiKey","in":"header","name":"A"},"b":{"type":"apiKey","in":"header","name":"B"}`), 1, "/components/securitySchemes/b", "several API keys (a, b)"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel()
			began := time.Now()
			_, _, problems := upload(t, c.document, "https://api.example.com/base")
			if took := time.Since(began); took > 30*time.Second {
				t.Errorf("it took %s", took)
			}
			for _, p := range problems {
				if p.Line == c.line && p.Column > 0 && strings.Contains(p.Reason, c.reason) && (c.path == "" || p.Path == c.path) {
					return
				}
			}
			t.Errorf("got\n%v\nwant line %d %s: %s", problems, c.line, c.path, c.reason)
		})
	}
}

// All problems come at once, in the order of the document, up to a bound.
func TestUploadTellsAll(t *testing.T) {
	t.Parallel()
	_, _, problems := upload(t, "openapi: 3.0.0\ninfo: {version: 1}\nservers:\n  - url: https://evil.example\npaths:\n  /a:\n    get:\n      x-onsight-hook: http\n      parameters:\n        - {name: Host, in: header}\n", "https://api.example.com")
	var got []string
	for _, p := range problems {
		got = append(got, p.String())
	}
	want := []string{
		"line 2, column 7: /info: title is missing",
		"line 4, column 10: /servers/0/url: the server evil.example is not the host of the connector's base endpoint, api.example.com, to which the requests go",
		"line 8, column 7: /paths/~1a/get/x-onsight-hook: x-onsight-hook is an extension of Onsight's own documents, and not for others",
		"line 8, column 7: /paths/~1a/get: operationId is missing: it is the action's id",
		"line 8, column 7: /paths/~1a/get: the operation has neither a summary nor a description: whoever uses it, a person or a program, must know what it does",
		"line 10, column 18: /paths/~1a/get/parameters/0/name: the header Host belongs to the connection or to the credentials, and is no parameter",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var b strings.Builder
	for i := range 80 {
		fmt.Fprintf(&b, `,"/p%d":{"get":{}}`, i)
	}
	if _, _, problems = upload(t, head+`"paths":{`+b.String()[1:]+`}}`, "https://api.example.com"); len(problems) != 51 || problems[50].Reason != "there are 110 more problems" {
		t.Errorf("%d problems, the last is %v", len(problems), problems[len(problems)-1])
	}
}

// FuzzUpload reads whatever comes: there is an answer, soon.
func FuzzUpload(f *testing.F) {
	for _, name := range []string{"petshop.json", "weather.yaml"} {
		text, err := os.ReadFile("testdata/upload/" + name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(text)
	}
	f.Add([]byte("a: &a [*a]"))
	f.Add([]byte(body(`{"type":["string","null"],"minimum":1,"exclusiveMinimum":true,"enum":[null],"default":{}}`)))
	like := generic(f)
	base, err := url.Parse("https://pets.example.com")
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		d, _, problems := definition.Upload(document, base, like)
		if (d == nil) == (problems == nil) {
			t.Fatalf("a definition %v and problems %v", d, problems)
		}
		for _, p := range problems {
			if p.Reason == "" || len(problems) > 51 {
				t.Errorf("problem %+v", p)
			}
		}
		if d == nil {
			return
		}
		for _, id := range d.Actions {
			if !json.Valid(d.Operations[id].Input) {
				t.Errorf("%s has no schema: %s", id, d.Operations[id].Input)
			}
			_, _ = d.Operations[id].Check([]byte(`{"a":1}`))
		}
		again, _, problems := definition.Accepted(document, base, like)
		if again == nil {
			t.Errorf("accepted, and then not: %v", problems)
		}
	})
}
