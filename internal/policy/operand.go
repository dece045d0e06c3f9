package policy

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"time"
)

// texts are the values of StringEquals and StringLike.
type texts []pattern

// folded are the values of StringEqualsIgnoreCase.
type folded []pattern

func newStrings(values []string, op operator, variables bool) (operand, error) {
	patterns := make([]pattern, len(values))
	for i, v := range values {
		var err error
		if patterns[i], err = compilePattern(v, dialect{wildcards: op.like, variables: variables}); err != nil {
			return nil, err
		}
	}
	if op.fold {
		return folded(patterns), nil
	}
	return texts(patterns), nil
}

func (t texts) match(value string, ctx Context) verdict {
	for i := range t {
		if ok, _ := t[i].match(value, ctx); ok {
			return yes
		}
	}
	return no
}

func (t texts) refs() []reference { return refsIn(t) }

func refsIn(patterns []pattern) (refs []reference) {
	for i := range patterns {
		refs = append(refs, patterns[i].refs...)
	}
	return refs
}

func (f folded) match(value string, ctx Context) verdict {
	for i := range f {
		if text, ok := f[i].resolve(ctx); ok && strings.EqualFold(text, value) {
			return yes
		}
	}
	return no
}

func (f folded) refs() []reference { return refsIn(f) }

// resolve writes a pattern without wildcards as the text that it stands for.
func (p *pattern) resolve(ctx Context) (string, bool) {
	if p.form == exactly {
		return p.lit, true
	}
	var text strings.Builder
	for _, t := range p.segments[0].tokens {
		if t.kind == variable {
			v, ok := p.refs[t.ref].value(ctx)
			if !ok {
				return "", false
			}
			t.text = v
		}
		text.WriteString(t.text)
	}
	return text.String(), true
}

// numbers are the values of the Numeric operators.
type numbers struct {
	order  order
	values []number
}

// A number is a decimal of any length. Digits are kept as they are written, so
// that none is rounded.
type number struct {
	negative       bool
	whole, decimal string // without zeros at the start, and at the end
}

