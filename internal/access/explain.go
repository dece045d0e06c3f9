package access

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/capability"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/policy/catalog"
	"onsight/internal/store"
)

// Service answers the questions "may they?", "why?" and "who else?".
type Service struct {
	holders    *Holders
	authorizer *Authorizer
	shared     Shared
	tokens     *page.Tokens
}

// NewService makes a Service.
func NewService(holders *Holders, authorizer *Authorizer, shared Shared, tokens *page.Tokens) *Service {
	return &Service{holders: holders, authorizer: authorizer, shared: shared, tokens: tokens}
}

// Routes are the operations that this package answers.
func (s *Service) Routes() []api.Route {
	return []api.Route{
		api.Handle(onsightapi.ExplainAccess, s.explaining, s.explainAccess),
		api.Handle(onsightapi.ListAccessOfPrincipal, s.listingAccess, s.listAccessOfPrincipal),
		api.Handle(onsightapi.ListPrincipalsWithAccess, s.listingPrincipals, s.listPrincipalsWithAccess),
	}
}

func (s *Service) explaining(_ context.Context, in *onsightapi.ExplainAccessRequest) policy.Target {
	return policy.Target{Resource: in.Principal}
}

// explainAccess decides a call that nobody makes, and tells all that led to
// the decision.
func (s *Service) explainAccess(ctx context.Context, in *onsightapi.ExplainAccessRequest) (*onsightapi.ExplainAccessResponse, error) {
	if who, err := arn.Parse(in.Principal); err == nil && who.IsQuickSight() {
		return s.explainShared(ctx, who, in)
	}
	k, err := s.holders.named(ctx, in.AwsAccountId, in.Principal)
	if err != nil {
		return nil, err
	}
	r, call := s.question(ctx, k, in.AwsAccountId, in.Action, in.Resource, in.Context)
	x := k.subject.Explain(r)
	if call.err != nil {
		return nil, call.err
	}
	d := x.Decision
	out := &onsightapi.ExplainAccessResponse{
		Principal: &k.caller.ARN, Action: &in.Action, Resource: &r.Resource, Allowed: new(d.Allowed()),
		Outcome: new(onsightapi.AccessOutcome(d.Outcome.String())), Levels: []onsightapi.AccessLevel{}, Statements: []onsightapi.StatementFinding{},
	}
	if d.Policy != "" {
		out.Policy, out.PolicyType, out.Statement = &d.Policy, &d.Type, new(statementName(d.Statement, d.Sid))
	}
	if !d.Allowed() {
		out.Message, out.Missing = new(policy.Message(d, k.caller.ARN, in.Action, r.Resource)), &x.Missing
	}
	for _, l := range x.Levels {
		out.Levels = append(out.Levels, onsightapi.AccessLevel{Kind: new(l.Kind.String()), Outcome: new(onsightapi.AccessOutcome(l.Outcome.String()))})
	}
	for _, f := range x.Statements {
		finding := onsightapi.StatementFinding{
			Kind: new(f.Kind.String()), Policy: &f.Policy, Statement: new(statementName(f.Statement, f.Sid)), Effect: &f.Effect,
			Applies: new(f.Applies()), Misses: []string{},
		}
		for _, m := range f.Misses {
			finding.Misses = append(finding.Misses, m.String())
		}
		out.Statements = append(out.Statements, finding)
	}
	return out, s.explainPerson(ctx, k, in, out)
}

// sortKey is the condition key that tells, in a question, the sort of a
// resource that is not there yet, such as JIRA_CLOUD.
const sortKey = "onsight:Sort"

// explainPerson adds what the custom permissions say of a principal who is
// registered.
func (s *Service) explainPerson(ctx context.Context, k *holder, in *onsightapi.ExplainAccessRequest, out *onsightapi.ExplainAccessResponse) error {
	operation := operationOf(in.Action)
	if k.person.ID == "" || !capability.Gated(operation) {
		return nil
	}
	var profiles []Profile
	var sort string
	err := s.holders.db.Read(ctx, func(tx *store.Tx) (err error) {
		if profiles, err = s.shared.Profiles.OfPerson(tx, k.account, k.person); err != nil {
			return err
		}
		sort, err = s.shared.Profiles.Sort(tx, *out.Resource)
		return err
	})
	if err != nil {
		return err
	}
	if given := in.Context[sortKey]; sort == "" && len(given) > 0 {
		sort = given[0]
	}
	explainTaken(out, taken(profiles, operation, sort), profiles)
	return nil
}

