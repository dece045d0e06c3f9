package signin

import (
	"context"
	"errors"

	"onsight/internal/onsightapi"
	"onsight/internal/policy"
	"onsight/internal/store"
)

// Whom an account asks for a second factor.
const (
	policyOff            = string(onsightapi.SecondFactorPolicyOff)
	policyOptional       = string(onsightapi.SecondFactorPolicyOptional)
	policyAdministrators = string(onsightapi.SecondFactorPolicyRequiredForAdministrators)
	policyRequired       = string(onsightapi.SecondFactorPolicyRequired)
)

// policyOf is an account's policy.
func policyOf(tx *store.Tx, account string) (string, error) {
	found, err := store.One[string](tx, `SELECT policy FROM factor_policies WHERE account = $1`, account)
	if errors.Is(err, store.ErrNotFound) {
		return policyOptional, nil
	}
	return found, err
}

// requires tells whether a policy lets a person in with a second factor alone.
func requires(policy string, p Person) bool {
	return policy == policyRequired || policy == policyAdministrators && (p.Role == "ADMIN" || p.Role == "ADMIN_PRO")
}

func (s *Service) gettingFactorPolicy(ctx context.Context, in *onsightapi.GetSecondFactorPolicyRequest) policy.Target {
	return onUser(ctx, in.AwsAccountId, "*", "*")
}

// getFactorPolicy tells whom an account asks for a second factor.
func (s *Service) getFactorPolicy(ctx context.Context, in *onsightapi.GetSecondFactorPolicyRequest) (*onsightapi.GetSecondFactorPolicyResponse, error) {
	out := &onsightapi.GetSecondFactorPolicyResponse{}
	err := s.DB.Read(ctx, func(tx *store.Tx) error {
		if err := s.subscribed(tx, in.AwsAccountId); err != nil {
			return err
		}
		found, err := policyOf(tx, in.AwsAccountId)
		out.Policy = new(onsightapi.SecondFactorPolicy(found))
		return err
	})
	return out, err
}

func (s *Service) puttingFactorPolicy(ctx context.Context, in *onsightapi.PutSecondFactorPolicyRequest) policy.Target {
	return onUser(ctx, in.AwsAccountId, "*", "*")
}

// putFactorPolicy says whom an account asks for a second factor. It holds at
// once: a session that was begun with less than it wants lets nobody go on.
func (s *Service) putFactorPolicy(ctx context.Context, in *onsightapi.PutSecondFactorPolicyRequest) (*onsightapi.PutSecondFactorPolicyResponse, error) {
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		if err := s.subscribed(tx, in.AwsAccountId); err != nil {
			return err
		}
		_, err := tx.Exec(`INSERT INTO factor_policies (account, policy, changed_us) VALUES ($1, $2, $3)
			ON CONFLICT (account) DO UPDATE SET policy = excluded.policy, changed_us = excluded.changed_us`, in.AwsAccountId, string(in.Policy), store.Micros(s.Now()))
		return err
	})
	return &onsightapi.PutSecondFactorPolicyResponse{Policy: &in.Policy}, err
}
