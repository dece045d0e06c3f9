package store

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"unsafe"
)

// Insert adds row, a struct, to table: a value for each field with a `db` tag,
// which names the column. Fields of embedded structs and of fields without a
// tag that are structs count as the row's own. A nil pointer, and a nil
// []byte, is NULL. See Duplicate for the error where the row is there already.
func Insert[T any](tx *Tx, table string, row T) error {
	p, err := planOf(reflect.TypeFor[T]())
	if err != nil {
		return err
	}
	if p.scalar {
		return fmt.Errorf("store: insert a %T, which is not a struct", row)
	}
	query := p.insert(table)
	st, err := tx.statement(query, len(p.fields))
	if err != nil {
		return err
	}
	base := unsafe.Pointer(&row)
	for i := range p.fields {
		if err := p.fields[i].bind(st, i+1, base); err != nil {
			return tx.fail(st, query, err)
		}
	}
	for {
		more, err := tx.step(st)
		if err != nil {
			return tx.fail(st, query, err)
		}
		if !more {
			_, err := tx.end(st, query)
			return err
		}
	}
}

// One gives the first row of a query, ErrNotFound when there is none. T is a
// struct with a `db` tag for each column, or a value for the only column: a
// string, bool or integer type, bytes, or a pointer to one where the column can
// be NULL.
func One[T any](tx *Tx, query string, args ...any) (T, error) {
	var out T
	rows, err := queryRows[T](tx, query, args)
	if err != nil {
		return out, err
	}
	more, err := tx.step(rows.st)
	switch {
	case err != nil:
		return out, tx.fail(rows.st, query, err)
	case !more:
		if _, err := tx.end(rows.st, query); err != nil {
			return out, err
		}
		return out, ErrNotFound
	}
	if err := rows.scan(unsafe.Pointer(&out)); err != nil {
		return out, tx.fail(rows.st, query, err)
	}
	_, err = tx.end(rows.st, query)
	return out, err
}

// All gives the rows of a query, nil when there are none. T is as for One.
func All[T any](tx *Tx, query string, args ...any) ([]T, error) {
	rows, err := queryRows[T](tx, query, args)
	if err != nil {
		return nil, err
	}
	var out []T
	for {
		more, err := tx.step(rows.st)
		if err != nil {
			return nil, tx.fail(rows.st, query, err)
		}
		if !more {
			_, err := tx.end(rows.st, query)
			return out, err
		}
		var row T
		out = append(out, row)
		if err := rows.scan(unsafe.Pointer(&out[len(out)-1])); err != nil {
			return nil, tx.fail(rows.st, query, err)
		}
	}
}

// rows is a query under way, with the field for each column.
type rows struct {
	st    statement
	plan  *plan
	order []int // index of the field for each column
}

func queryRows[T any](tx *Tx, query string, args []any) (rows, error) {
	p, err := planOf(reflect.TypeFor[T]())
	if err != nil {
		return rows{}, err
	}
	st, err := tx.prepare(query, args)
	if err != nil {
		return rows{}, err
	}
	order, err := p.columns(query, st.Columns())
	if err != nil {
		return rows{}, tx.fail(st, query, err)
	}
	return rows{st, p, order}, nil
}

