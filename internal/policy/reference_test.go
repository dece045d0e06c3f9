package policy_test

// A second evaluator, for the tests alone. It shares nothing with the engine
// but the JSON that it reads: it decodes with encoding/json, translates
// wildcards into regular expressions, looks at every statement of every policy
// every time, and takes the rules in the order in which IAM's guide gives
// them. It is slow and means to be plain.

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"
)

type refDoc struct {
	Version   string
	Statement []refStatement
}

type refStatement struct {
	Effect       string
	Principal    any
	NotPrincipal any
	Action       any
	NotAction    any
	Resource     any
	NotResource  any
	Condition    map[string]map[string]any
}

// refWho is a caller as the reference evaluator knows it.
type refWho struct {
	kind                               string // root, user, role, federated, token, anonymous
	account, arn, issuer, id, provider string
}

type refRequest struct {
	who                       refWho
	action, resource, account string
	keys                      map[string][]string
}

// refLevels are documents by level; a level that is nil does not exist.
type refLevels struct {
	identity, boundary, session []refDoc
	hasBoundary, hasSession     bool
	control                     [][]refDoc
	resource                    []refDoc
	resourceKind                string // "", resource, trust
}

// refDecide gives the outcome and the level that decided.
func refDecide(l refLevels, r refRequest) (outcome, level string) {
	ownLevels := r.who.kind == "user" || r.who.kind == "role" || r.who.kind == "federated"
	resourceLevel := "resource"
	if l.resourceKind == "trust" {
		resourceLevel = "trust"
	}

	// An explicit Deny anywhere.
	for _, docs := range l.control {
		if refAny("Deny", docs, r) {
			return "explicitDeny", "control"
		}
	}
	if refAny("Deny", l.resource, r) {
		return "explicitDeny", resourceLevel
	}
	if ownLevels {
		if refAny("Deny", l.identity, r) {
			return "explicitDeny", "identity"
		}
		if l.hasBoundary && refAny("Deny", l.boundary, r) {
			return "explicitDeny", "boundary"
		}
		if l.hasSession && refAny("Deny", l.session, r) {
			return "explicitDeny", "session"
		}
	}

	// Service control policies.
	for _, docs := range l.control {
		if !refAny("Allow", docs, r) {
			return "implicitDeny", "control"
		}
	}

	// The resource's policy: how it names the caller.
	named := map[string]bool{}
	for _, d := range l.resource {
		for _, s := range d.Statement {
			if s.Effect == "Allow" && refApplies(d, s, r) {
				for how := range refNames(s.Principal, r.who) {
					named[how] = true
				}
			}
		}
	}
	if r.who.kind == "token" || r.who.kind == "anonymous" {
		if len(named) > 0 {
			return "allowed", resourceLevel
		}
		return "implicitDeny", resourceLevel
	}
	owner := r.account
	if parts := strings.SplitN(r.resource, ":", 6); owner == "" && len(parts) == 6 && len(parts[4]) == 12 {
		owner = parts[4]
	}
	same := owner == "" || owner == r.who.account
	if same && named["self"] {
		return "allowed", resourceLevel
	}
	by := ""
	if ownLevels {
		identityNeeded := !same || !named["issuer"] && !named["everyone"]
		if refAny("Allow", l.identity, r) {
			by = "identity"
		} else if identityNeeded {
			return "implicitDeny", "identity"
		} else {
			by = resourceLevel
		}
		if l.hasBoundary && !refAny("Allow", l.boundary, r) {
			return "implicitDeny", "boundary"
		}
		if l.hasSession && !refAny("Allow", l.session, r) {
			return "implicitDeny", "session"
		}
	}
	if len(named) == 0 && (!same || l.resourceKind == "trust") {
		return "implicitDeny", resourceLevel
	}
	return "allowed", by
}

func refAny(effect string, docs []refDoc, r refRequest) bool {
	for _, d := range docs {
		for _, s := range d.Statement {
			if s.Effect == effect && refApplies(d, s, r) {
				return true
			}
		}
	}
	return false
}

