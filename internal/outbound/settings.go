package outbound

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json/jsontext"

	"onsight/internal/jsonfile"
)

// Settings are the operator's network profiles. The zero value, and nil, has none.
type Settings struct {
	profiles []Setting
	subnets  map[string]int // which profile has a subnet
}

// Setting is a network profile as the operator describes it.
type Setting struct {
	Profile
	// Subnets are the ids by which VPC connections name the profile.
	Subnets []string
	// VPC is the id that is shown as that of the VPC; it may be empty.
	VPC string
	// Accounts are those whose VPC connections may name the profile; none is all.
	Accounts []string
}

// DefaultProfile is the name of the profile of all connections for which no
// VPC connection is chosen.
const DefaultProfile = "default"

// described is a profile in the file.
type described struct {
	Name          string   `json:"name"`
	Subnets       []string `json:"subnets"`
	VPC           string   `json:"vpc"`
	Accounts      []string `json:"accounts"`
	SourceAddress string   `json:"sourceAddress"`
	Proxy         string   `json:"proxy"`
	ProxyResolves bool     `json:"proxyResolves"`
	Allow         []string `json:"allow"`
	Ports         []uint16 `json:"ports"`
	Authorities   string   `json:"authorities"`
}

// ReadSettings reads the file of network profiles; without a name there are
// none. Errors say in which line and field something is wrong.
func ReadSettings(file string) (*Settings, error) {
	if file == "" {
		return &Settings{}, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	s, err := parseSettings(text, filepath.Dir(file))
	if err != nil {
		return nil, fmt.Errorf("%s, %w", file, err)
	}
	return s, nil
}

func parseSettings(text []byte, dir string) (*Settings, error) {
	var doc struct {
		Profiles []described `json:"profiles"`
	}
	s := &Settings{subnets: make(map[string]int)}
	err := jsonfile.Decode(text, &doc, "a profile has "+jsonfile.Fields[described]())
	for i := 0; err == nil && i < len(doc.Profiles); i++ {
		err = jsonfile.InLine(text, s.add(&doc.Profiles[i], jsontext.Pointer("/profiles").AppendToken(strconv.Itoa(i)), dir))
	}
	if err != nil {
		return nil, err
	}
	return s, nil
}

var (
	profileName = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,62}$`)
	subnetID    = regexp.MustCompile(`^subnet-[0-9a-z]{1,248}$`)
	vpcID       = regexp.MustCompile(`^vpc-[0-9a-z]{1,251}$`)
	accountID   = regexp.MustCompile(`^[0-9]{12}$`)
)

// add checks a profile and adds it.
func (s *Settings) add(d *described, at jsontext.Pointer, dir string) error {
	bad := func(name, format string, args ...any) error {
		p := at
		for token := range strings.SplitSeq(name, "/") {
			p = p.AppendToken(token)
		}
		return &jsonfile.Wrong{At: p, Reason: fmt.Sprintf(format, args...)}
	}
	nth := func(name string, i int) string { return name + "/" + strconv.Itoa(i) }
	set := Setting{Profile: Profile{Name: d.Name, ProxyResolves: d.ProxyResolves, Ports: d.Ports}, Subnets: d.Subnets, VPC: d.VPC, Accounts: d.Accounts}
	if !profileName.MatchString(d.Name) {
		return bad("name", "a name has 1 to 63 small letters, digits and hyphens, and begins with a letter or digit")
	}
	if slices.ContainsFunc(s.profiles, func(other Setting) bool { return other.Name == d.Name }) {
		return bad("name", "there are two profiles of the name %s", d.Name)
	}
	if len(d.Subnets) < 2 && d.Name != DefaultProfile {
		return bad("subnets", "a profile has two subnets at least, by which VPC connections name it")
	}
	for i, id := range d.Subnets {
		if !subnetID.MatchString(id) {
			return bad(nth("subnets", i), "the id of a subnet is subnet- and small letters and digits")
		}
		if of, ok := s.subnets[id]; ok && of < len(s.profiles) {
			return bad(nth("subnets", i), "%s belongs to the profile %s already", id, s.profiles[of].Name)
		} else if ok {
			return bad(nth("subnets", i), "%s is there twice", id)
		}
		s.subnets[id] = len(s.profiles)
	}
	if d.VPC != "" && !vpcID.MatchString(d.VPC) {
		return bad("vpc", "the id of a VPC is vpc- and small letters and digits")
	}
	for i, id := range d.Accounts {
		if !accountID.MatchString(id) {
			return bad(nth("accounts", i), "an account has 12 digits")
		}
	}
	if d.SourceAddress != "" {
		a, err := netip.ParseAddr(d.SourceAddress)
		if err != nil || a.Zone() != "" || a.IsUnspecified() || a.IsMulticast() {
			return bad("sourceAddress", "this isn't the address of a machine, such as 192.0.2.10")
		}
		set.Source = a.Unmap()
	}
	if d.Proxy != "" {
		u, err := url.Parse(d.Proxy)
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "" {
			return bad("proxy", "this isn't the URL of a proxy, such as http://proxy.example.org:3128")
		}
		set.Proxy = u
	} else if d.ProxyResolves {
		return bad("proxyResolves", "there is no proxy that could")
	}
	for i, text := range d.Allow {
		p, err := netip.ParsePrefix(text)
		if a, e := netip.ParseAddr(text); e == nil && a.Zone() == "" {
			p, err = a.Prefix(a.BitLen())
		}
		if err != nil || p.Addr().Is4In6() {
			return bad(nth("allow", i), "this isn't a range of addresses, such as 10.0.0.0/8")
		}
		if p.Bits() == 0 {
			return bad(nth("allow", i), "this is every address; name the ranges of your networks")
		}
		set.Allowed = append(set.Allowed, p.Masked())
	}
	for i, port := range d.Ports {
		if port == 0 {
			return bad(nth("ports", i), "a port is a number from 1 to 65535")
		}
	}
	if d.Authorities != "" {
		name := d.Authorities
		if !filepath.IsAbs(name) {
			name = filepath.Join(dir, name)
		}
		pem, err := os.ReadFile(name)
		if err == nil {
			set.RootCAs, err = SystemCAsAnd(pem)
		}
		if err != nil {
			return bad("authorities", "the file of certificates can't be used: %v", err)
		}
	}
	s.profiles = append(s.profiles, set)
	return nil
}

// Default is the profile of connections for which no VPC connection is chosen.
func (s *Settings) Default() Profile {
	if s != nil {
		for _, p := range s.profiles {
			if p.Name == DefaultProfile {
				return p.Profile
			}
		}
	}
	return Profile{Name: DefaultProfile}
}

// Named gives the profile of a name; the default one is always there.
func (s *Settings) Named(name string) (Profile, bool) {
	if name == DefaultProfile {
		return s.Default(), true
	}
	if s != nil {
		for _, p := range s.profiles {
			if p.Name == name {
				return p.Profile, true
			}
		}
	}
	return Profile{}, false
}

// Of gives the profile that an account names by subnets. The error is a
// sentence for whoever named them; of profiles of other accounts it says nothing.
func (s *Settings) Of(account string, subnets []string) (*Setting, error) {
	found := -1
	for _, id := range subnets {
		i, ok := 0, false
		if s != nil {
			i, ok = s.subnets[id]
		}
		if !ok || len(s.profiles[i].Accounts) > 0 && !slices.Contains(s.profiles[i].Accounts, account) {
			return nil, fmt.Errorf("Subnet %s belongs to no network profile of this server that account %s may use. The operator of the server lists each profile's subnets in the file of -network-profiles.", id, account) //nolint:staticcheck // sentences, shown as they are
		}
		if found >= 0 && found != i {
			return nil, fmt.Errorf("Subnets %s and %s belong to different network profiles of this server.", subnets[0], id) //nolint:staticcheck // as above
		}
		found = i
	}
	if found < 0 {
		return nil, errors.New("No subnet names a network profile of this server.") //nolint:staticcheck // as above
	}
	return &s.profiles[found], nil
}
