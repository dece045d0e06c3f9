package connector

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/page"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/seal"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// The neighbours of the domain, as plain as can be: everyone is subscribed and
// exists, and bo is in one group.
type neighbours struct{}

const (
	tester = "111122223333"
	bo     = "arn:aws:quicksight:us-east-1:" + tester + ":user/default/bo"
	team   = "arn:aws:quicksight:us-east-1:" + tester + ":group/default/team"
)

func (neighbours) Subscribed(*store.Tx, string) error      { return nil }
func (neighbours) Exists(*store.Tx, arn.ARN) (bool, error) { return true, nil }
func (neighbours) Put(*store.Tx, string, []qs.Tag) error   { return nil }
func (neighbours) Delete(*store.Tx, string) error          { return nil }
func (neighbours) Of(_ *store.Tx, a arn.ARN) ([]string, error) {
	if a.String() == bo {
		return []string{team}, nil
	}
	return nil, nil
}

// vendor is the world outside: it says what a test tells it to.
type vendor struct {
	mu      sync.Mutex
	verdict error
	seen    []Connection
}

func (v *vendor) Check(_ context.Context, c *Connection) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.seen = append(v.seen, *c)
	return v.verdict
}

func (v *vendor) says(err error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.verdict = err
}

type rig struct {
	*Service
	runner *job.Runner
	keys   *seal.Keyring
	vendor *vendor
	ctx    context.Context // the caller of every operation
}

func newRig(t *testing.T, db *store.DB, keys *seal.Keyring, change func(*Config)) *rig {
	t.Helper()
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	r := &rig{runner: job.NewRunner(db, log, time.Now), keys: keys, vendor: &vendor{}}
	c := Config{
		DB: db, Jobs: r.runner, Keys: keys, Tokens: page.NewTokens(keys, time.Now), Log: log, Now: time.Now,
		Accounts: neighbours{}, Principals: neighbours{}, Groups: neighbours{}, Tags: neighbours{}, Checker: r.vendor,
	}
	if change != nil {
		change(&c)
	}
	r.Service = New(c)
	r.ctx = api.As(t.Context(), api.Identity{Principal: api.Principal{Account: tester}, Region: "us-east-1"})
	return r
}

func bearer(base string, secret qs.Secret) *qs.AuthConfig {
	return &qs.AuthConfig{AuthenticationType: apiKey, AuthenticationMetadata: &qs.AuthenticationMetadata{
		ApiKeyConnectionMetadata: &qs.APIKeyConnectionMetadata{BaseEndpoint: base, ApiKey: secret},
	}}
}

