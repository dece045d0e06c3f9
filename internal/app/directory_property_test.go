package app_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"onsight/internal/fault"
	"onsight/internal/iamapi"
	"onsight/internal/onsightapi"
	"onsight/internal/qs"
	"onsight/internal/testkit"
)

// TestDirectoryAgainstModel walks random sequences of what administrators do,
// each in an account of its own, and compares what is read with the model: no
// step may be refused that the model allows, or the other way round, and
// nothing may be left over of what is gone.
func TestDirectoryAgainstModel(t *testing.T) {
	walks, length := 12, 100
	if testing.Short() {
		walks, length = 4, 60
	}
	testkit.Each(t, func(t *testing.T, srv *testkit.Server) {
		began, failed := 0, false
		var worlds []*world
		rapid.Check(t, func(rt *rapid.T) {
			if began >= walks && !failed { // rapid itself takes a hundred
				return
			}
			began++
			defer func() { failed = failed || rt.Failed() }()
			k := newWalk(t, rt, srv, fmt.Sprintf("%012d", 500_000_000_000+began))
			for i := range length/2 + k.number("steps", length) {
				k.step(i < length/4)
				if k.number("look", 10) == 0 {
					k.compare()
				}
			}
			k.compare()
			worlds = append(worlds, k.world)
			// What happens in one account is nothing to another.
			if before := len(worlds) - 2; before >= 0 && !failed {
				other := k
				other.world, other.srv = worlds[before], srv.As(t, worlds[before].account)
				other.compare()
			}
		})
	})
}

// walk is one sequence of steps.
type walk struct {
	*world
	t      *testing.T
	rt     *rapid.T
	srv    *testkit.Server
	policy []string // IAM policies, the last one of which is not there
}

func newWalk(t *testing.T, rt *rapid.T, srv *testkit.Server, account string) walk {
	k := walk{world: newWorld(account), t: t, rt: rt, srv: srv.As(t, account)}
	_, err := testkit.Call(t, k.srv, qs.CreateAccountSubscription, qs.CreateAccountSubscriptionRequest{
		AwsAccountId: account, AccountName: "account-" + account, NotificationEmail: "admin@example.org",
		AuthenticationMethod: qs.AuthenticationMethodOptionIAMAndQuicksight,
	})
	k.must("subscribe", err)
	made, err := testkit.Call(t, k.srv, iamapi.CreatePolicy, iamapi.CreatePolicyRequest{
		PolicyName: "p", PolicyDocument: `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}}`,
	})
	k.must("CreatePolicy", err)
	k.policy = []string{*made.Policy.Arn, "arn:aws:iam::aws:policy/AdministratorAccess", "arn:aws:iam::" + account + ":policy/none"}
	root, err := testkit.Call(t, k.srv, qs.DescribeUser, qs.DescribeUserRequest{AwsAccountId: account, Namespace: "default", UserName: account})
	k.must("describe the first administrator", err)
	k.realms["default"].users[account] = &person{email: "admin@example.org", role: "ADMIN", principalID: *root.User.PrincipalId}
	return k
}

func (k walk) must(what string, err error) {
	k.rt.Helper()
	if err != nil {
		k.rt.Fatalf("%s: %v", what, err)
	}
}

// expect compares how a call ended with the faults that the model finds; any of
// them will do. It says whether the call went through.
func (k walk) expect(call string, err error, faults ...string) bool {
	k.rt.Helper()
	faults = slices.DeleteFunc(faults, func(f string) bool { return f == "" })
	got := ""
	if err != nil {
		got = fault.Of(err).Code
	}
	switch {
	case got == "" && len(faults) > 0:
		k.rt.Fatalf("%s goes through; want one of %q", call, faults)
	case got != "" && !slices.Contains(faults, got):
		k.rt.Fatalf("%s: %v; want %q", call, err, faults)
	}
	return got == ""
}

// did is expect for a step: what was done is logged where the walk fails.
func (k walk) did(call string, err error, faults ...string) bool {
	k.rt.Helper()
	k.rt.Logf("%s: %v", call, err)
	return k.expect(call, err, faults...)
}

// Faults of the model.
const (
	missing = "ResourceNotFoundException"
	taken   = "ResourceExistsException"
	invalid = "InvalidParameterValueException"
	inUse   = "ConflictException"
	unready = "PreconditionNotMetException"
)

// when is a fault where something is so.
func when(so bool, code string) string {
	if so {
		return code
	}
	return ""
}

// number draws a number below n, each as often: rapid's own generators prefer
// the first, which makes walks of little.
func (k walk) number(what string, n int) int { return uniform.Draw(k.rt, what) % n }

