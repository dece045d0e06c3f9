package connector

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"onsight/internal/fault"
)

// Endpoints says which URLs a connector may name. It looks at the text alone:
// what a name resolves to is judged when a connection is made, for it may
// resolve to something else each time.
type Endpoints struct {
	// Allowed are ranges that may be named although they are not public, such
	// as the network of an office. Addresses that hand out a cloud machine's
	// own credentials stay forbidden.
	Allowed []netip.Prefix
}

// check refuses a URL that the server must not be sent to. The message names
// the member and never the URL, which may hold a password by mistake.
func (e Endpoints) check(member, raw string) error {
	host, err := parseURL(raw)
	if err == nil {
		err = e.public(host)
	}
	if err != nil {
		return fault.Invalid("%s isn't valid: %v.", member, err)
	}
	return nil
}

// checkForm refuses what is not a plain https URL. It is for URLs to which
// browsers go, and not the server.
func checkForm(member, raw string) error {
	if _, err := parseURL(raw); err != nil {
		return fault.Invalid("%s isn't valid: %v.", member, err)
	}
	return nil
}

// parseURL reads an https URL and returns its host. It is strict where programs
// differ in what they make of a text: user names, backslashes, numbers that
// some read as an address, letters that some fold to ASCII.
func parseURL(raw string) (host string, err error) {
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f || r >= 0x80 && r < 0xa0 }) {
		return "", errors.New("it holds a space, a backslash or a control character")
	}
	u, err := url.Parse(raw)
	switch {
	case err != nil:
		return "", errors.New("it isn't a URL") // err has the URL in it
	case u.Scheme != "https":
		return "", errors.New("its scheme must be https")
	case u.User != nil:
		return "", errors.New("it must not hold a user name or password")
	case strings.Contains(raw, "#"):
		return "", errors.New("it must not have a fragment")
	case u.Hostname() == "":
		return "", errors.New("it has no host")
	case strings.HasSuffix(u.Host, ":"):
		return "", errors.New("it has a colon but no port")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return "", errors.New("its port must be a number from 1 to 65535")
		}
	}
	if strings.HasPrefix(u.Host, "[") {
		if a, err := netip.ParseAddr(u.Hostname()); err != nil || !a.Is6() || a.Zone() != "" {
			return "", errors.New("what it has in brackets isn't an IPv6 address")
		}
		return u.Hostname(), nil
	}
	return strings.ToLower(u.Hostname()), checkHost(u.Hostname())
}

// checkHost takes names of DNS, and IPv4 addresses in their usual form.
func checkHost(host string) error {
	host = strings.TrimSuffix(host, ".")
	if len(host) > 253 {
		return errors.New("its host has more than 253 characters")
	}
	labels := strings.Split(host, ".")
	for _, l := range labels {
		if l == "" || len(l) > 63 {
			return errors.New("each part of its host must have 1 to 63 characters")
		}
		for i := range len(l) {
			c := l[i]
			if (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '-' && c != '_' {
				return errors.New("its host must be of ASCII letters, digits, hyphens and dots; write other letters in their xn-- form")
			}
		}
	}
	// 127.1, 2130706433, 0x7f000001 and 0177.0.0.1 are addresses to some programs.
	last := strings.ToLower(labels[len(labels)-1])
	if strings.Trim(last, "0123456789") == "" || strings.HasPrefix(last, "0x") {
		if _, err := netip.ParseAddr(host); err != nil {
			return errors.New("its host is a number but not an IPv4 address of four decimal parts")
		}
	}
	return nil
}

var errPrivate = errors.New("it names a private, loopback, link-local or reserved address, which the operator of this server has not allowed")

// public refuses hosts that are evidently not on the internet.
func (e Endpoints) public(host string) error {
	host = strings.TrimSuffix(host, ".")
	if host == "metadata.google.internal" {
		return errPrivate
	}
	addrs := []netip.Addr{}
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		addrs = append(addrs, netip.IPv6Loopback(), netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	} else if a, err := netip.ParseAddr(host); err == nil {
		addrs = append(addrs, a.Unmap())
	}
	for _, a := range addrs {
		if slices.Contains(metadata, a) || !isPublic(a) && !containedIn(e.Allowed, a) {
			return errPrivate
		}
	}
	return nil
}

// isPublic says whether an address may be on the internet. Of IPv6 only
// 2000::/3 is, less what is set apart within it (IANA special-purpose
// registries, RFC 6890 and its updates).
func isPublic(a netip.Addr) bool {
	if a.Is4() {
		return !containedIn(reserved4, a)
	}
	return unicast6.Contains(a) && !containedIn(reserved6, a)
}

func containedIn(ranges []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(ranges, func(p netip.Prefix) bool { return p.Contains(a) })
}

func prefixes(list string) []netip.Prefix {
	var all []netip.Prefix
	for s := range strings.FieldsSeq(list) {
		all = append(all, netip.MustParsePrefix(s))
	}
	return all
}

var (
	reserved4 = prefixes(`0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
		192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4`)
	unicast6 = netip.MustParsePrefix("2000::/3")
	// Teredo, documentation and 6to4 lead to IPv4 addresses or nowhere.
	reserved6 = prefixes(`2001::/23 2001:db8::/32 2002::/16 3fff::/20`)
	// metadata are the addresses at which clouds hand out credentials.
	metadata = []netip.Addr{
		netip.MustParseAddr("169.254.169.254"), netip.MustParseAddr("169.254.170.2"), netip.MustParseAddr("169.254.170.23"),
		netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("fd00:ec2::23"), netip.MustParseAddr("fd20:ce::254"),
		netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("168.63.129.16"), netip.MustParseAddr("192.0.0.192"),
	}
)
