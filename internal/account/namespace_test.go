package account_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/config"
	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
	"onsight/internal/testkit"
)

// code is the code of an answer, empty for a success.
func code(err error) string {
	if f := fault.Of(err); f != nil {
		return f.Code
	}
	return ""
}

// do makes a call that must succeed.
func do[In, Out any](t *testing.T, srv *testkit.Server, op qs.Op[In, Out], in In) *Out {
	t.Helper()
	out, err := testkit.Call(t, srv, op, in)
	if err != nil {
		t.Fatalf("%s: %v", op.Name, err)
	}
	return out
}

// refuse makes a call that must be refused, with this code and these words.
func refuse[In, Out any](t *testing.T, srv *testkit.Server, op qs.Op[In, Out], in In, want string, status int, words string) {
	t.Helper()
	_, err := testkit.Call(t, srv, op, in)
	f := fault.Of(err)
	if f == nil || f.Code != want || f.Status != status || !strings.Contains(f.Message, words) {
		t.Errorf("%s %+v: %v, want %s (%d) with %q", op.Name, in, err, want, status, words)
	}
}

func newNamespace(name string) qs.CreateNamespaceRequest {
	return qs.CreateNamespaceRequest{AwsAccountId: testkit.Account, Namespace: name, IdentityStore: qs.IdentityStoreQuicksight}
}

func register(namespace, name string) qs.RegisterUserRequest {
	return qs.RegisterUserRequest{
		AwsAccountId: testkit.Account, Namespace: namespace, UserName: new(name), Email: name + "@example.org",
		IdentityType: qs.IdentityTypeQuicksight, UserRole: qs.UserRoleReader,
	}
}

const wrongRegion = "Operation is being called from endpoint eu-west-1, but your identity region is us-east-1. Please use the us-east-1 endpoint."

