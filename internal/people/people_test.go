package people_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"onsight/internal/contract"
	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

const day = 24 * time.Hour

// do makes a call that succeeds.
func do[In, Out any](t *testing.T, srv *testkit.Server, op contract.Op[In, Out], in In) *Out {
	t.Helper()
	out, err := testkit.Call(t, srv, op, in)
	if err != nil {
		t.Fatalf("%s: %v", op.Name, err)
	}
	return out
}

// refused makes a call that fails with a code and a text.
func refused[In, Out any](t *testing.T, srv *testkit.Server, op contract.Op[In, Out], in In, code, text string) {
	t.Helper()
	_, err := testkit.Call(t, srv, op, in)
	if f := fault.Of(err); f == nil || f.Code != code || !strings.Contains(f.Message, text) {
		t.Errorf("%s: %v, want %s … %s", op.Name, err, code, text)
	}
}

// register registers a user of an identity centre, who need not answer an invitation.
func register(t *testing.T, srv *testkit.Server, name string, role qs.UserRole) {
	t.Helper()
	do(t, srv, qs.RegisterUser, qs.RegisterUserRequest{
		AwsAccountId: srv.Account, Namespace: "default", UserName: &name, Email: name + "@example.org", IdentityType: qs.IdentityTypeIAMIdentityCenter, UserRole: role,
	})
}

// list gives all pages of a report, as names.
func list(t *testing.T, srv *testkit.Server, in onsightapi.ListPeopleRequest) (names []string, people map[string]onsightapi.Person) {
	t.Helper()
	in.AwsAccountId = srv.Account
	people = map[string]onsightapi.Person{}
	for range 1000 {
		out := do(t, srv, onsightapi.ListPeople, in)
		for _, p := range out.People {
			names = append(names, *p.UserName)
			people[*p.UserName] = p
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return names, people
		}
	}
	t.Fatal("the list does not end")
	return nil, nil
}