func (r *rig) create(t *testing.T, id string, auth *qs.AuthConfig) {
	t.Helper()
	_, err := r.createActionConnector(r.ctx, &qs.CreateActionConnectorRequest{
		AwsAccountId: tester, ActionConnectorId: id, Name: "First", Type: qs.ActionConnectorTypeGenericHTTP, AuthenticationConfig: auth,
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (r *rig) update(id string, name qs.Secret, auth *qs.AuthConfig) error {
	_, err := r.updateActionConnector(r.ctx, &qs.UpdateActionConnectorRequest{
		AwsAccountId: tester, ActionConnectorId: id, Name: name, AuthenticationConfig: auth,
	})
	return err
}

func (r *rig) drain(t *testing.T) {
	t.Helper()
	if err := r.runner.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) get(t *testing.T, id string) *qs.ActionConnector {
	t.Helper()
	out, err := r.describeActionConnector(r.ctx, &qs.DescribeActionConnectorRequest{AwsAccountId: tester, ActionConnectorId: id})
	if err != nil {
		t.Fatal(err)
	}
	return out.ActionConnector
}

func (r *rig) want(t *testing.T, id string, status qs.ResourceStatus, name qs.Secret, base, message string) {
	t.Helper()
	c := r.get(t, id)
	got := c.AuthenticationConfig.AuthenticationMetadata.ApiKeyConnectionMetadata.BaseEndpoint
	if *c.Status != status || c.Name != name || got != base {
		t.Errorf("%s is %s, %q at %s; want %s, %q at %s", id, *c.Status, c.Name.Reveal(), got, status, name.Reveal(), base)
	}
	if (c.Error != nil) != (message != "") || c.Error != nil && *c.Error.Message != message {
		t.Errorf("Error = %+v, want %q", c.Error, message)
	}
	if c.Error != nil && *c.Error.Type != qs.ActionConnectorErrorTypeInternalFailure {
		t.Errorf("Error.Type = %s", *c.Error.Type)
	}
}

// secretsOf are the versions that are kept for a connector.
func (r *rig) secretsOf(t *testing.T, id string) (versions []int64) {
	t.Helper()
	err := r.db.Read(t.Context(), func(tx *store.Tx) (err error) {
		versions, err = store.All[int64](tx, `SELECT version FROM resource_secrets WHERE arn = $1 ORDER BY version`,
			connectors.ARN(resource.Key{Account: tester, Region: "us-east-1", ID: id}))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return versions
}

// What the service behind it says decides how a creation or an update ends; one
// that fails leaves what was before in force, and can be mended.
func TestVerdicts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, seal.New(), nil)
		r.vendor.says(&Rejection{Reason: "The key was refused."})
		r.create(t, "a", bearer("https://a.example", "k1"))
		r.want(t, "a", qs.ResourceStatusCreationInProgress, "First", "https://a.example", "")
		r.drain(t)
		r.want(t, "a", qs.ResourceStatusCreationFailed, "First", "https://a.example", "The key was refused.")

		if err := r.update("a", "Second", bearer("https://b.example", "k2")); err != nil {
			t.Fatal(err)
		}
		r.want(t, "a", qs.ResourceStatusUpdateInProgress, "First", "https://a.example", "The key was refused.")
		r.vendor.says(nil)
		r.drain(t)
		r.want(t, "a", qs.ResourceStatusUpdateSuccessful, "Second", "https://b.example", "")

		r.vendor.says(&Rejection{Reason: "No."})
		if err := r.update("a", "Third", bearer("https://c.example", "k3")); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]int64{3, 5}, r.secretsOf(t, "a")); diff != "" {
			t.Errorf("secrets during an update, -want +got:\n%s", diff)
		}
		r.drain(t)
		r.want(t, "a", qs.ResourceStatusUpdateFailed, "Second", "https://b.example", "No.")
		if diff := cmp.Diff([]int64{3}, r.secretsOf(t, "a")); diff != "" {
			t.Errorf("secrets after an update that failed, -want +got:\n%s", diff)
		}

		r.vendor.says(nil)
		none := &qs.AuthConfig{AuthenticationType: none, AuthenticationMetadata: &qs.AuthenticationMetadata{
			NoneConnectionMetadata: &qs.NoneConnectionMetadata{BaseEndpoint: "https://d.example"},
		}}
		if err := r.update("a", "Fourth", none); err != nil {
			t.Fatal(err)
		}
		r.drain(t)
		if c := r.get(t, "a"); *c.Status != qs.ResourceStatusUpdateSuccessful || c.Error != nil {
			t.Errorf("without authentication: %s, %v", *c.Status, c.Error)
		}
		if got := r.secretsOf(t, "a"); len(got) != 0 {
			t.Errorf("a connector without authentication has secrets of versions %v", got)
		}

		var secrets []string
		for _, c := range r.vendor.seen {
			secrets = append(secrets, c.Auth.BaseEndpoint+" "+c.Secret.Reveal())
		}
		want := []string{"https://a.example k1", "https://b.example k2", "https://c.example k3", "https://d.example "}
		if diff := cmp.Diff(want, secrets); diff != "" {
			t.Errorf("what was checked, -want +got:\n%s", diff)
		}
	})
}

