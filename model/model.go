// Package model holds the contract of the QuickSight API: the names, types,
// routes, limits and errors of its operations, and no prose.
//
// quicksight.json is made from the service description of the newest botocore
// by
//
//	go run ./internal/qsgen -refresh
//
// and is not edited by hand. It has one operation or shape a line, sorted, so
// that a refresh shows in a diff what the API gained. Package wire reads the
// rules from it while the server runs; internal/qsgen generates package qs
// from it.
package model

import (
	_ "embed"
	"encoding/json"
)

// QuickSight is the model's document as it is in the file. It is shared: read
// it, never write to it.
//
//go:embed quicksight.json
var QuickSight []byte

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
}

// A Shape is a type with its rules.
type Shape struct {
	// Type is structure, list, map, string, integer, long, double, float,
	// boolean, timestamp or blob.
	Type string `json:"type"`
	// Error is the HTTP status of an exception, and 0 for all else.
	Error int `json:"error,omitempty"`
	// Fault marks an exception that is the service's own doing.
	Fault bool `json:"fault,omitempty"`
	// Union marks a structure of which exactly one member is set.
	Union bool `json:"union,omitempty"`
	// Document marks a structure that stands for any JSON value.
	Document bool `json:"document,omitempty"`
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
}

// A Member is one member of a structure.
type Member struct {
	Shape string `json:"shape"`
	// Location is uri, querystring or statusCode; empty is the body.
	Location string `json:"location,omitempty"`
	// LocationName is the member's name on the wire where it is not the
	// member's own.
	LocationName string `json:"locationName,omitempty"`
	// IdempotencyToken marks a member that clients fill with a random value.
	IdempotencyToken bool `json:"idempotencyToken,omitempty"`
	Box              bool `json:"box,omitempty"`
}
