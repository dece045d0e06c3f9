package account

import (
	"context"
	"errors"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) describingSettings(_ context.Context, _ *qs.DescribeAccountSettingsRequest) policy.Target {
	return policy.Target{Resource: "*"}
}

func (s *Service) describeAccountSettings(ctx context.Context, in *qs.DescribeAccountSettingsRequest) (*qs.DescribeAccountSettingsResponse, error) {
	out := &qs.DescribeAccountSettingsResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		row, err := open(ctx, tx, in.AwsAccountId)
		if err != nil {
			return err
		}
		out.AccountSettings = &qs.AccountSettings{
			AccountName: &row.Name, Edition: new(qs.Edition(row.Edition)), DefaultNamespace: &row.DefaultNamespace,
			NotificationEmail: &row.NotificationEmail, PublicSharingEnabled: &row.PublicSharing,
			TerminationProtectionEnabled: &row.TerminationProtection,
		}
		return nil
	})
	return out, err
}

func (s *Service) updatingSettings(_ context.Context, _ *qs.UpdateAccountSettingsRequest) policy.Target {
	return policy.Target{Resource: "*"}
}

// updateAccountSettings keeps the notification e-mail where none is given. A
// termination protection that is not given is lifted: the Go SDK, and with it
// Terraform, does not send the member when it is false.
func (s *Service) updateAccountSettings(ctx context.Context, in *qs.UpdateAccountSettingsRequest) (*qs.UpdateAccountSettingsResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		_, err := store.One[string](tx, `SELECT name FROM namespaces WHERE account = $1 AND name = $2 AND status = $3`,
			in.AwsAccountId, in.DefaultNamespace, namespaceCreated)
		if errors.Is(err, store.ErrNotFound) {
			return noNamespace(in.AwsAccountId, in.DefaultNamespace)
		}
		if err != nil {
			return err
		}
		_, err = tx.Exec(`UPDATE subscriptions SET default_namespace = $2, notification_email = COALESCE($3, notification_email),
				termination_protection = $4, updated_us = $5
			WHERE account = $1`,
			in.AwsAccountId, in.DefaultNamespace, in.NotificationEmail,
			in.TerminationProtectionEnabled != nil && *in.TerminationProtectionEnabled, store.Micros(s.now()))
		return err
	})
	return &qs.UpdateAccountSettingsResponse{}, err
}
