package wire

import (
	"errors"
	"fmt"
	"mime"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"unicode/utf8"

	"onsight/internal/fault"
)

// A Request is what Bind reads of an HTTP request.
type Request struct {
	// Labels are the path's segments in place of the labels, as Router.Match
	// gives them: still escaped.
	Labels []string
	// RawQuery is the query as it was received.
	RawQuery string
	// ContentType and Accept are the headers of these names, or empty.
	ContentType, Accept string
	// Body is the whole body. Bind keeps nothing of it.
	Body []byte
	// Form is, on the query face, what takes the place of all the above.
	Form Form
}

// Bind reads a request into in, a pointer to the operation's zero input, or
// only checks it where in is nil.
//
// What cannot be read is a *fault.Fault: SerializationException, or one of
// MalformedHttpRequestException, UnsupportedMediaTypeException and
// NotAcceptableException. Rules of the model that the request breaks are
// returned beside what was read; a member that breaks one holds what was sent.
// Any other error is a fault of this server.
func (o *Operation) Bind(in any, r Request) (Violations, error) {
	if err := o.compile(); err != nil {
		return Violations{}, err
	}
	var c *codec
	var v reflect.Value
	if in != nil {
		v = reflect.ValueOf(in)
		if v.Kind() != reflect.Pointer || v.IsNil() {
			return Violations{}, fmt.Errorf("operation %s: Bind into %T, which is no pointer", o.Name, in)
		}
		v = v.Elem()
		var err error
		if c, err = o.inputCodec(v.Type()); err != nil {
			return Violations{}, err
		}
	}
	if o.service.protocol == Query {
		return o.bindForm(c, v, r.Form)
	}
	if err := o.accepts(r.Accept); err != nil {
		return Violations{}, err
	}
	d := newDecoder(r.Body)
	defer d.release()
	seen, err := d.labels(o, r.Labels, c, v)
	if err != nil {
		return Violations{}, err
	}
	inQuery, err := d.query(o, r.RawQuery, c, v)
	if err != nil {
		return Violations{}, err
	}
	seen |= inQuery
	if len(r.Body) > 0 {
		if err := o.checkContentType(r.ContentType); err != nil {
			return Violations{}, err
		}
		inBody, err := d.root(o.plan.in, c, v)
		if err != nil {
			return Violations{}, err
		}
		seen |= inBody
	}
	d.missing(o.plan.in, seen)
	return d.broken, nil
}

// bindForm is Bind on the query face.
func (o *Operation) bindForm(c *codec, v reflect.Value, f Form) (Violations, error) {
	root, err := f.tree(o.plan.in)
	if err != nil {
		return Violations{}, err
	}
	d := newDecoder(nil)
	defer d.release()
	d.texts = true
	seen, err := d.treeMembers(o.plan.in, c, v, root)
	if err != nil {
		return Violations{}, err
	}
	d.missing(o.plan.in, seen)
	return d.broken, nil
}

// checkContentType refuses a body that says it is something else than JSON.
// No header at all is accepted: hand-written clients and old SDKs send none.
func (o *Operation) checkContentType(header string) error {
	want := o.service.protocol.ContentType()
	if header == "" || header == want {
		return nil
	}
	if media := mediaType(header); media == want || media == "application/json" {
		return nil
	}
	return fault.UnsupportedMediaType("The body's Content-Type is %q; this API takes %s.", cut(header, maxPath), want)
}

// mediaType returns the media type that a header names, or nothing.
func mediaType(header string) string {
	media, _, err := mime.ParseMediaType(header)
	if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return ""
	}
	return media
}

// accepts refuses a caller that does not take JSON as an answer.
func (o *Operation) accepts(header string) error {
	want := o.service.protocol.ContentType()
	if header == "" || header == "*/*" || header == want {
		return nil
	}
	for one := range strings.SplitSeq(header, ",") {
		media, params, err := mime.ParseMediaType(one)
		if err != nil && !errors.Is(err, mime.ErrInvalidMediaParameter) {
			continue
		}
		if q, err := strconv.ParseFloat(params["q"], 64); err == nil && q == 0 {
			continue
		}
		if media == "*/*" || media == "application/*" || media == "application/json" || media == want {
			return nil
		}
	}
	return fault.NotAcceptable("The Accept header is %q; this API answers with %s.", cut(header, maxPath), want)
}

