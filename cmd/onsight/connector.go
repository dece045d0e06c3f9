package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"onsight/internal/client"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
)

const connectorUsage = `Usage: onsight connector <command> [flags]

Uses action connectors at a running server. They are made and changed with the
API: aws quicksight create-action-connector.

Commands:
  list      list the connectors of the account
  describe  describe a connector
  actions   list what a connector can do; with -action, what one action takes and gives
  test      try a connector's credentials at its service
  invoke    perform an action
  connect   sign in at the service behind a connector, or out, or see as whom you are
  enable    say which actions of a connector can be performed
  guards    show or change limits, confirmation of writes, checks by schedule
  calls     list what a connector was used for
  define    give a connector actions of its own: those of an OpenAPI document, or of an MCP server

"onsight connector <command> -help" lists the flags.
`

// connectorCommand uses connectors at a running server.
func connectorCommand(ctx context.Context, args []string, s streams) error {
	commands := map[string]func(context.Context, []string, streams) error{
		"list": connectorList, "describe": connectorDescribe, "actions": connectorActions, "test": connectorTest, "invoke": connectorInvoke,
		"connect": connectorConnect, "enable": connectorEnable, "guards": connectorGuards, "calls": connectorCalls,
		"define": connectorDefine,
	}
	if len(args) == 0 || args[0] == "-help" || args[0] == "--help" || args[0] == "-h" {
		fmt.Fprint(s.err, connectorUsage)
		return flag.ErrHelp
	}
	command, ok := commands[args[0]]
	if !ok {
		return usageError{fmt.Errorf("connector has no command %q: it has list, describe, actions, test, invoke, connect, enable, guards, calls and define", args[0])}
	}
	return command(ctx, args[1:], s)
}

// connectorFlags are the flags of the commands, each as far as it has them.
type connectorFlags struct {
	remote
	id, action, input, key, next, as, enable, file string
	async, out, status, yes                        bool
	most                                           int
}

// parse reads the flags of a command: those named, and those of all. -id and
// -action are needed where they end with an exclamation mark.
func (c *connectorFlags) parse(name string, args []string, s streams, named ...string) (*client.Client, error) {
	fs := flag.NewFlagSet("onsight connector "+name, flag.ContinueOnError)
	fs.SetOutput(s.err)
	c.flags(fs, s)
	needed := map[string]*string{}
	for _, n := range named {
		n, must := strings.CutSuffix(n, "!")
		text := func(at *string, usage string) {
			fs.StringVar(at, n, "", usage)
			if must {
				needed[n] = at
			}
		}
		switch n {
		case "id":
			text(&c.id, "`id` of the connector")
		case "action":
			text(&c.action, "`id` of the action, such as CreateIssue")
		case "input":
			fs.StringVar(&c.input, n, "{}", "`JSON` object, or @file, or - for standard input")
		case "key":
			text(&c.key, "idempotency `key`: the same key and input is the same call for a day")
		case "next":
			text(&c.next, "`token` of the next page")
		case "as":
			text(&c.as, "`ARN` of the user as which the caller acts")
		case "actions":
			text(&c.enable, "`ids` of actions, with commas between them")
		case "file":
			text(&c.file, "`name` of a file that the action's own goes to, however large; - is standard output")
		case "async":
			fs.BoolVar(&c.async, n, false, "do not wait for the service longer than for the server; the result is asked for until it is there")
		case "yes":
			fs.BoolVar(&c.yes, n, false, "confirm what the connector wants confirmed; without it you are asked, on a terminal")
		case "out":
			fs.BoolVar(&c.out, n, false, "sign out of the service")
		case "status":
			fs.BoolVar(&c.status, n, false, "tell as whom you are signed in at the service")
		case "most":
			fs.IntVar(&c.most, n, 20, "how `many` calls to list at most")
		}
	}
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, usageError{err}
	}
	if fs.NArg() > 0 {
		return nil, usageError{fmt.Errorf("connector %s takes no arguments, but got %q", name, fs.Arg(0))}
	}
	for _, n := range []string{"id", "action", "actions"} {
		if at := needed[n]; at != nil && *at == "" {
			return nil, usageError{fmt.Errorf("connector %s needs -%s", name, n)}
		}
	}
	return c.client(s)
}

