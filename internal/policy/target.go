// Package policy decides what a principal may do. It is pure: no clock, no
// store, no network.
package policy

// Keys are the condition keys of one call beside the global ones: a name such
// as quicksight:IamArn with its values. A key that the call does not carry is
// left out.
type Keys map[string][]string

// Target is what a call acts on, as policies see it.
type Target struct {
	// Account is the account that the resource belongs to. Left empty, it is
	// the one in the path of the call.
	Account string
	// Resource is the ARN that the operation's action is tested against, or
	// "*" where the action knows no resource type.
	Resource string
	// Context holds the condition keys of the call.
	Context Keys
}
