package audit

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"onsight/internal/arn"
)

// eventVersion is the version of CloudTrail's records whose members these are.
const eventVersion = "1.11"

// An event is a row of the trail.
type event struct {
	Seq     int64  `db:"seq"`
	Account string `db:"account"`
	Record  []byte `db:"record"`
}

// A head is the part of a stored record that events are looked up by. It comes
// first in it.
type head struct {
	EventName    string   `json:"eventName"`
	EventSource  string   `json:"eventSource"`
	AWSRegion    string   `json:"awsRegion"`
	ReadOnly     bool     `json:"readOnly"`
	Resources    []string `json:"resources"`
	UserIdentity identity `json:"userIdentity"`
}

// An identity is the userIdentity of a stored record.
type identity struct {
	Type           string         `json:"type"`
	PrincipalID    string         `json:"principalId"`
	ARN            string         `json:"arn"`
	AccessKeyID    string         `json:"accessKeyId"`
	UserName       string         `json:"userName"`
	Provider       string         `json:"identityProvider"`
	SessionContext jsontext.Value `json:"sessionContext"`
	InvokedBy      string         `json:"invokedBy"`
}

// A body is a stored record whole.
type body struct {
	head
	EventTime           string         `json:"eventTime"`
	SourceIPAddress     string         `json:"sourceIPAddress"`
	UserAgent           string         `json:"userAgent"`
	RequestParameters   jsontext.Value `json:"requestParameters"`
	ResponseElements    jsontext.Value `json:"responseElements"`
	AdditionalEventData jsontext.Value `json:"additionalEventData"`
	RequestID           string         `json:"requestID"`
	ErrorCode           string         `json:"errorCode"`
	ErrorMessage        string         `json:"errorMessage"`
	EventType           string         `json:"eventType"`
	SharedEventID       string         `json:"sharedEventID"`
	ServiceEventDetails jsontext.Value `json:"serviceEventDetails"`
}

// headEnd is where the head of a record ends: inside of a string its quotes
// would be escaped, and no member of the head has one of this name.
var headEnd = []byte(`,"sourceIPAddress":`)

// head reads the head of a stored record.
func (e *event) head() (head, error) {
	text := e.Record
	if i := bytes.Index(text, headEnd); i >= 0 {
		text = text[:i]
		if h, ok := scanHead(text); ok {
			return h, nil
		}
		text = append(slices.Clip(text), '}')
	}
	h := head{EventSource: quickSightSource}
	if err := json.Unmarshal(text, &h); err != nil {
		return h, fmt.Errorf("audit: event %d of account %s cannot be read: %w", e.Seq, e.Account, err)
	}
	return h, nil
}

// scanHead reads what sealing needs of a head, in a tenth of the time: a head as
// this package writes it, with one resource at most, and no character that JSON
// escapes. It leaves the session's context out.
func scanHead(text []byte) (h head, ok bool) {
	if bytes.IndexByte(text, '\\') >= 0 || !bytes.HasPrefix(text, []byte(`{"eventName":"`)) {
		return h, false
	}
	// Quotes inside of strings would be escaped, so these names are names.
	h.EventName, _ = between(text, `{"eventName":"`)
	h.EventSource = quickSightSource
	if source, ok := between(text, `,"eventSource":"`); ok {
		h.EventSource = source
	}
	h.AWSRegion, _ = between(text, `,"awsRegion":"`)
	at := bytes.Index(text, []byte(`,"userIdentity":{"type":"`))
	if at < 0 {
		return h, false
	}
	h.ReadOnly = bytes.Contains(text[:at], []byte(`,"readOnly":true`))
	if i := bytes.Index(text[:at], []byte(`,"resources":["`)); i >= 0 {
		name, _ := between(text[i:at], `,"resources":["`)
		h.Resources = []string{name}
		if !bytes.HasSuffix(text[:at], []byte(`"]`)) || len(name)+len(`,"resources":[""]`) != at-i {
			return h, false
		}
	}
	u := text[at:]
	if i := bytes.Index(u, []byte(`,"sessionContext":`)); i >= 0 { // which has an ARN of its own
		u = u[:i]
	}
	h.UserIdentity.Type, _ = between(u, `"type":"`)
	h.UserIdentity.ARN, _ = between(u, `,"arn":"`)
	h.UserIdentity.AccessKeyID, _ = between(u, `,"accessKeyId":"`)
	h.UserIdentity.UserName, _ = between(u, `,"userName":"`)
	return h, true
}

// between gives what stands in text between a name and the next quote.
func between(text []byte, name string) (string, bool) {
	i := bytes.Index(text, []byte(name))
	if i < 0 {
		return "", false
	}
	text = text[i+len(name):]
	n := bytes.IndexByte(text, '"')
	if n < 0 {
		return "", false
	}
	return string(text[:n]), true
}

// userName is CloudTrail's name for who it was.
func (u *identity) userName() string {
	if u.UserName != "" {
		return u.UserName
	}
	a, err := arn.Parse(u.ARN)
	if err != nil {
		return ""
	}
	return a.Resource[strings.LastIndexByte(a.Resource, '/')+1:] // root is all of it
}

