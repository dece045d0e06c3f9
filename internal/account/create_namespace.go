package account

import (
	"context"
	"errors"
	"fmt"

	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

const (
	jobCreateNamespace = "account.create_namespace"

	// lastAttempt is how often making a namespace is tried before the caller is
	// told that it failed, and may ask for it again.
	lastAttempt = 3
	// namespaceQuota is how many namespaces an account has at most, the default
	// one among them (the service's published quota).
	namespaceQuota = 100
)

func (s *Service) creatingNamespace(ctx context.Context, in *qs.CreateNamespaceRequest) policy.Target {
	t := onNamespace(ctx, in.AwsAccountId, in.Namespace)
	t.Context = resource.RequestTags(in.Tags)
	return t
}

// createNamespace begins to make a namespace. The name of one that could not be
// made tries again.
func (s *Service) createNamespace(ctx context.Context, in *qs.CreateNamespaceRequest) (*qs.CreateNamespaceResponse, error) {
	switch in.Namespace {
	case "", ".", "..": // no path leads to a namespace of such a name
		return nil, fault.Invalid("Namespace %q isn't valid: a name has letters, digits, dots, hyphens and underscores, and not dots alone. AWS account ID: %s. ",
			in.Namespace, in.AwsAccountId)
	}
	var made namespace
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		account, err := open(ctx, tx, in.AwsAccountId)
		if err != nil {
			return err
		}
		if account.AuthenticationMethod == string(qs.AuthenticationMethodOptionIAMIdentityCenter) {
			return fault.Denied("Operation is disabled for identities managed by IAM Identity Center")
		}
		made = namespace{
			Account: account.Account, Name: in.Namespace, Region: account.Region, Status: namespaceCreating,
			IdentityStore: string(in.IdentityStore), DirectoryID: newDirectoryID(), CreatedUS: store.Micros(s.now()),
		}
		if err := s.addNamespace(tx, made); err != nil {
			return err
		}
		if len(in.Tags) > 0 {
			if err := s.tags.Put(tx, namespaceARN(made.Region, made.Account, made.Name), in.Tags); err != nil {
				return err
			}
		}
		return job.Add(tx, jobCreateNamespace, namespaceKey(made.Account, made.Name), namespaceJob{made.Account, made.Name}, s.now())
	})
	if err != nil {
		return nil, err
	}
	shown := made.api(nil)
	s.await(ctx, jobCreateNamespace, namespaceKey(made.Account, made.Name))
	return &qs.CreateNamespaceResponse{
		Arn: shown.Arn, Name: shown.Name, CapacityRegion: shown.CapacityRegion,
		CreationStatus: shown.CreationStatus, IdentityStore: shown.IdentityStore,
	}, nil
}

// addNamespace writes a namespace that is being made, if its name is free and
// the account may have one more.
func (s *Service) addNamespace(tx *store.Tx, n namespace) error {
	old, err := store.One[string](tx, `SELECT status FROM namespaces WHERE account = $1 AND name = $2`, n.Account, n.Name)
	switch {
	case errors.Is(err, store.ErrNotFound):
	case err != nil:
		return err
	case old == namespaceDeleting:
		return unusable(n.Account, n.Name, old)
	case old == namespaceFailed:
		_, err := tx.Exec(`UPDATE namespaces SET status = $3, error_type = NULL, error_message = NULL WHERE account = $1 AND name = $2`,
			n.Account, n.Name, namespaceCreating)
		return err
	default:
		return fault.Exists(fault.Namespace, "AWS account ID: %s, Namespace: %s already exists. ", n.Account, n.Name)
	}
	count, err := store.One[int](tx, `SELECT COUNT(*) FROM namespaces WHERE account = $1`, n.Account)
	if err != nil {
		return err
	}
	if count >= s.namespaceQuota {
		return fault.Limit(fault.Namespace, "An account has at most %d namespaces. AWS account ID: %s, Namespace: %s. ", s.namespaceQuota, n.Account, n.Name)
	}
	if err := store.Insert(tx, "namespaces", n); err != nil {
		return fmt.Errorf("insert namespace %s of %s: %w", n.Name, n.Account, err)
	}
	return nil
}

// namespaceJob is the payload of jobs on a namespace.
type namespaceJob struct {
	Account   string `json:"account"`
	Namespace string `json:"namespace"`
}

// namespaceKey is what such a job is about.
func namespaceKey(account, name string) string { return account + "/" + name }

// makeNamespace is the job behind CREATING.
func (s *Service) makeNamespace(ctx context.Context, j job.Job) error {
	var of namespaceJob
	if err := j.Decode(&of); err != nil {
		return err
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		return settle(tx, of, namespaceCreated, nil)
	})
	if err == nil || ctx.Err() != nil || j.Attempts < lastAttempt {
		return err
	}
	// The log has the cause; the caller learns that another try may help.
	s.log.ErrorContext(ctx, "make namespace", "account", of.Account, "namespace", of.Namespace, "error", err)
	return s.db.Write(ctx, func(tx *store.Tx) error {
		return settle(tx, of, namespaceFailed, &qs.NamespaceError{
			Type:    new(qs.NamespaceErrorTypeInternalServiceError),
			Message: new("The namespace could not be created because of an internal error. Create it again with the same name."),
		})
	})
}

// settle ends the state CREATING; a namespace that is gone, or settled already,
// it leaves alone.
func settle(tx *store.Tx, of namespaceJob, status string, why *qs.NamespaceError) error {
	var kind, message *string
	if why != nil {
		kind, message = new(string(*why.Type)), why.Message
	}
	_, err := tx.Exec(`UPDATE namespaces SET status = $3, error_type = $4, error_message = $5 WHERE account = $1 AND name = $2 AND status = $6`,
		of.Account, of.Namespace, status, kind, message, namespaceCreating)
	return err
}
