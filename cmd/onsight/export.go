package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"maps"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"onsight/internal/client"
	"onsight/internal/onsightapi"
)

const exportUsage = `Usage: onsight export [flags] FOLDER

Writes everything that an account has at a running server into files that read
and diff well: a folder to keep in version control, to review, and to import
again. Secrets are in it sealed; they open with the server's sealing key alone.
Files of an earlier export that are no longer needed are removed.

Flags:
`

// headFile says what a folder of an export holds.
const headFile = "snapshot.json"

// exportFormat counts the changes to the layout of files that an older program
// could not read.
const exportFormat = 1

// exportHead is what headFile holds.
type exportHead struct {
	Format  int    `json:"format"`
	Account string `json:"account"`
}

// folder parses the flags of a command whose argument is a folder; flags may
// also follow it.
func folder(flags *flag.FlagSet, args []string, usage string, s streams) (string, error) {
	flags.SetOutput(s.err)
	flags.Usage = func() {
		fmt.Fprint(s.err, usage)
		flags.PrintDefaults()
	}
	var given []string
	for {
		if err := flags.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return "", err
			}
			return "", usageError{err}
		}
		if args = flags.Args(); len(args) == 0 {
			break
		}
		given, args = append(given, args[0]), args[1:]
	}
	if len(given) != 1 {
		return "", usageError{fmt.Errorf("%s takes one folder, but got %d arguments", flags.Name(), len(given))}
	}
	return given[0], nil
}

// exportCommand writes an account into files.
func exportCommand(ctx context.Context, args []string, s streams) error {
	var r remote
	flags := flag.NewFlagSet("onsight export", flag.ContinueOnError)
	r.flags(flags, s)
	dir, err := folder(flags, args, exportUsage, s)
	if err != nil {
		return err
	}
	c, err := r.client(s)
	if err != nil {
		return err
	}
	if err := mayExport(dir, r.account); err != nil {
		return err
	}
	made, err := client.Call(ctx, c, onsightapi.CreateAccountSnapshot, onsightapi.CreateAccountSnapshotRequest{AwsAccountId: r.account})
	if err != nil {
		return err
	}
	files, err := exportFiles(ctx, c, r.account, made)
	_, gone := client.Call(context.WithoutCancel(ctx), c, onsightapi.DeleteAccountSnapshot,
		onsightapi.DeleteAccountSnapshotRequest{AwsAccountId: r.account, SnapshotId: *made.SnapshotId})
	if err := errors.Join(err, gone); err != nil {
		return err
	}
	head, err := json.MarshalIndent(exportHead{exportFormat, r.account}, "", "  ")
	if err != nil {
		return err
	}
	files[headFile] = append(head, '\n')
	if err := writeExport(dir, files); err != nil {
		return err
	}
	rows := int64(0)
	for _, k := range made.Kinds {
		rows += *k.Rows
	}
	if r.json {
		return printJSON(s, map[string]any{"Rows": rows, "Files": len(files)})
	}
	for _, k := range made.Kinds {
		if *k.Rows > 0 {
			fmt.Fprintf(s.out, "%8d  %s\n", *k.Rows, *k.Kind)
		}
	}
	fmt.Fprintf(s.out, "Account %s is in %s, in %d files.\n", r.account, dir, len(files))
	return nil
}

// mayExport refuses a folder that holds something else.
func mayExport(dir, account string) error {
	head, err := readHead(dir)
	if err == nil && head.Account != account {
		return fmt.Errorf("%s holds account %s; give another folder for account %s", dir, head.Account, account)
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), ".") {
			return fmt.Errorf("%s holds %s, and is no export; give a folder that is empty or not there yet", dir, e.Name())
		}
	}
	return err
}

