package policy

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

// The versions of the policy language.
const (
	Version2012 = "2012-10-17" // with variables
	Version2008 = "2008-10-17"
)

// Parse reads a document as a policy of a kind and compiles it. What is no
// such policy gives a *SyntaxError. Documents of the kinds Identity, Boundary,
// Session and ServiceControl have the same grammar; one that was read as one
// of them may stand in a Set of another.
func Parse(kind Kind, document string) (*Policy, error) {
	g := grammar{kind: kind, text: document}
	if len(document) > MaxDocument {
		return nil, g.fail(MaxDocument, nil, textSyntax, "a policy has at most %d bytes, this one has %d", MaxDocument, len(document))
	}
	if !utf8.ValidString(document) {
		at := 0
		for at < len(document) {
			c, n := utf8.DecodeRuneInString(document[at:])
			if c == utf8.RuneError && n == 1 {
				break
			}
			at += n
		}
		return nil, g.fail(at, nil, g.jsonText(), "the text is not UTF-8")
	}
	r := reader{text: document}
	root, err := r.document()
	if err != nil {
		if broken, ok := errors.AsType[*jsonError](err); ok {
			return nil, g.fail(broken.at, broken.path, g.jsonText(), "%s", broken.why)
		}
		return nil, err
	}
	return g.document(&root)
}

// A grammar turns the JSON of a document into a policy.
type grammar struct {
	kind      Kind
	text      string
	variables bool // of version 2012-10-17
	// counted is how far positions were counted: counting on from there makes
	// those of all statements cost one pass.
	counted position
}

// fail makes the error for a place.
func (g *grammar) fail(at int, p *path, text, format string, args ...any) error {
	e := &SyntaxError{Text: text, Detail: fmt.Sprintf(format, args...), Path: p.String()}
	e.Line, e.Column = locate(g.text, at)
	return e
}

// either gives what the service says of policies, or of trust policies.
func (g *grammar) either(text, trust string) string {
	if g.kind == Trust {
		return trust
	}
	return text
}

func (g *grammar) jsonText() string { return g.either(textSyntax, textJSON) }

func (g *grammar) document(n *node) (*Policy, error) {
	if n.kind != '{' {
		return nil, g.fail(n.at, nil, textSyntax, "a policy is an object, not %s", n.what())
	}
	p := &Policy{kind: g.kind, version: Version2008}
	var statements *node
	for i := range n.members {
		m := &n.members[i]
		at := (*path)(nil).member(m.name)
		switch m.name {
		case "Version":
			if m.value.kind != '"' || m.value.text != Version2012 && m.value.text != Version2008 {
				return nil, g.fail(m.value.at, at, g.either(textSyntax, textTrustVersion), "the version is %s or %s", Version2012, Version2008)
			}
			p.version = m.value.text
		case "Id":
			if m.value.kind != '"' {
				return nil, g.fail(m.value.at, at, textSyntax, "an id is a string, not %s", m.value.what())
			}
			p.id = m.value.text
		case "Statement":
			statements = &m.value
		default:
			return nil, g.fail(m.at, at, textSyntax, "a policy has no such element%s", g.meant(m.name, "Version", "Id", "Statement"))
		}
	}
	if statements == nil {
		return nil, g.fail(n.at, nil, g.either(textSyntax, textTrustEmpty), "the element Statement is missing")
	}
	g.variables = p.version == Version2012
	return p, g.statements(p, statements)
}

// meant adds the name that an unknown one is mistaken for.
func (g *grammar) meant(name string, known ...string) string {
	for _, k := range known {
		if strings.EqualFold(name, k) {
			return "; it is written " + k
		}
	}
	return ""
}

func (g *grammar) statements(p *Policy, n *node) error {
	at := (*path)(nil).member("Statement")
	items := n.items
	switch n.kind {
	case '{':
		items = []node{*n}
	case '[':
		if len(items) == 0 {
			return g.fail(n.at, at, g.either(textSyntax, textTrustEmpty), "there is no statement")
		}
	default:
		return g.fail(n.at, at, textSyntax, "statements are objects, not %s", n.what())
	}
	sids := make(map[string]bool)
	p.statements = make([]*statement, len(items))
	for i := range items {
		where := at
		if n.kind == '[' {
			where = at.item(i)
		}
		s, err := g.statement(&items[i], where)
		if err != nil {
			return err
		}
		if s.sid != "" && sids[s.sid] {
			return g.fail(items[i].at, where.member("Sid"), g.either(textSidUnique, textTrustSid), "another statement has the id %s too", shorten(s.sid))
		}
		sids[s.sid] = true
		s.index = i
		p.statements[i] = s
	}
	return nil
}

