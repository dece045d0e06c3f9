package definition

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// An Error says what is wrong with a document, and where.
type Error struct {
	// Path is a JSON Pointer into the document; empty is the whole.
	Path string
	// Reason is a sentence without a full stop.
	Reason string
}

// Error gives path and reason.
func (e *Error) Error() string {
	if e.Path == "" {
		return e.Reason
	}
	return e.Path + ": " + e.Reason
}

func wrong(path, format string, args ...any) error {
	return &Error{path, fmt.Sprintf(format, args...)}
}

// at makes a JSON Pointer of tokens.
func at(tokens ...string) string {
	var b strings.Builder
	for _, t := range tokens {
		b.WriteByte('/')
		b.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(t))
	}
	return b.String()
}

// Load reads a document of our own, in YAML or JSON. What it refers to must be
// in it, and it includes nothing.
func Load(document []byte) (*Definition, error) { return load(document, nil) }

// LoadFile reads a document of our own from a file, and those that it includes.
func LoadFile(files fs.FS, name string) (*Definition, error) {
	document, err := fs.ReadFile(files, name)
	if err != nil {
		return nil, err
	}
	return load(document, files)
}

// parse reads an OpenAPI document.
func parse(document []byte) (*openapi3.T, error) {
	loader := openapi3.NewLoader() // does not read external references
	doc, err := loader.LoadFromData(document)
	if err != nil {
		return nil, &Error{Reason: "it is no OpenAPI document: " + err.Error()}
	}
	if err := doc.Validate(loader.Context, openapi3.DisableExamplesValidation()); err != nil {
		return nil, &Error{Reason: "it is no valid OpenAPI document: " + err.Error()}
	}
	return doc, nil
}

func load(document []byte, files fs.FS) (*Definition, error) {
	doc, err := parse(document)
	if err != nil {
		return nil, err
	}
	if err := include(doc, files); err != nil {
		return nil, err
	}
	return of(doc)
}

// of makes a definition of a document that is valid.
func of(doc *openapi3.T) (*Definition, error) {
	d := &Definition{Title: doc.Info.Title, Description: doc.Info.Description, Operations: make(map[string]*Operation)}
	if len(doc.Servers) > 0 {
		d.Server = doc.Servers[0].URL
	}
	if err := extension(doc.Extensions, "x-onsight-connector", "", &d.Connector); err != nil {
		return nil, err
	}
	types := slices.Sorted(maps.Keys(d.Connector.Authentication))
	by := make(map[string]map[string]*Operation)
	if doc.Paths != nil {
		for _, path := range slices.Sorted(maps.Keys(doc.Paths.Map())) {
			item := doc.Paths.Value(path)
			operations := item.Operations()
			for _, method := range slices.Sorted(maps.Keys(operations)) {
				o, varies, err := read(path, method, item, operations[method], "", types, d.signs())
				if err != nil {
					return nil, err
				}
				d.Operations[o.ID] = o
				for _, how := range types {
					if !varies || !o.Allows(how) {
						continue
					}
					own, _, err := read(path, method, item, operations[method], how, types, d.signs())
					if err != nil {
						return nil, err
					}
					if by[how] == nil {
						by[how] = make(map[string]*Operation)
					}
					by[how][own.ID] = own
				}
			}
		}
	}
	for id, o := range d.Operations {
		if !o.Hidden {
			d.Actions = append(d.Actions, id)
		}
	}
	slices.Sort(d.Actions)
	versions := make(map[string]*Definition, len(by))
	for how, operations := range by {
		own := *d
		own.Operations = maps.Clone(d.Operations)
		maps.Copy(own.Operations, operations)
		versions[how] = &own
	}
	d.by = versions
	return d, nil
}

// extension decodes an extension into v, if it is there. It has no members that
// v does not have.
func extension(extensions map[string]any, name, path string, v any) error {
	value, ok := extensions[name]
	if !ok {
		return nil
	}
	text, err := json.Marshal(value)
	if err != nil {
		return wrong(path+at(name), "%v", err)
	}
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(v); err != nil {
		return wrong(path+at(name), "%v", err)
	}
	return nil
}

