package audit

import (
	"cmp"
	"maps"
	"slices"

	"onsight/internal/api"
	"onsight/internal/store"
)

// A Provisioned is an event of an identity centre that provisions users and
// groups, and shows a token in place of a signature.
type Provisioned struct {
	// Name is the event's, such as CreateUser.
	Name            string
	Account, Region string
	// TokenID and TokenName are of the token; empty for one that nobody knows.
	TokenID, TokenName string
	// Resource is the ARN that it is about.
	Resource  string
	Origin    api.Origin
	RequestID string
	// Error says why it was refused; empty for what was done.
	Error   string
	Details map[string]string
}

// provisioningSource is the eventSource of provisioning, the real service's.
const provisioningSource = "identitystore-scim.amazonaws.com"

// Provisioned adds the event of an identity centre to what a transaction changes.
func (t *Trail) Provisioned(tx *store.Tx, e Provisioned) {
	b := quote([]byte(`{"eventName":`), e.Name)
	b = member(b, "eventSource", provisioningSource)
	b = member(b, "awsRegion", cmp.Or(e.Region, t.region))
	b = appendResource(b, e.Resource)
	b = append(b, `,"userIdentity":{"type":"WebIdentityUser"`...)
	b = member(b, "principalId", "scim-token/"+cmp.Or(e.TokenID, "unknown"))
	b = append(member(b, "userName", cmp.Or(e.TokenName, hidden)), '}')
	b = member(b, "sourceIPAddress", cmp.Or(e.Origin.Address, ourselves))
	b = optional(b, "userAgent", shorten(e.Origin.UserAgent, maxUserAgent))
	b = member(b, "requestID", e.RequestID)
	if e.Error != "" {
		b = member(b, "errorCode", "AccessDenied")
		b = optional(b, "errorMessage", shorten(e.Error, maxErrorMessage))
	}
	if len(e.Details) > 0 {
		b = append(b, `,"additionalEventData":{`...)
		for i, name := range slices.Sorted(maps.Keys(e.Details)) {
			if i > 0 {
				b = append(b, ',')
			}
			b = quote(append(quote(b, name), ':'), e.Details[name])
		}
		b = append(b, '}')
	}
	tx.Leave(&entry{account: e.Account, record: append(b, '}')})
}
