package policy

import (
	"strings"
)

// An arnText is an ARN whose fields are found when they are asked for.
type arnText struct {
	text string
	// from is where the fields after the first begin; fields counts them all,
	// at most six, and is 0 as long as nobody has looked.
	from   [5]int
	fields int
}

// isARN says whether the text has the six fields of an ARN, and finds them.
func (a *arnText) isARN() bool {
	if a.fields == 0 {
		*a = splitARN(a.text)
	}
	return a.fields == 6
}

func splitARN(text string) arnText {
	a := arnText{text: text, fields: 1}
	at := 0
	for a.fields < 6 {
		i := strings.IndexByte(text[at:], ':')
		if i < 0 {
			break
		}
		at += i + 1
		a.from[a.fields-1] = at
		a.fields++
	}
	return a
}

// field gives the i-th of the first five fields, of an ARN that has six.
func (a *arnText) field(i int) string {
	start := 0
	if i > 0 {
		start = a.from[i-1]
	}
	return a.text[start : a.from[i]-1]
}

// rest gives the sixth field.
func (a *arnText) rest() string { return a.text[a.from[4]:] }

// An arnPattern is a pattern whose first five fields are matched one by one,
// so that no wildcard crosses into another, and whose sixth takes the rest.
type arnPattern struct {
	text string
	any  bool // a lone *
	// head is the first five fields with their colons, where they hold no
	// wildcard; fields are their patterns where they do.
	head   string
	fields []pattern
	rest   pattern
	// loose are the tokens of a pattern with a variable in the first five
	// fields: where its fields part is known with the request only.
	loose     []token
	looseRefs []reference
}

// newARNPattern compiles the tokens of a pattern. Fields that are missing at
// the end match anything.
func newARNPattern(text string, tokens []token, refs []reference) arnPattern {
	if len(tokens) == 1 && tokens[0].kind == many {
		return arnPattern{text: text, any: true}
	}
	parts, open := splitTokens(tokens)
	if open {
		return arnPattern{text: text, loose: tokens, looseRefs: refs}
	}
	a := arnPattern{text: text, rest: pattern{form: anything}}
	if len(parts) == 6 {
		a.rest = newPattern(parts[5], refs)
	}
	a.fields = make([]pattern, 5)
	plain := true
	for i := range a.fields {
		a.fields[i] = pattern{form: anything}
		if i < len(parts) {
			a.fields[i] = newPattern(parts[i], nil)
		}
		plain = plain && a.fields[i].form == exactly
	}
	if plain {
		for i := range a.fields {
			a.head += a.fields[i].lit + ":"
		}
		a.fields = nil
	}
	return a
}

// splitTokens parts tokens at the first five colons. It is open where a
// variable comes before the fifth.
func splitTokens(tokens []token) (parts [][]token, open bool) {
	parts = make([][]token, 1, 6)
	add := func(t token) { parts[len(parts)-1] = append(parts[len(parts)-1], t) }
	for _, t := range tokens {
		if len(parts) == 6 {
			add(t)
			continue
		}
		switch t.kind {
		case variable:
			open = true
			add(t)
		case literal:
			for {
				before, after, found := strings.Cut(t.text, ":")
				if !found || len(parts) == 6 {
					break
				}
				if before != "" {
					add(token{kind: literal, text: before})
				}
				parts = append(parts, nil)
				t.text = after
			}
			if t.text != "" {
				add(t)
			}
		case one, many:
			add(t)
		}
	}
	return parts, open
}

// match says whether an ARN fits. It is unresolved when a variable has no
// value; then none fits.
func (p *arnPattern) match(a *arnText, ctx Context) (ok, unresolved bool) {
	switch {
	case p.any:
		return true, false
	case p.loose != nil:
		fixed, ok := p.resolve(ctx)
		if !ok {
			return false, true
		}
		return fixed.match(a, nil)
	case !a.isARN():
		return false, p.missing(ctx)
	case p.fields == nil:
		if !strings.HasPrefix(a.text, p.head) {
			return false, p.missing(ctx)
		}
		return p.rest.match(a.text[len(p.head):], ctx)
	}
	for i := range p.fields {
		if ok, _ := p.fields[i].match(a.field(i), nil); !ok {
			return false, p.missing(ctx)
		}
	}
	return p.rest.match(a.rest(), ctx)
}

// missing says whether a variable of the pattern has no value.
func (p *arnPattern) missing(ctx Context) bool {
	for i := range p.rest.refs {
		if _, ok := p.rest.refs[i].value(ctx); !ok {
			return true
		}
	}
	return false
}

// resolve puts the values of a request into a loose pattern.
func (p *arnPattern) resolve(ctx Context) (*arnPattern, bool) {
	tokens := make([]token, len(p.loose))
	for i, t := range p.loose {
		if t.kind == variable {
			v, ok := p.looseRefs[t.ref].value(ctx)
			if !ok {
				return nil, false
			}
			t = token{kind: literal, text: v}
		}
		tokens[i] = t
	}
	fixed := newARNPattern(p.text, join(tokens), nil)
	return &fixed, true
}
