package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"onsight/internal/connector/definition"
	"onsight/internal/outbound"
)

// Doer sends a request and follows no redirects; outbound.Client.HTTP gives one.
type Doer interface {
	Do(r *http.Request) (*http.Response, error)
}

// Credential authenticates requests, attempt by attempt.
type Credential interface {
	// Authenticate adds to a request what proves who sends it.
	Authenticate(ctx context.Context, r *http.Request, body []byte) error
	// Renew is told that the service refused the credential. It says whether
	// there is another one to try.
	Renew(ctx context.Context) (bool, error)
}

// Call is one action to perform.
type Call struct {
	Definition *definition.Definition
	Operation  *definition.Operation
	// Base is the connector's base endpoint.
	Base       *url.URL
	Credential Credential
	Client     Doer
	// Input is what Operation.Check gave.
	Input map[string]any
	// Next asks for the page that a Result named.
	Next string
	// Header is sent in addition, such as an idempotency key that the service knows.
	Header http.Header
	// AuthenticationType is the connector's, for hooks.
	AuthenticationType string
	// Limits are bounds; the zero value is the default.
	Limits Limits
	// Stream has a file passed on as it comes: see Result.Body. Limits.Output
	// does not bound it.
	Stream bool
	// Remote performs the tools of an MCP server.
	Remote func(ctx context.Context, tool string, input map[string]any) (*Result, error)
	// Sleep waits between attempts; nil waits for real.
	Sleep func(ctx context.Context, d time.Duration) error
	// Now is the clock, for times in Retry-After.
	Now func() time.Time

	attempts int
}

// Limits bound a call. A zero is the default.
type Limits struct {
	// Attempts is how often a request is sent at most: 3.
	Attempts int
	// Patience is the longest that a Retry-After is waited for: 20 s.
	Patience time.Duration
	// Output is the size of an answer in bytes: 10 MiB.
	Output int64
}

func (l Limits) complete() Limits {
	if l.Attempts == 0 {
		l.Attempts = 3
	}
	if l.Patience == 0 {
		l.Patience = 20 * time.Second
	}
	if l.Output == 0 {
		l.Output = 10 << 20
	}
	return l
}

// Do performs the action. The error is an *Error.
func (c *Call) Do(ctx context.Context) (*Result, error) {
	c.Limits = c.Limits.complete()
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	res, err := c.perform(ctx)
	if err != nil {
		e, ok := errors.AsType[*Error](err)
		if !ok {
			return nil, err
		}
		e.Attempts = c.attempts
		return nil, e
	}
	res.Attempts = c.attempts
	return res, nil
}

// perform finds the base endpoint, and does what the operation asks.
func (c *Call) perform(ctx context.Context) (*Result, error) {
	if name := c.Definition.Connector.Base.Hook; name != "" {
		find := baseHooks[name]
		if find == nil {
			return nil, fmt.Errorf("engine: there is no hook %s for base endpoints", name)
		}
		base, err := find(ctx, c)
		if err != nil {
			return nil, err
		}
		c.Base = base
	}
	if c.Operation.Tool != "" {
		c.attempts++
		return c.Remote(ctx, c.Operation.Tool, c.Input)
	}
	name := c.Operation.Hook
	if name == "" {
		return c.Send(ctx, c.Operation, c.Input)
	}
	hook := hookOf(name)
	if hook == nil {
		return nil, fmt.Errorf("engine: there is no hook %s", name)
	}
	return hook(ctx, c)
}

// Run performs another operation of the definition as part of this call, for a
// hook.
func (c *Call) Run(ctx context.Context, id string, input map[string]any) (*Result, error) {
	o := c.Definition.Operations[id]
	if o == nil {
		return nil, fmt.Errorf("engine: the definition has no operation %s", id)
	}
	return c.Send(ctx, o, input)
}

// Send sends the request of an operation until it is answered for good.
func (c *Call) Send(ctx context.Context, o *definition.Operation, input map[string]any) (*Result, error) {
	m, err := c.message(o, input)
	if err != nil {
		return nil, err
	}
	return c.deliver(ctx, o, m)
}

// SendTo sends the request of an operation to an address that the service gave
// in an answer, for a hook. Only where the address belongs to the service by
// its origin or by the definition is it asked, with or without the credential.
func (c *Call) SendTo(ctx context.Context, o *definition.Operation, input map[string]any, address string, credential bool) (*Result, error) {
	to, err := c.Base.Parse(address)
	if err != nil || address == "" {
		return nil, refused("the service gave an address that is none")
	}
	if err := c.allowed(to); err != nil {
		return nil, err
	}
	m, err := c.message(o, input)
	if err != nil {
		return nil, err
	}
	m.url, m.anonymous = to, !credential
	return c.deliver(ctx, o, m)
}

// deliver sends a message until it is answered for good.
func (c *Call) deliver(ctx context.Context, o *definition.Operation, m *message) (*Result, error) {
	renewed, moved := false, false
	for attempt := 1; ; attempt++ {
		c.attempts++
		res, err := c.once(ctx, o, m)
		e, failed := errors.AsType[*Error](err)
		if !failed {
			return res, err
		}
		if e.Kind == Unauthenticated && !renewed && c.Credential != nil {
			again, err := c.Credential.Renew(ctx)
			if err != nil {
				return nil, err
			}
			if again {
				renewed = true
				attempt--
				continue
			}
		}
		if e.region != "" && !moved && c.elsewhere(m, e) {
			moved = true
			attempt--
			continue
		}
		wait, again := c.again(o, e, attempt)
		if !again {
			return nil, e
		}
		if err := c.Sleep(ctx, wait); err != nil {
			return nil, e
		}
	}
}

