package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"onsight/internal/client"
	"onsight/internal/contract"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
)

const importUsage = `Usage: onsight import [flags] FOLDER

Makes an account at a running server as the files say that "onsight export"
wrote, all of it or nothing. Look first, with -dry-run.

What was sealed with a key that the server has not is asked for: -dry-run lists
it in the form that -secrets reads.

Flags:
`

// importing are the flags of import.
type importing struct {
	remote
	dryRun, deletes, keep bool
	secrets               string
	most                  int
}

// importCommand makes an account as the files of an export say.
func importCommand(ctx context.Context, args []string, s streams) error {
	var im importing
	flags := flag.NewFlagSet("onsight import", flag.ContinueOnError)
	im.flags(flags, s)
	flags.BoolVar(&im.dryRun, "dry-run", false, "tell what would change, and change nothing")
	flags.BoolVar(&im.deletes, "delete", false, "delete what the account has and the files have not")
	flags.BoolVar(&im.keep, "keep-others", false, "keep what the account has and the files have not")
	flags.StringVar(&im.secrets, "secrets", "", "JSON `file` with the secrets that were sealed elsewhere")
	flags.IntVar(&im.most, "changes", 1000, "`number` of changes to list at most, up to 10000")
	dir, err := folder(flags, args, importUsage, s)
	switch {
	case err != nil:
		return err
	case im.deletes && im.keep:
		return usageError{errors.New("-delete and -keep-others exclude each other")}
	case im.most < 1 || im.most > 10000:
		return usageError{fmt.Errorf("-changes is %d, and may be 1 to 10000", im.most)}
	}
	c, err := im.client(s)
	if err != nil {
		return err
	}
	head, err := readHead(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s is no folder of an export: it has no %s", dir, headFile)
	}
	if err != nil {
		return err
	}
	if head.Account != im.account {
		return fmt.Errorf("%s holds account %s, and the credentials are for account %s", dir, head.Account, im.account)
	}
	secrets, err := readSecrets(im.secrets)
	if err != nil {
		return err
	}
	made, err := client.Call(ctx, c, onsightapi.CreateAccountSnapshot,
		onsightapi.CreateAccountSnapshotRequest{AwsAccountId: im.account, Source: new(onsightapi.SnapshotSourceUpload)})
	if err != nil {
		return err
	}
	err = im.upload(ctx, c, dir, made)
	if err == nil {
		err = im.apply(ctx, c, s, *made.SnapshotId, secrets)
	}
	_, gone := client.Call(context.WithoutCancel(ctx), c, onsightapi.DeleteAccountSnapshot,
		onsightapi.DeleteAccountSnapshotRequest{AwsAccountId: im.account, SnapshotId: *made.SnapshotId})
	return errors.Join(err, gone)
}

// place is where a row is: a file, and a line where the file has many.
type place struct {
	file string
	line int
}

func (p place) String() string {
	if p.line == 0 {
		return p.file
	}
	return fmt.Sprintf("%s:%d", p.file, p.line)
}

