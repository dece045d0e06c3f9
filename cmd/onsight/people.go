package main

import (
	"context"
	"encoding/csv"
	"errors"
	"flag"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
	"unicode"

	"github.com/go-json-experiment/json"

	"onsight/internal/client"
	"onsight/internal/onsightapi"
)

const peopleUsage = `Usage: onsight people <command> [flags]

Administers the users of an account, at a running server.

Commands:
  report      who there is, with role, groups, profile, and when they were last seen
  seats       how many seats of each role there are, how many of them are idle,
              and with -prices what they cost
  prune       what a policy against idle users would do; with -apply, do it
  prunes      list the prunes so far, or with the id of one, what it did
  deactivate  end that a user can sign in and be used
  reactivate  let a deactivated user sign in and be used again
  import      register the users of a CSV file
  remove      delete the users of a CSV file

"onsight people <command> -help" lists the flags, and the columns of the files.
`

// peopleCommand administers users.
func peopleCommand(ctx context.Context, args []string, s streams) error {
	commands := map[string]func(context.Context, []string, streams) error{
		"report": peopleReport, "seats": peopleSeats, "prune": peoplePrune, "prunes": peoplePrunes,
		"deactivate": peopleDeactivate, "reactivate": peopleReactivate, "import": peopleImport, "remove": peopleRemove,
	}
	if len(args) == 0 || args[0] == "-help" || args[0] == "--help" || args[0] == "-h" {
		fmt.Fprint(s.err, peopleUsage)
		return flag.ErrHelp
	}
	command, ok := commands[args[0]]
	if !ok {
		return usageError{fmt.Errorf("people has no command %q: it has report, seats, prune, prunes, deactivate, reactivate, import and remove", args[0])}
	}
	return command(ctx, args[1:], s)
}

// peopleFlags makes the flags of a command; arguments says what else it takes.
func peopleFlags(name, arguments, about string, r *remote, s streams) *flag.FlagSet {
	fs := flag.NewFlagSet("onsight people "+name, flag.ContinueOnError)
	fs.SetOutput(s.err)
	fs.Usage = func() {
		fmt.Fprintf(s.err, "Usage: onsight people %s%s [flags]\n\n%s\n\nFlags:\n", name, arguments, about)
		fs.PrintDefaults()
	}
	r.flags(fs, s)
	return fs
}

// parsePeople reads flags, which may stand before and after the arguments, of
// which there are least to most.
func parsePeople(fs *flag.FlagSet, args []string, what string, least, most int) (rest []string, err error) {
	for {
		if err := fs.Parse(args); err != nil {
			if errors.Is(err, flag.ErrHelp) {
				return nil, err
			}
			return nil, usageError{err}
		}
		if fs.NArg() == 0 {
			break
		}
		rest, args = append(rest, fs.Arg(0)), fs.Args()[1:]
	}
	switch {
	case len(rest) > most && most == 0:
		return nil, usageError{fmt.Errorf("%s takes no arguments, but got %q", fs.Name(), rest[0])}
	case len(rest) > most:
		return nil, usageError{fmt.Errorf("%s takes one %s, but got %q too", fs.Name(), what, rest[most])}
	case len(rest) < least:
		return nil, usageError{fmt.Errorf("%s needs a %s", fs.Name(), what)}
	}
	return rest, nil
}

// days is a flag of a number of days, such as 90d or 12w; zero is none.
type days int32

func (d *days) String() string {
	if *d == 0 {
		return ""
	}
	return strconv.Itoa(int(*d)) + "d"
}

func (d *days) Set(text string) error {
	number, factor := strings.TrimSuffix(text, "d"), 1
	if weeks, ok := strings.CutSuffix(text, "w"); ok {
		number, factor = weeks, 7
	}
	n, err := strconv.Atoi(number)
	if err != nil || n < 0 || n*factor > 36500 {
		return errors.New("days are given as 90d, weeks as 12w")
	}
	*d = days(n * factor)
	return nil
}

// days gives the number, or nil for none.
func (d *days) days() *int32 {
	if *d == 0 {
		return nil
	}
	return new(int32(*d))
}

// set gives the value of a flag, or nil where it was not given.
func set[T ~string](v string) *T {
	if v == "" {
		return nil
	}
	return new(T(v))
}

// upper is set for values that the API has in upper case.
func upper[T ~string](v string) *T { return set[T](strings.ToUpper(v)) }

// A report is what a command prints row by row: as a table, CSV or JSON.
type report struct {
	format  string
	out     io.Writer
	columns []string // of the table
	fields  []string // of the CSV
	rows    int
	csv     *csv.Writer
	table   *tabwriter.Writer
}

