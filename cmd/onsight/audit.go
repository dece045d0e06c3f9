package main

import (
	"bufio"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"onsight/internal/arn"
	"onsight/internal/audit"
	"onsight/internal/client"
	"onsight/internal/onsightapi"
	"onsight/internal/seal"
	"onsight/internal/store"
)

const auditUsage = `Usage: onsight audit <command> [flags]

Reads and verifies the audit trail: of an account at a running server, or with
-offline of all accounts in a database.

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

// trail says where the trail is: behind a server, or in a database that the
// command opens itself.
type trail struct {
	remote
	offline               bool
	database, sealKeyFile string
}

// parse reads the flags of a command.
func (t *trail) parse(fs *flag.FlagSet, args []string, s streams) error {
	fs.SetOutput(s.err)
	t.flags(fs, s)
	fs.BoolVar(&t.offline, "offline", false, "open the database instead of asking a server; of all accounts, unless -account is given")
	fs.StringVar(&t.database, "database", s.getenv("ONSIGHT_DATABASE"), "with -offline, postgres:// `URL` of the database (default SQLite in the folder -data, whose server must be stopped)")
	fs.StringVar(&t.sealKeyFile, "seal-key-file", s.getenv("ONSIGHT_SEAL_KEY_FILE"), "with -offline, `file` with the keys that seal the trail (default seal.key in the folder -data)")
	if err := fs.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return err
		}
		return usageError{err}
	}
	if fs.NArg() > 0 {
		return usageError{fmt.Errorf("%s takes no arguments, but got %q", fs.Name(), fs.Arg(0))}
	}
	if t.account != "" && !arn.IsAccount(t.account) {
		return usageError{fmt.Errorf("-account %q is not an AWS account: it has 12 digits", t.account)}
	}
	return nil
}

// open opens the database, which must be there.
func (t *trail) open(ctx context.Context) (*store.DB, error) {
	if t.database != "" {
		return store.Open(ctx, store.Config{URL: t.database})
	}
	if _, err := os.Stat(filepath.Join(t.data, "onsight.db")); err != nil {
		return nil, fmt.Errorf("the folder %s holds no database: give it with -data, or a PostgreSQL with -database", t.data)
	}
	db, err := store.Open(ctx, store.Config{Dir: t.data})
	if err != nil {
		return nil, fmt.Errorf("%w; a running server is asked without -offline", err)
	}
	return db, nil
}

// keys reads the keys that the trail is sealed with.
func (t *trail) keys() (*seal.Keyring, error) {
	path := t.sealKeyFile
	if path == "" {
		path = filepath.Join(t.data, "seal.key")
	}
	if _, err := os.Stat(path); err != nil { // Load would make one
		return nil, fmt.Errorf("there is no key file %s: give it with -seal-key-file", path)
	}
	return seal.Load(path)
}

func auditExport(ctx context.Context, args []string, s streams) (err error) {
	var t trail
	fs := flag.NewFlagSet("onsight audit export", flag.ContinueOnError)
	since := fs.String("since", "", "`time` of the first record, such as 2026-11-01T00:00:00Z (default the oldest)")
	until := fs.String("until", "", "`time` before which the last record is (default now)")
	if err := t.parse(fs, args, s); err != nil {
		return err
	}
	w := bufio.NewWriter(s.out)
	defer func() { err = errors.Join(err, w.Flush()) }()
	if !t.offline {
		return t.exportFrom(ctx, s, w, *since, *until)
	}
	selection := audit.Selection{Account: t.account}
	for _, bound := range []struct {
		name, text string
		time       *time.Time
	}{{"-since", *since, &selection.Since}, {"-until", *until, &selection.Until}} {
		if bound.text == "" {
			continue
		}
		if *bound.time, err = time.Parse(time.RFC3339, bound.text); err != nil {
			return usageError{fmt.Errorf("%s %q is not a time such as 2026-11-01T00:00:00Z", bound.name, bound.text)}
		}
	}
	db, err := t.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return audit.Export(ctx, db, selection, w)
}

// exportFrom asks a server for the records.
func (t *trail) exportFrom(ctx context.Context, s streams, w io.Writer, since, until string) error {
	c, err := t.client(s)
	if err != nil {
		return err
	}
	in := onsightapi.ListAuditRecordsRequest{AwsAccountId: t.account}
	if since != "" {
		in.Since = &since
	}
	if until != "" {
		in.Until = &until
	}
	for out, err := range client.Pages(ctx, c, onsightapi.ListAuditRecords, in) {
		if err != nil {
			return err
		}
		for _, record := range out.Records {
			if _, err := fmt.Fprintf(w, "%s\n", record); err != nil {
				return err
			}
		}
	}
	return nil
}

func auditVerify(ctx context.Context, args []string, s streams) error {
	var t trail
	fs := flag.NewFlagSet("onsight audit verify", flag.ContinueOnError)
	headFile := fs.String("heads", "", "`file` with what earlier runs have printed; the trail must still hold the heads in it")
	if err := t.parse(fs, args, s); err != nil {
		return err
	}
	var heads []audit.Head
	if *headFile != "" {
		text, err := os.ReadFile(*headFile)
		if err != nil {
			return err
		}
		if heads, err = audit.ParseHeads(string(text)); err != nil {
			return fmt.Errorf("%s: %w", *headFile, err)
		}
		if len(heads) == 0 {
			return fmt.Errorf("%s holds no head: one is a line that verify prints last", *headFile)
		}
	}
	verify := t.verifyAt
	if t.offline {
		verify = t.verifyOffline
	}
	report, err := verify(ctx, s, heads)
	if err != nil {
		return err
	}
	if t.json {
		if err := printJSON(s, report); err != nil {
			return err
		}
	} else {
		printVerified(s, report)
	}
	if len(report.Problems) > 0 {
		return errors.New("the audit trail is not what was written")
	}
	return nil
}

// verifyOffline verifies the trail in a database.
func (t *trail) verifyOffline(ctx context.Context, _ streams, heads []audit.Head) (report *audit.Report, err error) {
	keys, err := t.keys()
	if err != nil {
		return nil, err
	}
	db, err := t.open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return audit.Verify(ctx, db, keys, t.account, heads)
}

// verifyAt has a server verify the trail of an account.
func (t *trail) verifyAt(ctx context.Context, s streams, heads []audit.Head) (*audit.Report, error) {
	c, err := t.client(s)
	if err != nil {
		return nil, err
	}
	in := onsightapi.VerifyAuditTrailRequest{AwsAccountId: t.account}
	for _, h := range heads {
		if h.Account == t.account {
			in.Heads = append(in.Heads, h.String())
		}
	}
	if len(heads) > 0 && len(in.Heads) == 0 {
		return nil, fmt.Errorf("-heads: none of the heads is of account %s", t.account)
	}
	out, err := client.Call(ctx, c, onsightapi.VerifyAuditTrail, in)
	if err != nil {
		return nil, err
	}
	report := &audit.Report{Problems: out.Problems, Notes: out.Notes}
	if out.Events == nil {
		return report, nil
	}
	account := audit.AccountReport{Head: audit.Head{Account: t.account}, Events: *out.Events, Removed: *out.Removed, Unsealed: *out.Unsealed}
	if out.First != nil {
		account.First, account.Last = *out.First, *out.Last
	}
	if out.Head != nil {
		heads, err := audit.ParseHeads(*out.Head)
		if err != nil {
			return nil, err
		}
		account.Head = heads[0]
	}
	report.Accounts = append(report.Accounts, account)
	return report, nil
}

func printVerified(s streams, r *audit.Report) {
	p := func(format string, args ...any) { fmt.Fprintf(s.out, format+"\n", args...) }
	if len(r.Accounts) == 0 {
		p("there are no events yet")
	}
	for _, a := range r.Accounts {
		p("account %s: %d events", a.Head.Account, a.Events)
		if !a.First.IsZero() {
			p("  from %s to %s", a.First.UTC().Format("2006-01-02 15:04:05Z"), a.Last.UTC().Format("2006-01-02 15:04:05Z"))
		}
		if a.Removed > 0 {
			p("  %d older ones are gone as the retention says", a.Removed)
		}
		if a.Unsealed > 0 {
			p("  the last %d are not sealed yet", a.Unsealed)
		}
	}
	for _, note := range r.Notes {
		p("note: %s", note)
	}
	for _, problem := range r.Problems {
		p("PROBLEM: %s", problem)
	}
	if len(r.Problems) > 0 {
		return
	}
	p("intact")
	first := true
	for _, a := range r.Accounts {
		if a.Head.Total == 0 {
			continue
		}
		if first {
			p("\nKeep these lines somewhere else: with -heads, a later run checks that the trail still holds them.")
			first = false
		}
		p("%s", a.Head)
	}
}
