package account

import (
	"context"
	"errors"

	"onsight/internal/api"
	"onsight/internal/arn"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// namespace is a row of the table namespaces.
type namespace struct {
	Account       string  `db:"account"`
	Name          string  `db:"name"`
	Region        string  `db:"region"`
	Status        string  `db:"status"`
	IdentityStore string  `db:"identity_store"`
	DirectoryID   string  `db:"directory_id"`
	CreatedUS     int64   `db:"created_us"`
	ErrorType     *string `db:"error_type"`
	ErrorMessage  *string `db:"error_message"`
}

const namespaceColumns = `account, name, region, status, identity_store, directory_id, created_us, error_type, error_message`

// States of a namespace, as DescribeNamespace reports them.
const (
	namespaceCreated  = string(qs.NamespaceStatusCreated)
	namespaceCreating = string(qs.NamespaceStatusCreating)
	namespaceDeleting = string(qs.NamespaceStatusDeleting)
	namespaceFailed   = string(qs.NamespaceStatusRetryableFailure)
)

// api gives the namespace as the API shows it.
func (n *namespace) api(instance *string) qs.NamespaceInfoV2 {
	out := qs.NamespaceInfoV2{
		Arn: new(namespaceARN(n.Region, n.Account, n.Name)), Name: &n.Name, CapacityRegion: &n.Region,
		CreationStatus: new(qs.NamespaceStatus(n.Status)), IdentityStore: new(qs.IdentityStore(n.IdentityStore)),
		IamIdentityCenterInstanceArn: instance,
	}
	if n.ErrorType != nil {
		out.NamespaceError = &qs.NamespaceError{Type: new(qs.NamespaceErrorType(*n.ErrorType)), Message: n.ErrorMessage}
	}
	return out
}

func namespaceARN(region, account, name string) string {
	return arn.QuickSight(region, account, "namespace/"+name)
}

// onNamespace is the target of operations on a namespace, or on all with a
// wildcard.
func onNamespace(ctx context.Context, account, name string) policy.Target {
	return policy.Target{Resource: namespaceARN(api.Region(ctx), account, name)}
}

// findNamespace reads a namespace in whatever state; ResourceNotFoundException
// when there is none of the name.
func findNamespace(tx *store.Tx, account, name string) (namespace, error) {
	n, err := store.One[namespace](tx, `SELECT `+namespaceColumns+` FROM namespaces WHERE account = $1 AND name = $2`, account, name)
	if errors.Is(err, store.ErrNotFound) {
		return n, noNamespace(account, name)
	}
	return n, err
}

// unusable is the answer of operations in a namespace that is not, or no
// longer, there for them.
func unusable(account, name, status string) error {
	what := "could not be created: create it again"
	switch status {
	case namespaceCreating:
		what = "is being created"
	case namespaceDeleting:
		what = "is being deleted"
	}
	return fault.Precondition("The namespace %s %s. AWS account ID: %s, Namespace: %[1]s. ", name, what, account)
}
