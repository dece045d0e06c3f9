package idtoken

import (
	"context"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"onsight/internal/outbound"
)

// Network says how providers are reached. The zero value reaches them by
// HTTPS, by the certificates that the system trusts, anywhere but on this
// machine.
type Network struct {
	// RootCAs are the certificates to trust instead of the system's; nil for
	// those (outbound.SystemCAsAnd adds to them).
	RootCAs *x509.CertPool
	// Loopback lets issuers be on this machine, and there by plain HTTP: for
	// tests and development.
	Loopback bool
}

const (
	// maxAnswer is how many bytes a provider may answer.
	maxAnswer = 1 << 20
	// maxRedirects is how often a provider may point elsewhere.
	maxRedirects = 2
)

// client gets JSON from providers.
type client struct {
	http     *outbound.Client
	loopback bool
}

// newClient makes one that goes where a company may have its provider: also to
// private addresses, and by the proxy that the environment names.
func newClient(n Network) *client {
	p := outbound.Profile{
		Name: "identity providers", RootCAs: n.RootCAs, Allowed: outbound.PrivateRanges(), Plain: n.Loopback,
		ProxyFromEnvironment: true, ProxyResolves: true,
	}
	if n.Loopback {
		p.Allowed = append(p.Allowed, outbound.LoopbackRanges()...)
	}
	limits := outbound.Limits{Dial: 3 * time.Second, TLS: 3 * time.Second, Header: 4 * time.Second, Body: maxAnswer}
	return &client{http: outbound.New(outbound.Config{Profile: p, Limits: limits}), loopback: n.Loopback}
}

// allowed says whether a provider may be asked at a URL.
func (c *client) allowed(u *url.URL) error {
	if u.Scheme == "https" && u.Host != "" || c.loopback && u.Scheme == "http" && isLoopback(u.Hostname()) {
		return nil
	}
	return fmt.Errorf("%s is not an https:// URL", u.Redacted())
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// get reads the JSON at a URL. It fails with ErrUnreachable where that may pass,
// and with ErrKey otherwise.
func (c *client) get(ctx context.Context, from string, into any) error {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, from, nil)
	if err == nil {
		err = c.allowed(r.URL)
	}
	if err != nil {
		return fmt.Errorf("%w: %w", ErrKey, err)
	}
	r.Header.Set("Accept", "application/json")
	r.Header.Set("User-Agent", "Onsight")
	res, err := c.http.Follow(r, maxRedirects, c.allowed)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK {
		reason := ErrKey
		if res.StatusCode >= http.StatusInternalServerError || res.StatusCode == http.StatusTooManyRequests {
			reason = ErrUnreachable
		}
		return fmt.Errorf("%w: %s answers %s", reason, from, res.Status)
	}
	body, err := io.ReadAll(res.Body)
	if e, ok := errors.AsType[*outbound.Error](err); ok && e.Kind == outbound.TooLarge {
		return fmt.Errorf("%w: %w", ErrKey, err)
	}
	if err != nil {
		return fmt.Errorf("%w: read %s: %w", ErrUnreachable, from, err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%w: read %s: %w", ErrKey, from, err)
	}
	return nil
}
