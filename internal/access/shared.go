package access

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"onsight/internal/arn"
	"onsight/internal/capability"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/policy/catalog"
	"onsight/internal/store"
)

// Shared decides what the users and groups of QuickSight may do: by the
// permission lists of resources, where IAM's policies decide for the callers of
// the API. A user may do what the list grants to it or to one of its groups,
// and what the lists of the folders above a resource grant; a reader, whatever
// a list says, no more than look; and nobody what custom permissions take away.
type Shared struct {
	People   People
	Lists    Lists
	Profiles Profiles
}

// A Grant is why somebody may do something with a resource.
type Grant struct {
	// Allowed tells whether it is granted.
	Allowed bool
	// Principal is who is granted it: the user, or a group of it.
	Principal string
	// Withheld is who is granted it when the user may not do it all the same,
	// being a reader; or empty.
	Withheld string
	// List is the ARN of the resource whose list grants it: the resource
	// itself, or a folder above it.
	List string
	// Profiles are the custom permissions that bind the user, where they have a
	// say in the action, and Taken is what they take away; nil for nothing. Then
	// it is not allowed, whatever the list says.
	Profiles []Profile
	Taken    *Taken
	// Entries are what the list grants to the user and to each of its groups.
	Entries map[string][]string
	// Inherited are what the lists of folders grant to them.
	Inherited []Inherited
}

// Decide says whether a user or group may perform an action on a resource;
// ResourceNotFoundException when there is no such principal.
func (s Shared) Decide(tx *store.Tx, principal arn.ARN, action, resource string) (Grant, error) {
	ok, err := s.People.Exists(tx, principal)
	if err == nil && !ok {
		err = fault.NotFound("", "Principal %s can't be found.", principal)
	}
	if err != nil {
		return Grant{}, err
	}
	who, reader := []string{principal.String()}, false
	if kind, _ := principal.Split(); kind == "user" {
		role, err := s.People.Role(tx, principal)
		if err != nil {
			return Grant{}, err
		}
		reader = strings.Contains(role, "READER")
		groups, err := s.People.Groups(tx, principal)
		if err != nil {
			return Grant{}, err
		}
		who = append(who, groups...)
	}
	g := Grant{}
	if g.Entries, err = s.Lists.Granted(tx, resource, who...); err != nil {
		return Grant{}, err
	}
	for _, p := range who {
		if !slices.Contains(g.Entries[p], action) {
			continue
		}
		if reader && changes(action) {
			g.Withheld = p
		} else {
			g.Allowed, g.Principal, g.List = true, p, resource
		}
		break
	}
	if g.Inherited, err = s.Lists.Inherited(tx, resource, who...); err != nil {
		return Grant{}, err
	}
	for _, i := range g.Inherited {
		switch {
		case g.Allowed || !slices.Contains(i.Actions, action):
		case reader && changes(action):
			g.Withheld = cmp.Or(g.Withheld, i.Principal)
		default:
			g.Allowed, g.Principal, g.List = true, i.Principal, i.Folder
		}
	}
	if !capability.Gated(operationOf(action)) {
		return g, nil
	}
	if g.Profiles, err = s.Profiles.OfUser(tx, principal); err != nil || len(g.Profiles) == 0 {
		return g, err
	}
	sort, err := s.Profiles.Sort(tx, resource)
	g.Taken = taken(g.Profiles, operationOf(action), sort)
	g.Allowed = g.Allowed && g.Taken == nil
	return g, err
}

// changes tells whether an action does more than look. To build on a data set
// counts as reading where it comes to IAM, and is an author's work all the same.
func changes(action string) bool {
	info, ok := catalog.Action(action)
	return ok && (info.Access != "Read" && info.Access != "List" || strings.HasPrefix(info.Name, catalog.Prefix+"Pass"))
}

// explainShared tells what the permission list of a resource says of a user or
// group.
func (s *Service) explainShared(ctx context.Context, who arn.ARN, in *onsightapi.ExplainAccessRequest) (*onsightapi.ExplainAccessResponse, error) {
	if who.Account != in.AwsAccountId {
		return nil, fault.Invalid("Principal %s isn't of account %s.", in.Principal, in.AwsAccountId)
	}
	if in.Resource == nil {
		return nil, fault.Invalid("Resource is required for a user or group of QuickSight: its permission list decides.")
	}
	var g Grant
	err := s.holders.db.Read(ctx, func(tx *store.Tx) (err error) {
		g, err = s.shared.Decide(tx, who, in.Action, *in.Resource)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &onsightapi.ExplainAccessResponse{
		Principal: &in.Principal, Action: &in.Action, Resource: in.Resource, Allowed: new(g.Principal != ""),
		Outcome: new(onsightapi.AccessOutcomeAllowed), Levels: []onsightapi.AccessLevel{}, Statements: []onsightapi.StatementFinding{},
	}
	switch {
	case *out.Allowed:
		out.Policy, out.PolicyType, out.Statement = &g.List, new("permission list"), new("entry of "+g.Principal)
	case g.Withheld != "":
		out.Outcome = new(onsightapi.AccessOutcomeImplicitDeny)
		out.Missing = new("The role of " + in.Principal + " must be AUTHOR or ADMIN, with or without PRO: a reader may only look, whatever is granted.")
	default:
		out.Outcome = new(onsightapi.AccessOutcomeImplicitDeny)
		out.Missing = new("The permission list of " + *in.Resource + " must grant " + in.Action + " to " + in.Principal + " or to one of its groups, or that of a folder above it must.")
	}
	out.Levels = append(out.Levels, onsightapi.AccessLevel{Kind: new("permission list"), Outcome: out.Outcome})
	for _, p := range sortedKeys(g.Entries) {
		out.Statements = append(out.Statements, entryFinding(*in.Resource, p, in.Action, g.Entries[p], g.Withheld != ""))
	}
	for _, i := range g.Inherited {
		out.Statements = append(out.Statements, entryFinding(i.Folder, i.Principal, in.Action, i.Actions, g.Withheld != ""))
	}
	explainTaken(out, g.Taken, g.Profiles)
	return out, nil
}

// entryFinding tells what an entry of the permission list of a resource, or of
// a folder above it, says of an action.
func entryFinding(list, principal, action string, granted []string, withheld bool) onsightapi.StatementFinding {
	finding := onsightapi.StatementFinding{
		Kind: new("permission list"), Policy: &list, Statement: new("entry of " + principal), Effect: new("Allow"),
		Applies: new(slices.Contains(granted, action)), Misses: []string{},
	}
	switch {
	case *finding.Applies && withheld:
		*finding.Applies = false
		finding.Misses = append(finding.Misses, "Role is one of readers, who may only look")
	case !*finding.Applies:
		finding.Misses = append(finding.Misses, "Action is none of those that the entry grants")
	}
	return finding
}
