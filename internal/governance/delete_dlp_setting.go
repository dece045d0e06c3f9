package governance

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) deletingSetting(ctx context.Context, in *qs.DeleteDlpSettingRequest) policy.Target {
	return on(ctx, settings, in.AwsAccountId, in.DlpSettingId)
}

func (s *Service) deleteDlpSetting(ctx context.Context, in *qs.DeleteDlpSettingRequest) (*qs.DeleteDlpSettingResponse, error) {
	k := key(ctx, in.AwsAccountId, in.DlpSettingId)
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		it, err := settings.Delete(tx, k)
		if err != nil {
			return err
		}
		return s.tags.Delete(tx, it.ARN)
	})
	if err != nil {
		return nil, err
	}
	note(ctx, settings.ARN(k))
	return &qs.DeleteDlpSettingResponse{Arn: settings.ARN(k), DlpSettingId: k.ID}, nil
}
