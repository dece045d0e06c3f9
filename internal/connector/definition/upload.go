package definition

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
)

// Problems are all that keeps a document from being a definition.
type Problems []Problem

// Error gives them, one for each line.
func (p Problems) Error() string {
	lines := make([]string, len(p))
	for i := range p {
		lines[i] = p[i].String()
	}
	return strings.Join(lines, "\n")
}

// Bounds of what users give.
const (
	maxOperations  = 100
	maxProblems    = 50
	maxParts       = 50_000 // schemas of a document, with what references lead to
	maxDescription = 5000
	maxLabel       = 256
	maxValues      = 1000 // of an enum
)

// TestOperation is the id of the operation that tests the credentials of
// connectors with a definition of their own. No document can have it.
const TestOperation = "onsight:test"

// ours begins the names of extensions that are for our own documents alone:
// they name code, hosts and the places of credentials.
const ours = "x-onsight-"

// Upload reads a document that a user gives, in JSON or YAML: OpenAPI 3.0 or
// 3.1. The requests of its operations go to the connector's base endpoint, so
// its servers must be there. What the document does not say is as in like, the
// definition of the connector's type.
//
// The document is translated into one of our own, of what is understood: what
// is left out cannot do anything. Problems has all that is wrong, up to a bound;
// notes tell what was left out although it has a meaning.
func Upload(document []byte, base *url.URL, like *Definition) (d *Definition, notes []string, problems Problems) {
	return upload(document, base, like, true)
}

// Accepted reads a document that was accepted before. Its servers need not fit
// the base endpoint any more: that may be another by now.
func Accepted(document []byte, base *url.URL, like *Definition) (d *Definition, notes []string, problems Problems) {
	return upload(document, base, like, false)
}

func upload(document []byte, base *url.URL, like *Definition, strict bool) (d *Definition, notes []string, problems Problems) {
	root, problem := parseNodes(document)
	if problem != nil {
		return nil, nil, Problems{*problem}
	}
	u := &uploaded{root: root, base: base, strict: strict, parts: maxParts, seen: make(map[Problem]bool), ids: make(map[string]string)}
	translated := u.document()
	if len(u.problems) > 0 {
		return nil, nil, u.sorted()
	}
	text, err := json.Marshal(translated)
	if err == nil {
		d, err = accepted(text)
	}
	if err != nil {
		e, ok := errors.AsType[*Error](err)
		if !ok {
			e = &Error{Reason: err.Error()}
		}
		n := u.nearest(e.Path)
		return nil, nil, Problems{{Line: n.line, Column: n.column, Path: e.Path, Reason: e.Reason}}
	}
	d.Connector = like.Connector
	d.Connector.Base = Base{Append: u.prefix}
	d.Connector.Authentication = maps.Clone(like.Connector.Authentication)
	if u.key != nil {
		d.Connector.Authentication["API_KEY"] = *u.key
	}
	d.Connector.Test = Test{Operation: TestOperation, Answers: true}
	test := &Operation{ID: TestOperation, Label: "Test", Method: http.MethodGet, Idempotent: true, Hidden: true, Input: json.RawMessage(`{"type":"object"}`)}
	if err := newInput("", "", nil).finish(test); err != nil {
		return nil, nil, Problems{{Line: 1, Column: 1, Reason: err.Error()}}
	}
	d.Operations[TestOperation] = test
	return d, u.notes, nil
}

// accepted makes a definition of a document that needs no more checks.
func accepted(document []byte) (*Definition, error) {
	doc, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		return nil, &Error{Reason: "it is no OpenAPI document: " + err.Error()}
	}
	return of(doc)
}

// uploaded is a document on its way.
type uploaded struct {
	root     *place
	base     *url.URL
	strict   bool // the servers must fit the base endpoint
	problems Problems
	beyond   int
	seen     map[Problem]bool
	notes    []string
	ids      map[string]string // of operations, and where they are
	parts    int               // that schemas may still have
	prefix   string            // between the base endpoint and the paths
	key      *Auth             // where the key goes, if the document says
}

// bad notes a problem.
func (u *uploaded) bad(n *place, path, format string, args ...any) {
	if n == nil {
		n = u.root
	}
	u.badAt(n.line, n.column, path, format, args...)
}

func (u *uploaded) badAt(line, column int, path, format string, args ...any) {
	p := Problem{line, column, path, clipped(fmt.Sprintf(format, args...), 500)}
	if u.seen[p] {
		return
	}
	if len(u.problems) >= maxProblems {
		u.beyond++
		return
	}
	u.seen[p] = true
	u.problems = append(u.problems, p)
}