var operationID = regexp.MustCompile(`^[a-zA-Z0-9_ ]{1,256}$`)

// read reads an operation of a document as it is for an authentication type,
// and tells whether it may differ for another. Without one it is that which has
// the most inputs.
func read(path, method string, item *openapi3.PathItem, from *openapi3.Operation, how string, types []string, signs bool) (o *Operation, varies bool, err error) {
	where := at("paths", path, strings.ToLower(method))
	address, _, _ := strings.Cut(path, "#")
	o = &Operation{ID: from.OperationID, Label: from.Summary, Description: from.Description, Method: method, Path: address}
	switch {
	case o.ID == "":
		return nil, false, wrong(where, "the operation has no operationId, which is the action's id")
	case !operationID.MatchString(o.ID):
		return nil, false, wrong(where+at("operationId"), "%q has other characters than letters, digits, spaces and underscores, or more than 256", o.ID)
	}
	if o.Label == "" {
		o.Label = o.ID
	}
	reads := method == http.MethodGet || method == http.MethodHead
	o.Write, o.Destructive = !reads, method == http.MethodDelete
	o.Idempotent = reads || method == http.MethodPut || method == http.MethodDelete
	kind := ""
	for _, e := range []struct {
		name string
		into any
	}{
		{"x-amzn-operation-type", &kind},
		{"x-onsight-hidden", &o.Hidden},
		{"x-onsight-destructive", &o.Destructive},
		{"x-onsight-idempotent", &o.Idempotent},
		{"x-onsight-authentication", &o.Authentication},
		{"x-onsight-body-path", &o.BodyPath},
		{"x-onsight-success", &o.Success},
		{"x-onsight-output", &o.Output},
		{"x-onsight-output-headers", &o.OutputHeaders},
		{"x-onsight-file", &o.File},
		{"x-onsight-text", &o.Text},
		{"x-onsight-events", &o.Events},
		{"x-onsight-pagination", &o.Pagination},
		{"x-onsight-hook", &o.Hook},
		{"x-onsight-aws", &o.AWS},
	} {
		if err := extension(from.Extensions, e.name, where, e.into); err != nil {
			return nil, false, err
		}
	}
	switch kind {
	case "":
	case "read", "write":
		o.Write = kind == "write"
	default:
		return nil, false, wrong(where+at("x-amzn-operation-type"), "%q is neither read nor write", kind)
	}
	in := newInput(where, how, types)
	in.signs = signs
	for _, list := range []openapi3.Parameters{item.Parameters, from.Parameters} {
		for _, p := range list {
			if err := in.parameter(o, p.Value); err != nil {
				return nil, false, err
			}
		}
	}
	if from.RequestBody != nil {
		if err := in.body(o, from.RequestBody.Value); err != nil {
			return nil, false, err
		}
	}
	if err := in.finish(o); err != nil {
		return nil, false, err
	}
	if err := o.answers(where, from.Responses); err != nil {
		return nil, false, err
	}
	return o, in.varies, nil
}

// answers reads which statuses are successes, and what they look like.
func (o *Operation) answers(where string, responses *openapi3.Responses) error {
	if responses == nil {
		return nil
	}
	for _, code := range slices.Sorted(maps.Keys(responses.Map())) {
		status, err := strconv.Atoi(code)
		if err != nil || status < 200 || status > 399 {
			continue
		}
		o.Statuses = append(o.Statuses, status)
		answer := responses.Value(code).Value
		if answer == nil || o.OutputSchema != nil {
			continue
		}
		for name, media := range answer.Content {
			if media.Schema == nil || !isJSON(name) && !isXML(name) {
				continue
			}
			schema, err := flatten(media.Schema, where+at("responses", code), nil)
			if err != nil {
				return err
			}
			if o.OutputSchema, err = json.Marshal(schema); err != nil {
				return err
			}
			o.Answer = newNode(media.Schema.Value)
			if isXML(name) {
				o.XMLAnswer = o.Answer
			}
		}
	}
	return nil
}

