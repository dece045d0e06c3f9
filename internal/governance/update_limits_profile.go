package governance

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/resource"
	"onsight/internal/store"
)

func (s *Service) updatingProfile(ctx context.Context, in *qs.UpdateLimitsProfileRequest) policy.Target {
	return on(ctx, profiles, in.AccountId, in.ProfileId)
}

// updateLimitsProfile changes what is given; resourceLimits are replaced as a
// whole. The users of the profile have the new limits at once.
func (s *Service) updateLimitsProfile(ctx context.Context, in *qs.UpdateLimitsProfileRequest) (*qs.UpdateLimitsProfileResponse, error) {
	if in.ResourceLimits != nil {
		if err := checkLimits(in.ResourceLimits); err != nil {
			return nil, err
		}
	}
	k := key(ctx, in.AccountId, in.ProfileId)
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, in.AccountId); err != nil {
			return err
		}
		_, err := profiles.Update(tx, k, s.now(), func(it *resource.Item[profile]) error {
			if in.ProfileName != nil {
				it.Name = *in.ProfileName
			}
			if in.Description != nil {
				it.Doc.Description = in.Description
			}
			if in.ResourceLimits != nil {
				it.Doc.Limits = in.ResourceLimits
			}
			return nameFree(tx, k, it.Name)
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	note(ctx, profiles.ARN(k))
	return &qs.UpdateLimitsProfileResponse{Arn: profiles.ARN(k)}, nil
}
