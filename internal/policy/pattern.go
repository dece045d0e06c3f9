package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// A tokenKind says what a token of a pattern stands for.
type tokenKind uint8

const (
	literal  tokenKind = iota
	one                // any one character: ?
	many               // any characters, also none: *
	variable           // the value of a condition key: ${key}
)

// A token is a part of a pattern.
type token struct {
	kind tokenKind
	text string // of a literal
	ref  int    // of a variable: its place in the pattern's list
}

// A reference is a variable of a policy: ${key} or ${key, 'default'}.
type reference struct {
	key         string // in lower case
	name        string // as written
	several     bool   // whether the key has a list of values by its definition
	fallback    string
	hasFallback bool
}

// value gives what the variable stands for in a request. Only a key with one
// value can be a variable, and one that can have several cannot.
func (v *reference) value(ctx Context) (string, bool) {
	if ctx != nil && !v.several {
		if values := ctx.Values(v.key); len(values) == 1 {
			return values[0], true
		} else if len(values) > 1 {
			return "", false
		}
	}
	return v.fallback, v.hasFallback
}

// severalValues are the keys that have a list of values by their definition.
var severalValues = map[string]bool{
	"aws:tagkeys":                        true,
	"aws:calledvia":                      true,
	"aws:principalorgpaths":              true,
	"aws:principalservicenameslist":      true,
	"aws:resourceorgpaths":               true,
	"aws:sourceorgpaths":                 true,
	"quicksight:allowedembeddingdomains": true,
	"quicksight:kmskeyarns":              true,
	"sts:transitivetagkeys":              true,
}

// dialect says what of a string is more than its characters.
type dialect struct {
	wildcards bool // * and ?
	variables bool // ${…}, of version 2012-10-17
}

// tokenize parts a string into the tokens of a pattern.
func tokenize(s string, d dialect) ([]token, []reference, error) {
	var tokens []token
	var refs []reference
	from := 0 // of the literal that is being read
	flush := func(to int) {
		if to > from {
			tokens = append(tokens, token{kind: literal, text: s[from:to]})
		}
	}
	for i := 0; i < len(s); {
		switch c := s[i]; {
		case c == '*' && d.wildcards:
			flush(i)
			if len(tokens) == 0 || tokens[len(tokens)-1].kind != many {
				tokens = append(tokens, token{kind: many})
			}
			i++
			from = i
		case c == '?' && d.wildcards:
			flush(i)
			tokens = append(tokens, token{kind: one})
			i++
			from = i
		case c == '$' && d.variables && strings.HasPrefix(s[i:], "${"):
			flush(i)
			v, n, err := readVariable(s[i:])
			if err != nil {
				return nil, nil, err
			}
			if v.key == "" { // ${*}, ${?} and ${$}
				tokens = append(tokens, token{kind: literal, text: v.name})
			} else {
				tokens = append(tokens, token{kind: variable, ref: len(refs)})
				refs = append(refs, v)
			}
			i += n
			from = i
		default:
			i++
		}
	}
	flush(len(s))
	return tokens, refs, nil
}

// readVariable reads the variable that s begins with, and gives its length.
// One that only guards a special character has no key, and that as its name.
func readVariable(s string) (v reference, n int, err error) {
	for _, special := range []string{"*", "?", "$"} {
		if whole := "${" + special + "}"; strings.HasPrefix(s, whole) {
			return reference{name: special}, len(whole), nil
		}
	}
	end := strings.IndexAny(s, "},")
	if end < 0 {
		return v, 0, errors.New("a variable does not end; write ${$} for a dollar sign before a brace")
	}
	v.name = strings.TrimRight(s[2:end], " ")
	v.key = strings.ToLower(v.name)
	v.several = severalValues[v.key]
	if v.key == "" || strings.ContainsAny(v.key, "*?$'{") {
		return v, 0, fmt.Errorf("${%s} is no variable", shorten(v.name))
	}
	if s[end] == '}' {
		return v, end + 1, nil
	}
	rest := strings.TrimLeft(s[end+1:], " ")
	if !strings.HasPrefix(rest, "'") {
		return v, 0, fmt.Errorf("the default of ${%s} is written in single quotes", shorten(v.name))
	}
	text, rest, found := strings.Cut(rest[1:], "'")
	rest = strings.TrimLeft(rest, " ")
	if !found || !strings.HasPrefix(rest, "}") {
		return v, 0, fmt.Errorf("the default of ${%s} does not end", shorten(v.name))
	}
	v.fallback, v.hasFallback = text, true
	return v, len(s) - len(rest) + 1, nil
}

