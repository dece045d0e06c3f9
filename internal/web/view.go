package web

import (
	"net/http"
	"slices"
	"time"
)

// A View is what the template of a page sees.
type View struct {
	// Lang is the language of the page.
	Lang string
	// Theme is how it looks.
	Theme Theme
	// Data is what it is about.
	Data any

	site    *Site
	request *http.Request
	page    Page
}

// T gives a text of the catalogue.
func (v *View) T(key string, args ...any) string { return Text(v.Lang, key, args...) }

// URL is an address on this server; see Site.URL.
func (v *View) URL(at string, params ...string) string { return v.site.URL(at, params...) }

// Asset is where an asset is.
func (v *View) Asset(name string) string {
	return v.site.base + Root + "/assets/" + v.site.hashed[name]
}

// Script is the address of the page's script; empty for none.
func (v *View) Script() string {
	if v.page.Script == "" {
		return ""
	}
	return v.Asset(v.page.Script)
}

// Integrity is what browsers compare the page's script with.
func (v *View) Integrity() string { return v.site.integrity(v.page.Script) }

// ThemeSheet is where the colours of the theme are.
func (v *View) ThemeSheet() string {
	return v.site.base + Root + "/assets/theme-" + v.Theme.accent() + ".css"
}

// Logo is where the logo is.
func (v *View) Logo() string { return v.Theme.Logo }

// Brand is the name at the top.
func (v *View) Brand() string {
	if v.Theme.Brand != "" {
		return v.Theme.Brand
	}
	return "Onsight"
}

// Time says when something was.
func (v *View) Time(t time.Time) string { return Time(v.Lang, t) }

// Stamp is a time as machines read it.
func (v *View) Stamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// Frame tells whether the page is for a frame of another site.
func (v *View) Frame() bool { return v.page.Frame }

// Problems are what is wrong with what was entered.
func (v *View) Problems() []Problem { return v.page.Problems }

// Say gives the text of a problem.
func (v *View) Say(p Problem) string { return v.T(p.Key, p.Args...) }

// A Choice is a language to choose.
type Choice struct {
	Code, Name, URL string
	Current         bool
}

// Languages are the languages to choose from.
func (v *View) Languages() []Choice {
	var all []Choice
	for _, code := range Languages {
		u := *v.request.URL
		q := u.Query()
		for i := 0; i+1 < len(v.page.Params); i += 2 {
			if v.page.Params[i+1] != "" {
				q.Set(v.page.Params[i], v.page.Params[i+1])
			}
		}
		q.Set("lang", code)
		all = append(all, Choice{
			Code: code, Name: Text(code, "language.name"), Current: code == v.Lang,
			URL: v.site.base + u.EscapedPath() + "?" + q.Encode(),
		})
	}
	return all
}

// An Input is a field of a form.
type Input struct {
	Name, Type, Autocomplete, Value string
	Label, Hint, Problem            string
	// Mode is the keyboard that a phone shows; empty for the usual one.
	Mode                      string
	ReadOnly, Optional, Focus bool
}

// Describes are the ids of what describes the field, for screen readers.
func (i Input) Describes() string {
	ids := ""
	if i.Hint != "" {
		ids = i.Name + "-hint"
	}
	if i.Problem != "" {
		if ids != "" {
			ids += " "
		}
		ids += i.Name + "-problem"
	}
	return ids
}

// Input gives a field. Its label is the text field.<name> of the catalogue, its
// hint field.<name>.hint where there is one. Options are readonly, optional,
// focus, numeric, and current, which asks for field.<name>.current in its label.
func (v *View) Input(name, kind, autocomplete, value string, options ...string) Input {
	i := Input{Name: name, Type: kind, Autocomplete: autocomplete, Value: value, Label: v.T("field." + name)}
	if hint := "field." + name + ".hint"; HasText(hint) {
		i.Hint = v.T(hint)
	}
	for _, p := range v.page.Problems {
		if p.Field == name && i.Problem == "" {
			i.Problem = v.Say(p)
		}
	}
	has := func(option string) bool { return slices.Contains(options, option) }
	i.ReadOnly, i.Optional = has("readonly"), has("optional")
	if has("numeric") {
		i.Mode = "numeric"
	}
	if has("current") {
		i.Label = v.T("field." + name + ".current")
	}
	i.Focus = has("focus") && len(v.page.Problems) == 0 // the list of problems has it then
	return i
}

// Words gives a text with a list of what belongs into it; times are written out.
func (v *View) Words(key string, args []any) string {
	said := make([]any, len(args))
	for i, a := range args {
		if t, ok := a.(time.Time); ok {
			a = v.Time(t)
		}
		said[i] = a
	}
	return v.T(key, said...)
}
