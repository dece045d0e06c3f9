package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/modelcontextprotocol/go-sdk/jsonrpc"
	sdk "github.com/modelcontextprotocol/go-sdk/mcp"

	"onsight/internal/fault"
	"onsight/internal/store"
)

// Codes of faults that are more than a refusal here.
const (
	errSignIn  = "AccessTokenNotFoundException"
	errConfirm = "ConfirmationRequiredException"
	errFailed  = "ActionFailedException"
)

// multiRound is the first version of the protocol in which a result can ask the
// client for something.
const multiRound = "2026-07-28"

// What a result asks the client for: that the person signs in, or says yes.
const (
	connectRequest = "sign-in"
	confirmRequest = "confirm"
)

// ready gives the server of a request the tool that it calls: what it doesn't
// have, it refuses as the protocol says.
func (s *Service) ready(ctx context.Context, c *caller, server *sdk.Server, in *sdk.CallToolParamsRaw) error {
	handler := func(t *tool, arguments func(json.RawMessage) json.RawMessage) sdk.ToolHandler {
		return func(ctx context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
			ctx, end := s.running.begin(ctx, c.session, c.request)
			defer end()
			return s.call(ctx, c, t, arguments(req.Params.Arguments), req)
		}
	}
	as := func(arguments json.RawMessage) json.RawMessage { return arguments }
	add := func(name string, h sdk.ToolHandler) {
		server.AddTool(&sdk.Tool{Name: name, InputSchema: json.RawMessage(`{"type":"object"}`)}, h)
	}
	switch in.Name {
	case searchTools:
		add(in.Name, func(ctx context.Context, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
			return s.search(ctx, c, req)
		})
		return nil
	case callTool:
		inner, problem := innerCall(in.Arguments)
		if problem != "" {
			add(in.Name, func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
				return problemOf(problem), nil
			})
			return nil
		}
		t, err := s.lookUp(ctx, c, inner.Name)
		if err != nil {
			return err
		}
		if t == nil {
			problem := fmt.Sprintf("There is no tool %s, or %s may not use it. Find one with %s.", inner.Name, c.person.Name, searchTools)
			add(in.Name, func(context.Context, *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
				return problemOf(problem), nil
			})
			return nil
		}
		add(in.Name, handler(t, func(json.RawMessage) json.RawMessage { return inner.Arguments }))
		return nil
	}
	t, err := s.lookUp(ctx, c, in.Name)
	if err == nil && t != nil {
		add(in.Name, handler(t, as))
	}
	return err
}

// lookUp finds a tool of the caller; nil where there is none.
func (s *Service) lookUp(ctx context.Context, c *caller, name string) (t *tool, err error) {
	var protocol error
	err = s.DB.Read(ctx, func(tx *store.Tx) (err error) {
		t, err = s.find(tx, c, name)
		if wrong, ok := errors.AsType[*jsonrpc.Error](err); ok {
			protocol = wrong
			return nil
		}
		return err
	})
	if err != nil {
		return nil, s.internal(ctx, "find a tool", err)
	}
	return t, protocol
}

// call performs the action behind a tool.
func (s *Service) call(ctx context.Context, c *caller, t *tool, arguments json.RawMessage, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
	input, next, err := t.split(arguments)
	if err != nil {
		return problemOf("Input isn't valid: " + err.Error() + "."), nil //nolint:nilerr // the agent is told
	}
	details := map[string]string{"Credential": c.credential, "Tool": t.name}
	for name, value := range map[string]string{"AgentClientId": c.client, "AgentName": c.name, "AgentSoftware": c.said.agent()} {
		if value != "" {
			details[name] = value
		}
	}
	confirmation := ""
	if answer, ok := req.Params.InputResponses[confirmRequest].(*sdk.ElicitResult); ok {
		if answer.Action != "accept" {
			return problemOf("The person has said no. Nothing was done."), nil
		}
		confirmation = req.Params.RequestState
	}
	done := s.progress(ctx, req)
	out, err := s.Actions.Perform(ctx, Call{
		Person: c.person, Connector: t.connector, Action: t.action.ID, LookOnly: c.lookOnly, Input: input, NextToken: next,
		Confirmation: confirmation, Origin: c.origin, Details: details,
	})
	done()
	if err == nil {
		return s.result(t, out), nil
	}
	if ctx.Err() != nil {
		return problemOf("The call was cancelled. Whether the service has done something is not known."), nil //nolint:nilerr // the agent is told
	}
	f := fault.Of(err)
	switch {
	case f.Code == errSignIn:
		return s.signIn(ctx, c, t, f, req)
	case f.Code == errConfirm:
		return s.confirm(c, f, req), nil
	case f.Status >= 500 && f.Code == "InternalFailureException":
		return nil, s.internal(ctx, "perform an action", err)
	}
	return failure(f), nil
}

// progress tells the client, if it wants to know, that a call goes on: until the
// function that it gives is called.
func (s *Service) progress(ctx context.Context, req *sdk.CallToolRequest) (done func()) {
	token := req.Params.GetProgressToken()
	if token == nil {
		return func() {}
	}
	tell := func(n float64, what string) {
		// One who does not listen any more is not our error.
		_ = req.Session.NotifyProgress(ctx, &sdk.ProgressNotificationParams{ProgressToken: token, Progress: n, Message: what})
	}
	tell(0, "Asking the service.")
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		every := time.NewTicker(s.heartbeat)
		defer every.Stop()
		for n := 1.0; ; n++ {
			select {
			case <-stop:
				return
			case <-ctx.Done():
				return
			case <-every.C:
				tell(n, "Still waiting for the service.")
			}
		}
	}()
	return func() {
		close(stop)
		<-ended
	}
}

