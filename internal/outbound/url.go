package outbound

import (
	"errors"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// ParseURL reads a URL of one of the schemes and returns it with its host. It
// is strict where programs differ in what they make of a text: user names,
// backslashes, numbers that some read as an address, letters that some fold to
// ASCII. Its errors are for a person, and do not repeat the URL, which may hold
// a password by mistake.
func ParseURL(raw string, schemes ...string) (*url.URL, error) {
	if strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r == '\\' || r == 0x7f || r >= 0x80 && r < 0xa0 }) {
		return nil, errors.New("it holds a space, a backslash or a control character")
	}
	u, err := url.Parse(raw)
	if err != nil {
		return nil, errors.New("it isn't a URL") // err has the URL in it
	}
	if err := CheckURL(u, schemes...); err != nil {
		return nil, err
	}
	if strings.Contains(raw, "#") {
		return nil, errors.New("it must not have a fragment")
	}
	return u, nil
}

// CheckURL does the same for a URL that has been read.
func CheckURL(u *url.URL, schemes ...string) error {
	switch {
	case !slices.Contains(schemes, u.Scheme):
		return errors.New("its scheme must be " + strings.Join(schemes, " or "))
	case u.User != nil:
		return errors.New("it must not hold a user name or password")
	case u.Hostname() == "":
		return errors.New("it has no host")
	case strings.HasSuffix(u.Host, ":"):
		return errors.New("it has a colon but no port")
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return errors.New("its port must be a number from 1 to 65535")
		}
	}
	if strings.HasPrefix(u.Host, "[") {
		if a, err := netip.ParseAddr(u.Hostname()); err != nil || !a.Is6() || a.Zone() != "" {
			return errors.New("what it has in brackets isn't an IPv6 address")
		}
		return nil
	}
	return checkHost(u.Hostname())
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
