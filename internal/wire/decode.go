package wire

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"strconv"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"onsight/internal/fault"
)

// maxDepth is how deep lists and objects of a body may nest. Definitions of
// dashboards, the deepest that the model has, stay under 30.
const maxDepth = 100

// A decoder reads one JSON text, in one pass that also checks it.
type decoder struct {
	buf    bytes.Buffer
	json   *jsontext.Decoder
	body   []byte
	path   []step
	hidden int  // how many sensitive shapes are around the place being read
	inPath bool // the place is the request's path
	texts  bool // it reads a form, where all values are texts
	client bool // it reads an answer: rules are not checked
	broken Violations
}

// A step is one part of the path to a member: its name, a key, or an index.
type step struct {
	name  string
	index int  // from 0, where name is empty
	key   bool // name is a key of a map
}

var decoders = sync.Pool{New: func() any {
	d := new(decoder)
	d.json = jsontext.NewDecoder(&d.buf)
	return d
}}

// newDecoder returns a decoder for body. Its reader, reset when it was given
// back, takes what is in buf when it is first asked.
func newDecoder(body []byte) *decoder {
	d := decoders.Get().(*decoder)
	if len(body) > 0 {
		d.body = body
		d.buf = *bytes.NewBuffer(body)
	}
	return d
}

// release gives the decoder back with nothing of the request in it.
func (d *decoder) release() {
	if d.body != nil {
		d.buf = bytes.Buffer{}
		d.json.Reset(&d.buf)
		d.body = nil
	}
	clear(d.path[:cap(d.path)])
	d.path = d.path[:0]
	d.hidden, d.inPath, d.texts, d.client, d.broken = 0, false, false, false, Violations{}
	decoders.Put(d)
}

func (d *decoder) push(s step) { d.path = append(d.path, s) }

func (d *decoder) pop() { d.path = d.path[:len(d.path)-1] }

// where is the path to the place being read, as the service writes it.
func (d *decoder) where() string {
	var b strings.Builder
	for i, s := range d.path {
		switch {
		case s.key:
			b.WriteString("." + cut(s.name, maxPath) + ".member")
		case s.name == "":
			b.WriteString("." + strconv.Itoa(s.index+1) + ".member")
		default:
			if i > 0 {
				b.WriteByte('.')
			}
			b.WriteString(s.name)
		}
	}
	return cut(b.String(), maxPath)
}

// breaks notes the rules that the value at hand breaks; shown renders it.
func (d *decoder) breaks(sh *shape, broken uint, shown func() string) {
	if broken == 0 || d.client {
		return
	}
	if sh.name == sessionLifetime {
		d.broken.lives++
	}
	for bit := uint(1); bit <= badValue; bit <<= 1 {
		switch {
		case broken&bit == 0:
		case d.broken.full():
			d.broken.count++
		case d.hidden > 0 || sh.hides():
			d.broken.add(d.inPath, "", d.where(), sh.rule(bit))
		default:
			d.broken.add(d.inPath, shown(), d.where(), sh.rule(bit))
		}
	}
}

// missing notes the required members of a structure that are not among seen.
func (d *decoder) missing(sh *shape, seen uint64) {
	absent := sh.required &^ seen
	if absent == 0 || d.client {
		return
	}
	for i := range sh.members {
		m := &sh.members[i]
		switch {
		case m.bit&absent == 0:
		case d.broken.full():
			d.broken.count++
		default:
			d.push(step{name: m.path})
			d.broken.add(false, "null", d.where(), "Member must not be null")
			d.pop()
		}
	}
}

// syntax turns an error of the JSON reader into a fault. It says where and
// what, but repeats nothing of the body's strings.
func (d *decoder) syntax(err error) error {
	at, what := d.json.InputOffset(), "it ends too early"
	if wrong, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		at = wrong.ByteOffset
		if !errors.Is(wrong.Err, io.ErrUnexpectedEOF) {
			what = wrong.Err.Error()
			for _, quoting := range []string{"invalid escape sequence", "invalid surrogate pair"} {
				if strings.HasPrefix(what, quoting) {
					what = quoting // what follows is from inside a string
				}
			}
		}
	}
	where := ""
	if len(d.path) > 0 {
		where = " in '" + d.where() + "'"
	}
	return fault.Serialization("The body is not valid JSON: %s, at byte %d%s.", what, at, where)
}

// unexpected says that a value is not of its shape's type.
func (d *decoder) unexpected(sh *shape, got string) error {
	subject := "The body"
	if len(d.path) > 0 {
		subject = "Member '" + d.where() + "'"
	}
	if d.hidden > 0 || sh.hides() {
		got = "of another type"
	}
	want := sh.expected()
	if d.texts && sh.kind == timestamp {
		want = "a time in the form of ISO 8601"
	}
	return fault.Serialization("%s is %s where %s is expected.", subject, got, want)
}