func newReport(format string, out io.Writer, columns, fields []string) (*report, error) {
	r := &report{format: format, out: out, columns: columns, fields: fields}
	switch format {
	case "json":
		fmt.Fprint(out, "[")
	case "csv":
		r.csv = csv.NewWriter(out)
		return r, r.csv.Write(fields)
	case "table":
		r.table = tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	default:
		return nil, usageError{fmt.Errorf("-format %q is not one of table, json and csv", format)}
	}
	return r, nil
}

// row prints one row: the value as JSON, or its cells.
func (r *report) row(v any, cells, fields []string) error {
	r.rows++
	switch r.format {
	case "json":
		if r.rows > 1 {
			fmt.Fprint(r.out, ",")
		}
		fmt.Fprint(r.out, "\n  ")
		return json.MarshalWrite(r.out, v, json.OmitZeroStructFields(true))
	case "csv":
		for i := range fields {
			fields[i] = inert(fields[i])
		}
		return r.csv.Write(fields)
	}
	if r.rows == 1 {
		fmt.Fprintln(r.table, strings.Join(r.columns, "\t"))
	}
	for i := range cells {
		cells[i] = printable(cells[i])
	}
	_, err := fmt.Fprintln(r.table, strings.Join(cells, "\t"))
	return err
}

// flush prints what there is so far.
func (r *report) flush() error {
	switch {
	case r.csv != nil:
		r.csv.Flush()
		return r.csv.Error()
	case r.table != nil:
		return r.table.Flush()
	}
	return nil
}

// end prints what stands at the end.
func (r *report) end() error {
	if r.format == "json" {
		end := "\n]\n"
		if r.rows == 0 {
			end = "]\n"
		}
		_, err := io.WriteString(r.out, end)
		return err
	}
	return r.flush()
}

// inert keeps a cell of a CSV file from being a formula: whoever registers a
// user chooses what stands in it, and someone else opens it in a spreadsheet.
func inert(cell string) string {
	if strings.ContainsAny(cell[:min(1, len(cell))], "=+-@\t\r\n'") {
		return "'" + cell
	}
	return cell
}

// printable leaves out what a terminal would obey.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return '·'
	}, text)
}

func peopleReport(ctx context.Context, args []string, s streams) error {
	var r remote
	var idle days
	fs := peopleFlags("report", "", "Lists the users of an account: who they are, what they may, and when they were last seen, which is\ntheir last sign-in, or the last signed call of the IAM principal that they belong to.", &r, s)
	format := fs.String("format", "table", "`format`: table, json or csv")
	namespace := fs.String("namespace", "", "only this `namespace`")
	role := fs.String("role", "", "only this `role`: ADMIN, AUTHOR, READER, ADMIN_PRO, AUTHOR_PRO or READER_PRO")
	state := fs.String("state", "", "only this `state`: ACTIVE, INVITED or DEACTIVATED")
	group := fs.String("group", "", "only members of this `group`; needs -namespace")
	profile := fs.String("profile", "", "only those to whom this custom permissions `profile` applies")
	name := fs.String("name", "", "only names that begin with this `text`")
	email := fs.String("email", "", "only e-mail addresses that begin with this `text`, in upper or lower case")
	never := fs.Bool("never", false, "only those who were never seen")
	fs.Var(&idle, "idle", "only those who were not seen for so many `days`, such as 90d or 12w")
	if _, err := parsePeople(fs, args, "", 0, 0); err != nil {
		return err
	}
	if r.json {
		*format = "json"
	}
	if *group != "" && *namespace == "" {
		return usageError{errors.New("people report -group needs -namespace: groups of different namespaces may have one name")}
	}
	c, err := r.client(s)
	if err != nil {
		return err
	}
	in := onsightapi.ListPeopleRequest{
		AwsAccountId: r.account, MaxResults: new(int32(1000)), Namespace: set[string](*namespace), Role: upper[onsightapi.PersonRole](*role),
		State: upper[onsightapi.PersonState](*state), Group: set[string](*group), Profile: set[string](*profile),
		NamePrefix: set[string](*name), EmailPrefix: set[string](*email), IdleDays: idle.days(),
	}
	if *never {
		in.NeverSeen = never
	}
	out, err := newReport(*format, s.out,
		[]string{"NAMESPACE", "USER", "ROLE", "TYPE", "STATE", "CREATED", "LAST SEEN", "IDLE", "GROUPS", "PROFILE"},
		[]string{
			"namespace", "user_name", "arn", "email", "role", "identity_type", "state", "created", "last_sign_in", "last_use", "deactivated",
			"idle_days", "groups", "profile", "profile_level",
		})
	if err != nil {
		return err
	}
	for {
		page, err := client.Call(ctx, c, onsightapi.ListPeople, in)
		if err != nil {
			return err
		}
		for i := range page.People {
			p := &page.People[i]
			if err := out.row(p, personCells(p), personFields(p)); err != nil {
				return err
			}
		}
		if err := out.flush(); err != nil {
			return err
		}
		if in.NextToken = page.NextToken; in.NextToken == nil {
			break
		}
	}
	if err := out.end(); err != nil {
		return err
	}
	if *format == "table" {
		fmt.Fprintln(s.err, many(int64(out.rows), "person", "people"))
	}
	return nil
}

