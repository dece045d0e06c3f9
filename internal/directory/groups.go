package directory

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/go-ldap/ldap/v3"
)

const (
	// The rule by which Active Directory follows members of members, and the
	// capability by which it shows that it is one.
	inChain         = ":1.2.840.113556.1.4.1941:"
	activeDirectory = "1.2.840.113556.1.4.800"

	// The most groups that one walk visits, and the most people of one account.
	maxGroups = 20_000
	maxPeople = 200_000
	// atOnce is how many entries one filter asks about.
	atOnce = 50
)

// A mapped group is one that has a role.
type mapped struct {
	// Name is the one by which the account gave it the role.
	Name string
	DN   string
	sid  []byte
}

// key tells entries apart by their DN, as the directory writes it.
func key(dn string) string { return strings.ToLower(dn) }

// usesChain tells whether groups in groups are found by the rule.
func (d *Directory) usesChain(ctx context.Context) (bool, error) {
	if d.Nested != NestingAuto {
		return d.Nested == NestingChain, nil
	}
	d.mu.Lock()
	known := d.chain
	d.mu.Unlock()
	if known != nil {
		return *known, nil
	}
	has := false
	err := d.searches.with(ctx, func(c *ldap.Conn) error {
		entries, err := search(c, "", ldap.ScopeBaseObject, "(objectClass=*)", 0, []string{"supportedCapabilities"})
		has = len(entries) > 0 && slices.Contains(entries[0].GetEqualFoldAttributeValues("supportedCapabilities"), activeDirectory)
		return err
	})
	if err != nil {
		return false, err
	}
	d.mu.Lock()
	d.chain = &has
	d.mu.Unlock()
	return has, nil
}

// resolve finds the groups of names: by the short name of a group, by its DN,
// or by its common name where only one group has that. A common name is no more
// than a label, which whoever may make groups anywhere may use again.
func (d *Directory) resolve(ctx context.Context, names []string) (found []mapped, err error) {
	type candidate struct {
		mapped
		byName bool
	}
	all := make(map[string][]candidate)
	for some := range slices.Chunk(names, atOnce) {
		var or strings.Builder
		for _, name := range some {
			if strings.TrimSpace(name) == "" {
				continue
			}
			fmt.Fprintf(&or, "(%s=%s)(cn=%[2]s)", d.Names.Group, ldap.EscapeFilter(name))
		}
		for _, base := range d.GroupBase {
			err := d.pages(ctx, base, "(&"+d.GroupFilter+"(|"+or.String()+"))", []string{d.Names.Group, "cn", d.Names.SID}, func(entries []*ldap.Entry) error {
				for _, e := range entries {
					for _, name := range some {
						byName := strings.EqualFold(e.GetEqualFoldAttributeValue(d.Names.Group), name)
						if byName || slices.ContainsFunc(e.GetEqualFoldAttributeValues("cn"), func(cn string) bool { return strings.EqualFold(cn, name) }) {
							all[name] = append(all[name], candidate{mapped{name, e.DN, e.GetEqualFoldRawAttributeValue(d.Names.SID)}, byName})
						}
					}
				}
				return nil
			})
			if err != nil {
				return nil, err
			}
		}
	}
	for _, name := range names {
		candidates := all[name]
		if by := slices.DeleteFunc(slices.Clone(candidates), func(c candidate) bool { return !c.byName }); len(by) > 0 {
			candidates = by
		}
		candidates = slices.CompactFunc(candidates, func(a, b candidate) bool { return key(a.DN) == key(b.DN) })
		switch {
		case len(candidates) == 1:
			found = append(found, candidates[0].mapped)
		case len(candidates) == 0 && strings.Contains(name, "="):
			g, err := d.groupAt(ctx, name)
			if err != nil {
				return nil, err
			}
			if g != nil {
				found = append(found, *g)
			}
		}
	}
	return found, nil
}

// groupAt gives the group of a DN below the settings' bases; nil for none.
func (d *Directory) groupAt(ctx context.Context, dn string) (g *mapped, err error) {
	parsed, err := ldap.ParseDN(dn)
	if err != nil {
		return nil, nil //nolint:nilerr // it is a name, and nobody's
	}
	below := slices.ContainsFunc(d.GroupBase, func(base string) bool {
		b, err := ldap.ParseDN(base)
		return err == nil && b.AncestorOfFold(parsed)
	})
	if !below {
		return nil, nil
	}
	err = d.searches.with(ctx, func(c *ldap.Conn) error {
		entries, err := search(c, dn, ldap.ScopeBaseObject, d.GroupFilter, 0, []string{d.Names.SID})
		if err == nil && len(entries) == 1 {
			g = &mapped{dn, entries[0].DN, entries[0].GetEqualFoldRawAttributeValue(d.Names.SID)}
		}
		return err
	})
	return g, err
}

