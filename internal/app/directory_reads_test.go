package app_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/google/go-cmp/cmp"

	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

// compare reads everything and compares it with the model.
func (k walk) compare() {
	k.rt.Helper()
	k.compareNamespaces()
	for _, ns := range namespaceNames {
		if k.realms[ns] == nil {
			_, err := testkit.Call(k.t, k.srv, qs.ListUsers, qs.ListUsersRequest{AwsAccountId: k.account, Namespace: ns})
			k.expect("users of "+ns, err, missing)
			_, err = testkit.Call(k.t, k.srv, qs.ListGroups, qs.ListGroupsRequest{AwsAccountId: k.account, Namespace: ns})
			k.expect("groups of "+ns, err, missing)
			continue
		}
		k.compareUsers(ns)
		k.compareGroups(ns)
		k.compareMemberships(ns)
		k.compareAssignments(ns)
	}
	k.compareProfiles()
	k.compareConnectors()
	k.compareFolders()
	k.compareTags()
}

func (k walk) same(what string, want, got any) {
	k.rt.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		k.rt.Fatalf("%s (-model +server):\n%s", what, diff)
	}
}

// all follows the pages of a list, each of a size drawn anew.
func (k walk) all(what string, next func(limit *int32, token *string) (items []string, following *string, err error)) []string {
	k.rt.Helper()
	got := []string{}
	var token *string
	for range 50 {
		items, following, err := next(new(int32(1+k.number("page size", 4))), token)
		k.must(what, err)
		got = append(got, items...)
		if following == nil {
			return got
		}
		token = following
	}
	k.rt.Fatalf("%s: more than 50 pages", what)
	return nil
}

// each writes a list of items as texts.
func each[T any](items []T, text func(T) string) []string {
	texts := make([]string, len(items))
	for i, it := range items {
		texts[i] = text(it)
	}
	return texts
}

