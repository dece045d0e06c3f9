package governance

import (
	"context"

	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// unassigningProfile cannot know the profile yet: a policy must allow it for all.
func (s *Service) unassigningProfile(ctx context.Context, in *onsightapi.UnassignLimitsProfileRequest) policy.Target {
	return on(ctx, profiles, in.AwsAccountId, "*")
}

// unassignLimitsProfile takes the profile away from a user, a group, a role or
// the account.
func (s *Service) unassignLimitsProfile(ctx context.Context, in *onsightapi.UnassignLimitsProfileRequest) (*onsightapi.UnassignLimitsProfileResponse, error) {
	kind, target, _, err := whom(in.AwsAccountId, in.Principal, in.Role)
	if err != nil {
		return nil, err
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		n, err := tx.Exec(`DELETE FROM limits_assignments WHERE account = $1 AND kind = $2 AND target = $3`, in.AwsAccountId, kind, target)
		if err == nil && n == 0 {
			err = fault.NotFound("", "No limits profile is assigned there.")
		}
		return err
	})
	return &onsightapi.UnassignLimitsProfileResponse{}, err
}
