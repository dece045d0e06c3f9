package app_test

import (
	"cmp"
	"maps"
	"slices"
	"strings"
)

// world is the directory as simple as it can be: maps, and no thought of
// speed. It knows one account.
type world struct {
	account        string
	realms         map[string]*realm
	profiles       map[string]bool // by name, whether it denies Action
	accountProfile string
	assignments    map[string]*assignment
	connectors     map[string]*thing
	folders        map[string]*thing
	tags           map[string]map[string]string // by ARN
}

// realm is a namespace.
type realm struct {
	users  map[string]*person
	groups map[string]*group
	roles  map[string]string // role to profile
}

type person struct{ email, role, profile, principalID string }

type group struct {
	description string
	members     map[string]bool
}

type assignment struct {
	namespace, status, policy string
	users, groups             []string
}

// thing is a connector or a folder.
type thing struct {
	name   string
	list   map[string][]string // principal to its actions, sorted
	parent string              // of a folder: the id of the one that it is in, or empty
	holds  map[string]bool     // of a folder: the ids of connectors
}

func newWorld(account string) *world {
	return &world{
		account: account, realms: map[string]*realm{"default": newRealm()}, profiles: map[string]bool{}, assignments: map[string]*assignment{},
		connectors: map[string]*thing{}, folders: map[string]*thing{}, tags: map[string]map[string]string{},
	}
}

func newRealm() *realm {
	return &realm{users: map[string]*person{}, groups: map[string]*group{}, roles: map[string]string{}}
}

func newThing(name string) *thing {
	return &thing{name: name, list: map[string][]string{}, holds: map[string]bool{}}
}

func (w *world) arn(parts ...string) string {
	return "arn:aws:quicksight:us-east-1:" + w.account + ":" + strings.Join(parts, "/")
}

// realm gives a namespace; one that nobody is in where there is none.
func (w *world) realm(name string) *realm {
	if r := w.realms[name]; r != nil {
		return r
	}
	return newRealm()
}

// exists says whether a principal, or whatever has tags, is there.
func (w *world) exists(arn string) bool {
	parts := strings.SplitN(strings.TrimPrefix(arn, w.arn()), "/", 3)
	switch parts[0] {
	case "user":
		return w.realm(parts[1]).users[parts[2]] != nil
	case "group":
		return w.realm(parts[1]).groups[parts[2]] != nil
	case "namespace":
		return w.realms[parts[1]] != nil
	case "custompermissions":
		_, ok := w.profiles[parts[1]]
		return ok
	case "action-connector":
		return w.connectors[parts[1]] != nil
	case "folder":
		return w.folders[parts[1]] != nil
	}
	return false
}

// forget takes a principal off every permission list, with its tags.
func (w *world) forget(arn string) {
	delete(w.tags, arn)
	for _, all := range []map[string]*thing{w.connectors, w.folders} {
		for _, it := range all {
			delete(it.list, arn)
		}
	}
}

func (w *world) deleteUser(namespace, name string) {
	r := w.realms[namespace]
	delete(r.users, name)
	for _, g := range r.groups {
		delete(g.members, name)
	}
	for _, a := range w.assignments {
		if a.namespace == namespace {
			a.users = without(a.users, name)
		}
	}
	w.forget(w.arn("user", namespace, name))
}

func (w *world) deleteGroup(namespace, name string) {
	delete(w.realms[namespace].groups, name)
	for _, a := range w.assignments {
		if a.namespace == namespace {
			a.groups = without(a.groups, name)
		}
	}
	w.forget(w.arn("group", namespace, name))
}

func (w *world) deleteNamespace(name string) {
	for _, user := range sorted(w.realms[name].users) {
		w.deleteUser(name, user)
	}
	for _, group := range sorted(w.realms[name].groups) {
		w.deleteGroup(name, group)
	}
	for _, a := range sorted(w.assignments) {
		if w.assignments[a].namespace == name {
			delete(w.assignments, a)
		}
	}
	delete(w.realms, name)
	delete(w.tags, w.arn("namespace", name))
}

func (w *world) deleteConnector(id string) {
	delete(w.connectors, id)
	for _, f := range w.folders {
		delete(f.holds, id)
	}
	delete(w.tags, w.arn("action-connector", id))
}

// used says whether somebody has a profile.
func (w *world) used(profile string) bool {
	for _, r := range w.realms {
		for _, u := range r.users {
			if u.profile == profile {
				return true
			}
		}
		for _, p := range r.roles {
			if p == profile {
				return true
			}
		}
	}
	return w.accountProfile == profile
}

