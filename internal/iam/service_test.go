package iam

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/seal"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
)

// everyone lets every call through.
type everyone struct{}

func (everyone) Authorize(context.Context, api.Principal, string, policy.Target) error { return nil }

const testAccount = "111122223333"

// newTestService makes a service whose clock is now, and a context of the
// account's root.
func newTestService(db *store.DB, now *time.Time, quotas Quotas) (*Service, context.Context) {
	keys, clock := seal.New(), func() time.Time { return *now }
	s := New(Config{DB: db, Keys: keys, Tokens: page.NewTokens(keys, clock), Now: clock, Authorizer: everyone{}, Quotas: quotas})
	return s, api.As(context.Background(), api.Identity{Region: "us-east-1", Principal: api.Principal{
		Account: testAccount, ARN: "arn:aws:iam::" + testAccount + ":root", UserID: testAccount, Type: "Root",
	}})
}

const trustAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"*"},"Action":"sts:AssumeRole"}]}`

func TestQuotas(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
		s, ctx := newTestService(db, &now, Quotas{Users: 2, Groups: 2, Roles: 2, Policies: 2})
		for what, create := range map[string]func(name string) error{
			"Users": func(name string) error {
				_, err := s.createUser(ctx, &iamapi.CreateUserRequest{UserName: name})
				return err
			},
			"Groups": func(name string) error {
				_, err := s.createGroup(ctx, &iamapi.CreateGroupRequest{GroupName: name})
				return err
			},
			"Roles": func(name string) error {
				_, err := s.createRole(ctx, &iamapi.CreateRoleRequest{RoleName: name, AssumeRolePolicyDocument: trustAll})
				return err
			},
		} {
			for i := range 2 {
				if err := create(fmt.Sprint("n", i)); err != nil {
					t.Fatal(err)
				}
			}
			f := fault.Of(create("n2"))
			if want := "Cannot exceed quota for " + what + "PerAccount: 2"; f.Code != "LimitExceeded" || f.Message != want {
				t.Errorf("%s: %v, want %s", what, f, want)
			}
			if f := fault.Of(create("N1")); f.Code != "EntityAlreadyExists" {
				t.Errorf("%s: a name again: %v", what, f)
			}
		}
		if _, err := s.deleteUser(ctx, &iamapi.DeleteUserRequest{UserName: "n0"}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.createUser(ctx, &iamapi.CreateUserRequest{UserName: "n3"}); err != nil {
			t.Errorf("after a deletion: %v", err)
		}
	})
}

func TestVersionCountsChanges(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
		s, ctx := newTestService(db, &now, Quotas{})
		version := func() (v int64) {
			t.Helper()
			err := db.Read(ctx, func(tx *store.Tx) (err error) {
				v, err = s.Version(tx, testAccount)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return v
		}
		last := version()
		if last != 0 {
			t.Errorf("before the first change: %d", last)
		}
		name := new("ana")
		var key string
		for _, step := range []struct {
			what string
			do   func() error
		}{
			{"CreateUser", func() error {
				_, err := s.createUser(ctx, &iamapi.CreateUserRequest{UserName: "ana"})
				return err
			}},
			{"CreateGroup", func() error {
				_, err := s.createGroup(ctx, &iamapi.CreateGroupRequest{GroupName: "g"})
				return err
			}},
			{"AddUserToGroup", func() error {
				_, err := s.addUserToGroup(ctx, &iamapi.AddUserToGroupRequest{GroupName: "g", UserName: "ana"})
				return err
			}},
			{"CreateAccessKey", func() error {
				out, err := s.createAccessKey(ctx, &iamapi.CreateAccessKeyRequest{UserName: name})
				key = out.AccessKey.AccessKeyId
				return err
			}},
			{"UpdateAccessKey", func() error {
				_, err := s.updateAccessKey(ctx, &iamapi.UpdateAccessKeyRequest{UserName: name, AccessKeyId: key, Status: "Inactive"})
				return err
			}},
			{"DeleteAccessKey", func() error {
				_, err := s.deleteAccessKey(ctx, &iamapi.DeleteAccessKeyRequest{UserName: name, AccessKeyId: key})
				return err
			}},
			{"TagUser", func() error {
				return s.tag(ctx, s.userTags(ctx, "ana"), []iamapi.Tag{{Key: "k", Value: "v"}})
			}},
			{"UntagUser", func() error { return s.untag(ctx, s.userTags(ctx, "ana"), []string{"k"}) }},
			{"RemoveUserFromGroup", func() error {
				_, err := s.removeUserFromGroup(ctx, &iamapi.RemoveUserFromGroupRequest{GroupName: "g", UserName: "ana"})
				return err
			}},
			{"UpdateGroup", func() error {
				_, err := s.updateGroup(ctx, &iamapi.UpdateGroupRequest{GroupName: "g", NewPath: new("/p/")})
				return err
			}},
			{"DeleteGroup", func() error {
				_, err := s.deleteGroup(ctx, &iamapi.DeleteGroupRequest{GroupName: "g"})
				return err
			}},
			{"UpdateUser", func() error {
				_, err := s.updateUser(ctx, &iamapi.UpdateUserRequest{UserName: "ana", NewPath: new("/p/")})
				return err
			}},
			{"DeleteUser", func() error {
				_, err := s.deleteUser(ctx, &iamapi.DeleteUserRequest{UserName: "ana"})
				return err
			}},
			{"CreateRole", func() error {
				_, err := s.createRole(ctx, &iamapi.CreateRoleRequest{RoleName: "r", AssumeRolePolicyDocument: trustAll})
				return err
			}},
			{"UpdateRole", func() error {
				_, err := s.updateRole(ctx, &iamapi.UpdateRoleRequest{RoleName: "r"})
				return err
			}},
			{"UpdateAssumeRolePolicy", func() error {
				_, err := s.updateTrust(ctx, &iamapi.UpdateAssumeRolePolicyRequest{RoleName: "r", PolicyDocument: trustAll})
				return err
			}},
			{"DeleteRole", func() error {
				_, err := s.deleteRole(ctx, &iamapi.DeleteRoleRequest{RoleName: "r"})
				return err
			}},
		} {
			if err := step.do(); err != nil {
				t.Fatalf("%s: %v", step.what, err)
			}
			now := version()
			if now <= last {
				t.Errorf("%s left the version at %d", step.what, now)
			}
			last = now
		}
	})
}

func TestUsesAreWrittenTogether(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *store.DB) {
		now := time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)
		s, ctx := newTestService(db, &now, Quotas{})
		if _, err := s.createUser(ctx, &iamapi.CreateUserRequest{UserName: "ana"}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.createRole(ctx, &iamapi.CreateRoleRequest{RoleName: "r", AssumeRolePolicyDocument: trustAll}); err != nil {
			t.Fatal(err)
		}
		made, err := s.createAccessKey(ctx, &iamapi.CreateAccessKeyRequest{UserName: new("ana")})
		if err != nil {
			t.Fatal(err)
		}
		id := made.AccessKey.AccessKeyId
		r, err := s.getRole(ctx, &iamapi.GetRoleRequest{RoleName: "r"})
		if err != nil {
			t.Fatal(err)
		}
		kept := func() (us int64) {
			t.Helper()
			err := db.Read(ctx, func(tx *store.Tx) (err error) {
				us, err = store.One[int64](tx, `SELECT COALESCE(MAX(last_used_us), 0) FROM iam_access_keys WHERE id = $1`, id)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			return us
		}
		seen := func() *iamapi.AccessKeyLastUsed {
			t.Helper()
			out, err := s.getLastUsed(ctx, &iamapi.GetAccessKeyLastUsedRequest{AccessKeyId: id})
			if err != nil {
				t.Fatal(err)
			}
			return out.AccessKeyLastUsed
		}
		s.Used(Use{ID: id, Service: "sts", Region: "eu-west-1"})
		now = now.Add(time.Second)
		s.Used(Use{ID: id, Service: "iam", Region: "us-east-1"})
		s.Used(Use{ID: r.Role.RoleId, Service: "quicksight", Region: "eu-central-1"})
		want := &iamapi.AccessKeyLastUsed{LastUsedDate: &now, ServiceName: "iam", Region: "us-east-1"}
		if kept() != 0 {
			t.Error("a use is written at once")
		}
		if diff := cmp.Diff(want, seen()); diff != "" {
			t.Errorf("before it is written (-want +got):\n%s", diff)
		}
		if err := s.WriteUses(ctx); err != nil {
			t.Fatal(err)
		}
		if got := kept(); got != store.Micros(now) {
			t.Errorf("written %d, want %d", got, store.Micros(now))
		}
		if diff := cmp.Diff(want, seen()); diff != "" {
			t.Errorf("after it is written (-want +got):\n%s", diff)
		}
		r, err = s.getRole(ctx, &iamapi.GetRoleRequest{RoleName: "r"})
		if err != nil || r.Role.RoleLastUsed.LastUsedDate == nil || *r.Role.RoleLastUsed.Region != "eu-central-1" {
			t.Errorf("the role: %+v, %v", r.Role.RoleLastUsed, err)
		}
		// Another process has seen a later one.
		later := now
		now = now.Add(-time.Hour)
		s.Used(Use{ID: id, Service: "sts", Region: "eu-west-1"})
		if err := s.WriteUses(ctx); err != nil {
			t.Fatal(err)
		}
		if got := kept(); got != store.Micros(later) {
			t.Errorf("an earlier use replaced a later one: %d", got)
		}
	})
}

// TestTargetWithoutDatabase: what cannot be looked up is allowed to nobody.
func TestTargetWithoutDatabase(t *testing.T) {
	t.Parallel()
	db, err := store.Open(t.Context(), store.Config{Memory: true})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	s, ctx := newTestService(db, &now, Quotas{})
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for name, target := range map[string]policy.Target{
		"user": s.onUser(ctx, "ana"), "group": s.onGroup(ctx, "g"), "role": s.onBoundedRole(ctx, "r"),
		"key": s.gettingLastUsed(ctx, &iamapi.GetAccessKeyLastUsedRequest{AccessKeyId: "AKIA"}),
	} {
		if target.Account == testAccount {
			t.Errorf("%s: %+v", name, target)
		}
	}
}

func TestMapPrincipals(t *testing.T) {
	t.Parallel()
	upper := func(name string) (string, error) { return strings.ToUpper(name), nil }
	for _, tt := range []struct{ name, in, want string }{
		{"one", `{"Statement":{"Principal":{"AWS":"a"}}}`, `{"Statement":{"Principal":{"AWS":"A"}}}`},
		{"several", ` { "Statement" : [ {"Principal":{"AWS":[ "a" ,"b"], "Service":"c"}} , {"Principal":{"AWS":"d"}}]}`, ` { "Statement" : [ {"Principal":{"AWS":[ "A" ,"B"], "Service":"c"}} , {"Principal":{"AWS":"D"}}]}`},
		{"elsewhere", `{"Id":"a","Statement":[{"Sid":"AWS","Principal":"x","Condition":{"StringEquals":{"AWS":"a"},"Principal":{"AWS":"a"}}}]}`, `{"Id":"a","Statement":[{"Sid":"AWS","Principal":"x","Condition":{"StringEquals":{"AWS":"a"},"Principal":{"AWS":"a"}}}]}`},
		{"escapes", `{"Statement":{"Principal":{"\u0041WS":"\u0061\/b"}}}`, `{"Statement":{"Principal":{"\u0041WS":"A/B"}}}`},
		{"names with slashes", `{"Statement":{"Principal/AWS":"a","Principal":{"AWS/0":"a"}}}`, `{"Statement":{"Principal/AWS":"a","Principal":{"AWS/0":"a"}}}`},
	} {
		got, err := mapPrincipals(tt.in, upper)
		if err != nil || got != tt.want {
			t.Errorf("%s: %s, %v, want %s", tt.name, got, err, tt.want)
		}
	}
	if _, err := mapPrincipals(`{"Statement":`, upper); err == nil {
		t.Error("half a document is mapped")
	}
	broken := errors.New("no")
	if _, err := mapPrincipals(trustAll, func(string) (string, error) { return "", broken }); !errors.Is(err, broken) {
		t.Errorf("the error is %v", err)
	}
}

// FuzzMapPrincipals: a policy whose principals stay the same stays the same.
func FuzzMapPrincipals(f *testing.F) {
	f.Add(trustAll)
	f.Add(`{"Statement":[{"Principal":{"AWS":["a\u00e9","b"]}}]}`)
	f.Fuzz(func(t *testing.T, document string) {
		if _, err := policy.Parse(policy.Trust, document); err != nil {
			t.Skip()
		}
		var before []string
		got, err := mapPrincipals(document, func(name string) (string, error) {
			before = append(before, name)
			return name, nil
		})
		if err != nil || got != document {
			t.Fatalf("%q becomes %q, %v", document, got, err)
		}
		// What is put in is what comes out again, and the rest is a policy still.
		const other = "arn:aws:iam::111122223333:root"
		changed, err := mapPrincipals(document, func(string) (string, error) { return other, nil })
		if err != nil {
			t.Fatal(err)
		}
		if _, err := policy.Parse(policy.Trust, changed); err != nil {
			t.Fatalf("%q becomes %q: %v", document, changed, err)
		}
		n := 0
		_, err = mapPrincipals(changed, func(name string) (string, error) {
			n++
			if name != other {
				t.Errorf("%q stayed in %q", name, changed)
			}
			return name, nil
		})
		if err != nil || n != len(before) {
			t.Errorf("%d principals became %d, %v", len(before), n, err)
		}
	})
}

func TestPathRange(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		prefix *string
		path   string
		in     bool
	}{
		{nil, "/", true},
		{nil, "/~~/", true},
		{new("/a"), "/a/", true},
		{new("/a"), "/ab/", true},
		{new("/a/"), "/a/", true},
		{new("/a/"), "/ab/", false},
		{new("/a/"), "/a/b/", true},
		{new("/a\x7f"), "/a\x7f/", true},
		{new("/b"), "/a/", false},
	} {
		from, to := pathRange(tt.prefix)
		if in := tt.path >= from && tt.path < to; in != tt.in {
			t.Errorf("%q under %v: %v", tt.path, tt.prefix, in)
		}
	}
}