// many counts something.
func many(n int64, one, more string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(n) + " " + more
}

// thousands writes a number as 12,345.
func thousands(n int64) string {
	text := strconv.FormatInt(n, 10)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func personCells(p *onsightapi.Person) []string {
	profile := ""
	if p.CustomPermissionsName != nil {
		profile = *p.CustomPermissionsName + " (" + strings.ToLower(*p.CustomPermissionsLevel) + ")"
	}
	return []string{
		*p.Namespace, *p.UserName, *p.Role, *p.IdentityType, string(*p.State), day(p.CreatedTime), day(later(p.LastSignInTime, p.LastUseTime)),
		strconv.FormatInt(*p.IdleDays, 10) + "d", strings.Join(p.Groups, ", "), profile,
	}
}

func personFields(p *onsightapi.Person) []string {
	return []string{
		*p.Namespace, *p.UserName, *p.Arn, *p.Email, *p.Role, *p.IdentityType, string(*p.State), moment(p.CreatedTime), moment(p.LastSignInTime),
		moment(p.LastUseTime), moment(p.DeactivatedTime), strconv.FormatInt(*p.IdleDays, 10), strings.Join(p.Groups, ";"),
		deref(p.CustomPermissionsName), deref(p.CustomPermissionsLevel),
	}
}

// later is the later one of two times, either of which may be absent.
func later(a, b *time.Time) *time.Time {
	if a == nil || b != nil && b.After(*a) {
		return b
	}
	return a
}

func day(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return t.UTC().Format(time.DateOnly)
}

func moment(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func deref(text *string) string {
	if text == nil {
		return ""
	}
	return *text
}

func peopleDeactivate(ctx context.Context, args []string, s streams) error {
	return peopleSwitch(ctx, args, s, "deactivate", "Ends that a user can sign in and be used. What they own and are granted stays.",
		func(ctx context.Context, c *client.Client, account, namespace, name string) (*onsightapi.Person, error) {
			out, err := client.Call(ctx, c, onsightapi.DeactivateUser, onsightapi.DeactivateUserRequest{AwsAccountId: account, Namespace: namespace, UserName: name})
			if err != nil {
				return nil, err
			}
			return out.Person, nil
		})
}

func peopleReactivate(ctx context.Context, args []string, s streams) error {
	return peopleSwitch(ctx, args, s, "reactivate", "Lets a deactivated user sign in and be used again. From now on they count as seen, so that the next\nprune leaves them alone.",
		func(ctx context.Context, c *client.Client, account, namespace, name string) (*onsightapi.Person, error) {
			out, err := client.Call(ctx, c, onsightapi.ReactivateUser, onsightapi.ReactivateUserRequest{AwsAccountId: account, Namespace: namespace, UserName: name})
			if err != nil {
				return nil, err
			}
			return out.Person, nil
		})
}

func peopleSwitch(ctx context.Context, args []string, s streams, name, about string, call func(ctx context.Context, c *client.Client, account, namespace, name string) (*onsightapi.Person, error)) error {
	var r remote
	fs := peopleFlags(name, " USER", about, &r, s)
	namespace := fs.String("namespace", "default", "`namespace` of the user")
	rest, err := parsePeople(fs, args, "user name", 1, 1)
	if err != nil {
		return err
	}
	c, err := r.client(s)
	if err != nil {
		return err
	}
	p, err := call(ctx, c, r.account, *namespace, rest[0])
	if err != nil {
		return err
	}
	if r.json {
		return printJSON(s, p)
	}
	fmt.Fprintf(s.out, "%s of namespace %s is %s\n", printable(*p.UserName), printable(*p.Namespace), strings.ToLower(string(*p.State)))
	return nil
}
