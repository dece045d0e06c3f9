package policy_test

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"onsight/internal/policy"
)

// The vocabulary is small, so that what is drawn meets often.
var (
	somActions = []string{
		"quicksight:DescribeUser", "quicksight:DeleteUser", "quicksight:DescribeGroup", "QuickSight:describeuser",
		"quicksight:Describe*", "quicksight:*User", "quicksight:D?l*", "quicksight:*", "iam:PassRole", "iam:*", "*", "sts:AssumeRole",
	}
	somRequests  = []string{"quicksight:DescribeUser", "quicksight:DeleteUser", "quicksight:DescribeGroup", "iam:PassRole", "sts:AssumeRole", "Quicksight:deleteuser"}
	somResources = []string{
		"*", "arn:aws:quicksight:us-east-1:111122223333:user/default/ana", "arn:aws:quicksight:us-east-1:111122223333:user/*",
		"arn:aws:quicksight:*:111122223333:user/default/*", "arn:aws:quicksight:*:*:*", "arn:aws:quicksight:us-*-1:*:user/*/ana",
		"arn:aws:quicksight:us-east-1:111122223333:user/default/${aws:username}", "arn:aws:quicksight:*:*:user/${aws:PrincipalTag/team, 'default'}/*",
		"arn:aws:quicksight:*", "arn:aws:quicksight:us-east-1:111122223333:u?er/default/b?",
		"arn:aws:quicksight:us-east-1:111122223333:*/${aws:username}*", "arn:aws:quicksight:us-east-1:111122223333:user/default/${*}",
		"arn:aws:iam::111122223333:role/reader", "arn:aws:iam::*:role/*",
	}
	somTargets = []string{
		"*", "arn:aws:quicksight:us-east-1:111122223333:user/default/ana", "arn:aws:quicksight:us-east-1:111122223333:user/default/bo",
		"arn:aws:quicksight:us-west-1:444455556666:user/default/ana", "arn:aws:quicksight:us-east-1:111122223333:user/default/*",
		"arn:aws:quicksight:us-east-1:111122223333:user/team/ana:x/ana", "arn:aws:iam::111122223333:role/reader", "arn:aws:quicksight:us-east-1:111122223333:user/default/bé",
	}
	somKeys = []string{
		"aws:username", "AWS:UserName", "aws:PrincipalTag/team", "aws:TagKeys", "aws:SourceIp", "aws:CurrentTime", "aws:MultiFactorAuthPresent",
		"aws:MultiFactorAuthAge", "quicksight:IamArn", "quicksight:Data",
	}
	somStrings = []string{"ana", "bo", "Ana", "a*", "?o", "", "team", "${aws:username}", "x-${aws:PrincipalTag/team, 'none'}", "${*}", "*", "default", "a${?}b"}
	somNumbers = []string{"0", "3600", "-1", "3600.0", "0.5", "10", "99999999999999999999"}
	somDates   = []string{"2026-01-31T12:00:00Z", "2026-01-31T13:00:00+01:00", "2026-02", "2026-01-31T12:00:00.5Z", "1769860800", "2026", "2025-12-31"}
	somBools   = []string{"true", "false", "True"}
	somBlobs   = []string{"", "AAE=", "AAEC"}
	somIPs     = []string{"203.0.113.0/24", "203.0.113.7", "2001:db8::/32", "10.0.0.0/8", "2001:db8::1", "0.0.0.0/0"}
	somARNs    = []string{
		"arn:aws:iam::111122223333:role/reader", "arn:aws:iam::*:role/*", "arn:aws:iam::111122223333:*", "*",
		"arn:aws:iam::111122223333:user/${aws:username}", "${quicksight:IamArn}", "arn:*:i?m::111122223333:role/r*",
	}
	somPrincipals = []string{
		"*", "111122223333", "arn:aws:iam::111122223333:root", "arn:aws:iam::444455556666:root", "arn:aws:iam::111122223333:user/ana",
		"arn:aws:iam::111122223333:role/reader", "arn:aws:sts::111122223333:assumed-role/reader/ana", "AROAREADERREADER",
		"AIDAANAANAANAANA", "AROAREADERREADER:ana", "arn:aws:sts::111122223333:federated-user/guest",
	}
	somProviders = []string{"arn:aws:iam::111122223333:oidc-provider/id.example.org", "accounts.google.com"}
)

