package connector

import (
	"context"
	"errors"
	"log/slog"
	"net/netip"
	"time"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/seal"
	"onsight/internal/store"
)

// Accounts is what connector asks of whoever keeps subscriptions.
type Accounts interface {
	// Subscribed answers UnsupportedUserEditionException for an account that is
	// not subscribed.
	Subscribed(tx *store.Tx, account string) error
}

// Groups is what connector asks of whoever keeps group memberships.
type Groups interface {
	// Of gives the ARNs of the groups that a user is a member of.
	Of(tx *store.Tx, user arn.ARN) ([]string, error)
}

// Tags is what connector asks of whoever keeps tags.
type Tags interface {
	// Put gives tags to a connector that is just being made.
	Put(tx *store.Tx, arn string, tags []qs.Tag) error
	// Delete removes all tags of a connector that goes away.
	Delete(tx *store.Tx, arn string) error
}

// Folders is what connector asks of whoever keeps folders.
type Folders interface {
	// Leave takes a connector that is gone out of all folders.
	Leave(tx *store.Tx, connector string) error
	// Sharable refuses to share a connector that only its folder may share.
	Sharable(tx *store.Tx, connector string) error
	// Reached takes what principals hold because they hold a folder above it.
	Reached(as resource.Hold, principals ...string) resource.Filter
}

// VPCConnections is what connector asks of whoever keeps VPC connections.
type VPCConnections interface {
	// Allowed gives the ranges that may be reached through a VPC connection
	// although they are not public. A fault says why the connection can't be used.
	Allowed(tx *store.Tx, connection arn.ARN) ([]netip.Prefix, error)
	// Use is Allowed for a connector that goes through the connection from now
	// on: until the transaction has ended, nobody deletes the connection.
	Use(tx *store.Tx, connection arn.ARN) ([]netip.Prefix, error)
}

// noFolders is where there are none.
type noFolders struct{}

func (noFolders) Leave(*store.Tx, string) error    { return nil }
func (noFolders) Sharable(*store.Tx, string) error { return nil }

func (noFolders) Reached(resource.Hold, ...string) resource.Filter { return resource.Either() }

// Config is what a Service needs. Groups, Folders, VPCConnections and Checker
// may be nil: then users are in no groups, connectors in no folders, there are
// no VPC connections, and Structure checks new settings.
type Config struct {
	DB             *store.DB
	Jobs           *job.Runner
	Keys           *seal.Keyring
	Tokens         *page.Tokens
	Log            *slog.Logger
	Now            func() time.Time
	Accounts       Accounts
	Principals     resource.Principals
	Groups         Groups
	Tags           Tags
	Folders        Folders
	VPCConnections VPCConnections
	Checker        Checker
	// Endpoints says which URLs a connector may name.
	Endpoints Endpoints
	// ForeignRoles lets a connector assume IAM roles of other accounts.
	ForeignRoles bool
}

// Service answers the operations on action connectors.
type Service struct {
	db           *store.DB
	jobs         *job.Runner
	secrets      resource.Secrets
	tokens       *page.Tokens
	patience     time.Duration // see usualPatience
	log          *slog.Logger
	now          func() time.Time
	accounts     Accounts
	principals   resource.Principals
	groups       Groups
	tags         Tags
	folders      Folders
	connections  VPCConnections
	checker      Checker
	endpoints    Endpoints
	foreignRoles bool
	// changed and gone are others' business with a connector; see Also.
	changed, gone func(tx *store.Tx, l *Live) error
	// offer tells what a connector offers; see Offering.
	offer func(tx *store.Tx, l *Live) ([]string, bool, error)
}

// New makes a Service and tells the job runner what it does.
func New(c Config) *Service {
	s := &Service{
		db: c.DB, jobs: c.Jobs, secrets: resource.Secrets{Keys: c.Keys}, tokens: c.Tokens, patience: usualPatience, log: c.Log, now: c.Now,
		accounts: c.Accounts, principals: c.Principals, groups: c.Groups, tags: c.Tags, folders: c.Folders, connections: c.VPCConnections,
		checker: c.Checker, endpoints: c.Endpoints, foreignRoles: c.ForeignRoles,
	}
	if s.folders == nil {
		s.folders = noFolders{}
	}
	if s.checker == nil {
		s.checker = Structure{Endpoints: c.Endpoints}
	}
	c.Jobs.Handle(jobVerify, s.verify)
	return s
}