func (u *uploaded) note(format string, args ...any) {
	text := clipped(fmt.Sprintf(format, args...), 500)
	if len(u.notes) < maxProblems && !slices.Contains(u.notes, text) {
		u.notes = append(u.notes, text)
	}
}

// sorted are the problems in the order of the document.
func (u *uploaded) sorted() Problems {
	slices.SortStableFunc(u.problems, func(a, b Problem) int {
		if a.Line != b.Line {
			return a.Line - b.Line
		}
		return a.Column - b.Column
	})
	if u.beyond > 0 {
		u.problems = append(u.problems, Problem{Reason: fmt.Sprintf("there are %d more problems", u.beyond)})
	}
	return u.problems
}

// nearest is the node at a path, or the last one on the way there.
func (u *uploaded) nearest(path string) *place {
	n := u.root
	for token := range strings.SplitSeq(strings.TrimPrefix(path, "/"), "/") {
		next := n.get(unescaped.Replace(token))
		if i, err := strconv.Atoi(token); next == nil && err == nil && i >= 0 && i < len(n.items) {
			next = n.items[i]
		}
		if next == nil {
			return n
		}
		n = next
	}
	return n
}

var unescaped = strings.NewReplacer("~1", "/", "~0", "~")

// is tells whether a node is of a kind, and notes where one is not. One that is
// not there is not.
func (u *uploaded) is(n *place, k sort, path string) bool {
	if n == nil {
		return false
	}
	if n.kind != k {
		u.bad(n, path, "it is %s, and must be %s", n.kind, k)
		return false
	}
	return true
}

// string is a member that is text.
func (u *uploaded) string(n *place, name, path string) string {
	m := n.get(name)
	if !u.is(m, aText, path+at(name)) {
		return ""
	}
	return m.text()
}

// bool is a member that is true.
func (u *uploaded) bool(n *place, name, path string) bool {
	m := n.get(name)
	if !u.is(m, aBoolean, path+at(name)) {
		return false
	}
	return m.value == true
}

// document translates the whole.
func (u *uploaded) document() map[string]any {
	if !u.is(u.root, anObject, "") {
		return nil
	}
	u.forbidden(u.root, "", false)
	version := u.string(u.root, "openapi", "")
	switch {
	case u.root.get("swagger") != nil:
		u.bad(u.root.get("swagger"), "/swagger", "OpenAPI 2.0 (Swagger) is not read: convert the document to OpenAPI 3.0 or 3.1")
		return nil
	case u.root.get("openapi") == nil:
		u.bad(u.root, "", "openapi is missing: it is no OpenAPI document")
		return nil
	case !understood.MatchString(version):
		u.bad(u.root.get("openapi"), "/openapi", "OpenAPI %s is not read, but 3.0 and 3.1 are", version)
		return nil
	}
	info := u.root.get("info")
	title := u.string(info, "title", "/info")
	switch {
	case info == nil:
		u.bad(u.root, "", "info is missing")
	case u.is(info, anObject, "/info") && title == "":
		u.bad(info, "/info", "title is missing")
	}
	u.servers()
	u.security()
	paths := u.paths()
	u.components()
	return map[string]any{
		"openapi": "3.1.0", "paths": paths,
		"info": map[string]any{"title": clipped(title, maxLabel), "version": "1", "description": clipped(u.string(info, "description", "/info"), maxDescription)},
	}
}

var understood = regexp.MustCompile(`^3\.[01](\.[0-9]+)?(-[A-Za-z0-9.]+)?$`)

// forbidden looks through the whole document for what must not be in it,
// wherever it is: members of one name, our own extensions, and references to
// other documents.
func (u *uploaded) forbidden(n *place, path string, names bool) {
	if n.kind == aList {
		for i, item := range n.items {
			u.forbidden(item, path+at(strconv.Itoa(i)), false)
		}
		return
	}
	there := make(map[string]bool, len(n.members))
	for _, m := range n.members {
		where := path + at(m.name)
		switch {
		case there[m.name]:
			u.badAt(m.line, m.column, where, "the member is there twice")
		case !names && len(m.name) >= len(ours) && strings.EqualFold(m.name[:len(ours)], ours):
			u.badAt(m.line, m.column, where, "%s is an extension of Onsight's own documents, and not for others", m.name)
		case !names && m.name == "$ref" && m.node.kind == aText && !strings.HasPrefix(m.node.text(), "#/"):
			u.bad(m.node, where, "the reference leads out of the document: it must begin with #/")
		}
		there[m.name] = true
		if !names && (m.name == "example" || m.name == "examples") {
			continue // anything can be there, and nobody reads it
		}
		u.forbidden(m.node, where, !names && m.name == "properties")
	}
}

