package api

import (
	"context"

	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/wire"
)

// A Route is an operation with what answers it. Handle makes one.
type Route struct {
	op    *wire.Operation
	serve func(ctx context.Context, s *Server, req wire.Request) (any, error)
}

// Name is the operation's name in the API.
func (r Route) Name() string { return r.op.Name }

// Handle declares who answers an operation. target says what a policy is asked
// about; it is called before the input is validated, so it must stand any
// input. answer is called with a valid input only.
func Handle[In, Out any](
	op qs.Op[In, Out],
	target func(ctx context.Context, in *In) policy.Target,
	answer func(ctx context.Context, in *In) (*Out, error),
) Route {
	o := wire.Lookup(op.Name)
	return Route{op: o, serve: func(ctx context.Context, s *Server, req wire.Request) (any, error) {
		in := new(In)
		broken, err := o.Bind(in, req)
		if err != nil {
			return nil, err
		}
		// A label is part of the resource that policies are asked about.
		if err := broken.Labels(); err != nil {
			return nil, err
		}
		if err := s.authorize(ctx, o, req, target(ctx, in)); err != nil {
			return nil, err
		}
		if err := broken.Err(); err != nil {
			return nil, err
		}
		if err := s.arrive(ctx, o, req); err != nil {
			return nil, err
		}
		out, err := answer(ctx, in)
		if err != nil {
			return nil, err
		}
		return out, nil
	}}
}

// unanswered is the route of an operation that nobody declares.
func unanswered(o *wire.Operation) Route {
	return Route{op: o, serve: func(ctx context.Context, s *Server, req wire.Request) (any, error) {
		broken, err := o.Bind(nil, req)
		if err != nil {
			return nil, err
		}
		if err := broken.Labels(); err != nil {
			return nil, err
		}
		if err := s.authorize(ctx, o, req, policy.Target{Resource: "*"}); err != nil {
			return nil, err
		}
		if err := broken.Err(); err != nil {
			return nil, err
		}
		return nil, fault.NotImplemented(o.Name)
	}}
}

func (s *Server) authorize(ctx context.Context, o *wire.Operation, req wire.Request, on policy.Target) error {
	if on.Account == "" {
		on.Account = accountOf(o, req)
	}
	return s.authorizer.Authorize(ctx, Caller(ctx), "quicksight:"+o.Name, on)
}
