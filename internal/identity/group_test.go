package identity_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

const groupARN = "arn:aws:quicksight:us-east-1:111122223333:group/default/"

// directory is the calls on groups and members of one namespace.
type directory struct {
	t         *testing.T
	srv       *testkit.Server
	namespace string
}

func (d directory) createGroup(name string, description *string) (*qs.Group, error) {
	d.t.Helper()
	out, err := testkit.Call(d.t, d.srv, qs.CreateGroup, qs.CreateGroupRequest{
		AwsAccountId: d.srv.Account, Namespace: d.namespace, GroupName: name, Description: description,
	})
	if err != nil {
		return nil, err
	}
	return out.Group, nil
}

func (d directory) group(name string) (*qs.Group, error) {
	d.t.Helper()
	out, err := testkit.Call(d.t, d.srv, qs.DescribeGroup, qs.DescribeGroupRequest{AwsAccountId: d.srv.Account, Namespace: d.namespace, GroupName: name})
	if err != nil {
		return nil, err
	}
	return out.Group, nil
}

func (d directory) deleteGroup(name string) error {
	d.t.Helper()
	_, err := testkit.Call(d.t, d.srv, qs.DeleteGroup, qs.DeleteGroupRequest{AwsAccountId: d.srv.Account, Namespace: d.namespace, GroupName: name})
	return err
}

func (d directory) join(group, user string) error {
	d.t.Helper()
	_, err := testkit.Call(d.t, d.srv, qs.CreateGroupMembership, qs.CreateGroupMembershipRequest{
		AwsAccountId: d.srv.Account, Namespace: d.namespace, GroupName: group, MemberName: user,
	})
	return err
}

func (d directory) leave(group, user string) error {
	d.t.Helper()
	_, err := testkit.Call(d.t, d.srv, qs.DeleteGroupMembership, qs.DeleteGroupMembershipRequest{
		AwsAccountId: d.srv.Account, Namespace: d.namespace, GroupName: group, MemberName: user,
	})
	return err
}

func (d directory) member(group, user string) (*qs.GroupMember, error) {
	d.t.Helper()
	out, err := testkit.Call(d.t, d.srv, qs.DescribeGroupMembership, qs.DescribeGroupMembershipRequest{
		AwsAccountId: d.srv.Account, Namespace: d.namespace, GroupName: group, MemberName: user,
	})
	if err != nil {
		return nil, err
	}
	return out.GroupMember, nil
}

// groups, members, groupsOf and search give one page.

func (d directory) groups(limit int32, token *string) ([]string, *string, error) {
	d.t.Helper()
	out, err := testkit.Call(d.t, d.srv, qs.ListGroups, qs.ListGroupsRequest{
		AwsAccountId: d.srv.Account, Namespace: d.namespace, MaxResults: &limit, NextToken: token,
	})
	if err != nil {
		return nil, nil, err
	}
	return groupNames(out.GroupList), out.NextToken, nil
}

func (d directory) members(group string, limit int32, token *string) ([]string, *string, error) {
	d.t.Helper()
	out, err := testkit.Call(d.t, d.srv, qs.ListGroupMemberships, qs.ListGroupMembershipsRequest{
		AwsAccountId: d.srv.Account, Namespace: d.namespace, GroupName: group, MaxResults: &limit, NextToken: token,
	})
	if err != nil {
		return nil, nil, err
	}
	names := []string{}
	for _, m := range out.GroupMemberList {
		names = append(names, *m.MemberName)
	}
	return names, out.NextToken, nil
}

func (d directory) groupsOf(user string, limit int32, token *string) ([]string, *string, error) {
	d.t.Helper()
	out, err := testkit.Call(d.t, d.srv, qs.ListUserGroups, qs.ListUserGroupsRequest{
		AwsAccountId: d.srv.Account, Namespace: d.namespace, UserName: user, MaxResults: &limit, NextToken: token,
	})
	if err != nil {
		return nil, nil, err
	}
	return groupNames(out.GroupList), out.NextToken, nil
}

