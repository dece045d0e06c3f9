package iam

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"onsight/internal/api"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/seal"
	"onsight/internal/store"
)

// Quotas are how many of each there may be; a zero stands for IAM's default.
type Quotas struct {
	Users, Groups, Roles, Policies int // in an account
	GroupsPerUser                  int
	AccessKeysPerUser              int
	AttachedPolicies               int // managed policies attached to a user, group or role
	PolicyVersions                 int // of a managed policy
	TrustPolicy                    int // characters of a role's trust policy, white space not counted
}

// or gives the quotas with defaults in place of zeros.
func (q Quotas) or(d Quotas) Quotas {
	return Quotas{
		Users: cmp.Or(q.Users, d.Users), Groups: cmp.Or(q.Groups, d.Groups),
		Roles: cmp.Or(q.Roles, d.Roles), Policies: cmp.Or(q.Policies, d.Policies),
		GroupsPerUser: cmp.Or(q.GroupsPerUser, d.GroupsPerUser), AccessKeysPerUser: cmp.Or(q.AccessKeysPerUser, d.AccessKeysPerUser),
		AttachedPolicies: cmp.Or(q.AttachedPolicies, d.AttachedPolicies), PolicyVersions: cmp.Or(q.PolicyVersions, d.PolicyVersions),
		TrustPolicy: cmp.Or(q.TrustPolicy, d.TrustPolicy),
	}
}

// defaults are the quotas of an account of AWS that has asked for no others.
var defaults = Quotas{
	Users: 5000, Groups: 300, Roles: 1000, Policies: 1500,
	GroupsPerUser: 10, AccessKeysPerUser: 2, AttachedPolicies: 10, PolicyVersions: 5, TrustPolicy: 2048,
}

// Config is what a Service needs. All but Quotas is required.
type Config struct {
	DB     *store.DB
	Keys   *seal.Keyring
	Tokens *page.Tokens
	Now    func() time.Time
	// Authorizer decides on what a call does beside its own action: tags on
	// something new, a name that an entity moves to.
	Authorizer api.Authorizer
	Quotas     Quotas
	// Changed is told of an account in which something has changed, once that
	// is durable; nil for nobody.
	Changed func(account string)
}

// Service answers the operations of IAM.
type Service struct {
	db         *store.DB
	keys       *seal.Keyring
	tokens     *page.Tokens
	now        func() time.Time
	authorizer api.Authorizer
	quotas     Quotas
	used       uses
	onChange   func(account string)
}

// New makes a Service.
func New(c Config) *Service {
	return &Service{db: c.DB, keys: c.Keys, tokens: c.Tokens, now: c.Now, authorizer: c.Authorizer, quotas: c.Quotas.or(defaults), onChange: c.Changed}
}

// Routes are the operations that this package answers.
func (s *Service) Routes() []api.Route {
	return slices.Concat(
		s.userRoutes(), s.groupRoutes(), s.roleRoutes(), s.accessKeyRoutes(), s.tagRoutes(), s.absentRoutes(),
		s.policyRoutes(), s.providerRoutes(), s.accountRoutes(), s.simulationRoutes(),
	)
}

// also asks whether the caller may do something more than the call's own action.
func (s *Service) also(ctx context.Context, action string, on policy.Target) error {
	return s.authorizer.Authorize(ctx, api.Caller(ctx), action, on)
}

// changed counts up the version of an account, in the transaction of every
// change to anything that IAM keeps of it.
func (s *Service) changed(tx *store.Tx, account string) error {
	_, err := tx.Exec(`INSERT INTO iam_accounts (account, version, users, groups, roles, policies) VALUES ($1, $2, 0, 0, 0, 0)
		ON CONFLICT (account) DO UPDATE SET version = iam_accounts.version + 1`, account, store.Micros(s.now()))
	if err == nil && s.onChange != nil {
		tx.AfterCommit(func() { s.onChange(account) })
	}
	return err
}

// Version counts the changes to what IAM keeps of an account; 0 before the
// first. It begins with the time of that, so that an account whose rows were
// all deleted does not have an earlier version again.
func (s *Service) Version(tx *store.Tx, account string) (int64, error) {
	return store.One[int64](tx, `SELECT COALESCE(MAX(version), 0) FROM iam_accounts WHERE account = $1`, account)
}

// A counted is a kind of entities whose number an account has a quota for: the
// column of iam_accounts.
type counted string

const (
	users    counted = "users"
	groups   counted = "groups"
	roles    counted = "roles"
	policies counted = "policies"
)

// made counts a new entity, after changed; LimitExceeded when it is one too many.
func (s *Service) made(tx *store.Tx, account string, what counted) error {
	quota := map[counted]int{users: s.quotas.Users, groups: s.quotas.Groups, roles: s.quotas.Roles, policies: s.quotas.Policies}[what]
	n, err := count(tx, account, what, 1)
	if err == nil && n > int64(quota) {
		err = limitExceeded("%sPerAccount: %d", quotaNames[what], quota)
	}
	return err
}

// quotaNames are the names in the answers to what is one too many.
var quotaNames = map[counted]string{users: "Users", groups: "Groups", roles: "Roles", policies: "Policies"}

// gone counts that an entity is there no longer, after changed.
func (s *Service) gone(tx *store.Tx, account string, what counted) error {
	_, err := count(tx, account, what, -1)
	return err
}

func count(tx *store.Tx, account string, what counted, by int) (int64, error) {
	n, err := store.One[int64](tx, fmt.Sprintf(`UPDATE iam_accounts SET %s = %[1]s + $2 WHERE account = $1 RETURNING %[1]s`, what), account, by)
	if err != nil {
		return 0, fmt.Errorf("count %s of %s: %w", what, account, err)
	}
	return n, nil
}
