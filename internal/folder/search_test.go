package folder_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

func filter(name, operator, value string) qs.FolderSearchFilter {
	return qs.FolderSearchFilter{Name: new(qs.FolderFilterAttribute(name)), Operator: new(qs.FilterOperator(operator)), Value: &value}
}

// found collects all pages of a search.
func found(t *testing.T, srv *testkit.Server, size int32, filters ...qs.FolderSearchFilter) string {
	t.Helper()
	ids := []string{}
	r := qs.SearchFoldersRequest{AwsAccountId: account, Filters: append([]qs.FolderSearchFilter{}, filters...), MaxResults: &size}
	for {
		out, err := testkit.Call(t, srv, qs.SearchFolders, r)
		if err != nil {
			t.Fatalf("search %v: %v", filters, err)
		}
		for _, f := range out.FolderSummaryList {
			ids = append(ids, *f.FolderId)
		}
		if r.NextToken = out.NextToken; r.NextToken == nil {
			return strings.Join(ids, " ")
		}
	}
}

// group makes a group with members and gives its ARN.
func group(t *testing.T, srv *testkit.Server, name string, members ...string) string {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.CreateGroup, qs.CreateGroupRequest{AwsAccountId: account, Namespace: "default", GroupName: name})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range members {
		_, err := testkit.Call(t, srv, qs.CreateGroupMembership, qs.CreateGroupMembershipRequest{
			AwsAccountId: account, Namespace: "default", GroupName: name, MemberName: m,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return *out.Group.Arn
}

func TestSearchFolders(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana, bo := register(t, srv, "ana"), register(t, srv, "bo")
		team := group(t, srv, "team", "bo")
		// a owned by ana, with b below, viewed by bo, with c below; D owned by
		// both and by team's members.
		for _, f := range []struct {
			id, parent  string
			permissions []qs.ResourcePermission
		}{
			{"a", "", entry(ana, owner)},
			{"b", "a", entry(bo, viewer)},
			{"c", "b", nil},
			{"D", "", slices.Concat(entry(ana, owner), entry(team, owner))},
			{"e", "D", nil},
			{"f", "", entry(team, contributor)},
		} {
			r := in(f.id, f.parent)
			r.Permissions = f.permissions
			create(t, srv, r)
		}
		other := in("elsewhere", "")
		if _, err := testkit.Call(t, srv.In("eu-west-1"), qs.CreateFolder, other); err != nil {
			t.Fatal(err)
		}
		const equals, like = "StringEquals", "StringLike"
		for _, tt := range []struct {
			filters []qs.FolderSearchFilter
			want    string
		}{
			{nil, "D a b c e f"},
			{[]qs.FolderSearchFilter{filter("FOLDER_NAME", equals, "Folder a")}, "a"},
			{[]qs.FolderSearchFilter{filter("FOLDER_NAME", equals, "folder a")}, ""},
			{[]qs.FolderSearchFilter{filter("FOLDER_NAME", like, "folder d")}, "D"},
			{[]qs.FolderSearchFilter{filter("FOLDER_NAME", like, "*OLDER ?")}, "D a b c e f"},
			{[]qs.FolderSearchFilter{filter("PARENT_FOLDER_ARN", equals, prefix+"folder/a")}, "b"},
			{[]qs.FolderSearchFilter{filter("PARENT_FOLDER_ARN", equals, "")}, "D a f"},
			{[]qs.FolderSearchFilter{filter("PARENT_FOLDER_ARN", equals, prefix+"folder/none")}, ""},
			{[]qs.FolderSearchFilter{filter("DIRECT_QUICKSIGHT_OWNER", equals, ana)}, "D a"},
			{[]qs.FolderSearchFilter{filter("DIRECT_QUICKSIGHT_SOLE_OWNER", equals, ana)}, "a"},
			{[]qs.FolderSearchFilter{filter("DIRECT_QUICKSIGHT_OWNER", equals, bo)}, ""},
			{[]qs.FolderSearchFilter{filter("DIRECT_QUICKSIGHT_VIEWER_OR_OWNER", equals, bo)}, "b"},
			{[]qs.FolderSearchFilter{filter("QUICKSIGHT_OWNER", equals, ana)}, "D a b c e"},
			{[]qs.FolderSearchFilter{filter("QUICKSIGHT_OWNER", equals, bo)}, "D e"},
			{[]qs.FolderSearchFilter{filter("QUICKSIGHT_OWNER", equals, team)}, "D e"},
			{[]qs.FolderSearchFilter{filter("QUICKSIGHT_VIEWER_OR_OWNER", equals, bo)}, "D b c e f"},
			{[]qs.FolderSearchFilter{filter("QUICKSIGHT_VIEWER_OR_OWNER", equals, prefix+"user/default/nobody")}, ""},
			{[]qs.FolderSearchFilter{filter("QUICKSIGHT_OWNER", equals, ana), filter("FOLDER_NAME", like, "folder c")}, "c"},
			{[]qs.FolderSearchFilter{filter("QUICKSIGHT_OWNER", equals, ana), filter("PARENT_FOLDER_ARN", equals, "")}, "D a"},
		} {
			for _, size := range []int32{1, 2, 100} {
				if got := found(t, srv, size, tt.filters...); got != tt.want {
					t.Errorf("%+v in pages of %d: %q, want %q", tt.filters, size, got, tt.want)
				}
			}
		}
		for name, tt := range map[string]struct {
			f    qs.FolderSearchFilter
			want string
		}{
			"like on an owner":    {filter("QUICKSIGHT_OWNER", like, ana), "InvalidParameterValueException"},
			"like on a parent":    {filter("PARENT_FOLDER_ARN", like, "*"), "InvalidParameterValueException"},
			"a name for an owner": {filter("QUICKSIGHT_OWNER", equals, "ana"), "InvalidParameterValueException"},
			"owner of elsewhere":  {filter("QUICKSIGHT_OWNER", equals, strings.Replace(ana, account, "444455556666", 1)), "InvalidParameterValueException"},
			"a long pattern":      {filter("FOLDER_NAME", like, strings.Repeat("%a", 300)), "InvalidParameterValueException"},
			"no value":            {qs.FolderSearchFilter{Name: new(qs.FolderFilterAttributeFolderName), Operator: new(qs.FilterOperatorStringLike)}, "InvalidParameterValueException"},
			"unknown filter":      {filter("COLOUR", equals, "red"), "ValidationException"},
		} {
			_, err := testkit.Call(t, srv, qs.SearchFolders, qs.SearchFoldersRequest{AwsAccountId: account, Filters: []qs.FolderSearchFilter{tt.f}})
			wantFault(t, name, err, tt.want)
		}
	})
}

