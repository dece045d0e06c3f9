package snapshot

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"

	"onsight/internal/arn"
	"onsight/internal/onsightapi"
	"onsight/internal/store"
)

// What a change does to a row.
const (
	creates = "CREATE"
	updates = "UPDATE"
	deletes = "DELETE"
)

// change is what has to happen to one row.
type change struct {
	what      string
	key       string
	from, to  row
	different []string // members, of an update
}

// difference is what tells an account from a snapshot.
type difference struct {
	id        string
	tables    []*table
	changes   []change // by table and key
	unchanged int
	problems  []string
	needed    []onsightapi.SnapshotSecret
}

// secretKey names a secret: kind, key and member.
type secretKey [3]string

// mostProblems is how many are told of at once.
const mostProblems = 100

// comparison is the work of comparing an account with a snapshot.
type comparison struct {
	s       *Service
	tx      *store.Tx
	h       head
	keep    bool // rows that the snapshot has not are kept
	secrets map[secretKey]string
	d       *difference
	sum     io.Writer
}

// compare tells what has to happen so that the account is as the snapshot. With
// keep, rows that only the account has stay.
func (s *Service) compare(tx *store.Tx, h head, keep bool, secrets map[secretKey]string) (*difference, error) {
	tables, err := describe(tx, s.tables)
	if err != nil {
		return nil, err
	}
	sum := sha256.New()
	fmt.Fprintln(sum, h.ID, keep)
	c := &comparison{s, tx, h, keep, secrets, &difference{tables: tables}, sum}
	result := make(map[string][]row, len(tables)) // by kind, the rows that there will be
	for _, t := range tables {
		rows, err := c.table(t)
		if err != nil {
			return nil, err
		}
		result[t.Kind] = rows
	}
	c.references(result)
	c.d.id = hex.EncodeToString(sum.Sum(nil))
	return c.d, nil
}

// table compares the rows of one table, and gives those that there will be.
func (c *comparison) table(t *table) ([]row, error) {
	type lived struct {
		row
		doc string
	}
	live := make(map[string]lived)
	err := t.each(c.tx, c.h.Account, func(r row) error {
		doc, err := r.document()
		live[r.key()] = lived{r, string(doc)}
		return err
	})
	if err != nil {
		return nil, err
	}
	wanted, err := store.All[kept](c.tx, `SELECT account, id, kind, key, doc FROM snapshot_rows WHERE account = $1 AND id = $2 AND kind = $3 ORDER BY key`,
		c.h.Account, c.h.ID, t.Kind)
	if err != nil {
		return nil, err
	}
	result := make([]row, 0, len(wanted))
	for _, w := range wanted {
		to, err := t.read([]byte(w.Doc))
		if err != nil { // the table has changed since the row was kept
			c.problem("%s %s: %s.", t.Kind, w.Key, err)
			continue
		}
		result = append(result, to)
		from, there := live[w.Key]
		delete(live, w.Key)
		if there && from.doc == w.Doc {
			c.d.unchanged++
			continue
		}
		c.unseal(to, from.row, w.Key)
		ch := change{what: creates, key: w.Key, to: to}
		if there {
			ch.what, ch.from, ch.different = updates, from.row, different(from.row, to)
			if len(ch.different) == 0 {
				c.d.unchanged++
				continue
			}
		}
		c.owned(to, w.Key)
		c.d.changes = append(c.d.changes, ch)
		fmt.Fprintln(c.sum, ch.what, t.Kind, w.Key, w.Doc, from.doc)
	}
	gone := make([]string, 0, len(live))
	for key := range live {
		gone = append(gone, key)
	}
	slices.Sort(gone)
	for _, key := range gone {
		if c.keep {
			result = append(result, live[key].row)
			continue
		}
		c.d.changes = append(c.d.changes, change{what: deletes, key: key, from: live[key].row})
		fmt.Fprintln(c.sum, deletes, t.Kind, key, live[key].doc)
	}
	return result, nil
}

// different lists the members that two rows do not have in common.
func different(a, b row) (members []string) {
	for i, c := range a.of.columns {
		var same bool
		switch x := a.values[i].(type) {
		case []byte:
			y, ok := b.values[i].([]byte)
			same = ok && bytes.Equal(x, y)
		case string:
			y, ok := b.values[i].(string)
			same = ok && (x == y || slices.Contains(a.of.JSON, c.Name) && compact(x) == y)
			if same {
				b.values[i] = x // with its white space
			}
		default:
			same = x == b.values[i]
		}
		if !same {
			members = append(members, member(c))
		}
	}
	return members
}

