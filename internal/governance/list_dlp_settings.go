package governance

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
)

func (s *Service) listingSettings(ctx context.Context, in *qs.ListDlpSettingsRequest) policy.Target {
	return on(ctx, settings, in.AwsAccountId, "*")
}

// listDlpSettings lists the settings by id. The model lets a page hold ten.
func (s *Service) listDlpSettings(ctx context.Context, in *qs.ListDlpSettingsRequest) (*qs.ListDlpSettingsResponse, error) {
	scope := page.Scope("ListDlpSettings", in.AwsAccountId, api.Region(ctx))
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	p.Limit = min(p.Limit, maxSettings)
	items, next, err := list(ctx, s, settings, in.AwsAccountId, p, all[setting])
	if err != nil {
		return nil, err
	}
	out := &qs.ListDlpSettingsResponse{NextToken: next, DlpSettingSummaries: make([]qs.DlpSettingSummary, len(items))}
	for i, it := range items {
		out.DlpSettingSummaries[i] = qs.DlpSettingSummary{
			Arn: it.ARN, DlpSettingId: it.ID, Name: it.Name, ProviderType: qs.DlpProviderType(it.Type), Status: statusOf(it.Doc),
			CreatedAt: &it.Created, UpdatedAt: &it.Updated,
		}
	}
	return out, nil
}
