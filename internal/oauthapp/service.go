package oauthapp

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
	"onsight/internal/onsightapi"
	"onsight/internal/outbound"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/seal"
	"onsight/internal/store"
)

// Accounts is what oauthapp asks of whoever keeps subscriptions.
type Accounts interface {
	// Subscribed answers UnsupportedUserEditionException for an account that is
	// not subscribed.
	Subscribed(tx *store.Tx, account string) error
}

// Tags is what oauthapp asks of whoever keeps tags.
type Tags interface {
	// Put gives tags to an application that is just being made.
	Put(tx *store.Tx, arn string, tags []qs.Tag) error
	// Delete removes all tags of an application that goes away.
	Delete(tx *store.Tx, arn string) error
}

// Networks is what oauthapp asks of whoever keeps VPC connections.
type Networks interface {
	// Use gives the ranges that may be reached through a VPC connection although
	// they are not public. Until the transaction has ended, nobody deletes the
	// connection. A fault says why it can't be used.
	Use(tx *store.Tx, connection arn.ARN) ([]netip.Prefix, error)
	// Profile says how what uses a VPC connection leaves the house.
	Profile(tx *store.Tx, connection string) (outbound.Profile, error)
	// Default says how everything else does.
	Default() outbound.Profile
}

// Config is what a Service needs.
type Config struct {
	DB       *store.DB
	Jobs     *job.Runner
	Keys     *seal.Keyring
	Tokens   *page.Tokens
	Log      *slog.Logger
	Now      func() time.Time
	Accounts Accounts
	Tags     Tags
	Networks Networks
	Clients  *outbound.Clients
}

// Service answers the operations on OAuth client applications.
type Service struct {
	db       *store.DB
	secrets  resource.Secrets
	tokens   *page.Tokens
	log      *slog.Logger
	now      func() time.Time
	accounts Accounts
	tags     Tags
	networks Networks
	clients  *outbound.Clients
}

// New makes a Service and tells the job runner what it does.
func New(c Config) *Service {
	s := &Service{
		db: c.DB, secrets: resource.Secrets{Keys: c.Keys}, tokens: c.Tokens, log: c.Log, now: c.Now,
		accounts: c.Accounts, tags: c.Tags, networks: c.Networks, clients: c.Clients,
	}
	c.Jobs.Handle(jobCheck, s.check)
	return s
}

// Routes are the operations that this package answers.
func (s *Service) Routes() []api.Route {
	return []api.Route{
		api.Handle(qs.CreateOAuthClientApplication, s.creating, s.createOAuthClientApplication),
		api.Handle(qs.DescribeOAuthClientApplication, s.describing, s.describeOAuthClientApplication),
		api.Handle(qs.UpdateOAuthClientApplication, s.updating, s.updateOAuthClientApplication),
		api.Handle(qs.DeleteOAuthClientApplication, s.deleting, s.deleteOAuthClientApplication),
		api.Handle(qs.ListOAuthClientApplications, s.listing, s.listOAuthClientApplications),
		api.Handle(onsightapi.GetOAuthClientApplicationStatus, s.gettingStatus, s.getOAuthClientApplicationStatus),
	}
}

// Statuses of an application.
const (
	creating   = string(qs.ResourceStatusCreationInProgress)
	created    = string(qs.ResourceStatusCreationSuccessful)
	notCreated = string(qs.ResourceStatusCreationFailed)
	updating   = string(qs.ResourceStatusUpdateInProgress)
	updated    = string(qs.ResourceStatusUpdateSuccessful)
	notUpdated = string(qs.ResourceStatusUpdateFailed)
)

// applications is the kind of resource. Callers never see the status, so none
// keeps them from a change: a newer one overtakes the check of the one before.
var applications = resource.Kind[document]{
	Name: "oauthClientApplication", Label: "OAuth client application",
	States: resource.States{
		"":         {creating},
		creating:   {created, notCreated, updating, resource.Gone},
		created:    {updating, resource.Gone},
		notCreated: {updating, resource.Gone},
		updating:   {updated, notUpdated, resource.Gone},
		updated:    {updating, resource.Gone},
		notUpdated: {updating, resource.Gone},
	},
}

type item = resource.Item[document]

func key(ctx context.Context, account, id string) resource.Key {
	return resource.Key{Account: account, Region: api.Region(ctx), ID: id}
}

// onApplication is the target of an operation on one application, or on all
// when the id is a wildcard.
func onApplication(ctx context.Context, account, id string) policy.Target {
	return policy.Target{Resource: applications.ARN(key(ctx, account, id))}
}

// subscribed refuses an account that is not, with the one error that all five
// operations declare for it.
func (s *Service) subscribed(tx *store.Tx, account string) error {
	err := s.accounts.Subscribed(tx, account)
	if f, ok := errors.AsType[*fault.Fault](err); ok && f.Code == "UnsupportedUserEditionException" {
		return fault.NotFound("", "%s", f.Message)
	}
	return err
}

// Exists says whether the application of an ARN is there.
func (s *Service) Exists(tx *store.Tx, a arn.ARN) (bool, error) {
	_, id := a.Split()
	k := resource.Key{Account: a.Account, Region: a.Region, ID: id}
	if applications.ARN(k) != a.String() { // of another partition
		return false, nil
	}
	return applications.Has(tx, k)
}

// UsingVPCConnection gives the ARNs of applications that go through a VPC
// connection or are about to, in whichever region: a few of them at most.
func (s *Service) UsingVPCConnection(tx *store.Tx, connection string) ([]string, error) {
	a, err := arn.Parse(connection)
	if err != nil {
		return nil, err
	}
	return applications.Mentioning(tx, a.Account, "vpcConnectionArn", connection)
}
