package api

import (
	"context"
	"fmt"
	"strings"

	"onsight/internal/contract"
	"onsight/internal/fault"
	"onsight/internal/store"
	"onsight/internal/wire"
)

// An Inner is a call that a call makes in turn, or a job: one of the many that
// a bulk operation consists of. It goes the way of every call, from its input
// through policies and rules to the operation's own function, and has a record
// of its own; only the network is not in between.
type Inner[Out any] struct {
	server *Server
	call   *call
	answer answer
}

// Prepare reads, authorises and validates a call of an operation as if the
// caller of ctx had sent it. Its error is what that caller would have got. It
// must not be used inside of a transaction; Run is.
func Prepare[In, Out any](ctx context.Context, s *Server, op contract.Op[In, Out], in *In) (*Inner[Out], error) {
	outer := from(ctx)
	return prepare[In, Out](ctx, s, op, in, &call{id: outer.id, who: outer.who, at: outer.at, origin: outer.origin})
}

// PrepareFor does the same for a job, on behalf of the call that left it. No
// policy is asked: it was when that call was allowed. So it may be used inside
// of a transaction.
func PrepareFor[In, Out any](ctx context.Context, s *Server, by Behalf, op contract.Op[In, Out], in *In) (*Inner[Out], error) {
	const ourselves = "onsight"
	return prepare[In, Out](ctx, s, op, in, &call{
		id: by.RequestID, who: by.Who, at: s.now(), trusted: true, origin: Origin{Address: ourselves, UserAgent: ourselves, Secure: true},
	})
}

func prepare[In, Out any](ctx context.Context, s *Server, op contract.Op[In, Out], in *In, c *call) (*Inner[Out], error) {
	o := wire.Of(op.Service).Lookup(op.Name)
	method, path, body, err := o.EncodeRequest(in)
	if err != nil {
		return nil, fault.Invalid("%s", sentence(err))
	}
	path, query, _ := strings.Cut(path, "?")
	found, labels, ok := s.router.Match(method, path)
	if !ok || found != o {
		return nil, fmt.Errorf("%s %s is not the path of %s", method, path, op.Name)
	}
	c.service, c.op = o.Service(), o
	req := wire.Request{Labels: labels, RawQuery: query, Body: body}
	if len(body) > 0 {
		req.ContentType = o.Service().Protocol().ContentType()
	}
	i := &Inner[Out]{server: s, call: c}
	ctx = callContext{ctx, c}
	route := s.routes[o]
	if i.answer, err = route.prepare(ctx, s, route, o, req); err != nil {
		_, err = s.record(ctx, c, nil, err)
		return nil, err
	}
	return i, nil
}

// Run answers the call as a part of tx. When it fails, so must the function that
// tx was given to: what was done up to there is in tx.
func (i *Inner[Out]) Run(tx *store.Tx) (*Out, error) {
	ctx := callContext{store.Join(tx.Context(), tx), i.call}
	out, err := i.answer(ctx)
	if err != nil {
		return nil, err
	}
	return out.(*Out), nil
}

// Resource is the ARN of what the call is about, as policies were asked.
func (i *Inner[Out]) Resource() string { return i.call.target.Resource }

// Failed records that the call has failed, as it is recorded of any other.
func (i *Inner[Out]) Failed(ctx context.Context, err error) {
	_, _ = i.server.record(callContext{ctx, i.call}, i.call, nil, err)
}

// sentence makes a sentence of an error of the encoder.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
}