func TestNamespaceLife(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		describe := qs.DescribeNamespaceRequest{AwsAccountId: testkit.Account, Namespace: "tenant-a"}
		del := qs.DeleteNamespaceRequest{AwsAccountId: testkit.Account, Namespace: "tenant-a"}
		refuse(t, srv, qs.CreateNamespace, newNamespace("tenant-a"), "ResourceNotFoundException", 404, "not signed up")
		refuse(t, srv, qs.ListNamespaces, qs.ListNamespacesRequest{AwsAccountId: testkit.Account}, "ResourceNotFoundException", 404, "not signed up")
		srv.Subscribe(t)
		missing := "Account 111122223333 is not signed up with QuickSight with namespace tenant-a. AWS account ID: 111122223333, Namespace: tenant-a."
		refuse(t, srv, qs.DescribeNamespace, describe, "ResourceNotFoundException", 404, missing)
		refuse(t, srv, qs.DeleteNamespace, del, "ResourceNotFoundException", 404, missing)

		in := newNamespace("tenant-a")
		in.Tags = []qs.Tag{{Key: "team", Value: "bi"}}
		refuse(t, srv.In("eu-west-1"), qs.CreateNamespace, in, "AccessDeniedException", 401, wrongRegion)
		made := do(t, srv, qs.CreateNamespace, in)
		want := &qs.CreateNamespaceResponse{
			Arn: new("arn:aws:quicksight:us-east-1:111122223333:namespace/tenant-a"), Name: new("tenant-a"), CapacityRegion: new("us-east-1"),
			CreationStatus: new(qs.NamespaceStatusCreating), IdentityStore: new(qs.IdentityStoreQuicksight), Status: new(int32(202)), RequestId: made.RequestId,
		}
		if d := cmp.Diff(want, made); d != "" {
			t.Errorf("CreateNamespace (-want +got):\n%s", d)
		}
		tags := do(t, srv, qs.ListTagsForResource, qs.ListTagsForResourceRequest{ResourceArn: *made.Arn}).Tags
		if d := cmp.Diff(in.Tags, tags); d != "" {
			t.Errorf("tags (-want +got):\n%s", d)
		}
		got := do(t, srv, qs.DescribeNamespace, describe).Namespace
		wantInfo := &qs.NamespaceInfoV2{
			Arn: want.Arn, Name: want.Name, CapacityRegion: want.CapacityRegion, IdentityStore: want.IdentityStore,
			CreationStatus: new(qs.NamespaceStatusCreated),
		}
		if d := cmp.Diff(wantInfo, got); d != "" {
			t.Errorf("DescribeNamespace (-want +got):\n%s", d)
		}
		refuse(t, srv, qs.CreateNamespace, in, "ResourceExistsException", 409, "already exists")
		refuse(t, srv.In("eu-west-1"), qs.DescribeNamespace, describe, "AccessDeniedException", 401, wrongRegion)
		refuse(t, srv.In("eu-west-1"), qs.DeleteNamespace, del, "AccessDeniedException", 401, wrongRegion)

		// The list is the same in every region.
		for _, region := range []string{"us-east-1", "eu-west-1"} {
			list := do(t, srv.In(region), qs.ListNamespaces, qs.ListNamespacesRequest{AwsAccountId: testkit.Account}).Namespaces
			if len(list) != 2 || *list[0].Name != "default" || *list[1].Name != "tenant-a" || *list[1].CapacityRegion != "us-east-1" {
				t.Errorf("namespaces in %s: %+v", region, list)
			}
		}

		if out := do(t, srv, qs.DeleteNamespace, del); *out.Status != 202 {
			t.Errorf("DeleteNamespace: status %d, want 202", *out.Status)
		}
		refuse(t, srv, qs.DescribeNamespace, describe, "ResourceNotFoundException", 404, missing)
		refuse(t, srv, qs.ListTagsForResource, qs.ListTagsForResourceRequest{ResourceArn: *made.Arn}, "ResourceNotFoundException", 404, "")
		// The name is free, and nothing of before is left to the next of the name.
		do(t, srv, qs.CreateNamespace, newNamespace("tenant-a"))
		if tags := do(t, srv, qs.ListTagsForResource, qs.ListTagsForResourceRequest{ResourceArn: *made.Arn}).Tags; len(tags) > 0 {
			t.Errorf("the next namespace of the name has the tags %v", tags)
		}
	})
}

func TestNamespaceNames(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		for _, name := range []string{"", ".", ".."} {
			refuse(t, srv, qs.CreateNamespace, newNamespace(name), "InvalidParameterValueException", 400, "isn't valid")
		}
		refuse(t, srv, qs.CreateNamespace, newNamespace("a b"), "ValidationException", 400, "namespace")
		refuse(t, srv, qs.CreateNamespace, newNamespace(strings.Repeat("n", 65)), "ValidationException", 400, "namespace")
		refuse(t, srv, qs.CreateNamespace, newNamespace("default"), "ResourceExistsException", 409, "already exists")
		// Tags that cannot be: nothing is made.
		in := newNamespace("tagged")
		in.Tags = []qs.Tag{{Key: "aws:x", Value: "y"}}
		refuse(t, srv, qs.CreateNamespace, in, "InvalidParameterValueException", 400, "aws:")
		refuse(t, srv, qs.DescribeNamespace, qs.DescribeNamespaceRequest{AwsAccountId: testkit.Account, Namespace: "tagged"}, "ResourceNotFoundException", 404, "")
		for _, name := range []string{"Tenant", "tenant", "a.b_c-D", strings.Repeat("n", 64)} {
			do(t, srv, qs.CreateNamespace, newNamespace(name))
		}
	})
}

