package scim

import (
	"maps"
	"reflect"
	"slices"
	"sort"
	"strings"
)

// mostOperations is how many operations a PATCH may have.
const mostOperations = 1000

// An operation is one of a PATCH.
type operation struct {
	op    string // add, replace or remove
	path  string
	value any
}

// operationsOf reads the operations of a PATCH, in whatever case they are.
func operationsOf(body map[string]any) ([]operation, error) {
	list, ok := member(body, "Operations").([]any)
	if !ok || len(list) == 0 {
		return nil, bad(invalidSyntax, "A PATCH needs Operations, a list.")
	}
	if len(list) > mostOperations {
		return nil, bad(tooMany, "A PATCH may have %d operations, not %d.", mostOperations, len(list))
	}
	out := make([]operation, len(list))
	for i, v := range list {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, bad(invalidSyntax, "Operation %d is no object.", i+1)
		}
		name, _ := member(m, "op").(string)
		o := operation{op: strings.ToLower(name), value: member(m, "value")}
		if o.op != "add" && o.op != "replace" && o.op != "remove" {
			return nil, bad(invalidSyntax, "Operation %d has op %q: it can be add, replace or remove.", i+1, clip(name))
		}
		switch path := member(m, "path").(type) {
		case nil:
		case string:
			o.path = path
		default:
			return nil, bad(invalidPath, "The path of operation %d is no string.", i+1)
		}
		out[i] = o
	}
	return out, nil
}

// member is a member of an object, without regard to case.
func member(m map[string]any, name string) any {
	if v, ok := m[name]; ok {
		return v
	}
	for k, v := range m {
		if strings.EqualFold(k, name) {
			return v
		}
	}
	return nil
}

// A patching applies operations to a resource.
type patching struct {
	kind *kind
	doc  map[string]any
	// members takes what is about the members of a group, which are not in doc.
	members func(op string, filter expr, value any) error
}

// apply applies the operations; doc is as it was where one of them fails.
func (p *patching) apply(operations []operation) error {
	doc := p.doc
	p.doc = clone(doc).(map[string]any)
	for _, o := range operations {
		if err := p.operation(o); err != nil {
			p.doc = doc
			return err
		}
	}
	for _, a := range p.kind.core.Attributes {
		if a.Required && p.doc[a.Name] == nil {
			p.doc = doc
			return bad(mutability, "%s can't be removed.", a.Name)
		}
	}
	return nil
}

func (p *patching) operation(o operation) error {
	if o.path != "" {
		t, err := parsePath(p.kind, o.path)
		if err != nil {
			return err
		}
		return p.at(o.op, t, o.value)
	}
	if o.op == "remove" {
		return bad(noTarget, "An operation remove needs a path.")
	}
	value, ok := o.value.(map[string]any)
	if !ok {
		return bad(invalidValue, "An operation without a path needs a value that is an object.")
	}
	// One order, whatever the map's is.
	names := slices.Sorted(maps.Keys(value))
	sort.SliceStable(names, func(i, j int) bool { return len(names[i]) < len(names[j]) })
	for _, name := range names {
		t, err := parsePath(p.kind, name)
		if err != nil {
			// Okta and others send more than they mean.
			if p.kind.attribute("", name) == nil && !strings.ContainsAny(name, ".[:") {
				continue
			}
			return err
		}
		if t.attr != nil && t.attr.Mutability == "readOnly" {
			continue
		}
		if err := p.at(o.op, t, value[name]); err != nil {
			return err
		}
	}
	return nil
}

// at applies an operation to a target.
func (p *patching) at(op string, t target, value any) error {
	if t.attr == nil {
		return p.extension(op, t.urn, value)
	}
	switch {
	case t.attr.Mutability == "readOnly", t.leaf.Mutability == "readOnly":
		return bad(mutability, "%s is for reading only.", t.leaf.Name)
	case t.attr.Mutability == "writeOnly":
		return nil
	case p.kind == groups && t.attr.Name == "members":
		if t.sub != "" {
			return bad(mutability, "What a member is can't be changed: remove it, and add another.")
		}
		return p.members(op, t.filter, value)
	}
	holder := p.doc
	if t.urn != "" {
		holder, _ = p.doc[t.urn].(map[string]any)
		if holder == nil {
			holder = map[string]any{}
		}
	}
	if err := change(op, t, holder, value); err != nil {
		return err
	}
	if t.urn != "" {
		delete(p.doc, t.urn)
		if len(holder) > 0 {
			p.doc[t.urn] = holder
		}
	}
	return nil
}

// extension applies an operation to all of an extension.
func (p *patching) extension(op, urn string, value any) error {
	if op == "remove" {
		delete(p.doc, urn)
		return nil
	}
	m, ok := value.(map[string]any)
	if !ok {
		return bad(invalidValue, "%s must be an object.", urn)
	}
	for _, name := range slices.Sorted(maps.Keys(m)) {
		a := p.kind.attribute(urn, name)
		if a == nil || a.Mutability == "readOnly" {
			continue
		}
		t := target{attrPath: attrPath{urn: urn, name: a.Name, attr: a, leaf: a}}
		if err := p.at(op, t, m[name]); err != nil {
			return err
		}
	}
	return nil
}

