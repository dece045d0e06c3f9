package outbound

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// refusal makes a call that must be refused, and gives the error.
func refusal(t *testing.T, c *Client, address string) *Error {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	r := (&http.Request{Method: http.MethodGet, URL: u, Header: make(http.Header)}).WithContext(t.Context())
	res, err := c.Do(r)
	if err == nil {
		_ = res.Body.Close()
		t.Fatalf("%s is answered: %s", address, res.Status)
	}
	e, ok := errors.AsType[*Error](err)
	if !ok || e.Kind != Refused {
		t.Fatalf("%s: %v, want it refused", address, err)
	}
	return e
}

// Ways to say 127.0.0.1, and to have one's request sent where it must not go.
func TestTricks(t *testing.T) {
	t.Parallel()
	victim := serve(t, false, nil)
	secure := serve(t, true, nil)
	c := New(Config{Profile: Profile{Plain: true}, Resolver: resolver(map[string][][]string{
		"rebound.example": {{"127.0.0.1"}}, "six.example": {{"::1"}}, "mapped.example": {{"::ffff:127.0.0.1"}},
		"nat.example": {{"64:ff9b::7f00:1"}}, "meta.example": {{"169.254.169.254"}}, "both.example": {{"10.0.0.1", "127.0.0.1"}},
		"any.example": {{"0.0.0.0"}}, "any6.example": {{"::"}},
	})})
	port := victim.port()
	for _, host := range []string{
		"127.0.0.1", "127.0.0.1.", "127.1", "127.0.1", "2130706433", "0x7f000001", "0x7f.0.0.1", "0177.0.0.1", "017700000001", "127.000.000.001",
		"localhost", "localhost.", "LocalHost", "x.localhost", "0.0.0.0", "0", "[::]", "[::1]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
		"[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[0:0:0:0:0:ffff:7f00:0001]", "[fe80::1%25lo]", "[::1%25lo]",
		"rebound.example", "rebound.example.", "REBOUND.example", "six.example", "mapped.example", "nat.example", "meta.example", "both.example",
		"any.example", "any6.example", "①②⑦.⓪.⓪.①", "127。0。0。1", "rebound.example%00.org", "user@127.0.0.1", "user:pass@127.0.0.1",
		"a..example", ".", "", "169.254.169.254", "[fd00:ec2::254]", "metadata.google.internal", "metadata.google.internal.", "100.100.100.200",
	} {
		for _, scheme := range []string{"http", "https"} {
			u, err := url.Parse(scheme + "://" + host + ":" + port + "/latest/meta-data")
			if err != nil {
				continue // nobody can ask for it
			}
			e := refusal(t, c, u.String())
			if strings.Contains(e.Error(), ":pass") || strings.Contains(e.Error(), "meta-data") {
				t.Errorf("the error gives away more than the target: %v", e)
			}
		}
	}
	for _, address := range []string{
		"ftp://example.com/", "file:///etc/passwd", "gopher://127.0.0.1:6379/_x", "//example.com/", "/path", "https:opaque", "unix:///run/x.sock",
		"https://example.com:0/", "https://example.com:65536/", "https://example.com:/", "https://example.com:22/", "http://example.com:6379/",
	} {
		u, err := url.Parse(address)
		if err == nil {
			_ = refusal(t, c, u.String())
		}
	}
	// Nor does TLS make a difference, or a client of net/http around it.
	_ = refusal(t, c, secure.URL)
	if _, err := c.HTTP().Do(get(t, "http://rebound.example:"+port)); err == nil {
		t.Error("a client of net/http reaches it")
	}
	if conn, err := c.Dial(t.Context(), "tcp", "rebound.example:"+port); err == nil {
		_ = conn.Close()
		t.Error("a bare connection reaches it")
	}
	if n := victim.connections.Load() + secure.connections.Load(); n != 0 {
		t.Errorf("%d connections reached the victim", n)
	}
}