func (s *Service) listingAccess(_ context.Context, in *onsightapi.ListAccessOfPrincipalRequest) policy.Target {
	return policy.Target{Resource: in.Principal}
}

// listAccessOfPrincipal lists the actions of the service that a principal may
// perform on something.
func (s *Service) listAccessOfPrincipal(ctx context.Context, in *onsightapi.ListAccessOfPrincipalRequest) (*onsightapi.ListAccessOfPrincipalResponse, error) {
	k, err := s.holders.named(ctx, in.AwsAccountId, in.Principal)
	if err != nil {
		return nil, err
	}
	out := &onsightapi.ListAccessOfPrincipalResponse{Principal: &k.caller.ARN, Actions: []onsightapi.AccessibleAction{}}
	for _, info := range catalog.Actions() {
		reach := k.subject.Reach(policy.NewAction(info.Name))
		if !reach.Possible {
			continue
		}
		a := onsightapi.AccessibleAction{Action: &info.Name, Outcome: new(onsightapi.AccessOutcomeAllowed), Conditional: new(!reach.Everywhere)}
		for _, grant := range reach.Grants {
			if grant.Except {
				a.ExceptResources = append(a.ExceptResources, grant.Resources...)
			} else {
				a.Resources = append(a.Resources, grant.Resources...)
			}
			if a.Policy == nil {
				a.Policy = &grant.Policy
			}
		}
		out.Actions = append(out.Actions, a)
	}
	return out, nil
}

func (s *Service) listingPrincipals(_ context.Context, in *onsightapi.ListPrincipalsWithAccessRequest) policy.Target {
	return policy.Target{Resource: cmp.Or(deref(in.Resource), "*")}
}

const (
	// pageSize is how many principals an answer names where the caller does
	// not say.
	pageSize = 100
	// glance is how many principals are looked at for one answer: enough for
	// most accounts, and over in some milliseconds.
	glance = 1000
)

// listPrincipalsWithAccess lists the users and roles that may perform an action
// on a resource. A page may be short, or empty, and still have a next one.
func (s *Service) listPrincipalsWithAccess(ctx context.Context, in *onsightapi.ListPrincipalsWithAccessRequest) (*onsightapi.ListPrincipalsWithAccessResponse, error) {
	resource := cmp.Or(deref(in.Resource), "*")
	scope := page.Scope("ListPrincipalsWithAccess", in.AwsAccountId, in.Action, resource, fmt.Sprint(in.Context))
	key, err := s.tokens.Key(scope, deref(in.NextToken))
	if err != nil {
		return nil, err
	}
	kind, after := "user", ""
	if len(key) == 2 {
		kind, after = key[0], key[1]
	}
	limit := pageSize
	if in.MaxResults != nil {
		limit = int(*in.MaxResults)
	}
	out := &onsightapi.ListPrincipalsWithAccessResponse{Principals: []onsightapi.PrincipalWithAccess{}}
	for looked := 0; ; {
		var names []string
		err := s.holders.db.Read(ctx, func(tx *store.Tx) (err error) {
			names, err = s.holders.directory.Names(tx, in.AwsAccountId, kind, after, glance-looked)
			return err
		})
		if err != nil {
			return nil, err
		}
		for _, name := range names {
			looked++
			after = name
			k, err := s.holders.ofName(ctx, in.AwsAccountId, kind, name)
			if errors.Is(err, store.ErrNotFound) { // gone meanwhile
				continue
			}
			if err != nil {
				return nil, err
			}
			r, call := s.question(ctx, k, in.AwsAccountId, in.Action, &resource, in.Context)
			d := k.subject.Decide(r)
			if call.err != nil {
				return nil, call.err
			}
			if d.Allowed() {
				out.Principals = append(out.Principals, onsightapi.PrincipalWithAccess{
					Principal: &k.caller.ARN, Policy: &d.Policy, PolicyType: &d.Type, Statement: new(statementName(d.Statement, d.Sid)),
				})
			}
			if looked >= glance || len(out.Principals) >= limit {
				out.NextToken = new(s.tokens.Next(scope, kind, after))
				return out, nil
			}
		}
		if kind == "role" {
			return out, nil
		}
		kind, after = "role", ""
	}
}