// A form is how a pattern can be matched.
type form uint8

const (
	anything form = iota // *
	exactly              // a literal
	begins               // a literal, then *
	general
)

// A pattern is a string with wildcards and variables, ready to be matched in
// time that grows with the text and the pattern, never with their powers.
type pattern struct {
	form     form
	lit      string    // where form is exactly or begins
	segments []segment // where form is general: what stands between the *s
	refs     []reference
}

// A segment is a run of tokens without *.
type segment struct {
	tokens []token
	lit    string // where it is a single literal, or empty
	plain  bool   // whether it is
	sieve  *sieve // where it is long and has a ?
}

func compilePattern(s string, d dialect) (pattern, error) {
	tokens, refs, err := tokenize(s, d)
	if err != nil {
		return pattern{}, err
	}
	return newPattern(tokens, refs), nil
}

func newPattern(tokens []token, refs []reference) pattern {
	tokens = join(tokens)
	switch {
	case len(tokens) == 0:
		return pattern{form: exactly}
	case len(tokens) == 1 && tokens[0].kind == many:
		return pattern{form: anything}
	case len(tokens) == 1 && tokens[0].kind == literal:
		return pattern{form: exactly, lit: tokens[0].text}
	case len(tokens) == 2 && tokens[0].kind == literal && tokens[1].kind == many:
		return pattern{form: begins, lit: tokens[0].text}
	}
	p := pattern{form: general, refs: refs}
	from := 0
	for i, t := range tokens {
		if t.kind == many {
			p.segments = append(p.segments, newSegment(tokens[from:i]))
			from = i + 1
		}
	}
	p.segments = append(p.segments, newSegment(tokens[from:]))
	return p
}

// join makes one token of literals that follow each other.
func join(tokens []token) []token {
	joined := tokens[:0]
	for _, t := range tokens {
		if n := len(joined); n > 0 && t.kind == literal && joined[n-1].kind == literal {
			joined[n-1].text += t.text
		} else {
			joined = append(joined, t)
		}
	}
	return joined
}

func newSegment(tokens []token) segment {
	s := segment{tokens: tokens}
	switch {
	case len(tokens) == 0:
		s.plain = true
	case len(tokens) == 1 && tokens[0].kind == literal:
		s.plain, s.lit = true, tokens[0].text
	default:
		s.sieve = newSieve(tokens)
	}
	return s
}

// match says whether the text fits. It is unresolved when a variable has no
// value; then nothing fits.
func (p *pattern) match(text string, ctx Context) (ok, unresolved bool) {
	switch p.form {
	case anything:
		return true, false
	case exactly:
		return text == p.lit, false
	case begins:
		return strings.HasPrefix(text, p.lit), false
	default:
	}
	var few [4]string
	values := few[:0]
	for i := range p.refs {
		v, ok := p.refs[i].value(ctx)
		if !ok {
			return false, true
		}
		values = append(values, v)
	}
	return p.fits(text, values), false
}

// fits matches the first segment at the start, the last at the end, and each
// one between at the first place after the one before: where a later place
// would do, the first does too.
func (p *pattern) fits(text string, values []string) bool {
	last := len(p.segments) - 1
	rest, ok := p.segments[0].cutPrefix(text, values)
	if !ok || last == 0 {
		return ok && rest == ""
	}
	if rest, ok = p.segments[last].cutSuffix(rest, values); !ok {
		return false
	}
	for i := 1; i < last; i++ {
		if rest, ok = p.segments[i].cutFirst(rest, values); !ok {
			return false
		}
	}
	return true
}

