package folder_test

import (
	"strings"
	"testing"

	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

const (
	account   = testkit.Account
	prefix    = "arn:aws:quicksight:us-east-1:" + account + ":"
	connector = qs.MemberType("ACTION_CONNECTOR")
)

var (
	viewer      = []string{"quicksight:DescribeFolder"}
	contributor = []string{
		"quicksight:CreateFolder", "quicksight:CreateFolderMembership", "quicksight:DeleteFolderMembership",
		"quicksight:DescribeFolder", "quicksight:DescribeFolderPermissions",
	}
	owner = []string{
		"quicksight:CreateFolder", "quicksight:CreateFolderMembership", "quicksight:DeleteFolder", "quicksight:DeleteFolderMembership",
		"quicksight:DescribeFolder", "quicksight:DescribeFolderPermissions", "quicksight:UpdateFolder", "quicksight:UpdateFolderPermissions",
	}
)

func entry(principal string, actions []string) []qs.ResourcePermission {
	return []qs.ResourcePermission{{Principal: principal, Actions: actions}}
}

// in makes the input of a folder in another one; "" is the top level.
func in(id, parent string) qs.CreateFolderRequest {
	r := qs.CreateFolderRequest{AwsAccountId: account, FolderId: id, Name: new("Folder " + id)}
	if parent != "" {
		r.ParentFolderArn = new(prefix + "folder/" + parent)
	}
	return r
}

func create(t *testing.T, srv *testkit.Server, r qs.CreateFolderRequest) string {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.CreateFolder, r)
	if err != nil {
		t.Fatalf("create %s: %v", r.FolderId, err)
	}
	return *out.Arn
}

func describe(t *testing.T, srv *testkit.Server, id string) *qs.Folder {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.DescribeFolder, qs.DescribeFolderRequest{AwsAccountId: account, FolderId: id})
	if err != nil {
		t.Fatalf("describe %s: %v", id, err)
	}
	return out.Folder
}

// path is a FolderPath by ids.
func path(f *qs.Folder) string {
	ids := []string{}
	for _, arn := range f.FolderPath {
		ids = append(ids, strings.TrimPrefix(arn, prefix+"folder/"))
	}
	return strings.Join(ids, " ")
}

func remove(t *testing.T, srv *testkit.Server, id string) error {
	t.Helper()
	_, err := testkit.Call(t, srv, qs.DeleteFolder, qs.DeleteFolderRequest{AwsAccountId: account, FolderId: id})
	return err
}

func put(t *testing.T, srv *testkit.Server, folder, member string) error {
	t.Helper()
	_, err := testkit.Call(t, srv, qs.CreateFolderMembership, qs.CreateFolderMembershipRequest{
		AwsAccountId: account, FolderId: folder, MemberType: connector, MemberId: member,
	})
	return err
}

func take(t *testing.T, srv *testkit.Server, folder, member string) error {
	t.Helper()
	_, err := testkit.Call(t, srv, qs.DeleteFolderMembership, qs.DeleteFolderMembershipRequest{
		AwsAccountId: account, FolderId: folder, MemberType: connector, MemberId: member,
	})
	return err
}

func move(t *testing.T, srv *testkit.Server, id, parent string) error {
	t.Helper()
	r := onsightapi.MoveFolderRequest{AwsAccountId: account, FolderId: id}
	if parent != "" {
		r.ParentFolderArn = new(prefix + "folder/" + parent)
	}
	_, err := testkit.Call(t, srv, onsightapi.MoveFolder, r)
	return err
}

// membersOf lists what lies in a folder, by id, in pages.
func membersOf(t *testing.T, srv *testkit.Server, id string, size int32) string {
	t.Helper()
	ids := []string{}
	r := qs.ListFolderMembersRequest{AwsAccountId: account, FolderId: id, MaxResults: &size}
	for {
		out, err := testkit.Call(t, srv, qs.ListFolderMembers, r)
		if err != nil {
			t.Fatalf("members of %s: %v", id, err)
		}
		for _, m := range out.FolderMemberList {
			if *m.MemberArn != prefix+"action-connector/"+*m.MemberId {
				t.Errorf("member %s has the ARN %s", *m.MemberId, *m.MemberArn)
			}
			ids = append(ids, *m.MemberId)
		}
		if r.NextToken = out.NextToken; r.NextToken == nil {
			return strings.Join(ids, " ")
		}
	}
}

// foldersOf lists the folders of a connector, by id, in pages.
func foldersOf(t *testing.T, srv *testkit.Server, member string, size int32) string {
	t.Helper()
	ids := []string{}
	r := qs.ListFoldersForResourceRequest{AwsAccountId: account, ResourceArn: prefix + "action-connector/" + member, MaxResults: &size}
	for {
		out, err := testkit.Call(t, srv, qs.ListFoldersForResource, r)
		if err != nil {
			t.Fatalf("folders of %s: %v", member, err)
		}
		for _, arn := range out.Folders {
			ids = append(ids, strings.TrimPrefix(arn, prefix+"folder/"))
		}
		if r.NextToken = out.NextToken; r.NextToken == nil {
			return strings.Join(ids, " ")
		}
	}
}

// connect makes a connector that any test can put into a folder.
func connect(t *testing.T, srv *testkit.Server, id string, permissions ...qs.ResourcePermission) {
	t.Helper()
	_, err := testkit.Call(t, srv, qs.CreateActionConnector, qs.CreateActionConnectorRequest{
		AwsAccountId: srv.Account, ActionConnectorId: id, Name: qs.Secret("Connector " + id), Type: qs.ActionConnectorTypeGenericHTTP,
		Permissions: permissions,
		AuthenticationConfig: &qs.AuthConfig{
			AuthenticationType: qs.ConnectionAuthTypeNone,
			AuthenticationMetadata: &qs.AuthenticationMetadata{
				NoneConnectionMetadata: &qs.NoneConnectionMetadata{BaseEndpoint: "https://api.example.com"},
			},
		},
	})
	if err != nil {
		t.Fatalf("connector %s: %v", id, err)
	}
}

// register makes a user and gives its ARN.
func register(t *testing.T, srv *testkit.Server, name string) string {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.RegisterUser, qs.RegisterUserRequest{
		AwsAccountId: account, Namespace: "default", UserName: &name, Email: "someone@example.org",
		IdentityType: qs.IdentityTypeQuicksight, UserRole: qs.UserRoleReader,
	})
	if err != nil {
		t.Fatalf("register %s: %v", name, err)
	}
	return *out.User.Arn
}

func share(t *testing.T, srv *testkit.Server, id string, grant, revoke []qs.ResourcePermission) ([]qs.ResourcePermission, error) {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.UpdateFolderPermissions, qs.UpdateFolderPermissionsRequest{
		AwsAccountId: account, FolderId: id, GrantPermissions: grant, RevokePermissions: revoke,
	})
	if err != nil {
		return nil, err
	}
	return out.Permissions, nil
}

// wantFault makes sure of an error's code and gives its message.
func wantFault(t *testing.T, what string, err error, code string) string {
	t.Helper()
	f := fault.Of(err)
	if f == nil {
		t.Errorf("%s: %v, want %s", what, err, code)
		return ""
	}
	if f.Code != code {
		t.Errorf("%s: %v, want %s", what, err, code)
	}
	return f.Message
}