func (d directory) search(prefix string, limit int32, token *string) ([]string, *string, error) {
	d.t.Helper()
	out, err := testkit.Call(d.t, d.srv, qs.SearchGroups, qs.SearchGroupsRequest{
		AwsAccountId: d.srv.Account, Namespace: d.namespace, MaxResults: &limit, NextToken: token,
		Filters: []qs.GroupSearchFilter{{Name: qs.GroupFilterAttributeGroupName, Operator: qs.GroupFilterOperatorStartsWith, Value: prefix}},
	})
	if err != nil {
		return nil, nil, err
	}
	return groupNames(out.GroupList), out.NextToken, nil
}

func groupNames(groups []qs.Group) []string {
	names := []string{}
	for _, g := range groups {
		names = append(names, *g.GroupName)
	}
	return names
}

// whole follows the pages of a list to its end; between is called before each
// page but the first.
func whole(t *testing.T, what string, between func(), next func(token *string) ([]string, *string, error)) []string {
	t.Helper()
	all := []string{}
	var token *string
	for range 1000 {
		names, following, err := next(token)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		all = append(all, names...)
		if following == nil {
			return all
		}
		token = following
		if between != nil {
			between()
		}
	}
	t.Fatalf("%s: more than 1000 pages", what)
	return nil
}

// refused makes sure of an error's code and text, where one is given.
func refused(t *testing.T, what string, err error, code, text string) {
	t.Helper()
	f := fault.Of(err)
	if f == nil || f.Code != code || text != "" && f.Message != text {
		t.Errorf("%s: %v, want %s %q", what, err, code, text)
	}
}

