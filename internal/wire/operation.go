package wire

import (
	"errors"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"sync"
)

// An Operation is the contract of one call.
type Operation struct {
	// Name is the operation's name, which is mostly that of its IAM action too.
	Name string
	// Method and Path are its HTTP method and its path with labels in braces.
	Method, Path string
	// Errors are the exceptions that it declares, sorted.
	Errors []string
	// ReadOnly and Idempotent are set where the model says so; many
	// operations that are either do not say it.
	ReadOnly, Idempotent bool
	// Unsigned is set where callers do not sign: those of AssumeRoleWithSAML
	// and AssumeRoleWithWebIdentity, who have no keys yet.
	Unsigned bool

	service       *Service
	action        string
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
	stream    *member // the body, as it is
	headers   []*member
	lists     bool // whether lists at the top are sent even when empty
}

// Action is the operation's IAM action, such as iam:CreateUser.
func (o *Operation) Action() string { return o.action }

// Service is the service that the operation is of.
func (o *Operation) Service() *Service { return o.service }

// Declares tells whether the operation lists the exception among its errors.
func (o *Operation) Declares(code string) bool {
	_, ok := slices.BinarySearch(o.Errors, code)
	return ok
}

// HasNextToken tells whether the operation gives its answer in pages.
func (o *Operation) HasNextToken() bool { return o.compile() == nil && o.plan.token }

// HasBody tells whether the operation has members in the request body.
func (o *Operation) HasBody() bool { return o.compile() == nil && o.plan.body }

// Limits of the request body in bytes. QuickSight's model allows a blob of 20
// MiB, which is 28 MiB in base64; the others are definitions, whose limits the
// model does not state.
const (
	bodyLimit     = 10 << 20
	blobBodyLimit = 32 << 20
	// RootBodyLimit is that of all operations at the path /, of which the
	// body itself says which one is meant.
	RootBodyLimit = 1 << 20
)

// BodyLimit is the largest request body in bytes that the operation takes.
func (o *Operation) BodyLimit() int64 {
	if o.service.protocol != RestJSON {
		return RootBodyLimit
	}
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
			if !m.shape.textual() || o.service.protocol != RestJSON {
				return fmt.Errorf("member %s cannot stand in the path", m.name)
			}
			labels[m.wire] = m
		case inQuery:
			of := m.shape
			if of.kind == list {
				of = of.elem
			}
			if !of.textual() || o.service.protocol != RestJSON {
				return fmt.Errorf("member %s cannot stand in the query", m.name)
			}
			p.query[m.wire] = m
		case inBody:
			p.body = true
			p.blob = p.blob || m.shape.holdsBlob(make(map[*shape]bool))
		case inStatus, inHeader:
			return fmt.Errorf("member %s of the input stands where no input does", m.name)
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
		case m.location == inHeader && (m.shape.kind == text || m.shape.kind == integer):
			p.headers = append(p.headers, m)
		case m.location == inBody && m.shape.kind == stream:
			p.stream = m
		case m.location != inBody:
			return fmt.Errorf("member %s of the output does not stand in the body", m.name)
		case strings.EqualFold(m.name, "RequestId") && m.shape.kind == text:
			p.requestID = m
		case m.name == "Status" && m.shape.kind == integer:
			p.status = m
		}
	}
	if p.stream != nil && len(p.headers) != len(p.out.members)-1 || p.stream == nil && len(p.headers) > 0 {
		return errors.New("members of the output stand in headers where the body is a stream, and nowhere else")
	}
	p.lists = o.service.protocol != RestJSON || strings.HasPrefix(o.Name, "List") || strings.HasPrefix(o.Name, "Search")
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