var somOperands = map[string][]string{
	"String": somStrings, "Numeric": somNumbers, "Date": somDates, "Bool": somBools, "Binary": somBlobs, "Ip": somIPs, "NotIp": somIPs, "Arn": somARNs, "Null": {"true", "false"},
}

var somOperators = []string{
	"StringEquals", "StringNotEquals", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase", "StringLike", "StringNotLike",
	"NumericEquals", "NumericNotEquals", "NumericLessThan", "NumericLessThanEquals", "NumericGreaterThan", "NumericGreaterThanEquals",
	"DateEquals", "DateNotEquals", "DateLessThan", "DateLessThanEquals", "DateGreaterThan", "DateGreaterThanEquals",
	"Bool", "BinaryEquals", "IpAddress", "NotIpAddress", "ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike", "Null",
}

func oneOf(t *rapid.T, label string, list []string) string {
	return rapid.SampledFrom(list).Draw(t, label)
}

// oneOrMore draws a scalar or a list.
func oneOrMore(t *rapid.T, label string, list []string) any {
	some := rapid.SliceOfN(rapid.SampledFrom(list), 1, 3).Draw(t, label)
	if len(some) == 1 && rapid.Bool().Draw(t, label+" alone") {
		return some[0]
	}
	return some
}

func rarely(t *rapid.T, label string) bool { return rapid.IntRange(0, 3).Draw(t, label) == 0 }

// aDocument draws a document of a kind.
func aDocument(t *rapid.T, kind policy.Kind) string {
	doc := map[string]any{}
	switch rapid.IntRange(0, 9).Draw(t, "version") {
	case 0:
		doc["Version"] = "2008-10-17"
	case 1:
	default:
		doc["Version"] = "2012-10-17"
	}
	var statements []any
	for range rapid.IntRange(1, 4).Draw(t, "statements") {
		statements = append(statements, aStatement(t, kind))
	}
	doc["Statement"] = statements
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}
	if doc["Version"] != "2012-10-17" { // the variable is then no more than text, and no ARN
		return strings.ReplaceAll(string(text), `"${quicksight:IamArn}"`, `"arn:aws:iam:::${quicksight:IamArn}"`)
	}
	return string(text)
}

func aStatement(t *rapid.T, kind policy.Kind) map[string]any {
	s := map[string]any{"Effect": "Allow"}
	if rarely(t, "deny") {
		s["Effect"] = "Deny"
	}
	trust := kind == policy.Trust
	if trust {
		s["Action"] = oneOrMore(t, "action", []string{"sts:AssumeRole", "sts:*", "sts:Assume*", "sts:TagSession", "STS:assumerole"})
	} else {
		s[not(t, "Action")] = oneOrMore(t, "action", somActions)
		s[not(t, "Resource")] = oneOrMore(t, "resource", somResources)
	}
	if trust || kind == policy.ResourceBased {
		name := "Principal"
		if !trust && s["Effect"] == "Deny" && rarely(t, "NotPrincipal") {
			name = "NotPrincipal"
		}
		switch rapid.IntRange(0, 5).Draw(t, "principal") {
		case 0:
			s[name] = "*"
		case 1:
			s[name] = map[string]any{"Federated": oneOrMore(t, "provider", somProviders)}
		case 2:
			s[name] = map[string]any{"AWS": oneOrMore(t, "principals", somPrincipals), "Federated": somProviders[0]}
		default:
			s[name] = map[string]any{"AWS": oneOrMore(t, "principals", somPrincipals)}
		}
	}
	if rapid.Bool().Draw(t, "conditions") {
		block := map[string]any{}
		for range rapid.IntRange(1, 2).Draw(t, "operators") {
			op := oneOf(t, "operator", somOperators)
			values := []string{}
			for prefix, list := range somOperands {
				if strings.HasPrefix(op, prefix) {
					values = list
				}
			}
			if op != "Null" {
				op = oneOf(t, "quantifier", []string{"", "", "", "ForAllValues:", "ForAnyValue:"}) + op + oneOf(t, "suffix", []string{"", "", "IfExists"})
			}
			keys := map[string]any{}
			for range rapid.IntRange(1, 2).Draw(t, "keys") {
				key := oneOf(t, "key", somKeys)
				keys[key] = oneOrMore(t, "values", values)
				if rapid.IntRange(0, 19).Draw(t, "no values") == 0 {
					keys[key] = []string{}
				}
			}
			block[op] = keys
		}
		s["Condition"] = block
	}
	return s
}