// components looks at what no operation may use: it must be right all the same.
func (u *uploaded) components() {
	components := u.root.get("components")
	if components == nil || !u.is(components, anObject, "/components") {
		return
	}
	schemas := components.get("schemas")
	if schemas == nil || !u.is(schemas, anObject, "/components/schemas") {
		return
	}
	state := make(map[*place]int)
	for _, m := range schemas.members {
		u.cycles(m.node, at("components", "schemas", m.name), state)
	}
}

// cycles finds schemas that contain themselves.
func (u *uploaded) cycles(n *place, path string, state map[*place]int) {
	const under, done = 1, 2
	if n == nil || state[n] == done {
		return
	}
	state[n] = under
	defer func() { state[n] = done }()
	if ref := n.get("$ref"); ref != nil && ref.kind == aText && n.kind == anObject {
		target, where, ok := u.target(ref, path+"/$ref")
		switch {
		case !ok:
		case state[target] == under:
			u.bad(ref, path+"/$ref", "the schema contains itself, by way of %s", ref.text())
		default:
			u.cycles(target, where, state)
		}
		return
	}
	for _, m := range n.members {
		if m.name != "example" && m.name != "examples" && m.name != "default" && m.name != "enum" && m.name != "const" {
			u.cycles(m.node, path+at(m.name), state)
		}
	}
	for i, item := range n.items {
		u.cycles(item, path+at(strconv.Itoa(i)), state)
	}
}

// target is what a reference leads to.
func (u *uploaded) target(ref *place, path string) (n *place, where string, ok bool) {
	text := ref.text()
	if !strings.HasPrefix(text, "#/") {
		u.bad(ref, path, "the reference leads out of the document: it must begin with #/")
		return nil, "", false
	}
	pointer, err := url.PathUnescape(text[1:])
	if err != nil {
		pointer = text[1:]
	}
	n = u.root
	for token := range strings.SplitSeq(pointer[1:], "/") {
		next := n.get(unescaped.Replace(token))
		if i, err := strconv.Atoi(token); next == nil && err == nil && i >= 0 && i < len(n.items) {
			next = n.items[i]
		}
		if next == nil {
			u.bad(ref, path, "there is no %s", text)
			return nil, "", false
		}
		n = next
	}
	return n, pointer, true
}

// resolve follows the references that a node is, which are not those of
// schemas.
func (u *uploaded) resolve(n *place, path string) (*place, string, bool) {
	var before []*place
	for n != nil {
		ref := n.get("$ref")
		if n.kind != anObject || ref == nil {
			return n, path, u.is(n, anObject, path)
		}
		if slices.Contains(before, n) {
			u.bad(ref, path+"/$ref", "the reference leads to itself")
			return nil, "", false
		}
		before = append(before, n)
		var ok bool
		if !u.is(ref, aText, path+"/$ref") {
			return nil, "", false
		}
		if n, path, ok = u.target(ref, path+"/$ref"); !ok {
			return nil, "", false
		}
	}
	return nil, "", false
}

// servers sees to it that the servers of the document are at the base endpoint,
// and finds what the addresses have in addition.
func (u *uploaded) servers() {
	list := u.root.get("servers")
	if list == nil || !u.is(list, aList, "/servers") {
		return
	}
	for i, s := range list.items {
		path := at("servers", strconv.Itoa(i))
		if !u.is(s, anObject, path) {
			continue
		}
		prefix, ok := u.server(s, path)
		if ok && i == 0 {
			u.prefix = prefix
		}
	}
}

var variable = regexp.MustCompile(`\{([^{}]*)\}`)

// server gives what the address of a server has beyond the base endpoint.
func (u *uploaded) server(s *place, path string) (prefix string, ok bool) {
	address := s.get("url")
	if address == nil {
		u.bad(s, path, "url is missing")
		return "", false
	}
	if !u.is(address, aText, path+"/url") {
		return "", false
	}
	path += "/url"
	text := address.text()
	if strings.ContainsAny(text, "\\ \t\r\n#?@") {
		u.bad(address, path, "the address of a server has no query, no fragment, no user, no backslash and no spaces")
		return "", false
	}
	variables := s.get("variables")
	scheme, rest, absolute := strings.Cut(text, "://")
	if strings.HasPrefix(text, "//") {
		scheme, rest, absolute = "https", text[2:], true
	}
	way := text
	if absolute {
		host, after, _ := strings.Cut(rest, "/")
		way = "/" + after
		if !variable.MatchString(scheme) && !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http") {
			u.bad(address, path, "%s is not https", scheme)
			return "", false
		}
		if u.strict && !fits(host, strings.ToLower(scheme), u.base) {
			u.bad(address, path, "the server %s is not the host of the connector's base endpoint, %s, to which the requests go", host, u.base.Host)
			return "", false
		}
	}
	broken := false
	way = variable.ReplaceAllStringFunc(way, func(v string) string {
		d := variables.get(v[1 : len(v)-1]).get("default")
		if d == nil || d.value == nil {
			u.bad(address, path, "the variable %s has no default", v)
			broken = true
			return ""
		}
		return fmt.Sprint(d.value)
	})
	way = strings.Trim(way, "/")
	if broken {
		return "", false
	}
	for part := range strings.SplitSeq(way, "/") {
		if part == ".." || part == "." || strings.ContainsAny(part, "{}") {
			u.bad(address, path, "the path of a server has no %s", part)
			return "", false
		}
	}
	if way == "" {
		return "", true
	}
	way = "/" + way
	at := strings.TrimSuffix(u.base.EscapedPath(), "/")
	switch {
	case at == "", strings.HasSuffix(at, way):
		return way, true
	case strings.HasPrefix(way+"/", at+"/"):
		return strings.TrimPrefix(way, at), true
	case !u.strict:
		return "", true
	}
	u.bad(address, path, "its path %s does not fit the path of the connector's base endpoint, %s: requests go below that", way, at)
	return "", false
}

