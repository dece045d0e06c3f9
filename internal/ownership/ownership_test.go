package ownership_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

const (
	account = testkit.Account
	prefix  = "arn:aws:quicksight:us-east-1:" + account + ":"
)

var (
	folderOwner = []string{
		"quicksight:CreateFolder", "quicksight:CreateFolderMembership", "quicksight:DeleteFolder", "quicksight:DeleteFolderMembership",
		"quicksight:DescribeFolder", "quicksight:DescribeFolderPermissions", "quicksight:UpdateFolder", "quicksight:UpdateFolderPermissions",
	}
	folderViewer   = []string{"quicksight:DescribeFolder"}
	connectorOwner = []string{"quicksight:DescribeActionConnector", "quicksight:UpdateActionConnectorPermissions"}
)

func entry(principal string, actions []string) []qs.ResourcePermission {
	return []qs.ResourcePermission{{Principal: principal, Actions: actions}}
}

func register(t *testing.T, srv *testkit.Server, name string, role qs.UserRole) string {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.RegisterUser, qs.RegisterUserRequest{
		AwsAccountId: account, Namespace: "default", UserName: &name, Email: "someone@example.org",
		IdentityType: qs.IdentityTypeQuicksight, UserRole: role,
	})
	if err != nil {
		t.Fatal(err)
	}
	return *out.User.Arn
}

func folder(t *testing.T, srv *testkit.Server, id, parent string, permissions ...qs.ResourcePermission) {
	t.Helper()
	r := qs.CreateFolderRequest{AwsAccountId: account, FolderId: id, Name: new("Folder " + id), Permissions: permissions}
	if parent != "" {
		r.ParentFolderArn = new(prefix + "folder/" + parent)
	}
	if _, err := testkit.Call(t, srv, qs.CreateFolder, r); err != nil {
		t.Fatal(err)
	}
}

