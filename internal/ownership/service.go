package ownership

import (
	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/onsightapi"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// Accounts is what ownership asks of whoever keeps subscriptions.
type Accounts interface {
	// Subscribed answers UnsupportedUserEditionException for an account that is
	// not subscribed.
	Subscribed(tx *store.Tx, account string) error
	// IdentityRegion gives the region that the identities of an account have in
	// their ARNs.
	IdentityRegion(tx *store.Tx, account string) (string, error)
}

// People is what ownership asks of whoever keeps users and groups.
type People interface {
	// Exists says whether the user or group of an ARN is there.
	Exists(tx *store.Tx, principal arn.ARN) (bool, error)
	// Role gives the role of a user.
	Role(tx *store.Tx, user arn.ARN) (string, error)
}

// Folders is what ownership asks of whoever keeps folders.
type Folders interface {
	// Kept says whether a resource is somebody's though its own permission list
	// names no owner.
	Kept(tx *store.Tx, resource string) (bool, error)
}

// Config is what a Service needs.
type Config struct {
	DB       *store.DB
	Tokens   *page.Tokens
	Accounts Accounts
	People   People
	Folders  Folders
	// Kinds are the kinds of resources that have owners, as in ARNs.
	Kinds []string
}

// Service answers the operations on ownership.
type Service struct {
	db       *store.DB
	tokens   *page.Tokens
	accounts Accounts
	people   People
	folders  Folders
	kinds    []string
}

// New makes a Service.
func New(c Config) *Service {
	return &Service{db: c.DB, tokens: c.Tokens, accounts: c.Accounts, people: c.People, folders: c.Folders, kinds: c.Kinds}
}

// Routes are the operations that this package answers.
func (s *Service) Routes() []api.Route {
	return []api.Route{
		api.Handle(onsightapi.TransferOwnership, s.transferring, s.transferOwnership),
		api.Handle(onsightapi.ListUnownedResources, s.listing, s.listUnownedResources),
	}
}

// everything is the target of both operations: what they touch follows from
// permission lists.
func everything() policy.Target { return policy.Target{Resource: "*"} }
