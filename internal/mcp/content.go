package mcp

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"unicode/utf8"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"
	"github.com/santhosh-tekuri/jsonschema/v6"
)

// longestText is how much of a result is repeated as text: clients that read
// structured content have all of it there.
const longestText = 256 << 10

// output is the schema of the tool's structured content; nil where the action
// tells none. Services don't hold to their own documents always, and clients
// throw away what doesn't fit a schema: such an answer is told as other.
func (t *tool) output() map[string]any {
	var schema any
	if len(t.action.Output) == 0 || json.Unmarshal(t.action.Output, &schema) != nil {
		return nil
	}
	return map[string]any{
		"type": "object",
		"properties": map[string]any{
			"output":    schema,
			"other":     map[string]any{"description": "The output, where the service has given another one than it says."},
			"file":      map[string]any{"type": "object", "description": "What the file is, where the output is one; it is among the content."},
			"nextToken": map[string]any{"type": "string", "description": "There is another page: call again with the same arguments and this nextToken."},
		},
	}
}

// shapes are the schemas of outputs, by their text. They are compiled once: there
// are about as many as the definitions of connectors have actions.
type shapes struct {
	mu  sync.Mutex
	all map[string]*jsonschema.Schema // nil for what is none
}

// mostShapes bounds what is kept.
const mostShapes = 5000

func (s *shapes) of(schema json.RawMessage) *jsonschema.Schema {
	s.mu.Lock()
	defer s.mu.Unlock()
	found, ok := s.all[string(schema)]
	if !ok {
		if s.all == nil || len(s.all) >= mostShapes {
			s.all = make(map[string]*jsonschema.Schema)
		}
		found = compile(schema)
		s.all[string(schema)] = found
	}
	return found
}

// fits tells whether an output is what the action says.
func (s *Service) fits(t *tool, output json.RawMessage) bool {
	schema := s.shapes.of(t.action.Output)
	if schema == nil {
		return false
	}
	value, err := jsonschema.UnmarshalJSON(bytes.NewReader(output))
	return err == nil && schema.Validate(value) == nil
}

// compile reads a schema; nil for what is none.
func compile(text json.RawMessage) *jsonschema.Schema {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil
	}
	const name = "mem:output"
	c := jsonschema.NewCompiler()
	c.DefaultDraft(jsonschema.Draft2020)
	if c.AddResource(name, document) != nil {
		return nil
	}
	schema, err := c.Compile(name)
	if err != nil {
		return nil
	}
	return schema
}

// A file is an output that is a file.
type file struct {
	ContentType string `json:"contentType"`
	Size        int    `json:"size"`
	Filename    string `json:"filename,omitempty"`
	content     []byte
}

// fileIn finds the file that an output is, or has as its body.
func fileIn(output json.RawMessage) *file {
	var members map[string]json.RawMessage
	if json.Unmarshal(output, &members) != nil {
		return nil
	}
	if f := asFile(members); f != nil {
		return f
	}
	var body map[string]json.RawMessage
	if _, ok := members["status"]; !ok || json.Unmarshal(members["body"], &body) != nil {
		return nil
	}
	return asFile(body)
}

// asFile reads a file in the form that actions give it.
func asFile(members map[string]json.RawMessage) *file {
	f, encoded := &file{}, ""
	for name, into := range map[string]any{"contentType": &f.ContentType, "size": &f.Size, "content": &encoded} {
		text, ok := members[name]
		if !ok || json.Unmarshal(text, into) != nil {
			return nil
		}
	}
	if text, ok := members["filename"]; ok && json.Unmarshal(text, &f.Filename) != nil {
		return nil
	}
	for name := range members {
		if name != "contentType" && name != "size" && name != "content" && name != "filename" {
			return nil
		}
	}
	var err error
	if f.content, err = base64.StdEncoding.DecodeString(encoded); err != nil || len(f.content) != f.Size {
		return nil
	}
	return f
}

// shown is a file among the content of a result.
func (f *file) shown(invocation string) sdk.Content {
	media, _, _ := strings.Cut(f.ContentType, ";")
	switch media = strings.ToLower(strings.TrimSpace(media)); {
	case strings.HasPrefix(media, "image/") && media != "image/svg+xml":
		return &sdk.ImageContent{Data: f.content, MIMEType: media}
	case strings.HasPrefix(media, "audio/"):
		return &sdk.AudioContent{Data: f.content, MIMEType: media}
	}
	name := word(f.Filename)
	if name == "" {
		name = "file"
	}
	r := &sdk.ResourceContents{URI: "onsight://invocations/" + invocation + "/" + name, MIMEType: f.ContentType}
	if utf8.Valid(f.content) && (strings.HasPrefix(media, "text/") || strings.HasSuffix(media, "json") || strings.HasSuffix(media, "xml")) {
		r.Text = string(f.content)
	} else {
		r.Blob = f.content
	}
	return &sdk.EmbeddedResource{Resource: r}
}

// result is an outcome as clients see it.
func (s *Service) result(t *tool, out *Outcome) *sdk.CallToolResult {
	res := &sdk.CallToolResult{}
	structured := map[string]any{}
	switch f := fileIn(out.Output); {
	case f != nil:
		structured["file"] = f
		res.Content = append(res.Content, f.shown(out.ID))
	case len(out.Output) == 0:
		res.Content = append(res.Content, text("Done."))
	default:
		as := "output"
		if len(t.action.Output) > 0 && !s.fits(t, out.Output) {
			as = "other"
		}
		structured[as] = out.Output
		res.Content = append(res.Content, text(cut(string(out.Output))))
	}
	if out.NextToken != "" {
		structured["nextToken"] = out.NextToken
		res.Content = append(res.Content, text("There is more: call again with the same arguments and "+t.pageArgument()+" "+quoted(out.NextToken)+"."))
	}
	res.StructuredContent = structured
	return res
}

func text(s string) sdk.Content { return &sdk.TextContent{Text: s} }

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		return s
	}
	return string(b)
}

// cut shortens what is too long for text.
func cut(s string) string {
	if len(s) <= longestText {
		return s
	}
	n := longestText
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n] + fmt.Sprintf("\n… and %d bytes more, which the structured content has.", len(s)-n)
}
