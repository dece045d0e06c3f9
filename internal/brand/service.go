package brand

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// Accounts is what brand asks of whoever keeps subscriptions.
type Accounts interface {
	// Open refuses a call that the state of the account, its region or its
	// edition does not allow, and gives the account's identity region.
	Open(ctx context.Context, tx *store.Tx, account string) (region string, err error)
}

// Tags is what brand asks of whoever keeps tags.
type Tags interface {
	// Put gives tags to a brand that is just being made.
	Put(tx *store.Tx, arn string, tags []qs.Tag) error
	// Delete removes all tags of a brand that goes away.
	Delete(tx *store.Tx, arn string) error
}

// Config is what a Service needs. Fetcher may be nil: then images at addresses
// are kept as they were given, until a server with one does FetchPending.
type Config struct {
	DB       *store.DB
	Jobs     *job.Runner
	Tokens   *page.Tokens
	Log      *slog.Logger
	Now      func() time.Time
	Accounts Accounts
	Tags     Tags
	Fetcher  Fetcher
	// PublicURL is the address at which people reach this server, without a
	// slash at the end.
	PublicURL string
}

// Service answers the operations on brands, and serves their images.
type Service struct {
	db        *store.DB
	tokens    *page.Tokens
	log       *slog.Logger
	now       func() time.Time
	accounts  Accounts
	tags      Tags
	fetcher   Fetcher
	publicURL string
	basePath  string
	themes    themes
}

// New makes a Service and tells the job runner what it does.
func New(c Config) *Service {
	s := &Service{
		db: c.DB, tokens: c.Tokens, log: c.Log, now: c.Now, accounts: c.Accounts, tags: c.Tags, fetcher: c.Fetcher,
		publicURL: c.PublicURL, basePath: pathOf(c.PublicURL),
	}
	c.Jobs.Handle(jobFetch, s.fetch)
	return s
}

// Routes are the operations that this package answers.
func (s *Service) Routes() []api.Route {
	return []api.Route{
		api.Handle(qs.CreateBrand, s.creating, s.createBrand),
		api.Handle(qs.DescribeBrand, s.describing, s.describeBrand),
		api.Handle(qs.UpdateBrand, s.updating, s.updateBrand),
		api.Handle(qs.DeleteBrand, s.deleting, s.deleteBrand),
		api.Handle(qs.ListBrands, s.listing, s.listBrands),
		api.Handle(qs.DescribeBrandPublishedVersion, s.describingPublished, s.describeBrandPublishedVersion),
		api.Handle(qs.UpdateBrandPublishedVersion, s.publishing, s.updateBrandPublishedVersion),
		api.Handle(qs.DescribeBrandAssignment, s.describingAssignment, s.describeBrandAssignment),
		api.Handle(qs.UpdateBrandAssignment, s.assigning, s.updateBrandAssignment),
		api.Handle(qs.DeleteBrandAssignment, s.unassigning, s.deleteBrandAssignment),
	}
}

// Exists says whether the brand of an ARN is there.
func (s *Service) Exists(tx *store.Tx, a arn.ARN) (bool, error) {
	_, id := a.Split()
	k := resource.Key{Account: a.Account, Region: a.Region, ID: id}
	if brands.ARN(k) != a.String() { // of another partition
		return false, nil
	}
	return brands.Has(tx, k)
}

// Statuses of a brand and of its versions.
const (
	inProgress = string(qs.BrandStatusCreateInProgress)
	succeeded  = string(qs.BrandStatusCreateSucceeded)
	failed     = string(qs.BrandStatusCreateFailed)
)

// document is what the store keeps of a brand beside its common columns, its
// versions and its images.
type document struct {
	// Description is that of the newest version.
	Description string `json:"description,omitempty"`
	// Latest is the newest version, Published the published one, if any.
	Latest    string `json:"latest"`
	Published string `json:"published,omitempty"`
	// Versions is how many have been made.
	Versions int64 `json:"versions"`
}

// brands is the kind of resource. A brand whose first version failed is mended
// by another version.
var brands = resource.Kind[document]{
	Name: "brand", Label: "Brand",
	States: resource.States{
		"":         {inProgress, succeeded},
		inProgress: {succeeded, failed, resource.Gone},
		succeeded:  {resource.Gone},
		failed:     {succeeded, resource.Gone},
	},
}

type item = resource.Item[document]

func key(ctx context.Context, account, id string) resource.Key {
	return resource.Key{Account: account, Region: api.Region(ctx), ID: id}
}

// onBrand is the target of an operation on one brand, or on all when the id is
// a wildcard.
func onBrand(ctx context.Context, account, id string) policy.Target {
	return policy.Target{Resource: brands.ARN(key(ctx, account, id))}
}

// open is the gate of all operations here: brands belong to the account as a
// whole, in its identity region. An operation that declares no
// ResourceNotFoundException says the same as an AccessDeniedException.
func (s *Service) open(ctx context.Context, tx *store.Tx, account string) error {
	_, err := s.accounts.Open(ctx, tx, account)
	f, ok := errors.AsType[*fault.Fault](err)
	if op := api.Operation(ctx); ok && op != nil && f.Code == "ResourceNotFoundException" && !op.Declares(f.Code) {
		return fault.Denied("%s", f.Message)
	}
	return err
}
