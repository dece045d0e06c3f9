package definition

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// input collects the fields of an operation, and the schema of its input.
type input struct {
	where string
	// how is the authentication type that the operation is read for, empty for
	// any; types are those of the document.
	how   string
	types []string
	// varies says that another type may have another path or input.
	varies     bool
	properties map[string]any
	required   []string
	signs      bool
}

func newInput(where, how string, types []string) *input {
	return &input{where: where, how: how, types: types, properties: make(map[string]any)}
}

var fieldName = regexp.MustCompile(`^[A-Za-z0-9_.-]{1,64}$`)

// signatures are headers that belong to signatures of AWS.
var signatures = []string{"X-Amz-Content-Sha256", "X-Amz-Date", "X-Amz-Security-Token", "X-Amz-Target"}

// add adds a field with its schema.
func (in *input) add(o *Operation, f Field, extensions map[string]any, schema map[string]any, where string) error {
	name := ""
	if err := extension(extensions, "x-onsight-name", where, &name); err != nil {
		return err
	}
	f.Name = f.Wire
	if f.In == InBody {
		f.Pointer = at(f.Wire)
		if err := extension(extensions, "x-onsight-pointer", where, &f.Pointer); err != nil {
			return err
		}
	}
	if name != "" {
		f.Name = name
	}
	for _, e := range []struct {
		name string
		into any
	}{
		{"x-onsight-encoding", &f.Encoding},
		{"x-onsight-template", &f.Template},
		{"x-onsight-when", &f.When},
		{"x-onsight-unsent", &f.Unsent},
	} {
		if err := extension(extensions, e.name, where, e.into); err != nil {
			return err
		}
	}
	if f.In == InPath {
		if err := extension(extensions, "x-onsight-slashes", where, &f.Slashes); err != nil {
			return err
		}
	}
	if constant, ok := extensions["x-onsight-constant"]; ok {
		text, err := json.Marshal(constant)
		if err != nil {
			return wrong(where+at("x-onsight-constant"), "%v", err)
		}
		f.Constant = text
		o.Fields = append(o.Fields, f)
		return nil
	}
	if !fieldName.MatchString(f.Name) {
		return wrong(where, "%q is no name for an input: it has 1 to 64 letters, digits and _ . -; x-onsight-name gives another one", f.Name)
	}
	if _, there := in.properties[f.Name]; there {
		return wrong(where, "two inputs are called %q; x-onsight-name gives one of them another name", f.Name)
	}
	if d, ok := schema["default"]; ok {
		text, err := json.Marshal(d)
		if err != nil {
			return wrong(where+at("default"), "%v", err)
		}
		f.Default = text
	}
	in.properties[f.Name] = schema
	if f.Required && f.Default == nil {
		in.required = append(in.required, f.Name)
	}
	o.Fields = append(o.Fields, f)
	return nil
}

// forbiddenHeaders are those that a document may not set: they are the
// transport's, or carry the credentials.
var forbiddenHeaders = []string{
	"Authorization", "Connection", "Content-Length", "Cookie", "Host", "Keep-Alive", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade",
}

// parameter adds a parameter of the path, the query or the header.
func (in *input) parameter(o *Operation, p *openapi3.Parameter) error {
	where := in.where + at("parameters", p.Name)
	f := Field{Wire: p.Name, In: p.In, Required: p.Required, Separator: ","}
	switch p.In {
	case InPath:
		f.Required = true
		if !strings.Contains(o.Path, "{"+p.Name+"}") {
			return wrong(where, "the path has no {%s}", p.Name)
		}
		if there, err := in.place(o, p, where); err != nil || !there {
			return err
		}
	case InQuery:
		f.Explode = p.Explode == nil || *p.Explode
		switch p.Style {
		case "", "form":
		case "spaceDelimited":
			f.Separator = " "
		case "pipeDelimited":
			f.Separator = "|"
		default:
			return wrong(where+at("style"), "style %s is not supported", p.Style)
		}
	case InHeader:
		name := http.CanonicalHeaderKey(p.Name)
		if slices.Contains(forbiddenHeaders, name) || strings.HasPrefix(name, "X-Amz-") && (!in.signs || slices.Contains(signatures, name)) {
			return wrong(where, "the header %s is not a document's to set", name)
		}
	default:
		return wrong(where+at("in"), "parameters in %s are not supported", p.In)
	}
	schema := map[string]any{}
	if p.Schema != nil {
		var err error
		if schema, err = flatten(p.Schema, where+at("schema"), nil); err != nil {
			return err
		}
	}
	if p.Description != "" {
		schema["description"] = p.Description
	}
	// What the operation says takes the place of what its path says.
	o.Fields = slices.DeleteFunc(o.Fields, func(other Field) bool {
		same := other.Wire == f.Wire && other.In == f.In
		if same {
			delete(in.properties, other.Name)
			in.required = slices.DeleteFunc(in.required, func(name string) bool { return name == other.Name })
		}
		return same
	})
	return in.add(o, f, p.Extensions, schema, where)
}

