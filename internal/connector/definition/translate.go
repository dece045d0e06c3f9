package definition

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// methods are those of operations.
var methods = []string{"delete", "get", "head", "options", "patch", "post", "put"}

// pathForm is what paths look like.
var pathForm = regexp.MustCompile(`^/[^/]*(/[^/]*)*$`)

// paths translates the operations.
func (u *uploaded) paths() map[string]any {
	paths := u.root.get("paths")
	if paths == nil {
		u.bad(u.root, "", "paths is missing")
		return nil
	}
	if !u.is(paths, anObject, "/paths") {
		return nil
	}
	out := make(map[string]any)
	count := 0
	for _, m := range paths.members {
		if strings.HasPrefix(m.name, "x-") {
			continue
		}
		where := at("paths", m.name)
		if !u.path(m, where) {
			continue
		}
		item, itemAt, ok := u.resolve(m.node, where)
		if !ok {
			continue
		}
		if s := item.get("servers"); s != nil {
			u.bad(s, itemAt+"/servers", "servers of a path are not supported: all requests go to the connector's base endpoint")
		}
		operations := make(map[string]any)
		for _, o := range item.members {
			if o.name == "trace" {
				u.badAt(o.line, o.column, itemAt+"/trace", "TRACE is not supported")
			}
			if !slices.Contains(methods, o.name) {
				continue
			}
			if count++; count == maxOperations+1 {
				u.badAt(o.line, o.column, itemAt+at(o.name), "the document has more than %d operations", maxOperations)
			}
			if count <= maxOperations {
				operations[o.name] = u.operation(o.node, itemAt+at(o.name), m.name, o.name, item, itemAt)
			}
		}
		out[m.name] = operations
	}
	if count == 0 {
		u.bad(paths, "/paths", "the document has no operations")
	}
	return out
}

// path tells whether the name of a path can be one.
func (u *uploaded) path(m member, where string) bool {
	switch {
	case !pathForm.MatchString(m.name):
		u.badAt(m.line, m.column, where, "a path begins with a slash")
	case strings.ContainsAny(m.name, "?#\\ ") || strings.ContainsFunc(m.name, func(r rune) bool { return r < ' ' || r == 0x7f }):
		u.badAt(m.line, m.column, where, "a path has no question mark, no hash, no backslash, no spaces and no control characters")
	case strings.ContainsAny(variable.ReplaceAllString(m.name, ""), "{}"):
		u.badAt(m.line, m.column, where, "the braces of the path don't match")
	default:
		for part := range strings.SplitSeq(m.name, "/") {
			if part == "." || part == ".." {
				u.badAt(m.line, m.column, where, "a path has no %s", part)
				return false
			}
		}
		return true
	}
	return false
}

var (
	otherThanID   = regexp.MustCompile(`[^A-Za-z0-9_]+`)
	otherThanName = regexp.MustCompile(`[^A-Za-z0-9_.-]+`)
)

// actionID makes the id of an action of an operationId or the name of a tool.
func actionID(name string) string { return otherThanID.ReplaceAllString(name, "_") }

// inputName makes the name of an input of the one in a request.
func inputName(name string) string {
	if fieldName.MatchString(name) {
		return name
	}
	return strings.Trim(otherThanName.ReplaceAllString(name, "_"), "_")
}

// operationForm is what an operationId looks like; what is no letter, digit or
// underscore becomes an underscore in the action's id.
var operationForm = regexp.MustCompile(`^[a-zA-Z0-9_ ./:-]{1,256}$`)

