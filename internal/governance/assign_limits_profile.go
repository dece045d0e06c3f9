package governance

import (
	"context"

	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) assigningProfile(ctx context.Context, in *onsightapi.AssignLimitsProfileRequest) policy.Target {
	return on(ctx, profiles, in.AwsAccountId, in.ProfileId)
}

// assignLimitsProfile gives a user, a group, a role or the account a profile,
// in the place of the one before. The real service does that in its console
// alone.
func (s *Service) assignLimitsProfile(ctx context.Context, in *onsightapi.AssignLimitsProfileRequest) (*onsightapi.AssignLimitsProfileResponse, error) {
	kind, target, principal, err := whom(in.AwsAccountId, in.Principal, in.Role)
	if err != nil {
		return nil, err
	}
	a := assignment{Account: in.AwsAccountId, Kind: kind, Target: target, Profile: in.ProfileId, UpdatedUS: store.Micros(s.now())}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		if _, err := profiles.Get(tx, key(ctx, in.AwsAccountId, in.ProfileId)); err != nil {
			return err
		}
		if in.Principal != nil {
			if err := s.mustBeThere(tx, principal); err != nil {
				return err
			}
		}
		_, err := tx.Exec(`INSERT INTO limits_assignments (`+assignmentColumns+`) VALUES ($1, $2, $3, $4, $5)
			ON CONFLICT (account, kind, target) DO UPDATE SET profile = excluded.profile, updated_us = excluded.updated_us`,
			a.Account, a.Kind, a.Target, a.Profile, a.UpdatedUS)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &onsightapi.AssignLimitsProfileResponse{Assignment: new(a.shown())}, nil
}