func try(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func registerAll(t *testing.T, srv *testkit.Server, names ...string) {
	t.Helper()
	for _, name := range names {
		_, err := testkit.Call(t, srv, qs.RegisterUser, person(name, nil))
		try(t, "register "+name, err)
	}
}

func TestGroups(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		d := directory{t, srv, "default"}
		made, err := d.createGroup("authors/é ;%", new("Who write"))
		try(t, "create", err)
		if !regexp.MustCompile(`^group/d-[0-9a-f]{10}/[0-9a-f-]{36}$`).MatchString(*made.PrincipalId) {
			t.Errorf("principal id %s", *made.PrincipalId)
		}
		want := &qs.Group{Arn: new(groupARN + "authors/é ;%"), GroupName: new("authors/é ;%"), Description: new("Who write"), PrincipalId: made.PrincipalId}
		if diff := cmp.Diff(want, made); diff != "" {
			t.Errorf("created (-want +got):\n%s", diff)
		}
		got, err := d.group("authors/é ;%")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("described (-want +got):\n%s%v", diff, err)
		}
		bare, err := d.createGroup("Authors/é ;%", nil)
		if err != nil || bare.Description != nil {
			t.Errorf("a name in another case, without a description: %+v, %v", bare, err)
		}
		_, err = d.createGroup("authors/é ;%", nil)
		refused(t, "the same name", err, "ResourceExistsException",
			"AWS account ID: 111122223333, Namespace: default, Group name: authors/é ;% already exists. ")
		if f := fault.Of(err); f.ResourceType != fault.Group {
			t.Errorf("resource type %s, want GROUP", f.ResourceType)
		}

		update := func(name string, description *string) (*qs.Group, error) {
			out, err := testkit.Call(t, srv, qs.UpdateGroup, qs.UpdateGroupRequest{AwsAccountId: srv.Account, Namespace: "default", GroupName: name, Description: description})
			if err != nil {
				return nil, err
			}
			return out.Group, nil
		}
		for _, description := range []*string{new("Who read"), nil, nil} {
			want.Description = description
			changed, err := update("authors/é ;%", description)
			if diff := cmp.Diff(want, changed); diff != "" || err != nil {
				t.Errorf("updated (-want +got):\n%s%v", diff, err)
			}
			got, err := d.group("authors/é ;%")
			if diff := cmp.Diff(want, got); diff != "" || err != nil {
				t.Errorf("described after the update (-want +got):\n%s%v", diff, err)
			}
		}
		try(t, "delete", d.deleteGroup("authors/é ;%"))
		gone := "AWS account id: 111122223333, Namespace: default, Group name: authors/é ;%. "
		_, err = d.group("authors/é ;%")
		refused(t, "describe what is gone", err, "ResourceNotFoundException", gone)
		if f := fault.Of(err); f.ResourceType != fault.Group {
			t.Errorf("resource type %s, want GROUP", f.ResourceType)
		}
		_, err = update("authors/é ;%", nil)
		refused(t, "update what is gone", err, "ResourceNotFoundException", gone)
		refused(t, "delete what is gone", d.deleteGroup("authors/é ;%"), "ResourceNotFoundException", gone)
		_, _, err = d.members("authors/é ;%", 10, nil)
		refused(t, "members of what is gone", err, "ResourceNotFoundException", gone)
		if _, err := d.group("Authors/é ;%"); err != nil {
			t.Errorf("its namesake in another case has gone too: %v", err)
		}

		for name, group := range map[string]string{"a name of nothing": "", "a name beyond U+00FF": "группа", "a line break": "a\nb"} {
			_, err := d.createGroup(group, nil)
			refused(t, name, err, "ValidationException", "")
		}
		_, err = d.createGroup(strings.Repeat("n", 1025), nil)
		refused(t, "a long name", err, "InvalidParameterValueException", "")
		_, err = d.createGroup("described", new(strings.Repeat("d", 513)))
		refused(t, "a long description", err, "ValidationException", "")
		elsewhere := directory{t, srv, "nowhere"}
		_, err = elsewhere.createGroup("a", nil)
		refused(t, "no such namespace", err, "ResourceNotFoundException",
			"Account 111122223333 is not signed up with QuickSight with namespace nowhere. AWS account ID: 111122223333, Namespace: nowhere.")
		abroad := directory{t, srv.In("eu-west-1"), "default"}
		_, _, err = abroad.groups(10, nil)
		refused(t, "another region", err, "AccessDeniedException",
			"Operation is being called from endpoint eu-west-1, but your identity region is us-east-1. Please use the us-east-1 endpoint.")
	})
}

