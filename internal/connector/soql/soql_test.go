package soql_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"onsight/internal/connector/soql"
)

// queryOf makes a query of an input, which no schema has checked.
func queryOf(input map[string]any) (string, error) {
	if input["fields"] == nil {
		input["fields"] = []any{"Id"}
	}
	return soql.Query("Account", func(name string) any { return input[name] })
}

// A token of SOQL: a word, a sign or a text between quotes, which is decoded.
type token struct {
	quoted bool
	text   string
}

var errOpen = errors.New("a text does not end")

// tokens reads a query as the service's reference says: backslashes escape
// between quotes (Quoted String Escape Sequences), all else is as it stands.
func tokens(query string) (all []token, err error) {
	runes := []rune(query)
	word := ""
	end := func() {
		if word != "" {
			all = append(all, token{text: word})
			word = ""
		}
	}
	for i := 0; i < len(runes); i++ {
		switch r := runes[i]; r {
		case '\'':
			end()
			var text strings.Builder
			for i++; ; i++ {
				if i >= len(runes) {
					return nil, errOpen
				}
				if runes[i] == '\'' {
					break
				}
				if runes[i] != '\\' {
					text.WriteRune(runes[i])
					continue
				}
				if i++; i >= len(runes) {
					return nil, errOpen
				}
				switch e := runes[i]; e {
				case 'n', 'r', 't', 'b', 'f':
					text.WriteByte(map[rune]byte{'n': '\n', 'r': '\r', 't': '\t', 'b': '\b', 'f': '\f'}[e])
				case 'u':
					if i+4 >= len(runes) {
						return nil, errOpen
					}
					code, err := strconv.ParseUint(string(runes[i+1:i+5]), 16, 16)
					if err != nil {
						return nil, err
					}
					text.WriteRune(rune(code))
					i += 4
				case '\\', '\'', '"':
					text.WriteRune(e)
				case '%', '_': // stay escaped for LIKE
					text.WriteString("\\" + string(e))
				default:
					return nil, fmt.Errorf("\\%c is no escape", e)
				}
			}
			all = append(all, token{true, text.String()})
		case ' ':
			end()
		case ',', '(', ')':
			end()
			all = append(all, token{text: string(r)})
		default:
			word += string(r)
		}
	}
	end()
	return all, nil
}

func unquoted(words string) (all []token) {
	for w := range strings.FieldsSeq(words) {
		all = append(all, token{text: w})
	}
	return all
}