// A position is a place in the text and its line and column.
type position struct {
	at  int
	pos Position
}

// position counts on to a place after the one that was counted last.
func (g *grammar) position(at int) Position {
	if at < g.counted.at || g.counted.at == 0 {
		g.counted = position{pos: Position{Line: 1, Column: 1}}
	}
	for _, c := range g.text[g.counted.at:at] {
		g.counted.pos.Column++
		if c == '\n' {
			g.counted.pos.Line++
			g.counted.pos.Column = 1
		}
	}
	g.counted.at = at
	return g.counted.pos
}

// elements are those of a statement.
var elements = []string{
	"Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition",
}

func (g *grammar) statement(n *node, at *path) (*statement, error) {
	if n.kind != '{' {
		return nil, g.fail(n.at, at, textSyntax, "a statement is an object, not %s", n.what())
	}
	s := &statement{start: g.position(n.at), end: g.position(n.end)}
	has := make(map[string]*node, len(n.members))
	for i := range n.members {
		m := &n.members[i]
		if !slices.Contains(elements, m.name) {
			return nil, g.fail(m.at, at.member(m.name), textSyntax, "a statement has no such element%s", g.meant(m.name, elements...))
		}
		has[m.name] = &m.value
	}
	for _, name := range []string{"Action", "Resource", "Principal"} {
		if a, b := has[name], has["Not"+name]; a != nil && b != nil {
			return nil, g.fail(b.at, at.member("Not"+name), textSyntax, "a statement has %s or Not%[1]s, not both", name)
		}
	}
	for _, read := range []func(*statement, *node, map[string]*node, *path) error{
		g.sid, g.effect, g.principal, g.action, g.resource, g.condition,
	} {
		if err := read(s, n, has, at); err != nil {
			return nil, err
		}
	}
	return s, nil
}

func (g *grammar) sid(s *statement, _ *node, has map[string]*node, at *path) error {
	n := has["Sid"]
	if n == nil {
		return nil
	}
	if n.kind != '"' {
		return g.fail(n.at, at.member("Sid"), textSyntax, "an id is a string, not %s", n.what())
	}
	s.sid = n.text
	if g.kind == ResourceBased { // other services let their policies have spaces there
		return nil
	}
	for i := range len(s.sid) {
		if c := s.sid[i]; !isDigit(c) && !isLetter(c) {
			return g.fail(n.at, at.member("Sid"), textSidForm, "%q has other characters than letters and digits", shorten(s.sid))
		}
	}
	return nil
}

