package embed

import (
	"errors"
	"fmt"
	"net/netip"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// A Domain is the origins of a site in the form that a Content-Security-Policy
// takes too: https://example.com, https://*.example.com, https://example.com:8443,
// http://localhost:3000. The wildcard stands for one label or more, and not for
// none.
type Domain string

var label = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// sharedSecondLevel are the labels below which, in the domains of countries,
// everybody registers: https://*.co.uk is nobody's.
var sharedSecondLevel = []string{"ac", "co", "com", "edu", "go", "gob", "gov", "ltd", "me", "mil", "ne", "net", "nhs", "or", "org", "plc", "sch"}

// Errors of ParseDomain end sentences that begin with the domain.
var errLocalhost = errors.New("names localhost, which this server lets embed only with -embed-localhost or -dev")

// ParseDomain reads a domain as someone writes it, and gives it in its normal
// form. Localhost is one only where that is allowed.
func ParseDomain(text string, localhost bool) (Domain, error) {
	u, err := url.Parse(text)
	if err != nil || len(text) > 300 {
		return "", errors.New("isn't a URL such as https://example.com or https://*.example.com")
	}
	if u.User != nil || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || strings.Contains(text, "#") || u.Path != "" && u.Path != "/" || u.Opaque != "" {
		return "", errors.New("has more than a scheme, a host and a port")
	}
	host := strings.ToLower(u.Hostname())
	port := u.Port()
	if strings.HasSuffix(u.Host, ":") {
		return "", errors.New("has an empty port")
	}
	if port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return "", errors.New("has a port that is none")
		}
	}
	local := host == "localhost"
	switch {
	case local && !localhost:
		return "", errLocalhost
	case u.Scheme != "https" && (u.Scheme != "http" || !local):
		return "", errors.New("doesn't begin with https://")
	case strings.HasPrefix(u.Host, "["):
		return "", errors.New("is an address, not a name")
	}
	if _, err := netip.ParseAddr(host); err == nil {
		return "", errors.New("is an address, not a name")
	}
	if host, err = asciiHost(host); err != nil {
		return "", err
	}
	if port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		port = ""
	}
	if port != "" {
		host += ":" + port
	}
	return Domain(u.Scheme + "://" + host), nil
}

// asciiHost gives a name, perhaps with a wildcard, as it is on the wire.
func asciiHost(host string) (string, error) {
	name, wild := strings.CutPrefix(host, "*.")
	labels := strings.Split(name, ".")
	for i, l := range labels {
		if strings.Contains(l, "*") {
			return "", errors.New("has a * elsewhere than as its whole first label, as in https://*.example.com")
		}
		ascii, err := toASCII(l)
		if err != nil || !label.MatchString(ascii) {
			return "", fmt.Errorf("has a label that is none: %q", l)
		}
		labels[i] = ascii
	}
	last := labels[len(labels)-1]
	if _, err := strconv.Atoi(last); err == nil { // browsers read such names as addresses
		return "", errors.New("is an address, not a name")
	}
	n := len(labels)
	switch {
	case n == 2 && len(last) == 2 && slices.Contains(sharedSecondLevel, labels[0]),
		wild && n == 1:
		return "", errors.New("is a domain below which everybody registers")
	}
	name = strings.Join(labels, ".")
	if len(name) > 253 {
		return "", errors.New("is too long for a name")
	}
	if wild {
		name = "*." + name
	}
	return name, nil
}

// Matches tells whether an origin, as browsers write it, is of the domain.
func (d Domain) Matches(origin string) bool {
	scheme, host, ok := strings.Cut(string(d), "://")
	at, ok2 := strings.CutPrefix(origin, scheme+"://")
	if !ok || !ok2 {
		return false
	}
	base, wild := strings.CutPrefix(host, "*.")
	if !wild {
		return at == host
	}
	sub, ok := strings.CutSuffix(at, "."+base)
	return ok && sub != "" && !strings.ContainsAny(sub, ":/@")
}

// among tells whether an origin is of one of the domains.
func among(domains []Domain, origin string) bool {
	return origin != "" && slices.ContainsFunc(domains, func(d Domain) bool { return d.Matches(origin) })
}

// originOf reads the origin of a URL that a browser has written, in its normal
// form; empty for what has none.
func originOf(text string) string {
	u, err := url.Parse(text)
	if err != nil || len(text) > 2048 || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return ""
	}
	host, port := strings.ToLower(u.Hostname()), u.Port()
	if host == "" || strings.ContainsFunc(host, func(r rune) bool {
		return r != '.' && r != '-' && r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9')
	}) {
		return ""
	}
	if port == "" || port == "443" && u.Scheme == "https" || port == "80" && u.Scheme == "http" {
		return u.Scheme + "://" + host
	}
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
		return ""
	}
	return u.Scheme + "://" + host + ":" + port
}
