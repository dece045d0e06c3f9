package folder_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/qs"
	"onsight/internal/testkit"
)

func TestFolder(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		_, err := testkit.Call(t, srv, qs.CreateFolder, in("early", ""))
		wantFault(t, "not subscribed", err, "UnsupportedUserEditionException")
		srv.Subscribe(t)
		ana := register(t, srv, "ana")
		r := in("sales", "")
		r.Permissions = entry(ana, owner)
		r.Tags = []qs.Tag{{Key: "team", Value: "sales"}}
		if arn := create(t, srv, r); arn != prefix+"folder/sales" {
			t.Errorf("the ARN is %s", arn)
		}
		create(t, srv, in("emea", "sales"))
		create(t, srv, in("dach", "emea"))
		f := describe(t, srv, "sales")
		if *f.Arn != prefix+"folder/sales" || *f.FolderId != "sales" || *f.Name != "Folder sales" || *f.FolderType != qs.FolderTypeShared ||
			*f.SharingModel != qs.SharingModelAccount || f.FolderPath != nil || f.CreatedTime.IsZero() || !f.CreatedTime.Equal(*f.LastUpdatedTime) {
			t.Errorf("the folder is %+v", f)
		}
		if got := path(describe(t, srv, "dach")); got != "sales emea" {
			t.Errorf("the path of dach is %q, want sales, then emea", got)
		}
		tags, err := testkit.Call(t, srv, qs.ListTagsForResource, qs.ListTagsForResourceRequest{ResourceArn: *f.Arn})
		if err != nil || len(tags.Tags) != 1 {
			t.Errorf("tags: %+v, %v", tags, err)
		}
		srv.Advance(time.Minute)
		out, err := testkit.Call(t, srv, qs.UpdateFolder, qs.UpdateFolderRequest{AwsAccountId: account, FolderId: "sales", Name: "Sales"})
		if err != nil || *out.Arn != *f.Arn || *out.FolderId != "sales" {
			t.Fatalf("update: %+v, %v", out, err)
		}
		if after := describe(t, srv, "sales"); *after.Name != "Sales" || !after.LastUpdatedTime.After(*f.LastUpdatedTime) || !after.CreatedTime.Equal(*f.CreatedTime) {
			t.Errorf("after the update: %+v", after)
		}
		nameless := qs.CreateFolderRequest{AwsAccountId: account, FolderId: "nameless", ParentFolderArn: new("")}
		create(t, srv, nameless)
		if f := describe(t, srv, "nameless"); *f.Name != "nameless" || f.FolderPath != nil {
			t.Errorf("a folder without a name, and with an empty ParentFolderArn: %+v", f)
		}

		wantFault(t, "subfolders", remove(t, srv, "emea"), "PreconditionNotMetException")
		connect(t, srv, "crm")
		if err := put(t, srv, "dach", "crm"); err != nil {
			t.Fatal(err)
		}
		wantFault(t, "members", remove(t, srv, "dach"), "PreconditionNotMetException")
		if err := take(t, srv, "dach", "crm"); err != nil {
			t.Fatal(err)
		}
		for _, id := range []string{"dach", "emea", "sales"} {
			if err := remove(t, srv, id); err != nil {
				t.Errorf("delete %s: %v", id, err)
			}
		}
		wantFault(t, "delete twice", remove(t, srv, "sales"), "ResourceNotFoundException")
		_, err = testkit.Call(t, srv, qs.ListTagsForResource, qs.ListTagsForResourceRequest{ResourceArn: *f.Arn})
		wantFault(t, "tags of what is gone", err, "ResourceNotFoundException")
		create(t, srv, in("sales", ""))
		got, err := testkit.Call(t, srv, qs.DescribeFolderPermissions, qs.DescribeFolderPermissionsRequest{AwsAccountId: account, FolderId: "sales"})
		if err != nil || len(got.Permissions) != 0 {
			t.Errorf("a new folder of the same id begins with the permissions %+v, %v", got, err)
		}
	})
}

