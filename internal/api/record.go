package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/wire"
)

// A Recorder keeps the record of calls.
type Recorder interface {
	// Ended is told how a call ended, with its output or its error, when
	// nothing of the answer has been sent yet. It is called for operations of
	// callers who are known, and those that callers do not sign. Its error
	// takes the place of the answer.
	Ended(ctx context.Context, out any, err error) error
}

// A Stage is how far a call has come.
type Stage uint8

const (
	// Arrived calls have not been decided yet.
	Arrived Stage = iota
	// Refused calls were denied by policies.
	Refused
	// Allowed calls were not, or no policy was asked. Their input may be invalid.
	Allowed
	// Running calls have a valid input, and what answers them was called.
	Running
)

// A Session tells where temporary credentials come from, as the sessionContext
// of CloudTrail does.
type Session struct {
	// IssuerType is Role, or IAMUser or Root for a session of their own. The
	// other members are of that one: IssuerID is AROA….
	IssuerType, IssuerARN, IssuerID, IssuerAccount, IssuerName string
	// Began is when the credentials were issued.
	Began time.Time
	// SourceIdentity is who is said to be behind the session, or empty.
	SourceIdentity string
	// Provider is the identity provider whose token began the session, or empty.
	Provider string
}

// Result tells what the answer of the call will hold, for its record: out is
// the operation's output, as far as it is known. Call it before the end of the
// function given to store.DB.Write, for the record of a change is made there.
// Secrets in out are left out of the record.
func Result(ctx context.Context, out any) { from(ctx).result = out }

// Shown tells what the record of the call shows in the place of its input. It
// is called as Result is.
func Shown(ctx context.Context, in any) { from(ctx).shown = in }

// A Call is a call as whoever records it sees it.
type Call struct{ c *call }

// CallOf gives the call to an operation that ctx belongs to, if it does.
func CallOf(ctx context.Context) (Call, bool) {
	c, _ := ctx.Value(callKey{}).(*call)
	return Call{c}, c != nil && c.op != nil
}

// Operation is the operation that was called.
func (c Call) Operation() *wire.Operation { return c.c.op }

// Stage is how far the call has come.
func (c Call) Stage() Stage { return c.c.stage }

// Who is who makes the call; empty where callers do not sign.
func (c Call) Who() *Identity { return &c.c.who }

// Origin is where the call came from.
func (c Call) Origin() *Origin { return &c.c.origin }

// Input is the operation's input, a pointer to its type; nil before it is read.
// Unless the call is Running it may be invalid.
func (c Call) Input() any { return c.c.input }

// Shown is what records show of the input: what Shown was told, or the input.
func (c Call) Shown() any {
	if c.c.shown != nil {
		return c.c.shown
	}
	return c.c.input
}

// Result is what Result was told last; nil for nothing.
func (c Call) Result() any { return c.c.result }

// RequestID is the id under which the call is answered.
func (c Call) RequestID() string { return c.c.id }

// Resource is the ARN of what the call is about, as policies were asked, or *;
// empty where none was. Account is the account that it belongs to.
func (c Call) Resource() (resource, account string) { return c.c.target.Resource, c.c.target.Account }

// Recorded tells whether SetRecorded was called.
func (c Call) Recorded() bool { return c.c.recorded }

// SetRecorded marks the call as one whose record is kept.
func (c Call) SetRecorded() { c.c.recorded = true }

// record tells the recorder how a call ended.
func (s *Server) record(ctx context.Context, c *call, out any, err error) (any, error) {
	if s.recorder == nil || c.op == nil || c.who.Account == "" && !c.op.Unsigned {
		return out, err
	}
	if e := s.recorder.Ended(ctx, out, err); e != nil {
		return nil, e
	}
	return out, err
}

// denied tells whether an error is a refusal by policies.
func denied(err error) bool {
	f, ok := errors.AsType[*fault.Fault](err)
	return ok && (f.Code == "AccessDeniedException" || f.Code == "AccessDenied")
}

// A Behalf is the call that a job was left by.
type Behalf struct {
	Who       Identity
	RequestID string
	// Service and Operation are the names of what was called.
	Service, Operation string
}

// BehalfOf reads what a job keeps of the call that it was left by: job.Job.Behalf.
func BehalfOf(text string) (Behalf, error) {
	var b Behalf
	if err := json.Unmarshal([]byte(text), &b); err != nil {
		return b, fmt.Errorf("the call that a job was left by: %w", err)
	}
	return b, nil
}

// Behalf is what a job keeps of the call that leaves it, as job.Add asks.
func (c *call) Behalf() (string, error) {
	if c.op == nil {
		return "", nil
	}
	b := Behalf{Who: c.who, RequestID: c.id, Service: c.op.Service().Name(), Operation: c.op.Name}
	b.Who.Proof = nil
	text, err := json.Marshal(b)
	return string(text), err
}

// A callContext is the context of a call. It has the call under two keys: the
// one of this package, and the one under which package job looks for on whose
// behalf a job is left.
type callContext struct {
	context.Context
	call *call
}

// Value gives the call, or what the context of the request has under the key.
func (c callContext) Value(key any) any {
	switch key.(type) {
	case callKey, job.BehalfKey:
		return c.call
	}
	return c.Context.Value(key)
}
