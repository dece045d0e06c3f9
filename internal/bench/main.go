// Command bench measures, in one run on one machine, Onsight in its normal
// mode (signed, durable), moto's server (in memory, no signature checked) and
// the bare limits: a net/http handler that answers the same bytes, and a store
// that inserts the same row. It prints ratios: the machine's speed cancels out.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"onsight/internal/access"
	"onsight/internal/sigv4"
	"onsight/internal/store"
)

func main() {
	onsight := flag.String("onsight", "bin/onsight", "the `binary` to measure")
	moto := flag.String("moto", "", "moto_server `binary`; without it that half is left out")
	span := flag.Duration("span", 4*time.Second, "how long each load run takes")
	many := flag.Int("many", 100_000, "users of the large account")
	bare := flag.String("bare", "", "serve the contents of a `file` and nothing else (the bench calls itself)")
	flag.Parse()
	var err error
	if *bare != "" {
		err = serveBare(*bare)
	} else {
		err = run(*onsight, *moto, *span, *many)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

const (
	clients     = 64
	motoClients = 16 // more only queue in front of it
	listClients = 16
	account     = "111122223333"
	small       = "100000000001" // 1,000 users
	middle      = "100000000010" // 10,000 users
	large       = "100000000100" // as many as -many
)

type bench struct {
	span          time.Duration
	onsight, moto *server
	seq           counter
}

func run(onsight, moto string, span time.Duration, many int) (err error) {
	dir, err := os.MkdirTemp("", "onsight-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	b := &bench{span: span}
	if b.onsight, err = startOnsight(onsight, filepath.Join(dir, "data")); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.onsight.stop()) }()
	if moto != "" {
		if b.moto, err = startMoto(moto); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, b.moto.stop()) }()
	}
	if err := b.idle(); err != nil {
		return err
	}
	for _, a := range []string{account, small, middle, large} {
		if err := b.subscribe(a); err != nil {
			return err
		}
	}
	if err := b.registerUser(filepath.Join(dir, "bare")); err != nil {
		return err
	}
	if err := b.describeUser(dir); err != nil {
		return err
	}
	return b.listUsers(many)
}

func (b *bench) idle() error {
	time.Sleep(time.Second)
	for _, s := range []*server{b.moto, b.onsight} {
		if s == nil {
			continue
		}
		m, err := s.memory()
		if err != nil {
			return err
		}
		fmt.Printf("%-34s ready after %4d ms, %5.1f MB when idle\n", s.name, s.start.Milliseconds(), float64(m)/1e6)
	}
	return nil
}

// request makes a signed request. Host is the server's, for moto routes by it.
func (s *server) request(account, method, path string, body []byte) (*http.Request, error) {
	r, err := http.NewRequestWithContext(context.Background(), method, "http://"+s.addr+path, nil)
	if err != nil {
		return nil, err
	}
	if len(body) > 0 {
		r.Header.Set("Content-Type", "application/json")
	}
	key := access.Credential{AccessKeyID: "AKIAIOSFODNN7EXAMPLE", SecretAccessKey: "bench"}
	if s.roots != nil {
		if key, _, err = s.roots.Make(account); err != nil {
			return nil, err
		}
	}
	sigv4.Sign(r, body, key.AccessKeyID, key.SecretAccessKey, "", "us-east-1", "quicksight", time.Now())
	return r, nil
}

// call sends one request and expects a success.
func (s *server) call(c *conn, account, method, path string, body []byte) ([]byte, error) {
	r, err := s.request(account, method, path, body)
	if err != nil {
		return nil, err
	}
	c.addr = s.addr
	status, answer, err := c.do(r, body)
	if err == nil && status >= 300 {
		err = fmt.Errorf("%s: %s %s: %d %s", s.name, method, path, status, answer)
	}
	return answer, err
}

func (b *bench) subscribe(account string) error {
	body := fmt.Appendf(nil, `{"AccountName":"bench-%s","AuthenticationMethod":"IAM_AND_QUICKSIGHT","Edition":"ENTERPRISE","NotificationEmail":"a@example.org"}`, account)
	_, err := b.onsight.call(&conn{}, account, "POST", "/account/"+account, body)
	return err
}

func users(account string) string { return "/accounts/" + account + "/namespaces/default/users" }