// operation translates one operation.
func (u *uploaded) operation(n *place, where, path, method string, item *place, itemAt string) map[string]any {
	if !u.is(n, anObject, where) {
		return nil
	}
	out := map[string]any{"operationId": u.operationID(n, where)}
	summary, description := u.string(n, "summary", where), u.string(n, "description", where)
	if summary == "" && description == "" {
		u.bad(n, where, "the operation has neither a summary nor a description: whoever uses it, a person or a program, must know what it does")
	}
	if description == "" {
		description = summary
	}
	if len([]rune(description)) > maxDescription {
		u.bad(n.get("description"), where+"/description", "the description has more than %d characters", maxDescription)
	}
	out["description"] = clipped(description, maxDescription)
	if summary != "" {
		out["summary"] = clipped(summary, maxLabel)
	}
	if kind := n.get("x-amzn-operation-type"); kind != nil {
		if t := kind.text(); t != "read" && t != "write" {
			u.bad(kind, where+"/x-amzn-operation-type", "it must be read or write")
		} else {
			out["x-amzn-operation-type"] = t
		}
	}
	if s := n.get("servers"); s != nil {
		u.bad(s, where+"/servers", "servers of an operation are not supported: all requests go to the connector's base endpoint")
	}
	names := make(map[string]string) // of inputs, and where they are
	out["parameters"] = u.parameters(n, where, path, item, itemAt, names)
	if body := n.get("requestBody"); body != nil {
		if method == "get" || method == "head" {
			u.bad(body, where+"/requestBody", "%s has no body", strings.ToUpper(method))
		} else if b := u.body(body, where+"/requestBody", names); b != nil {
			out["requestBody"] = b
		}
	}
	out["responses"] = u.responses(n.get("responses"), where+"/responses")
	return out
}

func (u *uploaded) operationID(n *place, where string) string {
	m := n.get("operationId")
	if m == nil {
		u.bad(n, where, "operationId is missing: it is the action's id")
		return ""
	}
	if !u.is(m, aText, where+"/operationId") {
		return ""
	}
	name := m.text()
	if !operationForm.MatchString(name) {
		u.bad(m, where+"/operationId", "%q is no operationId that can be used: it has 1 to 256 letters, digits, spaces and _ . / : -", clipped(name, 100))
		return ""
	}
	id := actionID(name)
	if other, there := u.ids[id]; there {
		u.bad(m, where+"/operationId", "%q is the same action as that of %s: both are called %s", name, other, id)
		return ""
	}
	u.ids[id] = where
	return id
}

// parameters translates those of an operation and those of its path, of which
// the operation's come first.
func (u *uploaded) parameters(n *place, where, path string, item *place, itemAt string, names map[string]string) []any {
	var out []any
	there := make(map[string]bool)
	for _, from := range []struct {
		n     *place
		where string
		own   bool
	}{{n, where, true}, {item, itemAt, false}} {
		list := from.n.get("parameters")
		if list == nil || !u.is(list, aList, from.where+"/parameters") {
			continue
		}
		own := make(map[string]bool)
		for i, entry := range list.items {
			p, at, ok := u.resolve(entry, from.where+at("parameters", strconv.Itoa(i)))
			if !ok {
				continue
			}
			key := u.string(p, "in", at) + " " + u.string(p, "name", at)
			if own[key] {
				u.bad(entry, at, "the parameter is there twice")
				continue
			}
			own[key] = true
			if there[key] {
				continue // the operation's takes its place
			}
			if t := u.parameter(p, at, path, names); t != nil {
				out = append(out, t)
			}
		}
		for key := range own {
			there[key] = true
		}
	}
	for _, name := range pathNames(path) {
		if !there["path "+name] {
			u.bad(n, where, "the path's {%s} is no parameter of the operation", name)
		}
	}
	return out
}

// styles are the ones of parameters that are understood.
var styles = map[string][]string{InPath: {"simple"}, InQuery: {"form", "spaceDelimited", "pipeDelimited"}, InHeader: {"simple"}}

