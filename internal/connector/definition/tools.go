package definition

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// A Tool is one of an MCP server, as the server describes it. Nothing of that
// can be trusted: texts are for people and models to read, and hints are what
// the server says of itself.
type Tool struct {
	Name         string          `json:"name"`
	Title        string          `json:"title,omitempty"`
	Description  string          `json:"description,omitempty"`
	InputSchema  json.RawMessage `json:"inputSchema,omitempty"`
	OutputSchema json.RawMessage `json:"outputSchema,omitempty"`
	ReadOnly     bool            `json:"readOnly,omitempty"`
	Idempotent   bool            `json:"idempotent,omitempty"`
	// Destructive is nil where the server does not say.
	Destructive *bool `json:"destructive,omitempty"`
}

// Tools is what is kept of an MCP server.
type Tools struct {
	// Server names it and its version, Protocol the version of MCP it speaks.
	Server   string `json:"server,omitempty"`
	Protocol string `json:"protocol,omitempty"`
	Tools    []Tool `json:"tools"`
	// LeftOut tells which tools are not among them, and why.
	LeftOut []string `json:"leftOut,omitempty"`
}

// Bounds of what servers tell.
const (
	maxTools       = 500
	maxToolText    = 2000
	maxToolName    = 128
	maxToolParts   = 2000 // schemas of a tool, with what references lead to
	maxToolLevels  = 40
	maxToolSchemas = 256 << 10 // bytes
)

// Clean makes of the tools that a server tells those that can be kept: with
// schemas that have no references, and texts of some length without what nobody
// sees. What cannot be used is left out.
func (t *Tools) Clean() {
	t.Server, t.Protocol = clipped(t.Server, maxToolName), clipped(t.Protocol, maxToolName)
	told := t.Tools
	t.Tools, t.LeftOut = []Tool{}, nil
	ids := make(map[string][]string)
	for _, tool := range told {
		ids[actionID(tool.Name)] = append(ids[actionID(tool.Name)], tool.Name)
	}
	for _, tool := range told {
		if err := tool.clean(ids[actionID(tool.Name)]); err != nil {
			t.leave(tool.Name, err)
			continue
		}
		if len(t.Tools) == maxTools {
			t.leave(tool.Name, fmt.Errorf("there are more than %d tools", maxTools))
			break
		}
		t.Tools = append(t.Tools, tool)
	}
	slices.SortFunc(t.Tools, func(a, b Tool) int { return strings.Compare(a.Name, b.Name) })
}

func (t *Tools) leave(name string, why error) {
	if len(t.LeftOut) < maxProblems {
		t.LeftOut = append(t.LeftOut, clipped(fmt.Sprintf("%q: %v", clipped(name, maxToolName), why), 500))
	}
}

// clean cleans a tool. same are the names of all tools with its id.
func (t *Tool) clean(same []string) error {
	id := actionID(t.Name)
	switch {
	case t.Name == "" || len(t.Name) > maxToolName || !operationID.MatchString(id) || strings.Trim(id, "_") == "":
		return fmt.Errorf("the name is none that an action can have")
	case len(same) > 1 && (id != t.Name || count(same, t.Name) > 1):
		// Whose the id is must not depend on which other tools there are today.
		return fmt.Errorf("other tools become the action %s too", id)
	}
	t.Title, t.Description = clipped(t.Title, maxLabel), clipped(t.Description, maxToolText)
	var err error
	if t.InputSchema, err = cleanSchema(t.InputSchema); err != nil {
		return fmt.Errorf("its input: %w", err)
	}
	if err = (&Operation{ID: id}).takes("", t.InputSchema); err != nil {
		return err
	}
	if len(t.OutputSchema) > 0 {
		if t.OutputSchema, err = cleanSchema(t.OutputSchema); err != nil {
			t.OutputSchema = nil // it is for reading alone
		}
	}
	return nil
}

func count(names []string, name string) (n int) {
	for _, other := range names {
		if other == name {
			n++
		}
	}
	return n
}

// OfTools makes a definition of the tools that are kept of a server. What they
// do not say is as in like.
func OfTools(document []byte, like *Definition) (*Definition, error) {
	var tools Tools
	if err := json.Unmarshal(document, &tools); err != nil {
		return nil, &Error{Reason: err.Error()}
	}
	d := &Definition{
		Protocol: tools.Protocol,
		Title:    like.Title, Description: like.Description, Server: like.Server, Connector: like.Connector, Remote: true,
		Operations: make(map[string]*Operation, len(tools.Tools)), Actions: []string{},
	}
	d.Connector.Base, d.Connector.Test = Base{}, Test{}
	for _, t := range tools.Tools {
		o := &Operation{
			ID: actionID(t.Name), Tool: t.Name, Label: t.Title, Description: t.Description,
			Write: !t.ReadOnly, Idempotent: t.ReadOnly || t.Idempotent, OutputSchema: t.OutputSchema,
		}
		o.Destructive = o.Write && t.Destructive != nil && *t.Destructive
		if o.Label == "" {
			o.Label = o.ID
		}
		if err := o.takes("", t.InputSchema); err != nil {
			return nil, err
		}
		d.Operations[o.ID] = o
		d.Actions = append(d.Actions, o.ID)
	}
	slices.Sort(d.Actions)
	return d, nil
}

