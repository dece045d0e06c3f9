package identity_test

import (
	"slices"
	"testing"

	"onsight/internal/iamapi"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

func giveRole(t *testing.T, srv *testkit.Server, role qs.Role, member string) error {
	t.Helper()
	_, err := testkit.Call(t, srv, qs.CreateRoleMembership, qs.CreateRoleMembershipRequest{AwsAccountId: srv.Account, Namespace: "default", Role: role, MemberName: member})
	return err
}

func takeRole(t *testing.T, srv *testkit.Server, role qs.Role, member string) error {
	t.Helper()
	_, err := testkit.Call(t, srv, qs.DeleteRoleMembership, qs.DeleteRoleMembershipRequest{AwsAccountId: srv.Account, Namespace: "default", Role: role, MemberName: member})
	return err
}

func withRole(t *testing.T, srv *testkit.Server, role qs.Role, limit int32, token *string) ([]string, *string, error) {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.ListRoleMemberships, qs.ListRoleMembershipsRequest{
		AwsAccountId: srv.Account, Namespace: "default", Role: role, MaxResults: &limit, NextToken: token,
	})
	if err != nil {
		return nil, nil, err
	}
	return out.MembersList, out.NextToken, nil
}

func TestRoleMemberships(t *testing.T) {
	for _, method := range []qs.AuthenticationMethodOption{qs.AuthenticationMethodOptionIAMIdentityCenter, qs.AuthenticationMethodOptionActiveDirectory} {
		t.Run(string(method), func(t *testing.T) {
			testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
				subscribeTo(t, srv, method)
				try(t, "create", giveRole(t, srv, "READER", "CORP/All people"))
				try(t, "create again", giveRole(t, srv, "READER", "CORP/All people"))
				for _, member := range []string{"b", "a", "c"} {
					try(t, "create", giveRole(t, srv, "READER", member))
				}
				try(t, "create", giveRole(t, srv, "AUTHOR_PRO", "a"))
				for role, want := range map[qs.Role][]string{
					"ADMIN": {"admins"}, "AUTHOR_PRO": {"a"}, "READER": {"CORP/All people", "a", "b", "c"}, "READER_PRO": {},
				} {
					got := whole(t, string(role), nil, func(token *string) ([]string, *string, error) { return withRole(t, srv, role, 3, token) })
					if !slices.Equal(got, want) {
						t.Errorf("%s: %q, want %q", role, got, want)
					}
				}
				_, token, err := withRole(t, srv, "READER", 2, nil)
				try(t, "list", err)
				_, _, err = withRole(t, srv, "AUTHOR", 2, token)
				refused(t, "the token of another role", err, "InvalidNextTokenException", "")
				try(t, "delete", takeRole(t, srv, "READER", "a"))
				refused(t, "delete again", takeRole(t, srv, "READER", "a"), "ResourceNotFoundException",
					"AWS account id: 111122223333, Namespace: default, Role: READER, Member name: a. ")
				if got, _, err := withRole(t, srv, "AUTHOR_PRO", 10, nil); err != nil || !slices.Equal(got, []string{"a"}) {
					t.Errorf("another role of the group is %q, %v", got, err)
				}
				refused(t, "no role", giveRole(t, srv, "RESTRICTED_READER", "a"), "ValidationException", "")
			})
		})
	}
}

func TestRoleMembershipsNeedADirectory(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		const code, text = "PreconditionNotMetException", "Groups can be given a role only in an account that is integrated with " +
			"IAM Identity Center or Active Directory. AWS account ID: 111122223333, Namespace: default. "
		refused(t, "create", giveRole(t, srv, "READER", "a"), code, text)
		refused(t, "delete", takeRole(t, srv, "READER", "a"), code, text)
		_, _, err := withRole(t, srv, "READER", 10, nil)
		refused(t, "list", err, code, text)
	})
}

// TestRoleMembershipsByPolicy: the group is a condition key, and there is no
// resource.
func TestRoleMembershipsByPolicy(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		subscribeTo(t, srv, qs.AuthenticationMethodOptionIAMIdentityCenter)
		helper := as(t, srv, "helper", `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"quicksight:CreateRoleMembership","Resource":"*",
			"Condition":{"StringEquals":{"quicksight:Group":"a"}}}}`)
		try(t, "create", giveRole(t, helper, "READER", "a"))
		refused(t, "another group", giveRole(t, helper, "READER", "b"), "AccessDeniedException", "")
		refused(t, "delete", takeRole(t, helper, "READER", "a"), "AccessDeniedException", "")
		_, _, err := withRole(t, helper, "READER", 10, nil)
		refused(t, "list", err, "AccessDeniedException", "")
	})
}

// as gives the server as a new IAM user with one policy sees it.
func as(t *testing.T, srv *testkit.Server, name, policy string) *testkit.Server {
	t.Helper()
	_, err := testkit.Call(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: name})
	try(t, "CreateUser", err)
	_, err = testkit.Call(t, srv, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{UserName: name, PolicyName: "p", PolicyDocument: policy})
	try(t, "PutUserPolicy", err)
	key, err := testkit.Call(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: &name})
	try(t, "CreateAccessKey", err)
	return srv.With(key.AccessKey.AccessKeyId, string(key.AccessKey.SecretAccessKey), "")
}