// An update or a delete in the middle of a check waits, and then gives up.
func TestBusyConnector(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, seal.New(), nil) // nobody does jobs
		r.create(t, "a", bearer("https://a.example", "k1"))
		begun := time.Now()
		if err := r.update("a", "Second", bearer("https://b.example", "k2")); fault.Of(err) == nil || fault.Of(err).Code != "ConflictException" {
			t.Errorf("update: %v, want ConflictException", err)
		}
		if took := time.Since(begun); took < usualPatience {
			t.Errorf("the update gave up after %s, want %s", took, usualPatience)
		}
		r.patience = time.Minute // for slow machines
		done := make(chan error)
		go func() {
			_, err := r.deleteActionConnector(r.ctx, &qs.DeleteActionConnectorRequest{AwsAccountId: tester, ActionConnectorId: "a"})
			done <- err
		}()
		time.Sleep(50 * time.Millisecond)
		r.drain(t)
		if err := <-done; err != nil {
			t.Errorf("delete, with the check done meanwhile: %v", err)
		}
		// Sharing does not wait.
		r.create(t, "b", bearer("https://a.example", "k1"))
		_, err := r.updateActionConnectorPermissions(r.ctx, &qs.UpdateActionConnectorPermissionsRequest{
			AwsAccountId: tester, ActionConnectorId: "b",
			GrantPermissions: []qs.ResourcePermission{{Principal: bo, Actions: []string{"quicksight:DescribeActionConnector"}}},
		})
		if err != nil {
			t.Errorf("sharing while it is made: %v", err)
		}
		r.drain(t)
		r.want(t, "b", qs.ResourceStatusCreationSuccessful, "First", "https://a.example", "")
	})
}

// A server that dies between the answer and the job leaves nothing behind that
// the next one does not end.
func TestJobSurvives(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			config, keys := storetest.Config(t, dialect), seal.New()
			open := func() (*store.DB, *rig) {
				db, err := store.Open(t.Context(), config)
				if err != nil {
					t.Fatal(err)
				}
				return db, newRig(t, db, keys, nil)
			}
			db, r := open()
			r.create(t, "a", bearer("https://a.example", "k1"))
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			db, r = open()
			r.want(t, "a", qs.ResourceStatusCreationInProgress, "First", "https://a.example", "")
			r.drain(t)
			r.want(t, "a", qs.ResourceStatusCreationSuccessful, "First", "https://a.example", "")
			if err := r.update("a", "Second", bearer("https://b.example", "k2")); err != nil {
				t.Fatal(err)
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
			db, r = open()
			r.drain(t)
			r.want(t, "a", qs.ResourceStatusUpdateSuccessful, "Second", "https://b.example", "")
			if got := r.vendor.seen[0].Secret; got != "k2" {
				t.Errorf("the check saw the secret %q, want k2", got.Reveal())
			}
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A job that runs again, or for a connector that went or was made anew, does nothing twice.
func TestJobRunsAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, seal.New(), nil)
		r.create(t, "a", bearer("https://a.example", "k1"))
		again := func(version string) {
			t.Helper()
			payload := `{"Account":"` + tester + `","Region":"us-east-1","ID":"a","Version":` + version + `}`
			if err := r.verify(t.Context(), job.Job{Kind: jobVerify, Payload: []byte(payload), Attempts: 1}); err != nil {
				t.Errorf("version %s: %v", version, err)
			}
		}
		again("7")
		r.want(t, "a", qs.ResourceStatusCreationInProgress, "First", "https://a.example", "")
		again("1")
		again("1")
		r.drain(t)
		r.want(t, "a", qs.ResourceStatusCreationSuccessful, "First", "https://a.example", "")
		if n := len(r.vendor.seen); n != 1 {
			t.Errorf("checked %d times, want once", n)
		}
		if _, err := r.deleteActionConnector(r.ctx, &qs.DeleteActionConnectorRequest{AwsAccountId: tester, ActionConnectorId: "a"}); err != nil {
			t.Fatal(err)
		}
		again("2")
	})
}

