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

const jobUnsubscribe = "account.unsubscribe"

func (s *Service) deleting(ctx context.Context, in *qs.DeleteAccountSubscriptionRequest) policy.Target {
	return onAccount(ctx, in.AwsAccountId)
}

// deleteAccountSubscription ends a subscription, with all that the account has
// in every region. Termination protection must have been lifted.
func (s *Service) deleteAccountSubscription(ctx context.Context, in *qs.DeleteAccountSubscriptionRequest) (*qs.DeleteAccountSubscriptionResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		row, err := find(tx, in.AwsAccountId)
		if errors.Is(err, store.ErrNotFound) || err == nil && row.Status == unsubscribed {
			return notSignedUp(in.AwsAccountId)
		}
		if err != nil {
			return err
		}
		// The edition does not matter: whoever has one may leave.
		if err := admit(ctx, row.Region, ""); err != nil {
			return err
		}
		if row.Status != created {
			return fault.Precondition("The account subscription is in state %s. AWS account ID: %s. ", row.Status, row.Account)
		}
		if row.TerminationProtection {
			return fault.Precondition("Account termination protection is enabled. Set TerminationProtectionEnabled to false with "+
				"UpdateAccountSettings before you delete the account subscription. AWS account ID: %s. ", row.Account)
		}
		_, err = tx.Exec(`UPDATE subscriptions SET status = $2, updated_us = $3 WHERE account = $1`,
			row.Account, unsubscribing, store.Micros(s.now()))
		if err != nil {
			return err
		}
		return job.Add(tx, jobUnsubscribe, row.Account, nil, s.now())
	})
	if err != nil {
		return nil, err
	}
	s.await(ctx, jobUnsubscribe, in.AwsAccountId)
	return &qs.DeleteAccountSubscriptionResponse{}, nil
}

// unsubscribe is the job behind UNSUBSCRIBE_IN_PROGRESS. Each step can be
// repeated, and none is taken for an account that has come back.
func (s *Service) unsubscribe(ctx context.Context, j job.Job) error {
	account := j.Key
	var status string
	err := s.db.Read(ctx, func(tx *store.Tx) (err error) {
		status, err = store.One[string](tx, `SELECT status FROM subscriptions WHERE account = $1`, account)
		return err
	})
	if errors.Is(err, store.ErrNotFound) || err == nil && status != unsubscribing {
		return nil
	}
	if err != nil {
		return err
	}
	for _, purge := range s.purges {
		if err := purge(ctx, account); err != nil {
			return fmt.Errorf("purge account %s: %w", account, err)
		}
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		for _, deletion := range []string{
			`DELETE FROM namespaces WHERE account = $1`,
			`DELETE FROM account_documents WHERE account = $1`,
		} {
			if _, err := tx.Exec(deletion, account); err != nil {
				return err
			}
		}
		s.addresses.changed(tx, account)
		_, err := tx.Exec(`UPDATE subscriptions SET status = $2, public_sharing = FALSE, name_key = NULL, contact = '{}', directory = '{}', subscriber = '{}', updated_us = $3
			WHERE account = $1`, account, unsubscribed, store.Micros(s.now()))
		return err
	})
}