func TestNamespacesAreApart(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		do(t, srv, qs.CreateNamespace, newNamespace("a"))
		do(t, srv, qs.CreateNamespace, newNamespace("b"))
		in := func(ns string) string {
			return *do(t, srv, qs.RegisterUser, register(ns, "ana")).User.PrincipalId
		}
		a, b, d := in("a"), in("b"), in("default")
		dirs := map[string]bool{}
		for _, id := range []string{a, b, d} {
			dirs[strings.Split(id, "/")[1]] = true
		}
		if len(dirs) != 3 {
			t.Errorf("principal ids %s, %s, %s: want a directory for each namespace", a, b, d)
		}
		do(t, srv, qs.CreateGroup, qs.CreateGroupRequest{AwsAccountId: testkit.Account, Namespace: "a", GroupName: "g"})
		do(t, srv, qs.RegisterUser, register("b", "bo"))
		// Who is in b says nothing in a.
		refuse(t, srv, qs.DescribeUser, qs.DescribeUserRequest{AwsAccountId: testkit.Account, Namespace: "a", UserName: "bo"}, "ResourceNotFoundException", 404, "Namespace: a, Username: bo. ")
		refuse(t, srv, qs.CreateGroupMembership, qs.CreateGroupMembershipRequest{AwsAccountId: testkit.Account, Namespace: "a", GroupName: "g", MemberName: "bo"},
			"ResourceNotFoundException", 404, "Namespace: a")
		refuse(t, srv, qs.DescribeGroup, qs.DescribeGroupRequest{AwsAccountId: testkit.Account, Namespace: "b", GroupName: "g"}, "ResourceNotFoundException", 404, "Namespace: b")
		do(t, srv, qs.DeleteNamespace, qs.DeleteNamespaceRequest{AwsAccountId: testkit.Account, Namespace: "a"})
		if list := do(t, srv, qs.ListUsers, qs.ListUsersRequest{AwsAccountId: testkit.Account, Namespace: "b"}).UserList; len(list) != 2 {
			t.Errorf("users of b after a is gone: %d, want 2", len(list))
		}
	})
}

func TestNamespaceQuota(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		do(t, srv, qs.CreateNamespace, newNamespace("one"))
		do(t, srv, qs.CreateNamespace, newNamespace("two"))
		refuse(t, srv, qs.CreateNamespace, newNamespace("three"), "LimitExceededException", 409, "at most 3 namespaces")
		do(t, srv, qs.DeleteNamespace, qs.DeleteNamespaceRequest{AwsAccountId: testkit.Account, Namespace: "one"})
		do(t, srv, qs.CreateNamespace, newNamespace("three"))
	}, func(c *config.Config) { c.NamespaceQuota = 3 })
}

func TestDefaultNamespaceStays(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		refuse(t, srv, qs.DeleteNamespace, qs.DeleteNamespaceRequest{AwsAccountId: testkit.Account, Namespace: "default"}, "PreconditionNotMetException", 400, "can't be deleted")
		do(t, srv, qs.CreateNamespace, newNamespace("home"))
		do(t, srv, qs.UpdateAccountSettings, qs.UpdateAccountSettingsRequest{AwsAccountId: testkit.Account, DefaultNamespace: "home"})
		refuse(t, srv, qs.DeleteNamespace, qs.DeleteNamespaceRequest{AwsAccountId: testkit.Account, Namespace: "home"}, "PreconditionNotMetException", 400, "UpdateAccountSettings")
		do(t, srv, qs.UpdateAccountSettings, qs.UpdateAccountSettingsRequest{AwsAccountId: testkit.Account, DefaultNamespace: "default"})
		do(t, srv, qs.DeleteNamespace, qs.DeleteNamespaceRequest{AwsAccountId: testkit.Account, Namespace: "home"})
	})
}

// subscribeTo subscribes the account with another authentication method or edition.
func subscribeTo(t *testing.T, srv *testkit.Server, change func(*qs.CreateAccountSubscriptionRequest)) {
	t.Helper()
	do(t, srv, qs.CreateAccountSubscription, signup(change))
}

func centre(in *qs.CreateAccountSubscriptionRequest) {
	in.AuthenticationMethod, in.AdminGroup = qs.AuthenticationMethodOptionIAMIdentityCenter, []string{"bi-admins"}
	in.IAMIdentityCenterInstanceArn = new("arn:aws:sso:::instance/ssoins-1234567890abcdef")
}