// cutPrefix takes the segment from the start of text.
func (s *segment) cutPrefix(text string, values []string) (rest string, ok bool) {
	if s.plain {
		return strings.CutPrefix(text, s.lit)
	}
	for _, t := range s.tokens {
		switch t.kind {
		case one:
			if text == "" {
				return "", false
			}
			_, n := utf8.DecodeRuneInString(text)
			text = text[n:]
		case variable:
			text, ok = strings.CutPrefix(text, values[t.ref])
			if !ok {
				return "", false
			}
		case literal, many:
			text, ok = strings.CutPrefix(text, t.text)
			if !ok {
				return "", false
			}
		}
	}
	return text, true
}

// cutSuffix takes the segment from the end of text.
func (s *segment) cutSuffix(text string, values []string) (rest string, ok bool) {
	if s.plain {
		return strings.CutSuffix(text, s.lit)
	}
	for _, t := range slices.Backward(s.tokens) {
		switch t.kind {
		case one:
			if text == "" {
				return "", false
			}
			_, n := utf8.DecodeLastRuneInString(text)
			text = text[:len(text)-n]
		case variable:
			text, ok = strings.CutSuffix(text, values[t.ref])
			if !ok {
				return "", false
			}
		case literal, many:
			text, ok = strings.CutSuffix(text, t.text)
			if !ok {
				return "", false
			}
		}
	}
	return text, true
}

// cutFirst takes all up to the end of the segment's first place in text.
func (s *segment) cutFirst(text string, values []string) (rest string, ok bool) {
	if s.plain {
		i := strings.Index(text, s.lit)
		if i < 0 {
			return "", false
		}
		return text[i+len(s.lit):], true
	}
	if s.sieve != nil {
		return s.sieve.cutFirst(text)
	}
	for {
		if rest, ok := s.cutPrefix(text, values); ok {
			return rest, true
		}
		if text == "" {
			return "", false
		}
		_, n := utf8.DecodeRuneInString(text)
		text = text[n:]
	}
}

// A sieve finds a long segment with ?s in one pass over the text (Shift-And,
// Baeza-Yates and Gonnet 1992): a bit for each beginning of the segment that
// the text read so far ends with.
type sieve struct {
	length int
	any    []uint64          // the places of ?
	at     map[rune][]uint64 // the places of each character, and of ?
}

// sieveFrom is the length from which on a sieve is quicker than trying each
// place.
const sieveFrom = 24

func newSieve(tokens []token) *sieve {
	length := 0
	for _, t := range tokens {
		switch t.kind {
		case one:
			length++
		case literal:
			length += utf8.RuneCountInString(t.text)
		case variable, many:
			return nil // its length is not known before the request
		}
	}
	if length < sieveFrom {
		return nil
	}
	words := (length + 63) / 64
	s := &sieve{length: length, any: make([]uint64, words), at: make(map[rune][]uint64)}
	i := 0
	for _, t := range tokens {
		if t.kind == one {
			s.any[i/64] |= 1 << (i % 64)
			i++
		}
		for _, c := range t.text {
			if s.at[c] == nil {
				s.at[c] = make([]uint64, words)
			}
			s.at[c][i/64] |= 1 << (i % 64)
			i++
		}
	}
	for _, bits := range s.at {
		for w := range bits {
			bits[w] |= s.any[w]
		}
	}
	return s
}

func (s *sieve) cutFirst(text string) (rest string, ok bool) {
	var few [8]uint64
	state := few[:]
	if len(s.any) > len(few) {
		state = make([]uint64, len(s.any))
	}
	state = state[:len(s.any)]
	end := uint64(1) << ((s.length - 1) % 64)
	for i, c := range text {
		bits := s.at[c]
		if bits == nil {
			bits = s.any
		}
		carry := uint64(1)
		for w := range state {
			next := state[w] >> 63
			state[w] = (state[w]<<1 | carry) & bits[w]
			carry = next
		}
		if state[len(state)-1]&end != 0 {
			_, n := utf8.DecodeRuneInString(text[i:])
			return text[i+n:], true
		}
	}
	return "", false
}

// foldCase gives a pattern of a name that has no case, to be matched against
// names in lower case.
func foldCase(s string) pattern {
	p, err := compilePattern(strings.ToLower(s), dialect{wildcards: true})
	if err != nil { // only variables can be wrong
		panic(err)
	}
	return p
}
