package brand

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

func (s *Service) updating(ctx context.Context, in *qs.UpdateBrandRequest) policy.Target {
	return onBrand(ctx, in.AwsAccountId, in.BrandId)
}

// updateBrand makes another version; the published one stays what it is. A call
// without a definition changes nothing, and describes the newest version.
func (s *Service) updateBrand(ctx context.Context, in *qs.UpdateBrandRequest) (*qs.UpdateBrandResponse, error) {
	var d draft
	if in.BrandDefinition != nil {
		var err error
		if d, err = read(in.BrandDefinition); err != nil {
			return nil, err
		}
	}
	k := key(ctx, in.AwsAccountId, in.BrandId)
	var out *qs.UpdateBrandResponse
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		it, v, err := s.update(ctx, tx, k, d)
		if err != nil {
			return err
		}
		out = &qs.UpdateBrandResponse{}
		out.BrandDetail, out.BrandDefinition, err = s.shown(tx, it, v)
		api.Result(ctx, &qs.UpdateBrandResponse{BrandDetail: out.BrandDetail})
		return err
	})
	if err != nil {
		return nil, err
	}
	api.Note(ctx, "brand", *out.BrandDetail.Arn)
	return out, nil
}

func (s *Service) update(ctx context.Context, tx *store.Tx, k resource.Key, d draft) (*item, version, error) {
	if d.definition == nil {
		it, err := brands.Get(tx, k)
		if err != nil {
			return nil, version{}, err
		}
		v, err := findVersion(tx, k.Account, k.ID, it.Doc.Latest)
		return it, v, err
	}
	it, err := brands.Update(tx, k, s.now(), func(it *item) error {
		describe(it, d.definition)
		if it.Status == failed && (!d.remote || s.fetcher == nil) {
			it.Status = succeeded
		}
		return nil
	})
	if err != nil {
		return nil, version{}, err
	}
	v, err := s.next(ctx, tx, it, d)
	return it, v, err
}
