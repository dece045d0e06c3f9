package catalog

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"onsight/internal/policy"
	"onsight/model"
)

// Prefix is what the service's actions begin with.
const Prefix = "quicksight:"

// A Check is an action that a call is checked against.
type Check struct {
	// Action is what policies must allow.
	Action policy.Action
	// Alias is another name of the action that is not documented and in use,
	// or nil. An Allow of either is enough, and a Deny of either denies.
	Alias *policy.Action
	// Resource says which ARNs the action is tested against; ARNs fills it in.
	// "*" stands for none.
	Resource string
	// Or says which ARNs may be allowed in the place of Resource, or is empty.
	// None of them may be denied.
	Or string
	// When names the member that the call must have for the check to be made,
	// and may list values of it after an equals sign. Empty is always.
	When string
	// DenyOnly marks an action that need not be allowed, and must not be
	// denied.
	DenyOnly bool
}

// An Info describes an action.
type Info struct {
	// Name has the service's prefix.
	Name string
	// Access is the access level: Read, List, Write, Tagging or Permissions
	// management.
	Access string
	// Resources are the types of resources that a policy can limit the action
	// to. One without any is allowed on * only.
	Resources []ResourceType
	// Keys are the condition keys that calls with the action carry.
	Keys []string
	// PermissionOnly marks an action that is no operation of the API.
	PermissionOnly bool
}

// A ResourceType is a type of resource that an action can be limited to.
type ResourceType struct {
	Name string
	// Tail is the end of ARNs of the type, after the account, with what varies
	// in braces; Global says that these ARNs name no region.
	Tail   string
	Global bool
	// Tagged says that resources of the type have tags.
	Tagged bool
	// Optional says that a call may do without one.
	Optional bool
}

type tables struct {
	actions map[string]Info // by name in lower case
	checks  map[string][]Check
}

var load = sync.OnceValue(func() tables {
	var doc model.AuthorizationDocument
	if err := json.Unmarshal(model.QuickSightAuthorization, &doc); err != nil {
		panic(fmt.Sprintf("model/quicksight-authorization.json: %v", err)) // the file is part of the program
	}
	t := tables{actions: make(map[string]Info, len(doc.Actions)), checks: make(map[string][]Check, len(doc.Operations))}
	for name, a := range doc.Actions {
		info := Info{Name: Prefix + name, Access: a.Access, Keys: a.Keys, PermissionOnly: a.PermissionOnly}
		for _, kind := range a.Resources {
			kind, optional := strings.CutSuffix(kind, "?")
			r := doc.Resources[kind]
			info.Resources = append(info.Resources, ResourceType{Name: kind, Tail: r.Tail, Global: r.Global, Tagged: r.Tags, Optional: optional})
		}
		t.actions[strings.ToLower(info.Name)] = info
	}
	for name, op := range doc.Operations {
		t.checks[name] = checksOf(name, op)
	}
	return t
})

func checksOf(name string, op model.AuthorizedOperation) []Check {
	if op.Action != "" {
		name = op.Action
	}
	first := Check{Action: policy.NewAction(Prefix + name), Resource: op.Resource, Or: op.Or}
	if op.Alias != "" {
		alias := policy.NewAction(Prefix + op.Alias)
		first.Alias = &alias
	}
	checks := []Check{first}
	for _, also := range op.Also {
		c := Check{Action: policy.NewAction(also.Action), Resource: also.Resource, When: also.When, DenyOnly: also.DenyOnly}
		if c.Resource == "" {
			c.Resource = op.Resource
		}
		checks = append(checks, c)
	}
	return checks
}

// Checks gives what an operation of the API is checked against, its own action
// first. One that is newer than the catalog is checked against the action of
// its name on "*". The result is shared: it is not changed.
func Checks(operation string) []Check {
	if checks, ok := load().checks[operation]; ok {
		return checks
	}
	return []Check{{Action: policy.NewAction(Prefix + operation), Resource: "*"}}
}

// Action describes an action of the service by its name with the prefix, in
// any case.
func Action(name string) (Info, bool) {
	info, ok := load().actions[strings.ToLower(name)]
	return info, ok
}

// Actions describes all actions of the service, by name.
func Actions() []Info {
	return slices.SortedFunc(maps.Values(load().actions), func(a, b Info) int { return strings.Compare(a.Name, b.Name) })
}

// A Members gives the values of a member of a call's input by its name, or by
// its path with dots between the names; none when it is not given. Names in
// angle brackets ask for ARNs that the input alone does not tell: <user>,
// <role>, <data sets> and the like.
type Members func(name string) []string

// Applies says whether a call with the members is checked.
func (c *Check) Applies(member Members) bool {
	if c.When == "" {
		return true
	}
	name, values, some := strings.Cut(c.When, "=")
	given := member(name)
	if !some {
		return len(given) > 0
	}
	return slices.ContainsFunc(given, func(v string) bool { return slices.Contains(strings.Split(values, ","), v) })
}

// ARNs gives the resources that the check is about. A check that comes to none
// is not made.
func (c *Check) ARNs(partition, region, account string, member Members) []string {
	return arns(c.Resource, partition, region, account, member)
}

// Alternatives gives the resources that may be allowed in the place of ARNs.
func (c *Check) Alternatives(partition, region, account string, member Members) []string {
	if c.Or == "" {
		return nil
	}
	return arns(c.Or, partition, region, account, member)
}

func arns(template, partition, region, account string, member Members) []string {
	if template == "*" {
		return []string{"*"}
	}
	if strings.HasPrefix(template, "assignment/") { // the one type without a region
		region = ""
	}
	tails := []string{""}
	whole := false
	for rest := template; rest != ""; {
		open := strings.IndexAny(rest, "{<")
		if open < 0 {
			tails = each(tails, []string{rest})
			break
		}
		end := open + strings.IndexAny(rest[open:], "}>")
		name := rest[open : end+1]
		whole = name == template
		tails = each(each(tails, []string{rest[:open]}), member(strings.Trim(name, "{}")))
		rest = rest[end+1:]
	}
	if whole {
		return tails
	}
	for i, tail := range tails {
		tails[i] = "arn:" + partition + ":quicksight:" + region + ":" + account + ":" + tail
	}
	return tails
}

// each puts every end behind every beginning.
func each(begins, ends []string) []string {
	out := make([]string, 0, len(begins)*len(ends))
	for _, b := range begins {
		for _, e := range ends {
			out = append(out, b+e)
		}
	}
	return out
}

// Decide says whether the subject passes the check for a request, whose action
// is the check's. alternatives are what Alternatives gives. An Allow of the
// action or its alias, on the resource or an alternative, is enough; a Deny of
// any of them is one too many. A DenyOnly check passes without an Allow.
func (c *Check) Decide(s *policy.Subject, r policy.Request, alternatives ...string) policy.Decision {
	r.Action = c.Action
	d := s.Decide(&r)
	better := func() {
		if other := s.Decide(&r); other.Outcome > policy.ImplicitDeny && d.Outcome != policy.ExplicitDeny {
			if d.Outcome == policy.ImplicitDeny || other.Outcome == policy.ExplicitDeny {
				d = other
			}
		}
	}
	if c.Alias != nil {
		r.Action = *c.Alias
		better()
		r.Action = c.Action
	}
	for _, r.Resource = range alternatives {
		better()
	}
	if c.DenyOnly && d.Outcome == policy.ImplicitDeny {
		return policy.Decision{Outcome: policy.Allowed, Statement: -1}
	}
	return d
}
