package iam

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/iamapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) simulationRoutes() []api.Route {
	return []api.Route{
		api.Handle(iamapi.SimulatePrincipalPolicy, s.simulatingPrincipal, s.simulatePrincipalPolicy),
		api.Handle(iamapi.SimulateCustomPolicy, onAll, s.simulateCustomPolicy),
		api.Handle(iamapi.GetContextKeysForPrincipalPolicy, s.gettingContextKeys, s.getContextKeysForPrincipalPolicy),
		api.Handle(iamapi.GetContextKeysForCustomPolicy, onAll, s.getContextKeysForCustomPolicy),
	}
}

func (s *Service) simulatingPrincipal(ctx context.Context, in *iamapi.SimulatePrincipalPolicyRequest) policy.Target {
	return s.onSource(ctx, in.PolicySourceArn)
}

func (s *Service) gettingContextKeys(ctx context.Context, in *iamapi.GetContextKeysForPrincipalPolicyRequest) policy.Target {
	return s.onSource(ctx, in.PolicySourceArn)
}

// onSource is the target of operations on the policies of a user, group or
// role, by its ARN: whoever may look at those of one need not see another's.
func (s *Service) onSource(ctx context.Context, sourceARN string) policy.Target {
	kind, name, err := sourceOf(ctx, sourceARN)
	if err != nil {
		return on(ctx, sourceARN)
	}
	switch kind {
	case ofUser:
		return s.onUser(ctx, name)
	case ofGroup:
		return s.onGroup(ctx, name)
	default:
		return s.onRole(ctx, name)
	}
}

// sourceOf reads the ARN of a user, group or role of the caller's account.
func sourceOf(ctx context.Context, sourceARN string) (kind holderKind, name string, err error) {
	a, err := arn.Parse(sourceARN)
	if err != nil || a.Service != "iam" || a.Region != "" {
		return kind, "", unclear(sourceARN)
	}
	typ, path := a.Split()
	name = lastSegment("/" + path)
	i := slices.IndexFunc(holderKinds, func(k holderKind) bool { return k.name == typ })
	if i < 0 || name == "" {
		return kind, "", unclear(sourceARN)
	}
	if a.Account != account(ctx) {
		return kind, "", invalidInput("Invalid Policy Source Arn: caller's account %s does not have access to policies in account %s", account(ctx), a.Account)
	}
	return holderKinds[i], name, nil
}

var holderKinds = []holderKind{ofUser, ofGroup, ofRole}

func unclear(entityARN string) error {
	return invalidInput("Invalid Entity Arn: %s does not clearly define entity type and name.", entityARN)
}

// An input is a policy of a simulation.
type input struct {
	// id and typ are its source as results name it.
	id, typ  string
	document string
	// excluded says whether an exclusion is about the policy.
	excluded func(iamapi.PolicyIdentifier) bool
}

// The types of sources. The model lists others; these are what is sent.
const (
	identitySource = "IAM Policy"
	resourceSource = "Resource Policy"
)

// inputs are policies that a request brings along.
func inputs(list string, documents []string) []input {
	out := make([]input, len(documents))
	for i, d := range documents {
		out[i] = input{id: fmt.Sprintf("%s.%d", list, i+1), typ: identitySource, document: d}
	}
	return out
}

// A source is whose policies are simulated.
type source struct {
	kind     holderKind
	arn, id  string
	name     string
	tags     map[string]string
	policies []input
	boundary *input
}

// source reads the policies of a user, group or role. A user has those of its
// groups too.
func (s *Service) source(ctx context.Context, sourceARN string) (source, error) {
	kind, name, err := sourceOf(ctx, sourceARN)
	if err != nil {
		return source{}, err
	}
	var a Attached
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		if kind == ofGroup {
			g, err := s.group(tx, account(ctx), name)
			if err != nil {
				return err
			}
			a = Attached{Kind: kind.name, Account: g.Account, Name: g.Name, ID: g.ID, ARN: g.arn()}
			a.Policies, _, err = policiesOf(tx, a, nil)
			return err
		}
		var err error
		a, err = s.Policies(tx, account(ctx), kind.name, name)
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && a.ARN != sourceARN {
		err = noSuchEntity("The %s with name %s cannot be found.", kind.name, name)
	}
	if err != nil {
		return source{}, err
	}
	out := source{kind: kind, arn: a.ARN, id: a.ID, name: a.Name, tags: a.Tags}
	for _, p := range a.Policies {
		out.policies = append(out.policies, input{id: p.source(), typ: identitySource, document: p.Document, excluded: p.excluded})
	}
	if a.Boundary != nil {
		out.boundary = &input{id: a.Boundary.Name, typ: identitySource, document: a.Boundary.Document, excluded: func(x iamapi.PolicyIdentifier) bool {
			return value(x.PolicyType) == iamapi.PolicyIdentifierPolicyTypePermissionBoundary || value(x.PolicyArn) == a.Boundary.ARN
		}}
	}
	return out, nil
}