func TestGroupMemberships(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		d := directory{t, srv, "default"}
		registerAll(t, srv, "ana", "bob")
		_, err := testkit.Call(t, srv, qs.RegisterUser, principal("arn:aws:iam::111122223333:role/bob", new("ana")))
		try(t, "register a role's session", err)
		for _, g := range []string{"readers", "writers"} {
			_, err := d.createGroup(g, nil)
			try(t, "create "+g, err)
		}
		out, err := testkit.Call(t, srv, qs.CreateGroupMembership, qs.CreateGroupMembershipRequest{
			AwsAccountId: testkit.Account, Namespace: "default", GroupName: "readers", MemberName: "bob/ana",
		})
		try(t, "join", err)
		want := &qs.GroupMember{Arn: new(userARN + "bob/ana"), MemberName: new("bob/ana")}
		if diff := cmp.Diff(want, out.GroupMember); diff != "" {
			t.Errorf("the member (-want +got):\n%s", diff)
		}
		got, err := d.member("readers", "bob/ana")
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("described (-want +got):\n%s%v", diff, err)
		}
		try(t, "join again", d.join("readers", "bob/ana"))
		try(t, "join", d.join("readers", "bob"))
		try(t, "join", d.join("writers", "bob"))
		if names, _, err := d.members("readers", 10, nil); err != nil || !slices.Equal(names, []string{"bob", "bob/ana"}) {
			t.Errorf("members %q, %v; want bob and bob/ana", names, err)
		}
		if names, _, err := d.groupsOf("bob", 10, nil); err != nil || !slices.Equal(names, []string{"readers", "writers"}) {
			t.Errorf("groups of bob %q, %v; want readers and writers", names, err)
		}
		if names, _, err := d.groupsOf("ana", 10, nil); err != nil || len(names) != 0 {
			t.Errorf("groups of ana %q, %v; want none", names, err)
		}

		noGroup := "AWS account id: 111122223333, Namespace: default, Group name: none. "
		noUser := "AWS account id: 111122223333, Namespace: default, Username: none. "
		refused(t, "join no group", d.join("none", "ana"), "ResourceNotFoundException", noGroup)
		refused(t, "leave no group", d.leave("none", "ana"), "ResourceNotFoundException", noGroup)
		_, err = d.member("none", "ana")
		refused(t, "describe a member of no group", err, "ResourceNotFoundException", noGroup)
		err = d.join("readers", "none")
		refused(t, "nobody joins", err, "ResourceNotFoundException", noUser)
		if f := fault.Of(err); f.ResourceType != fault.User {
			t.Errorf("resource type %s, want USER", f.ResourceType)
		}
		_, _, err = d.groupsOf("none", 10, nil)
		refused(t, "groups of nobody", err, "ResourceNotFoundException", noUser)
		notIn := "AWS account id: 111122223333, Namespace: default, Group name: readers, Member name: ana. "
		_, err = d.member("readers", "ana")
		refused(t, "describe one who is not in it", err, "ResourceNotFoundException", notIn)
		refused(t, "one leaves who is not in it", d.leave("readers", "ana"), "ResourceNotFoundException", notIn)
		refused(t, "a long name", d.join("readers", strings.Repeat("n", 257)), "ValidationException", "")

		// Deleting bob leaves the session ana of the role bob alone.
		_, err = testkit.Call(t, srv, qs.DeleteUser, qs.DeleteUserRequest{AwsAccountId: testkit.Account, Namespace: "default", UserName: "bob"})
		try(t, "delete bob", err)
		if names, _, err := d.members("readers", 10, nil); err != nil || !slices.Equal(names, []string{"bob/ana"}) {
			t.Errorf("members after bob has gone %q, %v; want bob/ana", names, err)
		}
		registerAll(t, srv, "bob")
		if names, _, err := d.groupsOf("bob", 10, nil); err != nil || len(names) != 0 {
			t.Errorf("another bob is in %q, %v; want none", names, err)
		}
		try(t, "leave", d.leave("readers", "bob/ana"))
		if names, _, err := d.members("readers", 10, nil); err != nil || len(names) != 0 {
			t.Errorf("members after all have left %q, %v", names, err)
		}
		// A group that goes takes its memberships along.
		try(t, "join", d.join("writers", "ana"))
		try(t, "delete", d.deleteGroup("writers"))
		if names, _, err := d.groupsOf("ana", 10, nil); err != nil || len(names) != 0 {
			t.Errorf("ana is in %q, %v; want none", names, err)
		}
		_, err = d.createGroup("writers", nil)
		try(t, "create again", err)
		if names, _, err := d.members("writers", 10, nil); err != nil || len(names) != 0 {
			t.Errorf("another group of the name has members %q, %v; want none", names, err)
		}
	})
}

