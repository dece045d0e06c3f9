package governance

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) describingProfile(ctx context.Context, in *qs.DescribeLimitsProfileRequest) policy.Target {
	return on(ctx, profiles, in.AccountId, in.ProfileId)
}

func (s *Service) describeLimitsProfile(ctx context.Context, in *qs.DescribeLimitsProfileRequest) (*qs.DescribeLimitsProfileResponse, error) {
	out := &qs.DescribeLimitsProfileResponse{}
	err := s.db.Read(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, in.AccountId); err != nil {
			return err
		}
		it, err := profiles.Get(tx, key(ctx, in.AccountId, in.ProfileId))
		if err != nil {
			return err
		}
		out.Profile = new(shownProfile(it))
		return nil
	})
	return out, err
}
