package governance

import (
	"context"
	"errors"
	"time"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

// Accounts is what governance asks of whoever keeps subscriptions.
type Accounts interface {
	// Open refuses a call that the state of the account, its region or its
	// edition does not allow, and gives the account's identity region.
	Open(ctx context.Context, tx *store.Tx, account string) (region string, err error)
	// Enter does the same for a call about a namespace, which must be there.
	Enter(ctx context.Context, tx *store.Tx, account, namespace string) error
}

// A Person is a user as governance sees one.
type Person struct {
	// ARN has the account's identity region.
	ARN, Namespace, Name, Email string
	// Role is a qs.UserRole.
	Role string
}

// People is what governance asks of whoever keeps users and groups.
type People interface {
	// Exists says whether the user or the group of an ARN is there.
	Exists(tx *store.Tx, principal arn.ARN) (bool, error)
	// Groups gives the ARNs of the groups that a user is a member of.
	Groups(tx *store.Tx, user arn.ARN) ([]string, error)
	// Person reads a user; store.ErrNotFound where there is none of the name.
	Person(tx *store.Tx, region, account, namespace, name string) (Person, error)
	// Persons reads up to limit users by namespace and name, from what comes
	// after the two given; of one namespace only, where it is not empty.
	Persons(tx *store.Tx, region, account, only, namespace, name string, limit int) ([]Person, error)
}

// Tags is what governance asks of whoever keeps tags.
type Tags interface {
	// Put gives tags to a resource that is just being made.
	Put(tx *store.Tx, arn string, tags []qs.Tag) error
	// Delete removes all tags of a resource that goes away.
	Delete(tx *store.Tx, arn string) error
}

// Config is what a Service needs.
type Config struct {
	DB       *store.DB
	Tokens   *page.Tokens
	Now      func() time.Time
	Accounts Accounts
	People   People
	Tags     Tags
}

// Service answers the operations on limits profiles, data loss prevention,
// approval policies and the capacity of the index.
type Service struct {
	db       *store.DB
	tokens   *page.Tokens
	now      func() time.Time
	accounts Accounts
	people   People
	tags     Tags
}

// New makes a Service.
func New(c Config) *Service {
	return &Service{db: c.DB, tokens: c.Tokens, now: c.Now, accounts: c.Accounts, people: c.People, tags: c.Tags}
}

// Routes are the operations that this package answers.
func (s *Service) Routes() []api.Route {
	return []api.Route{
		api.Handle(qs.CreateLimitsProfile, s.creatingProfile, s.createLimitsProfile),
		api.Handle(qs.DescribeLimitsProfile, s.describingProfile, s.describeLimitsProfile),
		api.Handle(qs.UpdateLimitsProfile, s.updatingProfile, s.updateLimitsProfile),
		api.Handle(qs.DeleteLimitsProfile, s.deletingProfile, s.deleteLimitsProfile),
		api.Handle(qs.ListLimitsProfiles, s.listingProfiles, s.listLimitsProfiles),
		api.Handle(qs.BatchDescribeUserLimits, s.describingLimits, s.batchDescribeUserLimits),
		api.Handle(onsightapi.AssignLimitsProfile, s.assigningProfile, s.assignLimitsProfile),
		api.Handle(onsightapi.UnassignLimitsProfile, s.unassigningProfile, s.unassignLimitsProfile),
		api.Handle(onsightapi.ListLimitsProfileAssignments, s.listingAssignments, s.listLimitsProfileAssignments),

		api.Handle(qs.CreateDlpSetting, s.creatingSetting, s.createDlpSetting),
		api.Handle(qs.DescribeDlpSetting, s.describingSetting, s.describeDlpSetting),
		api.Handle(qs.UpdateDlpSetting, s.updatingSetting, s.updateDlpSetting),
		api.Handle(qs.DeleteDlpSetting, s.deletingSetting, s.deleteDlpSetting),
		api.Handle(qs.ListDlpSettings, s.listingSettings, s.listDlpSettings),

		api.Handle(qs.CreateApprovalPolicy, s.creatingPolicy, s.createApprovalPolicy),
		api.Handle(qs.DescribeApprovalPolicy, s.describingPolicy, s.describeApprovalPolicy),
		api.Handle(qs.UpdateApprovalPolicy, s.updatingPolicy, s.updateApprovalPolicy),
		api.Handle(qs.DeleteApprovalPolicy, s.deletingPolicy, s.deleteApprovalPolicy),
		api.Handle(qs.ListApprovalPolicies, s.listingPolicies, s.listApprovalPolicies),

		api.Handle(qs.ListUsersIndexCapacity, s.listingCapacity, s.listUsersIndexCapacity),
	}
}

// Forgetting gives what is told that a user or a group is gone: no profile is
// assigned to it any more, and no approval policy names it. A policy that is
// left without a group that approves stays: nothing is approved until it has one.
func Forgetting(now func() time.Time) func(tx *store.Tx, principal string) error {
	return func(tx *store.Tx, principal string) error {
		a, err := arn.Parse(principal)
		if err != nil {
			return err
		}
		kind, _ := a.Split()
		if kind != "user" && kind != "group" {
			return nil
		}
		if _, err := tx.Exec(`DELETE FROM limits_assignments WHERE account = $1 AND kind = $2 AND target = $3`, a.Account, kind, principal); err != nil {
			return err
		}
		if kind == "user" {
			return nil
		}
		return forgetGroup(tx, a, now())
	}
}

// Purge removes the assignments and client tokens of an account. The rest are
// resources, and go with these.
func (s *Service) Purge(ctx context.Context, account string) error {
	const batch = 2000
	for _, deletion := range []string{
		`DELETE FROM limits_assignments WHERE (account, kind, target) IN
			(SELECT account, kind, target FROM limits_assignments WHERE account = $1 ORDER BY kind, target LIMIT $2)`,
		`DELETE FROM limits_tokens WHERE (account, token) IN
			(SELECT account, token FROM limits_tokens WHERE account = $1 ORDER BY token LIMIT $2)`,
	} {
		for gone := int64(batch); gone == batch; {
			err := s.db.Write(ctx, func(tx *store.Tx) (err error) {
				gone, err = tx.Exec(deletion, account, batch)
				return err
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// open is the gate of all operations here: what they are about belongs to the
// account as a whole, in its identity region. An operation that declares no
// ResourceNotFoundException says the same as an AccessDeniedException.
func (s *Service) open(ctx context.Context, tx *store.Tx, account string) error {
	_, err := s.accounts.Open(ctx, tx, account)
	f, ok := errors.AsType[*fault.Fault](err)
	if op := api.Operation(ctx); ok && op != nil && f.Code == "ResourceNotFoundException" && !op.Declares(f.Code) {
		return fault.Denied("%s", f.Message)
	}
	return err
}

func key(ctx context.Context, account, id string) resource.Key {
	return resource.Key{Account: account, Region: api.Region(ctx), ID: id}
}

// on is the target of an operation on one resource of a kind, or on all when
// the id is a wildcard. Not every path holds the account.
func on[T any](ctx context.Context, kind resource.Kind[T], account, id string) policy.Target {
	return policy.Target{Account: account, Resource: kind.ARN(key(ctx, account, id))}
}

// has says whether the resource of an ARN is there.
func has[T any](tx *store.Tx, kind resource.Kind[T], a arn.ARN) (bool, error) {
	_, id := a.Split()
	k := resource.Key{Account: a.Account, Region: a.Region, ID: id}
	if kind.ARN(k) != a.String() { // of another partition
		return false, nil
	}
	return kind.Has(tx, k)
}

// SettingExists says whether the DLP setting of an ARN is there.
func (s *Service) SettingExists(tx *store.Tx, a arn.ARN) (bool, error) { return has(tx, settings, a) }

// create adds a resource, unless there are as many of its kind as there may be.
func create[T any](tx *store.Tx, kind resource.Kind[T], it *resource.Item[T], most int64, now time.Time) error {
	n, err := kind.Count(tx, it.Account, it.Region)
	if err != nil {
		return err
	}
	taken, err := kind.Has(tx, it.Key)
	if err != nil {
		return err
	}
	if n >= most && !taken {
		return fault.Limit("", "Account %s has %d of the kind %s already, which is the limit.", it.Account, n, kind.Name)
	}
	return kind.Create(tx, it, now)
}

// conflicting makes a ConflictException of a ResourceExistsException, for the
// operations that do not declare the latter.
func conflicting(err error) error {
	if f, ok := errors.AsType[*fault.Fault](err); ok && f.Code == "ResourceExistsException" {
		return fault.Conflict("%s", f.Message)
	}
	return err
}

// list reads one page of the resources of a kind that take takes, by id, and
// makes the token of the next one.
func list[T any](ctx context.Context, s *Service, kind resource.Kind[T], account string, asked page.Page,
	take func(*resource.Item[T]) bool,
) (found []*resource.Item[T], next *string, err error) {
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		found, next = nil, nil
		if err := s.open(ctx, tx, account); err != nil {
			return err
		}
		for after, more := asked.After(0), true; more; {
			items, err := kind.List(tx, account, api.Region(ctx), resource.Filter{}, after, asked.Limit+1)
			if err != nil {
				return err
			}
			for _, it := range items {
				after = it.ID
				if !take(it) {
					continue
				}
				if len(found) == asked.Limit {
					next = asked.Next(found[asked.Limit-1].ID)
					return nil
				}
				found = append(found, it)
			}
			more = len(items) > asked.Limit
		}
		return nil
	})
	return found, next, err
}

func all[T any](*resource.Item[T]) bool { return true }