func refApplies(d refDoc, s refStatement, r refRequest) bool {
	if s.Principal != nil && len(refNames(s.Principal, r.who)) == 0 {
		return false
	}
	if s.NotPrincipal != nil && refSpares(s.NotPrincipal, r.who) {
		return false
	}
	return refAction(s, r) && refResource(d, s, r) && refConditions(d, s, r)
}

func refList(v any) []string {
	switch v := v.(type) {
	case string:
		return []string{v}
	case bool:
		return []string{strconv.FormatBool(v)}
	case json.Number:
		return []string{v.String()}
	case []any:
		var list []string
		for _, x := range v {
			list = append(list, refList(x)...)
		}
		return list
	}
	return nil
}

func refAction(s refStatement, r refRequest) bool {
	list, want := refList(s.Action), true
	if s.NotAction != nil {
		list, want = refList(s.NotAction), false
	}
	for _, a := range list {
		if refGlob(strings.ToLower(a), strings.ToLower(r.action)) {
			return want
		}
	}
	return !want
}

// refGlob matches with * and ?, whatever characters they stand for.
func refGlob(pattern, text string) bool {
	var b strings.Builder
	for _, c := range pattern {
		switch c {
		case '*':
			b.WriteString("(?s:.*)")
		case '?':
			b.WriteString("(?s:.)")
		default:
			b.WriteString(regexp.QuoteMeta(string(c)))
		}
	}
	return regexp.MustCompile("^" + b.String() + "$").MatchString(text)
}

var refVariable = regexp.MustCompile(`\$\{([^},]*?) *(?:, *'([^']*)' *)?\}`)

// refExpand replaces variables. What it puts in is escaped with a backslash
// before each character that would be a wildcard, and so is all else.
func refExpand(d refDoc, text string, r refRequest) (expanded []refRune, ok bool) {
	ok = true
	if d.Version != "2012-10-17" {
		return refRunes(text, true), true
	}
	at := 0
	for _, m := range refVariable.FindAllStringSubmatchIndex(text, -1) {
		expanded = append(expanded, refRunes(text[at:m[0]], true)...)
		at = m[1]
		name := text[m[2]:m[3]]
		if name == "*" || name == "?" || name == "$" {
			expanded = append(expanded, refRunes(name, false)...)
			continue
		}
		values := r.keys[strings.ToLower(name)]
		switch {
		case len(values) == 1 && strings.ToLower(name) != "aws:tagkeys":
			expanded = append(expanded, refRunes(values[0], false)...)
		case (len(values) == 0 || strings.ToLower(name) == "aws:tagkeys") && m[4] >= 0:
			expanded = append(expanded, refRunes(text[m[4]:m[5]], false)...)
		default:
			ok = false
		}
	}
	return append(expanded, refRunes(text[at:], true)...), ok
}

type refRune struct {
	r    rune
	wild bool // * and ? of the policy itself
}

func refRunes(s string, wild bool) (list []refRune) {
	for _, c := range s {
		list = append(list, refRune{c, wild && (c == '*' || c == '?')})
	}
	return list
}

func refMatch(pattern []refRune, text string) bool {
	var b strings.Builder
	for _, c := range pattern {
		switch {
		case c.wild && c.r == '*':
			b.WriteString("(?s:.*)")
		case c.wild:
			b.WriteString("(?s:.)")
		default:
			b.WriteString(regexp.QuoteMeta(string(c.r)))
		}
	}
	return regexp.MustCompile("^" + b.String() + "$").MatchString(text)
}

func refText(list []refRune) string {
	var b strings.Builder
	for _, c := range list {
		b.WriteRune(c.r)
	}
	return b.String()
}

