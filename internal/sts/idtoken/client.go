package idtoken

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"sync"
	"syscall"
	"time"
)

// Network says how providers are reached. The zero value reaches them by
// HTTPS, by the certificates that the system trusts, anywhere but on this
// machine.
type Network struct {
	// RootCAs are the certificates to trust instead of the system's; nil for
	// those (SystemCAsAnd adds to them).
	RootCAs *x509.CertPool
	// Loopback lets issuers be on this machine, and there by plain HTTP: for
	// tests and development.
	Loopback bool
}

// SystemCAsAnd gives the certificates that the system trusts, and those in a
// PEM file besides.
func SystemCAsAnd(pem []byte) (*x509.CertPool, error) {
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool() // a system may have none
	}
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("it holds no certificate in PEM form")
	}
	return pool, nil
}

const (
	// maxAnswer is how many bytes a provider may answer.
	maxAnswer = 1 << 20
	// maxRedirects is how often a provider may point elsewhere.
	maxRedirects = 2
)

// client gets JSON from providers.
type client struct {
	http     http.Client
	loopback bool
	proxies  sync.Map // host:port of each proxy that was used
}

func newClient(n Network) *client {
	c := &client{loopback: n.Loopback}
	dialer := &net.Dialer{Timeout: 3 * time.Second, ControlContext: c.control}
	c.http = http.Client{
		Transport: &http.Transport{
			Proxy: c.proxy,
			DialContext: func(ctx context.Context, network, addr string) (net.Conn, error) {
				return dialer.DialContext(c.aimed(ctx, addr), network, addr)
			},
			TLSClientConfig:        &tls.Config{RootCAs: n.RootCAs, MinVersion: tls.VersionTLS12},
			TLSHandshakeTimeout:    3 * time.Second,
			ResponseHeaderTimeout:  4 * time.Second,
			MaxResponseHeaderBytes: 64 << 10,
			MaxIdleConns:           16, IdleConnTimeout: time.Minute,
			DisableCompression: true, // a small answer stays small
			ForceAttemptHTTP2:  true,
		},
		CheckRedirect: func(r *http.Request, via []*http.Request) error {
			if len(via) > maxRedirects {
				return fmt.Errorf("more than %d redirections", maxRedirects)
			}
			return c.allowed(r.URL)
		},
	}
	return c
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

// proxy is the proxy that the environment names for a request, if it does.
func (c *client) proxy(r *http.Request) (*url.URL, error) {
	u, err := http.ProxyFromEnvironment(r)
	if u != nil {
		port := u.Port()
		if port == "" {
			port = map[string]string{"http": "80", "https": "443", "socks5": "1080", "socks5h": "1080"}[u.Scheme]
		}
		c.proxies.Store(net.JoinHostPort(u.Hostname(), port), true)
	}
	return u, err
}

// toProxy marks the context of a connection to a proxy.
type toProxy struct{}

func (c *client) aimed(ctx context.Context, addr string) context.Context {
	if _, ok := c.proxies.Load(addr); ok {
		return context.WithValue(ctx, toProxy{}, true)
	}
	return ctx
}

// control refuses addresses that no provider has: this machine's own, those
// that are valid on one link only, where clouds keep the credentials of their
// machines, and those of nobody and of many. It sees the address itself, so a
// name that leads there does not help. The operator's proxy may be anywhere.
func (c *client) control(ctx context.Context, _, address string, _ syscall.RawConn) error {
	if ctx.Value(toProxy{}) != nil {
		return nil
	}
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return err
	}
	ip := at.Addr().Unmap()
	switch {
	case ip.IsLoopback() && !c.loopback, ip.IsLinkLocalUnicast(), ip.IsUnspecified(), ip.IsMulticast(), ip == netip.AddrFrom4([4]byte{255, 255, 255, 255}):
		return fmt.Errorf("no provider is asked at %s", ip)
	}
	return nil
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
	res, err := c.http.Do(r)
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
	body, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("%w: read %s: %w", ErrUnreachable, from, err)
	}
	if len(body) > maxAnswer {
		return fmt.Errorf("%w: the answer of %s is larger than %d bytes", ErrKey, from, maxAnswer)
	}
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("%w: read %s: %w", ErrKey, from, err)
	}
	return nil
}
