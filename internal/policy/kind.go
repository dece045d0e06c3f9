package policy

import "unicode/utf8"

// A Kind says what a policy is attached to, and so which grammar it has and
// what its statements can do.
type Kind uint8

// The kinds of policies.
const (
	// Identity policies belong to a user, a group or a role.
	Identity Kind = iota + 1
	// Boundary is the permissions boundary of a user or a role.
	Boundary
	// Session policies come with the request for a session.
	Session
	// ServiceControl policies bound whole accounts.
	ServiceControl
	// ResourceBased policies belong to a resource and name principals.
	ResourceBased
	// Trust is the policy of a role that says who may assume it.
	Trust
)

// String names the kind as denials do: "identity-based policy".
func (k Kind) String() string {
	switch k {
	case Identity:
		return "identity-based policy"
	case Boundary:
		return "permissions boundary"
	case Session:
		return "session policy"
	case ServiceControl:
		return "service control policy"
	case ResourceBased:
		return "resource-based policy"
	case Trust:
		return "role trust policy"
	default:
		return "policy"
	}
}

// namesPrincipals says whether policies of the kind have a Principal element.
func (k Kind) namesPrincipals() bool { return k == ResourceBased || k == Trust }

// The most characters that policies may have, white space not counted (Size),
// as IAM's quotas stand by default. Inline policies of one entity count
// together.
const (
	MaxUserInline  = 2048
	MaxGroupInline = 5120
	MaxRoleInline  = 10240
	MaxManaged     = 6144
	MaxTrust       = 2048
)

// MaxSession is the most characters of a session policy; white space counts
// (sts:AssumeRole, Policy).
const MaxSession = 2048

// MaxDocument is the most bytes that Parse reads, whatever the kind.
const MaxDocument = 131072

// Size counts the characters of a document as the quotas of IAM do: white
// space does not count.
func Size(document string) int {
	n := 0
	for i := range len(document) {
		switch c := document[i]; {
		case c == ' ' || c == '\t' || c == '\n' || c == '\r' || !utf8.RuneStart(c):
		default:
			n++
		}
	}
	return n
}
