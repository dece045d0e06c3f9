package access

import (
	"context"
	"net/url"
	"strings"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/denial"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/policy/catalog"
	"onsight/internal/seal"
	"onsight/internal/store"
	"onsight/internal/wire"
)

// Authorizer decides calls by the policies of their callers. An account's root
// may do everything in its account.
type Authorizer struct {
	db   *store.DB
	tags Tags
	keys *seal.Keyring
}

// NewAuthorizer makes an Authorizer; the keys seal what it says about refusals.
func NewAuthorizer(db *store.DB, tags Tags, keys *seal.Keyring) *Authorizer {
	return &Authorizer{db: db, tags: tags, keys: keys}
}

// Authorize refuses what the principal may not do, in the words of IAM.
func (a *Authorizer) Authorize(ctx context.Context, who api.Principal, action string, on policy.Target) error {
	k, _ := who.Proof.(*holder)
	if k == nil {
		return fault.Forbidden("User: %s is not authorized to perform: %s on resource: %s", who.ARN, action, on.Resource)
	}
	if on.Account == "aws" { // what AWS itself owns, such as its policies, is everybody's
		on.Account = k.account
	}
	if k.subject.Principal.Type == policy.Root && on.Account == k.account {
		return nil
	}
	call := &conditions{ctx: ctx, authorizer: a, holder: k, call: on.Context, account: on.Account}
	for _, c := range checksOf(ctx, action, on) {
		if err := a.check(ctx, k, c, call); err != nil {
			return err
		}
	}
	return nil
}

// A check is an action that a call needs, on one resource.
type check struct {
	action policy.Action
	alias  *policy.Action // another name of it
	on     string
	or     []string // resources that may be allowed instead
	deny   bool     // it is enough that nothing denies it
}

// checksOf lists what a call needs. The operation's target says which resource
// it is about; what else it needs follows from its input.
func checksOf(ctx context.Context, action string, on policy.Target) []check {
	op := api.Operation(ctx)
	if op == nil || op.Service().Name() != wire.QuickSight || op.Action() != action {
		return []check{{action: policy.NewAction(action), on: on.Resource}}
	}
	region, input := api.Region(ctx), members(api.Input(ctx))
	partition := arn.Partition(region)
	all := catalog.Checks(op.Name)
	needs := make([]check, 1, len(all))
	needs[0] = check{action: all[0].Action, alias: all[0].Alias, on: on.Resource, or: all[0].Alternatives(partition, region, on.Account, input)}
	for i := range all[1:] {
		c := &all[i+1]
		if !c.Applies(input) {
			continue
		}
		if c.Resource == all[0].Resource { // which the target knows better
			needs = append(needs, check{action: c.Action, alias: c.Alias, on: on.Resource, deny: c.DenyOnly})
			continue
		}
		for _, resource := range c.ARNs(partition, region, on.Account, input) {
			needs = append(needs, check{action: c.Action, alias: c.Alias, on: resource, deny: c.DenyOnly})
		}
	}
	return needs
}

// check refuses one of the actions that a call needs.
func (a *Authorizer) check(ctx context.Context, k *holder, c check, call *conditions) error {
	call.resource = c.on
	r := policy.Request{Action: c.action, Resource: c.on, Account: call.account, Context: call}
	d := k.subject.Decide(&r)
	if c.alias != nil && d.Outcome != policy.ExplicitDeny {
		r.Action = *c.alias
		if other := k.subject.Decide(&r); other.Outcome == policy.ExplicitDeny || !d.Allowed() && other.Allowed() {
			d = other
		}
		r.Action = c.action
	}
	for _, resource := range c.or {
		if d.Outcome == policy.ExplicitDeny {
			break
		}
		r.Resource = resource
		if other := k.subject.Decide(&r); other.Outcome == policy.ExplicitDeny || !d.Allowed() && other.Allowed() {
			d = other
		}
	}
	r.Resource = c.on
	// Tags that cannot be read are not the same as none.
	if call.err != nil {
		return call.err
	}
	if d.Allowed() || c.deny && d.Outcome == policy.ImplicitDeny {
		return nil
	}
	f := fault.Forbidden("%s", policy.Message(d, k.caller.ARN, c.action.String(), c.on))
	f.Authorization = denial.Encode(a.keys, k.account, a.reasons(k, &r, d))
	api.Note(ctx, "denied", c.action.String())
	return f
}

// Judge says whether the caller may perform an action on a role, by the
// caller's policies and the role's trust policy. The message tells who may
// decode it why not.
func (a *Authorizer) Judge(ctx context.Context, action string, on policy.Target, trust *policy.Set) (allowed bool, message string, err error) {
	k, _ := api.Caller(ctx).Proof.(*holder)
	if k == nil {
		return false, "", nil
	}
	call := &conditions{ctx: ctx, authorizer: a, holder: k, call: on.Context, account: on.Account, resource: on.Resource}
	r := policy.Request{Action: policy.NewAction(action), Resource: on.Resource, Account: on.Account, Policy: trust, Context: call}
	d := k.subject.Decide(&r)
	if call.err != nil || d.Allowed() {
		return d.Allowed(), "", call.err
	}
	return false, denial.Encode(a.keys, k.account, a.reasons(k, &r, d)), nil
}

// Conditions gives the condition keys of a call that nobody has signed.
func (a *Authorizer) Conditions(ctx context.Context) policy.Context {
	return &conditions{ctx: ctx, authorizer: a, holder: &holder{}}
}

// reasons says why a call was denied, to those who may know.
func (a *Authorizer) reasons(k *holder, r *policy.Request, d policy.Decision) denial.Message {
	x := k.subject.Explain(r)
	m := denial.Message{
		ExplicitDeny: d.Outcome == policy.ExplicitDeny, Failures: []string{x.Missing},
		Principal: denial.Principal{ID: k.caller.UserID, Name: k.subject.Principal.UserName, ARN: k.caller.ARN},
		Action:    r.Action.String(), Resource: r.Resource, Conditions: map[string][]string{},
	}
	for _, f := range x.Statements {
		if f.Applies() && f.Effect == "Deny" {
			m.Matched = append(m.Matched, denial.Statement{ID: f.Sid, Effect: f.Effect, Policy: f.Policy})
		}
	}
	for _, key := range told {
		if v := r.Context.Values(strings.ToLower(key)); len(v) > 0 {
			m.Conditions[key] = v
		}
	}
	return m
}

// told are the condition keys that the reasons of a refusal tell.
var told = []string{
	"aws:CurrentTime", "aws:SourceIp", "aws:SecureTransport", "aws:UserAgent", "aws:RequestedRegion", "aws:PrincipalArn",
	"aws:PrincipalType", "aws:userid", "aws:username", "aws:TokenIssueTime", "aws:MultiFactorAuthPresent", "aws:SourceIdentity",
	"aws:ResourceAccount", "aws:TagKeys",
}

// accountIn finds the account in a path's first label: the account itself, or
// the ARN of a resource.
func accountIn(labels []string) string {
	if len(labels) == 0 {
		return ""
	}
	label, err := url.PathUnescape(labels[0])
	if err != nil {
		return ""
	}
	if a, err := arn.Parse(label); err == nil {
		label = a.Account
	}
	if !arn.IsAccount(label) {
		return ""
	}
	return label
}
