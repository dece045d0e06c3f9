package policy

import (
	"errors"
	"fmt"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep arrays and objects may nest. A policy needs six levels.
const maxDepth = 12

// A node is a JSON value with its place in the text.
type node struct {
	kind    byte // one of { [ " 0 t n: object, array, string, number, boolean, null
	at, end int
	text    string // of a string, decoded; of a number or boolean, as written
	members []member
	items   []node
}

type member struct {
	name  string
	at    int
	value node
}

// what names the kind of value in messages.
func (n *node) what() string {
	switch n.kind {
	case '{':
		return "an object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case 't':
		return "a boolean"
	default:
		return "null"
	}
}

// A reader reads JSON as RFC 8259 has it, and no more: a name that an object
// has twice is an error, for two readers must not see two policies.
type reader struct {
	text string
	at   int
}

// A jsonError is an error of the JSON itself.
type jsonError struct {
	at   int
	path *path
	why  string
}

func (e *jsonError) Error() string { return e.why }

func (r *reader) fail(at int, p *path, format string, args ...any) error {
	return &jsonError{at: at, path: p, why: fmt.Sprintf(format, args...)}
}

// document reads the whole text as one value.
func (r *reader) document() (node, error) {
	n, err := r.value(nil, 1)
	if err != nil {
		return node{}, err
	}
	if r.space(); r.at < len(r.text) {
		return node{}, r.fail(r.at, nil, "there is more after the end of the document")
	}
	return n, nil
}

func (r *reader) space() {
	for r.at < len(r.text) {
		switch r.text[r.at] {
		case ' ', '\t', '\n', '\r':
			r.at++
		default:
			return
		}
	}
}

// next skips white space and gives the byte that follows, or 0 at the end.
func (r *reader) next() byte {
	r.space()
	if r.at == len(r.text) {
		return 0
	}
	return r.text[r.at]
}

func (r *reader) value(p *path, depth int) (n node, err error) {
	if depth > maxDepth {
		return n, r.fail(r.at, p, "values nest deeper than %d levels", maxDepth)
	}
	c := r.next()
	n.at = r.at
	switch {
	case c == '{':
		n.kind = c
		n.members, err = r.object(p, depth)
	case c == '[':
		n.kind = c
		n.items, err = r.array(p, depth)
	case c == '"':
		n.kind = c
		n.text, err = r.str(p)
	case c == '-' || c >= '0' && c <= '9':
		n.kind = '0'
		n.text, err = r.number(p)
	case c == 0 && r.at == len(r.text):
		err = r.fail(r.at, p, "the document ends where a value should be")
	default:
		n.kind, n.text, err = r.word(p)
	}
	n.end = r.at
	return n, err
}

func (r *reader) object(p *path, depth int) ([]member, error) {
	r.at++ // {
	var members []member
	var seen map[string]bool
	if r.next() == '}' {
		r.at++
		return nil, nil
	}
	for {
		if r.next() != '"' {
			return nil, r.fail(r.at, p, "the name of a member is a string in double quotes")
		}
		m := member{at: r.at}
		var err error
		if m.name, err = r.str(p); err != nil {
			return nil, err
		}
		if seen == nil {
			seen = make(map[string]bool)
		}
		if seen[m.name] {
			return nil, r.fail(m.at, p.member(m.name), "the name is there twice")
		}
		seen[m.name] = true
		if r.next() != ':' {
			return nil, r.fail(r.at, p.member(m.name), "a colon is missing after the name")
		}
		r.at++
		if m.value, err = r.value(p.member(m.name), depth+1); err != nil {
			return nil, err
		}
		members = append(members, m)
		switch r.next() {
		case ',':
			r.at++
		case '}':
			r.at++
			return members, nil
		default:
			return nil, r.fail(r.at, p, "a comma or a closing brace is missing")
		}
	}
}

func (r *reader) array(p *path, depth int) ([]node, error) {
	r.at++ // [
	var items []node
	if r.next() == ']' {
		r.at++
		return nil, nil
	}
	for {
		n, err := r.value(p.item(len(items)), depth+1)
		if err != nil {
			return nil, err
		}
		items = append(items, n)
		switch r.next() {
		case ',':
			r.at++
		case ']':
			r.at++
			return items, nil
		default:
			return nil, r.fail(r.at, p, "a comma or a closing bracket is missing")
		}
	}
}

func (r *reader) word(p *path) (kind byte, text string, err error) {
	for word, kind := range map[string]byte{"true": 't', "false": 't', "null": 'n'} {
		if len(r.text)-r.at >= len(word) && r.text[r.at:r.at+len(word)] == word {
			r.at += len(word)
			return kind, word, nil
		}
	}
	return 0, "", r.fail(r.at, p, "there is no value")
}

func (r *reader) number(p *path) (string, error) {
	start := r.at
	digits := func() bool {
		from := r.at
		for r.at < len(r.text) && r.text[r.at] >= '0' && r.text[r.at] <= '9' {
			r.at++
		}
		return r.at > from
	}
	is := func(set string) bool {
		for i := range len(set) {
			if r.at < len(r.text) && r.text[r.at] == set[i] {
				r.at++
				return true
			}
		}
		return false
	}
	is("-")
	ok := is("0") || digits()
	if ok && is(".") {
		ok = digits()
	}
	if ok && is("eE") {
		is("+-")
		ok = digits()
	}
	if !ok {
		return "", r.fail(start, p, "the number is malformed")
	}
	return r.text[start:r.at], nil
}

func (r *reader) str(p *path) (string, error) {
	start := r.at
	r.at++ // "
	from := r.at
	for r.at < len(r.text) {
		switch c := r.text[r.at]; {
		case c == '"':
			s := r.text[from:r.at]
			r.at++
			return s, nil
		case c == '\\':
			return r.escaped(p, start, from)
		case c < ' ':
			return "", r.fail(r.at, p, "a control character stands in a string")
		default:
			r.at++
		}
	}
	return "", r.fail(start, p, "the string does not end")
}

var errEscape = errors.New("the escape is malformed")

// escaped reads on from the first backslash of a string.
func (r *reader) escaped(p *path, start, from int) (string, error) {
	s := []byte(r.text[from:r.at])
	for r.at < len(r.text) {
		switch c := r.text[r.at]; {
		case c == '"':
			r.at++
			return string(s), nil
		case c == '\\':
			at := r.at
			var err error
			if s, err = r.escape(s); err != nil {
				return "", r.fail(at, p, "%v", err)
			}
		case c < ' ':
			return "", r.fail(r.at, p, "a control character stands in a string")
		default:
			s = append(s, c)
			r.at++
		}
	}
	return "", r.fail(start, p, "the string does not end")
}

func (r *reader) escape(s []byte) ([]byte, error) {
	r.at++ // \
	if r.at == len(r.text) {
		return s, errEscape
	}
	c := r.text[r.at]
	r.at++
	switch c {
	case '"', '\\', '/':
		return append(s, c), nil
	case 'b':
		return append(s, '\b'), nil
	case 'f':
		return append(s, '\f'), nil
	case 'n':
		return append(s, '\n'), nil
	case 'r':
		return append(s, '\r'), nil
	case 't':
		return append(s, '\t'), nil
	case 'u':
		u, ok := r.hex()
		if !ok {
			return s, errEscape
		}
		if utf16.IsSurrogate(u) {
			if r.at+2 > len(r.text) || r.text[r.at:r.at+2] != `\u` {
				return s, errors.New("half of a surrogate pair is no character")
			}
			r.at += 2
			low, ok := r.hex()
			if u = utf16.DecodeRune(u, low); !ok || u == utf8.RuneError {
				return s, errors.New("half of a surrogate pair is no character")
			}
		}
		return utf8.AppendRune(s, u), nil
	default:
		return s, errEscape
	}
}

func (r *reader) hex() (u rune, ok bool) {
	if r.at+4 > len(r.text) {
		return 0, false
	}
	for _, c := range r.text[r.at : r.at+4] {
		switch {
		case c >= '0' && c <= '9':
			u = u<<4 | (c - '0')
		case c >= 'a' && c <= 'f':
			u = u<<4 | (c - 'a' + 10)
		case c >= 'A' && c <= 'F':
			u = u<<4 | (c - 'A' + 10)
		default:
			return 0, false
		}
	}
	r.at += 4
	return u, true
}
