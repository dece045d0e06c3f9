package mcp

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"onsight/internal/page"
	"onsight/internal/store"
)

const (
	// longestName is how long the name of a tool may be: the protocol lets it
	// have 128 characters, and models fewer.
	longestName = 64
	// shortestConnector is what is left of a connector's name at least.
	shortestConnector = 12
	// pageOfTools is how many tools a page of the list has.
	pageOfTools = 50
)

// A tool is an action of a connector under the name by which agents call it.
type tool struct {
	name      string
	connector Connector
	action    Action
}

// word makes of a text what the name of a tool may have: letters, digits and -.
func word(text string) string {
	var b strings.Builder
	for _, r := range text {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9':
			b.WriteRune(r)
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	return strings.TrimSuffix(b.String(), "-")
}

// mark tells tools apart that would have one name.
func mark(connector, action string) string {
	sum := sha256.Sum256([]byte(connector + "\x00" + action))
	return hex.EncodeToString(sum[:3])
}

// names gives the two names of a tool: the one that it has if no other tool of
// the person has it, empty where that is too long, and the one that none has.
func names(c *Connector, action string) (plain, marked string) {
	of, does := cmp.Or(strings.ToLower(word(c.Name)), strings.ToLower(word(c.ID)), "connector"), cmp.Or(word(action), "action")
	plain = of + "_" + does
	room := longestName - len("-000000")
	if len(does) > room-shortestConnector-1 {
		does = does[:room-shortestConnector-1]
	}
	if len(of) > room-len(does)-1 {
		of = of[:room-len(does)-1]
	}
	marked = of + "_" + does + "-" + mark(c.ARN, action)
	if len(plain) > longestName || reserved(plain) {
		plain = ""
	}
	return plain, marked
}

// named gives tools their names, in the order of names. Which name a tool has
// depends on the others that the person may use, and on nothing else.
func named(all []tool) []tool {
	count := make(map[string]int)
	for i := range all {
		plain, _ := names(&all[i].connector, all[i].action.ID)
		count[strings.ToLower(plain)]++
	}
	for i := range all {
		plain, marked := names(&all[i].connector, all[i].action.ID)
		if all[i].name = plain; plain == "" || count[strings.ToLower(plain)] > 1 {
			all[i].name = marked
		}
	}
	slices.SortFunc(all, func(a, b tool) int { return strings.Compare(a.name, b.name) })
	return all
}

// toolsOf gives all tools of the caller.
func (s *Service) toolsOf(tx *store.Tx, c *caller) ([]tool, error) {
	connectors, err := s.Actions.Connectors(tx, c.person.Account)
	if err != nil {
		return nil, err
	}
	var all []tool
	for _, of := range connectors {
		actions, err := s.offered(tx, c, of)
		if err != nil {
			return nil, err
		}
		for _, a := range actions {
			all = append(all, tool{connector: of, action: a})
		}
	}
	return named(all), nil
}

// offered gives the actions of a connector that the caller may perform.
func (s *Service) offered(tx *store.Tx, c *caller, of Connector) ([]Action, error) {
	actions, err := s.Actions.Offered(tx, c.person, of)
	if c.lookOnly {
		actions = slices.DeleteFunc(actions, func(a Action) bool { return a.Write })
	}
	return actions, err
}

// find finds the tool that the caller calls. Besides the name that it has in the
// list, the marked one is good, which it had there while another had its name.
func (s *Service) find(tx *store.Tx, c *caller, name string) (*tool, error) {
	connectors, err := s.Actions.Connectors(tx, c.person.Account)
	if err != nil {
		return nil, err
	}
	var plain []tool
	for _, of := range connectors {
		// Names of others tell already that it is none of theirs.
		if head, _, _ := strings.Cut(name, "_"); !likely(&of, head) {
			continue
		}
		actions, err := s.offered(tx, c, of)
		if err != nil {
			return nil, err
		}
		for _, a := range actions {
			short, marked := names(&of, a.ID)
			if marked == name {
				return &tool{marked, of, a}, nil
			}
			if strings.EqualFold(short, name) {
				plain = append(plain, tool{short, of, a})
			}
		}
	}
	switch len(plain) {
	case 1:
		return &plain[0], nil
	case 0:
		return nil, nil //nolint:nilnil // there is none
	}
	return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: fmt.Sprintf("Several tools are called %s since the list was given. List the tools again.", name)}
}

// likely tells whether a tool whose name begins so may be of a connector.
func likely(c *Connector, head string) bool {
	of := cmp.Or(strings.ToLower(word(c.Name)), strings.ToLower(word(c.ID)), "connector")
	return strings.HasPrefix(of, strings.ToLower(head))
}

