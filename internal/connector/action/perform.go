package action

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"onsight/internal/api"
	"onsight/internal/connector"
	"onsight/internal/connector/definition"
	"onsight/internal/connector/engine"
	"onsight/internal/fault"
	"onsight/internal/outbound"
	"onsight/internal/page"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// wholeLimit is how long an action may take.
const wholeLimit = 60 * time.Second

// toolLimit is how long a tool of an MCP server may take: there are agents behind
// some.
const toolLimit = 5 * time.Minute

// A Request asks for an action.
type Request struct {
	Connector resource.Key
	Action    string
	// Input is a JSON object; empty is none.
	Input json.RawMessage
	// NextToken is that of a page before.
	NextToken string
	// Once is the caller's idempotency key, or empty.
	Once string
	// Confirmation is the token of a Confirmation that somebody has agreed to.
	Confirmation string
	// Origin is where somebody comes from who does not call the API, and Details
	// are what the event of it tells besides.
	Origin  api.Origin
	Details map[string]string
}

// An Outcome is what an action gave.
type Outcome struct {
	ID        string
	Status    int
	Header    map[string]string
	Output    json.RawMessage
	NextToken string
	Attempts  int
}

// ready is an action that may be performed.
type ready struct {
	id      string
	live    *connector.Live
	who     Actor
	d       *definition.Definition
	o       *definition.Operation
	values  map[string]any
	hash    string // of action, input and page
	next    string
	client  *outbound.Client
	profile outbound.Profile
	request Request
}

// Perform performs an action for somebody, and leaves an event of it where no
// call of the API does. Errors are faults.
func (s *Service) Perform(ctx context.Context, who Actor, r Request) (*Outcome, error) {
	return s.perform(ctx, func(*store.Tx) (Actor, error) { return who, nil }, r)
}

func (s *Service) perform(ctx context.Context, who func(*store.Tx) (Actor, error), r Request) (*Outcome, error) {
	k, err := s.prepare(ctx, who, r)
	if err != nil {
		s.refused(ctx, who, r, err)
		return nil, err
	}
	before, err := s.admit(ctx, k)
	if err != nil {
		s.refused(ctx, who, r, err)
	}
	if before != nil || err != nil {
		return before, err
	}
	return s.run(ctx, k)
}

// prepare sees whether an action can be performed: nothing is sent before.
func (s *Service) prepare(ctx context.Context, who func(*store.Tx) (Actor, error), r Request) (*ready, error) {
	k := &ready{id: uuid.NewString(), request: r}
	err := s.Connectors.Settled(ctx, connector.ARN(r.Connector), func() error {
		return s.DB.Read(ctx, func(tx *store.Tx) (err error) {
			if k.live, err = s.Connectors.Open(tx, r.Connector); err != nil {
				return err
			}
			if k.who, err = who(tx); err != nil {
				return err
			}
			if err := s.may(tx, k.who, k.live.ARN); err != nil {
				return err
			}
			if k.client, k.profile, err = s.client(tx, k.live.VPCConnectionARN); err != nil {
				return err
			}
			k.d, err = s.Definition(tx, k.live)
			return err
		})
	})
	if errors.Is(err, errUnlisted) {
		if k.d, err = s.refresh(plain(ctx), k.live, k.who.key(), false); err != nil {
			err = s.faultOf(k, err)
		}
	}
	if err != nil {
		return nil, err
	}
	if k.o, err = s.action(k.live, k.d, r.Action); err != nil {
		return nil, err
	}
	if k.o.Write && k.who.Reader {
		return nil, fault.Denied("User %s is a reader, who may only look, and action %s changes something.", k.who.Principal, r.Action)
	}
	if k.values, err = k.o.Check(r.Input); err != nil {
		return nil, fault.Invalid("Input isn't valid: %v.", err)
	}
	k.hash = hashOf(r.Action, k.values, r.NextToken)
	if r.NextToken != "" {
		key, err := s.Tokens.Key(s.pageScope(k), r.NextToken)
		if err != nil {
			return nil, fault.Invalid("NextToken isn't valid: it must be that of a page before, with the same input.")
		}
		if len(key) == 1 {
			k.next = key[0]
		}
	}
	return k, s.inTime(k.live.ARN, k.who.Principal)
}

// offered are the actions that a connector has, sorted.
func offered(l *connector.Live, d *definition.Definition) []string {
	return slices.DeleteFunc(slices.Clone(d.Actions), func(id string) bool { return !d.Operations[id].Allows(string(l.Auth.Type)) })
}

func enabled(l *connector.Live, id string) bool {
	return l.Enabled == nil || slices.Contains(l.Enabled, id)
}

// action gives an action of a connector, if it may be performed.
func (s *Service) action(l *connector.Live, d *definition.Definition, id string) (*definition.Operation, error) {
	o := d.Operations[id]
	switch {
	case o == nil || o.Hidden:
		return nil, fault.NotFound("", "Action connector %s has no action %s.", l.Key.ID, id)
	case !o.Allows(string(l.Auth.Type)):
		return nil, fault.Invalid("Action %s can't be performed with the authentication type %s of action connector %s.", id, l.Auth.Type, l.Key.ID)
	case !enabled(l, id):
		return nil, fault.Denied("Action %s of action connector %s is not enabled. An owner of the connector can enable it.", id, l.Key.ID)
	}
	return o, nil
}

func (s *Service) pageScope(k *ready) string {
	input := hashOf(k.request.Action, k.values, "")
	return page.Scope("InvokeAction", k.live.ARN, k.request.Action, k.who.key(), input)
}