// change applies an operation to an attribute of holder.
func change(op string, t target, holder map[string]any, value any) error {
	a := t.attr
	if !a.Multi {
		return changeOne(op, t, holder, value)
	}
	list, _ := holder[a.Name].([]any)
	var err error
	switch {
	case t.filter != nil || t.sub != "":
		list, err = chosen(op, t, list, value)
	case op == "remove" && value == nil:
		list = nil
	default:
		var given any
		if given, err = a.coerce(value); err != nil {
			return err
		}
		more, _ := given.([]any)
		list = merged(op, list, more)
	}
	if err != nil {
		return err
	}
	if len(list) > most {
		return bad(invalidValue, "Attribute %s may have %d values.", a.Name, most)
	}
	delete(holder, a.Name)
	if len(list) > 0 {
		holder[a.Name] = list
	}
	return nil
}

// merged adds values to a list, takes them away, or puts them in its place.
func merged(op string, list, more []any) []any {
	switch op {
	case "replace":
		return more
	case "remove":
		return slices.DeleteFunc(list, func(v any) bool {
			return slices.ContainsFunc(more, func(gone any) bool { return same(v, gone) })
		})
	}
	for _, v := range more {
		if slices.ContainsFunc(list, func(has any) bool { return reflect.DeepEqual(has, v) }) {
			continue
		}
		if isPrimary(v) {
			demote(list)
		}
		list = append(list, v)
	}
	return list
}

// same tells whether one value means another, which may say less: {"value": …}.
func same(v, meant any) bool {
	m, ok := meant.(map[string]any)
	if !ok {
		return reflect.DeepEqual(v, meant)
	}
	has, ok := v.(map[string]any)
	if !ok {
		return false
	}
	for name, want := range m {
		if !reflect.DeepEqual(has[name], want) {
			return false
		}
	}
	return true
}

// demote makes none of the values the primary one.
func demote(list []any) {
	for _, v := range list {
		if m, ok := v.(map[string]any); ok && isPrimary(m) {
			m["primary"] = false
		}
	}
}

// changeOne applies an operation to an attribute with a single value.
func changeOne(op string, t target, holder map[string]any, value any) error {
	a := t.attr
	if t.sub != "" {
		m, _ := holder[a.Name].(map[string]any)
		if m == nil {
			m = map[string]any{}
		}
		var v any
		if op != "remove" {
			var err error
			if v, err = t.leaf.coerce(value); err != nil {
				return err
			}
		}
		put(m, t.leaf.Name, v)
		put(holder, a.Name, m)
		return nil
	}
	if op == "remove" {
		delete(holder, a.Name)
		return nil
	}
	v, err := a.coerce(value)
	if err != nil {
		return err
	}
	if more, ok := v.(map[string]any); ok { // what is not named stays
		if m, ok := holder[a.Name].(map[string]any); ok {
			maps.Copy(m, more)
			return nil
		}
	}
	put(holder, a.Name, v)
	return nil
}

// put sets a member, or removes it where there is no value.
func put(m map[string]any, name string, v any) {
	if v == nil {
		delete(m, name)
		return
	}
	if inner, ok := v.(map[string]any); ok && len(inner) == 0 {
		delete(m, name)
		return
	}
	m[name] = v
}

// chosen applies an operation to those values that the target's filter meets,
// or to their sub-attribute.
func chosen(op string, t target, list []any, value any) ([]any, error) {
	var given any
	if op != "remove" {
		var err error
		if t.sub != "" {
			given, err = t.leaf.coerce(value)
		} else {
			given, err = t.attr.one(value)
		}
		if err != nil {
			return nil, err
		}
	}
	met := func(v any) bool {
		m, ok := v.(map[string]any)
		return ok && (t.filter == nil || t.filter.matches(m))
	}
	if op == "remove" && t.sub == "" {
		return slices.DeleteFunc(list, met), nil
	}
	at := slices.IndexFunc(list, met)
	if at < 0 {
		if op == "remove" {
			return list, nil
		}
		v, ok := implied(t.filter)
		if !ok || t.sub == "" && op == "replace" {
			return nil, bad(noTarget, "No value of %s is meant by the filter.", t.attr.Name)
		}
		// Entra adds addresses so, with the type in the filter.
		if t.sub != "" {
			put(v, t.leaf.Name, given)
		} else if m, ok := given.(map[string]any); ok {
			maps.Copy(v, m)
		}
		if isPrimary(v) {
			demote(list)
		}
		return append(list, v), nil
	}
	for ; at < len(list); at++ {
		if !met(list[at]) {
			continue
		}
		m := list[at].(map[string]any)
		switch {
		case t.sub != "":
			if t.leaf.Name == "primary" && given == true {
				demote(list)
			}
			put(m, t.leaf.Name, given)
		default:
			more, _ := given.(map[string]any)
			if isPrimary(more) {
				demote(list)
			}
			if op == "replace" {
				clear(m)
			}
			maps.Copy(m, more)
		}
	}
	return slices.DeleteFunc(list, func(v any) bool { m, ok := v.(map[string]any); return ok && len(m) == 0 }), nil
}

// implied is the value that a filter describes, when it only says what is
// equal; ok is false for any other filter.
func implied(f expr) (v map[string]any, ok bool) {
	switch f := f.(type) {
	case nil:
		return map[string]any{}, true
	case comparison:
		if f.op != "eq" || f.value == nil || f.at.leaf.Mutability == "readOnly" {
			return nil, false
		}
		return map[string]any{f.at.leaf.Name: f.value}, true
	case both:
		v, ok := implied(f.a)
		if !ok {
			return nil, false
		}
		more, ok := implied(f.b)
		maps.Copy(v, more)
		return v, ok
	}
	return nil, false
}

// clone copies a value of JSON.
func clone(v any) any {
	switch v := v.(type) {
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, inner := range v {
			out[k] = clone(inner)
		}
		return out
	case []any:
		out := make([]any, len(v))
		for i, inner := range v {
			out[i] = clone(inner)
		}
		return out
	}
	return v
}