// fits tells whether a host of a document, which may have variables, is that of
// the base endpoint.
func fits(host, scheme string, base *url.URL) bool {
	plain := func(host, scheme string) string {
		host = strings.ToLower(host)
		if end := map[string]string{"http": ":80", "https": ":443"}[scheme]; end != "" {
			host = strings.TrimSuffix(host, end)
		}
		return host
	}
	var pattern strings.Builder
	pattern.WriteString(`^`)
	rest := plain(host, scheme)
	last := 0
	for _, at := range variable.FindAllStringIndex(rest, -1) {
		pattern.WriteString(regexp.QuoteMeta(rest[last:at[0]]) + `[a-z0-9.:-]+`)
		last = at[1]
	}
	pattern.WriteString(regexp.QuoteMeta(rest[last:]) + `$`)
	ok, err := regexp.MatchString(pattern.String(), plain(base.Host, base.Scheme))
	return err == nil && ok
}

// security finds where the connector's API key goes. What the document says of
// other ways to authenticate is said by the connector.
func (u *uploaded) security() {
	schemes := u.root.get("components").get("securitySchemes")
	if schemes == nil || !u.is(schemes, anObject, "/components/securitySchemes") {
		return
	}
	type placed struct {
		name string
		node *place
		path string
		auth Auth
	}
	var keys []placed
	bearer := false
	for _, m := range schemes.members {
		n, path, ok := u.resolve(m.node, at("components", "securitySchemes", m.name))
		if !ok {
			continue
		}
		switch u.string(n, "type", path) {
		case "http":
			bearer = bearer || strings.EqualFold(u.string(n, "scheme", path), "bearer")
		case "apiKey":
			a := Auth{Name: u.string(n, "name", path), Value: "{key}"}
			switch a.Scheme = u.string(n, "in", path); a.Scheme {
			case "header":
				if !token.MatchString(a.Name) || !CallersHeader(a.Name) && http.CanonicalHeaderKey(a.Name) != "Authorization" {
					u.bad(n, path, "the key can't be sent in the header %q", a.Name)
					continue
				}
			case "query":
				if a.Name == "" {
					u.bad(n, path, "name is missing")
					continue
				}
			default:
				u.note("%s: a key in %s is not supported, and left out", path, a.Scheme)
				continue
			}
			keys = append(keys, placed{m.name, n, path, a})
		}
	}
	same := func(a, b placed) bool { return a.auth.Scheme == b.auth.Scheme && a.auth.Name == b.auth.Name }
	keys = slices.CompactFunc(keys, same)
	if len(keys) > 1 {
		// What the document asks for as a whole counts.
		var asked []placed
		for _, s := range u.root.get("security").list() {
			for _, m := range s.members {
				for _, k := range keys {
					if k.name == m.name && len(s.members) == 1 {
						asked = append(asked, k)
					}
				}
			}
		}
		if len(asked) == 0 {
			names := make([]string, len(keys))
			for i, k := range keys {
				names[i] = k.name
			}
			u.bad(keys[1].node, keys[1].path, "the document has several API keys (%s), and a connector has one: name one of them alone in the document's security", strings.Join(names, ", "))
			return
		}
		keys = asked[:1]
	}
	if len(keys) == 1 {
		u.key = &keys[0].auth
	} else if bearer {
		u.key = &Auth{Scheme: "bearer"}
	}
}

func (n *place) list() []*place {
	if n == nil {
		return nil
	}
	return n.items
}

// token is the name of a header (RFC 9110, 5.6.2).
var token = regexp.MustCompile("^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")
