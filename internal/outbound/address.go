package outbound

import (
	"net/netip"
	"slices"
	"strings"
)

// Ranges are ranges of addresses that may be reached although they are not
// public, such as the network of an office. The zero value is none.
type Ranges []netip.Prefix

// Refusal says which sort of address was refused; empty is for none.
type Refusal string

// Sorts of addresses that are refused.
const (
	loopback   Refusal = "a loopback address"
	linkLocal  Refusal = "a link-local address"
	private    Refusal = "a private address"
	metadata   Refusal = "an address at which a cloud hands out credentials"
	nobody     Refusal = "an address of nobody or of many"
	translated Refusal = "an address that stands for another one"
	reserved   Refusal = "a reserved address"
)

// Check tells why a connection to an address must not be made; empty where it
// may. It is the one place that knows.
func (allowed Ranges) Check(a netip.Addr) Refusal {
	a = a.Unmap().WithZone("")
	inner := embedded(a)
	switch {
	case slices.Contains(metadataAddresses, a), slices.Contains(metadataAddresses, inner):
		return metadata
	case !a.IsValid(), containedIn(never, a):
		return nobody
	}
	open := containedIn(allowed, a)
	if inner.IsValid() {
		// An operator whose network translates (NAT64) allows the prefix of the
		// translation, and not thereby what is behind it.
		if open {
			return allowed.Check(inner)
		}
		return translated
	}
	switch {
	case open || isPublic(a):
		return ""
	case a.IsLoopback():
		return loopback
	case a.IsLinkLocalUnicast():
		return linkLocal
	case a.IsPrivate(), shared.Contains(a):
		return private
	}
	return reserved
}

// CheckHost does the same for a host as it is written, as far as it shows: an
// address, or a name that never means anything but one.
func (allowed Ranges) CheckHost(host string) Refusal {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	switch {
	case host == "metadata.google.internal":
		return metadata
	case host == "localhost", strings.HasSuffix(host, ".localhost"):
		if r := allowed.Check(netip.IPv6Loopback()); r != "" {
			return r
		}
		return allowed.Check(netip.AddrFrom4([4]byte{127, 0, 0, 1}))
	}
	if a, err := netip.ParseAddr(host); err == nil {
		return allowed.Check(a)
	}
	return ""
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

// embedded is the IPv4 address that an IPv6 address stands for, and to which a
// translator or a tunnel would bring what is sent there. It is invalid where
// there is none.
func embedded(a netip.Addr) netip.Addr {
	if !a.Is6() {
		return netip.Addr{}
	}
	b := a.As16()
	switch {
	case a == netip.IPv6Loopback(), a.IsUnspecified():
	case containedIn(tail4, a), b[8]&^2 == 0 && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe: // the latter is ISATAP, RFC 5214
		return netip.AddrFrom4([4]byte(b[12:]))
	case sixToFour.Contains(a):
		return netip.AddrFrom4([4]byte(b[2:]))
	case teredo.Contains(a): // RFC 4380: the client's address, with all bits turned
		return netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]})
	}
	return netip.Addr{}
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

// PrivateRanges are those that organisations use for themselves: RFC 1918,
// the space that providers share among customers, and unique local addresses.
func PrivateRanges() Ranges {
	return Ranges(prefixes(`10.0.0.0/8 172.16.0.0/12 192.168.0.0/16 100.64.0.0/10 fc00::/7`))
}

// LoopbackRanges are those of this machine.
func LoopbackRanges() Ranges { return Ranges(prefixes(`127.0.0.0/8 ::1/128`)) }

var (
	reserved4 = prefixes(`0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
		192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4`)
	shared    = netip.MustParsePrefix("100.64.0.0/10")
	unicast6  = netip.MustParsePrefix("2000::/3")
	reserved6 = prefixes(`2001::/23 2001:db8::/32 2002::/16 3fff::/20`)
	// never is what no setting opens: on many systems 0.0.0.0 and :: lead to
	// the machine itself.
	never = prefixes(`0.0.0.0/8 224.0.0.0/4 255.255.255.255/32 ::/128 ff00::/8`)
	// tail4 end with the IPv4 address: NAT64 (RFC 6052, RFC 8215), IPv4-compatible
	// and IPv4-translated addresses (RFC 4291, RFC 2765).
	tail4     = prefixes(`::/96 64:ff9b::/96 64:ff9b:1::/48 ::ffff:0:0:0/96`)
	sixToFour = netip.MustParsePrefix("2002::/16")
	teredo    = netip.MustParsePrefix("2001::/32")
	// metadataAddresses are those at which clouds hand out credentials.
	metadataAddresses = []netip.Addr{
		netip.MustParseAddr("169.254.169.254"), netip.MustParseAddr("169.254.170.2"), netip.MustParseAddr("169.254.170.23"),
		netip.MustParseAddr("fd00:ec2::254"), netip.MustParseAddr("fd00:ec2::23"), netip.MustParseAddr("fd20:ce::254"),
		netip.MustParseAddr("100.100.100.200"), netip.MustParseAddr("168.63.129.16"), netip.MustParseAddr("192.0.0.192"),
	}
)
