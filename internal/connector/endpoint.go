package connector

import (
	"errors"
	"net/netip"
	"slices"

	"onsight/internal/fault"
	"onsight/internal/outbound"
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

// through is the policy for what goes through a VPC connection, which allows
// ranges of its own.
func (e Endpoints) through(allowed []netip.Prefix) Endpoints {
	return Endpoints{Allowed: slices.Concat(e.Allowed, allowed)}
}

// check refuses a URL that the server must not be sent to. The message names
// the member and never the URL, which may hold a password by mistake.
func (e Endpoints) check(member, raw string) error {
	u, err := outbound.ParseURL(raw, "https")
	if err == nil && outbound.Ranges(e.Allowed).CheckHost(u.Hostname()) != "" {
		err = errPrivate
	}
	if err != nil {
		return fault.Invalid("%s isn't valid: %v.", member, err)
	}
	return nil
}

// checkForm refuses what is not a plain https URL. It is for URLs to which
// browsers go, and not the server.
func checkForm(member, raw string) error {
	if _, err := outbound.ParseURL(raw, "https"); err != nil {
		return fault.Invalid("%s isn't valid: %v.", member, err)
	}
	return nil
}

var errPrivate = errors.New("it names a private, loopback, link-local or reserved address, which the operator of this server has not allowed")
