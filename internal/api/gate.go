package api

import "context"

// A Gate decides, after policies have allowed a call, whether its caller is
// one of QuickSight's people from whom the account takes it away. Its refusal
// is a fault.
type Gate interface {
	// Gated tells whether the gate has a say in an operation at all. It is asked
	// once for each, when the server is made.
	Gated(operation string) bool
	// Pass refuses what the caller may not do. deeds are asked for only if the
	// caller is somebody from whom anything is taken away.
	Pass(ctx context.Context, who Principal, deeds func() ([]Deed, error)) error
}

// A Deed is one thing that a call does: an operation, on something of a sort.
type Deed struct {
	// Operation is its name; that of another operation where the call does what
	// it does too, such as share what it creates.
	Operation string
	// Sort is that of what it is about, such as JIRA_CLOUD; empty for none, and
	// for what is not there.
	Sort string
}

// Doing declares what calls of a route do where that depends on their input.
// It is asked only where the gate has a say, with a valid input.
func Doing[In any](r Route, deeds func(ctx context.Context, in *In) ([]Deed, error)) Route {
	r.deeds = func(ctx context.Context, in any) ([]Deed, error) {
		return deeds(ctx, in.(*In)) //nolint:forcetypeassert // the route is the operation's, and so is its input
	}
	return r
}

// pass asks the gate.
func (s *Server) pass(ctx context.Context, r Route, in any) error {
	c := from(ctx)
	err := s.gate.Pass(ctx, c.who.Principal, func() ([]Deed, error) {
		if r.deeds == nil {
			return []Deed{{Operation: r.name}}, nil
		}
		return r.deeds(ctx, in)
	})
	if err != nil && denied(err) {
		c.stage = Refused
	}
	return err
}