func TestSearchGroups(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		d := directory{t, srv, "default"}
		for _, name := range []string{"Sales", "sales", "sales-eu", "SALES-us", "sale", "ÉTÉ", "été", "a%b", "a_b", "zÿ", "z\u00ffz"} {
			_, err := d.createGroup(name, nil)
			try(t, "create "+name, err)
		}
		for prefix, want := range map[string][]string{
			"sales": {"Sales", "sales", "sales-eu", "SALES-us"}, "SALES-": {"sales-eu", "SALES-us"}, "ét": {"ÉTÉ", "été"}, "a%": {"a%b"},
			"a_": {"a_b"}, "none": {}, "zÿ": {"zÿ", "zÿz"}, "le": {}, "\U0010FFFF": {},
			"": {"a%b", "a_b", "sale", "Sales", "sales", "sales-eu", "SALES-us", "zÿ", "zÿz", "ÉTÉ", "été"},
		} {
			for limit := range int32(3) {
				got := whole(t, prefix, nil, func(token *string) ([]string, *string, error) { return d.search(prefix, limit+1, token) })
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%q, pages of %d (-want +got):\n%s", prefix, limit+1, diff)
				}
			}
		}
		_, _, err := d.search("a\x00b", 10, nil)
		refused(t, "a zero character", err, "InvalidParameterValueException", "")
		_, token, err := d.search("sales", 1, nil)
		try(t, "search", err)
		_, _, err = d.search("sale", 1, token)
		refused(t, "the token of another search", err, "InvalidNextTokenException", "The NextToken value isn't valid.")
		in := qs.SearchGroupsRequest{AwsAccountId: testkit.Account, Namespace: "default", Filters: []qs.GroupSearchFilter{{Name: "GROUP_NAME", Operator: "StringEquals", Value: "a"}}}
		_, err = testkit.Call(t, srv, qs.SearchGroups, in)
		refused(t, "another operator", err, "ValidationException", "")
		in.Filters = []qs.GroupSearchFilter{}
		_, err = testkit.Call(t, srv, qs.SearchGroups, in)
		refused(t, "no filter", err, "ValidationException", "")
	})
}

// TestGroupListsUnderChange reads pages while rows come and go: what is there
// from first to last is read once, in order.
func TestGroupListsUnderChange(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		d := directory{t, srv, "default"}
		registerAll(t, srv, "u")
		var want []string
		for i := range 9 {
			name := fmt.Sprintf("g%d", 2*i)
			want = append(want, name)
			_, err := d.createGroup(name, nil)
			try(t, "create", err)
			try(t, "join", d.join(name, "u"))
			member := fmt.Sprintf("m%d", 2*i)
			registerAll(t, srv, member)
			try(t, "join", d.join("g0", member))
		}
		round := 0
		for _, list := range []struct {
			name string
			next func(token *string) ([]string, *string, error)
		}{
			{"ListGroups", func(token *string) ([]string, *string, error) { return d.groups(2, token) }},
			{"SearchGroups", func(token *string) ([]string, *string, error) { return d.search("G", 2, token) }},
			{"ListUserGroups", func(token *string) ([]string, *string, error) { return d.groupsOf("u", 2, token) }},
		} {
			got := whole(t, list.name, func() {
				round++
				for i := range 9 { // before and behind the page
					name := fmt.Sprintf("g%d", 2*i+1)
					if round%2 == 1 {
						_, err := d.createGroup(name, nil)
						try(t, "create", err)
						try(t, "join", d.join(name, "u"))
					} else {
						try(t, "delete", d.deleteGroup(name))
					}
				}
			}, list.next)
			stayed := slices.DeleteFunc(slices.Clone(got), func(name string) bool { return !slices.Contains(want, name) })
			slices.Sort(stayed)
			sorted := slices.Sorted(slices.Values(want))
			if !slices.IsSorted(got) || !slices.Equal(stayed, sorted) {
				t.Errorf("%s gives %q; want each of %q once, in order", list.name, got, sorted)
			}
			if round%2 == 1 { // back to how it was
				round++
				for i := range 9 {
					try(t, "delete", d.deleteGroup(fmt.Sprintf("g%d", 2*i+1)))
				}
			}
		}
		var last string
		got := whole(t, "ListGroupMemberships", func() {
			try(t, "leave", d.leave("g0", last)) // the page token names one who has left
		}, func(token *string) ([]string, *string, error) {
			names, following, err := d.members("g0", 1, token)
			if len(names) > 0 {
				last = names[0]
			}
			return names, following, err
		})
		if len(got) != 10 || !slices.IsSorted(got) {
			t.Errorf("ListGroupMemberships gives %q; want all ten, in order", got)
		}
		_, token, err := d.groupsOf("u", 1, nil)
		try(t, "list", err)
		_, _, err = d.groupsOf("m0", 1, token)
		// ListUserGroups does not declare InvalidNextTokenException.
		refused(t, "the token of another user", err, "InvalidParameterValueException", "The NextToken value isn't valid.")
		_, _, err = d.members("g0", 1, token)
		refused(t, "the token of another list", err, "InvalidNextTokenException", "The NextToken value isn't valid.")
	})
}

