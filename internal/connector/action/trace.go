package action

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"time"

	"onsight/internal/api"
	"onsight/internal/connector"
	"onsight/internal/connector/engine"
	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/onsightapi"
	"onsight/internal/store"
)

// A call is a row of connector_calls.
type call struct {
	ARN        string `db:"arn"`
	StartedUS  int64  `db:"started_us"`
	ID         string `db:"id"`
	Account    string `db:"account"`
	Principal  string `db:"principal"`
	Action     string `db:"action"`
	Status     string `db:"status"`
	HTTPStatus int64  `db:"http_status"`
	ErrorKind  string `db:"error_kind"`
	Attempts   int64  `db:"attempts"`
	DurationUS int64  `db:"duration_us"`
	Sealed     []byte `db:"sealed"`
}

const callColumns = `arn, started_us, id, account, principal, action, status, http_status, error_kind, attempts, duration_us, sealed`

// A payload is what a call keeps of input and output.
type payload struct {
	Input  json.RawMessage `json:"input,omitempty"`
	Output json.RawMessage `json:"output,omitempty"`
}

func (s *Service) callOf(k *ready, began time.Time, took time.Duration) *call {
	return &call{
		ARN: k.live.ARN, StartedUS: store.Micros(began), ID: k.id, Account: k.live.Key.Account, Principal: k.who.Principal, Action: k.request.Action,
		DurationUS: took.Microseconds(),
	}
}

// withPayload adds what is kept of input and output, if that is wanted.
func (s *Service) withPayload(c *call, k *ready, out json.RawMessage) error {
	if !s.Payloads {
		return nil
	}
	input, err := json.Marshal(k.values)
	if err != nil {
		return err
	}
	text, err := json.Marshal(payload{redact(input), redact(out)})
	if err != nil {
		return err
	}
	c.Sealed = s.Keys.Seal(text, callContext(c))
	return nil
}

func callContext(c *call) string {
	return fmt.Sprintf("connector_calls\x00%s\x00%d\x00%s", c.ARN, c.StartedUS, c.ID)
}

// succeeded keeps an outcome, and with it the record of the call.
func (s *Service) succeeded(ctx context.Context, k *ready, began time.Time, took time.Duration, out *Outcome) error {
	c := s.callOf(k, began, took)
	c.Status, c.HTTPStatus, c.Attempts = string(onsightapi.InvokeActionStatusSuccess), int64(out.Status), int64(out.Attempts)
	if err := s.withPayload(c, k, out.Output); err != nil {
		return err
	}
	// What the service has done is done, whether or not somebody still waits.
	return s.DB.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		api.Shown(ctx, shownInput(k))
		api.Result(ctx, &audited{
			InvokeActionStatus: new(c.Status),
			InvokeActionOutput: &auditedOutput{&auditedHTTP{new(strconv.Itoa(out.Status))}},
		})
		if err := store.Insert(tx, "connector_calls", *c); err != nil {
			return err
		}
		s.leave(ctx, tx, k, c, nil)
		return s.finish(tx, k, out, nil)
	})
}

// failed keeps that an action failed. The record of the call is the one of a
// call that failed.
func (s *Service) failed(ctx context.Context, k *ready, began time.Time, took time.Duration, cause, f error) {
	c := s.callOf(k, began, took)
	c.Status, c.ErrorKind = string(onsightapi.InvokeActionStatusFailed), kindOf(cause)
	if e, ok := errors.AsType[*engine.Error](cause); ok {
		c.HTTPStatus, c.Attempts = int64(e.Status), int64(e.Attempts)
	}
	err := s.withPayload(c, k, nil)
	if err == nil {
		wait, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		err = s.DB.Write(wait, func(tx *store.Tx) error {
			if err := store.Insert(tx, "connector_calls", *c); err != nil {
				return err
			}
			s.leave(ctx, tx, k, c, f)
			return s.finish(tx, k, nil, f)
		})
	}
	if err != nil {
		s.Log.Error("a call of an action is not kept", "connector", k.live.ARN, "invocation", k.id, "error", err.Error())
	}
}

