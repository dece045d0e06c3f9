package audit

import (
	"cmp"
	"maps"
	"slices"

	"github.com/google/uuid"

	"onsight/internal/api"
	"onsight/internal/store"
)

// A SignIn is an event of someone who comes in, or wants to, by the pages and
// not by a signed call.
type SignIn struct {
	// Name is the event's, such as ConsoleLogin.
	Name            string
	Account, Region string
	// UserID, ARN and UserName are who it is about; all empty for a name that
	// nobody has, which the trail doesn't repeat: it may be a password.
	UserID, ARN, UserName string
	Origin                api.Origin
	// Outcome is Success or Failure; empty where that is not asked.
	Outcome string
	Error   string
	Details map[string]string
}

// signInSource is the eventSource of signing in.
const signInSource = "signin.amazonaws.com"

// Left adds the event of a sign-in to what a transaction changes. Its form is
// that of the events that the real console leaves.
func (t *Trail) Left(tx *store.Tx, e SignIn) {
	b := quote([]byte(`{"eventName":`), e.Name)
	b = member(b, "eventSource", signInSource)
	b = member(b, "awsRegion", cmp.Or(e.Region, t.region))
	b = appendResource(b, e.ARN)
	// The real service names people with a password of QuickSight so.
	b = append(b, `,"userIdentity":{"type":"Unknown"`...)
	b = member(b, "principalId", e.UserID)
	b = optional(b, "arn", e.ARN)
	b = append(member(b, "userName", cmp.Or(e.UserName, hidden)), '}')
	b = member(b, "sourceIPAddress", cmp.Or(e.Origin.Address, ourselves))
	b = optional(b, "userAgent", shorten(cmp.Or(e.Origin.UserAgent, ourselves), maxUserAgent))
	if e.Outcome != "" {
		b = append(quote(append(b, `,"responseElements":{`...), e.Name), ':')
		b = append(quote(b, e.Outcome), '}')
	}
	b = member(b, "requestID", uuid.NewString())
	b = optional(b, "errorMessage", shorten(e.Error, maxErrorMessage))
	b = member(b, "eventType", "AwsConsoleSignIn")
	b = appendDetails(b, e.Details)
	tx.Leave(&entry{account: e.Account, record: append(b, '}')})
}

// appendDetails adds what an event tells besides its form.
func appendDetails(b []byte, details map[string]string) []byte {
	if len(details) == 0 {
		return b
	}
	b = append(b, `,"additionalEventData":{`...)
	for i, name := range slices.Sorted(maps.Keys(details)) {
		if i > 0 {
			b = append(b, ',')
		}
		b = quote(append(quote(b, name), ':'), details[name])
	}
	return append(b, '}')
}
