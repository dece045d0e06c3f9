package account

import (
	"context"

	"onsight/internal/qs"
	"onsight/internal/store"
)

// tokenExchange says that the application of a namespace may exchange tokens of
// its users at the identity centre.
const tokenExchange kind[bool] = "token-exchange-grant"

// updateApplicationWithTokenExchangeGrant gives the application the grant; one
// that has it keeps it.
func (s *Service) updateApplicationWithTokenExchangeGrant(ctx context.Context, in *qs.UpdateApplicationWithTokenExchangeGrantRequest) (*qs.UpdateApplicationWithTokenExchangeGrantResponse, error) {
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := centred(ctx, tx, in.AwsAccountId); err != nil {
			return err
		}
		if _, err := s.Enter(ctx, tx, in.AwsAccountId, in.Namespace); err != nil {
			return err
		}
		return tokenExchange.write(tx, place{account: in.AwsAccountId, namespace: in.Namespace}, true, s.now())
	})
	return &qs.UpdateApplicationWithTokenExchangeGrantResponse{}, err
}