// isJSON tells whether a media type is JSON.
func isJSON(mediaType string) bool {
	name, _, _ := strings.Cut(mediaType, ";")
	name = strings.TrimSpace(strings.ToLower(name))
	return name == "application/json" || strings.HasSuffix(name, "+json") || strings.HasPrefix(name, "application/x-amz-json-")
}

// isXML tells whether a media type is XML.
func isXML(mediaType string) bool {
	name, _, _ := strings.Cut(mediaType, ";")
	name = strings.TrimSpace(strings.ToLower(name))
	return name == "application/xml" || name == "text/xml"
}

// signs tells whether requests are signed as AWS wants it.
func (d *Definition) signs() bool {
	for _, a := range d.Connector.Authentication {
		if a.Scheme == "sigv4" {
			return true
		}
	}
	return false
}

// The deepest that schemas may lie within each other.
const maxDepth = 32

var errCycle = errors.New("the schema contains itself")

// flatten gives a schema without references.
func flatten(ref *openapi3.SchemaRef, where string, above []*openapi3.Schema) (map[string]any, error) {
	s := ref.Value
	if s == nil {
		return map[string]any{}, nil
	}
	if slices.Contains(above, s) {
		return nil, wrong(where, "%v", errCycle)
	}
	if len(above) > maxDepth {
		return nil, wrong(where, "the schema is deeper than %d levels", maxDepth)
	}
	above = append(slices.Clip(above), s)
	text, err := json.Marshal(s)
	if err != nil {
		return nil, wrong(where, "%v", err)
	}
	var m map[string]any
	if err := json.Unmarshal(text, &m); err != nil || m == nil {
		return nil, wrong(where, "the schema is no object")
	}
	one := func(name string, ref *openapi3.SchemaRef) error {
		if ref == nil {
			return nil
		}
		child, err := flatten(ref, where+at(name), above)
		m[name] = child
		return err
	}
	many := func(name string, refs openapi3.SchemaRefs) error {
		if len(refs) == 0 {
			return nil
		}
		children := make([]any, len(refs))
		for i, ref := range refs {
			child, err := flatten(ref, where+at(name, strconv.Itoa(i)), above)
			if err != nil {
				return err
			}
			children[i] = child
		}
		m[name] = children
		return nil
	}
	named := func(name string, refs openapi3.Schemas) error {
		if len(refs) == 0 {
			return nil
		}
		children := make(map[string]any, len(refs))
		for key, ref := range refs {
			child, err := flatten(ref, where+at(name, key), above)
			if err != nil {
				return err
			}
			children[key] = child
		}
		m[name] = children
		return nil
	}
	for _, err := range []error{
		one("items", s.Items), one("not", s.Not), one("contains", s.Contains), one("additionalProperties", s.AdditionalProperties.Schema),
		many("allOf", s.AllOf), many("anyOf", s.AnyOf), many("oneOf", s.OneOf), many("prefixItems", s.PrefixItems),
		named("properties", s.Properties), named("patternProperties", s.PatternProperties),
	} {
		if err != nil {
			return nil, err
		}
	}
	for _, unsupported := range []string{"if", "then", "else", "$dynamicRef", "$defs", "dependentSchemas", "propertyNames", "contentSchema"} {
		if _, there := m[unsupported]; there {
			return nil, wrong(where+at(unsupported), "this keyword is not supported")
		}
	}
	modernize(m)
	return m, nil
}

// modernize turns what OpenAPI 3.0 has of its own into JSON Schema 2020-12, and
// takes away what is no part of a schema.
func modernize(m map[string]any) {
	if m["nullable"] == true {
		if t, ok := m["type"].(string); ok {
			m["type"] = []any{t, "null"}
		}
	}
	for _, bound := range [][2]string{{"exclusiveMinimum", "minimum"}, {"exclusiveMaximum", "maximum"}} {
		switch m[bound[0]] {
		case true:
			m[bound[0]] = m[bound[1]]
			delete(m, bound[1])
		case false:
			delete(m, bound[0])
		}
	}
	for _, name := range []string{"nullable", "discriminator", "xml", "externalDocs", "example", "allowEmptyValue"} {
		delete(m, name)
	}
	maps.DeleteFunc(m, func(name string, _ any) bool { return strings.HasPrefix(name, "x-") })
}
