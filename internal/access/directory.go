package access

import (
	"time"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/capability"
	"onsight/internal/contract"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// Directory is what access asks of whoever keeps IAM's users and roles.
type Directory interface {
	// KeyOf gives an access key; store.ErrNotFound where there is none.
	KeyOf(tx *store.Tx, accessKeyID string) (Key, error)
	// Rights gives a user or a role with its policies; store.ErrNotFound where
	// there is none. The kind is user or role.
	Rights(tx *store.Tx, account, kind, name string) (Rights, error)
	// Names lists the users or the roles of an account by name, after the one given.
	Names(tx *store.Tx, account, kind, after string, limit int) ([]string, error)
	// Version counts the changes to what IAM keeps of an account.
	Version(tx *store.Tx, account string) (int64, error)
	// Used notes that an access key (AKIA…) or a session of a role (AROA…) has
	// signed a call.
	Used(id, service, region string)
}

// A Key is the access key of an IAM user.
type Key struct {
	Account, UserName string
	Secret            contract.Secret
	Active            bool
}

// Rights are a user or a role with the policies that apply to it.
type Rights struct {
	// Account, Name, ID (AIDA… or AROA…) and ARN are the principal's.
	Account, Name, ID, ARN string
	// Policies are those of the principal and its groups.
	Policies []Document
	// Boundary is the permissions boundary, or nil.
	Boundary *Document
	// Tags are the principal's.
	Tags map[string]string
}

// A Document is a policy with what it is called.
type Document struct {
	// ID is the ARN of a managed policy, the name of an inline one.
	ID string
	// Type is user, group, role, aws-managed or user-managed.
	Type string
	Text string
}

// Sessions is what access asks of whoever begins sessions.
type Sessions interface {
	// Open reads the session of temporary credentials; its faults are
	// ExpiredTokenException and UnrecognizedClientException.
	Open(tx *store.Tx, accessKeyID, token string, now time.Time) (Session, error)
}

// A Session is what temporary credentials stand for.
type Session struct {
	Secret  contract.Secret
	Expires time.Time
	// Principal is who acts.
	Principal policy.Principal
	// Kind, Name and ID are of whose policies apply: user or role, or root.
	Kind, Name, ID string
	// Policies came with the session, and limit it; nil for none.
	Policies []Document
	// Keys are the condition keys that only sessions have, such as
	// aws:TokenIssueTime, in lower case.
	Keys policy.Keys
	// Tags adds to the tags of the role or user behind the session those of the
	// session; nil where it has none.
	Tags func(behind map[string]string) map[string]string
	// Permits refuses actions that such sessions are not for, whatever policies
	// say; nil for none.
	Permits func(action string) error
	// Shown is what calls show of it.
	Shown *api.Session
	// Raw is the session itself, for whoever began it: SessionOf gives it back.
	Raw any
}

// Tags is what access asks of whoever keeps the tags of resources.
type Tags interface {
	// Of gives the tags of the resource of an ARN; none where it is not there.
	Of(tx *store.Tx, arn string) (map[string]string, error)
}

// People is what access asks of whoever keeps the users and groups of
// QuickSight.
type People interface {
	// Exists says whether the user or group of an ARN is there.
	Exists(tx *store.Tx, principal arn.ARN) (bool, error)
	// Groups gives the ARNs of the groups that a user is a member of.
	Groups(tx *store.Tx, user arn.ARN) ([]string, error)
	// Role gives the role of a user, such as READER; store.ErrNotFound where
	// there is no such user.
	Role(tx *store.Tx, user arn.ARN) (string, error)
}

// Lists is what access asks of whoever keeps the permission lists of resources.
type Lists interface {
	// Granted gives what the list of a resource grants to each of some
	// principals.
	Granted(tx *store.Tx, resourceARN string, principals ...string) (map[string][]string, error)
	// Inherited gives what the lists of the folders above a resource grant to
	// each of some principals.
	Inherited(tx *store.Tx, resourceARN string, principals ...string) ([]Inherited, error)
}

// An Inherited is what the permission list of a folder grants on what is below
// the folder.
type Inherited struct {
	// Folder is the folder's ARN; Principal is who is granted the Actions.
	Folder, Principal string
	Actions           []string
}

// Profiles is what access asks of whoever keeps custom permissions.
type Profiles interface {
	// OfPerson gives the profiles that bind the users as which an IAM principal
	// is registered.
	OfPerson(tx *store.Tx, account string, p Person) ([]Profile, error)
	// OfUser gives those that bind a user.
	OfUser(tx *store.Tx, user arn.ARN) ([]Profile, error)
	// Sort gives the sort of a resource, such as JIRA_CLOUD; empty for none, and
	// for what is not there.
	Sort(tx *store.Tx, resourceARN string) (string, error)
}

// A Person is what a call is known by where people are registered: the user or
// role that signs, or that stands behind who does.
type Person struct {
	// ID is what IAM calls it, AIDA… or AROA…; ARN is its ARN.
	ID, ARN string
	// Session is the name of a role's session.
	Session string
}

// A Profile is custom permissions as they bind somebody.
type Profile struct {
	// Name and ARN are the profile's.
	Name, ARN string
	// Level says to whom it is applied, such as "the role AUTHOR in namespace
	// default".
	Level string
	// Capabilities are what it says.
	Capabilities capability.Profile
}
