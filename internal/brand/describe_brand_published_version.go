package brand

import (
	"context"

	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) describingPublished(ctx context.Context, in *qs.DescribeBrandPublishedVersionRequest) policy.Target {
	return onBrand(ctx, in.AwsAccountId, in.BrandId)
}

// describeBrandPublishedVersion describes the version that people see. A brand
// has none until one is published.
func (s *Service) describeBrandPublishedVersion(ctx context.Context, in *qs.DescribeBrandPublishedVersionRequest) (*qs.DescribeBrandPublishedVersionResponse, error) {
	out := &qs.DescribeBrandPublishedVersionResponse{}
	err := s.describe(ctx, key(ctx, in.AwsAccountId, in.BrandId), func(tx *store.Tx, it *item) error {
		if it.Doc.Published == "" {
			return fault.NotFound("", "Brand %s has no published version.", it.ID)
		}
		v, err := findVersion(tx, in.AwsAccountId, in.BrandId, it.Doc.Published)
		if err != nil {
			return err
		}
		out.BrandDetail, out.BrandDefinition, err = s.shown(tx, it, v)
		return err
	})
	return out, err
}
