package iam_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/iamapi"
	"onsight/internal/testkit"
)

func TestAliases(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		other := srv.As(t, "444455556666")
		aliases := func(srv *testkit.Server) []string {
			t.Helper()
			out := do(t, srv, iamapi.ListAccountAliases, iamapi.ListAccountAliasesRequest{})
			if out.AccountAliases == nil || *out.IsTruncated {
				t.Fatalf("ListAccountAliases = %+v", out)
			}
			return out.AccountAliases
		}
		create := func(srv *testkit.Server, alias string) {
			t.Helper()
			do(t, srv, iamapi.CreateAccountAlias, iamapi.CreateAccountAliasRequest{AccountAlias: alias})
		}
		if got := aliases(srv); len(got) != 0 {
			t.Errorf("at first: %v", got)
		}
		create(srv, "first-one")
		taken := "The account alias first-one already exists."
		refused(t, other, iamapi.CreateAccountAlias, iamapi.CreateAccountAliasRequest{AccountAlias: "first-one"}, "EntityAlreadyExists", taken)
		refused(t, srv, iamapi.CreateAccountAlias, iamapi.CreateAccountAliasRequest{AccountAlias: "first-one"}, "EntityAlreadyExists", taken)
		create(srv, "second") // in place of the first
		create(other, "first-one")
		if got := aliases(srv); len(got) != 1 || got[0] != "second" {
			t.Errorf("aliases = %v, want second", got)
		}
		refused(t, srv, iamapi.DeleteAccountAlias, iamapi.DeleteAccountAliasRequest{AccountAlias: "first-one"}, "NoSuchEntity", "The account alias first-one cannot be found.")
		do(t, srv, iamapi.DeleteAccountAlias, iamapi.DeleteAccountAliasRequest{AccountAlias: "second"})
		if got := aliases(srv); len(got) != 0 {
			t.Errorf("after the delete: %v", got)
		}
		if got := aliases(other); len(got) != 1 {
			t.Errorf("of the other account: %v", got)
		}
		for _, bad := range []string{"ab", "-abc", "abc-", "a--b", "Upper", "with space", strings.Repeat("a", 64), "123456789012"} {
			refused(t, srv, iamapi.CreateAccountAlias, iamapi.CreateAccountAliasRequest{AccountAlias: bad}, "ValidationError", "lias")
		}
	})
}

func TestAccountSummary(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		summary := func(srv *testkit.Server) map[iamapi.SummaryKeyType]int32 {
			t.Helper()
			return do(t, srv, iamapi.GetAccountSummary, iamapi.GetAccountSummaryRequest{}).SummaryMap
		}
		before := summary(srv)
		for key, want := range map[iamapi.SummaryKeyType]int32{
			"Users": 0, "Groups": 0, "Roles": 0, "Policies": 0, "Providers": 0, "PolicyVersionsInUse": 0, "UsersQuota": 5000, "GroupsQuota": 300, "RolesQuota": 1000,
			"PoliciesQuota": 1500, "VersionsPerPolicyQuota": 5, "AccessKeysPerUserQuota": 2, "GroupsPerUserQuota": 10, "AttachedPoliciesPerUserQuota": 10,
			"PolicySizeQuota": 6144, "UserPolicySizeQuota": 2048, "GroupPolicySizeQuota": 5120, "RolePolicySizeQuota": 10240, "AssumeRolePolicySizeQuota": 2048,
			"GlobalEndpointTokenVersion": 1,
		} {
			if got, there := before[key]; got != want || !there {
				t.Errorf("%s = %d, want %d", key, got, want)
			}
		}
		if len(before) != 34 {
			t.Errorf("%d keys, want 34", len(before))
		}
		newUser(t, srv, "ana")
		newUser(t, srv, "bea")
		do(t, srv, iamapi.DeleteUser, iamapi.DeleteUserRequest{UserName: "bea"})
		do(t, srv, iamapi.CreateGroup, iamapi.CreateGroupRequest{GroupName: "g"})
		do(t, srv, iamapi.CreateRole, iamapi.CreateRoleRequest{RoleName: "r", AssumeRolePolicyDocument: trustRootPolicy})
		do(t, srv, iamapi.CreatePolicyVersion, iamapi.CreatePolicyVersionRequest{PolicyArn: newPolicy(t, srv, "p"), PolicyDocument: listUser})
		newPolicy(t, srv, "q")
		do(t, srv, iamapi.DeletePolicy, iamapi.DeletePolicyRequest{PolicyArn: newPolicy(t, srv, "gone")})
		do(t, srv, iamapi.CreateOpenIDConnectProvider, iamapi.CreateOpenIDConnectProviderRequest{Url: "https://a.example.org"})
		do(t, srv, iamapi.CreateSAMLProvider, iamapi.CreateSAMLProviderRequest{Name: "s", SAMLMetadataDocument: metadata(`entityID="e"`, "")})
		deltas := map[iamapi.SummaryKeyType]int32{}
		for key, n := range summary(srv) {
			if n != before[key] {
				deltas[key] = n - before[key]
			}
		}
		want := map[iamapi.SummaryKeyType]int32{"Users": 1, "Groups": 1, "Roles": 1, "Policies": 2, "PolicyVersionsInUse": 3, "Providers": 2}
		if diff := cmp.Diff(want, deltas); diff != "" {
			t.Errorf("what is more (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(before, summary(srv.As(t, "444455556666"))); diff != "" {
			t.Errorf("of another account (-want +got):\n%s", diff)
		}
	})
}