// Whatever is asked for, a value is one literal that means the value, and a name
// is one word or is refused.
func FuzzQuery(f *testing.F) {
	for _, s := range []string{
		"", "Acme", "O'Neil", `\`, `\'`, `'`, `' OR Name != '`, `\' OR Id != null --`, "%", `\%`, "_", "a\nb\r\t\x00\x7f\b\f", `"`, "é\u2028😀", `\u0027`, `') LIMIT 1 --`, "Id FROM User",
		"Name, (SELECT Id FROM Contacts)", "TODAY", "LAST_N_DAYS:3 OR", "2026-01-01", "2026-01-01T00:00:00Z", "1", "-1.5", "1 OR 1=1", "null", "Owner.Name", "FIELDS(ALL)", "a.b.c.d.e.f.g",
	} {
		f.Add(s, s, "text")
		f.Add("Name", s, "date")
		f.Add(s, "x", "relativeDate")
	}
	f.Fuzz(func(t *testing.T, field, value, kind string) {
		text := string([]rune(value)) // as JSON would have it
		for _, operator := range []string{"=", "LIKE", "contains", "startsWith", "endsWith", "IN", "INCLUDES"} {
			var given any = value
			if operator == "IN" || operator == "INCLUDES" {
				given = []any{value, "b"}
			}
			query, err := queryOf(map[string]any{
				"fields": []any{"Id", field}, "orderBy": []any{map[string]any{"field": field, "direction": "desc"}}, "limit": json.Number("5"),
				"filters": []any{map[string]any{"field": field, "operator": operator, "value": given, "type": kind}},
			})
			if err != nil {
				if query != "" {
					t.Fatalf("%v, and %q", err, query)
				}
				continue
			}
			got, err := tokens(query)
			if err != nil {
				t.Fatalf("%s: %v", query, err)
			}
			if strings.ContainsFunc(field, func(r rune) bool {
				return r > 'z' || !strings.ContainsRune("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.", r)
			}) {
				t.Fatalf("%q was taken for a field: %s", field, query)
			}
			wild := strings.NewReplacer("%", `\%`, "_", `\_`).Replace(text)
			literal := token{true, text}
			word := operator
			switch operator {
			case "contains":
				word, literal.text = "LIKE", "%"+wild+"%"
			case "startsWith":
				word, literal.text = "LIKE", wild+"%"
			case "endsWith":
				word, literal.text = "LIKE", "%"+wild
			default:
				if kind != "" && kind != "text" {
					literal = token{false, text}
				}
			}
			want := slices.Concat(unquoted("SELECT Id , "+field+" FROM Account WHERE "+field+" "+word), []token{literal})
			if operator == "IN" || operator == "INCLUDES" {
				want = slices.Insert(append(want, unquoted(",")...), len(want)-1, token{text: "("})
				want = append(want, token{true, "b"}, token{text: ")"})
			}
			want = append(want, unquoted("ORDER BY "+field+" DESC LIMIT 5")...)
			if kind == "dateTime" { // is told in UTC
				literal.text = got[slices.Index(got, token{text: word})+1].text
				if _, err := strconv.Unquote(`"` + literal.text + `"`); err != nil || strings.ContainsAny(literal.text, `'\ `) {
					t.Fatalf("%s", query)
				}
				want[slices.Index(want, token{text: word})+1] = literal
			}
			if !slices.Equal(got, want) {
				t.Fatalf("%s\nis   %+v\nwant %+v", query, got, want)
			}
		}
	})
}

// What is not of the form that it should have makes no query.
func TestRefuses(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("a", 300)
	for name, input := range map[string]map[string]any{
		"no field":          {"fields": []any{}},
		"a field's name":    {"fields": []any{"Id FROM User"}},
		"a field's length":  {"fields": []any{long}},
		"a field's type":    {"fields": []any{7}},
		"a filter's field":  {"filters": []any{map[string]any{"field": "Id != null OR Id", "operator": "=", "value": "x"}}},
		"an operator":       {"filters": []any{map[string]any{"field": "Id", "operator": "= Id OR Id =", "value": "x"}}},
		"null and greater":  {"filters": []any{map[string]any{"field": "Id", "operator": ">", "value": nil}}},
		"an object":         {"filters": []any{map[string]any{"field": "Id", "operator": "=", "value": map[string]any{}}}},
		"an unknown type":   {"filters": []any{map[string]any{"field": "Id", "operator": "=", "value": "1", "type": "number"}}},
		"a number for text": {"filters": []any{map[string]any{"field": "Id", "operator": "contains", "value": json.Number("1")}}},
		"an empty list":     {"filters": []any{map[string]any{"field": "Id", "operator": "IN", "value": []any{}}}},
		"no filter":         {"filters": []any{"Id != null"}},
		"an order":          {"orderBy": []any{map[string]any{"field": "Name DESC, Id"}}},
		"a direction":       {"orderBy": []any{map[string]any{"field": "Name", "direction": "desc, Id"}}},
		"nulls":             {"orderBy": []any{map[string]any{"field": "Name", "nulls": "first, Id"}}},
		"a limit":           {"limit": "1 OFFSET 2"},
		"an offset":         {"offset": json.Number("1e3")},
	} {
		if query, err := queryOf(input); err == nil || query != "" {
			t.Errorf("%s: %q, %v", name, query, err)
		}
	}
}
