package policy

import (
	"fmt"
	"slices"
	"strings"
)

func (g *grammar) principal(s *statement, stmt *node, has map[string]*node, at *path) error {
	n, name, negated := pick(has, "Principal")
	switch {
	case !g.kind.namesPrincipals():
		if n != nil {
			return g.fail(n.at, at.member(name), textNoPrincipal, "the policy applies to whom it is attached to")
		}
		return nil
	case n == nil:
		return g.fail(stmt.at, at, g.either(textSyntax, "Missing required field Principal"), "the element Principal is missing")
	case negated && g.kind == Trust:
		return g.fail(n.at, at.member(name), textTrustNotPrincipal, "name who may assume the role")
	case negated && !s.deny:
		return g.fail(n.at, at.member(name), textAllowNotPrincipal, "name who is allowed")
	}
	s.notPrincipal = negated
	s.principals = &principals{}
	at = at.member(name)
	switch n.kind {
	case '"':
		if n.text != "*" {
			return g.fail(n.at, at, g.invalidPrincipal("", n.text), "a principal is * or an object")
		}
		s.principals.everyone = true
		s.principals.written = []PrincipalName{{Kind: "AWS", Value: "*"}}
		return nil
	case '{':
	default:
		return g.fail(n.at, at, g.either(textSyntax, textTrustPrincipal), "a principal is * or an object, not %s", n.what())
	}
	for i := range n.members {
		m := &n.members[i]
		err := g.strings(&m.value, at.member(m.name), func(v *node, at *path) error {
			s.principals.written = append(s.principals.written, PrincipalName{Kind: m.name, Value: v.text})
			if !s.principals.add(g.kind, m.name, v.text) {
				return g.fail(v.at, at, g.invalidPrincipal(m.name, v.text), "that names no principal of the kind")
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	if len(s.principals.written) == 0 {
		return g.fail(n.at, at, g.either(textSyntax, "Missing required field Principal cannot be empty!"), "no principal is named")
	}
	return nil
}

func (g *grammar) invalidPrincipal(kind, value string) string {
	if kind == "" {
		kind = "AWS"
	}
	return fmt.Sprintf("Invalid principal in policy: %q:%q", shorten(kind), shorten(value))
}

// add takes a name into the element; ok is false for one that names nobody.
func (p *principals) add(of Kind, kind, value string) (ok bool) {
	switch kind {
	case "AWS":
		return p.addAWS(of, value)
	case "Service":
		p.services = append(p.services, value)
		return strings.Contains(value, ".") && isService(value)
	case "Federated":
		p.federated = append(p.federated, value)
		return value != "" && !strings.ContainsAny(value, "*? ")
	case "CanonicalUser": // an id of another service's accounts, which nobody here has
		return of == ResourceBased && value != ""
	default:
		return false
	}
}

func (p *principals) addAWS(of Kind, value string) (ok bool) {
	switch {
	case value == "*":
		p.everyone = true
		return true
	case isAccount(value):
		p.accounts = append(p.accounts, value)
		return true
	case isUniqueID(value):
		p.ids = append(p.ids, value)
		return true
	}
	fields := strings.SplitN(value, ":", 6)
	if len(fields) != 6 || fields[0] != "arn" || !slices.Contains(partitions, fields[1]) || !isAccount(fields[4]) || strings.ContainsAny(value, "*? ") {
		return false
	}
	service, region, account, resource := fields[2], fields[3], fields[4], fields[5]
	kind, name, _ := strings.Cut(resource, "/")
	p.arns = append(p.arns, value)
	switch service {
	case "iam":
		if resource == "root" {
			p.arns = p.arns[:len(p.arns)-1]
			p.accounts = append(p.accounts, account)
			return region == ""
		}
		return region == "" && name != "" && (kind == "user" || kind == "role")
	case "sts":
		return region == "" && (kind == "assumed-role" && strings.Contains(name, "/") || kind == "federated-user" && name != "")
	case "quicksight": // permissions of assets name users, groups and namespaces of the service
		return of == ResourceBased && name != "" && (kind == "user" || kind == "group" || kind == "namespace")
	default:
		return false
	}
}

// isUniqueID says whether s is the unique id of a user or a role, which stands
// in a policy for one that is gone.
func isUniqueID(s string) bool {
	if len(s) < 16 || len(s) > 128 || !strings.HasPrefix(s, "AIDA") && !strings.HasPrefix(s, "AROA") {
		return false
	}
	id, _, _ := strings.Cut(s, ":")
	for i := range len(id) {
		if c := id[i]; !isDigit(c) && (c < 'A' || c > 'Z') {
			return false
		}
	}
	return true
}
