package account

import (
	"context"

	"onsight/internal/qs"
	"onsight/internal/store"
)

// updatePublicSharingSettings lets dashboards of the account be shared with
// everyone on the internet, or ends that. A flag that is not given is false: the
// Go SDK does not send it then.
func (s *Service) updatePublicSharingSettings(ctx context.Context, in *qs.UpdatePublicSharingSettingsRequest) (*qs.UpdatePublicSharingSettingsResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if _, err := open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		_, err := tx.Exec(`UPDATE subscriptions SET public_sharing = $2, updated_us = $3 WHERE account = $1`,
			in.AwsAccountId, in.PublicSharingEnabled != nil && *in.PublicSharingEnabled, store.Micros(s.now()))
		return err
	})
	return &qs.UpdatePublicSharingSettingsResponse{}, err
}
