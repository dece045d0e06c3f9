package identity

import (
	"context"

	"onsight/internal/fault"
	"onsight/internal/qs"
	"onsight/internal/store"
)

// invalidParameter is what the two operations below have for an input that
// does not fit the account, beside the InvalidParameterValueException of all.
const invalidParameter = "InvalidParameterException"

// describeSelfUpgradeConfiguration says how requests for a higher role are
// approved.
func (s *Service) describeSelfUpgradeConfiguration(
	ctx context.Context, in *qs.DescribeSelfUpgradeConfigurationRequest,
) (*qs.DescribeSelfUpgradeConfigurationResponse, error) {
	out := &qs.DescribeSelfUpgradeConfigurationResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		tenant, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		status, err := approvalOf(tx, tenant, in.AwsAccountId, in.Namespace)
		out.SelfUpgradeConfiguration = &qs.SelfUpgradeConfiguration{SelfUpgradeStatus: &status}
		return err
	})
	return out, err
}

// updateSelfUpgradeConfiguration sets how requests are approved from now on;
// those that wait go on waiting.
func (s *Service) updateSelfUpgradeConfiguration(
	ctx context.Context, in *qs.UpdateSelfUpgradeConfigurationRequest,
) (*qs.UpdateSelfUpgradeConfigurationResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		tenant, err := s.accounts.Enter(ctx, tx, in.AwsAccountId, in.Namespace)
		if err != nil {
			return err
		}
		if tenant.directory() && in.SelfUpgradeStatus == qs.SelfUpgradeStatusAutoApproval {
			return fault.New(invalidParameter, "AUTO_APPROVAL is not available: the groups of the directory decide about roles. %s", tail(in.AwsAccountId, in.Namespace))
		}
		_, err = tx.Exec(`INSERT INTO self_upgrade_settings (account, namespace, status) VALUES ($1, $2, $3)
			ON CONFLICT (account, namespace) DO UPDATE SET status = $3`, in.AwsAccountId, in.Namespace, string(in.SelfUpgradeStatus))
		return err
	})
	return &qs.UpdateSelfUpgradeConfigurationResponse{}, err
}
