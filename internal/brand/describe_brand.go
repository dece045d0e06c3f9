package brand

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

func (s *Service) describing(ctx context.Context, in *qs.DescribeBrandRequest) policy.Target {
	return onBrand(ctx, in.AwsAccountId, in.BrandId)
}

// describeBrand describes a version of a brand, the newest where none is named.
func (s *Service) describeBrand(ctx context.Context, in *qs.DescribeBrandRequest) (*qs.DescribeBrandResponse, error) {
	out := &qs.DescribeBrandResponse{}
	err := s.describe(ctx, key(ctx, in.AwsAccountId, in.BrandId), func(tx *store.Tx, it *item) error {
		id := it.Doc.Latest
		if in.VersionId != nil {
			id = *in.VersionId
		}
		v, err := findVersion(tx, in.AwsAccountId, in.BrandId, id)
		if err != nil {
			return err
		}
		out.BrandDetail, out.BrandDefinition, err = s.shown(tx, it, v)
		return err
	})
	return out, err
}

// describe reads a brand past the gate, and hands it on.
func (s *Service) describe(ctx context.Context, k resource.Key, with func(*store.Tx, *item) error) error {
	return s.db.Read(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, k.Account); err != nil {
			return err
		}
		it, err := brands.Get(tx, k)
		if err != nil {
			return err
		}
		return with(tx, it)
	})
}