// A name that leads to an allowed address first, and elsewhere then.
func TestRebinding(t *testing.T) {
	t.Parallel()
	var listening net.ListenConfig
	fine, err := listening.Listen(t.Context(), "tcp", "127.0.0.2:0")
	if err != nil {
		t.Skip("this system has one loopback address only")
	}
	_, port, _ := net.SplitHostPort(fine.Addr().String())
	victim, err := listening.Listen(t.Context(), "tcp", "127.0.0.1:"+port)
	if err != nil {
		t.Skip("the port is taken")
	}
	serveOn := func(l net.Listener, text string) {
		s := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }), ReadHeaderTimeout: time.Second}
		go func() { _ = s.Serve(l) }()
		t.Cleanup(func() { _ = s.Close() })
	}
	serveOn(fine, "fine")
	serveOn(victim, "secret")
	c := New(Config{
		Profile:  Profile{Plain: true, Allowed: Ranges(prefixes("127.0.0.2/32"))},
		Resolver: resolver(map[string][][]string{"turning.example": {{"127.0.0.2"}, {"127.0.0.1"}}}),
	})
	address := "http://turning.example:" + port
	res, err := c.Do(get(t, address))
	if got := text(t, res, err); got != "fine" {
		t.Fatalf("first: %q", got)
	}
	c.Close() // the next one needs a new connection, and looks the name up again
	_ = refusal(t, c, address)
}

func TestRedirects(t *testing.T) {
	t.Parallel()
	var heard http.Header
	other := serve(t, false, func(w http.ResponseWriter, r *http.Request) {
		heard = r.Header.Clone()
		_, _ = w.Write([]byte("other " + r.Method))
	})
	first := serve(t, false, func(w http.ResponseWriter, r *http.Request) {
		code := http.StatusFound
		to := r.URL.Query().Get("to")
		if r.URL.Query().Has("keep") {
			code = http.StatusTemporaryRedirect
		}
		if to == "" {
			heard = r.Header.Clone()
			b, _ := io.ReadAll(r.Body)
			_, _ = w.Write([]byte("here " + r.Method + string(b)))
			return
		}
		w.Header().Set("Location", to)
		w.WriteHeader(code)
	})
	c := New(Config{Profile: open(t)})
	ask := func(method, to, more, body string) *http.Request {
		r, err := http.NewRequestWithContext(t.Context(), method, first.URL+"/?to="+url.QueryEscape(to)+more, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]string{"Authorization": "Bearer s3cret", "X-Api-Key": "s3cret", "Cookie": "s=s3cret", "X-Amz-Security-Token": "s3cret", "Accept": "text/plain"} {
			r.Header.Set(name, value)
		}
		return r
	}
	// Not followed unless asked.
	res, err := c.Do(ask(http.MethodGet, other.URL, "", ""))
	if text(t, res, err); res.StatusCode != http.StatusFound || other.requests.Load() != 0 {
		t.Errorf("followed without being asked: %s", res.Status)
	}
	res, err = c.HTTP().Do(ask(http.MethodGet, other.URL, "", ""))
	if text(t, res, err); res.StatusCode != http.StatusFound {
		t.Errorf("the client of net/http follows: %s", res.Status)
	}
	// Within the origin all stays; elsewhere nothing secret goes.
	res, err = c.Follow(ask(http.MethodGet, "/?", "", ""), 3, nil)
	if got := text(t, res, err); got != "here GET" || heard.Get("X-Api-Key") != "s3cret" {
		t.Errorf("same origin: %q, %v", got, heard)
	}
	res, err = c.Follow(ask(http.MethodPost, "/?", "&keep", "body"), 3, nil)
	if got := text(t, res, err); got != "here POSTbody" {
		t.Errorf("307 within the origin: %q", got)
	}
	res, err = c.Follow(ask(http.MethodPost, other.URL, "", "body"), 3, nil)
	if got := text(t, res, err); got != "other GET" {
		t.Errorf("302 of a POST: %q", got)
	}
	for name, values := range heard {
		if strings.Contains(strings.Join(values, " "), "s3cret") {
			t.Errorf("%s was sent to another origin", name)
		}
	}
	if heard.Get("Accept") != "text/plain" {
		t.Error("Accept was not sent on")
	}
	// What is refused: bodies elsewhere, too many, what the caller refuses, metadata, other schemes.
	before := other.requests.Load()
	for name, x := range map[string]struct {
		r       *http.Request
		allowed Hop
		want    string
	}{
		"body elsewhere":  {ask(http.MethodPost, other.URL, "&keep", "body"), nil, "another origin"},
		"too many":        {ask(http.MethodGet, first.URL+"/?to="+url.QueryEscape("/?to=/?to=%2F"), "", ""), nil, "once too often"},
		"caller refuses":  {ask(http.MethodGet, other.URL, "", ""), func(*url.URL) error { return errors.New("not there") }, "not there"},
		"metadata":        {ask(http.MethodGet, "http://169.254.169.254/latest/meta-data/iam", "", ""), nil, "credentials"},
		"metadata by v6":  {ask(http.MethodGet, "http://[::ffff:a9fe:a9fe]/", "", ""), nil, "credentials"},
		"file":            {ask(http.MethodGet, "file:///etc/passwd", "", ""), nil, "scheme"},
		"user name":       {ask(http.MethodGet, "http://a:b@"+strings.TrimPrefix(other.URL, "http://"), "", ""), nil, "user name"},
		"no URL":          {ask(http.MethodGet, "http://[::1", "", ""), nil, "isn't a URL"},
		"port of Redis":   {ask(http.MethodGet, "http://127.0.0.1:6379/", "", ""), nil, "port 6379"},
		"not a number":    {ask(http.MethodGet, "http://0x7f000001/", "", ""), nil, "number"},
		"private address": {ask(http.MethodGet, "http://10.0.0.1/", "", ""), nil, "private"},
	} {
		res, err := c.Follow(x.r, 1, x.allowed)
		if err == nil {
			_ = res.Body.Close()
		}
		e, ok := errors.AsType[*Error](err)
		if !ok || e.Kind != Refused || !strings.Contains(e.Error(), x.want) {
			t.Errorf("%s: %v, want it refused: %s", name, err, x.want)
		}
	}
	if other.requests.Load() != before {
		t.Error("a refused redirect was followed")
	}
	// HTTPS never leads to HTTP.
	secure := serve(t, true, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Location", other.URL)
		w.WriteHeader(http.StatusMovedPermanently)
	})
	if _, err := New(Config{Profile: open(t, secure)}).Follow(get(t, secure.URL), 3, nil); err == nil || !strings.Contains(err.Error(), "isn't https") {
		t.Errorf("from HTTPS to HTTP: %v", err)
	}
}

