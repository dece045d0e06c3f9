// Package denial makes the encoded message that goes with a refusal, and opens
// it for sts:DecodeAuthorizationMessage.
//
// The message says why a call was denied: who asked for what, under which
// conditions, and which statements decided. That can be more than the one who
// was denied may know. So it is sealed, and opened only for callers of the
// account it was made for who may decode such messages.
//
//	text += " Encoded authorization failure message: " + denial.Encode(keys, account, m)
package denial

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"onsight/internal/deflate"
	"onsight/internal/seal"
)

// MaxLength is the length of the longest message in characters, as
// sts:DecodeAuthorizationMessage takes it.
const MaxLength = 10240

// A Message says why a call was denied.
type Message struct {
	// ExplicitDeny is false where nothing allows the call.
	ExplicitDeny bool
	// Matched are the statements that decided; none for an implicit deny.
	Matched []Statement
	// Failures say in sentences what would have to be otherwise.
	Failures []string
	// Principal is who made the call.
	Principal Principal
	// Action and Resource are what the call was about.
	Action, Resource string
	// Conditions are the condition keys of the call with their values.
	Conditions map[string][]string
}

// A Principal is who made a call.
type Principal struct {
	// ID is AIDA… of a user, AROA…:<session> of a role's session.
	ID string
	// Name is that of a user, and empty for others.
	Name string
	ARN  string
}

// A Statement is one of a policy.
type Statement struct {
	// ID is the statement's Sid.
	ID string
	// Effect is Allow or Deny.
	Effect string
	// Policy is the policy's ARN, or its name where it has none. The real
	// service does not tell it.
	Policy string
	// Principals, Actions and Resources are the statement's, as far as known.
	Principals, Actions, Resources []string
	// Conditions are the condition keys that it asks for, with the values.
	Conditions map[string][]string
}

// Version 1 of the form: a byte with the number, and the JSON, packed with
// this dictionary. Another dictionary is another version.
const version = 1

const dictionary = `aws:SourceIdentityaws:FederatedProvideraws:PrincipalTag/aws:RequestTag/aws:ResourceTag/aws:TagKeysaws:MultiFactorAuthPresent` +
	`aws:SourceIpaws:SecureTransportaws:UserAgentaws:Refereraws:CurrentTimeaws:EpochTimeaws:TokenIssueTimeaws:RequestedRegionaws:ViaAWSService` +
	`aws:PrincipalIsAWSServiceaws:PrincipalTypeaws:PrincipalArnaws:PrincipalAccountaws:ResourceAccountaws:useridaws:usernametruefalse` +
	`AssumedRoleUserarn:aws:sts::arn:aws:iam:::assumed-role/:user/:role/arn:aws:quicksight:us-east-1:quicksight:iam:sts:` +
	`"policy":"ALLOW","principalGroups":{"items":[]},"actions":{"items":["resources":{"items":["principals":{"items":[{"statementId":"","effect":"DENY",` +
	`{"allowed":false,"explicitDeny":true,"matchedStatements":{"items":[]},"failures":{"items":[]},"context":{"principal":{"id":"A","name":"","arn":"arn:aws:"},` +
	`"action":"","resource":"arn:aws:quicksight:","conditions":{"items":[{"key":"aws:","values":{"items":[{"value":""}]}},{"key":"aws:","values":{"items":[{"value":"`

var codec = deflate.New(dictionary)

// purpose binds a message to the account whose principals may decode it.
func purpose(account string) string { return "authorization failure message\x00" + account }

// Encode seals a message for an account: that of the principal. The result has
// letters, digits, - and _. A message that would be longer than MaxLength loses
// its conditions first, and then all of its statements but their names.
func Encode(keys *seal.Keyring, account string, m Message) string {
	for _, shorter := range []func(){
		func() {},
		func() { m.Conditions = nil },
		func() { m.Matched = names(m.Matched) },
		func() { m.Matched, m.Failures = nil, nil },
	} {
		shorter()
		text, err := json.Marshal(m.shape())
		if err != nil {
			panic(err) // strings can always be written
		}
		plain := codec.Append([]byte{version}, text)
		if base64.RawURLEncoding.EncodedLen(len(plain)+seal.Overhead) <= MaxLength {
			return base64.RawURLEncoding.EncodeToString(keys.Seal(plain, purpose(account)))
		}
	}
	return "" // of ARNs that are longer than any can be
}

