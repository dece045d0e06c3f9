package scim

import (
	"encoding/json"
	"strings"
	"time"
)

// The bounds of a filter: its length in bytes, its depth, its comparisons.
const (
	longestFilter = 8 << 10
	deepest       = 32
	mostTerms     = 100
)

// An expr is a filter, or a part of one.
type expr interface {
	// matches tells whether a resource, or a value of a complex attribute, is meant.
	matches(v map[string]any) bool
}

type (
	both    struct{ a, b expr }
	either  struct{ a, b expr }
	neither struct{ e expr }
	// comparison compares the values of an attribute; op pr asks for any.
	comparison struct {
		at    attrPath
		op    string
		value any // string, bool, time.Time, or nil for null
	}
	// having asks for a value of a complex attribute that a filter meets.
	having struct {
		at attrPath
		e  expr
	}
)

// An attrPath names an attribute. attr and leaf are what it names: leaf is the
// sub-attribute, or else attr itself.
type attrPath struct {
	urn, name, sub string
	attr, leaf     *attribute
}

func (f both) matches(v map[string]any) bool    { return f.a.matches(v) && f.b.matches(v) }
func (f either) matches(v map[string]any) bool  { return f.a.matches(v) || f.b.matches(v) }
func (f neither) matches(v map[string]any) bool { return !f.e.matches(v) }

func (f having) matches(v map[string]any) bool {
	for _, value := range f.at.parents(v) {
		if m, ok := value.(map[string]any); ok && f.e.matches(m) {
			return true
		}
	}
	return false
}

func (f comparison) matches(v map[string]any) bool {
	values := f.at.values(v)
	switch {
	case f.op == "pr":
		return len(values) > 0
	case f.value == nil: // eq null, ne null
		return (len(values) == 0) == (f.op == "eq")
	case f.op == "ne":
		return !f.any(values, "eq")
	}
	return f.any(values, f.op)
}

func (f comparison) any(values []any, op string) bool {
	for _, v := range values {
		if f.one(v, op) {
			return true
		}
	}
	return false
}

func (f comparison) one(v any, op string) bool {
	switch want := f.value.(type) {
	case bool:
		has, ok := v.(bool)
		return ok && has == want
	case time.Time:
		s, _ := v.(string)
		has, err := time.Parse(time.RFC3339Nano, s)
		return err == nil && ordered(has.Compare(want), op)
	case string:
		has, ok := v.(string)
		if !ok {
			return false
		}
		if !f.at.leaf.CaseExact {
			has, want = strings.ToLower(has), strings.ToLower(want)
		}
		switch op {
		case "co":
			return strings.Contains(has, want)
		case "sw":
			return strings.HasPrefix(has, want)
		case "ew":
			return strings.HasSuffix(has, want)
		}
		return ordered(strings.Compare(has, want), op)
	}
	return false
}

func ordered(c int, op string) bool {
	switch op {
	case "eq":
		return c == 0
	case "gt":
		return c > 0
	case "ge":
		return c >= 0
	case "lt":
		return c < 0
	case "le":
		return c <= 0
	}
	return false
}

// parents are the values of the attribute itself.
func (p attrPath) parents(v map[string]any) []any {
	if p.urn != "" {
		if ext, ok := v[p.urn].(map[string]any); ok {
			v = ext
		} else {
			return nil
		}
	}
	switch value := v[p.attr.Name].(type) {
	case nil:
		return nil
	case []any:
		return value
	case []map[string]any:
		out := make([]any, len(value))
		for i := range value {
			out[i] = value[i]
		}
		return out
	default:
		return []any{value}
	}
}

// values are the values of what is named.
func (p attrPath) values(v map[string]any) []any {
	parents := p.parents(v)
	if p.leaf == p.attr {
		return parents
	}
	var out []any
	for _, parent := range parents {
		if m, ok := parent.(map[string]any); ok && m[p.leaf.Name] != nil {
			out = append(out, m[p.leaf.Name])
		}
	}
	return out
}

// parser reads filters and the paths of PATCH.
type parser struct {
	kind  *kind
	in    string
	at    int
	terms int
	// inside is the complex attribute whose values a filter is about; nil for
	// resources.
	inside *attribute
}

