package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/csv"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"onsight/internal/client"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
)

const importAbout = `Registers the users of a CSV file, by the rules of RegisterUser. The first line names the columns:

  user_name             required, except for users of IAM
  email                 required
  role                  required: READER, AUTHOR, ADMIN, READER_PRO, AUTHOR_PRO or ADMIN_PRO
  identity_type         QUICKSIGHT, IAM or IAM_IDENTITY_CENTER (default IAM where there is an iam_arn, else QUICKSIGHT)
  iam_arn, session_name of users of IAM; the session with the ARN of a role
  namespace             default "default"
  groups                that the user joins, with ; between them
  profile               custom permissions profile
  external_login_type, external_login_url, external_login_id

What became of each line, with the invitation of each native user, is written into FILE.results.csv, which only
you can read. The same command again goes on where it was interrupted, and tries again what has failed. A user who
is there already, as the line asks, is left alone.`

const removeAbout = `Deletes the users of a CSV file. The first line names the columns: user_name, and namespace (default "default").
What they own stays; to give it to someone, use "onsight people prune" or transfer it before.

What became of each line is written into FILE.results.csv. The same command again goes on where it was interrupted.
A user who is not there is as the line asks.`

const (
	// rowsACall is how many rows one call has.
	rowsACall = 1000
	// wholeRows is how many rows can be done all or not at all.
	wholeRows = 10_000
	// callsAtOnce is how many calls are under way.
	callsAtOnce = 4
	// shownFailures is how many failures are printed; the rest is in the results.
	shownFailures = 20
	// sent is the outcome of a row of which no answer has come yet.
	sent = "SENT"
)

// A bulkRow is a line of the file.
type bulkRow struct {
	line int
	id   string // what the row says, hashed
	user onsightapi.BulkUser
}

// A bulk is an import or a removal.
type bulk struct {
	remote
	verb          string // registered or deleted
	dryRun, whole bool
	resultsFile   string
	call          func(ctx context.Context, c *client.Client, b *bulk, rows []bulkRow, renew bool) ([]onsightapi.BulkResult, error)

	mu       sync.Mutex
	results  *os.File
	counts   map[string]int64
	failures []bulkFailure
	bar      *progress
}

type bulkFailure struct {
	line       int
	user, text string
	local      bool // the server was not asked
}

func peopleImport(ctx context.Context, args []string, s streams) error {
	b := &bulk{verb: "registered", call: registerRows}
	columns := map[string]func(u *onsightapi.BulkUser) **string{
		"user_name":           func(u *onsightapi.BulkUser) **string { return &u.UserName },
		"email":               func(u *onsightapi.BulkUser) **string { return &u.Email },
		"role":                func(u *onsightapi.BulkUser) **string { return &u.UserRole },
		"identity_type":       func(u *onsightapi.BulkUser) **string { return &u.IdentityType },
		"iam_arn":             func(u *onsightapi.BulkUser) **string { return &u.IamArn },
		"session_name":        func(u *onsightapi.BulkUser) **string { return &u.SessionName },
		"namespace":           func(u *onsightapi.BulkUser) **string { return &u.Namespace },
		"groups":              nil,
		"profile":             func(u *onsightapi.BulkUser) **string { return &u.CustomPermissionsName },
		"external_login_type": func(u *onsightapi.BulkUser) **string { return &u.ExternalLoginFederationProviderType },
		"external_login_url":  func(u *onsightapi.BulkUser) **string { return &u.CustomFederationProviderUrl },
		"external_login_id":   func(u *onsightapi.BulkUser) **string { return &u.ExternalLoginId },
	}
	return b.run(ctx, "import", importAbout, args, s, columns, "email", "role")
}

func peopleRemove(ctx context.Context, args []string, s streams) error {
	b := &bulk{verb: "deleted", call: deleteRows}
	columns := map[string]func(u *onsightapi.BulkUser) **string{
		"user_name": func(u *onsightapi.BulkUser) **string { return &u.UserName },
		"namespace": func(u *onsightapi.BulkUser) **string { return &u.Namespace },
	}
	return b.run(ctx, "remove", removeAbout, args, s, columns, "user_name")
}

