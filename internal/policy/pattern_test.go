package policy

import (
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// plainMatch matches wildcards by a table of what is reached, one character of
// the pattern after the other.
func plainMatch(pattern, text string) bool {
	letters := []rune(text)
	reached := make([]bool, len(letters)+1)
	reached[0] = true
	for _, c := range pattern {
		next := make([]bool, len(letters)+1)
		for i, ok := range reached {
			switch {
			case !ok:
			case c == '*':
				for j := i; j <= len(letters); j++ {
					next[j] = true
				}
			case i < len(letters) && (c == '?' || c == letters[i]):
				next[i+1] = true
			}
		}
		reached = next
	}
	return reached[len(letters)]
}

func wildcards(tb testing.TB, s string) pattern {
	tb.Helper()
	p, err := compilePattern(s, dialect{wildcards: true})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func FuzzMatch(f *testing.F) {
	for _, seed := range [][2]string{
		{"", ""},
		{"*", ""},
		{"?", "é"},
		{"a*b?c*", "aXXbycZ"},
		{"*ab*ab*", "abab"},
		{"*??", "€"},
		{"a**?*b", "a€€b"},
		{"user/*/ana", "user/a/b/ana"},
		{"*" + strings.Repeat("a?", 20) + "*", strings.Repeat("ab", 30)},
		{"*" + strings.Repeat("a", 30) + "?b", strings.Repeat("a", 40) + "xb"},
		{"*" + strings.Repeat("?a", 40) + "*b", strings.Repeat("ä", 90) + "b"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, pattern, text string) {
		if !utf8.ValidString(pattern) || len(pattern)*len(text) > 1<<16 {
			t.Skip()
		}
		p := wildcards(t, pattern)
		got, unresolved := p.match(text, nil)
		if unresolved {
			t.Errorf("%q has no variables, and one of them has no value", pattern)
		}
		if want := plainMatch(pattern, text); utf8.ValidString(text) && got != want {
			t.Errorf("%q matches %q: %t, want %t", pattern, text, got, want)
		}
	})
}

// TestMatchAgrees draws patterns of few letters, so that many of them match.
func TestMatchAgrees(t *testing.T) {
	t.Parallel()
	for range 10 {
		rapid.Check(t, func(t *rapid.T) {
			pattern := rapid.StringOfN(rapid.SampledFrom([]rune("aabé?*")), 0, 60, -1).Draw(t, "pattern")
			text := rapid.StringOfN(rapid.SampledFrom([]rune("aaabé")), 0, 80, -1).Draw(t, "text")
			p, err := compilePattern(pattern, dialect{wildcards: true})
			if err != nil {
				t.Fatal(err)
			}
			if got, _ := p.match(text, nil); got != plainMatch(pattern, text) {
				t.Fatalf("%q matches %q: %t, want %t", pattern, text, got, !got)
			}
		})
	}
}

// TestSieveAgrees finds long segments in texts that have them, and that have
// them but for a letter.
func TestSieveAgrees(t *testing.T) {
	t.Parallel()
	for range 10 {
		rapid.Check(t, func(t *rapid.T) {
			segment := rapid.StringOfN(rapid.SampledFrom([]rune("aabé?")), sieveFrom, 200, -1).Draw(t, "segment") + "?"
			around := rapid.StringOfN(rapid.SampledFrom([]rune("ab")), 0, 40, -1)
			text := around.Draw(t, "before") + strings.ReplaceAll(segment, "?", "é") + around.Draw(t, "after")
			if rapid.Bool().Draw(t, "spoiled") {
				letters := []rune(text)
				letters[rapid.IntRange(0, len(letters)-1).Draw(t, "at")] = 'x'
				text = string(letters)
			}
			p, err := compilePattern("*"+segment+"*", dialect{wildcards: true})
			if err != nil {
				t.Fatal(err)
			}
			if len(p.segments) == 3 && p.segments[1].sieve == nil {
				t.Fatalf("a segment of %d characters has no sieve", utf8.RuneCountInString(segment))
			}
			if got, want := p.fits(text, nil), plainMatch("*"+segment+"*", text); got != want {
				t.Fatalf("%q in %q: %t, want %t", segment, text, got, want)
			}
		})
	}
}

// TestMatchIsBounded matches what makes matchers that go back and try again
// take longer than anybody waits.
func TestMatchIsBounded(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct{ pattern, text string }{
		"many stars":              {strings.Repeat("*a", 3000) + "b", strings.Repeat("a", 100_000)},
		"stars and marks":         {strings.Repeat("*?a", 2000) + "b", strings.Repeat("a", 100_000)},
		"a long run":              {"*" + strings.Repeat("a", 6000) + "b*", strings.Repeat("a", 100_000)},
		"a long run with a mark":  {"*?" + strings.Repeat("a", 6000) + "b*", strings.Repeat("a", 100_000)},
		"runs of marks":           {"*" + strings.Repeat("?", 6000) + "b*", strings.Repeat("a", 100_000)},
		"short runs with a mark":  {strings.Repeat("*a?aaaaaaaaab", 400), strings.Repeat("a", 100_000)},
		"marks against wide ones": {"*" + strings.Repeat("?é", 3000) + "b*", strings.Repeat("é", 50_000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			start := time.Now()
			p := wildcards(t, tt.pattern)
			if ok, _ := p.match(tt.text, nil); ok {
				t.Error("it matches")
			}
			if took := time.Since(start); took > 20*time.Second {
				t.Errorf("it took %s", took)
			}
		})
	}
}

func TestVariablesMatchLiterally(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		letters := rapid.StringOfN(rapid.SampledFrom([]rune("ab*?$é")), 0, 6, -1)
		value, before, after := letters.Draw(t, "value"), letters.Draw(t, "before"), letters.Draw(t, "after")
		p, err := compilePattern("*${k}?${k, 'x'}", dialect{wildcards: true, variables: true})
		if err != nil {
			t.Fatal(err)
		}
		if ok, _ := p.match(before+value+"é"+value, Keys{"k": {value}}); !ok {
			t.Fatalf("the value %q was not found", value)
		}
		text := before + "-" + after
		ok, unresolved := p.match(text, Keys{"k": {value}})
		if want := plainMatch("*?", text) && strings.HasSuffix(text, value) && fitsTwice(text, value); ok != want || unresolved {
			t.Fatalf("%q in %q: %t, want %t", value, text, ok, want)
		}
		if ok, unresolved := p.match(text, nil); ok || !unresolved {
			t.Fatalf("without a value: %t, unresolved %t", ok, unresolved)
		}
	})
}

