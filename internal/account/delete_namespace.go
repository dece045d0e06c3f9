package account

import (
	"context"
	"errors"
	"fmt"

	"onsight/internal/fault"
	"onsight/internal/job"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

const jobDeleteNamespace = "account.delete_namespace"

func (s *Service) deletingNamespace(ctx context.Context, in *qs.DeleteNamespaceRequest) policy.Target {
	return onNamespace(ctx, in.AwsAccountId, in.Namespace)
}

// deleteNamespace begins to delete a namespace with its users and groups. What
// they own stays.
func (s *Service) deleteNamespace(ctx context.Context, in *qs.DeleteNamespaceRequest) (*qs.DeleteNamespaceResponse, error) {
	key := namespaceKey(in.AwsAccountId, in.Namespace)
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		account, err := open(ctx, tx, in.AwsAccountId)
		if err != nil {
			return err
		}
		n, err := findNamespace(tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		switch {
		case n.Name == defaultNamespace:
			return fault.Precondition("The namespace default can't be deleted. AWS account ID: %s, Namespace: %s. ", n.Account, n.Name)
		case n.Name == account.DefaultNamespace:
			return fault.Precondition("The namespace %s can't be deleted while it is the account's default namespace: name another one with UpdateAccountSettings. "+
				"AWS account ID: %s, Namespace: %[1]s. ", n.Name, n.Account)
		case n.Status == namespaceCreating, n.Status == namespaceDeleting:
			return unusable(n.Account, n.Name, n.Status)
		}
		_, err = tx.Exec(`UPDATE namespaces SET status = $3 WHERE account = $1 AND name = $2`, n.Account, n.Name, namespaceDeleting)
		if err != nil {
			return err
		}
		return job.Add(tx, jobDeleteNamespace, key, namespaceJob{n.Account, n.Name}, s.now())
	})
	if err != nil {
		return nil, err
	}
	s.await(ctx, jobDeleteNamespace, key)
	return &qs.DeleteNamespaceResponse{}, nil
}

// Leaving tells whether a namespace is being deleted, and the identity region
// of its account. Who purges one asks in each transaction: it may be gone, and
// another of the name be there, before a purge that was held up goes on.
func (s *Service) Leaving(tx *store.Tx, account, name string) (region string, leaving bool, err error) {
	n, err := store.One[namespace](tx, `SELECT `+namespaceColumns+` FROM namespaces WHERE account = $1 AND name = $2`, account, name)
	if errors.Is(err, store.ErrNotFound) {
		return "", false, nil
	}
	return n.Region, n.Status == namespaceDeleting, err
}

// unmakeNamespace is the job behind DELETING. Each step can be repeated.
func (s *Service) unmakeNamespace(ctx context.Context, j job.Job) error {
	var of namespaceJob
	if err := j.Decode(&of); err != nil {
		return err
	}
	for _, purge := range s.namespacePurges {
		if err := purge(ctx, of.Account, of.Namespace); err != nil {
			return fmt.Errorf("purge namespace %s of %s: %w", of.Namespace, of.Account, err)
		}
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		region, leaving, err := s.Leaving(tx, of.Account, of.Namespace)
		if err != nil || !leaving {
			return err
		}
		if err := s.forgetSettings(tx, of.Account, of.Namespace); err != nil {
			return err
		}
		for _, departed := range s.departed {
			if err := departed(tx, namespaceARN(region, of.Account, of.Namespace)); err != nil {
				return err
			}
		}
		_, err = tx.Exec(`DELETE FROM namespaces WHERE account = $1 AND name = $2`, of.Account, of.Namespace)
		return err
	})
}

// forgetSettings removes what is set for a namespace.
func (s *Service) forgetSettings(tx *store.Tx, account, name string) error {
	regions, err := store.All[string](tx, `SELECT region FROM account_documents WHERE account = $1 AND kind = $2 AND namespace = $3`,
		account, string(customizations), name)
	if err != nil {
		return err
	}
	for _, region := range regions {
		if err := s.tags.Delete(tx, customizationARN(region, account, name)); err != nil {
			return err
		}
	}
	_, err = tx.Exec(`DELETE FROM account_documents WHERE account = $1 AND namespace = $2`, account, name)
	return err
}