// source names a policy as results do: a managed one by its name, an inline
// one also by who has it.
func (p *Policy) source() string {
	if p.ARN != "" {
		return p.Name
	}
	return p.OwnerKind + "_" + p.Owner + "_" + p.Name
}

// excluded says whether a simulation is to leave the policy out.
func (p *Policy) excluded(x iamapi.PolicyIdentifier) bool {
	switch {
	case x.PolicyArn != nil:
		return p.ARN == *x.PolicyArn
	case x.InlinePolicyIdentifier != nil:
		i := x.InlinePolicyIdentifier
		return p.ARN == "" && string(i.AttachmentType) == p.OwnerKind && nameKey(i.AttachmentName) == nameKey(p.Owner) && i.PolicyName == p.Name
	}
	switch value(x.PolicyType) {
	case iamapi.PolicyIdentifierPolicyTypeInline:
		return p.ARN == ""
	case iamapi.PolicyIdentifierPolicyTypeAwsManaged:
		_, ok := managedByAWS(p.ARN)
		return ok
	case iamapi.PolicyIdentifierPolicyTypeUserManaged:
		_, ok := managedByAWS(p.ARN)
		return p.ARN != "" && !ok
	default:
		return false
	}
}

// simulatePrincipalPolicy says what the policies of a user, group or role
// would come to, together with those of the request.
func (s *Service) simulatePrincipalPolicy(ctx context.Context, in *iamapi.SimulatePrincipalPolicyRequest) (*iamapi.SimulatePolicyResponse, error) {
	from, err := s.source(ctx, in.PolicySourceArn)
	if err != nil {
		return nil, err
	}
	leftOut := func(p input) bool {
		return p.excluded != nil && slices.ContainsFunc(in.PolicyExclusionList, p.excluded)
	}
	sim := simulation{
		identity: append(slices.DeleteFunc(from.policies, leftOut), inputs("PolicyInputList", in.PolicyInputList)...),
		boundary: inputs("PermissionsBoundaryPolicyInputList", in.PermissionsBoundaryPolicyInputList),
		who:      policy.Principal{Account: account(ctx), Tags: from.tags},
	}
	if len(sim.boundary) == 0 && from.boundary != nil && !leftOut(*from.boundary) {
		sim.boundary = []input{*from.boundary}
	}
	switch from.kind {
	case ofUser:
		sim.who.Type, sim.who.ARN, sim.who.UserID, sim.who.UserName = policy.User, from.arn, from.id, from.name
	case ofRole:
		sim.who.Type, sim.who.Issuer = policy.RoleSession, from.arn
	default:
		sim.who.Type = policy.User
	}
	return s.simulate(ctx, &sim, &iamapi.SimulateCustomPolicyRequest{
		ActionNames: in.ActionNames, CallerArn: in.CallerArn, ContextEntries: in.ContextEntries, Marker: in.Marker, MaxItems: in.MaxItems,
		ResourceArns: in.ResourceArns, ResourceHandlingOption: in.ResourceHandlingOption, ResourceOwner: in.ResourceOwner,
		ResourcePolicy: in.ResourcePolicy,
	}, "SimulatePrincipalPolicy", in.PolicySourceArn)
}

// simulateCustomPolicy says what the policies of the request would come to.
func (s *Service) simulateCustomPolicy(ctx context.Context, in *iamapi.SimulateCustomPolicyRequest) (*iamapi.SimulatePolicyResponse, error) {
	sim := simulation{
		identity: inputs("PolicyInputList", in.PolicyInputList),
		boundary: inputs("PermissionsBoundaryPolicyInputList", in.PermissionsBoundaryPolicyInputList),
		who:      policy.Principal{Type: policy.User, Account: account(ctx)},
	}
	for i, level := range in.OrderedOrganizationPolicyInputList {
		if len(level.ServiceControlPolicyInputList) == 0 {
			return nil, invalidInput("Level %d of OrderedOrganizationPolicyInputList has no service control policy.", i+1)
		}
		sim.control = append(sim.control, inputs(fmt.Sprintf("OrderedOrganizationPolicyInputList.%d.ServiceControlPolicyInputList", i+1), level.ServiceControlPolicyInputList))
	}
	return s.simulate(ctx, &sim, in, "SimulateCustomPolicy")
}

