package policy

// A Simulation is what iam:SimulatePrincipalPolicy and
// iam:SimulateCustomPolicy answer for one action and one resource.
type Simulation struct {
	Decision Decision
	// Matched are the statements that led to the decision.
	Matched []Match
	// MissingKeys are condition keys that statements about the action ask for
	// and the request does not carry.
	MissingKeys []string
	// Boundary says whether the permissions boundary allows, and Control
	// whether the service control policies do; nil where there are none.
	Boundary, Control *bool
}

// A Match is a statement that applies to a simulated request.
type Match struct {
	Kind Kind
	// Policy and Type are as they were given in Attached.
	Policy, Type string
	Start, End   Position
}

// Simulate decides as Decide does and gathers what the simulator's operations
// answer.
func (s *Subject) Simulate(r *Request) Simulation {
	q := query{action: &r.Action, resource: arnText{text: r.Resource}, ctx: r.Context, who: &s.Principal}
	out := Simulation{Decision: s.Decide(r)}
	missing := make(map[string]string)
	for _, set := range s.levels(r) {
		allows := false
		for _, x := range []*index{&set.deny, &set.allow} {
			c := x.about(q.action)
			for e := c.next(); e != nil; e = c.next() {
				e.stmt.eachKey(func(key, name string) {
					if missing[key] == "" && (q.ctx == nil || len(q.ctx.Values(key)) == 0) {
						missing[key] = name
					}
				})
				if _, ok := e.stmt.applies(&q); !ok {
					continue
				}
				allows = allows || !e.stmt.deny
				if e.stmt.deny == (out.Decision.Outcome == ExplicitDeny) {
					a := &set.policies[e.policy]
					out.Matched = append(out.Matched, Match{Kind: set.kind, Policy: a.ID, Type: a.Type, Start: e.stmt.start, End: e.stmt.end})
				}
			}
		}
		switch set.kind {
		case Boundary:
			out.Boundary = both(out.Boundary, allows && set.deny.first(&q) == nil)
		case ServiceControl:
			out.Control = both(out.Control, allows && set.deny.first(&q) == nil)
		default:
		}
	}
	out.MissingKeys = sortedNames(missing)
	return out
}

func both(all *bool, one bool) *bool {
	if all != nil {
		one = one && *all
	}
	return &one
}
