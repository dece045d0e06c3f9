package wire

import (
	"cmp"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"strconv"

	"onsight/internal/contract"
)

// Streams tells whether the body of a success is bytes as they are.
func (o *Operation) Streams() bool { return o.compile() == nil && o.plan.stream != nil }

// Stream gives the body of a success of an operation that streams, and sets
// the headers that tell of it. out is a pointer to the operation's output. Who
// calls it closes the body.
func (o *Operation) Stream(out any, h http.Header) (*contract.Stream, error) {
	c, v, err := o.streamed(out)
	if err != nil {
		return nil, err
	}
	for _, m := range o.plan.headers {
		if texts := textsOf(m, c, v); len(texts) > 0 {
			h.Set(m.wire, texts[0])
		}
	}
	body, _ := reflect.TypeAssert[*contract.Stream](v.Field(c.fields[o.plan.stream.index].index))
	if body == nil || body.ReadCloser == nil {
		return nil, fmt.Errorf("operation %s: no stream", o.Name)
	}
	h.Set("Content-Type", cmp.Or(body.ContentType, "application/octet-stream"))
	if body.Size >= 0 {
		h.Set("Content-Length", strconv.FormatInt(body.Size, 10))
	}
	return body, nil
}

// DecodeStream makes the output of an answer whose body is a stream. out is a
// pointer to the operation's output, and has the body then.
func (o *Operation) DecodeStream(h http.Header, size int64, body io.ReadCloser, out any) error {
	c, v, err := o.streamed(out)
	if err != nil {
		return err
	}
	for _, m := range o.plan.headers {
		text := h.Get(m.wire)
		if text == "" {
			continue
		}
		f := &c.fields[m.index]
		to := target{v.Field(f.index), f.pointer}
		if m.shape.kind == integer {
			n, err := strconv.ParseInt(text, 10, 32)
			if err != nil {
				return fmt.Errorf("operation %s: header %s of its answer: %w", o.Name, m.wire, err)
			}
			to.setInt(n)
			continue
		}
		to.setString(text)
	}
	v.Field(c.fields[o.plan.stream.index].index).Set(reflect.ValueOf(&contract.Stream{ReadCloser: body, ContentType: h.Get("Content-Type"), Size: size}))
	return nil
}

// streamed looks into the output of an operation that streams.
func (o *Operation) streamed(out any) (*codec, reflect.Value, error) {
	v := reflect.ValueOf(out)
	if !o.Streams() || v.Kind() != reflect.Pointer || v.IsNil() {
		return nil, v, fmt.Errorf("operation %s: %T is no output with a stream", o.Name, out)
	}
	c, err := o.outputCodec(v.Elem().Type())
	return c, v.Elem(), err
}