// labels reads the members in the path and returns their bits in required.
func (d *decoder) labels(o *Operation, raw []string, c *codec, v reflect.Value) (seen uint64, err error) {
	if len(raw) != len(o.plan.labels) {
		return 0, fmt.Errorf("operation %s: %d labels for %d in its path", o.Name, len(raw), len(o.plan.labels))
	}
	d.inPath = true
	defer func() { d.inPath = false }()
	for i, m := range o.plan.labels {
		value, err := unescape(raw[i], false)
		if err != nil {
			return 0, fault.MalformedRequest("Path segment %s is not valid: %v.", quoteValue(strings.ToValidUTF8(raw[i], "?")), err)
		}
		if err := d.textMember(m, value, c, v); err != nil {
			return 0, err
		}
		seen |= m.bit
	}
	return seen, nil
}

// unescape decodes %xx, and in a query + as a space.
func unescape(s string, query bool) (string, error) {
	out := s
	var err error
	switch {
	case query && strings.ContainsAny(s, "%+"):
		out, err = url.QueryUnescape(s)
	case strings.Contains(s, "%"):
		out, err = url.PathUnescape(s)
	}
	if err == nil && !utf8.ValidString(out) {
		err = errors.New("it is not UTF-8")
	}
	return out, err
}

// query reads the members in the query and returns their bits in required. A
// list is given by repeating its name; of anything else the first counts.
// Names that the model does not have are ignored.
func (d *decoder) query(o *Operation, raw string, c *codec, v reflect.Value) (seen uint64, err error) {
	if raw == "" || len(o.plan.query) == 0 {
		return 0, nil
	}
	var lists map[*member][]string
	var had []*member
next:
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		m := o.plan.query[name]
		if m == nil {
			plain, err := unescape(name, true)
			if err != nil {
				return 0, malformedQuery(name, err)
			}
			if m = o.plan.query[plain]; m == nil {
				continue
			}
		}
		if value, err = unescape(value, true); err != nil {
			return 0, malformedQuery(pair, err)
		}
		if m.shape.kind == list {
			if lists == nil {
				lists = make(map[*member][]string)
			}
			if lists[m] == nil {
				had = append(had, m)
			}
			lists[m] = append(lists[m], value)
			continue
		}
		for _, h := range had {
			if h == m {
				continue next
			}
		}
		had = append(had, m)
		if value == "" && strings.EqualFold(m.name, "NextToken") {
			continue // clients in use ask so for the first page
		}
		if err := d.textMember(m, value, c, v); err != nil {
			return 0, err
		}
		seen |= m.bit
	}
	for _, m := range had {
		if values := lists[m]; values != nil {
			if err := d.textList(m, values, c, v); err != nil {
				return 0, err
			}
			seen |= m.bit
		}
	}
	return seen, nil
}

func malformedQuery(part string, err error) error {
	return fault.MalformedRequest("Query part %s is not valid: %v.", quoteValue(strings.ToValidUTF8(part, "?")), err)
}

// textMember reads a scalar of the path or the query.
func (d *decoder) textMember(m *member, value string, c *codec, v reflect.Value) error {
	d.push(step{name: m.path})
	defer d.pop()
	var to target
	if c != nil {
		f := &c.fields[m.index]
		to = target{v.Field(f.index), f.pointer}
	}
	broken, err := d.scalarText(m.shape, value, to)
	if err != nil {
		return err
	}
	d.breaks(m.shape, broken, func() string { return quoteValue(value) })
	return nil
}

// textList reads a list of scalars of the query.
func (d *decoder) textList(m *member, values []string, c *codec, v reflect.Value) error {
	d.push(step{name: m.path})
	defer d.pop()
	var slice reflect.Value
	if c != nil {
		slice = v.Field(c.fields[m.index].index)
		slice.Set(reflect.MakeSlice(slice.Type(), len(values), len(values)))
	}
	broken := m.shape.checkLength(len(values))
	for i, value := range values {
		var to target
		if c != nil {
			to.v = slice.Index(i)
		}
		bad, err := d.scalarText(m.shape.elem, value, to)
		if err != nil {
			return err
		}
		if bad != 0 {
			broken |= badMember
		}
	}
	d.breaks(m.shape, broken, func() string { return quoteValue("[" + strings.Join(values, ", ") + "]") })
	return nil
}
