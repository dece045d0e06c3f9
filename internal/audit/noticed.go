package audit

import (
	"cmp"

	"github.com/google/uuid"

	"onsight/internal/store"
)

// A Noticed is something about a connector that the server noticed by itself.
type Noticed struct {
	// Name is the event's, such as ActionConnectorCheckFailed.
	Name                                    string
	Account, Region, Connector, ConnectorID string
	// User is the person whose connection it is about; empty for none.
	User   string
	Reason string
}

// Noticed adds the event to what a transaction changes, in the form of events
// that nobody's call has caused.
func (t *Trail) Noticed(tx *store.Tx, e Noticed) {
	b := quote([]byte(`{"eventName":`), e.Name)
	b = member(b, "awsRegion", cmp.Or(e.Region, t.region))
	b = appendResource(b, e.Connector)
	b = append(b, `,"userIdentity":{"type":"AWSService"`...)
	b = append(member(b, "invokedBy", ourselves), '}')
	b = member(b, "sourceIPAddress", ourselves)
	b = member(b, "userAgent", ourselves)
	b = member(b, "requestID", uuid.NewString())
	b = member(b, "eventType", "AwsServiceEvent")
	b = append(b, `,"serviceEventDetails":{"actionConnectorId":`...)
	b = quote(b, e.ConnectorID)
	b = optional(b, "endUserArn", e.User)
	b = optional(b, "reason", shorten(e.Reason, maxErrorMessage))
	tx.Leave(&entry{account: e.Account, record: append(b, '}', '}')})
}
