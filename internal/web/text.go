package web

import (
	"embed"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed texts
var textFiles embed.FS

// Languages are those of the catalogue, by their codes; the first is that of
// people who ask for none of them.
var Languages = []string{"en", "de"}

// catalogue has the texts by language and key.
var catalogue = readCatalogue()

func readCatalogue() map[string]map[string]string {
	all := make(map[string]map[string]string, len(Languages))
	for _, lang := range Languages {
		text, err := textFiles.ReadFile("texts/" + lang + ".json")
		texts := map[string]string{}
		if err == nil {
			err = json.Unmarshal(text, &texts)
		}
		if err != nil {
			panic(fmt.Sprintf("web: texts of %s: %v", lang, err)) // it is embedded: a mistake of ours
		}
		all[lang] = texts
	}
	return all
}

// Text gives a text of the catalogue, with what belongs into it.
func Text(lang, key string, args ...any) string {
	text, ok := catalogue[lang][key]
	if !ok {
		if text, ok = catalogue[Languages[0]][key]; !ok {
			return key
		}
	}
	if len(args) == 0 {
		return text
	}
	return fmt.Sprintf(text, args...)
}

// HasText tells whether the catalogue has a key.
func HasText(key string) bool {
	_, ok := catalogue[Languages[0]][key]
	return ok
}

// Duration says how long d is, in the largest unit that it fills.
func Duration(lang string, d time.Duration) string {
	n, unit := int(d.Round(time.Second)/time.Second), "seconds"
	switch {
	case d >= 48*time.Hour:
		n, unit = int(d.Hours()/24), "days"
	case d >= 2*time.Hour || d > 0 && d%time.Hour == 0:
		n, unit = int(d.Hours()), "hours"
	case d > 90*time.Second:
		n, unit = int((d+time.Minute-1)/time.Minute), "minutes"
	}
	if n == 1 {
		return Text(lang, "time.one."+unit)
	}
	return Text(lang, "time."+unit, n)
}

// Time says when t was or is, in UTC: the server doesn't know where its
// reader is.
func Time(lang string, t time.Time) string {
	return t.UTC().Format(Text(lang, "time.format"))
}

// languageCookie keeps the language that someone has chosen.
const languageCookie = "onsight-language"

// Language is the language of a request: the one that its sender has chosen,
// or the first of its browser's that we have.
func Language(r *http.Request) string {
	if l := r.URL.Query().Get("lang"); slices.Contains(Languages, l) {
		return l
	}
	if c, err := r.Cookie(languageCookie); err == nil && slices.Contains(Languages, c.Value) {
		return c.Value
	}
	return accepted(r.Header.Get("Accept-Language"))
}

// accepted is the language of the catalogue that a header Accept-Language
// prefers.
func accepted(header string) string {
	best, weight := Languages[0], 0.0
	for i, part := range strings.SplitN(header, ",", 20) {
		if i == 19 {
			break
		}
		tag, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		q := 1.0
		if v, ok := strings.CutPrefix(strings.TrimSpace(params), "q="); ok {
			var err error
			if q, err = strconv.ParseFloat(v, 64); err != nil {
				continue
			}
		}
		primary, _, _ := strings.Cut(strings.ToLower(tag), "-")
		if q > weight && slices.Contains(Languages, primary) {
			best, weight = primary, q
		}
	}
	return best
}
