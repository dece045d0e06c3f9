package iam_test

import (
	"fmt"
	"regexp"
	"testing"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/iamapi"
	"onsight/internal/testkit"
)

func TestGroups(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		made := do(t, srv, iamapi.CreateGroup, iamapi.CreateGroupRequest{GroupName: "Devs", Path: new("/teams/")}).Group
		if made.Arn != "arn:aws:iam::111122223333:group/teams/Devs" || !regexp.MustCompile(`^AGPA[A-Z2-7]{17}$`).MatchString(made.GroupId) {
			t.Errorf("made %+v", made)
		}
		refused(t, srv, iamapi.CreateGroup, iamapi.CreateGroupRequest{GroupName: "devs"}, "EntityAlreadyExists", "Group with name devs already exists.")
		refused(t, srv, iamapi.GetGroup, iamapi.GetGroupRequest{GroupName: "ops"}, "NoSuchEntity", "The group with name ops cannot be found.")
		do(t, srv, iamapi.CreateGroup, iamapi.CreateGroupRequest{GroupName: "all"})
		var names []string
		for _, g := range do(t, srv, iamapi.ListGroups, iamapi.ListGroupsRequest{}).Groups {
			names = append(names, g.GroupName)
		}
		if diff := cmp.Diff([]string{"all", "Devs"}, names); diff != "" {
			t.Errorf("groups (-want +got):\n%s", diff)
		}
		if out := do(t, srv, iamapi.ListGroups, iamapi.ListGroupsRequest{PathPrefix: new("/teams/")}); len(out.Groups) != 1 || out.Groups[0].GroupId != made.GroupId {
			t.Errorf("under /teams/: %+v", out)
		}
		newUser(t, srv, "ana")
		add := iamapi.AddUserToGroupRequest{GroupName: "DEVS", UserName: "ANA"}
		do(t, srv, iamapi.AddUserToGroup, add)
		do(t, srv, iamapi.AddUserToGroup, add) // she is one already
		refused(t, srv, iamapi.AddUserToGroup, iamapi.AddUserToGroupRequest{GroupName: "ops", UserName: "ana"}, "NoSuchEntity", "group with name ops")
		refused(t, srv, iamapi.AddUserToGroup, iamapi.AddUserToGroupRequest{GroupName: "devs", UserName: "bea"}, "NoSuchEntity", "user with name bea")
		refused(t, srv, iamapi.UpdateGroup, iamapi.UpdateGroupRequest{GroupName: "devs", NewGroupName: new("ALL")}, "EntityAlreadyExists", "Group with name ALL already exists.")
		do(t, srv, iamapi.UpdateGroup, iamapi.UpdateGroupRequest{GroupName: "devs", NewGroupName: new("Engineers"), NewPath: new("/")})
		got := do(t, srv, iamapi.GetGroup, iamapi.GetGroupRequest{GroupName: "engineers"})
		if got.Group.GroupId != made.GroupId || got.Group.Arn != "arn:aws:iam::111122223333:group/Engineers" || len(got.Users) != 1 || got.Users[0].UserName != "ana" {
			t.Errorf("after the change: %+v, %+v", got.Group, got.Users)
		}

		do(t, srv, iamapi.PutGroupPolicy, iamapi.PutGroupPolicyRequest{
			GroupName: "engineers", PolicyName: "p", PolicyDocument: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:GetUser","Resource":"*"}]}`,
		})
		ana := asUser(t, srv, "ana")
		do(t, ana, iamapi.GetUser, iamapi.GetUserRequest{}) // the group's policy is hers
		remove := iamapi.RemoveUserFromGroupRequest{GroupName: "engineers", UserName: "ana"}
		conflict := func(what string) {
			t.Helper()
			refused(t, srv, iamapi.DeleteGroup, iamapi.DeleteGroupRequest{GroupName: "engineers"}, "DeleteConflict", "Cannot delete entity, must "+what+" first.")
		}
		conflict("remove users from group")
		do(t, srv, iamapi.RemoveUserFromGroup, remove)
		refused(t, ana, iamapi.GetUser, iamapi.GetUserRequest{}, "AccessDenied", "iam:GetUser")
		refused(t, srv, iamapi.RemoveUserFromGroup, remove, "NoSuchEntity", "The user with name ana is not in the group with name Engineers.")
		conflict("delete policies")
		do(t, srv, iamapi.DeleteGroupPolicy, iamapi.DeleteGroupPolicyRequest{GroupName: "engineers", PolicyName: "p"})
		do(t, srv, iamapi.DeleteGroup, iamapi.DeleteGroupRequest{GroupName: "engineers"})
		refused(t, srv, iamapi.DeleteGroup, iamapi.DeleteGroupRequest{GroupName: "engineers"}, "NoSuchEntity", "engineers")
	})
}

func TestMembersInPages(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		do(t, srv, iamapi.CreateGroup, iamapi.CreateGroupRequest{GroupName: "devs"})
		var want []string
		for i := range 5 {
			name := fmt.Sprintf("u%d", i)
			newUser(t, srv, name)
			do(t, srv, iamapi.AddUserToGroup, iamapi.AddUserToGroupRequest{GroupName: "devs", UserName: name})
			want = append(want, name)
		}
		var got []string
		in := iamapi.GetGroupRequest{GroupName: "devs", MaxItems: new(int32(2))}
		for {
			out := do(t, srv, iamapi.GetGroup, in)
			if out.Group.GroupName != "devs" {
				t.Errorf("the group of a page is %+v", out.Group)
			}
			for _, u := range out.Users {
				got = append(got, u.UserName)
			}
			if in.Marker = out.Marker; in.Marker == nil {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("members (-want +got):\n%s", diff)
		}
	})
}

func TestGroupsPerUser(t *testing.T) {
	t.Parallel()
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		newUser(t, srv, "ana")
		for i := range 11 {
			name := fmt.Sprintf("g%02d", i)
			do(t, srv, iamapi.CreateGroup, iamapi.CreateGroupRequest{GroupName: name})
			in := iamapi.AddUserToGroupRequest{GroupName: name, UserName: "ana"}
			if i < 10 {
				do(t, srv, iamapi.AddUserToGroup, in)
			} else {
				refused(t, srv, iamapi.AddUserToGroup, in, "LimitExceeded", "Cannot exceed quota for GroupsPerUser: 10")
			}
		}
		page := do(t, srv, iamapi.ListGroupsForUser, iamapi.ListGroupsForUserRequest{UserName: "ana", MaxItems: new(int32(4))})
		if len(page.Groups) != 4 || !*page.IsTruncated {
			t.Errorf("first page: %d groups", len(page.Groups))
		}
		rest := do(t, srv, iamapi.ListGroupsForUser, iamapi.ListGroupsForUserRequest{UserName: "ana", Marker: page.Marker})
		if len(rest.Groups) != 6 || *rest.IsTruncated || rest.Groups[0].GroupName != "g04" {
			t.Errorf("the rest: %+v", rest.Groups)
		}
	})
}