// printed writes an answer as JSON, or has it written otherwise.
func (c *connectorFlags) printed(s streams, answer any, table func(t *tabwriter.Writer)) error {
	if c.json {
		return printJSON(s, answer)
	}
	t := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	table(t)
	return t.Flush()
}

func text[T ~string](p *T) string {
	if p == nil {
		return ""
	}
	return string(*p)
}

func connectorList(ctx context.Context, args []string, s streams) error {
	var f connectorFlags
	c, err := f.parse("list", args, s)
	if err != nil {
		return err
	}
	in := qs.ListActionConnectorsRequest{AwsAccountId: f.account, MaxResults: new(int32(100))}
	all := []qs.ActionConnectorSummary{}
	for out, err := range client.Pages(ctx, c, qs.ListActionConnectors, in) {
		if err != nil {
			return err
		}
		all = append(all, out.ActionConnectorSummaries...)
	}
	return f.printed(s, all, func(t *tabwriter.Writer) {
		for _, a := range all {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", a.ActionConnectorId, a.Type, text(a.Status), a.Name.Reveal())
		}
	})
}

func connectorDescribe(ctx context.Context, args []string, s streams) error {
	var f connectorFlags
	c, err := f.parse("describe", args, s, "id!")
	if err != nil {
		return err
	}
	out, err := client.Call(ctx, c, qs.DescribeActionConnector, qs.DescribeActionConnectorRequest{AwsAccountId: f.account, ActionConnectorId: f.id})
	if err != nil {
		return err
	}
	a := out.ActionConnector
	return f.printed(s, a, func(t *tabwriter.Writer) {
		fmt.Fprintf(t, "Id\t%s\nName\t%s\nType\t%s\nStatus\t%s\n", a.ActionConnectorId, a.Name.Reveal(), a.Type, text(a.Status))
		if a.Error != nil {
			fmt.Fprintf(t, "Error\t%s\n", text(a.Error.Message))
		}
		if a.AuthenticationConfig != nil {
			fmt.Fprintf(t, "Authentication\t%s\n", a.AuthenticationConfig.AuthenticationType)
		}
		fmt.Fprintf(t, "Enabled actions\t%s\nArn\t%s\n", strings.Join(a.EnabledActions, " "), a.Arn)
	})
}

func connectorActions(ctx context.Context, args []string, s streams) error {
	var f connectorFlags
	c, err := f.parse("actions", args, s, "id!", "action")
	if err != nil {
		return err
	}
	if f.action != "" {
		out, err := client.Call(ctx, c, onsightapi.DescribeAction, onsightapi.DescribeActionRequest{AwsAccountId: f.account, ActionConnectorId: f.id, ActionId: f.action})
		if err != nil {
			return err
		}
		return printJSON(s, out.Action)
	}
	out, err := client.Call(ctx, c, onsightapi.ListActions, onsightapi.ListActionsRequest{AwsAccountId: f.account, ActionConnectorId: f.id})
	if err != nil {
		return err
	}
	return f.printed(s, out.Actions, func(t *tabwriter.Writer) { printActions(t, out.Actions) })
}

func connectorTest(ctx context.Context, args []string, s streams) error {
	var f connectorFlags
	c, err := f.parse("test", args, s, "id!", "as")
	if err != nil {
		return err
	}
	out, err := client.Call(ctx, c, onsightapi.TestActionConnector, onsightapi.TestActionConnectorRequest{AwsAccountId: f.account, ActionConnectorId: f.id, EndUserArn: given(f.as)})
	if err != nil {
		return err
	}
	if f.json {
		err = printJSON(s, out)
	} else if *out.Passed {
		whose := ""
		if out.Account != nil {
			whose = " as " + *out.Account
		}
		fmt.Fprintf(s.out, "%s works%s (%d ms).\n", f.id, whose, *out.DurationMillis)
	}
	if err == nil && !*out.Passed {
		err = errors.New(text(out.Message))
	}
	return err
}

