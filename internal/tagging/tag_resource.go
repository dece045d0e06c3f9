package tagging

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

func (s *Service) tagging(ctx context.Context, in *qs.TagResourceRequest) policy.Target {
	return on(api.Caller(ctx).Account, in.ResourceArn, resource.RequestTags(in.Tags))
}

// tagResource adds tags to a resource; a key that it has gets the new value.
func (s *Service) tagResource(ctx context.Context, in *qs.TagResourceRequest) (*qs.TagResourceResponse, error) {
	if err := check(in.Tags); err != nil {
		return nil, err
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		a, err := s.find(ctx, tx, in.ResourceArn)
		if err != nil {
			return err
		}
		if err := put(tx, a, in.Tags); err != nil {
			return err
		}
		n, err := count(tx, a)
		if err == nil && n > maxTags {
			err = fault.Limit("", "A resource has at most %d tags; with those of the request it would have %d.", maxTags, n)
		}
		return err
	})
	return &qs.TagResourceResponse{}, err
}