func connect(t *testing.T, srv *testkit.Server, id string, permissions ...qs.ResourcePermission) {
	t.Helper()
	_, err := testkit.Call(t, srv, qs.CreateActionConnector, qs.CreateActionConnectorRequest{
		AwsAccountId: account, ActionConnectorId: id, Name: qs.Secret("Connector " + id), Type: qs.ActionConnectorTypeGenericHTTP,
		Permissions: permissions,
		AuthenticationConfig: &qs.AuthConfig{
			AuthenticationType: qs.ConnectionAuthTypeNone,
			AuthenticationMetadata: &qs.AuthenticationMetadata{
				NoneConnectionMetadata: &qs.NoneConnectionMetadata{BaseEndpoint: "https://api.example.com"},
			},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
}

func permissions(t *testing.T, srv *testkit.Server, id string) []qs.ResourcePermission {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.DescribeFolderPermissions, qs.DescribeFolderPermissionsRequest{AwsAccountId: account, FolderId: id})
	if err != nil {
		t.Fatal(err)
	}
	return out.Permissions
}

// transfer makes one call and gives its results in short.
func transfer(t *testing.T, srv *testkit.Server, in onsightapi.TransferOwnershipRequest) (*onsightapi.TransferOwnershipResponse, []string, error) {
	t.Helper()
	in.AwsAccountId = account
	out, err := testkit.Call(t, srv, onsightapi.TransferOwnership, in)
	if err != nil {
		return nil, nil, err
	}
	results := []string{}
	for _, r := range out.Results {
		results = append(results, (*r.Arn)[strings.LastIndexByte(*r.Arn, ':')+1:]+" "+string(*r.Outcome))
	}
	return out, results, nil
}

func unowned(t *testing.T, srv *testkit.Server, kind string, size int32) string {
	t.Helper()
	in := onsightapi.ListUnownedResourcesRequest{AwsAccountId: account, MaxResults: &size}
	if kind != "" {
		in.Kind = &kind
	}
	found := []string{}
	for {
		out, err := testkit.Call(t, srv, onsightapi.ListUnownedResources, in)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out.Resources {
			if !strings.HasPrefix(*r.Name, "Folder ") && !strings.HasPrefix(*r.Name, "Connector ") || r.CreatedTime.IsZero() || r.LastUpdatedTime.IsZero() {
				t.Errorf("a resource is told as %+v", r)
			}
			found = append(found, *r.Region+":"+*r.Kind+"/"+*r.Id)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return strings.Join(found, " ")
		}
	}
}

func TestTransferOwnership(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana, bo := register(t, srv, "ana", qs.UserRoleAuthor), register(t, srv, "bo", qs.UserRoleAuthor)
		register(t, srv, "ria", qs.UserRoleReader)
		group, err := testkit.Call(t, srv, qs.CreateGroup, qs.CreateGroupRequest{AwsAccountId: account, Namespace: "default", GroupName: "team"})
		if err != nil {
			t.Fatal(err)
		}
		team := *group.Group.Arn
		connect(t, srv, "c1", entry(ana, connectorOwner)...)
		folder(t, srv, "f1", "", slices.Concat(entry(ana, folderOwner), entry(bo, folderViewer))...)
		folder(t, srv, "f2", "", entry(ana, folderViewer)...)
		folder(t, srv, "f3", "", entry(ana, folderOwner)...)
		connect(t, srv.In("eu-west-1"), "c2", entry(ana, connectorOwner)...)

		yes, no := new(true), new(false)
		everything := []string{"action-connector/c2", "action-connector/c1", "folder/f1", "folder/f3"}
		with := func(outcome string) []string {
			all := []string{}
			for _, r := range everything {
				all = append(all, r+" "+outcome)
			}
			return all
		}
		out, got, err := transfer(t, srv, onsightapi.TransferOwnershipRequest{From: "user/default/ana", To: bo, DryRun: yes})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(with("PLANNED"), got); diff != "" || *out.From != ana || *out.To != bo || !*out.DryRun || *out.Transferred != 0 || out.NextToken != nil {
			t.Errorf("the dry run tells %+v, -want +got:\n%s", out, diff)
		}
		if diff := cmp.Diff(slices.Concat(entry(ana, folderOwner), entry(bo, folderViewer)), permissions(t, srv, "f1")); diff != "" {
			t.Errorf("the dry run changed something, -want +got:\n%s", diff)
		}

		_, got, err = transfer(t, srv, onsightapi.TransferOwnershipRequest{From: ana, To: team, ResourceArns: []string{
			prefix + "folder/f3", prefix + "folder/f2", prefix + "folder/none", prefix + "folder/f3", "rubbish",
		}})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff([]string{"folder/f3 TRANSFERRED", "folder/f2 NOT_OWNED", "folder/none NOT_FOUND", "rubbish NOT_FOUND"}, got); diff != "" {
			t.Errorf("chosen ones, -want +got:\n%s", diff)
		}
		if diff := cmp.Diff(entry(team, folderOwner), permissions(t, srv, "f3")); diff != "" {
			t.Errorf("f3 is the group's, -want +got:\n%s", diff)
		}
		everything = everything[:3]

		// Page by page, interrupted after the first one and done again.
		_, got, err = transfer(t, srv, onsightapi.TransferOwnershipRequest{From: ana, To: bo, MaxResults: new(int32(1)), DryRun: no})
		if err != nil || len(got) != 1 {
			t.Fatalf("the first page: %v, %v", got, err)
		}
		all := got
		in := onsightapi.TransferOwnershipRequest{From: ana, To: bo, MaxResults: new(int32(1))}
		for {
			out, got, err := transfer(t, srv, in)
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, got...)
			if in.NextToken = out.NextToken; in.NextToken == nil {
				break
			}
		}
		if diff := cmp.Diff(with("TRANSFERRED"), all); diff != "" {
			t.Errorf("all pages, -want +got:\n%s", diff)
		}
		if diff := cmp.Diff(entry(bo, folderOwner), permissions(t, srv, "f1")); diff != "" {
			t.Errorf("a viewer who is given it owns it, -want +got:\n%s", diff)
		}
		if diff := cmp.Diff(entry(ana, folderViewer), permissions(t, srv, "f2")); diff != "" {
			t.Errorf("what ana only sees stays, -want +got:\n%s", diff)
		}
		search, err := testkit.Call(t, srv, qs.SearchFolders, qs.SearchFoldersRequest{AwsAccountId: account, Filters: []qs.FolderSearchFilter{{
			Name: new(qs.FolderFilterAttributeDirectQuicksightSoleOwner), Operator: new(qs.FilterOperatorStringEquals), Value: &bo,
		}}})
		if err != nil || len(search.FolderSummaryList) != 1 || *search.FolderSummaryList[0].FolderId != "f1" {
			t.Errorf("a search by owner knows it: %+v, %v", search, err)
		}
		if _, got, err = transfer(t, srv, onsightapi.TransferOwnershipRequest{From: ana, To: bo}); err != nil || len(got) != 0 {
			t.Errorf("once more: %v, %v", got, err)
		}

		for name, tt := range map[string]struct {
			in   onsightapi.TransferOwnershipRequest
			want string
		}{
			"from nobody":           {onsightapi.TransferOwnershipRequest{From: "user/default/cy", To: bo}, "ResourceNotFoundException"},
			"to nobody":             {onsightapi.TransferOwnershipRequest{From: ana, To: "group/default/none"}, "ResourceNotFoundException"},
			"to a reader":           {onsightapi.TransferOwnershipRequest{From: ana, To: "user/default/ria"}, "InvalidParameterValueException"},
			"to the same":           {onsightapi.TransferOwnershipRequest{From: ana, To: "user/default/ana"}, "InvalidParameterValueException"},
			"a namespace":           {onsightapi.TransferOwnershipRequest{From: ana, To: "namespace/default"}, "InvalidParameterValueException"},
			"another account":       {onsightapi.TransferOwnershipRequest{From: ana, To: strings.Replace(bo, account, "444455556666", 1)}, "InvalidParameterValueException"},
			"a name alone":          {onsightapi.TransferOwnershipRequest{From: "ana", To: bo}, "InvalidParameterValueException"},
			"a token and resources": {onsightapi.TransferOwnershipRequest{From: ana, To: bo, ResourceArns: []string{"a"}, NextToken: new("t")}, "InvalidParameterValueException"},
			"a foreign token":       {onsightapi.TransferOwnershipRequest{From: ana, To: bo, NextToken: new("t")}, "InvalidNextTokenException"},
			"501 resources":         {onsightapi.TransferOwnershipRequest{From: ana, To: bo, ResourceArns: slices.Repeat([]string{"a"}, 501)}, "ValidationException"},
		} {
			_, _, err := transfer(t, srv, tt.in)
			if f := fault.Of(err); f == nil || f.Code != tt.want {
				t.Errorf("%s: %v, want %s", name, err, tt.want)
			}
		}
	})
}

