package snapshot

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"onsight/internal/store"
)

// Layouts of a kind in the files of an export.
const (
	// Files has a file for each row.
	Files = "FILES"
	// Lines has one file with a line for each row.
	Lines = "LINES"
)

// A Table is a table whose rows of an account are in its snapshots.
type Table struct {
	// Name is the table's in the database.
	Name string
	// Kind is what its rows are called in snapshots.
	Kind string
	// Where selects the rows of account $1; empty stands for account = $1.
	Where string
	// Layout is Lines where rows are many and small, and Files where each is
	// something to read.
	Layout string
	// JSON are the columns that hold JSON, shown as such.
	JSON []string
	// Sealed are the columns that hold what is sealed, with the context that
	// the seal of a row is bound to. The account is there to ask for, too.
	Sealed map[string]func(row func(column string) any) string
	// Clock are the columns that are no part of what a row says, and get the
	// time in microseconds whenever it is written: versions that only grow.
	Clock []string
	// Enums are the values that columns may have.
	Enums map[string][]string
	// Refs are the rows that each row needs.
	Refs []Ref
}

// A Ref says that the values of columns, where none is NULL, are those of a
// row of another kind.
type Ref struct {
	Columns []string
	Kind    string
	// Of are the columns of the other kind.
	Of []string
}

// table is a Table with its columns.
type table struct {
	Table
	columns []store.Column // but the account and those of the clock
	account bool           // it has a column for the account
	keys    []int          // of columns, in the order of the primary key
}

const accountColumn = "account"

// describe reads the columns of the tables.
func describe(tx *store.Tx, all []Table) ([]*table, error) {
	tables := make([]*table, 0, len(all))
	for _, t := range all {
		columns, err := store.Columns(tx, t.Name)
		if err != nil {
			return nil, err
		}
		d := &table{Table: t}
		for _, c := range columns {
			if c.Name == accountColumn {
				d.account = true
				continue
			}
			if slices.Contains(t.Clock, c.Name) {
				continue
			}
			d.columns = append(d.columns, c)
		}
		for at := 1; at <= len(columns); at++ {
			if i := slices.IndexFunc(d.columns, func(c store.Column) bool { return c.Key == at }); i >= 0 {
				d.keys = append(d.keys, i)
			}
		}
		tables = append(tables, d)
	}
	return tables, nil
}

// names lists the columns for a query.
func (t *table) names() string {
	names := make([]string, len(t.columns))
	for i, c := range t.columns {
		names[i] = c.Name
	}
	return strings.Join(names, ", ")
}

// rows calls fn with each row of an account, in the order of its key's text.
func (t *table) each(tx *store.Tx, account string, fn func(row) error) error {
	where := t.Where
	if where == "" {
		where = "account = $1"
	}
	return store.Each(tx, t.columns, `SELECT `+t.names()+` FROM `+t.Name+` WHERE `+where, []any{account}, func(values []any) error {
		return fn(row{t, values})
	})
}

func (t *table) index(column string) int {
	return slices.IndexFunc(t.columns, func(c store.Column) bool { return c.Name == column })
}

// row is a row of a table: nil, a string, an int64, a bool or a []byte for each
// column.
type row struct {
	of     *table
	values []any
}

func (r row) get(column string) any { return r.values[r.of.index(column)] }

// key names a row within its account and kind. It is a path: parts of the
// primary key that hold a slash have it escaped.
func (r row) key() string {
	if len(r.of.keys) == 0 {
		return r.of.Kind
	}
	parts := make([]string, len(r.of.keys))
	for i, at := range r.of.keys {
		parts[i] = url.PathEscape(fmt.Sprint(r.values[at]))
	}
	return strings.Join(parts, "/")
}

// member is what a column is called in a document: times lose their unit,
// since they are written out.
func member(c store.Column) string {
	if isTime(c) {
		return strings.TrimSuffix(c.Name, "_us")
	}
	return c.Name
}

func isTime(c store.Column) bool { return c.Type == "BIGINT" && strings.HasSuffix(c.Name, "_us") }

const timeForm = "2006-01-02T15:04:05.000000Z"

// document writes a row as JSON, always in the same way. What is NULL is left out.
func (r row) document() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	for i, c := range r.of.columns {
		if r.values[i] == nil {
			continue
		}
		if b.Len() > 1 {
			b.WriteByte(',')
		}
		b.Write(text(member(c)))
		b.WriteByte(':')
		switch v := r.values[i].(type) {
		case string:
			if !slices.Contains(r.of.JSON, c.Name) {
				b.Write(text(v))
				break
			}
			if err := json.Compact(&b, []byte(v)); err != nil {
				return nil, fmt.Errorf("%s of %s %s: %w", c.Name, r.of.Kind, r.key(), err)
			}
		case int64:
			if isTime(c) {
				b.Write(text(store.Time(v).UTC().Format(timeForm)))
			} else {
				fmt.Fprint(&b, v)
			}
		case bool:
			fmt.Fprint(&b, v)
		case []byte:
			b.Write(text(base64.StdEncoding.EncodeToString(v)))
		}
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// text writes a JSON string as a person would read it.
func text(s string) []byte {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	_ = e.Encode(s) // of a string it cannot fail
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}

// read makes a row of a document. The error is a sentence without a full stop,
// that names the member.
func (t *table) read(document []byte) (row, error) {
	r := row{t, make([]any, len(t.columns))}
	var members map[string]json.RawMessage
	if err := json.Unmarshal(document, &members); err != nil || members == nil {
		return r, errors.New("it is not a JSON object")
	}
	for i, c := range t.columns {
		name := member(c)
		value, ok := members[name]
		delete(members, name)
		if !ok || string(value) == "null" {
			if c.Required {
				return r, fmt.Errorf("%s is missing", name)
			}
			continue
		}
		v, err := t.value(c, value)
		if err != nil {
			return r, fmt.Errorf("%s %w", name, err)
		}
		r.values[i] = v
	}
	for name := range members {
		return r, fmt.Errorf("it has no member %q", name)
	}
	return r, nil
}

func (t *table) value(c store.Column, value json.RawMessage) (any, error) {
	if slices.Contains(t.JSON, c.Name) {
		var b bytes.Buffer
		err := json.Compact(&b, value)
		return b.String(), err
	}
	if c.Type == "BOOLEAN" || c.Type == "BIGINT" && !isTime(c) {
		return decoded(c.Type, value)
	}
	var s string
	if err := json.Unmarshal(value, &s); err != nil {
		return nil, errors.New("is not a string")
	}
	switch {
	case isTime(c):
		at, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			return nil, fmt.Errorf("is not a time such as %s", timeForm)
		}
		return store.Micros(at), nil
	case c.Type == "BYTEA":
		b, err := base64.StdEncoding.DecodeString(s)
		if err != nil {
			return nil, errors.New("is not base64")
		}
		return b, nil
	}
	if allowed := t.Enums[c.Name]; len(allowed) > 0 && !slices.Contains(allowed, s) {
		return nil, fmt.Errorf("is %q, and may be %s", s, strings.Join(allowed, ", "))
	}
	return s, nil
}

func decoded(kind string, value json.RawMessage) (any, error) {
	if kind == "BOOLEAN" {
		var v bool
		if json.Unmarshal(value, &v) != nil {
			return nil, errors.New("is neither true nor false")
		}
		return v, nil
	}
	var v int64
	if json.Unmarshal(value, &v) != nil {
		return nil, errors.New("is not a whole number")
	}
	return v, nil
}