func TestListPeople(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		for i, role := range []qs.UserRole{"READER", "READER", "AUTHOR", "ADMIN", "READER_PRO"} {
			register(t, srv, fmt.Sprintf("u%d", i), role)
		}
		do(t, srv, qs.RegisterUser, qs.RegisterUserRequest{
			AwsAccountId: srv.Account, Namespace: "default", UserName: new("waits"), Email: "Waits@example.org", IdentityType: "QUICKSIGHT", UserRole: "READER",
		})
		for _, name := range []string{"staff", "team"} {
			do(t, srv, qs.CreateGroup, qs.CreateGroupRequest{AwsAccountId: srv.Account, Namespace: "default", GroupName: name})
			do(t, srv, qs.CreateGroupMembership, qs.CreateGroupMembershipRequest{AwsAccountId: srv.Account, Namespace: "default", GroupName: name, MemberName: "u1"})
		}
		for _, name := range []string{"own", "roles", "all"} {
			do(t, srv, qs.CreateCustomPermissions, qs.CreateCustomPermissionsRequest{AwsAccountId: srv.Account, CustomPermissionsName: name, Capabilities: &qs.Capabilities{ExportToCsv: new(qs.CapabilityStateDeny)}})
		}
		do(t, srv, qs.UpdateUserCustomPermission, qs.UpdateUserCustomPermissionRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: "u0", CustomPermissionsName: "own"})
		do(t, srv, qs.UpdateRoleCustomPermission, qs.UpdateRoleCustomPermissionRequest{AwsAccountId: srv.Account, Namespace: "default", Role: "READER", CustomPermissionsName: "roles"})
		do(t, srv, qs.UpdateAccountCustomPermission, qs.UpdateAccountCustomPermissionRequest{AwsAccountId: srv.Account, CustomPermissionsName: "all"})

		root := srv.Account
		everyone := []string{root, "u0", "u1", "u2", "u3", "u4", "waits"}
		for _, size := range []int32{1, 2, 3, 7, 1000} {
			if got, _ := list(t, srv, onsightapi.ListPeopleRequest{MaxResults: &size}); !slices.Equal(got, everyone) {
				t.Errorf("pages of %d: %q, want %q", size, got, everyone)
			}
		}
		_, people := list(t, srv, onsightapi.ListPeopleRequest{})
		u1 := people["u1"]
		for name, want := range map[string]string{"u0": "own USER", "u1": "roles ROLE", "u2": "all ACCOUNT", "waits": "roles ROLE"} {
			if p := people[name]; *p.CustomPermissionsName+" "+*p.CustomPermissionsLevel != want {
				t.Errorf("profile of %s: %s %s, want %s", name, *p.CustomPermissionsName, *p.CustomPermissionsLevel, want)
			}
		}
		if !slices.Equal(u1.Groups, []string{"staff", "team"}) || *u1.State != "ACTIVE" || *people["waits"].State != "INVITED" || *people["waits"].Active {
			t.Errorf("u1 %+v, waits %+v", u1, people["waits"])
		}

		srv.Advance(40 * day)
		register(t, srv, "young", "READER")
		do(t, srv, onsightapi.DeactivateUser, onsightapi.DeactivateUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: "u4"})
		role := func(r onsightapi.PersonRole) *onsightapi.PersonRole { return &r }
		state := func(r onsightapi.PersonState) *onsightapi.PersonState { return &r }
		for name, c := range map[string]struct {
			in   onsightapi.ListPeopleRequest
			want []string
		}{
			"role":           {onsightapi.ListPeopleRequest{Role: role("READER")}, []string{"u0", "u1", "waits", "young"}},
			"idle":           {onsightapi.ListPeopleRequest{IdleDays: new(int32(40)), NeverSeen: new(true)}, []string{"u0", "u1", "u2", "u3", "u4", "waits"}},
			"not so idle":    {onsightapi.ListPeopleRequest{IdleDays: new(int32(41))}, nil},
			"group":          {onsightapi.ListPeopleRequest{Namespace: new("default"), Group: new("team")}, []string{"u1"}},
			"no group":       {onsightapi.ListPeopleRequest{Namespace: new("default"), Group: new("gone")}, nil},
			"invited":        {onsightapi.ListPeopleRequest{State: state("INVITED")}, []string{"waits"}},
			"deactivated":    {onsightapi.ListPeopleRequest{State: state("DEACTIVATED")}, []string{"u4"}},
			"e-mail":         {onsightapi.ListPeopleRequest{EmailPrefix: new("wAITS@")}, []string{"waits"}},
			"name":           {onsightapi.ListPeopleRequest{NamePrefix: new("u")}, []string{"u0", "u1", "u2", "u3", "u4"}},
			"name and place": {onsightapi.ListPeopleRequest{NamePrefix: new("u"), Namespace: new("default"), MaxResults: new(int32(2))}, []string{"u0", "u1", "u2", "u3", "u4"}},
			"profile":        {onsightapi.ListPeopleRequest{Profile: new("all")}, []string{root, "u2", "u3", "u4"}},
			"all at once":    {onsightapi.ListPeopleRequest{Role: role("READER"), IdleDays: new(int32(1)), NamePrefix: new("u"), Profile: new("own")}, []string{"u0"}},
		} {
			if got, _ := list(t, srv, c.in); !slices.Equal(got, c.want) {
				t.Errorf("%s: %q, want %q", name, got, c.want)
			}
		}
		// A token is of one list.
		first := do(t, srv, onsightapi.ListPeople, onsightapi.ListPeopleRequest{AwsAccountId: srv.Account, MaxResults: new(int32(1))})
		refused(t, srv, onsightapi.ListPeople, onsightapi.ListPeopleRequest{AwsAccountId: srv.Account, MaxResults: new(int32(1)), Role: role("READER"), NextToken: first.NextToken}, "InvalidNextTokenException", "")
		refused(t, srv, onsightapi.ListPeople, onsightapi.ListPeopleRequest{AwsAccountId: srv.Account, Namespace: new("gone")}, "ResourceNotFoundException", "namespace gone")
		refused(t, srv, onsightapi.ListPeople, onsightapi.ListPeopleRequest{AwsAccountId: srv.Account, Group: new("team")}, "InvalidParameterValueException", "Group needs a Namespace")
		refused(t, srv.As(t, "444455556666"), onsightapi.ListPeople, onsightapi.ListPeopleRequest{AwsAccountId: srv.Account}, "AccessDeniedException", "")
		refused(t, srv.In("eu-west-1"), onsightapi.ListPeople, onsightapi.ListPeopleRequest{AwsAccountId: srv.Account}, "AccessDeniedException", "identity region is us-east-1")
	})
}