// parseFilter reads a filter of a kind of resource.
func parseFilter(k *kind, in string) (expr, error) {
	if len(in) > longestFilter {
		return nil, bad(invalidFilter, "The filter has %d bytes, and may have %d.", len(in), longestFilter)
	}
	p := &parser{kind: k, in: in}
	e, err := p.or(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.at < len(p.in) {
		return nil, p.wrong("nothing more")
	}
	return e, nil
}

func (p *parser) wrong(want string) error {
	return bad(invalidFilter, "The filter is not well-formed: at character %d there should be %s.", p.at+1, want)
}

func (p *parser) space() {
	for p.at < len(p.in) && (p.in[p.at] == ' ' || p.in[p.at] == '\t') {
		p.at++
	}
}

// take passes over a character, if it comes next.
func (p *parser) take(c byte) bool {
	p.space()
	if p.at < len(p.in) && p.in[p.at] == c {
		p.at++
		return true
	}
	return false
}

// word reads the next word, without passing over it.
func (p *parser) word() string {
	p.space()
	end := p.at
	for end < len(p.in) && (isName(p.in[end]) || p.in[end] == '.' || p.in[end] == ':') {
		end++
	}
	return p.in[p.at:end]
}

func isName(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '$'
}

// keyword passes over a word, if it comes next.
func (p *parser) keyword(want string) bool {
	if w := p.word(); strings.EqualFold(w, want) {
		p.at += len(w)
		return true
	}
	return false
}

func (p *parser) or(depth int) (expr, error) {
	e, err := p.and(depth)
	for err == nil && p.keyword("or") {
		var right expr
		right, err = p.and(depth)
		e = either{e, right}
	}
	return e, err
}

func (p *parser) and(depth int) (expr, error) {
	e, err := p.term(depth)
	for err == nil && p.keyword("and") {
		var right expr
		right, err = p.term(depth)
		e = both{e, right}
	}
	return e, err
}

func (p *parser) term(depth int) (expr, error) {
	if depth >= deepest {
		return nil, bad(invalidFilter, "The filter is nested more than %d deep.", deepest)
	}
	if p.terms++; p.terms > mostTerms {
		return nil, bad(invalidFilter, "The filter has more than %d comparisons.", mostTerms)
	}
	negated := p.keyword("not")
	if !p.take('(') {
		if negated {
			return nil, p.wrong("(")
		}
		return p.compare(depth)
	}
	e, err := p.or(depth + 1)
	if err != nil {
		return nil, err
	}
	if !p.take(')') {
		return nil, p.wrong(")")
	}
	if negated {
		e = neither{e}
	}
	return e, nil
}

func (p *parser) compare(depth int) (expr, error) {
	w := p.word()
	if w == "" {
		return nil, p.wrong("an attribute")
	}
	at, ok := p.resolve(w)
	if !ok {
		return nil, bad(invalidFilter, "There is no attribute %q to filter by.", clip(w))
	}
	p.at += len(w)
	if p.at < len(p.in) && p.in[p.at] == '[' {
		if p.inside != nil || at.attr.Type != "complex" || at.sub != "" {
			return nil, bad(invalidFilter, "%q can't have a filter of its own.", clip(w))
		}
		p.at++
		inner := &parser{kind: p.kind, in: p.in, at: p.at, terms: p.terms, inside: at.attr}
		e, err := inner.or(depth + 1)
		p.at, p.terms = inner.at, inner.terms
		if err != nil {
			return nil, err
		}
		if !p.take(']') {
			return nil, p.wrong("]")
		}
		return having{at, e}, nil
	}
	op := strings.ToLower(p.word())
	switch op {
	case "eq", "ne", "co", "sw", "ew", "gt", "ge", "lt", "le", "pr":
	default:
		return nil, p.wrong("eq, ne, co, sw, ew, pr, gt, ge, lt or le")
	}
	p.at += len(op)
	if op == "pr" {
		return comparison{at: at, op: op}, nil
	}
	if at.leaf.Type == "complex" { // emails eq "…" is about the value
		value := at.leaf.sub("value")
		if value == nil {
			return nil, bad(invalidFilter, "%s can't be compared: name one of its sub-attributes.", at.attr.Name)
		}
		at.sub, at.leaf = value.Name, value
	}
	value, err := p.value()
	if err != nil {
		return nil, err
	}
	return typed(at, op, value)
}

// typed makes a comparison with a value of the attribute's type.
func typed(at attrPath, op string, value any) (expr, error) {
	no := bad(invalidFilter, "%s can't be compared so: its type is %s.", at.leaf.Name, at.leaf.Type)
	if value == nil {
		if op != "eq" && op != "ne" {
			return nil, no
		}
		return comparison{at, op, nil}, nil
	}
	s, isText := value.(string)
	switch at.leaf.Type {
	case "boolean":
		if isText && (strings.EqualFold(s, "true") || strings.EqualFold(s, "false")) {
			value = strings.EqualFold(s, "true")
		}
		if _, ok := value.(bool); !ok || op != "eq" && op != "ne" {
			return nil, no
		}
		return comparison{at, op, value}, nil
	case "dateTime":
		t, err := time.Parse(time.RFC3339Nano, s)
		if !isText || err != nil || op == "co" || op == "sw" || op == "ew" {
			return nil, no
		}
		return comparison{at, op, t}, nil
	}
	if !isText {
		return nil, no
	}
	return comparison{at, op, s}, nil
}

// value reads what an attribute is compared with: text, true, false or null.
func (p *parser) value() (any, error) {
	p.space()
	if p.at < len(p.in) && p.in[p.at] == '"' {
		end := p.at + 1
		for end < len(p.in) && p.in[end] != '"' {
			if p.in[end] == '\\' {
				end++
			}
			end++
		}
		if end >= len(p.in) {
			return nil, p.wrong("a text with a quote at its end")
		}
		var s string
		if err := json.Unmarshal([]byte(p.in[p.at:end+1]), &s); err != nil {
			return nil, p.wrong("a text as in JSON")
		}
		p.at = end + 1
		return s, nil
	}
	for word, v := range map[string]any{"true": true, "false": false, "null": nil} {
		if p.keyword(word) {
			return v, nil
		}
	}
	return nil, p.wrong("a text in quotes, true, false or null")
}

// resolve finds what a name in a filter or path names.
func (p *parser) resolve(name string) (attrPath, bool) {
	if p.inside != nil {
		a := p.inside.sub(name)
		return attrPath{name: name, attr: a, leaf: a}, a != nil
	}
	var at attrPath
	if i := strings.LastIndexByte(name, ':'); i >= 0 {
		// A version has a dot too: the URN goes first.
		s := p.kind.schemaOf(name[:i])
		if s == nil {
			return at, false
		}
		if at.urn, name = s.ID, name[i+1:]; s == &p.kind.core {
			at.urn = ""
		}
	}
	at.name, at.sub, _ = strings.Cut(name, ".")
	if at.attr = p.kind.attribute(at.urn, at.name); at.attr == nil {
		return at, false
	}
	at.leaf = at.attr
	if at.sub != "" {
		at.leaf = at.attr.sub(at.sub)
	}
	return at, at.leaf != nil
}

// A target is what a PATCH operation is about: an attribute, a sub-attribute,
// or those values of it that a filter meets; or, with a URN alone, all of an
// extension.
type target struct {
	attrPath
	filter expr
}

// parsePath reads the path of a PATCH operation.
func parsePath(k *kind, in string) (target, error) {
	if len(in) > longestFilter {
		return target{}, bad(invalidPath, "The path has %d bytes, and may have %d.", len(in), longestFilter)
	}
	if s := k.schemaOf(in); s != nil && s != &k.core {
		return target{attrPath: attrPath{urn: s.ID}}, nil
	}
	p := &parser{kind: k, in: in}
	w := p.word()
	at, ok := p.resolve(w)
	if !ok {
		return target{}, bad(invalidPath, "There is nothing at the path %q.", clip(in))
	}
	p.at += len(w)
	t := target{attrPath: at}
	if p.at < len(in) && in[p.at] == '[' {
		if !at.attr.Multi || at.sub != "" || at.attr.Type != "complex" {
			return target{}, bad(invalidPath, "%q has no values to choose from.", clip(w))
		}
		p.at++
		p.inside = at.attr
		e, err := p.or(0)
		if err != nil {
			return target{}, err
		}
		if !p.take(']') {
			return target{}, bad(invalidPath, "The path %q is not well-formed.", clip(in))
		}
		t.filter = e
		if p.at < len(in) && in[p.at] == '.' {
			p.at++
			sub := p.word()
			if t.leaf = at.attr.sub(sub); t.leaf == nil {
				return target{}, bad(invalidPath, "There is nothing at the path %q.", clip(in))
			}
			t.sub = t.leaf.Name
			p.at += len(sub)
		}
	}
	if p.at < len(in) {
		return target{}, bad(invalidPath, "The path %q is not well-formed.", clip(in))
	}
	return t, nil
}
