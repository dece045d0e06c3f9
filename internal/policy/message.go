package policy

import "strings"

// Message says that a request was denied, in the words of IAM: who, what, on
// which resource, and the kind of policy that is the reason. caller is the
// principal's ARN; without one the text is that of callers who have not been
// identified. Of a Decision that allows it is empty.
func Message(d Decision, caller, action, resource string) string {
	if d.Allowed() {
		return ""
	}
	var b strings.Builder
	if caller == "" {
		return "Not authorized to perform " + action
	}
	b.WriteString("User: " + caller + " is not authorized to perform: " + action + " on resource: " + resource)
	switch {
	// A service control policy that does not allow is reported as one that
	// denies (IAM User Guide, access denied messages).
	case d.Kind == ServiceControl:
		b.WriteString(" with an explicit deny in a service control policy")
	case d.Outcome == ExplicitDeny && d.Kind == Trust:
		b.WriteString(" with an explicit deny in the role trust policy")
	case d.Outcome == ExplicitDeny && d.Kind == Identity:
		b.WriteString(" with an explicit deny in an identity-based policy")
	case d.Outcome == ExplicitDeny:
		b.WriteString(" with an explicit deny in a " + d.Kind.String())
	case d.Kind != 0:
		b.WriteString(" because no " + d.Kind.String() + " allows the " + action + " action")
	}
	return b.String()
}