// register registers a new user of the kind that federation makes most of.
func (b *bench) register(s *server, c *conn, account string) (name string, err error) {
	session := fmt.Sprintf("person-%09d@example.org", b.seq.next())
	body := fmt.Appendf(nil, `{"IdentityType":"IAM","Email":"%s","UserRole":"READER","IamArn":"arn:aws:iam::%s:role/Bi","SessionName":"%[1]s"}`, session, account)
	if s == b.moto { // moto names no user after a session
		body = fmt.Appendf(nil, `{"IdentityType":"QUICKSIGHT","Email":"%s","UserRole":"READER","UserName":"%[1]s"}`, session)
		name = session
	} else {
		name = "Bi/" + session
	}
	_, err = s.call(c, account, "POST", users(account), body)
	return name, err
}

func conns(n int) []*conn {
	all := make([]*conn, n)
	for i := range all {
		all[i] = &conn{}
	}
	return all
}

// registering measures RegisterUser on one server.
func (b *bench) registering(s *server, n int) (result, error) {
	cs := conns(n)
	return on(s, n, b.span, func(c int) error {
		_, err := b.register(s, cs[c], account)
		return err
	})
}

func (b *bench) registerUser(dir string) error {
	bare, err := b.bareInsert(dir)
	if err != nil {
		return err
	}
	ours, err := b.registering(b.onsight, clients)
	if err != nil {
		return err
	}
	head("RegisterUser, %d clients", clients)
	show("store alone, same row", bare)
	if b.moto != nil {
		// The first request makes moto load the service; many at once jam it.
		if _, err := b.register(b.moto, &conn{}, account); err != nil {
			return err
		}
		theirs, err := b.registering(b.moto, motoClients)
		if err != nil {
			return err
		}
		show("moto (in memory, unsigned)", theirs)
		defer ratio("Onsight / moto", ours.rate/theirs.rate, 20)
	}
	show("Onsight (durable, signed)", ours)
	ratio("Onsight / store alone", ours.rate/bare.rate, 0.6)
	return nil
}

// row is what RegisterUser inserts.
type row struct {
	Account      string `db:"account"`
	Namespace    string `db:"namespace"`
	Name         string `db:"name"`
	PrincipalID  string `db:"principal_id"`
	Email        string `db:"email"`
	Role         string `db:"role"`
	IdentityType string `db:"identity_type"`
	Active       bool   `db:"active"`
	IAMARN       string `db:"iam_arn"`
	SessionName  string `db:"session_name"`
	CreatedUS    int64  `db:"created_us"`
}

// bareInsert measures the store itself: the same row, from as many writers.
func (b *bench) bareInsert(dir string) (res result, err error) {
	db, err := store.Open(context.Background(), store.Config{Dir: dir, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		return res, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	return load(clients, b.span, func(int) error {
		n := b.seq.next()
		session := fmt.Sprintf("person-%09d@example.org", n)
		u := row{
			Account: account, Namespace: "default", Name: "Bi/" + session, PrincipalID: "federated/iam/AROAIOSFODNN7EXAMPLE0:" + session,
			Email: session, Role: "READER", IdentityType: "IAM", Active: true,
			IAMARN: "arn:aws:iam::" + account + ":role/Bi", SessionName: session, CreatedUS: n,
		}
		return db.Write(context.Background(), func(tx *store.Tx) error { return store.Insert(tx, "users", u) })
	})
}

// describing measures DescribeUser of a thousand users in turn.
func (b *bench) describing(s *server, n int) (result, []byte, error) {
	var names []string
	c := &conn{}
	for range 1000 {
		name, err := b.register(s, c, account)
		if err != nil {
			return result{}, nil, err
		}
		names = append(names, strings.ReplaceAll(strings.ReplaceAll(name, "/", "%2F"), "@", "%40"))
	}
	sample, err := s.call(c, account, "GET", users(account)+"/"+names[0], nil)
	if err != nil {
		return result{}, nil, err
	}
	sample = append([]byte(nil), sample...)
	var turn counter
	cs := conns(n)
	res, err := on(s, n, b.span, func(c int) error {
		_, err := s.call(cs[c], account, "GET", users(account)+"/"+names[turn.next()%int64(len(names))], nil)
		return err
	})
	return res, sample, err
}

func (b *bench) describeUser(dir string) error {
	ours, sample, err := b.describing(b.onsight, clients)
	if err != nil {
		return err
	}
	bare, err := b.bareHTTP(filepath.Join(dir, "sample"), sample)
	if err != nil {
		return err
	}
	head("DescribeUser, %d clients", clients)
	show("net/http alone, same bytes", bare)
	if b.moto != nil {
		theirs, _, err := b.describing(b.moto, motoClients)
		if err != nil {
			return err
		}
		show("moto", theirs)
		defer ratio("Onsight / moto", ours.rate/theirs.rate, 40)
	}
	show("Onsight", ours)
	ratio("Onsight / net/http alone", ours.rate/bare.rate, 0.5)
	return nil
}

// bareHTTP measures a handler that does nothing but answer the same bytes, in
// a process of its own as well, asked with the same signed requests.
func (b *bench) bareHTTP(file string, sample []byte) (res result, err error) {
	if err := os.WriteFile(file, sample, 0o600); err != nil {
		return res, err
	}
	self, err := os.Executable()
	if err != nil {
		return res, err
	}
	s, err := startBare(self, file)
	if err != nil {
		return res, err
	}
	s.roots = b.onsight.roots
	defer func() { _ = s.cmd.Process.Kill(); _ = s.cmd.Wait() }()
	cs := conns(clients)
	return on(s, clients, b.span, func(c int) error {
		_, err := s.call(cs[c], account, "GET", users(account)+"/somebody", nil)
		return err
	})
}

func serveBare(file string) error {
	body, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	l, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Println("onsight: ready on http://" + l.Addr().String())
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(body)
	})}
	return server.Serve(l)
}