func compact(document string) string {
	var b bytes.Buffer
	_ = json.Compact(&b, []byte(document)) // of what is no JSON nothing is left, which is not the same
	return b.String()
}

// unseal sees to the sealed columns of a row: what opens to the secret that is
// there stays as it is there, and what does not open needs the secret.
func (c *comparison) unseal(to, from row, key string) {
	for i, column := range to.of.columns {
		context, ok := to.of.Sealed[column.Name]
		if !ok {
			continue
		}
		sealed, _ := to.values[i].([]byte)
		if sealed == nil {
			continue
		}
		plain, err := c.s.keys.Open(sealed, context(c.of(to)))
		name := member(column)
		if err != nil {
			given, ok := c.secrets[secretKey{to.of.Kind, key, name}]
			if ok {
				to.values[i] = c.s.keys.Seal([]byte(given), context(c.of(to)))
				continue
			}
			if from.of == nil {
				c.d.needed = append(c.d.needed, onsightapi.SnapshotSecret{Kind: to.of.Kind, Key: key, Member: name})
				continue
			}
			to.values[i] = from.values[i]
			continue
		}
		if from.of == nil {
			continue
		}
		if was, _ := from.values[i].([]byte); was != nil {
			if there, err := c.s.keys.Open(was, context(c.of(from))); err == nil && bytes.Equal(there, plain) {
				to.values[i] = was
			}
		}
	}
}

// of gives the values of a row, with its account, which its document leaves out.
func (c *comparison) of(r row) func(column string) any {
	return func(column string) any {
		if column == accountColumn {
			return c.h.Account
		}
		return r.get(column)
	}
}

// owned refuses a row that would be another account's: its ARN says whose it is.
func (c *comparison) owned(r row, key string) {
	i := r.of.index("arn")
	if i < 0 {
		return
	}
	text, _ := r.values[i].(string)
	a, err := arn.Parse(text)
	if err != nil || a.Account != c.h.Account {
		c.problem("%s %s: %q is no ARN of account %s.", r.of.Kind, key, text, c.h.Account)
	}
}

// references finds rows that lack what they refer to.
func (c *comparison) references(result map[string][]row) {
	sets := make(map[string]map[string]bool)
	for _, t := range c.d.tables {
		for _, ref := range t.Refs {
			name := ref.Kind + " " + strings.Join(ref.Of, " ")
			if sets[name] == nil {
				set := make(map[string]bool, len(result[ref.Kind]))
				for _, r := range result[ref.Kind] {
					if v, ok := joined(r, ref.Of); ok {
						set[v] = true
					}
				}
				sets[name] = set
			}
			for _, r := range result[t.Kind] {
				if v, ok := joined(r, ref.Columns); ok && !sets[name][v] {
					c.problem("%s %s: there is no %s for its %s, %s.", t.Kind, r.key(), ref.Kind, strings.Join(ref.Columns, " and "), shown(r, ref.Columns))
				}
			}
		}
	}
}

// joined is the values of columns as one text; not ok where one is NULL.
func joined(r row, columns []string) (text string, ok bool) {
	var b strings.Builder
	for _, c := range columns {
		v := r.get(c)
		if v == nil {
			return "", false
		}
		fmt.Fprintf(&b, "%v\x00", v)
	}
	return b.String(), true
}

func shown(r row, columns []string) string {
	values := make([]string, len(columns))
	for i, c := range columns {
		values[i] = fmt.Sprintf("%q", r.get(c))
	}
	return strings.Join(values, " and ")
}

func (c *comparison) problem(format string, args ...any) {
	switch n := len(c.d.problems); {
	case n < mostProblems:
		c.d.problems = append(c.d.problems, fmt.Sprintf(format, args...))
	case n == mostProblems:
		c.d.problems = append(c.d.problems, "There are more.")
	}
}

// count tells how many changes there are of a sort.
func (d *difference) count(what string) *int64 {
	n := int64(0)
	for _, c := range d.changes {
		if c.what == what {
			n++
		}
	}
	return &n
}