var uniform = rapid.Custom(func(t *rapid.T) (n int) {
	for range 10 {
		n *= 2
		if rapid.Bool().Draw(t, "bit") {
			n++
		}
	}
	return n
})

func (k walk) pick(what string, from ...string) string { return from[k.number(what, len(from))] }

// actions picks what to grant, or to revoke.
func (k walk) actions(what string, from ...[]string) []string { return from[k.number(what, len(from))] }

// maybe picks something, one time out of three.
func (k walk) maybe(what string, from ...string) *string {
	if k.number("some "+what, 3) == 0 {
		return new(k.pick(what, from...))
	}
	return nil
}

// Names: few, so that steps meet; with others that differ in case alone, or
// begin like them.
func (k walk) namespace() string {
	if k.number("where", 2) == 0 {
		return "default"
	}
	return k.mostly("namespace", sorted(k.realms), namespaceNames)
}

func (k walk) user(ns string) string { return k.mostly("user", sorted(k.realm(ns).users), userNames) }

func (k walk) group(ns string) string {
	return k.mostly("group", sorted(k.realm(ns).groups), groupNames)
}

func (k walk) profile() string { return k.mostly("profile", sorted(k.profiles), profileNames) }

func (k walk) connector() string {
	return k.mostly("connector", sorted(k.connectors), connectorNames)
}

func (k walk) folder() string { return k.mostly("folder", sorted(k.folders), folderNames) }

func (k walk) assignment() string {
	return k.mostly("assignment", sorted(k.assignments), assignmentNames)
}

// mostly picks, three times out of four, one of those that are there. The first
// administrator is left alone.
func (k walk) mostly(what string, there, all []string) string {
	there = without(there, k.account)
	if len(there) > 0 && k.number("one of these", 4) > 0 {
		return k.pick(what, there...)
	}
	return k.pick(what, all...)
}

var (
	namespaceNames  = []string{"default", "team", "Team"}
	userNames       = []string{"ana", "Ana", "bob", "role/bob", "é +b"}
	groupNames      = []string{"g", "G", "g/h"}
	profileNames    = []string{"p", "P"}
	connectorNames  = []string{"c", "C", "d"}
	folderNames     = []string{"f", "F", "g", "h"}
	assignmentNames = []string{"a1", "A1", "b1"}
	roleNames       = []string{"READER", "AUTHOR", "ADMIN_PRO"}
)

// principal picks the ARN of a user or group, mostly of one that is there.
func (k walk) principal() string {
	var there []string
	for _, ns := range sorted(k.realms) {
		for _, name := range without(sorted(k.realms[ns].users), k.account) {
			there = append(there, k.arn("user", ns, name))
		}
		for _, name := range sorted(k.realms[ns].groups) {
			there = append(there, k.arn("group", ns, name))
		}
	}
	return k.mostly("principal", there, []string{k.arn("user", "default", "bob"), k.arn("group", "team", "g"), k.arn("group", "none", "g")})
}

func (k walk) tagged() string {
	ns := k.namespace()
	switch k.pick("kind", "user", "namespace", "custompermissions", "action-connector", "folder") {
	case "user":
		return k.arn("user", ns, k.user(ns))
	case "namespace":
		return k.arn("namespace", ns)
	case "custompermissions":
		return k.arn("custompermissions", k.profile())
	case "action-connector":
		return k.arn("action-connector", k.connector())
	default:
		return k.arn("folder", k.folder())
	}
}

// newTags draws tags for something new; the model keeps them where it is made.
func (k walk) newTags() []qs.Tag {
	if k.number("tags", 4) > 0 {
		return nil
	}
	return []qs.Tag{{Key: k.pick("key", "team", "Team"), Value: k.pick("value", "red", "blue")}}
}

func (k walk) tag(arn string, tags []qs.Tag) {
	for _, t := range tags {
		if k.tags[arn] == nil {
			k.tags[arn] = map[string]string{}
		}
		k.tags[arn][t.Key] = t.Value
	}
}

