package iam

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"encoding/json"
	"strings"
	"time"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// What the ids of each kind begin with (IAM User Guide, "IAM identifiers").
const (
	accessKeyPrefix = "AKIA"
	groupPrefix     = "AGPA"
	policyPrefix    = "ANPA"
	rolePrefix      = "AROA"
	userPrefix      = "AIDA"
)

// newID makes the unique id of an entity: the prefix and 17 random characters
// of A to Z and 2 to 7.
func newID(prefix string) string { return prefix + random(17) }

// newAccessKeyID makes the id of an access key, which has 20 characters.
func newAccessKeyID() string { return accessKeyPrefix + random(16) }

func random(n int) string {
	var b [20]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	return base32.StdEncoding.EncodeToString(b[:])[:n]
}

// nameKey is a name as it is compared: in lower case. Names of IAM are ASCII.
func nameKey(name string) string { return strings.ToLower(name) }

// iamARN forms the ARN of an entity. A path begins and ends with a slash.
func iamARN(account, kind, path, name string) string {
	return "arn:aws:iam::" + account + ":" + kind + path + name
}

// pathOf is the path that was given, or the root.
func pathOf(path *string) string {
	if path == nil || *path == "" {
		return "/"
	}
	return *path
}

// pathRange bounds the paths that begin with a prefix, for a comparison
// path >= from AND path < to: nothing given is all paths. Paths are of ASCII,
// so the byte after the last one of the prefix bounds it.
func pathRange(prefix *string) (from, to string) {
	p := value(prefix)
	if p == "" {
		p = "/"
	}
	return p, p[:len(p)-1] + string(p[len(p)-1]+1)
}

// date is a time as IAM shows it: whole seconds.
func date(us int64) *time.Time { return new(store.Time(us).Truncate(time.Second)) }

// dateOrNil is date, and nil for what has not happened.
func dateOrNil(us *int64) *time.Time {
	if us == nil {
		return nil
	}
	return date(*us)
}

// encoded is a policy document as IAM shows it: percent-encoded (RFC 3986).
func encoded(document string) *string {
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	b.Grow(len(document) * 2)
	for i := range len(document) {
		c := document[i]
		if 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-._~", c) >= 0 {
			b.WriteByte(c)
			continue
		}
		b.WriteByte('%')
		b.WriteByte(hex[c>>4])
		b.WriteByte(hex[c&15])
	}
	return new(b.String())
}

// decode reads a column that holds JSON.
func decode(text string, v any) error { return json.Unmarshal([]byte(text), v) }

// account is the account that a call is about: the caller's own.
func account(ctx context.Context) string { return api.Caller(ctx).Account }

// on is the target of an operation on a resource of the caller's account.
func on(ctx context.Context, resource string, keys ...policy.Keys) policy.Target {
	return with(policy.Target{Account: account(ctx), Resource: resource}, keys...)
}

// onAll is the target of operations that know no resource type.
func onAll[In any](ctx context.Context, _ *In) policy.Target { return on(ctx, "*") }

// with adds condition keys to a target. Their names are in lower case.
func with(t policy.Target, keys ...policy.Keys) policy.Target {
	for _, k := range keys {
		for name, values := range k {
			if t.Context == nil {
				t.Context = policy.Keys{}
			}
			t.Context[name] = append(t.Context[name], values...)
		}
	}
	return t
}

// bounded adds the condition key iam:PermissionsBoundary.
func bounded(t policy.Target, boundary *string) policy.Target {
	if boundary == nil {
		return t
	}
	return with(t, policy.Keys{"iam:permissionsboundary": {*boundary}})
}

// target is the target of an operation on an entity that was looked up: arn
// when it is there, otherwise what it would be called. Where the lookup failed,
// it lies in no account, so that nobody is allowed anything; ok is false.
func target(ctx context.Context, lookup error, arn, otherwise string) (t policy.Target, ok bool) {
	switch {
	case lookup == nil:
		return on(ctx, arn), true
	case fault.Of(lookup).Code == iamapi.ErrNoSuchEntity:
		return on(ctx, otherwise), true
	default:
		return policy.Target{Account: "unknown", Resource: otherwise}, false
	}
}