// refARN matches field by field; a pattern with too few fields goes on with *.
func refARN(pattern []refRune, text string) bool {
	if refText(pattern) == "*" && pattern[0].wild {
		return true
	}
	var fields [][]refRune
	var field []refRune
	for _, c := range pattern {
		if c.r == ':' && len(fields) < 5 {
			fields = append(fields, field)
			field = nil
			continue
		}
		field = append(field, c)
	}
	fields = append(fields, field)
	parts := strings.SplitN(text, ":", 6)
	if len(parts) != 6 {
		return false
	}
	for i, part := range parts {
		if i < len(fields) && !refMatch(fields[i], part) {
			return false
		}
	}
	return true
}

func refResource(d refDoc, s refStatement, r refRequest) bool {
	if s.Resource == nil && s.NotResource == nil {
		return true
	}
	if s.Resource != nil {
		for _, p := range refList(s.Resource) {
			if expanded, ok := refExpand(d, p, r); ok && refARN(expanded, r.resource) {
				return true
			}
		}
		return false
	}
	for _, p := range refList(s.NotResource) {
		expanded, ok := refExpand(d, p, r)
		if ok && refARN(expanded, r.resource) {
			return false
		}
	}
	for _, p := range refList(s.NotResource) {
		if _, ok := refExpand(d, p, r); !ok && s.Effect == "Allow" {
			return false
		}
	}
	return true
}

func refConditions(d refDoc, s refStatement, r refRequest) bool {
	for op, keys := range s.Condition {
		for key, want := range keys {
			met, known := refCondition(d, op, key, refList(want), r)
			if !known {
				met = s.Effect == "Deny"
			}
			if !met {
				return false
			}
		}
	}
	return true
}

// refCondition is not known when a value of the request is not of the
// operator's type and no other value settles it.
func refCondition(d refDoc, op, key string, want []string, r refRequest) (met, known bool) {
	got := r.keys[strings.ToLower(key)]
	empty := strings.Join(got, "") == ""
	if op == "Null" {
		for _, w := range want {
			if strings.EqualFold(w, strconv.FormatBool(empty)) {
				return true, true
			}
		}
		return false, true
	}
	quantifier, rest, found := strings.Cut(op, ":")
	if !found {
		quantifier, rest = "", op
	}
	name, ifExists := strings.CutSuffix(rest, "IfExists")
	negated := strings.Contains(name, "Not")
	if len(got) == 0 && ifExists {
		return true, true
	}
	switch {
	case quantifier == "ForAllValues" && empty:
		return true, true
	case quantifier == "ForAnyValue" && empty:
		return false, true
	case len(got) == 0:
		return negated, true
	}
	yes, no, odd := 0, 0, 0
	for _, v := range got {
		hit, ok := refCompare(d, name, v, want, r)
		switch {
		case !ok:
			odd++
		case hit != negated:
			yes++
		default:
			no++
		}
	}
	all := quantifier == "ForAllValues" || quantifier == "" && negated
	if all {
		return no == 0, no > 0 || odd == 0
	}
	return yes > 0, yes > 0 || odd == 0
}

