package definition

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	yaml "github.com/oasdiff/yaml3"
)

// A place is a value of a document, and where it is there.
type place struct {
	kind         sort
	line, column int
	members      []member // of an object, in their order
	items        []*place // of a list
	value        any      // string, json.Number, bool or nil of the others
}

type member struct {
	name         string
	line, column int
	node         *place
}

type sort int

const (
	aNull sort = iota
	anObject
	aList
	aText
	aNumber
	aBoolean
)

func (k sort) String() string {
	return [...]string{"null", "an object", "a list", "text", "a number", "true or false"}[k]
}

// get gives a member of an object, or nil.
func (n *place) get(name string) *place {
	if n == nil {
		return nil
	}
	for i := range n.members {
		if n.members[i].name == name {
			return n.members[i].node
		}
	}
	return nil
}

// text is the text that a node is, or nothing.
func (n *place) text() string {
	if n == nil {
		return ""
	}
	s, _ := n.value.(string)
	return s
}

// Bounds of documents. They are what keeps the time and the memory for any
// document bounded.
const (
	maxDocument = 1 << 20
	maxNodes    = 200_000
	maxLevels   = 100
	maxNumber   = 40 // digits
)

// A Problem is something that keeps a document from being a definition.
type Problem struct {
	// Line and Column are where it is, from 1.
	Line, Column int
	// Path is the JSON Pointer (RFC 6901) of what is wrong.
	Path string
	// Reason is a sentence without a full stop.
	Reason string
}

// String gives all of it.
func (p Problem) String() string {
	at := ""
	if p.Line > 0 {
		at = fmt.Sprintf("line %d, column %d: ", p.Line, p.Column)
	}
	if p.Path != "" {
		at += p.Path + ": "
	}
	return at + p.Reason
}

// parseNodes reads a document in JSON or YAML. The problem is one of syntax, of
// which there is one: what comes after it cannot be understood.
func parseNodes(document []byte) (*place, *Problem) {
	document = bytes.TrimPrefix(document, []byte("\ufeff"))
	switch text := bytes.TrimSpace(document); {
	case len(text) == 0:
		return nil, &Problem{Line: 1, Column: 1, Reason: "the document is empty"}
	case len(document) > maxDocument:
		return nil, &Problem{Line: 1, Column: 1, Reason: fmt.Sprintf("the document has %d bytes, and may have %d", len(document), maxDocument)}
	case !utf8.Valid(document):
		return nil, invalidText(document)
	case text[0] == '{' || text[0] == '[':
		return parseJSON(document)
	}
	return parseYAML(document)
}

func invalidText(document []byte) *Problem {
	c := cursor{document: document, line: 1, column: 1}
	for c.offset < len(document) {
		r, size := utf8.DecodeRune(document[c.offset:])
		if r == utf8.RuneError && size == 1 {
			break
		}
		c.to(c.offset + size)
	}
	return &Problem{Line: c.line, Column: c.column, Reason: "the document is not UTF-8 from here on"}
}

// cursor tells line and column of offsets that grow.
type cursor struct {
	document             []byte
	offset, line, column int
}

func (c *cursor) to(offset int) {
	for c.offset < min(offset, len(c.document)) {
		r, size := utf8.DecodeRune(c.document[c.offset:])
		c.offset += size
		c.column++
		if r == '\n' {
			c.line, c.column = c.line+1, 1
		}
	}
}

// jsonReader reads JSON token by token.
type jsonReader struct {
	*json.Decoder
	cursor
	nodes int
}

func parseJSON(document []byte) (*place, *Problem) {
	r := &jsonReader{Decoder: json.NewDecoder(bytes.NewReader(document)), cursor: cursor{document: document, line: 1, column: 1}}
	r.UseNumber()
	n, problem := r.node(0)
	if problem != nil {
		return nil, problem
	}
	token, err := r.next()
	if errors.Is(err, io.EOF) {
		return n, nil
	}
	if err != nil {
		return nil, r.broken(err)
	}
	return nil, r.problem("%v comes after the end of the document", token)
}

// next reads a token, and puts the cursor where it begins.
func (r *jsonReader) next() (json.Token, error) {
	at := int(r.InputOffset())
	token, err := r.Token()
	for at < len(r.document) && strings.IndexByte(" \t\r\n,:", r.document[at]) >= 0 {
		at++
	}
	r.to(at)
	return token, err
}

