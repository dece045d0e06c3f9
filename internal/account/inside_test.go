package account

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/page"
	"onsight/internal/qs"
	"onsight/internal/seal"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// What these tests bring about, a call through the wire cannot: a second
// server on one database, a purge that is interrupted, a write that fails.

const who = "111122223333"

// subscribed writes an account without a region: a context without a call has
// none either.
func subscribed(tb testing.TB, db *store.DB) {
	tb.Helper()
	write(tb, db, func(tx *store.Tx) error {
		return store.Insert(tx, "subscriptions", subscription{
			Account: who, Name: "a", Edition: "ENTERPRISE", AuthenticationMethod: "IAM_AND_QUICKSIGHT", Status: created,
			DefaultNamespace: "default", Contact: "{}", Directory: "{}", Subscriber: "{}",
		})
	})
}

func write(tb testing.TB, db *store.DB, fn func(tx *store.Tx) error) {
	tb.Helper()
	if err := db.Write(tb.Context(), fn); err != nil {
		tb.Fatal(err)
	}
}

type noTags struct{}

func (noTags) Put(*store.Tx, string, []qs.Tag) error { return nil }
func (noTags) Delete(*store.Tx, string) error        { return nil }

// serving makes a Service as a server has it; its jobs run once they are started.
func serving(tb testing.TB, db *store.DB, purges ...NamespacePurge) (*Service, *job.Runner) {
	tb.Helper()
	log := slog.New(slog.NewTextHandler(tb.Output(), nil))
	jobs := job.NewRunner(db, log, time.Now)
	s := New(Config{
		DB: db, Jobs: jobs, Log: log, Now: time.Now, Tokens: page.NewTokens(seal.New(), time.Now), Tags: noTags{},
	})
	for _, p := range purges {
		s.OnPurgeNamespace(p)
	}
	return s, jobs
}

func TestAddressAllowed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		subscribed(t, db)
		s, _ := serving(t, db)
		other := s
		if db.Dialect() == store.PostgreSQL { // servers share only that
			other, _ = serving(t, db)
		}
		allowed := func(what, addr string, want bool) {
			t.Helper()
			for range 2 { // as read, and as kept
				for _, s := range []*Service{s, other} {
					got, err := s.AddressAllowed(t.Context(), who, netip.MustParseAddr(addr))
					if err != nil || got != want {
						t.Errorf("%s: %s is allowed: %t, %v; want %t", what, addr, got, err, want)
					}
				}
			}
		}
		update := func(in qs.UpdateIpRestrictionRequest) {
			t.Helper()
			in.AwsAccountId = who
			if _, err := s.updateIPRestriction(t.Context(), &in); err != nil {
				t.Fatal(err)
			}
		}
		allowed("never set", "192.0.2.1", true)
		update(qs.UpdateIpRestrictionRequest{IpRestrictionRuleMap: map[string]string{"192.0.2.77/24": "", "203.0.113.9/32": ""}})
		allowed("not in force", "198.51.100.1", true)
		update(qs.UpdateIpRestrictionRequest{Enabled: new(true)})
		allowed("in the range", "192.0.2.1", true)
		allowed("in the range, as IPv6 writes it", "::ffff:192.0.2.1", true)
		allowed("the one address", "203.0.113.9", true)
		allowed("beside it", "203.0.113.10", false)
		allowed("elsewhere", "198.51.100.1", false)
		allowed("IPv6", "2001:db8::1", false)
		update(qs.UpdateIpRestrictionRequest{IpRestrictionRuleMap: map[string]string{"198.51.100.0/24": ""}})
		allowed("after a change", "192.0.2.1", false)
		allowed("after a change", "198.51.100.1", true)
		update(qs.UpdateIpRestrictionRequest{IpRestrictionRuleMap: map[string]string{}, VpcIdRestrictionRuleMap: map[string]string{"vpc-1": ""}})
		allowed("by a network of AWS alone", "198.51.100.1", false)
		update(qs.UpdateIpRestrictionRequest{Enabled: new(false)})
		allowed("switched off", "198.51.100.1", true)

		// Rules that go with the account, and come again, are not taken for the old ones.
		update(qs.UpdateIpRestrictionRequest{Enabled: new(true)})
		allowed("switched on", "198.51.100.1", false)
		write(t, db, func(tx *store.Tx) error {
			_, err := tx.Exec(`DELETE FROM account_documents`)
			s.addresses.changed(tx, who)
			return err
		})
		allowed("gone", "198.51.100.1", true)
	})
}