// Routes are the operations that this package answers.
func (s *Service) Routes() []api.Route {
	return []api.Route{
		api.Doing(api.Handle(qs.CreateActionConnector, s.creating, s.createActionConnector), making),
		does(s, api.Handle(qs.DescribeActionConnector, s.describing, s.describeActionConnector),
			func(in *qs.DescribeActionConnectorRequest) (string, string) {
				return in.AwsAccountId, in.ActionConnectorId
			}),
		does(s, api.Handle(qs.UpdateActionConnector, s.updating, s.updateActionConnector),
			func(in *qs.UpdateActionConnectorRequest) (string, string) {
				return in.AwsAccountId, in.ActionConnectorId
			}),
		does(s, api.Handle(qs.DeleteActionConnector, s.deleting, s.deleteActionConnector),
			func(in *qs.DeleteActionConnectorRequest) (string, string) {
				return in.AwsAccountId, in.ActionConnectorId
			}),
		api.Handle(qs.ListActionConnectors, s.listing, s.listActionConnectors),
		api.Handle(qs.SearchActionConnectors, s.searching, s.searchActionConnectors),
		does(s, api.Handle(qs.DescribeActionConnectorPermissions, s.describingPermissions, s.describeActionConnectorPermissions),
			func(in *qs.DescribeActionConnectorPermissionsRequest) (string, string) {
				return in.AwsAccountId, in.ActionConnectorId
			}),
		does(s, api.Handle(qs.UpdateActionConnectorPermissions, s.updatingPermissions, s.updateActionConnectorPermissions),
			func(in *qs.UpdateActionConnectorPermissionsRequest) (string, string) {
				return in.AwsAccountId, in.ActionConnectorId
			}),
	}
}

// Exists says whether the connector of an ARN is there.
func (s *Service) Exists(tx *store.Tx, a arn.ARN) (bool, error) {
	_, id := a.Split()
	k := resource.Key{Account: a.Account, Region: a.Region, ID: id}
	if connectors.ARN(k) != a.String() { // of another partition
		return false, nil
	}
	return connectors.Has(tx, k)
}

// Statuses of a connector.
const (
	creating     = string(qs.ResourceStatusCreationInProgress)
	created      = string(qs.ResourceStatusCreationSuccessful)
	notCreated   = string(qs.ResourceStatusCreationFailed)
	updating     = string(qs.ResourceStatusUpdateInProgress)
	updated      = string(qs.ResourceStatusUpdateSuccessful)
	notUpdated   = string(qs.ResourceStatusUpdateFailed)
	actionPrefix = "quicksight:"
)

// connectors is the kind of resource. A connector can be changed and deleted
// whenever no job is at work on it, also after a failure: that is how it is mended.
var connectors = resource.Kind[document]{
	Name: "action-connector", Label: "Action connector",
	States: resource.States{
		"":         {creating},
		creating:   {created, notCreated},
		created:    {updating, resource.Gone},
		notCreated: {updating, resource.Gone},
		updating:   {updated, notUpdated},
		updated:    {updating, resource.Gone},
		notUpdated: {updating, resource.Gone},
	},
	Sharing: resource.Sharing{
		Owner: actionPrefix + "UpdateActionConnectorPermissions", Viewer: actionPrefix + "DescribeActionConnector",
		Principals: []string{"user", "group"},
		Actions: []string{
			actionPrefix + "DescribeActionConnector", actionPrefix + "UpdateActionConnector", actionPrefix + "DeleteActionConnector",
			actionPrefix + "DescribeActionConnectorPermissions", actionPrefix + "UpdateActionConnectorPermissions",
			actionPrefix + "ListActionConnectors",
			// No reference knows these two, but programs in use grant them.
			actionPrefix + "InvokeActionConnector", actionPrefix + "ListActionConnectorActions",
		},
	},
}

type item = resource.Item[document]

func key(ctx context.Context, account, id string) resource.Key {
	return resource.Key{Account: account, Region: api.Region(ctx), ID: id}
}

// onConnector is the target of an operation on one connector, or on all when
// the id is a wildcard.
func onConnector(ctx context.Context, account, id string) policy.Target {
	return policy.Target{Resource: connectors.ARN(key(ctx, account, id))}
}

// subscribed says whether the account is.
func (s *Service) subscribed(tx *store.Tx, account string) (bool, error) {
	err := s.accounts.Subscribed(tx, account)
	if f, ok := errors.AsType[*fault.Fault](err); ok && f.Code == "UnsupportedUserEditionException" {
		return false, nil
	}
	return err == nil, err
}
