package directory

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	ber "github.com/go-asn1-ber/asn1-ber"
	"github.com/go-ldap/ldap/v3"
)

// The longest message that is taken from a directory: a page of entries is of
// many messages.
func init() { ber.MaxPacketLengthBytes = 16 << 20 }

// ErrBusy says that so many ask a directory at once that one more can't be
// answered in time.
var ErrBusy = errors.New("directory: too many ask at once")

// An Unavailable is a directory that does not answer, or not so that anything
// could be done with it. Its text is for the operator.
type Unavailable struct{ cause error }

// Error says what is wrong.
func (u *Unavailable) Error() string { return u.cause.Error() }

// Unwrap gives the cause.
func (u *Unavailable) Unwrap() error { return u.cause }

func unavailable(format string, args ...any) error {
	return &Unavailable{fmt.Errorf(format, args...)}
}

// A link is a connection to a directory.
type link struct {
	*ldap.Conn
	raw   net.Conn
	since time.Time // idle
}

// do runs fn, which ends when ctx does: the connection is of no use then.
func (l *link) do(ctx context.Context, fn func(c *ldap.Conn) error) error {
	if deadline, ok := ctx.Deadline(); ok {
		_ = l.raw.SetDeadline(deadline)
	}
	stop := context.AfterFunc(ctx, func() { _ = l.raw.SetDeadline(time.Unix(1, 0)) })
	err := fn(l.Conn)
	if !stop() && (err == nil || broken(err)) {
		err = errors.Join(ctx.Err(), err)
	}
	_ = l.raw.SetDeadline(time.Time{})
	return err
}

// within is do with a limit of time.
func (l *link) within(ctx context.Context, limit time.Duration, fn func(c *ldap.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return l.do(ctx, fn)
}

// dial connects to one of a directory's addresses. bind has the connection
// search as the account of the settings.
func (d *Directory) dial(ctx context.Context, u *url.URL, bind bool) (*link, error) {
	raw, err := d.connect(ctx, "tcp", u.Host)
	if err != nil {
		return nil, fmt.Errorf("connect to %s: %w", u.Host, err)
	}
	l := &link{raw: raw}
	// Names are checked against the certificate, whatever the address.
	config := &tls.Config{RootCAs: d.RootCAs, ServerName: u.Hostname(), MinVersion: tls.VersionTLS12}
	if u.Scheme == "ldaps" {
		secure := tls.Client(raw, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			return nil, fmt.Errorf("TLS with %s: %w", u.Host, err)
		}
		l.Conn = ldap.NewConn(secure, true)
	} else {
		l.Conn = ldap.NewConn(raw, false)
	}
	l.Start()
	err = l.do(ctx, func(c *ldap.Conn) error {
		if u.Scheme == "ldap" && !d.Plain {
			if err := c.StartTLS(config); err != nil {
				return fmt.Errorf("StartTLS with %s: %w", u.Host, err)
			}
		}
		if !bind {
			return nil
		}
		if err := c.Bind(d.BindDN, d.Password); err != nil {
			return fmt.Errorf("bind at %s as %s: %w", u.Host, d.BindDN, err)
		}
		return nil
	})
	if err != nil {
		l.close()
		return nil, err
	}
	return l, nil
}

// close ends the connection without waiting for the other side.
func (l *link) close() {
	_ = l.raw.SetDeadline(time.Unix(1, 0))
	_ = l.raw.Close()
	_ = l.Close()
}

const (
	// idleLife is how long a connection is kept that nobody uses. Active
	// Directory ends them after 15 minutes, and what is between often earlier.
	idleLife = time.Minute
	// maxWaiting is how many may wait for a connection.
	maxWaiting = 4096
	// rest is how long a directory is left alone that did not answer: whoever
	// comes meanwhile is told at once.
	rest = 2 * time.Second
)

// A pool keeps the connections to a directory that are of one sort.
type pool struct {
	d     *Directory
	bind  bool // they search as the account of the settings
	slots chan struct{}

	waiting atomic.Int64
	opened  atomic.Int64
	mu      sync.Mutex
	idle    []*link
	closed  bool
}

func newPool(d *Directory, bind bool) *pool {
	return &pool{d: d, bind: bind, slots: make(chan struct{}, d.Connections)}
}

// with runs fn with a connection, within the directory's time limit unless ctx
// ends before. An *Unavailable says that the directory does not answer.
func (p *pool) with(ctx context.Context, fn func(c *ldap.Conn) error) error {
	ctx, cancel := context.WithTimeout(ctx, p.d.Timeout)
	defer cancel()
	return p.hold(ctx, func(ctx context.Context, l *link) error { return l.do(ctx, fn) })
}

// hold runs fn with a connection of its own for as long as fn takes.
func (p *pool) hold(ctx context.Context, fn func(ctx context.Context, l *link) error) error {
	waiting, cancel := context.WithTimeout(ctx, p.d.Timeout)
	err := p.wait(waiting)
	cancel()
	if err != nil {
		return err
	}
	defer func() { <-p.slots }()
	for {
		if err := p.d.resting(); err != nil {
			return err
		}
		opening, cancel := context.WithTimeout(ctx, p.d.Timeout)
		l, used, err := p.take(opening)
		cancel()
		if err != nil {
			if errors.Is(ctx.Err(), context.Canceled) {
				return ctx.Err() // whoever asked has gone away
			}
			p.d.failed(err)
			return &Unavailable{err}
		}
		err = fn(ctx, l)
		if !broken(err) {
			p.put(l)
			p.d.works()
			if e, ok := errors.AsType[*ldap.Error](err); ok { // an answer, but of no use
				return &Unavailable{e}
			}
			return err
		}
		l.close()
		if used && ctx.Err() == nil { // the other side had ended it
			continue
		}
		if errors.Is(ctx.Err(), context.Canceled) {
			return ctx.Err()
		}
		if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded) || ctx.Err() != nil {
			err = fmt.Errorf("it did not answer within %s: %w", short(p.d.Timeout), err)
		}
		p.d.failed(err)
		return &Unavailable{err}
	}
}

