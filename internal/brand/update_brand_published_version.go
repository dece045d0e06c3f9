package brand

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) publishing(ctx context.Context, in *qs.UpdateBrandPublishedVersionRequest) policy.Target {
	return onBrand(ctx, in.AwsAccountId, in.BrandId)
}

// updateBrandPublishedVersion publishes a version, an older one too. One whose
// images are not there yet, or never will be, cannot be published.
func (s *Service) updateBrandPublishedVersion(ctx context.Context, in *qs.UpdateBrandPublishedVersionRequest) (*qs.UpdateBrandPublishedVersionResponse, error) {
	k := key(ctx, in.AwsAccountId, in.BrandId)
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		_, err := brands.Update(tx, k, s.now(), func(it *item) error {
			v, err := findVersion(tx, k.Account, k.ID, in.VersionId)
			if err != nil {
				return err
			}
			if v.Status != succeeded {
				return fault.Conflict("Version %s of brand %s can't be published while its status is %s.", v.Version, k.ID, v.Status)
			}
			it.Doc.Published = v.Version
			return nil
		})
		s.themes.changed(tx, k.Account)
		return err
	})
	if err != nil {
		return nil, err
	}
	api.Note(ctx, "brand", brands.ARN(k))
	return &qs.UpdateBrandPublishedVersionResponse{VersionId: &in.VersionId}, nil
}
