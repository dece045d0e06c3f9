package account

import (
	"context"
	"errors"

	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/store"
)

// A Tenant is a subscribed account as an operation in one of its namespaces
// sees it.
type Tenant struct {
	// AuthenticationMethod is the one chosen at sign-up, such as IAM_AND_QUICKSIGHT.
	AuthenticationMethod string `db:"authentication_method"`
	// Region is the identity region, that of the sign-up.
	Region string `db:"region"`
	// DirectoryID is the namespace's directory: d- and ten hexadecimal digits.
	DirectoryID string `db:"directory_id"`
}

// Enter is the gate of operations in a namespace. The account must be
// subscribed, called in its identity region, of an edition that has them, and
// the namespace must be there: neither still being made nor being deleted
// (PreconditionNotMetException).
func (s *Service) Enter(ctx context.Context, tx *store.Tx, account, namespace string) (Tenant, error) {
	row, err := store.One[struct {
		Tenant
		Edition string  `db:"edition"`
		Status  string  `db:"status"`
		State   *string `db:"state"`
	}](tx, `SELECT s.authentication_method, s.region, COALESCE(n.directory_id, '') AS directory_id,
			s.edition, s.status, n.status AS state
		FROM subscriptions s LEFT JOIN namespaces n ON n.account = s.account AND n.name = $2
		WHERE s.account = $1`, account, namespace)
	switch {
	case errors.Is(err, store.ErrNotFound):
		return Tenant{}, noNamespace(account, namespace)
	case err != nil:
		return Tenant{}, err
	case row.Status != created:
		return Tenant{}, noNamespace(account, namespace)
	}
	if err := admit(ctx, row.Region, row.Edition); err != nil {
		return Tenant{}, err
	}
	if row.State == nil {
		return Tenant{}, noNamespace(account, namespace)
	}
	if *row.State != namespaceCreated {
		return Tenant{}, unusable(account, namespace, *row.State)
	}
	return row.Tenant, nil
}

// Open is the gate of operations on the account as a whole. It gives the
// account's identity region.
func (s *Service) Open(ctx context.Context, tx *store.Tx, account string) (region string, err error) {
	row, err := open(ctx, tx, account)
	return row.Region, err
}

// IdentityRegion gives the region in which an account signed up, which all of
// its identities have in their ARNs; empty for one that is not subscribed.
func (s *Service) IdentityRegion(tx *store.Tx, account string) (string, error) {
	region, err := store.One[string](tx, `SELECT region FROM subscriptions WHERE account = $1 AND status = $2`, account, created)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	return region, err
}

// NamespaceExists tells whether the namespace of an ARN is there.
func (s *Service) NamespaceExists(tx *store.Tx, a arn.ARN) (bool, error) {
	_, name := a.Split()
	region, err := store.One[string](tx, `SELECT s.region FROM namespaces n JOIN subscriptions s ON s.account = n.account
		WHERE n.account = $1 AND n.name = $2`, a.Account, name)
	if errors.Is(err, store.ErrNotFound) {
		return false, nil
	}
	return region == a.Region, err
}

// Subscribed is the gate of operations on assets, which may be in any region.
func (s *Service) Subscribed(tx *store.Tx, account string) error {
	status, err := store.One[string](tx, `SELECT status FROM subscriptions WHERE account = $1`, account)
	if errors.Is(err, store.ErrNotFound) || err == nil && status != created {
		return fault.UnsupportedEdition("Account %s is not subscribed for QuickSight", account)
	}
	return err
}

// noNamespace is one answer for an account without a subscription and for a
// namespace that is not there: the real service looks both up as one.
func noNamespace(account, namespace string) error {
	return fault.NotFound("", "Account %s is not signed up with QuickSight with namespace %s. AWS account ID: %[1]s, Namespace: %[2]s.",
		account, namespace)
}
