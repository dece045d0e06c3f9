package folder

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// Accounts is what folder asks of whoever keeps subscriptions.
type Accounts interface {
	// Subscribed answers UnsupportedUserEditionException for an account that is
	// not subscribed.
	Subscribed(tx *store.Tx, account string) error
}

// Groups is what folder asks of whoever keeps group memberships.
type Groups interface {
	// Of gives the ARNs of the groups that a user is a member of.
	Of(tx *store.Tx, user arn.ARN) ([]string, error)
}

// Tags is what folder asks of whoever keeps tags.
type Tags interface {
	// Put gives tags to a folder that is just being made.
	Put(tx *store.Tx, arn string, tags []qs.Tag) error
	// Delete removes all tags of a folder that goes away.
	Delete(tx *store.Tx, arn string) error
}

// Config is what a Service needs.
type Config struct {
	DB         *store.DB
	Tokens     *page.Tokens
	Now        func() time.Time
	Accounts   Accounts
	Principals resource.Principals
	Groups     Groups
	Tags       Tags
}

// Service answers the operations on folders.
type Service struct {
	db         *store.DB
	tokens     *page.Tokens
	now        func() time.Time
	accounts   Accounts
	principals resource.Principals
	groups     Groups
	tags       Tags
	members    map[qs.MemberType]Member
}

// New makes a Service that knows of nothing yet that can lie in a folder.
func New(c Config) *Service {
	return &Service{
		db: c.DB, tokens: c.Tokens, now: c.Now, accounts: c.Accounts, principals: c.Principals, groups: c.Groups, tags: c.Tags,
		members: make(map[qs.MemberType]Member),
	}
}

// A Member is what can lie in a folder.
type Member struct {
	// Type is the name of the kind in the API, such as DASHBOARD.
	Type qs.MemberType
	// Kind is its name in ARNs, such as dashboard.
	Kind string
	// Label is its name in sentences, such as Dashboard.
	Label string
	// Exists says whether the one of an ARN is there.
	Exists func(tx *store.Tx, a arn.ARN) (bool, error)
	// Owner, Contributor and Viewer are the actions on a member that those have
	// who are such of a folder above it.
	Owner, Contributor, Viewer []string
}

// Register tells of a kind of member. It is called before the first request.
func (s *Service) Register(m Member) {
	if _, ok := s.members[m.Type]; ok {
		panic(fmt.Sprintf("folder: %s is registered already", m.Type))
	}
	s.members[m.Type] = m
}

// Routes are the operations that this package answers.
func (s *Service) Routes() []api.Route {
	return []api.Route{
		api.Handle(qs.CreateFolder, s.creating, s.createFolder),
		api.Handle(qs.DescribeFolder, s.describing, s.describeFolder),
		api.Handle(qs.UpdateFolder, s.updating, s.updateFolder),
		api.Handle(qs.DeleteFolder, s.deleting, s.deleteFolder),
		api.Handle(qs.ListFolders, s.listing, s.listFolders),
		api.Handle(qs.SearchFolders, s.searching, s.searchFolders),
		api.Handle(qs.CreateFolderMembership, s.adding, s.createFolderMembership),
		api.Handle(qs.DeleteFolderMembership, s.removing, s.deleteFolderMembership),
		api.Handle(qs.ListFolderMembers, s.listingMembers, s.listFolderMembers),
		api.Handle(qs.ListFoldersForResource, s.listingForResource, s.listFoldersForResource),
		api.Handle(qs.DescribeFolderPermissions, s.describingPermissions, s.describeFolderPermissions),
		api.Handle(qs.UpdateFolderPermissions, s.updatingPermissions, s.updateFolderPermissions),
		api.Handle(qs.DescribeFolderResolvedPermissions, s.describingResolved, s.describeFolderResolvedPermissions),
		api.Handle(onsightapi.MoveFolder, s.moving, s.moveFolder),
	}
}

// Exists says whether the folder of an ARN is there.
func (s *Service) Exists(tx *store.Tx, a arn.ARN) (bool, error) {
	_, id := a.Split()
	k := resource.Key{Account: a.Account, Region: a.Region, ID: id}
	if folders.ARN(k) != a.String() { // of another partition
		return false, nil
	}
	return folders.Has(tx, k)
}

const actionPrefix = "quicksight:"

// The roles of a folder, each with all that the one before it may do. A grant
// names exactly the actions of one of them (recorded: "Valid sets", an error
// that the description of Terraform's pull request 30400 cites).
var (
	viewer      = prefixed("DescribeFolder")
	contributor = prefixed("CreateFolder", "DescribeFolder", "CreateFolderMembership", "DeleteFolderMembership", "DescribeFolderPermissions")
	owner       = prefixed("CreateFolder", "DescribeFolder", "UpdateFolder", "DeleteFolder", "CreateFolderMembership",
		"DeleteFolderMembership", "DescribeFolderPermissions", "UpdateFolderPermissions")
)

// owns, contributes and views are the actions that tell the roles apart.
const (
	owns        = actionPrefix + "UpdateFolderPermissions"
	contributes = actionPrefix + "CreateFolderMembership"
	views       = actionPrefix + "DescribeFolder"
)

func prefixed(names ...string) []string {
	for i, n := range names {
		names[i] = actionPrefix + n
	}
	return names
}

// folders is the kind of resource. Its Type is the FolderType.
var folders = resource.Kind[document]{
	Name: kindName, Label: "Folder",
	Sharing: resource.Sharing{Owner: owns, Viewer: views, Principals: []string{"user", "group"}, Actions: owner},
}

const kindName = "folder"

// document is what the store keeps of a folder beside its common columns.
type document struct {
	SharingModel qs.SharingModel `json:"sharingModel"`
}

type item = resource.Item[document]

func key(ctx context.Context, account, id string) resource.Key {
	return resource.Key{Account: account, Region: api.Region(ctx), ID: id}
}

// onFolder is the target of an operation on one folder, or on all when the id
// is a wildcard.
func onFolder(ctx context.Context, account, id string) policy.Target {
	return policy.Target{Resource: folders.ARN(key(ctx, account, id))}
}

// sharable refuses entries that the permission list of a folder of the type
// cannot hold.
func sharable(account string, of qs.FolderType, entries []qs.ResourcePermission) error {
	for _, e := range entries {
		if !isRole(of, e.Actions) {
			return unsupported(of, e.Actions)
		}
	}
	return folders.Sharing.Check(account, entries)
}

// roles are those that a folder of the type has. Restricted folders have no
// owners: the user guide says so.
func roles(of qs.FolderType) [][]string {
	if of == qs.FolderTypeRestricted {
		return [][]string{viewer, contributor}
	}
	return [][]string{viewer, contributor, owner}
}

func isRole(of qs.FolderType, actions []string) bool {
	return slices.ContainsFunc(roles(of), func(role []string) bool { return same(role, actions) })
}

func same(a, b []string) bool {
	x, y := slices.Clone(a), slices.Clone(b)
	slices.Sort(x)
	slices.Sort(y)
	return slices.Equal(x, slices.Compact(y))
}

// unsupported is the error of actions that make no role, in the words that are
// recorded of the real service.
func unsupported(of qs.FolderType, actions []string) error {
	sets := make([]string, 0, 3)
	for _, role := range roles(of) {
		sets = append(sets, "["+strings.Join(role, ", ")+"]")
	}
	return fault.Invalid("ResourcePermission list contains unsupported permission sets [%s] for this resource. Valid sets : %s",
		strings.Join(actions, ", "), strings.Join(sets, " or "))
}
