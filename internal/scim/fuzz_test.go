package scim

import (
	"encoding/json"
	"testing"
)

// FuzzFilter reads filters: none brings the reader down, and what it takes
// means the same to every resource again and again.
func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		`userName eq "a"`, `not (a pr) and (b pr or c eq true)`, `emails[type eq "work" and value co "@"]`, `meta.created gt "2020-01-01T00:00:00Z"`,
		`urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager.value eq null`, `userName eq "\u00e4\"" or id sw ""`, `members.value eq "1"`,
		`((((`, `userName eq "`, `active ne "FALSE"`, `externalId ew "𐍈" and displayName lt "a"`,
	} {
		f.Add(s)
	}
	doc := map[string]any{
		"userName": "Ana", "active": true, "id": "1", "emails": []any{map[string]any{"value": "a@b", "type": "work"}},
		"meta": map[string]any{"created": "2026-01-01T00:00:00Z"},
	}
	f.Fuzz(func(t *testing.T, in string) {
		for _, k := range kinds {
			e, err := parseFilter(k, in)
			if err != nil {
				if _, ok := errorOf(err); !ok {
					t.Errorf("%q: %v", in, err)
				}
				continue
			}
			if (neither{e}).matches(doc) == e.matches(doc) {
				t.Errorf("%q means a resource and does not", in)
			}
			q := selection{kind: k, args: []any{"1", "2"}}
			if condition, _ := q.where(e); condition == "" && len(q.args) > 2 {
				t.Errorf("%q: arguments without a condition", in)
			}
		}
	})
}

// FuzzPatch applies operations at paths: none brings the server down, and what
// comes of them is a resource that is taken again.
func FuzzPatch(f *testing.F) {
	for _, s := range []string{
		`{"op":"add","path":"emails[type eq \"work\"].value","value":"a"}`, `{"op":"Replace","value":{"name.givenName":"a","active":"False"}}`,
		`{"op":"remove","path":"emails[value pr]"}`, `{"op":"add","path":"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:manager","value":[{"value":"1"}]}`,
		`{"op":"replace","path":"emails","value":[null,{},{"primary":true}]}`, `{"op":"add","path":"emails.primary","value":true}`, `{"op":"add","path":"name","value":{}}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		var o map[string]any
		if json.Unmarshal([]byte(in), &o) != nil {
			return
		}
		operations, err := operationsOf(map[string]any{"Operations": []any{o, o}})
		if err != nil {
			return
		}
		for _, k := range kinds {
			doc := map[string]any{"userName": "ana", "displayName": "Ana", "emails": []any{map[string]any{"value": "a@b", "type": "work", "primary": true}}}
			p := patching{kind: k, doc: doc, members: func(string, expr, any) error { return nil }}
			if err := p.apply(operations); err != nil {
				if _, ok := errorOf(err); !ok {
					t.Errorf("%s: %v", in, err)
				}
				continue
			}
			if _, err := k.normalise(p.doc); err != nil {
				t.Errorf("%s: makes %v, which is refused: %v", in, p.doc, err)
			}
		}
	})
}
