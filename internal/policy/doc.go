// Package policy decides what a principal may do. It reads IAM policies,
// compiles them once, and answers whether they let a principal perform an
// action on a resource, which statement said so, and what is missing. It is
// pure: no clock, no store, no network.
//
// Parse makes a Policy of a document, and refuses what is none with the place
// and the reason. NewSet joins the policies that apply at one level: all
// identity-based ones of a user, say. A Subject is a principal with its sets,
// and Decide answers a Request:
//
//	p, err := policy.Parse(policy.Identity, document)
//	set := policy.NewSet(policy.Identity, policy.Attached{ID: "arn:…", Policy: p})
//	who := policy.Subject{Principal: policy.Principal{Type: policy.User, …}, Identity: set}
//	d := who.Decide(&policy.Request{Action: describeUser, Resource: arn, Context: keys})
//	if !d.Allowed() {
//		return errors.New(policy.Message(d, callerARN, action, arn))
//	}
//
// Policies, sets and actions never change once made; any number of requests
// may use them at a time. Package policy/catalog knows which actions the
// operations of the service are checked against.
//
// How documents are read and where the rules that AWS publishes are silent is
// written down in docs/decisions/policies.md.
package policy