// again says whether a request that failed may be sent again, and when.
func (c *Call) again(o *definition.Operation, e *Error, attempt int) (wait time.Duration, ok bool) {
	if attempt >= c.Limits.Attempts {
		return 0, false
	}
	if e.begun && !o.Idempotent {
		return 0, false
	}
	switch e.Kind {
	case Throttled: // nothing was done
	case Unavailable, TimedOut:
		if !o.Idempotent && !e.unsent {
			return 0, false
		}
	default:
		return 0, false
	}
	if e.RetryAfter > c.Limits.Patience {
		return 0, false
	}
	if e.RetryAfter > 0 {
		return e.RetryAfter, true
	}
	most := min(500*time.Millisecond<<attempt, 20*time.Second)
	return rand.N(most), true
}

func sleep(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// maxRedirects is how many redirects in a row are followed.
const maxRedirects = 3

// once sends a message once, and follows redirects of reads to where the
// definition allows.
func (c *Call) once(ctx context.Context, o *definition.Operation, m *message) (*Result, error) {
	to, credentials := m.url, !m.anonymous
	for redirects := 0; ; redirects++ {
		r, err := http.NewRequestWithContext(ctx, m.method, to.String(), m.reader())
		if err != nil {
			return nil, refused("the request cannot be made: %v", err)
		}
		r.Header = m.header.Clone()
		if credentials && c.Credential != nil {
			if err := c.Credential.Authenticate(ctx, r, m.body); err != nil {
				return nil, err
			}
		}
		answer, err := c.Client.Do(r)
		if err != nil {
			return nil, unsent(err)
		}
		next, err := c.redirect(o, answer, to)
		if err == nil && next != nil && redirects == maxRedirects {
			err = refused("the service redirects more than %d times", maxRedirects)
		}
		if err != nil || next == nil {
			if err != nil {
				_ = answer.Body.Close()
				return nil, err
			}
			return c.result(o, answer, to)
		}
		_ = answer.Body.Close()
		credentials = credentials && sameOrigin(next, c.Base)
		to = next
	}
}

// redirect tells where an answer leads to; nil where it leads nowhere.
func (c *Call) redirect(o *definition.Operation, answer *http.Response, from *url.URL) (*url.URL, error) {
	reads := o.Method == http.MethodGet || o.Method == http.MethodHead
	if name := c.Definition.Connector.Errors.Region; name != "" && answer.Header.Get(name) != "" {
		return nil, nil // it is signed anew
	}
	location := answer.Header.Get("Location")
	if answer.StatusCode < 300 || answer.StatusCode > 399 || location == "" || slices.Contains(o.Statuses, answer.StatusCode) {
		return nil, nil
	}
	next, err := from.Parse(location)
	if err != nil || !reads {
		return nil, refused("the service redirects the request (status %d), and it was not repeated elsewhere", answer.StatusCode)
	}
	if err := c.allowed(next); err != nil {
		return nil, err
	}
	return next, nil
}

// allowed refuses an address that the service gave, unless it is at the base
// endpoint's origin, or at a host that the definition names.
func (c *Call) allowed(u *url.URL) error {
	if sameOrigin(u, c.Base) {
		return nil
	}
	named := func(host string) bool {
		domain, whole := strings.CutPrefix(host, "*.")
		return host == u.Hostname() || whole && domain != "" && strings.HasSuffix(u.Hostname(), "."+domain)
	}
	if u.Scheme == "https" && u.User == nil && slices.ContainsFunc(c.Definition.Connector.Hosts, named) {
		return nil
	}
	return refused("the service leads to %s, which is not its own address", u.Host)
}

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && host(a) == host(b) && a.User == nil
}

// host is the host of an address with its port, as hosts are compared.
func host(u *url.URL) string {
	port := u.Port()
	if port == "" && u.Scheme == "https" {
		port = "443"
	}
	return strings.ToLower(u.Hostname()) + ":" + port
}

// Unreached makes an *Error of what went wrong with a connection.
func Unreached(err error) error { return unsent(err) }

// unsent makes an Error of what went wrong on the way out.
func unsent(err error) error {
	if own, ok := errors.AsType[*Error](err); ok { // of a credential
		return own
	}
	out, ok := errors.AsType[*outbound.Error](err)
	if !ok {
		return &Error{Kind: Unavailable, Message: "The service could not be reached.", cause: err}
	}
	e := &Error{Message: "The service could not be reached: " + out.Error() + ".", cause: err}
	switch out.Kind {
	case outbound.Refused:
		e.Kind, e.Message = Refused, "The connection is not allowed: "+out.Error()+"."
	case outbound.Untrusted:
		e.Kind = Refused
	case outbound.TooLarge:
		e.Kind, e.Message = TooLarge, "The answer is too large: "+out.Error()+"."
	case outbound.TimedOut:
		e.Kind = TimedOut
	default:
		e.Kind = Unavailable
	}
	return e
}

// patience reads Retry-After: seconds or a date (RFC 9110, 10.2.3).
func (c *Call) patience(value string) time.Duration {
	if n, err := strconv.Atoi(value); err == nil && n >= 0 && n < 1e6 {
		return time.Duration(n) * time.Second
	}
	if t, err := http.ParseTime(value); err == nil && c.Now != nil {
		return max(t.Sub(c.Now()), 0)
	}
	return 0
}
