package main

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"onsight/internal/client"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
)

// connectorGuards shows what guards a connector, or changes what its flags say.
func connectorGuards(ctx context.Context, args []string, s streams) error {
	var f connectorFlags
	var confirm, verify, costs string
	limits := map[string]*int64{}
	fs := flag.NewFlagSet("onsight connector guards", flag.ContinueOnError)
	fs.SetOutput(s.err)
	f.flags(fs, s)
	fs.StringVar(&f.id, "id", "", "`id` of the connector")
	fs.StringVar(&confirm, "confirm", "", "`which` actions have to be confirmed: none, destructive or writes")
	fs.StringVar(&verify, "verify", "", "how `often` the connector is checked by itself: off, hourly or daily")
	for name, of := range map[string]string{
		"per-minute": "calls a minute, of all callers", "per-minute-caller": "calls a minute, of each caller", "per-day": "calls a day, of all callers",
		"per-day-caller": "calls a day, of each caller", "units": "units a day, of all callers", "units-caller": "units a day, of each caller",
	} {
		limits[name] = fs.Int64(name, 0, "`number` of "+of+"; 0 is no limit")
	}
	fs.StringVar(&costs, "costs", "", "units that actions cost, such as `SendMessage=5,CreateIssue=2`; an action that is not named costs 1")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return usageError{err}
	}
	if fs.NArg() > 0 {
		return usageError{fmt.Errorf("connector guards takes no arguments, but got %q", fs.Arg(0))}
	}
	if f.id == "" {
		return usageError{errors.New("connector guards needs -id")}
	}
	c, err := f.client(s)
	if err != nil {
		return err
	}
	describe := onsightapi.DescribeActionConnectorGuardsRequest{AwsAccountId: f.account, ActionConnectorId: f.id}
	now, err := client.Call(ctx, c, onsightapi.DescribeActionConnectorGuards, describe)
	if err != nil {
		return err
	}
	g := now.Guards
	changes := map[string]func() error{
		"confirm": func() error {
			g.Confirmation = new(onsightapi.ActionConfirmation(strings.ToUpper(confirm)))
			return nil
		},
		"verify": func() error {
			g.Verification = new(onsightapi.ActionVerification(strings.ToUpper(verify)))
			return nil
		},
		"costs": func() (err error) {
			g.ActionUnits, err = readCosts(costs)
			return err
		},
	}
	for name, at := range map[string]**int64{
		"per-minute": &g.CallsPerMinute, "per-minute-caller": &g.CallsPerMinutePerCaller, "per-day": &g.CallsPerDay,
		"per-day-caller": &g.CallsPerDayPerCaller, "units": &g.UnitsPerDay, "units-caller": &g.UnitsPerDayPerCaller,
	} {
		changes[name] = func() error {
			if *at = limits[name]; **at == 0 {
				*at = nil
			}
			return nil
		}
	}
	changed := false
	fs.Visit(func(v *flag.Flag) {
		if change := changes[v.Name]; change != nil && err == nil {
			changed, err = true, change()
		}
	})
	if err != nil {
		return err
	}
	if changed {
		_, err := client.Call(ctx, c, onsightapi.UpdateActionConnectorGuards, onsightapi.UpdateActionConnectorGuardsRequest{AwsAccountId: f.account, ActionConnectorId: f.id, Guards: g})
		if err == nil {
			now, err = client.Call(ctx, c, onsightapi.DescribeActionConnectorGuards, describe)
		}
		if err != nil {
			return err
		}
	}
	return f.printed(s, now, func(t *tabwriter.Writer) { printGuards(t, now) })
}

// readCosts reads what actions cost.
func readCosts(text string) (map[string]int64, error) {
	all := map[string]int64{}
	for one := range strings.SplitSeq(text, ",") {
		if one = strings.TrimSpace(one); one == "" {
			continue
		}
		id, n, _ := strings.Cut(one, "=")
		units, err := strconv.ParseInt(n, 10, 64)
		if err != nil || id == "" {
			return nil, usageError{fmt.Errorf("-costs: %q is not an action with its units, such as SendMessage=5", one)}
		}
		all[id] = units
	}
	return all, nil
}

