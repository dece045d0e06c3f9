package action

import (
	"context"
	"errors"
	"net/url"
	"strings"

	"onsight/internal/api"
	"onsight/internal/connector"
	"onsight/internal/connector/definition"
	"onsight/internal/connector/definitions"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// changes is the target of what changes a connector: who may do so may change
// its definition.
func changes(ctx context.Context, account, id string) policy.Target {
	on := connector.Target(ctx, account, id)
	on.Action = "quicksight:UpdateActionConnector"
	return on
}

func (s *Service) defining(ctx context.Context, in *onsightapi.UpdateActionConnectorDefinitionRequest) policy.Target {
	return changes(ctx, in.AwsAccountId, in.ActionConnectorId)
}

// updateActionConnectorDefinition gives a connector a definition of its own, of
// which the actions take the place of those of its type. Calls that are under
// way go on with the definition that they began with.
func (s *Service) updateActionConnectorDefinition(
	ctx context.Context, in *onsightapi.UpdateActionConnectorDefinitionRequest,
) (*onsightapi.UpdateActionConnectorDefinitionResponse, error) {
	k := connector.Key(ctx, in.AwsAccountId, in.ActionConnectorId)
	only := in.Validate != nil && *in.Validate
	l, err := s.connectorOf(ctx, in.AwsAccountId, in.ActionConnectorId)
	switch {
	case err != nil:
		return nil, err
	case l.Type != qs.ActionConnectorTypeGenericHTTP:
		return nil, fault.Invalid("Action connector %s is of type %s: only connectors of type GENERIC_HTTP can be given a definition.", k.ID, l.Type)
	}
	if in.Kind == onsightapi.DefinitionKindMcp {
		return s.defineRemote(ctx, in, only)
	}
	if err := s.rates.take(l.ARN, api.Caller(ctx).ARN, s.Now()); err != nil {
		return nil, err
	}
	if in.Document == nil {
		return nil, fault.Invalid("Document is required with Kind OPENAPI.")
	}
	d, notes, err := read(l, *in.Document)
	problems, ok := errors.AsType[definition.Problems](err)
	switch {
	case ok && only:
		out := &onsightapi.UpdateActionConnectorDefinitionResponse{Valid: new(false)}
		for _, p := range problems {
			out.Problems = append(out.Problems, onsightapi.DefinitionProblem{
				Line: new(int32(p.Line)), Column: new(int32(p.Column)), Path: &p.Path, Reason: &p.Reason,
			})
		}
		return out, nil
	case ok:
		return nil, fault.Invalid("Document isn't valid:\n%s", problems.Error())
	case err != nil:
		return nil, err
	}
	out := &onsightapi.UpdateActionConnectorDefinitionResponse{Valid: new(true), Actions: summaries(l, d), Notes: notes}
	if only {
		return out, nil
	}
	now := store.Micros(s.Now())
	row := own{
		ARN: l.ARN, Account: k.Account, Kind: byOpenAPI, Chosen: true, Base: l.Auth.BaseEndpoint, Document: *in.Document, Hash: contentHash(*in.Document), UpdatedUS: now, CheckedUS: now,
	}
	err = s.Connectors.Settled(ctx, l.ARN, func() error {
		return s.DB.Write(ctx, func(tx *store.Tx) error {
			current, err := s.Connectors.Find(tx, k)
			if err != nil {
				return err
			}
			if current.Auth.BaseEndpoint != l.Auth.BaseEndpoint || current.Auth.Type != l.Auth.Type {
				return fault.Conflict("Action connector %s was changed meanwhile.", k.ID)
			}
			if out.EnabledActions, err = s.narrow(ctx, tx, current, d); err != nil {
				return err
			}
			out.Actions = summaries(current, d)
			return keepOwn(tx, &row)
		})
	})
	if err != nil {
		return nil, err
	}
	api.Note(ctx, "connector", l.ARN)
	return out, nil
}

// read reads a document for a connector; the error may be definition.Problems.
func read(l *connector.Live, document string) (*definition.Definition, []string, error) {
	if strings.TrimSpace(document) == "" {
		return nil, nil, fault.Invalid("Document must not be empty.")
	}
	usual, _ := definitions.Of(string(l.Type))
	base, err := url.Parse(l.Auth.BaseEndpoint)
	if err != nil {
		return nil, nil, err
	}
	d, notes, problems := definition.Upload([]byte(document), base, usual)
	if problems != nil {
		return nil, nil, problems
	}
	return d, notes, nil
}