func TestAddressesKeptAreBounded(t *testing.T) {
	t.Parallel()
	s, _ := serving(t, storetest.Open(t, store.SQLite))
	for i := range maxAddresses + 10 {
		if _, err := s.AddressAllowed(t.Context(), fmt.Sprint(i), netip.MustParseAddr("192.0.2.1")); err != nil {
			t.Fatal(err)
		}
	}
	if n := len(s.addresses.kept); n > maxAddresses {
		t.Errorf("rules of %d accounts are kept, want %d at most", n, maxAddresses)
	}
	s.ForgetAddresses()
	if n := len(s.addresses.kept); n != 0 {
		t.Errorf("rules of %d accounts are kept after all were forgotten", n)
	}
}

func TestWouldLockOut(t *testing.T) {
	t.Parallel()
	here := netip.MustParseAddr("192.0.2.1")
	for _, tt := range []struct {
		name  string
		rules IPRules
		want  bool
	}{
		{"off", IPRules{}, false},
		{"off, with rules", IPRules{Ranges: map[string]string{"198.51.100.0/24": ""}}, false},
		{"on, without rules", IPRules{Enabled: true}, true},
		{"on, for others", IPRules{Enabled: true, Ranges: map[string]string{"198.51.100.0/24": ""}}, true},
		{"on, for a network of AWS", IPRules{Enabled: true, VPCs: map[string]string{"vpc-1": ""}}, true},
		{"on, for this address", IPRules{Enabled: true, Ranges: map[string]string{"198.51.100.0/24": "", "192.0.2.1/32": ""}}, false},
	} {
		if got := WouldLockOut(tt.rules, here); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.want)
		}
	}
}

// TestNamespaceThatFails makes the database refuse a namespace that is made,
// until it does not.
func TestNamespaceThatFails(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		subscribed(t, db)
		s, _ := serving(t, db)
		refuse, allow := `CREATE TRIGGER refused BEFORE UPDATE ON namespaces WHEN NEW.status = 'CREATED' BEGIN SELECT RAISE(ABORT, 'refused'); END`, `DROP TRIGGER refused`
		if db.Dialect() == store.PostgreSQL {
			refuse, allow = `ALTER TABLE namespaces ADD CONSTRAINT refused CHECK (status <> 'CREATED')`, `ALTER TABLE namespaces DROP CONSTRAINT refused`
		}
		sql := func(query string) {
			t.Helper()
			write(t, db, func(tx *store.Tx) error {
				_, err := tx.Exec(query)
				return err
			})
		}
		describe := func() qs.NamespaceInfoV2 {
			t.Helper()
			out, err := s.describeNamespace(t.Context(), &qs.DescribeNamespaceRequest{AwsAccountId: who, Namespace: "n"})
			if err != nil {
				t.Fatal(err)
			}
			return *out.Namespace
		}
		create := func() {
			t.Helper()
			write(t, db, func(tx *store.Tx) error { // as createNamespace does, without waiting for a job that does not run
				return s.addNamespace(tx, namespace{Account: who, Name: "n", Status: namespaceCreating, IdentityStore: "QUICKSIGHT", DirectoryID: "d-1"})
			})
		}
		sql(refuse)
		create()
		payload := []byte(`{"account":"` + who + `","namespace":"n"}`)
		for attempt := 1; attempt < lastAttempt; attempt++ {
			if err := s.makeNamespace(t.Context(), job.Job{Payload: payload, Attempts: attempt}); err == nil {
				t.Errorf("attempt %d succeeded", attempt)
			}
			if got := describe(); *got.CreationStatus != qs.NamespaceStatusCreating {
				t.Errorf("after attempt %d: %s, want CREATING", attempt, *got.CreationStatus)
			}
		}
		if err := s.makeNamespace(t.Context(), job.Job{Payload: payload, Attempts: lastAttempt}); err != nil {
			t.Errorf("the last attempt: %v, want the failure to be told by the state", err)
		}
		got := describe()
		if *got.CreationStatus != qs.NamespaceStatusRetryableFailure || got.NamespaceError == nil || *got.NamespaceError.Type != qs.NamespaceErrorTypeInternalServiceError {
			t.Fatalf("after the last attempt: %+v, want RETRYABLE_FAILURE", got)
		}
		err := db.Read(t.Context(), func(tx *store.Tx) error {
			_, err := s.Enter(t.Context(), tx, who, "n")
			return err
		})
		if fault.Of(err).Code != "PreconditionNotMetException" {
			t.Errorf("to enter a namespace that failed: %v, want PreconditionNotMetException", err)
		}
		sql(allow)
		create()
		if err := s.makeNamespace(t.Context(), job.Job{Payload: payload, Attempts: 1}); err != nil {
			t.Fatal(err)
		}
		if got := describe(); *got.CreationStatus != qs.NamespaceStatusCreated || got.NamespaceError != nil {
			t.Errorf("after the retry: %+v, want CREATED", got)
		}
	})
}

