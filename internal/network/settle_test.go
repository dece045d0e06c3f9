package network

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/job"
	"onsight/internal/outbound"
	"onsight/internal/page"
	"onsight/internal/qs"
	"onsight/internal/seal"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// neighbours are the other domains, as plain as can be.
type neighbours struct{}

func (neighbours) Enterprise(*store.Tx, string) error    { return nil }
func (neighbours) Put(*store.Tx, string, []qs.Tag) error { return nil }
func (neighbours) Delete(*store.Tx, string) error        { return nil }

const tester = "111122223333"

type rig struct {
	*Service
	runner *job.Runner
	ctx    context.Context
	clock  time.Duration
}

func newRig(t *testing.T, db *store.DB) *rig {
	t.Helper()
	file := filepath.Join(t.TempDir(), "profiles.json")
	if err := os.WriteFile(file, []byte(`{"profiles": [{"name": "office", "subnets": ["subnet-a", "subnet-b"], "sourceAddress": "127.0.0.1", "allow": ["10.0.0.0/8"]}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	profiles, err := outbound.ReadSettings(file)
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{}
	now := func() time.Time { return time.Now().Add(r.clock) }
	log := slog.New(slog.NewTextHandler(t.Output(), nil))
	r.runner = job.NewRunner(db, log, now)
	r.Service = New(Config{
		DB: db, Jobs: r.runner, Tokens: page.NewTokens(seal.New(), now), Log: log, Now: now, Accounts: neighbours{}, Tags: neighbours{}, Profiles: profiles,
	})
	r.ctx = api.As(t.Context(), api.Identity{Principal: api.Principal{Account: tester}, Region: "us-east-1"})
	return r
}

func (r *rig) create(t *testing.T) {
	t.Helper()
	_, err := r.createVPCConnection(r.ctx, &qs.CreateVPCConnectionRequest{
		AwsAccountId: tester, VPCConnectionId: "a", Name: "A", RoleArn: "arn:aws:iam::" + tester + ":role/vpc",
		SecurityGroupIds: []string{"sg-1"}, SubnetIds: []string{"subnet-a", "subnet-b"}, DnsResolvers: []string{"10.0.0.2"},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (r *rig) want(t *testing.T, status string) {
	t.Helper()
	out, err := r.describeVPCConnection(r.ctx, &qs.DescribeVPCConnectionRequest{AwsAccountId: tester, VPCConnectionId: "a"})
	if status == "" {
		if !missing(err) {
			t.Errorf("it is there: %v", err)
		}
		return
	}
	if err != nil || string(*out.VPCConnection.Status) != status {
		t.Errorf("%+v, %v; want %s", out.VPCConnection, err, status)
	}
}

func (r *rig) drain(t *testing.T) {
	t.Helper()
	if err := r.runner.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// A process that dies between a change and its job leaves the job to the next.
func TestJobSurvives(t *testing.T) {
	t.Parallel()
	for _, dialect := range storetest.Dialects {
		t.Run(dialect, func(t *testing.T) {
			t.Parallel()
			config := storetest.Config(t, dialect)
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
				return newRig(t, db)
			}
			r := reopen()
			r.create(t)
			r = reopen()
			r.want(t, creating)
			r.drain(t)
			r.want(t, created)
			_, err := r.updateVPCConnection(r.ctx, &qs.UpdateVPCConnectionRequest{
				AwsAccountId: tester, VPCConnectionId: "a", Name: "B", RoleArn: "arn:aws:iam::" + tester + ":role/vpc",
				SecurityGroupIds: []string{"sg-1"}, SubnetIds: []string{"subnet-b", "subnet-a"},
			})
			if err != nil {
				t.Fatal(err)
			}
			r = reopen()
			r.want(t, updating)
			r.drain(t)
			r.want(t, updated)
			if _, err := r.deleteVPCConnection(r.ctx, &qs.DeleteVPCConnectionRequest{AwsAccountId: tester, VPCConnectionId: "a"}); err != nil {
				t.Fatal(err)
			}
			r = reopen()
			r.want(t, deleting)
			r.drain(t)
			r.want(t, deleted)
			r = reopen()
			r.clock = memory + time.Second
			r.drain(t)
			r.want(t, "")
			if err := db.Close(); err != nil {
				t.Fatal(err)
			}
		})
	}
}

// A job that runs again, or for a connection that was made anew, does nothing.
func TestJobRunsAgain(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		r.create(t)
		var first task
		err := db.Read(t.Context(), func(tx *store.Tx) error {
			it, err := connections.Get(tx, key(r.ctx, tester, "a"))
			if err == nil {
				first = taskOf(it)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		run := func(version, created int64) {
			t.Helper()
			for _, fn := range []func(context.Context, job.Job) error{r.settle, r.forget} {
				payload := job.Job{Payload: encode(t, task{Key: first.Key, Version: version, Created: created})}
				if version == first.Version && created == first.Created {
					fn = r.settle // the job of this version is there to settle
				}
				if err := fn(t.Context(), payload); err != nil {
					t.Error(err)
				}
			}
		}
		run(7, first.Created)
		run(1, first.Created+1)
		r.want(t, creating)
		run(1, first.Created)
		r.want(t, created)
		run(1, first.Created)
		r.drain(t)
		r.want(t, created)
	})
}

// What connects asks for the profile of its connection.
func TestProfile(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		r := newRig(t, db)
		name := "arn:aws:quicksight:us-east-1:" + tester + ":vpcConnection/a"
		profile := func() (p outbound.Profile, err error) {
			err = db.Read(t.Context(), func(tx *store.Tx) (err error) {
				p, err = r.Profile(tx, name)
				return err
			})
			return p, err
		}
		if _, err := profile(); err == nil {
			t.Error("a profile of none")
		}
		r.create(t)
		if _, err := profile(); err == nil {
			t.Error("a profile before the creation has ended")
		}
		r.drain(t)
		p, err := profile()
		if err != nil || p.Name != "office" || len(p.Allowed) != 1 || len(p.Resolvers) != 1 || p.Resolvers[0].String() != "10.0.0.2" {
			t.Errorf("%+v, %v", p, err)
		}
		if again, err := profile(); err != nil || len(again.Resolvers) != 1 {
			t.Errorf("asked again: %+v, %v", again, err)
		}
		for _, other := range []string{"x", "arn:aws:quicksight:us-east-1:" + tester + ":user/default/a", "arn:aws-cn:quicksight:us-east-1:" + tester + ":vpcConnection/a"} {
			err := db.Read(t.Context(), func(tx *store.Tx) error {
				if a, err := arn.Parse(other); err == nil {
					if ok, err := r.Exists(tx, a); ok || err != nil {
						t.Errorf("%s exists: %v", other, err)
					}
				}
				_, err := r.Profile(tx, other)
				return err
			})
			if err == nil {
				t.Errorf("%s has a profile", other)
			}
		}
	})
}

func encode(t *testing.T, v any) []byte {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
