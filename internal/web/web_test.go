package web

import (
	"io/fs"
	"log/slog"
	"maps"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var (
	verbs = regexp.MustCompile(`%(\[\d\])?[sd]`)
	asked = regexp.MustCompile(`\.T "([^"]+)"`)
)

// Every language has the same texts, with room for the same things.
func TestTexts(t *testing.T) {
	t.Parallel()
	want := catalogue[Languages[0]]
	for lang, texts := range catalogue {
		for key, text := range want {
			other, ok := texts[key]
			a, b := verbs.FindAllString(text, -1), verbs.FindAllString(other, -1)
			slices.Sort(a)
			slices.Sort(b)
			if key != "time.format" && (!ok || other == "" || !slices.Equal(a, b)) {
				t.Errorf("%s: %s: %q, where English has %q", lang, key, other, text)
			}
		}
		for key := range maps.Keys(texts) {
			if _, ok := want[key]; !ok {
				t.Errorf("%s: %s is no key of English", lang, key)
			}
		}
	}
}

// What templates ask for by name is in the catalogue.
func TestTemplatesAskForTextsThatAreThere(t *testing.T) {
	t.Parallel()
	err := fs.WalkDir(files, "pages", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := files.ReadFile(name)
		for _, m := range asked.FindAllStringSubmatch(string(text), -1) {
			if !HasText(m[1]) {
				t.Errorf("%s asks for %s", name, m[1])
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestLanguage(t *testing.T) {
	t.Parallel()
	for header, want := range map[string]string{
		"": "en", "de-CH, en;q=0.9": "de", "fr, de;q=0.5, en;q=0.4": "de", "en;q=0.1, de;q=0.2": "de", "fr": "en", "de;q=x": "en",
		strings.Repeat("de;q=0,", 5000): "en",
	} {
		r := httptest.NewRequest("GET", "/", nil)
		r.Header.Set("Accept-Language", header)
		if got := Language(r); got != want {
			t.Errorf("%.40q: %s, want %s", header, got, want)
		}
	}
	r := httptest.NewRequest("GET", "/?lang=de", nil)
	if got := Language(r); got != "de" {
		t.Errorf("chosen: %s", got)
	}
}

func TestDuration(t *testing.T) {
	t.Parallel()
	for d, want := range map[time.Duration]string{
		time.Second: "one second", 30 * time.Second: "30 seconds", 91 * time.Second: "2 minutes", time.Hour: "one hour",
		24 * time.Hour: "24 hours", 72 * time.Hour: "3 days",
	} {
		if got := Duration("en", d); got != want {
			t.Errorf("%s: %s, want %s", d, got, want)
		}
	}
}

// Whatever colour a brand has, text in it and on it can be read.
func TestContrast(t *testing.T) {
	t.Parallel()
	for _, hex := range []string{"000000", "ffffff", "ffff00", "1d5fd1", "777777", "ff0000", "00ff88"} {
		for _, back := range []colour{lightCard, darkCard} {
			c := parseColour(hex).on(back)
			if got := c.contrast(back); got < 4.5 {
				t.Errorf("%s on %s: %.2f", hex, back, got)
			}
			if got := c.contrast(parseColour(c.text()[1:])); got < 4.5 {
				t.Errorf("text on %s: %.2f", c, got)
			}
		}
	}
}

func TestThemeLogo(t *testing.T) {
	t.Parallel()
	for logo, want := range map[string]string{
		"": "no", "/brands/1.png": "", "https://cdn.example.org/l.png": "https://cdn.example.org", "http://x/l.png": "no",
		"javascript:alert(1)": "no", "https://a;script-src%20*/": "no", "//evil.example/x": "no",
	} {
		got, ok := Theme{Logo: logo}.logoOrigin()
		if !ok {
			got = "no"
		}
		if got != want {
			t.Errorf("%q: %q, want %q", logo, got, want)
		}
	}
}

// A page says once which scripts it may run, whatever else it is.
func TestPolicyNamesEachDirectiveOnce(t *testing.T) {
	t.Parallel()
	s, err := New(Config{Log: slog.New(slog.DiscardHandler), PublicURL: "https://onsight.example.org/base"})
	if err != nil {
		t.Fatal(err)
	}
	hash := "'" + s.integrity("passkey.js") + "'"
	for _, x := range []struct {
		page Page
		want []string // of script-src; nil for no such directive
	}{
		{Page{}, nil},
		{Page{Frame: true}, []string{"'self'"}},
		{Page{Script: "passkey.js"}, []string{hash, "https://onsight.example.org/base/signin/assets/" + s.hashed["passkey.js"]}},
		{Page{Frame: true, Script: "passkey.js", Ancestors: []string{"https://portal.example.org"}}, []string{"'self'", hash, "https://onsight.example.org/base/signin/assets/" + s.hashed["passkey.js"]}},
	} {
		seen := map[string][]string{}
		for d := range strings.SplitSeq(s.policyOf(x.page, "https://logo.example.org"), "; ") {
			words := strings.Fields(d)
			if _, twice := seen[words[0]]; twice {
				t.Errorf("%+v: %s comes twice", x.page, words[0])
			}
			seen[words[0]] = words[1:]
		}
		if got, there := seen["script-src"]; there != (x.want != nil) || !slices.Equal(got, x.want) {
			t.Errorf("%+v: script-src %q, want %q", x.page, got, x.want)
		}
		if got := seen["frame-ancestors"]; len(got) != 1 || (got[0] == "'none'") != (x.page.Ancestors == nil) {
			t.Errorf("%+v: frame-ancestors %q", x.page, got)
		}
	}
}
