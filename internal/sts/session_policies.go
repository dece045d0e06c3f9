package sts

import (
	"encoding/json"
	"errors"
	"fmt"
	"unicode/utf8"

	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/store"
	"onsight/internal/stsapi"
)

// maxPolicyARNs is how many managed policies may limit a session.
const maxPolicyARNs = 10

// maxPacked is how many bytes the policies and the tags of a session may have
// when they are packed: 100 percent. With the rest they make a token of maxToken
// at most.
const maxPacked = 2048

// limits are what limits a session to be: policies that come with the request.
type limits struct {
	policy string
	arns   []string
}

// newLimits checks the session policies of a request for a session in an
// account.
func (s *Service) newLimits(tx *store.Tx, account string, document *string, managed []stsapi.PolicyDescriptorType) (l limits, err error) {
	if document != nil {
		if n := utf8.RuneCountInString(*document); n > policy.MaxSession {
			return l, validationError("1 validation error detected: Value at 'policy' failed to satisfy constraint: Member must have length less than or equal to %d", policy.MaxSession)
		}
		if _, err := policy.Parse(policy.Session, *document); err != nil {
			return l, fault.New(stsapi.ErrMalformedPolicyDocument, "%s", err.Error())
		}
		l.policy = *document
	}
	if len(managed) > maxPolicyARNs {
		return l, validationError("1 validation error detected: Value at 'policyArns' failed to satisfy constraint: Member must have length less than or equal to %d", maxPolicyARNs)
	}
	for _, m := range managed {
		if m.Arn == nil {
			return l, validationError("1 validation error detected: Value null at 'policyArns' failed to satisfy constraint: Member must not be null")
		}
		a, err := arn.Parse(*m.Arn)
		if kind, name := a.Split(); err != nil || a.Service != "iam" || kind != "policy" || name == "" {
			return l, validationError("ARN %s is not valid.", *m.Arn)
		}
		if a.Account != account && a.Account != "aws" {
			return l, validationError("The policy %s is not in the account %s.", *m.Arn, account)
		}
		switch _, err := s.directory.ManagedPolicy(tx, account, *m.Arn); {
		case errors.Is(err, store.ErrNotFound):
			return l, validationError("Policy %s does not exist or is not attachable.", *m.Arn)
		case err != nil:
			return l, err
		}
		l.arns = append(l.arns, *m.Arn)
	}
	return l, nil
}

// packed says how much of the allotted space the policies and tags of a
// session take, in percent, and nil where there are none.
func packed(session *Session) (*int32, error) {
	if session.Policy == "" && len(session.PolicyARNs) == 0 && len(session.Principal.Tags) == 0 {
		return nil, nil
	}
	text, err := json.Marshal(struct {
		Tags       map[string]string `json:"tg,omitempty"` // the names are those of a token
		Policy     string            `json:"po,omitempty"`
		PolicyARNs []string          `json:"pa,omitempty"`
	}{session.Principal.Tags, session.Policy, session.PolicyARNs})
	if err != nil {
		return nil, fmt.Errorf("pack session policies: %w", err)
	}
	percent := (100*len(tokenCodec.Append(nil, text)) + maxPacked - 1) / maxPacked
	if percent > 100 {
		return nil, tooLarge(session, percent)
	}
	return new(int32(percent)), nil
}

// tooLarge refuses policies and tags that do not fit into a token.
func tooLarge(session *Session, percent int) error {
	if session.Policy == "" && len(session.PolicyARNs) == 0 {
		return fault.New(stsapi.ErrPackedPolicyTooLarge, "Packed size of session tags consumes %d%% of allotted space.", percent)
	}
	return fault.New(stsapi.ErrPackedPolicyTooLarge, "Packed policy consumes %d%% of allotted space, please use smaller policy.", percent)
}
