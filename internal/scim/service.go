package scim

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"sync/atomic"
	"time"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/job"
	"onsight/internal/onsightapi"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// A Tenant is the account and namespace that a centre provisions.
type Tenant struct {
	// AuthenticationMethod is the account's, such as IAM_IDENTITY_CENTER.
	AuthenticationMethod string
	// Region is the account's identity region.
	Region string
	// DirectoryID is the namespace's, part of principal ids.
	DirectoryID string
}

// centre is the authentication method of accounts that a centre provisions.
const centre = "IAM_IDENTITY_CENTER"

// Accounts is what scim asks of whoever keeps accounts and namespaces.
type Accounts interface {
	// Enter refuses a call that the state of the account, its region or its
	// edition does not allow, or whose namespace is not there.
	Enter(ctx context.Context, tx *store.Tx, account, namespace string) (Tenant, error)
	// Open does the same for a call that is about no namespace.
	Open(ctx context.Context, tx *store.Tx, account string) (region string, err error)
	// Tenant gives the tenant of a subscribed account and a namespace that is
	// there, in whatever region; store.ErrNotFound where they are not.
	Tenant(tx *store.Tx, account, namespace string) (Tenant, error)
	// Leaving tells whether a namespace is being deleted.
	Leaving(tx *store.Tx, account, namespace string) (region string, leaving bool, err error)
}

// A User is what the centre says of a user.
type User struct {
	Account, Namespace, Name string
	// ID is of the form of a UUID.
	ID, Email string
	// Role is what the user's groups give; empty for one that is not to be in.
	Role string
	// Groups are the names of the user's groups, sorted.
	Groups []string
}

// People is what scim asks of whoever keeps users, groups and roles.
type People interface {
	// RoleOf gives the broadest role that groups of the directory give.
	RoleOf(tx *store.Tx, account, namespace string, groups []string) (role string, ok bool, err error)
	// Settle brings a user in line; gone tells that the user was active and is
	// not any more.
	Settle(tx *store.Tx, directoryID string, u User) (gone bool, err error)
	// Dismiss removes a user with all that hangs on it.
	Dismiss(tx *store.Tx, region, account, namespace, name string) error
	// AddDirectoryGroup adds a group without members, RemoveDirectoryGroup
	// removes one with what it was granted.
	AddDirectoryGroup(tx *store.Tx, directoryID, account, namespace, name, id string) error
	RemoveDirectoryGroup(tx *store.Tx, region, account, namespace, name string) error
}

// An Event is what a centre did, or was refused.
type Event struct {
	// Name is the event's, such as CreateUser.
	Name            string
	Account, Region string
	// TokenID and TokenName are of the token that was shown; empty for one that
	// is not known.
	TokenID, TokenName string
	// Resource is the ARN of the user or group.
	Resource  string
	Origin    api.Origin
	RequestID string
	// Error says why it was refused; empty for what was done.
	Error   string
	Details map[string]string
}

// A Trail keeps events.
type Trail interface {
	// Provisioned adds an event to what the transaction changes.
	Provisioned(tx *store.Tx, e Event)
}

// Config is what a Service needs; all is required but TrustedProxies.
type Config struct {
	DB       *store.DB
	Log      *slog.Logger
	Now      func() time.Time
	Jobs     *job.Runner
	Tokens   *page.Tokens
	Accounts Accounts
	People   People
	Trail    Trail
	// EndSessions signs a user out everywhere.
	EndSessions func(tx *store.Tx, account, namespace, name string) error
	// PublicURL is the address at which the server is reached, without a slash
	// at the end.
	PublicURL string
	// TrustedProxies are the addresses whose X-Forwarded-For is believed.
	TrustedProxies []netip.Prefix
}

// Service answers identity centres, and administers their tokens.
type Service struct {
	Config
	limiter limiter
	marks   marks
	grown   atomic.Int64 // how often something was made or changed
}

// New makes a Service and tells the job runner what it does.
func New(c Config) *Service {
	s := &Service{Config: c}
	c.Jobs.Handle(jobSettle, s.settlePending)
	c.Jobs.Handle(jobRole, s.settleGroup)
	c.Jobs.Handle(jobDissolve, s.dissolve)
	return s
}

// Routes are the operations that this package answers, beside SCIM's own.
func (s *Service) Routes() []api.Route {
	return []api.Route{
		api.Handle(onsightapi.CreateScimToken, s.creatingToken, s.createToken),
		api.Handle(onsightapi.ListScimTokens, s.listingTokens, s.listTokens),
		api.Handle(onsightapi.RevokeScimToken, s.revokingToken, s.revokeToken),
		api.Handle(onsightapi.DescribeScimMatching, s.describingMatching, s.describeMatching),
		api.Handle(onsightapi.UpdateScimMatching, s.updatingMatching, s.updateMatching),
	}
}

func onAccount(ctx context.Context, account string) policy.Target {
	return policy.Target{Resource: arn.QuickSight(api.Region(ctx), account, "account/"+account)}
}

// tenant gives the tenant that a centre's token is for; store.ErrNotFound where
// it is not there, or no centre manages the account.
func (s *Service) tenant(tx *store.Tx, account, namespace string) (Tenant, error) {
	t, err := s.Accounts.Tenant(tx, account, namespace)
	if err == nil && t.AuthenticationMethod != centre {
		err = store.ErrNotFound
	}
	return t, err
}

// Busy tells with a fault that a job has yet to bring users of the account in line.
func (s *Service) Busy(tx *store.Tx, account string) error {
	_, err := store.One[string](tx, `SELECT user_id FROM scim_pending WHERE account = $1 LIMIT 1`, account)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return errPending(account)
}

// counted has PostgreSQL count its tables anew when they have grown much: after
// 500 changes, 1000, 2000 and so on, since a first synchronisation fills them
// faster than it notices by itself.
func (s *Service) counted(ctx context.Context) {
	n := s.grown.Add(1)
	if n%500 != 0 || n/500&(n/500-1) != 0 {
		return
	}
	if err := s.DB.Analyze(ctx, "scim_users", "scim_emails", "scim_groups", "scim_members"); err != nil && ctx.Err() == nil {
		s.Log.WarnContext(ctx, "scim: count the tables", "error", err)
	}
}