func (p *pool) wait(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	default:
	}
	if p.waiting.Add(1) > maxWaiting {
		p.waiting.Add(-1)
		return ErrBusy
	}
	defer p.waiting.Add(-1)
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
	}
	if err := p.d.resting(); err != nil {
		return err
	}
	if errors.Is(ctx.Err(), context.Canceled) {
		return ctx.Err()
	}
	return ErrBusy
}

// take gives an idle connection, or makes one.
func (p *pool) take(ctx context.Context) (l *link, used bool, err error) {
	p.mu.Lock()
	for len(p.idle) > 0 && l == nil {
		last := len(p.idle) - 1
		l, p.idle = p.idle[last], p.idle[:last]
		if l.IsClosing() || p.d.now().Sub(l.since) > idleLife {
			defer l.close()
			l = nil
		}
	}
	p.mu.Unlock()
	if l != nil {
		return l, true, nil
	}
	l, err = p.d.open(ctx, p.bind)
	if err == nil {
		p.opened.Add(1)
	}
	return l, false, err
}

func (p *pool) put(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || l.IsClosing() {
		l.close()
		return
	}
	l.since = p.d.now()
	p.idle = append(p.idle, l)
}

func (p *pool) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	for _, l := range p.idle {
		l.close()
	}
	p.idle = nil
}

// broken tells whether an error is of the connection, or of a directory that
// can't answer now, and not an answer.
func broken(err error) bool {
	if err == nil {
		return false
	}
	e, ok := errors.AsType[*ldap.Error](err)
	if !ok {
		return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) || isNetwork(err)
	}
	switch e.ResultCode {
	case ldap.ErrorNetwork, ldap.ErrorUnexpectedResponse, ldap.ErrorUnexpectedMessage, ldap.ErrorMalformedPacket,
		ldap.LDAPResultBusy, ldap.LDAPResultUnavailable, ldap.LDAPResultOperationsError, ldap.LDAPResultOther,
		ldap.LDAPResultProtocolError, ldap.LDAPResultStrongAuthRequired, ldap.LDAPResultConfidentialityRequired, ldap.LDAPResultTimeLimitExceeded:
		return true
	}
	return false
}

func isNetwork(err error) bool {
	_, ok := errors.AsType[net.Error](err)
	return ok
}
