package definitions_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"onsight/internal/connector/definitions"
)

// Every action tells what it gives, unless that is nothing or a file, and its
// cases give just that.
func TestOutputs(t *testing.T) {
	t.Parallel()
	for _, name := range definitions.Types() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			d, _ := definitions.Of(name)
			text, err := os.ReadFile("testdata/" + strings.ToLower(name) + ".txt")
			if err != nil {
				t.Fatal(err)
			}
			given := make(map[string][]*testCase)
			for _, c := range cases(t, string(text)) {
				if c.fail == "" {
					given[c.action] = append(given[c.action], c)
				}
			}
			for _, id := range d.Actions {
				o := d.Operations[id]
				if len(given[id]) == 0 {
					t.Errorf("%s has no case of success", id)
				}
				var schema map[string]any
				var compiled *jsonschema.Schema
				if o.OutputSchema != nil {
					if err := json.Unmarshal(o.OutputSchema, &schema); err != nil {
						t.Fatalf("%s: %v", id, err)
					}
					compiled = compile(t, o.OutputSchema)
					described(t, id+": output", schema)
				}
				for _, c := range given[id] {
					output, err := jsonschema.UnmarshalJSON(strings.NewReader(c.output))
					if err != nil {
						t.Fatalf("%s: %v", c.title, err)
					}
					switch {
					case output == nil:
					case compiled == nil:
						if empty, ok := output.(map[string]any); !isFile(output) && (!ok || len(empty) > 0) {
							t.Errorf("%s: its output is declared nowhere", c.title)
						}
					default:
						if err := compiled.Validate(output); err != nil {
							t.Errorf("%s: the output isn't what is declared: %v", c.title, err)
						}
						for _, member := range unnamed(schema, output) {
							t.Errorf("%s: the output has %q, which is declared nowhere", c.title, member)
						}
					}
				}
			}
		})
	}
}

func compile(t *testing.T, text json.RawMessage) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	c.AssertFormat() // a time that is none would mislead who reads the schema
	if err := c.AddResource("mem:output", document); err != nil {
		t.Fatal(err)
	}
	schema, err := c.Compile("mem:output")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// isFile tells whether an output is that of a file.
func isFile(output any) bool {
	file, ok := output.(map[string]any)
	return ok && file["contentType"] != nil && file["size"] != nil && (file["content"] != nil || file["text"] != nil)
}

// unnamed are the members of an output, or of the items of one that is a list,
// which its schema does not name. One that speaks of additionalProperties is
// open by nature, and so is one of any type.
func unnamed(schema map[string]any, output any) (members []string) {
	switch v := output.(type) {
	case []any:
		items, _ := schema["items"].(map[string]any)
		for _, item := range v {
			members = append(members, unnamed(items, item)...)
		}
	case map[string]any:
		names, open := membersOf(schema)
		patterns, _ := schema["patternProperties"].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(v)) {
			fits := func(p string) bool { return regexp.MustCompile(p).MatchString(name) }
			if !open && !names[name] && !slices.ContainsFunc(slices.Collect(maps.Keys(patterns)), fits) {
				members = append(members, name)
			}
		}
	}
	return members
}

// membersOf are the members that a schema names, and whether it is open by
// nature.
func membersOf(schema map[string]any) (names map[string]bool, open bool) {
	names = make(map[string]bool)
	_, open = schema["additionalProperties"]
	properties, _ := schema["properties"].(map[string]any)
	for name := range properties {
		names[name] = true
	}
	for _, of := range []string{"allOf", "anyOf", "oneOf"} {
		parts, _ := schema[of].([]any)
		for _, part := range parts {
			if p, ok := part.(map[string]any); ok {
				more, opens := membersOf(p)
				maps.Copy(names, more)
				open = open || opens
			}
		}
	}
	_, typed := schema["type"]
	return names, open || !typed && len(names) == 0
}

// described reports what a schema says that is no description: one is a
// sentence, or the beginning of one, with a full stop.
func described(t *testing.T, where string, schema map[string]any) {
	t.Helper()
	if text, there := schema["description"]; there && !sentence(text) {
		t.Errorf("%s: the description %q doesn't end like a sentence", where, text)
	}
	if properties, ok := schema["properties"].(map[string]any); ok {
		for _, name := range slices.Sorted(maps.Keys(properties)) {
			if p, ok := properties[name].(map[string]any); ok {
				described(t, where+"/"+name, p)
			}
		}
	}
	for _, of := range []string{"items", "additionalProperties"} {
		if p, ok := schema[of].(map[string]any); ok {
			described(t, where+"/"+of, p)
		}
	}
}

func sentence(text any) bool {
	s, _ := text.(string)
	return strings.HasSuffix(s, ".") && !strings.HasSuffix(s, "..") && s == strings.TrimSpace(s)
}
