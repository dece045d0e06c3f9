package oauthapp

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/job"
	"onsight/internal/outbound"
	"onsight/internal/page"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/seal"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

const tester = "111122223333"

// neighbours are the other domains, as plain as can be. The way out leads to
// this machine.
type neighbours struct{ profile outbound.Profile }

func (neighbours) Subscribed(*store.Tx, string) error             { return nil }
func (neighbours) Put(*store.Tx, string, []qs.Tag) error          { return nil }
func (neighbours) Delete(*store.Tx, string) error                 { return nil }
func (n neighbours) Default() outbound.Profile                    { return n.profile }
func (neighbours) Use(*store.Tx, arn.ARN) ([]netip.Prefix, error) { return nil, nil }
func (n neighbours) Profile(*store.Tx, string) (outbound.Profile, error) {
	return n.profile, nil
}

// endpoint gives a token to whoever has the secret that it wants.
type endpoint struct {
	*httptest.Server
	secret atomic.Value
	asked  atomic.Int32
}

func startEndpoint(t *testing.T) *endpoint {
	t.Helper()
	e := &endpoint{}
	e.secret.Store("one")
	e.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.asked.Add(1)
		w.Header().Set("Content-Type", "application/json")
		if _, secret, _ := r.BasicAuth(); secret != e.secret.Load() {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"error": "invalid_client"}`))
			return
		}
		_, _ = w.Write([]byte(`{"access_token": "x", "token_type": "Bearer"}`))
	}))
	t.Cleanup(e.Close)
	return e
}

type rig struct {
	*Service
	runner *job.Runner
	ctx    context.Context
	e      *endpoint
}

func newRig(t *testing.T, db *store.DB, keys *seal.Keyring, e *endpoint) *rig {
	t.Helper()
	transport, ok := e.Client().Transport.(*http.Transport)
	if !ok {
		t.Fatal("no transport")
	}
	n := neighbours{outbound.Profile{Allowed: outbound.LoopbackRanges(), RootCAs: transport.TLSClientConfig.RootCAs}}
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	r := &rig{runner: job.NewRunner(db, log, time.Now), e: e}
	r.Service = New(Config{
		DB: db, Jobs: r.runner, Keys: keys, Tokens: page.NewTokens(keys, time.Now), Log: log, Now: time.Now,
		Accounts: n, Tags: n, Networks: n, Clients: &outbound.Clients{},
	})
	r.ctx = api.As(t.Context(), api.Identity{Principal: api.Principal{Account: tester}, Region: "us-east-1"})
	return r
}

func (r *rig) create(t *testing.T, secret qs.Secret) {
	t.Helper()
	_, err := r.createOAuthClientApplication(r.ctx, &qs.CreateOAuthClientApplicationRequest{
		AwsAccountId: tester, OAuthClientApplicationId: "a", Name: "First", ClientId: "client", ClientSecret: secret, OAuthTokenEndpointUrl: qs.Secret(r.e.URL + "/token"),
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (r *rig) update(t *testing.T, name string, secret *qs.Secret) {
	t.Helper()
	_, err := r.updateOAuthClientApplication(r.ctx, &qs.UpdateOAuthClientApplicationRequest{
		AwsAccountId: tester, OAuthClientApplicationId: "a", Name: name, ClientSecret: secret,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (r *rig) drain(t *testing.T) {
	t.Helper()
	if err := r.runner.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// want makes sure of an application's status, its name in force, and that so
// many secrets are kept.
func (r *rig) want(t *testing.T, status, name string, secrets int64) {
	t.Helper()
	err := r.db.Read(t.Context(), func(tx *store.Tx) error {
		it, err := applications.Get(tx, key(r.ctx, tester, "a"))
		if err != nil {
			return err
		}
		n, err := store.One[int64](tx, `SELECT COUNT(*) FROM resource_secrets WHERE arn = $1`, it.ARN)
		if it.Status != status || it.Doc.Settings.Name != name || n != secrets {
			t.Errorf("%s, %q with %d secrets; want %s, %q with %d", it.Status, it.Doc.Settings.Name, n, status, name, secrets)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// A process that dies between a change and its job leaves the job to the next.
func TestJobSurvives(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			config, keys, e := storetest.Config(t, dialect), seal.New(), startEndpoint(t)
			var db *store.DB
			reopen := func() *rig {
				if db != nil {
					if err := db.Close(); err != nil {
						t.Fatal(err)
					}
				}
				var err error
				if db, err = store.Open(t.Context(), config); err != nil {
					t.Fatal(err)
				}
				return newRig(t, db, keys, e)
			}
			r := reopen()
			r.create(t, "one")
			r = reopen()
			r.want(t, creating, "First", 1)
			r.drain(t)
			r.want(t, created, "First", 1)
			r.update(t, "Second", new(qs.Secret("two")))
			r = reopen()
			r.want(t, updating, "First", 2)
			e.secret.Store("two")
			r.drain(t)
			r.want(t, updated, "Second", 1)
			r.update(t, "Third", new(qs.Secret("three")))
			r.drain(t)
			r.want(t, notUpdated, "Second", 1)
			// One that follows another at once overtakes its check.
			r.update(t, "Fourth", new(qs.Secret("four")))
			r.update(t, "Fifth", nil)
			e.secret.Store("four")
			r = reopen()
			r.drain(t)
			r.want(t, updated, "Fifth", 1)
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A job that runs again, or for an application that went, does nothing.
func TestJobRunsAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, seal.New(), startEndpoint(t))
		r.create(t, "one")
		var first task
		err := db.Read(t.Context(), func(tx *store.Tx) error {
			it, err := applications.Get(tx, key(r.ctx, tester, "a"))
			if err == nil {
				first = task{Key: it.Key, Version: it.Version, Created: store.Micros(it.Created)}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		again := func(change func(*task)) {
			t.Helper()
			next := first
			change(&next)
			payload, err := json.Marshal(next)
			if err != nil {
				t.Fatal(err)
			}
			if err := r.check(t.Context(), job.Job{Payload: payload, Attempts: 1}); err != nil {
				t.Error(err)
			}
		}
		again(func(next *task) { next.Version = 7 })
		again(func(next *task) { next.Created++ })
		r.want(t, creating, "First", 1)
		again(func(*task) {})
		again(func(*task) {})
		r.drain(t)
		r.want(t, created, "First", 1)
		if n := r.e.asked.Load(); n != 1 {
			t.Errorf("asked %d times, want once", n)
		}
		if _, err := r.deleteOAuthClientApplication(r.ctx, &qs.DeleteOAuthClientApplicationRequest{AwsAccountId: tester, OAuthClientApplicationId: "a"}); err != nil {
			t.Fatal(err)
		}
		again(func(*task) {})
	})
}

// Some servers take credentials in the body only.
func TestCredentialsInTheBody(t *testing.T) {
	t.Parallel()
	e := startEndpoint(t)
	e.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.Header.Get("Authorization") != "" || r.FormValue("client_id") != "client" || r.FormValue("client_secret") != "one" {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error": "invalid_request"}`))
			return
		}
		_, _ = w.Write([]byte(`{"access_token": "x", "token_type": "Bearer"}`))
	})
	r := newRig(t, storetest.Open(t, storetest.Dialects[0]), seal.New(), e)
	r.create(t, "one")
	r.drain(t)
	r.want(t, created, "First", 1)
}

