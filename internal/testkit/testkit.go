// Package testkit is the server inside a test, with a client that is typed by
// the same contract and signs like any other.
//
//	testkit.Each(t, func(t *testing.T, srv *testkit.Server) { // SQLite, then PostgreSQL
//		srv.Subscribe(t)
//		out, err := testkit.Call(t, srv, qs.DescribeUser, qs.DescribeUserRequest{…})
//	})
package testkit

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onsight/internal/access"
	"onsight/internal/app"
	"onsight/internal/config"
	"onsight/internal/contract"
	"onsight/internal/qs"
	"onsight/internal/sigv4"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
	"onsight/internal/wire"
)

// Account and Region are those of a Server's client at first.
const (
	Account = "111122223333"
	Region  = "us-east-1"
)

// Server is a running server, seen through one account and region.
type Server struct {
	// URL is the server's address.
	URL string
	// Account and Region are those that calls are signed for.
	Account, Region string
	// Log is everything that the server has logged.
	Log *Buffer

	app      *app.App
	deeds    *deeds
	settings config.Config
	stop     func()
	store    store.Config
	key      access.Credential
	token    string        // of the session that key belongs to
	shift    *atomic.Int64 // how far the clock runs ahead, in nanoseconds
}

// Option changes the settings of a server.
type Option func(*config.Config)

// Each runs a test on a server of its own with each database.
func Each(t *testing.T, test func(t *testing.T, srv *Server), options ...Option) {
	t.Helper()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			test(t, Start(t, storetest.Config(t, dialect), options...))
		})
	}
}

// Start starts a server on a store; it stops with the test.
func Start(t *testing.T, db store.Config, options ...Option) *Server {
	t.Helper()
	s := &Server{Account: Account, Region: Region, Log: &Buffer{}, store: db, shift: new(atomic.Int64), deeds: &deeds{}}
	c := config.Config{
		Data: t.TempDir(), Database: db.URL, Memory: db.Memory, Account: Account, Region: Region, PublicURL: "https://onsight.example.org",
		InvitationLife: 24 * time.Hour, ClockWindow: 5 * time.Minute,
		Agents: config.Agents{MCP: true, MCPListed: 100},
		SignIn: config.SignIn{PasswordMemory: 19, PasswordPasses: 2, SessionLife: 12 * time.Hour, SessionIdle: time.Hour, PasswordLinkLife: time.Hour},
	}
	if db.Dir != "" {
		c.Data = db.Dir
	}
	c.SealKeyFile = c.Data + "/seal.key"
	for _, o := range options {
		o(&c)
	}
	s.settings = c
	s.open(t)
	s.key = s.keyOf(t, Account)
	return s
}

