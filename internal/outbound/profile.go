package outbound

import (
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
)

// Profile says from where and to where connections go. The zero value goes to
// public addresses, by HTTPS, from whichever address the system chooses.
type Profile struct {
	// Name is what the operator calls it.
	Name string
	// Source is the address that connections come from; invalid is the system's choice.
	Source netip.Addr
	// Proxy is the forward proxy that all connections go through, by CONNECT:
	// an http:// or https:// URL, possibly with a user name and password.
	// It may be anywhere, for the operator named it.
	Proxy *url.URL
	// ProxyFromEnvironment takes the proxy that HTTPS_PROXY and its like name,
	// where there is no Proxy.
	ProxyFromEnvironment bool
	// ProxyResolves leaves it to the proxy to look names up, and to judge where
	// they lead; without, a name is looked up here too, and must not lead to an
	// address that is not allowed.
	ProxyResolves bool
	// Allowed are ranges that may be reached although they are not public.
	Allowed Ranges
	// Ports are the ports that may be reached; none is all, less those at which
	// no web server is where a request is made.
	Ports []uint16
	// Plain lets requests go by HTTP too.
	Plain bool
	// Resolvers are the DNS servers to ask instead of the system's. They must be
	// at addresses that are allowed.
	Resolvers []netip.Addr
	// RootCAs are the authorities to trust instead of the system's.
	RootCAs *x509.CertPool
}

// key tells profiles apart that need connections of their own.
func (p *Profile) key() string {
	proxy := ""
	if p.Proxy != nil {
		proxy = p.Proxy.String()
	}
	return fmt.Sprintf("%q %s %q %t %t %v %v %t %v %p", p.Name, p.Source, proxy, p.ProxyFromEnvironment, p.ProxyResolves,
		p.Allowed, p.Ports, p.Plain, p.Resolvers, p.RootCAs)
}

// proxy is the proxy for a request, or nil.
func (p *Profile) proxy(r *http.Request) (*url.URL, error) {
	switch {
	case p.Proxy != nil:
		return p.Proxy, nil
	case p.ProxyFromEnvironment:
		u, err := http.ProxyFromEnvironment(r)
		if err != nil {
			return nil, &Error{Kind: Unreachable, Reason: "the proxy that the environment names has no valid URL", cause: err}
		}
		return u, nil
	}
	return nil, nil
}

// schemes are those of URLs that may be asked for.
func (p *Profile) schemes() []string {
	if p.Plain {
		return []string{"https", "http"}
	}
	return []string{"https"}
}

// port refuses a port. Where a profile does not say, requests go to none at
// which other protocols are spoken: some of those make sense of a request line by
// line, and do as the lines say.
func (p *Profile) port(port uint16, request bool) *Error {
	switch {
	case len(p.Ports) > 0 && !slices.Contains(p.Ports, port):
		return refuse("port %d is not one that the network profile allows", port)
	case len(p.Ports) == 0 && request && slices.Contains(otherProtocols, port):
		return refuse("port %d is not one of a web server", port)
	}
	return nil
}

// otherProtocols are ports of mail, terminals, files, names, directories and
// stores (the Fetch standard's bad ports that matter, and some of databases).
var otherProtocols = []uint16{
	1, 7, 9, 11, 13, 15, 17, 19, 20, 21, 22, 23, 25, 37, 42, 43, 53, 69, 79, 87, 95, 101, 102, 103, 104, 109, 110, 111, 113, 115, 117, 119,
	123, 135, 137, 139, 143, 161, 179, 389, 427, 465, 512, 513, 514, 515, 526, 530, 531, 532, 540, 548, 554, 556, 563, 587, 601, 636, 989,
	990, 993, 995, 1433, 1521, 1719, 1720, 1723, 2049, 2379, 3306, 3389, 3659, 4190, 5060, 5061, 5432, 6000, 6379, 6566, 6665, 6666, 6667,
	6668, 6669, 6679, 6697, 10080, 11211, 27017,
}

// SystemCAsAnd gives the authorities that the system trusts, and those in a
// PEM file besides.
func SystemCAsAnd(pem []byte) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a system may have none
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("it holds no certificate in PEM form")
	}
	return pool, nil
}