func TestNamespacesOfAnIdentityCentre(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		subscribeTo(t, srv, centre)
		refuse(t, srv, qs.CreateNamespace, newNamespace("tenant"), "AccessDeniedException", 401, "Operation is disabled for identities managed by IAM Identity Center")
		got := do(t, srv, qs.DescribeNamespace, qs.DescribeNamespaceRequest{AwsAccountId: testkit.Account, Namespace: "default"}).Namespace
		if got.IamIdentityCenterInstanceArn == nil || *got.IamIdentityCenterInstanceArn != "arn:aws:sso:::instance/ssoins-1234567890abcdef" {
			t.Errorf("namespace of an identity centre: %+v, want its instance", got)
		}
	})
}

func TestNamespacesOfStandardEdition(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		subscribeTo(t, srv, func(in *qs.CreateAccountSubscriptionRequest) { in.Edition = new(qs.EditionStandard) })
		words := "Operation is disabled for STANDARD Edition. "
		refuse(t, srv, qs.CreateNamespace, newNamespace("tenant"), "AccessDeniedException", 401, words)
		refuse(t, srv, qs.ListNamespaces, qs.ListNamespacesRequest{AwsAccountId: testkit.Account}, "AccessDeniedException", 401, words)
		refuse(t, srv, qs.DescribeNamespace, qs.DescribeNamespaceRequest{AwsAccountId: testkit.Account, Namespace: "default"}, "AccessDeniedException", 401, words)
		refuse(t, srv, qs.DescribeIpRestriction, qs.DescribeIpRestrictionRequest{AwsAccountId: testkit.Account}, "AccessDeniedException", 401, words)
	}, func(c *config.Config) { c.Standard = true })
}

// TestNamespaceStates holds a namespace in each state, and asks everything.
func TestNamespaceStates(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		do(t, srv, qs.CreateNamespace, newNamespace("n"))
		describe := qs.DescribeNamespaceRequest{AwsAccountId: testkit.Account, Namespace: "n"}
		list := qs.ListUsersRequest{AwsAccountId: testkit.Account, Namespace: "n"}
		del := qs.DeleteNamespaceRequest{AwsAccountId: testkit.Account, Namespace: "n"}
		for _, tt := range []struct {
			status  qs.NamespaceStatus
			enter   string // words of the refusal of what is done in it
			create  string // code
			deleted string
		}{
			{qs.NamespaceStatusCreating, "is being created", "ResourceExistsException", "PreconditionNotMetException"},
			{qs.NamespaceStatusDeleting, "is being deleted", "PreconditionNotMetException", "PreconditionNotMetException"},
			{qs.NamespaceStatusNonRetryableFailure, "could not be created", "ResourceExistsException", ""},
			{qs.NamespaceStatusRetryableFailure, "could not be created", "", ""},
		} {
			hold := func() {
				srv.Write(t, func(tx *store.Tx) error {
					_, err := tx.Exec(`UPDATE namespaces SET status = $1, error_type = 'INTERNAL_SERVICE_ERROR', error_message = 'why' WHERE name = 'n'`, string(tt.status))
					return err
				})
			}
			hold()
			got := do(t, srv, qs.DescribeNamespace, describe).Namespace
			if *got.CreationStatus != tt.status || *got.NamespaceError.Type != qs.NamespaceErrorTypeInternalServiceError || *got.NamespaceError.Message != "why" {
				t.Errorf("%s: described as %+v", tt.status, got)
			}
			if all := do(t, srv, qs.ListNamespaces, qs.ListNamespacesRequest{AwsAccountId: testkit.Account}).Namespaces; len(all) != 2 || *all[1].CreationStatus != tt.status {
				t.Errorf("%s: listed as %+v", tt.status, all)
			}
			refuse(t, srv, qs.ListUsers, list, "PreconditionNotMetException", 400, tt.enter)
			refuse(t, srv, qs.RegisterUser, register("n", "ana"), "PreconditionNotMetException", 400, tt.enter)
			refuse(t, srv, qs.UpdateAccountSettings, qs.UpdateAccountSettingsRequest{AwsAccountId: testkit.Account, DefaultNamespace: "n"}, "ResourceNotFoundException", 404, "")
			if _, err := testkit.Call(t, srv, qs.CreateNamespace, newNamespace("n")); code(err) != tt.create {
				t.Errorf("%s: CreateNamespace: %v, want %q", tt.status, err, tt.create)
			} else if err == nil {
				if got := do(t, srv, qs.DescribeNamespace, describe).Namespace; *got.CreationStatus != qs.NamespaceStatusCreated || got.NamespaceError != nil {
					t.Errorf("after the retry: %+v, want CREATED without an error", got)
				}
				hold()
			}
			if _, err := testkit.Call(t, srv, qs.DeleteNamespace, del); code(err) != tt.deleted {
				t.Errorf("%s: DeleteNamespace: %v, want %q", tt.status, err, tt.deleted)
			} else if err == nil {
				refuse(t, srv, qs.DescribeNamespace, describe, "ResourceNotFoundException", 404, "")
				do(t, srv, qs.CreateNamespace, newNamespace("n"))
			}
		}
	})
}

