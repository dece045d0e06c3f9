package audit

import (
	"cmp"
	"strconv"

	"github.com/google/uuid"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/store"
)

// An Acted is an action of a connector that a person performed by another way
// than a signed call.
type Acted struct {
	Account, Region string
	// Connector is the ARN and ConnectorID the id of the connector, User the ARN
	// of the person.
	Connector, ConnectorID, Action, User string
	// Status is SUCCESS or FAILED, HTTPStatus that of the service; 0 for none.
	Status           string
	HTTPStatus       int
	Error, ErrorText string
	Origin           api.Origin
	// Details are what there is to tell besides, such as by which agent.
	Details map[string]string
}

// Acted adds the event of an action to what a transaction changes: the one that
// InvokeAction leaves.
func (t *Trail) Acted(tx *store.Tx, e Acted) {
	b := []byte(`{"eventName":"InvokeAction"`)
	b = member(b, "awsRegion", cmp.Or(e.Region, t.region))
	b = appendResource(b, e.Connector)
	b = append(b, `,"userIdentity":{"type":"Unknown"`...)
	b = member(b, "arn", e.User)
	if a, err := arn.Parse(e.User); err == nil {
		_, name := a.Split()
		b = member(b, "userName", name)
	}
	b = append(b, '}')
	b = member(b, "sourceIPAddress", cmp.Or(e.Origin.Address, ourselves))
	b = optional(b, "userAgent", shorten(cmp.Or(e.Origin.UserAgent, ourselves), maxUserAgent))
	b = append(b, `,"requestParameters":{"awsAccountId":`...)
	b = quote(b, e.Account)
	b = member(b, "actionConnectorId", e.ConnectorID)
	b = member(b, "actionId", e.Action)
	b = append(member(b, "endUserArn", e.User), '}')
	b = append(b, `,"responseElements":{"invokeActionStatus":`...)
	b = quote(b, e.Status)
	if e.HTTPStatus != 0 {
		b = append(b, `,"invokeActionOutput":{"httpInvokeActionOutput":{"httpStatusCode":`...)
		b = append(quote(b, strconv.Itoa(e.HTTPStatus)), `}}`...)
	}
	b = append(b, '}')
	b = member(b, "requestID", uuid.NewString())
	b = optional(b, "errorCode", e.Error)
	b = optional(b, "errorMessage", shorten(e.ErrorText, maxErrorMessage))
	b = appendDetails(b, e.Details)
	tx.Leave(&entry{account: e.Account, record: append(b, '}')})
}
