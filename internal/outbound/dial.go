package outbound

import (
	"bufio"
	"cmp"
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// dialer makes connections to targets and to proxies.
type dialer struct {
	profile  Profile
	limit    time.Duration
	resolver *net.Resolver
	tls      *tls.Config
	asked    atomic.Uint32 // how often a resolver of the profile was
}

func newDialer(p Profile, l Limits, resolver *net.Resolver, config *tls.Config) *dialer {
	d := &dialer{profile: p, limit: l.Dial, resolver: resolver, tls: config}
	if resolver == nil && len(p.Resolvers) > 0 {
		d.resolver = &net.Resolver{PreferGo: true, Dial: d.ask}
	}
	return d
}

// ask connects to one of the profile's DNS servers, whichever of the system's
// would have been asked. It takes the next one each time, for over UDP nothing
// shows that a server is not there but that its answer does not come.
func (d *dialer) ask(ctx context.Context, network, _ string) (net.Conn, error) {
	servers := d.profile.Resolvers
	server := servers[int(d.asked.Add(1)-1)%len(servers)]
	if r := d.profile.Allowed.Check(server); r != "" {
		return nil, refuse("its name can't be looked up, for a DNS resolver of the network profile is %s that is not allowed", r)
	}
	out := net.Dialer{Timeout: d.limit, LocalAddr: d.source(network)}
	return out.DialContext(ctx, network, net.JoinHostPort(server.String(), "53"))
}

func (d *dialer) source(network string) net.Addr {
	switch {
	case !d.profile.Source.IsValid():
		return nil
	case strings.HasPrefix(network, "udp"):
		return &net.UDPAddr{IP: d.profile.Source.AsSlice()}
	default:
		return &net.TCPAddr{IP: d.profile.Source.AsSlice()}
	}
}

// family narrows a network to that of the source address.
func (d *dialer) family(network string) string {
	switch {
	case network != "tcp" || !d.profile.Source.IsValid():
		return network
	case d.profile.Source.Is4():
		return "tcp4"
	default:
		return "tcp6"
	}
}

// direct connects to a target. The address is checked when all is known, right
// before the first packet: whatever the name meant before does not count.
func (d *dialer) direct(ctx context.Context, network, address string, request bool) (net.Conn, error) {
	out := net.Dialer{
		Timeout: d.limit, Resolver: d.resolver, LocalAddr: d.source(network),
		ControlContext: func(_ context.Context, _, address string, _ syscall.RawConn) error {
			at, err := netip.ParseAddrPort(address)
			if err != nil {
				return refuse("it leads to no address")
			}
			if e := d.profile.port(at.Port(), request); e != nil {
				return e
			}
			if r := d.profile.Allowed.Check(at.Addr()); r != "" {
				return notAllowed(r)
			}
			return nil
		},
	}
	return out.DialContext(ctx, d.family(network), address)
}

// toProxy connects to a proxy, which may be anywhere.
func (d *dialer) toProxy(ctx context.Context, network, address string) (net.Conn, error) {
	out := net.Dialer{Timeout: d.limit, LocalAddr: d.source(network)}
	conn, err := out.DialContext(ctx, d.family(network), address)
	if err != nil {
		e := shape(ctx, "", err)
		e.Reason = "the forward proxy can't be reached: " + e.Reason
		return nil, e
	}
	return conn, nil
}

// behind judges a target that a proxy will connect to: by its name, and by
// what the name leads to as seen from here.
func (d *dialer) behind(ctx context.Context, host string) error {
	if r := d.profile.Allowed.CheckHost(host); r != "" {
		return notAllowed(r)
	}
	if _, err := netip.ParseAddr(host); err == nil || d.profile.ProxyResolves {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, d.limit)
	defer cancel()
	addresses, err := cmp.Or(d.resolver, net.DefaultResolver).LookupNetIP(ctx, "ip", host)
	if err != nil {
		return err
	}
	for _, a := range addresses {
		if r := d.profile.Allowed.Check(a); r != "" {
			return notAllowed(r)
		}
	}
	return nil
}

// through connects to a target through a proxy, by CONNECT.
func (d *dialer) through(ctx context.Context, proxy *url.URL, address string) (net.Conn, error) {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return nil, refuse("it isn't a host and a port")
	}
	if err := d.behind(ctx, host); err != nil {
		return nil, err
	}
	at := net.JoinHostPort(proxy.Hostname(), cmp.Or(proxy.Port(), map[string]string{"http": "80", "https": "443"}[proxy.Scheme]))
	conn, err := d.toProxy(ctx, "tcp", at)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()
	_ = conn.SetDeadline(time.Now().Add(d.limit)) //nolint:forbidigo // a limit of the network's, in real time
	through, err := d.connect(ctx, conn, proxy, address)
	if err == nil && !stop() {
		err = ctx.Err()
	}
	if err != nil {
		_ = conn.Close()
		return nil, err
	}
	_ = conn.SetDeadline(time.Time{})
	return through, nil
}

