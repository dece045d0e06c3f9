package outbound

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/pem"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// names is a resolver that answers what a test says: for each name the
// addresses of the first question, of the second, and so on; the last stay.
type names struct {
	mu    sync.Mutex
	of    map[string][][]string
	asked map[string]int
}

func resolver(of map[string][][]string) *net.Resolver {
	n := &names{of: of, asked: make(map[string]int)}
	return &net.Resolver{PreferGo: true, Dial: func(context.Context, string, string) (net.Conn, error) {
		here, there := net.Pipe()
		go n.serve(there)
		return here, nil
	}}
}

// serve answers one connection, as DNS over TCP.
func (n *names) serve(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	for {
		var size [2]byte
		if _, err := io.ReadFull(conn, size[:]); err != nil {
			return
		}
		q := make([]byte, binary.BigEndian.Uint16(size[:]))
		if _, err := io.ReadFull(conn, q); err != nil {
			return
		}
		a := n.answer(q)
		if _, err := conn.Write(append(binary.BigEndian.AppendUint16(nil, uint16(len(a))), a...)); err != nil {
			return
		}
	}
}

// answer makes the answer to a question for A or AAAA (RFC 1035).
func (n *names) answer(q []byte) []byte {
	at, name := 12, ""
	for q[at] != 0 {
		name += string(q[at+1:at+1+int(q[at])]) + "."
		at += 1 + int(q[at])
	}
	name = strings.ToLower(strings.TrimSuffix(name, "."))
	kind := binary.BigEndian.Uint16(q[at+1:])
	question := q[12 : at+5]
	n.mu.Lock()
	answers, known := n.of[name]
	var found []netip.Addr
	if known {
		turn := n.asked[name]
		if kind == 1 { // both kinds are asked for at once; A counts
			n.asked[name]++
		}
		for _, s := range answers[min(turn, len(answers)-1)] {
			if a := netip.MustParseAddr(s); a.Is4() == (kind == 1) {
				found = append(found, a)
			}
		}
	}
	n.mu.Unlock()
	code := byte(0)
	if !known {
		code = 3 // NXDOMAIN
	}
	out := append([]byte{q[0], q[1], 0x81, 0x80 | code, 0, 1, 0, byte(len(found)), 0, 0, 0, 0}, question...)
	for _, a := range found {
		raw := a.AsSlice()
		out = append(out, 0xc0, 12, byte(kind>>8), byte(kind), 0, 1, 0, 0, 0, 0, 0, byte(len(raw)))
		out = append(out, raw...)
	}
	return out
}

// site is a server on loopback that counts the connections to it.
type site struct {
	*httptest.Server
	connections atomic.Int32
	requests    atomic.Int32
}

func serve(tb testing.TB, secure bool, answer http.HandlerFunc) *site {
	tb.Helper()
	s := &site{}
	if answer == nil {
		answer = func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("fine")) }
	}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.requests.Add(1)
		answer(w, r)
	}))
	s.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			s.connections.Add(1)
		}
	}
	if secure {
		s.EnableHTTP2 = true
		s.StartTLS()
	} else {
		s.Start()
	}
	tb.Cleanup(s.Close)
	return s
}

// port is the port that a site listens on.
func (s *site) port() string {
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	return port
}

// open is a profile that reaches sites.
func open(tb testing.TB, trusted ...*site) Profile {
	tb.Helper()
	p := Profile{Name: "test", Allowed: LoopbackRanges(), Plain: true}
	var text []byte
	for _, s := range trusted {
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})...)
	}
	if text != nil {
		var err error
		if p.RootCAs, err = SystemCAsAnd(text); err != nil {
			tb.Fatal(err)
		}
	}
	return p
}

func get(tb testing.TB, url string) *http.Request {
	tb.Helper()
	r, err := http.NewRequestWithContext(tb.Context(), http.MethodGet, url, nil)
	if err != nil {
		tb.Fatal(err)
	}
	return r
}

// text reads an answer.
func text(tb testing.TB, res *http.Response, err error) string {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		tb.Fatal(err)
	}
	return string(b)
}

// proxy is a forward proxy on loopback: CONNECT, and plain requests. It tells
// which targets it was asked for.
type proxy struct {
	*httptest.Server
	mu      sync.Mutex
	targets []string
	// to is where it connects, whatever the target; empty is the target.
	to string
	// user is the Proxy-Authorization that it wants.
	user string
}

func forward(tb testing.TB) *proxy {
	tb.Helper()
	p := &proxy{}
	p.Server = httptest.NewServer(p)
	tb.Cleanup(p.Close)
	return p
}

func (p *proxy) seen() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.targets...)
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	p.targets = append(p.targets, r.Host)
	p.mu.Unlock()
	if p.user != "" && r.Header.Get("Proxy-Authorization") != p.user {
		w.WriteHeader(http.StatusProxyAuthRequired)
		return
	}
	if r.Method != http.MethodConnect {
		_, _ = w.Write([]byte("by proxy: " + r.URL.String()))
		return
	}
	to := p.to
	if to == "" {
		to = r.Host
	}
	var d net.Dialer
	there, err := d.DialContext(r.Context(), "tcp", to)
	if err != nil {
		w.WriteHeader(http.StatusBadGateway)
		return
	}
	here, in, err := http.NewResponseController(w).Hijack()
	if err != nil {
		_ = there.Close()
		return
	}
	_, _ = here.Write([]byte("HTTP/1.1 200 OK\r\n\r\n"))
	go func() {
		_, _ = io.Copy(there, in)
		_ = there.Close()
	}()
	_, _ = io.Copy(here, bufio.NewReader(there))
	_ = here.Close()
}
