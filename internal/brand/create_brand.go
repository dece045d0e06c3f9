package brand

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

func (s *Service) creating(ctx context.Context, in *qs.CreateBrandRequest) policy.Target {
	on := onBrand(ctx, in.AwsAccountId, in.BrandId)
	on.Context = resource.RequestTags(in.Tags)
	return on
}

// createBrand makes a brand with its first version. One without a definition
// has its id for a name. The operation declares no ResourceExistsException: an
// id that is taken is a conflict.
func (s *Service) createBrand(ctx context.Context, in *qs.CreateBrandRequest) (*qs.CreateBrandResponse, error) {
	definition := in.BrandDefinition
	if definition == nil {
		definition = &qs.BrandDefinition{BrandName: in.BrandId}
	}
	d, err := read(definition)
	if err != nil {
		return nil, err
	}
	var out *qs.CreateBrandResponse
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		it := &item{Key: key(ctx, in.AwsAccountId, in.BrandId), Status: succeeded}
		if d.remote && s.fetcher != nil {
			it.Status = inProgress
		}
		if err := mayCreate(tx, it.Key); err != nil {
			return err
		}
		describe(it, definition)
		if err := brands.Create(tx, it, s.now()); err != nil {
			return err
		}
		v, err := s.next(ctx, tx, it, d)
		if err != nil {
			return err
		}
		if err := s.tags.Put(tx, it.ARN, in.Tags); err != nil {
			return err
		}
		out = &qs.CreateBrandResponse{}
		out.BrandDetail, out.BrandDefinition, err = s.shown(tx, it, v)
		api.Result(ctx, &qs.CreateBrandResponse{BrandDetail: out.BrandDetail})
		return err
	})
	if err != nil {
		return nil, err
	}
	api.Note(ctx, "brand", *out.BrandDetail.Arn)
	return out, nil
}

func mayCreate(tx *store.Tx, k resource.Key) error {
	taken, err := brands.Has(tx, k)
	if err != nil {
		return err
	}
	if taken {
		return fault.Conflict("Brand %s already exists.", k.ID)
	}
	n, err := brands.Count(tx, k.Account, k.Region)
	if err == nil && n >= maxBrands {
		err = fault.Limit("", "Account %s has %d brands already, which is the limit.", k.Account, n)
	}
	return err
}
