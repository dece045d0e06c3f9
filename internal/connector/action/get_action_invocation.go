package action

import (
	"context"
	"errors"
	"strconv"

	"onsight/internal/api"
	"onsight/internal/connector"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) getting(ctx context.Context, in *onsightapi.GetActionInvocationRequest) policy.Target {
	return connector.Target(ctx, in.AwsAccountId, in.ActionConnectorId)
}

// getActionInvocation gives what an invocation has come to, to whoever began it.
func (s *Service) getActionInvocation(ctx context.Context, in *onsightapi.GetActionInvocationRequest) (*onsightapi.GetActionInvocationResponse, error) {
	var i invocation
	err := s.DB.Read(ctx, func(tx *store.Tx) error {
		l, err := s.Connectors.Find(tx, connector.Key(ctx, in.AwsAccountId, in.ActionConnectorId))
		if err != nil {
			return err
		}
		i, err = store.One[invocation](tx, `SELECT `+invocationColumns+` FROM connector_invocations WHERE id = $1 AND arn = $2`, in.InvocationId, l.ARN)
		if err != nil {
			return err
		}
		caller := api.Caller(ctx)
		users, err := s.People.Registered(tx, caller)
		if err != nil {
			return err
		}
		mine := len(users) == 0
		if mine {
			a, err := s.caller(tx, caller, nil)
			if err != nil {
				return err
			}
			mine = i.Principal == a.key()
		}
		for _, u := range users {
			mine = mine || i.Principal == u.ARN
		}
		if !mine || i.ExpiresUS < store.Micros(s.Now()) {
			return store.ErrNotFound
		}
		return nil
	})
	if errors.Is(err, store.ErrNotFound) {
		return nil, fault.NotFound("", "Invocation %s can't be found.", in.InvocationId)
	}
	if err != nil {
		return nil, err
	}
	out := &onsightapi.GetActionInvocationResponse{
		ActionId: &i.Action, InvocationId: &i.ID, InvokeActionStatus: new(onsightapi.InvokeActionStatus(i.Status)), StartTime: new(store.Time(i.CreatedUS)),
	}
	if i.EndedUS == 0 {
		return out, nil
	}
	out.EndTime = new(store.Time(i.EndedUS))
	hold, err := s.openKept(&i)
	if err != nil {
		return nil, err
	}
	if o := hold.Outcome; o != nil {
		out.InvokeActionOutput, out.Attempts = shownOutput(o), new(int32(o.Attempts))
		if o.NextToken != "" {
			out.NextToken = &o.NextToken
		}
	}
	if f := hold.Error; f != nil {
		out.Error = shownFault(f)
	}
	return out, nil
}

func shownFault(f *fault.Fault) *onsightapi.InvokeActionError {
	e := &onsightapi.InvokeActionError{Type: &f.Code, Message: &f.Message}
	if kind := f.Members["Kind"]; kind != "" {
		e.Kind, e.Retryable = &kind, new(f.Members["Retryable"] == "true")
	}
	if code := f.Members["Code"]; code != "" {
		e.Code = &code
	}
	if n, err := strconv.ParseInt(f.Members["HttpStatusCode"], 10, 32); err == nil {
		e.HttpStatusCode = new(int32(n))
	}
	if n, err := strconv.ParseInt(f.Members["RetryAfterSeconds"], 10, 32); err == nil {
		e.RetryAfterSeconds = new(int32(n))
	}
	return e
}
