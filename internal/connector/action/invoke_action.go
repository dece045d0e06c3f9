package action

import (
	"context"
	"errors"
	"strconv"

	"onsight/internal/api"
	"onsight/internal/connector"
	"onsight/internal/connector/definitions"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// Condition keys of calls that invoke an action.
const (
	keyAction = "onsight:actionid"
	keyAccess = "onsight:actionaccess" // Read or Write
)

func (s *Service) invoking(ctx context.Context, in *onsightapi.InvokeActionRequest) policy.Target {
	on := connector.Target(ctx, in.AwsAccountId, in.ActionConnectorId)
	on.Context = policy.Keys{keyAction: {in.ActionId}}
	// What cannot be told is taken for a change.
	access := "Write"
	err := s.DB.Read(ctx, func(tx *store.Tx) error {
		sort, err := resource.Sort(tx, on.Resource)
		if err != nil {
			return err
		}
		d, ok := definitions.Of(sort)
		if ok && mayOwn(qs.ActionConnectorType(sort)) {
			l, err := s.Connectors.Find(tx, connector.Key(ctx, in.AwsAccountId, in.ActionConnectorId))
			if err != nil {
				return err
			}
			if d, err = s.Definition(tx, l); errors.Is(err, errUnlisted) {
				return nil
			} else if err != nil {
				return err
			}
		}
		if ok && d.Operations[in.ActionId] != nil && !d.Operations[in.ActionId].Write {
			access = "Read"
		}
		return nil
	})
	if err != nil {
		s.Log.DebugContext(ctx, "it is not known what an action does", "connector", on.Resource, "action", in.ActionId, "error", err.Error())
	}
	on.Context[keyAccess] = []string{access}
	return on
}

// invokeAction performs an action of a connector, now or later.
func (s *Service) invokeAction(ctx context.Context, in *onsightapi.InvokeActionRequest) (*onsightapi.InvokeActionResponse, error) {
	r := Request{Connector: connector.Key(ctx, in.AwsAccountId, in.ActionConnectorId), Action: in.ActionId, Input: in.Input}
	if in.NextToken != nil {
		r.NextToken = *in.NextToken
	}
	if in.IdempotencyKey != nil {
		r.Once = *in.IdempotencyKey
	}
	if in.ConfirmationToken != nil {
		r.Confirmation = *in.ConfirmationToken
	}
	who := func(tx *store.Tx) (Actor, error) { return s.caller(tx, api.Caller(ctx), in.EndUserArn) }
	api.Note(ctx, "connector", connector.ARN(r.Connector))
	api.Note(ctx, "action", in.ActionId)
	if in.Asynchronous != nil && *in.Asynchronous {
		return s.invokeLater(ctx, who, r)
	}
	out, err := s.perform(ctx, who, r)
	if err != nil {
		return nil, err
	}
	return shown(out), nil
}

func (s *Service) invokeLater(ctx context.Context, who func(*store.Tx) (Actor, error), r Request) (*onsightapi.InvokeActionResponse, error) {
	k, err := s.prepare(ctx, who, r)
	if err != nil {
		return nil, err
	}
	out := &onsightapi.InvokeActionResponse{InvokeActionStatus: new(onsightapi.InvokeActionStatusRunning)}
	api.Shown(ctx, shownInput(k))
	api.Result(ctx, &audited{InvokeActionStatus: new(string(onsightapi.InvokeActionStatusRunning))})
	i, err := s.later(ctx, k)
	if err != nil {
		return nil, err
	}
	out.InvocationId = &i.ID
	return out, nil
}

// shown is an outcome as callers see it.
func shown(out *Outcome) *onsightapi.InvokeActionResponse {
	if out.Status == 0 {
		return &onsightapi.InvokeActionResponse{InvocationId: &out.ID, InvokeActionStatus: new(onsightapi.InvokeActionStatusRunning)}
	}
	res := &onsightapi.InvokeActionResponse{
		InvocationId: &out.ID, InvokeActionStatus: new(onsightapi.InvokeActionStatusSuccess), Attempts: new(int32(out.Attempts)), InvokeActionOutput: shownOutput(out),
	}
	if out.NextToken != "" {
		res.NextToken = &out.NextToken
	}
	return res
}

func shownOutput(out *Outcome) *onsightapi.InvokeActionOutput {
	return &onsightapi.InvokeActionOutput{HttpInvokeActionOutput: &onsightapi.HttpInvokeActionOutput{
		HttpStatusCode: new(strconv.Itoa(out.Status)), Headers: out.Header, Body: out.Output,
	}}
}

// keyOf says which connector is meant.
func keyOf(region, account, id string) resource.Key {
	return resource.Key{Account: account, Region: region, ID: id}
}