// list lists the tools of the caller, or, where they are many, those by which
// they are searched and called.
func (s *Service) list(ctx context.Context, c *caller, in *sdk.ListToolsParams) (*sdk.ListToolsResult, error) {
	out := &sdk.ListToolsResult{Tools: []*sdk.Tool{}, Cacheable: sdk.Cacheable{CacheScope: "private"}}
	scope, after := page.Scope("tools/list", c.person.ARN().String(), c.credential), ""
	if in != nil && in.Cursor != "" {
		key, err := s.Tokens.Key(scope, in.Cursor)
		if err != nil || len(key) != 1 {
			return nil, &jsonrpc.Error{Code: jsonrpc.CodeInvalidParams, Message: "The cursor isn't one of this list, or is older than a day."}
		}
		after = key[0]
	}
	var all []tool
	err := s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		all, err = s.toolsOf(tx, c)
		return err
	})
	if err != nil {
		return nil, s.internal(ctx, "list tools", err)
	}
	if len(all) > s.Listed {
		out.Tools = s.searching(len(all))
		return out, nil
	}
	from, _ := slices.BinarySearchFunc(all, after, func(t tool, name string) int {
		if t.name <= name {
			return -1
		}
		return 1
	})
	all = all[from:]
	if len(all) > pageOfTools {
		all = all[:pageOfTools]
		out.NextCursor = s.Tokens.Next(scope, all[len(all)-1].name)
	}
	for i := range all {
		out.Tools = append(out.Tools, all[i].shown())
	}
	return out, nil
}

// shown is a tool as clients see it.
func (t *tool) shown() *sdk.Tool {
	about := t.action.Description
	if about != "" && !strings.HasSuffix(about, ".") {
		about += "."
	}
	about = strings.TrimSpace(about + fmt.Sprintf(" Acts by the connector %q of type %s.", t.connector.Name, t.connector.Type))
	shown := &sdk.Tool{
		Name: t.name, Title: t.connector.Name + ": " + cmp.Or(t.action.Label, t.action.ID), Description: about,
		InputSchema: t.input(),
		Annotations: &sdk.ToolAnnotations{
			ReadOnlyHint: !t.action.Write, DestructiveHint: new(t.action.Destructive), IdempotentHint: t.action.Idempotent || !t.action.Write, OpenWorldHint: new(true),
		},
	}
	if out := t.output(); out != nil {
		shown.OutputSchema = out
	}
	return shown
}

// pageArgument is the argument that has the token of the next page: the first of
// these names that is none of the action's.
func (t *tool) pageArgument() string {
	if !t.action.Paged {
		return ""
	}
	var schema struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if json.Unmarshal(t.action.Input, &schema) != nil {
		return ""
	}
	for _, name := range []string{"nextToken", "pageToken", "onsightNextToken"} {
		if _, there := schema.Properties[name]; !there {
			return name
		}
	}
	return ""
}

// input is the schema of the tool's arguments.
func (t *tool) input() json.RawMessage {
	name := t.pageArgument()
	schema := map[string]any{}
	if json.Unmarshal(t.action.Input, &schema) != nil || schema["type"] != "object" {
		return json.RawMessage(`{"type":"object"}`)
	}
	if name == "" {
		return t.action.Input
	}
	properties, ok := schema["properties"].(map[string]any)
	if !ok {
		properties = map[string]any{}
		schema["properties"] = properties
	}
	properties[name] = map[string]any{"type": "string", "description": "The nextToken of the page before, with otherwise the same arguments."}
	text, err := json.Marshal(schema)
	if err != nil {
		return t.action.Input
	}
	return text
}

// split takes the token of a page out of a tool's arguments.
func (t *tool) split(arguments json.RawMessage) (input json.RawMessage, next string, err error) {
	name := t.pageArgument()
	if name == "" {
		return arguments, "", nil
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(arguments, &members) != nil {
		return arguments, "", nil //nolint:nilerr // the action's own check says what is wrong
	}
	text, there := members[name]
	if !there {
		return arguments, "", nil
	}
	if err := json.Unmarshal(text, &next); err != nil {
		return nil, "", fmt.Errorf("/%s: must be a string", name)
	}
	delete(members, name)
	input, err = json.Marshal(members)
	return input, next, err
}

// internal is the answer for an error that is nobody's but ours.
func (s *Service) internal(ctx context.Context, what string, err error) error {
	if ctx.Err() == nil {
		s.Log.ErrorContext(ctx, "mcp: "+what, "error", err.Error())
	}
	return &jsonrpc.Error{Code: jsonrpc.CodeInternalError, Message: "Something went wrong in Onsight; its log has the cause. Try again."}
}
