package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"onsight/internal/client"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
)

const upgradeUsage = `Usage: onsight upgrade <command> [flags] [request id]

Asks a running server for a higher role, and decides such requests.

Commands:
  request  ask for a higher role, for whoever holds the credentials
  list     list the requests, the oldest first
  approve  give the user the role
  deny     refuse the request
  verify   look whether the user has the role, where a directory gives it

"onsight upgrade <command> -help" lists the flags.
`

// upgradeCommand asks for higher roles, and decides.
func upgradeCommand(ctx context.Context, args []string, s streams) error {
	commands := map[string]func(context.Context, []string, streams) error{
		"request": upgradeRequest, "list": upgradeList, "approve": upgradeDecision("approve"), "deny": upgradeDecision("deny"), "verify": upgradeDecision("verify"),
	}
	if len(args) == 0 || args[0] == "-help" || args[0] == "--help" || args[0] == "-h" {
		fmt.Fprint(s.err, upgradeUsage)
		return flag.ErrHelp
	}
	command, ok := commands[args[0]]
	if !ok {
		return usageError{fmt.Errorf("upgrade has no command %q: it has request, list, approve, deny and verify", args[0])}
	}
	return command(ctx, args[1:], s)
}

// upgrades are the flags of the commands.
type upgrades struct {
	remote
	namespace string
}

// parse reads the flags; what is left are the wanted arguments.
func (u *upgrades) parse(fs *flag.FlagSet, args []string, s streams, wanted ...string) (*client.Client, error) {
	fs.SetOutput(s.err)
	u.flags(fs, s)
	fs.StringVar(&u.namespace, "namespace", "default", "`namespace` of the user")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, usageError{err}
	}
	switch {
	case fs.NArg() > len(wanted):
		return nil, usageError{fmt.Errorf("%s does not take %q", fs.Name(), fs.Arg(len(wanted)))}
	case fs.NArg() < len(wanted):
		return nil, usageError{fmt.Errorf("%s needs the %s", fs.Name(), wanted[fs.NArg()])}
	}
	return u.client(s)
}

func upgradeRequest(ctx context.Context, args []string, s streams) error {
	var u upgrades
	fs := flag.NewFlagSet("onsight upgrade request", flag.ContinueOnError)
	role := fs.String("role", "", "`role` to ask for: READER_PRO, AUTHOR, AUTHOR_PRO or ADMIN_PRO")
	note := fs.String("note", "", "`text` for whoever decides")
	c, err := u.parse(fs, args, s)
	if err != nil {
		return err
	}
	if *role == "" {
		return usageError{errors.New("onsight upgrade request needs -role")}
	}
	in := onsightapi.RequestSelfUpgradeRequest{AwsAccountId: u.account, Namespace: u.namespace, RequestedRole: onsightapi.UpgradeRole(strings.ToUpper(*role))}
	if *note != "" {
		in.RequestNote = note
	}
	out, err := client.Call(ctx, c, onsightapi.RequestSelfUpgrade, in)
	if err != nil {
		return err
	}
	if u.json {
		return printJSON(s, out)
	}
	fmt.Fprintf(s.out, "%s  %s: %s from %s to %s\n", *out.UpgradeRequestId, *out.RequestStatus, *out.UserName, *out.OriginalRole, *out.RequestedRole)
	return nil
}

func upgradeList(ctx context.Context, args []string, s streams) error {
	var u upgrades
	fs := flag.NewFlagSet("onsight upgrade list", flag.ContinueOnError)
	all := fs.Bool("all", false, "list those too that are decided")
	c, err := u.parse(fs, args, s)
	if err != nil {
		return err
	}
	in := qs.ListSelfUpgradesRequest{AwsAccountId: u.account, Namespace: u.namespace}
	requests := []qs.SelfUpgradeRequestDetail{}
	for out, err := range client.Pages(ctx, c, qs.ListSelfUpgrades, in) {
		if err != nil {
			return err
		}
		for _, r := range out.SelfUpgradeRequestDetails {
			decided := *r.RequestStatus == qs.SelfUpgradeRequestStatusApproved || *r.RequestStatus == qs.SelfUpgradeRequestStatusDenied
			if *all || !decided {
				requests = append(requests, r)
			}
		}
	}
	if u.json {
		return printJSON(s, qs.ListSelfUpgradesResponse{SelfUpgradeRequestDetails: requests})
	}
	w := tabwriter.NewWriter(s.out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "REQUEST\tSTATUS\tSINCE\tUSER\tFROM\tTO\tNOTE")
	for _, r := range requests {
		text := ""
		if r.RequestNote != nil {
			text = *r.RequestNote
		}
		if r.LastUpdateFailureReason != nil {
			text = strings.TrimSpace(text + " (" + *r.LastUpdateFailureReason + ")")
		}
		fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%q\n", *r.UpgradeRequestId, *r.RequestStatus, time.UnixMilli(*r.CreationTime).UTC().Format(time.RFC3339),
			*r.UserName, *r.OriginalRole, *r.RequestedRole, text)
	}
	return w.Flush()
}

// upgradeDecision makes the command that decides a request in one way.
func upgradeDecision(name string) func(context.Context, []string, streams) error {
	return func(ctx context.Context, args []string, s streams) error {
		var u upgrades
		fs := flag.NewFlagSet("onsight upgrade "+name, flag.ContinueOnError)
		c, err := u.parse(fs, args, s, "id of the request")
		if err != nil {
			return err
		}
		out, err := client.Call(ctx, c, qs.UpdateSelfUpgrade, qs.UpdateSelfUpgradeRequest{
			AwsAccountId: u.account, Namespace: u.namespace, UpgradeRequestId: fs.Arg(0), Action: qs.SelfUpgradeAdminAction(strings.ToUpper(name)),
		})
		if err != nil {
			return err
		}
		if u.json {
			return printJSON(s, out)
		}
		r := out.SelfUpgradeRequestDetail
		fmt.Fprintf(s.out, "%s  %s: %s from %s to %s\n", *r.UpgradeRequestId, *r.RequestStatus, *r.UserName, *r.OriginalRole, *r.RequestedRole)
		if r.LastUpdateFailureReason != nil {
			return errors.New(*r.LastUpdateFailureReason)
		}
		return nil
	}
}
