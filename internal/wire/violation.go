package wire

import (
	"bytes"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"onsight/internal/fault"
)

// Bounds of a ValidationException's message, which repeats what the caller sent.
const (
	maxShown   = 100  // violations told one by one
	maxValue   = 1024 // bytes of a value
	maxPath    = 512  // bytes of a member path, which can hold keys of maps
	maxMessage = 32 << 10
)

// sessionLifetime is the shape of the lifetime of an embedded session.
const sessionLifetime = "SessionLifetimeInMinutes"

// maxMatched is how many bytes of a string that is too long are still matched
// against its pattern.
const maxMatched = 16 << 10

// Violations are the rules of the model that a request breaks, in the order in
// which they were found: path, query, body.
type Violations struct {
	found []violation // the first of them
	count int         // all of them
	size  int         // bytes of the texts in found
	// lives counts those that are about the lifetime of an embedded session.
	lives int
}

type violation struct {
	label bool // of a member in the path
	text  string
}

// Labels returns the ValidationException for what is wrong with members of
// the path, on which the ARN of the resource depends, or nil.
func (v Violations) Labels() error {
	labels := Violations{}
	for _, one := range v.found {
		if one.label {
			labels.found = append(labels.found, one)
		}
	}
	labels.count = len(labels.found)
	return labels.Err()
}

// Err returns the ValidationException for all violations, or nil. A wrong
// lifetime of an embedded session, where nothing else is wrong, has an exception
// of its own, which all operations with one declare.
func (v Violations) Err() error {
	if v.count == 0 {
		return nil
	}
	if v.lives == v.count {
		return fault.New("SessionLifetimeInMinutesInvalidException", "SessionLifetimeInMinutes must be between 15 and 600 minutes.")
	}
	var b strings.Builder
	b.WriteString(strconv.Itoa(v.count))
	if v.count == 1 {
		b.WriteString(" validation error detected: ")
	} else {
		b.WriteString(" validation errors detected: ")
	}
	for i, one := range v.found {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(one.text)
	}
	if more := v.count - len(v.found); more > 0 {
		fmt.Fprintf(&b, "; and %d more", more)
	}
	return fault.Validation(b.String())
}

// full tells whether further violations are only counted.
func (v *Violations) full() bool { return len(v.found) >= maxShown || v.size >= maxMessage }

// add notes that the value at path breaks the rule. shown is the value as it
// is to be shown, with quotes if any, or empty to hide it.
func (v *Violations) add(label bool, shown, path, rule string) {
	v.count++
	if shown != "" {
		shown = " " + shown
	}
	one := violation{label, "Value" + shown + " at '" + path + "' failed to satisfy constraint: " + rule}
	v.size += len(one.text)
	v.found = append(v.found, one)
}

// quoteValue is a value between quotes, cut where it is long.
func quoteValue(s string) string { return "'" + cut(s, maxValue) + "'" }

// cut shortens s to about limit bytes.
func cut(s string, limit int) string {
	if len(s) <= limit {
		return s
	}
	for limit > 0 && !utf8.RuneStart(s[limit]) {
		limit--
	}
	return s[:limit] + "…"
}

// The rules that a value can break, as bits.
const (
	tooLong = 1 << iota // or too high
	tooShort
	offPattern
	offEnum
	badMember // of a list of scalars
	badKey    // of a map
	badValue  // of a map of scalars
)

// rule is the service's sentence for one of the bits above.
func (s *shape) rule(bit uint) string {
	measure := "length"
	if s.kind == integer || s.kind == long || s.kind == double {
		measure = "value"
	}
	switch bit {
	case tooLong:
		return "Member must have " + measure + " less than or equal to " + s.maxText
	case tooShort:
		return "Member must have " + measure + " greater than or equal to " + s.minText
	case offPattern:
		return "Member must satisfy regular expression pattern: " + s.pattern.text
	case offEnum:
		return "Member must satisfy enum value set: [" + s.enumText + "]"
	case badMember:
		return "Member must satisfy constraint: [" + s.elem.rules() + "]"
	case badKey:
		return "Map keys must satisfy constraint: [" + s.key.rules() + "]"
	default:
		return "Map value must satisfy constraint: [" + s.elem.rules() + "]"
	}
}

