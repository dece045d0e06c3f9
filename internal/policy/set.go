package policy

import (
	"slices"
	"strings"
)

// Attached is a policy with what it is called where it is attached.
type Attached struct {
	// ID names the policy in decisions: its ARN, or the name of an inline
	// policy. It is given back as it is.
	ID string
	// Type is where the policy is from, in the words of
	// iam:SimulatePrincipalPolicy: user, group, role, aws-managed,
	// user-managed, resource. It is given back as it is.
	Type   string
	Policy *Policy
}

// A Set is the policies that apply together at one level, indexed by what
// their statements are about. A statement of any of them counts. It may be
// shared: principals with the same policies need only one.
type Set struct {
	kind        Kind
	policies    []Attached
	deny, allow index
}

// An index finds the statements that can be about an action.
type index struct {
	exact   map[string][]entry // by the whole name of an action
	service map[string][]entry // by service, of patterns with wildcards
	rest    []entry            // those with * or NotAction
}

// An entry is a statement of an index, in the order of the policies and their
// statements.
type entry struct {
	stmt   *statement
	globs  []pattern // those of which one must match; none needs to when empty
	policy int32     // its place in the set
	order  int32     // of all statements of the set
}

// NewSet joins policies that apply at one level. The kind is the level's:
// a policy that was read as Identity may serve as a Boundary. Nil policies
// are passed over. A Set without policies allows nothing.
func NewSet(kind Kind, policies ...Attached) *Set {
	s := &Set{kind: kind}
	order := int32(0)
	for _, a := range policies {
		if a.Policy == nil {
			continue
		}
		for _, stmt := range a.Policy.statements {
			x := &s.allow
			if stmt.deny {
				x = &s.deny
			}
			x.add(entry{stmt: stmt, policy: int32(len(s.policies)), order: order})
			order++
		}
		s.policies = append(s.policies, a)
	}
	return s
}

// Kind is the level that the set is for.
func (s *Set) Kind() Kind { return s.kind }

// Policies gives the policies of the set, in their order.
func (s *Set) Policies() []Attached { return slices.Clone(s.policies) }

func (x *index) add(e entry) {
	if e.stmt.notAction {
		x.rest = append(x.rest, e)
		return
	}
	var services []string // those with wildcards, in their order
	globs := make(map[string][]pattern)
	for i := range e.stmt.actions {
		a := &e.stmt.actions[i]
		switch {
		case a.service == "":
			x.rest = append(x.rest, e)
			return
		case a.exact != "":
		default:
			if globs[a.service] == nil {
				services = append(services, a.service)
			}
			globs[a.service] = append(globs[a.service], a.glob)
		}
	}
	for _, service := range services {
		if x.service == nil {
			x.service = make(map[string][]entry)
		}
		wide := e
		wide.globs = globs[service]
		x.service[service] = append(x.service[service], wide)
	}
	for i := range e.stmt.actions {
		a := &e.stmt.actions[i]
		if a.exact == "" {
			continue
		}
		if x.exact == nil {
			x.exact = make(map[string][]entry)
		}
		list := x.exact[a.exact]
		if n := len(list); n == 0 || list[n-1].order != e.order {
			x.exact[a.exact] = append(list, e)
		}
	}
}

// A cursor walks over the statements that are about an action, in order.
type cursor struct {
	action               *Action
	exact, service, rest []entry
	last                 int32
}

func (x *index) about(a *Action) cursor {
	c := cursor{action: a, rest: x.rest, last: -1}
	if x.exact != nil {
		c.exact = x.exact[a.lower]
	}
	if x.service != nil {
		c.service = x.service[a.service]
	}
	return c
}

// next gives the next statement, or nil.
func (c *cursor) next() *entry {
	for {
		from := &c.exact
		for _, list := range [...]*[]entry{&c.service, &c.rest} {
			if len(*list) > 0 && (len(*from) == 0 || (*list)[0].order < (*from)[0].order) {
				from = list
			}
		}
		if len(*from) == 0 {
			return nil
		}
		e := &(*from)[0]
		*from = (*from)[1:]
		if e.order == c.last || !e.fits(c.action) {
			continue
		}
		c.last = e.order
		return e
	}
}

// fits says whether an entry that was found by service, or under rest, is
// about the action.
func (e *entry) fits(a *Action) bool {
	if e.stmt.notAction {
		return e.stmt.hasAction(a)
	}
	for i := range e.globs {
		if ok, _ := e.globs[i].match(a.lower, nil); ok {
			return true
		}
	}
	return len(e.globs) == 0
}

// first gives the first statement that applies.
func (x *index) first(q *query) *entry {
	c := x.about(q.action)
	for e := c.next(); e != nil; e = c.next() {
		if _, ok := e.stmt.applies(q); ok {
			return e
		}
	}
	return nil
}

// closest gives the statement that applies and names the principal most
// closely.
func (x *index) closest(q *query) (best *entry, how naming) {
	c := x.about(q.action)
	for e := c.next(); e != nil; e = c.next() {
		if named, ok := e.stmt.applies(q); ok && named > how {
			best, how = e, named
		}
	}
	return best, how
}

// ContextKeys lists the condition keys that policies ask for, in conditions
// and as variables, each as it was first written, in alphabetical order
// (iam:GetContextKeysForCustomPolicy).
func ContextKeys(policies ...*Policy) []string {
	written := make(map[string]string)
	for _, p := range policies {
		for _, s := range p.statements {
			s.eachKey(func(key, name string) {
				if written[key] == "" {
					written[key] = name
				}
			})
		}
	}
	return sortedNames(written)
}

func sortedNames(byKey map[string]string) []string {
	names := make([]string, 0, len(byKey))
	for _, name := range byKey {
		names = append(names, name)
	}
	slices.SortFunc(names, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	return names
}

// eachKey calls f for each condition key that the statement asks for.
func (s *statement) eachKey(f func(key, name string)) {
	refs := func(refs []reference) {
		for i := range refs {
			f(refs[i].key, refs[i].name)
		}
	}
	for i := range s.resources {
		refs(s.resources[i].rest.refs)
	}
	for i := range s.conditions {
		c := &s.conditions[i]
		f(c.key, c.name)
		refs(c.refs())
	}
}
