package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"onsight/internal/client"
	"onsight/internal/onsightapi"
)

// connectorDefine gives a connector a definition of its own, shows it, or takes
// it away.
func connectorDefine(ctx context.Context, args []string, s streams) error {
	var f connectorFlags
	fs := flag.NewFlagSet("onsight connector define", flag.ContinueOnError)
	fs.SetOutput(s.err)
	f.flags(fs, s)
	fs.StringVar(&f.id, "id", "", "`id` of the connector")
	file := fs.String("file", "", "`file` with an OpenAPI document in JSON or YAML, or - for standard input")
	try := fs.Bool("validate", false, "say what would be, and change nothing")
	server := fs.Bool("mcp", false, "the tools of the MCP server at the base endpoint are the connector's actions")
	again := fs.Bool("refresh", false, "ask the MCP server for its tools again")
	fs.StringVar(&f.as, "as", "", "`ARN` of the user as whom an MCP server is asked, where people sign in themselves")
	show := fs.Bool("show", false, "print the definition that the connector has")
	remove := fs.Bool("delete", false, "take the definition away: the connector has the actions of its type again")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return usageError{err}
	}
	chosen := 0
	for _, is := range []bool{*file != "", *server, *again, *show, *remove} {
		if is {
			chosen++
		}
	}
	switch {
	case fs.NArg() > 0:
		return usageError{fmt.Errorf("connector define takes no arguments, but got %q", fs.Arg(0))}
	case f.id == "":
		return usageError{errors.New("connector define needs -id")}
	case chosen != 1:
		return usageError{errors.New("connector define needs one of -file, -mcp, -refresh, -show and -delete")}
	}
	c, err := f.client(s)
	if err != nil {
		return err
	}
	switch {
	case *show:
		out, err := client.Call(ctx, c, onsightapi.DescribeActionConnectorDefinition, onsightapi.DescribeActionConnectorDefinitionRequest{AwsAccountId: f.account, ActionConnectorId: f.id})
		if err != nil {
			return err
		}
		if f.json {
			return printJSON(s, out.Definition)
		}
		fmt.Fprintln(s.out, text(out.Definition.Document))
		return nil
	case *server:
		return f.define(ctx, c, s, onsightapi.UpdateActionConnectorDefinitionRequest{Kind: "MCP", EndUserArn: given(f.as)}, *try)
	case *again:
		out, err := client.Call(ctx, c, onsightapi.RefreshActionConnectorDefinition, onsightapi.RefreshActionConnectorDefinitionRequest{
			AwsAccountId: f.account, ActionConnectorId: f.id, EndUserArn: given(f.as),
		})
		if err != nil {
			return err
		}
		return f.actions(s, out, out.Actions, out.Notes)
	case *remove:
		out, err := client.Call(ctx, c, onsightapi.DeleteActionConnectorDefinition, onsightapi.DeleteActionConnectorDefinitionRequest{AwsAccountId: f.account, ActionConnectorId: f.id})
		if err != nil {
			return err
		}
		return f.printed(s, out, func(t *tabwriter.Writer) { fmt.Fprintf(t, "%s has the actions of its type.\n", f.id) })
	}
	document, err := fileOrInput(*file)
	if err != nil {
		return err
	}
	return f.define(ctx, c, s, onsightapi.UpdateActionConnectorDefinitionRequest{Kind: "OPENAPI", Document: given(document)}, *try)
}

func fileOrInput(name string) (string, error) {
	var b []byte
	var err error
	if name == "-" {
		b, err = io.ReadAll(os.Stdin)
	} else {
		b, err = os.ReadFile(name)
	}
	return string(b), err
}

// define tries a definition first, to say all that is wrong with it.
func (c *connectorFlags) define(ctx context.Context, to *client.Client, s streams, in onsightapi.UpdateActionConnectorDefinitionRequest, try bool) error {
	in.AwsAccountId, in.ActionConnectorId, in.Validate = c.account, c.id, new(true)
	out, err := client.Call(ctx, to, onsightapi.UpdateActionConnectorDefinition, in)
	if err != nil {
		return err
	}
	if !*out.Valid {
		if c.json {
			if err := printJSON(s, out); err != nil {
				return err
			}
		}
		for _, p := range out.Problems {
			if !c.json {
				fmt.Fprintf(s.err, "%d:%d: %s: %s\n", *p.Line, *p.Column, text(p.Path), text(p.Reason))
			}
		}
		return fmt.Errorf("the document can't be used: it has %d problems", len(out.Problems))
	}
	if !try {
		in.Validate = nil
		if out, err = client.Call(ctx, to, onsightapi.UpdateActionConnectorDefinition, in); err != nil {
			return err
		}
	}
	return c.actions(s, out, out.Actions, out.Notes)
}

// actions writes which actions there are, and what was left out.
func (c *connectorFlags) actions(s streams, answer any, actions []onsightapi.ActionSummary, notes []string) error {
	if !c.json {
		for _, note := range notes {
			fmt.Fprintf(s.err, "Left out: %s\n", note)
		}
	}
	return c.printed(s, answer, func(t *tabwriter.Writer) { printActions(t, actions) })
}

// printActions lists actions.
func printActions(t *tabwriter.Writer, actions []onsightapi.ActionSummary) {
	for _, a := range actions {
		kind, enabled := "reads", ""
		if *a.Write {
			kind = "writes"
		}
		if *a.Destructive {
			kind = "destroys"
		}
		if !*a.Enabled {
			enabled = "not enabled"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", *a.ActionId, kind, *a.Name, enabled)
	}
}
