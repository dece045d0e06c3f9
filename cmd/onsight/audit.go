package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"onsight/internal/client"
	"onsight/internal/onsightapi"
)

const auditUsage = `Usage: onsight audit <command> [flags]

Reads and verifies the audit trail of an account, at a running server.

Commands:
  export  print the records as JSON lines, the oldest first
  verify  check that no record was changed, added or removed; exit status 1 if
          one was

"onsight audit <command> -help" lists the flags.
`

// auditCommand reads and verifies the audit trail.
func auditCommand(ctx context.Context, args []string, s streams) error {
	commands := map[string]func(context.Context, []string, streams) error{"export": auditExport, "verify": auditVerify}
	if len(args) == 0 || args[0] == "-help" || args[0] == "--help" || args[0] == "-h" {
		fmt.Fprint(s.err, auditUsage)
		return flag.ErrHelp
	}
	command, ok := commands[args[0]]
	if !ok {
		return usageError{fmt.Errorf("audit has no command %q: it has export and verify", args[0])}
	}
	return command(ctx, args[1:], s)
}

// parseAudit reads the flags of a command.
func parseAudit(fs *flag.FlagSet, r *remote, args []string, s streams) (*client.Client, error) {
	fs.SetOutput(s.err)
	r.flags(fs, s)
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return nil, err
		}
		return nil, usageError{err}
	}
	if fs.NArg() > 0 {
		return nil, usageError{fmt.Errorf("%s takes no arguments, but got %q", fs.Name(), fs.Arg(0))}
	}
	return r.client(s)
}

func auditExport(ctx context.Context, args []string, s streams) error {
	var r remote
	fs := flag.NewFlagSet("onsight audit export", flag.ContinueOnError)
	since := fs.String("since", "", "`time` of the first record, such as 2026-11-01T00:00:00Z (default the oldest)")
	until := fs.String("until", "", "`time` before which the last record is (default now)")
	c, err := parseAudit(fs, &r, args, s)
	if err != nil {
		return err
	}
	in := onsightapi.ListAuditRecordsRequest{AwsAccountId: r.account}
	if *since != "" {
		in.Since = since
	}
	if *until != "" {
		in.Until = until
	}
	w := bufio.NewWriter(s.out)
	for {
		out, err := client.Call(ctx, c, onsightapi.ListAuditRecords, in)
		if err != nil {
			return errors.Join(w.Flush(), err)
		}
		for _, record := range out.Records {
			if _, err := fmt.Fprintf(w, "%s\n", record); err != nil {
				return err
			}
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return w.Flush()
		}
	}
}

func auditVerify(ctx context.Context, args []string, s streams) error {
	var r remote
	fs := flag.NewFlagSet("onsight audit verify", flag.ContinueOnError)
	headFile := fs.String("heads", "", "`file` with heads that earlier runs have printed; the trail must still hold them")
	c, err := parseAudit(fs, &r, args, s)
	if err != nil {
		return err
	}
	in := onsightapi.VerifyAuditTrailRequest{AwsAccountId: r.account}
	if *headFile != "" {
		f, err := os.Open(*headFile)
		if err != nil {
			return err
		}
		defer func() { _ = f.Close() }() // it is only read
		lines := bufio.NewScanner(f)
		for lines.Scan() {
			if lines.Text() != "" {
				in.Heads = append(in.Heads, lines.Text())
			}
		}
		if err := lines.Err(); err != nil {
			return err
		}
	}
	out, err := client.Call(ctx, c, onsightapi.VerifyAuditTrail, in)
	if err != nil {
		return err
	}
	if r.json {
		if err := printJSON(s, out); err != nil {
			return err
		}
	} else {
		printVerified(s, r.account, out)
	}
	if out.Intact == nil || !*out.Intact {
		return errors.New("the audit trail is not what was written")
	}
	return nil
}

func printVerified(s streams, account string, out *onsightapi.VerifyAuditTrailResponse) {
	p := func(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }
	if out.Events == nil {
		p("account %s has no events yet", account)
	} else {
		p("account %s: %d events", account, *out.Events)
	}
	if out.First != nil && out.Last != nil {
		p("  from %s to %s", out.First.UTC().Format("2006-01-02 15:04:05Z"), out.Last.UTC().Format("2006-01-02 15:04:05Z"))
	}
	if out.Removed != nil && *out.Removed > 0 {
		p("  %d older ones are gone as the retention says", *out.Removed)
	}
	if out.Unsealed != nil && *out.Unsealed > 0 {
		p("  the last %d are not sealed yet", *out.Unsealed)
	}
	for _, note := range out.Notes {
		p("  note: %s", note)
	}
	for _, problem := range out.Problems {
		p("  PROBLEM: %s", problem)
	}
	if len(out.Problems) == 0 {
		p("  intact")
	}
	if out.Head != nil {
		p("\nKeep this line somewhere else; with -heads, a later run checks that the trail still holds it:\n%s", *out.Head)
	}
}