// connect asks the proxy at the other end for a way to a target.
func (d *dialer) connect(ctx context.Context, conn net.Conn, proxy *url.URL, address string) (net.Conn, error) {
	if proxy.Scheme == "https" {
		config := d.tls.Clone()
		config.ServerName = proxy.Hostname()
		secure := tls.Client(conn, config)
		if err := secure.HandshakeContext(ctx); err != nil {
			return nil, err
		}
		conn = secure
	}
	r := &http.Request{Method: http.MethodConnect, URL: &url.URL{Opaque: address}, Host: address, Header: make(http.Header)}
	if a := authorization(proxy); a != "" {
		r.Header.Set("Proxy-Authorization", a)
	}
	if err := r.Write(conn); err != nil {
		return nil, err
	}
	in := bufio.NewReader(conn)
	res, err := http.ReadResponse(in, r)
	if err != nil {
		return nil, err
	}
	_ = res.Body.Close()
	if err := proxyAnswer(res); err != nil {
		return nil, err
	}
	if in.Buffered() > 0 { // a server that speaks first
		return &buffered{conn, in}, nil
	}
	return conn, nil
}

// buffered is a connection of which something was read already.
type buffered struct {
	net.Conn
	in *bufio.Reader
}

// Read reads what was read already, and then on.
func (b *buffered) Read(p []byte) (int, error) { return b.in.Read(p) }

func authorization(proxy *url.URL) string {
	if proxy.User == nil {
		return ""
	}
	password, _ := proxy.User.Password()
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(proxy.User.Username()+":"+password))
}

func proxyAnswer(res *http.Response) error {
	if res.StatusCode == http.StatusOK {
		return nil
	}
	return &Error{Kind: Unreachable, Reason: "the forward proxy answered " + strconv.Itoa(res.StatusCode)}
}

var errNoTCP = errors.New("only TCP leaves the house")

// Dial connects to a host and port that speak something other than HTTP. The
// profile is kept to in the same way.
func (c *Client) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := c.dial(ctx, network, address)
	if err != nil {
		return nil, shape(ctx, address, err)
	}
	return conn, nil
}

func (c *Client) dial(ctx context.Context, network, address string) (net.Conn, error) {
	if !strings.HasPrefix(network, "tcp") {
		return nil, &Error{Kind: Refused, Reason: errNoTCP.Error(), cause: errNoTCP}
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, refuse("it isn't a host and a port")
	}
	if !strings.Contains(host, ":") {
		if err := checkHost(host); err != nil {
			return nil, refuse("%v", err)
		}
	}
	n, err := strconv.ParseUint(port, 10, 16)
	if err != nil || n == 0 {
		return nil, refuse("its port must be a number from 1 to 65535")
	}
	if e := c.dialer.profile.port(uint16(n), false); e != nil {
		return nil, e
	}
	proxy, err := c.dialer.profile.proxy(&http.Request{URL: &url.URL{Scheme: "https", Host: address}})
	if err != nil {
		return nil, err
	}
	if proxy != nil {
		return c.dialer.through(ctx, proxy, address)
	}
	return c.dialer.direct(ctx, network, address, false)
}
