package action

import (
	"context"
	"crypto/x509"
	"io"
	"log"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/connector"
	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/outbound"
	"onsight/internal/page"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/seal"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

const (
	tester = "111122223333"
	ana    = "arn:aws:quicksight:us-east-1:" + tester + ":user/default/ana"
)

// around are the other domains, as plain as can be. ana is an author and bo a
// reader; the list of each connector has both.
type around struct {
	profile outbound.Profile
	base    string // of the connector's service
	mu      sync.Mutex
	events  []Event
}

func (*around) Subscribed(*store.Tx, string) error                  { return nil }
func (*around) Exists(*store.Tx, arn.ARN) (bool, error)             { return true, nil }
func (*around) Put(*store.Tx, string, []qs.Tag) error               { return nil }
func (*around) Delete(*store.Tx, string) error                      { return nil }
func (*around) Registered(*store.Tx, api.Principal) ([]User, error) { return nil, nil }
func (*around) May(_ *store.Tx, user arn.ARN, _ string) (bool, error) {
	return !strings.HasSuffix(user.Resource, "/eve"), nil
}
func (a *around) Default() outbound.Profile                           { return a.profile }
func (a *around) Profile(*store.Tx, string) (outbound.Profile, error) { return a.profile, nil }
func (*around) Role(_ *store.Tx, user arn.ARN) (string, error) {
	if strings.HasSuffix(user.Resource, "/bo") {
		return "READER", nil
	}
	return "AUTHOR", nil
}

func (*around) Noticed(*store.Tx, Notice) {}

func (a *around) Acted(_ *store.Tx, e Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.events = append(a.events, e)
}

// people are a Service without an API, and a connector to a service.
func people(t *testing.T, db *store.DB, handler http.Handler) (s *Service, a *around, k Key) {
	t.Helper()
	vendor := httptest.NewTLSServer(handler)
	vendor.Config.ErrorLog = log.New(io.Discard, "", 0)
	t.Cleanup(vendor.Close)
	pool := x509.NewCertPool()
	pool.AddCert(vendor.Certificate())
	a = &around{profile: outbound.Profile{Allowed: outbound.Ranges{netip.MustParsePrefix("127.0.0.0/8")}, RootCAs: pool}, base: vendor.URL}
	keys, err := seal.Load(t.TempDir() + "/seal.key")
	if err != nil {
		t.Fatal(err)
	}
	text := slog.New(slog.NewTextHandler(t.Output(), nil))
	jobs := job.NewRunner(db, text, time.Now)
	tokens := page.NewTokens(keys, time.Now)
	connectors := connector.New(connector.Config{
		DB: db, Jobs: jobs, Keys: keys, Tokens: tokens, Log: text, Now: time.Now, Accounts: a, Principals: a, Tags: a,
		Endpoints: connector.Endpoints{Allowed: a.profile.Allowed},
	})
	s = New(Config{
		DB: db, Jobs: jobs, Keys: keys, Tokens: tokens, Log: text, Now: time.Now, Connectors: connectors, People: a, Networks: a, Clients: &outbound.Clients{}, Trail: a,
	})
	k = resource.Key{Account: tester, Region: "us-east-1", ID: "shop"}
	err = db.Write(t.Context(), func(tx *store.Tx) error {
		return store.Insert(tx, "resources", struct {
			Account string `db:"account"`
			Region  string `db:"region"`
			Kind    string `db:"kind"`
			ID      string `db:"id"`
			ARN     string `db:"arn"`
			Name    string `db:"name"`
			NameKey string `db:"name_key"`
			Type    string `db:"type"`
			Status  string `db:"status"`
			Version int64  `db:"version"`
			Created int64  `db:"created_us"`
			Updated int64  `db:"updated_us"`
			Doc     string `db:"doc"`
		}{
			tester, k.Region, "action-connector", k.ID, connector.ARN(k), "Shop", "shop", "GENERIC_HTTP", "CREATION_SUCCESSFUL", 1, 1, 1,
			`{"settings":{"name":"Shop","auth":{"type":"NONE","baseEndpoint":"` + vendor.URL + `"}}}`,
		})
	})
	if err != nil {
		t.Fatal(err)
	}
	return s, a, k
}

// TestPerson has people act who do not call the API, as the console and other
// programs have them.
func TestPerson(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, a, k := people(t, db, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/no" {
				w.WriteHeader(http.StatusForbidden)
			}
		}))
		actor := func(name string) Actor {
			t.Helper()
			user, err := arn.Parse(strings.TrimSuffix(ana, "ana") + name)
			if err != nil {
				t.Fatal(err)
			}
			var who Actor
			err = db.Read(t.Context(), func(tx *store.Tx) error {
				who, err = s.Person(tx, user)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return who
		}
		for _, c := range []struct {
			name, action, input, code string
			events                    int
		}{
			{"ana", "HttpPost", `{}`, "", 1},
			{"ana", "HttpPost", `{"path":"no"}`, "ActionFailedException", 1},
			{"bo", "HttpGet", `{}`, "", 1},
			{"bo", "HttpPost", `{}`, "AccessDeniedException", 1},
			{"eve", "HttpGet", `{}`, "AccessDeniedException", 1},
			{"ana", "HttpGet", `{"path":1}`, "InvalidParameterValueException", 1},
		} {
			a.events = nil
			_, err := s.Perform(t.Context(), actor(c.name), Request{Connector: k, Action: c.action, Input: []byte(c.input), Origin: api.Origin{Address: "192.0.2.1"}})
			if got := fault.Of(err); (got == nil) != (c.code == "") || got != nil && got.Code != c.code {
				t.Errorf("%s %s %s: %v, want %s", c.name, c.action, c.input, err, c.code)
			}
			if len(a.events) != c.events {
				t.Errorf("%s %s %s: %d events, want %d", c.name, c.action, c.input, len(a.events), c.events)
				continue
			}
			e := a.events[0]
			if e.User != actor(c.name).Principal || e.Error != c.code || e.Action != c.action || e.Origin.Address != "192.0.2.1" {
				t.Errorf("event %+v", e)
			}
		}
		if n := s.Counts()[Count{"GENERIC_HTTP", "HttpPost", "Denied"}]; n != 1 {
			t.Errorf("counts %v", s.Counts())
		}
	})
}

