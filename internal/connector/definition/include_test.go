package definition_test

import (
	"errors"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/connector/definition"
)

const outer = `
openapi: 3.1.0
info: {title: Sites, version: "1"}
paths:
  /sites/{site}/drive:
    parameters: [{name: site, in: path, required: true, schema: {type: string}}]
    x-onsight-include: shared/drive.yaml
  /sites/{site}/drive/name:
    parameters: [{name: site, in: path, required: true, schema: {type: string}}]
    get: {operationId: Name, responses: {"200": {description: ok}}}
`

const inner = `
openapi: 3.1.0
info: {title: A drive, version: "1"}
paths:
  /items/{item}:
    parameters: [{$ref: "#/components/parameters/item"}]
    get: {operationId: GetItem, parameters: [{name: top, in: query, schema: {type: integer}}], responses: {"200": {description: ok}}}
components:
  parameters: {item: {name: item, in: path, required: true, schema: {type: string}}}
`

func TestInclude(t *testing.T) {
	t.Parallel()
	d, err := definition.LoadFile(fstest.MapFS{"sites.yaml": {Data: []byte(outer)}, "shared/drive.yaml": {Data: []byte(inner)}}, "sites.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"GetItem", "Name"}, d.Actions); diff != "" {
		t.Error(diff)
	}
	o := d.Operations["GetItem"]
	if o.Path != "/sites/{site}/drive/items/{item}" {
		t.Errorf("path %s", o.Path)
	}
	var names []string
	for _, f := range o.Fields {
		names = append(names, f.Name)
	}
	if diff := cmp.Diff([]string{"site", "item", "top"}, names); diff != "" {
		t.Errorf("inputs:\n%s", diff)
	}
}

const common = `
openapi: 3.1.0
info: {title: What sites have in common, version: "1"}
x-onsight-connector:
  authentication: {API_KEY: {scheme: bearer, scopes: [read]}, NONE: {scheme: none}}
  errors: {code: [/code], throttled: [503]}
paths:
  /me: {get: {operationId: GetMe, responses: {"200": {description: ok}}}}
`

// A document has the paths of one that it includes as a whole, and of the
// connector what it does not say itself.
func TestIncludeConnector(t *testing.T) {
	t.Parallel()
	const whole = `x-onsight-include: shared/common.yaml
x-onsight-connector: {type: SITES, authentication: {API_KEY: {scopes: [read, write]}}, errors: {throttled: [503, 509]}}
paths:`
	document := strings.Replace(outer, "paths:", whole, 1)
	files := fstest.MapFS{"sites.yaml": {Data: []byte(document)}, "shared/drive.yaml": {Data: []byte(inner)}, "shared/common.yaml": {Data: []byte(common)}}
	d, err := definition.LoadFile(files, "sites.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"GetItem", "GetMe", "Name"}, d.Actions); diff != "" {
		t.Error(diff)
	}
	want := definition.Connector{
		Type: "SITES", Errors: definition.Errors{Code: []string{"/code"}, Throttled: []int{503, 509}},
		Authentication: map[string]definition.Auth{"API_KEY": {Scheme: "bearer", Scopes: []string{"read", "write"}}, "NONE": {Scheme: "none"}},
	}
	if diff := cmp.Diff(want, d.Connector); diff != "" {
		t.Error(diff)
	}
	if _, err := definition.Load([]byte(document)); err == nil || err.Error() != "/x-onsight-include: the document stands for itself, and includes no other" {
		t.Errorf("one that stands for itself: %v", err)
	}
	files["shared/common.yaml"] = &fstest.MapFile{Data: []byte(strings.Replace(common, "/me:", "/sites/{site}/drive/name:", 1))}
	if _, err := definition.LoadFile(files, "sites.yaml"); err == nil || !strings.Contains(err.Error(), "/x-onsight-include: shared/common.yaml: ") {
		t.Errorf("a path twice: %v", err)
	}
	files["shared/common.yaml"] = &fstest.MapFile{Data: []byte(strings.Replace(common, "paths:", "x-onsight-include: a.yaml\npaths:", 1))}
	if _, err := definition.LoadFile(files, "sites.yaml"); err == nil || !strings.Contains(err.Error(), "shared/common.yaml includes another document") {
		t.Errorf("one that includes: %v", err)
	}
}

func TestIncludeRefuses(t *testing.T) {
	t.Parallel()
	const place = "/paths/~1sites~1{site}~1drive/x-onsight-include: "
	for _, c := range []struct{ name, in, old, new, want string }{
		{"not there", outer, "shared/drive.yaml", "shared/other.yaml", place + "open shared/other.yaml"},
		{"outside", outer, "shared/drive.yaml", "../drive.yaml", place + "open ../drive.yaml"},
		{"no document", inner, "openapi: 3.1.0", "openapi: 2", place + "shared/drive.yaml: it is no"},
		{"one that includes", inner, "    parameters: [{$ref", "    x-onsight-include: a.yaml\n    parameters: [{$ref", place + "shared/drive.yaml: /items/{item} includes another document"},
		{"a path twice", inner, "/items/{item}:\n    parameters: [{$ref: \"#/components/parameters/item\"}]", "/name:", place + "shared/drive.yaml: the document has the path /sites/{site}/drive/name already"},
		{"an id twice", inner, "operationId: GetItem", "operationId: Name", `GET /sites/{site}/drive/items/{item} and GET /sites/{site}/drive/name have the same operation id "Name"`},
		{"no text", outer, "x-onsight-include: shared/drive.yaml", "x-onsight-include: [a]", "/paths/~1sites~1{site}~1drive/x-onsight-include: json: cannot unmarshal"},
	} {
		files := fstest.MapFS{"sites.yaml": {Data: []byte(outer)}, "shared/drive.yaml": {Data: []byte(inner)}}
		for name, f := range files {
			if string(f.Data) == c.in {
				changed := strings.Replace(c.in, c.old, c.new, 1)
				if changed == c.in {
					t.Errorf("%s: the document is as before", c.name)
				}
				files[name] = &fstest.MapFile{Data: []byte(changed)}
			}
		}
		_, err := definition.LoadFile(files, "sites.yaml")
		e, ok := errors.AsType[*definition.Error](err)
		if !ok || !strings.Contains(e.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
	_, err := definition.Load([]byte(outer))
	if err == nil || !strings.Contains(err.Error(), "the document stands for itself, and includes no other") {
		t.Errorf("a document by itself: %v", err)
	}
}
