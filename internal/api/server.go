package api

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/netip"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
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
	// TrustedProxies are the addresses whose X-Forwarded-For and
	// X-Forwarded-Proto are believed.
	TrustedProxies []netip.Prefix
	// Arrive is called with the account of each valid call before it is
	// answered; nil for nothing.
	Arrive func(ctx context.Context, operation, account string) error
	// Recorder keeps the record of calls; nil for none.
	Recorder Recorder
	// Observe is called when a call is answered; nil for nothing.
	Observe func(service, operation string, status int, took time.Duration)
	// Gate decides after the Authorizer; nil for nothing.
	Gate Gate
}

// Server answers the API. It is an http.Handler.
type Server struct {
	log           *slog.Logger
	now           func() time.Time
	authenticator Authenticator
	authorizer    Authorizer
	basePath      string
	proxies       []netip.Prefix
	recorder      Recorder
	observe       func(service, operation string, status int, took time.Duration)
	gate          Gate
	onArrival     func(ctx context.Context, operation, account string) error
	// QuickSight's operations, and ours beside it, are found by method and path;
	// those of the other services are all at the path /, and their models are
	// read when first asked for.
	quickSight *wire.Service
	router     *wire.Router
	routes     map[*wire.Operation]Route
	atRoot     map[string]func() map[*wire.Operation]Route
}

// New makes a server that answers the given routes, and every other operation
// of the models with NotImplementedException.
func New(c Config, routes ...Route) *Server {
	s := &Server{
		log: c.Log, now: c.Now, authenticator: c.Authenticator, authorizer: c.Authorizer,
		basePath: strings.TrimSuffix(c.BasePath, "/"), onArrival: c.Arrive, proxies: c.TrustedProxies, recorder: c.Recorder, gate: c.Gate, observe: c.Observe,
		quickSight: wire.Of(wire.QuickSight), router: wire.NewRouter(wire.RESTOperations()), routes: make(map[*wire.Operation]Route),
		atRoot: make(map[string]func() map[*wire.Operation]Route),
	}
	for _, name := range wire.Services() {
		if name == wire.QuickSight || name == wire.Onsight {
			maps.Copy(s.routes, table(wire.Of(name), routes, c.Gate))
			continue
		}
		s.atRoot[name] = sync.OnceValue(func() map[*wire.Operation]Route { return table(wire.Of(name), routes, nil) })
	}
	return s
}

// ServeHTTP answers one call.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{id: newRequestID(), service: s.quickSight, at: s.now(), origin: OriginOf(r, s.proxies)}
	ctx := callContext{r.Context(), c}
	out, err := s.answer(ctx, c, w, r)
	out, err = s.record(ctx, c, out, err)
	if err == nil && c.op.Streams() {
		s.stream(ctx, c, w, out)
		return
	}
	room := bodies.Get().(*[]byte)
	defer bodies.Put(room)
	body := (*room)[:0]
	var status int
	var code string
	h := w.Header()
	if err == nil {
		body, status = c.op.AppendOutput(body, out, c.id)
	} else {
		f := fault.Of(err)
		body, status, code = c.service.AppendFault(body, c.op, f, c.id)
		if f.Authorization != "" {
			h["x-onsight-authorization-message"] = []string{f.Authorization}
		}
		if c.service.Protocol() != wire.Query { // which has the code in its XML
			h["x-amzn-ErrorType"] = []string{code}
		}
		if status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable {
			wait := cmp.Or(f.Members["RetryAfterSeconds"], "1")
			h["Retry-After"] = []string{wait}
			h["x-amz-retry-after"] = []string{wait + "000"}
		}
	}
	h["x-amzn-RequestId"] = []string{c.id}
	if status != http.StatusNoContent {
		h["Content-Type"] = []string{c.service.Protocol().ContentType()}
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	w.WriteHeader(status)
	if len(body) > 0 {
		// A caller that has gone away is not our error.
		_, _ = w.Write(body) //nolint:gosec // it is JSON or XML, made by an encoder, and says so
	}
	if cap(body) <= longestKept {
		*room = body
	}
	s.report(ctx, c, status, code, err)
}

// bodies are buffers for answers; longer ones than longestKept bytes are not
// kept, for few answers need them.
var bodies = sync.Pool{New: func() any { return new([]byte) }}