// upload sends the rows of all files.
func (im *importing) upload(ctx context.Context, c *client.Client, dir string, made *onsightapi.CreateAccountSnapshotResponse) error {
	names, err := exported(dir)
	if err != nil {
		return err
	}
	var kinds []string
	for _, k := range made.Kinds {
		kinds = append(kinds, *k.Kind)
	}
	var rows []onsightapi.SnapshotRow
	var places []place
	size := 0
	send := func() error {
		if len(rows) == 0 {
			return nil
		}
		_, err := client.Call(ctx, c, onsightapi.PutAccountSnapshotRows,
			onsightapi.PutAccountSnapshotRowsRequest{AwsAccountId: im.account, SnapshotId: *made.SnapshotId, Rows: rows})
		err = located(err, places)
		rows, places, size = nil, nil, 0
		return err
	}
	add := func(kind string, document []byte, at place) error {
		if !json.Valid(document) {
			return fmt.Errorf("%s is not JSON: %w", at, json.Unmarshal(document, new(any)))
		}
		rows, places, size = append(rows, onsightapi.SnapshotRow{Kind: kind, Document: document}), append(places, at), size+len(document)
		if len(rows) == 1000 || size > 4<<20 {
			return send()
		}
		return nil
	}
	for _, name := range names {
		if name == headFile {
			continue
		}
		path := filepath.Join(dir, name)
		kind, ok := kindOf(name, kinds)
		if !ok {
			return fmt.Errorf("%s belongs to no kind that the server knows", path)
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if filepath.Ext(name) == ".json" {
			if err := add(kind, text, place{file: path}); err != nil {
				return err
			}
			continue
		}
		for n, line := range bytes.Split(text, []byte("\n")) {
			if len(bytes.TrimSpace(line)) == 0 {
				continue
			}
			if err := add(kind, line, place{path, n + 1}); err != nil {
				return err
			}
		}
	}
	return send()
}

var rowNumber = regexp.MustCompile(`^Rows\[(\d+)\](?: of kind [a-z/-]+)?: `)

// located names the file and the line that a refusal is about.
func located(err error, places []place) error {
	f, ok := errors.AsType[*fault.Fault](err)
	if !ok {
		return err
	}
	m := rowNumber.FindStringSubmatch(f.Message)
	if m == nil {
		return err
	}
	if n, conv := strconv.Atoi(m[1]); conv == nil && n < len(places) {
		return fmt.Errorf("%s: %s", places[n], strings.TrimPrefix(f.Message, m[0]))
	}
	return err
}

// apply shows the plan, and does what it says unless that is not wanted.
func (im *importing) apply(ctx context.Context, c *client.Client, s streams, id string, secrets []onsightapi.SnapshotSecret) error {
	p, err := client.Call(ctx, c, onsightapi.PlanAccountSnapshot, onsightapi.PlanAccountSnapshotRequest{
		AwsAccountId: im.account, SnapshotId: id, KeepOthers: &im.keep, MaxResults: new(int32(im.most)),
	})
	if err != nil {
		return err
	}
	needed := missing(p.SecretsNeeded, secrets)
	if im.json && im.dryRun {
		return printJSON(s, p)
	}
	if !im.json {
		im.show(s, p, needed)
	}
	changes := *p.Created + *p.Updated + *p.Deleted
	switch {
	case len(p.Problems) > 0:
		return fmt.Errorf("the files cannot be imported: %s", strings.Join(p.Problems, "\n  "))
	case im.dryRun || changes == 0:
		return nil
	case len(needed) > 0:
		return errors.New("give the secrets that are missing with -secrets; nothing was changed")
	case *p.Deleted > 0 && !im.deletes:
		return fmt.Errorf("the account has %d rows that the files have not: give -delete to delete them, or -keep-others to keep them; nothing was changed", *p.Deleted)
	}
	out, err := client.Call(ctx, c, onsightapi.ApplyAccountSnapshot, onsightapi.ApplyAccountSnapshotRequest{
		AwsAccountId: im.account, SnapshotId: id, KeepOthers: &im.keep, PlanId: *p.PlanId, Secrets: secrets,
	})
	if err != nil {
		return err
	}
	if im.json {
		return printJSON(s, out)
	}
	fmt.Fprintf(s.out, "Account %s is as the files say.\n", im.account)
	return nil
}

// show prints the plan.
func (im *importing) show(s streams, p *onsightapi.PlanAccountSnapshotResponse, needed []onsightapi.SnapshotSecret) {
	signs := map[string]string{"CREATE": "+", "UPDATE": "~", "DELETE": "-"}
	for _, c := range p.Changes {
		fmt.Fprintf(s.out, "%s %s %s", signs[*c.Change], *c.Kind, shownKey(*c.Key))
		if len(c.Members) > 0 {
			fmt.Fprintf(s.out, " (%s)", strings.Join(c.Members, ", "))
		}
		fmt.Fprintln(s.out)
	}
	all := *p.Created + *p.Updated + *p.Deleted
	if more := all - int64(len(p.Changes)); more > 0 {
		fmt.Fprintf(s.out, "… and %d more\n", more)
	}
	would := ""
	if im.dryRun {
		would = "would be "
	}
	fmt.Fprintf(s.out, "%screated %d, changed %d, deleted %d, unchanged %d\n", would, *p.Created, *p.Updated, *p.Deleted, *p.Unchanged)
	if len(needed) > 0 {
		fmt.Fprintln(s.out, "Secrets are needed that were sealed with another key; write their values into a file for -secrets:")
		_ = printJSON(s, secretsFile(needed))
		fmt.Fprintln(s.out)
	}
}

// secretEntry is an entry of the file of secrets.
type secretEntry struct {
	Kind   string `json:"kind"`
	Key    string `json:"key"`
	Member string `json:"member"`
	Value  string `json:"value"`
}

func secretsFile(needed []onsightapi.SnapshotSecret) []secretEntry {
	entries := make([]secretEntry, len(needed))
	for i, n := range needed {
		entries[i] = secretEntry{n.Kind, n.Key, n.Member, ""}
	}
	return entries
}

// readSecrets reads the file of secrets; an empty name stands for none.
func readSecrets(path string) (secrets []onsightapi.SnapshotSecret, err error) {
	if path == "" {
		return nil, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var entries []secretEntry
	if err := json.Unmarshal(text, &entries); err != nil {
		return nil, fmt.Errorf("%s is not the list that -dry-run prints", path)
	}
	for i, e := range entries {
		if e.Value == "" {
			return nil, fmt.Errorf("%s: entry %d, %s of %s %s, has no value", path, i+1, e.Member, e.Kind, e.Key)
		}
		secrets = append(secrets, onsightapi.SnapshotSecret{Kind: e.Kind, Key: e.Key, Member: e.Member, Value: new(contract.Secret(e.Value))})
	}
	return secrets, nil
}

// missing are the secrets that are needed and not given.
func missing(needed, given []onsightapi.SnapshotSecret) (missing []onsightapi.SnapshotSecret) {
	have := make(map[[3]string]bool)
	for _, g := range given {
		have[[3]string{g.Kind, g.Key, g.Member}] = true
	}
	for _, n := range needed {
		if !have[[3]string{n.Kind, n.Key, n.Member}] {
			missing = append(missing, n)
		}
	}
	return missing
}
