package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// Limits are what a call may take. A zero is the default; a negative number is
// no limit.
type Limits struct {
	// Dial is the time for making a connection, TLS that for its handshake: 5 s each.
	Dial, TLS time.Duration
	// Header is the time from the beginning of a request to the header of its
	// answer: 30 s. It is for each attempt.
	Header time.Duration
	// Whole is the time until the answer has been read to its end: 60 s.
	Whole time.Duration
	// Body is how many bytes an answer may have, after it was unpacked: 10 MiB.
	Body int64
}

// Defaults of Limits.
const (
	defaultDial   = 5 * time.Second
	defaultHeader = 30 * time.Second
	defaultWhole  = time.Minute
	defaultBody   = 10 << 20
	maxHeader     = 64 << 10
)

func (l Limits) complete() Limits {
	for limit, otherwise := range map[*time.Duration]time.Duration{&l.Dial: defaultDial, &l.TLS: defaultDial, &l.Header: defaultHeader, &l.Whole: defaultWhole} {
		if *limit == 0 {
			*limit = otherwise
		}
	}
	if l.Body == 0 {
		l.Body = defaultBody
	}
	return l
}

// Config is what a Client needs; the zero value does.
type Config struct {
	Profile Profile
	Limits  Limits
	// Attempts is how often a request that may be repeated is sent, when the
	// server does not answer or asks to come again; 0 is once.
	Attempts int
	// Resolver looks names up, instead of the profile's resolvers or the system's.
	Resolver *net.Resolver
	// Sleep waits between attempts; nil waits for real.
	Sleep func(ctx context.Context, d time.Duration) error
}

// Client makes requests as its profile says. It keeps connections open for the
// next one, and may be used by many goroutines at once.
type Client struct {
	dialer   *dialer
	limits   Limits
	attempts int
	sleep    func(ctx context.Context, d time.Duration) error
	pool     *pool
}

// pool has a transport for connections to targets, and one for each proxy:
// there, the address that is connected to is the operator's choice.
type pool struct {
	direct  *http.Transport
	mu      sync.Mutex
	proxied map[string]*http.Transport
}

// New makes a Client.
func New(c Config) *Client {
	limits := c.Limits.complete()
	config := &tls.Config{RootCAs: c.Profile.RootCAs, MinVersion: tls.VersionTLS12}
	d := newDialer(c.Profile, limits, c.Resolver, config)
	client := &Client{dialer: d, limits: limits, attempts: max(c.Attempts, 1), sleep: c.Sleep, pool: &pool{proxied: make(map[string]*http.Transport)}}
	if client.sleep == nil {
		client.sleep = sleep
	}
	client.pool.direct = client.transport(func(ctx context.Context, network, address string) (net.Conn, error) {
		return d.direct(ctx, network, address, true)
	})
	return client
}

func (c *Client) transport(dial func(ctx context.Context, network, address string) (net.Conn, error)) *http.Transport {
	return &http.Transport{
		DialContext: dial, TLSClientConfig: c.dialer.tls.Clone(), TLSHandshakeTimeout: max(c.limits.TLS, 0),
		MaxResponseHeaderBytes: maxHeader, MaxIdleConns: 256, MaxIdleConnsPerHost: 64, IdleConnTimeout: time.Minute,
		ExpectContinueTimeout: time.Second, ForceAttemptHTTP2: true,
	}
}

// With gives a client with other limits of header, whole and body that shares
// the connections of this one.
func (c *Client) With(l Limits) *Client {
	other := *c
	l.Dial, l.TLS = c.limits.Dial, c.limits.TLS
	other.limits = l.complete()
	return &other
}