// fitsTwice says whether text ends with the value, a character, and the value.
func fitsTwice(text, value string) bool {
	rest, ok := strings.CutSuffix(text, value)
	if !ok || rest == "" {
		return false
	}
	_, n := utf8.DecodeLastRuneInString(rest)
	return strings.HasSuffix(rest[:len(rest)-n], value)
}

func TestReadVariable(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		in   string
		want reference
		n    int
	}{
		{"${aws:UserName}x", reference{key: "aws:username", name: "aws:UserName"}, 15},
		{"${aws:PrincipalTag/Cost Center , 'a}b,c' }x", reference{key: "aws:principaltag/cost center", name: "aws:PrincipalTag/Cost Center", fallback: "a}b,c", hasFallback: true}, 42},
		{"${k,''}", reference{key: "k", name: "k", hasFallback: true}, 7},
		{"${aws:TagKeys}", reference{key: "aws:tagkeys", name: "aws:TagKeys", several: true}, 14},
		{"${*}*", reference{name: "*"}, 4},
		{"${$}", reference{name: "$"}, 4},
	} {
		got, n, err := readVariable(tt.in)
		if err != nil || got != tt.want || n != tt.n {
			t.Errorf("%s: %+v of %d bytes, %v; want %+v of %d", tt.in, got, n, err, tt.want, tt.n)
		}
	}
	for _, in := range []string{"${", "${}", "${a", "${a,b}", "${a,'b}", "${a,'b'", "${a,'b'x}", "${a*}", "${ , 'x'}"} {
		if got, _, err := readVariable(in); err == nil {
			t.Errorf("%s: %+v, want an error", in, got)
		}
	}
}