// appendRecord appends the CloudTrail record of an event, one line of JSON. Of
// one that was damaged it has time and id.
func appendRecord(b []byte, e *event) []byte {
	r := body{head: head{EventSource: quickSightSource}, EventType: "AwsApiCall"}
	if err := json.Unmarshal(e.Record, &r); err != nil {
		r = body{ErrorMessage: "The stored event is damaged: " + err.Error()}
	}
	b = append(b, `{"eventVersion":"`+eventVersion+`"`...)
	b = r.UserIdentity.appendTo(b)
	if r.EventTime == "" {
		r.EventTime = timeOf(e.Seq).Format(time.RFC3339)
	}
	b = member(b, "eventTime", r.EventTime)
	b = member(b, "eventSource", r.EventSource)
	b = member(b, "eventName", r.EventName)
	b = member(b, "awsRegion", r.AWSRegion)
	b = member(b, "sourceIPAddress", r.SourceIPAddress)
	b = optional(b, "userAgent", r.UserAgent)
	b = optional(b, "errorCode", r.ErrorCode)
	b = optional(b, "errorMessage", r.ErrorMessage)
	b = appendValue(b, "requestParameters", r.RequestParameters)
	b = appendValue(b, "responseElements", r.ResponseElements)
	if r.AdditionalEventData != nil {
		b = appendValue(b, "additionalEventData", r.AdditionalEventData)
	}
	if r.ServiceEventDetails != nil {
		b = appendValue(b, "serviceEventDetails", r.ServiceEventDetails)
	}
	b = member(b, "requestID", r.RequestID)
	b = member(b, "eventID", eventID(e.Account, e.Seq))
	b = strconv.AppendBool(append(b, `,"readOnly":`...), r.ReadOnly)
	b = appendResources(b, e.Account, r.Resources)
	b = member(b, "eventType", r.EventType)
	b = append(b, `,"managementEvent":true`...)
	b = member(b, "recipientAccountId", e.Account)
	b = optional(b, "sharedEventID", r.SharedEventID)
	return append(b, `,"eventCategory":"Management"}`...)
}

func appendValue(b []byte, name string, v jsontext.Value) []byte {
	b = append(append(append(b, `,"`...), name...), `":`...)
	if v == nil {
		return append(b, "null"...)
	}
	return append(b, v...)
}

func (u *identity) appendTo(b []byte) []byte {
	b = append(b, `,"userIdentity":{"type":`...)
	b = quote(b, u.Type)
	b = member(b, "principalId", u.PrincipalID)
	b = optional(b, "arn", u.ARN)
	if a, err := arn.Parse(u.ARN); err == nil {
		b = optional(b, "accountId", a.Account)
	}
	b = optional(b, "accessKeyId", u.AccessKeyID)
	if u.Type == "IAMUser" || u.UserName != "" {
		b = member(b, "userName", u.userName())
	}
	b = optional(b, "identityProvider", u.Provider)
	if u.SessionContext != nil {
		b = appendValue(b, "sessionContext", u.SessionContext)
	}
	b = optional(b, "invokedBy", u.InvokedBy)
	return append(b, '}')
}

func appendResources(b []byte, account string, names []string) []byte {
	if len(names) == 0 {
		return b
	}
	b = append(b, `,"resources":[`...)
	for i, name := range names {
		if i > 0 {
			b = append(b, ',')
		}
		r := resource(name)
		b = append(b, `{"accountId":`...)
		b = quote(b, cmp.Or(r.account, account))
		b = optional(b, "type", r.kind)
		b = append(member(b, "ARN", name), '}')
	}
	return append(b, ']')
}

// resourceTypes are the names of types whose spelling does not follow from the ARN.
var resourceTypes = map[string]string{
	"quicksight:action-connector":  "AWS::Quicksight::ActionConnector", // so in recorded events
	"quicksight:custompermissions": "AWS::QuickSight::CustomPermissions",
	"quicksight:dataset":           "AWS::QuickSight::DataSet",
	"quicksight:datasource":        "AWS::QuickSight::DataSource",
	"quicksight:vpcConnection":     "AWS::QuickSight::VPCConnection",
	"iam:oidc-provider":            "AWS::IAM::OIDCProvider",
	"iam:saml-provider":            "AWS::IAM::SAMLProvider",
	"iam:mfa":                      "AWS::IAM::VirtualMFADevice",
}

// services are the names of services in types of resources.
var services = map[string]string{"quicksight": "QuickSight", "iam": "IAM", "sts": "STS"}

// A named is what an ARN tells of a resource.
type named struct {
	account string
	kind    string // the type, as CloudFormation calls it; empty for what has none
	short   string // the name without what is above it: ana of user/default/ana and of user/path/ana
}

// resource reads the ARN of a resource. What is none names nothing.
func resource(name string) named {
	rest, ok := strings.CutPrefix(name, "arn:")
	if !ok {
		return named{}
	}
	_, rest, _ = strings.Cut(rest, ":")
	service, rest, _ := strings.Cut(rest, ":")
	_, rest, _ = strings.Cut(rest, ":")
	account, rest, _ := strings.Cut(rest, ":")
	kind, short, ok := strings.Cut(rest, "/")
	if !ok {
		return named{account: account}
	}
	switch {
	case service == "iam":
		short = short[strings.LastIndexByte(short, '/')+1:]
	case service == "quicksight" && (kind == "user" || kind == "group"):
		// The namespace comes first, and names have slashes too.
		_, short, _ = strings.Cut(short, "/")
	}
	return named{account, resourceType(service, kind), short}
}

// resourceType is CloudFormation's name for a kind of resource of a service.
func resourceType(service, kind string) string {
	if service == "quicksight" && kind == "user" {
		return "AWS::QuickSight::User" // most often
	}
	if t := resourceTypes[service+":"+kind]; t != "" || services[service] == "" {
		return t
	}
	var b strings.Builder
	b.WriteString("AWS::" + services[service] + "::")
	for word := range strings.SplitSeq(kind, "-") {
		if word != "" {
			b.WriteString(strings.ToUpper(word[:1]) + word[1:])
		}
	}
	return b.String()
}