// TestDirectoryManagesGroups refuses changes in accounts whose groups a
// directory has.
func TestDirectoryManagesGroups(t *testing.T) {
	const denied = "AccessDeniedException"
	for method, text := range map[qs.AuthenticationMethodOption]string{
		qs.AuthenticationMethodOptionIAMIdentityCenter: "Operation is disabled for identities managed by IAM Identity Center",
		qs.AuthenticationMethodOptionActiveDirectory:   "Operation is disabled for identities managed by Active Directory",
	} {
		t.Run(string(method), func(t *testing.T) {
			testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
				subscribeTo(t, srv, method)
				d := directory{t, srv, "default"}
				_, err := d.createGroup("g", nil)
				refused(t, "CreateGroup", err, denied, text)
				_, err = testkit.Call(t, srv, qs.UpdateGroup, qs.UpdateGroupRequest{AwsAccountId: srv.Account, Namespace: "default", GroupName: "g"})
				refused(t, "UpdateGroup", err, denied, text)
				refused(t, "DeleteGroup", d.deleteGroup("g"), denied, text)
				refused(t, "CreateGroupMembership", d.join("g", "u"), denied, text)
				refused(t, "DeleteGroupMembership", d.leave("g", "u"), denied, text)
				if names, _, err := d.groups(10, nil); err != nil || len(names) != 0 {
					t.Errorf("ListGroups: %q, %v; want none", names, err)
				}
			})
		})
	}
}

// subscribeTo subscribes with an authentication method that takes people from
// a directory.
func subscribeTo(t *testing.T, srv *testkit.Server, method qs.AuthenticationMethodOption) {
	t.Helper()
	_, err := testkit.Call(t, srv, qs.CreateAccountSubscription, qs.CreateAccountSubscriptionRequest{
		AwsAccountId: srv.Account, AccountName: "managed", NotificationEmail: "admin@example.org", AuthenticationMethod: method,
		AdminGroup: []string{"admins"}, ActiveDirectoryName: new("corp.example.org"), Realm: new("corp.example.org"),
	})
	try(t, "subscribe", err)
}

// TestGroupsByPolicy lets IAM's policies decide on the group, and on the user
// who comes or goes.
func TestGroupsByPolicy(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		registerAll(t, srv, "ana", "bob")
		root := directory{t, srv, "default"}
		for _, name := range []string{"readers", "writers"} {
			_, err := root.createGroup(name, nil)
			try(t, "create", err)
		}
		d := directory{t, as(t, srv, "helper", `{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Action":["quicksight:DescribeGroup","quicksight:DeleteGroup","quicksight:ListGroupMemberships"],"Resource":"`+groupARN+`readers"},
			{"Effect":"Allow","Action":"quicksight:*GroupMembership","Resource":"`+groupARN+`*","Condition":{"StringEquals":{"quicksight:UserName":"ana"}}},
			{"Effect":"Allow","Action":"quicksight:ListUserGroups","Resource":"`+userARN+`ana"}]}`), "default"}
		_, err := d.group("readers")
		try(t, "describe", err)
		_, err = d.group("writers")
		refused(t, "describe another", err, "AccessDeniedException", "User: arn:aws:iam::111122223333:user/helper is not authorized to perform: "+
			"quicksight:DescribeGroup on resource: "+groupARN+"writers because no identity-based policy allows the quicksight:DescribeGroup action")
		try(t, "ana joins", d.join("writers", "ana"))
		_, err = d.member("writers", "ana")
		try(t, "describe ana", err)
		refused(t, "bob joins", d.join("writers", "bob"), "AccessDeniedException", "")
		_, _, err = d.members("readers", 10, nil)
		try(t, "list", err)
		_, _, err = d.members("writers", 10, nil)
		refused(t, "list another", err, "AccessDeniedException", "")
		_, _, err = d.groupsOf("ana", 10, nil)
		try(t, "groups of ana", err)
		_, _, err = d.groupsOf("bob", 10, nil)
		refused(t, "groups of bob", err, "AccessDeniedException", "")
		try(t, "ana leaves", d.leave("writers", "ana"))
		_, err = d.createGroup("readers", nil)
		refused(t, "create", err, "AccessDeniedException", "")
		_, _, err = d.groups(10, nil)
		refused(t, "list groups", err, "AccessDeniedException", "")
		_, _, err = d.search("r", 10, nil)
		refused(t, "search groups", err, "AccessDeniedException", "")
		try(t, "delete", d.deleteGroup("readers"))
		refused(t, "delete another", d.deleteGroup("writers"), "AccessDeniedException", "")
	})
}

