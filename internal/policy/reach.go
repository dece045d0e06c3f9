package policy

// A Reach is how far an action is allowed to a subject whatever the resource:
// what lists of "what can this person do" need.
type Reach struct {
	// Possible says whether there is a request with the action that may be
	// allowed: each level has an Allow for it, and none denies it outright.
	Possible bool
	// Everywhere says that it is allowed on every resource under every
	// condition, as far as the identity's side goes.
	Everywhere bool
	// Grants are the Allow statements of the identity's policies that name
	// the action; Limits are the Deny statements of any level that do.
	Grants, Limits []Scope
}

// A Scope is a statement as far as it concerns one action.
type Scope struct {
	Kind Kind
	// Policy, Type, Statement and Sid are as in Decision.
	Policy, Type string
	Statement    int
	Sid          string
	// Resources are the patterns of Resource, or of NotResource where Except
	// is set.
	Resources []string
	Except    bool
	// Conditions are the condition keys that the statement asks for.
	Conditions []string
}

// Reach says what the subject may do with an action on whatever resource. It
// does not know the policies of resources.
func (s *Subject) Reach(a Action) Reach {
	if s.Principal.Type == Root {
		return s.bounded(a, Reach{Possible: true, Everywhere: true}, s.Control)
	}
	out := Reach{Possible: true, Everywhere: true}
	sets := append([]*Set{}, s.Control...)
	sets = append(sets, s.Identity)
	if s.Boundary != nil {
		sets = append(sets, s.Boundary)
	}
	if s.Session != nil {
		sets = append(sets, s.Session)
	}
	return s.bounded(a, out, sets)
}

func (s *Subject) bounded(a Action, out Reach, sets []*Set) Reach {
	for _, set := range sets {
		if set == nil {
			return Reach{}
		}
		some, all := false, false
		c := set.allow.about(&a)
		for e := c.next(); e != nil; e = c.next() {
			some = true
			all = all || e.stmt.unconditional()
			if set.kind == Identity {
				out.Grants = append(out.Grants, set.scope(e))
			}
		}
		out.Possible = out.Possible && some
		out.Everywhere = out.Everywhere && all
		c = set.deny.about(&a)
		for e := c.next(); e != nil; e = c.next() {
			out.Everywhere = false
			out.Possible = out.Possible && !e.stmt.unconditional()
			out.Limits = append(out.Limits, set.scope(e))
		}
	}
	out.Everywhere = out.Everywhere && out.Possible
	return out
}

// unconditional says whether the statement applies to every request with its
// actions.
func (s *statement) unconditional() bool { return s.anyResource && len(s.conditions) == 0 }

func (s *Set) scope(e *entry) Scope {
	a := &s.policies[e.policy]
	out := Scope{Kind: s.kind, Policy: a.ID, Type: a.Type, Statement: e.stmt.index, Sid: e.stmt.sid, Except: e.stmt.notResource}
	for i := range e.stmt.resources {
		out.Resources = append(out.Resources, e.stmt.resources[i].text)
	}
	keys := make(map[string]string)
	for i := range e.stmt.conditions {
		keys[e.stmt.conditions[i].key] = e.stmt.conditions[i].name
	}
	out.Conditions = sortedNames(keys)
	return out
}
