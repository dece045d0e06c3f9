package model

import _ "embed"

// QuickSightAuthorization says which actions IAM policies name for the
// service and which of them each operation is checked against: an
// AuthorizationDocument as it is in the file. It is facts of the service
// authorization reference, one action, resource type or operation a line; its
// resources and further checks are partly our reading, which
// docs/decisions/policies.md tells apart. It is shared: never write to it.
//
//go:embed quicksight-authorization.json
var QuickSightAuthorization []byte

// An AuthorizationDocument is what policies can say about a service.
type AuthorizationDocument struct {
	// Source names what the facts were taken from.
	Source string `json:"source"`
	// Actions are those of the service, without its prefix.
	Actions map[string]AuthorizedAction `json:"actions"`
	// Resources are the types of resources that actions can be limited to.
	Resources map[string]AuthorizedResource `json:"resources"`
	// Keys are the service's condition keys and the global ones that it fills
	// in from a request or a resource, with their types: String, ARN,
	// ArrayOfString or ArrayOfARN.
	Keys map[string]string `json:"keys"`
	// Operations say what the calls of the API are checked against.
	Operations map[string]AuthorizedOperation `json:"operations"`
}

// An AuthorizedAction is an action that policies can name.
type AuthorizedAction struct {
	// Access is the access level: Read, List, Write, Tagging or Permissions
	// management.
	Access string `json:"access"`
	// Resources are the types of resources that the action can be limited to;
	// a question mark ends those that a request may go without.
	Resources []string `json:"resources,omitempty"`
	// Keys are the condition keys of the action.
	Keys []string `json:"keys,omitempty"`
	// PermissionOnly marks an action that is no operation of the API.
	PermissionOnly bool `json:"permissionOnly,omitempty"`
}

// An AuthorizedResource is a type of resource.
type AuthorizedResource struct {
	// Tail is the end of the type's ARNs, after the account, with what varies
	// in braces.
	Tail string `json:"tail"`
	// Global marks a type whose ARNs name no region.
	Global bool `json:"global,omitempty"`
	// Tags says that the type has tags, and so the key aws:ResourceTag.
	Tags bool `json:"tags,omitempty"`
}

// An AuthorizedOperation is what an operation is checked against.
type AuthorizedOperation struct {
	// Action is the operation's action without the service's prefix, where it
	// is not of the operation's own name.
	Action string `json:"action,omitempty"`
	// Alias is a further action that is not documented and in use; it grants
	// and denies as Action does.
	Alias string `json:"alias,omitempty"`
	// Resource is the end of the ARN that the action is tested against, after
	// the account: literal text, members of the input in braces, or in angle
	// brackets what the input alone does not tell. What is a whole ARN is a
	// single member or bracket. * stands for no resource.
	Resource string `json:"resource"`
	// Or are resources that the action may be allowed on instead.
	Or string `json:"or,omitempty"`
	// Also are further actions that are checked.
	Also []AuthorizedCheck `json:"also,omitempty"`
}

// An AuthorizedCheck is a further action that an operation is checked against.
type AuthorizedCheck struct {
	// Action has its service's prefix.
	Action string `json:"action"`
	// Resource is as in AuthorizedOperation; empty is the operation's own. The
	// check falls away when it comes to nothing.
	Resource string `json:"resource,omitempty"`
	// When names a member of the input that must be given for the check to be
	// made, with =A,B also its values; empty is always.
	When string `json:"when,omitempty"`
	// DenyOnly marks an action that need not be allowed, and must not be
	// denied.
	DenyOnly bool `json:"denyOnly,omitempty"`
}
