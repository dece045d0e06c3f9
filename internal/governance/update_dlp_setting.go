package governance

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

func (s *Service) updatingSetting(ctx context.Context, in *qs.UpdateDlpSettingRequest) policy.Target {
	return on(ctx, settings, in.AwsAccountId, in.DlpSettingId)
}

// updateDlpSetting changes what is given; the provider's configuration is
// replaced as a whole.
func (s *Service) updateDlpSetting(ctx context.Context, in *qs.UpdateDlpSettingRequest) (*qs.UpdateDlpSettingResponse, error) {
	k := key(ctx, in.AwsAccountId, in.DlpSettingId)
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		_, err := settings.Update(tx, k, s.now(), func(it *resource.Item[setting]) error {
			if in.Name != nil {
				it.Name = *in.Name
			}
			if in.Enabled != nil {
				it.Doc.Enabled = *in.Enabled
			}
			if in.ProviderOutageAction != nil {
				it.Doc.OutageAction = *in.ProviderOutageAction
			}
			if in.ProviderType != nil {
				it.Type = string(*in.ProviderType)
			}
			if in.ProviderConfig != nil {
				it.Doc.Provider = in.ProviderConfig
			}
			return checkProvider(qs.DlpProviderType(it.Type), it.Doc.Provider)
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	note(ctx, settings.ARN(k))
	return &qs.UpdateDlpSettingResponse{Arn: settings.ARN(k), DlpSettingId: k.ID}, nil
}
