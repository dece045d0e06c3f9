package saml

import (
	"bytes"
	"encoding/base64"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/beevik/etree"
	validator "github.com/mattermost/xml-roundtrip-validator"
)

// The namespaces of what is read.
const (
	nsAssertion = "urn:oasis:names:tc:SAML:2.0:assertion"
	nsProtocol  = "urn:oasis:names:tc:SAML:2.0:protocol"
	nsMetadata  = "urn:oasis:names:tc:SAML:2.0:metadata"
	nsSignature = "http://www.w3.org/2000/09/xmldsig#"
)

// The limits of a document. Honest ones with hundreds of roles are far below.
const (
	// MaxEncoded is the length of the longest response in base64 (STS API,
	// AssumeRoleWithSAML).
	MaxEncoded  = 100_000
	maxMetadata = 10 << 20 // as IAM takes it
	maxDepth    = 40
	maxElements = 6000
	maxAttrs    = 40
)

// ErrMalformed says that a document is not what it should be. What wraps it
// says why, and quotes nothing of the document but names.
var ErrMalformed = errors.New("saml: malformed")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}

// decode reads the base64 of a posted message. Line breaks may stand in it.
func decode(posted string) ([]byte, error) {
	if len(posted) > MaxEncoded {
		return nil, malformed("it is longer than %d characters", MaxEncoded)
	}
	text := strings.Map(func(r rune) rune {
		if r == '\r' || r == '\n' || r == ' ' || r == '\t' {
			return -1
		}
		return r
	}, posted)
	raw, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(raw) == 0 {
		return nil, malformed("it is not base64")
	}
	return raw, nil
}

// parse reads a document that two parsers can't read differently.
func parse(raw []byte) (*etree.Document, error) {
	if err := scan(raw); err != nil {
		return nil, err
	}
	if err := validator.Validate(bytes.NewReader(raw)); err != nil {
		return nil, malformed("it does not survive being parsed")
	}
	d := etree.NewDocument()
	if err := d.ReadFromBytes(raw); err != nil {
		return nil, malformed("it is not XML")
	}
	if d.Root() == nil {
		return nil, malformed("it is empty")
	}
	return d, nil
}

// scan refuses what no honest document has, before anything is built of it.
func scan(raw []byte) error {
	d := xml.NewDecoder(bytes.NewReader(raw))
	depth, elements, roots := 0, 0, 0
	for first := true; ; first = false {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return malformed("it is not XML in UTF-8")
		}
		switch token := token.(type) {
		case xml.Directive:
			return malformed("a document type is not allowed")
		case xml.Comment:
			return malformed("comments are not allowed")
		case xml.ProcInst:
			if !first || token.Target != "xml" {
				return malformed("processing instructions are not allowed")
			}
		case xml.CharData:
			if depth == 0 && len(bytes.TrimSpace(token)) > 0 {
				return malformed("there is text outside of the root element")
			}
		case xml.StartElement:
			if depth == 0 {
				roots++
			}
			depth++
			elements++
			if depth > maxDepth || elements > maxElements || len(token.Attr) > maxAttrs || roots > 1 {
				return malformed("it has too many elements")
			}
		case xml.EndElement:
			depth--
		}
	}
	if depth != 0 {
		return malformed("it is cut")
	}
	return nil
}

var idPattern = regexp.MustCompile(`^[A-Za-z_][\w.-]{0,255}$`)

// unambiguous refuses a document in which an id names two elements.
func unambiguous(root *etree.Element) error {
	seen := make(map[string]bool)
	return walk(root, func(e *etree.Element) error {
		for _, a := range e.Attr {
			if !strings.EqualFold(a.Key, "ID") || a.Space == "xmlns" {
				continue
			}
			if seen[a.Value] {
				return malformed("an id names two elements")
			}
			seen[a.Value] = true
		}
		return nil
	})
}

func walk(e *etree.Element, visit func(*etree.Element) error) error {
	if err := visit(e); err != nil {
		return err
	}
	for _, c := range e.ChildElements() {
		if err := walk(c, visit); err != nil {
			return err
		}
	}
	return nil
}

func is(e *etree.Element, namespace, name string) bool {
	return e.Tag == name && e.NamespaceURI() == namespace
}

// children are the children of an element with a name.
func children(e *etree.Element, namespace, name string) (all []*etree.Element) {
	for _, c := range e.ChildElements() {
		if is(c, namespace, name) {
			all = append(all, c)
		}
	}
	return all
}

// only is the one child of a name; nil where there is none, an error where
// there are several.
func only(e *etree.Element, namespace, name string) (*etree.Element, error) {
	switch all := children(e, namespace, name); len(all) {
	case 0:
		return nil, nil
	case 1:
		return all[0], nil
	default:
		return nil, malformed("there is more than one %s in %s", name, e.Tag)
	}
}

// attr is an attribute without a namespace.
func attr(e *etree.Element, name string) string {
	for _, a := range e.Attr {
		if a.Space == "" && a.Key == name {
			return a.Value
		}
	}
	return ""
}

// text is the text of an element that has nothing else; ok is false for others.
func text(e *etree.Element) (s string, ok bool) {
	var b strings.Builder
	for _, c := range e.Child {
		t, ok := c.(*etree.CharData)
		if !ok {
			return "", false
		}
		b.WriteString(t.Data)
	}
	return strings.TrimSpace(b.String()), true
}

// parseMetadata reads metadata, which an administrator of the account has
// brought: only what could make it mean something else is refused.
func parseMetadata(document string) (*etree.Document, error) {
	document = strings.TrimPrefix(document, "\ufeff")
	d := xml.NewDecoder(strings.NewReader(document))
	d.CharsetReader = asText
	for depth := 0; ; {
		token, err := d.RawToken()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, malformed("it is not XML")
		}
		switch token.(type) {
		case xml.Directive:
			return nil, malformed("a document type is not allowed")
		case xml.StartElement:
			if depth++; depth > 2*maxDepth {
				return nil, malformed("it is too deep")
			}
		case xml.EndElement:
			depth--
		}
	}
	e := etree.NewDocument()
	e.ReadSettings.CharsetReader = asText
	if err := e.ReadFromString(document); err != nil || e.Root() == nil {
		return nil, malformed("it is not XML")
	}
	return e, nil
}

// asText takes what a document declares of its encoding for nothing: it came
// as text.
func asText(_ string, text io.Reader) (io.Reader, error) { return text, nil }
