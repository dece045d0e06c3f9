package wire

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// appendXMLOutput writes the answer of a success on the query face. v and c
// are those of the output, or nothing where it has no members.
func (o *Operation) appendXMLOutput(dst []byte, c *codec, v reflect.Value, requestID string) []byte {
	dst = append(append(dst, '<'), o.Name...)
	dst = append(dst, "Response xmlns=\""...)
	dst = append(dst, o.service.xmlns...)
	dst = append(dst, "\">"...)
	if o.output != "" {
		result := o.Name + "Result"
		dst = appendOpen(dst, result)
		for i := range o.plan.out.members {
			m := &o.plan.out.members[i]
			switch {
			case c != nil:
				dst = appendXMLMember(dst, m, &c.fields[i], v, o.plan.lists)
			case m.shape.kind == list && (o.plan.lists || m.bit != 0) && !m.flattened:
				dst = appendClose(appendOpen(dst, m.wire), m.wire)
			}
		}
		dst = appendClose(dst, result)
	}
	dst = append(dst, "<ResponseMetadata><RequestId>"...)
	dst = appendXMLText(dst, requestID)
	dst = append(dst, "</RequestId></ResponseMetadata></"...)
	dst = append(dst, o.Name...)
	return append(dst, "Response>"...)
}

func appendOpen(dst []byte, name string) []byte {
	return append(append(append(dst, '<'), name...), '>')
}

func appendClose(dst []byte, name string) []byte {
	return append(append(append(dst, '<', '/'), name...), '>')
}

// appendXMLMember writes one member if it is set, or is a list or map that is
// written in any case.
func appendXMLMember(dst []byte, m *member, f *field, v reflect.Value, lists bool) []byte {
	fv, ok := memberValue(m, f, v, lists)
	if !ok {
		return dst
	}
	if m.flattened {
		return appendXMLItems(dst, m.shape, m.wire, m.wire, f.codec, fv)
	}
	dst = appendOpen(dst, m.wire)
	dst = appendXMLValue(dst, m.shape, f.codec, fv)
	return appendClose(dst, m.wire)
}

// appendXMLValue writes what stands between the tags of a value.
func appendXMLValue(dst []byte, sh *shape, c *codec, v reflect.Value) []byte {
	switch sh.kind {
	case text:
		return appendXMLText(dst, v.String())
	case boolean:
		return strconv.AppendBool(dst, v.Bool())
	case integer, long:
		return strconv.AppendInt(dst, v.Int(), 10)
	case double:
		return append(dst, textOf(v)...)
	case timestamp:
		return appendISOTime(dst, timeOf(v))
	case blob:
		return base64.StdEncoding.AppendEncode(dst, v.Bytes())
	case list, mapping:
		return appendXMLItems(dst, sh, sh.elemName, entryName, c, v)
	default:
		for i := range sh.members {
			dst = appendXMLMember(dst, &sh.members[i], &c.fields[i], v, false)
		}
		return dst
	}
}

// appendXMLItems writes the members of a list, each as an element of the one
// name, or the entries of a map, each as one of the other.
func appendXMLItems(dst []byte, sh *shape, name, entry string, c *codec, v reflect.Value) []byte {
	if sh.kind == list {
		for i := range v.Len() {
			dst = appendOpen(dst, name)
			dst = appendXMLValue(dst, sh.elem, c.elem, v.Index(i))
			dst = appendClose(dst, name)
		}
		return dst
	}
	for _, k := range sortedKeys(v) {
		dst = appendOpen(appendOpen(dst, entry), sh.keyName)
		dst = appendXMLText(dst, k.String())
		dst = appendOpen(appendClose(dst, sh.keyName), sh.elemName)
		dst = appendXMLValue(dst, sh.elem, c.elem, v.MapIndex(k))
		dst = appendClose(appendClose(dst, sh.elemName), entry)
	}
	return dst
}

// appendXMLText writes text between tags. What XML has no place for becomes
// U+FFFD, like invalid UTF-8 (XML 1.0, 2.2); a carriage return is escaped, as
// readers turn a bare one into a line feed (2.11).
func appendXMLText(dst []byte, s string) []byte {
	done := 0
	for i := 0; i < len(s); {
		r, size := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, size = utf8.DecodeRuneInString(s[i:])
		}
		escape := ""
		switch {
		case r == '&':
			escape = "&amp;"
		case r == '<':
			escape = "&lt;"
		case r == '>':
			escape = "&gt;"
		case r == '\r':
			escape = "&#xD;"
		case r < ' ' && r != '\t' && r != '\n', r == 0xFFFE, r == 0xFFFF, r == utf8.RuneError && size == 1:
			escape = "\uFFFD"
		}
		if escape != "" {
			dst = append(append(dst, s[done:i]...), escape...)
			done = i + size
		}
		i += size
	}
	return append(dst, s[done:]...)
}

