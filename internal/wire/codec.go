package wire

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"time"

	"onsight/internal/contract"
)

// A codec says how values of a shape lie in a Go type. Where a request is only
// checked there is none.
type codec struct {
	typ reflect.Type
	// raw is set where the Go type is json.RawMessage: the value is checked
	// by its shape and kept as it came.
	raw    bool
	fields []field // of a structure, in step with the members of its shape
	elem   *codec  // members of a list, values of a map
	key    reflect.Type
}

// A field is where a member lies in its Go struct.
type field struct {
	index   int
	pointer bool // the field is a pointer, nil where the member is absent
	codec   *codec
}

type codecKey struct {
	shape *shape
	typ   reflect.Type
}

var (
	rawType   = reflect.TypeFor[json.RawMessage]()
	timeType  = reflect.TypeFor[time.Time]()
	bytesType = reflect.TypeFor[[]byte]()

	streamType = reflect.TypeFor[contract.Stream]()
)

// codec joins a shape with a Go type, once for each pair.
func (s *Service) codec(sh *shape, t reflect.Type) (*codec, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.codecLocked(sh, t)
}

func (s *Service) codecLocked(sh *shape, t reflect.Type) (*codec, error) {
	key := codecKey{sh, t}
	if c, ok := s.codecs[key]; ok {
		return c, nil
	}
	c := &codec{typ: t}
	s.codecs[key] = c // before its members, which may lead back to it
	if err := s.join(c, sh); err != nil {
		delete(s.codecs, key)
		return nil, err
	}
	return c, nil
}

func (s *Service) join(c *codec, sh *shape) (err error) {
	if c.typ == rawType {
		c.raw = true
		return nil
	}
	switch sh.kind {
	case list:
		if c.typ.Kind() != reflect.Slice {
			return mismatch(c.typ, sh, "a slice")
		}
		c.elem, err = s.codecLocked(sh.elem, c.typ.Elem())
		return err
	case mapping:
		if c.typ.Kind() != reflect.Map || c.typ.Key().Kind() != reflect.String {
			return mismatch(c.typ, sh, "a map from strings")
		}
		c.key = c.typ.Key()
		c.elem, err = s.codecLocked(sh.elem, c.typ.Elem())
		return err
	case structure:
		return s.joinFields(c, sh)
	case timestamp:
		if c.typ != timeType {
			return mismatch(c.typ, sh, "time.Time")
		}
	case blob:
		if c.typ != bytesType {
			return mismatch(c.typ, sh, "[]byte")
		}
	case stream:
		if c.typ != streamType {
			return mismatch(c.typ, sh, "contract.Stream")
		}
	case document:
		return mismatch(c.typ, sh, "json.RawMessage")
	default:
		want := map[kind]reflect.Kind{
			text: reflect.String, boolean: reflect.Bool, integer: reflect.Int32, long: reflect.Int64, double: reflect.Float64,
		}[sh.kind]
		if c.typ.Kind() != want {
			return mismatch(c.typ, sh, want.String())
		}
	}
	return nil
}

func (s *Service) joinFields(c *codec, sh *shape) error {
	if c.typ.Kind() != reflect.Struct {
		return mismatch(c.typ, sh, "a struct")
	}
	c.fields = make([]field, len(sh.members))
	for i, m := range sh.members {
		name := strings.ToUpper(m.name[:1]) + m.name[1:]
		f, ok := c.typ.FieldByName(name)
		if !ok || len(f.Index) != 1 {
			return fmt.Errorf("%v has no field %s", c.typ, name)
		}
		t := f.Type
		pointer := t.Kind() == reflect.Pointer
		if pointer {
			t = t.Elem()
		} else if m.shape.kind == structure && t != rawType {
			return fmt.Errorf("field %s of %v is not a pointer", name, c.typ)
		}
		of, err := s.codecLocked(m.shape, t)
		if err != nil {
			return fmt.Errorf("field %s of %v: %w", name, c.typ, err)
		}
		c.fields[i] = field{index: f.Index[0], pointer: pointer, codec: of}
	}
	return nil
}

func mismatch(t reflect.Type, sh *shape, want string) error {
	return fmt.Errorf("%v cannot hold shape %s, which needs %s", t, sh.name, want)
}
