package brand

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/page"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

func (s *Service) listing(ctx context.Context, in *qs.ListBrandsRequest) policy.Target {
	return onBrand(ctx, in.AwsAccountId, "*")
}

// listBrands lists the brands of an account by id, each as its newest version
// has it.
func (s *Service) listBrands(ctx context.Context, in *qs.ListBrandsRequest) (*qs.ListBrandsResponse, error) {
	scope := page.Scope("ListBrands", in.AwsAccountId, api.Region(ctx))
	p, err := s.tokens.Page(scope, in.NextToken, in.MaxResults, page.Usual)
	if err != nil {
		return nil, err
	}
	out := &qs.ListBrandsResponse{}
	err = s.db.Read(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		items, err := brands.List(tx, in.AwsAccountId, api.Region(ctx), resource.Filter{}, p.After(0), p.Limit+1)
		if err != nil {
			return err
		}
		if page.Cut(p, &items) {
			out.NextToken = p.Next(items[len(items)-1].ID)
		}
		out.Brands = make([]qs.BrandSummary, len(items))
		for i, it := range items {
			out.Brands[i] = qs.BrandSummary{
				Arn: &it.ARN, BrandId: &it.ID, BrandName: &it.Name, BrandStatus: new(qs.BrandStatus(it.Status)),
				CreatedTime: &it.Created, LastUpdatedTime: &it.Updated,
			}
			if it.Doc.Description != "" {
				out.Brands[i].Description = &it.Doc.Description
			}
		}
		return nil
	})
	return out, err
}