// step takes one step. What makes things has a number and comes more often than
// what removes them; at the beginning of a walk there is nothing else.
func (k walk) step(beginning bool) {
	steps := map[string]func(walk){
		"1 RegisterUser": walk.registerUser, "2 RegisterUser": walk.registerUser, "3 RegisterUser": walk.registerUser,
		"UpdateUser": walk.updateUser, "DeleteUser": walk.deleteUserByName, "DeleteUserByPrincipalId": walk.deleteUserByID,
		"UserProfile": walk.userProfile, "RoleProfile": walk.roleProfile, "AccountProfile": walk.accountProfileStep,
		"1 CreateGroup": walk.createGroup, "2 CreateGroup": walk.createGroup, "UpdateGroup": walk.updateGroup, "DeleteGroup": walk.deleteGroupStep,
		"1 Join": walk.join, "2 Join": walk.join, "3 Join": walk.join, "Leave": walk.leave,
		"1 CreateNamespace": walk.createNamespace, "2 CreateNamespace": walk.createNamespace, "DeleteNamespace": walk.deleteNamespaceStep,
		"1 CreateProfile": walk.createProfile, "UpdateProfile": walk.updateProfile, "DeleteProfile": walk.deleteProfile,
		"1 CreateAssignment": walk.createAssignment, "2 CreateAssignment": walk.createAssignment,
		"UpdateAssignment": walk.updateAssignment, "DeleteAssignment": walk.deleteAssignment,
		"1 CreateConnector": walk.createConnector, "2 CreateConnector": walk.createConnector, "DeleteConnector": walk.deleteConnectorStep,
		"1 ShareConnector": walk.shareConnector, "2 ShareConnector": walk.shareConnector,
		"Tag": walk.tagStep, "Untag": walk.untag,
		"1 CreateFolder": walk.createFolder, "2 CreateFolder": walk.createFolder, "UpdateFolder": walk.updateFolder, "DeleteFolder": walk.deleteFolder,
		"1 PutIntoFolder": walk.putIntoFolder, "2 PutIntoFolder": walk.putIntoFolder, "TakeOutOfFolder": walk.takeOutOfFolder,
		"1 ShareFolder": walk.shareFolder, "2 ShareFolder": walk.shareFolder, "MoveFolder": walk.moveFolder,
	}
	names := sorted(steps)
	if beginning {
		names = slices.DeleteFunc(names, func(name string) bool { return name[0] > '9' })
	}
	steps[k.pick("step", names...)](k)
}

func (k walk) registerUser() {
	ns, name, role := k.namespace(), k.pick("user", userNames...), k.pick("role", roleNames...)
	profile, tags := k.maybe("profile", k.profile()), k.newTags()
	in := qs.RegisterUserRequest{
		AwsAccountId: k.account, Namespace: ns, Email: k.pick("email", "a@example.org", "b@example.org"), UserRole: qs.UserRole(role),
		IdentityType: qs.IdentityTypeQuicksight, UserName: &name, CustomPermissionsName: profile, Tags: tags,
	}
	if of, session, ok := strings.Cut(name, "/"); ok {
		in.IdentityType, in.UserName = qs.IdentityTypeIAM, nil
		in.IamArn, in.SessionName = new("arn:aws:iam::"+k.account+":role/path/"+of), &session
	}
	out, err := testkit.Call(k.t, k.srv, qs.RegisterUser, in)
	r := k.realm(ns)
	if !k.did("RegisterUser "+ns+"/"+name, err, when(k.realms[ns] == nil, missing), when(profile != nil && !k.has(profile), missing), when(r.users[name] != nil, taken)) {
		return
	}
	r.users[name] = &person{email: in.Email, role: role, principalID: *out.User.PrincipalId}
	if profile != nil {
		r.users[name].profile = *profile
	}
	k.tag(k.arn("user", ns, name), tags)
}

func (k walk) has(profile *string) bool {
	_, ok := k.profiles[*profile]
	return ok
}

func (k walk) updateUser() {
	ns := k.namespace()
	name, role := k.user(ns), k.pick("role", roleNames...)
	in := qs.UpdateUserRequest{
		AwsAccountId: k.account, Namespace: ns, UserName: name, Email: k.pick("email", "a@example.org", "b@example.org"), Role: qs.UserRole(role),
		CustomPermissionsName: k.maybe("profile", k.profile()),
	}
	if in.CustomPermissionsName == nil && rapid.Bool().Draw(k.rt, "unapply") {
		in.UnapplyCustomPermissions = new(true)
	}
	_, err := testkit.Call(k.t, k.srv, qs.UpdateUser, in)
	u := k.realm(ns).users[name]
	if !k.did("UpdateUser "+ns+"/"+name, err, when(u == nil, missing), when(in.CustomPermissionsName != nil && !k.has(in.CustomPermissionsName), missing),
		when(u != nil && u.role != "READER" && role == "READER", invalid)) {
		return
	}
	u.email, u.role = in.Email, role
	switch {
	case in.CustomPermissionsName != nil:
		u.profile = *in.CustomPermissionsName
	case in.UnapplyCustomPermissions != nil:
		u.profile = ""
	}
}