func registerRows(ctx context.Context, c *client.Client, b *bulk, rows []bulkRow, renew bool) ([]onsightapi.BulkResult, error) {
	in := onsightapi.BulkRegisterUsersRequest{AwsAccountId: b.account, DryRun: &b.dryRun, AllOrNothing: &b.whole, RenewInvitations: &renew}
	for _, r := range rows {
		in.Users = append(in.Users, r.user)
	}
	out, err := client.Call(ctx, c, onsightapi.BulkRegisterUsers, in)
	if err != nil {
		return nil, err
	}
	return out.Results, nil
}

func deleteRows(ctx context.Context, c *client.Client, b *bulk, rows []bulkRow, _ bool) ([]onsightapi.BulkResult, error) {
	in := onsightapi.BulkDeleteUsersRequest{AwsAccountId: b.account, DryRun: &b.dryRun, AllOrNothing: &b.whole}
	for _, r := range rows {
		in.Users = append(in.Users, onsightapi.BulkName{Line: r.user.Line, Namespace: r.user.Namespace, UserName: r.user.UserName})
	}
	out, err := client.Call(ctx, c, onsightapi.BulkDeleteUsers, in)
	if err != nil {
		return nil, err
	}
	return out.Results, nil
}

func (b *bulk) run(ctx context.Context, name, about string, args []string, s streams, columns map[string]func(*onsightapi.BulkUser) **string, required ...string) (err error) {
	fs := peopleFlags(name, " FILE", about, &b.remote, s)
	fs.BoolVar(&b.dryRun, "dry-run", false, "only say what would happen")
	fs.BoolVar(&b.whole, "all-or-nothing", false, fmt.Sprintf("do all lines in one transaction, or none; for up to %s lines", thousands(wholeRows)))
	fs.StringVar(&b.resultsFile, "results", "", "`file` for the results (default FILE.results.csv)")
	rest, err := parsePeople(fs, args, "file", 1, 1)
	if err != nil {
		return err
	}
	file := rest[0]
	if b.resultsFile == "" {
		b.resultsFile = file + ".results.csv"
	}
	rows, failures, err := readRows(file, columns, required)
	if err != nil {
		return err
	}
	if b.whole && len(rows) > wholeRows {
		return fmt.Errorf("%s has %s lines: with -all-or-nothing it has at most %s", file, thousands(int64(len(rows))), thousands(wholeRows))
	}
	c, err := b.client(s)
	if err != nil {
		return err
	}
	b.counts, b.failures = map[string]int64{}, failures
	b.counts["FAILED"] = int64(len(failures))
	if b.whole && len(failures) > 0 {
		b.printFailures(s)
		return fmt.Errorf("nothing was %s: %s can't be", b.verb, many(int64(len(failures)), "line", "lines"))
	}
	fresh, again := rows, []bulkRow(nil)
	if !b.dryRun {
		if fresh, again, err = b.openResults(rows); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, b.results.Close()) }()
		if done := len(rows) - len(fresh) - len(again); done > 0 {
			fmt.Fprintf(s.err, "%s done before, as %s says.\n", many(int64(done), "line was", "lines were"), b.resultsFile)
		}
	}
	if b.whole && len(again) > 0 { // one call, whatever was sent before
		fresh, again = nil, append(again, fresh...)
	}
	b.bar = newProgress(s, "lines", int64(len(fresh)+len(again)))
	err = errors.Join(b.send(ctx, c, s, again, true), b.send(ctx, c, s, fresh, false))
	b.bar.end()
	if err == nil && b.results != nil {
		err = b.tidy()
	}
	b.printFailures(s)
	b.printCounts(s)
	if err != nil && !b.dryRun {
		return fmt.Errorf("%w\nThe same command again goes on where it was", err)
	}
	if err == nil && b.counts["FAILED"] > 0 {
		err = fmt.Errorf("%s failed", many(b.counts["FAILED"], "line has", "lines have"))
	}
	return err
}

