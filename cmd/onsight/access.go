package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"onsight/internal/client"
	"onsight/internal/onsightapi"
)

const accessUsage = `Usage: onsight access <question> [flags]

Asks a running server what policies allow.

Questions:
  explain     may a principal do something, and why
  actions     what a principal may do
  principals  who may do something

"onsight access <question> -help" lists the flags.
`

// accessCommand answers questions about policies.
func accessCommand(ctx context.Context, args []string, s streams) error {
	questions := map[string]func(context.Context, []string, streams) error{
		"explain": accessExplain, "actions": accessActions, "principals": accessPrincipals,
	}
	if len(args) == 0 || args[0] == "-help" || args[0] == "--help" || args[0] == "-h" {
		fmt.Fprint(s.err, accessUsage)
		return flag.ErrHelp
	}
	question, ok := questions[args[0]]
	if !ok {
		return usageError{fmt.Errorf("access has no question %q: it answers explain, actions and principals", args[0])}
	}
	return question(ctx, args[1:], s)
}

// keys are condition keys given as key=value, several times.
type keys map[string][]string

func (k keys) String() string { return "" }

func (k keys) Set(v string) error {
	name, value, ok := strings.Cut(v, "=")
	if !ok || name == "" {
		return errors.New("a condition key is given as key=value")
	}
	k[name] = append(k[name], value)
	return nil
}

// ask is what the questions have in common.
type ask struct {
	remote
	principal, action, resource string
	context                     keys
}

// parse reads a question's flags; needed names those without which there is no answer.
func (a *ask) parse(name string, args []string, s streams, needed ...string) (*client.Client, error) {
	fs := flag.NewFlagSet("onsight access "+name, flag.ContinueOnError)
	fs.SetOutput(s.err)
	a.flags(fs, s)
	a.context = keys{}
	values := map[string]*string{"principal": &a.principal, "action": &a.action, "resource": &a.resource}
	usage := map[string]string{
		"principal": "`ARN` of a user, a role or a role's session, or user/<name>, role/<name>, root",
		"action":    "`action`, such as quicksight:RegisterUser",
		"resource":  "`ARN` of what the action is about (default *)",
	}
	for _, flagName := range slices.Concat(needed, []string{"resource"}) {
		if name == "actions" && flagName == "resource" {
			continue
		}
		fs.StringVar(values[flagName], flagName, "", usage[flagName])
	}
	if name != "actions" {
		fs.Var(a.context, "context", "condition `key=value`, such as aws:SourceIp=192.0.2.1; may be given several times")
	}
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, usageError{err}
	}
	if fs.NArg() > 0 {
		return nil, usageError{fmt.Errorf("access %s takes no arguments, but got %q", name, fs.Arg(0))}
	}
	for _, flagName := range needed {
		if *values[flagName] == "" {
			return nil, usageError{fmt.Errorf("access %s needs -%s", name, flagName)}
		}
	}
	return a.client(s)
}

func (a *ask) on() *string {
	if a.resource == "" {
		return nil
	}
	return &a.resource
}

func accessExplain(ctx context.Context, args []string, s streams) error {
	var a ask
	c, err := a.parse("explain", args, s, "principal", "action")
	if err != nil {
		return err
	}
	out, err := client.Call(ctx, c, onsightapi.ExplainAccess, onsightapi.ExplainAccessRequest{
		AwsAccountId: a.account, Principal: a.principal, Action: a.action, Resource: a.on(), Context: a.context,
	})
	if err != nil {
		return err
	}
	if a.json {
		return printJSON(s, out)
	}
	p := func(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }
	if *out.Allowed {
		p("ALLOWED: %s may perform %s on %s", *out.Principal, *out.Action, *out.Resource)
	} else {
		p("DENIED (%s): %s may not perform %s on %s", *out.Outcome, *out.Principal, *out.Action, *out.Resource)
	}
	switch {
	case out.Policy != nil:
		p("  decided by %s of %s (%s)", *out.Statement, *out.Policy, *out.PolicyType)
	case *out.Allowed:
		p("  the account's root may do everything in its account")
	}
	if out.Missing != nil && *out.Missing != "" {
		p("  %s", *out.Missing)
	}
	if len(out.Statements) > 0 {
		p("\nStatements, the nearest first:")
	}
	for _, f := range out.Statements {
		mark := "does not apply"
		if *f.Applies {
			mark = "applies"
		}
		p("  %-5s %s of %s (%s): %s", *f.Effect, *f.Statement, *f.Policy, *f.Kind, mark)
		for _, m := range f.Misses {
			p("        %s", m)
		}
	}
	return nil
}

func accessActions(ctx context.Context, args []string, s streams) error {
	var a ask
	c, err := a.parse("actions", args, s, "principal")
	if err != nil {
		return err
	}
	out, err := client.Call(ctx, c, onsightapi.ListAccessOfPrincipal, onsightapi.ListAccessOfPrincipalRequest{AwsAccountId: a.account, Principal: a.principal})
	if err != nil {
		return err
	}
	if a.json {
		return printJSON(s, out)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "ACTION\tRESOURCES\tBY")
	for _, action := range out.Actions {
		resources := strings.Join(action.Resources, " ")
		if len(action.ExceptResources) > 0 {
			resources += " all but " + strings.Join(action.ExceptResources, " ")
		}
		if action.Conditional != nil && *action.Conditional && resources == "*" {
			resources = "* (with conditions or exceptions)"
		}
		by := ""
		if action.Policy != nil {
			by = *action.Policy
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", *action.Action, strings.TrimSpace(resources), by)
	}
	return w.Flush()
}

func accessPrincipals(ctx context.Context, args []string, s streams) error {
	var a ask
	c, err := a.parse("principals", args, s, "action")
	if err != nil {
		return err
	}
	in := onsightapi.ListPrincipalsWithAccessRequest{AwsAccountId: a.account, Action: a.action, Resource: a.on(), Context: a.context}
	all := onsightapi.ListPrincipalsWithAccessResponse{Principals: []onsightapi.PrincipalWithAccess{}}
	for out, err := range client.Pages(ctx, c, onsightapi.ListPrincipalsWithAccess, in) {
		if err != nil {
			return err
		}
		all.Principals = append(all.Principals, out.Principals...)
	}
	if a.json {
		return printJSON(s, all)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "PRINCIPAL\tPOLICY\tSTATEMENT")
	for _, p := range all.Principals {
		fmt.Fprintf(w, "%s\t%s\t%s\n", *p.Principal, *p.Policy, *p.Statement)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	fmt.Fprintln(s.out, "The account's root may do everything besides.")
	return nil
}

func printJSON(s streams, v any) error {
	return json.MarshalWrite(s.out, v, json.OmitZeroStructFields(true), jsontext.Multiline(true), jsontext.WithIndent("  "))
}