func (k walk) compareNamespaces() {
	got := k.all("namespaces", func(limit *int32, token *string) ([]string, *string, error) {
		out, err := testkit.Call(k.t, k.srv, qs.ListNamespaces, qs.ListNamespacesRequest{AwsAccountId: k.account, MaxResults: limit, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return each(out.Namespaces, func(n qs.NamespaceInfoV2) string { return *n.Name + " " + string(*n.CreationStatus) }), out.NextToken, nil
	})
	k.same("namespaces", each(sorted(k.realms), func(n string) string { return n + " CREATED" }), got)
}

// told is a user as the comparison tells it.
func told(name string, u *person) string {
	return fmt.Sprintf("%s <%s> %s profile=%s id=%s", name, u.email, u.role, u.profile, u.principalID)
}

func (k walk) shownUser(ns string, u *qs.User) string {
	k.same("ARN of "+*u.UserName, k.arn("user", ns, *u.UserName), *u.Arn)
	return told(*u.UserName, &person{*u.Email, string(*u.Role), deref(u.CustomPermissionsName), *u.PrincipalId})
}

func (k walk) compareUsers(ns string) {
	got := k.all("users", func(limit *int32, token *string) ([]string, *string, error) {
		out, err := testkit.Call(k.t, k.srv, qs.ListUsers, qs.ListUsersRequest{AwsAccountId: k.account, Namespace: ns, MaxResults: limit, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return each(out.UserList, func(u qs.User) string { return k.shownUser(ns, &u) }), out.NextToken, nil
	})
	of := k.realms[ns].users
	k.same("users of "+ns, each(sorted(of), func(name string) string { return told(name, of[name]) }), got)
	for _, name := range userNames {
		out, err := testkit.Call(k.t, k.srv, qs.DescribeUser, qs.DescribeUserRequest{AwsAccountId: k.account, Namespace: ns, UserName: name})
		if k.expect("DescribeUser "+ns+"/"+name, err, when(of[name] == nil, missing)) {
			k.same("user "+ns+"/"+name, told(name, of[name]), k.shownUser(ns, out.User))
		}
	}
	for _, role := range roleNames {
		out, err := testkit.Call(k.t, k.srv, qs.DescribeRoleCustomPermission, qs.DescribeRoleCustomPermissionRequest{AwsAccountId: k.account, Namespace: ns, Role: qs.Role(role)})
		k.must("DescribeRoleCustomPermission", err)
		k.same("profile of "+role+" in "+ns, k.realms[ns].roles[role], deref(out.CustomPermissionsName))
	}
}

func (k walk) shownGroup(ns string, g *qs.Group) string {
	k.same("ARN of "+*g.GroupName, k.arn("group", ns, *g.GroupName), *g.Arn)
	return *g.GroupName + ": " + deref(g.Description)
}

func (k walk) compareGroups(ns string) {
	of := k.realms[ns].groups
	text := func(name string) string { return name + ": " + of[name].description }
	got := k.all("groups", func(limit *int32, token *string) ([]string, *string, error) {
		out, err := testkit.Call(k.t, k.srv, qs.ListGroups, qs.ListGroupsRequest{AwsAccountId: k.account, Namespace: ns, MaxResults: limit, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return each(out.GroupList, func(g qs.Group) string { return k.shownGroup(ns, &g) }), out.NextToken, nil
	})
	k.same("groups of "+ns, each(sorted(of), text), got)
	prefix := k.pick("prefix", "g", "G/", "h", "")
	got = k.all("search", func(limit *int32, token *string) ([]string, *string, error) {
		out, err := testkit.Call(k.t, k.srv, qs.SearchGroups, qs.SearchGroupsRequest{
			AwsAccountId: k.account, Namespace: ns, MaxResults: limit, NextToken: token,
			Filters: []qs.GroupSearchFilter{{Name: qs.GroupFilterAttributeGroupName, Operator: qs.GroupFilterOperatorStartsWith, Value: prefix}},
		})
		if err != nil {
			return nil, nil, err
		}
		return each(out.GroupList, func(g qs.Group) string { return k.shownGroup(ns, &g) }), out.NextToken, nil
	})
	found := slices.DeleteFunc(sorted(of), func(name string) bool { return !strings.HasPrefix(strings.ToLower(name), strings.ToLower(prefix)) })
	slices.SortStableFunc(found, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	k.same("groups of "+ns+" that begin with "+prefix, each(found, text), got)
	for _, name := range groupNames {
		out, err := testkit.Call(k.t, k.srv, qs.DescribeGroup, qs.DescribeGroupRequest{AwsAccountId: k.account, Namespace: ns, GroupName: name})
		if k.expect("DescribeGroup "+ns+"/"+name, err, when(of[name] == nil, missing)) {
			k.same("group "+ns+"/"+name, text(name), k.shownGroup(ns, out.Group))
		}
	}
}

func (k walk) compareMemberships(ns string) {
	r := k.realms[ns]
	for _, name := range sorted(r.groups) {
		got := k.all("members", func(limit *int32, token *string) ([]string, *string, error) {
			out, err := testkit.Call(k.t, k.srv, qs.ListGroupMemberships, qs.ListGroupMembershipsRequest{
				AwsAccountId: k.account, Namespace: ns, GroupName: name, MaxResults: limit, NextToken: token,
			})
			if err != nil {
				return nil, nil, err
			}
			return each(out.GroupMemberList, func(m qs.GroupMember) string { return *m.MemberName + " " + *m.Arn }), out.NextToken, nil
		})
		k.same("members of "+ns+"/"+name, each(sorted(r.groups[name].members), func(u string) string { return u + " " + k.arn("user", ns, u) }), got)
	}
	for _, user := range userNames {
		g := k.group(ns)
		_, err := testkit.Call(k.t, k.srv, qs.DescribeGroupMembership, qs.DescribeGroupMembershipRequest{AwsAccountId: k.account, Namespace: ns, GroupName: g, MemberName: user})
		k.expect("whether "+user+" is in "+ns+"/"+g, err, when(r.groups[g] == nil || !r.groups[g].members[user], missing))
		if r.users[user] == nil {
			_, err := testkit.Call(k.t, k.srv, qs.ListUserGroups, qs.ListUserGroupsRequest{AwsAccountId: k.account, Namespace: ns, UserName: user})
			k.expect("groups of "+ns+"/"+user, err, missing)
			continue
		}
		got := k.all("groups of a user", func(limit *int32, token *string) ([]string, *string, error) {
			out, err := testkit.Call(k.t, k.srv, qs.ListUserGroups, qs.ListUserGroupsRequest{
				AwsAccountId: k.account, Namespace: ns, UserName: user, MaxResults: limit, NextToken: token,
			})
			if err != nil {
				return nil, nil, err
			}
			return each(out.GroupList, func(g qs.Group) string { return k.shownGroup(ns, &g) }), out.NextToken, nil
		})
		k.same("groups of "+ns+"/"+user, each(k.groupsOf(ns, user), func(name string) string { return name + ": " + r.groups[name].description }), got)
	}
}

func (k walk) compareAssignments(ns string) {
	for _, status := range []string{"", "ENABLED", "DRAFT", "DISABLED"} {
		var filter *qs.AssignmentStatus
		if status != "" {
			filter = new(qs.AssignmentStatus(status))
		}
		got := k.all("assignments", func(limit *int32, token *string) ([]string, *string, error) {
			out, err := testkit.Call(k.t, k.srv, qs.ListIAMPolicyAssignments, qs.ListIAMPolicyAssignmentsRequest{
				AwsAccountId: k.account, Namespace: ns, AssignmentStatus: filter, MaxResults: limit, NextToken: token,
			})
			if err != nil {
				return nil, nil, err
			}
			return each(out.IAMPolicyAssignments, func(a qs.IAMPolicyAssignmentSummary) string {
				return *a.AssignmentName + " " + string(*a.AssignmentStatus)
			}), out.NextToken, nil
		})
		want := []string{}
		for _, name := range sorted(k.assignments) {
			if a := k.inRealm(ns, name); a != nil && (status == "" || a.status == status) {
				want = append(want, name+" "+a.status)
			}
		}
		k.same("assignments of "+ns+" "+status, want, got)
	}
	for _, name := range assignmentNames {
		out, err := testkit.Call(k.t, k.srv, qs.DescribeIAMPolicyAssignment, qs.DescribeIAMPolicyAssignmentRequest{AwsAccountId: k.account, Namespace: ns, AssignmentName: name})
		a := k.inRealm(ns, name)
		if k.expect("DescribeIAMPolicyAssignment "+ns+"/"+name, err, when(a == nil, missing)) {
			got := out.IAMPolicyAssignment
			k.same("assignment "+name, fmt.Sprintf("%s %s %q %q", a.status, a.policy, a.users, a.groups),
				fmt.Sprintf("%s %s %q %q", *got.AssignmentStatus, deref(got.PolicyArn), got.Identities["user"], got.Identities["group"]))
		}
	}
	for _, user := range sorted(k.realms[ns].users) {
		got := k.all("assignments of a user", func(limit *int32, token *string) ([]string, *string, error) {
			out, err := testkit.Call(k.t, k.srv, qs.ListIAMPolicyAssignmentsForUser, qs.ListIAMPolicyAssignmentsForUserRequest{
				AwsAccountId: k.account, Namespace: ns, UserName: user, MaxResults: limit, NextToken: token,
			})
			if err != nil {
				return nil, nil, err
			}
			return each(out.ActiveAssignments, func(a qs.ActiveIAMPolicyAssignment) string { return *a.AssignmentName + " " + deref(a.PolicyArn) }), out.NextToken, nil
		})
		want := []string{}
		for _, name := range sorted(k.assignments) {
			a := k.inRealm(ns, name)
			if a == nil || a.status != "ENABLED" {
				continue
			}
			if slices.Contains(a.users, user) || slices.ContainsFunc(a.groups, func(g string) bool { return k.realms[ns].groups[g].members[user] }) {
				want = append(want, name+" "+a.policy)
			}
		}
		k.same("assignments of "+ns+"/"+user, want, got)
	}
}

func (k walk) compareProfiles() {
	text := func(name string) string {
		return fmt.Sprintf("%s denies=%t %s", name, k.profiles[name], k.arn("custompermissions", name))
	}
	shown := func(p qs.CustomPermissions) string {
		return fmt.Sprintf("%s denies=%t %s", *p.CustomPermissionsName, p.Capabilities != nil && p.Capabilities.Action != nil, *p.Arn)
	}
	got := k.all("profiles", func(limit *int32, token *string) ([]string, *string, error) {
		out, err := testkit.Call(k.t, k.srv, qs.ListCustomPermissions, qs.ListCustomPermissionsRequest{AwsAccountId: k.account, MaxResults: limit, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return each(out.CustomPermissionsList, shown), out.NextToken, nil
	})
	k.same("profiles", each(sorted(k.profiles), text), got)
	for _, name := range profileNames {
		out, err := testkit.Call(k.t, k.srv, qs.DescribeCustomPermissions, qs.DescribeCustomPermissionsRequest{AwsAccountId: k.account, CustomPermissionsName: name})
		if k.expect("DescribeCustomPermissions "+name, err, when(!k.has(&name), missing)) {
			k.same("profile "+name, text(name), shown(*out.CustomPermissions))
		}
	}
	out, err := testkit.Call(k.t, k.srv, qs.DescribeAccountCustomPermission, qs.DescribeAccountCustomPermissionRequest{AwsAccountId: k.account})
	if k.expect("DescribeAccountCustomPermission", err, when(k.accountProfile == "", missing)) {
		k.same("profile of the account", k.accountProfile, deref(out.CustomPermissionsName))
	}
}

func shownList(list []qs.ResourcePermission) map[string][]string {
	m := map[string][]string{}
	for _, e := range list {
		m[e.Principal] = e.Actions
	}
	return m
}

func (k walk) compareConnectors() {
	got := k.all("connectors", func(limit *int32, token *string) ([]string, *string, error) {
		out, err := testkit.Call(k.t, k.srv, qs.ListActionConnectors, qs.ListActionConnectorsRequest{AwsAccountId: k.account, MaxResults: limit, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return each(out.ActionConnectorSummaries, func(c qs.ActionConnectorSummary) string { return c.ActionConnectorId + " " + c.Name.Reveal() }), out.NextToken, nil
	})
	k.same("connectors", each(sorted(k.connectors), func(id string) string { return id + " " + k.connectors[id].name }), got)
	for _, id := range connectorNames {
		c := k.connectors[id]
		out, err := testkit.Call(k.t, k.srv, qs.DescribeActionConnectorPermissions, qs.DescribeActionConnectorPermissionsRequest{AwsAccountId: k.account, ActionConnectorId: id})
		if k.expect("permissions of connector "+id, err, when(c == nil, missing)) {
			k.same("permissions of connector "+id, c.list, shownList(out.Permissions))
		}
	}
	for _, ns := range sorted(k.realms) {
		for _, user := range sorted(k.realms[ns].users) {
			k.compareHoldings(ns, user)
		}
		for _, g := range sorted(k.realms[ns].groups) {
			k.compareFound(qs.ActionConnectorSearchFilterNameEnumQuicksightOwner, k.arn("group", ns, g), k.held("quicksight:UpdateActionConnectorPermissions", false, k.arn("group", ns, g)))
		}
	}
}

// held gives the connectors whose own lists, or those of the folders that they
// lie in and below, grant an action to any of some principals; direct leaves
// the folders aside.
func (k walk) held(action string, direct bool, principals ...string) []string {
	ids := []string{}
	for _, id := range sorted(k.connectors) {
		if k.granted(action, id, direct, principals...) {
			ids = append(ids, id)
		}
	}
	return ids
}

// either gives the ids that are in one list or the other.
func either(a, b []string) []string { return append([]string{}, union(a, b)...) }

func (k walk) compareFound(filter qs.ActionConnectorSearchFilterNameEnum, who string, want []string) {
	got := k.all("search", func(limit *int32, token *string) ([]string, *string, error) {
		out, err := testkit.Call(k.t, k.srv, qs.SearchActionConnectors, qs.SearchActionConnectorsRequest{
			AwsAccountId: k.account, MaxResults: limit, NextToken: token,
			Filters: []qs.ActionConnectorSearchFilter{{Name: filter, Operator: qs.FilterOperatorStringEquals, Value: who}},
		})
		if err != nil {
			return nil, nil, err
		}
		return each(out.ActionConnectorSummaries, func(c qs.ActionConnectorSummary) string { return c.ActionConnectorId }), out.NextToken, nil
	})
	k.same(string(filter)+" "+who, want, got)
}

// compareHoldings finds what a user holds, directly and by groups, and asks
// what it may do with one of the connectors.
func (k walk) compareHoldings(ns, user string) {
	who := k.arn("user", ns, user)
	const owns, sees = "quicksight:UpdateActionConnectorPermissions", "quicksight:DescribeActionConnector"
	switch k.pick("search", "owner", "viewer", "direct") {
	case "owner":
		k.compareFound(qs.ActionConnectorSearchFilterNameEnumQuicksightOwner, who, k.held(owns, false, k.principals(ns, user)...))
	case "viewer":
		k.compareFound(qs.ActionConnectorSearchFilterNameEnumQuicksightViewerOrOwner, who, either(
			k.held(sees, false, k.principals(ns, user)...), k.held(owns, false, k.principals(ns, user)...)))
	default:
		k.compareFound(qs.ActionConnectorSearchFilterNameEnumDirectQuicksightOwner, who, k.held(owns, true, who))
	}
	if len(k.connectors) == 0 {
		return
	}
	id, action := k.pick("asked about", sorted(k.connectors)...), k.pick("action", sees, "quicksight:DeleteActionConnector")
	out, err := testkit.Call(k.t, k.srv, onsightapi.ExplainAccess, onsightapi.ExplainAccessRequest{
		AwsAccountId: k.account, Principal: who, Action: action, Resource: new(k.arn("action-connector", id)),
	})
	k.must("ExplainAccess", err)
	k.same(fmt.Sprintf("whether %s may %s %s", who, action, id), k.may(ns, user, action, id), *out.Allowed)
}

func (k walk) compareFolders() {
	of := k.folders
	got := k.all("folders", func(limit *int32, token *string) ([]string, *string, error) {
		out, err := testkit.Call(k.t, k.srv, qs.ListFolders, qs.ListFoldersRequest{AwsAccountId: k.account, MaxResults: limit, NextToken: token})
		if err != nil {
			return nil, nil, err
		}
		return each(out.FolderSummaryList, func(f qs.FolderSummary) string { return *f.FolderId + " " + *f.Name }), out.NextToken, nil
	})
	k.same("folders", each(sorted(of), func(id string) string { return id + " " + of[id].name }), got)
	for _, id := range folderNames {
		out, err := testkit.Call(k.t, k.srv, qs.DescribeFolder, qs.DescribeFolderRequest{AwsAccountId: k.account, FolderId: id})
		if !k.expect("DescribeFolder "+id, err, when(of[id] == nil, missing)) {
			continue
		}
		path := each(k.path(id), func(up string) string { return k.arn("folder", up) })
		slices.Reverse(path)
		k.same("folder "+id, fmt.Sprintf("%s %q", of[id].name, path), fmt.Sprintf("%s %q", *out.Folder.Name, out.Folder.FolderPath))
		list, err := testkit.Call(k.t, k.srv, qs.DescribeFolderPermissions, qs.DescribeFolderPermissionsRequest{AwsAccountId: k.account, FolderId: id})
		k.must("DescribeFolderPermissions", err)
		k.same("permissions of folder "+id, of[id].list, shownList(list.Permissions))
		resolved, err := testkit.Call(k.t, k.srv, qs.DescribeFolderResolvedPermissions, qs.DescribeFolderResolvedPermissionsRequest{AwsAccountId: k.account, FolderId: id})
		k.must("DescribeFolderResolvedPermissions", err)
		k.same("resolved permissions of folder "+id, k.resolved(id), shownList(resolved.Permissions))
		got := k.all("members of a folder", func(limit *int32, token *string) ([]string, *string, error) {
			out, err := testkit.Call(k.t, k.srv, qs.ListFolderMembers, qs.ListFolderMembersRequest{AwsAccountId: k.account, FolderId: id, MaxResults: limit, NextToken: token})
			if err != nil {
				return nil, nil, err
			}
			return each(out.FolderMemberList, func(m qs.MemberIdArnPair) string { return *m.MemberId }), out.NextToken, nil
		})
		k.same("members of folder "+id, sorted(of[id].holds), got)
		got = k.all("subfolders", func(limit *int32, token *string) ([]string, *string, error) {
			out, err := testkit.Call(k.t, k.srv, qs.SearchFolders, qs.SearchFoldersRequest{
				AwsAccountId: k.account, MaxResults: limit, NextToken: token, Filters: []qs.FolderSearchFilter{{
					Name: new(qs.FolderFilterAttributeParentFolderARN), Operator: new(qs.FilterOperatorStringEquals), Value: new(k.arn("folder", id)),
				}},
			})
			if err != nil {
				return nil, nil, err
			}
			return each(out.FolderSummaryList, func(f qs.FolderSummary) string { return *f.FolderId }), out.NextToken, nil
		})
		k.same("subfolders of "+id, slices.DeleteFunc(sorted(of), func(sub string) bool { return of[sub].parent != id }), got)
	}
	for _, id := range sorted(k.connectors) {
		got := k.all("folders of a connector", func(limit *int32, token *string) ([]string, *string, error) {
			out, err := testkit.Call(k.t, k.srv, qs.ListFoldersForResource, qs.ListFoldersForResourceRequest{
				AwsAccountId: k.account, ResourceArn: k.arn("action-connector", id), MaxResults: limit, NextToken: token,
			})
			if err != nil {
				return nil, nil, err
			}
			return out.Folders, out.NextToken, nil
		})
		want := []string{}
		for _, f := range sorted(of) {
			if of[f].holds[id] {
				want = append(want, k.arn("folder", f))
			}
		}
		k.same("folders of connector "+id, want, got)
	}
}

// compareTags reads the tags of all that there could be.
func (k walk) compareTags() {
	var arns []string
	for _, ns := range namespaceNames {
		arns = append(arns, k.arn("namespace", ns))
		for _, u := range userNames {
			arns = append(arns, k.arn("user", ns, u))
		}
	}
	for kind, ids := range map[string][]string{"custompermissions": profileNames, "action-connector": connectorNames, "folder": folderNames} {
		for _, id := range ids {
			arns = append(arns, k.arn(kind, id))
		}
	}
	for _, arn := range arns {
		out, err := testkit.Call(k.t, k.srv, qs.ListTagsForResource, qs.ListTagsForResourceRequest{ResourceArn: arn})
		if err != nil && fault.Of(err).Code != missing || (err != nil) == k.exists(arn) {
			k.rt.Fatalf("tags of %s: %v; it exists: %t", arn, err, k.exists(arn))
		}
		if err != nil {
			continue
		}
		got := map[string]string{}
		for _, t := range out.Tags {
			got[t.Key] = t.Value
		}
		want := map[string]string{}
		maps.Copy(want, k.tags[arn])
		k.same("tags of "+arn, want, got)
	}
}
