package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/wire"
)

// An Authorizer decides whether a principal may do something. Its refusal is a fault.
type Authorizer interface {
	Authorize(ctx context.Context, who Principal, action string, on policy.Target) error
}

// Config is what a Server needs. Log, Now, Authenticator and Authorizer are required.
type Config struct {
	Log           *slog.Logger
	Now           func() time.Time
	Authenticator Authenticator
	Authorizer    Authorizer
	// BasePath is the path under which a reverse proxy publishes the API, such
	// as /qs; empty when it is published at the root.
	BasePath string
	// Arrive is called with the account of each valid call before it is
	// answered; nil for nothing.
	Arrive func(ctx context.Context, operation, account string) error
}

// Server answers the API. It is an http.Handler.
type Server struct {
	log           *slog.Logger
	now           func() time.Time
	authenticator Authenticator
	authorizer    Authorizer
	basePath      string
	onArrival     func(ctx context.Context, operation, account string) error
	router        *wire.Router
	routes        map[*wire.Operation]Route
}

// New makes a server that answers the given routes, and every other operation
// of the model with NotImplementedException.
func New(c Config, routes ...Route) *Server {
	s := &Server{
		log: c.Log, now: c.Now, authenticator: c.Authenticator, authorizer: c.Authorizer,
		basePath: strings.TrimSuffix(c.BasePath, "/"), onArrival: c.Arrive,
		router: wire.NewRouter(wire.Operations()), routes: map[*wire.Operation]Route{},
	}
	for _, r := range routes {
		s.routes[r.op] = r
	}
	for _, o := range wire.Operations() {
		if _, ok := s.routes[o]; !ok {
			s.routes[o] = unanswered(o)
		}
	}
	return s
}

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{id: newRequestID(), at: s.now(), remote: r.RemoteAddr}
	ctx := context.WithValue(r.Context(), callKey{}, c)
	out, err := s.answer(ctx, c, w, r)
	var body []byte
	var status int
	h := w.Header()
	if err == nil {
		body, status = c.op.AppendOutput(nil, out, c.id)
	} else {
		f := fault.Of(err)
		var code string
		body, status, code = wire.AppendFault(nil, c.op, f, c.id)
		h["x-amzn-ErrorType"] = []string{code}
		if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
			h["Retry-After"] = []string{"1"}
			h["x-amz-retry-after"] = []string{"1000"}
		}
	}
	h["x-amzn-RequestId"] = []string{c.id}
	if status != http.StatusNoContent {
		h["Content-Type"] = []string{"application/json"}
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	w.WriteHeader(status)
	if len(body) > 0 {
		// A caller that has gone away is not our error.
		_, _ = w.Write(body)
	}
	s.report(ctx, c, status, err)
}

// answer takes a request as far as the output or the error of its operation.
func (s *Server) answer(ctx context.Context, c *call, w http.ResponseWriter, r *http.Request) (out any, err error) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
				panic(p)
			}
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	path, query, _ := strings.Cut(r.RequestURI, "?")
	op, labels, ok := s.router.Match(r.Method, strings.TrimPrefix(path, s.basePath))
	if !ok {
		return nil, fault.UnknownOperation(r.Method, path)
	}
	c.op = op
	body, err := readBody(w, r, op.BodyLimit())
	if err != nil {
		return nil, err
	}
	c.who, err = s.authenticator.Authenticate(r, body, op, labels)
	if err != nil {
		return nil, err
	}
	return s.routes[op].serve(ctx, s, wire.Request{
		Labels: labels, RawQuery: query, Body: body,
		ContentType: r.Header.Get("Content-Type"), Accept: r.Header.Get("Accept"),
	})
}

// arrive tells the owner of the server that an account is being used.
func (s *Server) arrive(ctx context.Context, o *wire.Operation, req wire.Request) error {
	if s.onArrival == nil {
		return nil
	}
	return s.onArrival(ctx, o.Name, accountOf(o, req))
}

// report writes the call's log line: what was asked, by whom, how it ended.
func (s *Server) report(ctx context.Context, c *call, status int, err error) {
	level := slog.LevelInfo
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs, slog.String("request", c.id), slog.Int("status", status))
	if c.op != nil {
		attrs = append(attrs, slog.String("operation", c.op.Name))
	}
	if c.who.ARN != "" {
		attrs = append(attrs, slog.String("caller", c.who.ARN), slog.String("region", c.who.Region))
	}
	attrs = append(attrs, slog.String("remote", c.remote), slog.Duration("took", s.now().Sub(c.at)))
	if err != nil {
		f := fault.Of(err)
		attrs = append(attrs, slog.String("error", f.Code))
		if status >= http.StatusInternalServerError && status != http.StatusNotImplemented {
			level = slog.LevelError
			attrs = append(attrs, slog.String("cause", err.Error()))
		}
	}
	s.log.LogAttrs(ctx, level, "call", append(attrs, c.notes...)...)
}

// accountOf is the account that a call is about: the first label of the path,
// where that is an account.
func accountOf(o *wire.Operation, req wire.Request) string {
	if len(req.Labels) > 0 && (strings.HasPrefix(o.Path, "/account") || strings.HasPrefix(o.Path, "/v1/account")) {
		return req.Labels[0]
	}
	return ""
}

// readBody reads a body whole: the signature covers it.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	if r.ContentLength == 0 {
		return nil, nil
	}
	if r.ContentLength > limit {
		w.Header().Set("Connection", "close")
		return nil, fault.TooLarge(limit)
	}
	body := http.MaxBytesReader(w, r.Body, limit)
	var b []byte
	var err error
	// What a caller only promises to send takes no memory yet.
	const trusted = 64 << 10
	if n := r.ContentLength; n > 0 && n <= trusted {
		b = make([]byte, n)
		_, err = io.ReadFull(body, b)
	} else {
		b, err = io.ReadAll(body)
	}
	if err == nil {
		return b, nil
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, fault.TooLarge(limit)
	}
	return nil, fault.MalformedRequest("The request body ended before its Content-Length of %d bytes.", r.ContentLength)
}

// newRequestID makes a UUID of version 4 (RFC 9562, 5.4).
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails (crypto/rand)
	b[6] = b[6]&0x0f | 0x40
	b[8] = b[8]&0x3f | 0x80
	var t [36]byte
	hex.Encode(t[:8], b[:4])
	t[8] = '-'
	hex.Encode(t[9:13], b[4:6])
	t[13] = '-'
	hex.Encode(t[14:18], b[6:8])
	t[18] = '-'
	hex.Encode(t[19:23], b[8:10])
	t[23] = '-'
	hex.Encode(t[24:], b[10:])
	return string(t[:])
}