func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
func isLetter(c byte) bool { return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' }

func (g *grammar) effect(s *statement, stmt *node, has map[string]*node, at *path) error {
	n := has["Effect"]
	if n == nil {
		return g.fail(stmt.at, at, g.either(textSyntax, "Missing required field Effect"), "the element Effect is missing")
	}
	at = at.member("Effect")
	switch {
	case n.kind != '"':
		return g.fail(n.at, at, textSyntax, "an effect is Allow or Deny, not %s", n.what())
	case n.text == "Allow":
	case n.text == "Deny":
		s.deny = true
	case g.kind == Trust:
		return g.fail(n.at, at, "Invalid effect: "+shorten(n.text), "an effect is Allow or Deny")
	case strings.EqualFold(n.text, "Allow"), strings.EqualFold(n.text, "Deny"):
		return g.fail(n.at, at, textLegacy, "an effect is Allow or Deny, in these letters, not %q", n.text)
	default:
		return g.fail(n.at, at, textSyntax, "an effect is Allow or Deny, not %q", shorten(n.text))
	}
	return nil
}

// strings reads a string or an array of strings.
func (g *grammar) strings(n *node, at *path, each func(v *node, at *path) error) error {
	switch n.kind {
	case '"':
		return each(n, at)
	case '[':
		for i := range n.items {
			v := &n.items[i]
			if v.kind != '"' {
				return g.fail(v.at, at.item(i), textSyntax, "a string is expected, not %s", v.what())
			}
			if err := each(v, at.item(i)); err != nil {
				return err
			}
		}
		return nil
	default:
		return g.fail(n.at, at, textSyntax, "a string or an array of strings is expected, not %s", n.what())
	}
}

// pick gives an element or its negation.
func pick(has map[string]*node, name string) (n *node, written string, negated bool) {
	if n := has["Not"+name]; n != nil {
		return n, "Not" + name, true
	}
	return has[name], name, false
}

func (g *grammar) action(s *statement, stmt *node, has map[string]*node, at *path) error {
	n, name, negated := pick(has, "Action")
	if n == nil {
		return g.fail(stmt.at, at, g.either(textNoActions, "Missing required field Action"), "the element Action or NotAction is missing")
	}
	s.notAction = negated
	err := g.strings(n, at.member(name), func(v *node, at *path) error {
		if err := g.checkAction(v, at); err != nil {
			return err
		}
		s.actions = append(s.actions, newActionPattern(v.text))
		return nil
	})
	if err == nil && len(s.actions) == 0 {
		err = g.fail(n.at, at.member(name), g.either(textNoActions, "Missing required field Action"), "no action is named")
	}
	return err
}

func (g *grammar) checkAction(v *node, at *path) error {
	service, name, found := strings.Cut(v.text, ":")
	switch {
	case g.kind == Trust:
		if !strings.EqualFold(service, "sts") || !found || name == "" || strings.Contains(name, ":") {
			return g.fail(v.at, at, textTrustActions, "%q is no action of sts", shorten(v.text))
		}
	case v.text == "*":
		return nil
	case !found:
		return g.fail(v.at, at, textNoVendor, "%q is no action such as quicksight:DescribeUser", shorten(v.text))
	case strings.Contains(name, ":"):
		return g.fail(v.at, at, textColons, "%q has more", shorten(v.text))
	case !isService(service):
		return g.fail(v.at, at, "Vendor "+shorten(service)+" is not valid", "the prefix of a service has letters, digits, dots and hyphens, and no wildcards")
	case name == "":
		return g.fail(v.at, at, textSyntax, "%q names no action", shorten(v.text))
	}
	for _, c := range name {
		if c < ' ' || c > '~' {
			return g.fail(v.at, at, textSyntax, "names of actions are plain ASCII")
		}
	}
	return nil
}

func isService(s string) bool {
	for i := range len(s) {
		if c := s[i]; !isDigit(c) && !isLetter(c) && c != '-' && c != '.' {
			return false
		}
	}
	return s != ""
}

func (g *grammar) resource(s *statement, stmt *node, has map[string]*node, at *path) error {
	n, name, negated := pick(has, "Resource")
	if g.kind == Trust {
		if n != nil {
			return g.fail(n.at, at.member(name), textTrustResource, "a trust policy is about its own role")
		}
		s.anyResource = true
		return nil
	}
	if n == nil {
		return g.fail(stmt.at, at, textNoResources, "the element Resource or NotResource is missing")
	}
	s.notResource = negated
	err := g.strings(n, at.member(name), func(v *node, at *path) error {
		p, err := g.resourcePattern(v, at)
		s.resources = append(s.resources, p)
		s.anyResource = s.anyResource || p.any && !negated
		return err
	})
	if err == nil && len(s.resources) == 0 {
		err = g.fail(n.at, at.member(name), textNoResources, "no resource is named")
	}
	return err
}

// partitions are those that ARNs of resources may name.
var partitions = []string{"aws", "aws-cn", "aws-us-gov", "aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f", "aws-eusc"}

// iamPaths are what resources of IAM begin with.
var iamPaths = []string{
	"user/", "federated-user/", "role/", "group/", "instance-profile/", "mfa/", "server-certificate/", "policy/",
	"sms-mfa/", "saml-provider/", "oidc-provider/", "report/", "access-report/",
}

func (g *grammar) resourcePattern(v *node, at *path) (arnPattern, error) {
	none := arnPattern{}
	tokens, refs, err := tokenize(v.text, dialect{wildcards: true, variables: g.variables})
	if err != nil {
		return none, g.fail(v.at, at, textSyntax, "%v", err)
	}
	if v.text == "*" {
		return newARNPattern(v.text, tokens, refs), nil
	}
	parts, open := splitTokens(tokens)
	fields := strings.SplitN(v.text, ":", 6)
	if len(fields) < 2 || fields[0] != "arn" {
		return none, g.fail(v.at, at, `Resource `+shorten(v.text)+` must be in ARN format or "*".`, "an ARN begins with arn:")
	}
	if open {
		return none, g.fail(v.at, at, textLegacy, "variables stand after the fifth colon of an ARN only")
	}
	partition := fields[1]
	if !strings.ContainsAny(partition, "*?") && !slices.Contains(partitions, partition) {
		whole := v.text + strings.Repeat(":*", 6-len(parts))
		return none, g.fail(v.at, at, fmt.Sprintf("Partition %q is not valid for resource %q.", shorten(partition), shorten(whole)), "a partition is aws, aws-cn, aws-us-gov or another of the cloud")
	}
	if len(fields) < 3 || strings.ContainsAny(fields[2], "*?") {
		return none, g.fail(v.at, at, textVendor, "the third field of %q is no service", shorten(v.text))
	}
	if !isService(fields[2]) || len(fields) > 4 && !isAccountPattern(fields[4]) || len(fields) == 6 && fields[5] == "" {
		return none, g.fail(v.at, at, textLegacy, "%q has not the form arn:partition:service:region:account:resource", shorten(v.text))
	}
	if fields[2] == "iam" && len(fields) == 6 {
		if fields[3] != "" && fields[3] != "*" {
			return none, g.fail(v.at, at, "IAM resource "+shorten(v.text)+" cannot contain region information.", "IAM has no regions")
		}
		begin, _, wild := strings.Cut(fields[5], "*")
		if !slices.ContainsFunc(iamPaths, func(p string) bool {
			return strings.HasPrefix(begin, p) || wild && strings.HasPrefix(p, begin)
		}) {
			return none, g.fail(v.at, at, textIAMPath, "%q does not", shorten(fields[5]))
		}
	}
	return newARNPattern(v.text, tokens, refs), nil
}

// isAccountPattern says whether s can match accounts: 12 digits, the word aws,
// nothing, or something with wildcards.
func isAccountPattern(s string) bool {
	if s == "" || s == "aws" || strings.ContainsAny(s, "*?") {
		return true
	}
	return isAccount(s)
}

func isAccount(s string) bool { return len(s) == 12 && isDigits(s) }

func (g *grammar) condition(s *statement, _ *node, has map[string]*node, at *path) error {
	n := has["Condition"]
	if n == nil {
		return nil
	}
	at = at.member("Condition")
	if n.kind != '{' {
		return g.fail(n.at, at, textSyntax, "conditions are an object, not %s", n.what())
	}
	for i := range n.members {
		op := &n.members[i]
		at := at.member(op.name)
		if checkOperator(op.name) != nil {
			return g.fail(op.at, at, textSyntax, "%v", errOperator)
		}
		if op.value.kind != '{' {
			return g.fail(op.value.at, at, textSyntax, "keys and their values are an object, not %s", op.value.what())
		}
		for j := range op.value.members {
			c, err := g.comparison(op.name, &op.value.members[j], at.member(op.value.members[j].name))
			if err != nil {
				return err
			}
			s.conditions = append(s.conditions, c)
		}
	}
	return nil
}

// comparison reads a key with its values. Numbers and booleans may stand for
// themselves.
func (g *grammar) comparison(op string, m *member, at *path) (condition, error) {
	if m.name == "" {
		return condition{}, g.fail(m.at, at, textSyntax, "the condition key is empty")
	}
	items := m.value.items
	if m.value.kind != '[' {
		items = []node{m.value}
	}
	values := make([]string, len(items))
	for i := range items {
		switch items[i].kind {
		case '"', '0', 't':
			values[i] = items[i].text
		default:
			return condition{}, g.fail(items[i].at, at, textSyntax, "a value is a string, not %s", items[i].what())
		}
	}
	c, err := newCondition(op, m.name, values, g.variables)
	if err != nil {
		return c, g.fail(m.value.at, at, textLegacy, "%v", err)
	}
	return c, nil
}
