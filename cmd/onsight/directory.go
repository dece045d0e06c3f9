package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"

	"onsight/internal/client"
	"onsight/internal/onsightapi"
)

const directoryUsage = `Usage: onsight directory <command> [flags]

Asks a running server about the directory (LDAP) of an account whose people
sign in with Active Directory.

Commands:
  check    tell step by step what works, and what is known of a person
  groups   search for groups of the directory
  people   list who may sign in, with the role that their groups give
  refresh  compare the account's users with the directory now

"onsight directory <command> -help" lists the flags.
`

// directoryCommand asks about directories.
func directoryCommand(ctx context.Context, args []string, s streams) error {
	commands := map[string]func(context.Context, *client.Client, *asked, streams) error{
		"check": directoryCheck, "groups": directoryGroups, "people": directoryPeople, "refresh": directoryRefresh,
	}
	if len(args) == 0 || args[0] == "-help" || args[0] == "--help" || args[0] == "-h" {
		fmt.Fprint(s.err, directoryUsage)
		return flag.ErrHelp
	}
	command, ok := commands[args[0]]
	if !ok {
		return usageError{fmt.Errorf("directory has no command %q: it has check, groups, people and refresh", args[0])}
	}
	var a asked
	c, err := a.parse(args[0], args[1:], s)
	if err != nil {
		return err
	}
	return command(ctx, c, &a, s)
}

// asked are the flags of the commands.
type asked struct {
	remote
	user, name string
}

func (a *asked) parse(name string, args []string, s streams) (*client.Client, error) {
	fs := flag.NewFlagSet("onsight directory "+name, flag.ContinueOnError)
	fs.SetOutput(s.err)
	a.flags(fs, s)
	switch name {
	case "check":
		fs.StringVar(&a.user, "user", "", "`name` of a person to look up, as it is typed at sign-in")
	case "groups":
		fs.StringVar(&a.name, "name", "", "a part of the group's `name`")
	}
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, usageError{err}
	}
	if fs.NArg() > 0 {
		return nil, usageError{fmt.Errorf("directory %s takes no arguments, but got %q", name, fs.Arg(0))}
	}
	return a.client(s)
}

func directoryCheck(ctx context.Context, c *client.Client, a *asked, s streams) error {
	in := onsightapi.CheckDirectoryRequest{AwsAccountId: a.account}
	if a.user != "" {
		in.UserName = &a.user
	}
	out, err := client.Call(ctx, c, onsightapi.CheckDirectory, in)
	if err != nil {
		return err
	}
	if a.json {
		err = printJSON(s, out)
	} else {
		w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
		for _, step := range out.Steps {
			fmt.Fprintf(w, "%s\t%s\t%s\n", *step.Outcome, *step.Name, strings.ReplaceAll(*step.Detail, "\n", "; "))
		}
		err = w.Flush()
	}
	if err == nil && !*out.Works {
		err = errors.New("something of the directory does not work")
	}
	return err
}

func directoryGroups(ctx context.Context, c *client.Client, a *asked, s streams) error {
	in := onsightapi.SearchDirectoryGroupsRequest{AwsAccountId: a.account}
	if a.name != "" {
		in.Name = &a.name
	}
	out, err := client.Call(ctx, c, onsightapi.SearchDirectoryGroups, in)
	if err != nil {
		return err
	}
	if a.json {
		return printJSON(s, out)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "GROUP\tROLE\tNAME AT THE DIRECTORY")
	for _, g := range out.Groups {
		role := "-"
		if g.Role != nil {
			role = *g.Role
		}
		fmt.Fprintf(w, "%s\t%s\t%s\n", *g.Name, role, *g.DistinguishedName)
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if *out.More {
		fmt.Fprintln(s.out, "There are more: say a part of the name with -name.")
	}
	return nil
}

func directoryPeople(ctx context.Context, c *client.Client, a *asked, s streams) error {
	in := onsightapi.ListDirectoryPeopleRequest{AwsAccountId: a.account, MaxResults: new(int32(1000))}
	all := onsightapi.ListDirectoryPeopleResponse{People: []onsightapi.DirectoryPerson{}}
	for out, err := range client.Pages(ctx, c, onsightapi.ListDirectoryPeople, in) {
		if err != nil {
			return err
		}
		all.People = append(all.People, out.People...)
	}
	if a.json {
		return printJSON(s, all)
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "USER\tROLE\tE-MAIL\tGROUPS")
	for _, p := range all.People {
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", *p.UserName, *p.Role, *p.Email, strings.Join(p.Groups, ", "))
	}
	return w.Flush()
}

func directoryRefresh(ctx context.Context, c *client.Client, a *asked, s streams) error {
	out, err := client.Call(ctx, c, onsightapi.RefreshDirectory, onsightapi.RefreshDirectoryRequest{AwsAccountId: a.account})
	if err != nil {
		return err
	}
	if a.json {
		return printJSON(s, out)
	}
	fmt.Fprintf(s.out, "%d users compared: %d left, %d returned, %d have another role.\n", *out.Compared, *out.Left, *out.Returned, *out.Moved)
	return nil
}