func TestTLS(t *testing.T) {
	t.Parallel()
	s := serve(t, true, nil)
	p := open(t)
	res, err := New(Config{Profile: p}).Do(get(t, s.URL+"/?token=s3cret"))
	if e, ok := errors.AsType[*Error](err); !ok || e.Kind != Untrusted || strings.Contains(err.Error(), "s3cret") {
		t.Errorf("unknown authority: %v, %v", res, err)
	}
	res, err = New(Config{Profile: open(t, s)}).Do(get(t, s.URL))
	if got := text(t, res, err); got != "fine" || res.ProtoMajor != 2 {
		t.Errorf("trusted: %q by %s", got, res.Proto)
	}
	plain := serve(t, false, nil)
	if _, err := New(Config{Profile: p}).Do(get(t, strings.Replace(plain.URL, "http", "https", 1))); err == nil || !strings.Contains(err.Error(), "TLS") {
		t.Errorf("a server without TLS: %v", err)
	}
	// By default there is no plain HTTP.
	_ = refusal(t, New(Config{Profile: Profile{Allowed: LoopbackRanges()}}), plain.URL)
	if _, err := SystemCAsAnd([]byte("no certificate")); err == nil {
		t.Error("a file without certificates is taken")
	}
}

func TestLimits(t *testing.T) {
	t.Parallel()
	release := make(chan struct{})
	t.Cleanup(func() { close(release) })
	s := serve(t, false, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/large":
			_, _ = w.Write(bytes.Repeat([]byte("x"), 1001))
		case "/fits":
			_, _ = w.Write(bytes.Repeat([]byte("x"), 1000))
		case "/bomb":
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_, _ = z.Write(bytes.Repeat([]byte("x"), 1<<20))
			_ = z.Close()
		case "/chunks":
			for range 11 {
				_, _ = w.Write(bytes.Repeat([]byte("x"), 100))
				w.(http.Flusher).Flush()
			}
		case "/silent":
			select {
			case <-release:
			case <-r.Context().Done():
			}
		case "/slow":
			_, _ = w.Write([]byte("begun"))
			w.(http.Flusher).Flush()
			select {
			case <-release:
			case <-r.Context().Done():
			}
		}
	})
	c := New(Config{Profile: open(t), Limits: Limits{Body: 1000, Header: time.Minute, Whole: time.Minute}})
	for path, want := range map[string]string{"/fits": "", "/large": "larger than 1000 bytes", "/bomb": "larger than 1000 bytes", "/chunks": "larger than 1000 bytes"} {
		res, err := c.Do(get(t, s.URL+path))
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if len(b) > 1000 || (want == "") != (err == nil) || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %d bytes, %v", path, len(b), err)
		}
		if e, ok := errors.AsType[*Error](err); err != nil && (!ok || e.Kind != TooLarge) {
			t.Errorf("%s: %#v", path, err)
		}
	}
	if _, err := c.With(Limits{Header: 20 * time.Millisecond}).Do(get(t, s.URL+"/silent")); err == nil || !err.(*Error).Timeout() || !strings.Contains(err.Error(), "20ms") { //nolint:errorlint // it is one
		t.Errorf("no header: %v", err)
	}
	res, err := c.With(Limits{Whole: 100 * time.Millisecond}).Do(get(t, s.URL+"/slow"))
	if err != nil {
		t.Fatal(err)
	}
	_, err = io.ReadAll(res.Body)
	_ = res.Body.Close()
	if e, ok := errors.AsType[*Error](err); !ok || e.Kind != TimedOut || !strings.Contains(e.Reason, "100ms") {
		t.Errorf("no end: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Do(get(t, s.URL).WithContext(ctx)); !errors.Is(err, context.Canceled) || err.(*Error).Kind != Cancelled { //nolint:errorlint // it is one
		t.Errorf("given up: %v", err)
	}
}

