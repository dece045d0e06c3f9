package wire

import (
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"strings"
)

// EncodeRequest turns an input, or a pointer to one, into a request as an SDK
// sends it. The body is nil for operations that have none. Rules are not
// checked, except that a label of the path must not be empty.
func (o *Operation) EncodeRequest(in any) (method, pathAndQuery string, body []byte, err error) {
	if err := o.compile(); err != nil {
		return "", "", nil, err
	}
	v := reflect.ValueOf(in)
	if v.Kind() == reflect.Pointer {
		v = v.Elem()
	}
	if !v.IsValid() {
		return "", "", nil, fmt.Errorf("operation %s: no input", o.Name)
	}
	c, err := o.inputCodec(v.Type())
	if err != nil {
		return "", "", nil, err
	}
	if o.service.protocol == Query {
		body = append(body, "Action="+o.Name+"&Version="+o.service.version...)
		return o.Method, o.Path, appendForm(body, "", o.plan.in, c, v), nil
	}
	target, err := o.encodePath(c, v)
	if err != nil {
		return "", "", nil, err
	}
	separator := byte('?')
	for i := range o.plan.in.members {
		m := &o.plan.in.members[i]
		if m.location != inQuery {
			continue
		}
		for _, value := range textsOf(m, c, v) {
			target = append(appendEscaped(append(target, separator), m.wire), '=')
			target = appendEscaped(target, value)
			separator = '&'
		}
	}
	if o.plan.body || o.service.protocol == JSON11 {
		body = appendObject(nil, o.plan.in, c, v)
	}
	return o.Method, string(target), body, nil
}

// RequestHeaders sets the headers of a request with that body, as an SDK does.
func (o *Operation) RequestHeaders(h http.Header, body []byte) {
	switch o.service.protocol {
	case Query:
		h.Set("Content-Type", formType+"; charset=utf-8")
		return
	case JSON11:
		h.Set("X-Amz-Target", o.service.targetPrefix+"."+o.Name)
	case RestJSON:
	}
	if len(body) > 0 {
		h.Set("Content-Type", o.service.protocol.ContentType())
	}
}

func (o *Operation) encodePath(c *codec, v reflect.Value) ([]byte, error) {
	var path []byte
	next := 0
	for i, segment := range strings.Split(o.Path, "/") {
		if i > 0 {
			path = append(path, '/')
		}
		if _, ok := labelName(segment); !ok {
			path = append(path, segment...)
			continue
		}
		m := o.plan.labels[next]
		next++
		texts := textsOf(m, c, v)
		if len(texts) == 0 || texts[0] == "" {
			return nil, fmt.Errorf("operation %s: member %s of the path is empty", o.Name, m.name)
		}
		path = appendEscaped(path, texts[0])
	}
	return path, nil
}

// textsOf returns the texts of a member of the path or query: none where it is
// not set, several for a list.
func textsOf(m *member, c *codec, v reflect.Value) []string {
	f := &c.fields[m.index]
	fv := v.Field(f.index)
	if f.pointer {
		if fv.IsNil() {
			return nil
		}
		fv = fv.Elem()
	}
	if m.shape.kind != list {
		return []string{textOf(fv)}
	}
	all := make([]string, fv.Len())
	for i := range all {
		all[i] = textOf(fv.Index(i))
	}
	return all
}

func textOf(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Bool:
		return strconv.FormatBool(v.Bool())
	case reflect.Int32, reflect.Int64:
		return strconv.FormatInt(v.Int(), 10)
	case reflect.Float64:
		return strings.Trim(string(appendDouble(nil, v.Float())), `"`)
	default:
		return v.String()
	}
}

// appendEscaped escapes all but the unreserved characters, as every SDK does.
func appendEscaped(dst []byte, s string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(s) {
		if b := s[i]; alphanumeric(b) || b == '-' || b == '.' || b == '_' || b == '~' {
			dst = append(dst, b)
		} else {
			dst = append(dst, '%', hex[b>>4], hex[b&15])
		}
	}
	return dst
}

// DecodeOutput reads the answer of a success into out, a pointer to the
// operation's output. Members that the model does not have are ignored, and so
// are its rules.
func (o *Operation) DecodeOutput(status int, body []byte, out any) error {
	if err := o.compile(); err != nil {
		return err
	}
	v := reflect.ValueOf(out)
	if v.Kind() != reflect.Pointer || v.IsNil() {
		return fmt.Errorf("operation %s: DecodeOutput into %T, which is no pointer", o.Name, out)
	}
	v = v.Elem()
	c, err := o.outputCodec(v.Type())
	if err != nil {
		return err
	}
	if m := o.plan.code; m != nil {
		f := &c.fields[m.index]
		target{v.Field(f.index), f.pointer}.setInt(int64(status))
	}
	if o.service.protocol == Query {
		return o.decodeXMLOutput(body, c, v)
	}
	if len(body) == 0 {
		return nil
	}
	d := newDecoder(body)
	d.client = true
	defer d.release()
	if _, err := d.root(o.plan.out, c, v); err != nil {
		return fmt.Errorf("operation %s: read its answer: %w", o.Name, err)
	}
	return nil
}
