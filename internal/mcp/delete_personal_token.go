package mcp

import (
	"context"

	"onsight/internal/fault"
	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) deletingToken(ctx context.Context, in *onsightapi.DeletePersonalTokenRequest) policy.Target {
	return onUser(ctx, in.AwsAccountId, in.Namespace, in.UserName)
}

// deleteToken ends a personal token at once, of whomever the caller may.
func (s *Service) deleteToken(ctx context.Context, in *onsightapi.DeletePersonalTokenRequest) (*onsightapi.DeletePersonalTokenResponse, error) {
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		p, err := s.People.Enter(ctx, tx, in.AwsAccountId, in.Namespace, in.UserName)
		if err != nil {
			return err
		}
		n, err := dropToken(tx, &p, in.TokenId)
		if err == nil && n == 0 {
			err = fault.NotFound("", "User %s has no personal token with id %s.", p.Name, in.TokenId)
		}
		return err
	})
	return &onsightapi.DeletePersonalTokenResponse{}, err
}

func dropToken(tx *store.Tx, p *Person, id string) (int64, error) {
	return tx.Exec(`DELETE FROM personal_tokens WHERE account = $1 AND namespace = $2 AND user_name = $3 AND id = $4`, p.Account, p.Namespace, p.Name, id)
}