// HTTP gives the client to libraries that want one of net/http. It follows no
// redirects. The errors that it returns are wrapped by net/http, with the URL:
// errors.As finds the *Error.
func (c *Client) HTTP() *http.Client {
	return &http.Client{
		Transport:     c,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// Close closes the connections that nobody uses.
func (c *Client) Close() {
	c.pool.direct.CloseIdleConnections()
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	for _, t := range c.pool.proxied {
		t.CloseIdleConnections()
	}
}

// CloseIdleConnections does the same, under the name that net/http knows.
func (c *Client) CloseIdleConnections() { c.Close() }

// check refuses a URL that must not be asked for, as far as it shows.
func (c *Client) check(u *url.URL) error {
	p := &c.dialer.profile
	if u == nil {
		return refuse("the request has no URL")
	}
	if err := CheckURL(u, p.schemes()...); err != nil {
		return refuse("%v", err)
	}
	port := map[string]uint16{"http": 80, "https": 443}[u.Scheme]
	if text := u.Port(); text != "" {
		n, err := strconv.ParseUint(text, 10, 16)
		if err != nil {
			return refuse("its port must be a number from 1 to 65535")
		}
		port = uint16(n)
	}
	if e := p.port(port, true); e != nil {
		return e
	}
	if r := p.Allowed.CheckHost(u.Hostname()); r != "" {
		return notAllowed(r)
	}
	return nil
}

// route gives the transport for a request.
func (c *Client) route(r *http.Request) (*http.Transport, error) {
	proxy, err := c.dialer.profile.proxy(r)
	if err != nil {
		return nil, err
	}
	if proxy == nil {
		return c.pool.direct, nil
	}
	if err := c.dialer.behind(r.Context(), r.URL.Hostname()); err != nil {
		return nil, err
	}
	c.pool.mu.Lock()
	defer c.pool.mu.Unlock()
	key := proxy.String()
	t := c.pool.proxied[key]
	if t == nil {
		t = c.transport(c.dialer.toProxy)
		t.Proxy = http.ProxyURL(proxy)
		t.OnProxyConnectResponse = func(_ context.Context, _ *url.URL, _ *http.Request, res *http.Response) error {
			return proxyAnswer(res)
		}
		c.pool.proxied[key] = t
	}
	return t, nil
}

// RoundTrip sends a request once and gives its answer, whichever that is. The
// error is an *Error.
func (c *Client) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	whole := after(c.limits.Whole, cancel, "the answer did not end within %s")
	header := after(c.limits.Header, cancel, "it did not answer within %s")
	res, err := c.send(r.WithContext(ctx))
	header()
	if err == nil && ctx.Err() != nil { // between the header and the stop of its clock
		_ = res.Body.Close()
		err = context.Cause(ctx)
	}
	if err != nil {
		whole()
		e := shape(ctx, target(r), err)
		cancel(nil)
		return nil, e
	}
	res.Request = r
	b := &body{ReadCloser: res.Body, ctx: ctx, target: target(r), left: c.limits.Body, limit: c.limits.Body}
	b.end = func() { whole(); cancel(nil) }
	if c.limits.Body > 0 && res.ContentLength > c.limits.Body && r.Method != http.MethodHead {
		b.left = 0 // nothing of it needs to be read
	}
	res.Body = b
	return res, nil
}

func (c *Client) send(r *http.Request) (*http.Response, error) {
	err := c.check(r.URL)
	var t *http.Transport
	if err == nil {
		t, err = c.route(r)
	}
	if err != nil {
		if r.Body != nil { // RoundTrippers close it whatever happens
			_ = r.Body.Close()
		}
		return nil, err
	}
	return t.RoundTrip(r)
}

// after ends a call when a time has passed, unless it is stopped.
func after(d time.Duration, cancel context.CancelCauseFunc, format string) (stop func()) {
	if d < 0 {
		return func() {}
	}
	t := time.AfterFunc(d, func() { cancel(&Error{Kind: TimedOut, Reason: fmt.Sprintf(format, d)}) })
	return func() { t.Stop() }
}

// body is an answer's body, limited in size and time.
type body struct {
	io.ReadCloser
	ctx         context.Context //nolint:containedctx // the body lives as long as its request
	target      string
	left, limit int64
	end         func()
}

// Read reads up to the limit; what is beyond is a TooLarge.
func (b *body) Read(p []byte) (int, error) {
	if b.limit > 0 && int64(len(p)) > b.left {
		if b.left == 0 && len(p) > 0 && b.limit > 0 {
			return b.beyond()
		}
		p = p[:b.left]
	}
	n, err := b.ReadCloser.Read(p)
	b.left -= int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		err = shape(b.ctx, b.target, err)
	}
	return n, err
}

// beyond tells an answer that ends at the limit from one that goes on.
func (b *body) beyond() (int, error) {
	var one [1]byte
	n, err := b.ReadCloser.Read(one[:])
	if n == 0 && (err == nil || errors.Is(err, io.EOF)) {
		return 0, err
	}
	if n == 0 {
		return 0, shape(b.ctx, b.target, err)
	}
	return 0, &Error{Kind: TooLarge, Target: b.target, Reason: fmt.Sprintf("its answer is larger than %d bytes", b.limit)}
}

// Close ends the call.
func (b *body) Close() error {
	err := b.ReadCloser.Close()
	b.end()
	return err
}
