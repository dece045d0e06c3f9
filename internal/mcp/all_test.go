package mcp

import (
	"context"
	"encoding/json"
	"testing"

	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"onsight/internal/connector/definitions"
)

// Every action that there is makes a tool that the protocol allows: its input
// and its output are objects, whatever the service gives. The library refuses
// others.
func TestToolsOfAllTypes(t *testing.T) {
	t.Parallel()
	server := sdk.NewServer(&sdk.Implementation{Name: "onsight", Version: "test"}, nil)
	for _, of := range definitions.Types() {
		d, _ := definitions.Of(of)
		c := Connector{ARN: "arn:aws:quicksight:us-east-1:111122223333:action-connector/" + of, ID: of, Name: "Ours", Type: of}
		for _, id := range d.Actions {
			o := d.Operations[id]
			plain, marked := names(&c, id)
			one := tool{name: plain, connector: c, action: Action{
				ID: id, Label: o.Label, Description: o.Description, Write: o.Write, Destructive: o.Destructive, Idempotent: o.Idempotent,
				Paged: o.Pagination != nil, Input: o.Input, Output: o.OutputSchema,
			}}
			if one.name == "" {
				one.name = marked
			}
			shown := one.shown()
			if len(shown.Name) > longestName {
				t.Errorf("%s: %s: the name %s is longer than %d", of, id, shown.Name, longestName)
			}
			for what, schema := range map[string]any{"input": shown.InputSchema, "output": shown.OutputSchema} {
				text, err := json.Marshal(schema)
				if err != nil {
					t.Fatal(err)
				}
				var root struct{ Type string }
				switch {
				case string(text) == "null" && what == "output": // it gives nothing, or a file
				case json.Unmarshal(text, &root) != nil || root.Type != "object" || compile(text) == nil:
					t.Errorf("%s: %s: the %s is no schema of an object: %s", of, id, what, text)
				}
			}
			server.AddTool(shown, func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) { return nil, nil }) // panics where the protocol forbids it
		}
	}
}
