package identity

import (
	"context"

	"onsight/internal/fault"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) creatingProfile(ctx context.Context, in *qs.CreateCustomPermissionsRequest) policy.Target {
	return onProfile(ctx, in.AwsAccountId, in.CustomPermissionsName)
}

func (s *Service) createCustomPermissions(ctx context.Context, in *qs.CreateCustomPermissionsRequest) (*qs.CreateCustomPermissionsResponse, error) {
	now := store.Micros(s.now())
	p := profile{Account: in.AwsAccountId, Name: in.CustomPermissionsName, CreatedUS: now, UpdatedUS: now}
	if err := p.set(in.Capabilities, in.Governance); err != nil {
		return nil, err
	}
	out := &qs.CreateCustomPermissionsResponse{}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		region, err := s.accounts.Open(ctx, tx, p.Account)
		if err != nil {
			return err
		}
		out.Arn = new(profileARN(region, p.Account, p.Name))
		err = store.Insert(tx, "custom_permissions", p)
		if store.Duplicate(err) {
			return fault.Exists("", "AWS account ID: %s, Custom permissions name: %s already exists. ", p.Account, p.Name)
		}
		if err != nil || len(in.Tags) == 0 {
			return err
		}
		return s.tags.Put(tx, *out.Arn, in.Tags)
	})
	return out, err
}