// A simulation is what is put to the engine: the policies and who has them.
type simulation struct {
	identity, boundary []input
	control            [][]input
	who                policy.Principal

	all      []input // of every level; the engine knows a policy by its place here
	policies []*policy.Policy
	subject  policy.Subject
	resource *policy.Set // the resource's policy
	owner    string      // of resources whose ARNs name no account
	context  policy.Contexts
	missing  []string // condition keys that policies ask for and context has not
}

// maxSimulated is how many statements one page of a simulation looks at, each
// time with an action and a resource.
const maxSimulated = 2_000_000

// simulate puts each action with each resource to the policies. It answers one
// result for each action.
func (s *Service) simulate(ctx context.Context, sim *simulation, in *iamapi.SimulateCustomPolicyRequest, scope ...string) (*iamapi.SimulatePolicyResponse, error) {
	l, err := s.listing(in.Marker, in.MaxItems, append(scope, account(ctx))...)
	if err != nil {
		return nil, err
	}
	if err := sim.prepare(in); err != nil {
		return nil, err
	}
	resources := in.ResourceArns
	if len(resources) == 0 {
		resources = []string{"*"}
	}
	if err := checkRequests(in.ActionNames, resources); err != nil {
		return nil, err
	}
	each := len(resources) * (1 + sim.statements()) // what one action costs
	if each > maxSimulated {
		return nil, invalidInput("The simulation is too large: %d resources with %d statements.", len(resources), sim.statements())
	}
	first, _ := strconv.Atoi(l.after())
	last := min(len(in.ActionNames), first+min(l.limit, maxSimulated/each))
	out := &iamapi.SimulatePolicyResponse{EvaluationResults: []iamapi.EvaluationResult{}, IsTruncated: new(false)}
	for i := min(first, last); i < last; i++ {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		out.EvaluationResults = append(out.EvaluationResults, sim.evaluate(in.ActionNames[i], resources))
	}
	if last < len(in.ActionNames) {
		out.IsTruncated, out.Marker = new(true), new(s.tokens.Next(l.scope, strconv.Itoa(last)))
	}
	return out, nil
}

// checkRequests refuses actions and resources that no call could be about.
func checkRequests(actions, resources []string) error {
	for _, a := range actions {
		service, name, ok := strings.Cut(a, ":")
		if !ok || service == "" || name == "" || strings.ContainsAny(a, "*? \t\r\n") || strings.Contains(name, ":") {
			return invalidInput("Invalid Input Actions: %q does not have the form service:Action.", a)
		}
	}
	for _, r := range resources {
		if r != "*" && !strings.HasPrefix(r, "arn:") || r != "*" && strings.Count(r, ":") < 5 {
			return invalidInput("ResourceNames are not in a valid ARN format: %s.", r)
		}
	}
	return nil
}

// handling are the scenarios of ec2:RunInstances that the service knows. They
// choose resources that there are none of here.
var handling = []string{
	"EC2-VPC-InstanceStore", "EC2-VPC-InstanceStore-Subnet", "EC2-VPC-EBS", "EC2-VPC-EBS-Subnet", "EC2-Classic-InstanceStore", "EC2-Classic-EBS",
}

