package wire

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
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

// An Operation is the contract of one call.
type Operation struct {
	// Name is the operation's name, which is also that of its IAM action.
	Name string
	// Method and Path are its HTTP method and its path with labels in braces.
	Method, Path string
	// Errors are the exceptions that it declares, sorted.
	Errors []string
	// ReadOnly and Idempotent are set where the model says so; many
	// operations that are either do not say it.
	ReadOnly, Idempotent bool

	service       *Service
	input, output string
	code          int // status of success in the model, or 0

	once sync.Once
	err  error // why it could not be compiled
	plan operationPlan

	inputs, outputs sync.Map // reflect.Type to *codec
}

// An operationPlan is what an operation's shapes say about its messages.
type operationPlan struct {
	in, out *shape
	// labels and query are members of the input: those of the path in its
	// order, and those of the query by their names in it.
	labels []*member
	query  map[string]*member
	body   bool // whether the input has members in the body
	blob   bool // whether one of them is, or holds, a blob
	token  bool // whether the input has a NextToken
	// Members of the output that AppendOutput fills in; nil where it has none.
	requestID *member
	status    *member // in the body
	code      *member // the HTTP status
	lists     bool    // whether lists at the top are sent even when empty
}

// Declares tells whether the operation lists the exception among its errors.
func (o *Operation) Declares(code string) bool {
	_, ok := slices.BinarySearch(o.Errors, code)
	return ok
}

// HasNextToken tells whether the operation gives its answer in pages.
func (o *Operation) HasNextToken() bool { return o.compile() == nil && o.plan.token }

// HasBody tells whether the operation has members in the request body.
func (o *Operation) HasBody() bool { return o.compile() == nil && o.plan.body }

// Limits of the request body in bytes. The model allows a blob of 20 MiB,
// which is 28 MiB in base64; the others are definitions, whose limits the
// model does not state.
const (
	bodyLimit     = 10 << 20
	blobBodyLimit = 32 << 20
)

// BodyLimit is the largest request body in bytes that the operation takes.
func (o *Operation) BodyLimit() int64 {
	if o.compile() == nil && o.plan.blob {
		return blobBodyLimit
	}
	return bodyLimit
}

// compile reads the operation's shapes, the first time that it is called.
func (o *Operation) compile() error {
	o.once.Do(func() {
		if err := o.compilePlan(); err != nil {
			o.err = fmt.Errorf("operation %s: %w", o.Name, err)
		}
	})
	return o.err
}

func (o *Operation) compilePlan() error {
	p := &o.plan
	p.in, p.out = &shape{kind: structure}, &shape{kind: structure}
	var err error
	if o.input != "" {
		if p.in, err = o.service.shape(o.input); err != nil {
			return err
		}
	}
	if o.output != "" {
		if p.out, err = o.service.shape(o.output); err != nil {
			return err
		}
	}
	if !slices.IsSorted(o.Errors) {
		return errors.New("its errors are not sorted")
	}
	labels := make(map[string]*member)
	p.query = make(map[string]*member)
	for i := range p.in.members {
		m := &p.in.members[i]
		switch m.location {
		case inPath:
			if !m.shape.textual() {
				return fmt.Errorf("member %s cannot stand in the path", m.name)
			}
			labels[m.wire] = m
		case inQuery:
			of := m.shape
			if of.kind == list {
				of = of.elem
			}
			if !of.textual() {
				return fmt.Errorf("member %s cannot stand in the query", m.name)
			}
			p.query[m.wire] = m
		case inBody:
			p.body = true
			p.blob = p.blob || m.shape.holdsBlob(make(map[*shape]bool))
		case inStatus:
			return fmt.Errorf("member %s of the input stands in the status", m.name)
		}
		p.token = p.token || strings.EqualFold(m.name, "NextToken")
	}
	for segment := range strings.SplitSeq(o.Path, "/") {
		if strings.ContainsAny(segment, "?#+") {
			return fmt.Errorf("its path %s has more than literals and labels", o.Path)
		}
		name, ok := labelName(segment)
		if !ok {
			continue
		}
		m := labels[name]
		if m == nil {
			return fmt.Errorf("its input has no member for label %s", name)
		}
		delete(labels, name)
		p.labels = append(p.labels, m)
	}
	if len(p.labels) > maxLabels {
		return fmt.Errorf("its path has more than %d labels", maxLabels)
	}
	if len(labels) > 0 {
		return fmt.Errorf("its path has no label for members %v", slices.Sorted(maps.Keys(labels)))
	}
	for i := range p.out.members {
		m := &p.out.members[i]
		switch {
		case m.location == inStatus:
			p.code = m
		case m.location != inBody:
			return fmt.Errorf("member %s of the output does not stand in the body", m.name)
		case strings.EqualFold(m.name, "RequestId") && m.shape.kind == text:
			p.requestID = m
		case m.name == "Status" && m.shape.kind == integer:
			p.status = m
		}
	}
	p.lists = strings.HasPrefix(o.Name, "List") || strings.HasPrefix(o.Name, "Search")
	return nil
}

// labelName returns the name inside a path segment such as {AwsAccountId}.
func labelName(segment string) (string, bool) {
	name, ok := strings.CutPrefix(segment, "{")
	if !ok {
		return "", false
	}
	return strings.CutSuffix(name, "}")
}

// inputCodec and outputCodec join the operation's shapes with a Go type.
func (o *Operation) inputCodec(t reflect.Type) (*codec, error) {
	return o.codec(&o.inputs, o.plan.in, t)
}

func (o *Operation) outputCodec(t reflect.Type) (*codec, error) {
	return o.codec(&o.outputs, o.plan.out, t)
}

func (o *Operation) codec(known *sync.Map, sh *shape, t reflect.Type) (*codec, error) {
	if c, ok := known.Load(t); ok {
		return c.(*codec), nil
	}
	c, err := o.service.codec(sh, t)
	if err != nil {
		return nil, fmt.Errorf("operation %s: %w", o.Name, err)
	}
	known.Store(t, c)
	return c, nil
}
