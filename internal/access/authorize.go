package access

import (
	"context"
	"net/url"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/policy"
)

// Authorizer decides calls. An account's root may do everything in its account.
type Authorizer struct{}

// Authorize refuses what the principal may not do, in the words of IAM.
func (Authorizer) Authorize(_ context.Context, who api.Principal, action string, on policy.Target) error {
	if on.Account == who.Account {
		return nil
	}
	// Another account's resource would have to be opened by a policy of its own.
	return fault.Forbidden("User: %s is not authorized to perform: %s on resource: %s because no resource-based policy allows the %[2]s action",
		who.ARN, action, on.Resource)
}

// accountIn finds the account in a path's first label: the account itself, or
// the ARN of a resource.
func accountIn(labels []string) string {
	if len(labels) == 0 {
		return ""
	}
	label, err := url.PathUnescape(labels[0])
	if err != nil {
		return ""
	}
	if a, err := arn.Parse(label); err == nil {
		label = a.Account
	}
	if !arn.IsAccount(label) {
		return ""
	}
	return label
}