func TestRetries(t *testing.T) {
	t.Parallel()
	var answers []int
	after := ""
	s := serve(t, false, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		code := http.StatusOK
		if len(answers) > 0 {
			code, answers = answers[0], answers[1:]
			w.Header().Set("Retry-After", after)
		}
		if code == 0 {
			panic(http.ErrAbortHandler)
		}
		w.WriteHeader(code)
		_, _ = w.Write(b)
	})
	s.Config.ErrorLog = nil
	var slept []time.Duration
	c := New(Config{Profile: open(t), Attempts: 3, Sleep: func(_ context.Context, d time.Duration) error {
		slept = append(slept, d)
		return nil
	}})
	post := func(ctx context.Context) *http.Request {
		r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL, strings.NewReader("body"))
		if err != nil {
			t.Fatal(err)
		}
		return r
	}
	for name, x := range map[string]struct {
		r       *http.Request
		answers []int
		after   string
		status  int
		tries   int32
	}{
		"comes back":      {get(t, s.URL), []int{503, 429}, "", 200, 3},
		"stays away":      {get(t, s.URL), []int{503, 503, 502, 500}, "", 502, 3},
		"not for others":  {get(t, s.URL), []int{500, 200}, "", 500, 1},
		"not for POST":    {post(t.Context()), []int{503, 200}, "", 503, 1},
		"POST, marked":    {post(Repeatable(t.Context())), []int{503}, "", 200, 2},
		"connection lost": {get(t, s.URL), []int{0}, "", 200, 2},
		"asked to wait":   {get(t, s.URL), []int{429}, "7", 200, 2},
		"asked too much":  {get(t, s.URL), []int{429}, "3600", 429, 1},
	} {
		answers, after, slept = x.answers, x.after, nil
		before := s.requests.Load()
		res, err := c.Do(x.r)
		text(t, res, err)
		if n := s.requests.Load() - before; res.StatusCode != x.status || n != x.tries || len(slept) != int(x.tries)-1 && name != "connection lost" {
			t.Errorf("%s: %s after %d requests and %v", name, res.Status, n, slept)
		}
		for _, d := range slept {
			if x.after == "7" && d < 7*time.Second || d > maxPause {
				t.Errorf("%s: slept %s", name, d)
			}
		}
	}
	now := time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC)
	for text, want := range map[string]time.Duration{"": 0, "x": 0, "-1": 0, "5": 5 * time.Second, "Mon, 04 May 2026 03:02:11 GMT": 10 * time.Second, "Mon, 04 May 2020 03:02:11 GMT": 0} {
		if got := RetryAfter(&http.Response{Header: http.Header{"Retry-After": {text}}}, now); got != want {
			t.Errorf("Retry-After %q: %s, want %s", text, got, want)
		}
	}
}

