package account

import (
	"cmp"
	"context"
	"log/slog"
	"time"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/job"
	"onsight/internal/page"
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

// A NamespacePurge removes what a domain keeps of a namespace that is being
// deleted. It may run more than once, does its work in transactions of bounded
// size, and asks Service.Leaving in each.
type NamespacePurge func(ctx context.Context, account, namespace string) error

// Tags is what account asks of whoever keeps tags.
type Tags interface {
	// Put gives tags to a resource that is just being made.
	Put(tx *store.Tx, arn string, tags []qs.Tag) error
	// Delete removes all tags of a resource that goes away.
	Delete(tx *store.Tx, arn string) error
}

// Config is what a Service needs.
type Config struct {
	DB     *store.DB
	Jobs   *job.Runner
	Log    *slog.Logger
	Now    func() time.Time
	Tokens *page.Tokens
	People People
	Tags   Tags
	// Authorizer decides on what a call does beside its own action: keys that
	// it registers or removes.
	Authorizer api.Authorizer
	// Departed are told the ARN of a namespace that is gone, so that nothing
	// outlives it: its tags, what was shared with it.
	Departed []func(tx *store.Tx, arn string) error
	// NamespaceQuota is how many namespaces an account has at most; 100 where it
	// is 0, as with the real service.
	NamespaceQuota int
	// Standard lets accounts subscribe to the STANDARD edition, which the API
	// knows but no longer offers.
	Standard bool
}

// Service answers the operations on subscriptions, settings and namespaces.
type Service struct {
	db              *store.DB
	jobs            *job.Runner
	log             *slog.Logger
	now             func() time.Time
	tokens          *page.Tokens
	people          People
	tags            Tags
	authorizer      api.Authorizer
	purges          []Purge
	namespacePurges []NamespacePurge
	departed        []func(tx *store.Tx, arn string) error
	namespaceQuota  int
	standard        bool
	addresses       addresses
}

// New makes a Service and tells the job runner what it does.
func New(c Config) *Service {
	s := &Service{
		db: c.DB, jobs: c.Jobs, log: c.Log, now: c.Now, tokens: c.Tokens, people: c.People, tags: c.Tags, authorizer: c.Authorizer,
		departed:       c.Departed,
		namespaceQuota: cmp.Or(c.NamespaceQuota, namespaceQuota), standard: c.Standard,
	}
	s.addresses.alone = c.DB.Dialect() == store.SQLite
	c.Jobs.Handle(jobSubscribe, s.subscribe)
	c.Jobs.Handle(jobUnsubscribe, s.unsubscribe)
	c.Jobs.Handle(jobCreateNamespace, s.makeNamespace)
	c.Jobs.Handle(jobDeleteNamespace, s.unmakeNamespace)
	return s
}

// OnPurge has purge called when an account unsubscribes, after those that came
// before. It is called before there are calls and jobs.
func (s *Service) OnPurge(purge Purge) { s.purges = append(s.purges, purge) }

// OnPurgeNamespace does the same for a namespace that is deleted.
func (s *Service) OnPurgeNamespace(purge NamespacePurge) {
	s.namespacePurges = append(s.namespacePurges, purge)
}

// Routes are the operations that this package answers.
func (s *Service) Routes() []api.Route {
	return []api.Route{
		api.Handle(qs.CreateAccountSubscription, s.creating, s.createAccountSubscription),
		api.Handle(qs.DescribeAccountSubscription, s.describingSubscription, s.describeAccountSubscription),
		api.Handle(qs.DeleteAccountSubscription, s.deleting, s.deleteAccountSubscription),
		api.Handle(qs.DescribeAccountSettings, s.describingSettings, s.describeAccountSettings),
		api.Handle(qs.UpdateAccountSettings, s.updatingSettings, s.updateAccountSettings),

		api.Handle(qs.CreateNamespace, s.creatingNamespace, s.createNamespace),
		api.Handle(qs.DescribeNamespace, s.describingNamespace, s.describeNamespace),
		api.Handle(qs.ListNamespaces, s.listingNamespaces, s.listNamespaces),
		api.Handle(qs.DeleteNamespace, s.deletingNamespace, s.deleteNamespace),

		api.Handle(qs.CreateAccountCustomization, s.creatingCustomization, s.createAccountCustomization),
		api.Handle(qs.DescribeAccountCustomization, s.describingCustomization, s.describeAccountCustomization),
		api.Handle(qs.UpdateAccountCustomization, s.updatingCustomization, s.updateAccountCustomization),
		api.Handle(qs.DeleteAccountCustomization, s.deletingCustomization, s.deleteAccountCustomization),

		api.Handle(qs.UpdatePublicSharingSettings, onAll[qs.UpdatePublicSharingSettingsRequest], s.updatePublicSharingSettings),
		api.Handle(qs.DescribeIpRestriction, onAll[qs.DescribeIpRestrictionRequest], s.describeIPRestriction),
		api.Handle(qs.UpdateIpRestriction, onAll[qs.UpdateIpRestrictionRequest], s.updateIPRestriction),
		api.Handle(qs.DescribeKeyRegistration, onAll[qs.DescribeKeyRegistrationRequest], s.describeKeyRegistration),
		api.Handle(qs.UpdateKeyRegistration, onAll[qs.UpdateKeyRegistrationRequest], s.updateKeyRegistration),
		api.Handle(qs.UpdateSPICECapacityConfiguration, onAll[qs.UpdateSPICECapacityConfigurationRequest], s.updateSPICECapacityConfiguration),
		api.Handle(qs.DescribeQPersonalizationConfiguration, onAll[qs.DescribeQPersonalizationConfigurationRequest], s.describeQPersonalizationConfiguration),
		api.Handle(qs.UpdateQPersonalizationConfiguration, onAll[qs.UpdateQPersonalizationConfigurationRequest], s.updateQPersonalizationConfiguration),
		api.Handle(qs.DescribeQuickSightQSearchConfiguration, onAll[qs.DescribeQuickSightQSearchConfigurationRequest], s.describeQSearchConfiguration),
		api.Handle(qs.UpdateQuickSightQSearchConfiguration, onAll[qs.UpdateQuickSightQSearchConfigurationRequest], s.updateQSearchConfiguration),
		api.Handle(qs.DescribeDashboardsQAConfiguration, onAll[qs.DescribeDashboardsQAConfigurationRequest], s.describeDashboardsQAConfiguration),
		api.Handle(qs.UpdateDashboardsQAConfiguration, onAll[qs.UpdateDashboardsQAConfigurationRequest], s.updateDashboardsQAConfiguration),
		api.Handle(qs.DescribeDefaultQBusinessApplication, onAll[qs.DescribeDefaultQBusinessApplicationRequest], s.describeDefaultQBusinessApplication),
		api.Handle(qs.UpdateDefaultQBusinessApplication, onAll[qs.UpdateDefaultQBusinessApplicationRequest], s.updateDefaultQBusinessApplication),
		api.Handle(qs.DeleteDefaultQBusinessApplication, onAll[qs.DeleteDefaultQBusinessApplicationRequest], s.deleteDefaultQBusinessApplication),
		api.Handle(qs.ListIdentityPropagationConfigs, onAll[qs.ListIdentityPropagationConfigsRequest], s.listIdentityPropagationConfigs),
		api.Handle(qs.UpdateIdentityPropagationConfig, onAll[qs.UpdateIdentityPropagationConfigRequest], s.updateIdentityPropagationConfig),
		api.Handle(qs.DeleteIdentityPropagationConfig, onAll[qs.DeleteIdentityPropagationConfigRequest], s.deleteIdentityPropagationConfig),
		api.Handle(qs.UpdateApplicationWithTokenExchangeGrant, onAll[qs.UpdateApplicationWithTokenExchangeGrantRequest], s.updateApplicationWithTokenExchangeGrant),
	}
}

// onAccount is the target of operations on the account as a whole.
func onAccount(ctx context.Context, account string) policy.Target {
	return policy.Target{Resource: arn.QuickSight(api.Region(ctx), account, "account/"+account)}
}

// onAll is the target of operations whose action knows no resource type.
func onAll[In any](context.Context, *In) policy.Target { return policy.Target{Resource: "*"} }