// question forms a request that nobody makes.
func (s *Service) question(ctx context.Context, k *holder, account, action string, resource *string, given map[string][]string) (*policy.Request, *conditions) {
	on := cmp.Or(deref(resource), "*")
	if a, err := arn.Parse(on); err == nil && a.Account != "" {
		account = a.Account
	}
	call := &conditions{ctx: ctx, authorizer: s.authorizer, holder: k, call: given, account: account, resource: on, imagined: true}
	return &policy.Request{Action: policy.NewAction(action), Resource: on, Account: account, Context: call}, call
}

// named gives the holder of a principal that is named by its ARN, or in short
// as user/ana, role/Bi or root.
func (h *Holders) named(ctx context.Context, account, name string) (*holder, error) {
	resource := name
	if a, err := arn.Parse(name); err == nil {
		if a.Account != account {
			return nil, fault.Invalid("Principal %s isn't of account %s.", name, account)
		}
		resource = a.Resource
	}
	kind, rest, _ := strings.Cut(resource, "/")
	switch {
	case resource == "root":
		return rootHolder(Credential{Account: account}), nil
	case (kind == "user" || kind == "role") && rest != "":
		k, err := h.ofName(ctx, account, kind, rest[strings.LastIndexByte(rest, '/')+1:])
		if errors.Is(err, store.ErrNotFound) {
			return nil, fault.NotFound("", "Principal %s can't be found.", name)
		}
		return k, err
	case kind == "assumed-role":
		role, session, _ := strings.Cut(rest, "/")
		k, err := h.ofName(ctx, account, "role", role)
		if errors.Is(err, store.ErrNotFound) {
			return nil, fault.NotFound("", "Principal %s can't be found.", name)
		}
		if err == nil && session != "" {
			k = k.as(session)
		}
		return k, err
	}
	return nil, fault.Invalid("Principal %s isn't valid: it must be the ARN of a user, a role or a role's session, or user/<name>, role/<name> or root.", name)
}

// ofName gives the holder of a user or a role; store.ErrNotFound where there
// is none.
func (h *Holders) ofName(ctx context.Context, account, kind, name string) (*holder, error) {
	rights, _, err := h.rights(ctx, account, kind, name)
	if err != nil {
		return nil, err
	}
	who := policy.Principal{Type: policy.User, Account: account, ARN: rights.ARN, UserID: rights.ID, UserName: rights.Name, Tags: rights.Tags}
	if kind == "role" {
		who = policy.Principal{Type: policy.RoleSession, Account: account, ARN: rights.ARN, Issuer: rights.ARN, UserID: rights.ID, Tags: rights.Tags}
	}
	k, err := rights.holder(who)
	if err != nil {
		return nil, err
	}
	k.person = Person{ID: rights.ID, ARN: rights.ARN}
	return k, nil
}

// as gives the holder as a session of its role, without anything that a real
// session would bring along.
func (k *holder) as(session string) *holder {
	who := k.subject.Principal
	role := who.Issuer[strings.LastIndexByte(who.Issuer, '/')+1:]
	who.ARN = "arn:aws:sts::" + k.account + ":assumed-role/" + role + "/" + session
	who.UserID += ":" + session
	next := *k
	next.subject.Principal, next.person.Session = who, session
	next.keys, next.caller = who.Keys(), callerOf(&who)
	return &next
}

func statementName(index int, sid string) string {
	switch {
	case sid != "":
		return sid
	case index < 0:
		return ""
	}
	return fmt.Sprintf("statement %d", index+1)
}

func sortedKeys[V any](m map[string]V) []string { return slices.Sorted(maps.Keys(m)) }

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