func (r *jsonReader) problem(format string, args ...any) *Problem {
	return &Problem{Line: r.line, Column: r.column, Reason: fmt.Sprintf(format, args...)}
}

func (r *jsonReader) broken(err error) *Problem {
	if syntax, ok := errors.AsType[*json.SyntaxError](err); ok {
		r.to(int(syntax.Offset) - 1)
		return r.problem("it is not JSON: %v", err)
	}
	r.to(len(r.document))
	return r.problem("it is not JSON: it ends too early")
}

func (r *jsonReader) node(depth int) (*place, *Problem) {
	token, err := r.next()
	if err != nil {
		return nil, r.broken(err)
	}
	return r.of(token, depth)
}

// of makes the node that a token begins.
func (r *jsonReader) of(token json.Token, depth int) (*place, *Problem) {
	n := &place{line: r.line, column: r.column}
	if r.nodes++; r.nodes > maxNodes {
		return nil, r.problem("the document has more than %d values", maxNodes)
	}
	if depth > maxLevels {
		return nil, r.problem("its values lie deeper than %d levels", maxLevels)
	}
	switch token := token.(type) {
	case json.Delim:
		n.kind = aList
		if token == '{' {
			n.kind = anObject
		}
		for {
			token, err := r.next()
			if err != nil {
				return nil, r.broken(err)
			}
			if end, ok := token.(json.Delim); ok && (end == '}' || end == ']') {
				return n, nil
			}
			if n.kind == aList {
				item, problem := r.of(token, depth+1)
				if problem != nil {
					return nil, problem
				}
				n.items = append(n.items, item)
				continue
			}
			name, _ := token.(string)
			m := member{name: name, line: r.line, column: r.column}
			var problem *Problem
			if m.node, problem = r.node(depth + 1); problem != nil {
				return nil, problem
			}
			n.members = append(n.members, m)
		}
	case string:
		n.kind, n.value = aText, token
	case bool:
		n.kind, n.value = aBoolean, token
	case json.Number:
		if !reasonable(token) {
			return nil, r.problem("the number is too large, or has too many digits")
		}
		n.kind, n.value = aNumber, token
	}
	return n, nil
}

// reasonable tells whether a number can be reckoned with: 1e999999999 would
// fill the memory.
func reasonable(n json.Number) bool {
	f, err := n.Float64()
	return err == nil && !math.IsInf(f, 0) && len(n) <= maxNumber
}

// yamlLine is where the reader of YAML says that something is wrong.
var yamlLine = regexp.MustCompile(`line ([0-9]+): `)

// parseYAML reads YAML without what makes a small text large: anchors, aliases
// and merge keys.
func parseYAML(document []byte) (n *place, problem *Problem) {
	if bytes.Count(document, []byte("\n"))+bytes.Count(document, []byte(","))+bytes.Count(document, []byte("["))+bytes.Count(document, []byte("{"))+
		bytes.Count(document, []byte("- ")) > maxNodes {
		return nil, &Problem{Line: 1, Column: 1, Reason: fmt.Sprintf("the document has more than %d values", maxNodes)}
	}
	defer func() {
		// The reader is somebody else's, and the document anybody's.
		if r := recover(); r != nil {
			n, problem = nil, &Problem{Line: 1, Column: 1, Reason: "it is not YAML that can be read"}
		}
	}()
	d := yaml.NewDecoder(bytes.NewReader(document))
	var root yaml.Node
	if err := d.Decode(&root); err != nil {
		return nil, yamlProblem(err)
	}
	var more yaml.Node
	if err := d.Decode(&more); !errors.Is(err, io.EOF) {
		if err != nil {
			return nil, yamlProblem(err)
		}
		return nil, &Problem{Line: max(more.Line, 1), Column: max(more.Column, 1), Reason: "a second document begins, and there must be one"}
	}
	if len(root.Content) != 1 {
		return nil, &Problem{Line: 1, Column: 1, Reason: "the document is empty"}
	}
	y := &yamlReader{}
	n = y.node(root.Content[0], 0)
	return n, y.problem
}

func yamlProblem(err error) *Problem {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	p := &Problem{Line: 1, Column: 1}
	if m := yamlLine.FindStringSubmatch(text); m != nil {
		p.Line, _ = strconv.Atoi(m[1])
		text = strings.Replace(text, m[0], "", 1)
	}
	p.Reason = "it is not YAML: " + text
	return p
}