// Keys that are lost end in a status, and new credentials mend it.
func TestLostKey(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		e := startEndpoint(t)
		newRig(t, db, seal.New(), e).create(t, "one")
		r := newRig(t, db, seal.New(), e)
		r.drain(t)
		r.want(t, notCreated, "First", 1)
		in := &qs.UpdateOAuthClientApplicationRequest{AwsAccountId: tester, OAuthClientApplicationId: "a", Name: "Mended", ClientSecret: new(qs.Secret("one"))}
		if _, err := r.updateOAuthClientApplication(r.ctx, in); err == nil || !strings.Contains(err.Error(), "both needed") {
			t.Errorf("half of the credentials: %v", err)
		}
		in.ClientId = new(qs.Secret("client"))
		if _, err := r.updateOAuthClientApplication(r.ctx, in); err != nil {
			t.Error(err)
		}
		r.drain(t)
		r.want(t, updated, "Mended", 1)
	})
}

func TestTargets(t *testing.T) {
	t.Parallel()
	r := newRig(t, storetest.Open(t, storetest.Dialects[0]), seal.New(), startEndpoint(t))
	base := "arn:aws:quicksight:us-east-1:" + tester + ":oauthClientApplication/"
	on := r.creating(r.ctx, &qs.CreateOAuthClientApplicationRequest{AwsAccountId: tester, OAuthClientApplicationId: "a", Tags: []qs.Tag{{Key: "k", Value: "v"}}})
	if on.Resource != base+"a" || strings.Join(on.Context["aws:RequestTag/k"], "") != "v" {
		t.Errorf("create: %+v", on)
	}
	if on := r.listing(r.ctx, &qs.ListOAuthClientApplicationsRequest{AwsAccountId: tester}); on.Resource != base+"*" {
		t.Errorf("list: %+v", on)
	}
	if resource.RequestTags(nil) != nil {
		t.Error("keys without tags")
	}
}