func TestListNamespacesInPages(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		for i := range 7 {
			do(t, srv, qs.CreateNamespace, newNamespace(fmt.Sprintf("t%d", i)))
		}
		in := qs.ListNamespacesRequest{AwsAccountId: testkit.Account, MaxResults: new(int32(3))}
		var names []string
		for {
			out := do(t, srv, qs.ListNamespaces, in)
			for _, n := range out.Namespaces {
				names = append(names, *n.Name)
			}
			if len(names) == 3 { // the list changes before and behind
				do(t, srv, qs.DeleteNamespace, qs.DeleteNamespaceRequest{AwsAccountId: testkit.Account, Namespace: "t0"})
				do(t, srv, qs.DeleteNamespace, qs.DeleteNamespaceRequest{AwsAccountId: testkit.Account, Namespace: "t3"})
				do(t, srv, qs.CreateNamespace, newNamespace("a"))
				do(t, srv, qs.CreateNamespace, newNamespace("t31"))
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				break
			}
		}
		if d := cmp.Diff([]string{"default", "t0", "t1", "t2", "t31", "t4", "t5", "t6"}, names); d != "" {
			t.Errorf("names (-want +got):\n%s", d)
		}
		refuse(t, srv, qs.ListNamespaces, qs.ListNamespacesRequest{AwsAccountId: testkit.Account, NextToken: new("x")}, "InvalidNextTokenException", 400, "The NextToken value isn't valid.")
		refuse(t, srv, qs.ListNamespaces, qs.ListNamespacesRequest{AwsAccountId: testkit.Account, MaxResults: new(int32(101))}, "ValidationException", 400, "")
		token := do(t, srv, qs.ListNamespaces, qs.ListNamespacesRequest{AwsAccountId: testkit.Account, MaxResults: new(int32(1))}).NextToken
		refuse(t, srv, qs.ListUsers, qs.ListUsersRequest{AwsAccountId: testkit.Account, Namespace: "default", NextToken: token}, "InvalidNextTokenException", 400, "")
	})
}

