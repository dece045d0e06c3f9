package policy

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// An Explanation is a decision with all that led to it.
type Explanation struct {
	Decision Decision
	// Levels are the levels that exist, in the order in which they count.
	Levels []Level
	// Statements are those that apply, then those that do not, the nearest
	// first.
	Statements []Finding
	// Missing says in a sentence what would have to change for the request to
	// be allowed. It is empty when it is.
	Missing string
}

// A Level is what the policies of one kind say of a request.
type Level struct {
	Kind Kind
	// Outcome is what they come to alone.
	Outcome Outcome
}

// A Finding is what one statement says of a request.
type Finding struct {
	Kind Kind
	// Policy, Type, Statement and Sid are as in Decision.
	Policy, Type string
	Statement    int
	Sid          string
	// Effect is Allow or Deny.
	Effect string
	// Misses are the elements that keep the statement from applying. One
	// without any applies.
	Misses []Miss
}

// Applies says whether the statement speaks about the request.
func (f Finding) Applies() bool { return len(f.Misses) == 0 }

// A Miss is an element of a statement that does not fit a request.
type Miss struct {
	// Element is Action, NotAction, Resource, NotResource, Principal,
	// NotPrincipal or Condition.
	Element string
	// Operator and Key are those of a Condition.
	Operator, Key string
	// Want is what the statement has, Got what the request has; Got is empty
	// where a condition key is absent.
	Want, Got []string
}

// String says what does not fit, in a few words.
func (m Miss) String() string {
	got := strings.Join(m.Got, ", ")
	if got == "" {
		got = "nothing"
	}
	if m.Element == "Condition" {
		return fmt.Sprintf("%s of %s wants %s, and the request has %s", m.Operator, m.Key, strings.Join(m.Want, ", "), got)
	}
	return fmt.Sprintf("%s is %s, and the request has %s", m.Element, strings.Join(m.Want, ", "), got)
}

// Explain decides as Decide does, and says why. It looks at every statement
// of every policy.
func (s *Subject) Explain(r *Request) Explanation {
	q := query{action: &r.Action, resource: arnText{text: r.Resource}, ctx: r.Context, who: &s.Principal}
	x := Explanation{Decision: s.Decide(r)}
	for _, set := range s.levels(r) {
		level := Level{Kind: set.kind}
		switch {
		case set.deny.first(&q) != nil:
			level.Outcome = ExplicitDeny
		case set.allow.first(&q) != nil:
			level.Outcome = Allowed
		}
		x.Levels = append(x.Levels, level)
		for i := range set.policies {
			a := &set.policies[i]
			for _, stmt := range a.Policy.statements {
				x.Statements = append(x.Statements, Finding{
					Kind: set.kind, Policy: a.ID, Type: a.Type, Statement: stmt.index, Sid: stmt.sid, Effect: stmt.effect(),
					Misses: stmt.misses(&q),
				})
			}
		}
	}
	slices.SortStableFunc(x.Statements, func(a, b Finding) int { return cmp.Compare(a.distance(), b.distance()) })
	x.Missing = missing(x.Decision, r)
	return x
}

// levels are the sets that a request is put to.
func (s *Subject) levels(r *Request) []*Set {
	sets := slices.Clone(s.Control)
	if r.Policy != nil {
		sets = append(sets, r.Policy)
	}
	if s.Principal.Type == Root || !s.Principal.hasIdentity() {
		return sets
	}
	for _, set := range []*Set{s.Identity, s.Boundary, s.Session} {
		if set != nil {
			sets = append(sets, set)
		}
	}
	return sets
}

// distance orders findings: an action that does not fit is further away than
// anything else.
func (f *Finding) distance() int {
	d := 0
	for _, m := range f.Misses {
		switch m.Element {
		case "Action", "NotAction":
			d += 1000
		case "Condition":
			d++
		default:
			d += 10
		}
	}
	return d
}

// misses lists the elements of a statement that do not fit.
func (s *statement) misses(q *query) (list []Miss) {
	if !s.hasAction(q.action) {
		m := Miss{Element: not(s.notAction) + "Action", Got: []string{q.action.name}}
		for i := range s.actions {
			m.Want = append(m.Want, s.actions[i].text)
		}
		list = append(list, m)
	}
	if s.principals != nil && s.principalNamed(q.who) == unnamed {
		m := Miss{Element: not(s.notPrincipal) + "Principal", Got: []string{cmp.Or(q.who.ARN, q.who.Provider, "nobody known")}}
		for _, p := range s.principals.written {
			m.Want = append(m.Want, p.Value)
		}
		list = append(list, m)
	}
	if !s.anyResource && !s.hasResource(q) {
		m := Miss{Element: not(s.notResource) + "Resource", Got: []string{q.resource.text}}
		for i := range s.resources {
			m.Want = append(m.Want, s.resources[i].text)
		}
		list = append(list, m)
	}
	for i := range s.conditions {
		c := &s.conditions[i]
		if v := c.holds(q.ctx); v == yes || v == bad && s.deny {
			continue
		}
		m := Miss{Element: "Condition", Operator: c.operator, Key: c.name, Want: c.values}
		if q.ctx != nil {
			m.Got = slices.Clone(q.ctx.Values(c.key))
		}
		list = append(list, m)
	}
	return list
}

func not(negated bool) string {
	if negated {
		return "Not"
	}
	return ""
}

// missing says what a denied request lacks.
func missing(d Decision, r *Request) string {
	switch d.Outcome {
	case Allowed:
		return ""
	case ExplicitDeny:
		return fmt.Sprintf("Statement %s of %s denies it; no Allow can outweigh that.", statementName(d), cmp.Or(d.Policy, "a "+d.Kind.String()))
	default:
		article := "A"
		if d.Kind == Identity {
			article = "An"
		}
		return fmt.Sprintf("%s %s must allow %s on %s.", article, d.Kind, r.Action, r.Resource)
	}
}

func statementName(d Decision) string {
	if d.Sid != "" {
		return d.Sid
	}
	return fmt.Sprint(d.Statement)
}
