package account

import (
	"context"
	"time"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/job"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// People is what account asks of whoever keeps users and role memberships.
type People interface {
	// AddSubscriber makes the principal that signed an account up its first
	// administrator, in the namespace given.
	AddSubscriber(tx *store.Tx, account, namespace, directoryID, email string, who api.Principal) error
	// GrantRole gives a role to the members of groups of the account's directory.
	GrantRole(tx *store.Tx, account, namespace, role string, groups []string) error
}

// A Purge removes what a domain keeps of an account that unsubscribes. It may
// run more than once, and does its work in transactions of bounded size.
type Purge func(ctx context.Context, account string) error

// Config is what a Service needs.
type Config struct {
	DB     *store.DB
	Jobs   *job.Runner
	Now    func() time.Time
	People People
	// Purges run when an account unsubscribes, in this order.
	Purges []Purge
	// Standard lets accounts subscribe to the STANDARD edition, which the API
	// knows but no longer offers.
	Standard bool
}

// Service answers the operations on subscriptions and settings.
type Service struct {
	db       *store.DB
	jobs     *job.Runner
	now      func() time.Time
	people   People
	purges   []Purge
	standard bool
}

// New makes a Service and tells the job runner what it does.
func New(c Config) *Service {
	s := &Service{db: c.DB, jobs: c.Jobs, now: c.Now, people: c.People, purges: c.Purges, standard: c.Standard}
	c.Jobs.Handle(jobSubscribe, s.subscribe)
	c.Jobs.Handle(jobUnsubscribe, s.unsubscribe)
	return s
}

// Routes are the operations that this package answers.
func (s *Service) Routes() []api.Route {
	return []api.Route{
		api.Handle(qs.CreateAccountSubscription, s.creating, s.createAccountSubscription),
		api.Handle(qs.DescribeAccountSubscription, s.describingSubscription, s.describeAccountSubscription),
		api.Handle(qs.DeleteAccountSubscription, s.deleting, s.deleteAccountSubscription),
		api.Handle(qs.DescribeAccountSettings, s.describingSettings, s.describeAccountSettings),
		api.Handle(qs.UpdateAccountSettings, s.updatingSettings, s.updateAccountSettings),
	}
}

// onAccount is the target of operations on the account as a whole.
func onAccount(ctx context.Context, account string) policy.Target {
	return policy.Target{Resource: arn.QuickSight(api.Region(ctx), account, "account/"+account)}
}
