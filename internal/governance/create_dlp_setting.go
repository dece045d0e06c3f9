package governance

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

func (s *Service) creatingSetting(ctx context.Context, in *qs.CreateDlpSettingRequest) policy.Target {
	target := on(ctx, settings, in.AwsAccountId, in.DlpSettingId)
	target.Context = resource.RequestTags(in.Tags)
	return target
}

// createDlpSetting keeps a setting for when there is something to label.
func (s *Service) createDlpSetting(ctx context.Context, in *qs.CreateDlpSettingRequest) (*qs.CreateDlpSettingResponse, error) {
	if err := checkProvider(in.ProviderType, in.ProviderConfig); err != nil {
		return nil, err
	}
	k := key(ctx, in.AwsAccountId, in.DlpSettingId)
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		it := &resource.Item[setting]{
			Key: k, Name: in.Name, Type: string(in.ProviderType),
			Doc: setting{Enabled: in.Enabled, OutageAction: in.ProviderOutageAction, Provider: in.ProviderConfig},
		}
		if err := create(tx, settings, it, maxSettings, s.now()); err != nil {
			return err
		}
		return s.tags.Put(tx, it.ARN, in.Tags)
	})
	if err != nil {
		return nil, err
	}
	note(ctx, settings.ARN(k))
	return &qs.CreateDlpSettingResponse{Arn: settings.ARN(k), DlpSettingId: k.ID}, nil
}
