package wire

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"reflect"
	"regexp/syntax"
	"strconv"
	"strings"
	"testing"
)

// A sampler makes values that keep the rules of their shapes.
type sampler struct {
	t        *testing.T
	rand     *rand.Rand
	optional float64 // how often an optional member is there
	form     bool    // only what a form can have: times without fractions, no empty maps
}

// lookAroundSamples are strings of the patterns that no generator reads.
var lookAroundSamples = map[string][]string{
	`^(?!D-|d-)([\da-zA-Z]+)([-]*[\da-zA-Z])*`:   {"a", "acme-2", "D1-x"},
	`(?=^.{2,256}$)(?!.*\s)[0-9a-zA-Z-_.:=+@]*$`: {"ab", "a-b_c.d:e=f+g@h"},
	`(?!\s*$).+`:          {"x", " an agent "},
	`(?!\s+$)[^{}"\\<>]*`: {"a title", "é ' ü"},
	`^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$`: {"abc", "a-b-c", "0-9"},
}

// text returns a string that keeps the rules of sh.
func (s *sampler) text(sh *shape) string {
	if sh.enum != nil {
		values := strings.Split(sh.enumText, ", ")
		return values[s.rand.IntN(len(values))]
	}
	least := 1
	if sh.minText != "" {
		least, _ = strconv.Atoi(sh.minText)
	}
	if sh.pattern == nil {
		alphabet := []rune("ab 0/+%@é世😀")
		out := make([]rune, least+s.rand.IntN(3))
		for i := range out {
			out[i] = alphabet[s.rand.IntN(len(alphabet))]
		}
		if sh.maxText == "0" {
			return ""
		}
		if n, err := strconv.Atoi(sh.maxText); err == nil && len(out) > n {
			out = out[:n]
		}
		return string(out)
	}
	if samples := lookAroundSamples[sh.pattern.text]; samples != nil {
		return samples[s.rand.IntN(len(samples))]
	}
	expr, err := fromJava(sh.pattern.text)
	if err != nil {
		s.t.Fatal(err)
	}
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		s.t.Fatal(err)
	}
	// A pattern alone does not know the length: try repeats of many sizes.
	for try := range 2000 {
		var b strings.Builder
		s.matching(&b, tree, 1+try/20)
		if sh.checkText(b.String()) == 0 {
			return b.String()
		}
	}
	s.t.Fatalf("no string found for shape %s with pattern %s", sh.name, sh.pattern.text)
	return ""
}

// matching writes a string that tree matches, with repeats of up to more over the least.
func (s *sampler) matching(b *strings.Builder, tree *syntax.Regexp, more int) {
	repeat := func(low, high int) {
		n := low + s.rand.IntN(more+1)
		if high >= 0 {
			n = min(n, high)
		}
		for range n {
			s.matching(b, tree.Sub[0], more)
		}
	}
	switch tree.Op {
	case syntax.OpLiteral:
		b.WriteString(string(tree.Rune))
	case syntax.OpCharClass:
		b.WriteRune(s.oneOf(tree.Rune))
	case syntax.OpConcat:
		for _, sub := range tree.Sub {
			s.matching(b, sub, more)
		}
	case syntax.OpAlternate:
		s.matching(b, tree.Sub[s.rand.IntN(len(tree.Sub))], more)
	case syntax.OpCapture:
		s.matching(b, tree.Sub[0], more)
	case syntax.OpStar:
		repeat(0, -1)
	case syntax.OpPlus:
		repeat(1, -1)
	case syntax.OpQuest:
		repeat(0, 1)
	case syntax.OpRepeat:
		repeat(tree.Min, tree.Max)
	default: // anchors, and what matches nothing
	}
}

// oneOf picks a character of a class, more often from its low end, and none
// that is half a pair.
func (s *sampler) oneOf(ranges []rune) rune {
	for {
		i := s.rand.IntN(len(ranges)/2) * 2
		width := min(ranges[i+1]-ranges[i]+1, 300)
		if r := ranges[i] + rune(s.rand.IntN(int(width))); r < 0xD800 || r > 0xDFFF {
			return r
		}
	}
}

// number returns a number that keeps the rules of sh.
func (s *sampler) number(sh *shape) float64 {
	low, high := -100.0, 100.0
	if sh.minText != "" {
		low = sh.min
		high = low + 100
	}
	if sh.maxText != "" {
		high = min(high, sh.max)
		low = min(low, high)
	}
	return low + float64(s.rand.IntN(int(high-low)+1))
}