func TestProxy(t *testing.T) {
	t.Parallel()
	s := serve(t, true, nil)
	p := forward(t)
	p.to = s.Listener.Addr().String()
	p.user = "Basic " + base64.StdEncoding.EncodeToString([]byte("onsight:s3cret"))
	at, _ := url.Parse(p.URL)
	at.User = url.UserPassword("onsight", "s3cret")
	profile := open(t, s)
	profile.Allowed, profile.Proxy = nil, at // the proxy itself may be on loopback, targets not
	c := New(Config{Profile: profile, Resolver: resolver(map[string][][]string{
		"example.com": {{"93.184.216.34"}}, "inner.example": {{"10.0.0.1"}}, "half.example": {{"93.184.216.34", "127.0.0.1"}},
	})})
	res, err := c.Do(get(t, "https://example.com/path"))
	if got := text(t, res, err); got != "fine" {
		t.Errorf("by proxy: %q", got)
	}
	res, err = c.Do(get(t, "http://example.com/path"))
	if got := text(t, res, err); got != "by proxy: http://example.com/path" {
		t.Errorf("by proxy, plain: %q", got)
	}
	conn, err := c.Dial(t.Context(), "tcp", "example.com:5432")
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	n := len(p.seen())
	if n != 3 || p.seen()[2] != "example.com:5432" {
		t.Errorf("the proxy was asked for %v", p.seen())
	}
	for _, host := range []string{"127.0.0.1", "localhost", "inner.example", "half.example", "169.254.169.254", "[::1]", at.Host, "0.0.0.0", "[::ffff:10.0.0.1]"} {
		_ = refusal(t, c, "https://"+host+"/")
		if conn, err := c.Dial(t.Context(), "tcp", strings.TrimSuffix(host, ":"+at.Port())+":443"); err == nil {
			_ = conn.Close()
			t.Errorf("a bare connection to %s is made", host)
		}
	}
	if _, err := c.Do(get(t, "https://nowhere.example/")); err == nil || !strings.Contains(err.Error(), "can't be found") {
		t.Errorf("a name that nobody knows: %v", err)
	}
	if len(p.seen()) != n {
		t.Errorf("the proxy was asked for %v", p.seen()[n:])
	}
	// A proxy that resolves is asked for names that are not known here.
	profile.ProxyResolves = true
	far := New(Config{Profile: profile, Resolver: resolver(nil)})
	res, err = far.Do(get(t, "https://example.com/"))
	text(t, res, err)
	_ = refusal(t, far, "https://127.0.0.1/")

	// What goes wrong names no password.
	at.User = url.UserPassword("onsight", "wr0ng")
	profile.Proxy = at
	wrong := New(Config{Profile: profile})
	for _, call := range []func() error{
		func() error {
			_, err := wrong.Do(get(t, "https://example.com/"))
			return err
		},
		func() error { _, err := wrong.Dial(t.Context(), "tcp", "example.com:443"); return err },
	} {
		if err := call(); err == nil || !strings.Contains(err.Error(), "the forward proxy answered 407") || strings.Contains(err.Error(), "wr0ng") {
			t.Errorf("wrong password: %v", err)
		}
	}
	p.Close()
	if _, err := wrong.Do(get(t, "https://example.com/")); err == nil || !strings.Contains(err.Error(), "the forward proxy can't be reached") {
		t.Errorf("no proxy: %v", err)
	}
}

