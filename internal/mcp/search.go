package mcp

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"onsight/internal/store"
)

// Tools of our own, which take the place of a list that is too long.
const (
	searchTools = "search_tools"
	callTool    = "call_tool"
)

// found is how many tools a search gives where nothing is said, and mostFound
// at most.
const (
	found     = 10
	mostFound = 50
)

// reserved tells whether a name is that of a tool of our own.
func reserved(name string) bool {
	return strings.EqualFold(name, searchTools) || strings.EqualFold(name, callTool)
}

// searching are the tools of our own, for who has n.
func (s *Service) searching(n int) []*sdk.Tool {
	return []*sdk.Tool{
		{
			Name: callTool, Title: "Call a tool",
			Description: "Calls a tool that " + searchTools + " has found.",
			InputSchema: json.RawMessage(`{"type":"object","required":["name"],"additionalProperties":false,"properties":{
				"name":{"type":"string","description":"Name of the tool."},
				"arguments":{"type":"object","description":"Its arguments, by the inputSchema that the search gives."}}}`),
			Annotations: &sdk.ToolAnnotations{DestructiveHint: new(true), OpenWorldHint: new(true)},
		},
		{
			Name: searchTools, Title: "Search tools",
			Description: fmt.Sprintf("Finds tools by words of what they do or act on, among %d. Each comes with its schema, for %s.", n, callTool),
			InputSchema: json.RawMessage(fmt.Sprintf(`{"type":"object","required":["query"],"additionalProperties":false,"properties":{
				"query":{"type":"string","description":"Words, such as: create issue jira."},
				"limit":{"type":"integer","minimum":1,"maximum":%d,"default":%d,"description":"How many to give at most."}}}`, mostFound, found)),
			Annotations: &sdk.ToolAnnotations{ReadOnlyHint: true, DestructiveHint: new(false), IdempotentHint: true, OpenWorldHint: new(false)},
		},
	}
}

// search finds tools of the caller.
func (s *Service) search(ctx context.Context, c *caller, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
	in := struct {
		Query string `json:"query"`
		Limit int    `json:"limit"`
	}{Limit: found}
	if problem := strict(req.Params.Arguments, &in); problem != "" {
		return problemOf(problem), nil
	}
	if strings.TrimSpace(in.Query) == "" {
		return problemOf("Input isn't valid: /query: say what the tool is to do."), nil
	}
	if in.Limit < 1 || in.Limit > mostFound {
		return problemOf(fmt.Sprintf("Input isn't valid: /limit: must be 1 to %d.", mostFound)), nil
	}
	var all []tool
	err := s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		all, err = s.toolsOf(tx, c)
		return err
	})
	if err != nil {
		return nil, s.internal(ctx, "search tools", err)
	}
	all = ranked(all, in.Query)
	total := len(all)
	all = all[:min(total, in.Limit)]
	tools := make([]*sdk.Tool, len(all))
	for i := range all {
		tools[i] = all[i].shown()
	}
	structured := map[string]any{"tools": tools, "matches": total}
	shown, err := json.Marshal(structured)
	if err != nil {
		return nil, s.internal(ctx, "search tools", err)
	}
	return &sdk.CallToolResult{StructuredContent: structured, Content: []sdk.Content{text(string(shown))}}, nil
}

// strict reads arguments, and says what is wrong with them; empty for nothing.
func strict(arguments json.RawMessage, into any) string {
	if len(arguments) == 0 {
		return ""
	}
	d := json.NewDecoder(bytes.NewReader(arguments))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return "Input isn't valid: " + strings.TrimPrefix(err.Error(), "json: ") + "."
	}
	return ""
}

// An inner call is what call_tool calls.
type inner struct {
	Name      string          `json:"name"`
	Arguments json.RawMessage `json:"arguments"`
}

// innerCall reads the arguments of call_tool.
func innerCall(arguments json.RawMessage) (in inner, problem string) {
	if problem = strict(arguments, &in); problem == "" && in.Name == "" {
		problem = "Input isn't valid: /name: is missing."
	}
	return in, problem
}

// words are the words of a text in lower case, those of camelCase too.
func words(text string) []string {
	var all []string
	var one strings.Builder
	end := func() {
		if one.Len() > 0 {
			all = append(all, one.String())
			one.Reset()
		}
	}
	lower := false
	for _, r := range text {
		if !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			end()
			lower = false
			continue
		}
		if unicode.IsUpper(r) && lower {
			end()
		}
		lower = unicode.IsLower(r)
		one.WriteRune(unicode.ToLower(r))
	}
	end()
	return all
}

// ranked gives the tools that a query fits, the best first: words of a name
// count more than those of a description, and whole ones more than parts.
func ranked(all []tool, query string) []tool {
	asked := words(query)
	score := make(map[string]int, len(all))
	fit := slices.DeleteFunc(all, func(t tool) bool {
		name := append(words(t.name), words(t.action.Label)...)
		about := append(words(t.action.Description), words(t.connector.Type)...)
		n, hits := 0, 0
		for _, w := range asked {
			best := max(5*matches(name, w), 2*matches(about, w))
			n += best
			if best > 0 {
				hits++
			}
		}
		score[t.name] = n + 10*hits
		return hits == 0
	})
	slices.SortStableFunc(fit, func(a, b tool) int { return cmp.Compare(score[b.name], score[a.name]) })
	return fit
}

// matches is 2 where a word is among others, 1 where it begins or ends one, or
// one of them begins it, as a plural does.
func matches(all []string, w string) int {
	best := 0
	for _, one := range all {
		switch {
		case one == w:
			return 2
		case len(w) > 2 && (strings.HasPrefix(one, w) || strings.HasSuffix(one, w)), len(one) > 2 && strings.HasPrefix(w, one):
			best = 1
		}
	}
	return best
}