func TestCreateFolderFaults(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana := register(t, srv, "ana")
		create(t, srv, in("a", ""))
		create(t, srv, in("d0", ""))
		for i := range 10 {
			create(t, srv, in(fmt.Sprintf("d%d", i+1), fmt.Sprintf("d%d", i)))
		}
		if got := len(describe(t, srv, "d10").FolderPath); got != 10 {
			t.Errorf("the deepest folder lies in %d, want 10", got)
		}
		restricted := in("vault", "")
		restricted.FolderType = new(qs.FolderTypeRestricted)
		create(t, srv, restricted)
		for name, tt := range map[string]struct {
			change func(*qs.CreateFolderRequest)
			want   string
		}{
			"the same id":      {func(r *qs.CreateFolderRequest) { r.FolderId = "a" }, "ResourceExistsException"},
			"no parent":        {func(r *qs.CreateFolderRequest) { r.ParentFolderArn = new(prefix + "folder/none") }, "ResourceNotFoundException"},
			"itself as parent": {func(r *qs.CreateFolderRequest) { r.ParentFolderArn = new(prefix + "folder/x") }, "ResourceNotFoundException"},
			"a name as parent": {func(r *qs.CreateFolderRequest) { r.ParentFolderArn = new("a") }, "InvalidParameterValueException"},
			"the empty parent": {func(r *qs.CreateFolderRequest) { r.ParentFolderArn = new(prefix + "folder/") }, "InvalidParameterValueException"},
			"a user as parent": {func(r *qs.CreateFolderRequest) { r.ParentFolderArn = &ana }, "InvalidParameterValueException"},
			"parent elsewhere": {func(r *qs.CreateFolderRequest) {
				r.ParentFolderArn = new(strings.Replace(prefix, "us-east-1", "eu-west-1", 1) + "folder/a")
			}, "InvalidParameterValueException"},
			"too deep": {func(r *qs.CreateFolderRequest) { r.ParentFolderArn = new(prefix + "folder/d10") }, "LimitExceededException"},
			"another type": {func(r *qs.CreateFolderRequest) {
				r.ParentFolderArn, r.FolderType = new(prefix+"folder/a"), new(qs.FolderTypeRestricted)
			}, "InvalidParameterValueException"},
			"another model": {func(r *qs.CreateFolderRequest) {
				r.ParentFolderArn, r.SharingModel = new(prefix+"folder/a"), new(qs.SharingModelNamespace)
			}, "InvalidParameterValueException"},
			"shared in a vault": {func(r *qs.CreateFolderRequest) {
				r.ParentFolderArn, r.FolderType = new(prefix+"folder/vault"), new(qs.FolderTypeShared)
			}, "InvalidParameterValueException"},
			"an owner of it": {func(r *qs.CreateFolderRequest) {
				r.FolderType, r.Permissions = new(qs.FolderTypeRestricted), entry(ana, owner)
			}, "InvalidParameterValueException"},
			"nobody":             {func(r *qs.CreateFolderRequest) { r.Permissions = entry(strings.Replace(ana, "ana", "cy", 1), viewer) }, "InvalidParameterValueException"},
			"a namespace":        {func(r *qs.CreateFolderRequest) { r.Permissions = entry(prefix+"namespace/default", viewer) }, "InvalidParameterValueException"},
			"no role":            {func(r *qs.CreateFolderRequest) { r.Permissions = entry(ana, owner[1:]) }, "InvalidParameterValueException"},
			"no type":            {func(r *qs.CreateFolderRequest) { r.FolderType = new(qs.FolderType("OPEN")) }, "ValidationException"},
			"an empty name":      {func(r *qs.CreateFolderRequest) { r.Name = new("") }, "ValidationException"},
			"a name of 201":      {func(r *qs.CreateFolderRequest) { r.Name = new(strings.Repeat("n", 201)) }, "ValidationException"},
			"a dot in the id":    {func(r *qs.CreateFolderRequest) { r.FolderId = "a.b" }, "ValidationException"},
			"another account":    {func(r *qs.CreateFolderRequest) { r.AwsAccountId = "444455556666" }, "AccessDeniedException"},
			"two tags of a key":  {func(r *qs.CreateFolderRequest) { r.Tags = []qs.Tag{{Key: "k", Value: "1"}, {Key: "k", Value: "2"}} }, "InvalidParameterValueException"},
			"no tags":            {func(r *qs.CreateFolderRequest) { r.Tags = []qs.Tag{} }, "ValidationException"},
			"an empty principal": {func(r *qs.CreateFolderRequest) { r.Permissions = entry("", viewer) }, "ValidationException"},
		} {
			r := in("x", "")
			tt.change(&r)
			_, err := testkit.Call(t, srv, qs.CreateFolder, r)
			wantFault(t, name, err, tt.want)
		}
		_, err := testkit.Call(t, srv, qs.DescribeFolder, qs.DescribeFolderRequest{AwsAccountId: account, FolderId: "x"})
		wantFault(t, "nothing of a refused folder stays", err, "ResourceNotFoundException")
		_, err = testkit.Call(t, srv.In("eu-west-1"), qs.DescribeFolder, qs.DescribeFolderRequest{AwsAccountId: account, FolderId: "a"})
		wantFault(t, "another region", err, "ResourceNotFoundException")
		_, err = testkit.Call(t, srv, qs.UpdateFolder, qs.UpdateFolderRequest{AwsAccountId: account, FolderId: "none", Name: "n"})
		wantFault(t, "update of nothing", err, "ResourceNotFoundException")

		// A subfolder has the type and the sharing model of its parent.
		sub := in("inner", "vault")
		create(t, srv, sub)
		if f := describe(t, srv, "inner"); *f.FolderType != qs.FolderTypeRestricted {
			t.Errorf("a folder in a restricted one is %s", *f.FolderType)
		}
		within := in("team", "")
		within.SharingModel = new(qs.SharingModelNamespace)
		create(t, srv, within)
		create(t, srv, in("part", "team"))
		if f := describe(t, srv, "part"); *f.SharingModel != qs.SharingModelNamespace {
			t.Errorf("a folder in one of a namespace is of the model %s", *f.SharingModel)
		}
	})
}

