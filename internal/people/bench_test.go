package people_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http/httptest"
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

const benchAccount = "111122223333"

// bench gives a client of a server with n users.
func bench(b *testing.B, dialect string, n int) *client.Client {
	b.Helper()
	db := storetest.Config(b, dialect)
	c := config.Config{
		Data: db.Dir, Database: db.URL, Account: benchAccount, Region: "us-east-1", PublicURL: "https://onsight.example.org",
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
	root, _ := a.Roots.Of(benchAccount)
	to := &client.Client{URL: server.URL, Region: "us-east-1", AccessKeyID: root.AccessKeyID, SecretAccessKey: contract.Secret(root.SecretAccessKey)}
	_, err = client.Call(b.Context(), to, qs.CreateAccountSubscription, qs.CreateAccountSubscriptionRequest{
		AwsAccountId: benchAccount, AccountName: "bench", NotificationEmail: "a@b", AuthenticationMethod: qs.AuthenticationMethodOptionIAMAndQuicksight,
	})
	if err != nil {
		b.Fatal(err)
	}
	for begin := 0; begin < n; begin += 1000 {
		batch(b, to, begin, 1000)
	}
	return to
}

// batch registers native users with the numbers from begin on.
func batch(b *testing.B, to *client.Client, begin, n int) {
	b.Helper()
	in := onsightapi.BulkRegisterUsersRequest{AwsAccountId: benchAccount}
	for i := begin; i < begin+n; i++ {
		in.Users = append(in.Users, native(int32(i), fmt.Sprintf("user-%07d", i)))
	}
	out, err := client.Call(b.Context(), to, onsightapi.BulkRegisterUsers, in)
	if err != nil || *out.Done != int64(n) {
		b.Fatalf("%+v, %v", out, err)
	}
}

// BenchmarkBulkRegister registers a thousand native users a call, with their
// invitations; a hundred calls are 100,000 users.
func BenchmarkBulkRegister(b *testing.B) {
	for _, dialect := range storetest.Dialects {
		b.Run(dialect, func(b *testing.B) {
			to := bench(b, dialect, 0)
			begin := 0
			for b.Loop() {
				batch(b, to, begin, 1000)
				begin += 1000
			}
			b.ReportMetric(float64(begin)/b.Elapsed().Seconds(), "users/s")
		})
	}
}

// BenchmarkListPeople reads a page of a hundred out of the middle, and one that
// looks for somebody whom there is not.
func BenchmarkListPeople(b *testing.B) {
	for _, dialect := range storetest.Dialects {
		for _, n := range []int{1000, 100_000} {
			b.Run(fmt.Sprintf("%s/users=%d", dialect, n), func(b *testing.B) {
				to := bench(b, dialect, n)
				half := max(1, n/2000)
				in := onsightapi.ListPeopleRequest{AwsAccountId: benchAccount, MaxResults: new(int32(1000))}
				for range half {
					out, err := client.Call(b.Context(), to, onsightapi.ListPeople, in)
					if err != nil {
						b.Fatal(err)
					}
					if out.NextToken != nil {
						in.NextToken = out.NextToken
					}
				}
				in.MaxResults = new(int32(100))
				for b.Loop() {
					if _, err := client.Call(b.Context(), to, onsightapi.ListPeople, in); err != nil {
						b.Fatal(err)
					}
				}
			})
		}
	}
}
