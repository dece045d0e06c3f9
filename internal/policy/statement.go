package policy

// A Policy is a document that was read and made ready for decisions.
type Policy struct {
	kind       Kind
	version    string
	id         string
	statements []*statement
}

// Kind is the kind that the document was read as.
func (p *Policy) Kind() Kind { return p.kind }

// Version is the document's Version, or 2008-10-17 where it has none.
func (p *Policy) Version() string { return p.version }

// ID is the document's Id.
func (p *Policy) ID() string { return p.id }

// Len is how many statements the policy has.
func (p *Policy) Len() int { return len(p.statements) }

// A Position is a place in a document, counted from 1; columns are characters.
type Position struct{ Line, Column int }

// Span gives where the i-th statement, from 0, begins and ends in the
// document.
func (p *Policy) Span(i int) (start, end Position) {
	return p.statements[i].start, p.statements[i].end
}

// A statement is one of a policy, compiled.
type statement struct {
	index      int
	sid        string
	deny       bool
	start, end Position

	actions   []actionPattern
	notAction bool

	resources   []arnPattern // none of a trust policy
	notResource bool
	anyResource bool // Resource is *, or there is none

	principals   *principals // nil where the kind has none
	notPrincipal bool

	conditions []condition
}

func (s *statement) effect() string {
	if s.deny {
		return "Deny"
	}
	return "Allow"
}

// A query is a request on its way through the statements.
type query struct {
	action   *Action
	resource arnText
	ctx      Context
	who      *Principal
}

// applies says whether the statement speaks about a request whose action it
// is known to have, and how closely it names the principal.
func (s *statement) applies(q *query) (naming, bool) {
	named := byAnyone
	if s.principals != nil {
		if named = s.principalNamed(q.who); named == unnamed {
			return unnamed, false
		}
	}
	if !s.anyResource && !s.hasResource(q) {
		return unnamed, false
	}
	for i := range s.conditions {
		switch s.conditions[i].holds(q.ctx) {
		case no:
			return unnamed, false
		case bad:
			if !s.deny {
				return unnamed, false
			}
		case yes:
		}
	}
	return named, true
}

// hasAction says whether the statement is about an action.
func (s *statement) hasAction(a *Action) bool {
	for i := range s.actions {
		if s.actions[i].match(a) {
			return !s.notAction
		}
	}
	return s.notAction
}

// hasResource says whether the statement is about the request's resource. A
// NotResource with a variable that has no value leaves open what it leaves
// out: an Allow then applies to nothing, and a Deny to everything.
func (s *statement) hasResource(q *query) bool {
	open := false
	for i := range s.resources {
		ok, unresolved := s.resources[i].match(&q.resource, q.ctx)
		if ok {
			return !s.notResource
		}
		open = open || unresolved
	}
	return s.notResource && (s.deny || !open)
}