func TestMembership(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		for _, id := range []string{"a", "b", "c"} {
			create(t, srv, in(id, ""))
			connect(t, srv, "m-"+id)
		}
		connect(t, srv.In("eu-west-1"), "far")
		out, err := testkit.Call(t, srv, qs.CreateFolderMembership, qs.CreateFolderMembershipRequest{
			AwsAccountId: account, FolderId: "a", MemberType: connector, MemberId: "m-b",
		})
		if err != nil || *out.FolderMember.MemberId != "m-b" || *out.FolderMember.MemberType != connector || *out.Status != 200 {
			t.Fatalf("create: %+v, %v", out, err)
		}
		for _, m := range []string{"m-c", "m-a"} {
			if err := put(t, srv, "a", m); err != nil {
				t.Fatal(err)
			}
		}
		if err := put(t, srv, "b", "m-b"); err != nil {
			t.Fatal(err)
		}
		for _, size := range []int32{1, 2, 100} {
			if got := membersOf(t, srv, "a", size); got != "m-a m-b m-c" {
				t.Errorf("members in pages of %d: %s", size, got)
			}
			if got := foldersOf(t, srv, "m-b", size); got != "a b" {
				t.Errorf("folders in pages of %d: %s", size, got)
			}
		}
		wantFault(t, "twice", put(t, srv, "a", "m-b"), "ResourceExistsException")
		wantFault(t, "no folder", put(t, srv, "none", "m-b"), "ResourceNotFoundException")
		wantFault(t, "no connector", put(t, srv, "a", "none"), "ResourceNotFoundException")
		wantFault(t, "a connector of another region", put(t, srv, "a", "far"), "ResourceNotFoundException")
		wantFault(t, "take what isn't there", take(t, srv, "c", "m-b"), "ResourceNotFoundException")
		wantFault(t, "take from no folder", take(t, srv, "none", "m-b"), "ResourceNotFoundException")
		_, err = testkit.Call(t, srv, qs.CreateFolderMembership, qs.CreateFolderMembershipRequest{
			AwsAccountId: account, FolderId: "a", MemberType: qs.MemberTypeDashboard, MemberId: "m-b",
		})
		wantFault(t, "a dashboard", err, "ResourceNotFoundException")
		_, err = testkit.Call(t, srv, qs.CreateFolderMembership, qs.CreateFolderMembershipRequest{
			AwsAccountId: account, FolderId: "a", MemberType: "FAX", MemberId: "m-b",
		})
		if text := wantFault(t, "a fax", err, "ValidationException"); !strings.Contains(text, "[DASHBOARD, ANALYSIS, DATASET, DATASOURCE, TOPIC]") {
			t.Errorf("an unknown type: %q", text)
		}
		for name, arn := range map[string]string{
			"none":            prefix + "action-connector/none",
			"a user":          prefix + "user/default/ana",
			"another account": strings.Replace(prefix, account, "444455556666", 1) + "action-connector/m-b",
		} {
			_, err = testkit.Call(t, srv, qs.ListFoldersForResource, qs.ListFoldersForResourceRequest{AwsAccountId: account, ResourceArn: arn})
			wantFault(t, name, err, "ResourceNotFoundException")
		}
		_, err = testkit.Call(t, srv, qs.ListFoldersForResource, qs.ListFoldersForResourceRequest{AwsAccountId: account, ResourceArn: "m-b"})
		wantFault(t, "no ARN", err, "InvalidParameterValueException")
		_, err = testkit.Call(t, srv, qs.ListFolderMembers, qs.ListFolderMembersRequest{AwsAccountId: account, FolderId: "none"})
		wantFault(t, "members of nothing", err, "ResourceNotFoundException")

		// What is deleted leaves all folders, and one of the same id does not come back into them.
		if _, err := testkit.Call(t, srv, qs.DeleteActionConnector, qs.DeleteActionConnectorRequest{AwsAccountId: account, ActionConnectorId: "m-b"}); err != nil {
			t.Fatal(err)
		}
		connect(t, srv, "m-b")
		if got := membersOf(t, srv, "a", 100) + "|" + membersOf(t, srv, "b", 100) + "|" + foldersOf(t, srv, "m-b", 100); got != "m-a m-c||" {
			t.Errorf("after the deletion: %s", got)
		}
		if err := take(t, srv, "a", "m-c"); err != nil || membersOf(t, srv, "a", 100) != "m-a" {
			t.Errorf("take: %v, and there are %s", err, membersOf(t, srv, "a", 100))
		}

		for i := range 20 {
			create(t, srv, in(fmt.Sprintf("f%02d", i), ""))
			if err := put(t, srv, fmt.Sprintf("f%02d", i), "m-b"); err != nil {
				t.Fatal(err)
			}
		}
		wantFault(t, "in 21 folders", put(t, srv, "a", "m-b"), "LimitExceededException")
	})
}