// prepare reads all that the request brings along.
func (sim *simulation) prepare(in *iamapi.SimulateCustomPolicyRequest) error {
	if len(sim.boundary) > 1 {
		return invalidInput("The list of Permissions Boundary policies cannot exceed 1 items.")
	}
	if in.ResourceHandlingOption != nil && !slices.Contains(handling, *in.ResourceHandlingOption) {
		return invalidInput("%q is not a valid resource handling option.", *in.ResourceHandlingOption)
	}
	if err := sim.caller(in); err != nil {
		return err
	}
	var err error
	if sim.subject.Identity, err = sim.set(policy.Identity, sim.identity); err != nil {
		return err
	}
	if len(sim.boundary) > 0 {
		if sim.subject.Boundary, err = sim.set(policy.Boundary, sim.boundary); err != nil {
			return err
		}
	}
	for _, level := range sim.control {
		set, err := sim.set(policy.ServiceControl, level)
		if err != nil {
			return err
		}
		sim.subject.Control = append(sim.subject.Control, set)
	}
	if in.ResourcePolicy != nil {
		own := input{id: "ResourcePolicy", typ: resourceSource, document: *in.ResourcePolicy}
		if sim.resource, err = sim.set(policy.ResourceBased, []input{own}); err != nil {
			return err
		}
	}
	given, err := contextOf(in.ContextEntries)
	if err != nil {
		return err
	}
	sim.subject.Principal = sim.who
	sim.context = policy.Contexts{given}
	if sim.who.ARN != "" || sim.who.Issuer != "" {
		sim.context = append(sim.context, sim.who.Keys())
	}
	// The service looks at all statements, also at those about other actions.
	sim.missing = slices.DeleteFunc(policy.ContextKeys(sim.policies...), func(key string) bool {
		return len(sim.context.Values(strings.ToLower(key))) > 0
	})
	return nil
}

// statements counts those of all policies.
func (sim *simulation) statements() int {
	n := 0
	for _, p := range sim.policies {
		n += p.Len()
	}
	return n
}

// caller makes a user that the request names the one who calls, and says whose
// the resources are. A resource's policy is put to users alone.
func (sim *simulation) caller(in *iamapi.SimulateCustomPolicyRequest) error {
	if in.CallerArn != nil {
		a, err := arn.Parse(*in.CallerArn)
		kind, path := a.Split()
		if err != nil || a.Service != "iam" || kind != ofUser.name || !arn.IsAccount(a.Account) || path == "" {
			return invalidInput("Invalid caller - Caller must be an IAM user in this context.")
		}
		if *in.CallerArn != sim.who.ARN {
			sim.who = policy.Principal{Type: policy.User, Account: a.Account, ARN: *in.CallerArn, UserName: lastSegment(*in.CallerArn)}
		}
	}
	if in.ResourcePolicy != nil && sim.who.ARN == "" {
		return invalidInput("Invalid caller - Caller must be an IAM user in this context.")
	}
	sim.owner = sim.who.Account
	if in.ResourceOwner != nil {
		a, err := arn.Parse(*in.ResourceOwner)
		if err != nil || a.Service != "iam" || a.Resource != "root" || !arn.IsAccount(a.Account) {
			return invalidInput("'%s' is not a valid as a Resource Owner.", *in.ResourceOwner)
		}
		sim.owner = a.Account
	}
	return nil
}

// set compiles the policies of one level.
func (sim *simulation) set(kind policy.Kind, list []input) (*policy.Set, error) {
	var members []policy.Attached
	for _, p := range list {
		// A boundary whose policy is gone has no document, and allows nothing.
		if p.document == "" {
			continue
		}
		compiled, err := policy.Parse(kind, p.document)
		if err != nil {
			return nil, invalidInput("%s: %v", p.id, err)
		}
		members = append(members, policy.Attached{ID: strconv.Itoa(len(sim.all)), Policy: compiled})
		sim.all = append(sim.all, p)
		sim.policies = append(sim.policies, compiled)
	}
	return policy.NewSet(kind, members...), nil
}

// evaluate puts one action with each of the resources to the policies. Several
// resources have a decision each, and together the strictest of them.
func (sim *simulation) evaluate(action string, resources []string) iamapi.EvaluationResult {
	out := iamapi.EvaluationResult{
		EvalActionName: action, EvalResourceName: new("*"), EvalDecision: iamapi.PolicyEvaluationDecisionTypeAllowed,
		MatchedStatements: []iamapi.Statement{}, MissingContextValues: []string{},
	}
	var controlled *bool
	for _, resource := range resources {
		one, allowed := sim.one(action, resource)
		out.EvalDecision = stricter(out.EvalDecision, one.EvalResourceDecision)
		out.PermissionsBoundaryDecisionDetail = strictest(out.PermissionsBoundaryDecisionDetail, one.PermissionsBoundaryDecisionDetail)
		if allowed != nil {
			controlled = new(*allowed && (controlled == nil || *controlled))
		}
		if len(resources) == 1 {
			out.EvalResourceName, out.MatchedStatements, out.EvalDecisionDetails = &resource, one.MatchedStatements, one.EvalDecisionDetails
		}
		if resource == "*" && len(resources) == 1 {
			out.MissingContextValues = one.MissingContextValues
			break
		}
		out.ResourceSpecificResults = append(out.ResourceSpecificResults, one)
	}
	if controlled != nil {
		out.OrganizationsDecisionDetail = &iamapi.OrganizationsDecisionDetail{AllowedByOrganizations: controlled}
	}
	return out
}

