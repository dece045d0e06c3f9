package directory

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/go-ldap/ldap/v3"
)

// An entry is someone as the directory has them.
type entry struct {
	DN string
	// ID is the directory's own, which stays when all else changes.
	ID string
	// Name is the user's, Mail the e-mail address.
	Name, Mail string
	// SID and primary are those of the primary group's rule.
	sid     []byte
	primary uint32
	control int64
	expires int64
}

// longestTried is the longest name and password that are tried; no directory has longer ones.
const longestTried = 1024

// forms are the ways in which a typed name may be meant: as the short name,
// and as the long one, which is empty where it can't be.
func (d *Directory) forms(typed string) (name, principal string) {
	if domain, rest, ok := strings.Cut(typed, `\`); ok && strings.EqualFold(domain, d.Domain) {
		return rest, ""
	}
	local, realm, ok := cutLast(typed, "@")
	if !ok {
		return typed, ""
	}
	if strings.EqualFold(realm, d.Name) || d.Realm != "" && strings.EqualFold(realm, d.Realm) {
		return local, typed
	}
	return "", typed
}

func cutLast(s, sep string) (before, after string, ok bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// personAttributes are what is asked of a person.
func (d *Directory) personAttributes() []string {
	n := d.Names
	return []string{n.Name, n.Principal, n.Mail, n.ID, n.SID, n.Control, n.Expires, n.PrimaryGroup, "objectClass"}
}

// find searches for whoever is meant by a typed name; nil where nobody is, or
// where it is not clear who.
func (d *Directory) find(ctx context.Context, typed string) (*entry, error) {
	name, principal := d.forms(typed)
	filter := ""
	if name != "" {
		filter += "(" + d.Names.Name + "=" + ldap.EscapeFilter(name) + ")"
	}
	if principal != "" {
		filter += "(" + d.Names.Principal + "=" + ldap.EscapeFilter(principal) + ")"
	}
	// The search is made for every name, so that it takes the same time. What
	// can't be a name finds nobody.
	if filter == "" || len(typed) > longestTried || !utf8.ValidString(typed) || strings.ContainsRune(typed, 0) {
		filter = "(" + d.Names.Name + `=\01)`
		if len(typed) <= longestTried {
			filter = "(" + d.Names.Name + "=" + ldap.EscapeFilter(strings.ToValidUTF8(typed, "?")) + ")"
		}
	}
	var found []*ldap.Entry
	err := d.searches.with(ctx, func(c *ldap.Conn) error {
		found = nil
		for _, base := range d.PeopleBase {
			entries, err := search(c, base, ldap.ScopeWholeSubtree, "(&"+d.PeopleFilter+"(|"+filter+"))", 2, d.personAttributes())
			if err != nil {
				return err
			}
			found = append(found, entries...)
		}
		return nil
	})
	if err != nil || len(found) != 1 || len(typed) > longestTried {
		return nil, err
	}
	return d.person(found[0]), nil
}

// search makes one search. A base that is not there has nothing below it.
func search(c *ldap.Conn, base string, scope int, filter string, limit int, attributes []string) ([]*ldap.Entry, error) {
	r := ldap.NewSearchRequest(base, scope, ldap.NeverDerefAliases, limit, 0, false, filter, attributes, nil)
	res, err := c.Search(r)
	switch {
	case ldap.IsErrorAnyOf(err, ldap.LDAPResultNoSuchObject, ldap.LDAPResultReferral):
		return nil, nil // what is elsewhere is not asked for there
	case ldap.IsErrorWithCode(err, ldap.LDAPResultSizeLimitExceeded) && limit > 0:
		return res.Entries, nil
	case err != nil:
		return nil, err
	}
	return res.Entries, nil
}

// pages goes through the entries below base that filter finds, and has each
// page handed to fn.
func (d *Directory) pages(ctx context.Context, base, filter string, attributes []string, fn func([]*ldap.Entry) error) error {
	// A page is an operation of its own, with its own limit of time, but the
	// connection must be the same.
	return d.searches.hold(ctx, func(ctx context.Context, c *link) error {
		paging := ldap.NewControlPaging(uint32(d.PageSize))
		for {
			var entries []*ldap.Entry
			next := ""
			err := c.within(ctx, d.Timeout, func(c *ldap.Conn) error {
				r := ldap.NewSearchRequest(base, ldap.ScopeWholeSubtree, ldap.NeverDerefAliases, 0, 0, false, filter, attributes, []ldap.Control{paging})
				res, err := c.Search(r)
				if ldap.IsErrorAnyOf(err, ldap.LDAPResultNoSuchObject, ldap.LDAPResultReferral) {
					return nil
				}
				if err != nil {
					return err
				}
				entries = res.Entries
				if answer, ok := ldap.FindControl(res.Controls, ldap.ControlTypePaging).(*ldap.ControlPaging); ok {
					next = string(answer.Cookie)
				}
				return nil
			})
			if err != nil {
				return err
			}
			if err := fn(entries); err != nil || next == "" {
				return err
			}
			paging.SetCookie([]byte(next))
		}
	})
}

// person reads an entry; nil for one without an id or a name, which can't be
// told from others.
func (d *Directory) person(e *ldap.Entry) *entry {
	p := &entry{
		DN: e.DN, Name: e.GetEqualFoldAttributeValue(d.Names.Name), Mail: e.GetEqualFoldAttributeValue(d.Names.Mail),
		sid: e.GetEqualFoldRawAttributeValue(d.Names.SID),
	}
	if p.Mail == "" { // which has the form of one, and is what there is
		p.Mail = e.GetEqualFoldAttributeValue(d.Names.Principal)
	}
	p.ID = identifier(e.GetEqualFoldRawAttributeValue(d.Names.ID))
	if p.ID == "" {
		p.ID = sidText(p.sid)
	}
	p.control, _ = strconv.ParseInt(e.GetEqualFoldAttributeValue(d.Names.Control), 10, 64)
	p.expires, _ = strconv.ParseInt(e.GetEqualFoldAttributeValue(d.Names.Expires), 10, 64)
	primary, _ := strconv.ParseUint(e.GetEqualFoldAttributeValue(d.Names.PrimaryGroup), 10, 32)
	p.primary = uint32(primary)
	if p.DN == "" || p.ID == "" || p.Name == "" || utf8.RuneCountInString(p.Name) > longestTried {
		return nil
	}
	return p
}

// identifier writes an objectGUID as Microsoft does; the ids of other
// directories are texts.
func identifier(raw []byte) string {
	if len(raw) != 16 {
		if utf8.Valid(raw) && len(raw) <= 128 {
			return strings.ToLower(string(raw))
		}
		return ""
	}
	return fmt.Sprintf("%08x-%04x-%04x-%04x-%012x", binary.LittleEndian.Uint32(raw), binary.LittleEndian.Uint16(raw[4:]), binary.LittleEndian.Uint16(raw[6:]),
		raw[8:10], raw[10:16])
}

// sidText writes an objectSid: S-1-5-21-….
func sidText(raw []byte) string {
	if len(raw) < 8 || len(raw) != 8+4*int(raw[1]) {
		return ""
	}
	var authority uint64
	for _, b := range raw[2:8] {
		authority = authority<<8 | uint64(b)
	}
	var text strings.Builder
	fmt.Fprintf(&text, "S-%d-%d", raw[0], authority)
	for rest := raw[8:]; len(rest) > 0; rest = rest[4:] {
		fmt.Fprintf(&text, "-%d", binary.LittleEndian.Uint32(rest))
	}
	return text.String()
}

// primarySID is the SID of the primary group, of which nobody is a member by
// name; nil for none.
func (p *entry) primarySID() []byte {
	if p.primary == 0 || len(p.sid) < 12 {
		return nil
	}
	return binary.LittleEndian.AppendUint32(p.sid[:len(p.sid)-4:len(p.sid)-4], p.primary)
}

// escapeBytes writes bytes for a filter.
func escapeBytes(raw []byte) string {
	var b strings.Builder
	for _, c := range raw {
		b.WriteString(`\` + hex.EncodeToString([]byte{c}))
	}
	return b.String()
}

// A Verdict is what the directory says of a password. The zero value is that it
// is right.
type Verdict string

// What a directory tells of an account only to who knows the password may be
// told; all else is Wrong.
const (
	Right           Verdict = ""
	Wrong           Verdict = "wrong"
	Disabled        Verdict = "disabled"
	Expired         Verdict = "expired"
	PasswordExpired Verdict = "password-expired"
	MustChange      Verdict = "must-change"
	NotNow          Verdict = "not-now"
	NotHere         Verdict = "not-here"
)

// codes are those that Active Directory puts into its answer. 525 (no such
// user), 52e (wrong password) and 775 (locked) come whatever the password is,
// so they are all the same.
var codes = map[string]Verdict{
	"530": NotNow, "531": NotHere, "532": PasswordExpired, "533": Disabled, "701": Expired, "773": MustChange,
}

// verdict reads an error of a bind; ok is false for one that is no answer.
func verdict(err error) (v Verdict, ok bool) {
	if err == nil {
		return Right, true
	}
	e, isLDAP := errors.AsType[*ldap.Error](err)
	if !isLDAP || broken(err) {
		return "", false
	}
	if e.ResultCode == ldap.LDAPResultInvalidCredentials {
		if _, rest, found := strings.Cut(e.Err.Error(), ", data "); found {
			code, _, _ := strings.Cut(rest, ",")
			if v, told := codes[strings.ToLower(strings.TrimSpace(code))]; told {
				return v, true
			}
		}
	}
	return Wrong, true
}

// nobody is the entry that is tried where there is none: the answer is the same.
const nobody = "CN=onsight-nobody-7f2c"

// try finds out whether a password is someone's. Of nobody (nil) it is wrong,
// after the same work.
func (d *Directory) try(ctx context.Context, p *entry, password string) (Verdict, error) {
	// Without a password, and with one that some directories take for none, a
	// bind succeeds for whoever asks (RFC 4513, 5.1.2).
	usable := password != "" && len(password) <= longestTried && !strings.ContainsRune(password, 0)
	dn := nobody + "," + d.PeopleBase[0]
	if p != nil && usable {
		dn = p.DN
	}
	if !usable {
		password = "-"
	}
	var v Verdict
	err := d.tries.with(ctx, func(c *ldap.Conn) error {
		err := c.Bind(dn, password)
		var ok bool
		if v, ok = verdict(err); ok {
			return nil
		}
		return err
	})
	if err != nil {
		return Wrong, err
	}
	if p == nil || !usable {
		return Wrong, nil
	}
	if v == Right {
		v = d.standing(p)
	}
	return v, nil
}

// standing is what the entry says of the account, where the bind did not.
func (d *Directory) standing(p *entry) Verdict {
	switch {
	case p.control&2 != 0: // ACCOUNTDISABLE
		return Disabled
	case p.expires > 0 && p.expires != math.MaxInt64 && !d.now().Before(fileTime(p.expires)):
		return Expired
	}
	return Right
}

// fileTime is a time in units of 100 ns since 1601.
func fileTime(t int64) time.Time {
	const epoch = 11644473600
	return time.Unix(t/1e7-epoch, t%1e7*100)
}