func TestRestricted(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana := register(t, srv, "ana")
		for _, id := range []string{"vault", "safe"} {
			r := in(id, "")
			r.FolderType = new(qs.FolderTypeRestricted)
			r.Permissions = entry(ana, contributor)
			create(t, srv, r)
			create(t, srv, in(id+"-in", id))
		}
		create(t, srv, in("open", ""))
		connect(t, srv, "m")
		connect(t, srv, "outside")
		for _, step := range []struct{ folder, member string }{{"vault", "m"}, {"vault-in", "m"}, {"open", "outside"}} {
			if err := put(t, srv, step.folder, step.member); err != nil {
				t.Fatalf("%v: %v", step, err)
			}
		}
		wantFault(t, "into a shared folder too", put(t, srv, "open", "m"), "InvalidParameterValueException")
		wantFault(t, "into another tree too", put(t, srv, "safe-in", "m"), "InvalidParameterValueException")
		wantFault(t, "from a shared folder", put(t, srv, "vault", "outside"), "InvalidParameterValueException")
		_, err := testkit.Call(t, srv, qs.UpdateActionConnectorPermissions, qs.UpdateActionConnectorPermissionsRequest{
			AwsAccountId: account, ActionConnectorId: "m", GrantPermissions: entry(ana, []string{"quicksight:DescribeActionConnector"}),
		})
		wantFault(t, "shared by itself", err, "InvalidParameterValueException")
		if err := take(t, srv, "vault", "m"); err != nil {
			t.Errorf("it may move within the tree: %v", err)
		}
		wantFault(t, "out of the tree", take(t, srv, "vault-in", "m"), "InvalidParameterValueException")
		if got := foldersOf(t, srv, "m", 100); got != "vault-in" {
			t.Errorf("it lies in %s", got)
		}
		wantFault(t, "a folder into another tree", move(t, srv, "vault-in", "safe"), "InvalidParameterValueException")
		wantFault(t, "a folder to the top", move(t, srv, "vault-in", ""), "InvalidParameterValueException")
		wantFault(t, "the tree into a shared folder", move(t, srv, "vault", "open"), "InvalidParameterValueException")
		wantFault(t, "a shared folder into the tree", move(t, srv, "open", "vault"), "InvalidParameterValueException")
		_, err = share(t, srv, "vault", entry(ana, owner), nil)
		if text := wantFault(t, "an owner", err, "InvalidParameterValueException"); !strings.HasSuffix(text,
			"Valid sets : [quicksight:DescribeFolder] or [quicksight:CreateFolder, quicksight:DescribeFolder, quicksight:CreateFolderMembership, quicksight:DeleteFolderMembership, quicksight:DescribeFolderPermissions]") {
			t.Errorf("the text is %q", text)
		}
		if _, err := testkit.Call(t, srv, qs.DeleteActionConnector, qs.DeleteActionConnectorRequest{AwsAccountId: account, ActionConnectorId: "m"}); err != nil {
			t.Errorf("what is deleted leaves: %v", err)
		}
		if err := remove(t, srv, "vault-in"); err != nil {
			t.Error(err)
		}
	})
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana, bo, cy := register(t, srv, "ana"), register(t, srv, "bo"), register(t, srv, "cy")
		create(t, srv, in("top", ""))
		create(t, srv, in("mid", "top"))
		create(t, srv, in("low", "mid"))
		mixed := []string{owner[7], owner[0], owner[2], owner[1], owner[4], owner[3], owner[6], owner[5]}
		got, err := share(t, srv, "top", slices.Concat(entry(bo, mixed), entry(ana, viewer)), nil)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(slices.Concat(entry(ana, viewer), entry(bo, owner)), got); diff != "" {
			t.Errorf("grant, -want +got:\n%s", diff)
		}
		// Terraform turns a viewer into an owner and back like this.
		if _, err := share(t, srv, "top", entry(ana, owner), nil); err != nil {
			t.Fatal(err)
		}
		got, err = share(t, srv, "top", entry(ana, viewer), entry(ana, slices.DeleteFunc(slices.Clone(owner), func(a string) bool { return a == viewer[0] })))
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(slices.Concat(entry(ana, viewer), entry(bo, owner)), got); diff != "" {
			t.Errorf("back to a viewer, -want +got:\n%s", diff)
		}
		if _, err := share(t, srv, "mid", slices.Concat(entry(ana, contributor), entry(cy, viewer)), nil); err != nil {
			t.Fatal(err)
		}
		for _, tt := range []struct {
			id   string
			want []qs.ResourcePermission
		}{
			{"top", slices.Concat(entry(ana, viewer), entry(bo, owner))},
			{"mid", slices.Concat(entry(ana, contributor), entry(bo, owner), entry(cy, viewer))},
			{"low", slices.Concat(entry(ana, contributor), entry(bo, owner), entry(cy, viewer))},
		} {
			for _, size := range []int32{1, 2, 100} {
				list := []qs.ResourcePermission{}
				r := qs.DescribeFolderResolvedPermissionsRequest{AwsAccountId: account, FolderId: tt.id, MaxResults: &size}
				for {
					out, err := testkit.Call(t, srv, qs.DescribeFolderResolvedPermissions, r)
					if err != nil {
						t.Fatal(err)
					}
					list = append(list, out.Permissions...)
					if r.NextToken = out.NextToken; r.NextToken == nil {
						break
					}
				}
				if diff := cmp.Diff(tt.want, list); diff != "" {
					t.Errorf("%s resolved in pages of %d, -want +got:\n%s", tt.id, size, diff)
				}
			}
		}
		own, err := testkit.Call(t, srv, qs.DescribeFolderPermissions, qs.DescribeFolderPermissionsRequest{AwsAccountId: account, FolderId: "low"})
		if err != nil || own.Permissions == nil || len(own.Permissions) != 0 || *own.Arn != prefix+"folder/low" {
			t.Errorf("low itself has the permissions %+v, %v", own, err)
		}
		for namespace, want := range map[string]int{"default": 2, "other": 0} {
			of, err := testkit.Call(t, srv, qs.DescribeFolderPermissions,
				qs.DescribeFolderPermissionsRequest{AwsAccountId: account, FolderId: "top", Namespace: &namespace})
			if err != nil || len(of.Permissions) != want {
				t.Errorf("permissions of namespace %s: %+v, %v", namespace, of, err)
			}
		}

		for name, tt := range map[string]struct {
			id            string
			grant, revoke []qs.ResourcePermission
			want          string
		}{
			"neither":           {"top", nil, nil, "InvalidParameterValueException"},
			"no folder":         {"none", entry(ana, viewer), nil, "ResourceNotFoundException"},
			"nobody":            {"top", entry(strings.Replace(ana, "ana", "dee", 1), viewer), nil, "InvalidParameterValueException"},
			"no role":           {"top", entry(ana, owner[:7]), nil, "InvalidParameterValueException"},
			"half of a role":    {"top", nil, entry(bo, owner[:2]), "InvalidParameterValueException"},
			"revoke of unknown": {"top", nil, entry(bo, []string{"quicksight:PassDataSet"}), "InvalidParameterValueException"},
		} {
			_, err := share(t, srv, tt.id, tt.grant, tt.revoke)
			wantFault(t, name, err, tt.want)
		}
		_, err = share(t, srv, "top", entry(ana, owner[1:]), nil)
		if text := wantFault(t, "not all of it", err, "InvalidParameterValueException"); !strings.HasPrefix(text,
			"ResourcePermission list contains unsupported permission sets [quicksight:CreateFolderMembership, ") ||
			!strings.HasSuffix(text, " or [quicksight:CreateFolder, quicksight:DescribeFolder, quicksight:UpdateFolder, quicksight:DeleteFolder, "+
				"quicksight:CreateFolderMembership, quicksight:DeleteFolderMembership, quicksight:DescribeFolderPermissions, quicksight:UpdateFolderPermissions]") {
			t.Errorf("the text is %q", text)
		}

		// A user who goes leaves all lists.
		if _, err := testkit.Call(t, srv, qs.DeleteUser, qs.DeleteUserRequest{AwsAccountId: account, Namespace: "default", UserName: "bo"}); err != nil {
			t.Fatal(err)
		}
		out, err := testkit.Call(t, srv, qs.DescribeFolderResolvedPermissions,
			qs.DescribeFolderResolvedPermissionsRequest{AwsAccountId: account, FolderId: "low"})
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(slices.Concat(entry(ana, contributor), entry(cy, viewer)), out.Permissions); diff != "" {
			t.Errorf("after the user has gone, -want +got:\n%s", diff)
		}
	})
}
