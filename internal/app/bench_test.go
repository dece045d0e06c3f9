package app_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"onsight/internal/app"
	"onsight/internal/config"
	"onsight/internal/sigv4"
)

// The way of a request without the network: what a profile of the server's own
// work is taken from.

type server struct {
	handler http.Handler
	signer  sigv4.Signer
}

func open(b *testing.B, options ...func(*config.Config)) *server {
	b.Helper()
	b.ReportAllocs()
	dir := b.TempDir()
	c := config.Config{
		Data: dir, SealKeyFile: dir + "/seal.key", Account: "111122223333", Region: "us-east-1",
		ClockWindow: 5 * time.Minute, InvitationLife: time.Hour, PublicURL: "http://localhost",
		SignIn: config.SignIn{PasswordMemory: 19, PasswordPasses: 2, SessionLife: time.Hour, SessionIdle: time.Hour, PasswordLinkLife: time.Hour},
	}
	for _, o := range options {
		o(&c)
	}
	log := slog.New(slog.NewTextHandler(io.Discard, nil)) //nolint:sloglint // writing the log is part of the work
	a, err := app.Open(context.Background(), c, app.Options{Log: log, Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = a.Close(context.Background()) })
	root, _ := a.Roots.Of(c.Account)
	s := &server{handler: a.Handler, signer: sigv4.Signer{AccessKeyID: root.AccessKeyID, Secret: root.SecretAccessKey, Region: c.Region, Service: "quicksight"}}
	signup := s.request("POST", "/account/111122223333", `{"AccountName":"x","AuthenticationMethod":"IAM_AND_QUICKSIGHT","NotificationEmail":"a@b"}`)
	if status := s.send(signup); status != 200 {
		b.Fatalf("sign-up: %d", status)
	}
	return s
}

func (s *server) request(method, path, body string) *http.Request {
	r := httptest.NewRequestWithContext(context.Background(), method, path, strings.NewReader(body))
	s.signer.Sign(r, []byte(body), time.Now())
	return r
}

func (s *server) send(r *http.Request) int {
	w := &sink{header: http.Header{}}
	s.handler.ServeHTTP(w, r)
	return w.status
}

// sink is a ResponseWriter that costs nothing.
type sink struct {
	header http.Header
	status int
}

func (s *sink) Header() http.Header         { return s.header }
func (s *sink) Write(p []byte) (int, error) { return len(p), nil }
func (s *sink) WriteHeader(status int)      { s.status = status }

const users = "/accounts/111122223333/namespaces/default/users"

func registration(session string) string {
	return fmt.Sprintf(`{"IdentityType":"IAM","Email":"a@b","UserRole":"READER","IamArn":"arn:aws:iam::111122223333:role/Bi","SessionName":"%s"}`, session)
}

func BenchmarkDescribeUser(b *testing.B) {
	s := open(b)
	if status := s.send(s.request("POST", users, registration("ana"))); status != 201 {
		b.Fatal(status)
	}
	r := s.request("GET", users+"/Bi%2Fana", "")
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if status := s.send(r); status != 200 {
				b.Error(status)
				return
			}
		}
	})
}

// BenchmarkDescribeUserByPolicy is the same by an IAM user, whom ten statements
// are attached to: the difference is what policies cost.
func BenchmarkDescribeUserByPolicy(b *testing.B) {
	s := open(b)
	if status := s.send(s.request("POST", users, registration("ana"))); status != 201 {
		b.Fatal(status)
	}
	var statements []string
	for i := range 9 {
		statements = append(statements, fmt.Sprintf(`{"Effect":"Allow","Action":["quicksight:Describe%d*","s3:Get*"],"Resource":"arn:aws:quicksight:*:*:user/team-%[1]d/*"}`, i))
	}
	statements = append(statements, `{"Effect":"Allow","Action":"quicksight:DescribeUser","Resource":"arn:aws:quicksight:*:111122223333:user/default/*"}`)
	quickSight := s.signer.Service
	s.signer.Service = "iam"
	form := func(values url.Values) *http.Request {
		r := httptest.NewRequestWithContext(context.Background(), "POST", "/", strings.NewReader(values.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		s.signer.Sign(r, []byte(values.Encode()), time.Now())
		return r
	}
	if status := s.send(form(url.Values{"Action": {"CreateUser"}, "Version": {"2010-05-08"}, "UserName": {"u"}})); status != 200 {
		b.Fatal(status)
	}
	policy := `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
	if status := s.send(form(url.Values{"Action": {"PutUserPolicy"}, "Version": {"2010-05-08"}, "UserName": {"u"}, "PolicyName": {"p"}, "PolicyDocument": {policy}})); status != 200 {
		b.Fatal(status)
	}
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, form(url.Values{"Action": {"CreateAccessKey"}, "Version": {"2010-05-08"}, "UserName": {"u"}}))
	member := func(name string) string {
		_, rest, _ := strings.Cut(w.Body.String(), "<"+name+">")
		value, _, _ := strings.Cut(rest, "<")
		return value
	}
	s.signer = sigv4.Signer{AccessKeyID: member("AccessKeyId"), Secret: member("SecretAccessKey"), Region: s.signer.Region, Service: quickSight}
	r := s.request("GET", users+"/Bi%2Fana", "")
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if status := s.send(r); status != 200 {
				b.Error(status)
				return
			}
		}
	})
}

func BenchmarkRegisterUser(b *testing.B) {
	s := open(b)
	var n atomic.Int64
	b.SetParallelism(64)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if status := s.send(s.request("POST", users, registration(fmt.Sprintf("person-%09d", n.Add(1))))); status != 201 {
				b.Error(status)
				return
			}
		}
	})
}

// BenchmarkListUsers reads pages of 100 users.
func BenchmarkListUsers(b *testing.B) {
	s := open(b)
	for i := range 100 {
		if status := s.send(s.request("POST", users, registration(fmt.Sprintf("person-%09d@example.org", i)))); status != 201 {
			b.Fatal(status)
		}
	}
	r := s.request("GET", users, "")
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if status := s.send(r); status != 200 {
				b.Error(status)
				return
			}
		}
	})
}
