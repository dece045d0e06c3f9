package action

import (
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"sync/atomic"
	"time"

	"onsight/internal/api"
	"onsight/internal/connector"
	"onsight/internal/connector/engine"
	"onsight/internal/contract"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/outbound"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// silence is how long a service may send nothing in the middle of a file, and
// longestStream how long a file may take.
const (
	silence       = time.Minute
	longestStream = 6 * time.Hour
)

func (s *Service) streaming(ctx context.Context, in *onsightapi.InvokeActionWithResponseStreamRequest) policy.Target {
	return s.invoking(ctx, &onsightapi.InvokeActionRequest{AwsAccountId: in.AwsAccountId, ActionConnectorId: in.ActionConnectorId, ActionId: in.ActionId})
}

// invokeActionWithResponseStream performs an action that gives a file, and
// passes the file on as it comes. The call is recorded before its first byte
// leaves.
func (s *Service) invokeActionWithResponseStream(
	ctx context.Context, in *onsightapi.InvokeActionWithResponseStreamRequest,
) (*onsightapi.InvokeActionWithResponseStreamResponse, error) {
	r := Request{Connector: connector.Key(ctx, in.AwsAccountId, in.ActionConnectorId), Action: in.ActionId, Input: in.Input}
	if in.ConfirmationToken != nil {
		r.Confirmation = *in.ConfirmationToken
	}
	api.Note(ctx, "connector", connector.ARN(r.Connector))
	api.Note(ctx, "action", in.ActionId)
	k, err := s.prepare(ctx, func(tx *store.Tx) (Actor, error) { return s.caller(tx, api.Caller(ctx), in.EndUserArn) }, r)
	if err != nil {
		return nil, err
	}
	if !k.o.File {
		return nil, fault.Invalid("Action %s gives no file: use InvokeAction.", in.ActionId)
	}
	if _, err := s.admit(ctx, k); err != nil {
		return nil, err
	}
	began := s.Now()
	res, err := s.sendStreaming(ctx, k)
	took := s.Now().Sub(began)
	s.performed(k, err, took)
	if err != nil {
		f := s.faultOf(k, err)
		s.failed(ctx, k, began, took, err, f)
		return nil, f
	}
	if err := s.succeeded(ctx, k, began, took, &Outcome{ID: k.id, Status: res.Status, Attempts: res.Attempts}); err != nil {
		return nil, errors.Join(err, res.Body.Close())
	}
	out := &onsightapi.InvokeActionWithResponseStreamResponse{
		InvocationId: &k.id, Attempts: new(int32(res.Attempts)),
		Body: &contract.Stream{ReadCloser: res.Body, ContentType: res.ContentType, Size: res.Size},
	}
	if res.Filename != "" {
		out.ContentDisposition = new(mime.FormatMediaType("attachment", map[string]string{"filename": res.Filename}))
	}
	return out, nil
}

// sendStreaming sends the requests of an action, as far as the beginning of its file.
func (s *Service) sendStreaming(ctx context.Context, k *ready) (*engine.Result, error) {
	limits := s.Limits
	limits.Whole, limits.Body = longestStream, s.StreamLimit
	if limits.Body == 0 {
		limits.Body = -1
	}
	c, err := s.call(k.live, k.d, k.o, k.client, k.profile, k.who.key(), false)
	if err != nil {
		return nil, err
	}
	c.Input, c.Stream = k.values, true
	_, way := s.way(k.live, k.d, k.o, k.client, k.profile)
	c.Client = way.With(limits).HTTP()
	ctx, cancel := context.WithCancelCause(ctx)
	quiet := time.AfterFunc(wholeLimit, func() {
		cancel(&outbound.Error{Kind: outbound.TimedOut, Reason: fmt.Sprintf("the file did not begin within %s", wholeLimit)})
	})
	res, err := c.Do(ctx)
	if !quiet.Stop() && err == nil {
		err = errors.Join(context.Cause(ctx), res.Body.Close())
	}
	if err == nil && s.StreamLimit > 0 && res.Size > s.StreamLimit {
		tooLarge := &engine.Error{Kind: engine.TooLarge, Status: res.Status, Message: fmt.Sprintf("The file has %d bytes, and %d are the most.", res.Size, s.StreamLimit)}
		err = errors.Join(tooLarge, res.Body.Close())
	}
	if err != nil {
		cancel(nil)
		return nil, err
	}
	res.Body = &watched{ReadCloser: res.Body, cancel: cancel}
	return res, nil
}

// watched is a file whose service must not fall silent.
type watched struct {
	io.ReadCloser
	cancel context.CancelCauseFunc
	silent atomic.Bool
}

func (w *watched) Read(p []byte) (int, error) {
	quiet := time.AfterFunc(silence, func() {
		w.silent.Store(true)
		w.cancel(nil)
	})
	n, err := w.ReadCloser.Read(p)
	quiet.Stop()
	if err != nil && w.silent.Load() {
		err = fmt.Errorf("the service has sent nothing for %s", silence)
	}
	return n, err
}

func (w *watched) Close() error {
	err := w.ReadCloser.Close()
	w.cancel(nil)
	return err
}