// expected names the type of a shape for a person.
func (s *shape) expected() string {
	switch s.kind {
	case text:
		return "a string"
	case boolean:
		return "true or false"
	case integer:
		return "an integer of 32 bits"
	case long:
		return "an integer of 64 bits"
	case double:
		return "a number"
	case timestamp:
		return "a time as a number of seconds since 1970"
	case blob:
		return "a string in base64"
	case list:
		return "a list"
	default:
		return "an object"
	}
}

// kindName names what came for a person.
func kindName(k jsontext.Kind) string {
	switch k {
	case 'n':
		return "null"
	case 't':
		return "true"
	case 'f':
		return "false"
	case '"':
		return "a string"
	case '0':
		return "a number"
	case '{':
		return "an object"
	default:
		return "a list"
	}
}

// peek returns the kind of the next value.
func (d *decoder) peek() (jsontext.Kind, error) {
	k := d.json.PeekKind()
	if k == jsontext.KindInvalid {
		_, err := d.json.ReadToken()
		if err == nil {
			err = io.ErrUnexpectedEOF
		}
		return k, d.syntax(err)
	}
	return k, nil
}

// root reads the whole body, an object of which sh says what its members are,
// and returns which required ones it has.
func (d *decoder) root(sh *shape, c *codec, v reflect.Value) (seen uint64, err error) {
	k, err := d.peek()
	if err != nil {
		return 0, err
	}
	if k != '{' {
		return 0, d.unexpected(sh, kindName(k))
	}
	if seen, err = d.members(sh, c, v); err != nil {
		return 0, err
	}
	if _, err := d.json.ReadToken(); !errors.Is(err, io.EOF) {
		if err == nil {
			return 0, fault.Serialization("The body goes on after its JSON value, at byte %d.", d.json.InputOffset())
		}
		return 0, d.syntax(err)
	}
	return seen, nil
}

// value reads a value that is not null into to. It returns the rules that a
// scalar breaks, for its list, map or structure to tell; all other values tell
// themselves.
func (d *decoder) value(k jsontext.Kind, sh *shape, c *codec, to target) (broken uint, err error) {
	if c != nil && c.raw {
		return 0, d.rawValue(k, sh, to)
	}
	if sh.sensitive && sh.kind >= list {
		d.hidden++
		defer func() { d.hidden-- }()
	}
	switch sh.kind {
	case list:
		return 0, d.list(k, sh, c, to)
	case mapping:
		return 0, d.mapping(k, sh, c, to)
	case structure:
		return 0, d.structure(k, sh, c, to)
	case document:
		return 0, d.skip()
	default:
		return d.scalar(k, sh, to)
	}
}

// rawValue checks a value by its shape and keeps its bytes.
func (d *decoder) rawValue(k jsontext.Kind, sh *shape, to target) error {
	start := d.json.InputOffset()
	if _, err := d.value(k, sh, nil, target{}); err != nil {
		return err
	}
	to.v.SetBytes(bytes.Clone(bytes.TrimLeft(d.body[start:d.json.InputOffset()], " \t\r\n:,")))
	return nil
}

// skip reads a value of any kind.
func (d *decoder) skip() error {
	for depth := d.json.StackDepth(); ; {
		if _, err := d.json.ReadToken(); err != nil {
			return d.syntax(err)
		}
		now := d.json.StackDepth()
		if now > maxDepth {
			return d.tooDeep()
		}
		if now <= depth {
			return nil
		}
	}
}

func (d *decoder) tooDeep() error {
	return fault.Serialization("The body nests lists and objects more than %d deep.", maxDepth)
}

// open reads the start of a list or an object.
func (d *decoder) open(k, want jsontext.Kind, sh *shape) error {
	if k != want {
		return d.unexpected(sh, kindName(k))
	}
	if _, err := d.json.ReadToken(); err != nil {
		return d.syntax(err)
	}
	if d.json.StackDepth() > maxDepth {
		return d.tooDeep()
	}
	return nil
}

// closing reads the end of a list or an object.
func (d *decoder) closing() error {
	if _, err := d.json.ReadToken(); err != nil {
		return d.syntax(err)
	}
	return nil
}

// name reads the name of a member of an object. The bytes hold until the next read.
func (d *decoder) name() ([]byte, error) {
	raw, err := d.json.ReadValue()
	if err != nil {
		return nil, d.syntax(err)
	}
	return unquote(raw)
}

// unquote returns the text of a JSON string that is known to be valid.
func unquote(raw []byte) ([]byte, error) {
	if bytes.IndexByte(raw, '\\') < 0 {
		return raw[1 : len(raw)-1], nil
	}
	return jsontext.AppendUnquote(nil, raw)
}

func (d *decoder) structure(k jsontext.Kind, sh *shape, c *codec, to target) error {
	if k != '{' {
		return d.unexpected(sh, kindName(k))
	}
	var v reflect.Value
	if c != nil {
		v = to.v
		if to.pointer {
			p := reflect.New(c.typ)
			v.Set(p)
			v = p.Elem()
		}
	}
	seen, err := d.members(sh, c, v)
	if err != nil {
		return err
	}
	d.missing(sh, seen)
	return nil
}