// places are what x-onsight-path may have: parts of a path, of which one may be
// the value.
var places = regexp.MustCompile(`^([A-Za-z0-9_-]+/)*([A-Za-z0-9_-]+|\{\})(/[A-Za-z0-9_-]+)*$`)

// place puts into the path what stands in a parameter's place with the
// authentication type, and tells whether the parameter is an input with that.
func (in *input) place(o *Operation, p *openapi3.Parameter, where string) (there bool, err error) {
	var texts map[string]string
	if err := extension(p.Extensions, "x-onsight-path", where, &texts); err != nil {
		return false, err
	}
	if texts == nil {
		return true, nil
	}
	in.varies = true
	where += at("x-onsight-path")
	for _, how := range in.types {
		if _, ok := texts[how]; !ok && o.Allows(how) {
			return false, wrong(where, "it does not say what stands in the path with %s", how)
		}
	}
	text, some := texts[in.how], false
	for _, how := range slices.Sorted(maps.Keys(texts)) {
		if !slices.Contains(in.types, how) {
			return false, wrong(where, "%s is no authentication type of the document", how)
		}
		if !places.MatchString(texts[how]) {
			return false, wrong(where+at(how), "%q is no part of a path with at most one {}", texts[how])
		}
		if in.how == "" && (!some || !strings.Contains(text, "{}")) {
			text, some = texts[how], true
		}
	}
	o.Path = strings.ReplaceAll(o.Path, "{"+p.Name+"}", strings.ReplaceAll(text, "{}", "{"+p.Name+"}"))
	return strings.Contains(text, "{}"), nil
}

// bodies are the media types of a request that are understood, the best first.
var bodies = []string{"application/json", "application/x-www-form-urlencoded", "multipart/form-data", "application/octet-stream"}

// body adds the fields of the request's body.
func (in *input) body(o *Operation, body *openapi3.RequestBody) error {
	where := in.where + at("requestBody")
	var media *openapi3.MediaType
	for _, name := range append(bodies, slices.Sorted(maps.Keys(body.Content))...) {
		if m := body.Content[name]; m != nil && (slices.Contains(bodies, name) || isJSON(name) || !strings.Contains(name, "*")) {
			media, o.MediaType = m, name
			break
		}
	}
	if media == nil {
		return wrong(where+at("content"), "none of the media types is understood: %s", strings.Join(slices.Sorted(maps.Keys(body.Content)), ", "))
	}
	where += at("content", o.MediaType, "schema")
	if isXML(o.MediaType) && media.Schema != nil && media.Schema.Value != nil && len(media.Schema.Value.Properties) > 0 {
		o.XMLBody = newNode(media.Schema.Value)
	}
	if o.XMLBody == nil && !isJSON(o.MediaType) && !slices.Contains(bodies[:3], o.MediaType) {
		return in.add(o, Field{Wire: "content", In: InWhole, Required: body.Required, File: true}, media.Extensions, fileSchema(body.Description), where)
	}
	whole := false
	if err := extension(body.Extensions, "x-onsight-whole", where, &whole); err != nil {
		return err
	}
	if whole || media.Schema == nil || media.Schema.Value == nil || len(media.Schema.Value.Properties) == 0 {
		flat := map[string]any{}
		if media.Schema != nil {
			var err error
			if flat, err = flatten(media.Schema, where, nil); err != nil {
				return err
			}
		}
		if _, there := flat["description"]; !there && body.Description != "" {
			flat["description"] = body.Description
		}
		return in.add(o, Field{Wire: "body", In: InWhole, Required: body.Required}, media.Extensions, flat, where)
	}
	schema := media.Schema.Value
	for _, name := range slices.Sorted(maps.Keys(schema.Properties)) {
		ref := schema.Properties[name]
		at := where + at("properties", name)
		flat, err := flatten(ref, at, nil)
		if err != nil {
			return err
		}
		f := Field{Wire: name, In: InBody, Required: body.Required && slices.Contains(schema.Required, name), Explode: true}
		if o.MediaType == "multipart/form-data" && ref.Value.Format == "binary" {
			f.File, flat = true, fileSchema(ref.Value.Description)
		}
		if err := in.add(o, f, ref.Value.Extensions, flat, at); err != nil {
			return err
		}
	}
	return nil
}

