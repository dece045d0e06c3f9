package governance

import (
	"context"

	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) deletingProfile(ctx context.Context, in *qs.DeleteLimitsProfileRequest) policy.Target {
	return on(ctx, profiles, in.AccountId, in.ProfileId)
}

// deleteLimitsProfile refuses to delete a profile that is assigned: its users
// would be without limits.
func (s *Service) deleteLimitsProfile(ctx context.Context, in *qs.DeleteLimitsProfileRequest) (*qs.DeleteLimitsProfileResponse, error) {
	k := key(ctx, in.AccountId, in.ProfileId)
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.open(ctx, tx, in.AccountId); err != nil {
			return err
		}
		if _, err := profiles.Delete(tx, k); err != nil {
			return err
		}
		n, err := store.One[int64](tx, `SELECT COUNT(*) FROM limits_assignments WHERE account = $1 AND profile = $2`, k.Account, k.ID)
		if err != nil {
			return err
		}
		if n > 0 {
			return fault.Conflict("Limits profile %s can't be deleted while it is assigned; it has %d assignments.", k.ID, n)
		}
		_, err = tx.Exec(`DELETE FROM limits_tokens WHERE account = $1 AND profile = $2`, k.Account, k.ID)
		return err
	})
	if err != nil {
		return nil, err
	}
	note(ctx, profiles.ARN(k))
	return &qs.DeleteLimitsProfileResponse{Arn: profiles.ARN(k)}, nil
}