func not(t *rapid.T, name string) string {
	if rarely(t, "Not"+name) {
		return "Not" + name
	}
	return name
}

// someKeys draws the condition keys of a request.
func someKeys(t *rapid.T) map[string][]string {
	values := slices.Concat(somStrings[:8], somNumbers[:3], somDates[:3], somBools[:2], somBlobs[1:], []string{"203.0.113.7", "::ffff:203.0.113.9", "2001:db8::5", "192.0.2.1"},
		[]string{"arn:aws:iam::111122223333:role/reader", "arn:aws:iam::111122223333:user/ana", "no:arn"})
	keys := map[string][]string{}
	for _, key := range somKeys {
		key = strings.ToLower(key)
		switch rapid.IntRange(0, 5).Draw(t, key) {
		case 0:
		case 1:
			keys[key] = rapid.SliceOfN(rapid.SampledFrom(values), 2, 3).Draw(t, key+" values")
		default:
			keys[key] = []string{oneOf(t, key+" value", values)}
		}
	}
	return keys
}

var somCallers = map[string]policy.Principal{
	"root":      {Type: policy.Root, Account: "111122223333", ARN: "arn:aws:iam::111122223333:root", UserID: "111122223333"},
	"user":      {Type: policy.User, Account: "111122223333", ARN: "arn:aws:iam::111122223333:user/ana", UserID: "AIDAANAANAANAANA", UserName: "ana"},
	"role":      {Type: policy.RoleSession, Account: "111122223333", ARN: "arn:aws:sts::111122223333:assumed-role/reader/ana", Issuer: "arn:aws:iam::111122223333:role/reader", UserID: "AROAREADERREADER:ana"},
	"federated": {Type: policy.FederatedUser, Account: "111122223333", ARN: "arn:aws:sts::111122223333:federated-user/guest", Issuer: "arn:aws:iam::111122223333:user/ana", UserID: "111122223333:guest"},
	"token":     {Type: policy.Federated, Provider: "arn:aws:iam::111122223333:oidc-provider/id.example.org"},
	"anonymous": {Type: policy.Anonymous},
}

var levelNames = map[policy.Kind]string{
	policy.Identity: "identity", policy.Boundary: "boundary", policy.Session: "session",
	policy.ServiceControl: "control", policy.ResourceBased: "resource", policy.Trust: "trust", 0: "",
}

// TestDecideAgreesWithTheReference draws policies and a request, and asks the
// engine and the plain evaluator.
func TestDecideAgreesWithTheReference(t *testing.T) {
	t.Parallel()
	for part := range 20 { // a hundred requests each
		t.Run(fmt.Sprint(part), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, compareDecisions)
		})
	}
}