func TestListFolders(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		list := func(s *testkit.Server, token *string, size int32) (*qs.ListFoldersResponse, error) {
			return testkit.Call(t, s, qs.ListFolders, qs.ListFoldersRequest{AwsAccountId: account, MaxResults: &size, NextToken: token})
		}
		_, err := list(srv, nil, 10)
		wantFault(t, "not subscribed", err, "UnsupportedUserEditionException")
		srv.Subscribe(t)
		want := []string{}
		for i := range 20 {
			id := fmt.Sprintf("f%02d", 2*i)
			create(t, srv, in(id, ""))
			want = append(want, id)
		}
		first, err := list(srv, nil, 7)
		if err != nil || first.NextToken == nil || len(first.FolderSummaryList) != 7 {
			t.Fatalf("the first page: %+v, %v", first, err)
		}
		if s := first.FolderSummaryList[0]; *s.Arn != prefix+"folder/f00" || *s.Name != "Folder f00" || *s.FolderType != qs.FolderTypeShared ||
			*s.SharingModel != qs.SharingModelAccount || s.CreatedTime == nil || s.LastUpdatedTime == nil {
			t.Errorf("the first summary is %+v", s)
		}
		// Between the pages some go that were seen and some that were not, and others come.
		for _, id := range []string{"f00", "f12", "f14", "f38"} {
			if err := remove(t, srv, id); err != nil {
				t.Fatal(err)
			}
		}
		create(t, srv, in("f01", ""))
		create(t, srv, in("f15", ""))
		want = slices.DeleteFunc(append(want, "f15"), func(id string) bool { return id == "f14" || id == "f38" })
		slices.Sort(want)
		got, page := []string{}, first
		for {
			for _, f := range page.FolderSummaryList {
				got = append(got, *f.FolderId)
			}
			if page.NextToken == nil {
				break
			}
			if page, err = list(srv, page.NextToken, 6); err != nil {
				t.Fatal(err)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("the pages, -want +got:\n%s", diff)
		}
		_, err = list(srv.In("eu-west-1"), first.NextToken, 10)
		wantFault(t, "a token of another region", err, "InvalidNextTokenException")
		_, err = testkit.Call(t, srv, qs.SearchFolders, qs.SearchFoldersRequest{
			AwsAccountId: account, Filters: []qs.FolderSearchFilter{}, NextToken: first.NextToken,
		})
		wantFault(t, "a token of another operation", err, "InvalidNextTokenException")
		_, err = testkit.Call(t, srv, qs.ListFolderMembers, qs.ListFolderMembersRequest{AwsAccountId: account, FolderId: "f02", NextToken: first.NextToken})
		wantFault(t, "a token of folders for members", err, "InvalidNextTokenException")
	})
}

