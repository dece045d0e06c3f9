package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/go-json-experiment/json/jsontext"

	"onsight/model"
)

// A Service is the contract of one API. All its methods, and those of its
// operations, may be used at the same time.
type Service struct {
	operations []*Operation // sorted by name
	byName     map[string]*Operation
	raw        map[string]jsontext.Value // shapes as they stand in the document

	mu     sync.Mutex // guards what follows
	shapes map[string]*shape
	broken error // the first shape that could not be compiled
	codecs map[codecKey]*codec
}

// quickSight is the service of the model that is built in.
var quickSight = sync.OnceValue(func() *Service {
	s, err := Parse(model.QuickSight)
	if err != nil {
		panic("wire: the built-in model: " + err.Error()) // a test reads it; what ships can be read
	}
	return s
})

// Operations returns the operations of QuickSight, sorted by name. The slice
// is shared.
func Operations() []*Operation { return quickSight().operations }

// Lookup returns the operation of QuickSight with that name, or nil.
func Lookup(name string) *Operation { return quickSight().Lookup(name) }

// Parse reads a model document, whose form package model describes. The
// document is kept and must not change. Shapes are only read when they are
// used; Check reads them all.
func Parse(document []byte) (*Service, error) {
	s := &Service{
		byName: make(map[string]*Operation),
		raw:    make(map[string]jsontext.Value),
		shapes: make(map[string]*shape),
		codecs: make(map[codecKey]*codec),
	}
	dec := jsontext.NewDecoder(bytes.NewBuffer(document))
	err := eachMember(dec, func(name string) error {
		switch name {
		case "operations":
			return eachMember(dec, func(name string) error {
				value, err := dec.ReadValue()
				if err != nil {
					return err
				}
				var op model.Operation
				if err := json.Unmarshal(value, &op); err != nil {
					return fmt.Errorf("operation %s: %w", name, err)
				}
				s.byName[name] = &Operation{
					Name: name, Method: op.Method, Path: op.URI, Errors: op.Errors,
					ReadOnly: op.ReadOnly, Idempotent: op.Idempotent,
					service: s, input: op.Input, output: op.Output, code: op.Code,
				}
				return nil
			})
		case "shapes":
			return eachMember(dec, func(name string) error {
				value, err := dec.ReadValue()
				end := dec.InputOffset()
				s.raw[name] = document[end-int64(len(value)) : end]
				return err
			})
		}
		return dec.SkipValue()
	})
	if err != nil {
		return nil, fmt.Errorf("read model: %w", err)
	}
	s.operations = slices.SortedFunc(maps.Values(s.byName), func(a, b *Operation) int { return strings.Compare(a.Name, b.Name) })
	return s, nil
}

// eachMember calls read with the name of each member of the object that dec
// is before; read takes the value.
func eachMember(dec *jsontext.Decoder, read func(name string) error) error {
	open, err := dec.ReadToken()
	if err != nil {
		return err
	}
	if open.Kind() != '{' {
		return fmt.Errorf("%v where an object is expected", open.Kind())
	}
	for dec.PeekKind() != '}' {
		name, err := dec.ReadToken()
		if err != nil {
			return err
		}
		if err := read(name.String()); err != nil {
			return err
		}
	}
	_, err = dec.ReadToken()
	return err
}

// Operations returns the operations, sorted by name. The slice is shared.
func (s *Service) Operations() []*Operation { return s.operations }

// Lookup returns the operation with that name, or nil.
func (s *Service) Lookup(name string) *Operation { return s.byName[name] }

// Check compiles all that the document holds and tells what this package
// cannot do: a type, a place or a pattern that it does not know, a shape that
// is missing. What fails here would fail requests later.
func (s *Service) Check() error {
	var all []error
	for _, name := range slices.Sorted(maps.Keys(s.raw)) {
		sh, err := s.shape(name)
		if err != nil {
			return err
		}
		if sh.pattern != nil {
			if _, err := sh.pattern.compiled(); err != nil {
				all = append(all, fmt.Errorf("shape %s: %w", name, err))
			}
		}
	}
	for _, op := range s.operations {
		if err := op.compile(); err != nil {
			all = append(all, err)
		}
	}
	return errors.Join(all...)
}