// A service that hangs keeps nobody longer than the limit says; what only reads
// is asked again.
func TestHang(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		s, _, k := people(t, db, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }))
		s.Limits.Header = 200 * time.Millisecond
		pauses := 0
		s.Sleep = func(context.Context, time.Duration) error { pauses++; return nil }
		for action, want := range map[string]int{"HttpGet": 2, "HttpPost": 0} {
			pauses = 0
			_, err := s.Perform(t.Context(), Actor{Principal: ana}, Request{Connector: k, Action: action})
			f := fault.Of(err)
			if f == nil || f.Code != "ActionFailedException" || f.Members["Kind"] != "TimedOut" || f.Members["Retryable"] != "true" || pauses != want {
				t.Errorf("%s: %v after %d pauses, want %d", action, err, pauses, want)
			}
		}
	})
}

// A thousand calls of a service that is slow take little memory, and one whose
// caller has gone away ends.
func TestSlow(t *testing.T) {
	// Not at once with others: it measures the memory of the whole process.
	if testing.Short() {
		t.Skip("it takes some seconds")
	}
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) { slow(t, storetest.Reopen(t, storetest.Config(t, dialect))) })
	}
}

func slow(t *testing.T, db *store.DB) {
	t.Helper()
	const calls = 1000
	arrived, release := make(chan struct{}, calls), make(chan struct{})
	s, _, k := people(t, db, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		arrived <- struct{}{}
		select {
		case <-release:
		case <-r.Context().Done():
		}
	}))
	var before, within runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	ctx, gone := context.WithCancel(t.Context())
	defer gone()
	var all sync.WaitGroup
	failed := make(chan error, calls)
	for range calls {
		all.Go(func() {
			_, err := s.Perform(ctx, Actor{Principal: ana}, Request{Connector: k, Action: "HttpGet"})
			failed <- err
		})
	}
	for range calls {
		select {
		case <-arrived:
		case <-time.After(time.Minute):
			t.Fatal("the calls have not arrived within a minute")
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&within)
	used := (within.HeapInuse + within.StackInuse - before.HeapInuse - before.StackInuse) >> 20
	t.Logf("%d calls at once take %d MB, those of the service among them", calls, used)
	if used > 200 {
		t.Errorf("%d MB, want 200 at most", used)
	}
	gone()
	all.Wait()
	close(release)
	if err := <-failed; fault.Of(err) == nil {
		t.Error("a call whose caller has gone succeeded")
	}
}