func printGuards(t *tabwriter.Writer, now *onsightapi.DescribeActionConnectorGuardsResponse) {
	g := now.Guards
	fmt.Fprintf(t, "Confirmation\t%s\nVerification\t%s\n", strings.ToLower(text(g.Confirmation)), strings.ToLower(text(g.Verification)))
	for _, l := range []struct {
		name string
		n    *int64
	}{
		{"Calls a minute", g.CallsPerMinute},
		{"… of each caller", g.CallsPerMinutePerCaller},
		{"Calls a day", g.CallsPerDay},
		{"… of each caller", g.CallsPerDayPerCaller},
		{"Units a day", g.UnitsPerDay},
		{"… of each caller", g.UnitsPerDayPerCaller},
	} {
		if l.n != nil {
			fmt.Fprintf(t, "%s\t%d\n", l.name, *l.n)
		}
	}
	for _, id := range slices.Sorted(maps.Keys(g.ActionUnits)) {
		fmt.Fprintf(t, "%s costs\t%d\n", id, g.ActionUnits[id])
	}
	if u := now.Usage; u != nil {
		for _, l := range []struct {
			name string
			n    *int64
		}{{"Calls in this minute", u.CallsThisMinute}, {"Calls today (UTC)", u.CallsToday}, {"Units today (UTC)", u.UnitsToday}} {
			if l.n != nil {
				fmt.Fprintf(t, "%s\t%d\n", l.name, *l.n)
			}
		}
	}
	h := now.Health
	if h == nil {
		return
	}
	if h.LastCheckTime != nil {
		outcome := "passed"
		if !*h.Passed {
			outcome = "failed: " + text(h.Message)
		}
		fmt.Fprintf(t, "Last check\t%s, %s\n", h.LastCheckTime.Format(time.RFC3339), outcome)
	}
	if h.FailingSince != nil {
		fmt.Fprintf(t, "Fails since\t%s, %d times in a row\n", h.FailingSince.Format(time.RFC3339), *h.Failures)
	}
	if h.NextCheckTime != nil {
		fmt.Fprintf(t, "Next check\t%s\n", h.NextCheckTime.Format(time.RFC3339))
	}
	if h.CredentialsRefusedSince != nil {
		fmt.Fprintf(t, "Client credentials refused since\t%s\n", h.CredentialsRefusedSince.Format(time.RFC3339))
	}
}

// invokeConfirmed performs an action, and asks whether it should where the
// connector wants that confirmed.
func invokeConfirmed(ctx context.Context, c *client.Client, in onsightapi.InvokeActionRequest, yes, ask bool, s streams) (*onsightapi.InvokeActionResponse, error) {
	out, err := client.Call(ctx, c, onsightapi.InvokeAction, in)
	f, ok := errors.AsType[*fault.Fault](err)
	if !ok || f.Code != "ConfirmationRequiredException" {
		return out, err
	}
	if !yes {
		answer := ""
		if ask && isTerminal(os.Stdin) {
			answer = askPerson(os.Stdin, s.err, f.Members["Summary"])
		}
		switch answer {
		case "y", "yes":
		case "": // nobody was there
			return nil, fmt.Errorf("it is not done, because it has to be confirmed: %s Give -yes to confirm it", f.Members["Summary"])
		default:
			return nil, errors.New("it is not done, because you did not confirm it")
		}
	}
	in.ConfirmationToken = new(f.Members["ConfirmationToken"])
	return client.Call(ctx, c, onsightapi.InvokeAction, in)
}

// askPerson asks whether something is to be done. No answer is empty, and
// nothing but enter is no.
func askPerson(in io.Reader, out io.Writer, summary string) string {
	fmt.Fprintf(out, "%s\nDo it? [y/N] ", summary)
	line, err := bufio.NewReader(in).ReadString('\n')
	if line == "" && err != nil {
		fmt.Fprintln(out)
		return ""
	}
	return strings.ToLower(cmp.Or(strings.TrimSpace(line), "n"))
}

func isTerminal(f *os.File) bool {
	info, err := f.Stat()
	return err == nil && info.Mode()&os.ModeCharDevice != 0
}