func (k walk) deleteUserByName() {
	ns := k.namespace()
	name := k.user(ns)
	_, err := testkit.Call(k.t, k.srv, qs.DeleteUser, qs.DeleteUserRequest{AwsAccountId: k.account, Namespace: ns, UserName: name})
	if k.did("DeleteUser "+ns+"/"+name, err, when(k.realm(ns).users[name] == nil, missing)) {
		k.deleteUser(ns, name)
	}
}

func (k walk) deleteUserByID() {
	ns := k.namespace()
	name := k.user(ns)
	u := k.realm(ns).users[name]
	id := "user/d-0000000000/none"
	if u != nil {
		id = u.principalID
	}
	_, err := testkit.Call(k.t, k.srv, qs.DeleteUserByPrincipalId, qs.DeleteUserByPrincipalIdRequest{AwsAccountId: k.account, Namespace: ns, PrincipalId: id})
	if k.did("DeleteUserByPrincipalId "+ns+"/"+name, err, when(u == nil, missing)) {
		k.deleteUser(ns, name)
	}
}

func (k walk) userProfile() {
	ns := k.namespace()
	name := k.user(ns)
	profile := k.maybe("profile", k.profile())
	var err error
	if profile != nil {
		_, err = testkit.Call(k.t, k.srv, qs.UpdateUserCustomPermission, qs.UpdateUserCustomPermissionRequest{
			AwsAccountId: k.account, Namespace: ns, UserName: name, CustomPermissionsName: *profile,
		})
	} else {
		_, err = testkit.Call(k.t, k.srv, qs.DeleteUserCustomPermission, qs.DeleteUserCustomPermissionRequest{AwsAccountId: k.account, Namespace: ns, UserName: name})
	}
	u := k.realm(ns).users[name]
	if !k.did("profile of "+ns+"/"+name, err, when(u == nil, missing), when(profile != nil && !k.has(profile), missing)) {
		return
	}
	u.profile = ""
	if profile != nil {
		u.profile = *profile
	}
}

func (k walk) roleProfile() {
	ns, role := k.namespace(), k.pick("role", roleNames...)
	profile := k.maybe("profile", k.profile())
	var err error
	if profile != nil {
		_, err = testkit.Call(k.t, k.srv, qs.UpdateRoleCustomPermission, qs.UpdateRoleCustomPermissionRequest{
			AwsAccountId: k.account, Namespace: ns, Role: qs.Role(role), CustomPermissionsName: *profile,
		})
	} else {
		_, err = testkit.Call(k.t, k.srv, qs.DeleteRoleCustomPermission, qs.DeleteRoleCustomPermissionRequest{AwsAccountId: k.account, Namespace: ns, Role: qs.Role(role)})
	}
	if !k.did("profile of "+role+" in "+ns, err, when(k.realms[ns] == nil, missing), when(profile != nil && !k.has(profile), missing)) {
		return
	}
	delete(k.realms[ns].roles, role)
	if profile != nil {
		k.realms[ns].roles[role] = *profile
	}
}

func (k walk) accountProfileStep() {
	profile := k.maybe("profile", k.profile())
	var err error
	if profile != nil {
		_, err = testkit.Call(k.t, k.srv, qs.UpdateAccountCustomPermission, qs.UpdateAccountCustomPermissionRequest{AwsAccountId: k.account, CustomPermissionsName: *profile})
	} else {
		_, err = testkit.Call(k.t, k.srv, qs.DeleteAccountCustomPermission, qs.DeleteAccountCustomPermissionRequest{AwsAccountId: k.account})
	}
	if !k.did("profile of the account", err, when(profile != nil && !k.has(profile), missing)) {
		return
	}
	k.accountProfile = ""
	if profile != nil {
		k.accountProfile = *profile
	}
}

func (k walk) createGroup() {
	ns, name, description := k.namespace(), k.pick("group", groupNames...), k.maybe("description", "one", "two")
	_, err := testkit.Call(k.t, k.srv, qs.CreateGroup, qs.CreateGroupRequest{AwsAccountId: k.account, Namespace: ns, GroupName: name, Description: description})
	r := k.realm(ns)
	if k.did("CreateGroup "+ns+"/"+name, err, when(k.realms[ns] == nil, missing), when(r.groups[name] != nil, taken)) {
		r.groups[name] = &group{description: deref(description), members: map[string]bool{}}
	}
}