// readRows reads a file. What is wrong with single lines are failures.
func readRows(file string, columns map[string]func(*onsightapi.BulkUser) **string, required []string) (rows []bulkRow, failures []bulkFailure, err error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, nil, err
	}
	r := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(text, []byte("\ufeff")))) // which spreadsheets write
	r.FieldsPerRecord = -1
	header, err := r.Read()
	if errors.Is(err, io.EOF) {
		return nil, nil, fmt.Errorf("%s is empty: its first line names the columns, such as %s", file, strings.Join(append([]string{"user_name"}, required...), ","))
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", file, err)
	}
	for i, name := range header {
		header[i] = strings.ToLower(strings.TrimSpace(name))
		if _, ok := columns[header[i]]; !ok {
			hint := ""
			if strings.Contains(header[i], ";") {
				hint = "; columns are separated by commas"
			}
			return nil, nil, fmt.Errorf("%s: there is no column %q: there are %s%s", file, name, strings.Join(sorted(columns), ", "), hint)
		}
		if slices.Index(header, header[i]) < i {
			return nil, nil, fmt.Errorf("%s: the column %s is there twice", file, header[i])
		}
	}
	for _, name := range required {
		if !slices.Contains(header, name) {
			return nil, nil, fmt.Errorf("%s: the column %s is missing: the first line names the columns, and has %s", file, name, strings.Join(header, ","))
		}
	}
	seen := map[string]int{}
	for {
		record, err := r.Read()
		if errors.Is(err, io.EOF) {
			return rows, failures, nil
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", file, err)
		}
		line, _ := r.FieldPos(0)
		if len(record) != len(header) {
			failures = append(failures, bulkFailure{line, "", fmt.Sprintf("The line has %d fields, and the first line names %d.", len(record), len(header)), true})
			continue
		}
		row := readRow(line, header, record, columns)
		if first, ok := seen[row.key()]; ok && row.key() != "" {
			failures = append(failures, bulkFailure{line, row.name(), fmt.Sprintf("The user is on line %d already.", first), true})
			continue
		}
		seen[row.key()] = line
		rows = append(rows, row)
	}
}

