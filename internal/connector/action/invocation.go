package action

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"onsight/internal/connector/engine"
	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/onsightapi"
	"onsight/internal/store"
)

// jobInvoke performs an action for a caller who does not wait; its key is the
// invocation's id.
const jobInvoke = "connector.invoke"

// jobsAtOnce is how many of them run at once: other jobs must not wait for
// services that are slow.
const jobsAtOnce = 2

// invocationLife is how long results are kept.
const invocationLife = 24 * time.Hour

// abandoned is when a call that waited for its own end is taken for dead.
const abandoned = toolLimit + wholeLimit

// An invocation is a row of connector_invocations.
type invocation struct {
	ID           string `db:"id"`
	ARN          string `db:"arn"`
	Account      string `db:"account"`
	Principal    string `db:"principal"`
	Once         string `db:"once"`
	InputHash    string `db:"input_hash"`
	Action       string `db:"action"`
	Status       string `db:"status"`
	Asynchronous bool   `db:"asynchronous"`
	Started      bool   `db:"started"`
	Sealed       []byte `db:"sealed"`
	CreatedUS    int64  `db:"created_us"`
	EndedUS      int64  `db:"ended_us"`
	ExpiresUS    int64  `db:"expires_us"`
}

const invocationColumns = `id, arn, account, principal, once, input_hash, action, status, asynchronous, started, sealed, created_us, ended_us, expires_us`

// A kept is what an invocation holds: what it needs, and then what came of it.
type kept struct {
	Input     json.RawMessage `json:"input,omitempty"`
	NextToken string          `json:"nextToken,omitempty"`
	Actor     *Actor          `json:"actor,omitempty"`
	Region    string          `json:"region,omitempty"`
	Connector string          `json:"connector,omitempty"`
	Outcome   *Outcome        `json:"outcome,omitempty"`
	Error     *fault.Fault    `json:"error,omitempty"`
}

func (s *Service) sealKept(i *invocation, k kept) error {
	text, err := json.Marshal(k)
	i.Sealed = s.Keys.Seal(text, "connector_invocations\x00"+i.ID)
	return err
}

func (s *Service) openKept(i *invocation) (k kept, err error) {
	text, err := s.Keys.Open(i.Sealed, "connector_invocations\x00"+i.ID)
	if err != nil {
		return k, fmt.Errorf("invocation %s: %w", i.ID, err)
	}
	return k, json.Unmarshal(text, &k)
}

func (s *Service) newInvocation(k *ready, asynchronous bool) (*invocation, error) {
	now := s.Now()
	i := &invocation{
		ID: k.id, ARN: k.live.ARN, Account: k.live.Key.Account, Principal: k.who.key(), Once: k.request.Once, InputHash: k.hash, Action: k.request.Action,
		Status: string(onsightapi.InvokeActionStatusRunning), Asynchronous: asynchronous, Started: !asynchronous,
		CreatedUS: store.Micros(now), ExpiresUS: store.Micros(now.Add(invocationLife)),
	}
	if i.Once == "" {
		i.Once = i.ID
	}
	hold := kept{}
	if asynchronous {
		hold = kept{Input: k.request.Input, NextToken: k.request.NextToken, Actor: &k.who, Region: k.live.Key.Region, Connector: k.live.Key.ID}
	}
	return i, s.sealKept(i, hold)
}

// before finds what an idempotency key was used for, if it was: a row that is
// not there any more was not.
func (s *Service) before(tx *store.Tx, k *ready) (*invocation, error) {
	i, err := store.One[invocation](tx, `SELECT `+invocationColumns+` FROM connector_invocations WHERE arn = $1 AND principal = $2 AND once = $3`,
		k.live.ARN, k.who.key(), k.request.Once)
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil //nolint:nilnil // there is none
	}
	if err != nil {
		return nil, err
	}
	now := store.Micros(s.Now())
	if i.ExpiresUS < now {
		_, err = tx.Exec(`DELETE FROM connector_invocations WHERE id = $1`, i.ID)
		return nil, err
	}
	if i.InputHash != k.hash {
		return nil, fault.Conflict("IdempotencyKey was used for another action or another input.")
	}
	if i.Status == string(onsightapi.InvokeActionStatusRunning) && !i.Asynchronous {
		if now-i.CreatedUS < abandoned.Microseconds() {
			return nil, fault.Conflict("The invocation with this IdempotencyKey has not ended yet.")
		}
		return nil, fault.Conflict("The invocation with this IdempotencyKey was interrupted, and it is not known whether the service has done it. Look there before you use another key.")
	}
	return &i, nil
}

// admit lets an action begin: it has it confirmed and counted where the
// connector's guards say so, and notes that a call with an idempotency key
// begins; or gives what the one with the key has come to.
func (s *Service) admit(ctx context.Context, k *ready) (*Outcome, error) {
	if k.request.Once == "" && !k.guarded() {
		return nil, nil //nolint:nilnil // it begins
	}
	i, err := s.newInvocation(k, false)
	if err != nil {
		return nil, err
	}
	var old *invocation
	err = s.DB.Write(plain(ctx), func(tx *store.Tx) (err error) {
		if k.request.Once != "" {
			if old, err = s.before(tx, k); old != nil || err != nil {
				return err
			}
		}
		if err := s.pass(tx, k); err != nil || k.request.Once == "" {
			return err
		}
		return store.Insert(tx, "connector_invocations", *i)
	})
	if errors.Is(err, errAsk) {
		return nil, s.askToConfirm(ctx, k)
	}
	if store.Duplicate(err) {
		return nil, fault.Conflict("The invocation with this IdempotencyKey has not ended yet.")
	}
	if err != nil || old == nil {
		return nil, err
	}
	hold, err := s.openKept(old)
	switch {
	case err != nil:
		return nil, err
	case hold.Error != nil:
		return nil, hold.Error
	case hold.Outcome == nil:
		return &Outcome{ID: old.ID}, nil // it runs
	}
	return hold.Outcome, nil
}

