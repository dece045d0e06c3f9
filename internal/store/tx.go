package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"unicode/utf8"

	"onsight/internal/fault"
)

// Tx is a transaction as the function given to Read or Write sees it. It is
// for that function alone, and only until it returns.
type Tx struct {
	ctx context.Context
	db  *DB
	s   session
	w   *batch // nil while reading

	ran    bool     // a statement succeeded
	wrote  bool     // a statement that can change rows ran
	saved  bool     // there is a savepoint
	failed error    // of the first statement that failed; all later ones fail too
	after  []func() // see AfterCommit
	left   []any    // see Leave
}

// Context is the one that Read or Write was called with.
func (tx *Tx) Context() context.Context { return tx.ctx }

// Exec runs one statement and gives the number of rows that it changed.
func (tx *Tx) Exec(query string, args ...any) (rows int64, err error) {
	st, err := tx.prepare(query, args)
	if err != nil {
		return 0, err
	}
	for {
		row, err := tx.step(st)
		if err != nil {
			return 0, tx.fail(st, query, err)
		}
		if !row {
			return tx.end(st, query)
		}
	}
}

// AfterCommit has fn run once the change is durable, before Write returns; if
// it never is, fn does not run. In Read it runs after a function that
// succeeded. It is for what follows from the change outside of the database:
// waking a worker, dropping a cached value.
func (tx *Tx) AfterCommit(fn func()) { tx.after = append(tx.after, fn) }

// Leave leaves v to be written in the same transaction by the function that
// BeforeCommit was given for it, together with what others leave whose
// functions share the transaction. It is for Write.
func (tx *Tx) Leave(v any) { tx.left = append(tx.left, v) }

// prepare gives the statement for query, with its parameters set.
func (tx *Tx) prepare(query string, args []any) (statement, error) {
	st, err := tx.statement(query, len(args))
	if err != nil {
		return nil, err
	}
	for i, a := range args {
		if err := bind(st, i+1, a); err != nil {
			return nil, tx.fail(st, query, err)
		}
	}
	return st, nil
}

// statement gives the statement for query, which takes n parameters.
func (tx *Tx) statement(query string, n int) (statement, error) {
	if tx.s == nil {
		return nil, errors.New("store: the transaction has ended")
	}
	if tx.failed != nil {
		return nil, tx.failed
	}
	if err := tx.ctx.Err(); err != nil {
		return nil, tx.fail(nil, query, err)
	}
	st, err := tx.s.prepare(query)
	if err != nil {
		return nil, tx.fail(nil, query, err)
	}
	if st.Params() != n {
		return nil, tx.fail(nil, query, fmt.Errorf("%d parameters instead of %d", n, st.Params()))
	}
	if st.Writes() && !tx.wrote {
		if tx.w == nil {
			return nil, tx.fail(nil, query, errors.New("a change inside of Read"))
		}
		// What the members before this one did is in the same transaction,
		// and has to stay if this one fails.
		if tx.w.dirty {
			if err := tx.s.savepoint(); err != nil {
				return nil, tx.fail(nil, query, err)
			}
			tx.saved = true
		}
		tx.wrote = true
	}
	return st, nil
}

// fail ends the run of st, which may be nil, and remembers that it failed.
func (tx *Tx) fail(st statement, query string, err error) error {
	if st != nil {
		_, _ = st.End() // says the same again
	}
	if err = explain(err); tx.s.dead() {
		err = unavailable(err)
	}
	tx.failed = fmt.Errorf("store: %w in %s", err, strings.Join(strings.Fields(query), " "))
	return tx.failed
}

// step goes to the next row of st.
func (tx *Tx) step(st statement) (bool, error) {
	more, err := st.Step()
	if err == nil {
		tx.ran = true
	}
	return more, err
}

// end ends the run of st and gives the number of rows that it changed.
func (tx *Tx) end(st statement, query string) (int64, error) {
	n, err := st.End()
	if err != nil {
		return 0, tx.fail(nil, query, err)
	}
	return n, nil
}

// bind sets parameter $i of st.
func bind(st statement, i int, arg any) error {
	switch v := arg.(type) {
	case nil:
		st.SetNull(i)
	case string:
		return bindText(st, i, v)
	case int64:
		st.SetInt64(i, v)
	case int:
		st.SetInt64(i, int64(v))
	case bool:
		st.SetBool(i, v)
	case []byte:
		bindBytes(st, i, v)
	case json.RawMessage:
		return bindJSON(st, i, v)
	default:
		return bindOther(st, i, reflect.ValueOf(arg))
	}
	return nil
}

// bindOther sets parameter $i to a value of a named type, or to what a pointer points to.
func bindOther(st statement, i int, v reflect.Value) error {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			st.SetNull(i)
			return nil
		}
		return bind(st, i, v.Elem().Interface())
	case reflect.String:
		return bindText(st, i, v.String())
	case reflect.Bool:
		st.SetBool(i, v.Bool())
	case reflect.Int, reflect.Int64, reflect.Int32, reflect.Int16, reflect.Int8:
		st.SetInt64(i, v.Int())
	case reflect.Slice:
		if v.Type().Elem().Kind() != reflect.Uint8 {
			return fmt.Errorf("a %s as parameter $%d", v.Type(), i)
		}
		bindBytes(st, i, v.Bytes())
	default:
		return fmt.Errorf("a %s as parameter $%d", v.Type(), i)
	}
	return nil
}

// bindText sets parameter $i to a text that both databases take. PostgreSQL
// has no zero characters in texts, and neither has anyone's name.
func bindText(st statement, i int, v string) error {
	if !utf8.ValidString(v) || strings.IndexByte(v, 0) >= 0 {
		return fault.Invalid("A text holds a character that cannot be stored: it is not UTF-8, or U+0000.")
	}
	st.SetText(i, v)
	return nil
}

func bindBytes(st statement, i int, v []byte) {
	if v == nil {
		st.SetNull(i)
		return
	}
	st.SetBytes(i, v)
}

// bindJSON sets parameter $i to a document, which is a text: SQLite would take
// a blob for its own binary form of JSON.
func bindJSON(st statement, i int, v json.RawMessage) error {
	if v == nil {
		st.SetNull(i)
		return nil
	}
	return bindText(st, i, string(v))
}
