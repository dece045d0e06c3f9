package iam_test

import (
	"testing"

	"onsight/internal/contract"
	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/store"
	"onsight/internal/store/storetest"
	"onsight/internal/testkit"
)

// empty sends an operation without any parameter, first as one who may do
// everything and then as one who may do nothing. code is what the first gets,
// or empty when it is done.
func empty[In, Out any](t *testing.T, root, nobody *testkit.Server, op contract.Op[In, Out], code string) {
	t.Helper()
	var in In
	got := ""
	if _, err := testkit.Call(t, root, op, in); err != nil {
		got = fault.Of(err).Code
	}
	if got != code {
		t.Errorf("%s without parameters: %q, want %q", op.Name, got, code)
	}
	if _, err := testkit.Call(t, nobody, op, in); err == nil || fault.Of(err).Code != "AccessDenied" {
		t.Errorf("%s without rights: %v, want AccessDenied", op.Name, err)
	}
}

// TestEmptyInput has every operation say what it is about before its input is
// checked, whatever that is.
func TestEmptyInput(t *testing.T) {
	t.Parallel()
	srv := testkit.Start(t, storetest.Config(t, store.SQLite))
	newUser(t, srv, "nobody")
	none := asUser(t, srv, "nobody")
	const invalid = "ValidationError"
	empty(t, srv, none, iamapi.CreatePolicy, invalid)
	empty(t, srv, none, iamapi.GetPolicy, invalid)
	empty(t, srv, none, iamapi.ListPolicies, "")
	empty(t, srv, none, iamapi.DeletePolicy, invalid)
	empty(t, srv, none, iamapi.CreatePolicyVersion, invalid)
	empty(t, srv, none, iamapi.GetPolicyVersion, invalid)
	empty(t, srv, none, iamapi.ListPolicyVersions, invalid)
	empty(t, srv, none, iamapi.DeletePolicyVersion, invalid)
	empty(t, srv, none, iamapi.SetDefaultPolicyVersion, invalid)
	empty(t, srv, none, iamapi.PutUserPolicy, invalid)
	empty(t, srv, none, iamapi.PutGroupPolicy, invalid)
	empty(t, srv, none, iamapi.PutRolePolicy, invalid)
	empty(t, srv, none, iamapi.GetUserPolicy, invalid)
	empty(t, srv, none, iamapi.GetGroupPolicy, invalid)
	empty(t, srv, none, iamapi.GetRolePolicy, invalid)
	empty(t, srv, none, iamapi.DeleteUserPolicy, invalid)
	empty(t, srv, none, iamapi.DeleteGroupPolicy, invalid)
	empty(t, srv, none, iamapi.DeleteRolePolicy, invalid)
	empty(t, srv, none, iamapi.ListUserPolicies, invalid)
	empty(t, srv, none, iamapi.ListGroupPolicies, invalid)
	empty(t, srv, none, iamapi.ListRolePolicies, invalid)
	empty(t, srv, none, iamapi.AttachUserPolicy, invalid)
	empty(t, srv, none, iamapi.AttachGroupPolicy, invalid)
	empty(t, srv, none, iamapi.AttachRolePolicy, invalid)
	empty(t, srv, none, iamapi.DetachUserPolicy, invalid)
	empty(t, srv, none, iamapi.DetachGroupPolicy, invalid)
	empty(t, srv, none, iamapi.DetachRolePolicy, invalid)
	empty(t, srv, none, iamapi.ListAttachedUserPolicies, invalid)
	empty(t, srv, none, iamapi.ListAttachedGroupPolicies, invalid)
	empty(t, srv, none, iamapi.ListAttachedRolePolicies, invalid)
	empty(t, srv, none, iamapi.ListEntitiesForPolicy, invalid)
	empty(t, srv, none, iamapi.PutUserPermissionsBoundary, invalid)
	empty(t, srv, none, iamapi.PutRolePermissionsBoundary, invalid)
	empty(t, srv, none, iamapi.DeleteUserPermissionsBoundary, invalid)
	empty(t, srv, none, iamapi.DeleteRolePermissionsBoundary, invalid)
	empty(t, srv, none, iamapi.CreateOpenIDConnectProvider, invalid)
	empty(t, srv, none, iamapi.GetOpenIDConnectProvider, invalid)
	empty(t, srv, none, iamapi.ListOpenIDConnectProviders, "")
	empty(t, srv, none, iamapi.DeleteOpenIDConnectProvider, invalid)
	empty(t, srv, none, iamapi.UpdateOpenIDConnectProviderThumbprint, invalid)
	empty(t, srv, none, iamapi.AddClientIDToOpenIDConnectProvider, invalid)
	empty(t, srv, none, iamapi.RemoveClientIDFromOpenIDConnectProvider, invalid)
	empty(t, srv, none, iamapi.CreateSAMLProvider, invalid)
	empty(t, srv, none, iamapi.GetSAMLProvider, invalid)
	empty(t, srv, none, iamapi.ListSAMLProviders, "")
	empty(t, srv, none, iamapi.UpdateSAMLProvider, invalid)
	empty(t, srv, none, iamapi.DeleteSAMLProvider, invalid)
	empty(t, srv, none, iamapi.CreateAccountAlias, invalid)
	empty(t, srv, none, iamapi.ListAccountAliases, "")
	empty(t, srv, none, iamapi.DeleteAccountAlias, invalid)
	empty(t, srv, none, iamapi.GetAccountSummary, "")
	empty(t, srv, none, iamapi.GetAccountAuthorizationDetails, "")
	empty(t, srv, none, iamapi.SimulatePrincipalPolicy, invalid)
	empty(t, srv, none, iamapi.SimulateCustomPolicy, "") // of empty lists
	empty(t, srv, none, iamapi.GetContextKeysForPrincipalPolicy, invalid)
	empty(t, srv, none, iamapi.GetContextKeysForCustomPolicy, "")
}