// members reads an object into v, and returns which required members it has.
// Members that are null are as good as absent, and unknown ones are ignored.
func (d *decoder) members(sh *shape, c *codec, v reflect.Value) (seen uint64, err error) {
	if err := d.open('{', '{', sh); err != nil {
		return 0, err
	}
	set := 0 // members that are not null, known or not
	known := 0
	for {
		k, err := d.peek()
		if err != nil {
			return 0, err
		}
		if k == '}' {
			break
		}
		name, err := d.name()
		if err != nil {
			return 0, err
		}
		m := sh.byWire[string(name)]
		typeHint := m == nil && string(name) == "__type"
		if k, err = d.peek(); err != nil {
			return 0, err
		}
		if k != 'n' && !typeHint {
			set++
		}
		if k == 'n' || m == nil {
			if err := d.skip(); err != nil {
				return 0, err
			}
			continue
		}
		known++
		seen |= m.bit
		var to target
		var of *codec
		if c != nil {
			f := &c.fields[m.index]
			to, of = target{v.Field(f.index), f.pointer}, f.codec
		}
		d.push(step{name: m.path})
		start := d.json.InputOffset()
		broken, err := d.value(k, m.shape, of, to)
		if err != nil {
			return 0, err
		}
		if broken != 0 {
			d.breaks(m.shape, broken, func() string { return m.shape.show(d.since(start)) })
		}
		d.pop()
	}
	if sh.union && (set != 1 || known != 1) && !d.client {
		return 0, d.badUnion(sh, set)
	}
	return seen, d.closing()
}

func (d *decoder) badUnion(sh *shape, set int) error {
	var names []string
	for i := range sh.members {
		names = append(names, sh.members[i].wire)
	}
	return fault.Serialization("Member '%s' is a union with %d members set where exactly one of %s is expected.",
		d.where(), set, strings.Join(names, ", "))
}

// since is the value that was read from an offset on.
func (d *decoder) since(start int64) []byte {
	return bytes.TrimLeft(d.body[start:d.json.InputOffset()], " \t\r\n:,")
}

func (d *decoder) list(k jsontext.Kind, sh *shape, c *codec, to target) error {
	start := d.json.InputOffset()
	if err := d.open(k, '[', sh); err != nil {
		return err
	}
	var broken uint
	n := 0
	for ; ; n++ {
		k, err := d.peek()
		if err != nil {
			return err
		}
		if k == ']' {
			break
		}
		d.push(step{index: n})
		if k == 'n' && sh.elem.kind != document {
			return d.unexpected(sh.elem, kindName(k))
		}
		var of *codec
		var at target
		if c != nil {
			if n == to.v.Cap() {
				to.v.Grow(max(n, 1))
			}
			to.v.SetLen(n + 1)
			of, at.v = c.elem, to.v.Index(n)
		}
		bad, err := d.value(k, sh.elem, of, at)
		if err != nil {
			return err
		}
		if bad != 0 {
			broken |= badMember
		}
		d.pop()
	}
	if err := d.closing(); err != nil {
		return err
	}
	if c != nil && n == 0 {
		to.v.Set(reflect.MakeSlice(c.typ, 0, 0)) // there, if empty
	}
	broken |= sh.checkLength(n)
	d.breaks(sh, broken, func() string { return sh.show(d.since(start)) })
	return nil
}

func (d *decoder) mapping(k jsontext.Kind, sh *shape, c *codec, to target) error {
	start := d.json.InputOffset()
	if err := d.open(k, '{', sh); err != nil {
		return err
	}
	var all reflect.Value
	if c != nil {
		all = reflect.MakeMap(c.typ)
	}
	var broken uint
	n := 0
	for ; ; n++ {
		k, err := d.peek()
		if err != nil {
			return err
		}
		if k == '}' {
			break
		}
		raw, err := d.name()
		if err != nil {
			return err
		}
		name := string(raw)
		if k, err = d.peek(); err != nil {
			return err
		}
		d.push(step{name: name, key: true})
		if k == 'n' && sh.elem.kind != document {
			return d.unexpected(sh.elem, kindName(k))
		}
		if sh.key.checkText(name) != 0 {
			broken |= badKey
		}
		var of *codec
		var at target
		if c != nil {
			of, at.v = c.elem, reflect.New(c.elem.typ).Elem()
		}
		bad, err := d.value(k, sh.elem, of, at)
		if err != nil {
			return err
		}
		if bad != 0 {
			broken |= badValue
		}
		d.pop()
		if c != nil {
			all.SetMapIndex(reflect.ValueOf(name).Convert(c.key), at.v)
		}
	}
	if err := d.closing(); err != nil {
		return err
	}
	if c != nil {
		to.v.Set(all)
	}
	broken |= sh.checkLength(n)
	d.breaks(sh, broken, func() string { return sh.show(d.since(start)) })
	return nil
}
