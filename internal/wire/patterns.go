package wire

import (
	"errors"
	"fmt"
	"regexp"
	"regexp/syntax"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// A pattern is a regular expression of the model. The model writes them for
// Java, and the service matches the whole string, with or without ^ and $.
type pattern struct {
	text     string
	compiled func() (func(string) bool, error) // compiles when first called
}

// patterns keeps each text once: many shapes share one.
var patterns sync.Map // string to *pattern

func patternOf(text string) *pattern {
	if p, ok := patterns.Load(text); ok {
		return p.(*pattern)
	}
	p, _ := patterns.LoadOrStore(text, &pattern{
		text:     text,
		compiled: sync.OnceValues(func() (func(string) bool, error) { return compilePattern(text) }),
	})
	return p.(*pattern)
}

// match tells whether the whole of s is of the pattern.
func (p *pattern) match(s string) bool {
	m, err := p.compiled()
	return err != nil || m(s) // Check has found what does not compile
}

// lookAround are the patterns with look-ahead, which Go's expressions lack,
// by their text in the model.
var lookAround = map[string]func(string) bool{
	// AccountName: letters, digits and inner hyphens, and not the form of a directory id.
	`^(?!D-|d-)([\da-zA-Z]+)([-]*[\da-zA-Z])*`: func(s string) bool {
		if s == "" || s[0] == '-' || s[len(s)-1] == '-' || strings.HasPrefix(s, "D-") || strings.HasPrefix(s, "d-") {
			return false
		}
		return allBytes(s, func(b byte) bool { return alphanumeric(b) || b == '-' })
	},
	// IAMPolicyAssignmentName.
	`(?=^.{2,256}$)(?!.*\s)[0-9a-zA-Z-_.:=+@]*$`: func(s string) bool {
		return 2 <= len(s) && len(s) <= 256 &&
			allBytes(s, func(b byte) bool { return alphanumeric(b) || strings.IndexByte("-_.:=+@", b) >= 0 })
	},
	// AgentName: one line that is not all blank.
	`(?!\s*$).+`: func(s string) bool {
		return strings.Trim(s, javaSpace) != "" && !strings.ContainsAny(s, javaLineEnds)
	},
	// TitleInput, FlowDescriptionInput: no characters of markup, and not all
	// blank unless empty. In Java $ also stands before a last line end.
	`(?!\s+$)[^{}"\\<>]*`: func(s string) bool {
		if strings.ContainsAny(s, `{}"\<>`) {
			return false
		}
		before := s
		if last, size := utf8.DecodeLastRuneInString(s); size > 0 && strings.ContainsRune(javaLineEnds, last) {
			before = s[:len(s)-size]
		}
		return !allBlank(s) && !allBlank(before)
	},
	// accountAliasType of IAM: no two hyphens one after the other.
	`^[a-z0-9]([a-z0-9]|-(?!-)){1,61}[a-z0-9]$`: func(s string) bool {
		if len(s) < 3 || len(s) > 63 || s[0] == '-' || s[len(s)-1] == '-' || strings.Contains(s, "--") {
			return false
		}
		return allBytes(s, func(b byte) bool { return '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || b == '-' })
	},
}

// What Java's \s and . hold for blank and for the end of a line.
const (
	javaSpace    = "\t\n\v\f\r "
	javaLineEnds = "\n\r\u0085\u2028\u2029"
)

// allBlank tells whether s is one or more blanks.
func allBlank(s string) bool { return s != "" && strings.Trim(s, javaSpace) == "" }

func alphanumeric(b byte) bool {
	return '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}

func allBytes(s string, ok func(byte) bool) bool {
	for i := range len(s) {
		if !ok(s[i]) {
			return false
		}
	}
	return true
}

// compilePattern makes a function that tells whether a whole string matches.
func compilePattern(text string) (func(string) bool, error) {
	if f, ok := lookAround[text]; ok {
		return f, nil
	}
	expr, err := fromJava(text)
	if err != nil {
		return nil, fmt.Errorf("pattern %s: %w", text, err)
	}
	tree, err := syntax.Parse(expr, syntax.Perl)
	if err != nil {
		return nil, fmt.Errorf("pattern %s: %w", text, err)
	}
	if run := newCharRun(tree); run != nil {
		return run.match, nil
	}
	re, err := regexp.Compile(`\A(?:` + expr + `)\z`)
	if err != nil {
		return nil, fmt.Errorf("pattern %s: %w", text, err)
	}
	return re.MatchString, nil
}

var errJava = errors.New("it uses something of Java's that has no translation; write a function for it in patterns.go")

// maxRepeat is the highest count that Go's expressions repeat.
const maxRepeat = 1000

// fromJava rewrites a regular expression of Java's for Go.
func fromJava(p string) (string, error) {
	var b strings.Builder
	atom := 0      // where in b the last atom starts, which a repeat is for
	var open []int // where in b the open groups start
	for i := 0; i < len(p); {
		start := b.Len()
		switch c := p[i]; {
		case c == '\\':
			n, out, err := javaEscape(p[i:], false)
			if err != nil {
				return "", err
			}
			b.WriteString(out)
			atom, i = start, i+n
		case c == '[':
			n, err := javaClass(&b, p[i:])
			if err != nil {
				return "", err
			}
			atom, i = start, i+n
		case c == '.':
			b.WriteString(`[^\n\r\x{85}\x{2028}\x{2029}]`)
			atom, i = start, i+1
		case c == '(':
			open = append(open, start)
			if rest := p[i+1:]; strings.HasPrefix(rest, "?") && !strings.HasPrefix(rest, "?:") && !strings.HasPrefix(rest, "?i)") {
				return "", errJava // look-around and the like
			}
			b.WriteByte(c)
			i++
		case c == ')':
			if len(open) > 0 {
				atom, open = open[len(open)-1], open[:len(open)-1]
			}
			b.WriteByte(c)
			i++
		case c == '{':
			n, err := javaRepeat(&b, p[i:], atom)
			if err != nil {
				return "", err
			}
			i += n
		case strings.IndexByte("*+?}", c) >= 0 && i+1 < len(p) && p[i+1] == '+':
			return "", errJava // possessive
		case strings.IndexByte("*+?", c) >= 0:
			b.WriteByte(c)
			i++
		default:
			_, n := utf8.DecodeRuneInString(p[i:])
			b.WriteString(p[i : i+n])
			atom, i = start, i+n
		}
	}
	return b.String(), nil
}

// javaEscape translates the escape at the start of p and returns its length.
func javaEscape(p string, inClass bool) (n int, out string, err error) {
	if len(p) < 2 {
		return 0, "", errJava
	}
	set := func(members string) string {
		if inClass {
			return members
		}
		return "[" + members + "]"
	}
	switch c := p[1]; c {
	case 'u':
		if len(p) < 6 {
			return 0, "", errJava
		}
		code, err := strconv.ParseUint(p[2:6], 16, 16)
		if err != nil || 0xD800 <= code && code <= 0xDFFF {
			return 0, "", errJava
		}
		return 6, fmt.Sprintf(`\x{%04X}`, code), nil
	case 's':
		return 2, set(`\t\n\x0B\f\r `), nil
	case 'S':
		return 2, set(`\x00-\x08\x0E-\x1F\x21-\x{10FFFF}`), nil
	case 'v':
		return 2, set(`\n\x0B\f\r\x{85}\x{2028}\x{2029}`), nil
	case 'p', 'P':
		end := strings.IndexByte(p, '}')
		if len(p) < 4 || p[2] != '{' || end < 0 {
			return 0, "", errJava
		}
		return end + 1, p[:end+1], nil
	case 'A', 'z', 'd', 'D', 'w', 'W', 'n', 'r', 't', 'f':
		return 2, p[:2], nil
	default:
		if c >= utf8.RuneSelf || alphanumeric(c) {
			return 0, "", errJava // \b, \h, \R, \Q, back references, …
		}
		return 2, p[:2], nil
	}
}

// javaClass writes the bracketed class at the start of p and returns its length.
func javaClass(b *strings.Builder, p string) (n int, err error) {
	b.WriteByte('[')
	i := 1
	if i < len(p) && p[i] == '^' {
		b.WriteByte('^')
		i++
	}
	for first := i; i < len(p); {
		switch c := p[i]; {
		case c == ']' && i > first:
			b.WriteByte(']')
			return i + 1, nil
		case c == '\\':
			n, out, err := javaEscape(p[i:], true)
			if err != nil {
				return 0, err
			}
			b.WriteString(out)
			i += n
		case c == '[', c == ']', strings.HasPrefix(p[i:], "&&"):
			return 0, errJava // classes in classes, intersections
		default:
			_, n := utf8.DecodeRuneInString(p[i:])
			b.WriteString(p[i : i+n])
			i += n
		}
	}
	return 0, errJava
}

// javaRepeat writes the repeat such as {1,64} at the start of p, which is for
// what b holds from atom on, and returns its length. A count that is too high
// for Go becomes several.
func javaRepeat(b *strings.Builder, p string, atom int) (n int, err error) {
	end := strings.IndexByte(p, '}')
	if end < 0 {
		return 0, errJava
	}
	if end+1 < len(p) && (p[end+1] == '+' || p[end+1] == '?') {
		return 0, errJava
	}
	lowText, highText, ranged := strings.Cut(p[1:end], ",")
	low, err := strconv.Atoi(lowText)
	if err != nil {
		return 0, errJava
	}
	high := low
	if ranged && highText == "" {
		if low > maxRepeat {
			return 0, errJava
		}
		b.WriteString(p[:end+1])
		return end + 1, nil
	}
	if ranged {
		if high, err = strconv.Atoi(highText); err != nil || high < low {
			return 0, errJava
		}
	}
	if high <= maxRepeat {
		b.WriteString(p[:end+1])
		return end + 1, nil
	}
	whole := b.String()
	one := whole[atom:]
	b.Reset()
	b.WriteString(whole[:atom] + "(?:")
	for high > 0 {
		l, h := min(low, maxRepeat), min(high, maxRepeat)
		fmt.Fprintf(b, "%s{%d,%d}", one, l, h)
		low, high = low-l, high-h
	}
	b.WriteByte(')')
	return end + 1, nil
}
