package definition_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/connector/definition"
)

// What servers tell is made harmless, or left out.
func TestTools(t *testing.T) {
	t.Parallel()
	schema := func(text string) json.RawMessage { return json.RawMessage(text) }
	doubling := `{"$defs":{`
	for i := range 24 {
		doubling += fmt.Sprintf(`"S%d":{"properties":{"a":{"$ref":"#/$defs/S%d"},"b":{"$ref":"#/$defs/S%d"}}},`, i, i+1, i+1)
	}
	doubling += `"S24":{}},"$ref":"#/$defs/S0"}`
	tools := definition.Tools{Server: "a\x00b", Tools: []definition.Tool{
		{Name: "tree", Description: "Hidden\u200b \u202etext" + strings.Repeat("x", 5000), InputSchema: schema(`{"$defs":{"N":{"type":"object","properties":{"child":{"$ref":"#/$defs/N"}}}},"properties":{"root":{"$ref":"#/$defs/N"}}}`)},
		{Name: "file", ReadOnly: true, InputSchema: schema(`{"properties":{"a":{"$ref":"file:///etc/passwd"},"b":{"pattern":"(?=x)"},"c":{"minimum":1e999999999}}}`)},
		{Name: "twin-a", InputSchema: schema(`{}`)},
		{Name: "twin.a", InputSchema: schema(`{}`)},
		{Name: "twin_a", InputSchema: schema(`{}`)},
		{Name: "twice"},
		{Name: "twice"},
		{Name: "äöü"},
		{Name: strings.Repeat("n", 129)},
		{Name: "doubling", InputSchema: schema(doubling)},
		{Name: "list", InputSchema: schema(`[]`)},
		{Name: "wrong", InputSchema: schema(`{"properties":{"a":{"type":"thing"}}}`)},
		{Name: "bare", OutputSchema: schema(`[]`)},
	}}
	tools.Clean()
	var names []string
	for _, tool := range tools.Tools {
		names = append(names, tool.Name)
		if len([]rune(tool.Description)) > 2001 || strings.ContainsAny(tool.Description, "\u200b\u202e\x00") {
			t.Errorf("%s: %q", tool.Name, tool.Description)
		}
	}
	if diff := cmp.Diff([]string{"bare", "file", "tree", "twin_a"}, names); diff != "" {
		t.Errorf("%s\nleft out: %q", diff, tools.LeftOut)
	}
	if len(tools.LeftOut) != 9 || tools.Server != "ab" {
		t.Errorf("left out %q of %q", tools.LeftOut, tools.Server)
	}
	text, err := json.Marshal(tools)
	if err != nil {
		t.Fatal(err)
	}
	d, err := definition.OfTools(text, generic(t))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"bare", "file", "tree", "twin_a"}, d.Actions); diff != "" {
		t.Error(diff)
	}
	wantJSON(t, "tree", d.Operations["tree"].Input, `{"type":"object","properties":{"root":{"type":"object","properties":{"child":{}}}}}`)
	wantJSON(t, "file", d.Operations["file"].Input, `{"type":"object","properties":{"a":{},"b":{},"c":{}}}`)
	if d.Operations["file"].Write || !d.Operations["tree"].Write || !d.Remote {
		t.Error("what reads and what writes is not told apart")
	}
	if _, err := d.Operations["tree"].Check([]byte(`{"root":{"child":{"child":7}}}`)); err != nil {
		t.Error(err)
	}
	if _, err := d.Operations["tree"].Check([]byte(`{"root":1e999999999}`)); err == nil {
		t.Error("a number that fills the memory is taken")
	}
}

// FuzzTools cleans whatever servers tell.
func FuzzTools(f *testing.F) {
	f.Add("a-b", "text", []byte(`{"properties":{"a":{"$ref":"#"}}}`))
	like := generic(f)
	f.Fuzz(func(t *testing.T, name, description string, schema []byte) {
		if !json.Valid(schema) {
			return
		}
		tools := definition.Tools{Tools: []definition.Tool{{Name: name, Description: description, InputSchema: schema, OutputSchema: schema}}}
		tools.Clean()
		text, err := json.Marshal(tools)
		if err != nil {
			t.Fatal(err)
		}
		d, err := definition.OfTools(text, like)
		if err != nil {
			t.Fatalf("accepted, and then not: %v", err)
		}
		for _, o := range d.Operations {
			_, _ = o.Check([]byte(`{"a":1}`))
		}
	})
}
