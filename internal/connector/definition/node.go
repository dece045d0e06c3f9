package definition

import (
	"maps"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
)

// A Node is what is said of an element of XML, by the schema of what it holds
// and OpenAPI's xml objects.
type Node struct {
	// Name is the element's; empty is that of the member. Namespace is told at
	// the element.
	Name, Namespace string
	// Kind is object, array, string, integer, number or boolean; empty is
	// anything.
	Kind string
	// Members are those of an object, by name; Names are theirs, sorted.
	Members map[string]*Node
	Names   []string
	// Items are those of a list, in an element of their own where it is Wrapped.
	Items   *Node
	Wrapped bool
	// Required are members that are there.
	Required []string
	// Encoding is url where text is encoded as in a query.
	Encoding string
}

// newNode reads a schema, which has been flattened: it does not contain itself.
func newNode(s *openapi3.Schema) *Node {
	n := &Node{Required: s.Required}
	if s.XML != nil {
		n.Name, n.Namespace, n.Wrapped = s.XML.Name, s.XML.Namespace, s.XML.Wrapped
	}
	if s.Type != nil && len(s.Type.Slice()) == 1 {
		n.Kind = s.Type.Slice()[0]
	}
	n.Encoding, _ = s.Extensions["x-onsight-encoding"].(string)
	switch n.Kind {
	case "object":
		n.Members = make(map[string]*Node, len(s.Properties))
		n.Names = slices.Sorted(maps.Keys(s.Properties))
		for name, ref := range s.Properties {
			n.Members[name] = newNode(ref.Value)
		}
	case "array":
		n.Items = &Node{}
		if s.Items != nil {
			n.Items = newNode(s.Items.Value)
		}
	}
	return n
}

// Element is the name of the elements that a member of an object is made of.
func (n *Node) Element(name string) string {
	if m := n.Members[name]; m.Kind != "array" || m.Wrapped {
		return m.element(name)
	}
	return n.Members[name].Items.element(name)
}

func (n *Node) element(name string) string {
	if n.Name != "" {
		return n.Name
	}
	return name
}
