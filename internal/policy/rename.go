package policy

import (
	"slices"
	"strings"
)

// Principals lists what the Principal and NotPrincipal elements of a policy
// name, in the order of the statements. It is empty for kinds without them.
func (p *Policy) Principals() []PrincipalName {
	var names []PrincipalName
	for _, s := range p.statements {
		if s.principals != nil {
			names = append(names, s.principals.written...)
		}
	}
	return names
}

// RenamePrincipals gives a document with the names under AWS of its Principal
// and NotPrincipal elements replaced by what rename makes of them; all else
// stays as it is, to the byte. IAM keeps the unique ids of users and roles in
// the place of their ARNs, and shows the ARNs of those that are still there.
// The document is one that Parse reads as the kind; errors are *SyntaxError.
func RenamePrincipals(kind Kind, document string, rename func(name string) string) (string, error) {
	if _, err := Parse(kind, document); err != nil {
		return "", err
	}
	r := reader{text: document}
	root, err := r.document()
	if err != nil {
		return "", err
	}
	var out strings.Builder
	at := 0
	for _, n := range awsPrincipals(&root) {
		renamed := rename(n.text)
		if renamed == n.text {
			continue
		}
		out.WriteString(document[at:n.at])
		out.WriteString(quote(renamed))
		at = n.end
	}
	out.WriteString(document[at:])
	return out.String(), nil
}

// awsPrincipals finds the strings under AWS, in the order of the text.
func awsPrincipals(root *node) []*node {
	var found []*node
	var walk func(n *node, names ...string)
	walk = func(n *node, names ...string) {
		switch {
		case n.kind == '[':
			for i := range n.items {
				walk(&n.items[i], names...)
			}
		case n.kind == '"' && len(names) == 0:
			found = append(found, n)
		case n.kind == '{' && len(names) > 0:
			for i := range n.members {
				m := &n.members[i]
				if m.name == names[0] || names[0] == "Principal" && m.name == "NotPrincipal" {
					walk(&m.value, names[1:]...)
				}
			}
		}
	}
	walk(root, "Statement", "Principal", "AWS")
	slices.SortFunc(found, func(a, b *node) int { return a.at - b.at })
	return found
}

// quote writes a string as JSON.
func quote(s string) string {
	var b strings.Builder
	b.WriteByte('"')
	for _, c := range s {
		switch {
		case c == '"' || c == '\\':
			b.WriteByte('\\')
			b.WriteRune(c)
		case c < ' ':
			const hex = "0123456789abcdef"
			b.WriteString(`\u00`)
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		default:
			b.WriteRune(c)
		}
	}
	b.WriteByte('"')
	return b.String()
}
