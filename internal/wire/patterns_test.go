package wire

import (
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"strings"
	"testing"
	"unicode/utf8"
)

// modelPatterns are the patterns of the built-in models.
func modelPatterns(tb testing.TB) map[string]*shape {
	tb.Helper()
	all := make(map[string]*shape)
	for _, service := range Services() {
		s := Of(service)
		for name := range s.raw {
			sh, err := s.shape(name)
			if err != nil {
				tb.Fatal(err)
			}
			if sh.pattern != nil {
				all[sh.pattern.text] = sh
			}
		}
	}
	return all
}

// Every function that stands for a pattern stands for one that exists.
func TestLookAroundIsUsed(t *testing.T) {
	t.Parallel()
	all := modelPatterns(t)
	for text := range lookAround {
		if all[text] == nil {
			t.Errorf("no shape has the pattern %s any more", text)
		}
	}
}

// Real values of real shapes, right and wrong.
func TestModelPatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		shape     string
		good, bad []string
	}{
		{"AwsAccountId", []string{"111122223333"}, []string{"", "11112222333", "1111222233334", "11112222333a", "111122223333\n", " 111122223333", "１11122223333"}},
		{"AccountName", []string{"a", "acme", "a--b", "D", "D1", "Da-b"}, []string{"", "-a", "a-", "D-1", "d-abc", "a_b", "a b", "é", "a\n"}},
		{"IAMPolicyAssignmentName", []string{"ab", "a.b:c=d+e@f_g-h", strings.Repeat("a", 256)}, []string{"", "a", "a b", "a\nb", "é1", strings.Repeat("a", 257), "a/b"}},
		{"AgentName", []string{"x", " x ", "世界"}, []string{"", " ", "\t ", "a\nb", "a\u2028b", "a\n", "\v"}},
		{"TitleInput", []string{"", "a title", "it's"}, []string{" ", "\n", " \u0085", "a<b", `a"b`, `a\b`, "{", "}", ">"}},
		{"FlowDescriptionInput", []string{"", "ok", "\u0085", "a\nb"}, []string{"   ", " \r\n", "<"}},
		{"UserName", []string{"ana", "a b", "role/session", "ÿ"}, []string{"", "Ā", "a\tb", "世", "\u0019"}},
		{"Namespace", []string{"", "default", "a.b_c-d"}, []string{"a/b", "a b", "é", "a\n"}},
		{"RoleSessionName", []string{"", "a+b=c.d@e-f_g"}, []string{"a b", "a:b", "a/b"}},
		{"CustomPermissionsName", []string{"a+b=c,d.e@f_g-h"}, []string{"", "a b", "a/b"}},
		{"ActionConnectorName", []string{"A", "Jira support_2-b", "ab"}, []string{"", " a", "a ", "-a", "a.b", "a\n"}},
		{"ActionId", []string{"a+b-c/d,e!f?"}, []string{"", "a b", "a#b"}},
		{"Email", []string{"ana@example.org", "a.b%c+d-e@x.yz"}, []string{"ana", "ana@", "ana@example.o", "a b@example.org"}},
		{"CIDR", []string{"10.0.0.0/8", "255.255.255.255/32"}, []string{"10.0.0.0", "10.0.0.0/0", "10.0.0.0/33", "256.0.0.0/8", "::/64"}},
		{"AgentArn", []string{"arn:aws:quicksight:us-east-1:111122223333:agent/a", "arn:a::::" + strings.Repeat("x", 1024)}, []string{"arn:a::::/x", "arn:::::x", "arn:a::::" + strings.Repeat("x", 1025), "arn:a::::x\ny"}},
		{"AssetBundleRestrictiveResourceId", []string{"*", "a-b_c", strings.Repeat("a", 2048)}, []string{"", "a*", strings.Repeat("a", 2049)}},
		{"AgentDescription", []string{"", "text", "世界 é"}, []string{"a\nb", "\u0000", "\u200b", "\ue000", "\u0378"}},
		{"SpaceName", []string{"a\nb", "a\u200bb", "a\tb"}, []string{"a\u0000b", "\ue000"}},
		{"UnicodeIcon", []string{"世", "😀"}, []string{"a", "ÿ", "世界", ""}},
		{"NonEmptyString", []string{"a", " a "}, []string{"", " ", "\n", "a\nb"}},
		{"VisualMessageLinkUrl", []string{"https://example.org", "HTTPS://EXAMPLE.ORG/a?b#c", "mailto:a@b.cd", "https://x<<$p>>y"}, []string{"http:/x", "https://example.org/a b", "ftp://example.org"}},
		{"PrivateKey", []string{"-----BEGIN PRIVATE KEY-----\n" + strings.Repeat(strings.Repeat("A", 64)+"\n", 3) + "AB==\n-----END PRIVATE KEY-----\n"}, []string{"-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----", "x"}},
	} {
		sh, err := quickSight().shape(c.shape)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range c.good {
			if !sh.pattern.match(s) {
				t.Errorf("%s refuses %q", c.shape, s)
			}
		}
		for _, s := range c.bad {
			if sh.pattern.match(s) {
				t.Errorf("%s takes %q", c.shape, s)
			}
		}
	}
}