// scan reads the current row into the value at base. The texts of a row share
// one piece of memory.
func (r rows) scan(base unsafe.Pointer) error {
	var room [32][]byte
	texts := room[:0]
	size := 0
	for i, at := range r.order {
		f := &r.plan.fields[at]
		if f.pointer {
			if r.st.Null(i) {
				texts = append(texts, nil)
				continue
			}
		}
		switch f.kind {
		case text, blob, document:
			b, err := r.st.Bytes(i)
			if err != nil {
				return fmt.Errorf("column %s %w", f.column, err)
			}
			if b == nil && f.kind == text && r.st.Null(i) {
				return fmt.Errorf("column %s is NULL", f.column)
			}
			texts = append(texts, b)
			if f.kind == text {
				size += len(b)
			}
		case boolean, integer:
			if !f.pointer && r.st.Null(i) {
				return fmt.Errorf("column %s is NULL", f.column)
			}
			texts = append(texts, nil)
		}
	}
	memory := make([]byte, 0, size)
	for i, at := range r.order {
		f := &r.plan.fields[at]
		if f.pointer && r.st.Null(i) {
			continue
		}
		p := unsafe.Add(base, f.offset)
		if f.pointer {
			v := reflect.New(f.elem)
			*(*unsafe.Pointer)(p) = v.UnsafePointer()
			p = v.UnsafePointer()
		}
		switch f.kind {
		case text:
			start := len(memory)
			memory = append(memory, texts[i]...)
			if len(texts[i]) > 0 {
				*(*string)(p) = unsafe.String(&memory[start], len(texts[i]))
			} else {
				*(*string)(p) = ""
			}
		case blob, document:
			if !r.st.Null(i) {
				*(*[]byte)(p) = append([]byte{}, texts[i]...)
			}
		case boolean:
			n, err := r.st.Int64(i)
			if err != nil {
				return fmt.Errorf("column %s %w", f.column, err)
			}
			*(*bool)(p) = n != 0
		case integer:
			n, err := r.st.Int64(i)
			if err != nil {
				return fmt.Errorf("column %s %w", f.column, err)
			}
			if err := f.setInt(p, n); err != nil {
				return err
			}
		}
	}
	return nil
}

// A kind says which column holds a field, and how.
type kind uint8

const (
	text kind = iota
	integer
	boolean
	blob
	document // JSON, kept as text
)

// field is a field of a struct, or the whole of a scalar.
type field struct {
	column  string
	offset  uintptr
	kind    kind
	bits    uint8 // of an integer
	pointer bool  // to such a value; nil is NULL
	elem    reflect.Type
}

func (f *field) bind(st statement, i int, base unsafe.Pointer) error {
	p := unsafe.Add(base, f.offset)
	if f.pointer {
		if p = *(*unsafe.Pointer)(p); p == nil {
			st.SetNull(i)
			return nil
		}
	}
	switch f.kind {
	case text:
		return bindText(st, i, *(*string)(p))
	case integer:
		st.SetInt64(i, f.int(p))
	case boolean:
		st.SetBool(i, *(*bool)(p))
	case blob:
		bindBytes(st, i, *(*[]byte)(p))
	case document:
		return bindJSON(st, i, *(*json.RawMessage)(p))
	}
	return nil
}

func (f *field) int(p unsafe.Pointer) int64 {
	switch f.bits {
	case 8:
		return int64(*(*int8)(p))
	case 16:
		return int64(*(*int16)(p))
	case 32:
		return int64(*(*int32)(p))
	}
	return *(*int64)(p)
}

func (f *field) setInt(p unsafe.Pointer, n int64) error {
	if f.bits < 64 && (n < -1<<(f.bits-1) || n >= 1<<(f.bits-1)) {
		return fmt.Errorf("column %s holds %d, which is too large for its field", f.column, n)
	}
	switch f.bits {
	case 8:
		*(*int8)(p) = int8(n)
	case 16:
		*(*int16)(p) = int16(n)
	case 32:
		*(*int32)(p) = int32(n)
	default:
		*(*int64)(p) = n
	}
	return nil
}

// plan is what there is to know of a type that rows are read into or made from.
type plan struct {
	of      reflect.Type
	scalar  bool
	fields  []field
	orders  cache[string, []int]
	inserts cache[string, string]
}

var plans cache[reflect.Type, *plan]