func (u *uploaded) parameter(p *place, where, path string, names map[string]string) map[string]any {
	name, in := u.string(p, "name", where), u.string(p, "in", where)
	switch {
	case name == "":
		u.bad(p, where, "name is missing")
		return nil
	case in == "cookie":
		u.bad(p.get("in"), where+"/in", "parameters in cookies are not supported")
		return nil
	case styles[in] == nil:
		u.bad(p, where, "in must be path, query or header")
		return nil
	case in == InPath && !slices.Contains(pathNames(path), name):
		u.bad(p, where, "the path has no {%s}", name)
		return nil
	case in == InHeader && (!token.MatchString(name) || !CallersHeader(name)):
		u.bad(p.get("name"), where+"/name", "the header %s belongs to the connection or to the credentials, and is no parameter", name)
		return nil
	}
	out := map[string]any{"name": name, "in": in}
	if u.bool(p, "required", where) || in == InPath {
		out["required"] = true
	}
	u.called(out, name, p, where, names)
	description := u.string(p, "description", where)
	if description == "" {
		u.bad(p, where, "the parameter %s has no description: whoever uses it, a person or a program, must know what it is", name)
	}
	if len([]rune(description)) > maxDescription {
		u.bad(p.get("description"), where+"/description", "the description has more than %d characters", maxDescription)
	}
	out["description"] = clipped(description, maxDescription)
	if style := p.get("style"); style != nil {
		if !slices.Contains(styles[in], style.text()) {
			u.bad(style, where+"/style", "the style of a parameter in %s must be %s", in, strings.Join(styles[in], " or "))
		} else if in == InQuery {
			out["style"] = style.text()
		}
	}
	switch e := p.get("explode"); {
	case e != nil && u.is(e, aBoolean, where+"/explode"):
		out["explode"] = e.value
	case p.get("style") != nil && p.get("style").text() != "form":
		out["explode"] = false // what the specification says
	}
	if c := p.get("content"); c != nil {
		u.bad(c, where+"/content", "content of a parameter is not supported: it has a schema")
		return out
	}
	schema := p.get("schema")
	if schema == nil {
		u.bad(p, where, "schema is missing")
		return out
	}
	s := u.schema(schema, where+"/schema", nil, true)
	if s["type"] == "object" || s["properties"] != nil {
		u.bad(schema, where+"/schema", "a parameter can't be an object")
	}
	out["schema"] = s
	return out
}

// called gives an input its name, which may be taken.
func (u *uploaded) called(out map[string]any, name string, n *place, where string, names map[string]string) {
	public := inputName(name)
	switch other, taken := names[public]; {
	case !fieldName.MatchString(public):
		u.bad(n, where, "no name for an input can be made of %q: it has 1 to 64 letters, digits and _ . -", clipped(name, 100))
	case taken:
		u.bad(n, where, "the input is called %s, and so is that of %s", public, other)
	default:
		names[public] = where
	}
	if public != name {
		out["x-onsight-name"] = public
	}
}

// jsonOf gives what there is of JSON among the media types of a body.
func jsonOf(content *place) (schema *place, mediaType string, ok bool) {
	if content == nil {
		return nil, "", false
	}
	for _, m := range content.members {
		if name, _, _ := strings.Cut(m.name, ";"); strings.EqualFold(strings.TrimSpace(name), "application/json") {
			return m.node.get("schema"), m.name, true
		}
	}
	return nil, "", false
}

// body translates the body of a request.
func (u *uploaded) body(n *place, where string, names map[string]string) map[string]any {
	n, where, ok := u.resolve(n, where)
	if !ok {
		return nil
	}
	content := n.get("content")
	schema, media, ok := jsonOf(content)
	if !ok {
		u.bad(n, where, "the body is none of application/json, and nothing else can be sent")
		return nil
	}
	where += at("content", media, "schema")
	out := map[string]any{"description": clipped(u.string(n, "description", where), maxDescription)}
	if u.bool(n, "required", where) {
		out["required"] = true
	}
	s := map[string]any{}
	if schema != nil {
		s = u.schema(schema, where, nil, true)
	}
	out["content"] = map[string]any{"application/json": map[string]any{"schema": s}}
	properties, _ := s["properties"].(map[string]any)
	whole := len(properties) == 0 || s["additionalProperties"] != nil && s["additionalProperties"] != false || nullable(s)
	for name := range properties {
		// One name for a parameter and for something of the body is usual.
		_, taken := names[inputName(name)]
		whole = whole || taken
	}
	if whole {
		u.called(map[string]any{}, "body", n, where, names)
		out["x-onsight-whole"] = true
		return out
	}
	for _, name := range slices.Sorted(keys(properties)) {
		p, _ := properties[name].(map[string]any)
		at := where + at("properties", name)
		u.called(p, name, u.nearest(at), at, names)
	}
	return out
}

func nullable(s map[string]any) bool {
	types, _ := s["type"].([]any)
	return slices.Contains(types, any("null"))
}

