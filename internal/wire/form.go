package wire

import (
	"cmp"
	"slices"
	"strings"

	"onsight/internal/fault"
)

// Bounds of a form. IAM's largest requests are policies in one parameter each
// and simulations with some hundred actions.
const (
	maxParameters = 10_000
	maxSegments   = 16     // of a parameter's name, between its dots
	maxIndex      = 10_000 // of a member of a list
)

// A Form is the parameters of a request on the query face.
type Form struct{ parameters []parameter }

type parameter struct{ name, value string }

// ParseForm reads the parameters of a query, and of a body where its
// Content-Type is that of a form.
func ParseForm(rawQuery, contentType string, body []byte) (Form, error) {
	var f Form
	if !isForm(contentType) {
		body = nil
	}
	for _, source := range [2]string{rawQuery, string(body)} {
		for source != "" {
			var pair string
			pair, source, _ = strings.Cut(source, "&")
			if pair == "" {
				continue
			}
			if len(f.parameters) == maxParameters {
				return Form{}, fault.MalformedRequest("The request has more than %d parameters.", maxParameters)
			}
			name, value, _ := strings.Cut(pair, "=")
			name, err := unescape(name, true)
			if err == nil {
				value, err = unescape(value, true)
			}
			if err != nil {
				// What the value is, and with it the part, may be a secret.
				return Form{}, fault.MalformedRequest("Parameter %s is not valid: %v.", quoteValue(strings.ToValidUTF8(cut(name, maxPath), "?")), err)
			}
			f.parameters = append(f.parameters, parameter{name, value})
		}
	}
	return f, nil
}

// Get returns the value of a parameter, and whether it is there.
func (f Form) Get(name string) (string, bool) {
	for i := range f.parameters {
		if f.parameters[i].name == name {
			return f.parameters[i].value, true
		}
	}
	return "", false
}

func givenTwice(name string) error {
	return fault.MalformedRequest("Parameter %s is given more than once.", quoteValue(cut(name, maxPath)))
}

// tree returns the parameters that are of members of sh, arranged by the
// parts of their names. Others are ignored.
func (f Form) tree(sh *shape) (*element, error) {
	known := make([]parameter, 0, len(f.parameters))
	for _, p := range f.parameters {
		first, _, _ := strings.Cut(p.name, ".")
		if sh.byWire[first] == nil {
			continue
		}
		if strings.Count(p.name, ".") >= maxSegments {
			return nil, fault.MalformedRequest("Parameter %s has more than %d parts.", quoteValue(cut(p.name, maxPath)), maxSegments)
		}
		known = append(known, p)
	}
	slices.SortFunc(known, func(a, b parameter) int { return compareNames(a.name, b.name) })
	root := new(element)
	for _, p := range known {
		n := root
		for segment := range strings.SplitSeq(p.name, ".") {
			// What begins alike stands together, so it is the last one or none.
			if last := len(n.kids) - 1; last < 0 || n.kids[last].name != segment {
				n.kids = append(n.kids, &element{name: segment})
			}
			n = n.kids[len(n.kids)-1]
		}
		if n.set {
			return nil, givenTwice(p.name)
		}
		n.set, n.text = true, p.value
	}
	return root, nil
}

// compareNames puts names in order part by part: a dot comes before all else.
func compareNames(a, b string) int {
	n := min(len(a), len(b))
	for i := range n {
		if a[i] == b[i] {
			continue
		}
		switch {
		case a[i] == '.':
			return -1
		case b[i] == '.':
			return 1
		}
		return cmp.Compare(a[i], b[i])
	}
	return cmp.Compare(len(a), len(b))
}
