package wire

import (
	"encoding/base64"
	"math"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"
)

// appendObject writes a structure. Members that are not set are left out;
// required lists and maps that are nil are written empty.
func appendObject(dst []byte, sh *shape, c *codec, v reflect.Value) []byte {
	dst = append(dst, '{')
	start := len(dst)
	for i := range sh.members {
		dst = appendMember(dst, &sh.members[i], &c.fields[i], v, start, false)
	}
	return append(dst, '}')
}

// appendMember writes one member of the object that starts at start, if it is
// in the body and set, or a list or map that lists says to write in any case.
func appendMember(dst []byte, m *member, f *field, v reflect.Value, start int, lists bool) []byte {
	if m.location != inBody {
		return dst
	}
	fv, ok := memberValue(m, f, v, lists)
	if !ok {
		return dst
	}
	if len(dst) > start {
		dst = append(dst, ',')
	}
	dst = append(dst, m.quoted...)
	return appendValue(dst, m.shape, f.codec, fv)
}

// memberValue returns the value of a structure's member, and whether it is to
// be written: a list or map that is not set is where it is required, and a list
// where lists says so.
func memberValue(m *member, f *field, v reflect.Value, lists bool) (fv reflect.Value, ok bool) {
	fv = v.Field(f.index)
	switch {
	case f.pointer:
		if fv.IsNil() {
			return fv, false
		}
		return fv.Elem(), true
	case f.codec.raw, m.shape.kind == blob:
		return fv, !fv.IsNil()
	case m.shape.kind == list:
		return fv, m.bit != 0 || lists || !fv.IsNil()
	case m.shape.kind == mapping:
		return fv, m.bit != 0 || !fv.IsNil()
	}
	return fv, true
}

// appendValue writes a value that is set.
func appendValue(dst []byte, sh *shape, c *codec, v reflect.Value) []byte {
	if c.raw {
		return append(dst, v.Bytes()...)
	}
	switch sh.kind {
	case text:
		return appendText(dst, v.String())
	case boolean:
		return strconv.AppendBool(dst, v.Bool())
	case integer, long:
		return strconv.AppendInt(dst, v.Int(), 10)
	case double:
		return appendDouble(dst, v.Float())
	case timestamp:
		return appendTime(dst, timeOf(v))
	case blob:
		dst = append(dst, '"')
		dst = base64.StdEncoding.AppendEncode(dst, v.Bytes())
		return append(dst, '"')
	case list:
		dst = append(dst, '[')
		for i := range v.Len() {
			if i > 0 {
				dst = append(dst, ',')
			}
			dst = appendElement(dst, sh.elem, c.elem, v.Index(i))
		}
		return append(dst, ']')
	case mapping:
		return appendMap(dst, sh, c, v)
	default:
		return appendObject(dst, sh, c, v)
	}
}

// appendElement writes a member of a list or map, which cannot be absent.
func appendElement(dst []byte, sh *shape, c *codec, v reflect.Value) []byte {
	if c.raw && v.IsNil() {
		return append(dst, "null"...)
	}
	return appendValue(dst, sh, c, v)
}

// appendMap writes a map, sorted by its keys.
func appendMap(dst []byte, sh *shape, c *codec, v reflect.Value) []byte {
	dst = append(dst, '{')
	for i, k := range sortedKeys(v) {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = append(appendText(dst, k.String()), ':')
		dst = appendElement(dst, sh.elem, c.elem, v.MapIndex(k))
	}
	return append(dst, '}')
}

// sortedKeys returns the keys of a map from strings, sorted.
func sortedKeys(v reflect.Value) []reflect.Value {
	keys := v.MapKeys()
	slices.SortFunc(keys, func(a, b reflect.Value) int { return strings.Compare(a.String(), b.String()) })
	return keys
}

// appendText writes a string. Invalid UTF-8 in it becomes U+FFFD.
func appendText(dst []byte, s string) []byte {
	for i := range len(s) {
		if b := s[i]; b < ' ' || b == '"' || b == '\\' || b >= utf8.RuneSelf {
			dst, _ = jsontext.AppendQuote(dst, s) // the error says only that something was replaced
			return dst
		}
	}
	dst = append(dst, '"')
	dst = append(dst, s...)
	return append(dst, '"')
}

// appendDouble writes a float; those that are no JSON number are strings.
func appendDouble(dst []byte, f float64) []byte {
	switch {
	case math.IsNaN(f):
		return append(dst, `"NaN"`...)
	case math.IsInf(f, 1):
		return append(dst, `"Infinity"`...)
	case math.IsInf(f, -1):
		return append(dst, `"-Infinity"`...)
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(dst, f, format, -1, 64)
}

// appendTime writes seconds since 1970 with up to three digits of a fraction.
func appendTime(dst []byte, t time.Time) []byte {
	ms := t.UnixMilli()
	if ms < 0 {
		dst = append(dst, '-')
		ms = -ms
	}
	dst = strconv.AppendInt(dst, ms/1000, 10)
	rest := ms % 1000
	if rest == 0 {
		return dst
	}
	dst = append(dst, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}

func timeOf(v reflect.Value) time.Time {
	if v.CanAddr() {
		return *v.Addr().Interface().(*time.Time)
	}
	return v.Interface().(time.Time)
}
