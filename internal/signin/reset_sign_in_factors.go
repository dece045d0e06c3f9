package signin

import (
	"context"

	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) resettingFactors(ctx context.Context, in *onsightapi.ResetSignInFactorsRequest) policy.Target {
	return onUser(ctx, in.AwsAccountId, in.Namespace, in.UserName)
}

// resetFactors takes all second factors from someone who has lost them, and
// signs them out everywhere. Where the account requires one, they add another
// when they sign in next.
func (s *Service) resetFactors(ctx context.Context, in *onsightapi.ResetSignInFactorsRequest) (*onsightapi.ResetSignInFactorsResponse, error) {
	var n int64
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		p, err := s.user(ctx, tx, in.AwsAccountId, in.Namespace, in.UserName)
		if err != nil {
			return err
		}
		if n, err = forgetFactors(tx, p.Account, p.Namespace, p.Name); err != nil {
			return err
		}
		return s.EndSessions(tx, p.Account, p.Namespace, p.Name, nil)
	})
	return &onsightapi.ResetSignInFactorsResponse{Removed: &n}, err
}