// rules are all sentences that a shape of scalars has, broken or not, as the
// service tells them of the members of lists and maps.
func (s *shape) rules() string {
	var all []string
	if s.maxText != "" {
		all = append(all, s.rule(tooLong))
	}
	if s.minText != "" {
		all = append(all, s.rule(tooShort))
	}
	if s.pattern != nil {
		all = append(all, s.rule(offPattern))
	}
	if s.enum != nil {
		all = append(all, s.rule(offEnum))
	}
	return strings.Join(all, ", ")
}

// checkText returns the rules that a string breaks.
func (s *shape) checkText(v string) (broken uint) {
	if s.maxText != "" || s.minText != "" {
		broken = s.checkLength(runeCount(v))
	}
	if broken&tooLong != 0 && len(v) > maxMatched {
		return broken // the length says enough, and an expression takes its time over megabytes
	}
	if s.pattern != nil && !s.pattern.match(v) {
		broken |= offPattern
	}
	if s.enum != nil {
		if _, ok := s.enum[v]; !ok {
			broken |= offEnum
		}
	}
	return broken
}

// runeCount is utf8.RuneCountInString, quicker for what is short and ASCII.
func runeCount(s string) int {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return utf8.RuneCountInString(s)
		}
	}
	return len(s)
}

// checkLength returns the rules that a length breaks.
func (s *shape) checkLength(n int) (broken uint) { return s.checkNumber(float64(n)) }

// checkNumber returns the rules that a number breaks; NaN breaks each limit.
func (s *shape) checkNumber(n float64) (broken uint) {
	if s.maxText != "" && !(n <= s.max) {
		broken |= tooLong
	}
	if s.minText != "" && !(n >= s.min) {
		broken |= tooShort
	}
	return broken
}

// hides tells whether values of the shape are shown to nobody. What a
// structure holds is never shown.
func (s *shape) hides() bool {
	return s.sensitive || s.elem != nil && s.elem.hides() || s.key != nil && s.key.sensitive
}

// show renders a value as the service does in its messages, in the manner of
// Java: [a, b] for lists, {k=v} for maps. A structure, which the service shows
// as the address of an object, is its type's name.
func (s *shape) show(value []byte) string {
	dec := jsontext.NewDecoder(bytes.NewBuffer(value), jsontext.AllowDuplicateNames(true))
	out := s.appendShown(nil, dec)
	return quoteValue(string(out))
}

func (s *shape) appendShown(dst []byte, dec *jsontext.Decoder) []byte {
	switch k := dec.PeekKind(); {
	case k == '[' && s.kind == list, k == '{' && s.kind == mapping:
		return s.appendMembersShown(dst, dec, k)
	case k == '[' || k == '{':
		if dec.SkipValue() != nil {
			return dst
		}
		return append(dst, s.name...)
	}
	tok, err := dec.ReadToken()
	if err != nil {
		return dst
	}
	return append(dst, cut(tok.String(), maxValue)...)
}

func (s *shape) appendMembersShown(dst []byte, dec *jsontext.Decoder, open jsontext.Kind) []byte {
	closing := open + 2 // in ASCII, as [ ] and { }
	_, _ = dec.ReadToken()
	dst = append(dst, byte(open))
	for first := true; dec.PeekKind() != closing; first = false {
		if len(dst) > maxValue {
			return dst // it is cut there in any case
		}
		if !first {
			dst = append(dst, ", "...)
		}
		if open == '{' {
			name, err := dec.ReadToken()
			if err != nil {
				return dst
			}
			dst = append(append(dst, cut(name.String(), maxValue)...), '=')
		}
		dst = s.elem.appendShown(dst, dec)
	}
	_, _ = dec.ReadToken()
	return append(dst, byte(closing))
}
