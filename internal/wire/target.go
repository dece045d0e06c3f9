package wire

import (
	"reflect"
	"time"
)

// A target is where a value that was read goes: a field, a member of a list,
// or nowhere for the zero target.
type target struct {
	v       reflect.Value
	pointer bool // v is a pointer to make
}

// place returns where the value itself goes.
func (t target) place() reflect.Value {
	if !t.pointer {
		return t.v
	}
	p := reflect.New(t.v.Type().Elem())
	t.v.Set(p)
	return p.Elem()
}

// The setters take the short way for the commonest types: reflect.New looks
// the pointer's type up, which costs more than the string.

func (t target) setString(s string) {
	if !t.v.IsValid() {
		return
	}
	if t.pointer {
		if p, ok := reflect.TypeAssert[**string](t.v.Addr()); ok {
			value := s // only here is it to live on the heap
			*p = &value
			return
		}
	}
	t.place().SetString(s)
}

func (t target) setBool(b bool) {
	if t.v.IsValid() {
		t.place().SetBool(b)
	}
}

func (t target) setInt(n int64) {
	if t.v.IsValid() {
		t.place().SetInt(n)
	}
}

func (t target) setFloat(f float64) {
	if t.v.IsValid() {
		t.place().SetFloat(f)
	}
}

func (t target) setTime(at time.Time) {
	if t.v.IsValid() {
		t.place().Set(reflect.ValueOf(at))
	}
}

func (t target) setBytes(b []byte) {
	if t.v.IsValid() {
		t.place().SetBytes(b)
	}
}