// strictness orders decisions.
var strictness = map[iamapi.PolicyEvaluationDecisionType]int{
	iamapi.PolicyEvaluationDecisionTypeAllowed:      0,
	iamapi.PolicyEvaluationDecisionTypeImplicitDeny: 1,
	iamapi.PolicyEvaluationDecisionTypeExplicitDeny: 2,
}

func stricter(a, b iamapi.PolicyEvaluationDecisionType) iamapi.PolicyEvaluationDecisionType {
	if strictness[b] > strictness[a] {
		return b
	}
	return a
}

func strictest(a, b *iamapi.PermissionsBoundaryDecisionDetail) *iamapi.PermissionsBoundaryDecisionDetail {
	if a == nil || b != nil && !*b.AllowedByPermissionsBoundary {
		return b
	}
	return a
}

// request is the call that is simulated.
func (sim *simulation) request(action, resource string) *policy.Request {
	r := &policy.Request{Action: policy.NewAction(action), Resource: resource, Account: sim.owner, Policy: sim.resource, Context: sim.context}
	if a, err := arn.Parse(resource); err == nil && arn.IsAccount(a.Account) {
		r.Account = a.Account
	}
	return r
}

// one puts one action with one resource to the policies. controlled says
// whether service control policies allow it; nil where there are none.
func (sim *simulation) one(action, resource string) (out iamapi.ResourceSpecificResult, controlled *bool) {
	r := sim.request(action, resource)
	result := sim.subject.Simulate(r)
	out = iamapi.ResourceSpecificResult{
		EvalResourceName: resource, EvalResourceDecision: decisionType(result.Decision.Outcome),
		MatchedStatements: []iamapi.Statement{}, MissingContextValues: append([]string{}, sim.missing...),
	}
	// No statement leads to an implicit deny, whatever other levels allow.
	for _, m := range result.Matched {
		if result.Decision.Outcome == policy.ImplicitDeny {
			break
		}
		out.MatchedStatements = append(out.MatchedStatements, sim.matched(m))
	}
	if result.Boundary != nil {
		out.PermissionsBoundaryDecisionDetail = &iamapi.PermissionsBoundaryDecisionDetail{AllowedByPermissionsBoundary: result.Boundary}
	}
	if r.Account != sim.who.Account {
		out.EvalDecisionDetails = sim.bothSides(*r)
	}
	return out, result.Control
}

func decisionType(o policy.Outcome) iamapi.PolicyEvaluationDecisionType {
	return iamapi.PolicyEvaluationDecisionType(o.String())
}

// bothSides says what the caller's policies and the resource's come to, each
// for itself: across accounts both have to allow.
func (sim *simulation) bothSides(r policy.Request) map[string]iamapi.PolicyEvaluationDecisionType {
	resources := policy.Subject{Principal: sim.who, Identity: allowAll()}
	out := map[string]iamapi.PolicyEvaluationDecisionType{resourceSource: decisionType(resources.Decide(&r).Outcome)}
	r.Account, r.Policy = sim.who.Account, nil
	out[identitySource] = decisionType(sim.subject.Decide(&r).Outcome)
	return out
}