// TestNamespacePurgeIsResumed stops the server in the midst of a purge; the
// next one goes on where it was.
func TestNamespacePurgeIsResumed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		subscribed(t, db)
		const all = 10
		write(t, db, func(tx *store.Tx) error {
			for i := range all {
				_, err := tx.Exec(`INSERT INTO role_memberships (account, namespace, role, member, created_us) VALUES ($1, 'n', 'READER', $2, 1)`, who, fmt.Sprint(i))
				if err != nil {
					return err
				}
			}
			return store.Insert(tx, "namespaces", namespace{Account: who, Name: "n", Status: namespaceCreated, IdentityStore: "QUICKSIGHT", DirectoryID: "d-1"})
		})
		left := func() (n int) {
			t.Helper()
			write(t, db, func(tx *store.Tx) (err error) {
				n, err = store.One[int](tx, `SELECT COUNT(*) FROM role_memberships`)
				return err
			})
			return n
		}
		// One row in each transaction; the first server comes as far as four.
		half := make(chan struct{})
		var gone atomic.Int64
		purge := func(stopAt int64) NamespacePurge {
			return func(ctx context.Context, account, name string) error {
				for {
					if gone.Load() == stopAt {
						close(half)
						<-ctx.Done()
						return ctx.Err()
					}
					var n int64
					err := db.Write(ctx, func(tx *store.Tx) (err error) {
						n, err = tx.Exec(`DELETE FROM role_memberships WHERE member IN (SELECT MIN(member) FROM role_memberships WHERE account = $1 AND namespace = $2)`, account, name)
						return err
					})
					if err != nil || n == 0 {
						return err
					}
					gone.Add(n)
				}
			}
		}
		first, jobs := serving(t, db, purge(4))
		jobs.Start(t.Context())
		done := make(chan error, 1)
		go func() {
			_, err := first.deleteNamespace(t.Context(), &qs.DeleteNamespaceRequest{AwsAccountId: who, Namespace: "n"})
			done <- err
		}()
		select {
		case <-half:
		case <-time.After(30 * time.Second):
			t.Fatal("the purge does not come as far as that")
		}
		stopped, cancel := context.WithCancel(t.Context())
		cancel()
		if err := jobs.Stop(stopped); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil { // it has waited long enough
			t.Fatal(err)
		}
		if n := left(); n != all-4 {
			t.Errorf("%d rows are left, want %d: the purge was under way", n, all-4)
		}
		status := func() string {
			out, err := first.describeNamespace(t.Context(), &qs.DescribeNamespaceRequest{AwsAccountId: who, Namespace: "n"})
			if err != nil {
				return err.Error()
			}
			return string(*out.Namespace.CreationStatus)
		}
		if s := status(); s != namespaceDeleting {
			t.Errorf("in the midst: %s, want DELETING", s)
		}
		_, again := serving(t, db, purge(-1))
		if err := again.Drain(t.Context()); err != nil {
			t.Fatal(err)
		}
		if n := left(); n != 0 {
			t.Errorf("%d rows are left", n)
		}
		if want := noNamespace(who, "n").Error(); status() != want {
			t.Errorf("in the end: %s, want %s", status(), want)
		}
	})
}

