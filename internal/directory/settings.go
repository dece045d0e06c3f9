package directory

import (
	"cmp"
	"crypto/x509"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/go-ldap/ldap/v3"

	"onsight/internal/jsonfile"
	"onsight/internal/outbound"
)

// Settings are the directories that the operator describes. The zero value, and
// nil, has none.
type Settings struct{ directories []*Setting }

// A Setting is a directory as the operator describes it.
type Setting struct {
	// Name is the ActiveDirectoryName of subscriptions, and Realm their Realm;
	// where it is empty, any goes.
	Name, Realm string
	// Accounts are those that may name the directory; none is all.
	Accounts []string
	// URLs are asked in their order: ldaps://, or ldap:// with StartTLS.
	URLs []*url.URL
	// Plain leaves StartTLS out, on loopback alone.
	Plain bool
	// RootCAs are the authorities to trust; nil is those of the network profile.
	RootCAs *x509.CertPool
	// Profile is the network profile by which the directory is reached.
	Profile string
	// BindDN and Password are of the account that searches.
	BindDN, Password string
	// PeopleBase and GroupBase are where people and groups are.
	PeopleBase, GroupBase []string
	// PeopleFilter and GroupFilter say what a person and a group is.
	PeopleFilter, GroupFilter string
	// Domain may stand before a name: CORP\ana.
	Domain string
	// Names are the names of attributes.
	Names Attributes
	// Nested says how groups in groups are found.
	Nested Nesting
	// Timeout is how long anything at all may take, before the directory counts
	// as one that does not answer.
	Timeout time.Duration
	// PageSize is how many entries are asked for at once, Connections how many
	// connections there are at most: as many for searches as for passwords.
	PageSize, Connections int
	// Attempts is how often someone may be wrong within Within before nobody of
	// the name is asked about any more: fewer than the directory allows.
	Attempts int
	Within   time.Duration
	// Refresh is how often people are compared with the directory.
	Refresh time.Duration
}

// Nesting is how groups in groups are found.
type Nesting string

// The ways: by the rule that Active Directory has for it, by going from group
// to group, or as the directory says what it has; or not at all.
const (
	NestingAuto  Nesting = "auto"
	NestingChain Nesting = "chain"
	NestingWalk  Nesting = "walk"
	NestingNone  Nesting = "none"
)

// Attributes are the names of attributes; those of Active Directory where the
// file says nothing.
type Attributes struct {
	Name         string `json:"name"`
	Principal    string `json:"principal"`
	Mail         string `json:"mail"`
	Member       string `json:"member"`
	MemberOf     string `json:"memberOf"`
	ID           string `json:"id"`
	SID          string `json:"sid"`
	Group        string `json:"group"`
	Control      string `json:"control"`
	Expires      string `json:"expires"`
	PrimaryGroup string `json:"primaryGroup"`
}

// described is a directory in the file.
type described struct {
	Name             string     `json:"name"`
	Realm            string     `json:"realm"`
	Accounts         []string   `json:"accounts"`
	URLs             []string   `json:"urls"`
	Plain            bool       `json:"plain"`
	Authorities      string     `json:"authorities"`
	Profile          string     `json:"profile"`
	BindDN           string     `json:"bindDN"`
	BindPasswordFile string     `json:"bindPasswordFile"`
	Base             []string   `json:"base"`
	GroupBase        []string   `json:"groupBase"`
	PeopleFilter     string     `json:"peopleFilter"`
	GroupFilter      string     `json:"groupFilter"`
	Domain           string     `json:"domain"`
	Attributes       Attributes `json:"attributes"`
	Nested           string     `json:"nested"`
	Timeout          string     `json:"timeout"`
	PageSize         int        `json:"pageSize"`
	Connections      int        `json:"connections"`
	Attempts         int        `json:"attempts"`
	AttemptsWithin   string     `json:"attemptsWithin"`
	Refresh          string     `json:"refresh"`
}

