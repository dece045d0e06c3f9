package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"onsight/internal/client"
	"onsight/internal/onsightapi"
)

const ownershipUsage = `Usage: onsight ownership <command> [flags]

Tells and changes, at a running server, who owns what: folders, action
connectors, all that has a permission list.

Commands:
  transfer  give what a user or group owns to another one
  unowned   list what nobody owns any more

"onsight ownership <command> -help" lists the flags.
`

// ownershipCommand runs the commands on ownership.
func ownershipCommand(ctx context.Context, args []string, s streams) error {
	commands := map[string]func(context.Context, []string, streams) error{"transfer": ownershipTransfer, "unowned": ownershipUnowned}
	if len(args) == 0 || args[0] == "-help" || args[0] == "--help" || args[0] == "-h" {
		fmt.Fprint(s.err, ownershipUsage)
		return flag.ErrHelp
	}
	command, ok := commands[args[0]]
	if !ok {
		return usageError{fmt.Errorf("ownership has no command %q: it has transfer and unowned", args[0])}
	}
	return command(ctx, args[1:], s)
}

// texts are values given several times.
type texts []string

func (t *texts) String() string { return "" }

func (t *texts) Set(v string) error {
	*t = append(*t, v)
	return nil
}

// parseOwnership reads the flags of a command on ownership.
func parseOwnership(name string, fs *flag.FlagSet, args []string, s streams) error {
	fs.SetOutput(s.err)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return usageError{err}
	}
	if fs.NArg() > 0 {
		return usageError{fmt.Errorf("ownership %s takes no arguments, but got %q", name, fs.Arg(0))}
	}
	return nil
}

// ownershipPage is how many resources a call moves: each call is one
// transaction, and a line of progress.
const ownershipPage = 200

func ownershipTransfer(ctx context.Context, args []string, s streams) error {
	var r remote
	var from, to string
	var resources texts
	var apply bool
	fs := flag.NewFlagSet("onsight ownership transfer", flag.ContinueOnError)
	r.flags(fs, s)
	fs.StringVar(&from, "from", "", "`who` owns it now: an ARN, or user/<namespace>/<name>, group/<namespace>/<name>")
	fs.StringVar(&to, "to", "", "`who` shall own it")
	fs.Var(&resources, "resource", "`ARN` of what to transfer; may be given several times (default: all that -from owns)")
	fs.BoolVar(&apply, "apply", false, "transfer it; without this flag the command only tells what it would do")
	if err := parseOwnership("transfer", fs, args, s); err != nil {
		return err
	}
	if from == "" || to == "" {
		return usageError{errors.New("ownership transfer needs -from and -to")}
	}
	c, err := r.client(s)
	if err != nil {
		return err
	}
	in := onsightapi.TransferOwnershipRequest{AwsAccountId: r.account, From: from, To: to, DryRun: new(!apply), MaxResults: new(int32(ownershipPage))}
	all := onsightapi.TransferOwnershipResponse{Results: []onsightapi.OwnershipResult{}, Transferred: new(int64(0))}
	parts := slices.Collect(slices.Chunk(resources, ownershipPage))
	for i := 0; ; i++ {
		if len(parts) > 0 {
			in.ResourceArns, in.MaxResults = parts[i], nil
		}
		out, err := client.Call(ctx, c, onsightapi.TransferOwnership, in)
		if err != nil {
			if *all.Transferred > 0 {
				return fmt.Errorf("%d resources were transferred, and stay so; the same command goes on with the rest: %w", *all.Transferred, err)
			}
			return err
		}
		all.From, all.To, all.DryRun = out.From, out.To, out.DryRun
		all.Results = append(all.Results, out.Results...)
		*all.Transferred += *out.Transferred
		in.NextToken = out.NextToken
		if i+1 >= len(parts) && in.NextToken == nil {
			break
		}
		if apply {
			fmt.Fprintf(s.err, "%d transferred …\n", *all.Transferred)
		}
	}
	if r.json {
		return printJSON(s, all)
	}
	return printTransfer(s, &all)
}

func printTransfer(s streams, all *onsightapi.TransferOwnershipResponse) error {
	counts := map[onsightapi.OwnershipOutcome]int{}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	if len(all.Results) > 0 {
		fmt.Fprintln(w, "KIND\tREGION\tID\tNAME\tOUTCOME")
	}
	for _, r := range all.Results {
		counts[*r.Outcome]++
		if r.Kind == nil {
			fmt.Fprintf(w, "-\t-\t%s\t\t%s\n", *r.Arn, outcomeWords[*r.Outcome])
			continue
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\n", *r.Kind, *r.Region, *r.Id, *r.Name, outcomeWords[*r.Outcome])
	}
	if err := w.Flush(); err != nil {
		return err
	}
	if *all.DryRun {
		n := counts[onsightapi.OwnershipOutcomePlanned]
		fmt.Fprintf(s.out, "%s would go from %s to %s.\n", countOf(n), *all.From, *all.To)
		if n > 0 {
			fmt.Fprintln(s.out, "Nothing was changed; -apply does it.")
		}
		return nil
	}
	fmt.Fprintf(s.out, "%s went from %s to %s.\n", countOf(int(*all.Transferred)), *all.From, *all.To)
	return nil
}

var outcomeWords = map[onsightapi.OwnershipOutcome]string{
	onsightapi.OwnershipOutcomePlanned: "would be transferred", onsightapi.OwnershipOutcomeTransferred: "transferred",
	onsightapi.OwnershipOutcomeNotOwned: "is not owned by -from", onsightapi.OwnershipOutcomeNotFound: "is not there",
}

func countOf(n int) string {
	if n == 1 {
		return "1 resource"
	}
	return fmt.Sprintf("%d resources", n)
}

func ownershipUnowned(ctx context.Context, args []string, s streams) error {
	var r remote
	var kind string
	fs := flag.NewFlagSet("onsight ownership unowned", flag.ContinueOnError)
	r.flags(fs, s)
	fs.StringVar(&kind, "kind", "", "only this `kind`, as in ARNs, such as folder")
	if err := parseOwnership("unowned", fs, args, s); err != nil {
		return err
	}
	c, err := r.client(s)
	if err != nil {
		return err
	}
	in := onsightapi.ListUnownedResourcesRequest{AwsAccountId: r.account, MaxResults: new(int32(1000))}
	if kind != "" {
		in.Kind = &kind
	}
	all := onsightapi.ListUnownedResourcesResponse{Resources: []onsightapi.UnownedResource{}}
	for out, err := range client.Pages(ctx, c, onsightapi.ListUnownedResources, in) {
		if err != nil {
			return err
		}
		all.Resources = append(all.Resources, out.Resources...)
	}
	if r.json {
		return printJSON(s, all)
	}
	if len(all.Resources) == 0 {
		fmt.Fprintln(s.out, "Everything has an owner.")
		return nil
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "KIND\tREGION\tID\tNAME\tLAST CHANGE")
	for _, u := range all.Resources {
		fmt.Fprintln(w, strings.Join([]string{*u.Kind, *u.Region, *u.Id, *u.Name, u.LastUpdatedTime.UTC().Format(time.DateOnly)}, "\t"))
	}
	return w.Flush()
}
