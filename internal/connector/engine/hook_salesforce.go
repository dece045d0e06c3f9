package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"onsight/internal/connector/definition"
	"onsight/internal/connector/soql"
)

// salesforceList lists records of the object that the operation's constant of
// this name says: a query (SOQL) is made of what the input has by type.
func salesforceList(ctx context.Context, c *Call) (*Result, error) {
	if c.Next != "" { // the service knows the query already
		return c.Send(ctx, c.Operation, c.Input)
	}
	query, err := soql.Query(constantOf(c.Operation, "object"), func(name string) any {
		value, _, _ := other(c.Operation, name, c.Input)
		return value
	})
	if err != nil {
		return nil, invalid("%v", err)
	}
	o := *c.Operation
	o.Fields = []definition.Field{{Name: "q", Wire: "q", In: definition.InQuery}}
	return c.Send(ctx, &o, map[string]any{"q": query})
}

// constantOf gives the text of a constant of an operation.
func constantOf(o *definition.Operation, wire string) (text string) {
	for _, f := range o.Fields {
		if f.Wire == wire && f.Constant != nil {
			_ = json.Unmarshal(f.Constant, &text) // else it is no text
		}
	}
	return text
}

// salesforceApex asks a REST service that an organisation has written itself.
// They lie beside the API, on the same host.
func salesforceApex(ctx context.Context, c *Call) (*Result, error) {
	given, _ := c.Input["path"].(string)
	if decoded, err := url.PathUnescape(given); err != nil || strings.Contains(decoded, "//") {
		return nil, invalid("The path has two slashes in a row, or a percent sign that means nothing")
	}
	path, err := relative(given)
	if err != nil {
		return nil, err
	}
	base := *c.Base
	base.Path, base.RawPath = "/services/apexrest", ""
	c.Base = &base
	o := *c.Operation
	o.Path, o.Fields = path, nil
	o.Method, _ = c.Input["method"].(string)
	o.Idempotent = o.Method == http.MethodGet
	input := make(map[string]any)
	add := func(f definition.Field, value any) {
		f.Name = fmt.Sprint(len(o.Fields))
		o.Fields = append(o.Fields, f)
		input[f.Name] = value
	}
	query, _ := c.Input["query"].(map[string]any)
	for name, value := range query {
		add(definition.Field{Wire: name, In: definition.InQuery, Explode: true}, value)
	}
	if body, there := c.Input["body"]; there {
		if o.Method == http.MethodGet {
			return nil, invalid("A body is not sent with GET")
		}
		o.MediaType = "application/json"
		add(definition.Field{Wire: "body", In: definition.InWhole}, body)
	}
	return c.Send(ctx, &o, input)
}

// salesforceReport runs a report: as it is saved by GET, with other filters by
// POST.
func salesforceReport(ctx context.Context, c *Call) (*Result, error) {
	o := *c.Operation
	o.Method = http.MethodGet
	for _, f := range o.Fields {
		if _, there := c.Input[f.Name]; there && f.In == definition.InBody {
			o.Method = http.MethodPost
		}
	}
	return c.Send(ctx, &o, c.Input)
}