// finish keeps what an invocation came to, if it is one that is kept. An error
// that may pass is not kept: the same key may try again.
func (s *Service) finish(tx *store.Tx, k *ready, out *Outcome, failure error) error {
	if k.request.Once == "" {
		return nil
	}
	i, err := store.One[invocation](tx, `SELECT `+invocationColumns+` FROM connector_invocations WHERE arn = $1 AND principal = $2 AND once = $3`,
		k.live.ARN, k.who.key(), k.request.Once)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	hold := kept{Outcome: out}
	i.Status = string(onsightapi.InvokeActionStatusSuccess)
	if failure != nil {
		f := fault.Of(failure)
		if !i.Asynchronous && (unsent(f) || k.o.Idempotent) {
			_, err := tx.Exec(`DELETE FROM connector_invocations WHERE id = $1`, i.ID)
			return err
		}
		hold, i.Status = kept{Error: f}, string(onsightapi.InvokeActionStatusFailed)
	}
	if err := s.sealKept(&i, hold); err != nil {
		return err
	}
	_, err = tx.Exec(`UPDATE connector_invocations SET status = $2, sealed = $3, ended_us = $4 WHERE id = $1`, i.ID, i.Status, i.Sealed, store.Micros(s.Now()))
	return err
}

// unsent tells whether the service has done nothing for certain: the same key
// may be used again.
func unsent(f *fault.Fault) bool {
	if f.Code != errActionFailed {
		return true
	}
	switch engine.Kind(f.Members["Kind"]) {
	case engine.Throttled, engine.Refused, engine.Unauthenticated:
		return true
	default:
		return false
	}
}

// later leaves an action to a job.
func (s *Service) later(ctx context.Context, k *ready) (*invocation, error) {
	i, err := s.newInvocation(k, true)
	if err != nil {
		return nil, err
	}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		if k.request.Once != "" {
			old, err := s.before(tx, k)
			if old != nil || err != nil {
				i = old
				return err
			}
		}
		if err := s.pass(tx, k); err != nil {
			return err
		}
		if err := store.Insert(tx, "connector_invocations", *i); err != nil {
			return err
		}
		return job.Add(tx, jobInvoke, i.ID, nil, s.Now())
	})
	if errors.Is(err, errAsk) {
		return nil, s.askToConfirm(ctx, k)
	}
	return i, err
}

// guarded tells whether there is something to look at before an action begins.
func (k *ready) guarded() bool {
	return asks(k.live.Guards.Confirm, k.o) || len(quotas(&k.live.Guards, k.who.key())) > 0
}

// pass lets an action begin that has the connector's guards behind it.
func (s *Service) pass(tx *store.Tx, k *ready) error {
	if err := s.confirmed(tx, k); err != nil {
		return err
	}
	return s.spend(tx, k)
}

// runInvocation is the job.
func (s *Service) runInvocation(ctx context.Context, j job.Job) error {
	select {
	case s.busy <- struct{}{}:
		defer func() { <-s.busy }()
	default:
		return s.DB.Write(ctx, func(tx *store.Tx) error { return job.Add(tx, jobInvoke, j.Key, nil, s.Now().Add(time.Second)) })
	}
	var i invocation
	var hold kept
	interrupted := false
	err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
		i, err = store.One[invocation](tx, `SELECT `+invocationColumns+` FROM connector_invocations WHERE id = $1`, j.Key)
		if err != nil || i.Status != string(onsightapi.InvokeActionStatusRunning) {
			return err
		}
		if hold, err = s.openKept(&i); err != nil {
			return err
		}
		interrupted = i.Started
		_, err = tx.Exec(`UPDATE connector_invocations SET started = TRUE WHERE id = $1`, i.ID)
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && i.Status != string(onsightapi.InvokeActionStatusRunning) {
		return nil
	}
	if err != nil {
		return err
	}
	r := Request{Connector: keyOf(hold.Region, i.Account, hold.Connector), Action: i.Action, Input: hold.Input, NextToken: hold.NextToken, Once: i.Once}
	k, err := s.prepare(ctx, func(*store.Tx) (Actor, error) { return *hold.Actor, nil }, r)
	if err == nil {
		k.id = i.ID
		if interrupted && !k.o.Idempotent {
			err = fault.New(errActionFailed, "The invocation was interrupted, and it is not known whether the service has done it.")
		} else {
			_, err = s.run(ctx, k)
		}
	}
	if err == nil {
		return nil
	}
	if ctx.Err() != nil {
		return ctx.Err() // the server stops; another one will find it interrupted
	}
	return s.DB.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		if err := s.sealKept(&i, kept{Error: fault.Of(err)}); err != nil {
			return err
		}
		_, e := tx.Exec(`UPDATE connector_invocations SET status = $2, sealed = $3, ended_us = $4 WHERE id = $1`,
			i.ID, string(onsightapi.InvokeActionStatusFailed), i.Sealed, store.Micros(s.Now()))
		return e
	})
}