// scalarText returns a scalar as it stands in a path or query. It is not
// empty, even where its pattern allows that: a path has no place for it.
func (s *sampler) scalarText(sh *shape) string {
	switch sh.kind {
	case text:
		for {
			if v := s.text(sh); v != "" {
				return v
			}
		}
	case boolean:
		return strconv.FormatBool(s.rand.IntN(2) == 0)
	default:
		return strconv.FormatFloat(s.number(sh), 'f', -1, 64)
	}
}

// json returns a JSON value that keeps the rules of sh.
func (s *sampler) json(sh *shape, depth int) string {
	switch sh.kind {
	case text:
		return string(appendText(nil, s.text(sh)))
	case boolean:
		return strconv.FormatBool(s.rand.IntN(2) == 0)
	case integer, long:
		return strconv.FormatFloat(s.number(sh), 'f', -1, 64)
	case double:
		if sh.minText == "" && sh.maxText == "" && s.rand.IntN(8) == 0 {
			return []string{`"Infinity"`, `"-Infinity"`, "0.1", "1e300", "-2.5e-9"}[s.rand.IntN(5)]
		}
		return strconv.FormatFloat(s.number(sh), 'f', -1, 64)
	case timestamp:
		if s.form {
			return []string{"0", "1695305695", "-1", "253402300799"}[s.rand.IntN(4)]
		}
		return []string{"0", "1.695305695063E9", "1689000349", "1689000349.5", "-1.25"}[s.rand.IntN(5)]
	case blob:
		return `"` + base64.StdEncoding.EncodeToString([]byte("blob")[:s.rand.IntN(5)]) + `"`
	case document:
		return []string{`{"a":[1,null,{"b":"\u0000"}]}`, `"text"`, `[ 1 , 2 ]`, `true`, `3.0`}[s.rand.IntN(5)]
	case list, mapping:
		return s.collection(sh, depth)
	default:
		return s.object(sh, depth, func(*member) bool { return true })
	}
}

func (s *sampler) collection(sh *shape, depth int) string {
	n := 0
	if sh.minText != "" {
		n = int(sh.min)
	}
	if s.rand.Float64() < s.optional && depth < 6 {
		n = max(n, 1+s.rand.IntN(2))
	}
	if s.form && sh.kind == mapping {
		n = max(n, 1)
	}
	if sh.maxText != "" {
		n = min(n, int(sh.max))
	}
	var parts []string
	keys := make(map[string]bool)
	for try := 0; len(parts) < n && try < 50; try++ {
		value := s.json(sh.elem, depth+1)
		if sh.kind == list {
			parts = append(parts, value)
			continue
		}
		if key := s.text(sh.key); !keys[key] {
			keys[key] = true
			parts = append(parts, string(appendText(nil, key))+":"+value)
		}
	}
	if sh.kind == list {
		return "[" + strings.Join(parts, ",") + "]"
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// object returns a structure with those members that pass.
func (s *sampler) object(sh *shape, depth int, pass func(*member) bool) string {
	var parts []string
	add := func(m *member) {
		parts = append(parts, fmt.Sprintf("%q:%s", m.wire, s.json(m.shape, depth+1)))
	}
	if sh.union {
		pick := s.rand.IntN(len(sh.members))
		for i := range sh.members { // deep down, the way out
			if depth > 6 && sh.members[i].shape.scalar() {
				pick = i
			}
		}
		add(&sh.members[pick])
	} else {
		for i := range sh.members {
			m := &sh.members[i]
			if pass(m) && (m.bit != 0 || depth < 6 && s.rand.Float64() < s.optional/float64(1+depth)) {
				add(m)
			}
		}
	}
	return "{" + strings.Join(parts, ",") + "}"
}

// value returns a pointer to a new value of sh that keeps its rules, without
// the members that travel outside the body or are filled in.
func (s *sampler) value(op *Operation, sh *shape, in reflect.Type, codecOf func(reflect.Type) (*codec, error)) any {
	s.t.Helper()
	document := s.object(sh, 0, func(m *member) bool { return m.location == inBody && m != op.plan.status && m != op.plan.requestID })
	v := reflect.New(in)
	c, err := codecOf(in)
	if err != nil {
		s.t.Fatal(err)
	}
	d := newDecoder([]byte(document))
	defer d.release()
	d.client = true
	if _, err := d.root(sh, c, v.Elem()); err != nil {
		s.t.Fatalf("%v\n%s", err, document)
	}
	return v.Interface()
}