// ReadSettings reads the file of directories; without a name there are none.
// Errors say in which line and field something is wrong.
func ReadSettings(file string, profiles *outbound.Settings) (*Settings, error) {
	if file == "" {
		return &Settings{}, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	s, err := parseSettings(text, filepath.Dir(file), profiles)
	if err != nil {
		return nil, fmt.Errorf("%s, %w", file, err)
	}
	return s, nil
}

func parseSettings(text []byte, dir string, profiles *outbound.Settings) (*Settings, error) {
	var doc struct {
		Directories []described `json:"directories"`
	}
	if err := jsonfile.Decode(text, &doc, "a directory has "+jsonfile.Fields[described]()); err != nil {
		return nil, err
	}
	s := &Settings{}
	for i := range doc.Directories {
		r := reader{described: &doc.Directories[i], at: jsontext.Pointer("/directories").AppendToken(strconv.Itoa(i)), dir: dir, profiles: profiles}
		if err := s.add(&r); err != nil {
			return nil, jsonfile.InLine(text, err)
		}
	}
	return s, nil
}

// Of gives the directory that a subscription names; nil where the operator has
// described none for it.
func (s *Settings) Of(account, name, realm string) *Setting {
	if s == nil {
		return nil
	}
	for _, d := range s.directories {
		if strings.EqualFold(d.Name, name) && (d.Realm == "" || strings.EqualFold(d.Realm, realm)) &&
			(len(d.Accounts) == 0 || slices.Contains(d.Accounts, account)) {
			return d
		}
	}
	return nil
}

// reader reads one directory of the file.
type reader struct {
	*described
	at       jsontext.Pointer
	dir      string
	profiles *outbound.Settings
}

func (r *reader) bad(field, format string, args ...any) error {
	p := r.at
	for token := range strings.SplitSeq(field, "/") {
		p = p.AppendToken(token)
	}
	return &jsonfile.Wrong{At: p, Reason: fmt.Sprintf(format, args...)}
}

func nth(field string, i int) string { return field + "/" + strconv.Itoa(i) }

func (s *Settings) add(r *reader) error {
	d := &Setting{
		Name: r.Name, Realm: r.Realm, Accounts: r.Accounts, Plain: r.Plain, Profile: cmp.Or(r.Profile, outbound.DefaultProfile), BindDN: r.BindDN,
		PeopleBase: r.Base, GroupBase: r.GroupBase, Domain: r.Domain, Names: r.Attributes, Nested: Nesting(cmp.Or(r.Nested, string(NestingAuto))),
		PeopleFilter: cmp.Or(r.PeopleFilter, "(&(objectClass=user)(!(objectClass=computer)))"), GroupFilter: cmp.Or(r.GroupFilter, "(objectClass=group)"),
		PageSize: cmp.Or(r.PageSize, 500), Connections: cmp.Or(r.Connections, 8), Attempts: cmp.Or(r.Attempts, 3),
	}
	for _, step := range []func(*Setting) error{r.names, r.urls, r.trust, r.bind, r.bases, r.attributes, r.limits} {
		if err := step(d); err != nil {
			return err
		}
	}
	for _, other := range s.directories {
		if strings.EqualFold(other.Name, d.Name) && strings.EqualFold(other.Realm, d.Realm) && (len(other.Accounts) == 0 || len(d.Accounts) == 0 ||
			slices.ContainsFunc(d.Accounts, func(a string) bool { return slices.Contains(other.Accounts, a) })) {
			return r.bad("name", "there are two directories of the name %s", d.Name)
		}
	}
	s.directories = append(s.directories, d)
	return nil
}

var accountID = regexp.MustCompile(`^[0-9]{12}$`)

func (r *reader) names(d *Setting) error {
	if strings.TrimSpace(r.Name) == "" {
		return r.bad("name", "a directory has the name that subscriptions give as ActiveDirectoryName")
	}
	for i, id := range r.Accounts {
		if !accountID.MatchString(id) {
			return r.bad(nth("accounts", i), "an account has 12 digits")
		}
	}
	if d.Domain == "" {
		d.Domain, _, _ = strings.Cut(d.Name, ".")
	}
	switch d.Nested {
	case NestingAuto, NestingChain, NestingWalk, NestingNone:
		return nil
	}
	return r.bad("nested", "this is none of auto, chain, walk and none")
}

func (r *reader) urls(d *Setting) error {
	if len(r.URLs) == 0 {
		return r.bad("urls", "a directory has one URL at least, such as ldaps://dc1.corp.example.org")
	}
	for i, text := range r.URLs {
		u, err := url.Parse(text)
		if err != nil || u.Scheme != "ldaps" && u.Scheme != "ldap" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
			return r.bad(nth("urls", i), "this isn't the URL of a directory, such as ldaps://dc1.corp.example.org or ldap://dc1.corp.example.org:389")
		}
		if r.Plain && !isLoopback(u.Hostname()) {
			return r.bad("plain", "passwords would go over the network for anyone to read: without TLS a directory may be on this machine alone, and %s is not", u.Hostname())
		}
		if u.Port() == "" {
			u.Host = net.JoinHostPort(u.Hostname(), map[string]string{"ldap": "389", "ldaps": "636"}[u.Scheme])
		}
		d.URLs = append(d.URLs, u)
	}
	return nil
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && a.IsLoopback()
}

func (r *reader) file(name string) string {
	if filepath.IsAbs(name) {
		return name
	}
	return filepath.Join(r.dir, name)
}

func (r *reader) trust(d *Setting) error {
	profile, ok := r.profiles.Named(d.Profile)
	if !ok {
		return r.bad("profile", "there is no network profile %s in the file of -network-profiles", d.Profile)
	}
	d.RootCAs = profile.RootCAs
	if r.Authorities == "" {
		return nil
	}
	pem, err := os.ReadFile(r.file(r.Authorities))
	if err == nil {
		d.RootCAs = x509.NewCertPool() // who names an authority means no other
		if !d.RootCAs.AppendCertsFromPEM(pem) {
			return r.bad("authorities", "the file of certificates holds no certificate in PEM form")
		}
	}
	if err != nil {
		return r.bad("authorities", "the file of certificates can't be read: %v", err)
	}
	return nil
}

