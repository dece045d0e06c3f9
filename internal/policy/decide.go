package policy

// An Outcome is what policies come to.
type Outcome uint8

// The outcomes. Who is not allowed is denied.
const (
	ImplicitDeny Outcome = iota
	ExplicitDeny
	Allowed
)

// String gives the outcome as iam:SimulatePrincipalPolicy does.
func (o Outcome) String() string {
	switch o {
	case Allowed:
		return "allowed"
	case ExplicitDeny:
		return "explicitDeny"
	default:
		return "implicitDeny"
	}
}

// A Decision says what a principal may do, and why.
type Decision struct {
	Outcome Outcome
	// Kind is the level that decided: that of the Allow or the Deny, and of
	// an ImplicitDeny the first level that has no Allow. It is 0 where a root
	// is allowed without a policy.
	Kind Kind
	// Policy and Type are of the policy that decided, as they were given in
	// Attached, and Sid is of its statement. They are empty where no
	// statement decided.
	Policy, Type, Sid string
	// Statement is the place of the statement in its policy, from 0, and -1
	// where no statement decided.
	Statement int
}

// Allowed says whether the request is allowed.
func (d Decision) Allowed() bool { return d.Outcome == Allowed }

// A Subject is a principal with the policies that apply to it. Levels that do
// not exist are nil; one that is there and has no policies allows nothing.
type Subject struct {
	Principal Principal
	// Identity holds the policies of a user and its groups, or of a role.
	Identity *Set
	// Boundary is the permissions boundary.
	Boundary *Set
	// Session holds the policies that came with the request for the session.
	// A FederatedUser's session always has some, if only none.
	Session *Set
	// Control holds the service control policies of the account, a Set for
	// each place from the organisation's root down to the account.
	Control []*Set
}

// A Request is what a principal wants to do.
type Request struct {
	Action Action
	// Resource is the ARN that the action is about, or * where the action
	// knows no resources. Wildcards in it are plain characters.
	Resource string
	// Account is the account that the resource belongs to. Empty is the one in
	// the resource's ARN, and the principal's own where that names none.
	Account string
	// Policy is the policy of the resource, of kind ResourceBased or Trust,
	// or nil where it has none. A role that is not there has a Trust set
	// without policies.
	Policy *Set
	// Context holds the condition keys. It may be nil.
	Context Context
}

// Decide says whether the subject may do what it asks for. An explicit Deny of
// any level decides first. Then each level that exists must allow: service
// control policies, the identity's policies, its boundary, its session's. A
// policy of the resource can stand for some of them in its own account: one
// that names the session or the user itself for all, and one that names the
// role behind it or everyone for the identity's policies. Across accounts it
// stands for none, and must allow besides. A role's trust policy must always
// allow.
func (s *Subject) Decide(r *Request) Decision {
	q := query{action: &r.Action, resource: arnText{text: r.Resource}, ctx: r.Context, who: &s.Principal}
	if d, denied := s.denied(r, &q); denied {
		return d
	}
	for _, control := range s.Control {
		if control.allow.first(&q) == nil {
			return lacking(ServiceControl)
		}
	}
	var grant *entry
	var named naming
	if r.Policy != nil {
		grant, named = r.Policy.allow.closest(&q)
	}
	if !s.Principal.hasIdentity() {
		if grant == nil {
			return lacking(r.level())
		}
		return r.Policy.decided(Allowed, grant)
	}
	crosses := r.crosses(&q, s.Principal.Account)
	if named == byName && !crosses {
		return r.Policy.decided(Allowed, grant)
	}
	d := Decision{Outcome: Allowed, Statement: -1}
	if s.Principal.Type != Root {
		needed := crosses || named < byAnyone
		if e := s.identityAllow(&q); e != nil {
			d = s.Identity.decided(Allowed, e)
		} else if needed {
			return lacking(Identity)
		} else {
			d = r.Policy.decided(Allowed, grant)
		}
		if s.Boundary != nil && s.Boundary.allow.first(&q) == nil {
			return lacking(Boundary)
		}
		if s.Session != nil && s.Session.allow.first(&q) == nil {
			return lacking(Session)
		}
	}
	if grant == nil && (crosses || r.Policy != nil && r.Policy.kind == Trust) {
		return lacking(r.level())
	}
	return d
}

// crosses says whether the resource belongs to another account than the
// principal.
func (r *Request) crosses(q *query, own string) bool {
	if r.Account != "" {
		return r.Account != own
	}
	if !q.resource.isARN() {
		return false
	}
	account := q.resource.field(4)
	return isAccount(account) && account != own
}

func (s *Subject) identityAllow(q *query) *entry {
	if s.Identity == nil {
		return nil
	}
	return s.Identity.allow.first(q)
}

// denied looks for an explicit Deny. Root has no policies of its own.
func (s *Subject) denied(r *Request, q *query) (Decision, bool) {
	for _, control := range s.Control {
		if e := control.deny.first(q); e != nil {
			return control.decided(ExplicitDeny, e), true
		}
	}
	own := [...]*Set{s.Identity, s.Boundary, s.Session}
	levels := own[:]
	if s.Principal.Type == Root || !s.Principal.hasIdentity() {
		levels = nil
	}
	if r.Policy != nil {
		if e := r.Policy.deny.first(q); e != nil {
			return r.Policy.decided(ExplicitDeny, e), true
		}
	}
	for _, level := range levels {
		if level == nil {
			continue
		}
		if e := level.deny.first(q); e != nil {
			return level.decided(ExplicitDeny, e), true
		}
	}
	return Decision{}, false
}

// level is the kind of the resource's policy, if it had one.
func (r *Request) level() Kind {
	if r.Policy != nil && r.Policy.kind != 0 {
		return r.Policy.kind
	}
	return ResourceBased
}

func (s *Set) decided(o Outcome, e *entry) Decision {
	a := &s.policies[e.policy]
	return Decision{Outcome: o, Kind: s.kind, Policy: a.ID, Type: a.Type, Sid: e.stmt.sid, Statement: e.stmt.index}
}

func lacking(k Kind) Decision { return Decision{Outcome: ImplicitDeny, Kind: k, Statement: -1} }
