package signin

import (
	"context"

	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

func (s *Service) listingFactors(ctx context.Context, in *onsightapi.ListSignInFactorsRequest) policy.Target {
	return onUser(ctx, in.AwsAccountId, in.Namespace, in.UserName)
}

// listFactors lists what a user can show beside the password.
func (s *Service) listFactors(ctx context.Context, in *onsightapi.ListSignInFactorsRequest) (*onsightapi.ListSignInFactorsResponse, error) {
	out := &onsightapi.ListSignInFactorsResponse{}
	err := s.DB.Read(ctx, func(tx *store.Tx) error {
		p, err := s.user(ctx, tx, in.AwsAccountId, in.Namespace, in.UserName)
		if err != nil {
			return err
		}
		found, err := policyOf(tx, p.Account)
		if err != nil {
			return err
		}
		f, err := s.factorsOf(tx, p)
		if err != nil {
			return err
		}
		out.Factors, out.RecoveryCodesLeft, out.Required = []onsightapi.SignInFactor{}, &f.Codes, new(requires(found, p))
		if f.App != nil {
			out.Factors = append(out.Factors, onsightapi.SignInFactor{
				Type: new(onsightapi.SignInFactorTypeTotp), CreatedTime: new(store.Time(f.App.CreatedUS)), LastUsedTime: new(store.Time(f.App.UsedUS)),
			})
		}
		for _, k := range f.Passkeys {
			out.Factors = append(out.Factors, onsightapi.SignInFactor{
				Type: new(onsightapi.SignInFactorTypePasskey), Name: &k.Name, BackedUp: &k.BackedUp, CreatedTime: new(k.Created()), LastUsedTime: new(k.Used()),
			})
		}
		return nil
	})
	return out, err
}
