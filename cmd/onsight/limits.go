package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"text/tabwriter"

	"onsight/internal/client"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
)

const limitsUsage = `Usage: onsight limits <command> [flags]

Says for whom limits profiles are, at a running server. The profiles themselves
are made with the API: aws quicksight create-limits-profile.

Commands:
  list      list who has which profile
  assign    give a user, a group, a role or the account a profile
  unassign  take it away
  show      show the limits in force of a user, and where they come from

"onsight limits <command> -help" lists the flags.
`

// limitsCommand assigns limits profiles at a running server.
func limitsCommand(ctx context.Context, args []string, s streams) error {
	commands := map[string]func(context.Context, []string, streams) error{
		"list": limitsList, "assign": limitsAssign, "unassign": limitsUnassign, "show": limitsShow,
	}
	if len(args) == 0 || args[0] == "-help" || args[0] == "--help" || args[0] == "-h" {
		fmt.Fprint(s.err, limitsUsage)
		return flag.ErrHelp
	}
	command, ok := commands[args[0]]
	if !ok {
		return usageError{fmt.Errorf("limits has no command %q: it has list, assign, unassign and show", args[0])}
	}
	return command(ctx, args[1:], s)
}

// limitFlags are the flags of the commands, each as far as it has them.
type limitFlags struct {
	remote
	profile, principal, role, namespace, user string
}

// parse reads the flags of a command: those named, and those of all.
func (l *limitFlags) parse(name string, args []string, s streams, named ...string) (*client.Client, error) {
	fs := flag.NewFlagSet("onsight limits "+name, flag.ContinueOnError)
	fs.SetOutput(s.err)
	l.flags(fs, s)
	for _, n := range named {
		switch n {
		case "profile":
			fs.StringVar(&l.profile, n, "", "`id` of a limits profile: lp-…")
		case "principal":
			fs.StringVar(&l.principal, n, "", "`ARN` of a user or a group (without it and -role: the account)")
		case "role":
			fs.StringVar(&l.role, n, "", "`role` of users, such as READER")
		case "namespace":
			fs.StringVar(&l.namespace, n, "default", "`namespace` of the user")
		case "user":
			fs.StringVar(&l.user, n, "", "`name` of the user")
		}
	}
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, usageError{err}
	}
	if fs.NArg() > 0 {
		return nil, usageError{fmt.Errorf("limits %s takes no arguments, but got %q", name, fs.Arg(0))}
	}
	return l.client(s)
}

func given(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// whom is what an assignment is for, in words.
func whom(principal, role *string) string {
	switch {
	case principal != nil:
		return *principal
	case role != nil:
		return "role " + *role
	}
	return "the account"
}

func limitsList(ctx context.Context, args []string, s streams) error {
	var l limitFlags
	c, err := l.parse("list", args, s, "profile")
	if err != nil {
		return err
	}
	in := onsightapi.ListLimitsProfileAssignmentsRequest{AwsAccountId: l.account, ProfileId: given(l.profile), MaxResults: new(int32(1000))}
	all := []onsightapi.LimitsProfileAssignment{}
	for out, err := range client.Pages(ctx, c, onsightapi.ListLimitsProfileAssignments, in) {
		if err != nil {
			return err
		}
		all = append(all, out.Assignments...)
	}
	if l.json {
		return printJSON(s, all)
	}
	t := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, a := range all {
		fmt.Fprintf(t, "%s\t%s\n", a.ProfileId, whom(a.Principal, a.Role))
	}
	return t.Flush()
}

func limitsAssign(ctx context.Context, args []string, s streams) error {
	var l limitFlags
	c, err := l.parse("assign", args, s, "profile", "principal", "role")
	if err != nil {
		return err
	}
	if l.profile == "" {
		return usageError{errors.New("limits assign needs -profile")}
	}
	out, err := client.Call(ctx, c, onsightapi.AssignLimitsProfile, onsightapi.AssignLimitsProfileRequest{
		AwsAccountId: l.account, ProfileId: l.profile, Principal: given(l.principal), Role: given(l.role),
	})
	if err != nil {
		return err
	}
	if l.json {
		return printJSON(s, out.Assignment)
	}
	fmt.Fprintf(s.out, "%s is for %s.\n", out.Assignment.ProfileId, whom(out.Assignment.Principal, out.Assignment.Role))
	return nil
}

func limitsUnassign(ctx context.Context, args []string, s streams) error {
	var l limitFlags
	c, err := l.parse("unassign", args, s, "principal", "role")
	if err != nil {
		return err
	}
	_, err = client.Call(ctx, c, onsightapi.UnassignLimitsProfile, onsightapi.UnassignLimitsProfileRequest{
		AwsAccountId: l.account, Principal: given(l.principal), Role: given(l.role),
	})
	if err != nil {
		return err
	}
	if !l.json {
		fmt.Fprintf(s.out, "No profile is assigned to %s any more.\n", whom(given(l.principal), given(l.role)))
	}
	return nil
}

func limitsShow(ctx context.Context, args []string, s streams) error {
	var l limitFlags
	c, err := l.parse("show", args, s, "namespace", "user")
	if err != nil {
		return err
	}
	if l.user == "" {
		return usageError{errors.New("limits show needs -user")}
	}
	out, err := client.Call(ctx, c, qs.BatchDescribeUserLimits, qs.BatchDescribeUserLimitsRequest{
		AccountId: l.account, Users: []qs.UserLimitsEntry{{Namespace: l.namespace, UserName: l.user}},
	})
	if err != nil {
		return err
	}
	if len(out.Errors) > 0 {
		return errors.New(out.Errors[0].Message)
	}
	limits := out.UserLimits[0].EffectiveLimits
	if l.json {
		return printJSON(s, limits)
	}
	if len(limits) == 0 {
		fmt.Fprintf(s.out, "Nothing limits %s.\n", l.user)
	}
	t := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	for _, e := range limits {
		fmt.Fprintf(t, "%s\t%d %s\t%s\t%s\n", e.ResourceType, e.LimitValue, e.LimitUnit, e.Source, e.ProfileId)
	}
	return t.Flush()
}
