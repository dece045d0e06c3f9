package governance

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) describingSetting(ctx context.Context, in *qs.DescribeDlpSettingRequest) policy.Target {
	return on(ctx, settings, in.AwsAccountId, in.DlpSettingId)
}

func (s *Service) describeDlpSetting(ctx context.Context, in *qs.DescribeDlpSettingRequest) (*qs.DescribeDlpSettingResponse, error) {
	out := &qs.DescribeDlpSettingResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		it, err := settings.Get(tx, key(ctx, in.AwsAccountId, in.DlpSettingId))
		if err != nil {
			return err
		}
		out.DlpSetting = &qs.DlpSettingDetails{
			Arn: it.ARN, DlpSettingId: it.ID, Name: it.Name, ProviderType: qs.DlpProviderType(it.Type), ProviderConfig: it.Doc.Provider,
			ProviderOutageAction: it.Doc.OutageAction, Status: statusOf(it.Doc), CreatedAt: &it.Created, UpdatedAt: &it.Updated,
		}
		return nil
	})
	return out, err
}
