package wire

import (
	"bytes"
	"cmp"
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
	name         string // that signatures are scoped to
	protocol     Protocol
	version      string // a date; part of requests on the query face
	xmlns        string // of answers on the query face
	targetPrefix string // of X-Amz-Target on the JSON 1.1 face

	operations []*Operation // sorted by name
	byName     map[string]*Operation
	raw        map[string]jsontext.Value // shapes as they stand in the document

	codesOnce sync.Once
	codes     map[string]string

	mu     sync.Mutex // guards what follows
	shapes map[string]*shape
	broken error // the first shape that could not be compiled
	codecs map[codecKey]*codec
}

// The names of the services whose models are built in.
const (
	QuickSight = "quicksight"
	IAM        = "iam"
	STS        = "sts"
	CloudTrail = "cloudtrail"
	Onsight    = "onsight" // what this server has beside the APIs
)

// builtIn are the services of the models that are built in, by their names.
// Each is read when it is first asked for.
var builtIn = map[string]func() *Service{
	QuickSight: onFirstUse(model.QuickSight),
	IAM:        onFirstUse(model.IAM),
	STS:        onFirstUse(model.STS),
	CloudTrail: onFirstUse(model.CloudTrail),
	Onsight:    onFirstUse(model.Onsight),
}

func onFirstUse(document []byte) func() *Service {
	return sync.OnceValue(func() *Service {
		s, err := Parse(document)
		if err != nil {
			panic("wire: a built-in model: " + err.Error()) // a test reads it; what ships can be read
		}
		return s
	})
}

var quickSight = builtIn[QuickSight]

// Services are the names of the services that are built in, sorted.
func Services() []string { return slices.Sorted(maps.Keys(builtIn)) }

// Of returns the built-in service of that name, by which signatures and IAM
// actions call it too, or nil. The first call for a service
// reads its model.
func Of(name string) *Service {
	if s, ok := builtIn[name]; ok {
		return s()
	}
	return nil
}

// Operations returns the operations of QuickSight, sorted by name. The slice
// is shared.
func Operations() []*Operation { return quickSight().operations }

// RESTOperations are the operations that are found by method and path: those of
// QuickSight, and what the server has beside it.
func RESTOperations() []*Operation {
	return slices.Concat(quickSight().operations, Of(Onsight).operations)
}

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
		case "metadata":
			value, err := dec.ReadValue()
			if err != nil {
				return err
			}
			return s.setMetadata(value)
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
					ReadOnly: op.ReadOnly, Idempotent: op.Idempotent, Unsigned: op.Unsigned,
					service: s, action: op.Action, input: op.Input, output: op.Output, code: op.Code,
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
	for _, o := range s.byName {
		o.action = s.name + ":" + cmp.Or(o.action, o.Name) // here, for the document's members come in any order
	}
	s.operations = slices.SortedFunc(maps.Values(s.byName), func(a, b *Operation) int { return strings.Compare(a.Name, b.Name) })
	return s, nil
}

func (s *Service) setMetadata(value []byte) error {
	var metadata map[string]string
	if err := json.Unmarshal(value, &metadata); err != nil {
		return fmt.Errorf("metadata: %w", err)
	}
	protocol, ok := protocols[metadata["protocol"]]
	if !ok {
		return fmt.Errorf("its protocol %q is unknown", metadata["protocol"])
	}
	s.name, s.protocol, s.version = metadata["signingName"], protocol, metadata["apiVersion"]
	s.xmlns, s.targetPrefix = metadata["xmlNamespace"], metadata["targetPrefix"]
	return nil
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

// Name is what signatures and IAM actions call the service: quicksight, iam.
func (s *Service) Name() string { return s.name }

// Protocol is how the service's messages look.
func (s *Service) Protocol() Protocol { return s.protocol }

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
