package scim_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"onsight/internal/app"
	"onsight/internal/client"
	"onsight/internal/config"
	"onsight/internal/contract"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/store/storetest"
)

// A benched is a server that a centre provisions, with n users in a group that
// gives a role.
type benched struct {
	b           *testing.B
	base, token string
	client      *http.Client
	made        atomic.Int64
}

func benchCentre(b *testing.B, dialect string, n int) *benched {
	b.Helper()
	db := storetest.Config(b, dialect)
	const account = "111122223333"
	c := config.Config{
		Data: db.Dir, Database: db.URL, Account: account, Region: "us-east-1", PublicURL: "https://onsight.example.org",
		InvitationLife: time.Hour, ClockWindow: 5 * time.Minute,
	}
	if c.Data == "" {
		c.Data = b.TempDir()
	}
	c.SealKeyFile = c.Data + "/seal.key"
	a, err := app.Open(context.Background(), c, app.Options{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		b.Fatal(err)
	}
	server := httptest.NewServer(a.Handler)
	b.Cleanup(func() {
		server.Close()
		if err := a.Close(context.Background()); err != nil {
			b.Error(err)
		}
	})
	root, _ := a.Roots.Of(account)
	to := &client.Client{URL: server.URL, Region: "us-east-1", AccessKeyID: root.AccessKeyID, SecretAccessKey: contract.Secret(root.SecretAccessKey)}
	_, err = client.Call(b.Context(), to, qs.CreateAccountSubscription, qs.CreateAccountSubscriptionRequest{
		AwsAccountId: account, AccountName: "bench", NotificationEmail: "a@b", AuthenticationMethod: qs.AuthenticationMethodOptionIAMIdentityCenter,
		AdminGroup: []string{"admins"}, IAMIdentityCenterInstanceArn: new("arn:aws:sso:::instance/ssoins-1111222233334444"),
	})
	if err != nil {
		b.Fatal(err)
	}
	out, err := client.Call(b.Context(), to, onsightapi.CreateScimToken, onsightapi.CreateScimTokenRequest{AwsAccountId: account, Name: "bench"})
	if err != nil {
		b.Fatal(err)
	}
	x := &benched{b: b, base: server.URL + "/_onsight/scim/" + account + "/v2", token: out.Token.Reveal(), client: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}}
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for x.made.Load() < int64(n) {
				x.user()
			}
		})
	}
	wg.Wait()
	return x
}

func (x *benched) do(method, path string, body any, status int) map[string]any {
	text, err := json.Marshal(body)
	if err != nil {
		x.b.Error(err)
	}
	r, err := http.NewRequestWithContext(x.b.Context(), method, x.base+path, bytes.NewReader(text))
	if err != nil {
		x.b.Error(err)
		return nil
	}
	r.Header.Set("Authorization", "Bearer "+x.token)
	r.Header.Set("Content-Type", "application/scim+json")
	res, err := x.client.Do(r)
	if err != nil {
		x.b.Error(err)
		return nil
	}
	defer func() { _ = res.Body.Close() }()
	answer, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != status {
		x.b.Errorf("%s %s: %d %s %v", method, path, res.StatusCode, answer, err)
	}
	var out map[string]any
	_ = json.Unmarshal(answer, &out) // nil for 204
	return out
}

// user provisions one more user.
func (x *benched) user() string {
	name := fmt.Sprintf("user-%07d@example.org", x.made.Add(1))
	out := x.do("POST", "/Users", map[string]any{
		"schemas": []string{"urn:ietf:params:scim:schemas:core:2.0:User"}, "userName": name, "externalId": "00u" + name,
		"name": map[string]any{"givenName": "Ana", "familyName": "Alpha"}, "emails": []any{map[string]any{"value": name, "type": "work", "primary": true}},
	}, 201)
	id, _ := out["id"].(string)
	return id
}

// BenchmarkProvision makes users, 16 at once, as centres do at the first
// synchronisation.
func BenchmarkProvision(b *testing.B) {
	for _, dialect := range storetest.Dialects {
		b.Run(dialect, func(b *testing.B) {
			x := benchCentre(b, dialect, 0)
			b.ResetTimer()
			b.SetParallelism(8)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					x.user()
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "users/s")
		})
	}
}

// BenchmarkEnrol puts one user after the other into a group that gives a role.
func BenchmarkEnrol(b *testing.B) {
	for _, dialect := range storetest.Dialects {
		b.Run(dialect, func(b *testing.B) {
			x := benchCentre(b, dialect, 0)
			group, _ := x.do("POST", "/Groups", map[string]any{"displayName": "admins"}, 201)["id"].(string)
			ids := make([]string, b.N)
			for i := range ids {
				ids[i] = x.user()
			}
			b.ResetTimer()
			for _, id := range ids {
				x.do("PATCH", "/Groups/"+group, map[string]any{"Operations": []any{
					map[string]any{"op": "Add", "path": "members", "value": []any{map[string]any{"value": id}}},
				}}, 204)
			}
		})
	}
}

// BenchmarkLookup finds a user by name, and reads pages, among few and many.
func BenchmarkLookup(b *testing.B) {
	for _, dialect := range storetest.Dialects {
		for _, n := range []int{100, 10_000} {
			x := benchCentre(b, dialect, n)
			b.Run(fmt.Sprintf("%s/userName/%d", dialect, n), func(b *testing.B) {
				for i := 0; b.Loop(); i++ {
					x.do("GET", "/Users?filter="+url.QueryEscape(fmt.Sprintf(`userName eq "USER-%07d@example.org"`, i%n+1)), nil, 200)
				}
			})
			b.Run(fmt.Sprintf("%s/page/%d", dialect, n), func(b *testing.B) {
				start := 1
				for b.Loop() {
					x.do("GET", fmt.Sprintf("/Users?startIndex=%d&count=50", start), nil, 200)
					if start += 50; start > n {
						start = 1
					}
				}
			})
		}
	}
}

// BenchmarkHundredThousand provisions a hundred thousand users, and walks
// through all of them in pages of 200, as centres do that compare: the last
// tenth of the pages must take no longer than the first.
func BenchmarkHundredThousand(b *testing.B) {
	const n, count = 100_000, 200
	for _, dialect := range storetest.Dialects {
		b.Run(dialect, func(b *testing.B) {
			began := time.Now()
			x := benchCentre(b, dialect, n)
			rate := float64(n) / time.Since(began).Seconds()
			var first, last []time.Duration // of the first and the last tenth
			for b.Loop() {
				for start := 1; start <= n; start += count {
					at := time.Now()
					x.do("GET", fmt.Sprintf("/Users?startIndex=%d&count=%d", start, count), nil, 200)
					switch took := time.Since(at); {
					case start <= n/10:
						first = append(first, took)
					case start > n-n/10:
						last = append(last, took)
					}
				}
			}
			median := func(all []time.Duration) float64 {
				slices.Sort(all)
				return float64(all[len(all)/2].Microseconds())
			}
			b.ReportMetric(rate, "users/s")
			b.ReportMetric(median(first), "µs/first-page")
			b.ReportMetric(median(last), "µs/last-page")
		})
	}
}