func deref(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

func (k walk) updateGroup() {
	ns := k.namespace()
	name, description := k.group(ns), k.maybe("description", "one", "two")
	_, err := testkit.Call(k.t, k.srv, qs.UpdateGroup, qs.UpdateGroupRequest{AwsAccountId: k.account, Namespace: ns, GroupName: name, Description: description})
	g := k.realm(ns).groups[name]
	if k.did("UpdateGroup "+ns+"/"+name, err, when(g == nil, missing)) {
		g.description = deref(description)
	}
}

func (k walk) deleteGroupStep() {
	ns := k.namespace()
	name := k.group(ns)
	_, err := testkit.Call(k.t, k.srv, qs.DeleteGroup, qs.DeleteGroupRequest{AwsAccountId: k.account, Namespace: ns, GroupName: name})
	if k.did("DeleteGroup "+ns+"/"+name, err, when(k.realm(ns).groups[name] == nil, missing)) {
		k.deleteGroup(ns, name)
	}
}

func (k walk) join() {
	ns := k.namespace()
	name, user := k.group(ns), k.user(ns)
	_, err := testkit.Call(k.t, k.srv, qs.CreateGroupMembership, qs.CreateGroupMembershipRequest{AwsAccountId: k.account, Namespace: ns, GroupName: name, MemberName: user})
	r := k.realm(ns)
	if k.did(user+" joins "+ns+"/"+name, err, when(r.groups[name] == nil, missing), when(r.users[user] == nil, missing)) {
		r.groups[name].members[user] = true
	}
}

func (k walk) leave() {
	ns := k.namespace()
	name, user := k.group(ns), k.user(ns)
	_, err := testkit.Call(k.t, k.srv, qs.DeleteGroupMembership, qs.DeleteGroupMembershipRequest{AwsAccountId: k.account, Namespace: ns, GroupName: name, MemberName: user})
	g := k.realm(ns).groups[name]
	if k.did(user+" leaves "+ns+"/"+name, err, when(g == nil || !g.members[user], missing)) {
		delete(g.members, user)
	}
}

func (k walk) createNamespace() {
	ns, tags := k.pick("namespace", namespaceNames...), k.newTags()
	_, err := testkit.Call(k.t, k.srv, qs.CreateNamespace, qs.CreateNamespaceRequest{
		AwsAccountId: k.account, Namespace: ns, IdentityStore: qs.IdentityStoreQuicksight, Tags: tags,
	})
	if !k.did("CreateNamespace "+ns, err, when(k.realms[ns] != nil, taken)) {
		return
	}
	k.await("namespace "+ns, func() bool {
		out, err := testkit.Call(k.t, k.srv, qs.DescribeNamespace, qs.DescribeNamespaceRequest{AwsAccountId: k.account, Namespace: ns})
		k.must("describe what is being made", err)
		return *out.Namespace.CreationStatus == qs.NamespaceStatusCreated
	})
	k.realms[ns] = newRealm()
	k.tag(k.arn("namespace", ns), tags)
}

func (k walk) deleteNamespaceStep() {
	ns := k.namespace()
	_, err := testkit.Call(k.t, k.srv, qs.DeleteNamespace, qs.DeleteNamespaceRequest{AwsAccountId: k.account, Namespace: ns})
	if !k.did("DeleteNamespace "+ns, err, when(k.realms[ns] == nil, missing), when(ns == "default", unready)) {
		return
	}
	k.await("the end of "+ns, func() bool {
		_, err := testkit.Call(k.t, k.srv, qs.DescribeNamespace, qs.DescribeNamespaceRequest{AwsAccountId: k.account, Namespace: ns})
		return err != nil && fault.Of(err).Code == missing
	})
	k.deleteNamespace(ns)
}

// await asks for what a job does until it is done; the answers of the service
// mostly wait for it themselves.
func (k walk) await(what string, done func() bool) {
	k.rt.Helper()
	for deadline := time.Now().Add(30 * time.Second); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(deadline) {
			k.rt.Fatalf("%s: not done after 30 s", what)
		}
	}
}

func denying(action bool) *qs.Capabilities {
	if !action {
		return nil
	}
	return &qs.Capabilities{Action: new(qs.CapabilityStateDeny)}
}

func (k walk) createProfile() {
	name, action, tags := k.pick("profile", profileNames...), rapid.Bool().Draw(k.rt, "deny"), k.newTags()
	_, err := testkit.Call(k.t, k.srv, qs.CreateCustomPermissions, qs.CreateCustomPermissionsRequest{
		AwsAccountId: k.account, CustomPermissionsName: name, Capabilities: denying(action), Tags: tags,
	})
	if k.did("CreateCustomPermissions "+name, err, when(k.has(&name), taken)) {
		k.profiles[name] = action
		k.tag(k.arn("custompermissions", name), tags)
	}
}