func keys(m map[string]any) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// responses translates what answers look like, as far as that is known.
func (u *uploaded) responses(n *place, where string) map[string]any {
	out := map[string]any{"200": map[string]any{"description": "The answer."}}
	if n == nil || !u.is(n, anObject, where) {
		return out
	}
	for _, m := range n.members {
		if m.name != "default" && !strings.HasPrefix(m.name, "2") {
			continue
		}
		r, at, ok := u.resolve(m.node, where+at(m.name))
		if !ok {
			continue
		}
		schema, media, ok := jsonOf(r.get("content"))
		if !ok || schema == nil {
			continue
		}
		before := u.parts
		s := u.schema(schema, at+"/content/"+strings.ReplaceAll(media, "/", "~1")+"/schema", nil, false)
		if before > 0 && u.parts <= 0 {
			continue
		}
		if _, there := out["200"].(map[string]any)["content"]; m.name != "default" || !there {
			out["200"] = map[string]any{"description": "The answer.", "content": map[string]any{"application/json": map[string]any{"schema": s}}}
		}
		if m.name != "default" {
			break
		}
	}
	return out
}

// Keywords of schemas, by what they are.
var (
	textKeywords   = []string{"format", "title", "description"}
	countKeywords  = []string{"minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"}
	numberKeywords = []string{"minimum", "maximum", "multipleOf"}
	listKeywords   = []string{"allOf", "anyOf", "oneOf"}
	types          = []string{"string", "number", "integer", "boolean", "object", "array", "null"}
)

// schema translates a schema into JSON Schema 2020-12 without references. What
// it does not know is left out, so that fewer values are refused here than at the
// service. above are the schemas that it lies in; input says that it is one of a
// request.
func (u *uploaded) schema(n *place, path string, above []*place, input bool) map[string]any {
	if u.parts--; u.parts <= 0 {
		if u.parts == 0 {
			u.bad(n, path, "the schemas of the document have more than %d parts, with what their references lead to", maxParts)
		}
		return map[string]any{}
	}
	if n.kind == aBoolean {
		if n.value == true {
			return map[string]any{}
		}
		return map[string]any{"not": map[string]any{}}
	}
	if !u.is(n, anObject, path) {
		return map[string]any{}
	}
	if ref := n.get("$ref"); ref != nil {
		return u.referred(n, ref, path, above, input)
	}
	if len(above) > maxDepth {
		u.bad(n, path, "the schema is deeper than %d levels", maxDepth)
		return map[string]any{}
	}
	above = append(slices.Clip(above), n)
	out := make(map[string]any)
	u.simple(n, path, out)
	u.nested(n, path, above, input, out)
	if n.get("nullable") != nil && u.bool(n, "nullable", path) {
		if t, ok := out["type"].(string); ok {
			out["type"] = []any{t, "null"}
		}
		if values, ok := out["enum"].([]any); ok && !slices.Contains(values, nil) {
			out["enum"] = append(values, nil)
		}
	}
	return out
}

// referred is what a reference of a schema leads to.
func (u *uploaded) referred(n, ref *place, path string, above []*place, input bool) map[string]any {
	if !u.is(ref, aText, path+"/$ref") {
		return map[string]any{}
	}
	target, where, ok := u.target(ref, path+"/$ref")
	if !ok {
		return map[string]any{}
	}
	if slices.Contains(above, target) || target == n {
		u.bad(ref, path+"/$ref", "the schema contains itself, by way of %s", ref.text())
		return map[string]any{}
	}
	out := u.schema(target, where, append(slices.Clip(above), n), input)
	if d := n.get("description"); d != nil && d.kind == aText { // beside a reference, since 3.1
		out["description"] = clipped(d.text(), maxDescription)
	}
	return out
}