// TestNamespaceCascade deletes a namespace with everything that can hang on it,
// and looks into every table for what is left.
func TestNamespaceCascade(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		before := rows(t, srv)
		do(t, srv, qs.CreateNamespace, newNamespace("n"))
		for i := range 450 { // more than one batch of users
			fill(t, srv, fmt.Sprintf("u%03d", i))
		}
		tagged := register("n", "tagged")
		tagged.Tags = []qs.Tag{{Key: "team", Value: "bi"}}
		user := *do(t, srv, qs.RegisterUser, tagged).User.Arn
		group := *do(t, srv, qs.CreateGroup, qs.CreateGroupRequest{AwsAccountId: testkit.Account, Namespace: "n", GroupName: "g"}).Group.Arn
		do(t, srv, qs.CreateGroupMembership, qs.CreateGroupMembershipRequest{AwsAccountId: testkit.Account, Namespace: "n", GroupName: "g", MemberName: "tagged"})
		do(t, srv, qs.CreateAccountCustomization, qs.CreateAccountCustomizationRequest{
			AwsAccountId: testkit.Account, Namespace: new("n"), AccountCustomization: &qs.AccountCustomization{}, Tags: tagged.Tags,
		})
		do(t, srv.In("eu-west-1"), qs.CreateAccountCustomization, qs.CreateAccountCustomizationRequest{
			AwsAccountId: testkit.Account, Namespace: new("n"), AccountCustomization: &qs.AccountCustomization{}, Tags: tagged.Tags,
		})
		do(t, srv, qs.UpdateDefaultQBusinessApplication, qs.UpdateDefaultQBusinessApplicationRequest{AwsAccountId: testkit.Account, Namespace: new("n"), ApplicationId: "app"})
		connector := "arn:aws:quicksight:us-east-1:111122223333:action-connector/c"
		srv.Write(t, func(tx *store.Tx) error {
			for _, principal := range []string{user, group, "arn:aws:quicksight:us-east-1:111122223333:namespace/n"} {
				_, err := tx.Exec(`INSERT INTO resource_permissions (arn, principal, actions, owner, viewer) VALUES ($1, $2, '[]', TRUE, TRUE)`, connector, principal)
				if err != nil {
					return err
				}
			}
			_, err := tx.Exec(`INSERT INTO role_memberships (account, namespace, role, member, created_us) VALUES ($1, 'n', 'READER', 'staff', 1)`, testkit.Account)
			return err
		})
		do(t, srv, qs.DeleteNamespace, qs.DeleteNamespaceRequest{AwsAccountId: testkit.Account, Namespace: "n"})
		refuse(t, srv, qs.DescribeNamespace, qs.DescribeNamespaceRequest{AwsAccountId: testkit.Account, Namespace: "n"}, "ResourceNotFoundException", 404, "")
		if d := cmp.Diff(before, rows(t, srv)); d != "" {
			t.Errorf("rows of the tables before the namespace, and after it (-before +after):\n%s", d)
		}
	})
}

// fill writes a user of the namespace n, with an invitation and a tag.
func fill(t *testing.T, srv *testkit.Server, name string) {
	t.Helper()
	srv.Write(t, func(tx *store.Tx) error {
		for _, q := range []string{
			`INSERT INTO users (account, namespace, name, principal_id, email, role, identity_type, active, created_us)
				VALUES ($1, 'n', $2, 'user/d/' || $2, 'e', 'READER', 'QUICKSIGHT', FALSE, 1)`,
			`INSERT INTO tags (account, arn, key, value) VALUES ($1, 'arn:aws:quicksight:us-east-1:111122223333:user/n/' || $2, 'k', 'v')`,
		} {
			if _, err := tx.Exec(q, testkit.Account, name); err != nil {
				return err
			}
		}
		_, err := tx.Exec(`INSERT INTO invitations (token_hash, account, namespace, user_name, created_us, expires_us) VALUES ($1, $2, 'n', $3, 1, 2)`,
			[]byte(name), testkit.Account, name)
		return err
	})
}

// rows counts the rows of every table that may have rows of a namespace.
func rows(t *testing.T, srv *testkit.Server) map[string]int {
	t.Helper()
	counts := map[string]int{}
	srv.Write(t, func(tx *store.Tx) error {
		for _, table := range append(storetest.Tables(t, srv.Dialect(), tx, "namespace"), "tags", "resource_permissions", "namespaces") {
			n, err := store.One[int](tx, `SELECT COUNT(*) FROM `+table)
			if err != nil {
				return err
			}
			counts[table] = n
		}
		return nil
	})
	return counts
}
