// Package model holds the contracts of the APIs that Onsight serves: the
// names, types, routes, limits and errors of their operations, and no prose.
//
// The documents are made from the service descriptions of the newest botocore
// by
//
//	go run ./internal/qsgen -refresh
//
// and are not edited by hand; but for onsight.json, which is ours: the routes
// that the server has beside the APIs. They have one operation or shape a line, sorted,
// so that a refresh shows in a diff what an API gained. Package wire reads the
// rules from them while the server runs; internal/qsgen generates packages qs,
// iamapi, stsapi, cloudtrailapi and onsightapi from them.
package model

import (
	_ "embed"
	"encoding/json"
)

// The models' documents as they are in the files. They are shared: read them,
// never write to them. CloudTrail's holds only the operations that are served.
var (
	//go:embed quicksight.json
	QuickSight []byte
	//go:embed iam.json
	IAM []byte
	//go:embed sts.json
	STS []byte
	//go:embed cloudtrail.json
	CloudTrail []byte
	//go:embed onsight.json
	Onsight []byte
)

// A Document is a whole model.
type Document struct {
	// Source names the package and version that the model was taken from.
	Source string `json:"source"`
	// Metadata is what the protocol needs to know of the service: apiVersion,
	// protocol, serviceId and the like.
	Metadata   map[string]string    `json:"metadata"`
	Operations map[string]Operation `json:"operations"`
	Shapes     map[string]Shape     `json:"shapes"`
}

// An Operation is one call of the API.
type Operation struct {
	Method string `json:"method"`
	// URI is the path with labels in braces: /accounts/{AwsAccountId}.
	URI string `json:"uri"`
	// Code is the HTTP status of success, or 0 where the model does not say.
	Code int `json:"code,omitempty"`
	// Input and Output name structures.
	Input  string `json:"input,omitempty"`
	Output string `json:"output,omitempty"`
	// Errors name the exceptions that the operation declares.
	Errors     []string `json:"errors,omitempty"`
	Idempotent bool     `json:"idempotent,omitempty"`
	ReadOnly   bool     `json:"readonly,omitempty"`
	// Unsigned marks an operation whose callers do not sign.
	Unsigned bool `json:"unsigned,omitempty"`
	// Action is the name that policies have for the operation where that is not
	// its own.
	Action string `json:"action,omitempty"`
}

// A Shape is a type with its rules.
type Shape struct {
	// Type is structure, list, map, string, integer, long, double, float,
	// boolean, timestamp or blob.
	Type string `json:"type"`
	// Error is the HTTP status of an exception, and 0 for all else.
	Error int `json:"error,omitempty"`
	// Code is the exception's code on the wire where that is not the shape's name.
	Code string `json:"code,omitempty"`
	// Fault marks an exception that is the service's own doing.
	Fault bool `json:"fault,omitempty"`
	// Union marks a structure of which exactly one member is set.
	Union bool `json:"union,omitempty"`
	// Document marks a structure that stands for any JSON value.
	Document bool `json:"document,omitempty"`
	// Streaming marks a blob that is passed on as it comes.
	Streaming bool `json:"streaming,omitempty"`
	// Sensitive marks values that are shown to nobody: not in messages, not in logs.
	Sensitive bool `json:"sensitive,omitempty"`
	Box       bool `json:"box,omitempty"`
	// Min and Max bound the value of a number, the characters of a string, the
	// bytes of a blob and the members of a list or map. Empty is unbounded.
	Min json.Number `json:"min,omitempty"`
	Max json.Number `json:"max,omitempty"`
	// Pattern is a regular expression in Java's dialect for the whole string.
	Pattern string   `json:"pattern,omitempty"`
	Enum    []string `json:"enum,omitempty"`
	// Required names members of a structure that must be there.
	Required []string          `json:"required,omitempty"`
	Members  map[string]Member `json:"members,omitempty"`
	// Member is the shape of a list's members.
	Member string `json:"member,omitempty"`
	// Key and Value are the shapes of a map's keys and values.
	Key   string `json:"key,omitempty"`
	Value string `json:"value,omitempty"`
	// Flattened marks a list or map whose members stand, in a form and in XML,
	// directly under the name of the member that it is.
	Flattened bool `json:"flattened,omitempty"`
	// MemberName, KeyName and ValueName are the names of a list's members and
	// of a map's keys and values in a form and in XML, where they are not
	// member, key and value.
	MemberName string `json:"memberName,omitempty"`
	KeyName    string `json:"keyName,omitempty"`
	ValueName  string `json:"valueName,omitempty"`
}

// A Member is one member of a structure.
type Member struct {
	Shape string `json:"shape"`
	// Location is uri, querystring, header or statusCode; empty is the body.
	Location string `json:"location,omitempty"`
	// LocationName is the member's name on the wire where it is not the
	// member's own.
	LocationName string `json:"locationName,omitempty"`
	// Flattened is that of Shape, for this member alone.
	Flattened bool `json:"flattened,omitempty"`
	// IdempotencyToken marks a member that clients fill with a random value.
	IdempotencyToken bool `json:"idempotencyToken,omitempty"`
	Box              bool `json:"box,omitempty"`
}