// compareDecisions draws one request.
func compareDecisions(t *rapid.T) {
	var said []string
	// level draws the documents of a level, for both evaluators.
	level := func(kind policy.Kind, most int) (*policy.Set, []refDoc) {
		var attached []policy.Attached
		var docs []refDoc
		for i := range rapid.IntRange(0, most).Draw(t, kind.String()) {
			text := aDocument(t, kind)
			said = append(said, kind.String()+" "+text)
			p, err := policy.Parse(kind, text)
			if err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			attached = append(attached, policy.Attached{ID: fmt.Sprint(i), Policy: p})
			var d refDoc
			decoder := json.NewDecoder(strings.NewReader(text))
			decoder.UseNumber()
			if err := decoder.Decode(&d); err != nil {
				t.Fatal(err)
			}
			docs = append(docs, d)
		}
		return policy.NewSet(kind, attached...), docs
	}

	caller := oneOf(t, "caller", []string{"root", "user", "user", "role", "role", "federated", "token", "anonymous"})
	p := somCallers[caller]
	keys := someKeys(t)
	r := policy.Request{
		Action: policy.NewAction(oneOf(t, "request", somRequests)), Resource: oneOf(t, "target", somTargets),
		Account: oneOf(t, "account", []string{"", "111122223333", "444455556666"}), Context: policy.Keys(keys),
	}
	subject := policy.Subject{Principal: p}
	var levels refLevels
	subject.Identity, levels.identity = level(policy.Identity, 3)
	if rapid.Bool().Draw(t, "boundary") {
		subject.Boundary, levels.boundary = level(policy.Boundary, 1)
		levels.hasBoundary = true
	}
	if rapid.Bool().Draw(t, "session") {
		subject.Session, levels.session = level(policy.Session, 2)
		levels.hasSession = true
	}
	if rarely(t, "control") {
		set, docs := level(policy.ServiceControl, 2)
		subject.Control, levels.control = []*policy.Set{set}, [][]refDoc{docs}
	}
	switch oneOf(t, "policy of the resource", []string{"", "resource", "trust"}) {
	case "resource":
		r.Policy, levels.resource = level(policy.ResourceBased, 2)
		levels.resourceKind = "resource"
	case "trust":
		r.Policy, levels.resource = level(policy.Trust, 1)
		levels.resourceKind = "trust"
	}

	got := subject.Decide(&r)
	outcome, by := refDecide(levels, refRequest{
		who:    refWho{kind: caller, account: p.Account, arn: p.ARN, issuer: p.Issuer, id: p.UserID, provider: p.Provider},
		action: r.Action.String(), resource: r.Resource, account: r.Account, keys: keys,
	})
	if got.Outcome.String() != outcome || levelNames[got.Kind] != by {
		t.Fatalf("%s does %s on %s of %q with %q:\ngot %s by %q, want %s by %q\n%s", caller, r.Action, r.Resource, r.Account, keys,
			got.Outcome, levelNames[got.Kind], outcome, by, strings.Join(said, "\n"))
	}
	agrees(t, &subject, &r, got)
}

// agrees checks that the other answers of the engine fit the decision.
func agrees(t *rapid.T, s *policy.Subject, r *policy.Request, d policy.Decision) {
	x := s.Explain(r)
	if x.Decision != d {
		t.Fatalf("Explain decides %+v, Decide %+v", x.Decision, d)
	}
	if d.Statement >= 0 && d.Outcome != policy.ImplicitDeny {
		i := slices.IndexFunc(x.Statements, func(f policy.Finding) bool {
			return f.Kind == d.Kind && f.Policy == d.Policy && f.Statement == d.Statement
		})
		if i < 0 || !x.Statements[i].Applies() {
			t.Fatalf("statement %d of policy %s decided, and does not apply: %+v", d.Statement, d.Policy, x.Statements)
		}
	}
	if d.Outcome == policy.ImplicitDeny && x.Missing == "" {
		t.Fatal("what is missing is not said")
	}
	if sim := s.Simulate(r); sim.Decision != d {
		t.Fatalf("Simulate decides %+v, Decide %+v", sim.Decision, d)
	}
	if d.Allowed() && r.Policy == nil && !s.Reach(r.Action).Possible {
		t.Fatalf("%s is allowed, and Reach says that it cannot be", r.Action)
	}
	if !d.Allowed() && r.Policy == nil && s.Reach(r.Action).Everywhere && (r.Account == s.Principal.Account) && s.Principal.Type != policy.Federated && s.Principal.Type != policy.Anonymous {
		t.Fatalf("%s is denied, and Reach says that it is allowed on everything", r.Action)
	}
}
