package audit

import (
	"cmp"
	"strconv"
	"strings"
	"time"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/stsapi"
	"onsight/internal/wire"
)

// The lengths at which CloudTrail cuts these texts, in bytes.
const (
	maxUserAgent    = 1024
	maxErrorMessage = 1024
)

// ourselves stands where a job of the server acts for a caller.
const ourselves = "onsight"

// published are operations of ours whose events are QuickSight's: it has no such
// operation in its API, and records what its people do in this form (user
// guide, data events).
var published = map[string]bool{"InvokeAction": true}

// sourceOf is the eventSource of a service.
func sourceOf(service string) string {
	if service == wire.Onsight {
		return ourselves // what no cloud has
	}
	return service + ".amazonaws.com"
}

// quickSightSource is the eventSource that is not stored, since it is that of most events.
const quickSightSource = "quicksight.amazonaws.com"

// An effect is what an operation does, as far as recording is concerned.
type effect uint8

const (
	reads  effect = iota // recorded where the settings ask for it
	alters               // recorded in its transaction
	admits               // gives someone a session; recorded before they have it
)

// reading are the first words of operations that change nothing.
var reading = []string{"Describe", "List", "Get", "Search", "Lookup", "Simulate", "Decode", "Explain", "Predict"}

// Alters tells whether every answered call of an operation leaves an event in
// its transaction.
func Alters(o *wire.Operation) bool { return effectOf(o) == alters }

func effectOf(o *wire.Operation) effect {
	service := o.Service().Name()
	switch {
	case service == wire.STS:
		switch o.Name {
		case "GetCallerIdentity", "GetAccessKeyInfo", "DecodeAuthorizationMessage":
			return reads
		}
		return admits
	case strings.Contains(o.Name, "EmbedUrl"):
		return admits
	case o.ReadOnly, service == wire.IAM && strings.HasPrefix(o.Name, "Generate"): // a report
		return reads
	}
	for _, word := range reading {
		if strings.HasPrefix(o.Name, word) {
			return reads
		}
	}
	return alters
}

// call appends what is stored of a call. result is its output, or what
// is known of it; f says how it failed; shared is the id that the events of
// several accounts have in common. Each may be absent.
func (t *Trail) call(b []byte, c api.Call, does effect, result any, f *fault.Fault, shared string) []byte {
	op, who, origin := c.Operation(), c.Who(), c.Origin()
	b = append(append(append(b, `{"eventName":"`...), op.Name...), '"')
	if service := op.Service().Name(); service != wire.QuickSight && !published[op.Name] {
		b = member(b, "eventSource", sourceOf(service))
	}
	b = member(b, "awsRegion", cmp.Or(who.Region, t.region))
	if does != alters {
		b = append(b, `,"readOnly":true`...)
	}
	b = appendResource(b, resourceOf(c))
	if who.Account != "" {
		b = appendIdentity(b, who, "")
	} else {
		b = appendFederated(b, result)
	}
	b = member(b, "sourceIPAddress", origin.Address)
	b = optional(b, "userAgent", shorten(origin.UserAgent, maxUserAgent))
	if in := c.Shown(); in != nil {
		b = appendMembers(append(b, `,"requestParameters":`...), in)
	}
	if result != nil && does != reads {
		b = appendMembers(append(b, `,"responseElements":`...), result)
	}
	b = member(b, "requestID", c.RequestID())
	if f != nil {
		_, _, code := op.Service().AppendFault(nil, op, f, "") // as it is answered
		b = member(b, "errorCode", code)
		b = optional(b, "errorMessage", shorten(f.Message, maxErrorMessage))
	}
	b = optional(b, "sharedEventID", shared)
	return append(b, '}')
}

// appendJob appends what is stored of a job that acts for the call that left it.
func appendJob(b []byte, run *job.Run, by *api.Behalf) []byte {
	b = append(append(append(b, `{"eventName":"`...), jobName(run.Kind)...), '"')
	if by.Service != wire.QuickSight {
		b = member(b, "eventSource", sourceOf(by.Service))
	}
	b = member(b, "awsRegion", by.Who.Region)
	if _, err := arn.Parse(run.Key); err == nil {
		b = appendResource(b, run.Key)
	}
	b = appendIdentity(b, &by.Who, ourselves)
	b = member(b, "sourceIPAddress", ourselves)
	b = member(b, "userAgent", ourselves)
	b = member(b, "requestID", by.RequestID)
	b = member(b, "eventType", "AwsServiceEvent")
	b = append(b, `,"serviceEventDetails":{"operation":`...)
	b = quote(b, by.Operation)
	b = member(b, "job", run.Kind)
	b = member(b, "key", run.Key)
	b = strconv.AppendInt(append(b, `,"attempt":`...), int64(run.Attempts), 10)
	return append(b, '}', '}')
}

