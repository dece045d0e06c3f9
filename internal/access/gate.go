package access

import (
	"context"
	"slices"
	"strings"

	"onsight/internal/api"
	"onsight/internal/capability"
	"onsight/internal/denial"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/seal"
	"onsight/internal/store"
)

// Gate asks the custom permissions of QuickSight's people, once IAM's policies
// have allowed a call. Whoever is registered as a user is bound by the profile
// that applies to the user, whatever credentials the call is signed with; one
// who is registered in several namespaces, by all that apply; and a session
// that acts for a user, by the user's too. An account's root
// is not bound, so that no account locks itself out.
type Gate struct {
	db       *store.DB
	profiles Profiles
	keys     *seal.Keyring
}

// NewGate makes a Gate; the keys seal what it says about refusals.
func NewGate(db *store.DB, profiles Profiles, keys *seal.Keyring) *Gate {
	return &Gate{db: db, profiles: profiles, keys: keys}
}

// Gated tells whether any capability gates an operation.
func (g *Gate) Gated(operation string) bool { return capability.Gated(operation) }

// Pass refuses what the profile of the caller takes away. It is one read, by
// the index of principal ids; for whom a profile binds, what the route needs to
// know comes on top.
func (g *Gate) Pass(ctx context.Context, who api.Principal, deeds func() ([]api.Deed, error)) error {
	k, _ := who.Proof.(*holder)
	if k == nil || k.person.ID == "" {
		return nil
	}
	var profiles []Profile
	err := g.db.Read(ctx, func(tx *store.Tx) (err error) {
		if profiles, err = g.profiles.OfPerson(tx, k.account, k.person); err != nil || k.actsFor == nil {
			return err
		}
		vouched, err := g.profiles.OfUser(tx, *k.actsFor)
		profiles = append(profiles, vouched...)
		return err
	})
	if err != nil || len(profiles) == 0 {
		return err
	}
	done, err := deeds()
	if err != nil {
		return err
	}
	for _, d := range done {
		if t := taken(profiles, d.Operation, d.Sort); t != nil {
			return g.refusal(ctx, k, t)
		}
	}
	return nil
}

// A Taken is a capability that a profile takes away.
type Taken struct {
	Profile Profile
	// Capability is the one that was asked for, and Verdict why it is denied.
	Capability string
	Verdict    capability.Verdict
}

// taken finds the first capability that an operation asks for and a profile
// takes away; nil where there is none.
func taken(profiles []Profile, operation, sort string) *Taken {
	for _, p := range profiles {
		if name, v := capability.Decide(p.Capabilities, operation, sort); !v.Allowed {
			return &Taken{Profile: p, Capability: name, Verdict: v}
		}
	}
	return nil
}

// Why says it in words that follow "because".
func (t *Taken) Why() string {
	why := "the custom permissions profile " + t.Profile.Name + ", which is applied to " + t.Profile.Level + ", denies the capability " + t.Verdict.By
	if t.Verdict.By != t.Capability {
		why += " and with it " + t.Capability
	}
	if t.Verdict.Category != "" {
		why += " by default, being of the category " + t.Verdict.Category
	}
	return why
}

// Message is what whoever is refused is told.
func (t *Taken) Message(caller, action, resource string) string {
	return "User: " + caller + " is not authorized to perform: " + action + " on resource: " + resource + " because " + t.Why()
}

// refusal is the answer to a call that a profile takes away. It is the
// service's own, so it is a 401, as all of those are.
func (g *Gate) refusal(ctx context.Context, k *holder, t *Taken) error {
	action, resource := "", "*"
	if c, ok := api.CallOf(ctx); ok {
		action = c.Operation().Action()
		if on, _ := c.Resource(); on != "" {
			resource = on
		}
	}
	f := fault.Denied("%s", t.Message(k.caller.ARN, action, resource))
	f.Authorization = denial.Encode(g.keys, k.account, denial.Message{
		ExplicitDeny: true, Matched: []denial.Statement{{ID: t.Verdict.By, Effect: "Deny", Policy: t.Profile.ARN}},
		Principal: denial.Principal{ID: k.caller.UserID, Name: k.subject.Principal.UserName, ARN: k.caller.ARN},
		Action:    action, Resource: resource,
	})
	api.Note(ctx, "denied", t.Capability)
	return f
}

// operationOf gives the operation that an action is named for.
func operationOf(action string) string {
	_, name, _ := strings.Cut(action, ":")
	return name
}

// level is the kind of an AccessLevel and of a StatementFinding.
const level = "custom permissions"

// explainTaken adds to an answer what custom permissions take away; t is nil where
// that is nothing.
func explainTaken(out *onsightapi.ExplainAccessResponse, t *Taken, profiles []Profile) {
	if len(profiles) == 0 {
		return
	}
	outcome := onsightapi.AccessOutcomeAllowed
	if t != nil {
		outcome = onsightapi.AccessOutcomeExplicitDeny
	}
	out.Levels = append(out.Levels, onsightapi.AccessLevel{Kind: new(level), Outcome: &outcome})
	for _, p := range profiles {
		f := onsightapi.StatementFinding{
			Kind: new(level), Policy: &p.ARN, Statement: new("applied to " + p.Level), Effect: new("Deny"), Applies: new(false),
			Misses: []string{"No capability that the action asks for is denied"},
		}
		if t != nil && t.Profile.ARN == p.ARN && t.Profile.Level == p.Level {
			f.Statement, f.Applies, f.Misses = new(t.Verdict.By+", applied to "+p.Level), new(true), []string{}
		}
		out.Statements = slices.Insert(out.Statements, 0, f)
	}
	if t == nil || !*out.Allowed {
		return
	}
	out.Allowed, out.Outcome = new(false), &outcome
	out.Policy, out.PolicyType, out.Statement = &t.Profile.ARN, new(level), new(t.Verdict.By+", applied to "+t.Profile.Level)
	out.Message = new(t.Message(*out.Principal, *out.Action, *out.Resource))
	out.Missing = new(strings.ToUpper(t.Why()[:1]) + t.Why()[1:] + ".")
}
