package directory

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-ldap/ldap/v3"

	"onsight/internal/onsightapi"
	"onsight/internal/store"
)

// A checking is a check under way.
type checking struct {
	d   *Directory
	out *onsightapi.CheckDirectoryResponse
}

// step makes a step and notes how it went; whether the next makes sense is what
// it gives.
func (c *checking) step(name string, fn func() (detail string, warn bool, err error)) bool {
	began := c.d.now()
	detail, warn, err := fn()
	outcome := onsightapi.DirectoryStepOutcomeOk
	if warn {
		outcome = onsightapi.DirectoryStepOutcomeWarning
	}
	if err != nil {
		outcome, detail = onsightapi.DirectoryStepOutcomeFailed, err.Error()
		c.out.Works = new(false)
	}
	c.out.Steps = append(c.out.Steps, onsightapi.DirectoryStep{Name: &name, Outcome: &outcome, Detail: &detail, Milliseconds: new(c.d.now().Sub(began).Milliseconds())})
	return err == nil
}

// checkDirectory tells step by step what of the account's directory works:
// connection, TLS and bind of each address, bases, groups, and where a name is
// given, what is known of that person.
func (s *Service) checkDirectory(ctx context.Context, in *onsightapi.CheckDirectoryRequest) (*onsightapi.CheckDirectoryResponse, error) {
	p, d, err := s.enter(ctx, in.AwsAccountId)
	if err != nil {
		return nil, err
	}
	c := &checking{d, &onsightapi.CheckDirectoryResponse{Steps: []onsightapi.DirectoryStep{}, Works: new(true)}}
	answers := false
	for _, u := range d.URLs {
		ctx, cancel := context.WithTimeout(ctx, d.Timeout)
		name := "connect and bind at " + u.Scheme + "://" + u.Host
		answers = c.step(name, func() (string, bool, error) {
			l, err := d.dial(ctx, u, true)
			if err != nil {
				return "", false, err
			}
			defer l.close()
			secured := "without TLS, as plain is set"
			if state, ok := l.TLSConnectionState(); ok || u.Scheme == "ldaps" {
				secured = "TLS"
				if ok && len(state.PeerCertificates) > 0 {
					secured = "TLS, certificate until " + state.PeerCertificates[0].NotAfter.UTC().Format(time.DateOnly)
				}
			}
			return secured + "; bound as " + d.BindDN, false, nil
		}) || answers
		cancel()
	}
	if !answers {
		return c.out, nil
	}
	var roles map[string]string
	err = s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		roles, err = s.Users.Roles(tx, p.Account, p.Namespace)
		return err
	})
	if err != nil {
		return nil, err
	}
	c.bases(ctx)
	c.groups(ctx, slices.Sorted(maps.Keys(roles)))
	if in.UserName != nil {
		s.checkPerson(ctx, c, *in.UserName, roles)
	}
	return c.out, nil
}

func (c *checking) bases(ctx context.Context) {
	d := c.d
	for i, base := range slices.Concat(d.PeopleBase, d.GroupBase) {
		what, filter := "people", d.PeopleFilter
		if i >= len(d.PeopleBase) {
			what, filter = "groups", d.GroupFilter
		}
		c.step("find "+what+" below "+base, func() (detail string, warn bool, err error) {
			err = d.searches.with(ctx, func(conn *ldap.Conn) error {
				entries, err := search(conn, base, ldap.ScopeWholeSubtree, filter, 1, []string{"1.1"})
				detail, warn = "there are some", false
				if len(entries) == 0 {
					detail, warn = "there are none by the filter "+filter+", or "+d.BindDN+" may not see them", true
				}
				return err
			})
			return detail, warn, err
		})
	}
	c.step("lock-out", func() (detail string, warn bool, err error) {
		err = d.searches.with(ctx, func(conn *ldap.Conn) error {
			entries, err := search(conn, d.PeopleBase[0], ldap.ScopeBaseObject, "(objectClass=*)", 0, []string{"lockoutThreshold"})
			detail, warn = fmt.Sprintf("%d attempts here; the directory does not say how many it allows", d.Attempts), false
			if err != nil || len(entries) == 0 {
				return err
			}
			allowed, bad := strconv.Atoi(entries[0].GetEqualFoldAttributeValue("lockoutThreshold"))
			switch {
			case bad != nil:
			case allowed == 0:
				detail = "the directory locks nobody out"
			case allowed <= d.Attempts:
				detail, warn = fmt.Sprintf("the directory locks people out after %d attempts: set \"attempts\" to less, not %d", allowed, d.Attempts), true
			default:
				detail = fmt.Sprintf("%d attempts here, of %d that the directory allows", d.Attempts, allowed)
			}
			return nil //nolint:nilerr // a directory that says something else says nothing
		})
		return detail, warn, err
	})
}

func (c *checking) groups(ctx context.Context, names []string) {
	c.step("groups with a role", func() (string, bool, error) {
		found, err := c.d.resolve(ctx, names)
		if err != nil {
			return "", false, err
		}
		missing := slices.DeleteFunc(slices.Clone(names), func(name string) bool {
			return slices.ContainsFunc(found, func(g mapped) bool { return g.Name == name })
		})
		if len(missing) > 0 {
			return "not at the directory, or not the only ones of their name: " + strings.Join(missing, ", "), true, nil
		}
		return strings.Join(names, ", "), false, nil
	})
	c.step("groups in groups", func() (string, bool, error) {
		chain, err := c.d.usesChain(ctx)
		switch {
		case chain:
			return "by Active Directory's rule", false, err
		case c.d.Nested == NestingNone:
			return "not followed, as \"nested\" is none", false, err
		}
		return "followed from group to group", false, err
	})
}

func (s *Service) checkPerson(ctx context.Context, c *checking, name string, roles map[string]string) {
	var e *entry
	ok := c.step("find "+name, func() (detail string, warn bool, err error) {
		if e, err = c.d.find(ctx, name); err != nil {
			return "", false, err
		}
		if e == nil {
			return "nobody, or more than one", true, nil
		}
		detail = e.DN + ", id " + e.ID + ", e-mail address " + e.Mail
		if v := c.d.standing(e); v != Right {
			return detail + ": " + string(v), true, nil
		}
		return detail, false, nil
	})
	if !ok || e == nil {
		return
	}
	c.step("role of "+name, func() (string, bool, error) {
		names, err := c.d.mappedOf(ctx, e, slices.Sorted(maps.Keys(roles)))
		if err != nil {
			return "", false, err
		}
		if len(names) == 0 {
			return "in no group with a role", true, nil
		}
		return s.roleOf(roles, names) + ", by " + strings.Join(names, ", "), false, nil
	})
}