type yamlReader struct {
	nodes   int
	problem *Problem // the first one
}

func (y *yamlReader) bad(from *yaml.Node, format string, args ...any) {
	if y.problem == nil {
		y.problem = &Problem{Line: max(from.Line, 1), Column: max(from.Column, 1), Reason: fmt.Sprintf(format, args...)}
	}
}

func (y *yamlReader) node(from *yaml.Node, depth int) *place {
	n := &place{line: max(from.Line, 1), column: max(from.Column, 1)}
	y.nodes++
	switch {
	case y.problem != nil:
		return n
	case y.nodes > maxNodes:
		y.bad(from, "the document has more than %d values", maxNodes)
		return n
	case depth > maxLevels:
		y.bad(from, "its values lie deeper than %d levels", maxLevels)
		return n
	case from.Kind == yaml.AliasNode || from.Anchor != "":
		y.bad(from, "anchors and aliases of YAML are not read: a small text can become a large one by them. Use $ref")
		return n
	}
	switch from.Kind {
	case yaml.MappingNode:
		n.kind = anObject
		for i := 0; i+1 < len(from.Content); i += 2 {
			key := from.Content[i]
			switch {
			case key.Kind != yaml.ScalarNode || key.Anchor != "":
				y.bad(key, "the name of a member must be plain text")
				return n
			case key.ShortTag() == "!!merge":
				y.bad(key, "merge keys of YAML are not read")
				return n
			}
			n.members = append(n.members, member{name: key.Value, line: key.Line, column: key.Column, node: y.node(from.Content[i+1], depth+1)})
		}
	case yaml.SequenceNode:
		n.kind = aList
		for _, item := range from.Content {
			n.items = append(n.items, y.node(item, depth+1))
		}
	case yaml.ScalarNode:
		y.scalar(n, from)
	default:
		y.bad(from, "it is nothing that JSON has")
	}
	return n
}

func (y *yamlReader) scalar(n *place, from *yaml.Node) {
	switch from.ShortTag() {
	case "!!null":
	case "!!bool":
		n.kind, n.value = aBoolean, strings.EqualFold(from.Value, "true")
	case "!!int":
		i, err := strconv.ParseInt(strings.ReplaceAll(from.Value, "_", ""), 0, 64)
		if err != nil {
			y.bad(from, "the number is too large, or has too many digits")
		}
		n.kind, n.value = aNumber, json.Number(strconv.FormatInt(i, 10))
	case "!!float":
		f, err := strconv.ParseFloat(strings.ReplaceAll(from.Value, "_", ""), 64)
		if err != nil || math.IsInf(f, 0) || math.IsNaN(f) || len(from.Value) > maxNumber {
			y.bad(from, "the number is too large, or has too many digits")
			return
		}
		n.kind, n.value = aNumber, json.Number(strconv.FormatFloat(f, 'g', -1, 64))
	case "!!str", "!!timestamp": // a date without quotes is text here
		n.kind, n.value = aText, from.Value
	default:
		y.bad(from, "the tag %s of YAML is not read", clipped(from.ShortTag(), 40))
	}
}

// plain is a node as JSON has it.
func (n *place) plain() any {
	switch n.kind {
	case anObject:
		m := make(map[string]any, len(n.members))
		for _, x := range n.members {
			m[x.name] = x.node.plain()
		}
		return m
	case aList:
		l := make([]any, len(n.items))
		for i, x := range n.items {
			l[i] = x.plain()
		}
		return l
	case aNull, aText, aNumber, aBoolean:
	}
	return n.value
}

// clipped is a text of some characters at most, without control characters.
func clipped(text string, most int) string {
	var b strings.Builder
	n := 0
	for _, r := range text {
		if n++; n > most {
			b.WriteRune('…')
			break
		}
		switch {
		case r == '\n' || r == '\t':
			b.WriteRune(r)
		case r < ' ' || r >= 0x7f && r < 0xa0 || r == 0xfeff || r >= 0x200b && r <= 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2060 && r <= 0x2069 || r >= 0xe0000 && r <= 0xe007f:
			// Nobody sees them, and they turn text round or hide it.
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}

// Plain is a text of somebody else as people may read it: of some length, and
// without what nobody sees.
func Plain(text string) string { return clipped(text, maxToolText) }
