// Package client calls a running server, typed by the same contracts and
// signed like any other client: for the operator's commands.
package client

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"reflect"
	"strings"
	"time"

	"onsight/internal/contract"
	"onsight/internal/sigv4"
	"onsight/internal/wire"
)

// A Client calls one server with one set of credentials.
type Client struct {
	// URL is the server's address, with a path where it is published under one.
	URL string
	// Region is that of the signatures.
	Region string
	// AccessKeyID, SecretAccessKey and, of a session, SessionToken are the
	// credentials.
	AccessKeyID     string
	SecretAccessKey contract.Secret
	SessionToken    contract.Secret
}

// longestAnswer bounds what is read of an answer, in bytes.
const longestAnswer = 64 << 20

// Call makes one call. An answer that is an error is a *fault.Fault; a server
// that does not answer is an error that names it. Of an operation that streams
// the caller closes the body.
func Call[In, Out any](ctx context.Context, c *Client, op contract.Op[In, Out], in In) (*Out, error) {
	o := wire.Of(op.Service).Lookup(op.Name)
	res, err := send(ctx, c, o, &in)
	if err != nil {
		return nil, err
	}
	out := new(Out)
	if o.Streams() {
		return out, o.DecodeStream(res.Header, res.ContentLength, res.Body, out)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, longestAnswer))
	if err != nil {
		return nil, fmt.Errorf("answer of %s: %w", c.URL, err)
	}
	if err := o.DecodeOutput(res.StatusCode, answer, out); err != nil {
		return nil, fmt.Errorf("answer of %s: %w", c.URL, err)
	}
	return out, nil
}

// Pages makes the calls of a list, page after page, until the last or the first
// error. The operation's input and output have a NextToken.
func Pages[In, Out any](ctx context.Context, c *Client, op contract.Op[In, Out], in In) iter.Seq2[*Out, error] {
	return func(yield func(*Out, error) bool) {
		for {
			out, err := Call(ctx, c, op, in)
			if !yield(out, err) || err != nil {
				return
			}
			next := reflect.ValueOf(out).Elem().FieldByName("NextToken")
			if next.IsNil() {
				return
			}
			reflect.ValueOf(&in).Elem().FieldByName("NextToken").Set(next)
		}
	}
}

// send sends a call, and gives the answer of its success.
func send(ctx context.Context, c *Client, o *wire.Operation, in any) (*http.Response, error) {
	method, path, body, err := o.EncodeRequest(in)
	if err != nil {
		return nil, err
	}
	r, err := http.NewRequestWithContext(ctx, method, strings.TrimSuffix(c.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("the server's address %q: %w", c.URL, err)
	}
	o.RequestHeaders(r.Header, body)
	sigv4.Sign(r, body, c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal(), c.Region, o.Service().Name(), time.Now())
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, fmt.Errorf("no answer from %s (does the server run?): %w", c.URL, errors.Unwrap(err))
	}
	if res.StatusCode < http.StatusMultipleChoices {
		return res, nil
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(io.LimitReader(res.Body, longestAnswer))
	if err != nil {
		return nil, fmt.Errorf("answer of %s: %w", c.URL, err)
	}
	return nil, wire.DecodeFault(res.StatusCode, res.Header.Get("x-amzn-ErrorType"), answer)
}
