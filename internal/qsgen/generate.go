package main

import (
	"bytes"
	"cmp"
	"fmt"
	"go/format"
	"maps"
	pathpkg "path"
	"slices"
	"strings"

	"onsight/model"
)

// raw are the structures that travel through Onsight as JSON text. What only
// they reach gets no Go type; package wire checks it by walking the model.
var raw = []string{"AnalysisDefinition", "DashboardVersionDefinition", "TemplateVersionDefinition"}

// A generator writes the files of one service's package.
type generator struct {
	service service
	doc     *model.Document
	ops     []string // names of the operations, sorted
	// inputs and outputs give the operation of a structure that is one.
	inputs, outputs map[string]string
	shapes          []string // names of the shapes that get a Go type, sorted
}

func newGenerator(s service, doc *model.Document) (*generator, error) {
	g := &generator{
		service: s, doc: doc, ops: slices.Sorted(maps.Keys(doc.Operations)),
		inputs: make(map[string]string), outputs: make(map[string]string),
	}
	seen := make(map[string]bool)
	for _, name := range g.ops {
		op := doc.Operations[name]
		for _, shape := range []string{op.Input, op.Output} {
			if shape == "" {
				continue
			}
			if err := g.reach(shape, seen); err != nil {
				return nil, fmt.Errorf("operation %s: %w", name, err)
			}
		}
		g.inputs[op.Input] = name
		g.outputs[op.Output] = name
	}
	for _, shape := range slices.Sorted(maps.Keys(seen)) {
		s := doc.Shapes[shape]
		if len(s.Enum) > 0 || (s.Type == "structure" && !g.rawJSON(shape)) {
			g.shapes = append(g.shapes, shape)
		}
	}
	return g, g.checkNames()
}

// reach marks shape and all that it needs, as far as Go sees it.
func (g *generator) reach(shape string, seen map[string]bool) error {
	if seen[shape] {
		return nil
	}
	s, ok := g.doc.Shapes[shape]
	if !ok {
		return fmt.Errorf("the model lacks shape %s", shape)
	}
	seen[shape] = true
	if g.rawJSON(shape) {
		return nil
	}
	next := []string{s.Member, s.Key, s.Value}
	for _, m := range s.Members {
		next = append(next, m.Shape)
	}
	for _, n := range next {
		if n == "" {
			continue
		}
		if err := g.reach(n, seen); err != nil {
			return fmt.Errorf("%s: %w", shape, err)
		}
	}
	return nil
}

// rawJSON tells whether a shape is kept as JSON text.
func (g *generator) rawJSON(shape string) bool {
	return g.doc.Shapes[shape].Document || slices.Contains(raw, shape)
}

// checkNames refuses a model whose names would not be distinct in Go.
func (g *generator) checkNames() error {
	owner := map[string]string{"Op": "package contract", "Secret": "package contract"}
	claim := func(name, by string) error {
		if was, taken := owner[name]; taken {
			return fmt.Errorf("the Go name %s would be that of %s and of %s", name, was, by)
		}
		owner[name] = by
		return nil
	}
	for _, name := range g.ops {
		if err := claim(name, "operation "+name); err != nil {
			return err
		}
		op := g.doc.Operations[name]
		if op.Input == "" {
			if err := claim(name+"Request", "the empty input of "+name); err != nil {
				return err
			}
		}
		if op.Output == "" {
			if err := claim(name+"Response", "the empty output of "+name); err != nil {
				return err
			}
		}
	}
	for _, shape := range g.shapes {
		if err := claim(exported(shape), "shape "+shape); err != nil {
			return err
		}
		fields := make(map[string]string)
		for _, m := range slices.Sorted(maps.Keys(g.doc.Shapes[shape].Members)) {
			if was, taken := fields[exported(m)]; taken {
				return fmt.Errorf("shape %s: members %s and %s would be one Go field", shape, was, m)
			}
			fields[exported(m)] = m
		}
	}
	for _, c := range g.constants() {
		if err := claim(c.name, "value "+c.value+" of "+c.shape); err != nil {
			return err
		}
	}
	for _, e := range g.errorCodes() {
		if err := claim(e.name, "the code of "+e.shape); err != nil {
			return err
		}
	}
	return nil
}

// A constant is one value of an enumeration, or the code of an error.
type constant struct{ name, shape, value string }