func planOf(t reflect.Type) (*plan, error) {
	return plans.get(t, func() (*plan, error) {
		p := &plan{of: t}
		if f, err := fieldOf(t); err == nil {
			p.scalar, p.fields = true, []field{f}
			return p, nil
		}
		if t.Kind() != reflect.Struct {
			return nil, fmt.Errorf("store: %s is neither a struct nor a value of a column", t)
		}
		if err := p.add(t, 0); err != nil {
			return nil, err
		}
		if len(p.fields) == 0 {
			return nil, fmt.Errorf("store: %s has no field with a db tag", t)
		}
		return p, nil
	})
}

// add adds the fields of the struct t, which lies at offset in the whole.
func (p *plan) add(t reflect.Type, offset uintptr) error {
	for sf := range t.Fields() {
		column, tagged := sf.Tag.Lookup("db")
		switch {
		case column == "-":
		case tagged:
			f, err := fieldOf(sf.Type)
			if err != nil {
				return fmt.Errorf("store: field %s of %s: %w", sf.Name, t, err)
			}
			for _, other := range p.fields {
				if other.column == column {
					return fmt.Errorf("store: %s has two fields for column %s", p.of, column)
				}
			}
			f.column, f.offset = column, offset+sf.Offset
			p.fields = append(p.fields, f)
		case sf.Type.Kind() == reflect.Struct:
			if err := p.add(sf.Type, offset+sf.Offset); err != nil {
				return err
			}
		}
	}
	return nil
}

// fieldOf tells how a value of type t is kept in a column.
func fieldOf(t reflect.Type) (field, error) {
	f := field{elem: t}
	if t.Kind() == reflect.Pointer {
		f.pointer, f.elem = true, t.Elem()
	}
	switch e := f.elem; e.Kind() {
	case reflect.String:
		f.kind = text
	case reflect.Bool:
		f.kind = boolean
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		f.kind, f.bits = integer, uint8(e.Bits())
	case reflect.Slice:
		if e.Elem().Kind() != reflect.Uint8 {
			return f, fmt.Errorf("no column holds a %s", t)
		}
		f.kind = blob
		if e == reflect.TypeFor[json.RawMessage]() {
			f.kind = document
		}
	default:
		return f, fmt.Errorf("no column holds a %s", t)
	}
	return f, nil
}

// insert is the statement that adds a row to table.
func (p *plan) insert(table string) string {
	q, _ := p.inserts.get(table, func() (string, error) {
		var names, values strings.Builder
		for i, f := range p.fields {
			if i > 0 {
				names.WriteString(", ")
				values.WriteString(", ")
			}
			names.WriteString(f.column)
			fmt.Fprintf(&values, "$%d", i+1)
		}
		return "INSERT INTO " + table + " (" + names.String() + ") VALUES (" + values.String() + ")", nil
	})
	return q
}

// columns gives the index of the field for each column of a query's rows.
func (p *plan) columns(query string, names []string) ([]int, error) {
	return p.orders.get(query, func() ([]int, error) {
		if p.scalar {
			if len(names) != 1 {
				return nil, fmt.Errorf("%d columns for one %s", len(names), p.of)
			}
			return []int{0}, nil
		}
		if len(names) == 0 {
			return nil, errors.New("no columns")
		}
		order := make([]int, len(names))
	columns:
		for i, name := range names {
			for at, f := range p.fields {
				if f.column == name {
					order[i] = at
					continue columns
				}
			}
			return nil, fmt.Errorf("no field of %s for column %s", p.of, name)
		}
		return order, nil
	})
}

// cache remembers what was made for a key. Its keys are few: types and the
// texts of queries.
type cache[K comparable, V any] struct {
	m  atomic.Pointer[map[K]V]
	mu sync.Mutex // held while a new map is made
}

func (c *cache[K, V]) get(key K, build func() (V, error)) (V, error) {
	if m := c.m.Load(); m != nil {
		if v, ok := (*m)[key]; ok {
			return v, nil
		}
	}
	v, err := build()
	if err != nil {
		return v, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	next := map[K]V{key: v}
	if m := c.m.Load(); m != nil {
		maps.Copy(next, *m)
	}
	c.m.Store(&next)
	return v, nil
}