// simple translates the keywords that hold no schemas.
func (u *uploaded) simple(n *place, path string, out map[string]any) {
	switch t := n.get("type"); {
	case t == nil:
	case t.kind == aText && slices.Contains(types, t.text()):
		out["type"] = t.text()
	case t.kind == aList && len(t.items) > 0 && !slices.ContainsFunc(t.items, func(n *place) bool { return !slices.Contains(types, n.text()) }):
		out["type"] = t.plain()
	default:
		u.bad(t, path+"/type", "it must be one of %s", strings.Join(types, ", "))
	}
	for _, name := range textKeywords {
		if text := u.string(n, name, path); text != "" {
			out[name] = clipped(text, maxDescription)
		}
	}
	if label := u.string(n, "x-amzn-form-display-name", path); label != "" {
		out["title"] = clipped(label, maxLabel)
	}
	for _, name := range countKeywords {
		if m := n.get(name); m != nil {
			count, ok := m.value.(json.Number)
			if i, err := strconv.ParseInt(count.String(), 10, 64); !ok || err != nil || i < 0 {
				u.bad(m, path+at(name), "it must be a whole number that is not negative")
				continue
			}
			out[name] = count
		}
	}
	for _, name := range numberKeywords {
		if m := n.get(name); m != nil && u.is(m, aNumber, path+at(name)) {
			out[name] = m.value
		}
	}
	if m, ok := out["multipleOf"].(json.Number); ok {
		if f, err := m.Float64(); err != nil || f <= 0 {
			u.bad(n.get("multipleOf"), path+"/multipleOf", "it must be greater than 0")
		}
	}
	for name, bound := range map[string]string{"exclusiveMinimum": "minimum", "exclusiveMaximum": "maximum"} {
		switch m := n.get(name); {
		case m == nil, m.value == false:
		case m.kind == aNumber:
			out[name] = m.value
		case m.value == true: // of OpenAPI 3.0
			if b, ok := out[bound]; ok {
				out[name] = b
				delete(out, bound)
			}
		default:
			u.bad(m, path+at(name), "it must be a number, or true or false")
		}
	}
	if u.bool(n, "uniqueItems", path) {
		out["uniqueItems"] = true
	}
	if p := u.string(n, "pattern", path); p != "" {
		if _, err := regexp.Compile(p); err != nil {
			u.note("%s: the pattern is not one that is understood here (RE2), and left out", path)
		} else {
			out["pattern"] = p
		}
	}
	if e := n.get("enum"); e != nil && u.is(e, aList, path+"/enum") {
		if len(e.items) == 0 || len(e.items) > maxValues {
			u.bad(e, path+"/enum", "it has %d values, and must have 1 to %d", len(e.items), maxValues)
		} else {
			out["enum"] = e.plain()
		}
	}
	if c := n.get("const"); c != nil {
		out["const"] = c.plain()
	}
	if d := n.get("default"); d != nil && d.kind != aNull {
		out["default"] = d.plain()
	}
}

// nested translates the keywords that hold schemas.
func (u *uploaded) nested(n *place, path string, above []*place, input bool, out map[string]any) {
	var required []any
	if r := n.get("required"); r != nil && u.is(r, aList, path+"/required") {
		for i, name := range r.items {
			if u.is(name, aText, path+at("required", strconv.Itoa(i))) && !slices.Contains(required, name.value) {
				required = append(required, name.value)
			}
		}
	}
	if p := n.get("properties"); p != nil && u.is(p, anObject, path+"/properties") {
		properties := make(map[string]any, len(p.members))
		for _, m := range p.members {
			if input && m.node.kind == anObject && m.node.get("readOnly") != nil && m.node.get("readOnly").value == true {
				required = slices.DeleteFunc(required, func(name any) bool { return name == m.name })
				continue // the service's to say
			}
			properties[m.name] = u.schema(m.node, path+at("properties", m.name), above, input)
		}
		out["properties"] = properties
	}
	if len(required) > 0 {
		out["required"] = required
	}
	if i := n.get("items"); i != nil {
		out["items"] = u.schema(i, path+"/items", above, input)
	}
	switch a := n.get("additionalProperties"); {
	case a == nil:
	case a.kind == aBoolean:
		out["additionalProperties"] = a.value
	default:
		out["additionalProperties"] = u.schema(a, path+"/additionalProperties", above, input)
	}
	if not := n.get("not"); not != nil {
		if input {
			u.bad(not, path+"/not", "not is not supported in the input of an action")
		} else {
			out["not"] = u.schema(not, path+"/not", above, input)
		}
	}
	for _, name := range listKeywords {
		list := n.get(name)
		if list == nil || !u.is(list, aList, path+at(name)) {
			continue
		}
		if input {
			u.bad(list, path+at(name), "%s is not supported in the input of an action", name)
			continue
		}
		all := make([]any, len(list.items))
		for i, item := range list.items {
			all[i] = u.schema(item, path+at(name, strconv.Itoa(i)), above, input)
		}
		if len(all) > 0 {
			out[name] = all
		}
	}
}