// listing measures pages of 100: each client walks the list from its start.
func (b *bench) listing(s *server, account string, n int) (result, error) {
	cs, tokens := conns(n), make([]string, n)
	return on(s, n, b.span, func(c int) error {
		path := users(account) + "?max-results=100"
		if tokens[c] != "" {
			path += "&next-token=" + tokens[c]
		}
		answer, err := s.call(cs[c], account, "GET", path, nil)
		tokens[c] = tokenIn(answer)
		return err
	})
}

// tokenIn finds the NextToken of an answer without reading all of it, which
// would cost the load generator more than the server.
func tokenIn(answer []byte) string {
	_, rest, ok := strings.Cut(string(answer), `"NextToken":`)
	rest = strings.TrimSpace(rest)
	if !ok || !strings.HasPrefix(rest, `"`) {
		return ""
	}
	token, _, _ := strings.Cut(rest[1:], `"`)
	return strings.NewReplacer("+", "%2B", "/", "%2F", "=", "%3D").Replace(token)
}

// fill registers users until an account has n of them.
func (b *bench) fill(s *server, account string, n, clients int) error {
	var done counter
	cs := conns(clients)
	_, err := load(clients, time.Hour, func(c int) error {
		if done.next() > int64(n) {
			return errEnough
		}
		_, err := b.register(s, cs[c], account)
		return err
	})
	return err
}

func (b *bench) listUsers(many int) error {
	rates := map[string]float64{}
	head("ListUsers, pages of 100, %d clients", listClients)
	for _, step := range []struct {
		account string
		n       int
	}{{small, 1000}, {middle, 10_000}, {large, many}} {
		if err := b.fill(b.onsight, step.account, step.n, clients); err != nil {
			return err
		}
		ours, err := b.listing(b.onsight, step.account, listClients)
		if err != nil {
			return err
		}
		rates[step.account] = ours.rate
		show(fmt.Sprintf("Onsight, %d users", step.n), ours)
		if b.moto == nil || step.n > 10_000 {
			continue
		}
		if err := b.fill(b.moto, step.account, step.n, motoClients); err != nil {
			return err
		}
		theirs, err := b.listing(b.moto, step.account, listClients)
		if err != nil {
			return err
		}
		show(fmt.Sprintf("moto, %d users", step.n), theirs)
		ratio("Onsight / moto", ours.rate/theirs.rate, 8)
	}
	ratio(fmt.Sprintf("Onsight, %d users / 1000 users", many), rates[large]/rates[small], 0.75)
	return nil
}

func startBare(self, file string) (*server, error) {
	return await(&server{name: "net/http"}, self, "-bare", file)
}

func head(format string, args ...any) { fmt.Printf("\n"+format+"\n", args...) }

func show(name string, r result) {
	cost := ""
	if r.cpu > 0 {
		cost = fmt.Sprintf("   %5d µs of CPU in the server", r.cpu.Microseconds())
	}
	fmt.Printf("  %-32s %8.0f/s   p50 %6.2f ms   p99 %6.2f ms%s\n", name, r.rate, r.p50.Seconds()*1e3, r.p99.Seconds()*1e3, cost)
}

// ratio prints a ratio with the least one that is expected.
func ratio(name string, got, want float64) {
	verdict := "as expected"
	if got < want {
		verdict = "BELOW"
	}
	fmt.Printf("  %-32s %8.2f    expected %.2f or more: %s\n", name, got, want, verdict)
}