func (r *reader) bind(d *Setting) error {
	// Active Directory takes ana@corp.example.org and CORP\ana, too.
	if strings.TrimSpace(r.BindDN) == "" {
		return r.bad("bindDN", "say as whom to search: directories tell strangers nothing")
	}
	if r.BindPasswordFile == "" {
		return r.bad("bindPasswordFile", "say in which file the password of bindDN is")
	}
	text, err := os.ReadFile(r.file(r.BindPasswordFile))
	if err != nil {
		return r.bad("bindPasswordFile", "the file of the password can't be read: %v", err)
	}
	d.Password = strings.TrimRight(string(text), "\r\n")
	if d.Password == "" {
		return r.bad("bindPasswordFile", "the file of the password is empty")
	}
	return nil
}

func (r *reader) bases(d *Setting) error {
	if len(r.Base) == 0 {
		return r.bad("base", "say below which entries people are, such as DC=corp,DC=example,DC=org")
	}
	for field, all := range map[string][]string{"base": r.Base, "groupBase": r.GroupBase} {
		for i, dn := range all {
			if parsed, err := ldap.ParseDN(dn); err != nil || len(parsed.RDNs) == 0 {
				return r.bad(nth(field, i), "this isn't the name of an entry, such as DC=corp,DC=example,DC=org")
			}
		}
	}
	if len(d.GroupBase) == 0 {
		d.GroupBase = d.PeopleBase
	}
	for field, filter := range map[string]string{"peopleFilter": d.PeopleFilter, "groupFilter": d.GroupFilter} {
		if _, err := ldap.CompileFilter(filter); err != nil {
			return r.bad(field, "this isn't a filter, such as (objectClass=user)")
		}
	}
	return nil
}

var attributeName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9-]*$`)

func (r *reader) attributes(d *Setting) error {
	for _, a := range []struct {
		field     string
		name      *string
		otherwise string
	}{
		{"name", &d.Names.Name, "sAMAccountName"},
		{"principal", &d.Names.Principal, "userPrincipalName"},
		{"mail", &d.Names.Mail, "mail"},
		{"member", &d.Names.Member, "member"},
		{"memberOf", &d.Names.MemberOf, "memberOf"},
		{"id", &d.Names.ID, "objectGUID"},
		{"sid", &d.Names.SID, "objectSid"},
		{"group", &d.Names.Group, "sAMAccountName"},
		{"control", &d.Names.Control, "userAccountControl"},
		{"expires", &d.Names.Expires, "accountExpires"},
		{"primaryGroup", &d.Names.PrimaryGroup, "primaryGroupID"},
	} {
		*a.name = cmp.Or(*a.name, a.otherwise)
		if !attributeName.MatchString(*a.name) {
			return r.bad("attributes/"+a.field, "this isn't the name of an attribute, such as %s", a.otherwise)
		}
	}
	return nil
}

func (r *reader) limits(d *Setting) error {
	for _, l := range []struct {
		field, text            string
		to                     *time.Duration
		least, most, otherwise time.Duration
	}{
		{"timeout", r.Timeout, &d.Timeout, 500 * time.Millisecond, 30 * time.Second, 5 * time.Second},
		{"attemptsWithin", r.AttemptsWithin, &d.Within, time.Minute, 24 * time.Hour, 15 * time.Minute},
		{"refresh", r.Refresh, &d.Refresh, time.Minute, 24 * time.Hour, 5 * time.Minute},
	} {
		*l.to = l.otherwise
		if l.text == "" {
			continue
		}
		given, err := time.ParseDuration(l.text)
		if err != nil || given < l.least || given > l.most {
			return r.bad(l.field, "this isn't a time from %s to %s, such as %s", short(l.least), short(l.most), short(l.otherwise))
		}
		*l.to = given
	}
	for _, l := range []struct {
		field           string
		n, least, limit int
	}{
		{"pageSize", d.PageSize, 10, 1000}, // which is Active Directory's own limit
		{"connections", d.Connections, 1, 64},
		{"attempts", d.Attempts, 1, 100},
	} {
		if l.n < l.least || l.n > l.limit {
			return r.bad(l.field, "this isn't a number from %d to %d", l.least, l.limit)
		}
	}
	return nil
}

// short is a duration without zeros at its end: 5m, not 5m0s.
func short(d time.Duration) string {
	text := d.String()
	if strings.HasSuffix(text, "m0s") {
		text = strings.TrimSuffix(text, "0s")
	}
	if strings.HasSuffix(text, "h0m") {
		text = strings.TrimSuffix(text, "0m")
	}
	return text
}