// document gives the input that a flag says.
func document(from string) (json.RawMessage, error) {
	var b []byte
	var err error
	switch {
	case from == "-":
		b, err = io.ReadAll(os.Stdin)
	case strings.HasPrefix(from, "@"):
		b, err = os.ReadFile(from[1:])
	default:
		b = []byte(from)
	}
	if err == nil && !json.Valid(b) {
		err = usageError{errors.New("-input is no JSON")}
	}
	return b, err
}

// printOutput writes what an action gave.
func (c *connectorFlags) printOutput(s streams, answer any, out *onsightapi.InvokeActionOutput, next *string) error {
	if c.json {
		return printJSON(s, answer)
	}
	if out == nil || out.HttpInvokeActionOutput == nil {
		return nil
	}
	body := out.HttpInvokeActionOutput.Body
	if len(body) == 0 {
		fmt.Fprintf(s.out, "Done (status %s).\n", text(out.HttpInvokeActionOutput.HttpStatusCode))
	} else if err := printJSON(s, body); err != nil {
		return err
	}
	if next != nil {
		fmt.Fprintf(s.err, "There is more: -next %s\n", *next)
	}
	return nil
}

func connectorInvoke(ctx context.Context, args []string, s streams) error {
	var f connectorFlags
	c, err := f.parse("invoke", args, s, "id!", "action!", "input", "key", "next", "as", "async", "yes", "file")
	if err != nil {
		return err
	}
	input, err := document(f.input)
	if err != nil {
		return err
	}
	if f.file != "" {
		return connectorSave(ctx, c, f, input, s)
	}
	out, err := invokeConfirmed(ctx, c, onsightapi.InvokeActionRequest{
		AwsAccountId: f.account, ActionConnectorId: f.id, ActionId: f.action, Input: input, IdempotencyKey: given(f.key), NextToken: given(f.next),
		EndUserArn: given(f.as), Asynchronous: &f.async,
	}, f.yes, f.input != "-", s)
	if err != nil {
		return err
	}
	if text(out.InvokeActionStatus) != "RUNNING" {
		return f.printOutput(s, out, out.InvokeActionOutput, out.NextToken)
	}
	for {
		got, err := client.Call(ctx, c, onsightapi.GetActionInvocation, onsightapi.GetActionInvocationRequest{
			AwsAccountId: f.account, ActionConnectorId: f.id, InvocationId: *out.InvocationId,
		})
		if err != nil {
			return err
		}
		switch text(got.InvokeActionStatus) {
		case "SUCCESS":
			return f.printOutput(s, got, got.InvokeActionOutput, got.NextToken)
		case "FAILED":
			return fmt.Errorf("%s: %s", text(got.Error.Type), text(got.Error.Message))
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// connectorSave performs an action that gives a file, and writes the file as it
// comes.
func connectorSave(ctx context.Context, c *client.Client, f connectorFlags, input json.RawMessage, s streams) (err error) {
	if f.key != "" || f.next != "" || f.async {
		return usageError{errors.New("connector invoke takes -file without -key, -next and -async")}
	}
	out, err := client.Call(ctx, c, onsightapi.InvokeActionWithResponseStream, onsightapi.InvokeActionWithResponseStreamRequest{
		AwsAccountId: f.account, ActionConnectorId: f.id, ActionId: f.action, Input: input, EndUserArn: given(f.as),
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Body.Close()) }()
	if f.file == "-" {
		_, err = io.Copy(s.out, out.Body)
		return err
	}
	// What is there already stays until the new file is whole.
	part, err := os.CreateTemp(filepath.Dir(f.file), filepath.Base(f.file)+".part-*")
	if err != nil {
		return err
	}
	p := newProgress(s, "MiB", max(out.Body.Size, 0)>>20)
	n, err := io.Copy(io.MultiWriter(part, &counting{p: p}), out.Body)
	if err = errors.Join(err, part.Close()); err == nil {
		err = os.Rename(part.Name(), f.file)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("the file broke off after %d bytes: %w", n, err), os.Remove(part.Name()))
	}
	p.end()
	return nil
}

// counting tells how far a copy is.
type counting struct {
	p *progress
	n int64 // bytes
}

func (c *counting) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	c.p.at(c.n >> 20)
	return len(p), nil
}

func connectorConnect(ctx context.Context, args []string, s streams) error {
	var f connectorFlags
	c, err := f.parse("connect", args, s, "id!", "as", "out", "status")
	if err != nil {
		return err
	}
	switch {
	case f.out:
		out, err := client.Call(ctx, c, onsightapi.DeleteActionConnection, onsightapi.DeleteActionConnectionRequest{AwsAccountId: f.account, ActionConnectorId: f.id, EndUserArn: given(f.as)})
		if err != nil {
			return err
		}
		return f.printed(s, out, func(t *tabwriter.Writer) { fmt.Fprintf(t, "You are signed out of the service behind %s.\n", f.id) })
	case f.status:
		out, err := client.Call(ctx, c, onsightapi.DescribeActionConnection, onsightapi.DescribeActionConnectionRequest{AwsAccountId: f.account, ActionConnectorId: f.id, EndUserArn: given(f.as)})
		if err != nil {
			return err
		}
		a := out.Connection
		return f.printed(s, a, func(t *tabwriter.Writer) {
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\n", text(a.Status), text(a.EndUserArn), text(a.Account), text(a.Message))
		})
	}
	out, err := client.Call(ctx, c, onsightapi.StartActionConnection, onsightapi.StartActionConnectionRequest{AwsAccountId: f.account, ActionConnectorId: f.id, EndUserArn: given(f.as)})
	if err != nil {
		return err
	}
	address := out.ConnectUrl.Reveal()
	if f.json {
		return printJSON(s, map[string]string{"ConnectUrl": address, "ExpirationTime": out.ExpirationTime.Format(time.RFC3339)})
	}
	fmt.Fprintf(s.out, "Open this with your browser until %s, and sign in to the service:\n%s\n", out.ExpirationTime.Local().Format("15:04"), address)
	return nil
}

func connectorEnable(ctx context.Context, args []string, s streams) error {
	var f connectorFlags
	c, err := f.parse("enable", args, s, "id!", "actions!")
	if err != nil {
		return err
	}
	out, err := client.Call(ctx, c, onsightapi.UpdateEnabledActions, onsightapi.UpdateEnabledActionsRequest{
		AwsAccountId: f.account, ActionConnectorId: f.id, EnabledActions: strings.Split(f.enable, ","),
	})
	if err != nil {
		return err
	}
	return f.printed(s, out, func(t *tabwriter.Writer) {
		fmt.Fprintf(t, "%s can perform %s.\n", f.id, strings.Join(out.EnabledActions, ", "))
	})
}

func connectorCalls(ctx context.Context, args []string, s streams) error {
	var f connectorFlags
	c, err := f.parse("calls", args, s, "id!", "most")
	if err != nil {
		return err
	}
	in := onsightapi.ListActionCallsRequest{AwsAccountId: f.account, ActionConnectorId: f.id}
	all := []onsightapi.ActionCall{}
	for len(all) < f.most {
		in.MaxResults = new(int32(min(f.most-len(all), 1000)))
		out, err := client.Call(ctx, c, onsightapi.ListActionCalls, in)
		if err != nil {
			return err
		}
		all = append(all, out.Calls...)
		if in.NextToken = out.NextToken; in.NextToken == nil {
			break
		}
	}
	return f.printed(s, all, func(t *tabwriter.Writer) {
		for _, a := range all {
			status := ""
			if a.HttpStatusCode != nil {
				status = strconv.Itoa(int(*a.HttpStatusCode))
			}
			fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t%d ms\t%s\n", a.StartTime.Format(time.RFC3339), *a.ActionId, text(a.InvokeActionStatus), status, text(a.ErrorKind), *a.DurationMillis, *a.EndUserArn)
		}
	})
}