func readHead(dir string) (head exportHead, err error) {
	text, err := os.ReadFile(filepath.Join(dir, headFile))
	if err != nil {
		return head, err
	}
	if err := json.Unmarshal(text, &head); err != nil || head.Format == 0 {
		return head, fmt.Errorf("%s does not say what the folder holds", filepath.Join(dir, headFile))
	}
	if head.Format > exportFormat {
		return head, fmt.Errorf("%s was written by a newer program (format %d, and this one knows %d)", dir, head.Format, exportFormat)
	}
	return head, nil
}

// exportFiles reads a snapshot, and gives the files for it by name.
func exportFiles(ctx context.Context, c *client.Client, account string, made *onsightapi.CreateAccountSnapshotResponse) (map[string][]byte, error) {
	lines := make(map[string]bool)
	for _, k := range made.Kinds {
		lines[*k.Kind] = *k.Layout == "LINES"
	}
	files := make(map[string][]byte)
	in := onsightapi.ListAccountSnapshotRowsRequest{AwsAccountId: account, SnapshotId: *made.SnapshotId}
	for {
		out, err := client.Call(ctx, c, onsightapi.ListAccountSnapshotRows, in)
		if err != nil {
			return nil, err
		}
		for _, row := range out.Rows {
			if lines[row.Kind] {
				name := filepath.FromSlash(row.Kind) + ".jsonl"
				files[name] = append(append(files[name], row.Document...), '\n')
				continue
			}
			var b bytes.Buffer
			if err := json.Indent(&b, row.Document, "", "  "); err != nil {
				return nil, err
			}
			b.WriteByte('\n')
			files[fileOf(row.Kind, *row.Key)] = b.Bytes()
		}
		if out.NextToken == nil {
			return files, nil
		}
		in.NextToken = out.NextToken
	}
}

// fileOf names the file of a row. Each part of the key is escaped already but
// for what a file system does not take, or takes for something else.
func fileOf(kind, key string) string {
	if kind == key {
		return filepath.FromSlash(kind) + ".json"
	}
	parts := strings.Split(key, "/")
	for i, p := range parts {
		p = strings.NewReplacer(":", "%3A", "*", "%2A", "|", "%7C").Replace(p)
		if p == "" || p[0] == '.' {
			p = "%2E" + strings.TrimPrefix(p, ".")
		}
		parts[i] = p
	}
	return filepath.Join(append([]string{filepath.FromSlash(kind)}, parts...)...) + ".json"
}

// writeExport writes the files, and removes those of an earlier export that
// are none of them.
func writeExport(dir string, files map[string][]byte) error {
	old, err := exported(dir)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
		if was, err := os.ReadFile(path); err == nil && bytes.Equal(was, files[name]) {
			continue
		}
		if err := os.WriteFile(path, files[name], 0o600); err != nil {
			return err
		}
	}
	for _, name := range old {
		if files[name] == nil {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}

// exported lists the files of an export, by name. Hidden ones, such as those
// of a version control, are not of it.
func exported(dir string) (names []string, err error) {
	err = filepath.WalkDir(dir, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err != nil || name == "." {
			return err
		}
		switch {
		case strings.HasPrefix(e.Name(), ".") && e.IsDir():
			return filepath.SkipDir
		case strings.HasPrefix(e.Name(), "."), e.IsDir():
		case filepath.Ext(name) == ".json", filepath.Ext(name) == ".jsonl":
			names = append(names, name)
		}
		return nil
	})
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return names, err
}

// kindOf tells of which kind a file of an export is, given the kinds there are.
func kindOf(name string, kinds []string) (kind string, ok bool) {
	path := filepath.ToSlash(strings.TrimSuffix(name, filepath.Ext(name)))
	for _, k := range kinds {
		if path == k || filepath.Ext(name) == ".json" && strings.HasPrefix(path, k+"/") {
			if len(k) > len(kind) {
				kind = k
			}
		}
	}
	return kind, kind != ""
}

// shownKey is a key as people write it.
func shownKey(key string) string {
	if plain, err := url.PathUnescape(key); err == nil {
		return plain
	}
	return key
}