// TestNamespacePurgeThatComesLate goes on after another of the name is there: a
// runner was held up while another did the job.
func TestNamespacePurgeThatComesLate(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		subscribed(t, db)
		write(t, db, func(tx *store.Tx) error {
			return store.Insert(tx, "namespaces", namespace{Account: who, Name: "n", Status: namespaceCreated, IdentityStore: "QUICKSIGHT", DirectoryID: "d-2"})
		})
		s, _ := serving(t, db)
		payload := []byte(`{"account":"` + who + `","namespace":"n"}`)
		if err := s.unmakeNamespace(t.Context(), job.Job{Payload: payload, Attempts: 1}); err != nil {
			t.Fatal(err)
		}
		if err := s.makeNamespace(t.Context(), job.Job{Payload: payload, Attempts: 1}); err != nil {
			t.Fatal(err)
		}
		out, err := s.describeNamespace(t.Context(), &qs.DescribeNamespaceRequest{AwsAccountId: who, Namespace: "n"})
		if err != nil || *out.Namespace.CreationStatus != qs.NamespaceStatusCreated {
			t.Errorf("the new namespace: %+v, %v; want it as it was", out, err)
		}
		failing := errors.New("a purge that fails")
		s.namespacePurges = []NamespacePurge{func(context.Context, string, string) error { return failing }}
		if err := s.unmakeNamespace(t.Context(), job.Job{Payload: payload, Attempts: 1}); !errors.Is(err, failing) {
			t.Errorf("a purge that fails: %v, want its error, so that the job is done again", err)
		}
	})
}

// BenchmarkListNamespaces reads a page of 100 namespaces, and one of 10 out of
// few and out of many.
func BenchmarkListNamespaces(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		db := storetest.Open(b, store.SQLite)
		subscribed(b, db)
		s, _ := serving(b, db)
		write(b, db, func(tx *store.Tx) error {
			for i := range n {
				err := store.Insert(tx, "namespaces", namespace{Account: who, Name: fmt.Sprintf("n%04d", i), Status: namespaceCreated, IdentityStore: "QUICKSIGHT"})
				if err != nil {
					return err
				}
			}
			return nil
		})
		for _, size := range []int32{10, 100} {
			if int(size) > n {
				continue
			}
			b.Run(fmt.Sprintf("page=%d/of=%d", size, n), func(b *testing.B) {
				in := &qs.ListNamespacesRequest{AwsAccountId: who, MaxResults: &size}
				for b.Loop() {
					out, err := s.listNamespaces(b.Context(), in)
					if err != nil || len(out.Namespaces) != int(size) {
						b.Fatal(err)
					}
				}
			})
		}
	}
}

// BenchmarkAddressAllowed asks 100 rules.
func BenchmarkAddressAllowed(b *testing.B) {
	db := storetest.Open(b, store.SQLite)
	s, _ := serving(b, db)
	rules := IPRules{Enabled: true, Ranges: map[string]string{}}
	for i := range maxIPRules {
		rules.Ranges[fmt.Sprintf("10.0.%d.0/24", i)] = ""
	}
	write(b, db, func(tx *store.Tx) error { return ipRestriction.write(tx, place{account: who}, rules, time.Now()) })
	addr := netip.MustParseAddr("192.0.2.1")
	for b.Loop() {
		if ok, err := s.AddressAllowed(b.Context(), who, addr); ok || err != nil {
			b.Fatal(ok, err)
		}
	}
}