// leave leaves the event of an action, where neither a call nor a job does.
func (s *Service) leave(ctx context.Context, tx *store.Tx, k *ready, c *call, failure error) {
	if _, ok := api.CallOf(ctx); ok || job.Current(ctx) != nil || s.Trail == nil {
		return
	}
	e := Event{
		Account: c.Account, Region: k.live.Key.Region, Connector: c.ARN, ConnectorID: k.live.Key.ID, Action: c.Action, User: c.Principal,
		Status: c.Status, HTTPStatus: int(c.HTTPStatus), Origin: k.request.Origin, Details: k.request.Details,
	}
	if failure != nil {
		f := fault.Of(failure)
		e.Error, e.ErrorText = f.Code, f.Message
	}
	s.Trail.Acted(tx, e)
}

// refused leaves the event of an action that was not performed, where no call of
// the API does.
func (s *Service) refused(ctx context.Context, who func(*store.Tx) (Actor, error), r Request, failure error) {
	if _, ok := api.CallOf(ctx); ok || job.Current(ctx) != nil || s.Trail == nil {
		return
	}
	f := fault.Of(failure)
	err := s.DB.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		a, err := who(tx)
		if err != nil {
			return err
		}
		s.Trail.Acted(tx, Event{
			Account: r.Connector.Account, Region: r.Connector.Region, Connector: connector.ARN(r.Connector), ConnectorID: r.Connector.ID, Action: r.Action,
			User: a.Principal, Status: string(onsightapi.InvokeActionStatusFailed), Error: f.Code, ErrorText: f.Message, Origin: r.Origin,
			Details: r.Details,
		})
		return nil
	})
	if err != nil {
		s.Log.ErrorContext(ctx, "the refusal of an action is not recorded", "connector", connector.ARN(r.Connector), "error", err.Error())
	}
}

// audited is what the record of a call tells of its result, in the form of
// CloudTrail's event InvokeAction: inputs and outputs are not in it.
type audited struct {
	InvokeActionStatus *string
	InvokeActionOutput *auditedOutput
}

type auditedOutput struct{ HttpInvokeActionOutput *auditedHTTP }

type auditedHTTP struct{ HttpStatusCode *string }

// auditedInput is what it tells of the input.
type auditedInput struct {
	AwsAccountId, ActionConnectorId, ActionId, EndUserArn string
}

func shownInput(k *ready) *auditedInput {
	return &auditedInput{k.live.Key.Account, k.live.Key.ID, k.request.Action, k.who.Principal}
}

// Bounds of what is kept of payloads.
const (
	longestText    = 1000
	longestPayload = 16 << 10
)

// secretName is the name of a member whose value is nobody's business.
var secretName = regexp.MustCompile(`(?i)pass(word|wd|phrase)?$|secret|token|authori[sz]ation|api[-_]?key|credential|cookie|private[-_]?key|^content$|contentbytes`)

// redact takes out of a document what looks like a secret, and shortens it.
func redact(document json.RawMessage) json.RawMessage {
	if len(document) == 0 {
		return nil
	}
	if len(document) > 64*longestPayload {
		return json.RawMessage(`"(too large)"`)
	}
	var v any
	if json.Unmarshal(document, &v) != nil {
		return nil
	}
	text, err := json.Marshal(redacted(v))
	if err != nil {
		return nil
	}
	if len(text) > longestPayload {
		return json.RawMessage(`"(too large)"`)
	}
	return text
}

func redacted(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for name, value := range v {
			if secretName.MatchString(name) {
				v[name] = "•••"
				continue
			}
			v[name] = redacted(value)
		}
	case []any:
		for i, value := range v {
			v[i] = redacted(value)
		}
	case string:
		if runes := []rune(v); len(runes) > longestText {
			return string(runes[:longestText]) + "…"
		}
	}
	return v
}

func digest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// Tidy removes what is kept no longer.
func (s *Service) Tidy(ctx context.Context) error {
	if err := s.askAgain(ctx); err != nil {
		return err
	}
	now := store.Micros(s.Now())
	old := map[string]int64{
		`DELETE FROM connector_states WHERE expires_us < $1`:        now,
		`DELETE FROM connector_invocations WHERE expires_us < $1`:   now,
		`DELETE FROM connector_confirmations WHERE expires_us < $1`: now,
		`DELETE FROM connector_usage WHERE expires_us < $1`:         now,
	}
	if s.Retention > 0 {
		old[`DELETE FROM connector_calls WHERE started_us < $1`] = now - s.Retention.Microseconds()
	}
	for query, before := range old {
		err := s.DB.Write(ctx, func(tx *store.Tx) error {
			_, err := tx.Exec(query, before)
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}
