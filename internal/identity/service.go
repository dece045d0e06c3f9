package identity

import (
	"cmp"
	"context"
	"errors"
	"time"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/seal"
	"onsight/internal/store"
)

// A Tenant is the account and namespace that a call is about, past the gates.
type Tenant struct {
	// AuthenticationMethod is the account's, such as IAM_AND_QUICKSIGHT.
	AuthenticationMethod string
	// Region is the account's identity region, part of every user's ARN.
	Region string
	// DirectoryID is the namespace's, part of principal ids.
	DirectoryID string
}

// Accounts is what identity asks of whoever keeps accounts and namespaces.
type Accounts interface {
	// Enter refuses a call that the state of the account, its region or its
	// edition does not allow, or whose namespace is not there.
	Enter(ctx context.Context, tx *store.Tx, account, namespace string) (Tenant, error)
	// Open does the same for a call that is about no namespace, and gives the
	// account's identity region.
	Open(ctx context.Context, tx *store.Tx, account string) (region string, err error)
	// IdentityRegion gives the region of the account's identities, empty for an
	// account that is not subscribed.
	IdentityRegion(tx *store.Tx, account string) (string, error)
	// Leaving tells whether a namespace is being deleted, and the region of the
	// account's identities.
	Leaving(tx *store.Tx, account, namespace string) (region string, leaving bool, err error)
}

// Tags is what identity asks of whoever keeps tags.
type Tags interface {
	// Put adds tags to a resource.
	Put(tx *store.Tx, arn string, tags []qs.Tag) error
	// Delete removes the tags of a resource that is gone.
	Delete(tx *store.Tx, arn string) error
}

// Entities is what identity asks of whoever keeps IAM's users and roles.
type Entities interface {
	// PrincipalID gives the unique id (AIDA… or AROA…) of the user or role of a
	// name; store.ErrNotFound where there is none. The kind is user or role.
	PrincipalID(tx *store.Tx, account, kind, name string) (string, error)
}

// Departed is told that a principal is gone, so that nothing outlives it: its
// tags, what it was granted.
type Departed func(tx *store.Tx, arn string) error

// Config is what a Service needs.
type Config struct {
	DB *store.DB
	// Keys seal identity contexts.
	Keys     *seal.Keyring
	Now      func() time.Time
	Tokens   *page.Tokens
	Accounts Accounts
	Tags     Tags
	Entities Entities
	Policies Policies
	Departed []Departed
	// PublicURL is the address at which people reach this server, without a
	// slash at the end.
	PublicURL string
	// InvitationLife is how long an invitation can be answered.
	InvitationLife time.Duration
	// GroupsPerNamespace is how many groups a namespace may have; 0 is 10,000,
	// as in the real service.
	GroupsPerNamespace int
}

// groupsPerNamespace is how many groups a namespace may have where nothing
// else is said (user guide, quotas).
const groupsPerNamespace = 10_000

// Service answers the operations on users and groups, on the roles and
// policies that they have, and on custom permissions.
type Service struct {
	db             *store.DB
	keys           *seal.Keyring
	now            func() time.Time
	tokens         *page.Tokens
	accounts       Accounts
	tags           Tags
	entities       Entities
	policies       Policies
	departed       []Departed
	idle           []Departed // told when a user is put out of use
	roleChanged    []RoleChanged
	publicURL      string
	invitationLife time.Duration
	profiles       texts

	groupsPerNamespace int
}

// New makes a Service.
func New(c Config) *Service {
	return &Service{
		db: c.DB, keys: c.Keys, now: c.Now, tokens: c.Tokens, accounts: c.Accounts, tags: c.Tags, entities: c.Entities, policies: c.Policies,
		departed: c.Departed, publicURL: c.PublicURL, invitationLife: c.InvitationLife,
		groupsPerNamespace: cmp.Or(c.GroupsPerNamespace, groupsPerNamespace),
	}
}