// appendISOTime writes a time to the second, as IAM and STS do.
func appendISOTime(dst []byte, t time.Time) []byte {
	return t.UTC().AppendFormat(dst, "2006-01-02T15:04:05Z")
}

// parseXML reads a document into a tree. Names are without their spaces, and
// attributes are left out.
func parseXML(document []byte) (*element, error) {
	dec := xml.NewDecoder(bytes.NewReader(document))
	above := []*element{{}}
	for {
		tok, err := dec.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		at := above[len(above)-1]
		switch tok := tok.(type) {
		case xml.StartElement:
			if len(above) > maxDepth {
				return nil, fmt.Errorf("XML nests more than %d deep", maxDepth)
			}
			n := &element{name: tok.Name.Local, set: true}
			at.kids = append(at.kids, n)
			above = append(above, n)
		case xml.EndElement:
			if len(at.kids) > 0 {
				at.text = "" // white space between elements
			}
			above = above[:len(above)-1]
		case xml.CharData:
			at.text += string(tok)
		}
	}
	if len(above[0].kids) != 1 {
		return nil, errors.New("no XML document")
	}
	return above[0].kids[0], nil
}

// decodeXMLOutput is DecodeOutput on the query face.
func (o *Operation) decodeXMLOutput(body []byte, c *codec, v reflect.Value) error {
	root, err := parseXML(body)
	if err != nil {
		return fmt.Errorf("operation %s: read its answer: %w", o.Name, err)
	}
	result := root.kid(o.Name + "Result")
	if root.name != o.Name+"Response" || result == nil && o.output != "" {
		return fmt.Errorf("operation %s: its answer is a %s without its result", o.Name, root.name)
	}
	if result == nil {
		return nil
	}
	d := newDecoder(nil)
	defer d.release()
	d.client = true
	if _, err := d.treeMembers(o.plan.out, c, v, result); err != nil {
		return fmt.Errorf("operation %s: read its answer: %w", o.Name, err)
	}
	return nil
}

// appendForm writes the parameters of a structure, each name after the prefix.
func appendForm(dst []byte, prefix string, sh *shape, c *codec, v reflect.Value) []byte {
	for i := range sh.members {
		m := &sh.members[i]
		f := &c.fields[i]
		if fv, ok := memberValue(m, f, v, false); ok {
			dst = appendFormValue(dst, prefix+m.wire, m.shape, m.flattened, f.codec, fv)
		}
	}
	return dst
}

func appendFormValue(dst []byte, name string, sh *shape, flattened bool, c *codec, v reflect.Value) []byte {
	switch sh.kind {
	case list, mapping:
		switch {
		case v.Len() == 0 && sh.kind == list:
			return appendParameter(dst, name, "")
		case v.Len() == 0:
			return dst // a form has no empty maps
		}
		inner := name
		if !flattened {
			inner += "." + sh.elemName
			if sh.kind == mapping {
				inner = name + "." + entryName
			}
		}
		if sh.kind == list {
			for i := range v.Len() {
				dst = appendFormValue(dst, inner+"."+strconv.Itoa(i+1), sh.elem, sh.elem.flattened, c.elem, v.Index(i))
			}
			return dst
		}
		for i, k := range sortedKeys(v) {
			entry := inner + "." + strconv.Itoa(i+1) + "."
			dst = appendParameter(dst, entry+sh.keyName, k.String())
			dst = appendFormValue(dst, entry+sh.elemName, sh.elem, sh.elem.flattened, c.elem, v.MapIndex(k))
		}
		return dst
	case structure:
		before := len(dst)
		if dst = appendForm(dst, name+".", sh, c, v); len(dst) == before {
			dst = appendParameter(dst, name, "") // it is there, if empty
		}
		return dst
	case timestamp:
		return appendParameter(dst, name, string(appendISOTime(nil, timeOf(v))))
	case blob:
		return appendParameter(dst, name, base64.StdEncoding.EncodeToString(v.Bytes()))
	default:
		return appendParameter(dst, name, textOf(v))
	}
}

func appendParameter(dst []byte, name, value string) []byte {
	if len(dst) > 0 {
		dst = append(dst, '&')
	}
	dst = append(appendEscaped(dst, name), '=')
	return appendEscaped(dst, strings.ToValidUTF8(value, "\uFFFD"))
}