// fileSchema describes a file as JSON can hold it.
func fileSchema(description string) map[string]any {
	if description == "" {
		description = "The file."
	}
	return map[string]any{
		"description": description + " Text as it is, or an object whose content is base64.",
		"type":        []any{"object", "string"}, "additionalProperties": false, "required": []any{"content"},
		"properties": map[string]any{
			"content":     map[string]any{"type": "string", "contentEncoding": "base64", "description": "The file, in base64."},
			"contentType": map[string]any{"type": "string", "maxLength": 255, "description": "Media type, such as application/pdf."},
			"filename":    map[string]any{"type": "string", "maxLength": 255, "description": "Its name, where the service asks for one."},
		},
	}
}

// finish makes the schema of the whole input.
func (in *input) finish(o *Operation) error {
	for _, name := range pathNames(o.Path) {
		if !slices.ContainsFunc(o.Fields, func(f Field) bool { return f.In == InPath && f.Wire == name }) {
			return wrong(in.where, "the path's {%s} is no parameter", name)
		}
	}
	if err := in.references(o); err != nil {
		return err
	}
	slices.Sort(in.required)
	schema := map[string]any{"type": "object", "additionalProperties": false, "properties": in.properties}
	if len(in.required) > 0 {
		schema["required"] = in.required
	}
	text, err := json.Marshal(schema)
	if err != nil {
		return wrong(in.where, "%v", err)
	}
	return o.takes(in.where, text)
}

// takes has the operation take what a schema without references says.
func (o *Operation) takes(where string, text []byte) error {
	o.Input = text
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return wrong(where, "%v", err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	name := "action:" + strings.ReplaceAll(o.ID, " ", "_")
	if err := c.AddResource(name, value); err != nil {
		return wrong(where, "%v", err)
	}
	if o.input, err = c.Compile(name); err != nil {
		return wrong(where, "the input has no valid schema: %v", err)
	}
	return nil
}

// references makes sure that what fields name are inputs.
func (in *input) references(o *Operation) error {
	known := func(name string) bool {
		_, ok := in.properties[name]
		return ok
	}
	for _, f := range o.Fields {
		for _, name := range f.When {
			if !known(name) {
				return wrong(in.where, "x-onsight-when of %s names %q, which is no input", f.Wire, name)
			}
		}
		for _, name := range named(f.Template) {
			if name != ":base" && !strings.HasPrefix(name, "/") && !known(name) {
				return wrong(in.where, "x-onsight-template of %s names %q, which is no input", f.Wire, name)
			}
		}
	}
	return nil
}

// named are what stands in braces in the texts of a template.
func named(template any) (names []string) {
	switch t := template.(type) {
	case string:
		return pathNames(t)
	case []any:
		for _, v := range t {
			names = append(names, named(v)...)
		}
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(t)) {
			names = append(names, named(t[name])...)
		}
	}
	return names
}

var inBraces = regexp.MustCompile(`\{([^{}]+)\}`)

func pathNames(path string) (names []string) {
	for _, m := range inBraces.FindAllStringSubmatch(path, -1) {
		names = append(names, m[1])
	}
	return names
}

// Check tells whether an input is what the operation's schema asks for, and
// gives its values. The error is a sentence that names the member by its JSON
// Pointer, and holds no value of the input.
func (o *Operation) Check(document []byte) (map[string]any, error) {
	if len(bytes.TrimSpace(document)) == 0 {
		document = []byte("{}")
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(document))
	if err != nil {
		return nil, &Error{Reason: "the input is not JSON"}
	}
	if at, ok := unreasonable(value, ""); ok {
		return nil, &Error{Reason: at + ": the number is too large, or has too many digits"}
	}
	if err := o.input.Validate(value); err != nil {
		return nil, &Error{Reason: explain(err)}
	}
	values, ok := value.(map[string]any)
	if !ok {
		return nil, &Error{Reason: "the input is no object"}
	}
	return values, nil
}

// unreasonable finds a number that cannot be reckoned with.
func unreasonable(value any, path string) (string, bool) {
	switch v := value.(type) {
	case json.Number:
		return path, !reasonable(v)
	case map[string]any:
		for name, x := range v {
			if where, ok := unreasonable(x, path+at(name)); ok {
				return where, true
			}
		}
	case []any:
		for i, x := range v {
			if where, ok := unreasonable(x, path+at(strconv.Itoa(i))); ok {
				return where, true
			}
		}
	}
	return "", false
}

// explain tells what is wrong with an input: the first of the deepest causes.
func explain(err error) string {
	v, ok := err.(*jsonschema.ValidationError) //nolint:errorlint // the library gives it as it is
	if !ok {
		return err.Error()
	}
	for len(v.Causes) > 0 {
		v = v.Causes[0]
	}
	place := "the input"
	if len(v.InstanceLocation) > 0 {
		place = at(v.InstanceLocation...)
	}
	return fmt.Sprintf("%s: %s", place, reason(v))
}
