package action

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"onsight/internal/api"
	"onsight/internal/connector"
	"onsight/internal/connector/definition"
	"onsight/internal/connector/engine"
	"onsight/internal/connector/remote"
	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/onsightapi"
	"onsight/internal/outbound"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// jobTools asks an MCP server for its tools again; its key is the connector's ARN.
const jobTools = "connector.tools"

// toolsLife is when they are asked for again.
const toolsLife = 24 * time.Hour

// mostServers is how many servers are asked again at a time.
const mostServers = 100

// server is the MCP server behind a connector.
func (s *Service) server(l *connector.Live, credential engine.Credential, client *outbound.Client, protocol string) *remote.Server {
	limits := s.Limits
	if limits.Header == 0 {
		limits.Header = toolLimit
	}
	if limits.Whole == 0 {
		limits.Whole = toolLimit
	}
	return &remote.Server{Endpoint: l.Auth.BaseEndpoint, Out: client.With(limits), Credential: credential, Protocol: protocol, Name: "onsight", Version: "1"}
}

// tell asks the server behind a connector for its tools, as a principal.
func (s *Service) tell(ctx context.Context, l *connector.Live, principal string, fresh bool) (*definition.Definition, string, *definition.Tools, error) {
	kind, err := usual(l)
	if err != nil {
		return nil, "", nil, err
	}
	var client *outbound.Client
	err = s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		client, _, err = s.client(tx, l.VPCConnectionARN)
		return err
	})
	if err != nil {
		return nil, "", nil, err
	}
	credential, err := s.credential(l, kind, client.With(s.Limits), principal, fresh)
	if err != nil {
		return nil, "", nil, err
	}
	limit, cancel := context.WithTimeout(ctx, wholeLimit)
	defer cancel()
	tools, err := s.server(l, credential, client, "").Tools(limit)
	if err != nil {
		return nil, "", nil, err
	}
	document, err := json.Marshal(tools)
	if err != nil {
		return nil, "", nil, err
	}
	d, err := definition.OfTools(document, kind)
	return d, string(document), tools, err
}

// refresh asks the server behind a connector for its tools, and keeps them: they
// are what the connector can do from now on.
func (s *Service) refresh(ctx context.Context, l *connector.Live, principal string, fresh bool) (*definition.Definition, error) {
	d, document, _, err := s.tell(ctx, l, principal, fresh)
	if err != nil {
		return nil, err
	}
	return d, s.keepTools(ctx, l, principal, document, false)
}

// keepTools keeps the tools of a server. chosen says that somebody wants the
// connector to have them.
func (s *Service) keepTools(ctx context.Context, l *connector.Live, principal, document string, chosen bool) error {
	now := store.Micros(s.Now())
	if l.Auth.Type != qs.ConnectionAuthTypeOauth2AuthorizationCode {
		principal = ""
	}
	hash := contentHash(document)
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		before, err := ownOf(tx, l.ARN)
		if err != nil {
			return err
		}
		row := own{
			ARN: l.ARN, Account: l.Key.Account, Kind: byMCP, Chosen: chosen, Base: l.Auth.BaseEndpoint, Document: document, Hash: hash,
			Principal: principal, UpdatedUS: now, CheckedUS: now,
		}
		if before != nil {
			if before.Kind != byMCP && !chosen {
				return nil // it was given another one meanwhile
			}
			row.Chosen = chosen || before.Chosen
			if before.Hash == hash {
				row.UpdatedUS = before.UpdatedUS
			}
		} else if l.Type == qs.ActionConnectorTypeGenericHTTP && !chosen {
			return nil // it was taken away meanwhile
		}
		there, err := store.One[int64](tx, `SELECT COUNT(*) FROM resources WHERE arn = $1`, l.ARN)
		if err != nil || there == 0 {
			return err // the connector is gone
		}
		return keepOwn(tx, &row)
	})
}

// listed asks a server whose tools are not known yet, for a caller who wants to
// see them.
func (s *Service) listed(ctx context.Context, account, id string) (*definition.Definition, error) {
	l, who, err := s.asker(ctx, account, id, nil)
	if err != nil {
		return nil, err
	}
	d, err := s.refresh(ctx, l, who.key(), false)
	if err != nil {
		return nil, s.faultOf(&ready{live: l}, err)
	}
	return d, nil
}

// asker finds a connector that is to ask its server, and who wants it.
func (s *Service) asker(ctx context.Context, account, id string, as *string) (l *connector.Live, who Actor, err error) {
	k := connector.Key(ctx, account, id)
	err = s.Connectors.Settled(ctx, connector.ARN(k), func() error {
		return s.DB.Read(ctx, func(tx *store.Tx) (err error) {
			if l, err = s.Connectors.Open(tx, k); err != nil {
				return err
			}
			if l.Auth.Type == qs.ConnectionAuthTypeOauth2AuthorizationCode || as != nil {
				who, err = s.caller(tx, api.Caller(ctx), as)
			} else {
				who = Actor{Principal: api.Caller(ctx).ARN}
			}
			return err
		})
	})
	if err == nil {
		err = s.rates.take(l.ARN, who.Principal, s.Now())
	}
	return l, who, err
}