// Routes are the operations that this package answers.
func (s *Service) Routes() []api.Route {
	return []api.Route{
		api.Handle(qs.RegisterUser, s.registering, s.registerUser),
		api.Handle(qs.DescribeUser, s.describing, s.describeUser),
		api.Handle(qs.ListUsers, s.listing, s.listUsers),
		api.Handle(qs.UpdateUser, s.updating, s.updateUser),
		api.Handle(qs.DeleteUser, s.deleting, s.deleteUser),
		api.Handle(qs.DeleteUserByPrincipalId, s.deletingByPrincipalID, s.deleteUserByPrincipalID),

		api.Handle(qs.CreateGroup, s.creatingGroup, s.createGroup),
		api.Handle(qs.DescribeGroup, s.describingGroup, s.describeGroup),
		api.Handle(qs.UpdateGroup, s.updatingGroup, s.updateGroup),
		api.Handle(qs.DeleteGroup, s.deletingGroup, s.deleteGroup),
		api.Handle(qs.ListGroups, s.listingGroups, s.listGroups),
		api.Handle(qs.SearchGroups, s.searchingGroups, s.searchGroups),
		api.Handle(qs.CreateGroupMembership, s.creatingMembership, s.createGroupMembership),
		api.Handle(qs.DescribeGroupMembership, s.describingMembership, s.describeGroupMembership),
		api.Handle(qs.DeleteGroupMembership, s.deletingMembership, s.deleteGroupMembership),
		api.Handle(qs.ListGroupMemberships, s.listingMemberships, s.listGroupMemberships),
		api.Handle(qs.ListUserGroups, s.listingUserGroups, s.listUserGroups),

		api.Handle(qs.CreateRoleMembership, s.creatingRoleMembership, s.createRoleMembership),
		api.Handle(qs.DeleteRoleMembership, s.deletingRoleMembership, s.deleteRoleMembership),
		api.Handle(qs.ListRoleMemberships, s.listingRoleMemberships, s.listRoleMemberships),

		api.Handle(qs.CreateIAMPolicyAssignment, s.creatingAssignment, s.createIAMPolicyAssignment),
		api.Handle(qs.DescribeIAMPolicyAssignment, s.describingAssignment, s.describeIAMPolicyAssignment),
		api.Handle(qs.UpdateIAMPolicyAssignment, s.updatingAssignment, s.updateIAMPolicyAssignment),
		api.Handle(qs.DeleteIAMPolicyAssignment, s.deletingAssignment, s.deleteIAMPolicyAssignment),
		api.Handle(qs.ListIAMPolicyAssignments, s.listingAssignments, s.listIAMPolicyAssignments),
		api.Handle(qs.ListIAMPolicyAssignmentsForUser, s.listingAssignmentsOfUser, s.listIAMPolicyAssignmentsForUser),

		api.Handle(qs.CreateCustomPermissions, s.creatingProfile, s.createCustomPermissions),
		api.Handle(qs.DescribeCustomPermissions, s.describingProfile, s.describeCustomPermissions),
		api.Handle(qs.ListCustomPermissions, s.listingProfiles, s.listCustomPermissions),
		api.Handle(qs.UpdateCustomPermissions, s.updatingProfile, s.updateCustomPermissions),
		api.Handle(qs.DeleteCustomPermissions, s.deletingProfile, s.deleteCustomPermissions),
		api.Handle(qs.UpdateUserCustomPermission, s.assigningProfile, s.updateUserCustomPermission),
		api.Handle(qs.DeleteUserCustomPermission, s.removingProfile, s.deleteUserCustomPermission),
		api.Handle(qs.UpdateRoleCustomPermission, onAny, s.updateRoleCustomPermission),
		api.Handle(qs.DescribeRoleCustomPermission, onAny, s.describeRoleCustomPermission),
		api.Handle(qs.DeleteRoleCustomPermission, onAny, s.deleteRoleCustomPermission),
		api.Handle(qs.UpdateAccountCustomPermission, onAny, s.updateAccountCustomPermission),
		api.Handle(qs.DescribeAccountCustomPermission, onAny, s.describeAccountCustomPermission),
		api.Handle(qs.DeleteAccountCustomPermission, onAny, s.deleteAccountCustomPermission),

		api.Handle(qs.DescribeSelfUpgradeConfiguration, onAny, s.describeSelfUpgradeConfiguration),
		api.Handle(qs.UpdateSelfUpgradeConfiguration, onAny, s.updateSelfUpgradeConfiguration),
		api.Handle(qs.ListSelfUpgrades, s.listingSelfUpgrades, s.listSelfUpgrades),
		api.Handle(qs.UpdateSelfUpgrade, s.decidingSelfUpgrade, s.updateSelfUpgrade),
		api.Handle(onsightapi.RequestSelfUpgrade, s.requestingSelfUpgrade, s.requestSelfUpgrade),
		api.Handle(qs.GetIdentityContext, s.gettingContext, s.getIdentityContext),
	}
}

// onUser is the target of an operation on one user, or on those of a
// namespace when the name is a wildcard.
func onUser(ctx context.Context, account, namespace, name string) policy.Target {
	return policy.Target{Resource: userARN(api.Region(ctx), account, namespace, name)}
}

// userARN forms the ARN of a user. Names are not encoded in it.
func userARN(region, account, namespace, name string) string {
	return arn.QuickSight(region, account, "user/"+namespace+"/"+name)
}

// noUser is the answer for a user who is not there, in the words of the real service.
func noUser(account, namespace, name string) error {
	return fault.NotFound(fault.User, "AWS account id: %s, Namespace: %s, Username: %s. ", account, namespace, name)
}

// find reads a user; ResourceNotFoundException when there is none of the name.
func find(tx *store.Tx, account, namespace, name string) (user, error) {
	u, err := store.One[user](tx, `SELECT `+userColumns+` FROM users WHERE account = $1 AND namespace = $2 AND name = $3`,
		account, namespace, name)
	if errors.Is(err, store.ErrNotFound) {
		return u, noUser(account, namespace, name)
	}
	return u, err
}