func parseNumber(s string) (number, bool) {
	var n number
	s, n.negative = strings.CutPrefix(s, "-")
	if !n.negative {
		s = strings.TrimPrefix(s, "+")
	}
	whole, decimal, point := strings.Cut(s, ".")
	if whole == "" && decimal == "" || point && decimal == "" || !isDigits(whole) || !isDigits(decimal) {
		return n, false
	}
	n.whole = strings.TrimLeft(whole, "0")
	n.decimal = strings.TrimRight(decimal, "0")
	if n.whole == "" && n.decimal == "" {
		n.negative = false
	}
	return n, true
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

func (n number) compare(m number) int {
	switch {
	case n.negative && !m.negative:
		return -1
	case !n.negative && m.negative:
		return 1
	case n.negative:
		n, m = m, n
	}
	if len(n.whole) != len(m.whole) {
		return len(n.whole) - len(m.whole)
	}
	if c := strings.Compare(n.whole, m.whole); c != 0 {
		return c
	}
	return strings.Compare(n.decimal, m.decimal)
}

func newNumbers(values []string, o order) (operand, error) {
	ns := numbers{order: o, values: make([]number, len(values))}
	for i, v := range values {
		var ok bool
		if ns.values[i], ok = parseNumber(v); !ok {
			return nil, fmt.Errorf("%q is no number", shorten(v))
		}
	}
	return ns, nil
}

func (n numbers) match(value string, _ Context) verdict {
	have, ok := parseNumber(value)
	if !ok {
		return bad
	}
	for _, want := range n.values {
		if n.order.holds(have.compare(want)) {
			return yes
		}
	}
	return no
}

func (numbers) refs() []reference { return nil }

// dates are the values of the Date operators.
type dates struct {
	order  order
	values []time.Time
}

// dateForms are the forms of dates that W3C's note on ISO 8601 has.
var dateForms = []string{
	time.RFC3339, // with a fraction of a second or without
	"2006-01-02T15:04Z07:00",
	"2006-01-02",
	"2006-01",
	"2006",
}

// parseDate reads a date, or the seconds since 1970. Four digits are a year.
func parseDate(s string) (time.Time, bool) {
	if digits := strings.TrimPrefix(s, "-"); digits != "" && isDigits(digits) && (len(digits) != 4 || digits != s) {
		n, ok := parseSeconds(s)
		return time.Unix(n, 0), ok
	}
	for _, form := range dateForms {
		if t, err := time.Parse(form, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// parseSeconds reads as many seconds as time.Time can count; those of the year
// 292277026596 are more than any clock will show.
func parseSeconds(s string) (n int64, ok bool) {
	digits, negative := strings.CutPrefix(s, "-")
	if len(digits) > 18 {
		return 0, false
	}
	for i := range len(digits) {
		n = n*10 + int64(digits[i]-'0')
	}
	if negative {
		n = -n
	}
	return n, true
}

func newDates(values []string, o order) (operand, error) {
	ds := dates{order: o, values: make([]time.Time, len(values))}
	for i, v := range values {
		var ok bool
		if ds.values[i], ok = parseDate(v); !ok {
			return nil, fmt.Errorf("%q is no date such as 2026-01-31T12:00:00Z, and no number of seconds", shorten(v))
		}
	}
	return ds, nil
}

func (d dates) match(value string, _ Context) verdict {
	have, ok := parseDate(value)
	if !ok {
		return bad
	}
	for _, want := range d.values {
		if d.order.holds(have.Compare(want)) {
			return yes
		}
	}
	return no
}

func (dates) refs() []reference { return nil }

// bools are the values of Bool.
type bools struct{ yes, no bool }

func newBools(values []string) (operand, error) {
	var b bools
	for _, v := range values {
		switch {
		case strings.EqualFold(v, "true"):
			b.yes = true
		case strings.EqualFold(v, "false"):
			b.no = true
		default:
			return nil, fmt.Errorf("%q is neither true nor false", shorten(v))
		}
	}
	return b, nil
}

func (b bools) match(value string, _ Context) verdict {
	switch {
	case strings.EqualFold(value, "true"):
		return verdictOf(b.yes)
	case strings.EqualFold(value, "false"):
		return verdictOf(b.no)
	default:
		return bad
	}
}

func (bools) refs() []reference { return nil }

// blobs are the values of BinaryEquals.
type blobs [][]byte

func newBlobs(values []string) (operand, error) {
	bs := make(blobs, len(values))
	for i, v := range values {
		var err error
		if bs[i], err = base64.StdEncoding.DecodeString(v); err != nil {
			return nil, fmt.Errorf("%q is not base64", shorten(v))
		}
	}
	return bs, nil
}

func (b blobs) match(value string, _ Context) verdict {
	have, err := base64.StdEncoding.DecodeString(value)
	if err != nil {
		return bad
	}
	return verdictOf(slices.ContainsFunc(b, func(want []byte) bool { return bytes.Equal(have, want) }))
}

func (blobs) refs() []reference { return nil }

// networks are the values of IpAddress.
type networks []netip.Prefix

func newNetworks(values []string) (operand, error) {
	ns := make(networks, len(values))
	for i, v := range values {
		if strings.Contains(v, "/") {
			prefix, err := netip.ParsePrefix(v)
			if err != nil {
				return nil, fmt.Errorf("%q is no range of addresses such as 203.0.113.0/24", shorten(v))
			}
			ns[i] = prefix.Masked()
			continue
		}
		a, ok := parseAddress(v)
		if !ok {
			return nil, fmt.Errorf("%q is no address and no range of addresses", shorten(v))
		}
		ns[i] = netip.PrefixFrom(a, a.BitLen())
	}
	return ns, nil
}

// parseAddress reads an address. One of IPv4 written as one of IPv6 is that of
// IPv4, and one that means something on this machine only is none.
func parseAddress(s string) (netip.Addr, bool) {
	a, err := netip.ParseAddr(s)
	if err != nil || a.Zone() != "" {
		return netip.Addr{}, false
	}
	return a.Unmap(), true
}

func (n networks) match(value string, _ Context) verdict {
	have, ok := parseAddress(value)
	if !ok {
		return bad
	}
	for i := range n {
		if n[i].Contains(have) {
			return yes
		}
	}
	return no
}

func (networks) refs() []reference { return nil }

// arns are the values of the Arn operators.
type arns []arnPattern

func newARNs(values []string, variables bool) (operand, error) {
	as := make(arns, len(values))
	for i, v := range values {
		tokens, refs, err := tokenize(v, dialect{wildcards: true, variables: variables})
		if err != nil {
			return nil, err
		}
		parts, open := splitTokens(tokens)
		if v != "*" && !open && (len(parts) < 6 || !strings.HasPrefix(v, "arn:")) {
			return nil, fmt.Errorf("%q is no ARN, and not *", shorten(v))
		}
		as[i] = newARNPattern(v, tokens, refs)
	}
	return as, nil
}

func (p arns) match(value string, ctx Context) verdict {
	a := arnText{text: value}
	if !strings.HasPrefix(value, "arn:") || !a.isARN() {
		return bad
	}
	for i := range p {
		if ok, _ := p[i].match(&a, ctx); ok {
			return yes
		}
	}
	return no
}

func (p arns) refs() (refs []reference) {
	for i := range p {
		refs = append(refs, p[i].looseRefs...)
		refs = append(refs, p[i].rest.refs...)
	}
	return refs
}
