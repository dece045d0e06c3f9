package embed

import (
	"strings"
	"testing"
)

func TestParseDomain(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"https://example-1.com":           "https://example-1.com",
		"https://Example.COM/":            "https://example.com",
		"https://example.com:443":         "https://example.com",
		"https://example.com:8443":        "https://example.com:8443",
		"https://*.sapp.amazon.com":       "https://*.sapp.amazon.com",
		"https://www.アマゾンドメイン.jp":         "https://www.xn--ccke1fyb7fua8jd.jp",
		"https://bücher.example":          "https://xn--bcher-kva.example",
		"https://intranet":                "https://intranet",
		"http://localhost":                "http://localhost",
		"http://localhost:3000":           "http://localhost:3000",
		"https://localhost:3000":          "https://localhost:3000",
		"https://example.com.*.foo.co.uk": "",
		"https://co.uk":                   "",
		"https://*.co.uk":                 "",
		"https://*.com":                   "",
		"https://*":                       "",
		"*":                               "",
		"https://111.222.33.44.55:1234":   "",
		"https://111.222.33.44.55":        "",
		"https://10.0.0.1":                "",
		"https://[::1]":                   "",
		"http://example.com":              "",
		"example.com":                     "",
		"https://example.com/path":        "",
		"https://example.com?a=b":         "",
		"https://example.com#":            "",
		"https://u@example.com":           "",
		"https://example.com:":            "",
		"https://example.com:99999":       "",
		"https://*a.example.com":          "",
		"https://a_b.example.com":         "",
		"https://a;b.example.com":         "",
		"https://example.com 'self'":      "",
		"https://exa mple.com":            "",
		"https://-a.example.com":          "",
		"https://a..example.com":          "",
		"https://" + strings.Repeat("a", 64) + ".example.com": "",
		"javascript:alert(1)": "", "": "", "ftp://example.com": "",
	} {
		got, err := ParseDomain(text, true)
		if string(got) != want || (err == nil) != (want != "") {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
	if d, err := ParseDomain("http://localhost", false); err == nil || !strings.Contains(err.Error(), "-embed-localhost") {
		t.Errorf("localhost where it isn't let: %s %v", d, err)
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		domain Domain
		origin string
		want   bool
	}{
		{"https://a.example", "https://a.example", true},
		{"https://a.example", "http://a.example", false},
		{"https://a.example", "https://a.example:8443", false},
		{"https://a.example:8443", "https://a.example:8443", true},
		{"https://a.example", "https://b.a.example", false},
		{"https://*.a.example", "https://b.a.example", true},
		{"https://*.a.example", "https://c.b.a.example", true},
		{"https://*.a.example", "https://a.example", false},
		{"https://*.a.example", "https://evila.example", false},
		{"https://*.a.example", "https://b.a.example:1", false},
		{"https://*.a.example:1", "https://b.a.example:1", true},
		{"https://*.a.example", "https://evil.example/.a.example", false},
		{"https://*.a.example", "https://evil:1.a.example", false},
		{"https://a.example", "", false},
	} {
		if got := c.domain.Matches(c.origin); got != c.want {
			t.Errorf("%s matches %s: %t", c.domain, c.origin, got)
		}
	}
	for text, want := range map[string]string{
		"https://a.example/x?y": "https://a.example", "https://A.example:443/": "https://a.example", "http://localhost:3000/": "http://localhost:3000",
		"https://a.example:99999": "", "https://a;b/": "", "https://u@a/": "", "about:blank": "", "": "", "https://a 'unsafe'/": "",
	} {
		if got := originOf(text); got != want {
			t.Errorf("origin of %s: %q, want %q", text, got, want)
		}
	}
}

// FuzzParseDomain looks for domains that would say more in a header than they are.
func FuzzParseDomain(f *testing.F) {
	f.Add("https://*.example.com:8443")
	f.Add("https://bücher.example")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := ParseDomain(text, true)
		if err != nil {
			return
		}
		if strings.ContainsAny(string(d), " ;,'\"\r\n\t") || !strings.HasPrefix(string(d), "http") || strings.Count(string(d), "*") > 1 {
			t.Errorf("%q becomes %q", text, d)
		}
		if again, err := ParseDomain(string(d), true); err != nil || again != d {
			t.Errorf("%q becomes %q, and that %q, %v", text, d, again, err)
		}
	})
}
