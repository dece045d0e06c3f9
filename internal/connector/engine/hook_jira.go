package engine

import (
	"context"
	"fmt"
	"maps"
	"strings"

	"onsight/internal/connector/pointer"
)

// jiraTransition moves an issue by a transition that callers know by its name,
// or by where it leads.
func jiraTransition(ctx context.Context, c *Call) (*Result, error) {
	res, err := c.Run(ctx, "GetTransitions", map[string]any{"issueIdOrKey": c.Input["issueIdOrKey"]})
	if err != nil {
		return nil, err
	}
	wanted, _ := c.Input["transition"].(string)
	transitions, _ := res.Output.([]any)
	found := transitionOf(transitions, wanted)
	if found == nil {
		var names []string
		for _, t := range transitions {
			names = append(names, fmt.Sprintf("%s (to %s)", pointer.Text(t, "/name"), pointer.Text(t, "/to/name")))
		}
		if names == nil {
			names = []string{"none, for this user"}
		}
		return nil, &Error{Kind: Rejected, Status: res.Status, Message: "The issue has no such transition now. It has: " + strings.Join(names, ", ") + "."}
	}
	input := maps.Clone(c.Input)
	input["transition"] = pointer.Text(found, "/id")
	if comment, ok := input["comment"]; ok {
		body, err := document(comment)
		if err != nil {
			return nil, err
		}
		input["comment"] = []any{map[string]any{"add": map[string]any{"body": body}}}
	}
	if res, err = c.Send(ctx, c.Operation, input); err != nil {
		return nil, err
	}
	res.Output = map[string]any{"transition": pointer.Text(found, "/name"), "status": pointer.Text(found, "/to/name")}
	return res, nil
}

// transitionOf finds a transition by its id, by its name, or by the name of the
// status that it leads to, in this order.
func transitionOf(transitions []any, wanted string) any {
	for _, at := range []string{"/id", "/name", "/to/name"} {
		for _, t := range transitions {
			if strings.EqualFold(pointer.Text(t, at), wanted) {
				return t
			}
		}
	}
	return nil
}
