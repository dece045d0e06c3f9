package account

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// keys are the customer managed keys of an account in a region, in the order of
// the request that registered them.
type keys struct {
	ARNs    []string `json:"arns"`
	Default string   `json:"default,omitempty"`
}

const keyRegistration kind[keys] = "key-registration"

// maxKeys bounds the list of keys; nothing is published.
const maxKeys = 100

// registered is the gate of operations on keys, which are those of the region
// that is called. They declare no ResourceNotFoundException.
func registered(ctx context.Context, tx *store.Tx, account string) (keys, error) {
	_, err := openAnywhere(tx, account)
	if f, ok := errors.AsType[*fault.Fault](err); ok && f.Code == "ResourceNotFoundException" {
		return keys{}, fault.Denied("%s", f.Message)
	}
	if err != nil {
		return keys{}, err
	}
	k, _, err := keyRegistration.read(tx, place{account: account, region: api.Region(ctx)})
	return k, err
}

// describeKeyRegistration has its status in the body, as the model says.
func (s *Service) describeKeyRegistration(ctx context.Context, in *qs.DescribeKeyRegistrationRequest) (*qs.DescribeKeyRegistrationResponse, error) {
	out := &qs.DescribeKeyRegistrationResponse{
		AwsAccountId: &in.AwsAccountId, Status: new(int32(http.StatusOK)), KeyRegistration: []qs.RegisteredCustomerManagedKey{},
		QDataKey: &qs.QDataKey{QDataKeyType: new(qs.QDataKeyTypeAWSOwned)},
	}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		k, err := registered(ctx, tx, in.AwsAccountId)
		for _, key := range k.ARNs {
			if isDefault := key == k.Default; isDefault || in.DefaultKeyOnly == nil || !*in.DefaultKeyOnly {
				out.KeyRegistration = append(out.KeyRegistration, qs.RegisteredCustomerManagedKey{KeyArn: new(key), DefaultKey: new(isDefault)})
			}
		}
		if k.Default != "" {
			out.QDataKey = &qs.QDataKey{QDataKeyType: new(qs.QDataKeyTypeCMK), QDataKeyArn: new(k.Default)}
		}
		return err
	})
	return out, err
}

// updateKeyRegistration replaces the list of keys. To add and to remove keys are
// actions of their own, which the caller needs as well.
func (s *Service) updateKeyRegistration(ctx context.Context, in *qs.UpdateKeyRegistrationRequest) (*qs.UpdateKeyRegistrationResponse, error) {
	want, err := newKeys(ctx, in)
	if err != nil {
		return nil, err
	}
	var before keys
	err = s.db.Read(ctx, func(tx *store.Tx) (err error) {
		before, err = registered(ctx, tx, in.AwsAccountId)
		return err
	})
	if err != nil {
		return nil, err
	}
	// The list may change meanwhile, so what was allowed is what may be done.
	allowed := map[string]bool{}
	for action, differ := range map[string]bool{actionRegister: len(minus(want, before)) > 0, actionRemove: len(minus(before, want)) > 0} {
		if !differ {
			continue
		}
		if err := s.authorizer.Authorize(ctx, api.Caller(ctx), action, policy.Target{Account: in.AwsAccountId, Resource: "*"}); err != nil {
			return nil, err
		}
		allowed[action] = true
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		now, err := registered(ctx, tx, in.AwsAccountId)
		if err != nil {
			return err
		}
		if len(minus(want, now)) > 0 && !allowed[actionRegister] || len(minus(now, want)) > 0 && !allowed[actionRemove] {
			return fault.Throttled() // the one declared error that has a client try again
		}
		return keyRegistration.write(tx, place{account: in.AwsAccountId, region: api.Region(ctx)}, want, s.now())
	})
	if err != nil {
		return nil, err
	}
	out := &qs.UpdateKeyRegistrationResponse{
		FailedKeyRegistration:     []qs.FailedKeyRegistrationEntry{},
		SuccessfulKeyRegistration: make([]qs.SuccessfulKeyRegistrationEntry, len(want.ARNs)),
	}
	for i, key := range want.ARNs {
		out.SuccessfulKeyRegistration[i] = qs.SuccessfulKeyRegistrationEntry{KeyArn: key, StatusCode: http.StatusOK}
	}
	return out, nil
}

const (
	actionRegister = "quicksight:RegisterCustomerManagedKey"
	actionRemove   = "quicksight:RemoveCustomerManagedKey"
)

// newKeys reads the keys of a request. There is no KMS here that could refuse
// one: a list is taken whole or not at all.
func newKeys(ctx context.Context, in *qs.UpdateKeyRegistrationRequest) (keys, error) {
	if len(in.KeyRegistration) > maxKeys {
		return keys{}, fault.Invalid("At most %d keys can be registered, the request has %d.", maxKeys, len(in.KeyRegistration))
	}
	k := keys{ARNs: make([]string, 0, len(in.KeyRegistration))}
	seen := map[string]bool{}
	for _, key := range in.KeyRegistration {
		text := value(key.KeyArn)
		a, err := arn.Parse(text)
		if err != nil || a.Service != "kms" || !arn.IsAccount(a.Account) || !strings.HasPrefix(a.Resource, "key/") || a.Resource == "key/" {
			return keys{}, fault.Invalid("KeyArn %q isn't valid: it must be the ARN of a KMS key, arn:aws:kms:<region>:<account>:key/<id>.", text)
		}
		if a.Region != api.Region(ctx) {
			return keys{}, fault.Invalid("KeyArn %s isn't valid: the key must be in the region of the call, %s.", text, api.Region(ctx))
		}
		if seen[text] {
			return keys{}, fault.Invalid("KeyArn %s is given more than once.", text)
		}
		seen[text] = true
		k.ARNs = append(k.ARNs, text)
		if key.DefaultKey == nil || !*key.DefaultKey {
			continue
		}
		if k.Default != "" {
			return keys{}, fault.Invalid("Only one key can be the default key; %s and %s are given as such.", k.Default, text)
		}
		k.Default = text
	}
	return k, nil
}

// minus gives the keys of a that b does not have.
func minus(a, b keys) (more []string) {
	has := map[string]bool{}
	for _, key := range b.ARNs {
		has[key] = true
	}
	for _, key := range a.ARNs {
		if !has[key] {
			more = append(more, key)
		}
	}
	return more
}
