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
	if k.permits != nil {
		if err := k.permits(action); err != nil {
			return err
		}
	}
	if k.subject.Principal.Type == policy.Root && on.Account == k.account {
		return nil
	}
	call := &conditions{ctx: ctx, authorizer: a, holder: k, call: on.Context, account: on.Account}
	op := api.Operation(ctx)
	if op == nil || op.Service().Name() != wire.QuickSight || op.Action() != action {
		own := catalog.Check{Action: policy.NewAction(action)}
		return a.check(ctx, call, &own, policy.Request{Resource: on.Resource, Account: on.Account})
	}
	return a.checks(ctx, call, catalog.Checks(op.Name), on)
}

// checks makes all that an operation of QuickSight is checked against. Its
// target says which resource it is about; what else it needs follows from its
// input.
func (a *Authorizer) checks(ctx context.Context, call *conditions, all []catalog.Check, on policy.Target) error {
	region, input := api.Region(ctx), members(api.Input(ctx))
	partition := arn.Partition(region)
	for i := range all {
		c := &all[i]
		if !c.Applies(input) {
			continue
		}
		if i == 0 || c.Resource == all[0].Resource {
			r := policy.Request{Resource: on.Resource, Account: on.Account}
			if err := a.check(ctx, call, c, r, c.Alternatives(partition, region, on.Account, input)...); err != nil {
				return err
			}
			continue
		}
		for _, resource := range c.ARNs(partition, region, on.Account, input) {
			if err := a.check(ctx, call, c, policy.Request{Resource: resource}); err != nil {
				return err
			}
		}
	}
	return nil
}

// check makes one check.
func (a *Authorizer) check(ctx context.Context, call *conditions, c *catalog.Check, r policy.Request, alternatives ...string) error {
	call.resource = r.Resource
	r.Context = call
	k := call.holder
	d := c.Decide(&k.subject, r, alternatives...)
	// Tags that cannot be read are not the same as none.
	if call.err != nil || d.Allowed() {
		return call.err
	}
	r.Action = c.Action
	f := fault.Forbidden("%s", policy.Message(d, k.caller.ARN, c.Action.String(), r.Resource))
	f.Authorization = denial.Encode(a.keys, k.account, a.reasons(k, &r, d))
	api.Note(ctx, "denied", c.Action.String())
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
		// What another account has written is nothing to this one.
		foreign := (f.Kind == policy.Trust || f.Kind == policy.ResourceBased) && r.Account != "" && r.Account != k.account
		if f.Applies() && f.Effect == "Deny" && !foreign {
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
