package wire

import (
	"net/http"
	"reflect"
	"strconv"
)

// AppendOutput appends the body of a success to dst and returns it with the
// HTTP status. out is a pointer to the operation's output, or nil for one
// without members.
//
// RequestId and Status are filled in where the model has them. A Status that
// out has set is the HTTP status instead. Lists at the top of what lists and
// searches answer, and of all answers at the path /, are written even when
// they are empty, as callers count on them. A status of 204 has no body. That
// of an operation that streams is left to Stream.
//
// It panics where out is not of the operation's type.
func (o *Operation) AppendOutput(dst []byte, out any, requestID string) (body []byte, status int) {
	if err := o.compile(); err != nil {
		panic("wire: " + err.Error())
	}
	p := &o.plan
	status = o.Success()
	var v reflect.Value
	var c *codec
	if out != nil {
		if v = reflect.ValueOf(out); v.Kind() == reflect.Pointer {
			v = v.Elem() // the zero Value where out is a nil pointer
		}
	}
	if v.IsValid() {
		var err error
		if c, err = o.outputCodec(v.Type()); err != nil {
			panic("wire: " + err.Error())
		}
		for _, m := range []*member{p.code, p.status} {
			if n := statusIn(m, c, v); n != 0 {
				status = n
			}
		}
	}
	if o.service.protocol == Query {
		return o.appendXMLOutput(dst, c, v, requestID), status
	}
	if status == http.StatusNoContent || p.stream != nil {
		return dst, status
	}
	dst = append(dst, '{')
	start := len(dst)
	for i := range p.out.members {
		m := &p.out.members[i]
		switch {
		case m == p.requestID && requestID != "":
			dst = append(appendComma(dst, start), m.quoted...)
			dst = appendText(dst, requestID)
		case m == p.status:
			dst = append(appendComma(dst, start), m.quoted...)
			dst = strconv.AppendInt(dst, int64(status), 10)
		case c != nil:
			dst = appendMember(dst, m, &c.fields[i], v, start, p.lists)
		case m.shape.kind == list && (p.lists || m.bit != 0):
			dst = append(append(appendComma(dst, start), m.quoted...), "[]"...)
		}
	}
	return append(dst, '}'), status
}

func appendComma(dst []byte, start int) []byte {
	if len(dst) > start {
		return append(dst, ',')
	}
	return dst
}

// statusIn returns the status that an output has set, or 0.
func statusIn(m *member, c *codec, v reflect.Value) int {
	if m == nil {
		return 0
	}
	f := &c.fields[m.index]
	fv := v.Field(f.index)
	if f.pointer {
		if fv.IsNil() {
			return 0
		}
		fv = fv.Elem()
	}
	return int(fv.Int())
}
