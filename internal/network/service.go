package network

import (
	"context"
	"log/slog"
	"time"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/outbound"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// Accounts is what network asks of whoever keeps subscriptions.
type Accounts interface {
	// Enterprise answers UnsupportedUserEditionException for an account that is
	// not subscribed, or to an edition without VPC connections.
	Enterprise(tx *store.Tx, account string) error
}

// Tags is what network asks of whoever keeps tags.
type Tags interface {
	// Put gives tags to a connection that is just being made.
	Put(tx *store.Tx, arn string, tags []qs.Tag) error
	// Delete removes all tags of a connection that goes away.
	Delete(tx *store.Tx, arn string) error
}

// Users gives the ARNs of resources that go through a VPC connection, a few of
// them at most.
type Users func(tx *store.Tx, connection string) ([]string, error)

// Config is what a Service needs. Profiles may be nil: there are none.
type Config struct {
	DB       *store.DB
	Jobs     *job.Runner
	Tokens   *page.Tokens
	Log      *slog.Logger
	Now      func() time.Time
	Accounts Accounts
	Tags     Tags
	Profiles *outbound.Settings
}

// Service answers the operations on VPC connections.
type Service struct {
	db       *store.DB
	jobs     *job.Runner
	tokens   *page.Tokens
	log      *slog.Logger
	now      func() time.Time
	accounts Accounts
	tags     Tags
	profiles *outbound.Settings
	users    []Users
}

// New makes a Service and tells the job runner what it does.
func New(c Config) *Service {
	s := &Service{
		db: c.DB, jobs: c.Jobs, tokens: c.Tokens, log: c.Log, now: c.Now, accounts: c.Accounts, tags: c.Tags, profiles: c.Profiles,
	}
	c.Jobs.Handle(jobSettle, s.settle)
	c.Jobs.Handle(jobForget, s.forget)
	return s
}

// Used adds somebody to ask before a connection is deleted. It is called before
// the first request.
func (s *Service) Used(by Users) { s.users = append(s.users, by) }

// Routes are the operations that this package answers.
func (s *Service) Routes() []api.Route {
	return []api.Route{
		api.Handle(qs.CreateVPCConnection, s.creating, s.createVPCConnection),
		api.Handle(qs.DescribeVPCConnection, s.describing, s.describeVPCConnection),
		api.Handle(qs.UpdateVPCConnection, s.updating, s.updateVPCConnection),
		api.Handle(qs.DeleteVPCConnection, s.deleting, s.deleteVPCConnection),
		api.Handle(qs.ListVPCConnections, s.listing, s.listVPCConnections),
	}
}

// Statuses of a connection. One that was deleted can still be read for a while:
// programs wait to see DELETED.
const (
	creating   = string(qs.VPCConnectionResourceStatusCreationInProgress)
	created    = string(qs.VPCConnectionResourceStatusCreationSuccessful)
	notCreated = string(qs.VPCConnectionResourceStatusCreationFailed)
	updating   = string(qs.VPCConnectionResourceStatusUpdateInProgress)
	updated    = string(qs.VPCConnectionResourceStatusUpdateSuccessful)
	notUpdated = string(qs.VPCConnectionResourceStatusUpdateFailed)
	deleting   = string(qs.VPCConnectionResourceStatusDeletionInProgress)
	deleted    = string(qs.VPCConnectionResourceStatusDeleted)
)

// connections is the kind of resource. It can be changed and deleted whenever
// no job is at work on it, also after a failure.
var connections = resource.Kind[document]{
	Name: "vpcConnection", Label: "VPC connection", Type: fault.VPCConnection,
	States: resource.States{
		"":         {creating},
		creating:   {created, notCreated},
		created:    {updating, deleting},
		notCreated: {updating, deleting},
		updating:   {updated, notUpdated},
		updated:    {updating, deleting},
		notUpdated: {updating, deleting},
		deleting:   {deleted},
		deleted:    {resource.Gone},
	},
}

type item = resource.Item[document]

// document is what the store keeps of a connection beside its common columns.
type document struct {
	// Settings are in force.
	Settings settings `json:"settings"`
	// Pending are those of an update in progress.
	Pending *settings `json:"pending,omitempty"`
	// Error says why the last creation or update failed.
	Error string `json:"error,omitempty"`
}

// settings are what callers decide about a connection. An update replaces them all.
type settings struct {
	Name           string   `json:"name"`
	RoleARN        string   `json:"roleArn"`
	Subnets        []string `json:"subnets"`
	SecurityGroups []string `json:"securityGroups"`
	Resolvers      []string `json:"resolvers,omitempty"`
}

func key(ctx context.Context, account, id string) resource.Key {
	return resource.Key{Account: account, Region: api.Region(ctx), ID: id}
}

// keyOf is the key of the connection of an ARN; ok is false for another ARN.
func keyOf(a arn.ARN) (k resource.Key, ok bool) {
	_, id := a.Split()
	k = resource.Key{Account: a.Account, Region: a.Region, ID: id}
	return k, connections.ARN(k) == a.String()
}

// onConnection is the target of an operation on one connection, or on all when
// the id is a wildcard.
func onConnection(ctx context.Context, account, id string) policy.Target {
	return policy.Target{Resource: connections.ARN(key(ctx, account, id))}
}

// missing tells whether an error says that a resource is not there.
func missing(err error) bool {
	f := fault.Of(err)
	return f != nil && f.Code == "ResourceNotFoundException"
}
