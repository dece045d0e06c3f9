// Package jsonfile reads files that operators write by hand, and says in which
// line and field a mistake is.
package jsonfile

import (
	"bytes"
	"errors"
	"fmt"
	"reflect"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// A Wrong says which field is wrong, and in which way.
type Wrong struct {
	At     jsontext.Pointer
	Reason string
}

// Error is the reason.
func (w *Wrong) Error() string { return w.Reason }

// Decode reads a file's text into doc, which takes no field that it doesn't
// have. known ends the sentence about one that it hasn't.
func Decode(text []byte, doc any, known string) error {
	if err := json.Unmarshal(text, doc, json.RejectUnknownMembers(true)); err != nil {
		return inLine(text, err, known)
	}
	return nil
}

// InLine adds line and field to an error that is a Wrong. nil stays nil.
func InLine(text []byte, err error) error {
	if err == nil {
		return nil
	}
	return inLine(text, err, "")
}

// inLine says in which line and field an error is. It repeats nothing of the
// text, in which a proxy's password may be.
func inLine(text []byte, err error, known string) error {
	at, offset, reason := jsontext.Pointer(""), int64(-1), ""
	if w, ok := errors.AsType[*Wrong](err); ok {
		at, reason = w.At, w.Reason
	} else if e, ok := errors.AsType[*json.SemanticError](err); ok {
		at, offset = e.JSONPointer, e.ByteOffset
		reason = "it can't be understood"
		if e.GoType != nil {
			reason = "it must be " + kindOf(e.GoType)
		}
		if errors.Is(err, json.ErrUnknownName) {
			reason = "there is no field of this name; " + known
		}
	} else if e, ok := errors.AsType[*jsontext.SyntacticError](err); ok {
		at, offset, reason = e.JSONPointer, e.ByteOffset, "it isn't JSON here"
		if errors.Is(err, jsontext.ErrDuplicateName) {
			reason = "the field is there twice"
		}
	}
	if offset < 0 {
		offset = find(text, at)
	}
	line := 1 + bytes.Count(text[:min(offset, int64(len(text)))], []byte("\n"))
	if at == "" {
		return fmt.Errorf("line %d: %s", line, reason)
	}
	return fmt.Errorf("line %d, %s: %s", line, field(at), reason)
}

func kindOf(t reflect.Type) string {
	switch t.Kind() {
	case reflect.Pointer:
		return kindOf(t.Elem())
	case reflect.Bool:
		return "true or false"
	case reflect.String:
		return "a text"
	case reflect.Slice:
		return "a list"
	case reflect.Uint16:
		return "a number from 1 to 65535"
	case reflect.Struct:
		return "an object"
	default:
		return "a number"
	}
}

// Fields are the names of the fields of T, for a sentence.
func Fields[T any]() string {
	t := reflect.TypeFor[T]()
	var names []string
	for f := range t.Fields() {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			names = append(names, name)
		}
	}
	return strings.Join(names, ", ")
}

// field writes a pointer as people do: profiles[0].allow[1].
func field(at jsontext.Pointer) string {
	var b strings.Builder
	for token := range at.Tokens() {
		switch _, err := strconv.Atoi(token); {
		case err == nil:
			b.WriteString("[" + token + "]")
		case b.Len() > 0:
			b.WriteString("." + token)
		default:
			b.WriteString(token)
		}
	}
	return b.String()
}

// find gives where the value is that a pointer points to; where it is not
// there, where the one is that should hold it.
func find(text []byte, at jsontext.Pointer) int64 {
	d := jsontext.NewDecoder(bytes.NewReader(text))
	best := int64(0)
	for {
		if _, err := d.ReadToken(); err != nil {
			return best
		}
		p := d.StackPointer()
		if p == at {
			return d.InputOffset()
		}
		if at.Contains(p) {
			continue
		}
		if p.Contains(at) {
			best = d.InputOffset()
		}
	}
}
