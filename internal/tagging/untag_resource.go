package tagging

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) untagging(ctx context.Context, in *qs.UntagResourceRequest) policy.Target {
	var keys policy.Keys
	if len(in.TagKeys) > 0 {
		keys = policy.Keys{"aws:TagKeys": in.TagKeys}
	}
	return on(api.Caller(ctx).Account, in.ResourceArn, keys)
}

// untagResource takes tags off a resource. Keys that it does not have are no
// error: the caller gets what it asked for.
func (s *Service) untagResource(ctx context.Context, in *qs.UntagResourceRequest) (*qs.UntagResourceResponse, error) {
	for _, k := range in.TagKeys {
		if err := checkKey(k); err != nil {
			return nil, err
		}
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		a, err := s.find(ctx, tx, in.ResourceArn)
		if err != nil {
			return err
		}
		for _, k := range in.TagKeys {
			if _, err := tx.Exec(`DELETE FROM tags WHERE account = $1 AND arn = $2 AND key = $3`, a.Account, a.String(), k); err != nil {
				return err
			}
		}
		return nil
	})
	return &qs.UntagResourceResponse{}, err
}