// memberOf gives the names of those mapped groups that someone is in.
func (d *Directory) memberOf(ctx context.Context, p *entry, groups []mapped) (names []string, err error) {
	if len(groups) == 0 {
		return nil, nil
	}
	start := []string{p.DN}
	in := make(map[string]bool)
	if sid := p.primarySID(); sid != nil {
		for _, base := range d.GroupBase {
			err := d.groupsBelow(ctx, base, "("+d.Names.SID+"="+escapeBytes(sid)+")", func(dn string) {
				if !in[key(dn)] {
					in[key(dn)] = true
					start = append(start, dn)
				}
			})
			if err != nil {
				return nil, err
			}
		}
	}
	chain, err := d.usesChain(ctx)
	if err != nil {
		return nil, err
	}
	rule := ""
	if chain {
		rule = inChain
	}
	for level := start; len(level) > 0; {
		var next []string
		for some := range slices.Chunk(level, atOnce) {
			var or strings.Builder
			for _, dn := range some {
				fmt.Fprintf(&or, "(%s%s=%s)", d.Names.Member, rule, ldap.EscapeFilter(dn))
			}
			for _, base := range d.GroupBase {
				err := d.groupsBelow(ctx, base, "(|"+or.String()+")", func(dn string) {
					if !in[key(dn)] { // a group may be in itself, by way of others
						in[key(dn)] = true
						next = append(next, dn)
					}
				})
				if err != nil {
					return nil, err
				}
			}
		}
		if len(in) > maxGroups {
			return nil, fmt.Errorf("someone is in more than %d groups", maxGroups)
		}
		if chain || d.Nested == NestingNone {
			break
		}
		level = next
	}
	for _, g := range groups {
		if in[key(g.DN)] {
			names = append(names, g.Name)
		}
	}
	return names, nil
}

// groupsBelow finds groups by a filter.
func (d *Directory) groupsBelow(ctx context.Context, base, filter string, fn func(dn string)) error {
	return d.pages(ctx, base, "(&"+d.GroupFilter+filter+")", []string{"1.1"}, func(entries []*ldap.Entry) error {
		for _, e := range entries {
			fn(e.DN)
		}
		return nil
	})
}

// A member is a person of a mapped group.
type member struct {
	*entry
	// Groups are the names of the mapped groups that the person is in.
	Groups []string
}

// members gives everyone who is in a mapped group, by id.
func (d *Directory) members(ctx context.Context, groups []mapped) (map[string]*member, error) {
	chain, err := d.usesChain(ctx)
	if err != nil {
		return nil, err
	}
	all := make(map[string]*member)
	add := func(name string, e *ldap.Entry) error {
		p := d.person(e)
		if p == nil {
			return nil
		}
		m := all[p.ID]
		if m == nil {
			if len(all) >= maxPeople {
				return fmt.Errorf("more than %d people are in the groups that have a role", maxPeople)
			}
			m = &member{entry: p}
			all[p.ID] = m
		}
		if !slices.Contains(m.Groups, name) {
			m.Groups = append(m.Groups, name)
		}
		return nil
	}
	for _, g := range groups {
		if err := d.membersOf(ctx, g, chain, func(e *ldap.Entry) error { return add(g.Name, e) }); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// membersOf gives the people of one group, and of those that are in it.
func (d *Directory) membersOf(ctx context.Context, g mapped, chain bool, add func(*ldap.Entry) error) error {
	visited := map[string]bool{key(g.DN): true}
	attributes := d.personAttributes()
	for queue := []mapped{g}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		rule := ""
		if chain {
			rule = inChain
		}
		filters := []string{"(" + d.Names.MemberOf + rule + "=" + ldap.EscapeFilter(at.DN) + ")"}
		if len(at.sid) >= 12 { // nobody is a member by name of their primary group
			filters = append(filters, fmt.Sprintf("(%s=%d)", d.Names.PrimaryGroup, binary.LittleEndian.Uint32(at.sid[len(at.sid)-4:])))
		}
		if chain && len(visited) > 1 {
			filters = filters[1:] // the rule has found all others already
		}
		for _, filter := range filters {
			primary := strings.HasPrefix(filter, "("+d.Names.PrimaryGroup+"=")
			for _, base := range d.PeopleBase {
				err := d.pages(ctx, base, "(&"+d.PeopleFilter+filter+")", attributes, func(entries []*ldap.Entry) error {
					for _, e := range entries {
						// The number of a primary group is one of the person's own domain.
						if p := d.person(e); p == nil || primary && !bytes.Equal(p.primarySID(), at.sid) {
							continue
						}
						if err := add(e); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					return err
				}
			}
		}
		if d.Nested == NestingNone || chain && len(visited) > 1 {
			continue
		}
		for _, base := range d.GroupBase {
			filter := "(&" + d.GroupFilter + "(" + d.Names.MemberOf + rule + "=" + ldap.EscapeFilter(at.DN) + "))"
			err := d.pages(ctx, base, filter, []string{d.Names.SID}, func(entries []*ldap.Entry) error {
				for _, e := range entries {
					if visited[key(e.DN)] {
						continue
					}
					if len(visited) >= maxGroups {
						return errors.New("a group has more than 20,000 groups in it")
					}
					visited[key(e.DN)] = true
					queue = append(queue, mapped{g.Name, e.DN, e.GetEqualFoldRawAttributeValue(d.Names.SID)})
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
