package folder_test

import (
	"fmt"
	"strings"
	"testing"

	"onsight/internal/iamapi"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

// limited gives the server as an IAM user sees it who may do some actions on
// one resource, and may not do another action at all.
func limited(t *testing.T, srv *testkit.Server, name string, statements ...string) *testkit.Server {
	t.Helper()
	if _, err := testkit.Call(t, srv, iamapi.CreateUser, iamapi.CreateUserRequest{UserName: name}); err != nil {
		t.Fatal(err)
	}
	if _, err := testkit.Call(t, srv, iamapi.PutUserPolicy, iamapi.PutUserPolicyRequest{
		UserName: name, PolicyName: "p", PolicyDocument: `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`,
	}); err != nil {
		t.Fatal(err)
	}
	key, err := testkit.Call(t, srv, iamapi.CreateAccessKey, iamapi.CreateAccessKeyRequest{UserName: &name})
	if err != nil {
		t.Fatal(err)
	}
	return srv.With(key.AccessKey.AccessKeyId, key.AccessKey.SecretAccessKey.Reveal(), "")
}

func allow(action, resource string) string {
	return fmt.Sprintf(`{"Effect":"Allow","Action":%q,"Resource":%q}`, action, resource)
}

func TestWhoMay(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		create(t, srv, in("a", ""))
		connect(t, srv, "m")
		ana := limited(t, srv, "ana", allow("quicksight:*Folder*", prefix+"folder/a"))
		if f := describe(t, ana, "a"); *f.Name != "Folder a" {
			t.Errorf("what is allowed: %+v", f)
		}
		_, err := testkit.Call(t, ana, qs.DescribeFolder, qs.DescribeFolderRequest{AwsAccountId: account, FolderId: "b"})
		if text := wantFault(t, "another folder", err, "AccessDeniedException"); !strings.HasSuffix(text,
			"is not authorized to perform: quicksight:DescribeFolder on resource: "+prefix+"folder/b because no identity-based policy allows the quicksight:DescribeFolder action") {
			t.Errorf("the text is %q", text)
		}
		_, err = testkit.Call(t, ana, qs.ListFolders, qs.ListFoldersRequest{AwsAccountId: account})
		if text := wantFault(t, "the list", err, "AccessDeniedException"); !strings.Contains(text, "on resource: "+prefix+"folder/* because") {
			t.Errorf("the text is %q", text)
		}
		// To put something into a folder is to share it, which must be allowed on the member.
		if text := wantFault(t, "a member", put(t, ana, "a", "m"), "AccessDeniedException"); !strings.Contains(text,
			"quicksight:UpdateActionConnectorPermissions on resource: "+prefix+"action-connector/m because") {
			t.Errorf("the text is %q", text)
		}
		bo := limited(t, srv, "bo", allow("quicksight:CreateFolderMembership", prefix+"folder/a"),
			allow("quicksight:UpdateActionConnectorPermissions", prefix+"action-connector/m"))
		if err := put(t, bo, "a", "m"); err != nil {
			t.Errorf("with both: %v", err)
		}
		wantFault(t, "to take it out", take(t, bo, "a", "m"), "AccessDeniedException")
		_, err = testkit.Call(t, bo, qs.ListFoldersForResource,
			qs.ListFoldersForResourceRequest{AwsAccountId: account, ResourceArn: prefix + "action-connector/m"})
		if text := wantFault(t, "folders of it", err, "AccessDeniedException"); !strings.Contains(text, "on resource: "+prefix+"action-connector/m because") {
			t.Errorf("the text is %q", text)
		}
		wantFault(t, "a move", move(t, bo, "a", ""), "AccessDeniedException")
		cy := limited(t, srv, "cy", allow("onsight:MoveFolder", prefix+"folder/a"))
		if err := move(t, cy, "a", ""); err != nil {
			t.Errorf("a move that is allowed: %v", err)
		}
		for name, call := range map[string]func(*testkit.Server) error{
			"transfer": func(s *testkit.Server) error {
				_, err := testkit.Call(t, s, onsightapi.TransferOwnership, onsightapi.TransferOwnershipRequest{AwsAccountId: account, From: "a", To: "b"})
				return err
			},
			"unowned": func(s *testkit.Server) error {
				_, err := testkit.Call(t, s, onsightapi.ListUnownedResources, onsightapi.ListUnownedResourcesRequest{AwsAccountId: account})
				return err
			},
		} {
			wantFault(t, name, call(cy), "AccessDeniedException")
		}
	})
}

// The end of a subscription takes all folders along.
func TestPurge(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana := register(t, srv, "ana")
		r := in("a", "")
		r.Permissions = entry(ana, owner)
		create(t, srv, r)
		create(t, srv, in("b", "a"))
		connect(t, srv, "m")
		if err := put(t, srv, "b", "m"); err != nil {
			t.Fatal(err)
		}
		if _, err := testkit.Call(t, srv, qs.UpdateAccountSettings, qs.UpdateAccountSettingsRequest{AwsAccountId: account, DefaultNamespace: "default"}); err != nil {
			t.Fatal(err)
		}
		if _, err := testkit.Call(t, srv, qs.DeleteAccountSubscription, qs.DeleteAccountSubscriptionRequest{AwsAccountId: account}); err != nil {
			t.Fatal(err)
		}
		srv.Subscribe(t)
		out, err := testkit.Call(t, srv, qs.ListFolders, qs.ListFoldersRequest{AwsAccountId: account})
		if err != nil || len(out.FolderSummaryList) != 0 {
			t.Errorf("a new subscription begins with %+v, %v", out, err)
		}
		// A row that was left behind would be in the way of the same names, or come back with them.
		create(t, srv, in("a", ""))
		create(t, srv, in("b", ""))
		connect(t, srv, "m")
		if members, path := membersOf(t, srv, "b", 10), path(describe(t, srv, "b")); members != "" || path != "" {
			t.Errorf("the new folder has the members %q and the path %q", members, path)
		}
		if got := found(t, srv, 10, filter("QUICKSIGHT_OWNER", "StringEquals", ana)); got != "" {
			t.Errorf("who owned folders before owns %q", got)
		}
	})
}