func (k walk) updateProfile() {
	name, action := k.profile(), rapid.Bool().Draw(k.rt, "deny")
	_, err := testkit.Call(k.t, k.srv, qs.UpdateCustomPermissions, qs.UpdateCustomPermissionsRequest{
		AwsAccountId: k.account, CustomPermissionsName: name, Capabilities: denying(action),
	})
	if k.did("UpdateCustomPermissions "+name, err, when(!k.has(&name), missing)) {
		k.profiles[name] = action
	}
}

func (k walk) deleteProfile() {
	name := k.profile()
	_, err := testkit.Call(k.t, k.srv, qs.DeleteCustomPermissions, qs.DeleteCustomPermissionsRequest{AwsAccountId: k.account, CustomPermissionsName: name})
	if k.did("DeleteCustomPermissions "+name, err, when(!k.has(&name), missing), when(k.has(&name) && k.used(name), inUse)) {
		delete(k.profiles, name)
		delete(k.tags, k.arn("custompermissions", name))
	}
}

// identities draws whom an assignment is for.
func (k walk) identities(ns string) (in map[string][]string, known bool) {
	some := func(one func(string) string) []string {
		var names []string
		for range k.number("assigned", 3) {
			if name := one(ns); !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
		return names
	}
	in, known = map[string][]string{"user": some(k.user), "group": some(k.group)}, true
	for _, u := range in["user"] {
		known = known && k.realm(ns).users[u] != nil
	}
	for _, g := range in["group"] {
		known = known && k.realm(ns).groups[g] != nil
	}
	return in, known
}

func (k walk) createAssignment() {
	ns, name, status := k.namespace(), k.pick("assignment", assignmentNames...), k.pick("status", "ENABLED", "ENABLED", "DRAFT")
	policy := k.maybe("policy", k.policy...)
	identities, known := k.identities(ns)
	_, err := testkit.Call(k.t, k.srv, qs.CreateIAMPolicyAssignment, qs.CreateIAMPolicyAssignmentRequest{
		AwsAccountId: k.account, Namespace: ns, AssignmentName: name, AssignmentStatus: qs.AssignmentStatus(status), PolicyArn: policy, Identities: identities,
	})
	if k.did("CreateIAMPolicyAssignment "+name, err, when(k.realms[ns] == nil, missing), when(k.assignments[name] != nil, taken),
		when(!known, missing), when(k.noPolicy(policy), missing)) {
		k.assignments[name] = &assignment{namespace: ns, status: status, policy: deref(policy), users: identities["user"], groups: identities["group"]}
	}
}

// noPolicy says whether a policy is named that is not there.
func (k walk) noPolicy(policy *string) bool { return deref(policy) == k.policy[len(k.policy)-1] }

// inRealm gives an assignment where the namespace has it.
func (k walk) inRealm(ns, name string) *assignment {
	if a := k.assignments[name]; a != nil && a.namespace == ns {
		return a
	}
	return nil
}

func (k walk) updateAssignment() {
	ns, name := k.namespace(), k.assignment()
	in := qs.UpdateIAMPolicyAssignmentRequest{AwsAccountId: k.account, Namespace: ns, AssignmentName: name, PolicyArn: k.maybe("policy", k.policy...)}
	if status := k.maybe("status", "ENABLED", "DRAFT", "DISABLED"); status != nil {
		in.AssignmentStatus = new(qs.AssignmentStatus(*status))
	}
	known := true
	if rapid.Bool().Draw(k.rt, "reassign") {
		in.Identities, known = k.identities(ns)
	}
	_, err := testkit.Call(k.t, k.srv, qs.UpdateIAMPolicyAssignment, in)
	a := k.inRealm(ns, name)
	if !k.did("UpdateIAMPolicyAssignment "+ns+"/"+name, err, when(a == nil, missing), when(!known, missing), when(k.noPolicy(in.PolicyArn), missing)) {
		return
	}
	if in.PolicyArn != nil {
		a.policy = *in.PolicyArn
	}
	if in.AssignmentStatus != nil {
		a.status = string(*in.AssignmentStatus)
	}
	if in.Identities != nil {
		a.users, a.groups = in.Identities["user"], in.Identities["group"]
	}
}

func (k walk) deleteAssignment() {
	ns, name := k.namespace(), k.assignment()
	_, err := testkit.Call(k.t, k.srv, qs.DeleteIAMPolicyAssignment, qs.DeleteIAMPolicyAssignmentRequest{AwsAccountId: k.account, Namespace: ns, AssignmentName: name})
	if k.did("DeleteIAMPolicyAssignment "+ns+"/"+name, err, when(k.inRealm(ns, name) == nil, missing)) {
		delete(k.assignments, name)
	}
}

// entry is a permission list of one principal; none without actions.
func entry(principal string, actions []string) []qs.ResourcePermission {
	if len(actions) == 0 {
		return nil
	}
	return []qs.ResourcePermission{{Principal: principal, Actions: actions}}
}

func (k walk) createConnector() {
	id, principal, tags := k.pick("connector", connectorNames...), k.principal(), k.newTags()
	grant := k.actions("grant", nil, look, own)
	_, err := testkit.Call(k.t, k.srv, qs.CreateActionConnector, qs.CreateActionConnectorRequest{
		AwsAccountId: k.account, ActionConnectorId: id, Name: qs.Secret("Connector " + id), Type: qs.ActionConnectorTypeGenericHTTP,
		AuthenticationConfig: &qs.AuthConfig{AuthenticationType: qs.ConnectionAuthTypeNone, AuthenticationMetadata: &qs.AuthenticationMetadata{
			NoneConnectionMetadata: &qs.NoneConnectionMetadata{BaseEndpoint: "https://hooks.example.org"},
		}},
		Permissions: entry(principal, grant), Tags: tags,
	})
	if !k.did("CreateActionConnector "+id, err, when(k.connectors[id] != nil, taken), when(grant != nil && !k.exists(principal), invalid)) {
		return
	}
	k.await("connector "+id, func() bool {
		out, err := testkit.Call(k.t, k.srv, qs.DescribeActionConnector, qs.DescribeActionConnectorRequest{AwsAccountId: k.account, ActionConnectorId: id})
		k.must("describe what is being made", err)
		return *out.ActionConnector.Status == qs.ResourceStatusCreationSuccessful
	})
	c := newThing("Connector " + id)
	c.list = share(c.list, principal, nil, grant)
	k.connectors[id] = c
	k.tag(k.arn("action-connector", id), tags)
}

func (k walk) deleteConnectorStep() {
	id := k.connector()
	_, err := testkit.Call(k.t, k.srv, qs.DeleteActionConnector, qs.DeleteActionConnectorRequest{AwsAccountId: k.account, ActionConnectorId: id})
	if k.did("DeleteActionConnector "+id, err, when(k.connectors[id] == nil, missing)) {
		k.deleteConnector(id)
	}
}

func (k walk) shareConnector() {
	id, principal := k.connector(), k.principal()
	grant := k.actions("grant", nil, look, own)
	revoke := k.actions("revoke", nil, nil, nil, look, own)
	_, err := testkit.Call(k.t, k.srv, qs.UpdateActionConnectorPermissions, qs.UpdateActionConnectorPermissionsRequest{
		AwsAccountId: k.account, ActionConnectorId: id, GrantPermissions: entry(principal, grant), RevokePermissions: entry(principal, revoke),
	})
	c := k.connectors[id]
	if k.did("UpdateActionConnectorPermissions "+id, err, when(grant == nil && revoke == nil, invalid), when(c == nil, missing),
		when(grant != nil && !k.exists(principal), invalid)) {
		c.list = share(c.list, principal, revoke, grant)
	}
}

func (k walk) tagStep() {
	arn, key, value := k.tagged(), k.pick("key", "team", "Team"), k.pick("value", "red", "blue")
	tags := []qs.Tag{{Key: key, Value: value}}
	_, err := testkit.Call(k.t, k.srv, qs.TagResource, qs.TagResourceRequest{ResourceArn: arn, Tags: tags})
	if k.did("TagResource "+arn, err, when(!k.exists(arn), missing)) {
		k.tag(arn, tags)
	}
}

func (k walk) untag() {
	arn, key := k.tagged(), k.pick("key", "team", "Team")
	_, err := testkit.Call(k.t, k.srv, qs.UntagResource, qs.UntagResourceRequest{ResourceArn: arn, TagKeys: []string{key}})
	if k.did("UntagResource "+arn, err, when(!k.exists(arn), missing)) {
		delete(k.tags[arn], key)
	}
}

func (k walk) createFolder() {
	id, parent, principal, tags := k.pick("folder", folderNames...), k.maybe("parent", k.folder()), k.principal(), k.newTags()
	grant := k.actions("grant", nil, folderViewer, folderContributor, folderOwner)
	in := qs.CreateFolderRequest{AwsAccountId: k.account, FolderId: id, Name: new("Folder " + id), Permissions: entry(principal, grant), Tags: tags}
	if parent != nil {
		in.ParentFolderArn = new(k.arn("folder", *parent))
	}
	_, err := testkit.Call(k.t, k.srv, qs.CreateFolder, in)
	if k.did("CreateFolder "+id, err, when(k.folders[id] != nil, taken), when(parent != nil && k.folders[*parent] == nil, missing),
		when(grant != nil && !k.exists(principal), invalid)) {
		f := newThing("Folder " + id)
		f.parent, f.list = deref(parent), share(f.list, principal, nil, grant)
		k.folders[id] = f
		k.tag(k.arn("folder", id), tags)
	}
}

func (k walk) updateFolder() {
	id, name := k.folder(), k.pick("name", "One", "one")
	_, err := testkit.Call(k.t, k.srv, qs.UpdateFolder, qs.UpdateFolderRequest{AwsAccountId: k.account, FolderId: id, Name: name})
	if k.did("UpdateFolder "+id, err, when(k.folders[id] == nil, missing)) {
		k.folders[id].name = name
	}
}

func (k walk) deleteFolder() {
	id := k.folder()
	_, err := testkit.Call(k.t, k.srv, qs.DeleteFolder, qs.DeleteFolderRequest{AwsAccountId: k.account, FolderId: id})
	f, empty := k.folders[id], true
	for _, other := range k.folders {
		empty = empty && other.parent != id
	}
	if k.did("DeleteFolder "+id, err, when(f == nil, missing), when(f != nil && (!empty || len(f.holds) > 0), unready)) {
		delete(k.folders, id)
		delete(k.tags, k.arn("folder", id))
	}
}

const connectorMember = qs.MemberType("ACTION_CONNECTOR")

func (k walk) putIntoFolder() {
	id, member := k.folder(), k.connector()
	_, err := testkit.Call(k.t, k.srv, qs.CreateFolderMembership, qs.CreateFolderMembershipRequest{
		AwsAccountId: k.account, FolderId: id, MemberId: member, MemberType: connectorMember,
	})
	f := k.folders[id]
	if k.did("put "+member+" into "+id, err, when(f == nil, missing), when(k.connectors[member] == nil, missing), when(f != nil && f.holds[member], taken)) {
		f.holds[member] = true
	}
}

func (k walk) takeOutOfFolder() {
	id, member := k.folder(), k.connector()
	_, err := testkit.Call(k.t, k.srv, qs.DeleteFolderMembership, qs.DeleteFolderMembershipRequest{
		AwsAccountId: k.account, FolderId: id, MemberId: member, MemberType: connectorMember,
	})
	f := k.folders[id]
	if k.did("take "+member+" out of "+id, err, when(f == nil || !f.holds[member], missing)) {
		delete(f.holds, member)
	}
}

func (k walk) shareFolder() {
	id, principal := k.folder(), k.principal()
	grant := k.actions("grant", nil, folderViewer, folderContributor, folderOwner)
	revoke := k.actions("revoke", nil, nil, nil, folderViewer, folderContributor, folderOwner)
	_, err := testkit.Call(k.t, k.srv, qs.UpdateFolderPermissions, qs.UpdateFolderPermissionsRequest{
		AwsAccountId: k.account, FolderId: id, GrantPermissions: entry(principal, grant), RevokePermissions: entry(principal, revoke),
	})
	f := k.folders[id]
	if f == nil {
		k.did("UpdateFolderPermissions "+id, err, missing, when(grant == nil && revoke == nil, invalid))
		return
	}
	list := share(f.list, principal, revoke, grant)
	whole := list[principal] == nil || slices.ContainsFunc(folderRoles, func(r []string) bool { return slices.Equal(r, list[principal]) })
	if k.did("UpdateFolderPermissions "+id, err, when(grant == nil && revoke == nil, invalid), when(grant != nil && !k.exists(principal), invalid),
		when(!whole, invalid)) {
		f.list = list
	}
}

func (k walk) moveFolder() {
	id, parent := k.folder(), k.maybe("parent", k.folder())
	in := onsightapi.MoveFolderRequest{AwsAccountId: k.account, FolderId: id}
	if parent != nil {
		in.ParentFolderArn = new(k.arn("folder", *parent))
	}
	_, err := testkit.Call(k.t, k.srv, onsightapi.MoveFolder, in)
	f := k.folders[id]
	if k.did("MoveFolder "+id, err, when(f == nil, missing), when(parent != nil && k.folders[*parent] == nil, missing),
		when(parent != nil && f != nil && (*parent == id || slices.Contains(k.path(*parent), id)), invalid)) {
		f.parent = deref(parent)
	}
}