// cleanSchema makes of a schema one without references, of what is known.
func cleanSchema(text json.RawMessage) (json.RawMessage, error) {
	if len(text) == 0 || string(text) == "null" {
		return json.RawMessage(`{"type":"object"}`), nil
	}
	if len(text) > maxToolSchemas {
		return nil, fmt.Errorf("the schema has more than %d bytes", maxToolSchemas)
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var root any
	if err := d.Decode(&root); err != nil {
		return nil, fmt.Errorf("the schema is not JSON")
	}
	object, ok := root.(map[string]any)
	if !ok {
		return nil, fmt.Errorf("the schema is no object")
	}
	c := &cleaner{root: object, parts: maxToolParts}
	clean, _ := c.schema(object, nil, 0).(map[string]any)
	if c.parts <= 0 {
		return nil, fmt.Errorf("the schema has more than %d parts, with what its references lead to", maxToolParts)
	}
	clean["type"] = "object"
	return json.Marshal(clean)
}

// cleaner writes schemas of JSON Schema without references. One that contains
// itself ends with a schema that takes anything: the server looks at it anyhow.
type cleaner struct {
	root  map[string]any
	parts int
}

// Keywords of JSON Schema, by what they hold.
var (
	plainKeywords = []string{
		"type", "enum", "const", "default", "format", "required", "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties",
		"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf", "uniqueItems", "minContains", "maxContains", "contentEncoding", "contentMediaType",
	}
	schemaKeywords  = []string{"items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"}
	schemasKeywords = []string{"allOf", "anyOf", "oneOf", "prefixItems"}
	namedKeywords   = []string{"properties", "patternProperties"}
)

func (c *cleaner) schema(v any, above []string, depth int) any {
	if c.parts--; c.parts <= 0 || depth > maxToolLevels {
		return map[string]any{}
	}
	s, ok := v.(map[string]any)
	if !ok {
		if b, ok := v.(bool); ok {
			return b
		}
		return map[string]any{}
	}
	out := make(map[string]any)
	if ref, ok := s["$ref"].(string); ok {
		if target, found := c.target(ref); found && !slices.Contains(above, ref) {
			if t, ok := c.schema(target, append(slices.Clip(above), ref), depth+1).(map[string]any); ok {
				out = t
			}
		}
	}
	for _, name := range []string{"title", "description"} {
		if text, ok := s[name].(string); ok {
			out[name] = clipped(text, maxToolText)
		}
	}
	for _, name := range plainKeywords {
		if value, ok := s[name]; ok {
			if _, large := unreasonable(value, ""); !large {
				out[name] = value
			}
		}
	}
	if p, ok := s["pattern"].(string); ok {
		if _, err := regexp.Compile(p); err == nil {
			out["pattern"] = p
		}
	}
	for _, name := range schemaKeywords {
		if value, ok := s[name]; ok {
			if _, list := value.([]any); !list {
				out[name] = c.schema(value, above, depth+1)
			}
		}
	}
	for _, name := range schemasKeywords {
		if list, ok := s[name].([]any); ok && len(list) > 0 {
			all := make([]any, len(list))
			for i, value := range list {
				all[i] = c.schema(value, above, depth+1)
			}
			out[name] = all
		}
	}
	for _, name := range namedKeywords {
		if object, ok := s[name].(map[string]any); ok {
			all := make(map[string]any, len(object))
			for key, value := range object {
				if _, err := regexp.Compile(key); name == "patternProperties" && err != nil {
					continue
				}
				all[key] = c.schema(value, above, depth+1)
			}
			out[name] = all
		}
	}
	return out
}

// target is what a reference within the schema leads to.
func (c *cleaner) target(ref string) (any, bool) {
	if ref == "#" {
		return c.root, true
	}
	if !strings.HasPrefix(ref, "#/") {
		return nil, false
	}
	var v any = c.root
	for name := range strings.SplitSeq(ref[2:], "/") {
		object, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		if v, ok = object[unescaped.Replace(name)]; !ok {
			return nil, false
		}
	}
	return v, true
}