const longestKept = 64 << 10

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
	var req wire.Request
	var route Route
	var body []byte
	if at := strings.TrimPrefix(path, s.basePath); at == "/" || at == "" {
		route, body, err = s.routeAtRoot(c, w, r, query, &req)
	} else {
		route, body, err = s.routeByPath(c, w, r, at, &req)
	}
	if err != nil {
		return nil, err
	}
	if !c.op.Unsigned {
		c.who, err = s.authenticator.Authenticate(r, body, c.op, req.Labels)
		if err != nil {
			return nil, err
		}
	}
	req.RawQuery, req.Body = query, body
	req.ContentType, req.Accept = r.Header.Get("Content-Type"), r.Header.Get("Accept")
	return route.serve(ctx, s, c.op, req)
}

// routeByPath finds the operation by method and path, and reads the body.
func (s *Server) routeByPath(c *call, w http.ResponseWriter, r *http.Request, path string, req *wire.Request) (route Route, body []byte, err error) {
	op, labels, ok := s.router.Match(r.Method, path)
	if !ok {
		return route, nil, fault.UnknownOperation(r.Method, path)
	}
	c.service, c.op, req.Labels = op.Service(), op, labels
	body, err = readBody(w, r, op.BodyLimit())
	return s.routes[op], body, err
}

// routeAtRoot finds the operation of a service whose operations are all at the
// path /: by a header, or by parameters in the body and the query.
func (s *Server) routeAtRoot(c *call, w http.ResponseWriter, r *http.Request, query string, req *wire.Request) (route Route, body []byte, err error) {
	protocol := wire.AtRoot(r.Method, query, r.Header)
	if protocol == wire.RestJSON {
		return route, nil, fault.UnknownOperation(r.Method, "/")
	}
	c.service = wire.Stranger(protocol)
	if body, err = readBody(w, r, wire.RootBodyLimit); err != nil {
		return route, nil, err
	}
	if protocol == wire.JSON11 {
		c.service, c.op, err = wire.FindTarget(r.Header.Get("X-Amz-Target"))
	} else {
		if req.Form, err = wire.ParseForm(query, r.Header.Get("Content-Type"), body); err != nil {
			return route, nil, err
		}
		c.service, c.op, err = wire.FindAction(req.Form)
	}
	if err != nil {
		return route, nil, err
	}
	return s.atRoot[c.service.Name()]()[c.op], body, nil
}

// arrive tells the owner of the server that an account is being used.
func (s *Server) arrive(ctx context.Context, o *wire.Operation, req wire.Request) error {
	if s.onArrival == nil || o.Service() != s.quickSight {
		return nil
	}
	return s.onArrival(ctx, o.Name, accountOf(o, req, Principal{}))
}

// report writes the call's log line: what was asked, by whom, how it ended.
func (s *Server) report(ctx context.Context, c *call, status int, code string, err error) {
	if s.observe != nil {
		operation := ""
		if c.op != nil {
			operation = c.op.Name
		}
		s.observe(c.service.Name(), operation, status, s.now().Sub(c.at))
	}
	level := slog.LevelInfo
	attrs := make([]slog.Attr, 0, 10)
	attrs = append(attrs, slog.String("request", c.id), slog.Int("status", status))
	if c.op != nil {
		attrs = append(attrs, slog.String("operation", c.op.Name))
		if c.service != s.quickSight {
			attrs = append(attrs, slog.String("service", c.service.Name()))
		}
	}
	if c.who.ARN != "" {
		attrs = append(attrs, slog.String("caller", c.who.ARN), slog.String("region", c.who.Region))
	}
	attrs = append(attrs, slog.String("remote", c.origin.Address), slog.Duration("took", s.now().Sub(c.at)))
	if err != nil {
		attrs = append(attrs, slog.String("error", code))
		if status >= http.StatusInternalServerError && status != http.StatusNotImplemented {
			level = slog.LevelError
			attrs = append(attrs, slog.String("cause", err.Error()))
		}
	}
	s.log.LogAttrs(ctx, level, "call", append(attrs, c.notes...)...)
}

// accountOf is the account that a call is about: the first label of the path,
// where that is an account. The services at the path / know only the caller's.
func accountOf(o *wire.Operation, req wire.Request, who Principal) string {
	if o.Service().Protocol() != wire.RestJSON {
		return who.Account
	}
	if len(req.Labels) > 0 && (strings.HasPrefix(o.Path, "/account") || strings.HasPrefix(o.Path, "/v1/account") || o.Service().Name() == wire.Onsight) {
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