func TestDeactivate(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		register(t, srv, "role/ana", "AUTHOR")
		on := onsightapi.DeactivateUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: "role/ana"}
		active := func() bool {
			return *do(t, srv, qs.DescribeUser, qs.DescribeUserRequest{AwsAccountId: srv.Account, Namespace: "default", UserName: "role/ana"}).User.Active
		}
		for range 2 { // again is the same
			if p := do(t, srv, onsightapi.DeactivateUser, on).Person; *p.State != "DEACTIVATED" || p.DeactivatedTime == nil {
				t.Errorf("deactivated: %+v", p)
			}
		}
		if active() {
			t.Error("Active is true for a deactivated user")
		}
		if all := do(t, srv, qs.ListUsers, qs.ListUsersRequest{AwsAccountId: srv.Account, Namespace: "default"}).UserList; *all[1].Active {
			t.Error("ListUsers shows Active as true for a deactivated user")
		}
		srv.Advance(100 * day)
		for range 2 {
			p := do(t, srv, onsightapi.ReactivateUser, onsightapi.ReactivateUserRequest(on)).Person
			if *p.State != "ACTIVE" || *p.IdleDays != 0 || p.DeactivatedTime != nil {
				t.Errorf("reactivated: %+v", p)
			}
		}
		if !active() {
			t.Error("Active is false after the reactivation")
		}
		gone := on
		gone.UserName = "gone"
		refused(t, srv, onsightapi.DeactivateUser, gone, "ResourceNotFoundException", "Username: gone")
		gone.Namespace = "gone"
		refused(t, srv, onsightapi.ReactivateUser, onsightapi.ReactivateUserRequest(gone), "ResourceNotFoundException", "namespace gone")
		// The subscriber is the only administrator, until there is another.
		admin := on
		admin.UserName = srv.Account
		refused(t, srv, onsightapi.DeactivateUser, admin, "PreconditionNotMetException", "the last administrator of the account who can act")
		register(t, srv, "bo", "ADMIN_PRO")
		do(t, srv, onsightapi.DeactivateUser, admin)
		admin.UserName = "bo"
		refused(t, srv, onsightapi.DeactivateUser, admin, "PreconditionNotMetException", "the last administrator")
	})
}

// TestUses has calls of IAM principals noted as uses of the users that belong to them.
func TestUses(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		user := do(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: "ana"}).User
		do(t, srv, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{UserName: "ana", PolicyName: "p", PolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"quicksight:*","Resource":"*"}}`})
		key := do(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: new("ana")}).AccessKey
		do(t, srv, qs.RegisterUser, qs.RegisterUserRequest{AwsAccountId: srv.Account, Namespace: "default", IamArn: &user.Arn, Email: "a", IdentityType: "IAM", UserRole: "READER"})
		srv.Advance(50 * day)
		ana := srv.With(key.AccessKeyId, key.SecretAccessKey.Reveal(), "")
		for range 3 {
			do(t, ana, qs.ListUsers, qs.ListUsersRequest{AwsAccountId: srv.Account, Namespace: "default"})
		}
		again := srv.Restart(t) // which writes what waits
		_, people := list(t, again, onsightapi.ListPeopleRequest{})
		p := people["ana"]
		if p.LastUseTime == nil || *p.IdleDays != 0 || p.LastSignInTime != nil || again.Now().Sub(*p.LastUseTime) > time.Hour {
			t.Errorf("ana: %+v, want a use just now", p)
		}
		if root := people[srv.Account]; root.LastUseTime == nil {
			t.Errorf("root, who has signed calls too: %+v", root)
		}
	})
}