// A check that ends neither way is made again, but not for ever.
func TestCheckOfTheMoment(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, seal.New(), nil)
		r.create(t, "a", bearer("https://a.example", "k1"))
		r.vendor.says(errors.New("connection reset"))
		payload := []byte(`{"Account":"` + tester + `","Region":"us-east-1","ID":"a","Version":1}`)
		for attempt := 1; attempt < maxAttempts; attempt++ {
			if err := r.verify(t.Context(), job.Job{Payload: payload, Attempts: attempt}); err == nil {
				t.Fatalf("attempt %d ended", attempt)
			}
		}
		r.want(t, "a", qs.ResourceStatusCreationInProgress, "First", "https://a.example", "")
		stopping, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.verify(stopping, job.Job{Payload: payload, Attempts: maxAttempts}); err == nil {
			t.Error("a server that stops has judged a connector")
		}
		if err := r.verify(t.Context(), job.Job{Payload: payload, Attempts: maxAttempts}); err != nil {
			t.Fatal(err)
		}
		if c := r.get(t, "a"); *c.Status != qs.ResourceStatusCreationFailed || !strings.Contains(*c.Error.Message, "couldn't be checked") {
			t.Errorf("after %d attempts: %s, %+v", maxAttempts, *c.Status, c.Error)
		}
	})
}

// Without a Checker of the service itself, the job makes sure of what it can:
// that the secret opens, and that the rules still hold.
func TestStructure(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		keys := seal.New()
		office := Endpoints{Allowed: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")}}
		free := newRig(t, db, keys, func(c *Config) { c.Checker, c.Endpoints = nil, office })
		free.create(t, "good", bearer("https://10.1.2.3", "k1"))
		free.drain(t)
		free.want(t, "good", qs.ResourceStatusCreationSuccessful, "First", "https://10.1.2.3", "")
		free.create(t, "late", bearer("https://10.1.2.3", "k1"))
		strict := newRig(t, db, keys, func(c *Config) { c.Checker = nil })
		strict.drain(t)
		if c := strict.get(t, "late"); *c.Status != qs.ResourceStatusCreationFailed || !strings.Contains(*c.Error.Message, "BaseEndpoint") {
			t.Errorf("an address that is not allowed any more: %s, %+v", *c.Status, c.Error)
		}
		free.create(t, "sealed", bearer("https://a.example", "k1"))
		other := newRig(t, db, seal.New(), func(c *Config) { c.Checker = nil })
		other.drain(t)
		if c := other.get(t, "sealed"); *c.Status != qs.ResourceStatusCreationFailed || !strings.Contains(*c.Error.Message, "can't be opened") {
			t.Errorf("a secret that does not open: %s, %+v", *c.Status, c.Error)
		}
		if err := other.update("sealed", "Second", bearer("https://a.example", "k1")); err != nil {
			t.Fatal(err)
		}
		other.drain(t)
		other.want(t, "sealed", qs.ResourceStatusUpdateSuccessful, "Second", "https://a.example", "")
	})
}