// refCompare says whether one value is equal to, like, or as wanted to any of
// the policy's; the word Not in the operator is not looked at.
func refCompare(d refDoc, op, got string, want []string, r refRequest) (hit, ok bool) {
	op = strings.Replace(op, "Not", "", 1)
	for _, w := range want {
		var one bool
		switch {
		case op == "StringEquals", op == "StringEqualsIgnoreCase":
			expanded, resolved := refExpand(d, w, r)
			text := refText(expanded)
			one = resolved && (text == got || op == "StringEqualsIgnoreCase" && strings.EqualFold(text, got))
		case op == "StringLike":
			expanded, resolved := refExpand(d, w, r)
			one = resolved && refMatch(expanded, got)
		case op == "ArnEquals", op == "ArnLike":
			expanded, resolved := refExpand(d, w, r)
			one = resolved && refARN(expanded, got)
		case strings.HasPrefix(op, "Numeric"):
			a, okA := new(big.Rat).SetString(got)
			b, _ := new(big.Rat).SetString(w)
			if !okA {
				return false, false
			}
			one = refOrder(strings.TrimPrefix(op, "Numeric"), a.Cmp(b))
		case strings.HasPrefix(op, "Date"):
			a, okA := refDate(got)
			b, _ := refDate(w)
			if !okA {
				return false, false
			}
			one = refOrder(strings.TrimPrefix(op, "Date"), a.Compare(b))
		case op == "Bool":
			if !strings.EqualFold(got, "true") && !strings.EqualFold(got, "false") {
				return false, false
			}
			one = strings.EqualFold(got, w)
		case op == "BinaryEquals":
			a, errA := base64.StdEncoding.DecodeString(got)
			b, _ := base64.StdEncoding.DecodeString(w)
			if errA != nil {
				return false, false
			}
			one = bytes.Equal(a, b)
		case op == "IpAddress":
			ip := net.ParseIP(got)
			if ip == nil {
				return false, false
			}
			if _, network, err := net.ParseCIDR(w); err == nil {
				one = network.Contains(ip)
			} else {
				one = net.ParseIP(w).Equal(ip)
			}
		}
		hit = hit || one
	}
	// What no policy value was compared with has not shown its type.
	switch {
	case strings.HasPrefix(op, "Arn"):
		if parts := strings.SplitN(got, ":", 6); len(parts) != 6 || parts[0] != "arn" {
			return false, false
		}
	case len(want) == 0:
		return false, refTyped(op, got)
	}
	return hit, true
}

func refTyped(op, got string) bool {
	switch {
	case strings.HasPrefix(op, "Numeric"):
		_, ok := new(big.Rat).SetString(got)
		return ok
	case strings.HasPrefix(op, "Date"):
		_, ok := refDate(got)
		return ok
	case op == "Bool":
		return strings.EqualFold(got, "true") || strings.EqualFold(got, "false")
	case op == "BinaryEquals":
		_, err := base64.StdEncoding.DecodeString(got)
		return err == nil
	case op == "IpAddress":
		return net.ParseIP(got) != nil
	}
	return true
}

func refOrder(name string, cmp int) bool {
	switch name {
	case "LessThan":
		return cmp < 0
	case "LessThanEquals":
		return cmp <= 0
	case "GreaterThan":
		return cmp > 0
	case "GreaterThanEquals":
		return cmp >= 0
	}
	return cmp == 0
}

func refDate(s string) (time.Time, bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && len(s) != 4 {
		return time.Unix(n, 0), true
	}
	for _, form := range []string{"2006", "2006-01", "2006-01-02", "2006-01-02T15:04Z07:00", time.RFC3339Nano} {
		if t, err := time.Parse(form, s); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// refNames says in which ways a Principal element names the caller: self,
// issuer, everyone, account.
func refNames(principal any, who refWho) map[string]bool {
	how := map[string]bool{}
	person := who.kind != "token"
	switch p := principal.(type) {
	case string:
		if p == "*" && person {
			how["everyone"] = true
		}
	case map[string]any:
		for _, name := range refList(p["AWS"]) {
			id, _, _ := strings.Cut(who.id, ":")
			switch {
			case !person:
			case name == "*":
				how["everyone"] = true
			case who.kind == "anonymous":
			case name == who.account, strings.HasSuffix(name, "::"+who.account+":root"):
				how["account"] = true
			case name == who.arn:
				how["self"] = true
			case name == who.issuer:
				how["issuer"] = true
			case name == who.id && (who.kind == "user" || who.kind == "role"):
				how["self"] = true
			case name == id && who.kind == "role":
				how["issuer"] = true
			}
		}
		for _, name := range refList(p["Federated"]) {
			if who.kind == "token" && name == who.provider {
				how["self"] = true
			}
		}
	}
	return how
}

// refSpares says whether a NotPrincipal element lists all that the caller is.
func refSpares(principal any, who refWho) bool {
	how := refNames(principal, who)
	if how["everyone"] {
		return true
	}
	switch who.kind {
	case "root":
		return how["account"]
	case "user":
		return how["account"] && how["self"]
	case "role":
		return how["account"] && how["self"] && how["issuer"]
	case "federated":
		return how["account"] && how["self"]
	}
	return how["self"]
}