// signIn has the person sign in at the service behind a connector: the client
// asks them to, if it can, and otherwise the agent is told where.
func (s *Service) signIn(ctx context.Context, c *caller, t *tool, f *fault.Fault, req *sdk.CallToolRequest) (*sdk.CallToolResult, error) {
	var address string
	var ends time.Time
	err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
		address, ends, err = s.Actions.Connect(tx, c.person, t.connector)
		return err
	})
	if err != nil {
		if f := fault.Of(err); f.Status < 500 {
			return failure(f), nil
		}
		return nil, s.internal(ctx, "begin a sign-in", err)
	}
	ask := &sdk.ElicitParams{
		Mode: "url", URL: address, ElicitationID: newID(),
		Message: fmt.Sprintf("%s needs you to sign in at the service behind the connector %q, so that tools can act for you there.", s.PublicURL, t.connector.Name),
	}
	asked := req.Params.InputResponses[connectRequest] != nil
	switch {
	case c.said.URLs && req.ProtocolVersion() >= multiRound && !asked:
		return &sdk.CallToolResult{InputRequests: sdk.InputRequestMap{connectRequest: ask}}, nil
	case c.said.URLs && req.ProtocolVersion() < multiRound:
		return nil, sdk.URLElicitationRequiredError([]*sdk.ElicitParams{ask})
	}
	res := problemOf(fmt.Sprintf("%s\nThe person has to open this address with a browser until %s and sign in there; then call the tool again:\n%s",
		f.Message, ends.UTC().Format("15:04 UTC"), address))
	res.StructuredContent = map[string]any{"error": map[string]any{"code": f.Code, "message": f.Message, "connectUrl": address}}
	return res, nil
}

// confirm has the client ask the person whether an action is to be performed. The
// token of the question goes through the client, past the model: what only the
// agent agrees to is not confirmed.
func (s *Service) confirm(c *caller, f *fault.Fault, req *sdk.CallToolRequest) *sdk.CallToolResult {
	if !c.said.Forms || req.ProtocolVersion() < multiRound {
		return problemOf(f.Members["Summary"] + " The owner of the connector wants a person to confirm it, and this client can't ask one: that takes version " +
			multiRound + " of the protocol, with elicitation. Nothing was done.")
	}
	return &sdk.CallToolResult{RequestState: f.Members["ConfirmationToken"], InputRequests: sdk.InputRequestMap{confirmRequest: &sdk.ElicitParams{
		Mode: "form", Message: f.Members["Summary"], RequestedSchema: json.RawMessage(`{"type":"object","properties":{}}`),
	}}}
}

// problemOf is a result that says what was wrong, for the agent to do better.
func problemOf(what string) *sdk.CallToolResult {
	return &sdk.CallToolResult{IsError: true, Content: []sdk.Content{text(what)}}
}

// advice says what an agent can do about an error, by its kind or code.
var advice = map[string]string{
	"InvalidParameterValueException": "Correct the arguments by the tool's schema.",
	"AccessDeniedException":          "The person may not do this. Don't try again; tell them.",
	"ThrottlingException":            "Wait a moment, and call again.",
	"TokenResponseException":         "The connector has no access to its service. Its owner has to look at it.",
	"ConflictException":              "Try again later.",
	"Denied":                         "The service does not let this person or connector do it.",
	"NotFound":                       "Look for what there is first.",
	"Conflict":                       "Look at the present state, and decide anew.",
	"Throttled":                      "Wait, and call again.",
	"Unavailable":                    "The service does not answer as it should. Try again later.",
	"TimedOut":                       "It may have been done all the same: look before you call again.",
	"TooLarge":                       "Ask for less: filter, or take smaller pages.",
	"Rejected":                       "The service does not take these arguments.",
	"Refused":                        "Onsight does not send this. The arguments or the connector have to change.",
	"Unauthenticated":                "The connector's credentials are not accepted. Its owner has to look at it.",
}

// failure is an error as agents see it.
func failure(f *fault.Fault) *sdk.CallToolResult {
	told := map[string]any{"code": f.Code, "message": f.Message}
	what := advice[f.Code]
	if f.Code == errFailed {
		kind := f.Members["Kind"]
		told["kind"], what = kind, advice[kind]
		if code := f.Members["Code"]; code != "" {
			told["serviceCode"] = code
		}
		for name, member := range map[string]string{"httpStatusCode": "HttpStatusCode", "retryAfterSeconds": "RetryAfterSeconds"} {
			if n, err := strconv.Atoi(f.Members[member]); err == nil {
				told[name] = n
			}
		}
		if again, err := strconv.ParseBool(f.Members["Retryable"]); err == nil {
			told["retryable"] = again
		}
	}
	line := f.Message
	if kind, ok := told["kind"].(string); ok {
		line = kind + ": " + line
	}
	if what != "" {
		told["whatToDo"] = what
		line += "\n" + what
	}
	if n, ok := told["retryAfterSeconds"].(int); ok {
		line += fmt.Sprintf(" The service asks to wait for %d seconds.", n)
	}
	res := problemOf(line)
	res.StructuredContent = map[string]any{"error": told}
	return res
}