// groupsOf gives the groups of a user, by name.
func (w *world) groupsOf(namespace, user string) []string {
	names := []string{}
	for _, g := range sorted(w.realm(namespace).groups) {
		if w.realm(namespace).groups[g].members[user] {
			names = append(names, g)
		}
	}
	return names
}

// principals gives the ARN of a user, and those of its groups.
func (w *world) principals(namespace, user string) []string {
	arns := []string{w.arn("user", namespace, user)}
	for _, g := range w.groupsOf(namespace, user) {
		arns = append(arns, w.arn("group", namespace, g))
	}
	return arns
}

// path gives the ids of the folders that a folder is in, the nearest first.
func (w *world) path(id string) []string {
	var ids []string
	for f := w.folders[id]; f != nil && f.parent != ""; f = w.folders[f.parent] {
		ids = append(ids, f.parent)
	}
	return ids
}

// resolved gives what the list of a folder and those above it grant.
func (w *world) resolved(id string) map[string][]string {
	all := map[string][]string{}
	for _, f := range append(w.path(id), id) {
		for principal, actions := range w.folders[f].list {
			all[principal] = union(all[principal], actions)
		}
	}
	return all
}

// granted says whether an action on a connector is granted to any of some
// principals: by its list or, unless directly is asked, by those of the folders
// that it lies in and below.
func (w *world) granted(action, connector string, directly bool, who ...string) bool {
	for _, p := range who {
		if slices.Contains(w.connectors[connector].list[p], action) {
			return true
		}
	}
	for id, f := range w.folders {
		if directly || !f.holds[connector] {
			continue
		}
		for p, actions := range w.resolved(id) {
			if slices.Contains(who, p) && slices.Contains(passed[len(actions)], action) {
				return true
			}
		}
	}
	return false
}

// may says whether a user may do something with a connector. A reader may only
// look; and whom a profile denies connectors, may not even that.
func (w *world) may(namespace, user, action, connector string) bool {
	u := w.realm(namespace).users[user]
	profile := cmp.Or(u.profile, w.realm(namespace).roles[u.role], w.accountProfile)
	if w.profiles[profile] || strings.Contains(u.role, "READER") && !strings.Contains(action, ":Describe") {
		return false
	}
	return w.granted(action, connector, false, w.principals(namespace, user)...)
}

// What there is to grant, sorted as the service gives it back.
var (
	look = []string{"quicksight:DescribeActionConnector", "quicksight:ListActionConnectors"}
	own  = []string{
		"quicksight:DeleteActionConnector", "quicksight:DescribeActionConnector", "quicksight:DescribeActionConnectorPermissions",
		"quicksight:ListActionConnectors", "quicksight:UpdateActionConnector", "quicksight:UpdateActionConnectorPermissions",
	}
	folderViewer      = []string{"quicksight:DescribeFolder"}
	folderContributor = []string{
		"quicksight:CreateFolder", "quicksight:CreateFolderMembership", "quicksight:DeleteFolderMembership", "quicksight:DescribeFolder",
		"quicksight:DescribeFolderPermissions",
	}
	folderOwner = []string{
		"quicksight:CreateFolder", "quicksight:CreateFolderMembership", "quicksight:DeleteFolder", "quicksight:DeleteFolderMembership",
		"quicksight:DescribeFolder", "quicksight:DescribeFolderPermissions", "quicksight:UpdateFolder", "quicksight:UpdateFolderPermissions",
	}
	folderRoles = [][]string{folderViewer, folderContributor, folderOwner}

	// passed is what the roles of a folder, by the number of their actions, give
	// to the connectors in it.
	passed = map[int][]string{
		len(folderViewer):      look,
		len(folderContributor): {"quicksight:DescribeActionConnector", "quicksight:DeleteActionConnector"},
		len(folderOwner):       own,
	}
)

// share gives the list after a revocation and a grant; an entry without actions
// is none.
func share(list map[string][]string, principal string, revoke, grant []string) map[string][]string {
	next := maps.Clone(list)
	left := slices.DeleteFunc(slices.Clone(next[principal]), func(a string) bool { return slices.Contains(revoke, a) })
	next[principal] = union(left, grant)
	if len(next[principal]) == 0 {
		delete(next, principal)
	}
	return next
}

func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}

func without(list []string, name string) []string {
	return slices.DeleteFunc(slices.Clone(list), func(n string) bool { return n == name })
}

func sorted[V any](m map[string]V) []string {
	keys := slices.AppendSeq([]string{}, maps.Keys(m))
	slices.Sort(keys)
	return keys
}
