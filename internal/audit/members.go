package audit

import (
	"cmp"
	"encoding/json"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"onsight/internal/contract"
)

// hidden stands for what must not be shown, in CloudTrail's words.
const hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"

// maxMembers bounds requestParameters and responseElements, in bytes each. What
// is larger is left out whole, as CloudTrail leaves out what is over 100 KB.
const maxMembers = 16 << 10

// secret names members that let someone in, but that the models do not mark
// sensitive.
var secret = map[string]bool{
	"AuthenticationCode1": true, // of MFA devices
	"AuthenticationCode2": true,
	"SessionToken":        true,
	"TokenCode":           true,
	"UserInvitationUrl":   true,
	"WebProxyPassword":    true,
}

// aside names members of outputs that the encoder of answers fills in.
var aside = map[string]bool{"RequestId": true, "Status": true}

// appendMembers appends the members of an operation's input or output, a
// pointer to its struct, as a JSON object with CloudTrail's names.
func appendMembers(b []byte, v any) []byte {
	w := writer{b: b, end: len(b) + maxMembers}
	value := reflect.ValueOf(v)
	shapeOf(value.Type()).write(&w, value)
	if w.full {
		return omitted(w.b[:len(b)], 0, "too large")
	}
	return w.b
}

// A writer writes values as JSON, up to an end.
type writer struct {
	b    []byte
	end  int
	full bool // there is more than fits
}

// room tells whether there is room for n bytes. Once there is not, nothing
// that is written counts any more.
func (w *writer) room(n int) bool {
	w.full = w.full || len(w.b)+n > w.end
	return !w.full
}

// text writes a string.
func (w *writer) text(s string) {
	if w.room(len(s)) {
		w.b = quote(w.b, withoutPasswords(s))
	}
}

// withoutPasswords hides who is named, perhaps with a password, before the host
// of a URL: https://user:password@host/.
func withoutPasswords(s string) string {
	before, rest, ok := strings.Cut(s, "://")
	if !ok {
		return s
	}
	end := strings.IndexAny(rest, "/?# ")
	if end < 0 {
		end = len(rest)
	}
	if at := strings.LastIndexByte(rest[:end], '@'); at >= 0 {
		return before + "://" + hidden + rest[at:end] + withoutPasswords(rest[end:])
	}
	return before + "://" + rest[:end] + withoutPasswords(rest[end:])
}

// A shape knows how values of a type are written.
type shape struct {
	write  func(*writer, reflect.Value)
	fields []field
}

// A field is a member of a structure.
type field struct {
	name     string // with quotes and colon
	index    int
	shape    *shape
	absent   bool // nil is absent
	hidden   bool
	skipZero bool
}

var shapes sync.Map // reflect.Type to *shape

func shapeOf(t reflect.Type) *shape {
	if s, ok := shapes.Load(t); ok {
		return s.(*shape)
	}
	built := map[reflect.Type]*shape{}
	s := build(t, built)
	for t, s := range built { // all whole now; another goroutine's are as good
		shapes.LoadOrStore(t, s)
	}
	return s
}