// errorCodes are the codes of the errors that operations declare. Those of
// QuickSight have constructors in package fault instead.
func (g *generator) errorCodes() []constant {
	if g.doc.Metadata["protocol"] == "rest-json" {
		return nil
	}
	declared := make(map[string]bool)
	for _, op := range g.doc.Operations {
		for _, shape := range op.Errors {
			declared[shape] = true
		}
	}
	var all []constant
	for _, shape := range slices.Sorted(maps.Keys(declared)) {
		code := cmp.Or(g.doc.Shapes[shape].Code, shape)
		all = append(all, constant{"Err" + exported(strings.TrimSuffix(shape, "Exception")), shape, code})
	}
	return all
}

// constants are the values of all enumerations, in order of shape and then of
// the model. Where two would have one name (as type A with B_C and type AB
// with C), or one that of a type, an underscore sets the type's name apart.
func (g *generator) constants() []constant {
	var all []constant
	count := make(map[string]int)
	for _, shape := range g.shapes {
		count[exported(shape)]++
		for _, value := range g.doc.Shapes[shape].Enum {
			c := constant{name: exported(shape) + camel(value), shape: shape, value: value}
			count[c.name]++
			all = append(all, c)
		}
	}
	for _, op := range g.ops {
		count[op]++
	}
	for i, c := range all {
		if count[c.name] > 1 {
			all[i].name = exported(c.shape) + "_" + camel(c.value)
		}
	}
	return all
}

// goType is the Go type of a shape where its value is always there.
func (g *generator) goType(shape string) (string, error) {
	s := g.doc.Shapes[shape]
	if g.rawJSON(shape) {
		return "json.RawMessage", nil
	}
	switch s.Type {
	case "structure":
		return exported(shape), nil
	case "string":
		switch {
		case len(s.Enum) > 0:
			return exported(shape), nil
		case s.Sensitive:
			return "Secret", nil
		}
		return "string", nil
	case "boolean":
		return "bool", nil
	case "integer":
		return "int32", nil
	case "long":
		return "int64", nil
	case "double", "float":
		return "float64", nil
	case "timestamp":
		return "time.Time", nil
	case "blob":
		if s.Streaming {
			return "contract.Stream", nil
		}
		return "[]byte", nil
	case "list":
		member, err := g.goType(s.Member)
		return "[]" + member, err
	case "map":
		key, err := g.goType(s.Key)
		if err != nil {
			return "", err
		}
		value, err := g.goType(s.Value)
		return "map[" + key + "]" + value, err
	}
	return "", fmt.Errorf("shape %s is of type %q, which qsgen does not know", shape, s.Type)
}

// fieldType is the Go type of a structure's member: a pointer where the type
// has no value of its own for absence, and the member may be absent.
func (g *generator) fieldType(shape string, required bool) (string, error) {
	t, err := g.goType(shape)
	if err != nil {
		return "", err
	}
	switch {
	case strings.HasPrefix(t, "["), strings.HasPrefix(t, "map["), t == "json.RawMessage":
		return t, nil
	case g.doc.Shapes[shape].Type == "structure", t == "time.Time":
		return "*" + t, nil
	case required:
		return t, nil
	}
	return "*" + t, nil
}

// types renders types_gen.go.
func (g *generator) types() ([]byte, error) {
	var b bytes.Buffer
	values := make(map[string][]constant)
	for _, c := range g.constants() {
		values[c.shape] = append(values[c.shape], c)
	}
	for _, shape := range g.shapes {
		name := exported(shape)
		s := g.doc.Shapes[shape]
		if len(s.Enum) > 0 {
			fmt.Fprintf(&b, "\n// %s is an enumeration.\ntype %s string\n\n// Values of %s.\nconst (\n", name, name, name)
			for _, c := range values[shape] {
				fmt.Fprintf(&b, "%s %s = %q\n", c.name, name, c.value)
			}
			b.WriteString(")\n")
			continue
		}
		fmt.Fprintf(&b, "\n// %s is %s.\ntype %s struct {\n", name, g.role(shape), name)
		for _, m := range slices.Sorted(maps.Keys(s.Members)) {
			t, err := g.fieldType(s.Members[m].Shape, slices.Contains(s.Required, m))
			if err != nil {
				return nil, fmt.Errorf("%s.%s: %w", shape, m, err)
			}
			fmt.Fprintf(&b, "%s %s", exported(m), t)
			if note := fieldNote(s, m); note != "" {
				fmt.Fprintf(&b, " // %s", note)
			}
			b.WriteByte('\n')
		}
		b.WriteString("}\n")
	}
	for _, name := range g.ops {
		op := g.doc.Operations[name]
		if op.Input == "" {
			fmt.Fprintf(&b, "\n// %sRequest is the input of %s, which takes none.\ntype %sRequest struct{}\n", name, name, name)
		}
		if op.Output == "" {
			fmt.Fprintf(&b, "\n// %sResponse is the output of %s, which gives none.\ntype %sResponse struct{}\n", name, name, name)
		}
	}
	return g.source(b.Bytes(), "encoding/json", "time", contractPath)
}