// allowAll stands for identity-based policies that are not in question.
var allowAll = sync.OnceValue(func() *policy.Set {
	p, err := policy.Parse(policy.Identity, `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)
	if err != nil {
		return policy.NewSet(policy.Identity)
	}
	return policy.NewSet(policy.Identity, policy.Attached{Policy: p})
})

// matched is a statement that decided as results show it.
func (sim *simulation) matched(m policy.Match) iamapi.Statement {
	i, _ := strconv.Atoi(m.Policy)
	p := sim.all[i]
	typ := iamapi.PolicySourceType(p.typ)
	return iamapi.Statement{
		SourcePolicyId: &p.id, SourcePolicyType: &typ, StartPosition: shownPosition(before(p.document, m.Start)), EndPosition: shownPosition(m.End),
	}
}

func shownPosition(p policy.Position) *iamapi.Position {
	return &iamapi.Position{Column: small(int64(p.Column)), Line: small(int64(p.Line))}
}

// before gives the place right behind what comes before a statement, the
// opening bracket or the statement before it: the service counts the white
// space and the comma in front of a statement to the statement.
func before(document string, at policy.Position) policy.Position {
	last := policy.Position{Line: 1, Column: 1} // behind the last byte that is not in front of a statement
	now := last
	for _, c := range document {
		if now == at {
			break
		}
		now.Column++
		if c == '\n' {
			now.Line++
			now.Column = 1
		}
		if !strings.ContainsRune(" \t\r\n,", c) {
			last = now
		}
	}
	return last
}

// contextOf reads the condition keys of a simulation. A key that comes twice
// has the values of both entries.
func contextOf(entries []iamapi.ContextEntry) (policy.Keys, error) {
	keys := policy.Keys{}
	for _, e := range entries {
		name := value(e.ContextKeyName)
		if name == "" {
			return nil, invalidInput("A context entry has no ContextKeyName.")
		}
		typ, isList := strings.CutSuffix(string(value(e.ContextKeyType)), "List")
		if !isList && typ != "" && len(e.ContextKeyValues) > 1 {
			return nil, invalidInput("The context key %s of type %s has %d values: its type must be %sList.", name, typ, len(e.ContextKeyValues), typ)
		}
		for _, v := range e.ContextKeyValues {
			if !hasType(typ, v) {
				return nil, invalidInput("The context key %s has the value %q, which is not of type %s.", name, v, typ)
			}
		}
		name = strings.ToLower(name)
		keys[name] = append(keys[name], e.ContextKeyValues...)
	}
	return keys, nil
}

// hasType says whether a value can be one of a context key of that type.
func hasType(typ, v string) bool {
	var err error
	switch typ {
	case "numeric":
		_, err = strconv.ParseFloat(v, 64)
	case "boolean":
		if !strings.EqualFold(v, "true") && !strings.EqualFold(v, "false") {
			err = strconv.ErrSyntax
		}
	case "ip":
		if _, err = netip.ParseAddr(v); err != nil {
			_, err = netip.ParsePrefix(v)
		}
	case "binary":
		_, err = base64.StdEncoding.DecodeString(v)
	case "date":
		if _, err = strconv.ParseFloat(v, 64); err == nil {
			break
		}
		for _, layout := range []string{time.RFC3339, "2006-01-02T15:04Z07:00", "2006-01-02T15:04:05", time.DateOnly, "2006-01", "2006"} {
			if _, err = time.Parse(layout, v); err == nil {
				break
			}
		}
	default: // string
	}
	return err == nil
}

// getContextKeysForCustomPolicy lists the condition keys that policies ask for.
func (s *Service) getContextKeysForCustomPolicy(_ context.Context, in *iamapi.GetContextKeysForCustomPolicyRequest) (*iamapi.GetContextKeysForPolicyResponse, error) {
	return contextKeys(inputs("PolicyInputList", in.PolicyInputList))
}

// getContextKeysForPrincipalPolicy lists the condition keys that the policies
// of a user, group or role ask for, and those of the request.
func (s *Service) getContextKeysForPrincipalPolicy(ctx context.Context, in *iamapi.GetContextKeysForPrincipalPolicyRequest) (*iamapi.GetContextKeysForPolicyResponse, error) {
	from, err := s.source(ctx, in.PolicySourceArn)
	if err != nil {
		return nil, err
	}
	return contextKeys(append(from.policies, inputs("PolicyInputList", in.PolicyInputList)...))
}

// contextKeys reads policies of whichever kind: those of resources too.
func contextKeys(list []input) (*iamapi.GetContextKeysForPolicyResponse, error) {
	var read []*policy.Policy
	for _, in := range list {
		p, err := policy.Parse(policy.Identity, in.document)
		for _, kind := range []policy.Kind{policy.ResourceBased, policy.Trust} {
			if err == nil {
				break
			}
			var other error
			if p, other = policy.Parse(kind, in.document); other == nil {
				err = nil
			}
		}
		if err != nil {
			return nil, invalidInput("%s: %v", in.id, err)
		}
		read = append(read, p)
	}
	return &iamapi.GetContextKeysForPolicyResponse{ContextKeyNames: append([]string{}, policy.ContextKeys(read...)...)}, nil
}
