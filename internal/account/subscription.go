package account

import (
	"context"
	"errors"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/store"
)

// States of a subscription, as DescribeAccountSubscription reports them.
const (
	signingUp     = "SIGNUP_ATTEMPT_IN_PROGRESS"
	created       = "ACCOUNT_CREATED"
	unsubscribing = "UNSUBSCRIBE_IN_PROGRESS"
	unsubscribed  = "UNSUBSCRIBED"
)

// defaultNamespace is the namespace that every account has.
const defaultNamespace = "default"

// subscription is a row of the table subscriptions.
type subscription struct {
	Account               string  `db:"account"`
	Name                  string  `db:"name"`
	NameKey               *string `db:"name_key"`
	Edition               string  `db:"edition"`
	AuthenticationMethod  string  `db:"authentication_method"`
	Region                string  `db:"region"`
	Status                string  `db:"status"`
	NotificationEmail     string  `db:"notification_email"`
	DefaultNamespace      string  `db:"default_namespace"`
	TerminationProtection bool    `db:"termination_protection"`
	PublicSharing         bool    `db:"public_sharing"`
	Contact               string  `db:"contact"`
	Directory             string  `db:"directory"`
	Subscriber            string  `db:"subscriber"`
	CreatedUS             int64   `db:"created_us"`
	UpdatedUS             int64   `db:"updated_us"`
}

const subscriptionColumns = `account, name, name_key, edition, authentication_method, region, status,
	notification_email, default_namespace, termination_protection, public_sharing, contact, directory,
	subscriber, created_us, updated_us`

// contact is whom the vendor may call; required for ENTERPRISE_AND_Q.
type contact struct {
	FirstName     string `json:"firstName,omitempty"`
	LastName      string `json:"lastName,omitempty"`
	EmailAddress  string `json:"emailAddress,omitempty"`
	ContactNumber string `json:"contactNumber,omitempty"`
}

// directory is where the account's people come from, with the groups that have
// each role.
type directory struct {
	ActiveDirectoryName string              `json:"activeDirectoryName,omitempty"`
	Realm               string              `json:"realm,omitempty"`
	DirectoryID         string              `json:"directoryId,omitempty"`
	InstanceARN         string              `json:"instanceArn,omitempty"`
	Groups              map[string][]string `json:"groups,omitempty"`
}

// find reads an account's subscription in whatever state; store.ErrNotFound
// when the account has never subscribed.
func find(tx *store.Tx, account string) (subscription, error) {
	return store.One[subscription](tx, `SELECT `+subscriptionColumns+` FROM subscriptions WHERE account = $1`, account)
}

// notSignedUp is the answer of operations on an account that has no
// subscription, where no namespace is at stake.
func notSignedUp(account string) error {
	return fault.NotFound("", "Account information for account %s is not found: the account is not signed up with QuickSight.", account)
}

// openAnywhere is the gate of operations on the account that answer in every
// region.
func openAnywhere(tx *store.Tx, account string) (subscription, error) {
	s, err := find(tx, account)
	if errors.Is(err, store.ErrNotFound) || err == nil && s.Status != created {
		return s, notSignedUp(account)
	}
	if err != nil {
		return s, err
	}
	return s, enterprise(s.Edition)
}

// open is the gate of operations on the account as a whole: it must be
// subscribed, called in its identity region, and of an edition that has them.
func open(ctx context.Context, tx *store.Tx, account string) (subscription, error) {
	s, err := find(tx, account)
	if errors.Is(err, store.ErrNotFound) || err == nil && s.Status != created {
		return s, notSignedUp(account)
	}
	if err != nil {
		return s, err
	}
	return s, admit(ctx, s.Region, s.Edition)
}

// admit checks region and edition, in the words that published clients parse.
func admit(ctx context.Context, identityRegion, edition string) error {
	if region := api.Region(ctx); region != identityRegion {
		return fault.Denied("Operation is being called from endpoint %s, but your identity region is %s. Please use the %[2]s endpoint.",
			region, identityRegion)
	}
	return enterprise(edition)
}

// enterprise refuses the edition that has next to nothing of this API.
func enterprise(edition string) error {
	if edition == "STANDARD" {
		return fault.Denied("Operation is disabled for STANDARD Edition. ")
	}
	return nil
}
