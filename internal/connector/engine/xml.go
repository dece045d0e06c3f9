package engine

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"onsight/internal/connector/definition"
)

var errDeep = errors.New("its elements lie too deep")

// fromXML reads a document as a definition says that it looks; without that,
// elements with others inside are objects and what comes twice is a list. root
// is the name of the root element, which is no part of the value. Attributes
// are left out, and so is what the definition does not know.
func fromXML(text []byte, n *definition.Node) (root string, value any, err error) {
	d := xml.NewDecoder(bytes.NewReader(bytes.TrimSpace(text)))
	for {
		t, err := d.Token()
		if err != nil {
			return "", nil, err
		}
		if start, ok := t.(xml.StartElement); ok {
			root = start.Name.Local
			break
		}
	}
	if value, err = readElement(d, n, 1); err != nil {
		return root, nil, err
	}
	for {
		t, err := d.Token()
		if errors.Is(err, io.EOF) {
			return root, value, nil
		}
		if err != nil {
			return root, nil, err
		}
		if _, ok := t.(xml.StartElement); ok {
			return root, nil, errors.New("it has more than one root element")
		}
	}
}

// readElement reads what is in an element that has begun.
func readElement(d *xml.Decoder, n *definition.Node, depth int) (any, error) {
	if depth > maxJSONDepth {
		return nil, errDeep
	}
	var chars strings.Builder
	object := make(map[string]any)
	var list []any
	names := elements(n)
	for {
		t, err := d.Token()
		if err != nil {
			return nil, err
		}
		switch t := t.(type) {
		case xml.CharData:
			chars.Write(t)
		case xml.EndElement:
			return whole(n, object, list, chars.String()), nil
		case xml.StartElement:
			switch {
			case n == nil || n.Kind == "":
				v, err := readElement(d, nil, depth+1)
				if err != nil {
					return nil, err
				}
				add(object, t.Name.Local, v)
			case n.Kind == "array":
				v, err := readElement(d, n.Items, depth+1)
				if err != nil {
					return nil, err
				}
				list = append(list, v)
			case n.Kind == "object" && names[t.Name.Local] != "":
				name := names[t.Name.Local]
				m := n.Members[name]
				flat := m.Kind == "array" && !m.Wrapped
				if flat {
					m = m.Items
				}
				v, err := readElement(d, m, depth+1)
				if err != nil {
					return nil, err
				}
				if flat {
					before, _ := object[name].([]any)
					v = append(before, v)
				}
				object[name] = v
			default:
				if err := skip(d, depth); err != nil {
					return nil, err
				}
			}
		}
	}
}

// elements gives the members of an object by the names of their elements.
func elements(n *definition.Node) map[string]string {
	if n == nil || n.Kind != "object" {
		return nil
	}
	names := make(map[string]string, len(n.Names))
	for _, name := range n.Names {
		names[n.Element(name)] = name
	}
	return names
}

// skip passes over an element, which may not be deep either.
func skip(d *xml.Decoder, depth int) error {
	for inside := 1; inside > 0; {
		t, err := d.Token()
		if err != nil {
			return err
		}
		switch t.(type) {
		case xml.StartElement:
			inside++
		case xml.EndElement:
			inside--
		}
		if depth+inside > maxJSONDepth {
			return errDeep
		}
	}
	return nil
}

// add puts an element that nothing is known of into an object.
func add(object map[string]any, name string, v any) {
	before, there := object[name]
	list, isList := before.([]any)
	switch {
	case !there:
		object[name] = v
	case isList:
		object[name] = append(list, v)
	default:
		object[name] = []any{before, v}
	}
}

// whole is the value of an element that has ended.
func whole(n *definition.Node, object map[string]any, list []any, chars string) any {
	switch {
	case n == nil || n.Kind == "":
		if len(object) > 0 {
			return object
		}
		return chars
	case n.Kind == "array":
		if list == nil {
			list = []any{}
		}
		return list
	case n.Kind == "object":
		for _, name := range n.Required {
			if m := n.Members[name]; m != nil && m.Kind == "array" && object[name] == nil {
				object[name] = []any{}
			}
		}
		if text := n.Members[n.Name]; text != nil && len(object) == 0 {
			object[n.Name] = scalar(text, chars)
		}
		return object
	}
	return scalar(n, chars)
}

// scalar makes a value of text, as far as it is one.
func scalar(n *definition.Node, text string) any {
	if n == nil {
		return text
	}
	switch trimmed := strings.TrimSpace(text); n.Kind {
	case "integer", "number":
		if json.Valid([]byte(trimmed)) && strings.Trim(trimmed, "0123456789.eE+-") == "" {
			return json.Number(trimmed)
		}
	case "boolean":
		switch strings.ToLower(trimmed) {
		case "true":
			return true
		case "false":
			return false
		}
	}
	if n.Encoding == "url" {
		if decoded, err := url.QueryUnescape(text); err == nil && utf8.ValidString(decoded) {
			return decoded
		}
	}
	return text
}

// toXML writes a value as a definition says that it looks.
func toXML(n *definition.Node, value any) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(`<?xml version="1.0" encoding="UTF-8"?>`)
	if err := write(&b, n, n.Name, value); err != nil {
		return nil, err
	}
	return b.Bytes(), nil
}

// write writes an element.
func write(b *bytes.Buffer, n *definition.Node, name string, value any) error {
	b.WriteString("<" + name)
	if n.Namespace != "" {
		b.WriteString(` xmlns="`)
		_ = xml.EscapeText(b, []byte(n.Namespace)) // a buffer takes all
		b.WriteString(`"`)
	}
	b.WriteString(">")
	switch v := value.(type) {
	case map[string]any:
		for _, member := range n.Names {
			inner, there := v[member]
			if !there {
				continue
			}
			m, element := n.Members[member], n.Element(member)
			list, isList := inner.([]any)
			if !isList || m.Wrapped {
				if err := write(b, m, element, inner); err != nil {
					return err
				}
				continue
			}
			for _, item := range list {
				if err := write(b, m.Items, element, item); err != nil {
					return err
				}
			}
		}
	case []any:
		item := n.Items.Name
		if item == "" {
			item = "member"
		}
		for _, inner := range v {
			if err := write(b, n.Items, item, inner); err != nil {
				return err
			}
		}
	default:
		text := plain(v)
		if i := strings.IndexFunc(text, notInXML); i >= 0 || !utf8.ValidString(text) {
			return invalid("%s holds a character that XML does not have", name)
		}
		if err := xml.EscapeText(b, []byte(text)); err != nil {
			return fmt.Errorf("engine: %s: %w", name, err)
		}
	}
	b.WriteString("</" + name + ">")
	return nil
}

// notInXML tells of characters that XML 1.0 does not have (2.2).
func notInXML(r rune) bool {
	return r < ' ' && !slices.Contains([]rune{'\t', '\n', '\r'}, r) || r == 0xFFFE || r == 0xFFFF
}