// What a folder grants reaches what lies below it: decisions, and searches for
// connectors by owner and viewer.
func TestReach(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		ana, bo, cy := author(t, srv, "ana"), author(t, srv, "bo"), register(t, srv, "cy")
		team := group(t, srv, "team", "bo", "cy")
		create(t, srv, in("top", ""))
		create(t, srv, in("low", "top"))
		for _, grant := range []struct {
			id   string
			list []qs.ResourcePermission
		}{{"top", entry(ana, owner)}, {"low", entry(team, contributor)}} {
			if _, err := share(t, srv, grant.id, grant.list, nil); err != nil {
				t.Fatal(err)
			}
		}
		connect(t, srv, "in")
		connect(t, srv, "out")
		if err := put(t, srv, "low", "in"); err != nil {
			t.Fatal(err)
		}
		may := func(principal, action, resource string) (bool, string) {
			t.Helper()
			out, err := testkit.Call(t, srv, onsightapi.ExplainAccess, onsightapi.ExplainAccessRequest{
				AwsAccountId: account, Principal: principal, Action: "quicksight:" + action, Resource: new(prefix + resource),
			})
			if err != nil {
				t.Fatal(err)
			}
			by := ""
			if out.Policy != nil {
				by = strings.TrimPrefix(*out.Policy, prefix)
			}
			return *out.Allowed, by
		}
		for _, tt := range []struct {
			principal, action, resource string
			want                        bool
			by                          string
		}{
			{ana, "UpdateFolder", "folder/top", true, "folder/top"},
			{ana, "UpdateFolder", "folder/low", true, "folder/top"},
			{ana, "UpdateActionConnectorPermissions", "action-connector/in", true, "folder/top"},
			{ana, "DescribeActionConnector", "action-connector/out", false, ""},
			{bo, "DescribeFolder", "folder/top", false, ""},
			{bo, "CreateFolderMembership", "folder/low", true, "folder/low"},
			{bo, "UpdateActionConnector", "action-connector/in", true, "folder/low"},
			{bo, "UpdateActionConnectorPermissions", "action-connector/in", false, ""},
			{cy, "DescribeActionConnector", "action-connector/in", true, "folder/low"},
			{cy, "UpdateActionConnector", "action-connector/in", false, ""}, // a reader may only look
			{ana, "DescribeUser", "user/default/ana", false, ""},
		} {
			if got, by := may(tt.principal, tt.action, tt.resource); got != tt.want || by != tt.by {
				t.Errorf("%s on %s by %s: %t by %q, want %t by %q", tt.action, tt.resource, tt.principal, got, by, tt.want, tt.by)
			}
		}
		search := func(name, who string) string {
			t.Helper()
			out, err := testkit.Call(t, srv, qs.SearchActionConnectors, qs.SearchActionConnectorsRequest{
				AwsAccountId: account, Filters: []qs.ActionConnectorSearchFilter{{
					Name: qs.ActionConnectorSearchFilterNameEnum(name), Operator: qs.FilterOperatorStringEquals, Value: who,
				}},
			})
			if err != nil {
				t.Fatal(err)
			}
			ids := []string{}
			for _, c := range out.ActionConnectorSummaries {
				ids = append(ids, c.ActionConnectorId)
			}
			return strings.Join(ids, " ")
		}
		connect(t, srv, "own", entry(ana, []string{"quicksight:DescribeActionConnector", "quicksight:UpdateActionConnectorPermissions"})...)
		for _, tt := range []struct{ name, who, want string }{
			{"QUICKSIGHT_OWNER", ana, "in own"},
			{"QUICKSIGHT_VIEWER_OR_OWNER", ana, "in own"},
			{"DIRECT_QUICKSIGHT_OWNER", ana, "own"},
			{"DIRECT_QUICKSIGHT_SOLE_OWNER", ana, "own"},
			{"QUICKSIGHT_OWNER", bo, ""},
			{"QUICKSIGHT_VIEWER_OR_OWNER", cy, "in"},
			{"DIRECT_QUICKSIGHT_VIEWER_OR_OWNER", cy, ""},
		} {
			if got := search(tt.name, tt.who); got != tt.want {
				t.Errorf("connectors by %s of %s: %q, want %q", tt.name, tt.who, got, tt.want)
			}
		}
	})
}

// author makes a user who may change things.
func author(t *testing.T, srv *testkit.Server, name string) string {
	t.Helper()
	out, err := testkit.Call(t, srv, qs.RegisterUser, qs.RegisterUserRequest{
		AwsAccountId: account, Namespace: "default", UserName: &name, Email: "someone@example.org",
		IdentityType: qs.IdentityTypeQuicksight, UserRole: qs.UserRoleAuthor,
	})
	if err != nil {
		t.Fatalf("register %s: %v", name, err)
	}
	return *out.User.Arn
}