// build makes the shape of t. Types may hold themselves.
func build(t reflect.Type, built map[reflect.Type]*shape) *shape {
	if s, ok := built[t]; ok {
		return s
	}
	s := &shape{}
	built[t] = s
	switch {
	case t == reflect.TypeFor[contract.Secret]():
		s.write = func(w *writer, _ reflect.Value) { w.text(hidden) }
		return s
	case t == reflect.TypeFor[time.Time]():
		s.write = func(w *writer, v reflect.Value) {
			w.text(v.Interface().(time.Time).UTC().Format(time.RFC3339))
		}
		return s
	case t == reflect.TypeFor[json.RawMessage]():
		// Whether a document holds something sensitive, only its shape in the
		// model would tell.
		s.write = func(w *writer, v reflect.Value) { w.b = omitted(w.b, v.Len(), "document") }
		return s
	}
	switch t.Kind() {
	case reflect.Pointer:
		elem := build(t.Elem(), built)
		s.write = func(w *writer, v reflect.Value) {
			if v.IsNil() {
				w.b = append(w.b, "null"...)
				return
			}
			elem.write(w, v.Elem())
		}
	case reflect.String:
		s.write = func(w *writer, v reflect.Value) { w.text(v.String()) }
	case reflect.Bool:
		s.write = func(w *writer, v reflect.Value) { w.b = strconv.AppendBool(w.b, v.Bool()) }
	case reflect.Int32, reflect.Int64:
		s.write = func(w *writer, v reflect.Value) { w.b = strconv.AppendInt(w.b, v.Int(), 10) }
	case reflect.Float64:
		s.write = func(w *writer, v reflect.Value) { w.b = appendFloat(w.b, v.Float()) }
	case reflect.Slice:
		if t.Elem().Kind() == reflect.Uint8 {
			s.write = func(w *writer, v reflect.Value) { w.b = omitted(w.b, v.Len(), "binary") }
			break
		}
		elem := build(t.Elem(), built)
		s.write = func(w *writer, v reflect.Value) { writeList(w, v, elem) }
	case reflect.Map:
		elem := build(t.Elem(), built)
		s.write = func(w *writer, v reflect.Value) { writeMap(w, v, elem) }
	case reflect.Struct:
		s.fields = fieldsOf(t, built)
		s.write = s.writeStruct
	default:
		// The models have no such values.
		s.write = func(w *writer, _ reflect.Value) { w.b = omitted(w.b, 0, "unknown type") }
	}
	return s
}

func fieldsOf(t reflect.Type, built map[reflect.Type]*shape) []field {
	fields := make([]field, 0, t.NumField())
	for sf := range t.Fields() {
		f := field{
			name: `"` + lowerFirst(sf.Name) + `":`, index: sf.Index[0], shape: build(sf.Type, built),
			hidden: secret[sf.Name], skipZero: aside[sf.Name],
		}
		switch sf.Type.Kind() {
		case reflect.Pointer, reflect.Slice, reflect.Map:
			f.absent = true
		default:
		}
		fields = append(fields, f)
	}
	return fields
}

// lowerFirst is the name of a member as CloudTrail writes it: awsAccountId.
func lowerFirst(name string) string { return strings.ToLower(name[:1]) + name[1:] }

func (s *shape) writeStruct(w *writer, v reflect.Value) {
	w.b = append(w.b, '{')
	first := true
	for i := range s.fields {
		f := &s.fields[i]
		m := v.Field(f.index)
		if f.absent && m.IsNil() || f.skipZero && m.IsZero() {
			continue
		}
		if !first {
			w.b = append(w.b, ',')
		}
		first = false
		w.b = append(w.b, f.name...)
		if f.hidden {
			w.text(hidden)
			continue
		}
		if !w.room(0) {
			return
		}
		f.shape.write(w, m)
	}
	w.b = append(w.b, '}')
}

func writeList(w *writer, v reflect.Value, elem *shape) {
	w.b = append(w.b, '[')
	for i := range v.Len() {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		if !w.room(0) {
			return
		}
		elem.write(w, v.Index(i))
	}
	w.b = append(w.b, ']')
}

func writeMap(w *writer, v reflect.Value, elem *shape) {
	w.b = append(w.b, '{')
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return cmp.Compare(a.String(), b.String()) })
	for i, k := range keys {
		if i > 0 {
			w.b = append(w.b, ',')
		}
		if !w.room(0) {
			return
		}
		w.text(k.String())
		w.b = append(w.b, ':')
		elem.write(w, v.MapIndex(k))
	}
	w.b = append(w.b, '}')
}

// appendFloat appends a number; JSON has none that are not finite.
func appendFloat(b []byte, f float64) []byte {
	if f-f != 0 {
		return quote(b, strconv.FormatFloat(f, 'g', -1, 64))
	}
	return strconv.AppendFloat(b, f, 'g', -1, 64)
}