func TestProfile(t *testing.T) {
	t.Parallel()
	from := make(chan string, 4)
	s := serve(t, false, func(_ http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		from <- host
	})
	p := open(t)
	p.Source = netip.MustParseAddr("127.0.0.9")
	res, err := New(Config{Profile: p}).Do(get(t, s.URL))
	if err != nil {
		t.Skipf("this system has one loopback address only: %v", err)
	}
	text(t, res, nil)
	if got := <-from; got != "127.0.0.9" {
		t.Errorf("the connection comes from %s", got)
	}
	p = open(t)
	p.Ports = []uint16{443}
	if e := refusal(t, New(Config{Profile: p}), s.URL); !strings.Contains(e.Error(), "port") {
		t.Errorf("another port: %v", e)
	}
	// Resolvers are asked only where they may be.
	p = Profile{Resolvers: []netip.Addr{netip.MustParseAddr("127.0.0.1")}}
	if _, err := New(Config{Profile: p}).Do(get(t, "https://example.com/")); err == nil || strings.Contains(err.Error(), "127.0.0.1") {
		t.Errorf("a resolver on loopback: %v", err)
	}

	var clients Clients
	one := Profile{Name: "a", Allowed: LoopbackRanges()}
	two := Profile{Name: "a", Allowed: PrivateRanges()}
	if clients.Of(one) != clients.Of(Profile{Name: "a", Allowed: LoopbackRanges()}) || clients.Of(one) == clients.Of(two) {
		t.Error("profiles and clients do not belong together")
	}
	clients.Close()
}

func TestDial(t *testing.T) {
	t.Parallel()
	s := serve(t, false, nil)
	c := New(Config{Profile: open(t)})
	conn, err := c.Dial(t.Context(), "tcp", s.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
	for _, x := range [][2]string{
		{"udp", "example.com:53"},
		{"unix", "/run/x"},
		{"tcp", "example.com"},
		{"tcp", "example.com:0"},
		{"tcp", "2130706433:80"},
		{"tcp", "10.0.0.1:80"},
		{"tcp", "example.com:http"},
		{"tcp", "0.0.0.0:80"},
		{"tcp", "[::]:80"},
		{"tcp", ":80"},
	} {
		_, err := c.Dial(t.Context(), x[0], x[1])
		if e, ok := errors.AsType[*Error](err); !ok || e.Kind != Refused {
			t.Errorf("%v: %v, want it refused", x, err)
		}
	}
	s.Close()
	if _, err := c.Dial(t.Context(), "tcp", s.Listener.Addr().String()); err == nil || !strings.Contains(err.Error(), "refused") {
		t.Errorf("nobody there: %v", err)
	}
}

// What the guard costs beside the transport that it is made of. The two take
// turns, so that whatever else the machine does meets both.
func BenchmarkGet(b *testing.B) {
	s := serve(b, false, nil)
	guarded, plain := New(Config{Profile: open(b)}), new(http.Transport)
	call := func(do func(*http.Request) (*http.Response, error)) time.Duration {
		begun := time.Now()
		res, err := do(get(b, s.URL))
		if err != nil {
			b.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		return time.Since(begun)
	}
	var took, beside []time.Duration
	for b.Loop() {
		took = append(took, call(guarded.Do))
		beside = append(beside, call(plain.RoundTrip))
	}
	slices.Sort(took)
	slices.Sort(beside)
	middle := len(took) / 2
	b.ReportMetric(float64(took[middle].Nanoseconds()), "guarded-ns")
	b.ReportMetric(float64(beside[middle].Nanoseconds()), "plain-ns")
	b.ReportMetric(float64(took[middle])/float64(beside[middle]), "ratio")
}

func BenchmarkCheck(b *testing.B) {
	a, all := netip.MustParseAddr("2606:4700::1111"), PrivateRanges()
	for b.Loop() {
		if all.Check(a) != "" {
			b.Fatal("refused")
		}
	}
}
