package engine

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"onsight/internal/connector/definition"
	"onsight/internal/connector/pointer"
)

// confluenceUpdate changes a page. The service wants the number of the version
// that the change makes, and all that the page is to be: what callers leave out
// stays as it is. When another was faster, the page is read once more.
func confluenceUpdate(ctx context.Context, c *Call) (*Result, error) {
	res, err := c.confluenceVersion(ctx)
	if e, ok := errors.AsType[*Error](err); ok && e.Kind == Conflict {
		return c.confluenceVersion(ctx)
	}
	return res, err
}

// confluenceVersion makes the next version of a page.
func (c *Call) confluenceVersion(ctx context.Context) (*Result, error) {
	page, err := c.Run(ctx, "GetPage", map[string]any{"pageId": c.Input["pageId"]})
	if err != nil {
		return nil, err
	}
	number, err := strconv.Atoi(pointer.Text(page.Output, "/version/number"))
	if err != nil {
		return nil, &Error{Kind: Rejected, Status: page.Status, Message: "The service does not tell the version of the page."}
	}
	o := *c.Operation
	o.Fields = slices.Clone(o.Fields)
	input := maps.Clone(c.Input)
	for at, value := range map[string]any{"/id": c.Input["pageId"], "/version/number": json.Number(fmt.Sprint(number + 1))} {
		o.Fields = append(o.Fields, definition.Field{Name: at, In: definition.InBody, Pointer: at})
		input[at] = value
	}
	if _, ok := input["title"]; !ok {
		input["title"] = pointer.Text(page.Output, "/title")
	}
	if _, ok := input["body"]; !ok {
		input["body"], input["representation"] = pointer.Text(page.Output, "/body/storage/value"), "storage"
	}
	return c.Send(ctx, &o, input)
}
