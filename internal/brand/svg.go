package brand

import (
	"bytes"
	"encoding/xml"
	"errors"
	"io"
	"slices"
	"strings"
)

const (
	// maxDepth and maxElements bound what a browser has to draw.
	maxDepth    = 64
	maxElements = 10_000
	svgSpace    = "http://www.w3.org/2000/svg"
	xlinkSpace  = "http://www.w3.org/1999/xlink"
)

// drawing are the elements of SVG that draw and nothing else: no script, no
// foreign content, no animation, nothing that loads.
var drawing = []string{
	"circle", "clipPath", "defs", "desc", "ellipse", "feBlend", "feColorMatrix", "feComponentTransfer", "feComposite", "feDropShadow",
	"feFlood", "feFuncA", "feFuncB", "feFuncG", "feFuncR", "feGaussianBlur", "feMerge", "feMergeNode", "feMorphology", "feOffset", "filter",
	"g", "line", "linearGradient", "marker", "mask", "metadata", "path", "pattern", "polygon", "polyline", "radialGradient", "rect", "stop",
	"style", "svg", "switch", "symbol", "text", "textPath", "title", "tspan", "use",
}

// looksLikeXML tells whether data may be an SVG image.
func looksLikeXML(data []byte) bool {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	return bytes.HasPrefix(bytes.TrimLeft(data, " \t\r\n"), []byte("<"))
}

// checkSVG refuses an SVG image that holds more than drawing: it is not
// mended, for what was left out would be missed later, by someone else.
func checkSVG(data []byte) error {
	d := xml.NewDecoder(bytes.NewReader(data)) // strict, and knows no entities but XML's five
	depth, elements := 0, 0
	var style *strings.Builder // of the style element that is being read
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return reject("the SVG image is not well-formed XML in UTF-8.")
		}
		switch t := token.(type) {
		case xml.Directive:
			if !isPlainDoctype(string(t)) {
				return reject("the SVG image declares entities or more in its DOCTYPE.")
			}
		case xml.ProcInst:
			if t.Target != "xml" {
				return reject("the SVG image has the instruction %q.", t.Target)
			}
		case xml.StartElement:
			depth, elements = depth+1, elements+1
			switch {
			case depth == 1 && (t.Name.Local != "svg" || t.Name.Space != svgSpace):
				return reject("the image is not SVG: its root is not svg of %s.", svgSpace)
			case depth == 1 && elements > 1:
				return reject("the SVG image has two roots.")
			case depth > maxDepth || elements > maxElements:
				return reject("the SVG image has more than %d elements, or more than %d inside of each other.", maxElements, maxDepth)
			case style != nil:
				return reject("the SVG image has elements inside of a style.")
			}
			if err := checkElement(t); err != nil {
				return err
			}
			if t.Name.Local == "style" {
				style = new(strings.Builder)
			}
		case xml.EndElement:
			depth--
			if style != nil && !isPlainStyle(style.String()) {
				return reject("the SVG image has a style that loads something.")
			}
			style = nil
		case xml.CharData:
			if style != nil { // in pieces, where there are comments in it
				style.Write(t)
			}
			if depth == 0 && len(bytes.TrimSpace(bytes.TrimPrefix(t, []byte("\xef\xbb\xbf")))) > 0 {
				return reject("the SVG image has text outside of its root.")
			}
		}
	}
	if elements == 0 {
		return reject("the image is neither PNG nor JPEG nor SVG.")
	}
	return nil
}

func checkElement(e xml.StartElement) error {
	if e.Name.Space == svgSpace && !slices.Contains(drawing, e.Name.Local) {
		return reject("the SVG image has the element %q, which a logo may not have.", e.Name.Local)
	}
	for _, a := range e.Attr {
		name, value := strings.ToLower(a.Name.Local), strings.TrimSpace(a.Value)
		switch {
		case strings.HasPrefix(name, "on"):
			return reject("the SVG image has the attribute %q, which runs a script.", a.Name.Local)
		case name == "href" || name == "src" || a.Name.Space == xlinkSpace && name != "title" && name != "type":
			if !strings.HasPrefix(value, "#") {
				return reject("the SVG image refers to something outside of it.")
			}
		case a.Name.Space != "": // of XML, or of another program
		case name == "style" && !isPlainStyle(value), !loadsNothing(value):
			return reject("the SVG image has an attribute %q that loads something.", a.Name.Local)
		}
	}
	// What other programs keep in their own names draws nothing, unless it is
	// HTML.
	if e.Name.Space != svgSpace && strings.Contains(e.Name.Space, "xhtml") {
		return reject("the SVG image holds HTML.")
	}
	return nil
}

// isPlainDoctype tells whether a directive is a DOCTYPE that declares nothing.
func isPlainDoctype(s string) bool {
	return len(s) >= 7 && strings.EqualFold(s[:7], "doctype") && !strings.ContainsAny(s, "[]")
}

// isPlainStyle tells whether a style sheet loads nothing. One with at-rules is
// taken for one that does.
func isPlainStyle(s string) bool { return !strings.Contains(s, "@") && loadsNothing(s) }

// loadsNothing tells whether a value of CSS names nothing outside of the image:
// what its url() refer to is inside. Escapes could hide one, and a logo needs none.
func loadsNothing(s string) bool {
	s = strings.ToLower(s)
	for _, bad := range []string{"\\", "/*", "javascript:", "expression(", "image(", "image-set(", "src("} {
		if strings.Contains(s, bad) {
			return false
		}
	}
	for {
		_, after, found := strings.Cut(s, "url(")
		if !found {
			return true
		}
		if s = strings.TrimLeft(after, " \t\r\n\"'"); !strings.HasPrefix(s, "#") {
			return false
		}
	}
}