// defineRemote has a connector take the tools of the MCP server at its base
// endpoint for its actions.
func (s *Service) defineRemote(
	ctx context.Context, in *onsightapi.UpdateActionConnectorDefinitionRequest, only bool,
) (*onsightapi.UpdateActionConnectorDefinitionResponse, error) {
	if in.Document != nil {
		return nil, fault.Invalid("Document must not be given with Kind MCP: the server tells its tools.")
	}
	l, who, err := s.asker(ctx, in.AwsAccountId, in.ActionConnectorId, in.EndUserArn)
	if err != nil {
		return nil, err
	}
	d, document, tools, err := s.tell(ctx, l, who.key(), false)
	if err != nil {
		return nil, s.faultOf(&ready{live: l}, err)
	}
	out := &onsightapi.UpdateActionConnectorDefinitionResponse{Valid: new(true), Actions: summaries(l, d), Notes: tools.LeftOut}
	if only {
		return out, nil
	}
	if err := s.keepTools(ctx, l, who.key(), document, true); err != nil {
		return nil, err
	}
	err = s.Connectors.Settled(ctx, l.ARN, func() error {
		return s.DB.Write(ctx, func(tx *store.Tx) error {
			current, err := s.Connectors.Find(tx, l.Key)
			if err != nil {
				return err
			}
			out.EnabledActions, err = s.narrow(ctx, tx, current, d)
			out.Actions = summaries(current, d)
			return err
		})
	})
	if err != nil {
		return nil, err
	}
	api.Note(ctx, "connector", l.ARN)
	return out, nil
}

func (s *Service) refreshing(ctx context.Context, in *onsightapi.RefreshActionConnectorDefinitionRequest) policy.Target {
	return changes(ctx, in.AwsAccountId, in.ActionConnectorId)
}

// refreshActionConnectorDefinition asks the MCP server behind a connector for its
// tools again. Actions that an owner has chosen stay chosen, also while the server
// does not have them.
func (s *Service) refreshActionConnectorDefinition(
	ctx context.Context, in *onsightapi.RefreshActionConnectorDefinitionRequest,
) (*onsightapi.RefreshActionConnectorDefinitionResponse, error) {
	l, who, err := s.asker(ctx, in.AwsAccountId, in.ActionConnectorId, in.EndUserArn)
	if err != nil {
		return nil, err
	}
	kind, err := usual(l)
	if err != nil {
		return nil, err
	}
	var o *own
	err = s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		o, err = ownOf(tx, l.ARN)
		return err
	})
	if err != nil {
		return nil, err
	}
	if (o == nil || o.Kind != byMCP) && !speaksMCP(l, kind) {
		return nil, fault.Invalid("Action connector %s has no MCP server that could be asked.", l.Key.ID)
	}
	d, document, tools, err := s.tell(ctx, l, who.key(), false)
	if err != nil {
		return nil, s.faultOf(&ready{live: l}, err)
	}
	if err := s.keepTools(ctx, l, who.key(), document, false); err != nil {
		return nil, err
	}
	api.Note(ctx, "connector", l.ARN)
	return &onsightapi.RefreshActionConnectorDefinitionResponse{Actions: summaries(l, d), EnabledActions: l.Enabled, Notes: tools.LeftOut}, nil
}

// askAgain leaves jobs that ask the servers whose tools were told a day ago.
func (s *Service) askAgain(ctx context.Context) error {
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		now := s.Now()
		due, err := store.All[string](tx, `SELECT arn FROM connector_definitions WHERE kind = $1 AND checked_us < $2 AND hash <> '' ORDER BY checked_us LIMIT $3`,
			byMCP, store.Micros(now.Add(-toolsLife)), mostServers)
		if err != nil {
			return err
		}
		for _, name := range due {
			// Whoever comes next finds that it is being done.
			if _, err := tx.Exec(`UPDATE connector_definitions SET checked_us = $2 WHERE arn = $1`, name, store.Micros(now)); err != nil {
				return err
			}
			if err := job.Add(tx, jobTools, name, nil, now); err != nil {
				return err
			}
		}
		return nil
	})
}

// runTools is the job. A server that does not answer is asked again the next
// day, and its tools stay what they were.
func (s *Service) runTools(ctx context.Context, j job.Job) error {
	k, err := keyOfARN(j.Key)
	if err != nil {
		return err
	}
	var l *connector.Live
	var o *own
	err = s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		if o, err = ownOf(tx, j.Key); err != nil || o == nil {
			return err
		}
		l, err = s.Connectors.Open(tx, k)
		return err
	})
	if _, ok := errors.AsType[*fault.Fault](err); ok || err == nil && (o == nil || o.Kind != byMCP) {
		return nil // it is gone, or cannot be used
	}
	if err != nil {
		return err
	}
	if l.Auth.Type == qs.ConnectionAuthTypeOauth2AuthorizationCode && o.Principal == "" {
		return nil // who was asked as has gone
	}
	_, err = s.refresh(ctx, l, o.Principal, false)
	if err == nil || ctx.Err() != nil {
		return err
	}
	v := judged(&definition.Test{}, l, err)
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		_, err := tx.Exec(`UPDATE connector_definitions SET message = $2 WHERE arn = $1`, j.Key, v.reason)
		return err
	})
}
