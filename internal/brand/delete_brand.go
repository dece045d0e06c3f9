package brand

import (
	"context"
	"errors"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) deleting(ctx context.Context, in *qs.DeleteBrandRequest) policy.Target {
	return onBrand(ctx, in.AwsAccountId, in.BrandId)
}

// deleteBrand removes a brand with its versions, images and tags. The brand
// that the account wears stays: it is taken off first.
func (s *Service) deleteBrand(ctx context.Context, in *qs.DeleteBrandRequest) (*qs.DeleteBrandResponse, error) {
	k := key(ctx, in.AwsAccountId, in.BrandId)
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		it, err := brands.Delete(tx, k)
		if err != nil {
			return err
		}
		worn, err := assigned(tx, k.Account)
		if err != nil && !errors.Is(err, store.ErrNotFound) {
			return err
		}
		if worn == k {
			return fault.Conflict("Brand %s can't be deleted while it is assigned to account %s. Delete the assignment first.", k.ID, k.Account)
		}
		for _, table := range []string{"brand_images", "brand_versions"} {
			if _, err := tx.Exec(`DELETE FROM `+table+` WHERE account = $1 AND brand = $2`, k.Account, k.ID); err != nil {
				return err
			}
		}
		return s.tags.Delete(tx, it.ARN)
	})
	if err != nil {
		return nil, err
	}
	api.Note(ctx, "brand", brands.ARN(k))
	return &qs.DeleteBrandResponse{}, nil
}