// TestGrantsOfGroups follows what is granted to a group to its members, and to
// nobody once it is gone.
func TestGrantsOfGroups(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		registerAll(t, srv, "reader")
		_, err := testkit.Call(t, srv, qs.RegisterUser, person("author", func(in *qs.RegisterUserRequest) { in.UserRole = qs.UserRoleAuthor }))
		try(t, "register author", err)
		d := directory{t, srv, "default"}
		_, err = d.createGroup("owners", nil)
		try(t, "create", err)
		hook, err := testkit.Call(t, srv, qs.CreateActionConnector, qs.CreateActionConnectorRequest{
			AwsAccountId: testkit.Account, ActionConnectorId: "hook", Name: "Hook", Type: qs.ActionConnectorTypeGenericHTTP,
			AuthenticationConfig: &qs.AuthConfig{AuthenticationType: qs.ConnectionAuthTypeNone, AuthenticationMetadata: &qs.AuthenticationMetadata{
				NoneConnectionMetadata: &qs.NoneConnectionMetadata{BaseEndpoint: "https://hooks.example.org"},
			}},
			Permissions: []qs.ResourcePermission{{Principal: groupARN + "owners", Actions: []string{
				"quicksight:DescribeActionConnector", "quicksight:DeleteActionConnector", "quicksight:UpdateActionConnectorPermissions",
			}}},
		})
		try(t, "share with a group", err)
		share := func(principal string) error {
			_, err := testkit.Call(t, srv, qs.UpdateActionConnectorPermissions, qs.UpdateActionConnectorPermissionsRequest{
				AwsAccountId: testkit.Account, ActionConnectorId: "hook",
				GrantPermissions: []qs.ResourcePermission{{Principal: principal, Actions: []string{"quicksight:DescribeActionConnector"}}},
			})
			return err
		}
		for _, principal := range []string{groupARN + "none", strings.Replace(groupARN, "us-east-1", "eu-west-1", 1) + "owners", strings.Replace(groupARN, "default", "other", 1) + "owners"} {
			refused(t, "share with "+principal, share(principal), "InvalidParameterValueException", "Principal "+principal+" can't be found.")
		}
		search := func(name qs.ActionConnectorSearchFilterNameEnum, who string) int {
			out, err := testkit.Call(t, srv, qs.SearchActionConnectors, qs.SearchActionConnectorsRequest{
				AwsAccountId: testkit.Account,
				Filters:      []qs.ActionConnectorSearchFilter{{Name: name, Operator: qs.FilterOperatorStringEquals, Value: who}},
			})
			try(t, "search", err)
			return len(out.ActionConnectorSummaries)
		}
		may := func(who, action string) bool {
			out, err := testkit.Call(t, srv, onsightapi.ExplainAccess, onsightapi.ExplainAccessRequest{
				AwsAccountId: testkit.Account, Principal: userARN + who, Action: "quicksight:" + action, Resource: hook.Arn,
			})
			try(t, "explain", err)
			return *out.Allowed
		}
		owner, direct := qs.ActionConnectorSearchFilterNameEnumQuicksightOwner, qs.ActionConnectorSearchFilterNameEnumDirectQuicksightOwner
		if search(owner, userARN+"author") != 0 || may("author", "DescribeActionConnector") {
			t.Error("somebody who is not in the group holds what it owns")
		}
		for _, who := range []string{"author", "reader"} {
			try(t, "join", d.join("owners", who))
			if got := search(owner, userARN+who); got != 1 {
				t.Errorf("%s holds %d connectors through the group, want 1", who, got)
			}
			if got := search(direct, userARN+who); got != 0 {
				t.Errorf("%s holds %d connectors itself, want 0", who, got)
			}
			if !may(who, "DescribeActionConnector") {
				t.Errorf("%s may not see what the group owns", who)
			}
			if got, want := may(who, "DeleteActionConnector"), who == "author"; got != want {
				t.Errorf("%s may delete what the group owns: %t, want %t", who, got, want)
			}
		}
		if got := search(direct, groupARN+"owners"); got != 1 {
			t.Errorf("the group holds %d connectors, want 1", got)
		}
		try(t, "leave", d.leave("owners", "reader"))
		if search(owner, userARN+"reader") != 0 || may("reader", "DescribeActionConnector") {
			t.Error("somebody who has left the group still holds what it owns")
		}
		try(t, "delete", d.deleteGroup("owners"))
		_, err = d.createGroup("owners", nil)
		try(t, "create again", err)
		try(t, "join", d.join("owners", "author"))
		if search(owner, userARN+"author") != 0 || search(direct, groupARN+"owners") != 0 || may("author", "DescribeActionConnector") {
			t.Error("another group of the name inherits what the first was granted")
		}
		list, err := testkit.Call(t, srv, qs.DescribeActionConnectorPermissions, qs.DescribeActionConnectorPermissionsRequest{AwsAccountId: testkit.Account, ActionConnectorId: "hook"})
		if err != nil || len(list.Permissions) != 0 {
			t.Errorf("the permission list is %+v, %v; want it empty", list, err)
		}
		_, err = testkit.Call(t, srv, qs.TagResource, qs.TagResourceRequest{ResourceArn: groupARN + "owners", Tags: []qs.Tag{{Key: "k", Value: "v"}}})
		if err == nil {
			t.Error("a group has taken a tag; the service's groups have none")
		}
	})
}

// TestUnsubscribingRemovesGroups comes back to an account that is empty.
func TestUnsubscribingRemovesGroups(t *testing.T) {
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		srv.Subscribe(t)
		d := directory{t, srv, "default"}
		registerAll(t, srv, "ana")
		_, err := d.createGroup("g", nil)
		try(t, "create", err)
		try(t, "join", d.join("g", "ana"))
		_, err = testkit.Call(t, srv, qs.UpdateAccountSettings, qs.UpdateAccountSettingsRequest{AwsAccountId: srv.Account, DefaultNamespace: "default"})
		try(t, "lift the protection", err)
		_, err = testkit.Call(t, srv, qs.DeleteAccountSubscription, qs.DeleteAccountSubscriptionRequest{AwsAccountId: srv.Account})
		try(t, "unsubscribe", err)
		srv.Subscribe(t)
		registerAll(t, srv, "ana")
		if names, _, err := d.groups(10, nil); err != nil || len(names) != 0 {
			t.Errorf("groups of the next subscription %q, %v; want none", names, err)
		}
		if names, _, err := d.groupsOf("ana", 10, nil); err != nil || len(names) != 0 {
			t.Errorf("groups of another ana %q, %v; want none", names, err)
		}
	})
}
