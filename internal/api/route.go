package api

import (
	"cmp"
	"context"

	"onsight/internal/contract"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/wire"
)

// A Route is an operation with what answers it. Handle makes one.
type Route struct {
	service, name string
	// prepare takes a call as far as what answers it.
	prepare func(ctx context.Context, s *Server, r Route, o *wire.Operation, req wire.Request) (answer, error)
	deeds   func(ctx context.Context, in any) ([]Deed, error)
	gated   bool // the server's gate has a say
}

// answer answers a call that is prepared.
type answer func(ctx context.Context) (any, error)

// serve takes a call from its input to its output.
func (r Route) serve(ctx context.Context, s *Server, o *wire.Operation, req wire.Request) (any, error) {
	answer, err := r.prepare(ctx, s, r, o, req)
	if err != nil {
		return nil, err
	}
	return answer(ctx)
}

// Name is the operation's name in the API of its service.
func (r Route) Name() string { return r.name }

// Service is the name of the operation's service: quicksight, iam, sts.
func (r Route) Service() string { return r.service }

// Handle declares who answers an operation. target says what a policy is asked
// about; it is called before the input is validated, so it must stand any
// input. answers is called with a valid input only.
//
// A nil target asks no policy: whoever's signature holds may call the
// operation, or answers decides by itself. Nor is one asked of operations that
// callers do not sign (wire.Operation.Unsigned); Caller is empty there.
func Handle[In, Out any](
	op contract.Op[In, Out],
	target func(ctx context.Context, in *In) policy.Target,
	answers func(ctx context.Context, in *In) (*Out, error),
) Route {
	return Route{service: op.Service, name: op.Name, prepare: func(ctx context.Context, s *Server, r Route, o *wire.Operation, req wire.Request) (answer, error) {
		in := new(In)
		broken, err := o.Bind(in, req)
		if err != nil {
			return nil, err
		}
		from(ctx).input = in
		// A label is part of the resource that policies are asked about.
		if err := broken.Labels(); err != nil {
			return nil, err
		}
		if target != nil && !o.Unsigned {
			if err := s.authorize(ctx, o, req, target(ctx, in)); err != nil {
				return nil, err
			}
		}
		from(ctx).stage = Allowed
		if err := broken.Err(); err != nil {
			return nil, err
		}
		if err := s.arrive(ctx, o, req); err != nil {
			return nil, err
		}
		if r.gated && !o.Unsigned && !from(ctx).trusted {
			if err := s.pass(ctx, r, in); err != nil {
				return nil, err
			}
		}
		from(ctx).stage = Running
		return func(ctx context.Context) (any, error) {
			out, err := answers(ctx, in)
			if err != nil {
				return nil, err
			}
			return out, nil
		}, nil
	}}
}

// unanswered serves an operation that nobody declares.
func unanswered(ctx context.Context, s *Server, _ Route, o *wire.Operation, req wire.Request) (answer, error) {
	broken, err := o.Bind(nil, req)
	if err != nil {
		return nil, err
	}
	if err := broken.Labels(); err != nil {
		return nil, err
	}
	if !o.Unsigned {
		if err := s.authorize(ctx, o, req, policy.Target{Resource: "*"}); err != nil {
			return nil, err
		}
	}
	from(ctx).stage = Allowed
	if err := broken.Err(); err != nil {
		return nil, err
	}
	return nil, fault.NotImplemented(o.Name)
}

func (s *Server) authorize(ctx context.Context, o *wire.Operation, req wire.Request, on policy.Target) error {
	c := from(ctx)
	who := c.who.Principal
	if on.Account == "" {
		on.Account = accountOf(o, req, who)
	}
	c.target = on
	if c.trusted {
		return nil
	}
	err := s.authorizer.Authorize(ctx, who, cmp.Or(on.Action, o.Action()), on)
	if err != nil && denied(err) {
		c.stage = Refused
	}
	return err
}

// table returns the routes of a service's operations, one for each. Two for one
// are a mistake in the program.
func table(service *wire.Service, declared []Route, gate Gate) map[*wire.Operation]Route {
	all := make(map[*wire.Operation]Route, len(service.Operations()))
	for _, o := range service.Operations() {
		all[o] = Route{service: service.Name(), name: o.Name, prepare: unanswered}
	}
	seen := make(map[string]bool)
	for _, r := range declared {
		if r.service == service.Name() {
			if seen[r.name] {
				panic("api: two routes for " + r.name)
			}
			seen[r.name] = true
			r.gated = gate != nil && gate.Gated(r.name)
			all[service.Lookup(r.name)] = r
		}
	}
	return all
}
