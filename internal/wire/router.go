package wire

import "strings"

// aliases are further paths of operations: what SDKs of other times send. The
// labels are those of the operation's own path, in the same order.
var aliases = map[string][]string{
	// SDKs up to early 2023; newer ones have v2 in it.
	"ListIAMPolicyAssignments": {"/accounts/{AwsAccountId}/namespaces/{Namespace}/iam-policy-assignments"},
}

// maxLabels is the most labels that a path has; the model's longest has five.
const maxLabels = 8

// A Router finds operations by method and path.
type Router struct {
	root node
}

// A node is the place after some segments of a path.
type node struct {
	literals   map[string]*node
	label      *node
	operations []*Operation // that end here, one for each method
}

// NewRouter returns a router for the operations, with the older paths that
// some of them still answer to.
func NewRouter(ops []*Operation) *Router {
	r := new(Router)
	for _, op := range ops {
		r.add(op, op.Path)
		if op.service == quickSight() {
			for _, path := range aliases[op.Name] {
				r.add(op, path)
			}
		}
	}
	return r
}

func (r *Router) add(op *Operation, path string) {
	n := &r.root
	for segment := range strings.SplitSeq(trimSlashes(path), "/") {
		if _, ok := labelName(segment); ok {
			if n.label == nil {
				n.label = new(node)
			}
			n = n.label
			continue
		}
		next := n.literals[segment]
		if next == nil {
			next = new(node)
			if n.literals == nil {
				n.literals = make(map[string]*node)
			}
			n.literals[segment] = next
		}
		n = next
	}
	n.operations = append(n.operations, op)
}

// trimSlashes takes the slash at the start and one at the end away.
func trimSlashes(path string) string {
	return strings.TrimSuffix(strings.TrimPrefix(path, "/"), "/")
}

// Match returns the operation with that method and path, and the segments in
// place of its labels. The path is as it was received, still escaped: a
// %2F belongs to its segment, and neither .. nor // is resolved. A slash at the
// end may be there or not; a label is never empty; where a literal and a label
// both fit, the literal wins.
func (r *Router) Match(method, rawPath string) (op *Operation, labels []string, ok bool) {
	if !strings.HasPrefix(rawPath, "/") {
		return nil, nil, false
	}
	var found [maxLabels]string
	op, n := r.root.match(method, trimSlashes(rawPath), &found, 0)
	if op == nil {
		return nil, nil, false
	}
	return op, append(make([]string, 0, n), found[:n]...), true
}

// match goes on from a node with the rest of a path and the labels so far.
func (n *node) match(method, rest string, labels *[maxLabels]string, count int) (*Operation, int) {
	segment, after, more := strings.Cut(rest, "/")
	if next := n.literals[segment]; next != nil {
		if op, c := next.follow(method, after, more, labels, count); op != nil {
			return op, c
		}
	}
	if n.label == nil || segment == "" || count == maxLabels {
		return nil, 0
	}
	labels[count] = segment
	return n.label.follow(method, after, more, labels, count+1)
}

func (n *node) follow(method, after string, more bool, labels *[maxLabels]string, count int) (*Operation, int) {
	if more {
		return n.match(method, after, labels, count)
	}
	for _, op := range n.operations {
		if op.Method == method {
			return op, count
		}
	}
	return nil, 0
}