// jobName is the event's name for a kind of job: ConnectorVerify of connector.verify.
func jobName(kind string) string {
	var b strings.Builder
	for word := range strings.FieldsFuncSeq(kind, func(r rune) bool { return r == '.' || r == '-' || r == '_' }) {
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// appendResource appends the resource that an event is about. Of calls that are
// refused nothing was validated yet, so the name may be anything.
func appendResource(b []byte, name string) []byte {
	if name == "" || len(name) > arn.MaxLength || strings.IndexByte(name, '*') >= 0 || strings.IndexByte(name, '?') >= 0 {
		return b
	}
	return append(quote(append(b, `,"resources":[`...), name), ']')
}

// resourceOf is the ARN of what a call is about; empty where it is about none.
func resourceOf(c api.Call) string {
	if role := roleOf(c.Input()); role != "" {
		return role
	}
	resource, _ := c.Resource()
	return resource
}

// roleOf is the role that a call asks a session of; empty for other calls.
func roleOf(in any) string {
	switch in := in.(type) {
	case *stsapi.AssumeRoleRequest:
		return in.RoleArn
	case *stsapi.AssumeRoleWithWebIdentityRequest:
		return in.RoleArn
	case *stsapi.AssumeRoleWithSAMLRequest:
		return in.RoleArn
	}
	return ""
}

// appendIdentity appends the userIdentity of a caller. Account and name follow
// from the ARN.
func appendIdentity(b []byte, who *api.Identity, invokedBy string) []byte {
	b = append(b, `,"userIdentity":{"type":`...)
	b = quote(b, who.Type)
	b = member(b, "principalId", who.UserID)
	b = member(b, "arn", who.ARN)
	b = optional(b, "accessKeyId", who.AccessKeyID)
	if s := who.Session; s != nil {
		b = appendSession(b, s)
	}
	b = optional(b, "invokedBy", invokedBy)
	return append(b, '}')
}

func appendSession(b []byte, s *api.Session) []byte {
	b = append(b, `,"sessionContext":{`...)
	if s.IssuerARN != "" {
		b = append(b, `"sessionIssuer":{"type":`...)
		b = quote(b, s.IssuerType)
		b = member(b, "principalId", s.IssuerID)
		b = member(b, "arn", s.IssuerARN)
		b = member(b, "accountId", s.IssuerAccount)
		b = optional(b, "userName", s.IssuerName)
		b = append(b, `},`...)
	}
	if s.Provider != "" {
		b = append(b, `"webIdFederationData":{"federatedProvider":`...)
		b = append(quote(b, s.Provider), `},`...)
	}
	b = append(b, `"attributes":{"creationDate":`...)
	b = quote(b, s.Began.UTC().Format(time.RFC3339))
	b = append(b, `,"mfaAuthenticated":"false"}`...) // there are no devices
	b = optional(b, "sourceIdentity", s.SourceIdentity)
	return append(b, '}')
}

// appendFederated appends the userIdentity of someone whose identity provider
// has said who they are.
func appendFederated(b []byte, result any) []byte {
	kind, provider, audience, name := "WebIdentityUser", "", "", ""
	switch out := result.(type) {
	case *stsapi.AssumeRoleWithWebIdentityResponse:
		provider, audience, name = value(out.Provider), value(out.Audience), value(out.SubjectFromWebIdentityToken)
	case *stsapi.AssumeRoleWithSAMLResponse:
		kind, provider, audience, name = "SAMLUser", value(out.Issuer), value(out.Audience), value(out.Subject)
	}
	b = append(b, `,"userIdentity":{"type":"`...)
	b = append(append(b, kind...), '"')
	b = member(b, "principalId", provider+":"+audience+":"+name)
	b = member(b, "userName", name)
	b = member(b, "identityProvider", provider)
	return append(b, '}')
}

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