func sorted(columns map[string]func(*onsightapi.BulkUser) **string) []string {
	names := make([]string, 0, len(columns))
	for name := range columns {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func readRow(line int, header, record []string, columns map[string]func(*onsightapi.BulkUser) **string) bulkRow {
	row := bulkRow{line: line, user: onsightapi.BulkUser{Line: new(int32(line))}}
	hash := sha256.New()
	for i, value := range record {
		fmt.Fprintf(hash, "%s=%q\n", header[i], value)
		if value == "" {
			continue
		}
		if member := columns[header[i]]; member != nil {
			*member(&row.user) = &value
			continue
		}
		for group := range strings.SplitSeq(value, ";") {
			if group = strings.TrimSpace(group); group != "" {
				row.user.Groups = append(row.user.Groups, group)
			}
		}
	}
	if _, ok := columns["identity_type"]; ok && row.user.IdentityType == nil {
		row.user.IdentityType = new("QUICKSIGHT")
		if row.user.IamArn != nil {
			row.user.IdentityType = new("IAM")
		}
	}
	if row.user.UserRole != nil {
		row.user.UserRole = new(strings.ToUpper(*row.user.UserRole))
	}
	row.id = hex.EncodeToString(hash.Sum(nil)[:8])
	return row
}

// name is what the row calls its user.
func (r *bulkRow) name() string {
	if r.user.IamArn != nil && r.user.UserName == nil {
		return strings.TrimSuffix(*r.user.IamArn+" "+deref(r.user.SessionName), " ")
	}
	return deref(r.user.UserName)
}

// key tells users apart; empty where the row names none.
func (r *bulkRow) key() string {
	if r.name() == "" {
		return ""
	}
	namespace := deref(r.user.Namespace)
	if namespace == "" {
		namespace = "default"
	}
	return namespace + "\n" + r.name()
}

// resultColumns are those of the results.
var resultColumns = []string{"line", "row", "outcome", "namespace", "user_name", "code", "message", "invitation_url"}

// openResults opens the results, and says which rows are still to be sent:
// fresh ones, and those of which nobody knows whether they have arrived.
func (b *bulk) openResults(rows []bulkRow) (fresh, again []bulkRow, err error) {
	f, err := os.OpenFile(b.resultsFile, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, nil, err
	}
	defer func() {
		if err != nil {
			_ = f.Close()
		}
	}()
	if err := f.Chmod(0o600); err != nil { // there are invitations in it
		return nil, nil, err
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return nil, nil, err
	}
	// What was being written when the program was killed is half a line.
	text = text[:bytes.LastIndexByte(text, '\n')+1]
	header := strings.Join(resultColumns, ",") + "\n"
	outcome := map[string]string{}
	switch {
	case len(text) == 0:
	case !bytes.HasPrefix(text, []byte(header)):
		return nil, nil, fmt.Errorf("%s holds something else than results: give another file with -results", b.resultsFile)
	default:
		r := csv.NewReader(bytes.NewReader(text))
		records, err := r.ReadAll()
		if err != nil {
			return nil, nil, fmt.Errorf("%s: %w", b.resultsFile, err)
		}
		for _, record := range records[1:] {
			outcome[record[0]+" "+record[1]] = record[2]
		}
	}
	if err := f.Truncate(int64(len(text))); err != nil {
		return nil, nil, err
	}
	if _, err := f.Seek(0, io.SeekEnd); err != nil {
		return nil, nil, err
	}
	if len(text) == 0 {
		if _, err := f.WriteString(header); err != nil {
			return nil, nil, err
		}
	}
	b.results = f
	for _, r := range rows {
		switch outcome[strconv.Itoa(r.line)+" "+r.id] {
		case "REGISTERED", "DELETED", "UNCHANGED":
		case sent:
			again = append(again, r)
		default:
			fresh = append(fresh, r)
		}
	}
	return fresh, again, nil
}

// send sends rows. renew has native users who wait for it invited anew: their
// first invitation was in an answer that did not come.
func (b *bulk) send(ctx context.Context, c *client.Client, s streams, rows []bulkRow, renew bool) error {
	size := rowsACall
	if b.whole {
		size = wholeRows
	}
	batches := make(chan []bulkRow)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for range callsAtOnce {
		wg.Go(func() {
			for batch := range batches {
				if err := b.batch(ctx, c, s, batch, renew); err != nil {
					cancel(err)
				}
			}
		})
	}
	for batch := range slices.Chunk(rows, size) {
		select {
		case batches <- batch:
			continue
		case <-ctx.Done():
		}
		break
	}
	close(batches)
	wg.Wait()
	return context.Cause(ctx)
}

// batch sends one call, and writes down what came of it. A server that does not
// answer is asked again: rows that are done already are left alone.
func (b *bulk) batch(ctx context.Context, c *client.Client, s streams, rows []bulkRow, renew bool) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	lost := make([]onsightapi.BulkResult, len(rows))
	for i := range rows {
		lost[i] = onsightapi.BulkResult{Outcome: new(onsightapi.BulkOutcome(sent)), Namespace: rows[i].user.Namespace, UserName: rows[i].user.UserName}
	}
	if err := b.write(rows, lost); err != nil {
		return err
	}
	for attempt := 1; ; attempt++ {
		results, err := b.call(ctx, c, b, rows, renew)
		if err == nil {
			return b.note(rows, results)
		}
		if !passing(err) || attempt == 10 || ctx.Err() != nil {
			return err
		}
		if attempt == 1 {
			b.mu.Lock()
			b.bar.end()
			fmt.Fprintf(s.err, "%v; trying again\n", err)
			b.mu.Unlock()
		}
		renew = true // perhaps the answer alone was lost
		select {
		case <-ctx.Done():
			return err
		case <-time.After(min(time.Duration(attempt)*500*time.Millisecond, 5*time.Second)):
		}
	}
}

// passing tells whether an error may be none in a moment.
func passing(err error) bool {
	f, ok := errors.AsType[*fault.Fault](err)
	return !ok || f.Status == http.StatusServiceUnavailable || f.Code == "ThrottlingException" || f.Code == "ResourceUnavailableException"
}

// write appends what became of rows to the results, durably.
func (b *bulk) write(rows []bulkRow, results []onsightapi.BulkResult) error {
	if b.results == nil {
		return nil
	}
	var text bytes.Buffer
	w := csv.NewWriter(&text)
	for i, r := range results {
		flat := strings.Join(strings.Fields(deref(r.Message)), " ")
		err := w.Write([]string{
			strconv.Itoa(rows[i].line), rows[i].id, string(*r.Outcome), inert(deref(r.Namespace)), inert(deref(r.UserName)), deref(r.Code), inert(flat),
			deref(r.UserInvitationUrl),
		})
		if err != nil {
			return err
		}
	}
	w.Flush()
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := b.results.Write(text.Bytes()); err != nil {
		return err
	}
	return b.results.Sync()
}

// tidy leaves the last outcome of each line in the results, in the order of the
// lines. Until it is done the results are as they were.
func (b *bulk) tidy() error {
	text, err := os.ReadFile(b.resultsFile)
	if err != nil {
		return err
	}
	records, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		return fmt.Errorf("%s: %w", b.resultsFile, err)
	}
	last := map[int][]string{}
	for _, record := range records[1:] {
		line, err := strconv.Atoi(record[0])
		if err != nil {
			return fmt.Errorf("%s: %q is not the number of a line", b.resultsFile, record[0])
		}
		// A second answer has no invitation where the first one had it.
		if before := last[line]; before != nil && before[1] == record[1] && record[7] == "" {
			record[7] = before[7]
		}
		last[line] = record
	}
	for _, f := range b.failures {
		if f.local {
			last[f.line] = []string{strconv.Itoa(f.line), "", "FAILED", "", inert(f.user), "InvalidLine", inert(f.text), ""}
		}
	}
	var out bytes.Buffer
	w := csv.NewWriter(&out)
	if err := w.Write(resultColumns); err != nil {
		return err
	}
	for _, line := range slices.Sorted(maps.Keys(last)) {
		if err := w.Write(last[line]); err != nil {
			return err
		}
	}
	w.Flush()
	beside := b.resultsFile + ".new"
	f, err := os.OpenFile(beside, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(out.Bytes())
	if err = errors.Join(err, f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(beside, b.resultsFile)
}

// note writes results down and counts them.
func (b *bulk) note(rows []bulkRow, results []onsightapi.BulkResult) error {
	if len(results) != len(rows) {
		return fmt.Errorf("the server answered %d results for %d lines", len(results), len(rows))
	}
	if err := b.write(rows, results); err != nil {
		return err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for i, r := range results {
		b.counts[string(*r.Outcome)]++
		if *r.Outcome == onsightapi.BulkOutcomeFailed {
			b.failures = append(b.failures, bulkFailure{rows[i].line, rows[i].name(), deref(r.Code) + ": " + strings.TrimSpace(deref(r.Message)), false})
		}
	}
	b.bar.add(int64(len(rows)))
	return nil
}

// printFailures prints why lines have failed, in their order.
func (b *bulk) printFailures(s streams) {
	slices.SortFunc(b.failures, func(a, c bulkFailure) int { return a.line - c.line })
	for i, f := range b.failures {
		if i == shownFailures {
			rest := many(int64(len(b.failures)-i), "more line has", "more lines have")
			if b.results != nil {
				rest += " failed; see " + b.resultsFile
			} else {
				rest += " failed"
			}
			fmt.Fprintln(s.out, rest)
			break
		}
		user := ""
		if f.user != "" {
			user = " (" + f.user + ")"
		}
		fmt.Fprintln(s.out, printable(fmt.Sprintf("line %d%s: %s", f.line, user, f.text)))
	}
}

func (b *bulk) printCounts(s streams) {
	would := ""
	if b.dryRun {
		would = "would be "
	}
	fmt.Fprintf(s.out, "%s%s %s, %s already as asked, %s failed", would, thousands(b.counts["REGISTERED"]+b.counts["DELETED"]), b.verb,
		thousands(b.counts["UNCHANGED"]), thousands(b.counts["FAILED"]))
	if n := b.counts["NOT_DONE"]; n > 0 {
		fmt.Fprintf(s.out, ", %s left undone because of these", thousands(n))
	}
	fmt.Fprintln(s.out)
	if b.results != nil {
		fmt.Fprintf(s.out, "results%s: %s\n", map[bool]string{true: " and invitations"}[b.verb == "registered"], b.resultsFile)
	}
}
