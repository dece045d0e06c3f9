package definition

import (
	"encoding/json"
	"slices"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Definition is what connectors of one type can do.
type Definition struct {
	// Title and Description are for people.
	Title, Description string
	// Server is the base endpoint that the document gives as an example.
	Server string
	// Connector is the document's x-onsight-connector; the zero Connector where
	// it has none.
	Connector Connector
	// Remote says that the operations are tools of an MCP server.
	Remote bool
	// Protocol is the version of MCP that the server spoke when it was asked.
	Protocol string
	// Operations are those of the document by id, hidden ones too.
	Operations map[string]*Operation
	// Actions are the ids of operations that are actions, sorted.
	Actions []string

	// by are definitions for authentication types on which operations depend.
	by map[string]*Definition
}

// For gives the definition as it is for connectors of an authentication type:
// paths and inputs of operations may depend on it.
func (d *Definition) For(authenticationType string) *Definition {
	if own, ok := d.by[authenticationType]; ok {
		return own
	}
	return d
}

// Connector is the extension x-onsight-connector.
type Connector struct {
	Type string `json:"type"`
	Base Base   `json:"base"`
	// Hosts are names, or domains of which any name will do: *.example.com.
	Hosts []string `json:"hosts"`
	// MCP are the ends of base endpoints at which there is an MCP server: its
	// tools are the actions then.
	MCP []string `json:"mcp"`
	// Tools are those that such a server is known to have, before it was asked.
	Tools          []string          `json:"tools"`
	Authentication map[string]Auth   `json:"authentication"`
	Headers        map[string]string `json:"headers"`
	Test           Test              `json:"test"`
	Errors         Errors            `json:"errors"`
	Success        []Condition       `json:"success"`
}

// Base says how a request's address is made of the connector's base endpoint.
type Base struct {
	// Append is what the path of the base endpoint ends with; it is added where
	// it is missing.
	Append string `json:"append"`
	// Unless are parts of addresses that have their own end.
	Unless []string `json:"unless"`
	// Hook names the code that finds the base, where it has to be asked for.
	Hook string `json:"hook"`
}

// Auth says how a way to authenticate looks to the service.
type Auth struct {
	// Scheme is bearer, basic, header, query, sigv4 or none.
	Scheme string `json:"scheme"`
	// Username and Password are the halves of basic, and Value is the value of
	// header and query, whose name is Name. {key}, {email}, {username} and
	// {password} stand for what the connector has.
	Username string `json:"username"`
	Password string `json:"password"`
	Name     string `json:"name"`
	Value    string `json:"value"`
	// NamedHeader lets a key of bearer say its header: "X-Api-Key: 123".
	NamedHeader bool `json:"namedHeader"`
	// Service is the name in signatures of sigv4, Host the first label of the
	// host where that is another.
	Service string `json:"service"`
	Host    string `json:"host"`

	// Scopes are asked for, joined by ScopeSeparator (a space), in the parameter
	// ScopeParameter (scope). {base} is the origin of the base endpoint.
	Scopes         []string `json:"scopes"`
	ScopeSeparator string   `json:"scopeSeparator"`
	ScopeParameter string   `json:"scopeParameter"`
	// ClientStyle is how the client authenticates at the token endpoint: header
	// (RFC 6749, 2.3.1), body, or probe.
	ClientStyle string `json:"clientStyle"`
	// NoPKCE is for services that refuse a code challenge (RFC 7636).
	NoPKCE bool `json:"noPKCE"`
	// AuthorizeParameters and TokenParameters are sent in addition.
	AuthorizeParameters map[string]string `json:"authorizeParameters"`
	TokenParameters     map[string]string `json:"tokenParameters"`
	// TokenPath points to the part of the token answer that holds access_token
	// and the rest; empty is the whole.
	TokenPath string `json:"tokenPath"`
	// TokenSuccess must hold of the token answer.
	TokenSuccess []Condition `json:"tokenSuccess"`
	// TokenVoid are the service's own words for invalid_grant (RFC 6749, 5.2).
	TokenVoid []string `json:"tokenVoid"`
	// AuthorizationEndpoint, TokenEndpoint and RevocationEndpoint are the
	// service's own, where the connector does not say. {base} is the origin of
	// the base endpoint.
	AuthorizationEndpoint string `json:"authorizationEndpoint"`
	TokenEndpoint         string `json:"tokenEndpoint"`
	RevocationEndpoint    string `json:"revocationEndpoint"`
	// Rights is where a token says what it may be used for.
	Rights *Rights `json:"rights"`
	// Account tells whose a token is: pointers into the answer of the test.
	Account struct {
		ID    string `json:"id"`
		Label string `json:"label"`
	} `json:"account"`
}

// Rights says where an access token, a JWT (RFC 7519), tells what it may be used
// for. A test fails when that is nothing.
type Rights struct {
	// Claim is a list of names.
	Claim string `json:"claim"`
	// Wanted are the names that the actions of the type need.
	Wanted []string `json:"wanted"`
	// Advice says how the rights that are missing are given: a sentence.
	Advice string `json:"advice"`
}

// Test is the call that tells whether a connector's credentials are good.
type Test struct {
	Operation string          `json:"operation"`
	Input     json.RawMessage `json:"input"`
	Success   []Condition     `json:"success"`
	// Answers says that any answer will do that does not refuse the credentials.
	Answers bool `json:"answers"`
	// Codes are of errors that tell as much as an answer: that something which
	// the test names is not there, say. In the input of such a test {account},
	// {region} and {partition} stand for the connector's.
	Codes []string `json:"codes"`
	// By has other tests by authentication type.
	By map[string]Test `json:"by"`
}

// Of gives the test for an authentication type.
func (t Test) Of(authenticationType string) Test {
	if by, ok := t.By[authenticationType]; ok {
		return by
	}
	return t
}

// Condition is something that must hold of an answer: the value that a JSON
// Pointer (RFC 6901) leads to is there and not null, or equals a value.
type Condition struct {
	Pointer string          `json:"pointer"`
	Equals  json.RawMessage `json:"equals"`
}

// Errors says where an answer that is an error tells what was wrong: the first
// JSON Pointer that leads to something counts, and then the header.
type Errors struct {
	Message []string `json:"message"`
	Code    []string `json:"code"`
	Header  string   `json:"header"`
	// CodeHeader has the code where the answer's body has none.
	CodeHeader string `json:"codeHeader"`
	// Shapes says that codes are names of shapes of AWS, with a namespace before
	// a # and an address after a colon, which are no part of the code.
	Shapes bool `json:"shapes"`
	// XML says that errors are in XML, and what lies in the root element is meant.
	XML bool `json:"xml"`
	// Region is the header of an answer that tells in which other region of AWS
	// the request has its place.
	Region string `json:"region"`
	// Details are what else the answer tells; they are added to the message.
	Details []Detail `json:"details"`
	// Kinds say what sort of error a code is, where the status does not.
	Kinds map[string]string `json:"kinds"`
	// Statuses say what a status means that the answer does not explain.
	Statuses map[string]Status `json:"statuses"`
	// Throttled are statuses besides 429 that ask for patience when the answer
	// has a Retry-After, and codes that do so whatever the status.
	Throttled     []int    `json:"throttled"`
	ThrottleCodes []string `json:"throttleCodes"`
	// Expired are codes that say that the token is no good any more, whatever
	// the status.
	Expired []string `json:"expired"`
}

// A Status is the kind of error that a status is, and a sentence about it.
type Status struct {
	Kind    string `json:"kind"`
	Message string `json:"message"`
}

// A Detail is a part of an answer, and the word that goes before it.
type Detail struct {
	Text    string `json:"text"`
	Pointer string `json:"pointer"`
	// Header is where it is when it is not at Pointer.
	Header string `json:"header"`
}

// Operation is one action, or a hidden operation.
type Operation struct {
	ID, Label, Description string
	// Tool is the name of a tool of an MCP server, for which nothing but the input
	// counts; empty of what is asked by HTTP.
	Tool string
	// Method and Path are the request's; {name} in the path is a field's Wire.
	Method, Path string
	// Write says that it changes something, Destructive that it cannot be undone,
	// Idempotent that it may be sent again.
	Write, Destructive, Idempotent, Hidden bool
	// Authentication are the types that it works with; empty is all.
	Authentication []string
	// Fields are what the input consists of, and the constants beside it.
	Fields []Field
	// MediaType is that of the body, empty where there is none.
	MediaType string
	// BodyPath is the JSON Pointer under which the fields of the body lie.
	BodyPath string
	// Statuses are the answers that the document names as successes; empty is
	// any 2xx.
	Statuses []int
	Success  []Condition
	Output   string
	// OutputHeaders are headers that are the output of an answer without a body.
	// One that is written Name=Header has that name in the output, also beside
	// what the body says; a Header that ends in * stands for all with that
	// beginning, which are one object.
	OutputHeaders []string
	// File says that the answer is a file, whatever it looks like; Text that one
	// which is text is given as such.
	File, Text bool
	// Events say what is made of an answer that is a stream of events.
	Events     []Event
	Pagination *Pagination
	Hook       string
	AWS        *AWS
	// Input and OutputSchema are JSON Schemas without references; OutputSchema
	// is nil where the document has none.
	Input, OutputSchema json.RawMessage
	// XMLBody and XMLAnswer are how body and answer look that are XML; nil where
	// they are not. Answer is the shape of the output.
	XMLBody, XMLAnswer, Answer *Node

	input *jsonschema.Schema
}

// Places of a Field.
const (
	InPath   = "path"
	InQuery  = "query"
	InHeader = "header"
	InBody   = "body"
	// InWhole is the body as a whole.
	InWhole = "whole"
)

// Field is a part of a request.
type Field struct {
	// Name is what callers call it, Wire what the service does.
	Name, Wire string
	In         string
	// Pointer is the JSON Pointer of a field of the body, below the operation's
	// BodyPath. The members of an object without one lie beside the other fields.
	Pointer string
	// Encoding names what is made of the value before it is sent; empty is
	// nothing.
	Encoding string
	// Template is what the value is put into, or each of its items where it is a
	// list; nil is nothing.
	Template any
	// When are inputs one of which must be given for the field to be sent; none
	// is always.
	When []string
	// Unsent is an input for templates alone.
	Unsent   bool
	Required bool
	// Constant is what is always sent; nil is an input.
	Constant json.RawMessage
	// Default is sent where the input has none; nil is nothing.
	Default json.RawMessage
	// Explode sends each value of a list by itself; otherwise they are joined
	// with Separator.
	Explode   bool
	Separator string
	// File says that the value is an object of filename, contentType and
	// content, which is base64; or text.
	File bool
	// Slashes leaves slashes in a part of a path as they are: it may be several
	// parts, of any name.
	Slashes bool
}

// Pagination says how the next page is asked for.
type Pagination struct {
	// Kind is cursor, offset, page, link or url. One of url with an Input goes on
	// like offset where the service names no next page.
	Kind string `json:"kind"`
	// Input is the field that takes the place of the next page, Limit that of
	// the size of pages.
	Input string `json:"input"`
	Limit string `json:"limit"`
	// Next points to the cursor or the address of the next page, More to a value
	// that is true while there is one, Last to one that is true when there is
	// none, Total to the number of all items or pages. Where a service tells
	// none of them, a page that is not full is the last.
	Next string `json:"next"`
	// Parameter is that part of an address at Next which is the cursor.
	Parameter string `json:"parameter"`
	More      string `json:"more"`
	Last      string `json:"last"`
	Total     string `json:"total"`
	// Items points to the list.
	Items string `json:"items"`
}

// AWS says how an operation of an AWS service is called.
type AWS struct {
	// Target is the value of X-Amz-Target, for JSON 1.1.
	Target string `json:"target"`
	// Service is the host's first label.
	Service string `json:"service"`
	// Bucket is the field of S3's bucket: at AWS it becomes a part of the host
	// where it can.
	Bucket string `json:"bucket"`
	// MD5 sends the digest of the body (RFC 1864).
	MD5 bool `json:"md5"`
}

// An Event says where in the output events of a stream are listed.
type Event struct {
	// Event is the type of the events. Pointer leads to the part of the payload
	// that is meant, Into is the member of the output.
	Event   string `json:"event"`
	Pointer string `json:"pointer"`
	Into    string `json:"into"`
	// Text joins the parts: plain, or base64 that is decoded before.
	Text string `json:"text"`
}

// Allows tells whether the operation works with an authentication type.
func (o *Operation) Allows(authenticationType string) bool {
	return len(o.Authentication) == 0 || slices.Contains(o.Authentication, authenticationType)
}