func TestFromJava(t *testing.T) {
	t.Parallel()
	for java, want := range map[string]string{
		`[\u0020-\u00FF]+`: `[\x{0020}-\x{00FF}]+`,
		`a.b`:              `a[^\n\r\x{85}\x{2028}\x{2029}]b`,
		`\s\S[\s\v]`:       `[\t\n\x0B\f\r ][\x00-\x08\x0E-\x1F\x21-\x{10FFFF}][\t\n\x0B\f\r \n\x0B\f\r\x{85}\x{2028}\x{2029}]`,
		`[^/]{0,1000}`:     `[^/]{0,1000}`,
		`[^/]{1,2048}`:     `(?:[^/]{1,1000}[^/]{0,1000}[^/]{0,48})`,
		`(ab){1001}`:       `(?:(ab){1000,1000}(ab){1,1})`,
		`é{2,}\p{L}\-`:     `é{2,}\p{L}\-`,
	} {
		got, err := fromJava(java)
		if err != nil || got != want {
			t.Errorf("fromJava(%s) = %s, %v, want %s", java, got, err, want)
		}
	}
	for _, java := range []string{
		`(?=a)b`, `(?!a)b`, `(?<=a)b`, `(?<name>a)`, `a++`, `a*+`, `a?+`, `a{1,2}+`, `a{1,2}?`, `[a-z&&[b]]`, `[a[b]]`, `\bword`, `\1`, `\h`, `\Qa\E`,
		`\ud800`, `\u12`, `[a`, `a{2000,}`, `a{x}`, `a{3,1}`, `a\`, `\pL`,
	} {
		if got, err := fromJava(java); err == nil {
			t.Errorf("fromJava(%s) = %s, want an error", java, got)
		}
	}
	for _, java := range []string{`(a`, `a)`, `\p{Nonsense}`} {
		if _, err := compilePattern(java); err == nil {
			t.Errorf("%s compiles", java)
		}
	}
}

// sameAsRegexp compares the run that a pattern is with its regular expression.
func sameAsRegexp(t *testing.T, run charRun, re *regexp.Regexp, s string) {
	t.Helper()
	if got, want := run.match(s), re.MatchString(s); got != want {
		t.Errorf("%v on %q: %v, want %v", re, s, got, want)
	}
}

// Where a pattern is matched as a run of characters, that is the same.
func TestCharRunIsItsExpression(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(1, 2))
	s := &sampler{t: t, rand: random}
	runs := 0
	more := []string{`a*b?c{2,3}`, `[a-c]+[d-f]*x`, `a*a`, `a?a?`, `[a-b]*[b-c]`, `a{0,3}a{2}`, `x*[^x]y*`, `^$`, ``, `a^b`, `a$b`, `(?i)ab`, `a*b*a`, `(?:ab)+`}
	all := modelPatterns(t)
	for text := range all {
		if lookAround[text] == nil {
			more = append(more, text)
		}
	}
	for _, text := range more {
		expr, err := fromJava(text)
		if err != nil {
			t.Fatal(err)
		}
		tree, err := syntax.Parse(expr, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		run := newCharRun(tree)
		if run == nil {
			continue
		}
		runs++
		re := regexp.MustCompile(`\A(?:` + expr + `)\z`)
		for i := range 100 {
			var b strings.Builder
			s.matching(&b, tree, 1+i/20)
			sample := b.String()
			sameAsRegexp(t, run, re, sample)
			runes := []rune(sample)
			if len(runes) > 0 { // one character changed, doubled or taken away
				at := random.IntN(len(runes))
				other := []rune("aAzé0 -/:\n\u2028世")
				sameAsRegexp(t, run, re, string(runes[:at])+string(other[random.IntN(len(other))])+string(runes[at+1:]))
				sameAsRegexp(t, run, re, string(runes[:at])+string(runes[at:at+1])+string(runes[at:]))
				sameAsRegexp(t, run, re, string(runes[:at])+string(runes[at+1:]))
			}
		}
	}
	if runs < 40 {
		t.Errorf("only %d patterns are runs", runs)
	}
	for _, text := range []string{`[a-b]*[b-c]`, `a*b*a`, `a^b`, `a$b`, `(?i)ab`, `(?:ab)+`, `ab|c`} {
		tree, err := syntax.Parse(text, syntax.Perl)
		if err != nil {
			t.Fatal(err)
		}
		if newCharRun(tree) != nil {
			t.Errorf("%s is a run", text)
		}
	}
}

func FuzzPatterns(f *testing.F) {
	type both struct {
		run charRun
		re  *regexp.Regexp
	}
	var all []both
	for text := range modelPatterns(f) {
		if lookAround[text] != nil {
			continue
		}
		expr, err := fromJava(text)
		if err != nil {
			f.Fatal(err)
		}
		tree, err := syntax.Parse(expr, syntax.Perl)
		if err != nil {
			f.Fatal(err)
		}
		if run := newCharRun(tree); run != nil {
			all = append(all, both{run, regexp.MustCompile(`\A(?:` + expr + `)\z`)})
		}
	}
	for _, s := range []string{"", "111122223333", "default", "arn:aws:kms:us-east-1:111122223333:key/a", "s3://b/k", "#AABBCC", "é\u0085\n"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if !utf8.ValidString(s) || len(s) > 200 {
			return // Bind refuses such text before it comes to patterns; and expressions are slow
		}
		for _, one := range all {
			sameAsRegexp(t, one.run, one.re, s)
		}
	})
}

func BenchmarkPattern(b *testing.B) {
	for name, text := range map[string]string{"account": `^[0-9]{12}$`, "arn": `^arn:[-a-z0-9]*:kms:[-a-z0-9]*:[0-9]{12}:key/.+`} {
		value := map[string]string{"account": "111122223333", "arn": "arn:aws:kms:us-east-1:111122223333:key/0123456789"}[name]
		expr, _ := fromJava(text)
		re := regexp.MustCompile(`\A(?:` + expr + `)\z`)
		p := patternOf(text)
		b.Run(name+"/run", func(b *testing.B) {
			for b.Loop() {
				if !p.match(value) {
					b.Fatal()
				}
			}
		})
		b.Run(name+"/regexp", func(b *testing.B) {
			for b.Loop() {
				if !re.MatchString(value) {
					b.Fatal()
				}
			}
		})
	}
}