// contractPath is the package of what all the generated ones share.
const contractPath = "onsight/internal/contract"

// source is a file of the package with that body, which uses some of the
// imports.
func (g *generator) source(body []byte, imports ...string) ([]byte, error) {
	var b bytes.Buffer
	fmt.Fprintf(&b, "// Code generated by qsgen from %s. DO NOT EDIT.\n\npackage %s\n\nimport (\n", g.service.file(), g.service.pkg)
	for i, path := range imports {
		if !bytes.Contains(body, []byte(pathpkg.Base(path)+".")) {
			continue
		}
		if i > 0 && path == contractPath {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "%q\n", path)
	}
	b.WriteString(")\n")
	b.Write(body)
	return format.Source(b.Bytes())
}

// role says in a few words what a structure is for.
func (g *generator) role(shape string) string {
	switch {
	case g.inputs[shape] != "":
		return "the input of " + g.inputs[shape]
	case g.outputs[shape] != "":
		return "the output of " + g.outputs[shape]
	case g.doc.Shapes[shape].Union:
		return "a union: exactly one member is set"
	}
	return "a structure"
}

// fieldNote tells of a member what its Go type does not.
func fieldNote(s model.Shape, member string) string {
	m := s.Members[member]
	switch {
	case m.Location == "statusCode":
		return "the HTTP status; filled in when it is nil"
	case slices.Contains(s.Required, member):
		return "required"
	}
	return ""
}

// operations renders ops_gen.go.
func (g *generator) operations() ([]byte, error) {
	var b bytes.Buffer
	b.WriteString("\n// What the packages of all APIs have.\ntype (\nOp[In, Out any] = contract.Op[In, Out]\nSecret = contract.Secret\n)\n")
	b.WriteString("\n// The operations of the API.\nvar (\n")
	for _, name := range g.ops {
		op := g.doc.Operations[name]
		in, out := g.messageTypes(name)
		fmt.Fprintf(&b, "%s = Op[%s, %s]{Service: %q, Name: %q, Method: %q, Path: %q}\n",
			name, in, out, g.doc.Metadata["signingName"], name, op.Method, op.URI)
	}
	b.WriteString(")\n")
	if codes := g.errorCodes(); len(codes) > 0 {
		b.WriteString("\n// The codes of the errors that the operations declare, as they are on the wire.\nconst (\n")
		for _, e := range codes {
			fmt.Fprintf(&b, "%s = %q\n", e.name, e.value)
		}
		b.WriteString(")\n")
	}
	return g.source(b.Bytes(), contractPath)
}

// testTypes renders the table with which the tests of package wire try every
// operation: its name with the types of its input and output.
func (g *generator) testTypes() ([]byte, error) {
	var b bytes.Buffer
	pkg := g.service.pkg
	fmt.Fprintf(&b, "// Code generated by qsgen from %s. DO NOT EDIT.\n\npackage wire\n\n", g.service.file())
	fmt.Fprintf(&b, "import \"onsight/internal/%s\"\n\n// %sTypes are the zero inputs and outputs of the operations.\nvar %sTypes = map[string][2]any{\n", pkg, pkg, pkg)
	for _, name := range g.ops {
		in, out := g.messageTypes(name)
		fmt.Fprintf(&b, "%q: {%s.%s{}, %s.%s{}},\n", name, pkg, in, pkg, out)
	}
	b.WriteString("}\n")
	return format.Source(b.Bytes())
}

// messageTypes are the Go types of an operation's input and output.
func (g *generator) messageTypes(name string) (in, out string) {
	op := g.doc.Operations[name]
	if in = exported(op.Input); in == "" {
		in = name + "Request"
	}
	if out = exported(op.Output); out == "" {
		out = name + "Response"
	}
	return in, out
}
