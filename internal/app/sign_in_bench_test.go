//go:build unix

package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// entrants registers people with a password, who sign in.
func entrants(b *testing.B, s *server, n int) (forms []string) {
	b.Helper()
	const password = "Correct7horse-staple"
	for i := range n {
		name := fmt.Sprintf("person-%03d", i)
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, s.request("POST", users, fmt.Sprintf(`{"IdentityType":"QUICKSIGHT","Email":"a@b","UserRole":"READER","UserName":"%s"}`, name)))
		var out struct{ UserInvitationUrl string }
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
			b.Fatal(err)
		}
		_, token, _ := strings.Cut(out.UserInvitationUrl, "token=")
		if status := s.form("/inviteuser", url.Values{"token": {token}, "new-password": {password}, "repeat-password": {password}}.Encode()); status != 303 {
			b.Fatalf("invitation: %d", status)
		}
		forms = append(forms, url.Values{"account": {"x"}, "username": {name}, "password": {password}}.Encode())
	}
	return forms
}

func (s *server) form(path, body string) int {
	r := httptest.NewRequestWithContext(context.Background(), "POST", path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	s.handler.ServeHTTP(w, r)
	return w.Code
}

// processor is how long this process has had a processor so far: on a machine
// with other work, what counts.
func processor(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// BenchmarkSignIn signs people in by their passwords, as many at once as there
// are processors. Keycloak publishes 15 a second and vCPU.
func BenchmarkSignIn(b *testing.B) {
	s := open(b)
	forms := entrants(b, s, 2*runtime.GOMAXPROCS(0))
	var next atomic.Int64
	b.ResetTimer()
	before := processor(b)
	b.RunParallel(func(pb *testing.PB) {
		form := forms[next.Add(1)-1]
		for pb.Next() {
			if status := s.form("/signin", form); status != http.StatusSeeOther {
				b.Error(status)
				return
			}
		}
	})
	b.ReportMetric(float64(b.N)/(processor(b)-before), "sign-ins/s/core")
}

// BenchmarkReadsBesideSignIns reads with all processors, first alone and then
// while people sign in as fast as they are let: what reads keep of their rate.
func BenchmarkReadsBesideSignIns(b *testing.B) {
	s := open(b)
	if status := s.send(s.request("POST", users, registration("ana"))); status != 201 {
		b.Fatal(status)
	}
	forms := entrants(b, s, 8)
	r := s.request("GET", users+"/Bi%2Fana", "")
	const took = 5 * time.Second
	measure := func(forms []string) (reads, signIns float64) {
		var n, m atomic.Int64
		var all sync.WaitGroup
		end, before := time.Now().Add(took), processor(b)
		for range 8 * runtime.GOMAXPROCS(0) {
			all.Go(func() {
				for time.Now().Before(end) {
					if status := s.send(r); status != 200 {
						b.Error(status)
						return
					}
					n.Add(1)
				}
			})
		}
		for _, form := range forms {
			all.Go(func() {
				for time.Now().Before(end) {
					if status := s.form("/signin", form); status != http.StatusSeeOther {
						b.Error(status)
						return
					}
					m.Add(1)
				}
			})
		}
		all.Wait()
		used := processor(b) - before
		return float64(n.Load()) / used, float64(m.Load()) / used
	}
	for b.Loop() {
		alone, _ := measure(nil)
		beside, signIns := measure(forms)
		b.ReportMetric(alone, "reads-alone/s/core")
		b.ReportMetric(beside, "reads-beside/s/core")
		b.ReportMetric(100*beside/alone, "%kept")
		b.ReportMetric(signIns, "sign-ins/s/core")
	}
}