// Searches by holder see groups, those with DIRECT do not.
func TestSearchThroughGroups(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db, seal.New(), nil)
		owns := []string{connectors.Sharing.Owner}
		for id, principals := range map[string][]string{"mine": {bo}, "ours": {team}, "both": {bo, team}, "theirs": {bo + "2"}} {
			r.create(t, id, bearer("https://a.example", "k1"))
			in := &qs.UpdateActionConnectorPermissionsRequest{AwsAccountId: tester, ActionConnectorId: id}
			for _, p := range principals {
				in.GrantPermissions = append(in.GrantPermissions, qs.ResourcePermission{Principal: p, Actions: owns})
			}
			if _, err := r.updateActionConnectorPermissions(r.ctx, in); err != nil {
				t.Fatal(err)
			}
		}
		for name, want := range map[string]string{
			"QUICKSIGHT_OWNER " + bo:                  "both mine ours",
			"QUICKSIGHT_VIEWER_OR_OWNER " + bo:        "both mine ours",
			"DIRECT_QUICKSIGHT_OWNER " + bo:           "both mine",
			"DIRECT_QUICKSIGHT_VIEWER_OR_OWNER " + bo: "both mine",
			"DIRECT_QUICKSIGHT_SOLE_OWNER " + bo:      "mine",
			"QUICKSIGHT_OWNER " + team:                "both ours",
			"DIRECT_QUICKSIGHT_SOLE_OWNER " + team:    "ours",
		} {
			filter, who, _ := strings.Cut(name, " ")
			out, err := r.searchActionConnectors(r.ctx, &qs.SearchActionConnectorsRequest{AwsAccountId: tester, Filters: []qs.ActionConnectorSearchFilter{
				{Name: qs.ActionConnectorSearchFilterNameEnum(filter), Operator: qs.FilterOperatorStringEquals, Value: who},
			}})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			var ids []string
			for _, c := range out.ActionConnectorSummaries {
				ids = append(ids, c.ActionConnectorId)
			}
			if got := strings.Join(ids, " "); got != want {
				t.Errorf("%s: %q, want %q", name, got, want)
			}
		}
	})
}

// Targets are formed before anything is validated, so any input will do.
func TestTargets(t *testing.T) {
	t.Parallel()
	s := &Service{}
	ctx := api.As(t.Context(), api.Identity{Region: "eu-west-1"})
	if got, want := s.creating(ctx, &qs.CreateActionConnectorRequest{}).Resource, "arn:aws:quicksight:eu-west-1::action-connector/"; got != want {
		t.Errorf("an empty create is about %s, want %s", got, want)
	}
	on := s.creating(ctx, &qs.CreateActionConnectorRequest{
		AwsAccountId: tester, ActionConnectorId: "a", Tags: []qs.Tag{{Key: "team", Value: "sales"}, {Key: "a", Value: "b"}},
	})
	want := map[string][]string{"aws:TagKeys": {"team", "a"}, "aws:RequestTag/team": {"sales"}, "aws:RequestTag/a": {"b"}}
	if diff := cmp.Diff(want, map[string][]string(on.Context)); diff != "" {
		t.Errorf("context of a create with tags, -want +got:\n%s", diff)
	}
	for _, got := range []string{
		s.describing(ctx, &qs.DescribeActionConnectorRequest{AwsAccountId: tester, ActionConnectorId: "a"}).Resource,
		s.updating(ctx, &qs.UpdateActionConnectorRequest{AwsAccountId: tester, ActionConnectorId: "a"}).Resource,
		s.deleting(ctx, &qs.DeleteActionConnectorRequest{AwsAccountId: tester, ActionConnectorId: "a"}).Resource,
		s.describingPermissions(ctx, &qs.DescribeActionConnectorPermissionsRequest{AwsAccountId: tester, ActionConnectorId: "a"}).Resource,
		s.updatingPermissions(ctx, &qs.UpdateActionConnectorPermissionsRequest{AwsAccountId: tester, ActionConnectorId: "a"}).Resource,
	} {
		if want := "arn:aws:quicksight:eu-west-1:" + tester + ":action-connector/a"; got != want {
			t.Errorf("target %s, want %s", got, want)
		}
	}
	for _, got := range []string{
		s.listing(ctx, &qs.ListActionConnectorsRequest{AwsAccountId: tester}).Resource,
		s.searching(ctx, &qs.SearchActionConnectorsRequest{AwsAccountId: tester}).Resource,
	} {
		if want := "arn:aws:quicksight:eu-west-1:" + tester + ":action-connector/*"; got != want {
			t.Errorf("target of a list %s, want %s", got, want)
		}
	}
}
