package identity

import (
	"context"

	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) updatingProfile(ctx context.Context, in *qs.UpdateCustomPermissionsRequest) policy.Target {
	return onProfile(ctx, in.AwsAccountId, in.CustomPermissionsName)
}

// updateCustomPermissions replaces capabilities and governance whole.
func (s *Service) updateCustomPermissions(ctx context.Context, in *qs.UpdateCustomPermissionsRequest) (*qs.UpdateCustomPermissionsResponse, error) {
	out := &qs.UpdateCustomPermissionsResponse{}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		region, err := s.accounts.Open(ctx, tx, in.AwsAccountId)
		if err != nil {
			return err
		}
		p, err := findProfile(tx, in.AwsAccountId, in.CustomPermissionsName)
		if err != nil {
			return err
		}
		if err := p.set(in.Capabilities, in.Governance); err != nil {
			return err
		}
		out.Arn = new(profileARN(region, p.Account, p.Name))
		_, err = tx.Exec(`UPDATE custom_permissions SET capabilities = $3, governance = $4, updated_us = $5 WHERE account = $1 AND name = $2`,
			p.Account, p.Name, p.Capabilities, p.Governance, store.Micros(s.now()))
		return err
	})
	return out, err
}
