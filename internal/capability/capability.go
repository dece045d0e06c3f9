package capability

import (
	"encoding/json"
	"fmt"
	"slices"
	"sync"
)

// AI is the one category that profiles can govern (model documentation of
// GovernanceCategoryName).
const AI = "AI"

// Categories are those that a profile can govern.
func Categories() []string { return []string{AI} }

// A Capability is something that a profile can take away.
type Capability struct {
	// Name is the member of the API's Capabilities.
	Name string
	// Parents are the capabilities without any one of which there is not this
	// one either.
	Parents []string
	// Category is the one that it belongs to, or empty.
	Category string
	// Does says what people do with it.
	Does string
	// Operations are those that ask for it.
	Operations []string
	// Sorts are what the operations must be about, such as JIRA_CLOUD; empty
	// where they always ask.
	Sorts []string
	// Later is the feature that will ask for it, where no operation does.
	Later string
}

// index is the table in the forms in which it is asked.
type index struct {
	byName map[string]*Capability
	asked  map[string]*asked
}

// asked is what one operation asks for.
type asked struct {
	always []string
	bySort map[string][]string
}

var indexed = sync.OnceValue(func() index {
	i := index{byName: make(map[string]*Capability), asked: make(map[string]*asked)}
	table := Table()
	for n := range table {
		c := &table[n]
		i.byName[c.Name] = c
		for _, operation := range c.Operations {
			a := i.asked[operation]
			if a == nil {
				a = &asked{bySort: make(map[string][]string)}
				i.asked[operation] = a
			}
			if len(c.Sorts) == 0 {
				a.always = append(a.always, c.Name)
			}
			for _, sort := range c.Sorts {
				a.bySort[sort] = append(a.bySort[sort], c.Name)
			}
		}
	}
	for _, a := range i.asked {
		for sort, names := range a.bySort {
			a.bySort[sort] = i.lowest(slices.Concat(names, a.always))
		}
		a.always = i.lowest(a.always)
	}
	return i
})

// lowest leaves out the capabilities that stand above another: who has the
// other has them.
func (i index) lowest(names []string) []string {
	return slices.DeleteFunc(slices.Clone(names), func(name string) bool {
		return slices.ContainsFunc(names, func(other string) bool { return other != name && i.above(name, other) })
	})
}

func (i index) above(name, other string) bool {
	c := i.byName[other]
	return c != nil && slices.ContainsFunc(c.Parents, func(p string) bool { return p == name || i.above(name, p) })
}

// Find gives a capability by its name.
func Find(name string) (Capability, bool) {
	c, ok := indexed().byName[name]
	if !ok {
		return Capability{}, false
	}
	return *c, true
}

// Gated tells whether an operation asks for any capability.
func Gated(operation string) bool { return indexed().asked[operation] != nil }

// Asked gives the capabilities that an operation asks for when it is about
// something of a sort, such as JIRA_CLOUD; without a sort, those that it always
// asks for. Those above them go without saying.
func Asked(operation, sort string) []string {
	a := indexed().asked[operation]
	if a == nil {
		return nil
	}
	if names, ok := a.bySort[sort]; ok {
		return names
	}
	return a.always
}

// A Profile is what custom permissions say. The zero Profile says nothing, and
// takes nothing away.
type Profile struct {
	stated   map[string]string
	governed map[string]string
}

// Read reads the documents of a profile, Capabilities and Governance in JSON;
// empty ones say nothing.
func Read(capabilities, governance string) (Profile, error) {
	var p Profile
	if capabilities != "" {
		if err := json.Unmarshal([]byte(capabilities), &p.stated); err != nil {
			return p, fmt.Errorf("capabilities: %w", err)
		}
	}
	if governance != "" {
		var g struct{ DefaultCategoryEffects map[string]string }
		if err := json.Unmarshal([]byte(governance), &g); err != nil {
			return p, fmt.Errorf("governance: %w", err)
		}
		p.governed = g.DefaultCategoryEffects
	}
	return p, nil
}

// A Verdict is what a profile says of a capability.
type Verdict struct {
	Allowed bool
	// By is the capability that is denied: the one in question, or one above it.
	By string
	// Category is the one in which the profile denies by default, where that is
	// what denies; empty where the profile says DENY.
	Category string
}

// Effective decides whether a profile leaves a capability.
func Effective(p Profile, name string) Verdict {
	switch c, known := indexed().byName[name]; {
	case p.stated[name] == "DENY":
		return Verdict{By: name}
	case !known:
		return Verdict{Allowed: true}
	default:
		for _, parent := range c.Parents {
			if v := Effective(p, parent); !v.Allowed {
				return v
			}
		}
		if p.stated[name] != "ALLOW" && p.governed[c.Category] == "DENY_BY_DEFAULT" {
			return Verdict{By: name, Category: c.Category}
		}
		return Verdict{Allowed: true}
	}
}

// Decide decides on an operation about something of a sort: the first
// capability that it asks for and the profile does not leave says no.
func Decide(p Profile, operation, sort string) (name string, v Verdict) {
	for _, name := range Asked(operation, sort) {
		if v := Effective(p, name); !v.Allowed {
			return name, v
		}
	}
	return "", Verdict{Allowed: true}
}