// run performs what is ready, and leaves a record.
func (s *Service) run(ctx context.Context, k *ready) (*Outcome, error) {
	began := s.Now()
	res, err := s.send(ctx, k)
	took := s.Now().Sub(began)
	s.performed(k, err, took)
	if err != nil {
		f := s.faultOf(k, err)
		s.failed(ctx, k, began, took, err, f)
		return nil, f
	}
	out := &Outcome{ID: k.id, Status: res.Status, Header: res.Header, Attempts: res.Attempts}
	if out.Output, err = output(res.Output); err != nil {
		return nil, err
	}
	if res.Next != "" {
		out.NextToken = s.Tokens.Next(s.pageScope(k), res.Next)
	}
	return out, s.succeeded(ctx, k, began, took, out)
}

// output writes a result as JSON, without the escapes that HTML needs.
func output(v any) (json.RawMessage, error) {
	if v == nil {
		return nil, nil
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// send sends the requests of an action.
func (s *Service) send(ctx context.Context, k *ready) (*engine.Result, error) {
	c, err := s.call(k.live, k.d, k.o, k.client, k.profile, k.who.key(), false)
	if err != nil {
		return nil, err
	}
	c.Input, c.Next = k.values, k.next
	limit := wholeLimit
	if k.d.Remote {
		limit = toolLimit
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	res, err := c.Do(ctx)
	if err != nil && ctx.Err() != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return nil, &engine.Error{Kind: engine.TimedOut, Message: fmt.Sprintf("The action did not come to an end within %s.", limit)}
	}
	return res, err
}

// call makes the call of an operation of a connector's definition.
func (s *Service) call(
	l *connector.Live, d *definition.Definition, o *definition.Operation, client *outbound.Client, profile outbound.Profile, principal string, fresh bool,
) (*engine.Call, error) {
	client = client.With(s.Limits)
	credential, err := s.credential(l, d, client, principal, fresh)
	if err != nil {
		return nil, err
	}
	base, way := s.way(l, d, o, client, profile)
	u, err := url.Parse(base)
	if err != nil {
		return nil, fmt.Errorf("base endpoint of %s: %w", l.ARN, err)
	}
	return &engine.Call{
		Remote:     s.server(l, credential, way, d.Protocol).Call,
		Definition: d, Operation: o, Base: u, Credential: credential, Client: way.With(s.Limits).HTTP(), AuthenticationType: string(l.Auth.Type),
		Sleep: s.Sleep, Now: s.Now,
	}, nil
}

// way gives the address at which an operation's service is, and the client to
// reach it with.
func (s *Service) way(
	l *connector.Live, d *definition.Definition, o *definition.Operation, client *outbound.Client, profile outbound.Profile,
) (string, *outbound.Client) {
	if l.Auth.Type != qs.ConnectionAuthTypeIAM {
		return l.Auth.BaseEndpoint, client
	}
	a := d.Connector.Authentication[string(l.Auth.Type)]
	return s.awsBase(l, &a, o, client, profile)
}

// kindOf is the sort of an outcome, for counts and calls.
func kindOf(err error) string {
	switch e, ok := errors.AsType[*engine.Error](err); {
	case err == nil:
		return ""
	case ok:
		return string(e.Kind)
	}
	if e, ok := errors.AsType[*lack](err); ok {
		if e.signIn {
			return "SignInNeeded"
		}
		return "NoToken"
	}
	if _, ok := errors.AsType[*tokenError](err); ok {
		return "NoToken"
	}
	return "Internal"
}

// Names of errors of which the user guide knows.
const (
	errNoAccessToken = "AccessTokenNotFoundException" // somebody has to sign in
	errTokenResponse = "TokenResponseException"       // the connector is not set up right
	errActionFailed  = "ActionFailedException"
)

// faultOf makes a fault of what went wrong with an action.
func (s *Service) faultOf(k *ready, err error) error {
	if e, ok := errors.AsType[*lack](err); ok {
		if e.signIn {
			return fault.New(errNoAccessToken, "%s", e.reason)
		}
		return fault.New(errTokenResponse, "%s", e.reason)
	}
	if e, ok := errors.AsType[*tokenError](err); ok {
		return fault.New(errTokenResponse, "%s", e.reason)
	}
	e, ok := errors.AsType[*engine.Error](err)
	if !ok {
		return err
	}
	if e.Kind == engine.Invalid {
		return fault.Invalid("Input isn't valid: %s", e.Message)
	}
	if e.Kind == engine.Unauthenticated && k.live.Auth.Type == qs.ConnectionAuthTypeOauth2AuthorizationCode {
		return fault.New(errNoAccessToken, "The service does not accept your sign-in. Start a connection, and sign in there again. It says: %s", e.Message)
	}
	f := fault.New(errActionFailed, "%s", e.Message)
	f.Members = map[string]string{
		"Kind": string(e.Kind), "Retryable": strconv.FormatBool(e.Retryable()), "InvocationId": k.id,
	}
	if e.Status != 0 {
		f.Members["HttpStatusCode"] = strconv.Itoa(e.Status)
	}
	if e.Code != "" {
		f.Members["Code"] = e.Code
	}
	if e.RetryAfter > 0 {
		f.Members["RetryAfterSeconds"] = strconv.Itoa(int(e.RetryAfter.Seconds()))
	}
	return f
}

// hashOf tells inputs apart. Numbers keep their digits, and members have an order.
func hashOf(action string, values map[string]any, page string) string {
	text, err := json.Marshal(values)
	if err != nil {
		return "" // it came from JSON
	}
	return digest(strings.Join([]string{action, string(text), page}, "\x00"))
}
