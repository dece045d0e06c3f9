package connector

import (
	"context"

	"onsight/internal/api"
	"onsight/internal/policy"
	"onsight/internal/qs"
	"onsight/internal/store"
)

func (s *Service) updating(ctx context.Context, in *qs.UpdateActionConnectorRequest) policy.Target {
	return onConnector(ctx, in.AwsAccountId, in.ActionConnectorId)
}

// updateActionConnector replaces the settings of a connector once they have
// been checked. A description or VPC connection that is not given goes away.
// The type cannot change.
func (s *Service) updateActionConnector(ctx context.Context, in *qs.UpdateActionConnectorRequest) (*qs.UpdateActionConnectorResponse, error) {
	r, err := s.read(in.AwsAccountId, in.Name, in.Description, in.VpcConnectionArn, in.AuthenticationConfig)
	if err != nil {
		return nil, err
	}
	k := key(ctx, in.AwsAccountId, in.ActionConnectorId)
	var it *item
	err = s.settled(ctx, connectors.ARN(k), func() error {
		return s.db.Write(ctx, func(tx *store.Tx) error {
			if err := s.accounts.Subscribed(tx, in.AwsAccountId); err != nil {
				return err
			}
			next, err := connectors.Update(tx, k, s.now(), func(it *item) error { return s.change(tx, it, r) })
			if err != nil {
				return err
			}
			it = next
			return s.begin(tx, it, r.secret)
		})
	})
	if err != nil {
		return nil, err
	}
	api.Note(ctx, "connector", it.ARN)
	return &qs.UpdateActionConnectorResponse{
		Arn: &it.ARN, ActionConnectorId: &it.ID, UpdateStatus: new(qs.ResourceStatus(it.Status)),
	}, nil
}

// change puts new settings beside those in force.
func (s *Service) change(tx *store.Tx, it *item, r request) error {
	if err := connectors.Move(it, updating); err != nil {
		return err
	}
	if err := r.suits(qs.ActionConnectorType(it.Type)); err != nil {
		return err
	}
	if err := s.use(tx, &r); err != nil {
		return err
	}
	if r.keep {
		if err := r.keepFrom(it.Doc.Settings.Auth); err != nil {
			return err
		}
	} else if r.secret != "" {
		r.Auth.SecretVersion = it.Version + 1 // the version that this change makes
	}
	it.Doc.Pending = &r.settings
	return nil
}