func names(statements []Statement) []Statement {
	all := make([]Statement, len(statements))
	for i, s := range statements {
		all[i] = Statement{ID: s.ID, Effect: s.Effect, Policy: s.Policy}
	}
	return all
}

// ErrInvalid says that something is no message that was made for the account.
var ErrInvalid = errors.New("this is no authorization message of the account")

// maxText bounds the JSON of a message: far more than can be packed into
// MaxLength by honest means.
const maxText = 1 << 20

// Decode opens a message that Encode made for the account, and gives its JSON
// as the real service writes it. It fails with ErrInvalid.
func Decode(keys *seal.Keyring, account, encoded string) (string, error) {
	if len(encoded) > MaxLength || strings.ContainsAny(encoded, "\r\n") { // which the decoder would pass over
		return "", ErrInvalid
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(encoded)
	if err != nil {
		return "", ErrInvalid
	}
	plain, err := keys.Open(sealed, purpose(account))
	if err != nil || len(plain) == 0 || plain[0] != version {
		return "", ErrInvalid
	}
	text, err := codec.Open(plain[1:], maxText)
	if err != nil {
		return "", ErrInvalid
	}
	return string(text), nil
}

// The shapes of the JSON, as recorded answers of the real service have them:
// every list is an object with items.
type (
	items[T any] struct {
		Items []T `json:"items"`
	}
	value struct {
		Value string `json:"value"`
	}
	condition struct {
		Key    string       `json:"key"`
		Values items[value] `json:"values"`
	}
	statement struct {
		ID              string           `json:"statementId"`
		Effect          string           `json:"effect"`
		Policy          string           `json:"policy,omitempty"`
		Principals      items[value]     `json:"principals"`
		PrincipalGroups items[value]     `json:"principalGroups"`
		Actions         items[value]     `json:"actions"`
		Resources       items[value]     `json:"resources"`
		Conditions      items[condition] `json:"conditions"`
	}
	principal struct {
		ID   string `json:"id"`
		Name string `json:"name,omitempty"`
		ARN  string `json:"arn"`
	}
	context struct {
		Principal  principal        `json:"principal"`
		Action     string           `json:"action"`
		Resource   string           `json:"resource"`
		Conditions items[condition] `json:"conditions"`
	}
	message struct {
		Allowed      bool             `json:"allowed"`
		ExplicitDeny bool             `json:"explicitDeny"`
		Matched      items[statement] `json:"matchedStatements"`
		Failures     items[value]     `json:"failures"`
		Context      context          `json:"context"`
	}
)

func (m *Message) shape() message {
	s := message{
		ExplicitDeny: m.ExplicitDeny, Matched: items[statement]{[]statement{}}, Failures: values(m.Failures),
		Context: context{Principal: principal(m.Principal), Action: m.Action, Resource: m.Resource, Conditions: conditions(m.Conditions)},
	}
	for _, st := range m.Matched {
		s.Matched.Items = append(s.Matched.Items, statement{
			ID: st.ID, Effect: strings.ToUpper(st.Effect), Policy: st.Policy, Principals: values(st.Principals), PrincipalGroups: values(nil),
			Actions: values(st.Actions), Resources: values(st.Resources), Conditions: conditions(st.Conditions),
		})
	}
	return s
}

func values(list []string) items[value] {
	out := items[value]{make([]value, len(list))}
	for i, v := range list {
		out.Items[i].Value = v
	}
	return out
}

func conditions(keys map[string][]string) items[condition] {
	out := items[condition]{make([]condition, 0, len(keys))}
	for _, key := range slices.Sorted(maps.Keys(keys)) {
		out.Items = append(out.Items, condition{key, values(keys[key])})
	}
	return out
}
