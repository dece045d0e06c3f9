package tagging

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) listing(ctx context.Context, in *qs.ListTagsForResourceRequest) policy.Target {
	return on(api.Caller(ctx).Account, in.ResourceArn, nil)
}

// listTagsForResource gives the tags of a resource, by key.
func (s *Service) listTagsForResource(ctx context.Context, in *qs.ListTagsForResourceRequest) (*qs.ListTagsForResourceResponse, error) {
	out := &qs.ListTagsForResourceResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		_, err := s.find(ctx, tx, in.ResourceArn)
		if err != nil {
			return err
		}
		out.Tags, err = s.Of(tx, in.ResourceArn)
		return err
	})
	return out, err
}
