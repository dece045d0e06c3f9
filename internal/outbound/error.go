package outbound

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
)

// Kind says what sort of thing went wrong.
type Kind int

// Kinds of errors.
const (
	// Refused is what the profile does not allow: nothing was sent.
	Refused Kind = iota + 1
	// Unreachable is a connection that could not be made or that broke.
	Unreachable
	// Untrusted is a server that did not prove who it is.
	Untrusted
	// TimedOut is a limit of time that was hit.
	TimedOut
	// TooLarge is a limit of size that was hit.
	TooLarge
	// Cancelled is a caller who gave up.
	Cancelled
)

// Error is what goes wrong on the way out. Its text is for a person: it names
// the target without path and query, and neither a credential nor the address
// that a name was found at.
type Error struct {
	Kind Kind
	// Target is the scheme, host and port; for a bare connection host and port.
	Target string
	// Reason is part of a sentence that begins with the target.
	Reason string

	cause error
}

// Error gives target and reason.
func (e *Error) Error() string {
	if e.Target == "" {
		return e.Reason
	}
	return e.Target + ": " + e.Reason
}

// Unwrap gives what the error came from. Its text is for nobody but a
// debugger: it may hold a URL.
func (e *Error) Unwrap() error { return e.cause }

// Timeout says whether a limit of time was hit, as net.Error does.
func (e *Error) Timeout() bool { return e.Kind == TimedOut }

// Temporary says whether trying again may help.
func (e *Error) Temporary() bool { return e.Kind == Unreachable || e.Kind == TimedOut }

func refuse(format string, args ...any) *Error {
	return &Error{Kind: Refused, Reason: fmt.Sprintf(format, args...)}
}

// notAllowed is the refusal of an address.
func notAllowed(r Refusal) *Error {
	if r == metadata || r == nobody {
		return refuse("it leads to %s", r)
	}
	return refuse("it leads to %s, which the operator of this server has not allowed", r)
}

// shape makes an Error of whatever went wrong on the way to a target.
func shape(ctx context.Context, target string, err error) *Error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.at(target)
	}
	if e, ok := errors.AsType[*Error](context.Cause(ctx)); ok {
		return e.at(target)
	}
	e := &Error{Kind: Unreachable, Target: target, Reason: "the connection failed", cause: err}
	var (
		untrusted *tls.CertificateVerificationError
		record    tls.RecordHeaderError
		alert     tls.AlertError
		name      *net.DNSError
		op        *net.OpError
		timeout   net.Error
	)
	switch {
	case ctx.Err() != nil:
		e.Kind, e.Reason = Cancelled, "the call was given up"
		if errors.Is(ctx.Err(), context.DeadlineExceeded) {
			e.Kind, e.Reason = TimedOut, "it took longer than the caller would wait"
		}
		e.cause = errors.Join(ctx.Err(), err)
	case errors.As(err, &untrusted):
		e.Kind, e.Reason = Untrusted, "its certificate can't be trusted: "+untrusted.Err.Error()
	case errors.As(err, &record):
		e.Reason = "it does not speak TLS"
	case errors.As(err, &alert):
		e.Reason = "it refused the TLS handshake: " + alert.Error()
	case errors.As(err, &name) && name.IsNotFound:
		e.Reason = "its name can't be found"
	case errors.As(err, &name):
		e.Reason = "its name can't be looked up"
	case errors.Is(err, syscall.ECONNREFUSED):
		e.Reason = "the connection was refused"
	case errors.As(err, &timeout) && timeout.Timeout():
		e.Kind, e.Reason = TimedOut, "the connection could not be made in time"
	case errors.As(err, &op):
		if errno, ok := errors.AsType[syscall.Errno](op.Err); ok {
			e.Reason = "the connection failed: " + errno.Error()
		}
	}
	return e
}

// at gives the error with a target, if it has none.
func (e *Error) at(target string) *Error {
	if e.Target != "" {
		return e
	}
	named := *e
	named.Target = target
	return &named
}

// origin is the scheme, host and port of a URL, which are no secret.
func origin(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return u.Scheme + "://" + net.JoinHostPort(strings.ToLower(strings.TrimSuffix(u.Hostname(), ".")), port)
}

// target is a URL's origin as people write it.
func target(r *http.Request) string {
	if r.URL == nil {
		return ""
	}
	return (&url.URL{Scheme: r.URL.Scheme, Host: r.URL.Host}).String()
}