func (s *Server) open(t *testing.T) {
	t.Helper()
	log := slog.New(slog.NewTextHandler(io.MultiWriter(s.Log, t.Output()), &slog.HandlerOptions{Level: slog.LevelDebug}))
	opened, err := app.Open(context.Background(), s.settings, app.Options{Log: log, Now: s.Now})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(opened.Handler)
	s.app, s.URL = opened, server.URL
	s.stop = sync.OnceFunc(func() {
		server.Close()
		s.deeds.check(t, opened)
		if err := opened.Close(context.Background()); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	t.Cleanup(s.stop)
}

// Restart stops the server and starts it again on the same store, with all that
// it keeps; At gives clients of the old one.
func (s *Server) Restart(t *testing.T) *Server {
	t.Helper()
	s.stop()
	again := *s
	again.open(t)
	return &again
}

// Now is the server's clock.
func (s *Server) Now() time.Time { return time.Now().Add(time.Duration(s.shift.Load())) }

// Advance moves the server's clock.
func (s *Server) Advance(d time.Duration) { s.shift.Add(int64(d)) }

// Store is the configuration of the server's database.
func (s *Server) Store() store.Config { return s.store }

// Dialect names the server's database, as the store does.
func (s *Server) Dialect() string {
	if s.store.URL != "" {
		return store.PostgreSQL
	}
	return store.SQLite
}

// Write changes the server's database, to bring about what no operation can, or
// to see what none shows.
func (s *Server) Write(t *testing.T, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := s.app.Store().Write(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
}

// As gives the server as the root of another account sees it.
func (s *Server) As(t *testing.T, account string) *Server {
	t.Helper()
	other := *s
	other.Account, other.key, other.token = account, s.keyOf(t, account), ""
	return &other
}

// With gives the server as the holder of an access key sees it; token is
// empty for the key of a user.
func (s *Server) With(accessKeyID, secret, token string) *Server {
	other := *s
	other.key, other.token = access.Credential{Account: s.Account, AccessKeyID: accessKeyID, SecretAccessKey: secret}, token
	return &other
}

// At gives another server as this client sees it.
func (s *Server) At(another *Server) *Server {
	other := *another
	other.Account, other.Region, other.key, other.token = s.Account, s.Region, s.key, s.token
	return &other
}

// SealKey makes a server seal with the keys of a file, as servers do that share
// a database.
func SealKey(file string) Option { return func(c *config.Config) { c.SealKeyFile = file } }

// In gives the server as a client of another region sees it.
func (s *Server) In(region string) *Server {
	other := *s
	other.Region = region
	return &other
}

func (s *Server) keyOf(t *testing.T, account string) access.Credential {
	t.Helper()
	key, _, err := s.app.Roots.Make(account)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// Subscribe subscribes the server's account with the ENTERPRISE edition and
// the authentication method IAM_AND_QUICKSIGHT.
func (s *Server) Subscribe(t *testing.T) {
	t.Helper()
	_, err := Call(t, s, qs.CreateAccountSubscription, qs.CreateAccountSubscriptionRequest{
		AwsAccountId: s.Account, AccountName: "account-" + s.Account, NotificationEmail: "admin@example.org",
		AuthenticationMethod: qs.AuthenticationMethodOptionIAMAndQuicksight,
	})
	if err != nil {
		t.Fatalf("subscribe %s: %v", s.Account, err)
	}
}

// Call makes a call of any of the services, signed unless the operation's
// callers do not sign. The error is a *fault.Fault when the server answers with one.
func Call[In, Out any](t *testing.T, s *Server, op contract.Op[In, Out], in In) (*Out, error) {
	t.Helper()
	o := wire.Of(op.Service).Lookup(op.Name)
	method, path, body, err := o.EncodeRequest(&in)
	if err != nil {
		t.Fatalf("%s: %v", op.Name, err)
	}
	r := s.unsigned(t, method, path, body)
	o.RequestHeaders(r.Header, body)
	if !o.Unsigned {
		s.sign(r, body, op.Service)
	}
	out := new(Out)
	if o.Streams() {
		return streamed(t, s, o, r, in, out)
	}
	res, answer := s.Send(t, r)
	if res.StatusCode >= http.StatusMultipleChoices {
		return nil, wire.DecodeFault(res.StatusCode, res.Header.Get("x-amzn-ErrorType"), answer)
	}
	if err := o.DecodeOutput(res.StatusCode, answer, out); err != nil {
		t.Fatalf("%s: answer %s: %v", op.Name, answer, err)
	}
	s.deeds.note(o, in, out)
	return out, nil
}

// streamed makes a call whose answer is a stream: the test reads it.
func streamed[In, Out any](t *testing.T, s *Server, o *wire.Operation, r *http.Request, in In, out *Out) (*Out, error) {
	t.Helper()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = res.Body.Close() })
	if res.StatusCode >= http.StatusMultipleChoices {
		answer, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return nil, wire.DecodeFault(res.StatusCode, res.Header.Get("x-amzn-ErrorType"), answer)
	}
	if err := o.DecodeStream(res.Header, res.ContentLength, res.Body, out); err != nil {
		t.Fatalf("%s: %v", o.Name, err)
	}
	s.deeds.note(o, in, nil)
	return out, nil
}

// Request makes a request that is signed for QuickSight, for a test that
// changes it before it is sent.
func (s *Server) Request(t *testing.T, method, path string, body []byte) *http.Request {
	t.Helper()
	r := s.unsigned(t, method, path, body)
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	s.Sign(r, body)
	return r
}

func (s *Server) unsigned(t *testing.T, method, path string, body []byte) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// Sign signs a request anew for QuickSight, as it is now.
func (s *Server) Sign(r *http.Request, body []byte) { s.sign(r, body, wire.QuickSight) }

func (s *Server) sign(r *http.Request, body []byte, service string) {
	sigv4.Sign(r, body, s.key.AccessKeyID, s.key.SecretAccessKey, s.token, s.Region, service, s.Now())
}

// Send sends a request and reads the answer whole.
func (s *Server) Send(t *testing.T, r *http.Request) (*http.Response, []byte) {
	t.Helper()
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, answer
}

// Buffer is a bytes.Buffer for several goroutines.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends to the buffer.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String gives all that was written.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// Metrics is what Prometheus reads.
func (s *Server) Metrics() http.Handler { return app.MetricsHandler(s.app.Metrics) }

// Chore does what the server does again and again, at once.
func (s *Server) Chore(t *testing.T, what string) {
	t.Helper()
	if err := s.app.Chore(t.Context(), what); err != nil {
		t.Fatal(err)
	}
}

// Done waits until there is no job of a kind and key.
func (s *Server) Done(t *testing.T, kind, key string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := s.app.JobsDone(ctx, kind, key); err != nil {
		t.Fatal(err)
	}
}