func TestListUnownedResources(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		_, err := testkit.Call(t, srv, onsightapi.ListUnownedResources, onsightapi.ListUnownedResourcesRequest{AwsAccountId: account})
		if f := fault.Of(err); f == nil || f.Code != "UnsupportedUserEditionException" {
			t.Errorf("not subscribed: %v", err)
		}
		srv.Subscribe(t)
		ana := register(t, srv, "ana", qs.UserRoleAuthor)
		connect(t, srv, "free")
		connect(t, srv, "hers", entry(ana, connectorOwner)...)
		connect(t, srv, "kept")
		connect(t, srv.In("eu-west-1"), "far")
		folder(t, srv, "seen", "", entry(ana, folderViewer)...)
		folder(t, srv, "top", "", entry(ana, folderOwner)...)
		folder(t, srv, "low", "top")
		if _, err := testkit.Call(t, srv, qs.CreateFolder, qs.CreateFolderRequest{
			AwsAccountId: account, FolderId: "vault", FolderType: new(qs.FolderTypeRestricted),
		}); err != nil {
			t.Fatal(err)
		}
		if _, err := testkit.Call(t, srv, qs.CreateFolderMembership, qs.CreateFolderMembershipRequest{
			AwsAccountId: account, FolderId: "low", MemberType: "ACTION_CONNECTOR", MemberId: "kept",
		}); err != nil {
			t.Fatal(err)
		}
		for _, size := range []int32{1, 2, 100} {
			for kind, want := range map[string]string{
				"":                 "eu-west-1:action-connector/far us-east-1:action-connector/free us-east-1:folder/seen",
				"folder":           "us-east-1:folder/seen",
				"action-connector": "eu-west-1:action-connector/far us-east-1:action-connector/free",
			} {
				if got := unowned(t, srv, kind, size); got != want {
					t.Errorf("kind %q in pages of %d: %s, want %s", kind, size, got, want)
				}
			}
		}
		// What she owned is nobody's once she is gone.
		if _, err := testkit.Call(t, srv, qs.DeleteUser, qs.DeleteUserRequest{AwsAccountId: account, Namespace: "default", UserName: "ana"}); err != nil {
			t.Fatal(err)
		}
		want := "eu-west-1:action-connector/far us-east-1:action-connector/free us-east-1:action-connector/hers us-east-1:action-connector/kept " +
			"us-east-1:folder/low us-east-1:folder/seen us-east-1:folder/top"
		if got := unowned(t, srv, "", 3); got != want {
			t.Errorf("after the deletion: %s, want %s", got, want)
		}
		for name, in := range map[string]onsightapi.ListUnownedResourcesRequest{
			"kind":  {AwsAccountId: account, Kind: new("user")},
			"token": {AwsAccountId: account, NextToken: new("t")},
		} {
			if _, err := testkit.Call(t, srv, onsightapi.ListUnownedResources, in); fault.Of(err) == nil {
				t.Errorf("a wrong %s: %v", name, err)
			}
		}
	})
}

// Many resources go over in pages, and each is told once.
func TestTransferMany(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana := register(t, srv, "ana", qs.UserRoleAuthor)
		bo := register(t, srv, "bo", qs.UserRoleAuthor)
		const n = 25
		for i := range n {
			folder(t, srv, fmt.Sprintf("f%02d", i), "", entry(ana, folderOwner)...)
		}
		told, in := map[string]int{}, onsightapi.TransferOwnershipRequest{From: ana, To: bo, MaxResults: new(int32(5))}
		for {
			out, got, err := transfer(t, srv, in)
			if err != nil {
				t.Fatal(err)
			}
			for _, r := range got {
				told[r]++
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				break
			}
		}
		for i := range n {
			if r := fmt.Sprintf("folder/f%02d TRANSFERRED", i); told[r] != 1 {
				t.Errorf("%s was told %d times", r, told[r])
			}
		}
	})
}
