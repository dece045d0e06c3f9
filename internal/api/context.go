package api

import (
	"context"
	"log/slog"
	"net/http"
	"time"

	"onsight/internal/policy"
	"onsight/internal/wire"
)

// A Principal is who sent a request, as IAM names it.
type Principal struct {
	// Account is the principal's AWS account, 12 digits.
	Account string
	// ARN is arn:aws:iam::<account>:root, …:user/<path><name> or, of the sts
	// service, …:assumed-role/<role>/<session>.
	ARN string
	// UserID is the principal's unique id: the account's of root, AIDA… of a
	// user, AROA…:<session> of a role's session.
	UserID string
	// Type is the userIdentity type of CloudTrail: Root, IAMUser, AssumedRole,
	// FederatedUser.
	Type string
	// AccessKeyID is the access key that signed.
	AccessKeyID string
	// Session tells where temporary credentials come from; nil for lasting ones.
	Session *Session
	// Proof is what the authenticator lets the authoriser know besides. It
	// means nothing to anyone else.
	Proof any
}

// An Identity is what authentication finds out about a request.
type Identity struct {
	Principal
	// Region is that of the signature's credential scope.
	Region string
}

// An Authenticator says who sent a request. Its errors are faults. The
// operation says which service the signature has to be for.
type Authenticator interface {
	Authenticate(r *http.Request, body []byte, op *wire.Operation, labels []string) (Identity, error)
}

type call struct {
	id      string
	service *wire.Service
	op      *wire.Operation
	who     Identity
	at      time.Time
	origin  Origin
	input   any
	notes   []slog.Attr
	trusted bool // no policy is asked: it was for what this call is a part of

	// What the record of the call is made from, beside the above.
	stage    Stage
	target   policy.Target
	result   any
	shown    any
	recorded bool
}

// Origin is where a call came from.
type Origin struct {
	// Address is the client's, without a port: that of the connection, or what
	// a trusted proxy says.
	Address string
	// UserAgent and Referer are the headers of these names.
	UserAgent, Referer string
	// Secure tells that the client's connection is encrypted.
	Secure bool
}

type callKey struct{}

func from(ctx context.Context) *call {
	c, _ := ctx.Value(callKey{}).(*call)
	if c == nil {
		return &call{}
	}
	return c
}

// Region is the region that the call was made to.
func Region(ctx context.Context) string { return from(ctx).who.Region }

// Caller is who makes the call.
func Caller(ctx context.Context) Principal { return from(ctx).who.Principal }

// From is where the call came from.
func From(ctx context.Context) Origin { return from(ctx).origin }

// Time is when the call came in.
func Time(ctx context.Context) time.Time { return from(ctx).at }

// Operation is the operation that is called; nil where there is none.
func Operation(ctx context.Context) *wire.Operation { return from(ctx).op }

// Input is the operation's input, a pointer to its type, once it is read; nil
// before. It is not to be changed.
func Input(ctx context.Context) any { return from(ctx).input }

// RequestID is the id under which the call is answered and logged.
func RequestID(ctx context.Context) string { return from(ctx).id }

// Note adds an attribute to the call's log line. It must not be a secret.
func Note(ctx context.Context, key string, value any) {
	c := from(ctx)
	c.notes = append(c.notes, slog.Any(key, value))
}

// As gives ctx the identity of a caller that did not come by HTTP: a job, or a
// command of the operator.
func As(ctx context.Context, who Identity) context.Context {
	return context.WithValue(ctx, callKey{}, &call{who: who})
}
